package pipeline

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/dicom/rtstruct"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// regionsOf returns the voxels of each region of a mask, through the line that
// the commands use.
func regionsOf(t *testing.T, ct, mask string) (counts map[string]int, codes []string) {
	t.Helper()
	p, err := New(DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	counts = map[string]int{}
	notes, err := p.eachRegion(context.Background(), RegionCase{Files: Files{CT: ct, Seg: mask}}, &Profile{Name: ProfileIBSI}, false, func(_ *Input, r *region) error {
		counts[r.name] = r.roi.Count()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notes {
		codes = append(codes, n.Code)
	}
	return counts, codes
}

// Masks of DICOM come through the line as they are: the structure set of the IBSI
// phantom on its CT, named by its file or its folder, and overlapping segments.
func TestDICOMMasks(t *testing.T) {
	ibsi := verify.Shared(t, "data", "ibsi1", "ct_phantom", "dicom")
	for _, mask := range []string{filepath.Join("rtstruct", "DCM_RS_00060.dcm"), "rtstruct"} {
		counts, codes := regionsOf(t, filepath.Join(ibsi, "image"), filepath.Join(ibsi, mask))
		verify.Check{Suite: "pipeline", Case: "IBSI CT phantom, DICOM and RTSTRUCT, mask " + mask, Quantity: "voxels of GTV-1",
			Source: "IBSI 1 (P. Lambin, doi 10.17195/candat.2016.08.1)", Got: float64(counts["GTV-1"]), Want: 125256}.Run(t)
		if s := strings.Join(codes, " "); strings.Contains(s, "PLQ-64") {
			t.Errorf("%s: notes %s", mask, s)
		}
	}
	dir := verify.Shared(t, "data", "dicom", "seg", "ct-3slice")
	ct := t.TempDir()
	for _, name := range []string{"01.dcm", "02.dcm", "03.dcm"} {
		if err := os.Symlink(filepath.Join(dir, name), filepath.Join(ct, name)); err != nil {
			t.Skip(err)
		}
	}
	counts, _ := regionsOf(t, ct, filepath.Join(dir, "partial_overlaps.seg.dcm"))
	for name, want := range map[string]int{"GREEN": 9602, "ORANGE": 11888, "PURPLE": 10743, "LIGHT_BLUE": 6693, "DARK_BLUE": 4713} {
		verify.Check{Suite: "pipeline", Case: "SEG partial_overlaps.seg.dcm on its CT", Quantity: "voxels of " + name,
			Source: "label maps of dcmqi", Got: float64(counts[name]), Want: float64(want)}.Run(t)
	}
}

// What is no mask is refused in words that name the file.
func TestNoMask(t *testing.T) {
	dir := verify.Shared(t, "data", "dicom", "seg", "ct-3slice")
	for path, want := range map[string]string{
		filepath.Join(dir, "01.dcm"): "neither a segmentation nor a structure set",
		dir:                          "a folder with 2 segmentations",
		t.TempDir():                  "a folder without",
	} {
		file, err := maskFile(path)
		if err == nil {
			_, err = readRegions(context.Background(), file, "", nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", filepath.Base(path), err, want)
		}
	}
}

// contourFile writes a structure set of one region of circles of radius mm around
// points on z.
func contourFile(t *testing.T, frame string, radius float64, z ...float64) string {
	t.Helper()
	s := &part10.Set{}
	s.Text(0x00080016, "UI", rtstruct.Storage)
	s.Text(0x00080018, "UI", "2.25.1")
	roi, drawn := &part10.Set{}, &part10.Set{}
	roi.Int(0x30060022, "IS", 1)
	roi.Text(0x30060024, "UI", frame)
	roi.Text(0x30060026, "LO", "LAD_plaque_1")
	var lines []*part10.Set
	add := func(kind string, points ...float64) {
		c := &part10.Set{}
		c.Text(0x30060042, "CS", kind)
		c.Float(0x30060050, "DS", points...)
		lines = append(lines, c)
	}
	for _, z := range z {
		var points []float64
		for n := range 36 {
			sin, cos := math.Sincos(float64(n) * math.Pi / 18)
			points = append(points, 10.4+radius*cos, 10.4+radius*sin, z)
		}
		add("CLOSED_PLANAR", points...)
	}
	add("POINT", 1, 2, 3)
	drawn.Items(0x30060040, lines...)
	drawn.Int(0x30060084, "IS", 1)
	s.Items(0x30060020, roi)
	s.Items(0x30060039, drawn)
	var b bytes.Buffer
	if err := s.Write(&b, "test"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rt.dcm")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// What contours cannot say on the voxels of a CT is noted: another frame of
// reference, points, planes between slices, a region too thin for voxel centres.
// By volume a thin region keeps what it encloses.
func TestContourNotes(t *testing.T) {
	g := imaging.NewGrid([3]int{21, 21, 10}, [3]float64{1, 1, 1}, r3.Vec{})
	in := &Input{Volume: imaging.NewVolume(g), FrameOfReference: "2.25.7"}
	for _, c := range []struct {
		name, path string
		rule       rtstruct.Rule
		voxels     int
		codes      string
	}{
		{"wide", contourFile(t, "2.25.7", 5, 2, 3, 4), "", 237, "PLQ-641"},
		{"between slices, another frame", contourFile(t, "2.25.8", 5, 2.4, 3.4, 4.4), "", 237, "PLQ-640 PLQ-641 PLQ-641"},
		{"thin", contourFile(t, "2.25.7", 0.4, 2, 3, 4, 5, 6), "", 0, "PLQ-641 PLQ-642"},
		{"thin, by volume", contourFile(t, "2.25.7", 0.4, 2, 3, 4, 5, 6), rtstruct.ByVolume, 3, "PLQ-641 PLQ-642"}, // π·0.16·5 = 2.5 mm³
	} {
		m, err := readRegions(context.Background(), c.path, c.rule, in)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var codes []string
		for _, n := range m.notes {
			codes = append(codes, n.Code)
		}
		voxels := 0
		if roi := m.Mask(0); roi != nil {
			voxels = roi.Count()
		}
		if s := strings.Join(codes, " "); s != c.codes || voxels != c.voxels {
			t.Errorf("%s: %d voxels, notes %s; want %d, %s", c.name, voxels, s, c.voxels, c.codes)
		}
	}
	if _, err := readRegions(context.Background(), contourFile(t, "", 5, 2), "edge", in); ClassOf(err) != Usage {
		t.Errorf("rule edge: %v, want a usage error", err)
	}
}
