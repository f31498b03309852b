package boost

import (
	"math"
	"slices"
)

// entry is a distinct value of a column, or a bin of them, that occurs in a
// node, with the sums of its rows.
type entry struct {
	cell
	// The bin, or the category, twice; or the places of the first and the last
	// row in the exact grower's list.
	first, last int32
}

// split is a way to part the rows of a node.
type split struct {
	gain        float64
	top         float64 // score of both sides in units, of plain rules
	col         int32   // place among the columns of the table; −1: there is none
	bin, next   int32   // last of the left and first of the right of a numeric column; next −1: missing alone goes right
	categorical bool
	missingLeft bool
	set         Set // categories that go right
	threshold   float64
	left        cell
	low, high   float64 // values of the leaves, before shrinking; of constrained trees alone
}

// rule turns sums into values of leaves and gains of splits. Sums come
// in units: g is a multiple of 1/unitG, h of 1/unitH.
type rule struct {
	lambda, alpha, maxStep float64
	unitG, unitH           float64
	penalty                float64 // lambda in units of h
	toGain                 float64 // turns g²/h in units into a gain
	minH, minRows          int64
	gamma                  float64 // gain that a split must exceed
	plain                  bool    // no alpha, no limit of the step: gains need no values
}

// epsilon is the gain below which a split is noise of rounding.
const epsilon = 1e-6

func newRule(cfg *Config, unitG, unitH float64) rule {
	return rule{
		lambda: cfg.Lambda, alpha: cfg.Alpha, maxStep: cfg.maxStep(), unitG: unitG, unitH: unitH,
		penalty: cfg.Lambda * unitH, toGain: unitH / unitG / unitG,
		minH: max(1, int64(math.Ceil(cfg.MinChildWeight*unitH))), minRows: int64(cfg.MinChildRows),
		gamma: max(cfg.Gamma, epsilon), plain: cfg.Alpha == 0 && cfg.maxStep() == 0,
	}
}

// maxStep returns the limit of leaf values. That of counts is 0.7 unless it is
// set: without one, a leaf of zeros runs away (the choice of XGBoost).
func (c *Config) maxStep() float64 {
	if c.Objective == Poisson && c.MaxDeltaStep == 0 {
		return 0.7
	}
	return c.MaxDeltaStep
}

// value returns the value of a leaf before shrinking, formula C.30, kept
// within low and high.
func (r *rule) value(c cell, low, high float64) float64 {
	g, h := float64(c.g)/r.unitG, float64(c.h)/r.unitH
	switch {
	case g > r.alpha:
		g -= r.alpha
	case g < -r.alpha:
		g += r.alpha
	default:
		g = 0
	}
	var v float64
	if g != 0 {
		v = -g / (h + r.lambda)
	}
	if r.maxStep > 0 {
		v = min(max(v, -r.maxStep), r.maxStep)
	}
	return min(max(v, low), high)
}

// saved returns twice the loss that a leaf of value v saves.
func (r *rule) saved(c cell, v float64) float64 {
	g, h := float64(c.g)/r.unitG, float64(c.h)/r.unitH
	return -(float64(2*g*v) + float64((h+r.lambda)*v*v)) - float64(2*r.alpha*math.Abs(v))
}

// score returns C.31's term of one node, in units.
func (r *rule) score(c cell) float64 {
	g := float64(c.g)
	return float64(g*g) / (float64(c.h) + r.penalty)
}

// bounds are what a node's value must lie between, and how it must change with
// the column that is split: monotone constraints.
type bounds struct {
	low, high float64
	bound     bool // whether the tree has constraints at all
}

var unbound = bounds{low: math.Inf(-1), high: math.Inf(1)}

// scan moves entries one by one from right to left, which starts as left, and
// improves best with the first split of the largest gain. The last entry stays
// right unless missing rows are there.
func (r *rule) scan(e []entry, left, sum cell, direction int, in bounds, best *split) (at int) {
	at = -1
	if !r.plain || in.bound {
		return r.scanValues(e, left, sum, direction, in, best)
	}
	top := best.top
	for k := range e {
		c := &e[k]
		left.g += c.g
		left.h += c.h
		left.n += c.n
		if left.h < r.minH || left.n < r.minRows {
			continue
		}
		rh := sum.h - left.h
		if rh < r.minH || sum.n-left.n < r.minRows {
			break
		}
		// Multiplying out spares two divisions where there is nothing to gain.
		gl, hl := float64(left.g), float64(left.h)+r.penalty
		gr, hr := float64(sum.g-left.g), float64(rh)+r.penalty
		num := float64(float64(gl*gl)*hr) + float64(float64(gr*gr)*hl)
		den := hl * hr
		if num > top*den {
			if s := num / den; s > top {
				top, at = s, k
				best.left = left
			}
		}
	}
	if at >= 0 {
		best.top, best.gain = top, (top-r.score(sum))*r.toGain
	}
	return at
}

