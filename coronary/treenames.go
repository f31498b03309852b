package coronary

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"
)

// Declared choices of the names of segments.
const (
	// bordering is the least mean diameter over the first centimetre of a side
	// branch that counts, mm: the 1.5 mm of the SCCT less the taper of that length.
	bordering = 1.2
	// ramus is how close to the beginning of LAD or LCX a branch leaves that is the
	// third daughter of the left main, mm, and how long it is at least.
	ramus, ramusLeast = 3.0, 10.0
	// marginFrom and marginTo bound where along the way to the crux a branch of the
	// RCA marks the acute margin; without one it is taken to be at marginAt.
	marginFrom, marginTo, marginAt = 0.4, 0.8, 2. / 3
	// cruxFrom is the share of the RCA, and of the LCX, beyond which a branch can
	// be one of the two that share the diaphragmatic wall.
	cruxFrom = 0.6
	// cruxShare is the least width of such a branch against that of the stem beyond
	// it: a branch of the acute margin is thinner.
	cruxShare = 0.7
)

// Segments returns the segments of the stem of v from its start on: those of
// [Vessel.NameSegments] or of a file if there are any, else [Stretches].
func (v *Vessel) Segments() []Stretch {
	if v.Stretches != nil {
		return v.Stretches
	}
	return Stretches(v.Artery)
}

// NameSegments names the segments of v and of its side branches by the borders
// of the SCCT (Leipsic 2014), as far as the branches show them:
//
//   - LAD: proximal to the first diagonal, mid to half of the rest, then distal;
//   - LCX: proximal to the first obtuse marginal;
//   - RCA: mid to the acute margin, which a branch marks, proximal to half of that,
//     distal to the crux, where the posterior descending branch leaves.
//
// The first two other branches of LAD and LCX, if not too thin, are diagonals and
// marginals; a branch at their very beginning is the ramus. Where the RCA divides behind its middle, the daughter that heads to
// the apex is the posterior descending and the other the posterolateral branch,
// whichever of them the stem goes on in. Where the RCA does not divide (rightPDA
// is false), the same holds for the end of the LCX. apex is the direction from
// the base of the heart to its apex. Without branches nothing is named.
func (v *Vessel) NameSegments(apex r3.Vec, rightPDA bool) {
	if len(v.Branches) == 0 {
		return
	}
	end := math.Inf(1)
	var direct []*Branch // off the stem, from proximal to distal
	for n := range v.Branches {
		if v.Branches[n].Mother < 0 {
			direct = append(direct, &v.Branches[n])
		}
	}
	slices.SortStableFunc(direct, func(a, b *Branch) int { return cmp.Compare(a.At, b.At) })
	wide := func(b *Branch) bool { return 2*b.MeanRadius(2, 10) >= bordering }
	if v.Artery == LAD || v.Artery == LCX {
		for len(direct) > 0 && direct[0].At < ramus {
			if direct[0].Length() >= ramusLeast {
				direct[0].Segment = RamusIntermedius
			}
			direct = direct[1:]
		}
	}
	switch v.Artery {
	case LAD:
		names := []Segment{FirstDiagonal, SecondDiagonal}
		for _, b := range direct {
			if len(names) == 0 || !wide(b) {
				continue
			}
			if b.Segment = names[0]; len(names) == 2 {
				half := b.At + (v.Length()-b.At)/2
				v.Stretches = []Stretch{{ProximalLAD, 0, b.At}, {MidLAD, b.At, half}, {DistalLAD, half, end}}
			}
			names = names[1:]
		}
	case LCX:
		last := end
		if !rightPDA {
			last = v.posterior(direct, apex, LeftPDA, LeftPLB)
		}
		names := []Segment{FirstObtuseMarginal, SecondObtuseMarginal}
		for _, b := range direct {
			if len(names) == 0 || !wide(b) || b.Segment != 0 {
				continue
			}
			if b.Segment = names[0]; len(names) == 2 {
				v.Stretches = slices.Concat([]Stretch{{ProximalLCX, 0, b.At}, {MidDistalLCX, b.At, last}}, v.Stretches)
			}
			names = names[1:]
		}
	case RCA:
		crux := v.posterior(direct, apex, RightPDA, RightPLB)
		margin := marginAt * min(crux, v.Length())
		for _, b := range direct {
			if x := b.At / min(crux, v.Length()); b.Segment == 0 && x >= marginFrom && x <= marginTo && wide(b) {
				margin = b.At
				break
			}
		}
		v.Stretches = slices.Concat([]Stretch{{ProximalRCA, 0, margin / 2}, {MidRCA, margin / 2, margin}, {DistalRCA, margin, crux}}, v.Stretches)
	}
}

