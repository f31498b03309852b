package seg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// open reads the headers of a file.
func open(t testing.TB, path string) *part10.File {
	t.Helper()
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	info, err := r.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := part10.Open(r, info.Size(), part10.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func read(t testing.TB, path string, ct *imaging.Grid) *File {
	t.Helper()
	s, err := Read(context.Background(), open(t, path), ct)
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(path), err)
	}
	return s
}

// differing counts the voxels of the grid of want that are in one of two
// regions only; what lies beyond the grid counts too.
func differing(t testing.TB, got, want *imaging.Segmentation, n, m int) float64 {
	t.Helper()
	lost := 0
	whole := func(part *imaging.Mask) *imaging.Mask {
		out := imaging.NewMask(want.Grid)
		if part != nil {
			f, err := imaging.Align(&out.Grid, &part.Grid, imaging.OnVoxels)
			if err != nil {
				t.Fatal(err)
			}
			lost += f.Copy(out, [3]int{}, part)
		}
		return out
	}
	a, b := whole(want.Mask(m)), whole(got.Mask(n))
	for at := range a.In {
		if a.In[at] != b.In[at] {
			lost++
		}
	}
	return float64(lost)
}

// Segments lie voxel by voxel where the label maps from which dcmqi made the
// files have them: overlapping ones, others than square, numbers of segments
// with slices left out, and every compression of single bits.
func TestLabelMaps(t *testing.T) {
	dir := verify.Shared(t, "data", "dicom")
	for _, c := range []struct {
		file, labels string
		layers       int
		values       []int32 // of the segments that the label map holds
	}{
		{"seg/23x38x3/label.seg.dcm", "23x38x3/label.nrrd", 1, []int32{1}},
		{"seg/ct-3slice/liver.seg.dcm", "ct-3slice/liver_seg.nrrd", 1, []int32{1}},
		{"seg/sparse/sparse-labelmap-ppv5.dcm", "sparse/sparse_labelmap_ppv5_seg.nrrd", 1, []int32{1}},
		{"seg/ct-3slice/partial_overlaps.seg.dcm", "ct-3slice/partial_overlaps-1.nrrd", 3, []int32{1, 4, 5}},
		{"seg/ct-3slice/partial_overlaps.seg.dcm", "ct-3slice/partial_overlaps-2.nrrd", 3, []int32{2}},
		{"seg/ct-3slice/partial_overlaps.seg.dcm", "ct-3slice/partial_overlaps-3.nrrd", 3, []int32{3}},
		{"syntax/rle/liver_rle.dcm", "ct-3slice/liver_seg.nrrd", 1, []int32{1}},
		{"syntax/jpeg2000/liver_j2k.dcm", "ct-3slice/liver_seg.nrrd", 1, []int32{1}},
		{"syntax/native/liver_deflate.dcm", "ct-3slice/liver_seg.nrrd", 1, []int32{1}},
	} {
		got := read(t, filepath.Join(dir, c.file), nil)
		check := func(quantity string, got, want float64) {
			verify.Check{Suite: "dicom", Case: "SEG " + filepath.Base(c.file), Quantity: quantity, Source: "dcmqi, " + filepath.Base(c.labels), Got: got, Want: want}.Run(t)
		}
		check("layers", float64(len(got.Layers)), float64(c.layers))
		want, err := format.ReadSegmentation(filepath.Join(dir, "seg", c.labels))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range c.values {
			n := slices.IndexFunc(got.Segments, func(s imaging.Segment) bool { return s.Value == v })
			m := slices.IndexFunc(want.Segments, func(s imaging.Segment) bool { return s.Value == v })
			check(fmt.Sprintf("segment %d, voxels that differ", v), differing(t, got.Segmentation, want, n, m), 0)
		}
	}
}

// Segments of files by highdicom and pydicom have the voxels that pydicom finds
// in their frames; a frame far from the others keeps its place.
func TestCounts(t *testing.T) {
	dir := verify.Shared(t, "data", "dicom")
	for _, c := range []struct {
		file           string
		voxels, slices []int // of each segment
	}{
		{"seg/highdicom/seg_image_ct_binary.dcm", []int{638}, []int{3}},
		{"seg/highdicom/seg_image_ct_binary_fractional.dcm", []int{638}, []int{3}},
		{"seg/highdicom/seg_image_ct_binary_overlap.dcm", []int{64, 16}, []int{165, 165}}, // from -99.48 to 105.52 mm
		{"seg/highdicom/seg_image_ct_binary_single_frame.dcm", []int{1832}, []int{1}},
		{"syntax/native/liver_nonbyte_aligned.dcm", []int{107098}, []int{3}},
	} {
		got := read(t, filepath.Join(dir, c.file), nil)
		if len(got.Segments) != len(c.voxels) {
			t.Errorf("%s: %d segments, want %d", c.file, len(got.Segments), len(c.voxels))
			continue
		}
		for n := range got.Segments {
			m := got.Mask(n)
			for _, q := range []struct {
				name      string
				got, want int
			}{{"voxels", m.Count(), c.voxels[n]}, {"slices from first to last", m.Size[2], c.slices[n]}} {
				verify.Check{Suite: "dicom", Case: "SEG " + filepath.Base(c.file), Quantity: fmt.Sprintf("segment %d, %s", n+1, q.name),
					Source: "pydicom 3.0.2", Got: float64(q.got), Want: float64(q.want)}.Run(t)
			}
		}
	}
	_, err := Read(context.Background(), open(t, filepath.Join(dir, "syntax", "native", "liver_1frame.dcm")), nil)
	if !errors.Is(err, part10.ErrDamaged) {
		t.Errorf("3 functional groups for one frame: %v, want ErrDamaged", err)
	}
}
