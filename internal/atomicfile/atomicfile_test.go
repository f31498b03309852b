package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A folder appears whole, replaces an old one only when asked to, and leaves
// nothing behind when discarded.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "sub", "case")
	put := func(text string, overwrite, commit bool) error {
		f, err := NewFolder(target, overwrite)
		if err != nil {
			return err
		}
		defer f.Discard()
		if err := os.WriteFile(filepath.Join(f.Dir, "x"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if !commit {
			return nil
		}
		return f.Commit()
	}
	if err := put("one", false, true); err != nil {
		t.Fatal(err)
	}
	if err := put("two", false, true); !errors.Is(err, ErrExists) {
		t.Errorf("second folder: %v, want ErrExists", err)
	}
	if err := put("three", true, false); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(filepath.Join(target, "x")); string(got) != "one" {
		t.Errorf("x holds %q, want one", got)
	}
	if err := put("four", true, true); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(filepath.Join(target, "x")); string(got) != "four" {
		t.Errorf("x holds %q, want four", got)
	}
	if entries, _ := os.ReadDir(filepath.Dir(target)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// A file is replaced whole.
func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.json")
	for _, text := range []string{"long text", "x"} {
		if err := Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
	if err := Write(filepath.Join(t.TempDir(), "none", "a"), nil); err == nil {
		t.Error("a missing folder must be an error")
	}
}
