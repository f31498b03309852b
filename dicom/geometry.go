package dicom

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Limits of a regular stack, as shares of the slice distance d.
const (
	missingFrom  = 1.5  // a step of more than 1.5 d has lost slices
	refuseFrom   = 0.25 // a step that is off by more than d/4 is no lattice
	warnFrom     = 0.05 // a step that is off by more than 5 % and
	warnFromMM   = 0.02 // by more than the rounding of written positions
	tiltFrom     = 0.1  // degrees between stacking direction and normal
	maxNamed     = 12   // findings of one kind that are listed one by one
	endShare     = 0.2  // of the slices that may be missing at the ends
	driftOfPixel = 0.25 // sideways deviation from a straight stack, pixels
)

// stack places the sorted images on a lattice and reports what does not fit.
// single tells that the series UID has one phase, so that numbers of images
// refer to this stack alone.
func (s *Series) stack(images, other []*image, single bool) {
	ref := images[0]
	normal := ref.normal()
	for _, m := range images {
		s.Slices = append(s.Slices, Slice{Path: m.label, Z: along(ref, m), Position: m.position, Instance: m.instance, image: m})
	}
	s.pixelFindings(images)
	s.rescaleFindings(images)
	s.Grid = imaging.Grid{
		Size:    [3]int{ref.cols, ref.rows, len(images)},
		Spacing: [3]float64{ref.spacing[0], ref.spacing[1], 0},
		Origin:  ref.position,
		Axes:    [3]r3.Vec{ref.row, ref.col, normal},
	}
	d, regular := s.step()
	if d == 0 {
		d = 1 // one slice without a thickness
		if s.SliceThickness > 0 {
			d = s.SliceThickness
		}
	}
	s.Grid.Spacing[2] = d
	lattice := s.gaps(d)
	s.Grid.Size[2] = lattice[len(lattice)-1] + 1
	if n := len(images) - 1; n > 0 && s.Slices[n].Z > s.Slices[0].Z {
		s.tilt(d)
		if regular && lattice[n] == n {
			// Written positions are rounded, so the mean of many steps is
			// nearer to the truth than the median of rounded ones.
			s.Grid.Spacing[2] = r3.Norm(r3.Sub(s.Slices[n].Position, s.Slices[0].Position)) / float64(n)
		}
	}
	if single {
		s.ends(d, lattice, other)
	}
}

// pixelFindings reports the first reason why pixels cannot be read, and how many
// are not what the scanner made.
func (s *Series) pixelFindings(images []*image) {
	lossy, first := 0, ""
	for _, m := range images {
		if m.lossy {
			if lossy == 0 {
				first = m.label
			}
			lossy++
		}
	}
	if lossy > 0 {
		s.add(PLQLossy, risk.Warning, Pass, first, "%d of %d images were compressed with a loss: %v", lossy, len(images), tLossy)
	}
	for _, m := range images {
		if m.pixelErr == nil {
			continue
		}
		code, e := PLQFormat, fileError(m.label, m.pixelErr)
		if errors.Is(m.pixelErr, ErrTransferSyntax) {
			code = PLQCompressed
		}
		s.add(code, risk.Warning, Pass, m.label, "the pixels cannot be read: %s: %v", e.Tag, e.Err)
		return
	}
}

// rescaleFindings reports slices whose header does not say how their stored
// values become HU, or that they become something else.
func (s *Series) rescaleFindings(images []*image) {
	if s.Modality != "CT" {
		return
	}
	var without, odd *image
	lost, read := 0, 0
	for _, m := range images {
		if m.pixelErr != nil {
			continue
		}
		read++
		if !m.pixels.rescaled {
			if without == nil {
				without = m
			}
			lost++
		}
		if u := strings.ToUpper(m.pixels.unit); odd == nil && !slices.Contains([]string{"", "HU", "HU_MOD", "US"}, u) {
			odd = m
		}
	}
	switch {
	case lost > 0 && lost < read:
		s.add(PLQMixed, risk.Refusal, Refuse, without.label, "%v and %v are missing in %d of %d slices: their values would be shifted against the others", tSlope, tIntercept, lost, read)
		s.blame(without.label, tIntercept)
	case lost > 0:
		s.add(PLQUnknownTags, risk.Warning, Pass, without.label, "%v and %v are missing: stored values are taken for HU", tSlope, tIntercept)
	}
	if odd != nil {
		s.add(PLQModality, risk.Refusal, Refuse, odd.label, "%v is %s, want HU: the values are no CT numbers", tRescaleType, odd.pixels.unit)
	}
}

