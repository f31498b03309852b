package segmentation

import (
	"math"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
)

// A straight tube at an oblique angle must keep its length, areas and axis.
func TestObliqueCylinder(t *testing.T) {
	for _, d := range []float64{1.2, 2, 3, 4} {
		tb := tube{line: straight(r3.Vec{X: 0.4, Y: 0.5, Z: -0.77}, 40), lumen: constant(d / 2), outer: constant(d/2 + 0.7)}
		vol, masks := tb.voxelise(0.4)
		start := time.Now()
		v, _, _ := trace(t, vol, masks, DefaultConfig())
		t.Logf("took %v", time.Since(start))
		var lumen, wall, off []float64
		for n := range v.Sections {
			s := &v.Sections[n]
			if !s.Complete() {
				continue
			}
			lumen = append(lumen, s.Lumen.Area()/(math.Pi*d*d/4)-1)
			w := d/2 + 0.7
			wall = append(wall, s.Wall.Area()/(math.Pi*w*w)-1)
			_, e := tb.line.Project(s.Frame.Origin)
			off = append(off, e)
		}
		t.Logf("d %.1f: length %.2f sections %d of %d; lumen area %+.3f (%.3f…%.3f) wall %+.3f (%.3f…%.3f) off-axis %.3f mean %.3f max", d, v.Length(), len(lumen), len(v.Sections),
			mean(lumen), slices.Min(lumen), slices.Max(lumen), mean(wall), slices.Min(wall), slices.Max(wall), mean(off), slices.Max(off))
	}
}

// A tapering arc.
func TestArc(t *testing.T) {
	line := arc(20, 3, 8)
	l := line.Length()
	r := func(s float64) float64 { return 2 - 1*s/l }
	tb := tube{line: line, lumen: r, outer: func(s float64) float64 { return r(s) + 0.6 }}
	vol, masks := tb.voxelise(0.4)
	start := time.Now()
	v, _, _ := trace(t, vol, masks, DefaultConfig())
	t.Logf("took %v", time.Since(start))
	var lumen, wall, off []float64
	for n := range v.Sections {
		s := &v.Sections[n]
		if !s.Complete() {
			continue
		}
		at, e := tb.line.Project(s.Frame.Origin)
		lumen = append(lumen, s.Lumen.Area()/(math.Pi*r(at)*r(at))-1)
		w := r(at) + 0.6
		wall = append(wall, s.Wall.Area()/(math.Pi*w*w)-1)
		off = append(off, e)
	}
	k := v.Centerline.Smooth(2)
	t.Logf("length %.2f of %.2f sections %d of %d; lumen area %+.3f (%.3f…%.3f) wall %+.3f (%.3f…%.3f) off-axis %.3f mean %.3f max; curvature %.4f want %.4f", v.Length(), l, len(lumen), len(v.Sections),
		mean(lumen), slices.Min(lumen), slices.Max(lumen), mean(wall), slices.Min(wall), slices.Max(wall), mean(off), slices.Max(off), mean(k.Curvature()), 20./(400+64))
}

// An eccentric plaque.
func TestStenosis(t *testing.T) {
	line := arc(25, 2, 10)
	bump := func(s float64) float64 { // 12 mm long, cosine
		x := (s - 25) / 6
		if math.Abs(x) > 1 {
			return 0
		}
		return (1 + math.Cos(math.Pi*x)) / 2
	}
	ref := func(s float64) float64 { return 1.7 - 0.4*s/line.Length() }
	for _, ds := range []float64{0.25, 0.5, 0.6} {
		tb := tube{line: line,
			lumen:  func(s float64) float64 { return ref(s) * (1 - ds*bump(s)) },
			outer:  func(s float64) float64 { return (ref(s) + 0.5) * (1 + 0.2*bump(s)) },
			shift:  func(s float64) float64 { return 0.4 * bump(s) },
			plaque: func(s, theta, depth float64) bool { return bump(s) > 0 && math.Abs(theta) < 2 },
		}
		vol, masks := tb.voxelise(0.4)
		v, plaques, tissue := trace(t, vol, masks, DefaultConfig())
		if len(plaques) != 1 {
			t.Fatalf("%d plaques", len(plaques))
		}
		m := coronary.Measure(&v, tissue, &plaques[0])
		burden := 0.0
		for s := 19.0; s < 31; s += 0.1 {
			burden = max(burden, 100*(1-math.Pow(tb.lumen(s)/tb.outer(s), 2)))
		}
		t.Logf("from %.2f to %.2f (19…31) volume %.1f DS %.1f (%.0f) at %.1f MLD %.2f (%.2f) RI %.3f burden %.1f (%.1f) prox %+v dist %+v", m.From, m.To, m.Plaque, m.DiameterStenosis, 100*ds, m.StenosisAt, m.MinLumenDiameter, 2*ref(25)*(1-ds), m.Remodelling, m.Burden, burden, m.Proximal, m.Distal)
		a := coronary.Measure(&v, tissue, nil)
		t.Logf("artery DS %.1f RI %.3f burden %.1f plaque %.1f length %.1f", a.DiameterStenosis, a.Remodelling, a.Burden, a.Plaque, a.Length)
	}
}

func mean(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s / float64(len(x))
}
