package morphology

import (
	"math"
	"math/bits"
	"slices"
)

// triangle is a part of the surface within a cube of eight voxel centres, by
// its corners: in half voxels from the cube's first voxel, counter-clockwise
// from outside.
type triangle [3][3]int

// cubeCase is what one arrangement of voxels in a cube adds to the surface.
type cubeCase struct {
	// Six times the volume between the surface and the cube's first voxel, and
	// how it changes when that voxel moves: Σ a·(b×c) and Σ a×b + b×c + c×a over
	// the triangles, in half voxels.
	volume  int
	normal  [3]int
	classes []uint8 // the kind of each triangle: see cubeTable.areas
	sheared []uint8 // the same in cubeTable.shearedAreas
}

// cubeTable tells what each of the 256 arrangements adds: bit c of an
// arrangement tells whether corner c, at (c&1, c>>1&1, c>>2), is inside.
type cubeTable struct {
	cases [256]cubeCase
	// areas are the kinds of triangles: absolute values of the cross product of
	// two edges, in half voxels. Triangles of a kind have equal areas for any
	// spacing.
	areas [][3]int
	// shearedAreas tell kinds with equal areas for any axes: cross products but
	// for their direction.
	shearedAreas [][3]int
}

// The surfaces of IBSI and of PyRadiomics. Both follow marching cubes (Lorensen
// and Cline, SIGGRAPH 1987), and differ in two rules.
//
// On a face of a cube whose diagonals differ, IBSI's keeps the voxels inside
// apart. This depends on the face alone, so that neighbouring cubes always fit
// and the surface has no holes. PyRadiomics' table holds the arrangements
// without one corner, and takes the others as their complements, turned inside
// out: there the voxels outside are kept apart, and where two such cubes meet
// the surface can have a hole.
//
// Loops of more than three points must be cut into triangles, and the published
// tables differ in how: see [cut].
var (
	ibsiCubes  = makeCubes(false)
	pyradCubes = makeCubes(true)
)

// pyradCorner is the corner that no arrangement of PyRadiomics' table holds.
const pyradCorner = 6

// makeCubes returns the table of IBSI or that of PyRadiomics.
func makeCubes(pyradiomics bool) *cubeTable {
	t := &cubeTable{}
	for code := range 256 {
		of, flip := code, false
		if pyradiomics && code>>pyradCorner&1 == 1 {
			of, flip = 255-code, true
		}
		c := &t.cases[code]
		for _, loop := range cubeLoops(of) {
			for _, tri := range cut(loop, bits.OnesCount(uint(of)), pyradiomics) {
				if flip {
					tri[1], tri[2] = tri[2], tri[1]
				}
				ab, bc, ca := cross(tri[0], tri[1]), cross(tri[1], tri[2]), cross(tri[2], tri[0])
				c.volume += dot(tri[2], ab)
				var n, kind [3]int
				for a := range 3 {
					n[a] = ab[a] + bc[a] + ca[a]
					c.normal[a] += n[a]
					kind[a] = max(n[a], -n[a])
				}
				c.classes = append(c.classes, class(&t.areas, kind))
				if n[2] < 0 || n[2] == 0 && (n[1] < 0 || n[1] == 0 && n[0] < 0) {
					n = [3]int{-n[0], -n[1], -n[2]}
				}
				c.sheared = append(c.sheared, class(&t.shearedAreas, n))
			}
		}
	}
	return t
}

// class returns the number of a kind of triangles, which it adds if it is new.
func class(kinds *[][3]int, kind [3]int) uint8 {
	n := slices.Index(*kinds, kind)
	if n < 0 {
		n = len(*kinds)
		*kinds = append(*kinds, kind)
	}
	return uint8(n)
}

func cross(u, v [3]int) [3]int {
	return [3]int{u[1]*v[2] - u[2]*v[1], u[2]*v[0] - u[0]*v[2], u[0]*v[1] - u[1]*v[0]}
}

func dot(u, v [3]int) int { return u[0]*v[0] + u[1]*v[1] + u[2]*v[2] }

