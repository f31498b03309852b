package classifier

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/plaquerisk/plaquerisk/internal/par"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Name returns "gradient boosting".
func (b Boosting) Name() string { return "gradient boosting" }

// Fit grows an [Ensemble] by second-order gradient boosting of the logistic
// loss (Friedman 2001; Chen and Guestrin 2016). With y the outcome, w the
// weight and p = 1/(1 + e⁻ᶠ) the present probability of a row,
//
//	g = w (p − y)        h = w p (1 − p)                          (C.1)
//
// are its derivatives, G and H their sums over the rows of a node. A leaf adds
//
//	v = −η G/(H + λ)                                              (C.2)
//
// and a split of a node into L and R saves the loss
//
//	G_L²/(H_L + λ) + G_R²/(H_R + λ) − G²/(H + λ)                  (C.3)
//
// (twice, to be exact, what is saved). Rows with a missing value are tried on
// both sides. Each bag draws patients once, each tree draws among them again.
//
// Derivatives are rounded to multiples of 2⁻³⁸ and added as integers, so that
// the sum does not depend on the order of the rows; columns are visited in the
// order of their names, and the first of equal splits wins.
func (b Boosting) Fit(ctx context.Context, d *Data, seed uint64) (Predictor, error) {
	e, err := b.fit(ctx, d, seed)
	if err != nil {
		return nil, err
	}
	return e, nil
}

