package segmentation

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The border of a round lumen under Gaussian blur is that of the exact integral
// over the disc, whose value at the distance x from the middle is
//
//	∫₀ᴿ (r/σ²) exp(−(x² + r²)/2σ²) I₀(xr/σ²) dr
func TestBorderOfADisc(t *testing.T) {
	const sigma = 0.37
	bessel := func(z float64) float64 { // I₀(z)·exp(−z), by its integral over angles
		const n = 400
		var s float64
		for k := range n {
			s += math.Exp(z*(math.Cos(2*math.Pi*(float64(k)+0.5)/n)-1)) / n
		}
		return s
	}
	for _, radius := range []float64{1, 1.5, 2.2} {
		worst := 0.0
		for x := radius - 0.8; x <= radius+0.9; x += 0.1 {
			const n = 600
			var want float64
			for k := range n {
				r := radius * (float64(k) + 0.5) / n
				want += r / (sigma * sigma) * math.Exp(-(x-r)*(x-r)/(2*sigma*sigma)) * bessel(x*r/(sigma*sigma)) * radius / n
			}
			if d := border(radius, x, sigma) - want; math.Abs(d) > math.Abs(worst) {
				worst = d
			}
		}
		verify.Check{Suite: "segmentation", Case: "blurred disc", Quantity: "largest error of the profile, radius " + string(rune('0'+int(radius))) + " mm and up",
			Source: "integral over the disc with the Bessel function I₀", Got: worst, Want: 0, Tol: 0.04}.Run(t)
	}
}

// The derivative of the border is that of finite differences.
func TestSlopeOfTheBorder(t *testing.T) {
	for _, x := range []float64{0.2, 0.9, 1.4, 2} {
		const h = 1e-5
		want := (border(1.3+h, x, 0.37) - border(1.3-h, x, 0.37)) / (2 * h)
		if got := slope(1.3, x, 0.37); math.Abs(got-want) > 1e-7 {
			t.Errorf("at %g mm: slope %g, finite differences %g", x, got, want)
		}
	}
}

// A circle is found again, with a fifth of its points pulled outwards.
func TestFitCircle(t *testing.T) {
	var points []r2.Vec
	for a := range 36 {
		r := 1.4
		if a < 7 {
			r = 2.4
		}
		points = append(points, r2.Add(r2.Vec{X: 0.3, Y: -0.2}, r2.Scale(r, direction(a, 36))))
	}
	c := fitCircle(points)
	if math.Abs(c.radius-1.4) > 0.03 || r2.Norm(r2.Sub(c.centre, r2.Vec{X: 0.3, Y: -0.2})) > 0.03 {
		t.Errorf("got radius %.3f about %v, want 1.4 about (0.3, -0.2)", c.radius, c.centre)
	}
}

// The usual wall is the healthy one, whatever the plaque on a third of the artery.
func TestUsual(t *testing.T) {
	var x []float64
	for n := range 100 {
		x = append(x, 0.5+0.001*float64(n%20))
		if n%3 == 0 {
			x = append(x, 0.8+0.02*float64(n))
		}
	}
	if got := usual(x); math.Abs(got-0.51) > 0.01 {
		t.Errorf("got %.3f, want 0.51", got)
	}
	if !math.IsNaN(usual(nil)) {
		t.Error("the usual wall of nothing is a number")
	}
}

// blurredTube returns a straight artery along z, without noise: blood, wall, calcium and
// fat as they are under the blur, from their exact shares.
func blurredTube(t *testing.T, lumen, wall float64, calcium bool) (*imaging.Volume, coronary.Centerline) {
	const fine = 5
	cfg := DefaultSurfaceConfig()
	g := imaging.NewGrid([3]int{48 * fine, 48 * fine, 1}, [3]float64{0.4 / fine, 0.4 / fine, 0.4}, r3.Vec{X: -9.6 + 0.04, Y: -9.6 + 0.04})
	slice := imaging.NewVolume(g)
	for o := range slice.Values {
		p := slice.Point(coordinates(&g, o))
		r := math.Hypot(p.X, p.Y)
		v := -100.0
		switch {
		case r < lumen:
			v = 400
		case calcium && r > lumen+0.15 && r < wall-0.15 && math.Abs(math.Atan2(p.Y, p.X)) < 0.6:
			v = 800
		case r < wall:
			v = 60
		}
		slice.Values[o] = float32(v)
	}
	sigma := cfg.InPlaneFWHM / math.Sqrt(8*math.Ln2)
	soft, err := imaging.Gaussian(t.Context(), slice, [3]float64{sigma, sigma, 0})
	if err != nil {
		t.Fatal(err)
	}
	out := imaging.NewVolume(imaging.NewGrid([3]int{48, 48, 40}, [3]float64{0.4, 0.4, 0.4}, r3.Vec{X: -9.4, Y: -9.4}))
	for o := range out.Values {
		p := out.Point(coordinates(&out.Grid, o))
		v, _ := soft.Sample(r3.Vec{X: p.X, Y: p.Y})
		out.Values[o] = float32(v)
	}
	line := coronary.NewCenterline([]r3.Vec{{X: 0.3, Z: 0.4}, {Y: 0.2, Z: 8}, {X: -0.2, Z: 15}}, nil)
	return out, line
}

// Lumen and wall of a straight tube are found to a fraction of a voxel, thin wall
// and thick, with calcium in it as well; and with the same bits on any number of
// processors.
func TestSurfacesOfATube(t *testing.T) {
	for _, test := range []struct {
		name        string
		lumen, wall float64
		calcium     bool
		tol         float64
	}{
		{"healthy, radii 1.5 and 2.0 mm", 1.5, 2.0, false, 0.05},
		{"thick wall, radii 1.2 and 2.4 mm", 1.2, 2.4, false, 0.06},
		{"calcium in the wall, radii 1.4 and 2.4 mm", 1.4, 2.4, true, 0.12},
	} {
		vol, line := blurredTube(t, test.lumen, test.wall, test.calcium)
		var first *Surfaces
		for _, n := range []int{1, 3} {
			if n == 3 && !test.calcium {
				continue
			}
			old := runtime.GOMAXPROCS(n)
			s, err := FindSurfaces(t.Context(), vol, line, DefaultSurfaceConfig())
			runtime.GOMAXPROCS(old)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = s
			} else if !slices.EqualFunc(first.Wall, s.Wall, slices.Equal) || !slices.EqualFunc(first.Lumen, s.Lumen, slices.Equal) {
				t.Errorf("%s: other bits on %d processors", test.name, n)
			}
		}
		for _, border := range []struct {
			name string
			r    [][]float64
			want float64
		}{{"lumen", first.Lumen, test.lumen}, {"outer wall", first.Wall, test.wall}} {
			var area float64
			for _, r := range border.r[len(border.r)/2] {
				area += r * r / float64(len(border.r[0]))
			}
			verify.Check{Suite: "segmentation", Case: "blurred tube: " + test.name, Quantity: border.name + ", equivalent radius, mm",
				Source: "the tube", Got: math.Sqrt(area), Want: border.want, Tol: test.tol}.Run(t)
		}
	}
}