// scanValues is scan where gains follow from the values of the leaves.
func (r *rule) scanValues(e []entry, left, sum cell, direction int, in bounds, best *split) (at int) {
	at = -1
	parent := r.saved(sum, r.value(sum, in.low, in.high))
	for k := range e {
		c := &e[k]
		left.g += c.g
		left.h += c.h
		left.n += c.n
		if left.h < r.minH || left.n < r.minRows {
			continue
		}
		right := sum.minus(left)
		if right.h < r.minH || right.n < r.minRows {
			break
		}
		vl, vr := r.value(left, in.low, in.high), r.value(right, in.low, in.high)
		if direction > 0 && vl > vr || direction < 0 && vl < vr {
			continue
		}
		if gain := r.saved(left, vl) + r.saved(right, vr) - parent; gain > best.gain {
			best.gain, at = gain, k
			best.left, best.low, best.high = left, vl, vr
		}
	}
	return at
}

// beats tells whether s is better than t, a split of the same node.
func (s *split) beats(t *split) bool {
	if s.top != t.top {
		return s.top > t.top
	}
	return s.gain > t.gain
}

// search improves best with the splits of one column of a node. Missing rows
// are tried on the right first.
func (g *grower) search(n *node, c int, s *scratch, best *split) {
	col := &g.cols[c]
	if g.small && g.rule.plain && !g.bound && !col.categorical {
		g.searchPacked(n, c, best)
		return
	}
	missing := g.entries(n, c, s)
	if col.categorical {
		g.searchSets(s.entries, missing, n, c, s, best)
		return
	}
	direction := g.direction[col.feature]
	for _, left := range [2]cell{{}, missing} {
		if at := g.rule.scan(s.entries, left, n.sum, direction, n.in, best); at >= 0 {
			best.col, best.categorical = int32(c), false
			best.bin, best.next = s.entries[at].last, -1
			if at+1 < len(s.entries) {
				best.next = s.entries[at+1].first
			}
			best.missingLeft = left.h > 0
			if !col.missing {
				best.missingLeft = majority(best.left, n.sum)
			}
		}
		if missing.h == 0 {
			break
		}
	}
}

// searchPacked is search on packed sums, without constraints: what wide tables
// of few rows spend their time in.
func (g *grower) searchPacked(n *node, c int, best *split) {
	col := &g.cols[c]
	bins := n.hist.packed[g.offset[c] : g.offset[c]+int32(col.bins)]
	sum := pack(n.sum.g, n.sum.h)
	var missing packed
	if col.missing {
		missing = n.hist.packed[g.offset[c+1]-1]
	}
	for _, left := range [2]packed{0, missing} {
		if at, l := g.rule.scanPacked(bins, left, sum, best); at >= 0 {
			best.col, best.categorical, best.missingLeft = int32(c), false, left != 0
			best.left = cell{l.g(), l.h(), 0}
			best.bin, best.next = int32(at), -1
			for b := at + 1; b < len(bins); b++ {
				if bins[b] != 0 {
					best.next = int32(b)
					break
				}
			}
			if !col.missing {
				best.missingLeft = majority(best.left, n.sum)
			}
		}
		if missing == 0 {
			break
		}
	}
}

