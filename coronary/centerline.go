package coronary

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/spatial/r3"
)

// NewCenterline returns the curve through points, with arc length measured
// along its chords from the first point. radius gives the inscribed radius per
// point, mm; nil leaves it NaN. Points closer than a nanometre to their
// predecessor are left out.
func NewCenterline(points []r3.Vec, radius []float64) Centerline {
	if radius != nil && len(radius) != len(points) {
		panic("coronary: NewCenterline: length mismatch")
	}
	var c Centerline
	for n, p := range points {
		node := Node{Pos: p, Radius: math.NaN()}
		if radius != nil {
			node.Radius = radius[n]
		}
		if m := len(c.Nodes); m > 0 {
			d := r3.Norm(r3.Sub(p, c.Nodes[m-1].Pos))
			if d < 1e-6 {
				continue
			}
			node.S = c.Nodes[m-1].S + d
		}
		c.Nodes = append(c.Nodes, node)
	}
	return c
}

// Length returns the arc length from the first to the last node, mm; zero for
// fewer than two nodes.
func (c *Centerline) Length() float64 {
	if len(c.Nodes) < 2 {
		return 0
	}
	return c.Nodes[len(c.Nodes)-1].S - c.Nodes[0].S
}

// span returns the node n before s, such that s lies between n and n+1, and the
// fraction of the way. Arc lengths beyond the ends are moved to the ends.
func (c *Centerline) span(s float64) (n int, f float64) {
	last := len(c.Nodes) - 1
	if last < 1 {
		return 0, 0
	}
	n = sort.Search(last, func(i int) bool { return c.Nodes[i+1].S >= s })
	n = min(n, last-1)
	a, b := c.Nodes[n].S, c.Nodes[n+1].S
	return n, min(max((s-a)/(b-a), 0), 1)
}

// slope returns the derivative dr/ds at node n, by the parabola through its
// neighbours. It is close to, not exactly, a unit vector.
func (c *Centerline) slope(n int) r3.Vec {
	last := len(c.Nodes) - 1
	chord := func(i int) r3.Vec {
		a, b := c.Nodes[i], c.Nodes[i+1]
		return r3.Scale(1/(b.S-a.S), r3.Sub(b.Pos, a.Pos))
	}
	switch {
	case last < 1:
		return r3.Vec{}
	case last == 1:
		return chord(0)
	case n == 0: // the parabola through the first three nodes
		return r3.Sub(r3.Scale(2, chord(0)), c.slope(1))
	case n == last:
		return r3.Sub(r3.Scale(2, chord(last-1)), c.slope(last-1))
	}
	h0, h1 := c.Nodes[n].S-c.Nodes[n-1].S, c.Nodes[n+1].S-c.Nodes[n].S
	return r3.Scale(1/(h0+h1), r3.Add(r3.Scale(h1, chord(n-1)), r3.Scale(h0, chord(n))))
}

// At returns the position at arc length s, LPS mm, on the cubic Hermite curve
// through the nodes. Beyond the ends it stays at the end nodes.
func (c *Centerline) At(s float64) r3.Vec {
	switch len(c.Nodes) {
	case 0:
		return r3.Vec{X: math.NaN(), Y: math.NaN(), Z: math.NaN()}
	case 1:
		return c.Nodes[0].Pos
	}
	n, f := c.span(s)
	h := c.Nodes[n+1].S - c.Nodes[n].S
	f2, f3 := f*f, f*f*f
	p := r3.Add(r3.Scale(2*f3-3*f2+1, c.Nodes[n].Pos), r3.Scale(3*f2-2*f3, c.Nodes[n+1].Pos))
	p = r3.Add(p, r3.Scale(h*(f3-2*f2+f), c.slope(n)))
	return r3.Add(p, r3.Scale(h*(f3-f2), c.slope(n+1)))
}

// Tangent returns the unit tangent at arc length s, pointing distally.
func (c *Centerline) Tangent(s float64) r3.Vec {
	if len(c.Nodes) < 2 {
		return r3.Vec{X: math.NaN(), Y: math.NaN(), Z: math.NaN()}
	}
	n, f := c.span(s)
	h := c.Nodes[n+1].S - c.Nodes[n].S
	d := r3.Scale(6*(f-f*f)/h, r3.Sub(c.Nodes[n+1].Pos, c.Nodes[n].Pos))
	d = r3.Add(d, r3.Scale(1-4*f+3*f*f, c.slope(n)))
	d = r3.Add(d, r3.Scale(3*f*f-2*f, c.slope(n+1)))
	if !(r3.Norm(d) > 1e-9) {
		d = r3.Sub(c.Nodes[n+1].Pos, c.Nodes[n].Pos)
	}
	return r3.Unit(d)
}

