package coronary

import (
	"math"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// ContourError is how far a contour may be off for [MeasureIntervals], in voxel
// edges: a quarter, the finer of the two levels of contour noise at which the
// measures are tested on phantoms.
const ContourError = 0.25

// Interval is the range of a measure; NaN where the measure is undefined.
type Interval struct{ Low, High float64 }

// add widens the interval to hold x.
func (i *Interval) add(x float64) {
	if math.IsNaN(x) {
		return
	}
	if math.IsNaN(i.Low) || x < i.Low {
		i.Low = x
	}
	if math.IsNaN(i.High) || x > i.High {
		i.High = x
	}
}

// Intervals are the ranges of the measures of a plaque when contours are off by
// Offset.
type Intervals struct {
	Offset           float64 // mm
	DiameterStenosis Interval
	AreaStenosis     Interval
	MinLumenArea     Interval
	MinLumenDiameter Interval
	Remodelling      Interval
	Burden           Interval
	Plaque           Interval
	PercentAtheroma  Interval
	Cap              Interval
}

// MeasureIntervals moves the contours of v outwards and inwards by offset, mm,
// and returns what becomes of the measures m of plaque p. Four borders move
// independently of each other: lumen and outer wall, on the lesion and on its
// references; the interval holds the measures of all combinations and m itself.
// It is the effect of a contour error of that size that is the same along the
// lesion, the worst kind, and neither a confidence interval nor the error of a
// wrong segmentation.
//
// The volume of plaque changes by offset times the borders that it has in
// common with lumen and outer wall, taken as the share w of plaque in the wall:
//
//	ΔV = ± offset Σ w (P_lumen + P_wall) Δs                            (C.9)
//
// with perimeters P, exact for round borders. A cap changes by offset, as the
// lumen does.
func MeasureIntervals(v *Vessel, tissue *imaging.Labels, p *Plaque, m *Measures, offset float64) Intervals {
	out := Intervals{Offset: offset}
	for _, x := range []struct {
		in *Interval
		m  float64
	}{{&out.DiameterStenosis, m.DiameterStenosis}, {&out.AreaStenosis, m.AreaStenosis}, {&out.MinLumenArea, m.MinLumenArea},
		{&out.MinLumenDiameter, m.MinLumenDiameter}, {&out.Remodelling, m.Remodelling}, {&out.Burden, m.Burden},
		{&out.Plaque, m.Plaque}, {&out.PercentAtheroma, m.PercentAtheroma}, {&out.Cap, m.Cap}} {
		*x.in = Interval{x.m, x.m}
	}
	if v == nil || math.IsNaN(m.Length) {
		return out
	}
	if tissue == nil {
		tissue = p.Tissue
	}
	near := *v // the lesion and as far as references reach
	near.Sections = nil
	for n := range v.Sections {
		if s := v.Sections[n].S; s >= m.From-2*referenceReach && s <= m.To+2*referenceReach {
			near.Sections = append(near.Sections, v.Sections[n])
		}
	}
	comp := near.Compositions(tissue)
	moved := near
	moved.Sections = make([]Section, len(near.Sections))
	// With the reference borders moving together eight combinations hold each pair
	// of borders that a measure depends on.
	for _, lumen := range []float64{-offset, offset} {
		for _, wall := range []float64{-offset, offset} {
			for _, reference := range []float64{-offset, offset} {
				for n := range near.Sections {
					s := near.Sections[n]
					l, w := reference, reference
					if s.S >= m.From && s.S <= m.To {
						l, w = lumen, wall
					}
					s.Lumen, s.Wall = s.Lumen.moved(l), s.Wall.moved(w)
					moved.Sections[n] = s
				}
				x := undefined()
				x.From, x.To = m.From, m.To
				least := math.Inf(1)
				x.within(&moved, func(_ int, s *Section) {
					if len(s.Lumen.Points) > 2 {
						least = min(least, s.Lumen.Area())
					}
				})
				if !math.IsInf(least, 1) {
					out.MinLumenArea.add(least)
					out.MinLumenDiameter.add(2 * math.Sqrt(least/math.Pi))
				}
				x.lesion(&moved, comp, tissue != nil)
				out.DiameterStenosis.add(x.DiameterStenosis)
				out.AreaStenosis.add(x.AreaStenosis)
				out.Remodelling.add(x.Remodelling)
				out.Burden.add(x.Burden)
			}
		}
	}
	out.volumes(&near, comp, m)
	if !math.IsNaN(m.Cap) {
		out.Cap = Interval{max(0, m.Cap-offset), m.Cap + offset}
	}
	return out
}

// volumes finds the intervals of plaque volume and percent atheroma volume.
func (out *Intervals) volumes(v *Vessel, comp []Composition, m *Measures) {
	var lumen, wall, border, area float64 // means over the sections: mm of plaque border, mm, mm²
	n := 0
	m.within(v, func(i int, s *Section) {
		if !s.Complete() {
			return
		}
		n++
		share := 0.0
		if annulus := s.Wall.Area() - s.Lumen.Area(); annulus > 0 {
			share = min(comp[i].Plaque()/annulus, 1)
		}
		lumen += share * s.Lumen.Perimeter()
		wall += share * s.Wall.Perimeter()
		border += s.Wall.Perimeter()
		area += s.Wall.Area()
	})
	if n == 0 {
		return
	}
	per := m.Length / float64(n) // mm of artery for each section
	for _, l := range []float64{-out.Offset, out.Offset} {
		for _, w := range []float64{-out.Offset, out.Offset} {
			plaque := max(0, m.Plaque+per*(w*wall-l*lumen))
			out.Plaque.add(plaque)
			out.PercentAtheroma.add(min(100, share(plaque, per*(area+w*border))))
		}
	}
}

// moved returns the contour with every point moved outwards by d, mm, along the
// bisector of its edges' normals. An empty contour stays empty.
func (c Contour) moved(d float64) Contour {
	out := Contour{Points: make([]r2.Vec, len(c.Points))}
	n := len(c.Points)
	for i, p := range c.Points {
		// The normal of the chord between the neighbours; counter-clockwise, it
		// points outwards to the right of the course.
		e := r2.Sub(c.Points[(i+1)%n], c.Points[(i+n-1)%n])
		l := r2.Norm(e)
		if l == 0 {
			out.Points[i] = p
			continue
		}
		out.Points[i] = r2.Add(p, r2.Scale(d/l, r2.Vec{X: e.Y, Y: -e.X}))
	}
	return out
}
