package coronary

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// painted is a tube with plaque all around it between two arc lengths, coloured
// by hu(depth below the lumen, angle, s).
func painted(hu func(depth, angle, s float64) float32) (*imaging.Volume, *Vessel, *Plaque) {
	const lumen, wall = 1.4, 3.0
	v := tube(LAD, 20, lumen, wall)
	g := imaging.Grid{Size: [3]int{34, 34, 66}, Spacing: [3]float64{0.3, 0.3, 0.3}, Axes: [3]r3.Vec{{X: 1}, {Y: 1}, {Z: 1}}, Origin: r3.Vec{X: -5, Y: -5}}
	ct, mask, tissue := imaging.NewVolume(g), imaging.NewMask(g), imaging.NewLabels(g)
	for o := range ct.Values {
		i, j, k := g.Coords(o)
		p := g.Point(float64(i), float64(j), float64(k))
		r := math.Hypot(p.X, p.Y)
		switch {
		case r < lumen:
			ct.Values[o], tissue.Class[o] = 400, imaging.Lumen
		case r < wall && p.Z > 5 && p.Z < 15:
			// The frame's first axis is not x, but a full turn of angles is looked at.
			ct.Values[o] = hu(r-lumen, math.Atan2(p.Y, p.X), p.Z)
			mask.In[o] = true
			switch x := ct.Values[o]; {
			case x >= 350:
				tissue.Class[o] = imaging.Calcified
			case x < 30:
				tissue.Class[o] = imaging.LowAttenuation
			default:
				tissue.Class[o] = imaging.Fibrous
			}
		case r < wall:
			ct.Values[o], tissue.Class[o] = 60, imaging.Wall
		default:
			ct.Values[o] = -90
		}
	}
	return ct, v, &Plaque{Artery: LAD, From: 5, To: 15, Mask: mask, Tissue: tissue}
}

func TestSigns(t *testing.T) {
	m := undefined()
	m.Remodelling = 1.05
	fibrous := func(float64, float64, float64) float32 { return 100 }
	for _, c := range []struct {
		name        string
		hu          func(depth, angle, s float64) float32
		remodelling float64
		want        Signs
	}{
		{"even fibrous plaque", fibrous, 1.09, Signs{}},
		{"remodelled", fibrous, 1.1, Signs{PositiveRemodelling: Yes}},
		{"core at the lumen inside a rim", func(d, a, s float64) float32 {
			if d < 0.9 && math.Abs(a) < 1.2 && s > 8 && s < 12 {
				return 0
			}
			return 100
		}, 1.2, Signs{LowAttenuation: Yes, PositiveRemodelling: Yes, NapkinRing: Yes}},
		{"core without a rim", func(d, a, s float64) float32 {
			if math.Abs(a) < 1.2 {
				return 0
			}
			return 100
		}, 1, Signs{LowAttenuation: Yes}},
		{"core deep in the wall", func(d, a, s float64) float32 {
			if d > 0.9 && math.Abs(a) < 1.2 {
				return 0
			}
			return 100
		}, 1, Signs{LowAttenuation: Yes}},
		{"core with a calcified rim", func(d, a, s float64) float32 {
			if d < 0.9 && math.Abs(a) < 1.2 {
				return 0
			}
			return 600
		}, 1, Signs{LowAttenuation: Yes}},
		{"a spot of calcium", func(d, a, s float64) float32 {
			if d > 0.3 && d < 1.2 && math.Abs(a) < 0.4 && s > 9 && s < 11 {
				return 700
			}
			return 100
		}, 1, Signs{SpottyCalcium: Yes}},
		{"a voxel of noise", func(d, a, s float64) float32 {
			if d > 0.8 && d < 1.1 && math.Abs(a) < 0.07 && s > 9.4 && s < 9.7 {
				return 700
			}
			return 100
		}, 1, Signs{}},
		{"a bar of calcium", func(d, a, s float64) float32 {
			if d > 0.3 && d < 1.2 && math.Abs(a) < 0.4 && s > 8 && s < 13 {
				return 700
			}
			return 100
		}, 1, Signs{}},
		{"calcium alone", func(d, a, s float64) float32 { return 700 }, 1, Signs{}},
	} {
		ct, v, p := painted(c.hu)
		m.Remodelling = c.remodelling
		s := FindSigns(ct, v, p, &m)
		for n, sign := range []struct{ got, want Known }{{s.LowAttenuation, c.want.LowAttenuation}, {s.PositiveRemodelling, c.want.PositiveRemodelling},
			{s.SpottyCalcium, c.want.SpottyCalcium}, {s.NapkinRing, c.want.NapkinRing}} {
			if sign.got == Unknown || (sign.got == Yes) != (sign.want == Yes) {
				t.Errorf("%s: sign %d: %+v", c.name, n+1, s)
			}
		}
		if s.HighRisk() != (c.want.Count() >= 2) {
			t.Errorf("%s: %d signs", c.name, s.Count())
		}
	}
	ct, _, p := painted(fibrous)
	p.Tissue, p.From, m.Remodelling = nil, math.NaN(), math.NaN()
	s := FindSigns(ct, nil, p, &m)
	if len(s.Unknown) != 3 || s.PositiveRemodelling != Unknown || s.SpottyCalcium != Unknown || s.NapkinRing != Unknown {
		t.Errorf("what could not be looked for: %+v", s)
	}
	if v := s.Vector(); v.Get("anatomy.hrp.low_attenuation") != 0 || !math.IsNaN(v.Get("anatomy.hrp.napkin_ring")) || !math.IsNaN(v.Get("anatomy.hrp.count")) {
		t.Errorf("features of unknown signs: %v", v.Values)
	}
}
