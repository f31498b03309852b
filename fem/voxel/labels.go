package voxel

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// Cut ends a vessel with a plane, in which its nodes may slide.
type Cut struct {
	At     r3.Vec  // where the vessel's axis crosses the plane
	Normal r3.Vec  // unit, out of the body
	Radius float64 // how far the plane reaches, mm: it must hold the wall and spare other branches
}

// distance is that from the plane, and negative beyond its reach.
func (c *Cut) distance(p r3.Vec) float64 {
	d := r3.Sub(p, c.At)
	if r3.Norm(d) > c.Radius {
		return -c.Radius
	}
	return r3.Dot(d, c.Normal)
}

// Artery is a labelled image with what it needs to become a [Body].
type Artery struct {
	labels        *imaging.Labels
	lumen, vessel *imaging.Volume // signed distances, mm
	lo, hi        [3]int          // voxels that are not background: [lo, hi)
}

// NewArtery computes the signed distances of lumen and outer wall, in which the
// steps of the voxels are smoothed (imaging.SignedDistance).
func NewArtery(l *imaging.Labels) (*Artery, error) {
	lumen, vessel := &imaging.Mask{Grid: l.Grid, In: make([]bool, len(l.Class))}, &imaging.Mask{Grid: l.Grid, In: make([]bool, len(l.Class))}
	for n, t := range l.Class {
		lumen.In[n] = t == imaging.Lumen
		vessel.In[n] = t != imaging.Background
	}
	if lumen.Count() == 0 || lumen.Count() == vessel.Count() {
		return nil, fmt.Errorf("voxel: the image holds %d voxels of lumen and %d of wall: both are needed", lumen.Count(), vessel.Count()-lumen.Count())
	}
	lo, hi, _ := vessel.Bounds()
	return &Artery{l, imaging.SignedDistance(lumen, 1), imaging.SignedDistance(vessel, 1), lo, hi}, nil
}

// sample returns the distance at p, mm, by linear interpolation; beyond the image it
// is that at the border and what lies between.
func sample(v *imaging.Volume, p r3.Vec) float64 {
	var at, in [3]float64
	at[0], at[1], at[2] = v.Index(p)
	var off float64
	for axis, t := range at {
		in[axis] = min(max(t, 0), float64(v.Size[axis]-1))
		off += (t - in[axis]) * (t - in[axis]) * v.Spacing[axis] * v.Spacing[axis]
	}
	return v.Linear(in[0], in[1], in[2]) + math.Sqrt(off)
}

// Tissue returns the label at p: that of the nearest voxel of the wall, since borders
// between voxels are smooth here; Wall where there is none around.
func (a *Artery) Tissue(p r3.Vec) imaging.Tissue {
	i, j, k := a.labels.Index(p)
	best, out := math.Inf(1), imaging.Wall
	ci, cj, ck := int(math.Round(i)), int(math.Round(j)), int(math.Round(k))
	if t, ok := a.label(ci, cj, ck); ok {
		return t
	}
	for dk := -1; dk <= 1; dk++ {
		for dj := -1; dj <= 1; dj++ {
			for di := -1; di <= 1; di++ {
				t, ok := a.label(ci+di, cj+dj, ck+dk)
				if !ok {
					continue
				}
				q := a.labels.Point(float64(ci+di), float64(cj+dj), float64(ck+dk))
				if d := r3.Norm(r3.Sub(p, q)); d < best {
					best, out = d, t
				}
			}
		}
	}
	return out
}

// label returns the label of a voxel and whether it is of the wall.
func (a *Artery) label(i, j, k int) (imaging.Tissue, bool) {
	if !a.labels.Inside(i, j, k) {
		return imaging.Background, false
	}
	t := a.labels.Class[a.labels.Offset(i, j, k)]
	return t, t != imaging.Background && t != imaging.Lumen
}

