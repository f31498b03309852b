package coronary

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// tube is a straight vessel along z with circular borders, sections every half
// millimetre.
func tube(artery Artery, length, lumen, wall float64) *Vessel {
	circle := func(r float64) Contour {
		radii := make([]float64, 128)
		for n := range radii {
			radii[n] = r
		}
		return PolarContour(r2.Vec{}, radii)
	}
	v := &Vessel{Artery: artery, Centerline: NewCenterline([]r3.Vec{{}, {Z: length / 2}, {Z: length}}, nil)}
	var s []float64
	for x := 0.25; x < length; x += 0.5 {
		s = append(s, x)
	}
	for n, f := range v.Frames(s) {
		v.Sections = append(v.Sections, Section{S: s[n], Frame: f, Lumen: circle(lumen), Wall: circle(wall)})
	}
	return v
}

// Around a tube whose tissue is known by its distance from the axis, the mean,
// the volume and the profile are those of rings.
func TestPericoronaryFat(t *testing.T) {
	const R = 2.0 // outer radius, so that the fat reaches to 6 mm from the axis
	vessel := tube(LAD, 60, 1.2, R)
	g := imaging.Grid{Size: [3]int{71, 71, 180}, Spacing: [3]float64{0.2, 0.2, 0.4}, Axes: [3]r3.Vec{{X: 1}, {Y: 1}, {Z: 1}}, Origin: r3.Vec{X: -7, Y: -7, Z: -4}}
	ct := imaging.NewVolume(g)
	for o := range ct.Values {
		i, j, k := g.Coords(o)
		p := g.Point(float64(i), float64(j), float64(k))
		switch r := math.Hypot(p.X, p.Y); {
		case r < R:
			ct.Values[o] = 300 // lumen and wall
		case r < 4:
			ct.Values[o] = -70
		case r < 5:
			ct.Values[o] = 40 // muscle
		default:
			ct.Values[o] = -100
		}
	}
	from, to, ok := FatSpan(LAD)
	if !ok || from != 0 || to != 40 {
		t.Fatalf("span %g to %g", from, to)
	}
	f := PericoronaryFat(ct, vessel, from, to, nil, 100)
	inner, outer := math.Pi*(16-4), math.Pi*(36-25)
	mean := (-70*inner - 100*outer) / (inner + outer)
	near := func(name string, got, want, tol float64) {
		if !(math.Abs(got-want) <= tol) {
			t.Errorf("%s: %.3f, want %.3f ± %.3f", name, got, want, tol)
		}
	}
	near("diameter", f.Diameter, 2*R, 0.01)
	near("mean", f.MeanHU, mean, 0.3)
	near("mean at 120 kV", f.Mean120HU, f.MeanHU/1.080, 1e-12)
	near("volume", f.Volume, 40*(inner+outer), 0.02*40*(inner+outer))
	near("share", f.Share, 100*(inner+outer)/(math.Pi*(36-4)), 1)
	if len(f.Profile) < 4 || f.Profile[0].MeanHU != -70 || f.Profile[2].Voxels > f.Profile[0].Voxels/20 || math.Abs(f.Profile[3].MeanHU+100) > 0.5 {
		t.Errorf("profile %+v", f.Profile)
	}
	if f := PericoronaryFat(ct, vessel, from, to, nil, 90); !math.IsNaN(f.Mean120HU) {
		t.Error("a tube voltage without a published factor was corrected")
	}
	far := *vessel
	far.Sections = nil
	if f := PericoronaryFat(ct, &far, from, to, nil, 120); !math.IsNaN(f.MeanHU) {
		t.Error("a vessel without sections has fat")
	}
}
