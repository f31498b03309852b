package golden

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Equal content passes; anything else is described by its first line.
func TestDifference(t *testing.T) {
	for _, test := range []struct{ want, got, text string }{
		{"a\nb\n", "a\nb\n", ""},
		{"a\nb\n", "a\nc\n", "line 2:"},
		{"a\nb\n", "a\nb\n\n", "4 lines, want 3"},
		{"", "x", "line 1:"},
	} {
		got := difference([]byte(test.want), []byte(test.got))
		if (got == "") != (test.text == "") || !strings.Contains(got, test.text) {
			t.Errorf("%q and %q: %q, want %q", test.want, test.got, got, test.text)
		}
	}
}

// -update writes the file that the next run compares with.
func TestUpdate(t *testing.T) {
	t.Chdir(t.TempDir())
	old := *update
	defer func() { *update = old }()
	*update = true
	Equal(t, "deep/x.txt", []byte("new"))
	*update = false
	Equal(t, "deep/x.txt", []byte("new"))
	if b, err := os.ReadFile(filepath.Join("testdata", "deep", "x.txt")); err != nil || string(b) != "new" {
		t.Errorf("%q %v", b, err)
	}
}