// RadiusAt returns the radius of the nodes at arc length s by linear
// interpolation, mm.
func (c *Centerline) RadiusAt(s float64) float64 {
	switch len(c.Nodes) {
	case 0:
		return math.NaN()
	case 1:
		return c.Nodes[0].Radius
	}
	n, f := c.span(s)
	return c.Nodes[n].Radius + f*(c.Nodes[n+1].Radius-c.Nodes[n].Radius)
}

// Project returns the arc length of the point of the node polygon closest to p
// and the distance to it, mm.
func (c *Centerline) Project(p r3.Vec) (s, distance float64) {
	if len(c.Nodes) == 0 {
		return math.NaN(), math.Inf(1)
	}
	s, best := c.Nodes[0].S, r3.Norm2(r3.Sub(p, c.Nodes[0].Pos))
	for n := 1; n < len(c.Nodes); n++ {
		a, b := c.Nodes[n-1], c.Nodes[n]
		u := r3.Sub(b.Pos, a.Pos)
		w := r3.Sub(p, a.Pos)
		f := min(max(r3.Dot(w, u)/r3.Norm2(u), 0), 1)
		if d := r3.Norm2(r3.Sub(w, r3.Scale(f, u))); d < best {
			s, best = a.S+f*(b.S-a.S), d
		}
	}
	return s, math.Sqrt(best)
}

// Resample returns the curve with nodes at equal steps of arc length, the step
// shrunk so that both ends are nodes. Arc length is measured anew, from zero.
func (c *Centerline) Resample(step float64) Centerline {
	if !(step > 0) {
		panic("coronary: Resample: step must be positive")
	}
	if len(c.Nodes) < 2 {
		return Centerline{Nodes: append([]Node(nil), c.Nodes...)}
	}
	n := max(1, int(math.Ceil(c.Length()/step-1e-9)))
	points, radius := make([]r3.Vec, n+1), make([]float64, n+1)
	for i := range points {
		s := c.Nodes[0].S + c.Length()*float64(i)/float64(n)
		points[i], radius[i] = c.At(s), c.RadiusAt(s)
	}
	return NewCenterline(points, radius)
}

// Reverse returns the curve from its other end, with arc length from zero.
func (c *Centerline) Reverse() Centerline {
	points, radius := make([]r3.Vec, len(c.Nodes)), make([]float64, len(c.Nodes))
	for n, node := range c.Nodes {
		points[len(points)-1-n], radius[len(radius)-1-n] = node.Pos, node.Radius
	}
	return NewCenterline(points, radius)
}

// Smooth returns the curve convolved with a Gaussian of standard deviation
// sigma along the arc, mm. The curve is continued beyond its ends by point
// reflection, so the end points stay where they are. A Gaussian pulls a bend of
// curvature κ inwards by ½κσ² and shortens it; see [Centerline.SmoothSharp].
// Nodes should be evenly spaced, as [Centerline.Resample] makes them.
func (c *Centerline) Smooth(sigma float64) Centerline {
	points := make([]r3.Vec, len(c.Nodes))
	for n, node := range c.Nodes {
		points[n] = node.Pos
	}
	return c.with(c.gauss(points, sigma))
}

// SmoothSharp smooths with the twicing kernel 2G − G∗G, which removes the same
// jitter as the Gaussian G but keeps a bend in its place up to fourth order in
// sigma.
func (c *Centerline) SmoothSharp(sigma float64) Centerline {
	points := make([]r3.Vec, len(c.Nodes))
	for n, node := range c.Nodes {
		points[n] = node.Pos
	}
	once := c.gauss(points, sigma)
	twice := c.gauss(once, sigma)
	for n := range once {
		once[n] = r3.Sub(r3.Scale(2, once[n]), twice[n])
	}
	return c.with(once)
}

// with returns a curve through points that keeps the radii of c.
func (c *Centerline) with(points []r3.Vec) Centerline {
	radius := make([]float64, len(points))
	for n := range radius {
		radius[n] = c.Nodes[n].Radius
	}
	return NewCenterline(points, radius)
}

