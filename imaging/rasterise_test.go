package imaging_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	sdicom "github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The RTSTRUCT of the IBSI CT phantom on the voxels of its CT is the mask that
// IBSI made of it, voxel by voxel.
func TestRasteriseIBSI(t *testing.T) {
	dir := verify.Shared(t, "data", "ibsi1", "ct_phantom")
	s, err := nifti.ReadSegmentation(filepath.Join(dir, "nifti", "mask.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	contours := readContours(t, filepath.Join(dir, "dicom", "rtstruct", "DCM_RS_00060.dcm"), "GTV-1")
	m, cut, err := imaging.Rasterise(&s.Grid, contours, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	differ := 0
	for n, v := range s.Layers[0] {
		if (v != 0) != m.In[n] {
			differ++
		}
	}
	for _, c := range []struct {
		quantity  string
		got, want float64
	}{{"voxels", float64(m.Count()), 125256}, {"voxels that differ from the NIfTI mask", float64(differ), 0}, {"contours beyond the CT", float64(cut), 0}} {
		verify.Check{Suite: "imaging", Case: "IBSI CT phantom, RTSTRUCT GTV-1 rasterised", Quantity: c.quantity,
			Source: "IBSI 1 (P. Lambin, doi 10.17195/candat.2016.08.1)", Got: c.got, Want: c.want}.Run(t)
	}
}

// readContours returns the contours of the region called name.
func readContours(t *testing.T, path, name string) [][]r3.Vec {
	t.Helper()
	d, err := sdicom.ParseFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := func(items []*sdicom.Element, want tag.Tag) []string {
		for _, e := range items {
			if e.Tag == want {
				return e.Value.GetValue().([]string)
			}
		}
		return nil
	}
	inside := func(items []*sdicom.Element, want tag.Tag) [][]*sdicom.Element {
		var out [][]*sdicom.Element
		for _, e := range items {
			if e.Tag == want {
				for _, item := range e.Value.GetValue().([]*sdicom.SequenceItemValue) {
					out = append(out, item.GetValue().([]*sdicom.Element))
				}
			}
		}
		return out
	}
	number := ""
	for _, roi := range inside(d.Elements, tag.StructureSetROISequence) {
		if strings.TrimSpace(text(roi, tag.ROIName)[0]) == name {
			number = strings.TrimSpace(text(roi, tag.ROINumber)[0])
		}
	}
	var contours [][]r3.Vec
	for _, roi := range inside(d.Elements, tag.ROIContourSequence) {
		if strings.TrimSpace(text(roi, tag.ReferencedROINumber)[0]) != number {
			continue
		}
		for _, c := range inside(roi, tag.ContourSequence) {
			words := text(c, tag.ContourData)
			var points []r3.Vec
			for n := 0; n+2 < len(words); n += 3 {
				var x [3]float64
				for a := range x {
					if x[a], err = strconv.ParseFloat(strings.TrimSpace(words[n+a]), 64); err != nil {
						t.Fatal(err)
					}
				}
				points = append(points, r3.Vec{X: x[0], Y: x[1], Z: x[2]})
			}
			contours = append(contours, points)
		}
	}
	if len(contours) == 0 {
		t.Fatalf("%s: no contours of %q", path, name)
	}
	return contours
}

// rasterise is [imaging.Rasterise] of contours that lie on the voxels of g.
func rasterise(t *testing.T, g imaging.Grid, contours ...[]r3.Vec) *imaging.Mask {
	t.Helper()
	m, cut, err := imaging.Rasterise(&g, contours, 0.1)
	if err != nil || cut != 0 {
		t.Fatal(cut, err)
	}
	return m
}

// box returns a rectangle in plane k, in indices of g.
func box(g *imaging.Grid, k, i0, j0, i1, j1 float64) []r3.Vec {
	return []r3.Vec{g.Point(i0, j0, k), g.Point(i1, j0, k), g.Point(i1, j1, k), g.Point(i0, j1, k)}
}

func turned() imaging.Grid {
	g := imaging.NewGrid([3]int{20, 16, 5}, [3]float64{0.4, 0.5, 0.75}, r3.Vec{X: -10.5, Y: 20.1, Z: 300})
	rot := r3.NewRotation(1.2, r3.Vec{X: 0.3, Y: -0.7, Z: 0.5})
	for a := range g.Axes {
		g.Axes[a] = rot.Rotate(g.Axes[a])
	}
	return g
}

// A square between voxel centres holds the voxels that one counts, a hole
// takes its own away, a keyhole is the same, and a contour given twice is
// nothing.
func TestRasteriseSquares(t *testing.T) {
	g := turned()
	outer, inner := box(&g, 2, 2.5, 3.5, 12.5, 10.5), box(&g, 2, 4.5, 5.5, 8.5, 8.5)
	if n := rasterise(t, g, outer).Count(); n != 10*7 {
		t.Errorf("square: %d voxels, want 70", n)
	}
	hole := rasterise(t, g, outer, inner)
	if n := hole.Count(); n != 10*7-4*3 {
		t.Errorf("hole: %d voxels, want 58", n)
	}
	keyhole := append(append(append([]r3.Vec{}, outer...), outer[0]), append(inner, inner[0])...)
	if m := rasterise(t, g, keyhole); !slices.Equal(m.In, hole.In) {
		t.Errorf("keyhole: %d voxels, want 58", m.Count())
	}
	if n := rasterise(t, g, outer, outer).Count(); n != 0 {
		t.Errorf("twice the same: %d voxels, want none", n)
	}
	slices.Reverse(outer)
	if m := rasterise(t, g, outer, inner); !slices.Equal(m.In, hole.In) {
		t.Error("the direction of drawing matters")
	}
	if n := rasterise(t, g, box(&g, 1, 2.5, 3.5, 12.5, 10.5), outer).Count(); n != 2*70 {
		t.Errorf("two planes: %d voxels, want 140", n)
	}
	if n := rasterise(t, g, []r3.Vec{g.Point(3, 3, 1)}, []r3.Vec{g.Point(3, 3, 1), g.Point(9, 9, 1)}, nil).Count(); n != 0 {
		t.Errorf("points and lines: %d voxels, want none", n)
	}
}

// A centre on a contour belongs to the region on the side of smaller indices.
func TestRasteriseEdges(t *testing.T) {
	g := turned()
	m := rasterise(t, g, box(&g, 0, 3, 4, 8, 6))
	lo, hi, _ := m.Bounds()
	if lo != [3]int{4, 5, 0} || hi != [3]int{9, 7, 1} || m.Count() != 10 {
		t.Errorf("box from (3, 4) to (8, 6) holds [%v, %v), want [(4, 5), (9, 7))", lo, hi)
	}
}

// Triangles that share edges and corners on voxel centres fill a rectangle
// with no voxel in two of them and none left out; so do the pieces of a
// rectangle that random chords cut.
func TestRasteriseTiles(t *testing.T) {
	g := turned()
	rng := rand.New(rand.NewPCG(1, 2))
	for trial := range 200 {
		round := func(x float64) float64 { // half of the trials hit voxel centres
			if trial%2 == 0 {
				return math.Round(x)
			}
			return x
		}
		whole := box(&g, 3, 1, 1, 18, 14)
		centre := g.Point(round(1+17*rng.Float64()), round(1+13*rng.Float64()), 3)
		var rim []r3.Vec
		for n, p := range whole {
			q := whole[(n+1)%4]
			at := math.Round(13*rng.Float64()) / 13
			rim = append(rim, p, r3.Add(p, r3.Scale(at, r3.Sub(q, p))))
		}
		covered := make([]int, g.Len())
		for n := range rim {
			for o, in := range rasterise(t, g, []r3.Vec{centre, rim[(n+1)%len(rim)], rim[n]}).In {
				if in {
					covered[o]++
				}
			}
		}
		for o, in := range rasterise(t, g, whole).In {
			want := 0
			if in {
				want = 1
			}
			if covered[o] != want {
				i, j, k := g.Coords(o)
				t.Fatalf("trial %d: voxel (%d, %d, %d) is in %d triangles, want %d", trial, i, j, k, covered[o], want)
			}
		}
	}
}

// The number of voxels times their area is the area of an ellipse, as
// accurately as the voxels of its rim allow.
func TestRasteriseEllipse(t *testing.T) {
	g := imaging.NewGrid([3]int{400, 300, 2}, [3]float64{0.1, 0.1, 1}, r3.Vec{})
	const a, b = 17.3, 11.9 // mm
	var points []r3.Vec
	for n := range 5000 {
		s, c := math.Sincos(2 * math.Pi * float64(n) / 5000)
		points = append(points, r3.Vec{X: 20.013 + a*c, Y: 14.987 + b*s, Z: 1})
	}
	verify.Check{Suite: "imaging", Case: "ellipse 34.6 × 23.8 mm rasterised on voxels of 0.1 mm", Quantity: "area, mm²",
		Source: "πab", Got: float64(rasterise(t, g, points).Count()) * 0.01, Want: math.Pi * a * b,
		Tol: 0.3, // 30 voxels, the root of the rim's 920, each half in by chance
	}.Run(t)
}

// Contours along another axis of a grid, as in an image stored in sagittal
// slices, give the same voxels.
func TestRasteriseOtherAxis(t *testing.T) {
	g := turned()
	p := g
	p.Size = [3]int{g.Size[2], g.Size[0], g.Size[1]}
	p.Spacing = [3]float64{g.Spacing[2], g.Spacing[0], g.Spacing[1]}
	p.Axes = [3]r3.Vec{g.Axes[2], g.Axes[0], g.Axes[1]}
	c := []r3.Vec{g.Point(2.2, 3.1, 2), g.Point(15.7, 4.4, 2), g.Point(9.1, 13.3, 2)}
	m, n := rasterise(t, g, c), rasterise(t, p, c)
	for o, in := range m.In {
		i, j, k := m.Coords(o)
		if n.In[n.Offset(k, i, j)] != in {
			t.Fatalf("voxel (%d, %d, %d) differs", i, j, k)
		}
	}
}

// Contours beyond the image are cut and counted; what does not lie in planes
// of voxels is refused, with the contour and the distance.
func TestRasteriseRefusals(t *testing.T) {
	g := turned()
	m, cut, err := imaging.Rasterise(&g, [][]r3.Vec{
		box(&g, 0, -30, -0.5, 4.5, 30), box(&g, 9, 1, 1, 5, 5), box(&g, 1, -0.5, -0.5, 19.5, 15.5),
	}, 0.1)
	if err != nil || cut != 2 || m.Count() != 5*16+20*16 {
		t.Errorf("cut %d, %d voxels, %v; want 2 and 400", cut, m.Count(), err)
	}
	oblique := box(&g, 1, 2, 2, 9, 9)
	oblique[1] = g.Point(9, 2, 2.4)
	for want, c := range map[string][]r3.Vec{
		"contour 2 is oblique: it leaves the planes of voxels by 1.40 voxels along axis k": oblique,
		"contour 2 lies 0.40 voxels beside the planes of voxels along axis k, at 1.400":    box(&g, 1.4, 2, 2, 9, 9),
		"contour 2: point 1 at": {{X: math.NaN()}},
		"is not near the image": {{X: 1e12}},
	} {
		if _, _, err := imaging.Rasterise(&g, [][]r3.Vec{box(&g, 1, 2, 2, 9, 9), c}, 0.1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if m, _, err := imaging.Rasterise(&g, nil, 0.1); err != nil || m.Count() != 0 {
		t.Errorf("no contour: %v", err)
	}
}

// Two hundred contours of a thousand points, as a liver has.
func BenchmarkRasterise(b *testing.B) {
	g := imaging.NewGrid([3]int{512, 512, 200}, [3]float64{0.7, 0.7, 1}, r3.Vec{})
	contours := make([][]r3.Vec, 200)
	for k := range contours {
		for n := range 1000 {
			s, c := math.Sincos(2 * math.Pi * float64(n) / 1000)
			r := 80 + 10*math.Sin(float64(k)/30+5*math.Atan2(s, c))
			contours[k] = append(contours[k], r3.Vec{X: 180 + r*c, Y: 180 + r*s, Z: float64(k)})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := imaging.Rasterise(&g, contours, 0.1); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleRasterise() {
	g := imaging.NewGrid([3]int{10, 10, 3}, [3]float64{1, 1, 2}, r3.Vec{})
	square := []r3.Vec{{X: 1.5, Y: 1.5, Z: 2}, {X: 7.5, Y: 1.5, Z: 2}, {X: 7.5, Y: 7.5, Z: 2}, {X: 1.5, Y: 7.5, Z: 2}}
	hole := []r3.Vec{{X: 3.5, Y: 3.5, Z: 2}, {X: 5.5, Y: 3.5, Z: 2}, {X: 5.5, Y: 5.5, Z: 2}, {X: 3.5, Y: 5.5, Z: 2}}
	m, _, err := imaging.Rasterise(&g, [][]r3.Vec{square, hole}, 0.1)
	fmt.Println(m.Count(), err)
	// Output: 32 <nil>
}