func (b Boosting) fit(ctx context.Context, d *Data, seed uint64) (*Ensemble, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	p := b.prepare(d)
	e := &Ensemble{Base: p.base, Bags: make([]Bag, b.Bags), Notes: p.notes}
	err := par.For(ctx, b.Bags, func(n int) {
		own := p
		if b.ModalityDropout > 0 {
			own = b.prepare(d.lacking(b.ModalityDropout, rand.New(rand.NewPCG(seed, streamLacking+uint64(n)))))
		}
		e.Bags[n] = newGrower(own).bag(ctx, rand.NewPCG(seed, uint64(n)))
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// streamLacking keeps the modalities that patients lack apart from everything
// else; streams below maxBags are those of the bags.
const streamLacking = 0x1ac0 << 16

// lacking returns d with each modality of each patient missing by chance: trees
// then learn what to make of patients who lack it.
func (d *Data) lacking(chance float64, rng *rand.Rand) *Data {
	out := *d
	out.X = make([][]float64, len(d.X))
	copy(out.X, d.X)
	for _, modality := range slices.Compact(slices.Sorted(slices.Values(d.Modality))) {
		lacks := make([]bool, len(d.Patients))
		for g := range lacks {
			lacks[g] = rng.Float64() < chance
		}
		for _, c := range d.modalities(modality)[0] {
			out.X[c] = slices.Clone(d.X[c])
			for r, g := range d.Group {
				if lacks[g] {
					out.X[c][r] = math.NaN()
				}
			}
		}
	}
	return &out
}

// problem is what all bags share, read only.
type problem struct {
	Boosting
	data     *Data
	bins     *bins
	weight   []float64 // of each row
	strata   [2][]int  // patients by outcome, in the order of their identifiers
	rowsOf   [][]int32 // rows of a patient
	minRows  int64
	minH     int64
	unit     float64 // derivatives are multiples of 1/unit
	base     float64
	perTree  int // columns
	capacity int // bins of the largest choice of columns
	notes    []risk.Note
}

// prepare cuts columns, weighs rows and adapts settings to the size of d.
func (b Boosting) prepare(d *Data) *problem {
	p := &problem{Boosting: b, data: d, bins: newBins(d, b.MaxBins)}
	n := len(d.Y)
	p.weigh()

	// The scale leaves room for a sum over all rows: Σ w ≤ n max w < 2^61/unit.
	heaviest := slices.Max(p.weight)
	shift := 38
	for math.Ldexp(heaviest*float64(n), shift) >= 1<<61 {
		shift--
	}
	p.unit = math.Ldexp(1, shift)

	var w [2]int64
	for r, y := range d.Y {
		w[int(y)] += int64(math.RoundToEven(p.weight[r] * p.unit))
	}
	p.base = math.Log(float64(w[1]) / float64(w[0]))
	if b.Base > 0 {
		p.base = Logit(b.Base)
	}

	p.rowsOf = make([][]int32, len(d.Patients))
	positive := make([]bool, len(d.Patients))
	for r, g := range d.Group {
		p.rowsOf[g] = append(p.rowsOf[g], int32(r))
		positive[g] = positive[g] || d.Y[r] == 1
	}
	for g, rows := range p.rowsOf {
		switch {
		case len(rows) == 0:
		case positive[g]:
			p.strata[1] = append(p.strata[1], g)
		default:
			p.strata[0] = append(p.strata[0], g)
		}
	}

	p.minRows = int64(b.MinChildRows)
	if b.MinChildRows == 0 {
		p.minRows = int64(max(2, n/50))
		p.notes = append(p.notes, risk.Note{Code: "PLQ-501", Severity: risk.Info,
			Text: fmt.Sprintf("Leaves hold at least %d rows, adapted to %d training rows (the larger of 2 and rows/50).", p.minRows, n)})
	}
	p.minH = max(1, int64(math.Ceil(b.MinChildWeight*p.unit)))
	// A tree needs columns to join: with one, its depth is of no use.
	cols := len(p.bins.cols)
	asked := int(math.Round(b.ColumnFraction * float64(cols)))
	p.perTree = min(cols, max(asked, b.MaxDepth))
	if p.perTree > max(asked, 1) {
		p.notes = append(p.notes, risk.Note{Code: "PLQ-504", Severity: risk.Info,
			Text: fmt.Sprintf("Each tree sees %d of %d columns instead of %d, so that a tree of depth %d has columns to join.", p.perTree, cols, asked, b.MaxDepth)})
	}
	widest := 0
	for _, c := range p.bins.cols {
		widest = max(widest, len(c.low)+1)
	}
	p.capacity = widest * p.perTree
	return p
}

// weigh sets the weight of each row: its own, times that of its share of an
// artery and of its class, each with mean 1.
func (p *problem) weigh() {
	d := p.data
	p.weight = make([]float64, len(d.Y))
	for r := range p.weight {
		p.weight[r] = 1
		if d.Weight != nil {
			p.weight[r] = d.Weight[r]
		}
	}
	if p.RowWeight == WeightArtery && d.Unit != nil {
		rows := make([]int, len(d.Arteries))
		units := 0
		for _, u := range d.Unit {
			if rows[u] == 0 {
				units++
			}
			rows[u]++
		}
		for r, u := range d.Unit {
			p.weight[r] *= float64(len(d.Y)) / float64(units*rows[u])
		}
	}
	if p.ClassWeight == WeightBalanced {
		var sum [2]int64
		const unit = 1 << 30
		for r, y := range d.Y {
			sum[int(y)] += int64(math.RoundToEven(p.weight[r] * unit))
		}
		all := float64(sum[0] + sum[1])
		for r, y := range d.Y {
			if s := sum[int(y)]; s > 0 {
				p.weight[r] *= all / (2 * float64(s))
			}
		}
	}
}

// derivative are the first and second derivative of a row's loss, in units.
type derivative struct{ g, h int64 }

// cell is a bin of a histogram.
type cell struct{ g, h, n int64 }

// grower grows the trees of one bag. All scratch is its own.
type grower struct {
	*problem
	margin  []float64
	deriv   []derivative
	rows    []int32 // of the present tree, partitioned by node
	spare   []int32
	columns []int32 // all columns, shuffled
	chosen  []int32 // columns of the present tree, increasing
	taken   []bool
	offset  []int32  // of the chosen columns in a histogram; one more than there are columns
	free    [][]cell // histograms not in use
	tree    Tree
}

func newGrower(p *problem) *grower {
	n, cols := p.bins.rows, len(p.bins.cols)
	g := &grower{
		problem: p,
		margin:  make([]float64, n),
		deriv:   make([]derivative, n),
		rows:    make([]int32, 0, n),
		spare:   make([]int32, n),
		columns: make([]int32, cols),
		chosen:  make([]int32, 0, cols),
		taken:   make([]bool, cols),
		offset:  make([]int32, p.perTree+1),
	}
	for c := range g.columns {
		g.columns[c] = int32(c)
	}
	for range p.MaxDepth + 1 {
		g.free = append(g.free, make([]cell, p.capacity))
	}
	return g
}

// bag boosts one member of the ensemble.
func (g *grower) bag(ctx context.Context, rng *rand.PCG) Bag {
	var strata [2][]int
	var all []int32
	for s := range strata {
		strata[s] = append([]int(nil), g.strata[s]...)
		k := share(len(strata[s]), g.BagFraction)
		draw(rng, strata[s], k)
		strata[s] = strata[s][:k]
		for _, patient := range strata[s] {
			all = append(all, g.rowsOf[patient]...)
		}
	}
	for r := range g.margin {
		g.margin[r] = g.base
	}
	trees := make(Bag, 0, g.Rounds)
	for range g.Rounds {
		if ctx.Err() != nil {
			return nil
		}
		g.rows = g.rows[:0]
		for s := range strata {
			k := share(len(strata[s]), g.PatientFraction)
			if k < len(strata[s]) {
				draw(rng, strata[s], k)
			}
			for _, patient := range strata[s][:k] {
				g.rows = append(g.rows, g.rowsOf[patient]...)
			}
		}
		g.choose(rng)
		g.grow()
		for _, r := range all {
			g.margin[r] += g.tree[g.leafOf(r)].Value
		}
		trees = append(trees, append(Tree(nil), g.tree...))
	}
	return trees
}

// share returns the number of n that fraction stands for, at least one of any.
func share(n int, fraction float64) int {
	return min(n, max(1, int(math.Round(fraction*float64(n)))))
}

// draw brings k random elements of x to its front (Fisher and Yates).
func draw[T any](rng *rand.PCG, x []T, k int) {
	for i := range k {
		j := i + below(rng, len(x)-i)
		x[i], x[j] = x[j], x[i]
	}
}

// below returns a uniform integer of [0, n). Its bias, n/2⁶⁴, does not matter.
func below(rng *rand.PCG, n int) int {
	hi, _ := mul64(rng.Uint64(), uint64(n))
	return int(hi)
}

// choose draws the columns of a tree and lays out its histograms.
func (g *grower) choose(rng *rand.PCG) {
	cols := g.bins.cols
	g.chosen = g.chosen[:0]
	if g.perTree == len(cols) {
		for c := range cols {
			g.chosen = append(g.chosen, int32(c))
		}
	} else {
		draw(rng, g.columns, g.perTree)
		for _, c := range g.columns[:g.perTree] {
			g.taken[c] = true
		}
		for c := range g.taken {
			if g.taken[c] {
				g.chosen = append(g.chosen, int32(c))
				g.taken[c] = false
			}
		}
	}
	var at int32
	for s, c := range g.chosen {
		g.offset[s] = at
		at += int32(len(cols[c].low)) + 1
	}
	g.offset[len(g.chosen)] = at
}

// leafOf returns the leaf of the present tree in which row r ends.
func (g *grower) leafOf(r int32) int32 {
	var n int32
	for g.tree[n].Feature >= 0 {
		n = g.tree.next(n, g.data.X[g.tree[n].Feature][r])
	}
	return n
}
