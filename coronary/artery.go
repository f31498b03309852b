package coronary

import "strings"

// Artery names one of the main coronary arteries.
type Artery string

// The arteries in the order of every table: left main, left anterior
// descending, left circumflex, right coronary artery.
const (
	LM  Artery = "LM"
	LAD Artery = "LAD"
	LCX Artery = "LCX"
	RCA Artery = "RCA"
)

// Arteries returns all arteries in the order of every table.
func Arteries() []Artery { return []Artery{LM, LAD, LCX, RCA} }

// ParseArtery recognises the usual spellings ("LAD", "lcx", "Cx", "left main").
func ParseArtery(s string) (Artery, bool) {
	switch strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "").Replace(s)) {
	case "lm", "lmca", "leftmain", "leftmaincoronaryartery":
		return LM, true
	case "lad", "leftanteriordescending", "leftanteriordescendingartery":
		return LAD, true
	case "lcx", "cx", "lcircumflex", "circumflex", "leftcircumflex", "leftcircumflexartery":
		return LCX, true
	case "rca", "rightcoronary", "rightcoronaryartery":
		return RCA, true
	}
	return "", false
}
