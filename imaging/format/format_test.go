package format

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/mha"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/imaging/nrrd"
)

// The content, not the name, picks the reader; anything else is named.
func TestRead(t *testing.T) {
	v := imaging.NewVolume(imaging.NewGrid([3]int{3, 2, 1}, [3]float64{1, 2, 3}, r3.Vec{X: 4}))
	v.Values[5] = 7
	var nii, niigz, nrd, meta bytes.Buffer
	for _, err := range []error{nifti.WriteVolume(&nii, v, false), nifti.WriteVolume(&niigz, v, true), nrrd.WriteVolume(&nrd, v, true), mha.WriteVolume(&meta, v, true)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	dicom := append(make([]byte, 128), "DICM and more"...)
	dir := t.TempDir()
	for _, test := range []struct {
		name string
		data []byte
		want string // of the error
	}{
		{"a.nii", nii.Bytes(), ""},
		{"a.nii.gz", niigz.Bytes(), ""},
		{"a.nrrd", nrd.Bytes(), ""},
		{"wrong.nrrd", nii.Bytes(), ""},
		{"noname", nrd.Bytes(), ""},
		{"a.dcm", dicom, "DICOM"},
		{"a.mha", meta.Bytes(), ""},
		{"wrong.nii", meta.Bytes(), ""},
		{"b.mha", []byte("ObjectType = Image\n"), "without ElementDataFile"},
		{"c.mha", []byte("hello"), "damaged"},
		{"a.img", []byte{1, 2, 3}, "two-file"},
		{"b.nii", []byte("hello"), "damaged"},
		{"c.txt", []byte("hello"), "not a known"},
		{"empty.nii", nil, "empty"},
		{"a.zip", []byte("PK\x03\x04"), "zip"},
		{"bad.gz", []byte{0x1f, 0x8b, 1}, "gzip"},
	} {
		path := filepath.Join(dir, test.name)
		if err := os.WriteFile(path, test.data, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := ReadVolume(path)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want == "":
			if got.Values[5] != 7 || !got.Same(&v.Grid) {
				t.Errorf("%s: %v %v", test.name, got.Grid.String(), got.Values)
			}
			if s, err := ReadSegmentation(path); err != nil || len(s.Segments) != 1 || s.Segments[0].Value != 7 {
				t.Errorf("%s as labels: %v", test.name, err)
			}
		case err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.name):
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
	if _, err := ReadVolume(dir); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("folder: %v", err)
	}
	if _, err := ReadVolume(filepath.Join(dir, "none")); err == nil {
		t.Error("a file that is not there was read")
	}
}

// The end of a name picks the format to write, and what is written is read.
func TestWriteVolume(t *testing.T) {
	v := imaging.NewVolume(imaging.NewGrid([3]int{3, 2, 1}, [3]float64{1, 2, 3}, r3.Vec{X: 4}))
	v.Values[5] = 7
	for _, name := range []string{"a.nii", "a.nii.gz", "A.NRRD", "a.mha"} {
		var b bytes.Buffer
		if err := WriteVolume(&b, name, v); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadVolume(path); err != nil || got.Values[5] != 7 || !IsImage(path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := WriteVolume(&bytes.Buffer{}, "a.dcm", v); err == nil || !strings.Contains(err.Error(), ".nii.gz") {
		t.Errorf("a.dcm: %v", err)
	}
}

// A field with gaps comes back as it was from every format, and is no volume.
func TestField(t *testing.T) {
	v := imaging.NewVolume(imaging.NewGrid([3]int{3, 2, 1}, [3]float64{1, 2, 3}, r3.Vec{X: 4}))
	v.Values[1], v.Values[4], v.Values[5] = float32(math.NaN()), float32(math.Inf(-1)), 7.5
	for _, name := range []string{"a.nii", "a.nii.gz", "a.nrrd", "a.mha"} {
		path := filepath.Join(t.TempDir(), name)
		var b bytes.Buffer
		if err := WriteVolume(&b, name, v); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := ReadField(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for n, x := range got.Values {
			if want := v.Values[n]; x != want && (x == x || want == want) {
				t.Errorf("%s: voxel %d is %g, want %g", name, n, x, want)
			}
		}
		if _, err := ReadVolume(path); err == nil || !strings.Contains(err.Error(), "voxel (1, 0, 0) is NaN") {
			t.Errorf("%s: as a volume: %v", name, err)
		}
	}
}
