package segmentation

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
)

const (
	nodeStep     = 0.5 // between nodes of a centre-line, mm
	centreRounds = 3   // of moving nodes to the centroid of their section
	centreRays   = 32
	shortest     = 3.0 // length below which a lumen is no vessel, mm
)

// traceLine finds the centre-line of a connected lumen: the minimal path
// between its two most distant voxels, with the cost of a step falling with the
// square of the distance to the border, then moved to the centroids of the
// cross-sections, smoothed, and continued to the ends of the mask.
func traceLine(ctx context.Context, lumen *imaging.Mask, inside *field, cfg Config) (coronary.Centerline, error) {
	g := newGraph(lumen, inside)
	if len(g.voxels) < 8 {
		p := lumen.Point(coordinates(&lumen.Grid, g.voxels[0]))
		return coronary.Centerline{}, fmt.Errorf("the lumen at %s has only %d voxels", place(p), len(g.voxels))
	}
	a := g.farthest(0)
	b := g.farthest(a)
	if err := ctx.Err(); err != nil {
		return coronary.Centerline{}, err
	}
	path := g.path(a, b)
	points := make([]r3.Vec, len(path))
	for n, x := range path {
		points[n] = lumen.Point(coordinates(&lumen.Grid, g.voxels[x]))
	}
	line := coronary.NewCenterline(points, nil)
	if l := line.Length(); l < shortest {
		return coronary.Centerline{}, fmt.Errorf("the lumen at %s is only %.1f mm long, and a vessel needs %g mm", place(points[0]), l, shortest)
	}
	line = trimEnds(line, inside)
	line = line.Resample(nodeStep)
	line = line.Smooth(1)
	for range centreRounds {
		if err := ctx.Err(); err != nil {
			return coronary.Centerline{}, err
		}
		line = extend(line, inside)
		line = line.Resample(nodeStep)
		line = centre(line, inside)
		line = line.Resample(nodeStep)
		line = line.SmoothSharp(cfg.CenterlineSmoothing)
	}
	line = extend(line, inside)
	line = line.Resample(nodeStep)
	for n := range line.Nodes {
		line.Nodes[n].Radius = max(0, -inside.at(line.Nodes[n].Pos))
	}
	return line, nil
}

// coordinates returns the index of voxel offset as floats.
func coordinates(g *imaging.Grid, offset int) (i, j, k float64) {
	x, y, z := g.Coords(offset)
	return float64(x), float64(y), float64(z)
}

// trimEnds cuts from both ends about the radius of the lumen there: the most
// distant voxels lie on the rim of the mask's end, not on its axis.
func trimEnds(line coronary.Centerline, inside *field) coronary.Centerline {
	length := line.Length()
	depth := func(from, to float64) float64 {
		d := 0.0
		for _, n := range line.Nodes {
			if n.S >= from && n.S <= to {
				d = max(d, -inside.at(n.Pos))
			}
		}
		return d
	}
	lo := min(1.5*depth(0, 3), length/4)
	hi := length - min(1.5*depth(length-3, length), length/4)
	var points []r3.Vec
	for _, n := range line.Nodes {
		if n.S >= lo && n.S <= hi {
			points = append(points, n.Pos)
		}
	}
	if len(points) < 2 {
		return line
	}
	return coronary.NewCenterline(points, nil)
}

