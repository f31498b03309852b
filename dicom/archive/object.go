package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// What is wrong with an object.
var (
	ErrNotObject = errors.New("no object of an archive")
	ErrWrong     = errors.New("not what was asked for")
	ErrLimit     = errors.New("beyond the limits of the reader")
)

// Name is what an archive knows an object by.
type Name struct {
	Study, Series, Instance string // UIDs
	Class                   string // UID of the SOP class
	Syntax                  string // UID of the transfer syntax
}

// Object is a file that can be sent.
type Object struct {
	Name
	Path string
	Size int64 // of the file, in bytes
	bare bool  // without preamble and meta information that name it
}

// nameOf reads the name of an object. A file that is not whole is an error.
func nameOf(r io.ReaderAt, size int64) (Name, *part10.File, error) {
	f, err := part10.Open(r, size, part10.DefaultLimits())
	if err == nil {
		err = f.Damage
	}
	if err != nil {
		return Name{}, nil, err
	}
	n := Name{Syntax: f.Syntax}
	for _, a := range []struct {
		tag  part10.Tag
		name string
		uid  *string
	}{
		{TagSOPClass, "SOPClassUID", &n.Class}, {TagSOPInstance, "SOPInstanceUID", &n.Instance},
		{TagStudy, "StudyInstanceUID", &n.Study}, {TagSeries, "SeriesInstanceUID", &n.Series},
	} {
		v, err := f.Data.Strings(a.tag)
		if err != nil || len(v) != 1 || !IsUID(v[0]) {
			return n, nil, fmt.Errorf("%s is absent or no UID: %w", a.name, ErrNotObject)
		}
		*a.uid = v[0]
	}
	return n, f, nil
}

// OpenObject reads the name of the object at path. Files that are not DICOM,
// and those without the four UIDs, are errors that wrap [part10.ErrNotDICOM] or
// [ErrNotObject]; those that end early are damaged.
func OpenObject(path string) (*Object, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	name, header, err := nameOf(f, info.Size())
	marked := Marked(f)
	switch {
	case err != nil && !marked: // text may look like an element
		return nil, part10.ErrNotDICOM
	case err != nil:
		return nil, err
	}
	class, _ := header.Meta.Strings(0x00020002)
	syntax, _ := header.Meta.Strings(TagSyntax)
	return &Object{Name: name, Path: path, Size: info.Size(), bare: !marked || len(class) != 1 || len(syntax) != 1}, nil
}

// Marked tells whether a file begins as PS3.10 wants it.
func Marked(r io.ReaderAt) bool {
	var magic [4]byte
	_, err := r.ReadAt(magic[:], 128)
	return err == nil && string(magic[:]) == "DICM"
}

// Body opens the data set alone, encoded in Syntax.
func (o *Object) Body() (io.ReadCloser, int64, error) {
	f, err := os.Open(o.Path)
	if err != nil {
		return nil, 0, err
	}
	limits := part10.DefaultLimits()
	limits.StopAt = TagSOPInstance
	header, err := part10.Open(f, o.Size, limits)
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	body := header.Body()
	return struct {
		io.Reader
		io.Closer
	}{body, f}, body.Size(), nil
}

// File opens the object as a Part 10 file: as it lies there, or with the meta
// information that it lacks.
func (o *Object) File() (io.ReadCloser, int64, error) {
	if !o.bare {
		f, err := os.Open(o.Path)
		return f, o.Size, err
	}
	body, size, err := o.Body()
	if err != nil {
		return nil, 0, err
	}
	head := Header(o.Name)
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), body), body}, int64(len(head)) + size, nil
}

// Implementation is the name of this program in files and associations.
const Implementation = "plaquerisk"

// Header returns preamble and file meta information for a data set that came
// without.
func Header(n Name) []byte { return part10.Head(n.Class, n.Instance, n.Syntax, Implementation) }
