package phantom

import (
	"math"

	"gonum.org/v1/gonum/interp"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
)

// curveStep is the distance between the nodes of a curve, mm. Between nodes a
// parabola is used, whose error κ'·(step/2)³/6 stays below 10⁻⁴ mm.
const curveStep = 0.1

// curveNode is a point of a curve with its rotation-minimising frame.
type curveNode struct {
	p, t, n, b r3.Vec
	k          r3.Vec // curvature vector dt/ds, 1/mm
}

// curve is a smooth space curve by arc length.
type curve struct {
	nodes []curveNode // every curveStep mm from s = 0
}

// newCurve returns the first length mm of the natural cubic spline through the
// control points. Control points must span at least that length.
func newCurve(control []r3.Vec, length float64) *curve {
	x, y, z := make([]float64, len(control)), make([]float64, len(control)), make([]float64, len(control))
	u := make([]float64, len(control))
	for m, p := range control {
		x[m], y[m], z[m] = p.X, p.Y, p.Z
		if m > 0 {
			u[m] = u[m-1] + r3.Norm(r3.Sub(p, control[m-1]))
		}
	}
	var fx, fy, fz interp.NaturalCubic
	for m, f := range []*interp.NaturalCubic{&fx, &fy, &fz} {
		if err := f.Fit(u, [][]float64{x, y, z}[m]); err != nil {
			panic("phantom: newCurve: " + err.Error())
		}
	}
	at := func(u float64) r3.Vec { return r3.Vec{X: fx.Predict(u), Y: fy.Predict(u), Z: fz.Predict(u)} }
	deriv := func(u float64) r3.Vec {
		return r3.Vec{X: fx.PredictDerivative(u), Y: fy.PredictDerivative(u), Z: fz.PredictDerivative(u)}
	}

	// Walk along the spline: du/ds = 1/|p'(u)|, by the midpoint rule in steps of
	// a fifth of a node, exact to 10⁻⁶ mm over an artery.
	n := int(math.Round(length/curveStep)) + 1
	c := &curve{nodes: make([]curveNode, n)}
	const sub = 5
	v := 0.0
	for m := range c.nodes {
		c.nodes[m].p = at(v)
		c.nodes[m].t = r3.Unit(deriv(v))
		for range sub {
			h := curveStep / sub
			mid := v + h/2/r3.Norm(deriv(v))
			v += h / r3.Norm(deriv(mid))
		}
	}
	if v > u[len(u)-1]+2*curveStep {
		panic("phantom: newCurve: control points are shorter than the curve")
	}
	c.frames()
	return c
}

// frames sets curvature and the rotation-minimising frame by double reflection
// (Wang et al., ACM TOG 2008;27:2).
func (c *curve) frames() {
	nodes := c.nodes
	for m := range nodes {
		a, b := max(m-1, 0), min(m+1, len(nodes)-1)
		nodes[m].k = r3.Scale(1/(float64(b-a)*curveStep), r3.Sub(nodes[b].t, nodes[a].t))
	}
	t := nodes[0].t
	n := r3.Vec{X: 1}
	if math.Abs(t.X) > 0.8 {
		n = r3.Vec{Y: 1}
	}
	n = r3.Unit(r3.Sub(n, r3.Scale(r3.Dot(n, t), t)))
	nodes[0].n, nodes[0].b = n, r3.Cross(t, n)
	for m := 1; m < len(nodes); m++ {
		prev, cur := &nodes[m-1], &nodes[m]
		v1 := r3.Sub(cur.p, prev.p)
		c1 := r3.Dot(v1, v1)
		nl := r3.Sub(prev.n, r3.Scale(2/c1*r3.Dot(v1, prev.n), v1))
		tl := r3.Sub(prev.t, r3.Scale(2/c1*r3.Dot(v1, prev.t), v1))
		v2 := r3.Sub(cur.t, tl)
		if c2 := r3.Dot(v2, v2); c2 > 0 {
			nl = r3.Sub(nl, r3.Scale(2/c2*r3.Dot(v2, nl), v2))
		}
		cur.n = r3.Unit(r3.Sub(nl, r3.Scale(r3.Dot(nl, cur.t), cur.t)))
		cur.b = r3.Cross(cur.t, cur.n)
	}
}

// length returns the arc length of the last node, mm.
func (c *curve) length() float64 { return float64(len(c.nodes)-1) * curveStep }

// nearest returns the node closest to arc length s.
func (c *curve) nearest(s float64) int {
	return min(max(int(math.Round(s/curveStep)), 0), len(c.nodes)-1)
}

// at returns the position at arc length s.
func (c *curve) at(s float64) r3.Vec {
	nd := &c.nodes[c.nearest(s)]
	d := s - float64(c.nearest(s))*curveStep
	return r3.Add(nd.p, r3.Add(r3.Scale(d, nd.t), r3.Scale(d*d/2, nd.k)))
}

// frame returns the frame at arc length s.
func (c *curve) frame(s float64) coronary.Frame {
	nd := &c.nodes[c.nearest(s)]
	d := s - float64(c.nearest(s))*curveStep
	t := r3.Unit(r3.Add(nd.t, r3.Scale(d, nd.k)))
	n := r3.Unit(r3.Sub(nd.n, r3.Scale(r3.Dot(nd.n, t), t)))
	return coronary.Frame{Origin: c.at(s), T: t, N: n, B: r3.Cross(t, n)}
}

// curvature returns the components of the curvature vector along N and B at
// arc length s, 1/mm. The volume element of (s, x, y) is 1 − kₙx − k_by.
func (c *curve) curvature(s float64) (kn, kb float64) {
	nd := &c.nodes[c.nearest(s)]
	return r3.Dot(nd.k, nd.n), r3.Dot(nd.k, nd.b)
}

// project returns the coordinates of p along the curve, found from node m
// onwards: s may lie before 0 or beyond the length, where the curve goes on
// straight. It returns the node too, as the start for a neighbour of p.
func (c *curve) project(p r3.Vec, m int) (s, x, y float64, node int) {
	var v r3.Vec
	var d float64
	nd := &c.nodes[m]
	for range 2 * len(c.nodes) {
		v = r3.Sub(p, nd.p)
		// The foot of p: (p − c(d))·t(d) = 0 with c(d) = p + td + ½kd².
		d = r3.Dot(v, nd.t) / max(1-r3.Dot(v, nd.k), 0.2)
		step := int(math.Round(d / curveStep))
		next := min(max(m+step, 0), len(c.nodes)-1)
		if next == m || (step == 1 || step == -1) && math.Abs(d) < 0.55*curveStep {
			break
		}
		m = next
		nd = &c.nodes[m]
	}
	s = float64(m)*curveStep + d
	k := nd.k
	if m == 0 && d < 0 || m == len(c.nodes)-1 && d > 0 {
		k = r3.Vec{} // straight on
		d = r3.Dot(v, nd.t)
		s = float64(m)*curveStep + d
	}
	off := r3.Sub(v, r3.Add(r3.Scale(d, nd.t), r3.Scale(d*d/2, k)))
	along := r3.Dot(off, nd.t)
	x = r3.Dot(off, nd.n) - d*r3.Dot(k, nd.n)*along
	y = r3.Dot(off, nd.b) - d*r3.Dot(k, nd.b)*along
	return s, x, y, m
}
