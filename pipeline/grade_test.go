package pipeline

import (
	"fmt"
	"slices"
	"testing"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/internal/verify"
	"github.com/plaquerisk/plaquerisk/phantom"
	"github.com/plaquerisk/plaquerisk/risk"
)

// The small phantom has LAD and RCA with one plaque each, in fat of one CT
// number: signs, segments, grade and fat are those of its truth.
func TestGrade(t *testing.T) {
	p, err := New(DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	a := p.start(read(t, p))
	for _, step := range []func() error{func() error { return a.anatomy(t.Context()) }, func() error { return a.pericoronary(t.Context()) }} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	truth := phantom.Small(1).Truth()
	var states []coronary.SegmentState
	for n := range a.plaques {
		q := &a.plaques[n]
		m := coronary.Measure(a.vessel(q.Artery), a.tissue[q.Artery], q)
		s := coronary.FindSigns(a.Volume, a.vessel(q.Artery), q, &m)
		a.out.Lesions = append(a.out.Lesions, risk.Lesion{Name: q.Name, Artery: q.Artery, Signs: signsOf(&s), Segments: a.segmentNames(q)})
		want := truth.Plaque(q.Name)
		if want == nil {
			t.Fatalf("%s is no plaque of the phantom", q.Name)
		}
		if remodelled := want.Remodelling >= 1.1; *a.out.Lesions[n].Signs.PositiveRemodelling != remodelled {
			t.Errorf("%s: positive remodelling is not %v", q.Name, remodelled)
		}
		if !*a.out.Lesions[n].Signs.LowAttenuation || len(s.Unknown) > 0 {
			t.Errorf("%s: signs %+v", q.Name, s)
		}
		for _, in := range coronary.SegmentsOf(coronary.Stretches(q.Artery), want.From, want.To) {
			states = append(states, coronary.SegmentState{Segment: in, Plaque: true, Stenosis: want.DiameterStenosis})
		}
	}
	if err := a.grade(t.Context()); err != nil {
		t.Fatal(err)
	}
	g, want := a.out.Grade, coronary.GradePatient(states, -1, coronary.Modifiers{NonDiagnostic: true, HighRisk: true})
	if g.SIS != want.SIS || g.SSS != want.SSS || g.BySegments != want.FromSIS.String() || g.ByCalcium != "" {
		t.Errorf("grade %+v, want %+v", g, want)
	}
	if g.Text != "CAD-RADS N/P1/HRP" || !slices.Equal(g.Modifiers, []string{"N", "HRP"}) || len(g.NotAssessed) != 2 {
		t.Errorf("%q: left main and LCX are not in the phantom: %q", g.Text, g.NotAssessed)
	}
	for _, name := range []coronary.Artery{coronary.LAD, coronary.RCA} {
		// Blur towards wall and heart lifts the mean by some 2 HU, as it does for all
		// voxels of the window from 1 to 3 mm outside the masks (−98.6 to −98.3 HU).
		for _, s := range a.fat[name].Profile[1:3] {
			verify.Check{Suite: "phantom", Case: "small phantom, seed 1, pericoronary fat of the " + string(name), Quantity: fmt.Sprintf("mean from %g to %g mm outside the wall, HU", s.From, s.To),
				Source: "CT number of the phantom's fat", Got: s.MeanHU, Want: truth.Materials.Fat, Tol: 4}.Run(t)
		}
	}
	if a.fat[coronary.LM] != nil {
		t.Error("fat around an artery that is not there")
	}
}
