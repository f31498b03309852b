// Package atomicfile writes files and folders so that they are seen whole or
// not at all, whenever the process is killed.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write stores data at path through a temporary file beside it. The folder
// must exist.
func Write(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails, as it should, after the rename
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	if err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// ErrExists says that the place of a folder is taken.
var ErrExists = errors.New("exists already")

// Folder is a folder in the making: fill Dir, then Commit or Discard.
type Folder struct {
	Dir    string // temporary, beside the final place
	target string
}

// NewFolder starts a folder that will stand at target. Parents are made.
// Unless overwrite is set it fails with [ErrExists] if something non-empty is
// there.
func NewFolder(target string, overwrite bool) (*Folder, error) {
	if !overwrite {
		if err := checkFree(target); err != nil {
			return nil, err
		}
	}
	parent := filepath.Dir(filepath.Clean(target))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, "."+filepath.Base(target)+".tmp-*")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return &Folder{Dir: dir, target: target}, nil
}

// checkFree fails unless target is absent or an empty folder.
func checkFree(target string) error {
	entries, err := os.ReadDir(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s: %w and is not empty; choose another place or allow overwriting", target, ErrExists)
	}
	return nil
}

// Commit moves the folder to its place. What was there is removed after the
// new folder has taken its name.
func (f *Folder) Commit() error {
	old := ""
	if _, err := os.Lstat(f.target); err == nil {
		old = f.Dir + ".old"
		if err := os.Rename(f.target, old); err != nil {
			return err
		}
	}
	if err := os.Rename(f.Dir, f.target); err != nil {
		if old != "" {
			err = errors.Join(err, os.Rename(old, f.target)) // put it back
		}
		return err
	}
	if old != "" {
		return os.RemoveAll(old)
	}
	return nil
}

// Discard removes the folder. After Commit it does nothing.
func (f *Folder) Discard() { os.RemoveAll(f.Dir) }
