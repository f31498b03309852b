// Package golden compares what a test produced with a file in its testdata
// folder. `go test -update` writes the files anew; a change of one goes into a
// commit of its own whose message says why the new content is better.
package golden

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write golden files anew instead of comparing")

// Equal fails the test if got is not, byte for byte, the content of
// testdata/name. The message names the first line that differs.
func Equal(t testing.TB, name string, got []byte) {
	t.Helper()
	if !filepath.IsLocal(name) {
		t.Fatalf("golden: %q: not a name inside testdata", name)
	}
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := write(path, got); err != nil {
			t.Fatalf("golden: %v", err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Fatalf("golden: %s does not exist; look at the output and run go test -update", path)
	}
	if err != nil {
		t.Fatalf("golden: %v", err)
	}
	if diff := difference(want, got); diff != "" {
		t.Errorf("golden: %s: %s", path, diff)
	}
}

// write writes the file and the folders above it.
func write(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o644)
}

// difference describes the first line in which two texts differ; it is empty
// if there is none.
func difference(want, got []byte) string {
	if bytes.Equal(want, got) {
		return ""
	}
	w, g := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	for n := range min(len(w), len(g)) {
		if !bytes.Equal(w[n], g[n]) {
			return fmt.Sprintf("line %d:\n got %.200q\nwant %.200q", n+1, g[n], w[n])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}
