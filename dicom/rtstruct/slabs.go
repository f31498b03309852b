package rtstruct

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

const (
	onPlane = 0.05 // voxels: how far a contour may lie from a slice to be of it
	flat    = 0.25 // voxels: how far a point may lie from the plane of its contour
	tie     = 1e-3 // voxels: what lies on the border of two slabs is of the upper one
	// mostWork bounds comparisons of points with curves, for files made to take time.
	mostWork = 1 << 30
	filled   = 1.5 // usual distances of two planes: up to here what lies between is filled
)

// slabs are the contours of a region, plane by plane, with what each fills.
type slabs struct {
	normal  r3.Vec
	u, v    r3.Vec // span the planes
	axis    int    // of the grid across whose slices the planes lie; −1: oblique
	between bool   // a plane is no slice of the grid
	planes  []slab // by height
}

// slab is what the contours of one plane fill: heights in [from, to).
type slab struct {
	height, from, to float64 // along the normal, mm
	contours         [][]r3.Vec
	curves           [][][2]float64 // the same in u and v
	lo, hi           [2]float64     // their box
}

// newSlabs groups contours by plane. The grid says what its slices are and how
// near to a plane is in it.
func newSlabs(contours [][]r3.Vec, g *imaging.Grid) (*slabs, error) {
	s := &slabs{axis: -1}
	largest := 0.0
	for _, c := range contours {
		if a := areaVector(c); r3.Norm(a) > largest {
			largest, s.normal = r3.Norm(a), r3.Unit(a)
		}
	}
	if largest == 0 {
		return nil, fmt.Errorf("no contour has an area: %w", ErrContours)
	}
	for _, a := range []int{2, 1, 0} {
		across := r3.Unit(r3.Cross(g.Axes[(a+1)%3], g.Axes[(a+2)%3]))
		along := r3.Dot(across, s.normal)
		step := g.Spacing[a] * math.Abs(r3.Dot(across, g.Axes[a]))
		if math.Abs(along) > 0.9 && thickest(contours, across) <= 2*onPlane*step {
			s.axis, s.normal = a, r3.Scale(math.Copysign(1, along), across)
			break
		}
	}
	// What a voxel measures across the planes, mm.
	step, edge := 0.0, g.MinSpacing()
	for a := range 3 {
		step = max(step, g.Spacing[a]*math.Abs(r3.Dot(s.normal, g.Axes[a])))
	}
	s.u = r3.Unit(r3.Cross(s.normal, leastAligned(s.normal)))
	s.v = r3.Cross(s.normal, s.u)
	for n, c := range contours {
		lo, hi := heights(c, s.normal)
		if hi-lo > 2*flat*edge {
			return nil, fmt.Errorf("contour %d leaves the planes of the others by %.2f mm: %w", n+1, (hi-lo)/2, ErrContours)
		}
		s.planes = append(s.planes, slab{height: (lo + hi) / 2, contours: [][]r3.Vec{c}})
	}
	slices.SortStableFunc(s.planes, func(a, b slab) int {
		switch {
		case a.height < b.height:
			return -1
		case a.height > b.height:
			return 1
		}
		return 0
	})
	merged := s.planes[:1]
	for _, p := range s.planes[1:] {
		if last := &merged[len(merged)-1]; p.height-last.height <= 2*onPlane*edge {
			last.contours = append(last.contours, p.contours...)
		} else {
			merged = append(merged, p)
		}
	}
	s.planes = merged
	s.thickness(step)
	for n := range s.planes {
		p := &s.planes[n]
		p.flatten(s.u, s.v)
		if s.axis >= 0 {
			x := [3]float64{}
			x[0], x[1], x[2] = g.Index(p.contours[0][0])
			s.between = s.between || math.Abs(x[s.axis]-math.Round(x[s.axis])) > onPlane
		}
	}
	s.between = s.between || s.axis < 0
	return s, nil
}

// thickness decides what each plane fills, for voxels of the given step.
func (s *slabs) thickness(step float64) {
	var gaps []float64
	for n := 1; n < len(s.planes); n++ {
		gaps = append(gaps, s.planes[n].height-s.planes[n-1].height)
	}
	usual := step
	if len(gaps) > 0 {
		sorted := slices.Sorted(slices.Values(gaps))
		median := sorted[len(sorted)/2]
		// Contours that are far apart are one thick stack only if there are some,
		// at equal distances: else they are regions of their own.
		even := len(sorted) > 1 && sorted[len(sorted)-1] < 1.1*sorted[0]
		if median <= filled*step || even {
			usual = median
		}
	}
	shift := tie * step
	for n := range s.planes {
		p := &s.planes[n]
		p.from, p.to = p.height-usual/2-shift, p.height+usual/2-shift
		if n > 0 && gaps[n-1] <= filled*usual {
			p.from = p.height - gaps[n-1]/2 - shift
		}
		if n < len(gaps) && gaps[n] <= filled*usual {
			p.to = p.height + gaps[n]/2 - shift
		}
	}
}

