package coronary

import (
	"math"
	"testing"
)

// Every row follows a rule of CAD-RADS 2.0.
func TestGrade(t *testing.T) {
	nan := math.NaN()
	at := func(s Segment, stenosis float64) SegmentState {
		return SegmentState{Segment: s, Plaque: true, Stenosis: stenosis}
	}
	free := SegmentState{Segment: ProximalLAD}
	for _, c := range []struct {
		name   string
		states []SegmentState
		cac    float64
		m      Modifiers
		want   string
		sis    int
		sss    int
	}{
		{"no plaque", []SegmentState{free}, nan, Modifiers{}, "CAD-RADS 0", 0, 0},
		{"plaque without stenosis", []SegmentState{at(ProximalLAD, 0)}, nan, Modifiers{}, "CAD-RADS 1/P1", 1, 1},
		{"24.4 % rounds to 24", []SegmentState{at(ProximalLAD, 24.4)}, nan, Modifiers{}, "CAD-RADS 1/P1", 1, 1},
		{"25 %", []SegmentState{at(ProximalLAD, 24.5)}, nan, Modifiers{}, "CAD-RADS 2/P1", 1, 1},
		{"50 %", []SegmentState{at(MidRCA, 50), at(ProximalLAD, 10), at(MidLAD, 3)}, nan, Modifiers{HighRisk: true}, "CAD-RADS 3/P2/HRP", 3, 4},
		{"70 % in two vessels", []SegmentState{at(MidRCA, 70), at(ProximalLAD, 99)}, nan, Modifiers{}, "CAD-RADS 4A/P1", 2, 6},
		{"70 % in three vessels", []SegmentState{at(MidRCA, 70), at(ProximalLAD, 80), at(SecondObtuseMarginal, 75)}, nan, Modifiers{}, "CAD-RADS 4B/P2", 3, 9},
		{"left main 50 %", []SegmentState{at(LeftMain, 50)}, nan, Modifiers{Stent: true, Graft: true}, "CAD-RADS 4B/P1/S/G", 1, 2},
		{"occluded", []SegmentState{{Segment: DistalRCA, Plaque: true, Occluded: true, Stenosis: nan}}, 350, Modifiers{}, "CAD-RADS 5/P1 (CAC: P3)", 1, 3},
		{"left and right PDA are one", []SegmentState{at(LeftPDA, 10), at(RightPDA, 60)}, 100, Modifiers{}, "CAD-RADS 3/P1", 1, 2},
		{"a worse stenosis may hide", []SegmentState{at(ProximalLAD, 30), {Segment: MidRCA, Plaque: true, Stenosis: nan}}, nan, Modifiers{}, "CAD-RADS N/P1", 2, 2},
		{"50 % stands beside what was not assessed", []SegmentState{at(ProximalLAD, 55), {Segment: MidRCA, Stenosis: nan}}, nan, Modifiers{}, "CAD-RADS 3/N/P1", 1, 2},
		{"nothing assessed", nil, nan, Modifiers{}, "CAD-RADS N", 0, 0},
	} {
		g := GradePatient(c.states, c.cac, c.m)
		if g.String() != c.want || g.SIS != c.sis || g.SSS != c.sss {
			t.Errorf("%s: %s, SIS %d, SSS %d; want %s, %d, %d", c.name, g, g.SIS, g.SSS, c.want, c.sis, c.sss)
		}
	}
	var all []SegmentState
	for _, s := range Segments() {
		all = append(all, at(s, 100))
	}
	if g := GradePatient(all, nan, Modifiers{}); g.SIS != 16 || g.SSS != 48 || g.FromSIS != 4 {
		t.Errorf("all segments: SIS %d, SSS %d, %v", g.SIS, g.SSS, g.FromSIS)
	}
}

func TestBurdens(t *testing.T) {
	for cac, want := range map[float64]Burden{0: 0, 0.6: 1, 100: 1, 101: 2, 300: 2, 301: 3, 999: 3, 1000: 4} {
		if got := BurdenOfCAC(cac); got != want {
			t.Errorf("CAC %g: %v, want %v", cac, got, want)
		}
	}
	for sis, want := range []Burden{0, 1, 1, 2, 2, 3, 3, 3, 4} {
		if got := BurdenOfSIS(sis); got != want {
			t.Errorf("SIS %d: %v, want %v", sis, got, want)
		}
	}
	if BurdenOfCAC(math.NaN()) != -1 {
		t.Error("no score has an amount")
	}
}

func TestSegments(t *testing.T) {
	if n := len(Segments()); n != 18 {
		t.Fatalf("%d segments", n)
	}
	for _, s := range Segments() {
		if got, ok := ParseSegment(s.String()); !ok || got != s {
			t.Errorf("%s is read as %s", s, got)
		}
		if got, ok := ParseSegment(" " + s.Name()); !ok || got != s {
			t.Errorf("%s is read as %s", s.Name(), got)
		}
		if s.Artery() == "" || s.Of16() < 1 || s.Of16() > RamusIntermedius {
			t.Errorf("%s: artery %q, counted as %d", s, s.Artery(), s.Of16())
		}
	}
	for _, bad := range []string{"", "0", "19", "-1", "xyz"} {
		if s, ok := ParseSegment(bad); ok {
			t.Errorf("%q is read as %s", bad, s)
		}
	}
	joined := SegmentStates([]SegmentState{{Segment: MidLAD, Stenosis: math.NaN()}, {Segment: ProximalLAD, Stenosis: 3}, {Segment: MidLAD, Plaque: true, Stenosis: 20}})
	if len(joined) != 2 || joined[1] != (SegmentState{Segment: MidLAD, Plaque: true, Stenosis: 20}) {
		t.Errorf("joined: %+v", joined)
	}
}
