package dicom

import (
	"errors"
)

// What a caller may decide on.
var (
	ErrNotDICOM       = errors.New("not a DICOM file")
	ErrDamaged        = errors.New("damaged file")
	ErrTransferSyntax = errors.New("transfer syntax not read")
	ErrPixels         = errors.New("pixel format not read")
	ErrNotCT          = errors.New("not CT")
	ErrNoGeometry     = errors.New("no position in the patient")
	ErrMixed          = errors.New("images of different kinds in one series")
	ErrConflict       = errors.New("different slices at one position")
	ErrGap            = errors.New("slices are missing")
	ErrNoSeries       = errors.New("no CT series to score")
	ErrArchive        = errors.New("archive refused")
)

// FileError is an error in one file.
type FileError struct {
	Path string // relative to the scanned folder
	Tag  string // "ImagePositionPatient (0020,0032)"; empty if the file as a whole is concerned
	Err  error
}

// Error names the file, the tag and the cause.
func (e *FileError) Error() string {
	s := "dicom: " + e.Path + ": "
	if e.Tag != "" {
		s += e.Tag + ": "
	}
	return s + e.Err.Error()
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }
