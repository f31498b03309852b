package steps

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
	"github.com/plaquerisk/plaquerisk/classifier/judge"
)

// Selection is the fitted form of all filters: the columns that stay.
type Selection struct {
	Keep []string `json:"keep"` // in increasing order
	Of   int      `json:"of"`   // columns there were
}

// Kind returns "selection".
func (s *Selection) Kind() string { return "selection" }

// Apply returns the columns that stay.
func (s *Selection) Apply(t *Table) (*Table, error) {
	out := *t
	out.Columns = make([]boost.Column, 0, len(s.Keep))
	for _, name := range s.Keep {
		c := t.column(name)
		if c < 0 {
			return nil, fmt.Errorf("the table has no column %q, which the model needs", name)
		}
		out.Columns = append(out.Columns, t.Columns[c])
	}
	return &out, nil
}

func selection(t *Table, keep func(c boost.Column) bool) *Selection {
	s := &Selection{Of: len(t.Columns)}
	for _, c := range t.Columns {
		if keep(c) {
			s.Keep = append(s.Keep, c.Name)
		}
	}
	slices.Sort(s.Keep)
	return s
}

// Variance drops columns that say next to nothing.
type Variance struct {
	Least      float64 // variance below which, or at which, a column is dropped; 0 drops constant ones
	MaxMissing float64 // share of missing values above which a column is dropped
}

// Name returns "variance filter".
func (v Variance) Name() string { return "variance filter" }

// Fit finds the columns that vary.
func (v Variance) Fit(_ context.Context, train *Table) (Applied, error) {
	return selection(train, func(c boost.Column) bool {
		x := known(c.Values)
		if len(x) == 0 || x[0] == x[len(x)-1] || float64(len(c.Values)-len(x)) > v.MaxMissing*float64(len(c.Values)) {
			return false
		}
		_, sd := meanSD(x)
		return sd*sd > v.Least || !numeric(c)
	}), nil
}

// Reliable keeps columns whose values come out the same when a plaque is
// measured again: those with an intraclass correlation of at least Least.
type Reliable struct {
	// Repeats are further measurements of rows, matched by ID. Only those of
	// training rows are used; each training row must be in all of them.
	Repeats []*Table
	// Consistency takes ICC(3,1), which ignores shifts between measurements,
	// instead of ICC(2,1).
	Consistency bool
	Least       float64 // 0.75 is usual for good, 0.9 for excellent
}

// Name returns "reliability filter".
func (f Reliable) Name() string { return "reliability filter" }

// Fit computes the ICC of each column over the training rows.
func (f Reliable) Fit(_ context.Context, train *Table) (Applied, error) {
	icc, err := f.ICC(train)
	if err != nil {
		return nil, err
	}
	return selection(train, func(c boost.Column) bool { return icc[c.Name] >= f.Least }), nil
}

// ICC returns the intraclass correlation of each column of t; NaN where a value
// is missing.
func (f Reliable) ICC(t *Table) (map[string]float64, error) {
	if len(f.Repeats) == 0 {
		return nil, fmt.Errorf("no repeated measurement")
	}
	place := make([][]int, len(f.Repeats)) // of the rows of t
	for n, rep := range f.Repeats {
		at := make(map[string]int, rep.Rows())
		for r, id := range rep.ID {
			at[id] = r
		}
		for r, id := range t.ID {
			p, ok := at[id]
			if !ok {
				return nil, fmt.Errorf("row %d, id %q, is not in repeated measurement %d", r+1, id, n+1)
			}
			place[n] = append(place[n], p)
		}
	}
	out := make(map[string]float64, len(t.Columns))
	for _, c := range t.Columns {
		x := make([][]float64, t.Rows())
		for r := range x {
			x[r] = append(x[r], c.Values[r])
		}
		for n, rep := range f.Repeats {
			at := rep.column(c.Name)
			if at < 0 {
				return nil, fmt.Errorf("repeated measurement %d has no column %q", n+1, c.Name)
			}
			for r := range x {
				x[r] = append(x[r], rep.Columns[at].Values[place[n][r]])
			}
		}
		icc := judge.NewICC(x, 0.95)
		out[c.Name] = icc.Agreement.Value
		if f.Consistency {
			out[c.Name] = icc.Consistency.Value
		}
	}
	return out, nil
}

// Prune drops columns that repeat others: of two with |Spearman correlation|
// above Most, the one with the lower ICC goes, among equals the later name.
// Columns are visited from the best, and one stays if it repeats none that stayed.
type Prune struct {
	Most float64            // 0.9
	ICC  map[string]float64 // of columns; nil: all are equal
}

// Name returns "correlation pruning".
func (p Prune) Name() string { return "correlation pruning" }

// Fit finds the columns that stay.
func (p Prune) Fit(ctx context.Context, train *Table) (Applied, error) {
	order := slices.Clone(train.Columns)
	slices.SortFunc(order, func(a, b boost.Column) int {
		if x, y := p.ICC[a.Name], p.ICC[b.Name]; x != y {
			return compare(y, x)
		}
		return compare(a.Name, b.Name)
	})
	var kept []ranked
	s := &Selection{Of: len(order)}
	for _, c := range order {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r := rankColumn(c.Values)
		if !slices.ContainsFunc(kept, func(k ranked) bool { return math.Abs(r.spearman(k)) > p.Most }) {
			kept = append(kept, r)
			s.Keep = append(s.Keep, c.Name)
		}
	}
	slices.Sort(s.Keep)
	return s, nil
}

