package morphology

// hull is a convex hull in half voxels.
type hull struct {
	points []point
	faces  []face
	next   []int32 // the next point outside the same face, −1 at the end
	free   []int32 // faces to be used again
	seen   []int32 // faces that a point sees
	rim    []edge  // of these faces
	first  []int32 // by corner: the new face whose edge starts there
	used   []bool  // by point: is a corner
}

// face is a triangle of a hull, counter-clockwise from outside.
type face struct {
	v       [3]int32
	beside  [3]int32 // the face across the edge from corner n to n+1
	normal  [3]int64
	offset  int64 // of the plane: normal·x
	outside int32 // first point that only this face is known to see, −1 for none
	gone    bool
}

// edge is an edge of the rim: from a to b, with the face that stays.
type edge struct{ a, b, stays int32 }

// above returns how far p lies on the outer side of f, in arbitrary units.
func (f *face) above(p point) int64 {
	return f.normal[0]*int64(p[0]) + f.normal[1]*int64(p[1]) + f.normal[2]*int64(p[2]) - f.offset
}

// build finds the hull of ps, which must not lie in one plane, without
// rounding. Each point that is still outside hangs on one face that sees it; the
// farthest of a face is taken next, and the faces that see it give way to new
// ones to their rim. See Barber, Dobkin and Huhdanpaa, ACM Trans. Math. Softw.
// 22 (1996) 469. Points in the plane of a face are not seen by it, so no face is
// degenerate.
func (h *hull) build(ps []point) {
	h.points = ps
	h.faces, h.free = h.faces[:0], h.free[:0]
	h.next = resized(h.next, len(ps))
	h.first = resized(h.first, len(ps))
	a, b, c, d := h.simplex()
	for _, v := range [4][3]int32{{a, b, c}, {a, c, d}, {c, b, d}, {b, a, d}} {
		h.add(v)
	}
	h.faces[0].beside = [3]int32{3, 2, 1}
	h.faces[1].beside = [3]int32{0, 2, 3}
	h.faces[2].beside = [3]int32{0, 3, 1}
	h.faces[3].beside = [3]int32{0, 1, 2}
	for n := range ps {
		h.hang(int32(n), 0, 4)
	}
	for at := 0; at < len(h.faces); at++ {
		for f := &h.faces[at]; !f.gone && f.outside >= 0; f = &h.faces[at] {
			var far int32
			most := int64(0)
			for n := f.outside; n >= 0; n = h.next[n] {
				if up := f.above(ps[n]); up > most {
					far, most = n, up
				}
			}
			h.grow(int32(at), far)
		}
	}
}

// simplex returns four points that span a volume, ordered so that the fourth
// lies behind the triangle of the others.
func (h *hull) simplex() (a, b, c, d int32) {
	ps := h.points
	// The ends along an axis, then the farthest from the line and the plane.
	for n, p := range ps {
		if p[0] < ps[a][0] {
			a = int32(n)
		}
		if p[0] > ps[b][0] {
			b = int32(n)
		}
	}
	var most int64
	for n, p := range ps {
		x := normalOf(ps[a], ps[b], p)
		if q := abs(x[0]) + abs(x[1]) + abs(x[2]); q > most {
			c, most = int32(n), q
		}
	}
	x := normalOf(ps[a], ps[b], ps[c])
	most = 0
	for n, p := range ps {
		v := x[0]*int64(p[0]-ps[a][0]) + x[1]*int64(p[1]-ps[a][1]) + x[2]*int64(p[2]-ps[a][2])
		if abs(v) > abs(most) {
			d, most = int32(n), v
		}
	}
	if most == 0 {
		panic("morphology: hull: points in one plane")
	}
	if most > 0 {
		b, c = c, b
	}
	return a, b, c, d
}

func abs(x int64) int64 { return max(x, -x) }

