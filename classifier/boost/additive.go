package boost

import (
	"fmt"
	"math"
	"slices"
)

// pairBins is the number of bins of a column while pairs are ranked, and
// pairColumns the number of columns whose pairs are.
const (
	pairBins    = 8
	pairColumns = 128
)

// pair is two columns and what a tree on both would save.
type pair struct {
	a, b int
	gain float64
}

// choosePairs ranks pairs of columns by the loss that cutting both once would
// save on what the columns alone leave over (the FAST of Lou et al. 2013), and
// sets the turns of the rounds that follow to the best of them. Beyond 128
// columns only those are paired whose own trees saved the most.
func (b *booster) choosePairs() {
	cols := b.pairCandidates()
	b.derive()
	coarse := make([][]uint8, len(b.table.cols))
	for _, c := range cols {
		coarse[c] = b.coarse(c)
	}
	pairs := make([]pair, 0, len(cols)*(len(cols)-1)/2)
	for i, a := range cols {
		for _, c := range cols[i+1:] {
			pairs = append(pairs, pair{a: a, b: c})
		}
	}
	for k := range b.margin {
		b.grower.rows = append(b.grower.rows[:0], b.rows...)
		b.grower.quantise(b.deriv[k], b.weight)
		b.grower.each(len(pairs), func(i int) {
			p := &pairs[i]
			p.gain += b.quadrants(coarse[p.a], coarse[p.b])
		})
	}
	slices.SortStableFunc(pairs, func(p, q pair) int {
		switch {
		case p.gain > q.gain:
			return -1
		case p.gain < q.gain:
			return 1
		}
		return 0
	})
	b.turns = b.turns[:0]
	for _, p := range pairs[:min(len(pairs), b.cfg.Pairs)] {
		both := newBitset(len(b.table.cols), false)
		both.set(p.a)
		both.set(p.b)
		b.turns = append(b.turns, both)
	}
}

