package imaging_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// tilted is a turned grid with a tilted slice axis.
func tilted() imaging.Grid {
	g := imaging.NewGrid([3]int{7, 6, 5}, [3]float64{0.4, 0.5, 0.75}, r3.Vec{X: -10, Y: 20, Z: 300})
	rot := r3.NewRotation(0.9, r3.Vec{X: 1, Y: 2, Z: -1})
	for a := range g.Axes {
		g.Axes[a] = rot.Rotate(g.Axes[a])
	}
	g.Axes[2] = r3.Unit(r3.Add(g.Axes[2], r3.Scale(0.3, g.Axes[1])))
	return g
}

// Index is the inverse of Point and Coords of Offset, on an oblique grid too.
func TestGridInverses(t *testing.T) {
	g := tilted()
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		a, b, c := rng.Float64()*9-2, rng.Float64()*9-2, rng.Float64()*9-2
		i, j, k := g.Index(g.Point(a, b, c))
		if math.Abs(i-a)+math.Abs(j-b)+math.Abs(k-c) > 1e-9 {
			t.Fatalf("(%g, %g, %g) comes back as (%g, %g, %g)", a, b, c, i, j, k)
		}
	}
	for n := range g.Len() {
		i, j, k := g.Coords(n)
		if g.Offset(i, j, k) != n || !g.Inside(i, j, k) {
			t.Fatalf("offset %d", n)
		}
	}
	if g.Inside(-1, 0, 0) || g.Inside(0, 6, 0) {
		t.Error("outside counts as inside")
	}
}

// A voxel keeps its place and value when it is cropped, padded or both.
func TestCropPad(t *testing.T) {
	g := tilted()
	v, m, l := imaging.NewVolume(g), imaging.NewMask(g), imaging.NewLabels(g)
	for n := range v.Values {
		v.Values[n], m.In[n], l.Class[n] = float32(n), n%3 == 0, imaging.Tissue(n%imaging.NumTissues)
	}
	lo, hi := [3]int{1, 2, 1}, [3]int{6, 5, 4}
	cv, cm, cl := v.Crop(lo, hi), m.Crop(lo, hi), l.Crop(lo, hi)
	for n := range cv.Values {
		i, j, k := cv.Coords(n)
		o := g.Offset(i+1, j+2, k+1)
		if cv.Values[n] != v.Values[o] || cm.In[n] != m.In[o] || cl.Class[n] != l.Class[o] {
			t.Fatalf("voxel %d of the crop differs", n)
		}
		if d := r3.Norm(r3.Sub(cv.Point(float64(i), float64(j), float64(k)), g.Point(float64(i+1), float64(j+2), float64(k+1)))); d > 1e-9 {
			t.Fatalf("voxel %d of the crop moved by %g mm", n, d)
		}
	}
	p := m.Pad(2)
	back := p.Crop([3]int{2, 2, 2}, [3]int{9, 8, 7})
	if !back.Same(&m.Grid) || p.Count() != m.Count() {
		t.Error("padding moves the mask")
	}
	for n := range m.In {
		if back.In[n] != m.In[n] {
			t.Fatalf("voxel %d after padding differs", n)
		}
	}
	if lo, hi := g.Clamp([3]int{-3, 2, 4}, [3]int{3, 99, 2}); lo != [3]int{0, 2, 4} || hi != [3]int{3, 6, 4} {
		t.Errorf("clamp %v %v", lo, hi)
	}
	if n := g.Steps(1); n != [3]int{3, 2, 2} {
		t.Errorf("steps %v", n)
	}
}

