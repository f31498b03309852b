package coronary

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"
)

// Area returns the area of the polygon, mm², by the shoelace formula:
//
//	A = ½ |Σ (xᵢ yᵢ₊₁ − xᵢ₊₁ yᵢ)|
func (c Contour) Area() float64 { return math.Abs(c.signedArea()) }

func (c Contour) signedArea() float64 {
	var a float64
	for n, p := range c.Points {
		a += r2.Cross(p, c.Points[(n+1)%len(c.Points)])
	}
	return a / 2
}

// Centroid returns the centre of mass of the enclosed area. For a polygon
// without area it is the mean of the points, NaN without any.
func (c Contour) Centroid() r2.Vec {
	var sum, mean r2.Vec
	for n, p := range c.Points {
		q := c.Points[(n+1)%len(c.Points)]
		sum = r2.Add(sum, r2.Scale(r2.Cross(p, q), r2.Add(p, q)))
		mean = r2.Add(mean, p)
	}
	if a := c.signedArea(); math.Abs(a) > 1e-12 {
		return r2.Scale(1/(6*a), sum)
	}
	return r2.Scale(1/float64(len(c.Points)), mean)
}

// Perimeter returns the length of the closed polygon, mm.
func (c Contour) Perimeter() float64 {
	var l float64
	for n, p := range c.Points {
		l += r2.Norm(r2.Sub(c.Points[(n+1)%len(c.Points)], p))
	}
	return l
}

// Diameters describe the size of a contour, mm; NaN for fewer than three points.
type Diameters struct {
	Min, Max   float64 // smallest and largest caliper width: distance of parallel tangents
	Equivalent float64 // of the circle with the same area: 2 √(A/π)
}

// Diameters measures c between parallel tangents, on its convex hull.
func (c Contour) Diameters() Diameters {
	if len(c.Points) < 3 {
		return Diameters{math.NaN(), math.NaN(), math.NaN()}
	}
	d := Diameters{Min: math.Inf(1), Equivalent: 2 * math.Sqrt(c.Area()/math.Pi)}
	hull := convexHull(c.Points)
	for i, p := range hull {
		// The smallest width is attained with one tangent along an edge.
		q := hull[(i+1)%len(hull)]
		e := r2.Sub(q, p)
		length, width := r2.Norm(e), 0.0
		for _, v := range hull {
			d.Max = max(d.Max, r2.Norm(r2.Sub(v, p)))
			if length > 0 {
				width = max(width, math.Abs(r2.Cross(e, r2.Sub(v, p)))/length)
			}
		}
		if length > 0 {
			d.Min = min(d.Min, width)
		}
	}
	return d
}

// convexHull returns the hull of points counter-clockwise (Andrew's chain).
func convexHull(points []r2.Vec) []r2.Vec {
	ps := slices.Clone(points)
	slices.SortFunc(ps, func(a, b r2.Vec) int {
		return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y))
	})
	var hull []r2.Vec
	half := func(next []r2.Vec) {
		base := len(hull)
		for _, p := range next {
			for len(hull) >= base+2 && r2.Cross(r2.Sub(hull[len(hull)-1], hull[len(hull)-2]), r2.Sub(p, hull[len(hull)-2])) <= 0 {
				hull = hull[:len(hull)-1]
			}
			hull = append(hull, p)
		}
		hull = hull[:len(hull)-1] // the last point begins the other half
	}
	half(ps)
	slices.Reverse(ps)
	half(ps)
	return hull
}

// RadiusAt returns the distance from center to the border in the direction θ
// (from the first axis towards the second, rad): the first crossing of the ray
// with the polygon. NaN if the ray meets no edge.
func (c Contour) RadiusAt(center r2.Vec, theta float64) float64 {
	sin, cos := math.Sincos(theta)
	u := r2.Vec{X: cos, Y: sin}
	best := math.Inf(1)
	for n, p := range c.Points {
		a := r2.Sub(p, center)
		b := r2.Sub(c.Points[(n+1)%len(c.Points)], center)
		// Heights over the ray; the half-open test counts a vertex on it once.
		ha, hb := r2.Cross(u, a), r2.Cross(u, b)
		if (ha < 0) == (hb < 0) {
			continue
		}
		f := ha / (ha - hb)
		if r := r2.Dot(u, a) + f*(r2.Dot(u, b)-r2.Dot(u, a)); r >= 0 {
			best = min(best, r)
		}
	}
	if math.IsInf(best, 1) {
		return math.NaN()
	}
	return best
}

// Inside tells whether q lies within the polygon (even-odd rule).
func (c Contour) Inside(q r2.Vec) bool {
	in := false
	for n, p := range c.Points {
		o := c.Points[(n+1)%len(c.Points)]
		if (p.Y > q.Y) != (o.Y > q.Y) && q.X < p.X+(q.Y-p.Y)/(o.Y-p.Y)*(o.X-p.X) {
			in = !in
		}
	}
	return in
}

// Distance returns the distance of q from the polygon, mm: negative inside.
// +Inf for an empty contour.
func (c Contour) Distance(q r2.Vec) float64 {
	best := math.Inf(1)
	for n, p := range c.Points {
		e := r2.Sub(c.Points[(n+1)%len(c.Points)], p)
		w := r2.Sub(q, p)
		f := 0.0
		if l := r2.Norm2(e); l > 0 {
			f = min(max(r2.Dot(w, e)/l, 0), 1)
		}
		best = min(best, r2.Norm(r2.Sub(w, r2.Scale(f, e))))
	}
	if c.Inside(q) {
		return -best
	}
	return best
}

// Resample returns n points at equal steps along the border, from the first
// point on. It needs at least one point and n ≥ 1.
func (c Contour) Resample(n int) Contour {
	if n < 1 || len(c.Points) == 0 {
		panic("coronary: Contour.Resample: nothing to sample")
	}
	out := Contour{Points: make([]r2.Vec, 0, n)}
	step, walked, edge := c.Perimeter()/float64(n), 0.0, 0
	for i := range n {
		want := float64(i) * step
		for {
			p, q := c.Points[edge], c.Points[(edge+1)%len(c.Points)]
			l := r2.Norm(r2.Sub(q, p))
			if want <= walked+l || edge == len(c.Points)-1 {
				f := 0.0
				if l > 0 {
					f = min((want-walked)/l, 1)
				}
				out.Points = append(out.Points, r2.Add(p, r2.Scale(f, r2.Sub(q, p))))
				break
			}
			walked += l
			edge++
		}
	}
	return out
}

// PolarContour returns the polygon with len(r) vertices at equal angles around
// center, from the first axis on: vertex n at distance r[n].
func PolarContour(center r2.Vec, r []float64) Contour {
	c := Contour{Points: make([]r2.Vec, len(r))}
	for n := range r {
		sin, cos := math.Sincos(2 * math.Pi * float64(n) / float64(len(r)))
		c.Points[n] = r2.Vec{X: center.X + r[n]*cos, Y: center.Y + r[n]*sin}
	}
	return c
}
