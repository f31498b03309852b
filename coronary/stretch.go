package coronary

import "math"

// Stretch is the part of an artery that is one segment, mm of arc length from
// the start of the artery.
type Stretch struct {
	Segment  Segment
	From, To float64
}

// imagedLength is the mean length that CT shows of an artery, mm (Hong et al.,
// Am J Cardiol 2008).
var imagedLength = map[Artery]float64{LAD: 72, LCX: 54, RCA: 92}

// Stretches returns the segments of the stem of an artery by arc length alone.
// The borders of the SCCT are the acute margin, the first septal or diagonal
// branch and the first obtuse marginal, which masks of the stems do not show.
// In their place stand thirds of the mean imaged length: the first is proximal,
// the second mid, all beyond distal. Of the LCX all beyond the first is one
// segment, and the left main is one.
func Stretches(a Artery) []Stretch {
	third, end := imagedLength[a]/3, math.Inf(1)
	switch a {
	case LM:
		return []Stretch{{LeftMain, 0, end}}
	case LAD:
		return []Stretch{{ProximalLAD, 0, third}, {MidLAD, third, 2 * third}, {DistalLAD, 2 * third, end}}
	case LCX:
		return []Stretch{{ProximalLCX, 0, third}, {MidDistalLCX, third, end}}
	case RCA:
		return []Stretch{{ProximalRCA, 0, third}, {MidRCA, third, 2 * third}, {DistalRCA, 2 * third, end}}
	}
	return nil
}

// SegmentsOf returns the segments of an artery, cut into stretches, that a plaque
// on [from, to] is in: those that hold a millimetre of it, or half of a shorter
// one.
func SegmentsOf(stretches []Stretch, from, to float64) []Segment {
	least := min(lesionLeast, (to-from)/2)
	var in []Segment
	for _, s := range stretches {
		if over := min(to, s.To) - max(from, s.From); over >= least && over >= 0 {
			in = append(in, s.Segment)
		}
	}
	return in
}

// StemStates returns the states of the segments that the stem of an artery of
// the given length reaches, from the measures of its plaques. A plaque counts
// in each of [SegmentsOf]; its stenosis in the segment where it is largest, and
// as 0 in the others. A stenosis that could not be measured is unknown in all.
// assessed says that plaque was looked for; otherwise nothing is known.
func StemStates(stretches []Stretch, length float64, plaques []Measures, assessed bool) []SegmentState {
	var states []SegmentState
	for _, s := range stretches {
		if !(s.From < length) {
			continue
		}
		found := false
		for n := range plaques {
			m := &plaques[n]
			here := m.StenosisAt >= s.From && m.StenosisAt < s.To
			for _, in := range SegmentsOf(stretches, m.From, m.To) {
				here = here || in == s.Segment
			}
			if !here {
				continue
			}
			found = true
			state := SegmentState{Segment: s.Segment, Plaque: true, Stenosis: m.DiameterStenosis}
			if m.StenosisAt < s.From || m.StenosisAt >= s.To {
				state.Stenosis = 0
			}
			states = append(states, state)
		}
		if !found {
			state := SegmentState{Segment: s.Segment}
			if !assessed {
				state.Stenosis = math.NaN()
			}
			states = append(states, state)
		}
	}
	return states
}
