package coronary

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// A volume that is linear in position shows on every pixel where it was
// sampled: on a helix, the surface along its axis unrolls to a straight line of
// slope h/(2πr), and lengths on it are true.
func TestCurveOfHelix(t *testing.T) {
	const radius, pitch, turns = 12.0, 15.0, 1.5
	var points []r3.Vec
	for n := range 1001 {
		a := turns * 2 * math.Pi * float64(n) / 1000
		points = append(points, r3.Vec{X: radius * math.Cos(a), Y: radius * math.Sin(a), Z: pitch * a / (2 * math.Pi)})
	}
	v := &Vessel{Artery: RCA, Centerline: NewCenterline(points, nil)}
	height := imaging.NewVolume(imaging.NewGrid([3]int{80, 80, 60}, [3]float64{1, 1, 1}, r3.Vec{X: -40, Y: -40, Z: -20}))
	for o := range height.Values {
		i, j, k := height.Coords(o)
		height.Values[o] = float32(height.Point(float64(i), float64(j), float64(k)).Z)
	}
	p, err := Curve(context.Background(), height, v, CurvedOptions{Ruling: r3.Vec{Z: 2}, Margin: 5, Step: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	end := p.Line[len(p.Line)-1]
	verify.Check{Suite: "coronary", Case: "curved plane", Quantity: "unrolled length of a helix, mm", Source: "closed form 2πrn", Got: end.X, Want: 2 * math.Pi * radius * turns, Tol: 0.01}.Run(t)
	verify.Check{Suite: "coronary", Case: "curved plane", Quantity: "length of a helix on the surface, mm", Source: "closed form n√((2πr)²+h²)", Got: math.Hypot(end.X, end.Y), Want: turns * math.Hypot(2*math.Pi*radius, pitch), Tol: 0.01}.Run(t)
	var worst float64
	for r := range p.Rows {
		for c := range p.Cols {
			if x := float64(p.Values[r*p.Cols+c]); !math.IsNaN(x) {
				worst = max(worst, math.Abs(x-(p.Y0+float64(r)*p.DY)))
			}
		}
	}
	verify.Check{Suite: "coronary", Case: "curved plane", Quantity: "height of every pixel, mm", Source: "the coordinate itself", Got: worst, Want: 0, Tol: 1e-4}.Run(t)
}

// The rulings are at right angles to each other and across a straight artery.
func TestRulings(t *testing.T) {
	line := NewCenterline([]r3.Vec{{}, {X: 10, Y: 1}, {X: 20}, {X: 30, Y: -1, Z: 0.3}, {X: 40}}, nil)
	d := line.Rulings()
	if x := math.Abs(r3.Dot(d[0], d[1])); x > 1e-12 {
		t.Errorf("cosine between the rulings is %g, want 0", x)
	}
	for _, a := range d {
		if x := math.Abs(a.X); x > 0.1 {
			t.Errorf("ruling %v runs along the artery", a)
		}
	}
}