// gauss convolves points at the arc lengths of c.
func (c *Centerline) gauss(points []r3.Vec, sigma float64) []r3.Vec {
	out := append([]r3.Vec(nil), points...)
	last := len(points) - 1
	if last < 2 || !(sigma > 0) {
		return out
	}
	h := c.Length() / float64(last)
	reach := int(math.Ceil(4 * sigma / h))
	at := func(n int) r3.Vec {
		switch { // one reflection, then the end of the reflected curve
		case n < 0:
			return r3.Sub(r3.Scale(2, points[0]), points[min(-n, last)])
		case n > last:
			return r3.Sub(r3.Scale(2, points[last]), points[max(2*last-n, 0)])
		}
		return points[n]
	}
	w := make([]float64, reach+1)
	sum := 0.0
	for t := range w {
		x := float64(t) * h / sigma
		w[t] = math.Exp(-x * x / 2)
		sum += w[t]
		if t > 0 {
			sum += w[t]
		}
	}
	for n := range out {
		p := r3.Scale(w[0]/sum, points[n])
		for t := 1; t <= reach; t++ {
			p = r3.Add(p, r3.Scale(w[t]/sum, r3.Add(at(n-t), at(n+t))))
		}
		out[n] = p
	}
	return out
}

// Curvature returns |r' × r”| / |r'|³ at every node, 1/mm, by central
// differences; the end nodes repeat their neighbours. Voxel jitter dominates
// it unless the curve was smoothed: published values use σ = 2 mm.
func (c *Centerline) Curvature() []float64 {
	k := make([]float64, len(c.Nodes))
	if len(k) < 3 {
		return k
	}
	for n := 1; n < len(k)-1; n++ {
		a, b, d := c.Nodes[n-1], c.Nodes[n], c.Nodes[n+1]
		u := r3.Scale(1/(b.S-a.S), r3.Sub(b.Pos, a.Pos))
		v := r3.Scale(1/(d.S-b.S), r3.Sub(d.Pos, b.Pos))
		second := r3.Scale(2/(d.S-a.S), r3.Sub(v, u))
		first := c.slope(n)
		k[n] = r3.Norm(r3.Cross(first, second)) / math.Pow(r3.Norm(first), 3)
	}
	k[0], k[len(k)-1] = k[1], k[len(k)-2]
	return k
}

// Frames returns rotation-minimising frames at the arc lengths s, which must
// increase, by the double reflection method (Wang, Jüttler, Zheng and Liu, ACM
// Trans. Graph. 27(1), 2008): N turns as little as possible from frame to
// frame, with an error that falls with the fourth power of the step. The first
// N is the patient axis that is most nearly normal to the curve there.
func (c *Centerline) Frames(s []float64) []Frame {
	frames := make([]Frame, len(s))
	for i := range s {
		f := Frame{Origin: c.At(s[i]), T: c.Tangent(s[i])}
		if i == 0 {
			f.N = normalTo(f.T)
		} else {
			f.N = transport(&frames[i-1], f.Origin, f.T)
		}
		f.B = r3.Cross(f.T, f.N)
		frames[i] = f
	}
	return frames
}

// transport moves the N of f to the origin x with tangent t by two reflections.
func transport(f *Frame, x, t r3.Vec) r3.Vec {
	n, old := f.N, f.T
	reflect := func(v, u r3.Vec, c float64) r3.Vec { return r3.Sub(u, r3.Scale(2/c*r3.Dot(v, u), v)) }
	if v1 := r3.Sub(x, f.Origin); r3.Norm2(v1) > 1e-18 {
		n, old = reflect(v1, n, r3.Norm2(v1)), reflect(v1, old, r3.Norm2(v1))
	}
	if v2 := r3.Sub(t, old); r3.Norm2(v2) > 1e-18 {
		n = reflect(v2, n, r3.Norm2(v2))
	}
	// Rounding drifts by some 1e-16 per frame; keep the frame orthonormal.
	n = r3.Sub(n, r3.Scale(r3.Dot(n, t), t))
	if !(r3.Norm(n) > 1e-9) {
		return normalTo(t)
	}
	return r3.Unit(n)
}

// normalTo returns the patient axis least aligned with t, made normal to it.
func normalTo(t r3.Vec) r3.Vec {
	axis := r3.Vec{X: 1}
	least := math.Abs(t.X)
	if math.Abs(t.Y) < least {
		axis, least = r3.Vec{Y: 1}, math.Abs(t.Y)
	}
	if math.Abs(t.Z) < least {
		axis = r3.Vec{Z: 1}
	}
	return r3.Unit(r3.Sub(axis, r3.Scale(r3.Dot(axis, t), t)))
}
