package coronary

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// Branch is a side branch of an artery: its centre-line starts at the branch
// point, on the centre-line that it leaves.
type Branch struct {
	Segment Segment // 0 for one that the 18-segment model does not name
	Mother  int     // index of the branch that it leaves; −1: the stem
	At      float64 // arc length of the branch point on the mother, mm
	Start   float64 // arc length of the branch point from the start of the stem, mm
	Centerline
}

// Torsion returns ((r' × r″)·r‴)/|r' × r″|² at every node, 1/mm, by differences
// over five nodes; the two nodes at each end repeat their neighbours. It is 0
// where the curve is straight (curvature below 10⁻³/mm), where it is undefined.
// Nodes should be evenly spaced; like the curvature it wants a smoothed curve.
func (c *Centerline) Torsion() []float64 {
	n := len(c.Nodes)
	t := make([]float64, n)
	if n < 5 {
		return t
	}
	h := c.Length() / float64(n-1)
	for m := 2; m < n-2; m++ {
		at := func(d int) r3.Vec { return c.Nodes[m+d].Pos }
		first := r3.Scale(1/(2*h), r3.Sub(at(1), at(-1)))
		second := r3.Scale(1/(h*h), r3.Add(r3.Sub(at(1), r3.Scale(2, at(0))), at(-1)))
		third := r3.Scale(1/(2*h*h*h), r3.Sub(r3.Sub(at(2), at(-2)), r3.Scale(2, r3.Sub(at(1), at(-1)))))
		cross := r3.Cross(first, second)
		if r3.Norm(cross) > 1e-3 {
			t[m] = r3.Dot(cross, third) / r3.Norm2(cross)
		}
	}
	t[0], t[1], t[n-2], t[n-1] = t[2], t[2], t[n-3], t[n-3]
	return t
}

// Tortuosity returns the length over the distance of the ends; NaN for fewer
// than two nodes.
func (c *Centerline) Tortuosity() float64 {
	if len(c.Nodes) < 2 {
		return math.NaN()
	}
	return c.Length() / r3.Norm(r3.Sub(c.Nodes[len(c.Nodes)-1].Pos, c.Nodes[0].Pos))
}
