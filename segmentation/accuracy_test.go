package segmentation

import (
	"fmt"
	"math"
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
