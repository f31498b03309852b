package morphology

import (
	"cmp"
	"math"
	"slices"
)

// boxSearch looks for the smallest box of any orientation around a hull.
type boxSearch struct {
	hull     *hull
	corners  [][3]float64 // mm
	normals  [][3]float64 // of the faces, twice their area long, mm²
	kinds    [][3]int64   // directions without sign and length, each once
	front    []bool       // faces seen from a direction
	edges    [][2]int32   // of the silhouette from there
	outline  [][2]float64 // its corners, in the plane across the direction
	best     float64      // volume, mm³
	lengths  [3]float64   // of the best box, mm
	axes     [3][3]float64
	improved bool
}

// fewEdges is up to how many directions of edges their pairs are tried.
const fewEdges = 40

// smallest returns the smallest box found. A smallest box has an edge of the
// hull in each of two of its faces (O'Rourke, Int. J. Comput. Inf. Sci. 14
// (1985) 183); to try all pairs of edges takes too long for a round body. So a
// side of the box is laid on each face of the hull, with the smallest rectangle
// around what is seen from there, and the best box is then turned about each of
// its axes until none makes it smaller. For a body with few edges, the
// directions across two edges are tried as well.
func (s *boxSearch) smallest(h *hull, f *frame) Solid {
	s.hull, s.best = h, math.Inf(1)
	s.corners = resized(s.corners, len(h.points))
	for n, p := range h.points {
		s.corners[n] = f.point(p)
	}
	s.normals = resized(s.normals, len(h.faces))
	s.kinds = s.kinds[:0]
	for n := range h.faces {
		s.normals[n] = f.normal(real3(h.faces[n].normal))
		for a := range 3 {
			s.normals[n][a] *= f.volume() / 4
		}
		s.kinds = append(s.kinds, primitive(h.faces[n].normal))
	}
	s.front = resized(s.front, len(h.faces))
	s.once()
	for _, k := range s.kinds {
		s.along(f.normal(real3(k)))
	}
	s.kinds = s.kinds[:0]
	for n := range h.faces {
		face := &h.faces[n]
		for e := range 3 {
			if n < int(face.beside[e]) && s.bends(face, &h.faces[face.beside[e]]) {
				p, q := h.points[face.v[e]], h.points[face.v[(e+1)%3]]
				s.kinds = append(s.kinds, primitive([3]int64{int64(q[0] - p[0]), int64(q[1] - p[1]), int64(q[2] - p[2])}))
			}
		}
	}
	s.once()
	if len(s.kinds) <= fewEdges {
		for n, k := range s.kinds {
			for _, l := range s.kinds[:n] {
				s.along(cross3(f.mm(real3(k)), f.mm(real3(l))))
			}
		}
	}
	for s.improved = true; s.improved; {
		s.improved = false
		for a := range 3 {
			s.along(s.axes[a])
		}
	}
	return box(s.lengths[0], s.lengths[1], s.lengths[2])
}

// bends tells whether two faces lie in different planes.
func (s *boxSearch) bends(f, g *face) bool { return primitive(f.normal) != primitive(g.normal) }

// once sorts the directions and drops repetitions.
func (s *boxSearch) once() {
	slices.SortFunc(s.kinds, func(a, b [3]int64) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]), cmp.Compare(a[2], b[2]))
	})
	s.kinds = slices.Compact(s.kinds)
}

// primitive returns the shortest whole vector along v, with its last component
// that is not zero positive.
func primitive(v [3]int64) [3]int64 {
	g := gcd(gcd(abs(v[0]), abs(v[1])), abs(v[2]))
	if g == 0 {
		return v
	}
	if v[2] < 0 || v[2] == 0 && (v[1] < 0 || v[1] == 0 && v[0] < 0) {
		g = -g
	}
	return [3]int64{v[0] / g, v[1] / g, v[2] / g}
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// along tries the boxes with a side across d. The smallest rectangle around the
// silhouette shares a side with it (Freeman and Shapira, Commun. ACM 18 (1975)
// 409).
func (s *boxSearch) along(d [3]float64) {
	length := math.Sqrt(dot3(d, d))
	if !(length > 0) {
		return
	}
	for a := range 3 {
		d[a] /= length
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for n := range s.corners {
		x := dot3(d, s.corners[n])
		lo, hi = min(lo, x), max(hi, x)
	}
	height := hi - lo
	// What is seen from d has an area that no rectangle around it can undercut.
	var seen float64
	for n := range s.normals {
		x := dot3(d, s.normals[n])
		s.front[n] = x > 0
		seen += max(x, 0)
	}
	if height*seen/2 >= s.best {
		return
	}
	// Two directions across.
	var u [3]float64
	switch {
	case math.Abs(d[0]) <= math.Abs(d[1]) && math.Abs(d[0]) <= math.Abs(d[2]):
		u = cross3(d, [3]float64{1, 0, 0})
	case math.Abs(d[1]) <= math.Abs(d[2]):
		u = cross3(d, [3]float64{0, 1, 0})
	default:
		u = cross3(d, [3]float64{0, 0, 1})
	}
	length = math.Sqrt(dot3(u, u))
	for a := range 3 {
		u[a] /= length
	}
	v := cross3(d, u)
	// The silhouette: edges between faces seen and not seen.
	s.edges, s.outline = s.edges[:0], s.outline[:0]
	for n := range s.hull.faces {
		if !s.front[n] {
			continue
		}
		f := &s.hull.faces[n]
		for e := range 3 {
			if !s.front[f.beside[e]] {
				s.edges = append(s.edges, [2]int32{f.v[e], f.v[(e+1)%3]})
				p := s.corners[f.v[e]]
				s.outline = append(s.outline, [2]float64{dot3(u, p), dot3(v, p)})
			}
		}
	}
	for n, e := range s.edges {
		q := s.corners[e[1]]
		x, y := dot3(u, q)-s.outline[n][0], dot3(v, q)-s.outline[n][1]
		l := math.Hypot(x, y)
		if l == 0 {
			continue
		}
		x, y = x/l, y/l
		alo, ahi, blo, bhi := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
		for _, p := range s.outline {
			a, b := x*p[0]+y*p[1], x*p[1]-y*p[0]
			if a < alo {
				alo = a
			}
			if a > ahi {
				ahi = a
			}
			if b < blo {
				blo = b
			}
			if b > bhi {
				bhi = b
			}
		}
		// An improvement by rounding alone is none.
		if volume := height * (ahi - alo) * (bhi - blo); volume < s.best*(1-1e-12) {
			s.best, s.improved = volume, true
			s.lengths = [3]float64{height, ahi - alo, bhi - blo}
			s.axes[0] = d
			for c := range 3 {
				s.axes[1][c] = x*u[c] + y*v[c]
				s.axes[2][c] = x*v[c] - y*u[c]
			}
		}
	}
}

func real3(v [3]int64) [3]float64 {
	return [3]float64{float64(v[0]), float64(v[1]), float64(v[2])}
}

func dot3(a, b [3]float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

func cross3(a, b [3]float64) [3]float64 {
	return [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}
