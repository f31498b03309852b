package imaging

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// fine is the number of steps per voxel to which contour points are rounded,
// so that points on a voxel centre lie on it exactly whatever the arithmetic
// before. Products of two such numbers are exact for grids of 4096 voxels.
const fine = 1 << 14

// Rasterise returns the voxels whose centres lie within closed planar
// contours, points in LPS mm, as RTSTRUCT gives them. Each contour lies in a
// plane of voxels of g: planes along any axis of g will do, but the same axis
// for all, and no point may be further than tolerance, in voxels, from its
// plane. The last point is joined to the first.
//
// All contours of one plane count together, by the even-odd rule: a voxel is
// inside if a line from its centre to infinity crosses the contours an odd
// number of times. So a contour within another is a hole, a contour given twice
// is nothing, and a keyhole (a hole joined to its rim by two equal lines) is
// what it looks like. A centre on a contour counts as if it lay a hair towards
// smaller indices: contours that share a line share no voxel and leave none out.
//
// cut counts the contours that reach more than half a voxel beyond g; what of
// them lies on g is kept.
func Rasterise(g *Grid, contours [][]r3.Vec, tolerance float64) (m *Mask, cut int, err error) {
	fail := func(format string, a ...any) (*Mask, int, error) {
		return nil, 0, fmt.Errorf("imaging: rasterise: "+format, a...)
	}
	if err := g.Validate(); err != nil {
		return fail("%w", err)
	}
	if !(tolerance >= 0 && tolerance < 0.5) {
		return fail("tolerance %g voxels: want 0 or more and below half", tolerance)
	}
	curves := make([]curve, len(contours))
	for n, points := range contours {
		if curves[n], err = newCurve(g, points); err != nil {
			return fail("contour %d: %w", n+1, err)
		}
	}
	w, worst := flattest(curves)
	if w < 0 {
		return NewMask(*g), 0, nil
	}
	if c := &curves[worst]; c.thickness(w) > 2*tolerance {
		return fail("contour %d is oblique: it leaves the planes of voxels by %.2f voxels along axis %c, the least of three; resample the image into its planes",
			worst+1, c.thickness(w), "ijk"[w])
	}
	planes := make(map[int][]*curve)
	for n := range curves {
		c := &curves[n]
		if len(c.at) == 0 {
			continue
		}
		plane := math.Round((c.lo[w] + c.hi[w]) / 2)
		if off := max(plane-c.lo[w], c.hi[w]-plane); off > tolerance {
			return fail("contour %d lies %.2f voxels beside the planes of voxels along axis %c, at %.3f: it was drawn on another image; %v",
				n+1, off, "ijk"[w], (c.lo[w]+c.hi[w])/2, g)
		}
		c.lo[w], c.hi[w] = plane, plane
		if c.beyond(g) {
			cut++
		}
		if plane >= 0 && plane < float64(g.Size[w]) {
			planes[int(plane)] = append(planes[int(plane)], c)
		}
	}
	m = NewMask(*g)
	for plane, group := range planes { // they share no voxel: any order
		fill(m, group, w, plane)
	}
	return m, cut, nil
}

// curve is a closed contour in the indices of a grid.
type curve struct {
	at     [][3]float64
	lo, hi [3]float64
}

func newCurve(g *Grid, points []r3.Vec) (curve, error) {
	c := curve{at: make([][3]float64, len(points))}
	for n, p := range points {
		i, j, k := g.Index(p)
		for a, x := range [3]float64{i, j, k} {
			if !(math.Abs(x) <= MaxVoxels) {
				return c, fmt.Errorf("point %d at %v mm is not near the image", n+1, p)
			}
			x = math.Round(x*fine) / fine
			c.at[n][a] = x
			if n == 0 {
				c.lo[a], c.hi[a] = x, x
			}
			c.lo[a], c.hi[a] = min(c.lo[a], x), max(c.hi[a], x)
		}
	}
	return c, nil
}

// thickness returns the extent of c along axis a, voxels.
func (c *curve) thickness(a int) float64 { return c.hi[a] - c.lo[a] }

// flattest returns the axis along which the contours are thinnest, and the
// thickest contour there; −1 if there is no contour.
func flattest(curves []curve) (axis, worst int) {
	axis, worst = -1, -1
	var least float64
	for a := 2; a >= 0; a-- { // slices first
		at := -1
		for n := range curves {
			if len(curves[n].at) > 0 && (at < 0 || curves[n].thickness(a) > curves[at].thickness(a)) {
				at = n
			}
		}
		if at >= 0 && (axis < 0 || curves[at].thickness(a) < least) {
			axis, worst, least = a, at, curves[at].thickness(a)
		}
	}
	return axis, worst
}

// beyond tells whether c reaches more than half a voxel beyond g.
func (c *curve) beyond(g *Grid) bool {
	for a, n := range g.Size {
		if c.lo[a] < -0.5 || c.hi[a] > float64(n)-0.5 {
			return true
		}
	}
	return false
}

// fill sets the voxels within the contours of one plane across axis w. Every
// contour flips, in every row of voxels that it crosses, the first voxel behind
// the crossing; then a voxel is inside if the flips up to it are odd.
func fill(m *Mask, contours []*curve, w, plane int) {
	u, v := 0, 2 // along and across the rows
	if w == 0 {
		u = 1
	} else if w == 2 {
		v = 1
	}
	stride := [3]int{1, m.Size[0], m.Size[0] * m.Size[1]}
	voxels := m.In[plane*stride[w]:]
	left, right := m.Size[u], -1
	low, high := m.Size[v], -1
	for _, c := range contours {
		for n, p := range c.at {
			q := c.at[(n+1)%len(c.at)]
			if p[v] > q[v] { // so that the direction of drawing does not matter
				p, q = q, p
			}
			// The edge crosses the rows above p up to and including q.
			first, last := int(max(math.Floor(p[v])+1, 0)), int(min(math.Floor(q[v]), float64(m.Size[v]-1)))
			if first > last {
				continue
			}
			low, high = min(low, first), max(high, last)
			slope := q[u] - p[u]
			for y := first; y <= last; y++ {
				x := math.Floor(p[u]+(float64(y)-p[v])*slope/(q[v]-p[v])) + 1
				if x < float64(m.Size[u]) {
					x := int(max(x, 0))
					left, right = min(left, x), max(right, x)
					at := x*stride[u] + y*stride[v]
					voxels[at] = !voxels[at]
				}
			}
		}
	}
	for y := low; y <= high; y++ {
		in := false
		// Behind the last flip of all rows a row is inside only if its contours
		// leave the grid.
		for x := left; x < m.Size[u]; x++ {
			at := x*stride[u] + y*stride[v]
			if x > right && !in {
				break
			}
			in = in != voxels[at]
			voxels[at] = in
		}
	}
}
