package coronary

import (
	"context"
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// CurvedOptions choose a curved plane.
type CurvedOptions struct {
	Ruling r3.Vec  // direction of the straight lines of the surface, not zero
	Margin float64 // of the picture beyond the centre-line on all sides, mm
	Step   float64 // size of a pixel on both axes, mm
}

// CurvedPicture is a curved plane with the centre-line on it.
type CurvedPicture struct {
	Picture
	Line []r2.Vec  // the nodes of the centre-line on the axes of the picture, mm
	S    []float64 // their arc lengths, mm
}

// Curve samples vol on the surface that a straight line of direction d sweeps
// along the centre-line C of v, unrolled into the plane:
//
//	u(s) = ∫₀ˢ |C′ − (C′·d) d| ds,  v = p·d                            (C.8)
//
// The surface is a general cylinder, which unrolls without stretching, so that
// both axes and every length on it are true mm (the stretched curved
// reformation of Kanitsar et al., IEEE Visualization 2002, 37–44). Columns
// follow u, rows d; beyond its ends the surface goes on straight. Where the
// artery runs along d it is a vertical line.
func Curve(ctx context.Context, vol *imaging.Volume, v *Vessel, o CurvedOptions) (CurvedPicture, error) {
	if len(v.Nodes) < 2 {
		return CurvedPicture{}, fmt.Errorf("curved plane of %s: no centre-line", v.Artery)
	}
	if !(o.Margin >= 0) || !(o.Step > 0) || !(r3.Norm(o.Ruling) > 0) {
		return CurvedPicture{}, fmt.Errorf("curved plane of %s: direction, margin and step must be positive", v.Artery)
	}
	d := r3.Unit(o.Ruling)
	n := len(v.Nodes)
	var out CurvedPicture
	flat := make([]r3.Vec, n) // the centre-line without its part along d
	along := make([]float64, n)
	base := r3.Dot(v.Nodes[0].Pos, d) // the start of the artery is the origin of the picture
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, node := range v.Nodes {
		h := r3.Dot(node.Pos, d)
		flat[i] = r3.Sub(node.Pos, r3.Scale(h, d))
		if i > 0 {
			along[i] = along[i-1] + r3.Norm(r3.Sub(flat[i], flat[i-1]))
		}
		lo, hi = min(lo, h), max(hi, h)
		out.S = append(out.S, node.S)
		out.Line = append(out.Line, r2.Vec{X: along[i], Y: h - base})
	}
	cols, rows := (along[n-1]+2*o.Margin)/o.Step, (hi-lo+2*o.Margin)/o.Step
	if !(cols*rows < maxPixels) {
		return CurvedPicture{}, fmt.Errorf("curved plane of %s: step %g mm gives more than %d pixels", v.Artery, o.Step, maxPixels)
	}
	out.Picture = Picture{Cols: int(cols) + 1, Rows: int(rows) + 1, X0: -o.Margin, Y0: hi - base + o.Margin, DX: o.Step, DY: -o.Step}
	out.Values = make([]float32, out.Cols*out.Rows)
	for c := range out.Cols {
		if c%64 == 0 && ctx.Err() != nil {
			return CurvedPicture{}, ctx.Err()
		}
		foot := unrolled(flat, along, out.X0+float64(c)*out.DX)
		for r := range out.Rows {
			out.set(c, r, vol, r3.Add(foot, r3.Scale(base+out.Y0+float64(r)*out.DY, d)))
		}
	}
	return out, nil
}

// unrolled returns the point at length u of a polygon with these lengths, going
// on straight beyond its ends.
func unrolled(points []r3.Vec, along []float64, u float64) r3.Vec {
	last := len(points) - 1
	i := min(max(sort.SearchFloat64s(along, u)-1, 0), last-1)
	for i > 0 && along[i+1] == along[i] { // a stretch along the ruling has no direction of its own
		i--
	}
	if along[i+1] == along[i] {
		return points[i]
	}
	f := (u - along[i]) / (along[i+1] - along[i])
	return r3.Add(points[i], r3.Scale(f, r3.Sub(points[i+1], points[i])))
}

// Rulings returns the two directions across the course of the artery, the second
// and the third principal axis of its centre-line, each pointing to the head, or
// else to the back, of the patient. Curved planes on them see the artery from
// two sides at right angles.
func (c *Centerline) Rulings() [2]r3.Vec {
	var mean r3.Vec
	for _, n := range c.Nodes {
		mean = r3.Add(mean, r3.Scale(1/float64(len(c.Nodes)), n.Pos))
	}
	spread := mat.NewSymDense(3, nil)
	for _, n := range c.Nodes {
		q := r3.Sub(n.Pos, mean)
		spread.SymRankOne(spread, 1, mat.NewVecDense(3, []float64{q.X, q.Y, q.Z}))
	}
	var e mat.EigenSym
	if !e.Factorize(spread, true) {
		return [2]r3.Vec{{Z: 1}, {Y: 1}}
	}
	var axes mat.Dense
	e.VectorsTo(&axes)
	var out [2]r3.Vec
	for k := range out {
		a := r3.Vec{X: axes.At(0, 1-k), Y: axes.At(1, 1-k), Z: axes.At(2, 1-k)} // eigenvalues ascend
		if a.Z < -1e-9 || math.Abs(a.Z) <= 1e-9 && a.Y < 0 {
			a = r3.Scale(-1, a)
		}
		out[k] = a
	}
	return out
}
