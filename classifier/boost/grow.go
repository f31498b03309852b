package boost

import (
	"context"
	"math"
	"math/bits"
	"slices"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// grower grows trees on one table. All scratch is its own.
type grower struct {
	*table
	cfg       *Config
	ctx       context.Context
	threads   bool     // whether one tree may use several goroutines
	direction []int    // monotone constraint of each feature
	bound     bool     // whether there is any
	together  []bitset // interaction groups of each feature; nil: no constraint

	// Of the present tree.
	rule    rule
	tree    Tree
	rows    []int32 // of the tree, partitioned by node
	spare   []int32
	right   []bool  // side of each row, while the exact grower partitions
	fine    []cell  // derivatives of each row in small units: what leaves are made of
	fineG   float64 // units of fine
	fineH   float64
	passes  [][]packed // derivatives as histograms add them: packed, or g, h and ones in turn
	isPlain bool       // passes are plain, and histograms wide
	chunk   int        // rows after which packed sums must be spilled
	small   bool       // histograms are packed
	gather  [][]packed // of the rows of the present node
	lists   [][]int32  // rows by value, of the exact grower, by column
	free    []*histogram
	key     []uint64 // of the tree's draws
	columns bitset   // of the tree
	direct  bool     // nodes see few columns: histograms are not subtracted
	leaves  []leafRange
	best    [][2]split // of each group of columns, for a node and its sibling
}

// leafRange is a leaf, its rows and what its value must lie between.
type leafRange struct {
	at     int32
	lo, hi int
	in     bounds
}

// node is a leaf that may yet be split.
type node struct {
	at      int32 // place in the tree
	lo, hi  int   // rows
	depth   int
	path    uint64 // from the root: 1, then a bit for each turn
	sum     cell
	hist    *histogram
	in      bounds
	groups  bitset // that all columns above share
	columns bitset
	best    split
}

func newGrower(ctx context.Context, t *table, cfg *Config, direction []int, groups []bitset, threads bool) *grower {
	g := &grower{table: t, cfg: cfg, ctx: ctx, threads: threads, direction: direction, together: groups}
	g.bound = slices.ContainsFunc(direction, func(d int) bool { return d != 0 })
	g.spare = make([]int32, t.rows)
	g.fine = make([]cell, t.rows)
	g.rows = make([]int32, 0, t.rows)
	g.direct = cfg.LevelFraction*cfg.NodeFraction < 0.5
	if cfg.Grower == Exact {
		g.right = make([]bool, t.rows)
		g.lists = make([][]int32, len(t.cols))
		for c := range t.cols {
			g.lists[c] = make([]int32, 0, t.rows)
		}
	}
	return g
}

// derivatives of all rows: the loss's own, without weights.
type derivatives struct{ g, h []float64 }

// grow returns a tree on rows with their weights. key starts its draws;
// columns, if not nil, are the only ones it may use.
func (g *grower) grow(d derivatives, rows []int32, weight []float64, key []uint64, columns bitset) Tree {
	g.tree = Tree{}
	g.leaves = g.leaves[:0]
	g.key = key
	g.rows = append(g.rows[:0], rows...)
	sum := g.quantise(d, weight)
	if g.lists != nil {
		g.fillLists()
	}
	g.columns = columns
	if columns == nil {
		g.columns = g.sample(newBitset(len(g.cols), true), g.cfg.TreeFraction, forColumns, 0)
	}
	root := &node{hi: len(g.rows), path: 1, sum: sum, in: unbound, columns: g.columns}
	root.in.bound = g.bound
	if g.together != nil {
		root.groups = newBitset(len(g.together[0])*64, true)
	}
	g.tree.Nodes = append(g.tree.Nodes, Node{Feature: -1, Set: -1})
	open := []*node{root}
	if g.splittable(root) {
		g.restrict(root)
		g.findRoot(root)
	}
	leaves := 1
	for len(open) > 0 {
		n := g.next(&open)
		if n.best.col < 0 || (g.cfg.MaxLeaves > 0 && leaves == g.cfg.MaxLeaves) {
			g.release(n)
			g.leaves = append(g.leaves, leafRange{n.at, n.lo, n.hi, n.in})
			continue
		}
		leaves++
		final := g.cfg.MaxLeaves > 0 && leaves == g.cfg.MaxLeaves
		l, r := g.split(n, final)
		open = append(open, r, l)
	}
	g.finish()
	return g.tree
}

// next takes a node out of open: the last one, or the one with the largest
// gain; of equal ones that which came first.
func (g *grower) next(open *[]*node) *node {
	nodes := *open
	pick := len(nodes) - 1
	if g.cfg.Growth == LeafFirst {
		for i, n := range nodes {
			if b := nodes[pick]; n.best.gain > b.best.gain || (n.best.gain == b.best.gain && n.at < b.at) {
				pick = i
			}
		}
	} else if g.cfg.MaxLeaves > 0 { // level by level, so that the limit cuts the deepest
		for i, n := range nodes {
			if b := nodes[pick]; n.depth < b.depth || (n.depth == b.depth && n.at < b.at) {
				pick = i
			}
		}
	}
	n := nodes[pick]
	*open = slices.Delete(nodes, pick, pick+1)
	return n
}

// bitsOf returns the exponent e with x ≤ 2ᵉ.
func bitsOf(x float64) int {
	f, e := math.Frexp(x)
	if f == 0.5 {
		e--
	}
	return e
}

// round returns x rounded to an integer, halves to even, for |x| < 2⁵¹. The
// inner conversion keeps a product that x may be from being fused with the sum.
func round(x float64) int64 {
	const magic = 3 << 51
	return int64(float64(float64(x)+magic) - magic)
}

// room is the binary logarithm of what packed sums may reach; one bit is left
// for roundings.
const room = 30

// quantise rounds the derivatives of the tree's rows to multiples of powers of
// two: coarse ones for histograms, such that packed sums over some thousand
// rows fit, and fine ones for leaves. The units depend on the largest
// derivatives and on the sum of weights alone. It returns the root's sum.
func (g *grower) quantise(d derivatives, weight []float64) cell {
	var total int64
	var maxG, maxH, heaviest float64
	for _, r := range g.rows {
		total += round(weight[r] * 0x1p20)
		maxG, maxH, heaviest = max(maxG, math.Abs(d.g[r])), max(maxH, d.h[r]), max(heaviest, weight[r])
	}
	mass := bitsOf(float64(total) * 0x1p-20)
	depth := min(max(room-mass, 17), room-1)
	if g.lists != nil {
		depth = min(60-mass, 45)
	}
	eg, eh := bitsOf(maxG), bitsOf(maxH)
	if maxG == 0 {
		eg = 0
	}
	if maxH == 0 {
		eh = 0
	}
	unitG, unitH := math.Ldexp(1, depth-eg), math.Ldexp(1, depth-eh)
	g.rule = newRule(g.cfg, unitG, unitH)
	fineBits := min(60-mass, 45)
	g.fineG, g.fineH = math.Ldexp(1, fineBits-eg), math.Ldexp(1, fineBits-eh)

	counted := g.cfg.MinChildRows > 1 || g.lists != nil // the exact grower counts anyway
	g.small = !counted && mass+depth <= room
	g.chunk = len(g.rows)
	if !g.small {
		g.chunk = int(math.Ldexp(1, room-depth) / max(1, heaviest))
	}
	g.isPlain = counted || (g.chunk < 512 && g.chunk < len(g.rows))
	if !counted {
		g.rule.minRows = 0 // a row has a second derivative of at least one unit, so minH does
	}
	passes := 1
	if g.isPlain {
		passes = 2
		if g.cfg.MinChildRows > 1 {
			passes = 3
		}
	}
	for len(g.passes) < passes {
		g.passes = append(g.passes, make([]packed, g.table.rows))
		g.gather = append(g.gather, make([]packed, g.table.rows))
	}
	g.passes, g.gather = g.passes[:passes], g.gather[:passes]

	var sum cell
	for _, r := range g.rows {
		w := weight[r]
		qg, qh := round(float64(d.g[r]*unitG)), max(1, round(float64(d.h[r]*unitH)))
		fg, fh := round(float64(d.g[r]*g.fineG)), max(1, round(float64(d.h[r]*g.fineH)))
		if w != 1 {
			qg, qh = round(float64(w*float64(qg))), max(1, round(float64(w*float64(qh))))
			fg, fh = round(float64(w*float64(fg))), max(1, round(float64(w*float64(fh))))
		}
		g.fine[r] = cell{fg, fh, 1}
		if g.isPlain {
			g.passes[0][r], g.passes[1][r] = packed(qg), packed(qh)
			if passes == 3 {
				g.passes[2][r] = 1
			}
		} else {
			g.passes[0][r] = pack(qg, qh)
		}
		sum.g += qg
		sum.h += qh
		sum.n++
	}
	return sum
}

// fillLists makes the exact grower's lists: the tree's rows by value.
func (g *grower) fillLists() {
	clear(g.right)
	for _, r := range g.rows {
		g.right[r] = true
	}
	g.each(len(g.cols), func(c int) {
		list := g.lists[c][:0]
		for _, r := range g.cols[c].sorted {
			if g.right[r] {
				list = append(list, r)
			}
		}
		g.lists[c] = list
	})
}

// each calls f for [0, n), in parallel if this grower may.
func (g *grower) each(n int, f func(i int)) {
	if g.threads {
		_ = par.For(g.ctx, n, f) // a cut loop is noticed by who asks for the tree
		return
	}
	for i := range n {
		f(i)
	}
}

// splittable tells whether a node could be split at all.
func (g *grower) splittable(n *node) bool {
	n.best.col = -1
	n.best.gain = g.rule.gamma
	rows := n.hi - n.lo
	return rows >= 2 && rows >= 2*g.cfg.MinChildRows && n.sum.h >= 2*g.rule.minH &&
		(g.cfg.MaxDepth == 0 || n.depth < g.cfg.MaxDepth) && n.depth < maxDepth
}

// restrict sets the columns that a node may be split on.
func (g *grower) restrict(n *node) {
	n.columns = g.columns
	if g.together != nil {
		n.columns = slices.Clone(n.columns)
		for c := range g.cols {
			if !n.groups.meets(g.together[g.cols[c].feature]) {
				n.columns.clear(c)
			}
		}
	}
	n.columns = g.sample(n.columns, g.cfg.LevelFraction, forLevel, uint64(n.depth))
	n.columns = g.sample(n.columns, g.cfg.NodeFraction, forNode, n.path)
}

// sample draws a share of columns, at least one of any.
func (g *grower) sample(from bitset, fraction float64, purpose, key uint64) bitset {
	if fraction == 1 {
		return from
	}
	var at []int
	var u, tie []uint64
	node := draw(draw(g.key...), purpose, key)
	for c := range g.cols {
		if from.has(c) {
			at = append(at, c)
			u = append(u, draw(node, g.cols[c].key))
			tie = append(tie, uint64(c))
		}
	}
	to := newBitset(len(g.cols), false)
	for _, i := range least(u, tie, share(len(at), fraction)) {
		to.set(at[i])
	}
	return to
}

// share returns the number of n that fraction stands for, at least one of any.
func share(n int, fraction float64) int {
	return min(n, max(1, int(math.Round(float64(fraction*float64(n))))))
}

// findRoot finds the best split of the root.
func (g *grower) findRoot(n *node) {
	if g.lists == nil {
		n.hist = g.take()
	}
	g.find(n, nil)
}

// split parts the rows of n and finds the best splits of its children. The
// histogram of the child with fewer rows is counted; that of the other is the
// difference from the parent's.
func (g *grower) split(n *node, final bool) (left, right *node) {
	b := &n.best
	col := &g.cols[b.col]
	at := int32(len(g.tree.Nodes))
	g.tree.Nodes = append(g.tree.Nodes, Node{Feature: -1, Set: -1}, Node{Feature: -1, Set: -1})
	t := &g.tree.Nodes[n.at]
	t.Feature, t.Left, t.MissingLeft, t.Gain, t.Threshold = col.feature, at, b.missingLeft, b.gain, b.threshold
	if b.categorical && b.set == (Set{}) {
		t.Threshold = math.MaxFloat64 // missing alone goes right, which a number says as well
	} else if b.categorical {
		t.Threshold, t.Set = 0, int32(len(g.tree.Sets))
		g.tree.Sets = append(g.tree.Sets, b.set)
	}
	k := n.lo + g.part(n, col)

	left = &node{at: at, lo: n.lo, hi: k, depth: n.depth + 1, path: n.path << 1, sum: b.left, in: n.in, groups: n.groups}
	right = &node{at: at + 1, lo: k, hi: n.hi, depth: n.depth + 1, path: n.path<<1 | 1, sum: n.sum.minus(b.left), in: n.in, groups: n.groups}
	if d := g.direction[col.feature]; d != 0 {
		// Values below the split stay on their side of the middle.
		mid := b.low/2 + b.high/2
		if d > 0 {
			left.in.high, right.in.low = mid, mid
		} else {
			left.in.low, right.in.high = mid, mid
		}
	}
	if g.together != nil {
		both := n.groups.and(g.together[col.feature])
		left.groups, right.groups = both, both
	}
	goLeft, goRight := g.splittable(left) && !final, g.splittable(right) && !final
	if goLeft {
		g.restrict(left)
	}
	if goRight {
		g.restrict(right)
	}
	small, large := left, right
	wantSmall, wantLarge := goLeft, goRight
	if right.hi-right.lo < left.hi-left.lo {
		small, large = right, left
		wantSmall, wantLarge = goRight, goLeft
	}
	switch {
	case g.lists != nil:
		if goLeft || goRight {
			g.partLists(n, k)
		}
		if goLeft {
			g.find(left, nil)
		}
		if goRight {
			g.find(right, nil)
		}
	case wantLarge && !g.direct:
		small.hist = g.take()
		large.hist, n.hist = n.hist, nil
		if !wantSmall {
			small.columns = nil
		}
		g.find(small, large)
		if !wantSmall {
			g.release(small)
		}
	default: // the parent's histogram helps nobody
		for _, c := range []struct {
			n    *node
			want bool
		}{{small, wantSmall}, {large, wantLarge}} {
			if c.want {
				c.n.hist = g.take()
				g.find(c.n, nil)
				if g.direct {
					g.release(c.n)
				}
			}
		}
	}
	g.release(n)
	return left, right
}

// part orders the rows of n so that those going left come first, keeping the
// order within both sides, and returns their number.
func (g *grower) part(n *node, col *binned) int {
	rows := g.rows[n.lo:n.hi]
	k := 0
	right := g.spare[:0]
	if g.lists != nil {
		t := Tree{Nodes: []Node{g.tree.Nodes[n.at]}, Sets: g.tree.Sets}
		x, left := g.x[col.feature], t.Nodes[0].Left
		for _, r := range rows {
			if t.Next(0, x[r]) == left {
				rows[k] = r
				k++
			} else {
				right = append(right, r)
			}
		}
		copy(rows[k:], right)
		return k
	}
	var goesRight [slots]bool
	for b := range col.bins {
		if n.best.categorical {
			goesRight[b] = n.best.set.Has(float64(b))
		} else {
			goesRight[b] = int32(b) > n.best.bin
		}
	}
	if col.missing {
		goesRight[col.bins] = !n.best.missingLeft
	}
	bins := g.bins[n.best.col]
	spare := g.spare[:len(rows)]
	j := 0
	for _, r := range rows {
		// Both sides are written and one counter moves: no branch to guess.
		rows[k], spare[j] = r, r
		var d int
		if goesRight[bins[r]] {
			d = 1
		}
		j += d
		k += 1 - d
	}
	copy(rows[k:], spare[:j])
	return k
}

// partLists parts the lists of the exact grower like the rows.
func (g *grower) partLists(n *node, k int) {
	for _, r := range g.rows[n.lo:k] {
		g.right[r] = false
	}
	for _, r := range g.rows[k:n.hi] {
		g.right[r] = true
	}
	g.each(len(g.cols), func(c int) {
		if !g.columns.has(c) {
			return
		}
		list := g.lists[c][n.lo:n.hi]
		other := make([]int32, 0, n.hi-k)
		j := 0
		for _, r := range list {
			if g.right[r] {
				other = append(other, r)
			} else {
				list[j] = r
				j++
			}
		}
		copy(list[j:], other)
	})
}

// find sets the best split of n, and of its sibling if one is given, whose
// histogram is then still that of the parent. A node without columns is not
// looked at.
func (g *grower) find(n, sibling *node) {
	if g.best == nil {
		g.best = make([][2]split, len(g.table.groups))
	}
	if g.lists == nil && n.hi-n.lo < g.table.rows {
		for p, pass := range g.passes {
			to := g.gather[p][:n.hi-n.lo]
			for i, r := range g.rows[n.lo:n.hi] {
				to[i] = pass[r]
			}
		}
	}
	pair := [2]*node{n, sibling}
	g.each(len(g.table.groups), func(i int) {
		s := scratches.Get().(*scratch)
		defer scratches.Put(s)
		gr := &g.table.groups[i]
		if g.lists == nil {
			g.count(n, sibling, gr, s)
		}
		for j, n := range pair {
			if n == nil || n.columns == nil {
				continue
			}
			best := &g.best[i][j]
			*best = split{col: -1, gain: g.rule.gamma, top: g.rule.score(n.sum) + g.rule.gamma/g.rule.toGain}
			for c := gr.first; c < gr.last; c++ {
				if n.columns.has(c) {
					g.search(n, c, s, best)
				}
			}
		}
	})
	for j, n := range pair {
		if n == nil || n.columns == nil {
			continue
		}
		for i := range g.best { // the first of equal ones: the smaller name
			if b := &g.best[i][j]; b.col >= 0 && (n.best.col < 0 || b.beats(&n.best)) {
				n.best = *b
			}
		}
		if n.best.col >= 0 && !n.best.categorical {
			n.best.threshold = g.threshold(&n.best)
		}
	}
}

// count fills the histograms of a group of columns for n, and turns those of
// the parent into the sibling's.
func (g *grower) count(n, sibling *node, gr *group, s *scratch) {
	var want [groupBlocks]uint8 // columns of each block, a bit for each
	seen := g.columns
	if g.direct {
		seen = n.columns
	}
	none := true
	for c := gr.first; c < gr.last; c++ {
		if seen.has(c) {
			want[(c-gr.first)/lanes] |= 1 << (c % lanes)
			none = false
		}
	}
	if none {
		return
	}
	h := n.hist
	lo, hi := g.offset[gr.first], g.offset[gr.last]
	if !g.small {
		clear(h.wide[lo:hi])
	}
	rows := n.hi - n.lo
	for p := range g.passes {
		chunk := rows
		if !g.isPlain {
			chunk = min(chunk, g.chunk)
		}
		for i := 0; i < rows; i += chunk {
			end := min(i+chunk, rows)
			for j := i; j < end; j += strip {
				for block := range gr.stride {
					if want[block] != 0 {
						g.add(&s.bundles[block], gr, block, want[block], n, p, j, min(j+strip, end))
					}
				}
			}
			for block := range gr.stride {
				for l := range lanes {
					from := &s.bundles[block][l]
					switch {
					case want[block]>>l&1 == 1:
						g.spill(h, gr.first+block*lanes+l, p, from)
					case want[block] != 0:
						clear(from[:])
					}
				}
			}
		}
	}
	if sibling == nil {
		return
	}
	if g.small {
		from := sibling.hist.packed[lo:hi]
		for i, v := range h.packed[lo:hi] {
			from[i] -= v
		}
		return
	}
	from, by := sibling.hist.wide[lo:hi], h.wide[lo:hi]
	for i := range from {
		v := &by[i]
		from[i].g -= v.g
		from[i].h -= v.h
		from[i].n -= v.n
	}
}

// add adds rows lo to hi of a node in one pass to the bundle of one block: all
// of its columns, or if few are wanted those.
func (g *grower) add(b *bundle, gr *group, block int, want uint8, n *node, pass, lo, hi int) {
	if n.hi-n.lo == g.table.rows { // all rows in their order
		b.addAll(gr.words, block, lo, g.passes[pass][lo:hi])
		return
	}
	rows, d := g.rows[n.lo+lo:n.lo+hi], g.gather[pass][lo:hi]
	if bits.OnesCount8(want) > 2 {
		b.addRows(gr.words, block, rows, d)
		return
	}
	for l := range lanes {
		if want>>l&1 == 1 {
			addLane(&b[l], gr.words, block, l, rows, d)
		}
	}
}

// spill moves the sums of a column from the bundle to the histogram.
func (g *grower) spill(h *histogram, c, pass int, from *[slots]packed) {
	lo, hi := g.offset[c], g.offset[c+1]
	if g.small {
		copy(h.packed[lo:hi], from[:hi-lo])
		clear(from[:hi-lo])
		return
	}
	to := h.wide[lo:hi]
	switch {
	case !g.isPlain:
		for i := range to {
			to[i].g += from[i].g()
			to[i].h += from[i].h()
		}
	case pass == 0:
		for i := range to {
			to[i].g += int64(from[i])
		}
	case pass == 1:
		for i := range to {
			to[i].h += int64(from[i])
		}
	default:
		for i := range to {
			to[i].n += int64(from[i])
		}
	}
	clear(from[:hi-lo])
}

// entries lists in s.entries the bins of column c that hold rows of n, and
// returns the sum of missing rows.
func (g *grower) entries(n *node, c int, s *scratch) (missing cell) {
	e := s.entries[:0]
	col := &g.cols[c]
	if g.lists != nil {
		list, x := g.lists[c][n.lo:n.hi], g.x[col.feature]
		for i := 0; i < len(list); {
			v := x[list[i]]
			if v != v {
				for _, r := range list[i:] {
					missing.g += int64(g.passes[0][r])
					missing.h += int64(g.passes[1][r])
					missing.n++
				}
				break
			}
			var sum cell
			from := int32(n.lo + i)
			for ; i < len(list) && x[list[i]] == v; i++ {
				r := list[i]
				sum.g += int64(g.passes[0][r])
				sum.h += int64(g.passes[1][r])
				sum.n++
			}
			at := int32(n.lo + i - 1)
			if col.categorical {
				at = int32(v)
			}
			e = append(e, entry{sum, from, at})
		}
		s.entries = e
		return missing
	}
	lo, hi := g.offset[c], g.offset[c+1]
	if cap(e) < slots {
		e = make([]entry, 0, slots)
	}
	e = e[:slots]
	k := 0
	if g.small {
		for b, v := range n.hist.packed[lo : lo+int32(col.bins)] {
			if v != 0 {
				e[k&(slots-1)] = entry{cell{v.g(), v.h(), 0}, int32(b), int32(b)}
				k++
			}
		}
		if col.missing {
			v := n.hist.packed[hi-1]
			missing = cell{v.g(), v.h(), 0}
		}
	} else {
		cells := n.hist.wide[lo : lo+int32(col.bins)]
		for b := range cells {
			if cells[b].h != 0 {
				e[k&(slots-1)] = entry{cells[b], int32(b), int32(b)}
				k++
			}
		}
		if col.missing {
			missing = n.hist.wide[hi-1]
		}
	}
	s.entries = e[:k]
	return missing
}

// take returns a histogram that is not in use.
func (g *grower) take() *histogram {
	size := int(g.offset[len(g.offset)-1])
	var h *histogram
	if k := len(g.free); k > 0 {
		h, g.free = g.free[k-1], g.free[:k-1]
	} else {
		h = new(histogram)
	}
	if g.small && h.packed == nil {
		h.packed = make([]packed, size)
	}
	if !g.small && h.wide == nil {
		h.wide = make([]cell, size)
	}
	return h
}

func (g *grower) release(n *node) {
	if n.hist != nil {
		g.free = append(g.free, n.hist)
		n.hist = nil
	}
}

// finish sets the values of the leaves, from fine sums, and the covers.
func (g *grower) finish() {
	fine := g.rule
	fine.unitG, fine.unitH = g.fineG, g.fineH
	sums := make([]cell, len(g.tree.Nodes))
	g.each(len(g.leaves), func(i int) {
		l := &g.leaves[i]
		var sum cell
		for _, r := range g.rows[l.lo:l.hi] {
			d := &g.fine[r]
			sum.g += d.g
			sum.h += d.h
		}
		sums[l.at] = sum
	})
	rate := g.cfg.LearningRate
	if g.cfg.Mode == Forest {
		rate = 1
	}
	for _, l := range g.leaves {
		g.tree.Nodes[l.at].Value = rate * fine.value(sums[l.at], l.in.low, l.in.high)
	}
	for n := len(sums) - 1; n >= 0; n-- { // children stand after their parents
		t := &g.tree.Nodes[n]
		if t.Feature >= 0 {
			l, r := sums[t.Left], sums[t.Left+1]
			sums[n] = cell{l.g + r.g, l.h + r.h, 0}
		}
		t.Cover = float64(sums[n].h) / g.fineH
	}
}
