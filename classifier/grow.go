package classifier

import (
	"math"
	"math/bits"
)

func mul64(a, b uint64) (hi, lo uint64) { return bits.Mul64(a, b) }

// least is the gain below which a split is noise of rounding.
const least = 1e-6

// nodeSplit is a way to part the rows of a node.
type nodeSplit struct {
	gain        float64 // score of both sides, less that of the node once chosen
	slot        int     // chosen column
	bin         int     // last bin on the left
	missingLeft bool
	left        cell
}

// grow replaces g.tree by a tree on g.rows and g.chosen, grown depth first. Of
// two children the smaller is counted and the larger is the difference from
// its parent, so that each level costs at most half a pass over the rows.
func (g *grower) grow() {
	var sum cell
	for _, r := range g.rows {
		y, w := g.data.Y[r], g.weight[r]
		p := Logistic(g.margin[r])
		d := derivative{
			g: int64(math.RoundToEven(w * (p - y) * g.unit)),
			h: max(1, int64(math.RoundToEven(w*p*(1-p)*g.unit))),
		}
		g.deriv[r] = d
		sum.g += d.g
		sum.h += d.h
		sum.n++
	}
	g.tree = g.tree[:0]
	hist := g.take()
	g.count(hist, g.rows)
	g.node(g.rows, sum, hist, g.MaxDepth)
	g.free = append(g.free, hist)
}

// take returns a histogram that is not in use.
func (g *grower) take() []cell {
	h := g.free[len(g.free)-1]
	g.free = g.free[:len(g.free)-1]
	return h
}

// count makes the histograms of the chosen columns over rows.
func (g *grower) count(hist []cell, rows []int32) {
	clear(hist[:g.offset[len(g.chosen)]])
	for s, c := range g.chosen {
		bin := g.bins.cols[c].bin
		h := hist[g.offset[s]:g.offset[s+1]]
		for _, r := range rows {
			d := &g.deriv[r]
			e := &h[bin[r]]
			e.g += d.g
			e.h += d.h
			e.n++
		}
	}
}

// node appends the subtree of rows, whose sums and histogram are given, to
// g.tree and returns its place. It overwrites hist.
func (g *grower) node(rows []int32, sum cell, hist []cell, depth int) int32 {
	at := int32(len(g.tree))
	h := float64(sum.h) / g.unit
	value := -g.LearningRate * (float64(sum.g) / g.unit) / (h + g.Lambda)
	g.tree = append(g.tree, Node{Feature: -1, Left: -1, Right: -1, Cover: single(h), Value: single(value)})
	if depth == 0 || sum.n < 2*g.minRows || sum.n < 2 {
		return at
	}
	best, ok := g.best(sum, hist)
	if !ok {
		return at
	}
	col := &g.bins.cols[g.chosen[best.slot]]
	node := &g.tree[at]
	node.Feature = int32(col.column)
	node.Value = 0
	node.Gain = single(best.gain)
	node.MissingLeft = best.missingLeft
	node.Threshold = threshold(col, hist[g.offset[best.slot]:g.offset[best.slot+1]], best.bin)
	k := g.part(rows, col, best.bin, best.missingLeft)
	right := cell{sum.g - best.left.g, sum.h - best.left.h, sum.n - best.left.n}

	if depth == 1 { // both children are leaves
		l := g.node(rows[:k], best.left, nil, 0)
		r := g.node(rows[k:], right, nil, 0)
		g.tree[at].Left, g.tree[at].Right = l, r
		return at
	}
	small := g.take()
	leftHist, rightHist := small, hist
	if k <= len(rows)-k {
		g.count(small, rows[:k])
	} else {
		g.count(small, rows[k:])
		leftHist, rightHist = hist, small
	}
	total := g.offset[len(g.chosen)]
	for i, e := range small[:total] {
		o := &hist[i]
		o.g -= e.g
		o.h -= e.h
		o.n -= e.n
	}
	l := g.node(rows[:k], best.left, leftHist, depth-1)
	r := g.node(rows[k:], right, rightHist, depth-1)
	g.tree[at].Left, g.tree[at].Right = l, r
	g.free = append(g.free, small)
	return at
}

