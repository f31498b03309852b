package coronary

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// SegmentState is what the patient-level scores need to know of one segment.
type SegmentState struct {
	Segment Segment
	Plaque  bool
	// Stenosis is the loss of lumen diameter, percent; NaN where it could not be
	// assessed.
	Stenosis float64
	// Occluded says that no lumen is left.
	Occluded bool
}

// Category is a category of CAD-RADS 2.0.
type Category string

// The categories.
const (
	CADRADS0  Category = "0"
	CADRADS1  Category = "1"
	CADRADS2  Category = "2"
	CADRADS3  Category = "3"
	CADRADS4A Category = "4A"
	CADRADS4B Category = "4B"
	CADRADS5  Category = "5"
	CADRADSN  Category = "N"
)

// Burden is the amount of plaque, P1 to P4, of CAD-RADS 2.0; 0 without plaque.
type Burden int

func (b Burden) String() string {
	if b == 0 {
		return "P0"
	}
	return fmt.Sprintf("P%d", int(b))
}

// Modifiers are what follows the category.
type Modifiers struct {
	NonDiagnostic bool // N: a segment that could not be assessed
	HighRisk      bool // HRP: at least two signs of a high-risk plaque
	Stent         bool // S
	Graft         bool // G
	Exception     bool // E: a narrowing that is not atherosclerosis
}

// Names returns the modifiers that apply, in the order in which they are written.
func (m Modifiers) Names() []string {
	names := []string{}
	for _, x := range []struct {
		on   bool
		name string
	}{{m.NonDiagnostic, "N"}, {m.HighRisk, "HRP"}, {m.Stent, "S"}, {m.Graft, "G"}, {m.Exception, "E"}} {
		if x.on {
			names = append(names, x.name)
		}
	}
	return names
}

// Grade is the patient in the words of CAD-RADS 2.0 (Cury et al., J Cardiovasc
// Comput Tomogr 16(6):536–557, 2022) with the scores it rests on. It describes
// a computation for research, not a diagnosis.
type Grade struct {
	Category  Category
	Modifiers Modifiers
	// SIS is the number of segments with plaque, 0 to 16 (see [Segment.Of16]).
	SIS int
	// SSS is the sum over the segments of 0 (no plaque), 1 (below 50 %), 2 (50 to
	// 69 %) and 3 (70 % or more), 0 to 48 (Min et al., J Am Coll Cardiol
	// 50(12):1161–1170, 2007).
	SSS int
	// FromSIS and FromCAC are the amounts of plaque by either count. FromCAC is −1
	// without a calcium score.
	FromSIS, FromCAC Burden
	// Worst is the segment with the largest stenosis; 0 without.
	Worst Segment
}

// BurdenOfSIS returns P1 (up to 2 segments), P2 (3 or 4), P3 (5 to 7) or P4.
func BurdenOfSIS(sis int) Burden {
	switch {
	case sis <= 0:
		return 0
	case sis <= 2:
		return 1
	case sis <= 4:
		return 2
	case sis <= 7:
		return 3
	}
	return 4
}

// BurdenOfCAC returns P1 (Agatston score 1 to 100), P2 (101 to 300), P3 (301 to
// 999) or P4, for a score rounded to whole numbers; −1 for NaN.
func BurdenOfCAC(score float64) Burden {
	if math.IsNaN(score) {
		return -1
	}
	switch s := math.Round(score); {
	case s < 1:
		return 0
	case s <= 100:
		return 1
	case s <= 300:
		return 2
	case s < 1000:
		return 3
	}
	return 4
}