// extend continues the line straight from both ends to the border of the lumen.
func extend(line coronary.Centerline, inside *field) coronary.Centerline {
	length := line.Length()
	back := min(2, length/2)
	ahead := func(from, end r3.Vec) []r3.Vec {
		u := r3.Unit(r3.Sub(end, from))
		const fine = 0.05
		var out []r3.Vec
		reach := 0.0
		for inside.at(r3.Add(end, r3.Scale(reach+fine, u))) < 0 && reach < 10 {
			reach += fine
		}
		for n := 1; float64(n)*nodeStep < reach-0.1; n++ {
			out = append(out, r3.Add(end, r3.Scale(float64(n)*nodeStep, u)))
		}
		if reach > fine {
			out = append(out, r3.Add(end, r3.Scale(reach, u)))
		}
		return out
	}
	head := ahead(line.At(back), line.At(0))
	tail := ahead(line.At(length-back), line.At(length))
	var points []r3.Vec
	for n := len(head) - 1; n >= 0; n-- {
		points = append(points, head[n])
	}
	for _, n := range line.Nodes {
		points = append(points, n.Pos)
	}
	return coronary.NewCenterline(append(points, tail...), nil)
}

// centre moves every node to the centroid of the lumen in its normal plane.
// Nodes before the first and after the last closed section, which the end of
// the mask cuts, are dropped; others without a section move like the nearest
// that has one.
func centre(line coronary.Centerline, inside *field) coronary.Centerline {
	s := make([]float64, len(line.Nodes))
	for n := range s {
		s[n] = line.Nodes[n].S
	}
	frames := line.Frames(s)
	moved := make([]r3.Vec, len(frames))
	failed := make([]int, len(frames))
	r := make([]float64, centreRays)
	for n := range frames {
		p := inside.plane(&frames[n])
		if failed[n] = p.cast(r, r2.Vec{}, 0, 8); failed[n] > centreRays/4 {
			continue
		}
		moved[n] = frames[n].Point(coronary.PolarContour(r2.Vec{}, r).Centroid())
	}
	lo, hi := 0, len(frames)
	for lo < hi && failed[lo] > 0 {
		lo++
	}
	for hi > lo && failed[hi-1] > 0 {
		hi--
	}
	if float64(hi-lo) < 0.5*float64(len(frames)) {
		return line
	}
	var points []r3.Vec
	for n := lo; n < hi; n++ {
		if failed[n] <= centreRays/4 {
			points = append(points, moved[n])
		}
	}
	return coronary.NewCenterline(points, nil)
}

// field is the signed distance from the border of a mask, mm, negative inside.
type field struct {
	depth *imaging.Volume // the distance itself
	v     *imaging.Volume // prepared for interpolation near the border
}

func newField(m *imaging.Mask) *field {
	d := imaging.SignedDistance(m, 2)
	return &field{depth: d, v: sharpen(d)}
}

// interpolationShare is the share of the correction (S.2) that is applied. The
// field of imaging.SignedDistance lies a little too far outside where the
// radius is below two voxels, which offsets a third of it: with this share the
// areas of cylinders from three voxels across are unbiased within 2 %.
const interpolationShare = 0.7

// sharpen makes trilinear interpolation of d nearly unbiased. Between voxel
// centres a chord lies above a convex function by h²/12·f″ on average; the
// distance from a cylinder of radius r has the Laplacian 1/r, so that its zero
// would lie h²/12r too far inside: 3 % of the area of a lumen of 2 mm on voxels
// of 0.4 mm. Taking the mean error off the samples,
//
//	d' = d − λ (δ²ᵢ + δ²ⱼ + δ²ₖ) d / 12                              (S.2)
//
// where δ² is the second difference along an axis and λ the interpolationShare,
// removes it. Samples far from the border keep their values.
func sharpen(d *imaging.Volume) *imaging.Volume {
	out := imaging.NewVolume(d.Grid)
	copy(out.Values, d.Values)
	step := [3]int{1, d.Size[0], d.Size[0] * d.Size[1]}
	near := float32(2 * max(d.Spacing[0], d.Spacing[1], d.Spacing[2]))
	for k := 1; k < d.Size[2]-1; k++ {
		for j := 1; j < d.Size[1]-1; j++ {
			o := d.Offset(1, j, k)
			for i := 1; i < d.Size[0]-1; i, o = i+1, o+1 {
				x := d.Values[o]
				if x > near || x < -near {
					continue
				}
				var second float32
				for _, s := range step {
					second += d.Values[o-s] - 2*x + d.Values[o+s]
				}
				out.Values[o] = x - interpolationShare/12*second
			}
		}
	}
	return out
}