// single rounds x to float32, as it is stored in model files.
func single(x float64) float64 { return float64(float32(x)) }

// best finds the split with the largest gain; the first of equal ones in the
// order of columns, missing to the right before left, thresholds.
func (g *grower) best(sum cell, hist []cell) (nodeSplit, bool) {
	// Everything is in units: gains, being g²/h, come out as multiples of
	// 1/unit too.
	lambda := float64(g.Lambda * g.unit)
	parent := float64(sum.g) * float64(sum.g) / (float64(sum.h) + lambda)
	found := nodeSplit{gain: parent + float64(max(g.Gamma, least)*g.unit)}
	ok := false
	for slot := range g.chosen {
		h := hist[g.offset[slot]:g.offset[slot+1]]
		last := len(h) - 1
		missing := h[last]
		for _, left := range [2]cell{{}, missing} {
			if bin, at, score := g.scan(h[:last], left, sum, lambda, found.gain); bin >= 0 {
				found = nodeSplit{score, slot, bin, left.n > 0, at}
				ok = true
			}
			if missing.n == 0 {
				break
			}
		}
	}
	if !ok {
		return nodeSplit{}, false
	}
	found.gain = (found.gain - parent) / g.unit
	h := hist[g.offset[found.slot]:g.offset[found.slot+1]]
	if h[len(h)-1].n == 0 {
		// Nothing was missing here: a later missing value goes with the majority.
		found.missingLeft = 2*found.left.h >= sum.h
	}
	return found, true
}

// scan moves the bins of h one by one to the left side, which starts as left,
// and returns the last bin of the first best split with a score above best, the
// left side and the score; bin is −1 without one.
func (g *grower) scan(h []cell, left, sum cell, lambda, best float64) (bin int, at cell, score float64) {
	bin = -1
	minRows, minH := g.minRows, g.minH
	for b := range h {
		e := &h[b] // an empty bin repeats the last score, which is not above best
		left.g += e.g
		left.h += e.h
		left.n += e.n
		if left.n < minRows || left.h < minH {
			continue
		}
		right := sum.h - left.h
		if sum.n-left.n < minRows || right < minH {
			break
		}
		gl, hl := float64(left.g), float64(left.h)+lambda
		gr, hr := float64(sum.g-left.g), float64(right)+lambda
		// Converting products keeps processors with a fused multiply-add from
		// rounding differently; multiplying out saves two divisions.
		num := float64(float64(gl*gl)*hr) + float64(float64(gr*gr)*hl)
		den := hl * hr
		if num > best*den {
			if s := num / den; s > best {
				bin, at, best = b, left, s
			}
		}
	}
	return bin, at, best
}

// threshold returns the value that parts bin b from the next bin with rows of
// the node: the middle between the largest value left and the smallest right.
// If all values are left, it is the largest number.
func threshold(col *binned, h []cell, b int) float64 {
	for next := b + 1; next < len(col.low); next++ {
		if h[next].n > 0 {
			low, high := col.high[b], col.low[next]
			t := low + float64((high-low)/2)
			if !(t > low) || math.IsInf(t, 0) {
				t = high // neighbours among the floating-point numbers
			}
			return t
		}
	}
	return math.MaxFloat64
}

// part orders rows so that those going left come first, keeping the order
// within both sides, and returns their number.
func (g *grower) part(rows []int32, col *binned, last int, missingLeft bool) int {
	missing := len(col.low)
	k := 0
	right := g.spare[:0]
	for _, r := range rows {
		b := int(col.bin[r])
		if b <= last || (b == missing && missingLeft) {
			rows[k] = r
			k++
		} else {
			right = append(right, r)
		}
	}
	copy(rows[k:], right)
	return k
}
