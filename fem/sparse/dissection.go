package sparse

import "slices"

// front is a node of the elimination tree: the unknowns of a separator, which
// are eliminated together once those of its children are gone.
type front struct {
	own      []int32 // nodes that are eliminated here
	start    int     // place of the first of them in the order of elimination
	boundary []int32 // places of later nodes that they are coupled with by then, increasing
	children []int
	depth    int
	l        []float64 // columns of L, (own + boundary) × own unknowns, row by row; D on the diagonal
	update   []float64 // what is left for the boundary, until the parent takes it
}

// leafNodes is the number of nodes below which a part of the graph is not cut.
const leafNodes = 24

// dissect orders the nodes of a matrix by nested dissection (George, SIAM J Numer
// Anal 10 (1973) 345): a level of a breadth-first search that halves the graph is
// eliminated last, the halves before it, likewise. Fronts come children first.
func dissect(m *BSR) []front {
	d := &dissection{m: m, part: make([]int32, m.Blocks()), level: make([]int32, m.Blocks())}
	all := make([]int32, m.Blocks())
	for n := range all {
		all[n] = int32(n)
	}
	if len(all) > 0 {
		d.cut(all, 0)
	}
	place := make([]int32, m.Blocks())
	next := 0
	for t := range d.fronts {
		f := &d.fronts[t]
		f.start = next
		for _, n := range f.own {
			place[n] = int32(next)
			next++
		}
	}
	for t := range d.fronts {
		f := &d.fronts[t]
		end := int32(f.start + len(f.own))
		for _, n := range f.own {
			for _, b := range m.Col[m.Ptr[n]:m.Ptr[n+1]] {
				if p := place[b]; p >= end {
					f.boundary = append(f.boundary, p)
				}
			}
		}
		for _, c := range f.children {
			for _, p := range d.fronts[c].boundary {
				if p >= end {
					f.boundary = append(f.boundary, p)
				}
			}
		}
		slices.Sort(f.boundary)
		f.boundary = slices.Compact(f.boundary)
	}
	return d.fronts
}

type dissection struct {
	m      *BSR
	part   []int32 // mark of the nodes that are being cut
	marks  int32
	level  []int32
	fronts []front
}

// cut appends the fronts of the given nodes and returns the number of the last.
func (d *dissection) cut(nodes []int32, depth int) int {
	if len(nodes) > leafNodes {
		if a, b, sep := d.halve(nodes); len(a) > 0 && len(b) > 0 {
			children := []int{d.cut(a, depth+1), d.cut(b, depth+1)}
			d.fronts = append(d.fronts, front{own: sep, children: children, depth: depth})
			return len(d.fronts) - 1
		}
	}
	d.fronts = append(d.fronts, front{own: nodes, depth: depth})
	return len(d.fronts) - 1
}

// halve splits nodes in two parts that no entry of the matrix couples, and what
// separates them.
func (d *dissection) halve(nodes []int32) (a, b, sep []int32) {
	d.marks++
	for _, n := range nodes {
		d.part[n] = d.marks
	}
	order := d.search(nodes[0])
	if len(order) < len(nodes) {
		// Not connected: the parts need no separator.
		for _, n := range order {
			d.part[n] = 0
		}
		for _, n := range nodes {
			if d.part[n] == d.marks {
				b = append(b, n)
			}
		}
		return order, b, nil
	}
	// From the far end, twice, the levels get many and small.
	for range 2 {
		for _, n := range order {
			d.part[n] = d.marks
		}
		order = d.search(order[len(order)-1])
	}
	last := d.level[order[len(order)-1]]
	count := make([]int, last+1)
	for _, n := range order {
		count[d.level[n]]++
	}
	// The smallest level that leaves at least a third on either side, else the middle.
	best, before := int32(-1), 0
	for l, c := range count {
		after := len(order) - before - c
		if 3*before >= len(order)-c && 3*after >= len(order)-c && (best < 0 || c < count[best]) {
			best = int32(l)
		}
		before += c
	}
	if best < 0 {
		best = d.level[order[len(order)/2]]
	}
	for _, n := range order {
		switch l := d.level[n]; {
		case l < best:
			a = append(a, n)
		case l > best:
			b = append(b, n)
		default:
			sep = append(sep, n)
		}
	}
	return a, b, sep
}

// search returns the marked nodes that are connected with n, by distance, and
// stores that in level. It takes their marks away.
func (d *dissection) search(n int32) []int32 {
	order := []int32{n}
	d.part[n], d.level[n] = 0, 0
	for at := 0; at < len(order); at++ {
		n := order[at]
		for _, b := range d.m.Col[d.m.Ptr[n]:d.m.Ptr[n+1]] {
			if d.part[b] == d.marks {
				d.part[b], d.level[b] = 0, d.level[n]+1
				order = append(order, b)
			}
		}
	}
	return order
}
