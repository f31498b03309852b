package coronary

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"
)

// helix returns a helix of radius R and pitch h per rad over the given angle.
func helix(R, h, angle, step float64) Centerline {
	n := int(math.Hypot(R, h) * angle / step)
	points := make([]r3.Vec, n+1)
	for i := range points {
		a := angle * float64(i) / float64(n)
		points[i] = r3.Vec{X: R * math.Cos(a), Y: R * math.Sin(a), Z: h * a}
	}
	return NewCenterline(points, nil)
}

// Length, curvature, tangents and positions of a helix are known.
func TestHelix(t *testing.T) {
	const R, h, angle = 20.0, 5.0, 4.0
	c := helix(R, h, angle, 0.5)
	want := math.Hypot(R, h) * angle
	if got := c.Length(); math.Abs(got/want-1) > 1e-4 {
		t.Errorf("length %.5f, want %.5f", got, want)
	}
	k := c.Curvature()
	for n := 2; n < len(k)-2; n++ {
		if w := R / (R*R + h*h); math.Abs(k[n]/w-1) > 1e-3 {
			t.Fatalf("curvature %.5f at node %d, want %.5f", k[n], n, w)
		}
	}
	for s := 1.0; s < c.Length()-1; s += 0.137 {
		a := s / c.Length() * angle
		p := r3.Vec{X: R * math.Cos(a), Y: R * math.Sin(a), Z: h * a}
		if d := r3.Norm(r3.Sub(c.At(s), p)); d > 1e-4 {
			t.Fatalf("position at %g mm is %g mm off", s, d)
		}
		u := r3.Unit(r3.Vec{X: -R * math.Sin(a), Y: R * math.Cos(a), Z: h})
		if d := r3.Norm(r3.Sub(c.Tangent(s), u)); d > 1e-3 {
			t.Fatalf("tangent at %g mm is %g rad off", s, d)
		}
		if got, d := c.Project(r3.Add(p, r3.Vec{Z: 0.001})); math.Abs(got-s) > 0.01 || d > 0.01 {
			t.Fatalf("the point at %g mm is projected on %g mm", s, got)
		}
	}
	if r := c.Resample(0.3); math.Abs(r.Length()-c.Length()) > 2e-3 || r3.Norm(r3.Sub(r.Nodes[len(r.Nodes)-1].Pos, c.Nodes[len(c.Nodes)-1].Pos)) > 1e-12 {
		t.Errorf("resampled length %g, want %g", r.Length(), c.Length())
	}
}

// A rotation-minimising frame does not turn about its tangent: N' has no part
// along B. On a helix the Frenet frame turns by the torsion times the length
// against it.
func TestFrames(t *testing.T) {
	const R, h, angle = 20.0, 5.0, 4.0
	c := helix(R, h, angle, 0.25)
	var s []float64
	for x := 2.0; x < c.Length()-2; x += 0.5 {
		s = append(s, x)
	}
	frames := c.Frames(s)
	phase := func(f *Frame, s float64) float64 { // of N in the Frenet frame
		a := s / c.Length() * angle
		normal := r3.Vec{X: -math.Cos(a), Y: -math.Sin(a)}
		return math.Atan2(r3.Dot(f.N, r3.Cross(f.T, normal)), r3.Dot(f.N, normal))
	}
	for n := range frames {
		f := &frames[n]
		if d := r3.Norm(r3.Sub(r3.Cross(f.N, f.B), f.T)); d > 1e-12 {
			t.Fatalf("N × B differs from T by %g", d)
		}
	}
	got := phase(&frames[0], s[0]) - phase(&frames[len(frames)-1], s[len(s)-1])
	want := h / (R*R + h*h) * (s[len(s)-1] - s[0]) // torsion × length
	if d := math.Remainder(got-want, 2*math.Pi); math.Abs(d) > 1e-3 {
		t.Errorf("the frame turns by %g rad against the Frenet frame, want %g", got, want)
	}
}

// Smoothing holds the ends, and the sharp kernel keeps a bend in its place where
// a Gaussian pulls it inwards by κσ²/2.
func TestSmooth(t *testing.T) {
	c := helix(10, 0, 3, 0.5)
	mid := len(c.Nodes) / 2
	radius := func(c Centerline) float64 { p := c.Nodes[mid].Pos; return math.Hypot(p.X, p.Y) }
	g, sharp := c.Smooth(2), c.SmoothSharp(2)
	if want := 10 - 0.5*4/10; math.Abs(radius(g)-want) > 0.01 {
		t.Errorf("Gaussian: radius %.4f, want %.4f", radius(g), want)
	}
	if math.Abs(radius(sharp)-10) > 0.005 {
		t.Errorf("sharp: radius %.4f, want 10", radius(sharp))
	}
	for _, x := range []Centerline{g, sharp} {
		if d := r3.Norm(r3.Sub(x.Nodes[0].Pos, c.Nodes[0].Pos)); d > 1e-9 {
			t.Errorf("the first point moved by %g mm", d)
		}
	}
}

// Lines of no, one and two points have no surprises.
func TestShortLines(t *testing.T) {
	empty := NewCenterline(nil, nil)
	one := NewCenterline([]r3.Vec{{X: 1}, {X: 1}}, nil)
	two := NewCenterline([]r3.Vec{{X: 1}, {X: 3}}, []float64{1, 2})
	for _, c := range []Centerline{empty, one, two} {
		c.Curvature()
		c.Frames([]float64{0, 1})
		c.At(1)
		c.Project(r3.Vec{})
		x := c.Resample(0.5)
		x.Smooth(1)
	}
	if len(one.Nodes) != 1 || empty.Length() != 0 || one.Length() != 0 || two.Length() != 2 || two.RadiusAt(1) != 1.5 || two.At(1) != (r3.Vec{X: 2}) {
		t.Error("a short line is wrong")
	}
}

func ExampleCenterline() {
	c := NewCenterline([]r3.Vec{{}, {Z: -10}, {Z: -20}}, []float64{2, 1.5, 1})
	fmt.Printf("%.0f mm long, radius %.2f mm at 5 mm\n", c.Length(), c.RadiusAt(5))
	// Output: 20 mm long, radius 1.75 mm at 5 mm
}