// at returns the distance at p, LPS mm.
func (f *field) at(p r3.Vec) float64 { return f.depth.Linear(f.depth.Index(p)) }

// plane is a field in the plane of a frame.
type plane struct {
	v          *imaging.Volume
	o, n, b, t [3]float64 // index of the origin and steps per mm along N, B, T
}

func (f *field) plane(fr *coronary.Frame) plane {
	index := func(p r3.Vec) [3]float64 {
		i, j, k := f.v.Index(p)
		return [3]float64{i, j, k}
	}
	p := plane{v: f.v, o: index(fr.Origin)}
	p.n, p.b, p.t = index(r3.Add(fr.Origin, fr.N)), index(r3.Add(fr.Origin, fr.B)), index(r3.Add(fr.Origin, fr.T))
	for a := range 3 {
		p.n[a] -= p.o[a]
		p.b[a] -= p.o[a]
		p.t[a] -= p.o[a]
	}
	return p
}

// at returns the field at q in the plane and t mm along the tangent.
func (p *plane) at(q r2.Vec, t float64) float64 {
	return p.v.Linear(p.o[0]+q.X*p.n[0]+q.Y*p.b[0]+t*p.t[0], p.o[1]+q.X*p.n[1]+q.Y*p.b[1]+t*p.t[1], p.o[2]+q.X*p.n[2]+q.Y*p.b[2]+t*p.t[2])
}

// endSlope is the largest slope of the border against the vessel's axis, as a
// cosine: a steeper border is the end of the mask, not the side of the vessel.
const endSlope = 0.85

// cast finds the border along len(r) rays at equal angles around c, starting at
// least from rmin. Rays without a border before rmax, or with the end of the
// mask as border, have failed; their radius is interpolated around the circle.
// It returns the number of failed rays, len(r) if none succeeded.
func (p *plane) cast(r []float64, c r2.Vec, rmin, rmax float64) (failed int) {
	for n := range r {
		sin, cos := math.Sincos(2 * math.Pi * float64(n) / float64(len(r)))
		u := r2.Vec{X: cos, Y: sin}
		r[n] = p.ray(c, u, rmin, rmax)
		if math.IsNaN(r[n]) {
			failed++
			continue
		}
		const h = 0.3
		q := r2.Add(c, r2.Scale(r[n], u))
		if math.Abs(p.at(q, h)-p.at(q, -h)) > endSlope*2*h {
			r[n] = math.NaN()
			failed++
		}
	}
	if failed > 0 && failed < len(r) {
		fillCircle(r)
	}
	return failed
}

// ray returns the distance from c along u to where the field becomes positive,
// NaN if it starts there or does not within rmax.
func (p *plane) ray(c, u r2.Vec, rmin, rmax float64) float64 {
	r, d := rmin, p.at(r2.Add(c, r2.Scale(rmin, u)), 0)
	if d >= 0 {
		return math.NaN()
	}
	for r < rmax {
		step := min(max(-0.7*d, 0.06), 1)
		next := p.at(r2.Add(c, r2.Scale(r+step, u)), 0)
		if next >= 0 {
			return r + step*d/(d-next)
		}
		r, d = r+step, next
	}
	return math.NaN()
}

// fillCircle replaces NaN by linear interpolation around the circle. At least
// one value must be a number.
func fillCircle(r []float64) {
	n := len(r)
	start := 0
	for math.IsNaN(r[start]) {
		start++
	}
	for at := start; at < start+n; {
		next := at + 1
		for math.IsNaN(r[next%n]) {
			next++
		}
		a, b := r[at%n], r[next%n]
		for x := at + 1; x < next; x++ {
			r[x%n] = a + (b-a)*float64(x-at)/float64(next-at)
		}
		at = next
	}
}
