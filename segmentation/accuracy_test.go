package segmentation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
	"github.com/plaquerisk/plaquerisk/phantom"
)

// accuracy gathers errors against the truth of phantoms.
type accuracy struct {
	area, two, off                  []float64 // of sections: relative area from 2 mm up, and of 1.9 to 2.1 mm; mm
	stenosis, volume, burden, index []float64 // of plaques: points, relative, points, 1
}

// trueMasks returns the masks of p on their own grid, as a CT of 80 HU.
func trueMasks(t testing.TB, p *phantom.Patient) (*imaging.Volume, []Mask) {
	t.Helper()
	seg, err := p.Segmentation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	masks, _, err := Import(seg, nil)
	if err != nil {
		t.Fatal(err)
	}
	ct := imaging.NewVolume(seg.Grid)
	for n := range ct.Values {
		ct.Values[n] = 80
	}
	if masks, _, err = Match(&ct.Grid, masks); err != nil {
		t.Fatal(err)
	}
	return ct, masks
}

// sections adds the errors of the cross-sections of a stem.
func (x *accuracy) sections(p *phantom.Patient, v *coronary.Vessel) {
	arteries := p.Arteries()
	a := arteries[slices.IndexFunc(arteries, func(a *phantom.Artery) bool { return a.Artery == v.Artery })]
	exact := a.Centerline(0.1)
	for n := range v.Sections {
		s := &v.Sections[n]
		at, off := exact.Project(s.Frame.Origin)
		if !s.Complete() || at > a.Length()-0.2 { // a stem may go on in a branch
			continue
		}
		r, _ := a.Radii(at)
		e := s.Lumen.Area()/(math.Pi*r*r) - 1
		if r >= 1 {
			x.area = append(x.area, e)
		}
		if math.Abs(r-1) < 0.05 {
			x.two = append(x.two, e)
		}
		x.off = append(x.off, off)
	}
}