// at returns the slab at a height, nil if there is none.
func (s *slabs) at(height float64) *slab {
	n, _ := slices.BinarySearchFunc(s.planes, height, func(p slab, h float64) int {
		if p.to <= h {
			return -1
		}
		return 1
	})
	if n < len(s.planes) && s.planes[n].from <= height {
		return &s.planes[n]
	}
	return nil
}

// flatten computes the curves in the plane and their box.
func (p *slab) flatten(u, v r3.Vec) {
	p.lo, p.hi = [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, c := range p.contours {
		curve := make([][2]float64, len(c))
		for n, q := range c {
			curve[n] = [2]float64{r3.Dot(u, q), r3.Dot(v, q)}
			for a, x := range curve[n] {
				p.lo[a], p.hi[a] = min(p.lo[a], x), max(p.hi[a], x)
			}
		}
		p.curves = append(p.curves, curve)
	}
}

// points returns the number of points of all curves.
func (p *slab) points() int {
	n := 0
	for _, c := range p.curves {
		n += len(c)
	}
	return n
}

// inside tells whether (x, y) lies within an odd number of curves.
func (p *slab) inside(x, y float64) bool {
	if x < p.lo[0] || x > p.hi[0] || y < p.lo[1] || y > p.hi[1] {
		return false
	}
	in := false
	for _, c := range p.curves {
		in = in != within(c, x, y)
	}
	return in
}

// within tells whether (x, y) lies within one curve by the even-odd rule.
func within(c [][2]float64, x, y float64) bool {
	in := false
	a := c[len(c)-1]
	for _, b := range c {
		if (a[1] > y) != (b[1] > y) && x < a[0]+(y-a[1])*(b[0]-a[0])/(b[1]-a[1]) {
			in = !in
		}
		a = b
	}
	return in
}

// enclosed returns the volume of all slabs, mm³, NaN where a plane holds too many
// contours to be compared with each other. A curve within an odd number of others is
// a hole.
func (s *slabs) enclosed() float64 {
	volume := 0.0
	for n := range s.planes {
		p := &s.planes[n]
		if len(p.curves)*p.points() > mostWork {
			return math.NaN()
		}
		area := 0.0
		for a, c := range p.contours {
			sign := 1.0
			for b, other := range p.curves {
				if a != b && within(other, p.curves[a][0][0], p.curves[a][0][1]) {
					sign = -sign
				}
			}
			area += sign * r3.Norm(areaVector(c))
		}
		volume += area * (p.to - p.from)
	}
	return volume
}

// areaVector returns the area of a closed contour times its normal, by Newell:
//
//	A = ½ Σ (pₙ − p₀) × (pₙ₊₁ − p₀)                                (D.11)
func areaVector(c []r3.Vec) r3.Vec {
	var a r3.Vec
	for n := 1; n+1 < len(c); n++ {
		a = r3.Add(a, r3.Cross(r3.Sub(c[n], c[0]), r3.Sub(c[n+1], c[0])))
	}
	return r3.Scale(0.5, a)
}

// heights returns the lowest and the highest point of c along n.
func heights(c []r3.Vec, n r3.Vec) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, p := range c {
		h := r3.Dot(n, p)
		lo, hi = min(lo, h), max(hi, h)
	}
	return lo, hi
}

// thickest returns the largest extent of a contour along n.
func thickest(contours [][]r3.Vec, n r3.Vec) float64 {
	most := 0.0
	for _, c := range contours {
		lo, hi := heights(c, n)
		most = max(most, hi-lo)
	}
	return most
}

// leastAligned returns the patient axis that is farthest from n.
func leastAligned(n r3.Vec) r3.Vec {
	x, y, z := math.Abs(n.X), math.Abs(n.Y), math.Abs(n.Z)
	switch {
	case x <= y && x <= z:
		return r3.Vec{X: 1}
	case y <= z:
		return r3.Vec{Y: 1}
	}
	return r3.Vec{Z: 1}
}
