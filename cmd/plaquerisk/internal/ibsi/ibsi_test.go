package ibsi

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The digital phantom holds, all 482 values of it, and the data inside the
// program are those that the package of the features is tested with.
func TestDigital(t *testing.T) {
	s, err := Digital(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Rows) != 482 || !s.Pass() {
		t.Errorf("%d rows, %d missed", len(s.Rows), len(s.Missed()))
	}
	for name, data := range map[string][]byte{"ibsi1_digital_phantom.csv": phantom, "ibsi1_digital_values.csv": values} {
		text, err := os.ReadFile("../../../../radiomics/testdata/" + name)
		if err != nil || !bytes.Equal(text, data) {
			t.Errorf("%s: not the same data (%v)", name, err)
		}
	}
}

// A value that is wrong, and one that is not computed, are missed.
func TestMissed(t *testing.T) {
	old := values
	defer func() { values = old }()
	lines := strings.SplitN(string(old), "\n", 5)
	if !strings.HasPrefix(lines[2], "RNU0,,3D,Volume,556,") || !strings.HasPrefix(lines[3], "YEKZ") {
		t.Fatalf("the table starts with %q", lines[:4])
	}
	lines[2] = "RNU0,,3D,Volume,570,4"
	lines[3] = strings.Replace(lines[3], "YEKZ", "NONE", 1)
	values = []byte(strings.Join(lines, "\n"))
	s, err := Digital(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	missed := s.Missed()
	if s.Pass() || len(missed) != 2 || missed[0].Code != "RNU0" || !missed[1].Missing {
		t.Errorf("missed %+v", missed)
	}
	s.Allowed = 0.01 // four of 482
	if !s.Pass() {
		t.Error("two rows may miss")
	}
}

// Three significant digits are compared.
func TestRow(t *testing.T) {
	for _, test := range []struct {
		row  Row
		pass bool
	}{
		{Row{Got: 0.86249, Want: 0.862, Digits: 3}, true},
		{Row{Got: 0.8626, Want: 0.862, Digits: 3}, false},
		{Row{Got: 0.8626, Want: 0.862, Digits: 3, Tol: 0.001}, true},
		{Row{Got: 125256.4, Want: 125000, Digits: 3}, true},
		{Row{Got: 1.02, Want: 1, Tol: 0.01}, false},
		{Row{Got: 1, Want: 1, Missing: true}, false},
	} {
		if test.row.Pass() != test.pass {
			t.Errorf("%+v: pass %v", test.row, !test.pass)
		}
	}
}

// A folder with part of the data runs that part and names the others; one
// without any is an error.
func TestAll(t *testing.T) {
	if _, err := All(t.Context(), t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "holds none") {
		t.Errorf("empty folder: %v", err)
	}
	dir := verify.Shared(t, "data")
	if testing.Short() {
		t.Skip("filters several scans")
	}
	part := t.TempDir()
	if err := os.Symlink(dir+"/ibsi2", part+"/ibsi2"); err != nil {
		t.Skip(err)
	}
	suites, err := All(t.Context(), part, nil)
	if err != nil || len(suites) != 5 || suites[3].Skipped == "" || len(suites[2].Rows) != 33 {
		t.Errorf("filters alone: %v, %d suites", err, len(suites))
	}
	if err := os.Symlink(dir+"/ibsi1", part+"/ibsi1"); err != nil {
		t.Skip(err)
	}
	suites, err = All(t.Context(), part, nil)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, s := range suites {
		count += len(s.Rows)
		if s.Skipped != "" && !strings.Contains(s.Name, "phase 3") {
			t.Errorf("%s: skipped: %s", s.Name, s.Skipped)
		}
		if !s.Pass() {
			t.Errorf("%s: %d of %d missed", s.Name, len(s.Missed()), len(s.Rows))
		}
	}
	if want := 1804 + 33 + 323; count != want {
		t.Errorf("%d comparisons, want %d", count, want)
	}
}
