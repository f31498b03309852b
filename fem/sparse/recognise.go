package sparse

import (
	"slices"

	"gonum.org/v1/gonum/spatial/r3"
)

// FindLattice looks whether the bricks of a mesh form a [Lattice], whatever the
// order of nodes and cells in the file: corners lists eight nodes a brick, in the
// order of VTK. It returns the lattice, whose first axis is that of the shorter
// edges, and the lattice's number of each node, −1 for nodes of no brick; nil if
// the mesh is something else.
//
// From one brick it walks along each axis to the end, or around to where it
// began, and then visits the bricks row by row; every brick and every node must
// turn up in exactly one place.
func FindLattice(coords []r3.Vec, corners []int32) (*Lattice, []int32) {
	cells := len(corners) / 8
	if cells == 0 {
		return nil, nil
	}
	w := newWalker(len(coords), corners)
	start := arrangement{}
	for b, local := range vtkCorner {
		start.node[b] = corners[local]
	}
	var count [3]int
	var ring [3]bool
	var edge [3]float64 // mean length along the axis
	for axis := range 3 {
		var steps int
		var length float64
		for at, back := start, false; ; {
			length += r3.Norm(r3.Sub(coords[at.node[1<<axis]], coords[at.node[0]]))
			count[axis]++
			if count[axis] > cells {
				return nil, nil
			}
			next, ok := w.step(at, axis, back)
			switch {
			case ok && next.cell == start.cell:
				ring[axis] = true
			case ok:
				at = next
				steps++
				continue
			case !back: // at the upper end: go on below the first brick
				back = true
				if at, ok = w.step(start, axis, true); ok {
					steps++
					continue
				}
			}
			break
		}
		edge[axis] = length / float64(steps+1)
	}
	order, ok := axisOrder(ring, edge)
	if !ok || count[0]*count[1]*count[2] != cells {
		return nil, nil
	}
	// Back to the lower end of each open axis, then with the axes in their order.
	for axis := range 3 {
		for !ring[axis] {
			next, ok := w.step(start, axis, true)
			if !ok {
				break
			}
			start = next
		}
	}
	start = start.permuted(order)
	lat := &Lattice{Ring: ring[order[1]]}
	for axis, from := range order {
		lat.N[axis] = count[from] + 1
		if ring[from] {
			lat.N[axis]--
		}
	}
	if lat.check(lat.Len()) != nil {
		return nil, nil
	}
	place := w.place(lat, start, [3]int{count[order[0]], count[order[1]], count[order[2]]})
	if place == nil {
		return nil, nil
	}
	return lat, place
}

// axisOrder puts a ring second and the axis of the shorter edges first.
func axisOrder(ring [3]bool, edge [3]float64) (order [3]int, ok bool) {
	order = [3]int{0, 1, 2}
	slices.SortStableFunc(order[:], func(a, b int) int {
		switch {
		case edge[a] < edge[b]:
			return -1
		case edge[a] > edge[b]:
			return 1
		}
		return 0
	})
	at := slices.IndexFunc(order[:], func(a int) bool { return ring[a] })
	if at >= 0 {
		order[at], order[1] = order[1], order[at]
		if at != 1 && edge[order[0]] > edge[order[2]] {
			order[0], order[2] = order[2], order[0]
		}
	}
	return order, !ring[order[0]] && !ring[order[2]]
}

// vtkCorner is the number in VTK's order of the corner that lies b&1, b>>1&1 and
// b>>2 steps along the axes.
var vtkCorner = [8]int{0, 1, 3, 2, 4, 5, 7, 6}

// vtkEdges lists the corners at the other ends of the three edges of each corner.
var vtkEdges = [8][3]int{{1, 3, 4}, {0, 2, 5}, {1, 3, 6}, {2, 0, 7}, {5, 7, 0}, {4, 6, 1}, {5, 7, 2}, {6, 4, 3}}

// arrangement is a brick with its corners by their steps along the axes.
type arrangement struct {
	cell int32
	node [8]int32
}

