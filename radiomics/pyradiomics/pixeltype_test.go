package pyradiomics

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// nifti returns the head of a NIfTI-1 file.
func nifti(order binary.ByteOrder, code uint16, slope, intercept float32) string {
	b := make([]byte, 352)
	order.PutUint32(b, 348)
	order.PutUint16(b[70:], code)
	order.PutUint32(b[112:], math.Float32bits(slope))
	order.PutUint32(b[116:], math.Float32bits(intercept))
	return string(b)
}

// The type of pixels is read from the header as ITK reads it.
func TestReadPixels(t *testing.T) {
	for _, test := range []struct {
		head string
		want Pixels
	}{
		{nifti(binary.LittleEndian, 4, 1, 0), Int16},
		{nifti(binary.BigEndian, 512, 0, 0), Uint16},
		{nifti(binary.LittleEndian, 4, 0.5, 0), Float32},
		{nifti(binary.LittleEndian, 4, 1, -1024), Float32},
		{nifti(binary.LittleEndian, 64, 1, 0), Float64},
		{"NRRD0004\n# type: short\ntype: unsigned short\ndimension: 3\n\ntype: float\n", Uint16},
		{"NRRD0005\r\ntype: double\r\n\r\n", Float64},
		{"ObjectType = Image\nNDims = 3\nElementType = MET_FLOAT\nElementDataFile = LOCAL\n", Float32},
		{"something else", AutoPixels},
		{"", AutoPixels},
	} {
		path := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(path, []byte(test.head), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := ReadPixels(path); got != test.want {
			t.Errorf("%.20q…: %d, want %d", test.head, got, test.want)
		}
	}
	if got := ReadPixels(t.TempDir()); got != AutoPixels {
		t.Errorf("folder: %d", got)
	}
	if got := ReadPixels(filepath.Join(verify.Shared(t, "data", "pyradiomics"), "brain1_image.nrrd")); got != Int16 {
		t.Errorf("brain1: %d, want Int16", got)
	}
}

// A resampled image keeps whole numbers if its file holds such, and fractions
// if it holds real numbers.
func TestPixelsMatter(t *testing.T) {
	vol, mask, _ := phantom(t, "tiny")
	p := parse(t, "featureClass: {firstorder: [Maximum, Minimum]}\nsetting: {resampledPixelSpacing: [0.3, 0.3, 0.3]}")
	for _, test := range []struct {
		pixels Pixels
		whole  bool
	}{{AutoPixels, true}, {Int16, true}, {Float32, false}, {Float64, false}} {
		p.Pixels = test.pixels
		v, _, err := Extract(context.Background(), vol, mask, p)
		if err != nil {
			t.Fatal(err)
		}
		if whole := v.Values[0] == math.Trunc(v.Values[0]) && v.Values[1] == math.Trunc(v.Values[1]); whole != test.whole {
			t.Errorf("pixels %d: %v", test.pixels, v.Values)
		}
	}
}
