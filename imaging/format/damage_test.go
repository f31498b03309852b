package format

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/mha"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/imaging/nrrd"
)

// A compressed file in which a byte was changed never gives other voxels: it is
// refused.
func TestDamagedGzip(t *testing.T) {
	g := imaging.NewGrid([3]int{20, 20, 20}, [3]float64{1, 1, 1}, r3.Vec{})
	layer := make([]int32, g.Len())
	for n := range layer {
		layer[n] = int32(n * 7919 % 13 % 4)
	}
	s := &imaging.Segmentation{Grid: g, Layers: [][]int32{layer}}
	for v := range 3 {
		s.Segments = append(s.Segments, imaging.Segment{Name: string(rune('a' + v)), Value: int32(v + 1)})
	}
	var one, two, three bytes.Buffer
	if err := nifti.WriteSegmentation(&one, s, true); err != nil {
		t.Fatal(err)
	}
	if err := nrrd.WriteSegmentation(&two, s, true); err != nil {
		t.Fatal(err)
	}
	if err := mha.WriteSegmentation(&three, s, true); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"x.nii.gz": one.Bytes(), "x.seg.nrrd": two.Bytes(), "x.mha": three.Bytes()} {
		path := filepath.Join(t.TempDir(), name)
		start := bytes.Index(b, []byte{0x1f, 0x8b}) + 10
		if name == "x.mha" {
			start = bytes.Index(b, []byte("LOCAL\n")) + 6
		}
		for at := start; at < len(b)-4; at += max(1, (len(b)-start)/60) {
			c := bytes.Clone(b)
			c[at] ^= 0x10
			if err := os.WriteFile(path, c, 0o644); err != nil {
				t.Fatal(err)
			}
			if got, err := ReadSegmentation(path); err == nil && !slices.Equal(got.Layers[0], layer) {
				t.Errorf("%s: byte %d of %d changed, other voxels, and no error", name, at, len(b))
			}
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadSegmentation(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
