package pipeline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/phantom"
	"github.com/plaquerisk/plaquerisk/segmentation"
)

// A wall that no mask gives is estimated: vessels are whole, every section says
// how certain its outer wall is, and a note that it is an estimate.
func TestEstimatedWall(t *testing.T) {
	p := newPipeline(t, DefaultConfig())
	in := read(t, p)
	in.Masks = slices.DeleteFunc(in.Masks, func(m segmentation.Mask) bool { return m.Structure == segmentation.Wall })
	a := p.start(in)
	if err := a.anatomy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !hasCode(a.out.Notes, "PLQ-230") || hasCode(a.out.Notes, "PLQ-212") {
		t.Errorf("notes %+v, want PLQ-230 and no PLQ-212", a.out.Notes)
	}
	for _, v := range a.vessels {
		whole := 0
		for _, s := range v.Sections {
			if s.Complete() {
				whole++
			}
			if !(s.WallSD > 0 && s.WallSD < 0.5) {
				t.Errorf("%s at %.1f mm: standard deviation of the wall %g mm", v.Artery, s.S, s.WallSD)
				break
			}
		}
		if 10*whole < 9*len(v.Sections) {
			t.Errorf("%s: %d of %d sections are complete", v.Artery, whole, len(v.Sections))
		}
	}
}

// A segmentation from seeds goes through .seg.nrrd and NIfTI, and is read again
// with the same meaning; seeds that cannot be used are refused with a code.
func TestSegment(t *testing.T) {
	p := newPipeline(t, DefaultConfig())
	dir := t.TempDir()
	var table strings.Builder
	table.WriteString("artery,x_mm,y_mm,z_mm\n")
	for _, a := range phantom.Small(1).Truth().Arteries {
		for _, q := range [][3]float64{a.Centerline[1], a.Centerline[len(a.Centerline)/2], a.Centerline[len(a.Centerline)-2]} {
			fmt.Fprintf(&table, "%s,%g,%g,%g\n", a.Artery, q[0], q[1], q[2])
		}
	}
	seeds := filepath.Join(dir, "seeds.csv")
	if err := os.WriteFile(seeds, []byte(table.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	ct := Files{CT: files(t).CT}
	found, err := p.Segment(t.Context(), ct, SegmentOptions{Seeds: seeds})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, ext := range []string{".seg.nrrd", ".nii.gz"} {
		written, err := found.Write(filepath.Join(dir, "found"+ext))
		if err != nil {
			t.Fatal(err)
		}
		seg, err := format.ReadSegmentation(written[0])
		if err != nil {
			t.Fatal(err)
		}
		labels := segmentation.LabelMap{}
		if len(written) > 1 {
			if labels, err = segmentation.ReadLabelMap(written[1]); err != nil {
				t.Fatal(err)
			}
		}
		masks, _, err := segmentation.Import(seg, labels)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range masks {
			if m.Structure == segmentation.Lumen || m.Structure == segmentation.Wall || m.Structure == segmentation.Plaque {
				got = append(got, m.Label.String())
			}
		}
		slices.Sort(got)
		if names == nil {
			names = got
		}
		if !slices.Equal(got, names) || !slices.Contains(got, "LAD lumen") || !slices.Contains(got, "RCA wall") || !slices.Contains(got, "LAD plaque 1") {
			t.Errorf("%s holds %v, the first file %v", ext, got, names)
		}
	}
	if err := os.WriteFile(seeds, []byte("x_mm,y_mm,z_mm\n0,0,0\n900,0,0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var known *Error
	if _, err := p.Segment(t.Context(), ct, SegmentOptions{Seeds: seeds}); !errors.As(err, &known) || known.Code != "PLQ-670" || !strings.Contains(err.Error(), "mm") {
		t.Errorf("got error %v, want PLQ-670 with a place", err)
	}
}
