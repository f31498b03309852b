// Package format reads an image in whichever of our formats its bytes say:
// NIfTI (.nii, .nii.gz), NRRD (.nrrd, .nhdr, .seg.nrrd) or MetaImage (.mha,
// .mhd). The name of a file counts only for the message about a file that is
// none of them, and for the format of a file to write.
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
	"github.com/plaquerisk/plaquerisk/imaging/internal/voxels"
	"github.com/plaquerisk/plaquerisk/imaging/mha"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/imaging/nrrd"
)

// ReadVolume reads the scalar image at path: see [nifti.ReadVolume],
// [nrrd.ReadVolume] and [mha.ReadVolume].
func ReadVolume(path string) (*imaging.Volume, error) {
	return read(path, map[kind]func(string) (*imaging.Volume, error){
		isNIfTI: nifti.ReadVolume, isNRRD: nrrd.ReadVolume, isMHA: mha.ReadVolume,
	})
}

// ReadField is [ReadVolume] of a field that may have gaps: values that are not
// finite are kept.
func ReadField(path string) (*imaging.Volume, error) {
	return read(path, map[kind]func(string) (*imaging.Volume, error){
		isNIfTI: nifti.ReadField, isNRRD: nrrd.ReadField, isMHA: mha.ReadField,
	})
}

// ReadSegmentation reads the label map at path: see [nifti.ReadSegmentation],
// [nrrd.ReadSegmentation] and [mha.ReadSegmentation].
func ReadSegmentation(path string) (*imaging.Segmentation, error) {
	return read(path, map[kind]func(string) (*imaging.Segmentation, error){
		isNIfTI: nifti.ReadSegmentation, isNRRD: nrrd.ReadSegmentation, isMHA: mha.ReadSegmentation,
	})
}

// WriteVolume writes v in the format that the end of name says: .nii, .nii.gz,
// .nrrd or .mha, the last three compressed.
func WriteVolume(w io.Writer, name string, v *imaging.Volume) error {
	lower := strings.ToLower(name)
	for _, f := range []struct {
		end   string
		write func(io.Writer, *imaging.Volume, bool) error
	}{{".nii.gz", nifti.WriteVolume}, {".nii", nifti.WriteVolume}, {".nrrd", nrrd.WriteVolume}, {".mha", mha.WriteVolume}} {
		if strings.HasSuffix(lower, f.end) {
			return f.write(w, v, f.end != ".nii")
		}
	}
	return fmt.Errorf("%s: want a name that ends in .nii, .nii.gz, .nrrd or .mha", name)
}

// ErrRange tells that a value is no whole number of 16 bits.
var ErrRange = voxels.ErrRange

// WriteSlices writes a volume that is not held in memory in the format that the
// end of name says, .nii, .nii.gz or .nrrd: slices hands the slices out in
// order. With whole set, values are int16, and one that is none is
// [ErrRange]; otherwise they are float32.
func WriteSlices(w io.Writer, name string, g *imaging.Grid, whole bool, slices func(func([]float32) error) error) error {
	lower := strings.ToLower(name)
	for _, f := range []struct {
		end   string
		write func(io.Writer, *imaging.Grid, bool, bool, voxels.Slices) error
	}{{".nii.gz", nifti.WriteSlices}, {".nii", nifti.WriteSlices}, {".nrrd", nrrd.WriteSlices}} {
		if strings.HasSuffix(lower, f.end) {
			return f.write(w, g, whole, f.end != ".nii", slices)
		}
	}
	return fmt.Errorf("%s: want a name that ends in .nii.gz, .nii or .nrrd", name)
}

// IsImage tells whether the file at path starts like one of our formats. It is
// false for a folder and for a file that cannot be read.
func IsImage(path string) bool {
	head, err := start(path)
	return err == nil && sniff(head) != 0
}

// Name returns what the file at path is, "NIfTI", "NRRD" or "MetaImage"; it is
// empty for a folder and for what is none of them.
func Name(path string) string {
	head, err := start(path)
	if err != nil {
		return ""
	}
	return map[kind]string{isNIfTI: "NIfTI", isNRRD: "NRRD", isMHA: "MetaImage"}[sniff(head)]
}

// IsNIfTI tells whether the file at path starts like NIfTI.
func IsNIfTI(path string) bool {
	head, err := start(path)
	return err == nil && sniff(head) == isNIfTI
}

// kind is one of our formats.
type kind int

const (
	isNIfTI kind = iota + 1
	isNRRD
	isMHA
)

// sniff tells the format of a file by its first bytes, 0 if it is none of ours.
// A NIfTI file starts with the size of its header, in either byte order.
func sniff(head []byte) kind {
	switch {
	case bytes.HasPrefix(head, []byte("NRRD000")):
		return isNRRD
	case mha.Sniff(head):
		return isMHA
	case len(head) >= 4:
		le, be := binary.LittleEndian.Uint32(head), binary.BigEndian.Uint32(head)
		if le == 348 || be == 348 || le == 540 || be == 540 {
			return isNIfTI
		}
	}
	return 0
}

// read picks a reader by the first bytes, looking into gzip.
func read[T any](path string, readers map[kind]func(string) (T, error)) (t T, err error) {
	head, err := start(path)
	if err != nil {
		return t, err
	}
	if f, ok := readers[sniff(head)]; ok {
		return f(path)
	}
	return t, fmt.Errorf("%s: %s; want NIfTI (.nii, .nii.gz), NRRD (.nrrd, .nhdr, .seg.nrrd) or MetaImage (.mha, .mhd)", path, guess(path, head))
}

// start returns the first bytes of a file, decompressed if it is gzip.
func start(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: a folder; want one NIfTI, NRRD or MetaImage file", path)
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
	inner = inner[:n]
	if k := sniff(inner); k == isNRRD || k == isMHA {
		return nil, fmt.Errorf("%s: an image inside gzip that brings its own compression; unpack it first", path)
	}
	return inner, nil
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
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "a zip file: unpack it"
	case strings.HasSuffix(lower, ".nrrd"), strings.HasSuffix(lower, ".nhdr"), strings.HasSuffix(lower, ".nii"), strings.HasSuffix(lower, ".nii.gz"), strings.HasSuffix(lower, ".mha"), strings.HasSuffix(lower, ".mhd"):
		return "the content is not what the name says: the file is damaged"
	}
	return "not a known image format"
}
