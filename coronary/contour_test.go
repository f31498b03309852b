package coronary

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"testing"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// rectangle is a×b with a corner at o.
func rectangle(o r2.Vec, a, b float64) Contour {
	return Contour{Points: []r2.Vec{o, {X: o.X + a, Y: o.Y}, {X: o.X + a, Y: o.Y + b}, {X: o.X, Y: o.Y + b}}}
}

// A rectangle has known measures.
func TestRectangle(t *testing.T) {
	c := rectangle(r2.Vec{X: 1, Y: 2}, 4, 3)
	d := c.Diameters()
	if c.Area() != 12 || c.Perimeter() != 14 || c.Centroid() != (r2.Vec{X: 3, Y: 3.5}) || d.Min != 3 || d.Max != 5 || math.Abs(d.Equivalent-2*math.Sqrt(12/math.Pi)) > 1e-12 {
		t.Errorf("area %g, perimeter %g, centroid %v, diameters %+v", c.Area(), c.Perimeter(), c.Centroid(), d)
	}
	o := c.Centroid()
	for _, x := range []struct{ theta, want float64 }{{0, 2}, {math.Pi / 2, 1.5}, {math.Pi, 2}, {math.Atan2(1.5, 2), 2.5}, {-math.Pi / 2, 1.5}} {
		if got := c.RadiusAt(o, x.theta); math.Abs(got-x.want) > 1e-12 {
			t.Errorf("radius at %g rad is %g, want %g", x.theta, got, x.want)
		}
	}
	if !math.IsNaN(c.RadiusAt(r2.Vec{X: 10}, 0)) {
		t.Error("a ray that misses the contour has a radius")
	}
	if !c.Inside(o) || c.Inside(r2.Vec{}) || c.Distance(o) != -1.5 || c.Distance(r2.Vec{X: 1, Y: 0}) != 2 {
		t.Error("inside or distance is wrong")
	}
	if r := c.Resample(14); r.Points[4] != (r2.Vec{X: 5, Y: 2}) || len(r.Points) != 14 || math.Abs(r.Area()-12) > 1e-12 {
		t.Errorf("resampled: %v", r)
	}
}

// A fine polar contour tends to its circle, also about another point than its
// centre.
func TestPolarContour(t *testing.T) {
	r := make([]float64, 360)
	for n := range r {
		// Distance from (0.5, 0) to the unit circle about the origin.
		a := 2 * math.Pi * float64(n) / 360
		r[n] = -0.5*math.Cos(a) + math.Sqrt(1-0.25*math.Sin(a)*math.Sin(a))
	}
	c := PolarContour(r2.Vec{X: 0.5}, r)
	d := c.Diameters()
	if math.Abs(c.Area()-math.Pi) > 1e-3 || r2.Norm(c.Centroid()) > 1e-3 || math.Abs(d.Min-2) > 1e-3 || math.Abs(d.Max-2) > 1e-3 {
		t.Errorf("area %g, centroid %v, diameters %+v", c.Area(), c.Centroid(), d)
	}
}

// Contours without area give no panic.
func TestDegenerateContours(t *testing.T) {
	for _, c := range []Contour{{}, {Points: []r2.Vec{{X: 1}}}, {Points: []r2.Vec{{X: 1}, {X: 2}}}, {Points: []r2.Vec{{X: 1}, {X: 1}, {X: 1}}}} {
		c.Area()
		c.Centroid()
		c.Diameters()
		c.Perimeter()
		c.Inside(r2.Vec{})
		c.Distance(r2.Vec{})
		c.RadiusAt(r2.Vec{}, 1)
	}
}

// readContours reads frame, x, y, z and puts every frame into its own plane.
func readContours(t *testing.T, path string) map[int]Contour {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	points := map[int][]r3.Vec{}
	for sc := bufio.NewScanner(z); sc.Scan(); {
		var frame, x, y, zz float64
		if n, _ := fmt.Sscan(sc.Text(), &frame, &x, &y, &zz); n == 4 {
			points[int(frame)] = append(points[int(frame)], r3.Vec{X: x, Y: y, Z: zz})
		}
	}
	out := map[int]Contour{}
	for frame, ps := range points {
		var normal r3.Vec
		for n, p := range ps {
			normal = r3.Add(normal, r3.Cross(p, ps[(n+1)%len(ps)]))
		}
		fr := Frame{Origin: ps[0], T: r3.Unit(normal)}
		fr.N = normalTo(fr.T)
		fr.B = r3.Cross(fr.T, fr.N)
		var c Contour
		for _, p := range ps {
			d := r3.Sub(p, fr.Origin)
			c.Points = append(c.Points, r2.Vec{X: r3.Dot(d, fr.N), Y: r3.Dot(d, fr.B)})
		}
		out[frame] = c
	}
	return out
}

// Intravascular ultrasound contours of a real artery give the areas and burdens
// that their description states.
func TestIVUS(t *testing.T) {
	dir := verify.Shared(t, "data", "ct", "coronary-geometry", "aaoca")
	lumen := readContours(t, dir+"/ivus_diastolic_contours.tsv.gz")
	wall := readContours(t, dir+"/ivus_eem_diastolic_contours.tsv.gz")
	least, most, area, burden, worst, n := math.Inf(1), 0.0, 0.0, 0.0, 0.0, 0
	for frame := 0; frame < 10000; frame++ {
		l, ok := lumen[frame]
		if !ok {
			continue
		}
		s := Section{Lumen: l, Wall: wall[frame]}
		least, most = min(least, l.Area()), max(most, l.Area())
		area += l.Area()
		if b := s.Burden() / 100; !math.IsNaN(b) {
			n++
			burden += b
			worst = max(worst, b)
		}
	}
	for _, c := range []verify.Check{
		{Quantity: "smallest lumen area, mm²", Got: least, Want: 1.9, Tol: 0.05},
		{Quantity: "largest lumen area, mm²", Got: most, Want: 6.8, Tol: 0.05},
		{Quantity: "mean lumen area, mm²", Got: area / float64(len(lumen)), Want: 4.1, Tol: 0.05},
		{Quantity: "mean burden", Got: burden / float64(n), Want: 0.44, Tol: 0.005},
		{Quantity: "largest burden", Got: worst, Want: 0.76, Tol: 0.005},
	} {
		c.Suite, c.Case, c.Source = "coronary", "IVUS pull-back, diastole (aaoca)", "README of the shared data"
		c.Run(t)
	}
}

func ExampleContour() {
	c := PolarContour(r2.Vec{}, []float64{1, 1, 1, 1})
	fmt.Printf("%.1f mm², %.2f mm around\n", c.Area(), c.Perimeter())
	// Output: 2.0 mm², 5.66 mm around
}