// plaques adds the errors of the plaques.
func (x *accuracy) plaques(t testing.TB, p *phantom.Patient, ct *imaging.Volume, vessels []coronary.Vessel, masks []Mask) {
	t.Helper()
	plaques, _, err := Plaques(t.Context(), ct, vessels, masks, DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	truth := p.Truth()
	for n := range plaques {
		v, want := vesselOf(vessels, plaques[n].Artery), truth.Plaque(plaques[n].Name)
		tissue, err := Tissues(t.Context(), ct, v, masks, plaques, DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		m := coronary.Measure(v, tissue, &plaques[n])
		if want.MinLumenDiameter >= 1.2 {
			x.stenosis = append(x.stenosis, m.DiameterStenosis-want.DiameterStenosis)
		}
		x.volume = append(x.volume, m.Plaque/want.Volume-1)
		x.burden = append(x.burden, m.Burden-want.Burden)
		x.index = append(x.index, m.Remodelling-want.Remodelling)
	}
}

// quantile returns the quantile q of the magnitudes of x, NaN of nothing.
func quantile(x []float64, q float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	abs := make([]float64, len(x))
	for n := range x {
		abs[n] = math.Abs(x[n])
	}
	slices.Sort(abs)
	return abs[int(math.Round(q*float64(len(abs)-1)))]
}

// figures are the quantities of the accuracy table with the pass marks of true
// masks.
func (x *accuracy) figures() []verify.Check {
	return []verify.Check{
		{Quantity: fmt.Sprintf("lumen area, diameters from 2 mm, %d sections: median relative error", len(x.area)), Got: quantile(x.area, 0.5), Tol: 0.03},
		{Quantity: "lumen area, diameters from 2 mm: 95th percentile of the relative error", Got: quantile(x.area, 0.95), Tol: 0.08},
		{Quantity: "lumen area at a diameter of 2 mm: mean relative error", Got: mean(x.two), Tol: 0.02},
		{Quantity: "centre-line: mean distance from the axis, mm", Got: mean(x.off), Tol: 0.15},
		{Quantity: fmt.Sprintf("diameter stenosis of %d plaques: largest error, points", len(x.stenosis)), Got: quantile(x.stenosis, 1), Tol: 3},
		{Quantity: "plaque volume: largest relative error", Got: quantile(x.volume, 1), Tol: 0.05},
		{Quantity: "plaque burden: largest error, points", Got: quantile(x.burden, 1), Tol: 3},
		{Quantity: "remodelling index: largest error", Got: quantile(x.index, 1), Tol: 0.05},
	}
}

// accuracyPatient is patient n of a cohort of whole trees.
func accuracyPatient(t testing.TB, n int) *phantom.Patient {
	t.Helper()
	p, err := phantom.CohortPatient(phantom.CohortConfig{Patients: 40, Seed: 77, Size: phantom.Full, Variant: phantom.Planted, Prevalence: 0.3}, n)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// True masks of random trees must give back lumen, centre-line, stenosis, plaque
// volume, burden and remodelling within the marks of issue 6.
func TestAccuracy(t *testing.T) {
	trees := 20
	if testing.Short() {
		trees = 1
	}
	var x accuracy
	for n := range trees {
		p := accuracyPatient(t, n)
		ct, masks := trueMasks(t, p)
		vessels, _, err := Vessels(t.Context(), ct, masks, DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		for i := range vessels {
			x.sections(p, &vessels[i])
		}
		x.plaques(t, p, ct, vessels, masks)
	}
	for _, c := range x.figures() {
		c.Suite, c.Case, c.Source = "segmentation", fmt.Sprintf("random phantom trees (%d), 0.39×0.39×0.4 mm, true masks", trees), "truth of the phantom"
		c.Run(t)
	}
}

// shake returns the masks with borders moved by noise of a standard deviation of
// sd voxels that is alike over about a millimetre: Gaussian, white, smoothed with
// σ = 1 mm, one field for the lumens and one for the vessels. New wall is plaque
// where the nearest old wall is.
func shake(t testing.TB, masks []Mask, sd float64, seed uint64) []Mask {
	t.Helper()
	var all []*imaging.Mask
	for _, m := range masks {
		all = append(all, m.Mask)
	}
	box := union(4, all...)
	rng := rand.New(rand.NewPCG(seed, 17))
	field := func() *imaging.Volume {
		v := imaging.NewVolume(box.Grid)
		for n := range v.Values {
			v.Values[n] = float32(rng.NormFloat64())
		}
		v, err := imaging.Gaussian(t.Context(), v, [3]float64{1, 1, 1})
		if err != nil {
			t.Fatal(err)
		}
		var sum float64
		for _, x := range v.Values {
			sum += float64(x) * float64(x)
		}
		scale := float32(sd * 0.39 / math.Sqrt(sum/float64(len(v.Values))))
		for n := range v.Values {
			v.Values[n] *= scale
		}
		return v
	}
	inner, outer := field(), field()
	moved := func(m *imaging.Mask, by *imaging.Volume) *imaging.Mask {
		whole := imaging.NewMask(box.Grid)
		paint(whole, m)
		d := imaging.SignedDistance(whole, 0)
		for n := range whole.In {
			whole.In[n] = d.Values[n]+by.Values[n] < 0
		}
		return whole
	}
	var out []Mask
	for _, artery := range coronary.Arteries() {
		g := gather(masks, artery)
		if g.lumen == nil {
			continue
		}
		lumen, vessel := moved(g.lumen, inner), moved(g.outer, outer)
		wall := without(vessel, lumen)
		add := func(s Structure, instance int, m *imaging.Mask) {
			if m = tight(m, 0); m != nil {
				out = append(out, Mask{Label: Label{Artery: artery, Structure: s, Instance: instance}, Name: string(artery), Mask: m})
			}
		}
		add(Lumen, 0, lumen)
		add(Wall, 0, wall)
		healthy := without(g.outer, g.lumen)
		var plaques []Mask
		for _, m := range masks {
			if m.Artery == artery && m.Structure == Plaque {
				healthy = without(healthy, m.Mask)
				plaques = append(plaques, m)
			}
		}
		onBox := func(m *imaging.Mask) *imaging.Volume {
			grown := imaging.NewMask(box.Grid)
			paint(grown, m)
			return imaging.Distance(grown)
		}
		rest := onBox(healthy)
		for _, p := range plaques {
			d, part := onBox(p.Mask), imaging.NewMask(box.Grid)
			for n, in := range wall.In {
				part.In[n] = in && d.Values[n] < rest.Values[n] && d.Values[n] < 2
			}
			add(Plaque, p.Instance, part)
		}
	}
	return out
}

// Masks whose borders were drawn with noise give errors that grow with it; the
// table stands in docs/theory/segmentation.md and has no pass mark. What must
// hold is that small noise stays small.
func TestContourNoise(t *testing.T) {
	if testing.Short() {
		t.Skip("traces several trees")
	}
	for _, sd := range []float64{0.25, 0.5} {
		var x accuracy
		for n := range 3 {
			p := accuracyPatient(t, n)
			ct, masks := trueMasks(t, p)
			masks = shake(t, masks, sd, uint64(n))
			vessels, _, err := Vessels(t.Context(), ct, masks, DefaultConfig())
			if err != nil {
				t.Fatal(err)
			}
			for i := range vessels {
				x.sections(p, &vessels[i])
			}
			x.plaques(t, p, ct, vessels, masks)
		}
		t.Logf("noise of %g voxel: mean errors: area %+.3f, at 2 mm %+.3f, stenosis %+.2f, volume %+.3f, burden %+.2f, index %+.3f", sd,
			mean(x.area), mean(x.two), mean(x.stenosis), mean(x.volume), mean(x.burden), mean(x.index))
		for _, c := range x.figures() {
			t.Logf("%s: %.4f", c.Quantity, c.Got)
		}
		verify.Check{Suite: "segmentation", Case: fmt.Sprintf("random phantom trees (3), contour noise of %g voxel", sd),
			Quantity: "lumen area, diameters from 2 mm: mean relative error", Source: "truth of the phantom", Got: mean(x.area), Tol: 0.05}.Run(t)
	}
}
