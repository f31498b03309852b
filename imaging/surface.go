package imaging

import (
	"math"
	"math/bits"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"
)

// Surface is a closed mesh of triangles in the patient, LPS mm. Seen from
// outside, the corners of a triangle turn counter-clockwise.
type Surface struct {
	Vertices  []r3.Vec
	Triangles [][3]int32
}

// Area returns the sum of the areas of the triangles, mm².
func (s *Surface) Area() float64 {
	var sum float64
	for _, t := range s.Triangles {
		a, b, c := s.Vertices[t[0]], s.Vertices[t[1]], s.Vertices[t[2]]
		sum += r3.Norm(r3.Cross(r3.Sub(b, a), r3.Sub(c, a))) / 2
	}
	return sum
}

// Volume returns the volume inside, mm³, by the divergence theorem:
//
//	V = Σ a·(b × c)/6                                                (I.6)
//
// over the triangles (a, b, c), counted from the first vertex so that a body
// far from the origin loses no digits.
func (s *Surface) Volume() float64 {
	if len(s.Vertices) == 0 {
		return 0
	}
	var sum float64
	o := s.Vertices[0]
	for _, t := range s.Triangles {
		a, b, c := r3.Sub(s.Vertices[t[0]], o), r3.Sub(s.Vertices[t[1]], o), r3.Sub(s.Vertices[t[2]], o)
		sum += r3.Dot(a, r3.Cross(b, c)) / 6
	}
	return sum
}

// MaxDiameter returns the largest distance between two vertices, mm; zero
// without vertices.
func (s *Surface) MaxDiameter() float64 {
	if len(s.Vertices) == 0 {
		return 0
	}
	// Far from the centre first: two vertices whose distances from the centre
	// add to less than the best are no candidates.
	var centre r3.Vec
	for _, p := range s.Vertices {
		centre = r3.Add(centre, r3.Scale(1/float64(len(s.Vertices)), p))
	}
	type far struct {
		r float64
		p r3.Vec
	}
	ps := make([]far, len(s.Vertices))
	for n, p := range s.Vertices {
		ps[n] = far{r3.Norm(r3.Sub(p, centre)), p}
	}
	slices.SortStableFunc(ps, func(a, b far) int {
		switch {
		case a.r > b.r:
			return -1
		case a.r < b.r:
			return 1
		}
		return 0
	})
	var best float64
	for n, a := range ps {
		if a.r+ps[0].r < best {
			break
		}
		for _, b := range ps[:n] {
			best = max(best, r3.Norm(r3.Sub(a.p, b.p)))
		}
	}
	return best
}

// MaskSurface returns the surface of m as IBSI defines it: the level ½ of the
// mask taken as one inside and zero outside, also where m reaches the border
// of its grid.
func MaskSurface(m *Mask) *Surface {
	v := NewVolume(m.Grid.Pad(1))
	for n, in := range m.In {
		if in {
			i, j, k := m.Coords(n)
			v.Values[v.Offset(i+1, j+1, k+1)] = 1
		}
	}
	return MarchingCubes(v, 0.5)
}

// MarchingCubes returns the surface on which the linear interpolation along
// the edges of the lattice of v equals iso. Voxels of at least iso are inside;
// where they reach the border of the grid the surface stays open.
//
// Each cube of eight voxels is looked up in a table of 256 cases, made by
// joining, on each of its faces, the edges that the surface crosses. On a face
// whose diagonals differ, voxels inside are kept apart. This depends on the
// face alone, so that neighbouring cubes always fit and the surface has no
// holes, which the 15 cases of Lorensen and Cline (SIGGRAPH 1987) do not
// ensure. Values must be finite.
func MarchingCubes(v *Volume, iso float64) *Surface {
	s := &Surface{}
	nx, ny, nz := v.Size[0], v.Size[1], v.Size[2]
	// Vertex numbers of the edges that start at each voxel of two slices.
	var ids [2][3][]int32
	for l := range ids {
		for a := range ids[l] {
			ids[l][a] = slices.Repeat([]int32{-1}, nx*ny)
		}
	}
	stride := [3]int{1, nx, nx * ny}
	level := float32(iso)
	vertex := func(i, j, k, e int) int32 {
		edge := cubeEdges[e]
		i, j = i+edge.at[0], j+edge.at[1]
		id := &ids[edge.at[2]][edge.axis][j*nx+i]
		if *id < 0 {
			o := v.Offset(i, j, k+edge.at[2])
			a, b := float64(v.Values[o]), float64(v.Values[o+stride[edge.axis]])
			p := [3]float64{float64(i), float64(j), float64(k + edge.at[2])}
			p[edge.axis] += min(max((iso-a)/(b-a), 0), 1)
			*id = int32(len(s.Vertices))
			s.Vertices = append(s.Vertices, v.Point(p[0], p[1], p[2]))
		}
		return *id
	}
	mirrored := v.det() < 0
	for k := range nz - 1 {
		for j := range ny - 1 {
			for i := range nx - 1 {
				o := v.Offset(i, j, k)
				var cube int
				for c := range 8 {
					if v.Values[o+c&1+c>>1&1*stride[1]+c>>2*stride[2]] >= level {
						cube |= 1 << c
					}
				}
				for _, t := range cubeTable[cube] {
					tri := [3]int32{vertex(i, j, k, int(t[0])), vertex(i, j, k, int(t[1])), vertex(i, j, k, int(t[2]))}
					if mirrored {
						tri[1], tri[2] = tri[2], tri[1]
					}
					s.Triangles = append(s.Triangles, tri)
				}
			}
		}
		ids[0], ids[1] = ids[1], ids[0]
		for a := range ids[1] {
			for n := range ids[1][a] {
				ids[1][a][n] = -1
			}
		}
	}
	return s
}