// ranked is a column with its ranks, less their mean and of length 1, which are
// nil if a value is missing or all are equal.
type ranked struct{ values, ranks []float64 }

func rankColumn(x []float64) ranked {
	r := ranked{values: x}
	if slices.ContainsFunc(x, math.IsNaN) {
		return r
	}
	r.ranks = judge.Midranks(x)
	var sum2 float64
	for i := range r.ranks {
		r.ranks[i] -= float64(len(x)+1) / 2
		sum2 += r.ranks[i] * r.ranks[i]
	}
	if sum2 == 0 {
		return ranked{values: x}
	}
	for i := range r.ranks {
		r.ranks[i] /= math.Sqrt(sum2)
	}
	return r
}

// spearman is the rank correlation over the rows that have both values.
func (r ranked) spearman(o ranked) float64 {
	if r.ranks != nil && o.ranks != nil {
		return inner(r.ranks, o.ranks)
	}
	var a, b []float64
	for i := range r.values {
		if !math.IsNaN(r.values[i]) && !math.IsNaN(o.values[i]) {
			a, b = append(a, r.values[i]), append(b, o.values[i])
		}
	}
	return judge.Spearman(a, b)
}

func compare[T int | float64 | string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Relevant keeps Count columns by minimum redundancy and maximum relevance
// (Peng, Long and Ding, IEEE Trans. Pattern Anal. 27, 2005). Values become three
// states, cut at mean ± ½ standard deviation, with missing as a fourth. One
// after the other, the column is taken that has the largest
//
//	MID:  I(x; y) − mean over taken s of I(x; s)
//	MIQ:  I(x; y) / mean over taken s of I(x; s)
//
// with I the mutual information in nats; the first is that of the largest
// I(x; y). Among equals the first name is taken.
type Relevant struct {
	Count    int
	Quotient bool // MIQ instead of MID
}

// Name returns "mRMR".
func (m Relevant) Name() string { return "mRMR" }

// Fit chooses the columns.
func (m Relevant) Fit(_ context.Context, train *Table) (Applied, error) {
	if m.Count < 1 {
		return nil, fmt.Errorf("%d columns are asked for, want at least 1", m.Count)
	}
	s := &Selection{Keep: m.Order(train), Of: len(train.Columns)}
	slices.Sort(s.Keep)
	return s, nil
}

// Order returns the chosen columns in the order in which they were taken.
func (m Relevant) Order(t *Table) []string {
	cols := slices.Clone(t.Columns)
	slices.SortFunc(cols, func(a, b boost.Column) int { return compare(a.Name, b.Name) })
	state := make([][]int, len(cols))
	relevance, redundancy := make([]float64, len(cols)), make([]float64, len(cols))
	for c := range cols {
		state[c] = states(cols[c])
		relevance[c] = mutualInformation(state[c], t.Y)
	}
	taken := make([]bool, len(cols))
	var order []string
	for len(order) < min(m.Count, len(cols)) {
		best, top := -1, math.Inf(-1)
		for c := range cols {
			if taken[c] {
				continue
			}
			score := relevance[c]
			if n := float64(len(order)); n > 0 {
				if mean := redundancy[c] / n; m.Quotient {
					score /= max(mean, 1e-12)
				} else {
					score -= mean
				}
			}
			if score > top+1e-12 { // rounding must not decide between equals
				best, top = c, score
			}
		}
		taken[best] = true
		order = append(order, cols[best].Name)
		for c := range cols {
			if !taken[c] {
				redundancy[c] += mutualInformation(state[c], state[best])
			}
		}
	}
	return order
}

// states discretises a column; a categorical one has its categories.
func states(c boost.Column) []int {
	m, sd := meanSD(c.Values)
	out := make([]int, len(c.Values))
	for r, x := range c.Values {
		switch {
		case math.IsNaN(x):
			out[r] = 0
		case !numeric(c):
			out[r] = 1 + int(x)
		case x < m-sd/2:
			out[r] = 1
		case x > m+sd/2:
			out[r] = 3
		default:
			out[r] = 2
		}
	}
	return out
}

// mutualInformation returns Σ p(a,b) ln p(a,b)/(p(a) p(b)) in nats.
func mutualInformation(a, b []int) float64 {
	ka, kb := slices.Max(a)+1, slices.Max(b)+1
	joint := make([]float64, ka*kb)
	pa, pb := make([]float64, ka), make([]float64, kb)
	w := 1 / float64(len(a))
	for r := range a {
		joint[a[r]*kb+b[r]]++
		pa[a[r]]++
		pb[b[r]]++
	}
	var sum float64
	for i := range pa {
		for j := range pb {
			if n := joint[i*kb+j]; n > 0 {
				sum += n * w * math.Log(n/(pa[i]*pb[j]*w))
			}
		}
	}
	return max(0, sum)
}
