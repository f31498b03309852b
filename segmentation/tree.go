package segmentation

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

const (
	leastBranch = 3.0 // mm beyond the border of its mother below which a branch is a spur
	coverShare  = 1.5 // of the depth of a path, within which voxels belong to it, …
	coverMargin = 1.0 // … with this margin, mm
	coreShare   = 0.5 // of the depth of a path, within which another one joins it
	heading     = 5.0 // mm over which the direction of a branch is taken
)

// limb is a way through the lumen from the limb that it leaves, or from the root,
// to a tip.
type limb struct {
	nodes    []int32 // from the tip of the mother's path on, the branch point first
	mother   int     // index of a limb; −1 for the root
	at       int     // index of the branch point in the nodes of the mother
	children []int
}

// limbs returns the tree of minimal paths from root: the path to the farthest
// voxel, then again and again the path from the farthest voxel that no path
// comes near to (TEASAR, Sato et al., Pacific Graphics 2000), unless it is a
// spur. A path ends where it comes into the core of an earlier one, since side by
// side in a wide lumen both would go on to the root. It returns how many spurs it
// left out. A loop is opened where the ways around it meet; a hole is passed by.
func (g *graph) limbs(root int) (limbs []limb, spurs int) {
	_, from := g.search(root, func(n int32) float64 { return 1 / (g.depth[n] * g.depth[n]) })
	reach, _ := g.search(root, func(int32) float64 { return 1 })
	order := make([]int32, 0, len(g.voxels)) // by falling reach
	for n := range g.voxels {
		if !math.IsInf(reach[n], 1) {
			order = append(order, int32(n))
		}
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(cmp.Compare(reach[b], reach[a]), cmp.Compare(a, b)) })
	owner, place, away := make([]int32, len(g.voxels)), make([]int32, len(g.voxels)), make([]float32, len(g.voxels))
	for n := range owner {
		owner[n], away[n] = -1, float32(math.Inf(1))
	}
	covered := make([]bool, len(g.voxels))
	for _, tip := range order {
		if covered[tip] {
			continue
		}
		path := []int32{tip}
		length := 0.0
		last := tip
		for owner[last] < 0 && from[last] >= 0 {
			length += g.distance(last, from[last])
			last = from[last]
			path = append(path, last)
		}
		x := limb{mother: int(owner[last]), at: int(place[last])}
		if x.mother >= 0 {
			foot := limbs[x.mother].nodes[x.at]
			length += g.distance(last, foot)
			path = append(path[:len(path)-1], foot)
		}
		slices.Reverse(path)
		x.nodes = path
		g.cover(covered, path)
		if x.mother >= 0 {
			if length-g.depth[path[0]] < leastBranch {
				spurs++
				continue
			}
			x.at = min(max(x.at, 1), len(limbs[x.mother].nodes)-2) // an end does not divide
			limbs[x.mother].children = append(limbs[x.mother].children, len(limbs))
		}
		for i, c := range path {
			g.near(c, coreShare*g.depth[c], func(n int32, d float64) {
				if float32(d) < away[n] {
					owner[n], place[n], away[n] = int32(len(limbs)), int32(i), float32(d)
				}
			})
		}
		limbs = append(limbs, x)
	}
	return limbs, spurs
}

// point returns the position of node n, LPS mm.
func (g *graph) point(n int32) r3.Vec { return g.grid.Point(coordinates(g.grid, g.voxels[n])) }

func (g *graph) distance(a, b int32) float64 { return r3.Norm(r3.Sub(g.point(a), g.point(b))) }

// cover marks the voxels near a path.
func (g *graph) cover(covered []bool, path []int32) {
	for _, c := range path {
		g.near(c, coverShare*g.depth[c]+coverMargin, func(n int32, _ float64) { covered[n] = true })
	}
}

// near calls f with the nodes within radius mm of node c, and their distance.
func (g *graph) near(c int32, radius float64, f func(n int32, d float64)) {
	i, j, k := g.grid.Coords(g.voxels[c])
	ball(g.grid, [3]int{i, j, k}, radius, func(o int, d float64) {
		if n := g.node[o]; n >= 0 {
			f(n, d)
		}
	})
}

// root returns the tip that is the ostium by its width: the limb's end with the
// largest mean depth over ten millimetres from the tip.
func (g *graph) root(limbs []limb) (tip int, width float64) {
	for n := range limbs {
		ends := [][]int32{backwards(limbs[n].nodes)}
		if limbs[n].mother < 0 {
			ends = append(ends, limbs[n].nodes)
		}
		for _, path := range ends {
			if w := g.width(path, 1, 10); w > width {
				tip, width = int(path[0]), w
			}
		}
	}
	return tip, width
}

func backwards(path []int32) []int32 {
	out := slices.Clone(path)
	slices.Reverse(out)
	return out
}

// width returns the mean depth of path between two lengths from its start, mm.
func (g *graph) width(path []int32, from, to float64) float64 {
	sum, n, s := 0.0, 0, 0.0
	for i, c := range path {
		if i > 0 {
			s += g.distance(path[i-1], c)
		}
		if s > to {
			break
		}
		if s >= from || i == len(path)-1 && n == 0 {
			sum += g.depth[c]
			n++
		}
	}
	return sum / float64(max(n, 1))
}

// length returns the length of path, mm.
func (g *graph) length(path []int32) float64 {
	s := 0.0
	for i := 1; i < len(path); i++ {
		s += g.distance(path[i-1], path[i])
	}
	return s
}