// step returns the slice distance along the normal, the lower median of the
// steps above zero, and whether all steps equal it up to rounding.
func (s *Series) step() (d float64, regular bool) {
	var steps []float64
	for n := 1; n < len(s.Slices); n++ {
		if h := s.Slices[n].Z - s.Slices[n-1].Z; h >= samePlace {
			steps = append(steps, h)
		}
	}
	if len(steps) == 0 {
		return 0, false
	}
	slices.Sort(steps)
	d = steps[(len(steps)-1)/2]
	tol := max(warnFrom*d, 0.11) // positions may be written with one decimal
	return d, len(steps) == len(s.Slices)-1 && steps[len(steps)-1]-d <= tol && d-steps[0] <= tol
}

// distance returns the slice distance along the normal, mm; NaN if unknown.
func (s *Series) distance() float64 {
	if len(s.Slices) < 2 || !s.Image {
		return math.NaN()
	}
	return s.Grid.Spacing[2] * math.Abs(r3.Dot(s.Grid.Axes[2], r3.Cross(s.Grid.Axes[0], s.Grid.Axes[1])))
}

// gaps reports missing slices, irregular steps and conflicts, and returns the
// place of every slice on the lattice of distance d.
func (s *Series) gaps(d float64) []int {
	place := make([]int, len(s.Slices))
	var irregular []Finding
	worst, off := 0.0, 0
	for n := 1; n < len(s.Slices); n++ {
		a, b := s.Slices[n-1], s.Slices[n]
		h := b.Z - a.Z
		place[n] = place[n-1] + 1
		switch {
		case h < samePlace:
			place[n] = place[n-1]
			s.add(PLQConflict, risk.Refusal, Refuse, at(b.Z, b.Path), "%s and %s hold different images of one position and no tag tells the phases apart", a.Path, b.Path)
			s.blame(b.Path, tPosition)
		case h > missingFrom*d:
			lost := int(math.Round(h/d)) - 1
			place[n] += lost
			s.missing(a.Z+h/float64(lost+1), b.Z-h/float64(lost+1), lost, fmt.Sprintf("between %s and %s, which lie %.2f mm apart instead of %.2f mm", a.Path, b.Path, h, d))
		case math.Abs(h-d) > refuseFrom*d:
			s.add(PLQIrregular, risk.Refusal, Refuse, at(b.Z, b.Path), "the step from %s is %.3f mm, the usual step %.3f mm: the slices are no regular stack", a.Path, h, d)
			s.blame(b.Path, tPosition)
		case math.Abs(h-d) > max(warnFrom*d, warnFromMM) && math.Abs(h-d) > 0.11:
			off++
			worst = max(worst, math.Abs(h-d))
			if len(irregular) < maxNamed {
				irregular = append(irregular, finding(PLQIrregular, risk.Warning, Pass, at(b.Z, b.Path), "the step from %s is %.3f mm, the usual step %.3f mm", a.Path, h, d))
			}
		}
	}
	if off > maxNamed {
		irregular = append(irregular[:1], finding(PLQIrregular, risk.Warning, Pass, "", "%d steps deviate from %.3f mm, by up to %.3f mm", off, d, worst))
	}
	s.Findings = append(s.Findings, irregular...)
	return place
}

// missing reports n lost slices from z0 to z1.
func (s *Series) missing(z0, z1 float64, n int, text string) {
	if n == 1 {
		s.add(PLQMissing, risk.Refusal, Incomplete, at(z0, ""), "1 slice is missing at z = %.2f mm, %s", z0, text)
		return
	}
	s.add(PLQMissing, risk.Refusal, Incomplete, at(z0, ""), "%d slices are missing from z = %.2f to %.2f mm, %s", n, z0, z1, text)
}