// cubeLoops returns the loops in which the surface crosses the edges of a cube,
// as the middles of these edges. Loops keep the inside on the left as seen from
// outside.
func cubeLoops(code int) [][][3]int {
	corner := func(c int) [3]int { return [3]int{2 * (c & 1), 2 * (c >> 1 & 1), 2 * (c >> 2)} }
	middle := func(a, b int) (m [3]int) {
		p, q := corner(a), corner(b)
		for i := range m {
			m[i] = (p[i] + q[i]) / 2
		}
		return m
	}
	next := map[[3]int][3]int{}
	for axis := range 3 {
		for side := range 2 {
			u, w := (axis+1)%3, (axis+2)%3
			// Corners counter-clockwise as seen from outside.
			base := side << axis
			ring := [4]int{base, base | 1<<u, base | 1<<u | 1<<w, base | 1<<w}
			if side == 0 {
				ring[1], ring[3] = ring[3], ring[1]
			}
			in := func(n int) bool { return code>>ring[n&3]&1 == 1 }
			for n := range 4 {
				if in(n) || !in(n+1) {
					continue
				}
				// The run of inside corners that begins at n+1 ends with m: a segment
				// leads round it. Each run has its own, so diagonal corners are kept
				// apart.
				m := n + 1
				for in(m + 1) {
					m++
				}
				next[middle(ring[n&3], ring[(n+1)&3])] = middle(ring[m&3], ring[(m+1)&3])
			}
		}
	}
	var loops [][][3]int
	for axis := range 3 { // edges in a fixed order
		for c := range 8 {
			if c>>axis&1 == 1 {
				continue
			}
			at := middle(c, c|1<<axis)
			var loop [][3]int
			for to, ok := next[at]; ok; to, ok = next[at] {
				loop = append(loop, at)
				delete(next, at)
				at = to
			}
			if loop != nil {
				loops = append(loops, loop)
			}
		}
	}
	return loops
}

// cut cuts a loop into triangles that share one of its points: the one from
// which the fewest cuts run within a face of the cube, where a neighbour could
// make the same cut; and of these the one that is convex as seen from the fewer
// corners: the largest volume if few of the corners are inside, the smallest
// otherwise, so that a case and its complement are cut alike. With four of
// eight corners inside, the surface of IBSI counts as few; that of PyRadiomics
// takes the side of neither and cuts where the volume is nearest to half of the
// cube's. These are the cuts of the published tables: they give the consensus
// values of IBSI's phantoms, digital and CT, and the areas and volumes that
// PyRadiomics returns for each single cube.
func cut(loop [][3]int, inside int, pyradiomics bool) []triangle {
	n := len(loop)
	var best []triangle
	fewest, least := math.MaxInt, math.MaxInt
	for start := range n {
		bad, volume := 0, 0
		var fan []triangle
		for m := 1; m < n-1; m++ {
			t := triangle{loop[start], loop[(start+m)%n], loop[(start+m+1)%n]}
			if m > 1 && sameFace(t[0], t[1]) {
				bad++
			}
			fan = append(fan, t)
			// As seen from the middle of the cube.
			var p [3][3]int
			for c := range t {
				for a := range 3 {
					p[c][a] = t[c][a] - 1
				}
			}
			volume += dot(p[0], cross(p[1], p[2]))
		}
		cost := volume
		switch {
		case inside == 4 && pyradiomics:
			cost = max(volume, -volume)
		case inside <= 4:
			cost = -volume
		}
		if bad < fewest || bad == fewest && cost < least {
			best, fewest, least = fan, bad, cost
		}
	}
	return best
}

// sameFace tells whether two middles of edges lie on one face of the cube.
func sameFace(p, q [3]int) bool {
	for a := range 3 {
		if p[a] == q[a] && p[a] != 1 {
			return true
		}
	}
	return false
}

// mesh returns the volume and the area of the surface. Only cubes that the
// surface crosses are looked at; what each adds to the volume is a whole number.
func (b *bitBox) mesh(t *cubeTable, f *frame) Solid {
	var counts [256]int
	volume := 0
	for k := range b.size[2] - 1 {
		for j := range b.size[1] - 1 {
			r0, r1, r2, r3 := b.row(j, k), b.row(j+1, k), b.row(j, k+1), b.row(j+1, k+1)
			var normal [2]int // Σ of the components along j and k
			for w := range r0 {
				a0, a1, a2, a3 := r0[w], r1[w], r2[w], r3[w]
				any, all := a0|a1|a2|a3, a0&a1&a2&a3
				mixed := (any | any>>1) &^ (all & (all >> 1)) & (1<<perWord - 1)
				for ; mixed != 0; mixed &= mixed - 1 {
					n := bits.TrailingZeros64(mixed)
					code := a0>>n&3 | a1>>n&3<<2 | a2>>n&3<<4 | a3>>n&3<<6
					counts[code]++
					c := &t.cases[code]
					volume += c.volume + 2*(w*perWord+n)*c.normal[0]
					normal[0] += c.normal[1]
					normal[1] += c.normal[2]
				}
			}
			volume += 2 * (j*normal[0] + k*normal[1])
		}
	}
	areas := t.areas
	if f.sheared {
		areas = t.shearedAreas
	}
	var kinds [256]int
	for code, n := range counts {
		if n == 0 {
			continue
		}
		classes := t.cases[code].classes
		if f.sheared {
			classes = t.cases[code].sheared
		}
		for _, kind := range classes {
			kinds[kind] += n
		}
	}
	var area float64
	for kind, n := range areas {
		if kinds[kind] != 0 {
			area += float64(kinds[kind]) * f.area([3]float64{float64(n[0]), float64(n[1]), float64(n[2])})
		}
	}
	// Half voxels: an eighth of the volume and a quarter of the area.
	return Solid{Volume: float64(volume) / 48 * f.volume(), Area: area / 8}
}