// stems returns the same tree with every limb going on, at each branch point, in
// the daughter that has the most vessel before her in the direction it came
// from: the largest ½(1 + cos θ)·∫r ds over the ways to a tip.
func (g *graph) stems(limbs []limb) []limb {
	// Cut all limbs at the branch points, so that edges can be joined anew.
	type edge struct {
		nodes []int32
		next  []int
		best  float64 // ∫r ds to the best tip
	}
	var edges []edge
	var cut func(l, from int) int
	cut = func(l, from int) int {
		x := &limbs[l]
		to := len(x.nodes) - 1
		for _, c := range x.children {
			if at := limbs[c].at; at > from && at < to {
				to = at
			}
		}
		e := len(edges)
		edges = append(edges, edge{nodes: x.nodes[from : to+1]})
		if to < len(x.nodes)-1 {
			next := []int{cut(l, to)}
			for _, c := range x.children {
				if limbs[c].at == to {
					next = append(next, cut(c, 0))
				}
			}
			edges[e].next = next
		}
		return e
	}
	cut(0, 0)
	for e := len(edges) - 1; e >= 0; e-- { // daughters come after their mother
		for i, n := range edges[e].nodes[1:] {
			edges[e].best += g.depth[n] * g.distance(edges[e].nodes[i], n)
		}
		most := 0.0
		for _, d := range edges[e].next {
			most = max(most, edges[d].best)
		}
		edges[e].best += most
	}
	var out []limb
	var grow func(e, mother, at int)
	grow = func(e, mother, at int) {
		me := len(out)
		out = append(out, limb{mother: mother, at: at})
		if mother >= 0 {
			out[mother].children = append(out[mother].children, me)
		}
		nodes := slices.Clone(edges[e].nodes)
		type side struct{ edge, at int }
		var sides []side
		for len(edges[e].next) > 0 {
			came := g.heading(backwards(nodes), g.depth[nodes[len(nodes)-1]])
			best, most := 0, -1.0
			for _, d := range edges[e].next {
				turn := -r3.Dot(came, g.heading(edges[d].nodes, g.depth[edges[d].nodes[0]]))
				if w := (1 + turn) / 2 * edges[d].best; w > most {
					best, most = d, w
				}
			}
			for _, d := range edges[e].next {
				if d != best {
					sides = append(sides, side{d, len(nodes) - 1})
				}
			}
			nodes = append(nodes, edges[best].nodes[1:]...)
			e = best
		}
		out[me].nodes = nodes
		for _, s := range sides {
			grow(s.edge, me, s.at)
		}
	}
	grow(0, -1, 0)
	return out
}

// heading returns the direction of path from its node after skip mm over the
// next five.
func (g *graph) heading(path []int32, skip float64) r3.Vec {
	s, first := 0.0, path[0]
	last := path[len(path)-1]
	for i := 1; i < len(path); i++ {
		s += g.distance(path[i-1], path[i])
		if s <= skip {
			first = path[i]
		}
		if s >= skip+heading {
			last = path[i]
			break
		}
	}
	d := r3.Sub(g.point(last), g.point(first))
	if !(r3.Norm(d) > 0) {
		return r3.Vec{}
	}
	return r3.Unit(d)
}

// owners gives every voxel of grid, which is cut from the same CT as that of g,
// to the limb in which it lies deepest, up to wall mm outside the lumen; −1
// beyond.
func (g *graph) owners(limbs []limb, grid *imaging.Grid, wall float64) []int32 {
	owner, best := make([]int32, grid.Len()), make([]float32, grid.Len())
	for n := range owner {
		owner[n], best[n] = -1, float32(math.Inf(-1))
	}
	for l := range limbs {
		g.deepest(&limbs[l], grid, wall, best, func(o int) { owner[o] = int32(l) })
	}
	return owner
}

// deepest calls take with the voxels of grid that lie deeper in x than best says,
// which it updates: by the largest R − d over the nodes, where R is the depth of
// the node and d the distance from it. The part of a limb inside its mother, at
// its branch point, takes nothing.
func (g *graph) deepest(x *limb, grid *imaging.Grid, wall float64, best []float32, take func(o int)) {
	for _, c := range g.free(x) {
		r := g.depth[c]
		i, j, k := grid.Index(g.point(c))
		ball(grid, [3]int{int(math.Round(i)), int(math.Round(j)), int(math.Round(k))}, r+wall, func(o int, d float64) {
			if in := float32(r - d); in > best[o] {
				best[o] = in
				take(o)
			}
		})
	}
}

// free returns the nodes of x outside its mother.
func (g *graph) free(x *limb) []int32 {
	first := 0
	if x.mother >= 0 {
		inside := g.depth[x.nodes[0]]
		for first < len(x.nodes)-1 && g.distance(x.nodes[0], x.nodes[first]) < inside {
			first++
		}
	}
	return x.nodes[first:]
}

// ball calls f with the voxels of g within radius mm of voxel c, and their
// distance.
func ball(g *imaging.Grid, c [3]int, radius float64, f func(o int, d float64)) {
	var lo, hi [3]int
	for a, s := range g.Spacing {
		r := int(radius / s)
		lo[a], hi[a] = max(c[a]-r, 0), min(c[a]+r, g.Size[a]-1)
	}
	for k := lo[2]; k <= hi[2]; k++ {
		for j := lo[1]; j <= hi[1]; j++ {
			dy, dz := float64(j-c[1])*g.Spacing[1], float64(k-c[2])*g.Spacing[2]
			row := g.Offset(0, j, k)
			for i := lo[0]; i <= hi[0]; i++ {
				dx := float64(i-c[0]) * g.Spacing[0]
				if d := dx*dx + dy*dy + dz*dz; d <= radius*radius {
					f(row+i, math.Sqrt(d))
				}
			}
		}
	}
}
