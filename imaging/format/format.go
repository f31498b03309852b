// Package format reads an image in whichever of our formats its bytes say:
// NIfTI (.nii, .nii.gz) or NRRD (.nrrd, .nhdr, .seg.nrrd). The name of a file
// counts only for the message about a file that is neither.
package format

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/imaging/nrrd"
)

// ReadVolume reads the scalar image at path: see [nifti.ReadVolume] and
// [nrrd.ReadVolume].
func ReadVolume(path string) (*imaging.Volume, error) {
	return read(path, nifti.ReadVolume, nrrd.ReadVolume)
}

// ReadSegmentation reads the label map at path: see [nifti.ReadSegmentation]
// and [nrrd.ReadSegmentation].
func ReadSegmentation(path string) (*imaging.Segmentation, error) {
	return read(path, nifti.ReadSegmentation, nrrd.ReadSegmentation)
}

// read picks a reader by the first bytes, looking into gzip.
func read[T any](path string, nii, nrd func(string) (T, error)) (t T, err error) {
	head, err := start(path)
	if err != nil {
		return t, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("NRRD000")):
		return nrd(path)
	case isNIfTI(head):
		return nii(path)
	}
	return t, fmt.Errorf("%s: %s; want NIfTI (.nii, .nii.gz) or NRRD (.nrrd, .nhdr, .seg.nrrd)", path, guess(path, head))
}

// start returns the first bytes of a file, decompressed if it is gzip.
func start(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: a folder; want one NIfTI or NRRD file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if !bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		return head, nil
	}
	z, err := gzip.NewReader(io.MultiReader(bytes.NewReader(head), f))
	if err != nil {
		return nil, fmt.Errorf("%s: gzip: %w", path, err)
	}
	inner := make([]byte, 1024)
	n, err := io.ReadFull(z, inner)
	if n == 0 && err != nil {
		return nil, fmt.Errorf("%s: gzip: %w", path, err)
	}
	if bytes.HasPrefix(inner, []byte("NRRD000")) {
		return nil, fmt.Errorf("%s: an NRRD file inside gzip; unpack it first", path)
	}
	return inner[:n], nil
}

// isNIfTI tells whether the header's size, in either byte order, stands at the
// start.
func isNIfTI(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	le, be := binary.LittleEndian.Uint32(b), binary.BigEndian.Uint32(b)
	return le == 348 || be == 348 || le == 540 || be == 540
}

// guess says what a file looks like instead.
func guess(path string, head []byte) string {
	lower := strings.ToLower(path)
	switch {
	case len(head) == 0:
		return "the file is empty"
	case len(head) >= 132 && string(head[128:132]) == "DICM":
		return "a DICOM file, not a label map or single-file volume"
	case strings.HasSuffix(lower, ".img"):
		return "half of a two-file image (.hdr and .img): convert it to one file"
	case bytes.HasPrefix(head, []byte("ObjectType")), strings.HasSuffix(lower, ".mha"), strings.HasSuffix(lower, ".mhd"):
		return "a MetaImage (.mha, .mhd), which is not read: convert it, for example in 3D Slicer"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "a zip file: unpack it"
	case strings.HasSuffix(lower, ".nrrd"), strings.HasSuffix(lower, ".nhdr"), strings.HasSuffix(lower, ".nii"), strings.HasSuffix(lower, ".nii.gz"):
		return "the content is not what the name says: the file is damaged"
	}
	return "not a known image format"
}
