package coronary

import (
	"strconv"
	"strings"
)

// Segment is a segment of the coronary tree in the 18-segment model of the SCCT
// (Leipsic et al., J Cardiovasc Comput Tomogr 8(5):342–358, 2014), by its
// number; 0 stands for none.
type Segment int

// The segments.
const (
	ProximalRCA Segment = 1 + iota
	MidRCA
	DistalRCA
	RightPDA // right posterior descending artery
	LeftMain
	ProximalLAD
	MidLAD
	DistalLAD
	FirstDiagonal
	SecondDiagonal
	ProximalLCX
	FirstObtuseMarginal
	MidDistalLCX
	SecondObtuseMarginal
	LeftPDA  // left posterior descending artery
	RightPLB // right posterolateral branch
	RamusIntermedius
	LeftPLB // left posterolateral branch
)

// segments holds the name, the abbreviation and the artery of each segment. The
// ramus, which rises between LAD and LCX, is counted with the LCX.
var segments = [...]struct {
	short, name string
	artery      Artery
}{
	{},
	{"pRCA", "proximal RCA", RCA}, {"mRCA", "mid RCA", RCA}, {"dRCA", "distal RCA", RCA}, {"R-PDA", "right posterior descending", RCA},
	{"LM", "left main", LM}, {"pLAD", "proximal LAD", LAD}, {"mLAD", "mid LAD", LAD}, {"dLAD", "distal LAD", LAD},
	{"D1", "first diagonal", LAD}, {"D2", "second diagonal", LAD}, {"pLCx", "proximal LCx", LCX}, {"OM1", "first obtuse marginal", LCX},
	{"LCx", "mid and distal LCx", LCX}, {"OM2", "second obtuse marginal", LCX}, {"L-PDA", "left posterior descending", LCX},
	{"R-PLB", "right posterolateral branch", RCA}, {"RI", "ramus intermedius", LCX}, {"L-PLB", "left posterolateral branch", LCX},
}

// Segments returns all segments by number.
func Segments() []Segment {
	s := make([]Segment, len(segments)-1)
	for n := range s {
		s[n] = Segment(n + 1)
	}
	return s
}

// known tells whether s is a segment of the model.
func (s Segment) known() bool { return s > 0 && int(s) < len(segments) }

// String returns the abbreviation, "pLAD"; "–" for none.
func (s Segment) String() string {
	if !s.known() {
		return "–"
	}
	return segments[s].short
}

// Name returns the name in words.
func (s Segment) Name() string {
	if !s.known() {
		return "no segment"
	}
	return segments[s].name
}

// Artery returns the main artery that the segment is counted with.
func (s Segment) Artery() Artery {
	if !s.known() {
		return ""
	}
	return segments[s].artery
}

// Of16 returns the segment of the 16-segment model that scores count. A heart
// has its posterior descending and its posterolateral branch on the right or on
// the left, so that both sides share a number: 15 counts as 4 and 18 as 16.
func (s Segment) Of16() Segment {
	switch s {
	case LeftPDA:
		return RightPDA
	case LeftPLB:
		return RightPLB
	}
	return s
}

// ParseSegment reads a number or an abbreviation, "6" or "pLAD".
func ParseSegment(text string) (Segment, bool) {
	fold := func(s string) string {
		return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(s))
	}
	if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		return Segment(n), Segment(n).known()
	}
	for _, s := range Segments() {
		if f := fold(text); f == fold(segments[s].short) || f == fold(segments[s].name) {
			return s, true
		}
	}
	return 0, false
}
