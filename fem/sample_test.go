package fem

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// twoTissues returns a solved box of distorted cells whose lower half in z is
// fibrous and whose upper half is lipid, with the von Mises stress f.
func twoTissues(f func(p r3.Vec, t imaging.Tissue) float64) *Result {
	box := mesh.Box([3]int{3, 4, 4}, r3.Vec{X: 3, Y: 4, Z: 4})
	draw := rand.New(rand.NewPCG(2, 5))
	for n, p := range box.Nodes {
		if p.X > 0 && p.X < 3 && p.Y > 0 && p.Y < 4 && p.Z > 0 && p.Z < 4 && p.Z != 2 {
			box.Nodes[n] = r3.Add(p, r3.Vec{X: 0.3 * (draw.Float64() - 0.5), Y: 0.3 * (draw.Float64() - 0.5), Z: 0.3 * (draw.Float64() - 0.5)})
		}
	}
	r := &Result{Mesh: &mesh.Swept{Mesh: *box}}
	for e := range box.Cells {
		x, tissue := box.Corners(e), imaging.Fibrous
		if box.Centre(e).Z > 2 {
			tissue = imaging.LowAttenuation
		}
		r.Tissue = append(r.Tissue, tissue)
		for q := range element.Points {
			var p r3.Vec
			for a, n := range element.Shape(element.QuadraturePoint(q)) {
				p = r3.Add(p, r3.Scale(n, x[a]))
			}
			r.Points = append(r.Points, Point{Tissue: tissue, VonMises: f(p, tissue)})
		}
	}
	return r
}

// A stress that is linear in each tissue, with a jump between them, is sampled
// exactly; voxels outside the mesh or the mask are NaN.
func TestSampleOnGrid(t *testing.T) {
	f := func(p r3.Vec, tissue imaging.Tissue) float64 {
		if tissue == imaging.Fibrous {
			return 100 + 3*p.X - 2*p.Y + 5*p.Z
		}
		return 20 - p.X + p.Z
	}
	r := twoTissues(f)
	g := imaging.NewGrid([3]int{20, 22, 24}, [3]float64{0.23, 0.22, 0.21}, r3.Vec{X: -0.5, Y: -0.41, Z: -0.4})
	mask := imaging.NewMask(g)
	for n := range mask.In {
		mask.In[n] = n%3 > 0
	}
	at := func(p *Point) float64 { return p.VonMises }
	v, err := r.SampleOnGrid(t.Context(), g, mask, at)
	if err != nil {
		t.Fatal(err)
	}
	var worst float64
	inside := 0
	for n, x := range v.Values {
		i, j, k := g.Coords(n)
		p := g.Point(float64(i), float64(j), float64(k))
		in := p.X >= 0 && p.X <= 3 && p.Y >= 0 && p.Y <= 4 && p.Z >= 0 && p.Z <= 4 && mask.In[n]
		if in == math.IsNaN(float64(x)) {
			t.Fatalf("voxel at %.2f mm: %g, inside: %v", p, x, in)
		}
		if !in {
			continue
		}
		inside++
		tissue := imaging.Fibrous
		if p.Z > 2 {
			tissue = imaging.LowAttenuation
		}
		worst = max(worst, math.Abs(float64(x)-f(p, tissue)))
	}
	verify.Check{
		Suite: "mechanics", Case: "box of distorted bricks, two tissues", Quantity: "error of a linear stress sampled on voxels, kPa",
		Source: "closed form", Got: worst, Want: 0, Tol: 1e-5, // float32
	}.Run(t)
	if inside < 2000 {
		t.Errorf("only %d voxels inside", inside)
	}
	if _, err := r.SampleOnGrid(t.Context(), g.Crop([3]int{}, [3]int{5, 5, 5}), mask, at); err == nil {
		t.Error("a mask on another grid is taken")
	}
}

// An energy that falls off steeply stays at least zero on voxels, though a
// straight line through its quadrature points crosses zero before the border.
func TestSampleSign(t *testing.T) {
	r := twoTissues(func(p r3.Vec, _ imaging.Tissue) float64 { return math.Exp(-6 * p.X) })
	at := func(p *Point) float64 { return p.VonMises }
	g := imaging.NewGrid([3]int{61, 41, 41}, [3]float64{0.05, 0.1, 0.1}, r3.Vec{})
	v, err := r.SampleOnGrid(t.Context(), g, nil, at)
	if err != nil {
		t.Fatal(err)
	}
	if low := slices.Min(v.Values); !(low >= 0) {
		t.Errorf("energy %g, want at least 0", low)
	}
	// Without the bound there would be values below zero.
	var a float64
	for q, w := range outward[1] {
		a += w * r.Points[q].VonMises
	}
	if a >= 0 {
		t.Errorf("extrapolation gives %g: the test shows nothing", a)
	}
}

// Samples have the same bits on any number of processors.
func TestSampleSameBits(t *testing.T) {
	r := twoTissues(func(p r3.Vec, _ imaging.Tissue) float64 { return math.Exp(p.X * p.Y * p.Z / 10) })
	g := imaging.NewGrid([3]int{31, 41, 41}, [3]float64{0.1, 0.1, 0.1}, r3.Vec{})
	old := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(old)
	var first []float32
	for _, n := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(n)
		v, err := r.SampleOnGrid(t.Context(), g, nil, func(p *Point) float64 { return p.VonMises })
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = v.Values
		}
		if !slices.Equal(v.Values, first) { // no voxel is NaN: the grid lies in the mesh
			t.Fatalf("GOMAXPROCS %d: other values", n)
		}
	}
}

// The quantities for images are those of the features, with their units.
func TestQuantities(t *testing.T) {
	p := Point{Sigma1: 1, VonMises: 2, Eps1: 3, Energy: 4, Hoop: 5, Axial: 6, Radial: 7}
	for n, q := range Quantities() {
		if q.At(&p) != float64(n+1) || q.Unit != [7]string{"kPa", "kPa", "1", "kPa", "kPa", "kPa", "kPa"}[n] {
			t.Errorf("quantity %d: %s in %s = %g", n, q.Name, q.Unit, q.At(&p))
		}
	}
}
