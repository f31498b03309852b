package segmentation

import "math"

// flow finds a minimum cut by the two search trees of Boykov and Kolmogorov
// (IEEE TPAMI 26 (2004) 1124): one grows from the source, one from the sink,
// where they touch flow is pushed, and what loses its parent looks for another.
// Capacities are whole numbers, so that the cut is exact.
type flow struct {
	first []int32 // per node, its first arc; −1 without
	next  []int32 // per arc, the next of the same node
	head  []int32 // per arc, where it ends; arc a^1 runs back
	left  []int32 // per arc, what it can still carry
	ends  []int32 // per node, what the source can still give (> 0) or the sink take (< 0)

	tree   []int8  // 0 free, +1 of the source, −1 of the sink
	parent []int32 // arc from the node to its parent; see below
	stamp  []int32 // when dist was computed
	dist   []int32 // steps to the root
	time   int32

	active  []int32
	queued  []bool
	orphans []int32
}

// Parents that are no arcs.
const (
	root   int32 = -1 // source or sink itself
	orphan int32 = -2
	none   int32 = -3
)

// unbounded is a capacity that no cut crosses.
const unbounded = math.MaxInt32 / 4

func newFlow(nodes, arcs int) *flow {
	f := &flow{
		first: make([]int32, nodes), ends: make([]int32, nodes),
		next: make([]int32, 0, 2*arcs), head: make([]int32, 0, 2*arcs), left: make([]int32, 0, 2*arcs),
		tree: make([]int8, nodes), parent: make([]int32, nodes), stamp: make([]int32, nodes), dist: make([]int32, nodes),
		queued: make([]bool, nodes),
	}
	for n := range f.first {
		f.first[n] = -1
	}
	return f
}

// arc joins a to b with capacity there, and back.
func (f *flow) arc(a, b int, there, back int32) {
	n := int32(len(f.head))
	f.head = append(f.head, int32(b), int32(a))
	f.left = append(f.left, there, back)
	f.next = append(f.next, f.first[a], f.first[b])
	f.first[a], f.first[b] = n, n+1
}

// cut computes the minimum cut and tells which nodes stay with the source.
func (f *flow) cut() []bool {
	for n, e := range f.ends {
		f.parent[n] = none
		if e != 0 {
			f.tree[n], f.parent[n], f.dist[n] = 1, root, 1
			if e < 0 {
				f.tree[n] = -1
			}
			f.wake(int32(n))
		}
	}
	for at := 0; at < len(f.active); at++ {
		if at > 1<<20 { // keep the queue short
			f.active = append(f.active[:0], f.active[at:]...)
			at = 0
		}
		n := f.active[at]
		f.queued[n] = false
		for f.tree[n] != 0 {
			bridge := f.grow(n)
			if bridge < 0 {
				break
			}
			f.time++
			f.push(bridge)
			f.adopt()
		}
	}
	with := make([]bool, len(f.tree))
	for n, t := range f.tree {
		with[n] = t > 0
	}
	return with
}

func (f *flow) wake(n int32) {
	if !f.queued[n] {
		f.queued[n] = true
		f.active = append(f.active, n)
	}
}

// grow adds the free neighbours of n to its tree and returns an arc from the
// tree of the source to that of the sink, −1 if there is none at n.
func (f *flow) grow(n int32) int32 {
	t := f.tree[n]
	for a := f.first[n]; a >= 0; a = f.next[a] {
		carry := f.left[a]
		if t < 0 {
			carry = f.left[a^1]
		}
		if carry == 0 {
			continue
		}
		m := f.head[a]
		switch {
		case f.tree[m] == 0:
			f.tree[m], f.parent[m], f.stamp[m], f.dist[m] = t, a^1, f.stamp[n], f.dist[n]+1
			f.wake(m)
		case f.tree[m] != t:
			if t < 0 {
				return a ^ 1
			}
			return a
		case f.stamp[m] <= f.stamp[n] && f.dist[m] > f.dist[n]:
			f.parent[m], f.stamp[m], f.dist[m] = a^1, f.stamp[n], f.dist[n]+1
		}
	}
	return -1
}

// push sends what the path through bridge can carry; nodes whose arc to the
// parent is full become orphans.
func (f *flow) push(bridge int32) {
	least := f.left[bridge]
	s, t := f.head[bridge^1], f.head[bridge]
	n := s
	for ; f.parent[n] >= 0; n = f.head[f.parent[n]] {
		least = min(least, f.left[f.parent[n]^1])
	}
	least = min(least, f.ends[n])
	n = t
	for ; f.parent[n] >= 0; n = f.head[f.parent[n]] {
		least = min(least, f.left[f.parent[n]])
	}
	least = min(least, -f.ends[n])

	f.left[bridge] -= least
	f.left[bridge^1] += least
	lose := func(n int32) {
		f.parent[n] = orphan
		f.orphans = append(f.orphans, n)
	}
	for n = s; f.parent[n] >= 0; {
		a := f.parent[n]
		f.left[a] += least
		f.left[a^1] -= least
		up := f.head[a]
		if f.left[a^1] == 0 {
			lose(n)
		}
		n = up
	}
	if f.ends[n] -= least; f.ends[n] == 0 {
		lose(n)
	}
	for n = t; f.parent[n] >= 0; {
		a := f.parent[n]
		f.left[a] -= least
		f.left[a^1] += least
		up := f.head[a]
		if f.left[a] == 0 {
			lose(n)
		}
		n = up
	}
	if f.ends[n] += least; f.ends[n] == 0 {
		lose(n)
	}
}

// adopt finds a new parent for every orphan, or frees it and makes orphans of
// its children.
func (f *flow) adopt() {
	for len(f.orphans) > 0 {
		n := f.orphans[len(f.orphans)-1]
		f.orphans = f.orphans[:len(f.orphans)-1]
		t := f.tree[n]
		best, least := none, int32(math.MaxInt32)
		for a := f.first[n]; a >= 0; a = f.next[a] {
			carry := f.left[a^1]
			if t < 0 {
				carry = f.left[a]
			}
			m := f.head[a]
			if carry == 0 || f.tree[m] != t || f.parent[m] == none {
				continue
			}
			if d := f.origin(m); d < least {
				best, least = a, d
			}
		}
		if best != none {
			f.parent[n], f.stamp[n], f.dist[n] = best, f.time, least+1
			continue
		}
		for a := f.first[n]; a >= 0; a = f.next[a] {
			m := f.head[a]
			if f.tree[m] != t {
				continue
			}
			carry := f.left[a^1]
			if t < 0 {
				carry = f.left[a]
			}
			if carry > 0 {
				f.wake(m)
			}
			if p := f.parent[m]; p >= 0 && f.head[p] == n {
				f.parent[m] = orphan
				f.orphans = append(f.orphans, m)
			}
		}
		f.tree[n], f.parent[n] = 0, none
	}
}

// origin returns the number of steps from n to the root of its tree, MaxInt32 if
// the way ends at an orphan; it remembers what it learned.
func (f *flow) origin(n int32) int32 {
	var d int32
	m := n
	for {
		if f.stamp[m] == f.time {
			d += f.dist[m]
			break
		}
		p := f.parent[m]
		if p == root {
			f.stamp[m], f.dist[m] = f.time, 1
			d++
			break
		}
		if p < 0 {
			return math.MaxInt32
		}
		d++
		m = f.head[p]
	}
	for m, e := n, d; f.stamp[m] != f.time; m, e = f.head[f.parent[m]], e-1 {
		f.stamp[m], f.dist[m] = f.time, e
	}
	return d
}