// posterior names the stem beyond the last large branch off it, and that branch,
// if it lies beyond cruxFrom: of the two the one that heads to the apex is pda.
// It returns where the stem ends as what it was, +Inf without such a branch.
func (v *Vessel) posterior(direct []*Branch, apex r3.Vec, pda, plb Segment) float64 {
	var at *Branch
	for _, b := range direct {
		if b.At >= cruxFrom*v.Length() && b.Length() >= 10 && v.Length()-b.At >= 10 &&
			b.MeanRadius(2, 10) >= cruxShare*v.MeanRadius(b.At+2, b.At+10) {
			at = b
		}
	}
	if at == nil {
		return math.Inf(1)
	}
	ahead := func(c *Centerline, from float64) float64 {
		return r3.Dot(apex, r3.Unit(r3.Sub(c.At(min(from+20, c.Length())), c.At(from))))
	}
	stem := plb
	at.Segment = pda
	if ahead(&v.Centerline, at.At) > ahead(&at.Centerline, 0) {
		stem, at.Segment = pda, plb
	}
	v.Stretches = []Stretch{{stem, at.At, math.Inf(1)}}
	return at.At
}

// MeanRadius returns the mean radius of the nodes between two arc lengths, of
// all nodes if there is none, mm.
func (c *Centerline) MeanRadius(from, to float64) float64 {
	var sum, all float64
	n := 0
	for _, x := range c.Nodes {
		all += x.Radius
		if x.S >= from && x.S <= to {
			sum += x.Radius
			n++
		}
	}
	if n == 0 {
		return all / float64(len(c.Nodes))
	}
	return sum / float64(n)
}

// maxStretches bounds the rows of a file of segments.
const maxStretches = 1000

// ReadStretches reads which part of an artery is which segment, from a CSV with
// the columns artery, from_mm, to_mm and segment (number or abbreviation);
// to_mm may be empty for the end of the artery. The rows of an artery must
// follow each other without overlap.
func ReadStretches(r io.Reader) (map[Artery][]Stretch, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = 4
	in.TrimLeadingSpace = true
	header, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if want := []string{"artery", "from_mm", "to_mm", "segment"}; !slices.Equal(header, want) {
		return nil, fmt.Errorf("the columns are %s; they must be %s", strings.Join(header, ","), strings.Join(want, ","))
	}
	out := map[Artery][]Stretch{}
	var errs []error
	for n := 0; ; n++ {
		row, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if n == maxStretches {
			return nil, fmt.Errorf("more than %d rows", maxStretches)
		}
		line, _ := in.FieldPos(0)
		artery, s, err := parseStretch(row)
		if err == nil {
			if before := out[artery]; len(before) > 0 && !(before[len(before)-1].To <= s.From) {
				err = fmt.Errorf("%s from %g mm begins before the segment above it ends", artery, s.From)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", line, err))
			continue
		}
		out[artery] = append(out[artery], s)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if len(out) == 0 {
		return nil, errors.New("no row after the header")
	}
	return out, nil
}

// parseStretch reads one row of a file of segments.
func parseStretch(row []string) (Artery, Stretch, error) {
	artery, ok := ParseArtery(row[0])
	if !ok {
		return "", Stretch{}, fmt.Errorf("artery %q: must be one of %v", row[0], Arteries())
	}
	s := Stretch{To: math.Inf(1)}
	var err error
	if s.From, err = strconv.ParseFloat(row[1], 64); err != nil || !(s.From >= 0) || math.IsInf(s.From, 1) {
		return "", s, fmt.Errorf("from_mm %q: must be a length of 0 mm or more", row[1])
	}
	if row[2] != "" {
		if s.To, err = strconv.ParseFloat(row[2], 64); err != nil || !(s.To > s.From) {
			return "", s, fmt.Errorf("to_mm %q: must be a length above from_mm, or empty for the end", row[2])
		}
	}
	if s.Segment, ok = ParseSegment(row[3]); !ok {
		return "", s, fmt.Errorf("segment %q: must be a number from 1 to %d or an abbreviation such as pLAD", row[3], len(segments)-1)
	}
	return artery, s, nil
}
