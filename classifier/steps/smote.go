package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Smote adds made-up rows of the rarer classes until all are as frequent as the
// most frequent (Chawla et al., J. Artif. Intell. Res. 16, 2002). Each lies
// between a row and one of its Neighbours nearest rows of its class. It is here
// for comparison: probabilities learnt this way are not those of the cohort, and
// class weights do the same without inventing patients. As a step it sees
// training rows alone, which is what studies that resample before they split
// get wrong.
type Smote struct{ Neighbours int }

// Name returns "SMOTE".
func (s Smote) Name() string { return "SMOTE" }

// Fit learns nothing: rows that are predicted stay as they are.
func (s Smote) Fit(context.Context, *Table) (Applied, error) {
	if s.Neighbours < 1 {
		return nil, fmt.Errorf("%d neighbours, want at least 1", s.Neighbours)
	}
	return Same{}, nil
}

// Same is the fitted form of a step that changes the training rows alone.
type Same struct{}

// Kind returns "same".
func (Same) Kind() string { return "same" }

// Apply returns t.
func (Same) Apply(t *Table) (*Table, error) { return t, nil }

// Augment returns train with the new rows at its end, each of a patient of its
// own. It fails on missing values and categories, which have no between.
func (s Smote) Augment(train *Table, seed uint64) (*Table, error) {
	for _, c := range train.Columns {
		if !numeric(c) {
			return nil, fmt.Errorf("column %q is categorical", c.Name)
		}
		for r, v := range c.Values {
			if math.IsNaN(v) {
				return nil, fmt.Errorf("row %d, column %q: no value; impute before", r+1, c.Name)
			}
		}
	}
	counts := train.counts()
	most := int(slices.Max(counts))
	var weights []float64 // equal influence of columns
	for _, c := range train.Columns {
		_, sd := meanSD(c.Values)
		if sd == 0 {
			sd = math.Inf(1)
		}
		weights = append(weights, 1/(sd*sd))
	}
	out := train.Subset(allRows(train.Rows()))
	for class, n := range counts {
		if n == 0 || int(n) == most {
			continue
		}
		var rows []int
		for r, k := range train.Y {
			if k == class {
				rows = append(rows, r)
			}
		}
		if len(rows) < 2 {
			return nil, errors.New("a class with one row has no neighbours")
		}
		near := neighbours(train, rows, weights, min(s.Neighbours, len(rows)-1))
		for i := range most - len(rows) {
			id := fmt.Sprintf("made up %d.%d", class, i)
			from := i % len(rows)
			to := near[from][int(uniform(key(seed, "neighbour", id))*float64(len(near[from])))]
			t := uniform(key(seed, "between", id))
			for c := range out.Columns {
				a, b := train.Columns[c].Values[rows[from]], train.Columns[c].Values[to]
				out.Columns[c].Values = append(out.Columns[c].Values, a+t*(b-a))
			}
			out.Y, out.Patient, out.ID = append(out.Y, class), append(out.Patient, id), append(out.ID, id)
			if out.Site != nil {
				out.Site = append(out.Site, train.Site[rows[from]])
			}
		}
	}
	return out, nil
}

// neighbours returns, for each of the rows, its k nearest among them.
func neighbours(t *Table, rows []int, weights []float64, k int) [][]int {
	out := make([][]int, len(rows))
	for i, r := range rows {
		d := make(map[int]float64, len(rows))
		var others []int
		for _, o := range rows {
			if o == r {
				continue
			}
			for c, w := range weights {
				x := t.Columns[c].Values[o] - t.Columns[c].Values[r]
				d[o] += w * x * x
			}
			others = append(others, o)
		}
		slices.SortStableFunc(others, func(a, b int) int { return cmp.Compare(d[a], d[b]) })
		out[i] = others[:k]
	}
	return out
}

func allRows(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}
