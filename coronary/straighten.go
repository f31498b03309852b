package coronary

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// Picture is a plane of samples with places in mm. Where the plane leaves the
// volume the sample is NaN.
type Picture struct {
	Cols, Rows int     // row 0 is at the top
	X0, Y0     float64 // coordinate of the centre of column 0 and of row 0, mm
	DX, DY     float64 // step per column and per row, mm; DY is negative: y grows upwards
	Values     []float32
}

// maxPixels bounds a picture: a settings error must not exhaust memory.
const maxPixels = 1 << 24

// PlaneOptions choose a straightened plane.
type PlaneOptions struct {
	Angle     float64 // of the plane about the centre-line, from N towards B, rad
	HalfWidth float64 // of the plane on either side of the centre-line, mm
	Step      float64 // size of a pixel on both axes, mm
}

// Straighten samples vol along the centre-line of v: columns follow the arc
// length s, rows the direction cos α N + sin α B of the rotation-minimising
// frame, both in the same mm. Rows above the middle lie towards that direction.
func Straighten(ctx context.Context, vol *imaging.Volume, v *Vessel, o PlaneOptions) (Picture, error) {
	if len(v.Nodes) < 2 {
		return Picture{}, fmt.Errorf("straighten %s: no centre-line", v.Artery)
	}
	s0 := v.Nodes[0].S
	cols, rows, err := o.size(v.Length())
	if err != nil {
		return Picture{}, fmt.Errorf("straighten %s: %w", v.Artery, err)
	}
	p := newPicture(cols, rows, s0, o.Step)
	sin, cos := math.Sincos(o.Angle)
	s := make([]float64, cols)
	for c := range s {
		s[c] = s0 + float64(c)*o.Step
	}
	// Frames of the sections, if there are any, so that an angle means the same in
	// both; frames from the first section on are transported in small steps.
	frames := v.framesLike(s)
	for c, f := range frames {
		if c%64 == 0 && ctx.Err() != nil {
			return Picture{}, ctx.Err()
		}
		across := r3.Add(r3.Scale(cos, f.N), r3.Scale(sin, f.B))
		for r := range rows {
			p.set(c, r, vol, r3.Add(f.Origin, r3.Scale(p.Y0+float64(r)*p.DY, across)))
		}
	}
	return p, nil
}

// framesLike returns frames at s that agree with the frames of the sections:
// each is transported from the nearest section before it.
func (v *Vessel) framesLike(s []float64) []Frame {
	if len(v.Sections) == 0 {
		return v.Frames(s)
	}
	frames := make([]Frame, len(s))
	n := 0
	for i := range s {
		for n+1 < len(v.Sections) && v.Sections[n+1].S <= s[i] {
			n++
		}
		f := Frame{Origin: v.At(s[i]), T: v.Tangent(s[i])}
		f.N = transport(&v.Sections[n].Frame, f.Origin, f.T)
		f.B = r3.Cross(f.T, f.N)
		frames[i] = f
	}
	return frames
}

// size returns the number of columns and rows; rows is odd, so that the
// centre-line is the middle row.
func (o *PlaneOptions) size(length float64) (cols, rows int, err error) {
	if !(o.Step > 0) || !(o.HalfWidth > 0) {
		return 0, 0, errors.New("step and half width must be positive")
	}
	c, r := length/o.Step+1e-9, 2*math.Floor(o.HalfWidth/o.Step+1e-9)+1
	if !(c*r < maxPixels) {
		return 0, 0, fmt.Errorf("step %g mm gives more than %d pixels", o.Step, maxPixels)
	}
	return int(c) + 1, int(r), nil
}

// SectionOptions choose the pixels of a cross-section picture.
type SectionOptions struct {
	HalfWidth float64 // of the picture on either side of the centre-line, mm
	Step      float64 // size of a pixel, mm
}

// SectionImage samples vol in the plane of s: x along N, y along B, mm from the
// centre-line.
func SectionImage(vol *imaging.Volume, s *Section, o SectionOptions) (Picture, error) {
	p, err := o.picture()
	if err != nil {
		return Picture{}, fmt.Errorf("section at %.1f mm: %w", s.S, err)
	}
	p.each(s, func(c, r int, at r3.Vec) { p.set(c, r, vol, at) })
	return p, nil
}

// SectionTissue is [SectionImage] for tissues: every pixel has the code of the
// nearest voxel, background outside the labels.
func SectionTissue(tissue *imaging.Labels, s *Section, o SectionOptions) (Picture, error) {
	p, err := o.picture()
	if err != nil {
		return Picture{}, fmt.Errorf("section at %.1f mm: %w", s.S, err)
	}
	p.each(s, func(c, r int, at r3.Vec) { p.Values[r*p.Cols+c] = float32(tissueAt(tissue, at)) })
	return p, nil
}

func (o *SectionOptions) picture() (Picture, error) {
	plane := PlaneOptions{HalfWidth: o.HalfWidth, Step: o.Step}
	_, n, err := plane.size(2 * o.HalfWidth)
	if err != nil {
		return Picture{}, err
	}
	return newPicture(n, n, -float64(n/2)*o.Step, o.Step), nil
}

func newPicture(cols, rows int, x0, step float64) Picture {
	return Picture{
		Cols: cols, Rows: rows, X0: x0, Y0: float64(rows/2) * step, DX: step, DY: -step,
		Values: make([]float32, cols*rows),
	}
}

// each calls f with every pixel and its place in the patient.
func (p *Picture) each(s *Section, f func(col, row int, at r3.Vec)) {
	for r := range p.Rows {
		for c := range p.Cols {
			f(c, r, s.Frame.Point(r2.Vec{X: p.X0 + float64(c)*p.DX, Y: p.Y0 + float64(r)*p.DY}))
		}
	}
}

func (p *Picture) set(col, row int, vol *imaging.Volume, at r3.Vec) {
	x, ok := vol.Sample(at)
	if !ok {
		x = math.NaN()
	}
	p.Values[row*p.Cols+col] = float32(x)
}

// tissueAt returns the tissue of the voxel that holds p.
func tissueAt(l *imaging.Labels, p r3.Vec) imaging.Tissue {
	x, y, z := l.Index(p)
	i, j, k := int(math.Floor(x+0.5)), int(math.Floor(y+0.5)), int(math.Floor(z+0.5))
	if !l.Inside(i, j, k) {
		return imaging.Background
	}
	return l.Class[l.Offset(i, j, k)]
}
