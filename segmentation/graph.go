package segmentation

import (
	"container/heap"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// graph joins the voxels of a mask with their 26 neighbours.
type graph struct {
	grid   *imaging.Grid
	voxels []int     // offsets in the grid, rising
	depth  []float64 // distance from the border, mm, of each voxel
	node   []int32   // of each voxel of the grid, −1 outside
	hop    [27]float64
}

func newGraph(m *imaging.Mask, inside *field) *graph {
	g := &graph{grid: &m.Grid, node: make([]int32, len(m.In))}
	for o, in := range m.In {
		g.node[o] = -1
		if in {
			g.node[o] = int32(len(g.voxels))
			g.voxels = append(g.voxels, o)
			g.depth = append(g.depth, max(1e-3, -inside.at(m.Point(coordinates(&m.Grid, o)))))
		}
	}
	for d := range g.hop {
		g.hop[d] = r3.Norm(r3.Sub(m.Point(float64(d%3-1), float64(d/3%3-1), float64(d/9-1)), m.Point(0, 0, 0)))
	}
	return g
}

// search returns the least cost from node start to all nodes, and the way back.
// cost weighs a hop to a node; a hop of length h to node n costs h·cost(n).
func (g *graph) search(start int, cost func(n int32) float64) (dist []float64, from []int32) {
	dist, from = make([]float64, len(g.voxels)), make([]int32, len(g.voxels))
	for n := range dist {
		dist[n], from[n] = math.Inf(1), -1
	}
	dist[start] = 0
	q := &queue{{0, int32(start)}}
	for q.Len() > 0 {
		x := heap.Pop(q).(entry)
		if x.dist > dist[x.node] {
			continue
		}
		i, j, k := g.grid.Coords(g.voxels[x.node])
		for d, h := range g.hop {
			a, b, c := i+d%3-1, j+d/3%3-1, k+d/9-1
			if d == 13 || !g.grid.Inside(a, b, c) {
				continue
			}
			n := g.node[g.grid.Offset(a, b, c)]
			if n < 0 {
				continue
			}
			if t := x.dist + h*cost(n); t < dist[n] {
				dist[n], from[n] = t, x.node
				heap.Push(q, entry{t, n})
			}
		}
	}
	return dist, from
}

// farthest returns the node with the longest way from start inside the mask.
func (g *graph) farthest(start int) int {
	dist, _ := g.search(start, func(int32) float64 { return 1 })
	best := start
	for n, d := range dist {
		if !math.IsInf(d, 1) && d > dist[best] {
			best = n
		}
	}
	return best
}

// path returns the nodes of the cheapest way from a to b, where a hop costs its
// length divided by the square of the depth.
func (g *graph) path(a, b int) []int32 {
	_, from := g.search(b, func(n int32) float64 { return 1 / (g.depth[n] * g.depth[n]) })
	path := []int32{int32(a)}
	for n := from[a]; n >= 0; n = from[n] {
		path = append(path, n)
	}
	return path
}

// entry and queue are a heap of nodes by cost; equal costs go by number, so that
// the path is always the same.
type entry struct {
	dist float64
	node int32
}

type queue []entry

func (q queue) Len() int { return len(q) }
func (q queue) Less(a, b int) bool {
	return q[a].dist < q[b].dist || q[a].dist == q[b].dist && q[a].node < q[b].node
}
func (q queue) Swap(a, b int) { q[a], q[b] = q[b], q[a] }
func (q *queue) Push(x any)   { *q = append(*q, x.(entry)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