// tilt compares the stacking direction with the normal. The tag
// GantryDetectorTilt is not asked: its sign differs by vendor.
func (s *Series) tilt(d float64) {
	first, last := s.Slices[0], s.Slices[len(s.Slices)-1]
	normal := s.Grid.Axes[2]
	step := r3.Unit(r3.Sub(last.Position, first.Position))
	cos := r3.Dot(step, normal)
	angle := math.Acos(min(cos, 1)) * 180 / math.Pi
	if angle > tiltFrom {
		s.Grid.Axes[2] = step
		s.Grid.Spacing[2] = d / cos
		s.add(PLQTilt, risk.Warning, Pass, "", "slices are stacked %.2f° off their normal (tilted gantry); the sheared lattice is kept", angle)
	}
	limit := driftOfPixel * min(s.Grid.Spacing[0], s.Grid.Spacing[1])
	for _, sl := range s.Slices {
		p := r3.Sub(sl.Position, first.Position)
		t := r3.Dot(p, normal) / r3.Dot(s.Grid.Axes[2], normal)
		if off := r3.Norm(r3.Sub(p, r3.Scale(t, s.Grid.Axes[2]))); off > limit && off > 0.11 {
			s.add(PLQIrregular, risk.Refusal, Refuse, at(sl.Z, sl.Path), "the slice is shifted sideways by %.2f mm (%v): the slices are no straight stack", off, tPosition)
			s.blame(sl.Path, tPosition)
			return
		}
	}
}

// every warns if InstanceNumber counts along the stack in equal steps of two or
// more: each second, third… slice alone may have been exported.
func (s *Series) every(place []int) {
	first := s.Slices[0].image
	by := s.Slices[1].image.instance - first.instance
	if place[1] != 1 || by > -2 && by < 2 {
		return
	}
	for k := range s.Slices {
		if m := s.Slices[k].image; !m.hasInstance || m.instance != first.instance+by*place[k] {
			return
		}
	}
	by = max(by, -by)
	s.add(PLQMissing, risk.Warning, Pass, "", "%v counts in steps of %d along the stack: slices between them may not have been exported", tInstanceNumber, by)
}

// ends looks for slices missing before the first or behind the last, which
// positions cannot tell: InstanceNumber must count along the stack, and
// ImagesInAcquisition say how many there should be.
func (s *Series) ends(d float64, place []int, other []*image) {
	n := len(s.Slices)
	first := s.Slices[0].image
	total := first.inAcquisition
	dir := 0
	for k := range s.Slices {
		m := s.Slices[k].image
		if !m.hasInstance || m.inAcquisition != total {
			return
		}
		if k == 0 {
			continue
		}
		if dir == 0 {
			dir = m.instance - first.instance
			if dir > 0 {
				dir = 1
			} else {
				dir = -1
			}
		}
		if m.instance != first.instance+dir*place[k] {
			s.every(place)
			return
		}
	}
	if dir == 0 {
		return
	}
	low, high := first.instance, s.Slices[n-1].image.instance
	if dir < 0 {
		low, high = high, low
	}
	before, after := low-1, 0 // in order of number
	if total > 0 {
		after = total - high
	}
	for _, m := range other { // a localizer may carry the number 1
		if m.hasInstance && m.instance >= 1 && m.instance < low {
			before--
		} else if m.hasInstance && m.instance > high {
			after--
		}
	}
	if before < 0 || after < 0 || before+after == 0 {
		return
	}
	if float64(before+after) > endShare*float64(n)+1 {
		if total == 0 {
			return // numbering may start anywhere
		}
		s.add(PLQMissing, risk.Warning, Pass, "", "numbers %d to %d of %d are here: the rest may belong to another reconstruction, or was not exported", low, high, total)
		return
	}
	if dir < 0 {
		before, after = after, before
	}
	z0, z1 := s.Slices[0].Z, s.Slices[n-1].Z
	why := fmt.Sprintf("the first is number %d, the last number %d", first.instance, s.Slices[n-1].image.instance)
	if total > 0 {
		why += fmt.Sprintf(", %v is %d", tImagesInAcq, total)
	}
	if before > 0 {
		s.missing(z0-d*float64(before), z0-d, before, fmt.Sprintf("before %s: %s", s.Slices[0].Path, why))
	}
	if after > 0 {
		s.missing(z1+d, z1+d*float64(after), after, fmt.Sprintf("behind %s: %s", s.Slices[n-1].Path, why))
	}
	if total == 0 { // a number alone is a hint, not proof
		for i := range s.Findings {
			if f := &s.Findings[i]; f.Code == PLQMissing && strings.Contains(f.Text, "is number") {
				f.Severity, f.Gate = risk.Warning, Pass
			}
		}
	}
}