// permuted returns the brick with axis n in the place of axis order[n].
func (a arrangement) permuted(order [3]int) arrangement {
	p := arrangement{cell: a.cell}
	for b := range p.node {
		var from int
		for axis, old := range order {
			from |= b >> axis & 1 << old
		}
		p.node[b] = a.node[from]
	}
	return p
}

// walker steps from brick to brick.
type walker struct {
	corners []int32
	start   []int32 // bricks of node n: around[start[n]:start[n+1]], increasing
	around  []int32
}

func newWalker(nodes int, corners []int32) *walker {
	w := &walker{corners: corners, start: make([]int32, nodes+1), around: make([]int32, len(corners))}
	for _, n := range corners {
		w.start[n+1]++
	}
	for n := range nodes {
		w.start[n+1] += w.start[n]
	}
	fill := slices.Clone(w.start[:nodes])
	for i, n := range corners {
		w.around[fill[n]] = int32(i / 8)
		fill[n]++
	}
	return w
}

// holds tells whether node n is a corner of brick e.
func (w *walker) holds(e, n int32) bool {
	return slices.Contains(w.corners[8*e:8*e+8], n)
}

// step returns the brick that shares the upper side of a along an axis, or the
// lower one.
func (w *walker) step(a arrangement, axis int, back bool) (arrangement, bool) {
	bit := 1 << axis
	near, far := bit, 0 // of a: the shared side and the other
	if back {
		near, far = 0, bit
	}
	var side [4]int32
	n := 0
	for b := range 8 {
		if b&bit == near {
			side[n] = a.node[b]
			n++
		}
	}
	next := arrangement{cell: -1}
	for _, e := range w.around[w.start[side[0]]:w.start[side[0]+1]] {
		if e != a.cell && w.holds(e, side[1]) && w.holds(e, side[2]) && w.holds(e, side[3]) {
			if next.cell >= 0 {
				return next, false // three bricks at one side
			}
			next.cell = e
		}
	}
	if next.cell < 0 {
		return next, false
	}
	cell := w.corners[8*next.cell : 8*next.cell+8]
	for b := range 8 {
		if b&bit != near {
			continue
		}
		n := a.node[b]
		next.node[b^near|far] = n
		other := int32(-1) // the corner away from the shared side
		for _, c := range vtkEdges[slices.Index(cell, n)] {
			if !slices.Contains(side[:], cell[c]) {
				other = cell[c]
			}
		}
		if other < 0 {
			return next, false
		}
		next.node[b] = other
	}
	return next, true
}

// place visits the bricks row by row and returns the lattice's number of each
// node, or nil if some brick or node is not where it should be.
func (w *walker) place(lat *Lattice, start arrangement, count [3]int) []int32 {
	place := make([]int32, len(w.start)-1)
	for n := range place {
		place[n] = -1
	}
	owner := make([]int32, lat.Len())
	for n := range owner {
		owner[n] = -1
	}
	seen := make([]bool, len(w.corners)/8)
	put := func(a arrangement, i, j, k int) bool {
		if seen[a.cell] {
			return false
		}
		seen[a.cell] = true
		for b, n := range a.node {
			at := lat.node(i+b&1, (j+b>>1&1)%lat.N[1], k+b>>2)
			if place[n] < 0 && owner[at] < 0 {
				place[n], owner[at] = int32(at), n
			} else if place[n] != int32(at) || owner[at] != n {
				return false
			}
		}
		return true
	}
	plane := start
	for k := range count[2] {
		row := plane
		for j := range count[1] {
			at := row
			for i := range count[0] {
				if !put(at, i, j, k) {
					return nil
				}
				if i+1 < count[0] {
					var ok bool
					if at, ok = w.step(at, 0, false); !ok {
						return nil
					}
				}
			}
			if j+1 < count[1] {
				var ok bool
				if row, ok = w.step(row, 1, false); !ok {
					return nil
				}
			}
		}
		if k+1 < count[2] {
			var ok bool
			if plane, ok = w.step(plane, 2, false); !ok {
				return nil
			}
		}
	}
	return place
}
