package steps

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// Errors that a caller may decide on.
var (
	// ErrOneClass: all rows have one outcome, so that there is nothing to learn.
	ErrOneClass = errors.New("all rows have the same outcome")
	// ErrOnePatient: all rows belong to one patient.
	ErrOnePatient = errors.New("all rows belong to one patient")
)

// Table is what a pipeline learns from and predicts.
type Table struct {
	Columns []boost.Column // features; NaN is missing
	Y       []int          // class of each row, 0 … Classes−1; nil where it is not known
	Classes int            // at least 2
	Patient []string       // of each row; rows of one patient stay together
	ID      []string       // of each row, unique
	Site    []string       // scanner or hospital of each row; nil if not known
}

// Rows returns the number of rows.
func (t *Table) Rows() int { return len(t.ID) }

// Check tells what keeps t from being learnt from; rows count from 1.
func (t *Table) Check() error {
	n := t.Rows()
	if len(t.Patient) != n || len(t.Y) != n || t.Site != nil && len(t.Site) != n {
		panic("steps: table: lengths differ")
	}
	if n == 0 {
		return errors.New("the table has no rows")
	}
	if len(t.Columns) == 0 {
		return errors.New("the table has no feature column")
	}
	ids := make(map[string]int, n)
	for r, id := range t.ID {
		if first, twice := ids[id]; twice {
			return fmt.Errorf("rows %d and %d have the same id %q", first+1, r+1, id)
		}
		ids[id] = r
		if t.Patient[r] == "" {
			return fmt.Errorf("row %d has no patient: rows of one patient must be known to stay together", r+1)
		}
	}
	names := make(map[string]bool, len(t.Columns))
	for _, c := range t.Columns {
		if names[c.Name] {
			return fmt.Errorf("two columns are named %q", c.Name)
		}
		names[c.Name] = true
		if len(c.Values) != n {
			panic("steps: table: lengths differ")
		}
		for r, v := range c.Values {
			if math.IsInf(v, 0) {
				return fmt.Errorf("row %d, column %q: infinite value; leave the cell empty if it is unknown", r+1, c.Name)
			}
		}
	}
	counts := make([]int, t.Classes)
	for r, k := range t.Y {
		if k < 0 || k >= t.Classes {
			return fmt.Errorf("row %d has class %d, want 0 to %d", r+1, k, t.Classes-1)
		}
		counts[k]++
	}
	present := 0
	for _, c := range counts {
		if c > 0 {
			present++
		}
	}
	if present < 2 {
		return fmt.Errorf("%w: class %d", ErrOneClass, t.Y[0])
	}
	if slices.Min(t.Patient) == slices.Max(t.Patient) {
		return fmt.Errorf("%w, %q", ErrOnePatient, t.Patient[0])
	}
	return nil
}

// Subset returns the given rows, in that order.
func (t *Table) Subset(rows []int) *Table {
	s := *t
	s.Columns = slices.Clone(t.Columns)
	for c := range s.Columns {
		s.Columns[c].Values = pick(t.Columns[c].Values, rows)
	}
	s.Y, s.Patient, s.ID, s.Site = pick(t.Y, rows), pick(t.Patient, rows), pick(t.ID, rows), pick(t.Site, rows)
	return &s
}

// withoutOutcomes returns t as a step may see it that must not know outcomes.
func (t *Table) withoutOutcomes() *Table {
	s := *t
	s.Y = nil
	return &s
}

// sorted returns t with columns in the order of their names and rows in that of
// patients and identifiers, so that sums have the same last bit whatever the
// order of the file. order holds the former places of the rows.
func (t *Table) sorted() (s *Table, order []int) {
	order = make([]int, t.Rows())
	for r := range order {
		order[r] = r
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(t.Patient[a], t.Patient[b]), cmp.Compare(t.ID[a], t.ID[b]))
	})
	s = t.Subset(order)
	slices.SortFunc(s.Columns, func(a, b boost.Column) int { return cmp.Compare(a.Name, b.Name) })
	return s, order
}

// column returns the place of a column, −1 if there is none.
func (t *Table) column(name string) int {
	return slices.IndexFunc(t.Columns, func(c boost.Column) bool { return c.Name == name })
}

// counts returns the number of rows of each class.
func (t *Table) counts() []float64 {
	n := make([]float64, t.Classes)
	for _, k := range t.Y {
		n[k]++
	}
	return n
}

// numeric tells whether the values of a column are numbers.
func numeric(c boost.Column) bool { return c.Kind != boost.Categorical }

// pick returns x[rows[0]], x[rows[1]], …; nil of nil.
func pick[T any](x []T, rows []int) []T {
	if x == nil {
		return nil
	}
	y := make([]T, len(rows))
	for i, r := range rows {
		y[i] = x[r]
	}
	return y
}

// known returns the values of a column that are not missing, increasing.
func known(x []float64) []float64 {
	var v []float64
	for _, a := range x {
		if !math.IsNaN(a) {
			v = append(v, a)
		}
	}
	slices.Sort(v)
	return v
}

// meanSD returns mean and standard deviation of the values that are not
// missing; NaN without any.
func meanSD(x []float64) (m, sd float64) {
	var n float64
	for _, a := range x {
		if !math.IsNaN(a) {
			m += a
			n++
		}
	}
	m /= n
	for _, a := range x {
		if !math.IsNaN(a) {
			sd += (a - m) * (a - m)
		}
	}
	return m, math.Sqrt(sd / max(n-1, 1))
}
