package rtstruct

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

func readFile(t testing.TB, path string) []ROI {
	t.Helper()
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := part10.Open(r, info.Size(), part10.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	rois, err := Read(f)
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(path), err)
	}
	return rois
}

// The region of the IBSI CT phantom is the mask that IBSI made of it, voxel by
// voxel.
func TestIBSI(t *testing.T) {
	dir := verify.Shared(t, "data", "ibsi1", "ct_phantom")
	want, err := format.ReadSegmentation(filepath.Join(dir, "nifti", "mask.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	place, err := Segmentation(context.Background(), &want.Grid, readFile(t, filepath.Join(dir, "dicom", "rtstruct", "DCM_RS_00060.dcm")))
	if err != nil {
		t.Fatal(err)
	}
	for n, s := range place.Segments {
		if s.Name != "GTV-1" {
			continue
		}
		m := place.Mask(n)
		f := &place.Regions[n]
		differ := 0
		for at, in := range m.In {
			i, j, k := m.Coords(at)
			x, y, z := want.Index(m.Point(float64(i), float64(j), float64(k)))
			if in != (want.Layers[0][want.Offset(int(x+0.5), int(y+0.5), int(z+0.5))] != 0) {
				differ++
			}
		}
		for _, c := range []struct {
			quantity       string
			got, want, tol float64
		}{
			{"voxels", float64(m.Count()), 125256, 0},
			{"voxels that differ from the NIfTI mask", float64(differ), 0, 0},
			{"contours beyond the CT", float64(f.Cut), 0, 0},
			{"enclosed volume over that of the mask", f.Enclosed / m.VolumeMM3(), 1, 0.001},
		} {
			verify.Check{Suite: "dicom", Case: "RTSTRUCT of the IBSI CT phantom, GTV-1", Quantity: c.quantity,
				Source: "IBSI 1 (P. Lambin, doi 10.17195/candat.2016.08.1)", Got: c.got, Want: c.want, Tol: c.tol}.Run(t)
		}
		return
	}
	t.Fatal("no region GTV-1")
}

// Structure sets of other programs are read, with and without preamble; points
// enclose nothing.
func TestForeign(t *testing.T) {
	dir := verify.Shared(t, "data", "dicom", "rtstruct")
	for _, c := range []struct {
		file                       string
		regions, contours, skipped int
	}{{"rtstruct.dcm", 3, 3, 2}, {"rt-utils/rt.dcm", 1, 2, 0}} {
		contours, skipped := 0, 0
		rois := readFile(t, filepath.Join(dir, c.file))
		for _, r := range rois {
			contours += len(r.Contours)
			skipped += r.Skipped
		}
		for _, q := range []struct {
			name      string
			got, want int
		}{{"regions", len(rois), c.regions}, {"closed contours", contours, c.contours}, {"points", skipped, c.skipped}} {
			verify.Check{Suite: "dicom", Case: "RTSTRUCT " + c.file, Quantity: q.name, Source: "pydicom 3.0.2", Got: float64(q.got), Want: float64(q.want)}.Run(t)
		}
	}
}

// disc returns a circle of n points around c in the plane of u and v.
func disc(c, u, v r3.Vec, radius float64, n int) []r3.Vec {
	points := make([]r3.Vec, n)
	for i := range points {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		points[i] = r3.Add(c, r3.Add(r3.Scale(radius*cos, u), r3.Scale(radius*sin, v)))
	}
	return points
}

// cylinder returns discs along the axis n at the given heights.
func cylinder(c, n r3.Vec, radius float64, heights ...float64) *ROI {
	n = r3.Unit(n)
	u := r3.Unit(r3.Cross(n, leastAligned(n)))
	v := r3.Cross(n, u)
	r := &ROI{Name: "cylinder"}
	for _, h := range heights {
		r.Contours = append(r.Contours, disc(r3.Add(c, r3.Scale(h, n)), u, v, radius, 180))
	}
	return r
}

func steps(from, step float64, n int) []float64 {
	h := make([]float64, n)
	for i := range h {
		h[i] = from + float64(i)*step
	}
	return h
}

// A cylinder keeps its volume, whether its contours lie on slices, between
// them, farther apart than they, across other axes or oblique; and whether the
// slices are sheared.
func TestVolume(t *testing.T) {
	g := imaging.NewGrid([3]int{80, 80, 60}, [3]float64{0.5, 0.6, 0.8}, r3.Vec{X: -20, Y: -24, Z: -24})
	sheared := g
	sheared.Axes[2] = r3.Unit(r3.Vec{Y: 0.2, Z: 1})
	sheared.Spacing[2] = 0.8 * math.Hypot(0.2, 1)
	z := r3.Vec{Z: 1}
	for _, c := range []struct {
		name    string
		grid    imaging.Grid
		roi     *ROI
		length  float64
		between bool
	}{
		{"on slices", g, cylinder(r3.Vec{}, z, 7, steps(-8, 0.8, 21)...), 16.8, false},
		{"between slices", g, cylinder(r3.Vec{}, z, 7, steps(-8.3, 0.8, 21)...), 16.8, true},
		{"on every third slice", g, cylinder(r3.Vec{}, z, 7, steps(-8, 2.4, 7)...), 16.8, false},
		{"twice as many as slices", g, cylinder(r3.Vec{}, z, 7, steps(-8, 0.4, 42)...), 16.8, true},
		{"across columns", g, cylinder(r3.Vec{}, r3.Vec{Y: 1}, 7, steps(-8.4, 0.6, 28)...), 16.8, false},
		{"oblique", g, cylinder(r3.Vec{}, r3.Vec{X: 1, Y: 2, Z: 3}, 7, steps(-8, 0.8, 21)...), 16.8, true},
		{"sheared slices", sheared, cylinder(r3.Vec{}, z, 7, steps(-8, 0.8, 21)...), 16.8, false},
	} {
		f, err := c.roi.Fill(context.Background(), &c.grid)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want := math.Pi * 49 * c.length
		if f.Between != c.between || f.Cut != 0 {
			t.Errorf("%s: between %v, cut %d", c.name, f.Between, f.Cut)
		}
		for _, q := range []struct {
			name     string
			got, tol float64
		}{{"volume of the mask, mm³", f.VolumeMM3(), 0.01}, {"enclosed volume, mm³", f.Enclosed, 0.001}} {
			verify.Check{Suite: "dicom", Case: "RTSTRUCT of a cylinder, contours " + c.name, Quantity: q.name,
				Source: "πr²h", Got: q.got, Want: want, Tol: q.tol * want}.Run(t)
		}
	}
}

// A hole is a hole whether it is a contour of its own or joined to the rim by a
// keyhole, on slices and between them.
func TestHoles(t *testing.T) {
	g := imaging.NewGrid([3]int{60, 60, 3}, [3]float64{0.5, 0.5, 1}, r3.Vec{X: -15, Y: -15, Z: -1})
	x, y := r3.Vec{X: 1}, r3.Vec{Y: 1}
	for _, z := range []float64{0, 0.3} {
		c := r3.Vec{X: 0.1, Y: 0.2, Z: z}
		outer, inner := disc(c, x, y, 10, 360), disc(c, x, y, 4, 360)
		keyhole := append(append([]r3.Vec{}, outer...), outer[0], inner[0])
		for n := range inner {
			keyhole = append(keyhole, inner[len(inner)-1-n])
		}
		var counts []float64
		for _, contours := range [][][]r3.Vec{{outer, inner}, {inner, outer}, {keyhole}} {
			f, err := (&ROI{Contours: contours}).Fill(context.Background(), &g)
			if err != nil {
				t.Fatal(err)
			}
			counts = append(counts, f.VolumeMM3())
			verify.Check{Suite: "dicom", Case: "RTSTRUCT of a ring", Quantity: "enclosed volume, mm³", Source: "π(R²−r²)h",
				Got: f.Enclosed, Want: math.Pi * 84, Tol: 0.1}.Run(t)
		}
		if counts[0] != counts[1] || counts[0] != counts[2] || math.Abs(counts[0]/(math.Pi*84)-1) > 0.02 {
			t.Errorf("volumes %v mm³, want all equal and near %.1f", counts, math.Pi*84)
		}
	}
}

// Coverage keeps the volume of a vessel that is thinner than the voxels, where
// voxel centres may find nothing.
func TestCoverage(t *testing.T) {
	g := imaging.NewGrid([3]int{20, 20, 20}, [3]float64{1, 1, 1}, r3.Vec{})
	for _, c := range []struct {
		name   string
		along  r3.Vec
		radius float64
	}{{"across slices", r3.Vec{Z: 1}, 0.45}, {"oblique", r3.Vec{X: 1, Y: 1, Z: 2}, 0.8}} {
		roi := cylinder(r3.Vec{X: 9.37, Y: 9.61, Z: 9}, c.along, c.radius, steps(-4, 1, 9)...)
		v, err := roi.Coverage(context.Background(), &g, 16)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, x := range v.Values {
			sum += float64(x)
		}
		want := math.Pi * c.radius * c.radius * 9
		verify.Check{Suite: "dicom", Case: "RTSTRUCT of a thin vessel, " + c.name, Quantity: "volume by coverage, mm³", Source: "πr²h",
			Got: sum, Want: want, Tol: 0.02 * want}.Run(t)
		f, err := roi.FillVolume(context.Background(), &g)
		if err != nil {
			t.Fatal(err)
		}
		verify.Check{Suite: "dicom", Case: "RTSTRUCT of a thin vessel, " + c.name, Quantity: "volume of the voxels by volume, mm³", Source: "πr²h",
			Got: f.Volume, Want: want, Tol: 0.5 + 0.02*want}.Run(t) // whole voxels of 1 mm³
	}
}

// Contours that make no volume are refused with the reason.
func TestRefused(t *testing.T) {
	g := imaging.NewGrid([3]int{20, 20, 20}, [3]float64{1, 1, 1}, r3.Vec{})
	flatOnes := cylinder(r3.Vec{X: 9, Y: 9, Z: 9}, r3.Vec{Z: 1}, 5, 0)
	turned := cylinder(r3.Vec{X: 9, Y: 9, Z: 9}, r3.Vec{X: 1}, 4, 0)
	line := []r3.Vec{{X: 1}, {X: 2}, {X: 3}}
	for name, contours := range map[string][][]r3.Vec{"two directions": append(flatOnes.Contours, turned.Contours...), "a line": {line}} {
		if _, err := (&ROI{Name: name, Contours: contours}).Fill(context.Background(), &g); !errors.Is(err, ErrContours) {
			t.Errorf("%s: %v, want ErrContours", name, err)
		}
	}
	far := cylinder(r3.Vec{X: 900}, r3.Vec{Z: 1}, 5, 0)
	if f, err := far.Fill(context.Background(), &g); err != nil || f.Mask != nil || f.Cut != 1 {
		t.Errorf("beyond the image: %+v, %v", f, err)
	}
	if f, err := (&ROI{}).Fill(context.Background(), &g); err != nil || f.Mask != nil {
		t.Errorf("no contours: %+v, %v", f, err)
	}
}
