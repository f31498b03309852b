package coronary

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// circle is a polygon with the area of a circle of radius r.
func circle(r float64) Contour {
	const n = 72
	r *= math.Sqrt(2 * math.Pi / n / math.Sin(2*math.Pi/n))
	rs := make([]float64, n)
	for i := range rs {
		rs[i] = r
	}
	return PolarContour(r2.Vec{}, rs)
}

// straightVessel runs along z with circular sections every half millimetre, and
// tissue on voxels of 0.25 mm: a low attenuation core of radius 0.5 mm whose
// border is cap mm away from the lumen, in fibrous plaque from 18 to 26 mm.
func straightVessel(lumen, wall func(s float64) float64, cap float64) (*Vessel, *imaging.Labels) {
	const length = 40
	var points []r3.Vec
	for z := 0.0; z <= length; z += 0.5 {
		points = append(points, r3.Vec{Z: z})
	}
	v := &Vessel{Artery: LAD, Centerline: NewCenterline(points, nil)}
	var s []float64
	for x := 0.25; x < length; x += 0.5 {
		s = append(s, x)
	}
	for n, f := range v.Frames(s) {
		v.Sections = append(v.Sections, Section{S: s[n], Frame: f, Lumen: circle(lumen(s[n])), Wall: circle(wall(s[n]))})
	}
	const h = 0.25
	l := imaging.NewLabels(imaging.NewGrid([3]int{40, 40, 160}, [3]float64{h, h, h}, r3.Vec{X: -20*h + h/2, Y: -20*h + h/2, Z: h / 2}))
	for n := range l.Class {
		i, j, k := l.Coords(n)
		p := l.Point(float64(i), float64(j), float64(k))
		r := math.Hypot(p.X, p.Y)
		switch {
		case r < lumen(p.Z):
			l.Class[n] = imaging.Lumen
		case r >= wall(p.Z):
		case p.Z < 18 || p.Z > 26:
			l.Class[n] = imaging.Wall
		case math.Hypot(math.Hypot(p.X-lumen(22)-cap-0.5, p.Y), p.Z-22) < 0.5:
			l.Class[n] = imaging.LowAttenuation
		default:
			l.Class[n] = imaging.Fibrous
		}
	}
	return v, l
}

// A plaque in a tapering vessel has the stenosis, remodelling, burden and cap
// that it was made with, and the taper counts for nothing.
func TestMeasure(t *testing.T) {
	ref := func(s float64) float64 { return 2 - 0.02*s }
	narrow := func(s float64) float64 {
		if s > 18 && s < 26 {
			return ref(s) * (1 - 0.4*math.Pow(math.Sin(math.Pi*(s-18)/8), 2))
		}
		return ref(s)
	}
	outer := func(s float64) float64 {
		if s > 18 && s < 26 {
			return (ref(s) + 0.6) * (1 + 0.15*math.Pow(math.Sin(math.Pi*(s-18)/8), 2))
		}
		return ref(s) + 0.6
	}
	v, tissue := straightVessel(narrow, outer, 0.4)
	mask := imaging.NewMask(tissue.Grid)
	for n, c := range tissue.Class {
		mask.In[n] = c.IsPlaque()
	}
	p := &Plaque{Artery: LAD, Name: "LAD-1", From: 18, To: 26, Mask: mask, Tissue: tissue}
	m := Measure(v, tissue, p)
	whole := Measure(v, tissue, nil)
	volume, integral := 0.0, 0.0
	for s := 18.005; s < 26; s += 0.01 {
		volume += 0.01 * math.Pi * (outer(s)*outer(s) - narrow(s)*narrow(s))
		integral += 0.01 * math.Pi * outer(s) * outer(s)
	}
	burden := 100 * (1 - math.Pow(narrow(22)/outer(22), 2))
	for _, x := range []struct {
		name           string
		got, want, tol float64
	}{
		{"length", m.Length, 8, 0}, {"stenosis", m.DiameterStenosis, 40, 0.5}, {"area stenosis", m.AreaStenosis, 64, 0.7},
		{"reference", m.Reference, 2 * ref(22), 0.02}, {"MLA", m.MinLumenArea, math.Pi * narrow(22) * narrow(22), 0.1},
		{"MLD", m.MinLumenDiameter, 2 * narrow(22), 0.03}, {"remodelling", m.Remodelling, 1.15, 0.005}, {"burden", m.Burden, burden, 0.5},
		{"volume", m.Plaque, volume, 0.02 * volume}, {"percent atheroma", m.PercentAtheroma, 100 * volume / integral, 1.5},
		{"cap", m.Cap, 0.4, 0.13}, {"core", m.LowAttenuation, 4. / 3 * math.Pi / 8, 0.12}, {"curvature", m.Curvature, 0, 1e-9}, {"eccentricity", m.Eccentricity, 0, 0.01},
		{"artery stenosis", whole.DiameterStenosis, m.DiameterStenosis, 0.01}, {"artery burden", whole.Burden, m.Burden, 0.01},
		{"artery plaque", whole.Plaque, m.Plaque, 1e-9}, {"artery length", whole.Length, 40, 1e-9}, {"proximal sections", float64(m.Proximal.Sections), 9, 1},
	} {
		if !(math.Abs(x.got-x.want) <= x.tol) {
			t.Errorf("%s %.4f, want %.4f", x.name, x.got, x.want)
		}
	}
	if m.CapBelowVoxel {
		t.Error("a cap of 0.4 mm is reported below a voxel of 0.25 mm")
	}
	if v, tissue := straightVessel(narrow, outer, 0.05); !Measure(v, tissue, nil).CapBelowVoxel {
		t.Error("a cap of 0.05 mm is not reported below a voxel of 0.25 mm")
	}
	// Without a lesion there is no stenosis, and a vessel that tapers has none.
	even, plain := straightVessel(ref, func(s float64) float64 { return ref(s) + 0.6 }, 9)
	for n, c := range plain.Class {
		if c.IsPlaque() {
			plain.Class[n] = imaging.Wall
		}
	}
	if m := Measure(even, plain, nil); !math.IsNaN(m.DiameterStenosis) || !math.IsNaN(m.Cap) || m.Plaque != 0 {
		t.Errorf("a healthy artery has stenosis %g, cap %g, plaque %g", m.DiameterStenosis, m.Cap, m.Plaque)
	}
	if m := Measure(even, plain, &Plaque{From: 18, To: 26}); m.DiameterStenosis > 0.5 {
		t.Errorf("taper counts as a stenosis of %g %%", m.DiameterStenosis)
	}
}