// GradePatient grades the segments that were assessed. cac is the Agatston score
// of a non-contrast scan, NaN without one; it is never taken from a contrast CT.
// Stenoses are rounded to whole percent before they are compared, as readers
// report them. A segment that is given twice counts by its worst state.
func GradePatient(states []SegmentState, cac float64, m Modifiers) Grade {
	g := Grade{Modifiers: m, FromCAC: BurdenOfCAC(cac)}
	plaque, score := map[Segment]bool{}, map[Segment]int{}
	severe := map[Artery]bool{} // 70 % or more
	worst, anyPlaque, left := -1.0, false, false
	assessed := 0
	for _, s := range states {
		if !s.Segment.known() {
			continue
		}
		stenosis := math.Round(s.Stenosis)
		if s.Occluded {
			stenosis = 100
		}
		if math.IsNaN(stenosis) {
			g.Modifiers.NonDiagnostic = true
		} else {
			assessed++
		}
		seg := s.Segment.Of16()
		if s.Plaque || stenosis >= 1 {
			anyPlaque = true
			plaque[seg] = true
			n := 1
			switch {
			case stenosis >= 70:
				n = 3
			case stenosis >= 50:
				n = 2
			}
			score[seg] = max(score[seg], n)
		}
		if stenosis > worst {
			worst = stenosis
			if stenosis > 0 {
				g.Worst = s.Segment
			}
		}
		if stenosis >= 70 {
			severe[s.Segment.Artery()] = true
		}
		if s.Segment == LeftMain && stenosis >= 50 {
			left = true
		}
	}
	g.SIS = len(plaque)
	for _, n := range score {
		g.SSS += n
	}
	g.FromSIS = BurdenOfSIS(g.SIS)
	three := severe[LAD] && severe[LCX] && severe[RCA]
	switch {
	case worst >= 100:
		g.Category = CADRADS5
	case left, three:
		g.Category = CADRADS4B
	case worst >= 70:
		g.Category = CADRADS4A
	case worst >= 50:
		g.Category = CADRADS3
	case g.Modifiers.NonDiagnostic: // a worse stenosis may hide in what was not assessed
		g.Category = CADRADSN
	case worst >= 25:
		g.Category = CADRADS2
	case anyPlaque:
		g.Category = CADRADS1
	case assessed == 0:
		g.Category = CADRADSN
	default:
		g.Category = CADRADS0
	}
	return g
}

// String writes category, amount of plaque by segments, and modifiers:
// "CAD-RADS 4A/P2/HRP". The amount by calcium is added where it differs:
// "CAD-RADS 3/P1 (CAC: P3)".
func (g Grade) String() string {
	parts := []string{"CAD-RADS " + string(g.Category)}
	if g.Modifiers.NonDiagnostic && g.Category != CADRADSN {
		parts[0] += "/N"
	}
	if g.FromSIS > 0 {
		p := g.FromSIS.String()
		if g.Disagree() {
			p += " (CAC: " + g.FromCAC.String() + ")"
		}
		parts = append(parts, p)
	}
	for _, name := range g.Modifiers.Names() {
		if name != "N" { // stands beside the category
			parts = append(parts, name)
		}
	}
	return strings.Join(parts, "/")
}

// Disagree tells whether a calcium score exists and gives another amount of
// plaque than the segments do.
func (g Grade) Disagree() bool { return g.FromCAC >= 0 && g.FromCAC != g.FromSIS }

// SegmentStates joins the states of parts of the same segment to the worst, in
// the order of the segments.
func SegmentStates(parts []SegmentState) []SegmentState {
	by := map[Segment]*SegmentState{}
	for _, p := range parts {
		s, ok := by[p.Segment]
		if !ok {
			c := p
			by[p.Segment] = &c
			continue
		}
		s.Plaque = s.Plaque || p.Plaque
		s.Occluded = s.Occluded || p.Occluded
		// NaN stays only if nothing was assessed.
		if math.IsNaN(s.Stenosis) || p.Stenosis > s.Stenosis {
			s.Stenosis = p.Stenosis
		}
	}
	out := make([]SegmentState, 0, len(by))
	for _, s := range by {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b SegmentState) int { return int(a.Segment) - int(b.Segment) })
	return out
}