// Radial returns the unit vector at p away from the lumen, zero where there is none:
// the normal of the lumen at the foot of p, over two voxels each way. The distance to
// a voxelised body has a gradient that jumps from one point of its border to the next:
// over half a voxel it was 9° off, root mean square, on a lumen of seven voxels' radius.
func (a *Artery) Radial(p r3.Vec) r3.Vec {
	n := a.away(p)
	return a.away(r3.Sub(p, r3.Scale(sample(a.lumen, p), n)))
}

// away returns the direction in which the distance from the lumen grows.
func (a *Artery) away(p r3.Vec) r3.Vec {
	h := 2 * a.labels.MinSpacing()
	d := func(q r3.Vec) float64 { return sample(a.lumen, r3.Add(p, q)) }
	g := r3.Vec{X: d(r3.Vec{X: h}) - d(r3.Vec{X: -h}), Y: d(r3.Vec{Y: h}) - d(r3.Vec{Y: -h}), Z: d(r3.Vec{Z: h}) - d(r3.Vec{Z: -h})}
	if l := r3.Norm(g); l > 0 {
		return r3.Scale(1/l, g)
	}
	return r3.Vec{}
}

// farCore is how far behind a point of a cap its core may begin, mm.
const farCore = 3

// CapDepth returns the distance of p from the lumen, mm, if p lies between lumen and
// low attenuation tissue on the straight line away from the lumen, and NaN elsewhere.
func (a *Artery) CapDepth(p r3.Vec) float64 {
	soft := func(q r3.Vec) bool { return a.Tissue(q) == imaging.LowAttenuation }
	depth, n := sample(a.lumen, p), a.Radial(p)
	if soft(p) || n == (r3.Vec{}) {
		return math.NaN()
	}
	step := 0.5 * a.labels.MinSpacing()
	for t := step; t < depth; t += step {
		if soft(r3.Sub(p, r3.Scale(t, n))) {
			return math.NaN() // behind a core
		}
	}
	for t := step; t < farCore; t += step {
		q := r3.Add(p, r3.Scale(t, n))
		switch {
		case sample(a.vessel, q) >= 0:
			return math.NaN()
		case soft(q):
			return max(depth, 0)
		}
	}
	return math.NaN()
}

// Load is what acts on an artery.
type Load struct {
	Pressure   float64 // in the lumen, kPa
	Foundation float64 // springs on the outer wall, kPa/mm
}

// Body returns the wall as a body of cubes with edges of spacing mm along the axes of
// the image, ended by the cuts.
func (a *Artery) Body(spacing float64, load Load, cuts []Cut, solids *[imaging.NumTissues]material.Elastic) (*Body, error) {
	if !(spacing > 0) {
		return nil, errors.New("voxel: the spacing must be positive")
	}
	g := &a.labels.Grid
	b := &Body{Axes: g.Axes, Spacing: spacing}
	for axis := range 3 {
		length := (float64(a.hi[axis]-a.lo[axis]) + 2) * g.Spacing[axis] // one voxel more at each end
		b.Cells[axis] = max(1, int(math.Ceil(length/spacing)))
	}
	// The outer faces of the outermost voxels lie on those of cubes.
	b.Origin = g.Point(float64(a.lo[0])-0.5, float64(a.lo[1])-0.5, float64(a.lo[2])-0.5)
	for axis := range 3 {
		before := math.Ceil(g.Spacing[axis] / 2 / spacing)
		b.Origin = r3.Sub(b.Origin, r3.Scale(before*spacing, g.Axes[axis]))
		b.Cells[axis] += int(before)
	}
	b.Surfaces = []Surface{
		{Distance: func(p r3.Vec) float64 { return sample(a.vessel, p) }, Springs: load.Foundation},
		{Distance: func(p r3.Vec) float64 { return -sample(a.lumen, p) }, Pressure: load.Pressure},
	}
	for n := range cuts {
		b.Surfaces = append(b.Surfaces, Surface{Distance: cuts[n].distance, Slide: true})
	}
	b.Tissue = func(p r3.Vec) material.Elastic { return solids[a.Tissue(p)] }
	return b, nil
}