// scanPacked is scan on packed sums; it returns the left side too.
func (r *rule) scanPacked(bins []packed, left, sum packed, best *split) (at int, side packed) {
	at = -1
	top, least, most, penalty := best.top, r.minH, sum.h()-r.minH, r.penalty
	sumG, sumH := float64(sum.g()), float64(sum.h())
	for b, v := range bins {
		if v == 0 {
			continue
		}
		left += v
		h := left.h()
		if h < least {
			continue
		}
		if h > most {
			break
		}
		// Whole numbers below 2⁵³: the right side is exact.
		gl, hl := float64(left.g()), float64(h)
		gr, hr := sumG-gl, (sumH-hl)+penalty
		hl += penalty
		num := float64(float64(gl*gl)*hr) + float64(float64(gr*gr)*hl)
		den := hl * hr
		if num > top*den {
			if s := num / den; s > top {
				top, at, side = s, b, left
			}
		}
	}
	if at >= 0 {
		best.top, best.gain = top, (top-r.score(cell{sum.g(), sum.h(), 0}))*r.toGain
	}
	return at, side
}

// threshold returns the value below which rows go left.
func (g *grower) threshold(b *split) float64 {
	if b.next < 0 { // values left, missing right
		return math.MaxFloat64
	}
	col := &g.cols[b.col]
	switch {
	case g.lists != nil:
		list, x := g.lists[b.col], g.x[col.feature]
		return middle(x[list[b.bin]], x[list[b.next]])
	case g.cfg.Threshold == Edge:
		return col.low[b.bin+1]
	}
	return middle(col.high[b.bin], col.low[b.next])
}

// majority tells whether at least half of a node goes left: where a missing
// value goes in a column that never lacked one in training.
func majority(left, sum cell) bool { return 2*left.h >= sum.h }

// middle returns a number above low, and not above high, halfway between them.
// What float32 cannot hold is moved to just between two numbers of float32, so
// that a value is on the same side of it before and after rounding to float32,
// in which XGBoost and ONNX compare: the middle of 1.6 and 1.8 differs from 1.7
// by a rounding error alone, by which values of 1.7 outside the node would part.
func middle(low, high float64) float64 {
	t := low/2 + high/2
	if above := float32(t); float64(above) != t && !math.IsInf(float64(above), 0) {
		below := math.Nextafter32(above, float32(math.Inf(-1)))
		s := math.Nextafter(float64(below)/2+float64(above)/2, math.Inf(1)) // the tie may go to below
		if s > low && s <= high {
			return s
		}
	}
	if !(t > low && t <= high) {
		return high // neighbours among the floating-point numbers
	}
	return t
}

// searchSets improves best with the splits of a categorical column: one
// category against the rest if there are few, otherwise the splits along the
// order of G/(H + smoothing), among which is the best of all for convex losses
// (Fisher 1958). Ties stand in the order of categories.
func (g *grower) searchSets(e []entry, missing cell, n *node, c int, s *scratch, best *split) {
	col := &g.cols[c]
	sum, in := n.sum, n.in
	few := len(e) <= g.cfg.MaxOneHot
	smooth := g.cfg.CategorySmoothing * g.rule.unitH
	ratio := func(e *entry) float64 { return float64(e.g) / (float64(e.h) + smooth) }
	s.order = append(s.order[:0], e...)
	if !few {
		slices.SortStableFunc(s.order, func(a, b entry) int {
			x, y := ratio(&a), ratio(&b)
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return int(a.last - b.last)
		})
	}
	take := func(right []entry) {
		best.col, best.categorical, best.set = int32(c), true, Set{}
		for i := range right {
			best.set.Add(right[i].last)
		}
	}
	for _, missingLeft := range [2]bool{false, true} {
		known := sum.minus(missing)
		if few {
			for k := range s.order {
				// The others go left, with missing rows or without.
				others := entry{cell: known.minus(s.order[k].cell)}
				left := cell{}
				if missingLeft {
					left = missing
				}
				if at := g.rule.scan([]entry{others}, left, sum, 0, in, best); at >= 0 {
					take(s.order[k : k+1])
					best.missingLeft = missingLeft || !col.missing && majority(best.left, sum)
				}
			}
		} else {
			left := cell{}
			if missingLeft {
				left = missing
			}
			if at := g.rule.scan(s.order, left, sum, 0, in, best); at >= 0 {
				take(s.order[at+1:])
				best.missingLeft = missingLeft || !col.missing && majority(best.left, sum)
			}
		}
		if missing.h == 0 {
			return
		}
	}
	if few { // all categories against missing
		if at := g.rule.scan([]entry{{cell: sum.minus(missing)}}, cell{}, sum, 0, in, best); at >= 0 {
			take(nil)
			best.missingLeft = false
		}
	}
}
