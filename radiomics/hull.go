package radiomics

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// hull is the convex hull of a region's surface.
type hull struct {
	volume, area float64 // mm³, mm²
	diameter     float64 // largest distance between two corners, mm
}

// point is a corner of the surface in half voxels. The surface at ½ crosses the
// lattice halfway between a voxel inside and one outside, so all corners are
// whole numbers here and every test below is exact.
type point [3]int64

func (p point) sub(q point) point { return point{p[0] - q[0], p[1] - q[1], p[2] - q[2]} }

// volume6 returns six times the signed volume of the tetrahedron (a, b, c, d):
// positive if d lies on the side from which a, b, c turn counter-clockwise.
func volume6(a, b, c, d point) int64 {
	u, v, w := b.sub(a), c.sub(a), d.sub(a)
	return (u[1]*v[2]-u[2]*v[1])*w[0] + (u[2]*v[0]-u[0]*v[2])*w[1] + (u[0]*v[1]-u[1]*v[0])*w[2]
}

// maskHull returns the convex hull of the surface of m, which must not be
// empty. Convexity does not depend on the spacing, so corners are found among
// whole numbers and only then placed in mm.
func maskHull(m *imaging.Mask) hull {
	points := extremes(m)
	faces := quickHull(points)
	g := m.Grid
	g.Origin = r3.Vec{}
	place := func(p point) r3.Vec { return g.Point(float64(p[0])/2, float64(p[1])/2, float64(p[2])/2) }
	var h hull
	corner := make([]bool, len(points))
	first := place(points[0])
	for _, f := range faces {
		a, b, c := r3.Sub(place(points[f[0]]), first), r3.Sub(place(points[f[1]]), first), r3.Sub(place(points[f[2]]), first)
		h.area += r3.Norm(r3.Cross(r3.Sub(b, a), r3.Sub(c, a))) / 2
		h.volume += r3.Dot(a, r3.Cross(b, c)) / 6
		for _, n := range f {
			corner[n] = true
		}
	}
	h.volume = math.Abs(h.volume) // axes may be left-handed
	var corners []r3.Vec
	for n, is := range corner {
		if is {
			corners = append(corners, place(points[n]))
		}
	}
	for n, a := range corners {
		for _, b := range corners[:n] {
			h.diameter = max(h.diameter, r3.Norm(r3.Sub(a, b)))
		}
	}
	return h
}

// extremes returns corners of the surface among which are all of its hull: for
// each half slice, the corners of the convex polygon around its points.
func extremes(m *imaging.Mask) []point {
	nx, ny, nz := m.Size[0], m.Size[1], m.Size[2]
	in := func(i, j, k int) bool { return m.Inside(i, j, k) && m.In[m.Offset(i, j, k)] }
	var all []point
	for z := -1; z < 2*nz; z++ {
		var slice []point
		add := func(x, y int) { slice = append(slice, point{int64(x), int64(y), int64(z)}) }
		if z%2 != 0 { // between two slices: what only one of them has
			for j := range ny {
				for i := range nx {
					if in(i, j, (z-1)/2) != in(i, j, (z+1)/2) {
						add(2*i, 2*j)
					}
				}
			}
		} else { // in a slice: beyond the ends of each row and each column
			for j := range ny {
				if lo, hi := ends(nx, func(i int) bool { return in(i, j, z/2) }); lo <= hi {
					add(2*lo-1, 2*j)
					add(2*hi+1, 2*j)
				}
			}
			for i := range nx {
				if lo, hi := ends(ny, func(j int) bool { return in(i, j, z/2) }); lo <= hi {
					add(2*i, 2*lo-1)
					add(2*i, 2*hi+1)
				}
			}
		}
		all = append(all, polygon(slice)...)
	}
	return all
}

// ends returns the first and last of [0, n) for which in holds; lo > hi if
// there is none.
func ends(n int, in func(int) bool) (lo, hi int) {
	hi = n - 1
	for lo < n && !in(lo) {
		lo++
	}
	for hi > lo && !in(hi) {
		hi--
	}
	return lo, hi
}