// pairCandidates returns the columns to pair, in the order of names.
func (b *booster) pairCandidates() []int {
	gain := make([]float64, len(b.table.x))
	for i := range b.trees {
		for _, n := range b.trees[i].Nodes {
			if n.Feature >= 0 {
				gain[n.Feature] += n.Gain
			}
		}
	}
	cols := make([]int, len(b.table.cols))
	for c := range cols {
		cols[c] = c
	}
	slices.SortStableFunc(cols, func(i, j int) int {
		switch x, y := gain[b.table.cols[i].feature], gain[b.table.cols[j].feature]; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	cols = cols[:min(len(cols), pairColumns)]
	slices.Sort(cols)
	return cols
}

// coarse returns a column in few bins of about equal numbers of bins or, of the
// exact grower, ranks; missing values share the first.
func (b *booster) coarse(c int) []uint8 {
	col := &b.table.cols[c]
	out := make([]uint8, b.table.rows)
	if b.table.bins == nil {
		x := b.table.x[col.feature]
		known := 0
		for _, r := range col.sorted {
			if x[r] == x[r] {
				known++
			}
		}
		start := 0
		for i, r := range col.sorted[:known] {
			if i > 0 && x[r] != x[col.sorted[i-1]] {
				start = i // equal values share a bin
			}
			out[r] = uint8(start * pairBins / known)
		}
		return out
	}
	for r, bin := range b.table.bins[c] {
		if int(bin) < col.bins {
			out[r] = uint8(int(bin) * pairBins / col.bins)
		}
	}
	return out
}

// quadrants returns the largest saving of parting the rows by one cut of each
// of two columns.
func (b *booster) quadrants(x, y []uint8) float64 {
	var sum [pairBins + 1][pairBins + 1]cell // of all bins below
	for _, r := range b.rows {
		s, d := &sum[x[r]+1][y[r]+1], &b.grower.fine[r]
		s.g += d.g
		s.h += d.h
	}
	for i := 1; i <= pairBins; i++ {
		for j := 1; j <= pairBins; j++ {
			s, up, left, both := &sum[i][j], sum[i-1][j], sum[i][j-1], sum[i-1][j-1]
			s.g += up.g + left.g - both.g
			s.h += up.h + left.h - both.h
		}
	}
	rule := b.grower.rule
	rule.unitG, rule.unitH = b.grower.fineG, b.grower.fineH
	saved := func(c cell) float64 {
		return rule.saved(c, rule.value(c, math.Inf(-1), math.Inf(1)))
	}
	all := sum[pairBins][pairBins]
	var best float64
	for i := 1; i < pairBins; i++ {
		for j := 1; j < pairBins; j++ {
			top, left, corner := sum[i][pairBins], sum[pairBins][j], sum[i][j]
			rest := all.minus(top).minus(left.minus(corner))
			best = max(best, saved(corner)+saved(top.minus(corner))+saved(left.minus(corner))+saved(rest))
		}
	}
	return best - saved(all)
}

// Shape is what an additive model gives for one column, or for two together:
// a function that is constant between points.
type Shape struct {
	Features []int // one or two places among the model's features
	// Points are, for each feature, the lower ends of the intervals, the first
	// −∞, or the categories; the last is NaN: missing.
	Points [][]float64
	// Values at the points; of two features, all points of the second for the
	// first point of the first, and so on.
	Values []float64
}

// Shapes returns the functions of a model whose trees each read at most two
// features, in the order of features, single ones first, and the intercept: the
// margin k of a row is the intercept plus the value of each function at the
// last point that is not above the row.
func (m *Model) Shapes(k int) (intercept float64, shapes []Shape, err error) {
	intercept = m.Base[k]
	trees := map[[2]int][]*Tree{}
	for b, bag := range m.Bags {
		for i := k; i < len(bag); i += m.Margins {
			key := [2]int{-1, -1}
			for _, n := range bag[i].Nodes {
				switch f := int(n.Feature); {
				case f < 0 || f == key[0] || f == key[1]:
				case key[0] < 0:
					key[0] = f
				case key[1] < 0:
					key[1] = f
				default:
					return 0, nil, fmt.Errorf("bag %d, tree %d reads more than two features: the model is not additive", b, i)
				}
			}
			if key[0] < 0 {
				intercept += bag[i].Nodes[0].Value / float64(len(m.Bags))
				continue
			}
			if key[1] >= 0 && key[1] < key[0] {
				key[0], key[1] = key[1], key[0]
			}
			trees[key] = append(trees[key], &bag[i])
		}
	}
	keys := make([][2]int, 0, len(trees))
	for key := range trees {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b [2]int) int {
		if (a[1] < 0) != (b[1] < 0) {
			return a[1] // −1 of a single one is smaller
		}
		if a[0] != b[0] {
			return a[0] - b[0]
		}
		return a[1] - b[1]
	})
	row := make([]float64, len(m.Features))
	for _, key := range keys {
		s := Shape{Features: key[:1:1]}
		if key[1] >= 0 {
			s.Features = key[:]
		}
		for _, f := range s.Features {
			s.Points = append(s.Points, points(trees[key], f, &m.Features[f]))
		}
		for _, x := range s.Points[0] {
			row[key[0]] = x
			second := []float64{0}
			if key[1] >= 0 {
				second = s.Points[1]
			}
			for _, y := range second {
				if key[1] >= 0 {
					row[key[1]] = y
				}
				var sum float64
				for _, t := range trees[key] {
					sum += t.Nodes[t.Leaf(row)].Value
				}
				s.Values = append(s.Values, sum/float64(len(m.Bags)))
			}
		}
		shapes = append(shapes, s)
	}
	return intercept, shapes, nil
}

// points returns where the trees may change with a feature.
func points(trees []*Tree, f int, feature *Feature) []float64 {
	var p []float64
	if feature.Kind == Categorical {
		for c := range feature.Categories {
			p = append(p, float64(c))
		}
		return append(p, math.NaN())
	}
	p = append(p, math.Inf(-1))
	for _, t := range trees {
		for _, n := range t.Nodes {
			if int(n.Feature) == f && n.Threshold < math.MaxFloat64 {
				p = append(p, n.Threshold)
			}
		}
	}
	slices.Sort(p)
	return append(slices.Compact(p), math.NaN())
}

// At returns the value of the shape for a row in the order of the model's
// features.
func (s *Shape) At(row []float64, features []Feature) float64 {
	at := 0
	for i, f := range s.Features {
		p := s.Points[i]
		place := len(p) - 1 // missing
		if x := row[f]; x == x {
			if place = int(x); features[f].Kind != Categorical {
				// The last point that is not above x.
				place, _ = slices.BinarySearchFunc(p[:len(p)-1], x, func(p, x float64) int {
					if p <= x {
						return -1
					}
					return 1
				})
				place--
			}
		}
		at = at*len(p) + place
	}
	return s.Values[at]
}
