package pipeline

import (
	"context"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/risk"
)

// grade puts the arteries and their plaques into the words of CAD-RADS 2.0.
// What was not looked at is not taken for healthy: a main artery that is not in
// the segmentation, a plaque without a place and a stenosis that could not be
// measured lead to the modifier N. There is no calcium score, since a CT with
// contrast gives none.
func (a *assessment) grade(context.Context) error {
	if len(a.vessels) == 0 {
		return nil
	}
	var states []coronary.SegmentState
	missing := []string{}
	plaques := map[coronary.Artery][]coronary.Measures{}
	var modifiers coronary.Modifiers
	for n := range a.plaques {
		p := &a.plaques[n]
		modifiers.HighRisk = modifiers.HighRisk || a.out.Lesions[n].Signs.HighRisk
		if a.vessel(p.Artery) == nil || math.IsNaN(p.From) {
			missing = append(missing, p.Name+": its place in the artery is not known")
			continue
		}
		m := coronary.Measure(a.vessel(p.Artery), a.tissue[p.Artery], p)
		plaques[p.Artery] = append(plaques[p.Artery], m)
		if math.IsNaN(m.DiameterStenosis) {
			missing = append(missing, p.Name+": its stenosis could not be measured")
		}
	}
	for _, name := range coronary.Arteries() {
		v := a.vessel(name)
		if v == nil {
			missing = append(missing, string(name)+": not in the segmentation, or not traced")
			continue
		}
		// Without an outer wall and without plaque nobody has looked for plaque.
		assessed := len(plaques[name]) > 0 || slices.ContainsFunc(v.Sections, func(s coronary.Section) bool { return s.Complete() })
		if !assessed {
			missing = append(missing, string(name)+": neither outer wall nor plaque in the segmentation")
		}
		states = append(states, coronary.StemStates(v.Segments(), v.Length(), plaques[name], assessed)...)
	}
	modifiers.NonDiagnostic = len(missing) > 0
	g := coronary.GradePatient(states, math.NaN(), modifiers)
	a.out.Grade = &risk.Grade{Text: g.String(), Category: string(g.Category), Modifiers: g.Modifiers.Names(), SIS: g.SIS, SSS: g.SSS,
		BySegments: g.FromSIS.String(), Segments: segmentStates(states), NotAssessed: missing}
	return nil
}

// segmentStates converts the states, the worst of each segment, by segment.
func segmentStates(states []coronary.SegmentState) []risk.SegmentState {
	out := []risk.SegmentState{}
	for _, s := range coronary.SegmentStates(states) {
		out = append(out, risk.SegmentState{Segment: s.Segment.String(), Number: int(s.Segment), Artery: s.Segment.Artery(),
			Plaque: s.Plaque, DiameterStenosis: risk.Number(s.Stenosis)})
	}
	return out
}
