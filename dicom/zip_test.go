package dicom

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"
)

// zipOf returns a zip of the files in dir.
func zipOf(t testing.TB, dir string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "study.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := zip.NewWriter(f)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