// normalOf returns (b − a) × (c − a).
func normalOf(a, b, c point) [3]int64 {
	ux, uy, uz := int64(b[0]-a[0]), int64(b[1]-a[1]), int64(b[2]-a[2])
	vx, vy, vz := int64(c[0]-a[0]), int64(c[1]-a[1]), int64(c[2]-a[2])
	return [3]int64{uy*vz - uz*vy, uz*vx - ux*vz, ux*vy - uy*vx}
}

// add makes a face and returns its number.
func (h *hull) add(v [3]int32) int32 {
	f := face{v: v, outside: -1}
	p := h.points[v[0]]
	f.normal = normalOf(p, h.points[v[1]], h.points[v[2]])
	f.offset = f.above(p)
	h.faces = append(h.faces, f)
	return int32(len(h.faces) - 1)
}

// hang hangs point n on the first of the faces [from, to) that sees it.
func (h *hull) hang(n, from, to int32) {
	p := h.points[n]
	for k := from; k < to; k++ {
		if f := &h.faces[k]; f.above(p) > 0 {
			h.next[n], f.outside = f.outside, n
			return
		}
	}
}

// grow takes point far, which face start sees, into the hull.
func (h *hull) grow(start, far int32) {
	p := h.points[far]
	h.faces[start].gone = true
	h.seen, h.rim = append(h.seen[:0], start), h.rim[:0]
	for q := 0; q < len(h.seen); q++ {
		f := &h.faces[h.seen[q]]
		for e := range 3 {
			g := &h.faces[f.beside[e]]
			switch {
			case g.gone:
			case g.above(p) > 0:
				g.gone = true
				h.seen = append(h.seen, f.beside[e])
			default:
				h.rim = append(h.rim, edge{f.v[e], f.v[(e+1)%3], f.beside[e]})
			}
		}
	}
	from := int32(len(h.faces))
	for _, r := range h.rim {
		n := h.add([3]int32{r.a, r.b, far})
		h.first[r.a] = n
		h.faces[n].beside[0] = r.stays
		stays := &h.faces[r.stays]
		for e := range 3 {
			if stays.v[e] == r.b && stays.v[(e+1)%3] == r.a {
				stays.beside[e] = n
			}
		}
	}
	to := int32(len(h.faces))
	for n := from; n < to; n++ {
		after := h.first[h.faces[n].v[1]]
		h.faces[n].beside[1] = after
		h.faces[after].beside[2] = n
	}
	for _, s := range h.seen {
		for n := h.faces[s].outside; n >= 0; {
			next := h.next[n]
			if n != far {
				h.hang(n, from, to)
			}
			n = next
		}
		h.faces[s].outside = -1
	}
}

// finish drops the faces that are gone and keeps the corners in w.corners'
// place: it returns them.
func (h *hull) finish() []point {
	kept := h.faces[:0]
	number := resized(h.first, max(len(h.faces), len(h.points)))
	h.first = number
	for n := range h.faces {
		if !h.faces[n].gone {
			number[n] = int32(len(kept))
			kept = append(kept, h.faces[n])
		}
	}
	for n := range kept {
		for e := range 3 {
			kept[n].beside[e] = number[kept[n].beside[e]]
		}
	}
	h.faces = kept
	h.used = resized(h.used, len(h.points))
	clear(h.used)
	for n := range kept {
		for _, v := range kept[n].v {
			h.used[v] = true
		}
	}
	// Corners move to the front.
	corners := h.points[:0]
	for n, p := range h.points {
		if h.used[n] {
			number[n] = int32(len(corners))
			corners = append(corners, p)
		}
	}
	for n := range kept {
		for e := range 3 {
			kept[n].v[e] = number[kept[n].v[e]]
		}
	}
	h.points = corners
	return corners
}

// solid returns volume and area of the hull, in mm.
func (h *hull) solid(f *frame) Solid {
	var volume int64
	var area float64
	origin := h.points[0]
	for n := range h.faces {
		face := &h.faces[n]
		volume += face.above(origin)
		area += f.area([3]float64{float64(face.normal[0]), float64(face.normal[1]), float64(face.normal[2])})
	}
	return Solid{Volume: float64(-volume) / 48 * f.volume(), Area: area / 8}
}
