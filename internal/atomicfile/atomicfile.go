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
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

// File is a file in the making: write to it, then Commit or Discard.
type File struct {
	*os.File // temporary, beside the final place
	target   string
}

// Create starts a file that will stand at target, whose folder must exist.
func Create(target string) (*File, error) {
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".tmp-*")
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) { // the name of the temporary file says nothing to a user
			err = path.Err
		}
		return nil, fmt.Errorf("write %s: folder %s: %w", target, filepath.Dir(target), err)
	}
	return &File{f, target}, nil
}

// Commit moves the file to its place.
func (f *File) Commit() error {
	if err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), f.target)
}

// CommitAs is Commit for a file whose place was not known when it was created:
// target must be on the same file system.
func (f *File) CommitAs(target string) error {
	f.target = target
	return f.Commit()
}

// Discard removes the file. After Commit it does nothing.
func (f *File) Discard() {
	f.Close()
	os.Remove(f.Name())
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