// cubeEdge is an edge of the unit cube: it starts at a corner and follows an
// axis.
type cubeEdge struct {
	at   [3]int
	axis int
}

var (
	cubeEdges = makeEdges()
	cubeTable = makeTable()
)

// makeEdges returns the twelve edges, four along each axis.
func makeEdges() (edges [12]cubeEdge) {
	n := 0
	for axis := range 3 {
		for c := range 8 {
			if c>>axis&1 == 0 {
				edges[n] = cubeEdge{[3]int{c & 1, c >> 1 & 1, c >> 2}, axis}
				n++
			}
		}
	}
	return edges
}

// edgeBetween returns the edge between two corners that differ in one bit.
func edgeBetween(a, b int) int {
	lo, axis := min(a, b), int(math.Log2(float64(a^b)))
	for n, e := range cubeEdges {
		if e.axis == axis && e.at == [3]int{lo & 1, lo >> 1 & 1, lo >> 2} {
			return n
		}
	}
	panic("imaging: edgeBetween: corners are not neighbours")
}

// makeTable returns the triangles, as edges, of the 256 cases: bit c of the
// case tells whether corner c, at (c&1, c>>1&1, c>>2), is inside.
func makeTable() (table [256][][3]uint8) {
	for cube := range table {
		// next[e] is the edge to which the border leads from edge e, keeping the
		// inside on the left as seen from outside the cube.
		var next [12]int
		for e := range next {
			next[e] = -1
		}
		for axis := range 3 {
			for side := range 2 {
				u, w := (axis+1)%3, (axis+2)%3
				// Corners counter-clockwise as seen from outside.
				base := side << axis
				ring := [4]int{base, base | 1<<u, base | 1<<u | 1<<w, base | 1<<w}
				if side == 0 {
					ring[1], ring[3] = ring[3], ring[1]
				}
				in := func(n int) bool { return cube>>ring[n&3]&1 == 1 }
				for n := range 4 {
					if in(n) || !in(n+1) {
						continue
					}
					// The run of inside corners that begins at n+1 ends before m: a
					// segment leads round it. Each run has its own, so diagonal corners
					// are kept apart.
					m := n + 1
					for in(m + 1) {
						m++
					}
					enter := edgeBetween(ring[n&3], ring[(n+1)&3])
					leave := edgeBetween(ring[m&3], ring[(m+1)&3])
					next[enter] = leave
				}
			}
		}
		for e := range next {
			if next[e] < 0 {
				continue
			}
			var loop []int
			for at := e; next[at] >= 0; {
				loop = append(loop, at)
				at, next[at] = next[at], -1
			}
			table[cube] = append(table[cube], fan(loop, bits.OnesCount(uint(cube)) <= 4)...)
		}
	}
	return table
}

// fan cuts a loop of edges into triangles that share one of its points: the
// one from which the fewest cuts run within a face of the cube, where a
// neighbour could make the same cut; and of these the one that is convex as
// seen from the fewer corners: the largest volume if few of the corners are
// inside, the smallest otherwise, so that a case and its complement are cut
// alike. The published tables cut so too: it is what gives the consensus
// volumes and areas of the IBSI phantoms, digital and CT.
func fan(loop []int, few bool) [][3]uint8 {
	n := len(loop)
	var best [][3]uint8
	fewest, most := math.MaxInt, math.Inf(-1)
	for start := range n {
		bad := 0
		var cut [][3]uint8
		var volume float64
		for m := 1; m < n-1; m++ {
			a, b, c := loop[start], loop[(start+m)%n], loop[(start+m+1)%n]
			if m > 1 && sameFace(a, b) {
				bad++
			}
			cut = append(cut, [3]uint8{uint8(a), uint8(b), uint8(c)})
			volume += r3.Dot(middle(a), r3.Cross(middle(b), middle(c)))
		}
		if !few {
			volume = -volume
		}
		if bad < fewest || bad == fewest && volume > most+1e-9 {
			best, fewest, most = cut, bad, volume
		}
	}
	return best
}

// middle returns the middle of an edge as seen from the middle of the cube.
func middle(e int) r3.Vec {
	c := cubeEdges[e]
	p := [3]float64{float64(c.at[0]) - 0.5, float64(c.at[1]) - 0.5, float64(c.at[2]) - 0.5}
	p[c.axis] += 0.5
	return r3.Vec{X: p[0], Y: p[1], Z: p[2]}
}

// sameFace tells whether two edges lie on one face of the cube.
func sameFace(e, f int) bool {
	for axis := range 3 {
		a, b := cubeEdges[e], cubeEdges[f]
		if a.axis != axis && b.axis != axis && a.at[axis] == b.at[axis] {
			return true
		}
	}
	return false
}