// Every column has a value from its measure, a unit and a sentence.
func TestColumns(t *testing.T) {
	cols := Columns()
	m := undefined()
	v := m.Vector()
	for n, c := range cols {
		if !strings.HasPrefix(c.Name, "anatomy.") || c.Unit == "" || c.Doc == "" || c.Ref == "" {
			t.Errorf("column %+v is not documented", c)
		}
		if !math.IsNaN(v.Values[n]) {
			t.Errorf("%s of nothing is %g, want undefined", c.Name, v.Values[n])
		}
	}
	m.DiameterStenosis = 42
	v = m.Vector()
	if v.Get("anatomy.lumen.diameter_stenosis") != 42 {
		t.Error("the stenosis is lost")
	}
}

// Straightened planes and sections show a linear image where they are, with
// equal millimetres on both axes.
func TestPictures(t *testing.T) {
	v, tissue := straightVessel(func(float64) float64 { return 1.5 }, func(float64) float64 { return 2 }, 9)
	vol := imaging.NewVolume(imaging.NewGrid([3]int{30, 30, 50}, [3]float64{1, 1, 1}, r3.Vec{X: -15, Y: -15, Z: -5}))
	for n := range vol.Values {
		i, j, k := vol.Coords(n)
		p := vol.Point(float64(i), float64(j), float64(k))
		vol.Values[n] = float32(100*p.X + 10*p.Y + p.Z)
	}
	f := v.Sections[0].Frame
	for _, angle := range []float64{0, math.Pi / 2} {
		p, err := Straighten(t.Context(), vol, v, PlaneOptions{Angle: angle, HalfWidth: 5, Step: 0.25})
		if err != nil {
			t.Fatal(err)
		}
		if p.DX != 0.25 || p.DY != -0.25 || p.Cols != 161 || p.Rows != 41 || p.Y0 != 5 || len(p.Values) != p.Cols*p.Rows {
			t.Errorf("%d×%d pixels of %g×%g mm from %g, %g", p.Cols, p.Rows, p.DX, p.DY, p.X0, p.Y0)
		}
		across := f.N
		if angle > 0 {
			across = f.B
		}
		for _, x := range [][2]int{{0, 0}, {80, 20}, {160, 40}, {33, 7}} {
			s, y := p.X0+float64(x[0])*p.DX, p.Y0+float64(x[1])*p.DY
			want := 100*y*across.X + 10*y*across.Y + s
			if got := float64(p.Values[x[1]*p.Cols+x[0]]); math.Abs(got-want) > 1e-3 {
				t.Errorf("pixel %v is %g, want %g", x, got, want)
			}
		}
	}
	s := &v.Sections[20]
	img, err := SectionImage(vol, s, SectionOptions{HalfWidth: 4, Step: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	codes, err := SectionTissue(tissue, s, SectionOptions{HalfWidth: 4, Step: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	count := map[float32]int{}
	for _, c := range codes.Values {
		count[c]++
	}
	if img.Cols != 41 || img.Rows != 41 || math.Abs(float64(img.Values[20*41+20])-s.S) > 1e-4 {
		t.Errorf("%d×%d pixels, %g in the middle, want %g", img.Cols, img.Rows, img.Values[20*41+20], s.S)
	}
	if a := float64(count[float32(imaging.Lumen)]) * 0.04; math.Abs(a/(math.Pi*1.5*1.5)-1) > 0.05 {
		t.Errorf("lumen of %g mm² on the section picture, want %g", a, math.Pi*1.5*1.5)
	}
	if _, err := Straighten(t.Context(), vol, v, PlaneOptions{HalfWidth: 5, Step: 1e-9}); err == nil {
		t.Error("a picture of 10^19 pixels is made")
	}
	if c := s.Composition(tissue); math.Abs(c[imaging.Lumen]/(math.Pi*1.5*1.5)-1) > 0.05 {
		t.Errorf("composition %v", c)
	}
}

func ExampleMeasures() {
	m := undefined()
	m.DiameterStenosis = 41.6
	v := m.Vector()
	fmt.Printf("%.1f %% of the diameter\n", v.Get("anatomy.lumen.diameter_stenosis"))
	// Output: 41.6 % of the diameter
}
