package main

import (
	"os"
	"path/filepath"
)

// apart reports the first output that is an input too, or another output:
// --overwrite replaces results, never what they were made of. Empty names are
// not given. It is asked before the work.
func apart(inputs []string, outputs ...string) error {
	taken := append([]string{}, inputs...)
	for _, out := range outputs {
		for _, other := range taken {
			if out != "" && other != "" && sameFile(out, other) {
				return usageError("%s would be written over %s: give it another name", out, other)
			}
		}
		taken = append(taken, out)
	}
	return nil
}

// sameFile tells whether two names are of one regular file, or would be.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return filepath.Clean(a) == filepath.Clean(b)
	}
	y, err := os.Stat(b)
	return err == nil && x.Mode().IsRegular() && os.SameFile(x, y)
}
