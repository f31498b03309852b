package seg

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/dicom/pixel"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// Functional groups that place a frame (PS3.3 C.7.6.16.2).
const (
	planePosition     part10.Tag = 0x00209113
	imagePosition     part10.Tag = 0x00200032
	planeOrientation  part10.Tag = 0x00209116
	imageOrientation  part10.Tag = 0x00200037
	pixelMeasures     part10.Tag = 0x00289110
	pixelSpacing      part10.Tag = 0x00280030
	sliceThickness    part10.Tag = 0x00180050
	spacingOfSlices   part10.Tag = 0x00180088
	maxSlices                    = 1 << 16
	onSlice                      = 0.1  // of a voxel: how far a frame may lie from its slice
	sameOrientation              = 1e-3 // of direction cosines
	roundingOfSpacing            = 1e-4 // mm
)

// stack is the lattice of the frames.
type stack struct {
	grid  imaging.Grid
	slice []int // of each frame
}

// plane is where a frame lies.
type plane struct {
	at           r3.Vec
	x, y         r3.Vec // along rows and columns
	across, down float64
	thickness    float64 // mm; 0: unknown
	between      float64 // mm; 0: unknown
}

// newStack places the frames: see the package comment.
func newStack(f *part10.File, src *pixel.Source, ct *imaging.Grid) (*stack, error) {
	groups, err := f.Data.Groups(src.Frames)
	if err != nil {
		return nil, err
	}
	planes := make([]plane, src.Frames)
	for n := range planes {
		if planes[n], err = readPlane(groups, n); err != nil {
			return nil, fmt.Errorf("frame %d: %w", n+1, err)
		}
		p, first := &planes[n], &planes[0]
		if r3.Norm(r3.Sub(p.x, first.x)) > sameOrientation || r3.Norm(r3.Sub(p.y, first.y)) > sameOrientation ||
			math.Abs(p.across-first.across) > roundingOfSpacing || math.Abs(p.down-first.down) > roundingOfSpacing {
			return nil, fmt.Errorf("frame %d is turned or sized otherwise than frame 1: %w", n+1, ErrGeometry)
		}
	}
	first := &planes[0]
	normal := r3.Unit(r3.Cross(first.x, first.y))
	low := slices.MinFunc(planes, func(a, b plane) int {
		switch d := r3.Dot(normal, r3.Sub(a.at, b.at)); {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return 0
	})
	s := &stack{slice: make([]int, src.Frames)}
	for _, d := range steps(planes, low.at, normal, ct) {
		if s.place(planes, low.at, d) {
			length := r3.Norm(d)
			s.grid = imaging.Grid{Size: [3]int{src.Columns, src.Rows, slices.Max(s.slice) + 1}, Spacing: [3]float64{first.across, first.down, length},
				Origin: low.at, Axes: [3]r3.Vec{first.x, first.y, r3.Scale(1/length, d)}}
			return s, nil
		}
	}
	return nil, fmt.Errorf("the frames lie on no slices of equal distance: %w", ErrGeometry)
}

// readPlane reads the place of frame n.
func readPlane(g part10.Groups, n int) (p plane, err error) {
	values := func(macro, tag part10.Tag, count int) []float64 {
		e, ok := g.Lookup(n, macro, tag)
		if !ok || err != nil {
			if err == nil {
				err = fmt.Errorf("%v %s is missing: a frame without a place in the patient: %w", tag, tag.Keyword(), ErrGeometry)
			}
			return make([]float64, count)
		}
		v, e2 := object.Numbers(e, count)
		if e2 != nil {
			err = e2
			return make([]float64, count)
		}
		return v
	}
	p.at = object.Vec(values(planePosition, imagePosition, 3))
	o := values(planeOrientation, imageOrientation, 6)
	spacing := values(pixelMeasures, pixelSpacing, 2)
	if err != nil {
		return p, err
	}
	p.x, p.y = object.Vec(o[:3]), object.Vec(o[3:])
	if math.Abs(r3.Norm(p.x)-1) > sameOrientation || math.Abs(r3.Norm(p.y)-1) > sameOrientation || math.Abs(r3.Dot(p.x, p.y)) > sameOrientation {
		return p, fmt.Errorf("%v: %v are no perpendicular directions: %w", imageOrientation, o, ErrGeometry)
	}
	p.x, p.y = r3.Unit(p.x), r3.Unit(p.y)
	p.down, p.across = spacing[0], spacing[1] // the first is between rows
	if !(p.down > 0 && p.across > 0) {
		return p, fmt.Errorf("%v: %v mm: %w", pixelSpacing, spacing, ErrGeometry)
	}
	for _, o := range []struct {
		tag part10.Tag
		to  *float64
	}{{sliceThickness, &p.thickness}, {spacingOfSlices, &p.between}} {
		if e, ok := g.Lookup(n, pixelMeasures, o.tag); ok && e.Len() > 0 {
			v, err := object.Numbers(e, 1)
			if err != nil {
				return p, err
			}
			*o.to = max(v[0], 0)
		}
	}
	return p, nil
}

// steps returns the steps from slice to slice to be tried, best first.
func steps(planes []plane, low, normal r3.Vec, ct *imaging.Grid) []r3.Vec {
	var span r3.Vec
	heights := make([]float64, len(planes))
	for n, p := range planes {
		d := r3.Sub(p.at, low)
		if heights[n] = r3.Dot(normal, d); heights[n] > r3.Dot(normal, span) {
			span = d
		}
	}
	slices.Sort(heights)
	total := heights[len(heights)-1]
	smallest := total
	for n := 1; n < len(heights); n++ {
		if gap := heights[n] - heights[n-1]; gap > 10*roundingOfSpacing {
			smallest = min(smallest, gap)
		}
	}
	first := &planes[0]
	var out []r3.Vec
	declared := func(h float64) {
		switch {
		case !(h > 0):
		case total < h/2: // one slice
			out = append(out, r3.Scale(h, normal))
		default:
			out = append(out, r3.Scale(1/math.Round(total/h), span))
		}
	}
	declared(first.between)
	if ct != nil {
		// The axis of the CT that leads out of the frames.
		best, most := r3.Vec{}, 0.0
		for a := range 3 {
			if along := r3.Dot(normal, ct.Axes[a]); math.Abs(along) > math.Abs(most) {
				best, most = r3.Scale(math.Copysign(ct.Spacing[a], along), ct.Axes[a]), along
			}
		}
		out = append(out, best)
	}
	declared(first.thickness)
	declared(smallest)
	if len(out) == 0 { // one slice of unknown thickness
		out = append(out, r3.Scale(min(first.across, first.down), normal))
	}
	return out
}

// place finds the slice of each frame, and tells whether all lie on slices.
func (s *stack) place(planes []plane, low, d r3.Vec) bool {
	length := r3.Norm(d)
	near := onSlice * min(length, planes[0].across, planes[0].down)
	for n, p := range planes {
		off := r3.Sub(p.at, low)
		m := math.Round(r3.Dot(off, d) / (length * length))
		if !(m >= 0 && m < maxSlices) || r3.Norm(r3.Sub(off, r3.Scale(m, d))) > near {
			return false
		}
		s.slice[n] = int(m)
	}
	return true
}