// polygon returns the corners of the convex hull of points in one slice, by
// Andrew's monotone chain.
func polygon(ps []point) []point {
	slices.SortFunc(ps, func(a, b point) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	ps = slices.Compact(ps)
	if len(ps) < 3 {
		return ps
	}
	var out []point
	for range 2 {
		start := len(out)
		for _, p := range ps {
			for len(out) >= start+2 {
				a, b := out[len(out)-2], out[len(out)-1]
				if (b[0]-a[0])*(p[1]-a[1])-(b[1]-a[1])*(p[0]-a[0]) > 0 {
					break
				}
				out = out[:len(out)-1]
			}
			out = append(out, p)
		}
		out = out[:len(out)-1]
		slices.Reverse(ps)
	}
	return out
}

// quickHull returns the triangles of the convex hull of ps, which must not lie
// in one plane, counter-clockwise from outside. Each point that is still
// outside hangs on one face that sees it; the farthest of a face is taken next,
// and the faces that see it give way to new ones to their horizon. See Barber,
// Dobkin and Huhdanpaa, ACM Trans. Math. Softw. 22 (1996) 469. Points in the
// plane of a face are not seen by it, so no face is degenerate.
func quickHull(ps []point) [][3]int {
	type face struct {
		v       [3]int
		outside []int
		gone    bool
	}
	// Four points that span a volume.
	a, b, c, d := 0, 0, -1, -1
	for n, p := range ps {
		if p != ps[a] && b == 0 {
			b = n
		}
		if b != 0 && c < 0 {
			u, v := ps[b].sub(ps[a]), p.sub(ps[a])
			if u[1]*v[2] != u[2]*v[1] || u[2]*v[0] != u[0]*v[2] || u[0]*v[1] != u[1]*v[0] {
				c = n
			}
		}
		if c >= 0 && d < 0 && volume6(ps[a], ps[b], ps[c], p) != 0 {
			d = n
		}
	}
	if d < 0 {
		panic("radiomics: quickHull: points in one plane")
	}
	if volume6(ps[a], ps[b], ps[c], ps[d]) > 0 {
		b, c = c, b
	}
	faces := []*face{{v: [3]int{a, b, c}}, {v: [3]int{a, c, d}}, {v: [3]int{c, b, d}}, {v: [3]int{b, a, d}}}
	hang := func(points []int, on []*face) {
		for _, n := range points {
			for _, f := range on {
				if volume6(ps[f.v[0]], ps[f.v[1]], ps[f.v[2]], ps[n]) > 0 {
					f.outside = append(f.outside, n)
					break
				}
			}
		}
	}
	every := make([]int, len(ps))
	for n := range every {
		every[n] = n
	}
	hang(every, faces)
	beside := map[[2]int]*face{} // the face whose boundary runs along an edge
	for _, f := range faces {
		for e := range 3 {
			beside[[2]int{f.v[e], f.v[(e+1)%3]}] = f
		}
	}
	for at := 0; at < len(faces); at++ {
		f := faces[at]
		if f.gone || len(f.outside) == 0 {
			continue
		}
		best, far := f.outside[0], int64(0)
		for _, n := range f.outside {
			if v := volume6(ps[f.v[0]], ps[f.v[1]], ps[f.v[2]], ps[n]); v > far {
				best, far = n, v
			}
		}
		// All faces that see the point, and the edges around them.
		seen := []*face{f}
		f.gone = true
		var horizon [][2]int
		for q := 0; q < len(seen); q++ {
			for e := range 3 {
				u, v := seen[q].v[e], seen[q].v[(e+1)%3]
				g := beside[[2]int{v, u}]
				switch {
				case g.gone:
				case volume6(ps[g.v[0]], ps[g.v[1]], ps[g.v[2]], ps[best]) > 0:
					g.gone = true
					seen = append(seen, g)
				default:
					horizon = append(horizon, [2]int{u, v})
				}
			}
		}
		fresh := make([]*face, len(horizon))
		for n, e := range horizon {
			fresh[n] = &face{v: [3]int{e[0], e[1], best}}
		}
		for n, e := range horizon {
			beside[e] = fresh[n]
			beside[[2]int{e[1], best}] = fresh[n]
			beside[[2]int{best, e[0]}] = fresh[n]
		}
		for _, g := range seen {
			hang(g.outside, fresh)
			g.outside = nil
		}
		faces = append(faces, fresh...)
	}
	var out [][3]int
	for _, f := range faces {
		if !f.gone {
			out = append(out, f.v)
		}
	}
	return out
}
