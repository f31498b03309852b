package coronary

import (
	"math"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// LumenDiameter returns the equivalent diameter of the lumen, mm; NaN if it was
// not found.
func (s *Section) LumenDiameter() float64 { return s.Lumen.Diameters().Equivalent }

// WallDiameter returns the equivalent diameter of the outer wall, mm; NaN if it
// was not found.
func (s *Section) WallDiameter() float64 { return s.Wall.Diameters().Equivalent }

// Burden returns the share of the vessel that is not lumen, in percent:
//
//	100 (A_wall − A_lumen) / A_wall                                   (C.3)
//
// NaN unless both borders were found.
func (s *Section) Burden() float64 {
	if !s.Complete() {
		return math.NaN()
	}
	w := s.Wall.Area()
	return 100 * (w - s.Lumen.Area()) / w
}

// WallThickness returns the least and the largest distance from the outer wall
// to the lumen, mm, along n rays from the lumen's centroid. NaN unless both
// borders were found.
func (s *Section) WallThickness(n int) (thin, thick float64) {
	if !s.Complete() {
		return math.NaN(), math.NaN()
	}
	thin, thick = math.Inf(1), math.Inf(-1)
	c := s.Lumen.Centroid()
	for i := range n {
		th := 2 * math.Pi * float64(i) / float64(n)
		if t := s.Wall.RadiusAt(c, th) - s.Lumen.RadiusAt(c, th); !math.IsNaN(t) {
			thin, thick = min(thin, t), max(thick, t)
		}
	}
	if thick < thin {
		return math.NaN(), math.NaN()
	}
	return thin, thick
}

// Composition is the area of every tissue in one cross-section, mm².
type Composition [imaging.NumTissues]float64

// Plaque returns the area of the four plaque classes, mm².
func (c *Composition) Plaque() float64 {
	var a float64
	for t := range c {
		if imaging.Tissue(t).IsPlaque() {
			a += c[t]
		}
	}
	return a
}

// compositionStep is the pixel on which sections are counted, mm: half the
// voxel of a CCTA.
const compositionStep = 0.2

// Composition counts tissue in the plane of s, nearest voxel, on pixels of 0.2
// mm within the box of the outer wall (of the lumen if there is no wall), grown
// by half a millimetre.
func (s *Section) Composition(tissue *imaging.Labels) Composition {
	var out Composition
	border := s.Wall.Points
	if len(border) == 0 {
		border = s.Lumen.Points
	}
	if len(border) == 0 || tissue == nil {
		return out
	}
	lo, hi := border[0], border[0]
	for _, p := range border {
		lo = r2.Vec{X: min(lo.X, p.X), Y: min(lo.Y, p.Y)}
		hi = r2.Vec{X: max(hi.X, p.X), Y: max(hi.Y, p.Y)}
	}
	const grow = 0.5
	for y := lo.Y - grow; y <= hi.Y+grow; y += compositionStep {
		for x := lo.X - grow; x <= hi.X+grow; x += compositionStep {
			out[tissueAt(tissue, s.Frame.Point(r2.Vec{X: x, Y: y}))] += compositionStep * compositionStep
		}
	}
	return out
}

// Compositions returns [Section.Composition] for every section of v.
func (v *Vessel) Compositions(tissue *imaging.Labels) []Composition {
	out := make([]Composition, len(v.Sections))
	for n := range v.Sections {
		out[n] = v.Sections[n].Composition(tissue)
	}
	return out
}
