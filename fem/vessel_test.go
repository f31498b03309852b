package fem

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// circle returns a polygon of n points around c.
func circle(c r2.Vec, radius float64, n int) coronary.Contour {
	var k coronary.Contour
	for i := range n {
		sin, cos := math.Sincos(2 * math.Pi * (float64(i) + 0.3) / float64(n))
		k.Points = append(k.Points, r2.Vec{X: c.X + radius*cos, Y: c.Y + radius*sin})
	}
	return k
}

// tube returns a vessel of the given length, straight (bend 0) or along an arc
// of radius bend, whose contours are circles: lumen of radius in about
// (ecc, 0), outer wall of radius out about 0.
func tube(length, bend, in, out, ecc float64) *coronary.Vessel {
	v := &coronary.Vessel{Artery: coronary.LAD}
	for n := 0; float64(n)*0.5 <= length+1e-9; n++ {
		s := 0.5 * float64(n)
		f := coronary.Frame{Origin: r3.Vec{X: 10, Y: -20, Z: 30 + s}, T: r3.Vec{Z: 1}, N: r3.Vec{X: 1}, B: r3.Vec{Y: 1}}
		if bend > 0 {
			sin, cos := math.Sincos(s / bend)
			f = coronary.Frame{
				Origin: r3.Vec{X: 10 + bend*(1-cos), Y: -20, Z: 30 + bend*sin},
				T:      r3.Vec{X: sin, Z: cos}, N: r3.Vec{X: cos, Z: -sin}, B: r3.Vec{Y: 1},
			}
		}
		v.Nodes = append(v.Nodes, coronary.Node{Pos: f.Origin, S: s, Radius: in})
		v.Sections = append(v.Sections, coronary.Section{S: s, Frame: f,
			Lumen: circle(r2.Vec{X: ecc}, in, 256), Wall: circle(r2.Vec{}, out, 256)})
	}
	return v
}

// labels returns tissue labels around a vessel: class(p) at each voxel centre.
func labels(v *coronary.Vessel, spacing float64, class func(p r3.Vec) imaging.Tissue) *imaging.Labels {
	lo, hi := v.Sections[0].Frame.Origin, v.Sections[0].Frame.Origin
	for _, s := range v.Sections {
		o := s.Frame.Origin
		lo = r3.Vec{X: min(lo.X, o.X), Y: min(lo.Y, o.Y), Z: min(lo.Z, o.Z)}
		hi = r3.Vec{X: max(hi.X, o.X), Y: max(hi.Y, o.Y), Z: max(hi.Z, o.Z)}
	}
	const pad = 4
	lo, hi = r3.Sub(lo, r3.Vec{X: pad, Y: pad, Z: pad}), r3.Add(hi, r3.Vec{X: pad, Y: pad, Z: pad})
	size := func(a, b float64) int { return int((b-a)/spacing) + 1 }
	l := imaging.NewLabels(imaging.NewGrid([3]int{size(lo.X, hi.X), size(lo.Y, hi.Y), size(lo.Z, hi.Z)}, [3]float64{spacing, spacing, spacing}, lo))
	for n := range l.Class {
		i, j, k := l.Coords(n)
		l.Class[n] = class(l.Point(float64(i), float64(j), float64(k)))
	}
	return l
}

// plaqueTube is a straight artery with an eccentric plaque in the middle: a soft
// core of radius 0.5 under the lumen, and a calcified one opposite.
func plaqueTube(length float64) (*coronary.Vessel, *imaging.Labels) {
	v := tube(length, 0, 1.5, 2.6, 0.1)
	mid := r3.Vec{X: 10, Y: -20, Z: 30 + length/2}
	return v, labels(v, 0.35, func(p r3.Vec) imaging.Tissue {
		d := r3.Sub(p, mid)
		if math.Abs(d.Z) > 5 {
			return imaging.Wall
		}
		switch {
		case math.Hypot(d.X-2.1, d.Y) < 0.4 && math.Abs(d.Z) < 3:
			return imaging.LowAttenuation
		case math.Hypot(d.X+2, d.Y) < 0.4:
			return imaging.Calcified
		case d.X > 1.2:
			return imaging.FibroFatty
		}
		return imaging.Fibrous
	})
}

// slowRace skips a test under the race detector, which takes ten times as long:
// others run the same goroutines on smaller bodies.
func slowRace(t *testing.T) {
	t.Helper()
	if verify.Race {
		t.Skip("the race detector watches smaller bodies")
	}
}
