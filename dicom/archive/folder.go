package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
)

// Folder is where received objects go.
type Folder struct {
	Root string
	// Overwrite replaces files that are there; else they are kept, as complete.
	Overwrite bool
	// MaxObject is how large an object may be, in bytes.
	MaxObject int64

	only func(instance string) bool // if not nil, the instances that are taken
}

// NewFolder returns a folder that keeps what is there and takes objects of up
// to 4 GiB.
func NewFolder(root string) *Folder { return &Folder{Root: root, MaxObject: 4 << 30} }

// path is where an object lies. Its UIDs have been checked.
func (f *Folder) path(series, instance string) string {
	return filepath.Join(f.Root, series, instance+".dcm")
}

// Has tells whether an instance is there, whole.
func (f *Folder) Has(series, instance string) bool {
	if f.Overwrite || !IsUID(series) || !IsUID(instance) {
		return false
	}
	info, err := os.Stat(f.path(series, instance))
	return err == nil && info.Mode().IsRegular()
}

// Put stores the Part 10 file that r holds, which must be of the study, series
// and instance of want as far as it names them. It returns the name of the
// object, and whether it is new.
func (f *Folder) Put(r io.Reader, want Name) (name Name, stored bool, err error) {
	if err := os.MkdirAll(f.Root, 0o755); err != nil {
		return name, false, err
	}
	tmp, err := atomicfile.Create(filepath.Join(f.Root, "incoming"))
	if err != nil {
		return name, false, err
	}
	defer tmp.Discard()
	size, err := io.Copy(tmp, io.LimitReader(r, f.MaxObject+1))
	if err != nil {
		return name, false, err
	}
	if size > f.MaxObject {
		return name, false, fmt.Errorf("object of more than %d bytes: %w", f.MaxObject, ErrLimit)
	}
	name, _, err = nameOf(tmp, size)
	if err != nil {
		return name, false, err
	}
	for _, c := range []struct{ what, got, want string }{
		{"StudyInstanceUID", name.Study, want.Study}, {"SeriesInstanceUID", name.Series, want.Series},
		{"SOPInstanceUID", name.Instance, want.Instance}, {"SOPClassUID", name.Class, want.Class},
	} {
		if c.want != "" && c.got != c.want {
			return name, false, fmt.Errorf("%s is %s instead of %s: %w", c.what, c.got, c.want, ErrWrong)
		}
	}
	if f.only != nil && !f.only(name.Instance) {
		return name, false, fmt.Errorf("SOPInstanceUID %s: %w", name.Instance, ErrWrong)
	}
	if f.Has(name.Series, name.Instance) {
		return name, false, nil
	}
	target := f.path(name.Series, name.Instance)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return name, false, err
	}
	return name, true, tmp.CommitAs(target)
}

// Objects returns the objects at the paths, which may be folders, in lexical
// order of their files. Files that are not DICOM are counted; what looks like
// DICOM but cannot be sent is an error for each.
func Objects(ctx context.Context, paths ...string) (objects []*Object, others int, err error) {
	var bad []error
	for _, root := range paths {
		if root, err = filepath.EvalSymlinks(root); err != nil { // WalkDir follows none
			return nil, others, err
		}
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case !d.Type().IsRegular():
				return nil
			}
			o, err := OpenObject(path)
			switch {
			case errors.Is(err, part10.ErrNotDICOM):
				others++
			case err != nil:
				bad = append(bad, fmt.Errorf("%s: %w", path, err))
			case o.Class == mediaDirectory:
				others++
			default:
				objects = append(objects, o)
			}
			return nil
		})
		if err != nil {
			return nil, others, err
		}
	}
	return slices.Clip(objects), others, errors.Join(bad...)
}

// mediaDirectory is the class of DICOMDIR, which only lists its folder.
const mediaDirectory = "1.2.840.10008.1.3.10"
