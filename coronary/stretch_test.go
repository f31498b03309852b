package coronary

import (
	"math"
	"slices"
	"testing"
)

func TestSegmentsOf(t *testing.T) {
	for _, c := range []struct {
		artery   Artery
		from, to float64
		want     []Segment
	}{
		{LM, 2, 9, []Segment{LeftMain}},
		{LAD, 5, 20, []Segment{ProximalLAD}},
		{LAD, 20, 30, []Segment{ProximalLAD, MidLAD}},
		{LAD, 20, 24.5, []Segment{ProximalLAD}}, // half a millimetre of the next
		{LAD, 23.6, 24.4, []Segment{ProximalLAD, MidLAD}},
		{LAD, 40, 90, []Segment{MidLAD, DistalLAD}},
		{LCX, 10, 30, []Segment{ProximalLCX, MidDistalLCX}},
		{RCA, 30, 70, []Segment{MidRCA, DistalRCA}},
		{RCA, 25, 35, []Segment{ProximalRCA, MidRCA}},
		{"", 0, 10, nil},
		{LAD, math.NaN(), math.NaN(), nil},
	} {
		if got := SegmentsOf(Stretches(c.artery), c.from, c.to); !slices.Equal(got, c.want) {
			t.Errorf("%s %g to %g mm: %v, want %v", c.artery, c.from, c.to, got, c.want)
		}
	}
	for _, a := range Arteries() { // the stem is covered without gap or overlap
		at := 0.0
		for _, s := range Stretches(a) {
			if s.From != at || s.Segment.Artery() != a {
				t.Errorf("%s: %v begins at %g mm, want %g", a, s.Segment, s.From, at)
			}
			at = s.To
		}
		if !math.IsInf(at, 1) {
			t.Errorf("%s ends at %g mm", a, at)
		}
	}
}

func TestStemStates(t *testing.T) {
	lesion := func(from, to, stenosis, at float64) Measures {
		m := undefined()
		m.From, m.To, m.DiameterStenosis, m.StenosisAt = from, to, stenosis, at
		return m
	}
	nan := math.NaN()
	for _, c := range []struct {
		name     string
		length   float64
		plaques  []Measures
		assessed bool
		want     []SegmentState
	}{
		{"no plaque, two segments long", 40, nil, true, []SegmentState{{Segment: ProximalLAD}, {Segment: MidLAD}}},
		{"not looked for", 20, nil, false, []SegmentState{{Segment: ProximalLAD, Stenosis: nan}}},
		{"across a border", 40, []Measures{lesion(15, 30, 60, 26)}, true,
			[]SegmentState{{Segment: ProximalLAD, Plaque: true}, {Segment: MidLAD, Plaque: true, Stenosis: 60}}},
		{"stenosis not measured", 20, []Measures{lesion(5, 15, nan, nan)}, true, []SegmentState{{Segment: ProximalLAD, Plaque: true, Stenosis: nan}}},
		{"two in one segment", 20, []Measures{lesion(2, 6, 30, 4), lesion(10, 16, 72, 12)}, true,
			[]SegmentState{{Segment: ProximalLAD, Plaque: true, Stenosis: 30}, {Segment: ProximalLAD, Plaque: true, Stenosis: 72}}},
	} {
		got := StemStates(Stretches(LAD), c.length, c.plaques, c.assessed)
		same := slices.EqualFunc(got, c.want, func(a, b SegmentState) bool {
			return a.Segment == b.Segment && a.Plaque == b.Plaque && (a.Stenosis == b.Stenosis || math.IsNaN(a.Stenosis) && math.IsNaN(b.Stenosis))
		})
		if !same {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