// A grid that cannot hold an image says why.
func TestGridValidate(t *testing.T) {
	for want, edit := range map[string]func(g *imaging.Grid){
		"at least one voxel": func(g *imaging.Grid) { g.Size[1] = 0 },
		"more than":          func(g *imaging.Grid) { g.Size = [3]int{1 << 40, 1 << 40, 1 << 40} },
		"positive":           func(g *imaging.Grid) { g.Spacing[2] = math.NaN() },
		"length":             func(g *imaging.Grid) { g.Axes[0].X = 2 },
		"not finite":         func(g *imaging.Grid) { g.Origin.Y = math.Inf(1) },
		"no volume":          func(g *imaging.Grid) { g.Axes[1] = g.Axes[0] },
	} {
		g := imaging.NewGrid([3]int{2, 2, 2}, [3]float64{1, 1, 1}, r3.Vec{})
		if err := g.Validate(); err != nil {
			t.Fatal(err)
		}
		edit(&g)
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// Trilinear interpolation is exact for a plane, repeats the border, and Sample
// knows where the volume ends.
func TestLinear(t *testing.T) {
	v := imaging.NewVolume(tilted())
	for n := range v.Values {
		i, j, k := v.Coords(n)
		v.Values[n] = float32(i + 10*j + 100*k)
	}
	if got := v.Linear(1.25, 2.5, 3.75); math.Abs(got-(1.25+25+375)) > 1e-9 {
		t.Errorf("inside: %g", got)
	}
	if got := v.Linear(-5, 2, 99); got != 420 {
		t.Errorf("outside: %g", got)
	}
	if x, ok := v.Sample(v.Point(6.49, 0, 0)); !ok || math.Abs(x-6) > 1e-9 {
		t.Errorf("in the outer half voxel: %g %v", x, ok)
	}
	if _, ok := v.Sample(v.Point(6.51, 0, 0)); ok {
		t.Error("beyond the outer half voxel")
	}
}

// Bounds and segment masks are tight, and empty ones say so.
func TestBoundsAndSegments(t *testing.T) {
	g := tilted()
	s := &imaging.Segmentation{Grid: g, Layers: [][]int32{make([]int32, g.Len())}, Segments: []imaging.Segment{{Value: 4}, {Value: 5}}}
	s.Layers[0][g.Offset(2, 3, 1)], s.Layers[0][g.Offset(4, 3, 2)] = 4, 4
	m := s.Mask(0)
	if m.Size != [3]int{3, 1, 2} || m.Count() != 2 {
		t.Errorf("mask of %v with %d voxels", m.Size, m.Count())
	}
	if d := r3.Norm(r3.Sub(m.Origin, g.Point(2, 3, 1))); d > 1e-9 {
		t.Errorf("mask moved by %g mm", d)
	}
	if lo, hi, ok := m.Bounds(); !ok || lo != [3]int{} || hi != m.Size {
		t.Errorf("bounds %v %v %v", lo, hi, ok)
	}
	if s.Mask(1) != nil {
		t.Error("an empty segment has a mask")
	}
	if _, _, ok := imaging.NewMask(g).Bounds(); ok {
		t.Error("an empty mask has bounds")
	}
}

// Bounds are those of the voxels one by one, wherever these lie.
func TestBoundsOfAny(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		m := imaging.NewMask(imaging.NewGrid([3]int{7, 5, 4}, [3]float64{1, 1, 1}, r3.Vec{}))
		lo, hi := m.Size, [3]int{}
		for range 1 + rng.IntN(4) {
			p := [3]int{rng.IntN(7), rng.IntN(5), rng.IntN(4)}
			m.In[m.Offset(p[0], p[1], p[2])] = true
			for a, x := range p {
				lo[a], hi[a] = min(lo[a], x), max(hi[a], x+1)
			}
		}
		if l, h, ok := m.Bounds(); !ok || l != lo || h != hi {
			t.Fatalf("bounds %v to %v, want %v to %v", l, h, lo, hi)
		}
	}
}

// The cosines of a tilted gantry's axes are the sine of the tilt; a turned grid
// has none, nor has one whose header is rounded.
func TestCosines(t *testing.T) {
	c, s := math.Cos(0.2), math.Sin(0.2)
	for _, test := range []struct {
		axes [3]r3.Vec
		want [3]float64
	}{
		{[3]r3.Vec{{X: 1}, {Y: 1}, {Y: s, Z: c}}, [3]float64{s}},
		{[3]r3.Vec{{X: 1}, {Y: c, Z: s}, {Y: -s, Z: c}}, [3]float64{}},
		{[3]r3.Vec{{X: 1}, {X: 3e-7, Y: 1}, {Z: 1}}, [3]float64{}},
		{[3]r3.Vec{{X: 1}, {X: s, Y: c}, {Z: 1}}, [3]float64{0, 0, s}},
	} {
		g := imaging.Grid{Spacing: [3]float64{1, 2, 3}, Axes: test.axes}
		if got := g.Cosines(); got != test.want {
			t.Errorf("axes %v: cosines %v, want %v", test.axes, got, test.want)
		}
	}
}

// Parts that share a corner, an edge or nothing are told apart, and numbered
// by size.
func TestComponents(t *testing.T) {
	m := imaging.NewMask(imaging.NewGrid([3]int{6, 6, 6}, [3]float64{1, 1, 1}, r3.Vec{}))
	for _, p := range [][3]int{{0, 0, 0}, {1, 1, 0}, {2, 2, 1}, {2, 3, 1}, {5, 5, 5}} {
		m.In[m.Offset(p[0], p[1], p[2])] = true
	}
	for _, test := range []struct {
		conn  imaging.Connectivity
		sizes []int
	}{
		{imaging.Faces, []int{2, 1, 1, 1}},
		{imaging.Edges, []int{2, 2, 1}},
		{imaging.Corners, []int{4, 1}},
	} {
		labels, sizes := imaging.Components(m, test.conn)
		if fmt.Sprint(sizes) != fmt.Sprint(test.sizes) {
			t.Errorf("connectivity %d: sizes %v, want %v", test.conn, sizes, test.sizes)
		}
		count := make([]int, len(sizes)+1)
		for n, l := range labels {
			count[l]++
			if (l == 0) == m.In[n] {
				t.Fatalf("voxel %d has label %d", n, l)
			}
		}
		if fmt.Sprint(count[1:]) != fmt.Sprint(sizes) {
			t.Errorf("labels %v, sizes %v", count[1:], sizes)
		}
	}
	if n := imaging.Largest(m, imaging.Corners).Count(); n != 4 {
		t.Errorf("largest has %d voxels", n)
	}
	if n := imaging.Largest(imaging.NewMask(m.Grid), imaging.Faces).Count(); n != 0 {
		t.Errorf("largest of nothing has %d voxels", n)
	}
}

// Dilating a voxel gives the voxels of a ball; eroding the ball gives the
// voxel back, and outside the grid nothing protects a mask from erosion.
func TestDilateErode(t *testing.T) {
	m := imaging.NewMask(imaging.NewGrid([3]int{9, 9, 9}, [3]float64{1, 1, 1}, r3.Vec{}))
	m.In[m.Offset(4, 4, 4)] = true
	b := imaging.Dilate(m, 2)
	if b.Count() != 33 {
		t.Errorf("ball of radius 2 has %d voxels, want 33", b.Count())
	}
	if e := imaging.Erode(b, 2); e.Count() != 1 || !e.In[m.Offset(4, 4, 4)] {
		t.Errorf("eroded ball has %d voxels", e.Count())
	}
	for n := range m.In {
		m.In[n] = true
	}
	if e := imaging.Erode(m, 1); e.Count() != 7*7*7 {
		t.Errorf("eroded grid has %d voxels", e.Count())
	}
}

func ExampleGrid_Point() {
	g := imaging.NewGrid([3]int{512, 512, 300}, [3]float64{0.4, 0.4, 0.5}, r3.Vec{X: -102, Y: -102, Z: 80})
	p := g.Point(255, 300, 10)
	i, j, k := g.Index(p)
	fmt.Printf("%.1f mm is voxel (%.0f, %.0f, %.0f)\n", p, i, j, k)
	// Output: {0.0 18.0 85.0} mm is voxel (255, 300, 10)
}

func ExampleMask() {
	m := imaging.NewMask(imaging.NewGrid([3]int{10, 10, 10}, [3]float64{0.4, 0.4, 0.5}, r3.Vec{}))
	m.In[m.Offset(5, 5, 5)] = true
	ball := imaging.Dilate(m, 1)
	fmt.Printf("%d voxels, %.2f mm³\n", ball.Count(), ball.VolumeMM3())
	// Output: 49 voxels, 3.92 mm³
}

func ExampleMarchingCubes() {
	v := imaging.NewVolume(imaging.NewGrid([3]int{41, 41, 41}, [3]float64{0.1, 0.1, 0.1}, r3.Vec{X: -2, Y: -2, Z: -2}))
	for n := range v.Values {
		i, j, k := v.Coords(n)
		v.Values[n] = float32(1 - r3.Norm(v.Point(float64(i), float64(j), float64(k)))) // a ball of 1 mm
	}
	s := imaging.MarchingCubes(v, 0)
	fmt.Printf("area %.1f mm², volume %.1f mm³\n", s.Area(), s.Volume())
	// Output: area 12.5 mm², volume 4.2 mm³
}
