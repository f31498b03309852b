package coronary

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// Round borders that are off by a known distance have measures in closed form.
func TestMeasureIntervals(t *testing.T) {
	const lumen, narrow, wall, wide, d = 1.5, 1.0, 2.0, 2.4, 0.1
	lesion := func(s float64) bool { return s >= 18 && s <= 26 }
	v, tissue := straightVessel(func(s float64) float64 {
		if lesion(s) {
			return narrow
		}
		return lumen
	}, func(s float64) float64 {
		if lesion(s) {
			return wide
		}
		return wall
	}, 0.3)
	p := &Plaque{Artery: LAD, Name: "LAD-1", From: 18, To: 26}
	m := Measure(v, tissue, p)
	m.Plaque = math.Pi * (wide*wide - narrow*narrow) * m.Length
	m.PercentAtheroma = 100 * (1 - narrow*narrow/(wide*wide))
	got := MeasureIntervals(v, tissue, p, &m, d)
	volume := func(w, l float64) float64 { return math.Pi * (w*w - l*l) * m.Length }
	for _, c := range []struct {
		quantity  string
		got       Interval
		low, high float64
		tol       float64
	}{
		{"diameter stenosis, %", got.DiameterStenosis, 100 * (1 - (narrow+d)/(lumen-d)), 100 * (1 - (narrow-d)/(lumen+d)), 0.1},
		{"area stenosis, %", got.AreaStenosis, 100 * (1 - math.Pow((narrow+d)/(lumen-d), 2)), 100 * (1 - math.Pow((narrow-d)/(lumen+d), 2)), 0.1},
		{"smallest lumen area, mm²", got.MinLumenArea, math.Pi * math.Pow(narrow-d, 2), math.Pi * math.Pow(narrow+d, 2), 0.005},
		{"smallest lumen diameter, mm", got.MinLumenDiameter, 2 * (narrow - d), 2 * (narrow + d), 0.002},
		{"remodelling index", got.Remodelling, (wide - d) / (wall + d), (wide + d) / (wall - d), 0.002},
		{"burden, %", got.Burden, 100 * (1 - math.Pow((narrow+d)/(wide-d), 2)), 100 * (1 - math.Pow((narrow-d)/(wide+d), 2)), 0.1},
		{"plaque volume, mm³", got.Plaque, volume(wide-d, narrow+d), volume(wide+d, narrow-d), 0.02 * m.Plaque},
		{"cap, mm", got.Cap, m.Cap - d, m.Cap + d, 1e-9},
	} {
		for _, e := range []struct {
			end       string
			got, want float64
		}{{"low", c.got.Low, c.low}, {"high", c.got.High, c.high}} {
			verify.Check{Suite: "coronary", Case: "interval, round borders off by 0.1 mm", Quantity: c.quantity + ", " + e.end, Source: "closed form", Got: e.got, Want: e.want, Tol: c.tol}.Run(t)
		}
	}
	if a := got.PercentAtheroma; !(a.Low < m.PercentAtheroma && m.PercentAtheroma < a.High && a.High <= 100) {
		t.Errorf("percent atheroma volume %g in %v", m.PercentAtheroma, a)
	}
}

// A plaque that could not be placed keeps what is known, as a point.
func TestMeasureIntervalsWithoutVessel(t *testing.T) {
	mask := imaging.NewMask(imaging.NewGrid([3]int{4, 4, 4}, [3]float64{1, 1, 1}, r3.Vec{}))
	mask.In[21] = true
	p := &Plaque{From: math.NaN(), To: math.NaN(), Mask: mask}
	m := Measure(nil, nil, p)
	got := MeasureIntervals(nil, nil, p, &m, 0.1)
	if got.Plaque != (Interval{1, 1}) || !math.IsNaN(got.Burden.Low) {
		t.Errorf("plaque %v, burden %v", got.Plaque, got.Burden)
	}
}

// An empty contour and one without extent do not move.
func TestMovedDegenerate(t *testing.T) {
	if c := (Contour{}).moved(1); len(c.Points) != 0 {
		t.Error("an empty contour has points")
	}
	if c := (Contour{Points: []r2.Vec{{X: 1}, {X: 1}, {X: 1}}}).moved(1); c.Points[0] != (r2.Vec{X: 1}) {
		t.Errorf("a point moves to %v", c.Points[0])
	}
}
