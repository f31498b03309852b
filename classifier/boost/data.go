package boost

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Kind says what the values of a column are.
type Kind string

// The kinds of columns.
const (
	Numeric     Kind = "numeric"
	Categorical Kind = "categorical"
)

// MaxCategories is the number of categories that a column may have.
const MaxCategories = 255

// Column is one column of a table.
type Column struct {
	Name   string
	Kind   Kind      // empty: Numeric
	Values []float64 // of each row; NaN is missing; a category is its place in Categories
	// Categories names the categories of a categorical column, in increasing
	// order, so that their places do not depend on the order of rows.
	Categories []string
	Block      string // modality, as "radiomics"; may be empty
}

// Data is a table to learn from. Fit does not change it.
type Data struct {
	Columns []Column
	// Y is the target: 0 or 1 (Logistic), a class (Softmax), a count (Poisson), a
	// time (Cox) or any number (Squared).
	Y []float64
	// Event tells of each row whether the time in Y ended with the event; Cox alone.
	Event []bool
	// Weight of each row, 0 or more; nil: all are 1.
	Weight []float64
	// Group is the patient of each row: rows of one patient are drawn together
	// and stay in one fold. Nil: each row is a patient of its own.
	Group []string
	// ID names the rows. It keys random draws where there is no Group. Nil: the
	// row number, and then draws depend on the order of rows.
	ID []string
}

// Errors that a caller may decide on.
var (
	// ErrNoRows: there is no row, or none with a weight above zero.
	ErrNoRows = errors.New("no row to learn from")
	// ErrOneClass: all targets are equal, so that there is nothing to learn.
	ErrOneClass = errors.New("all targets are equal")
)

// maxRows keeps integer sums and row numbers in range.
const maxRows = 1 << 27

// check tells what keeps d from being learnt from, rows counted from 1.
func (d *Data) check(o Objective, classes int) error {
	n := len(d.Y)
	for _, l := range []struct {
		name  string
		given bool
		n     int
	}{
		{"event", d.Event != nil, len(d.Event)}, {"weight", d.Weight != nil, len(d.Weight)},
		{"group", d.Group != nil, len(d.Group)}, {"id", d.ID != nil, len(d.ID)},
	} {
		if l.given && l.n != n {
			return fmt.Errorf("%d values of %s for %d rows", l.n, l.name, n)
		}
	}
	if n == 0 {
		return ErrNoRows
	}
	if n > maxRows {
		return fmt.Errorf("%d rows, want at most %d", n, maxRows)
	}
	if len(d.Columns) == 0 {
		return errors.New("no feature column")
	}
	if err := d.checkColumns(); err != nil {
		return err
	}
	var heavy bool
	for r, w := range d.Weight {
		if !(w >= 0 && w <= maxWeight) {
			return fmt.Errorf("row %d has weight %g, want 0 to %g", r+1, w, float64(maxWeight))
		}
		heavy = heavy || w > 0
	}
	if d.Weight != nil && !heavy {
		return fmt.Errorf("%w: all weights are 0", ErrNoRows)
	}
	if d.ID != nil {
		order := make([]int, n)
		for r := range order {
			order[r] = r
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(d.ID[a], d.ID[b]), a-b) })
		for i := 1; i < n; i++ {
			if a, b := order[i-1], order[i]; d.ID[a] == d.ID[b] {
				return fmt.Errorf("rows %d and %d have the same id %q", a+1, b+1, d.ID[a])
			}
		}
	}
	return d.checkTarget(o, classes)
}

func (d *Data) checkColumns() error {
	seen := make(map[string]int, len(d.Columns))
	for c := range d.Columns {
		col := &d.Columns[c]
		if first, twice := seen[col.Name]; twice {
			return fmt.Errorf("columns %d and %d are both named %q", first+1, c+1, col.Name)
		}
		seen[col.Name] = c
		if len(col.Values) != len(d.Y) {
			return fmt.Errorf("column %q has %d values for %d rows", col.Name, len(col.Values), len(d.Y))
		}
		switch col.Kind {
		case "", Numeric:
			for r, x := range col.Values {
				if math.IsInf(x, 0) {
					return fmt.Errorf("row %d, column %q: infinite value; leave the cell empty if it is unknown", r+1, col.Name)
				}
			}
		case Categorical:
			k := len(col.Categories)
			if k > MaxCategories {
				return fmt.Errorf("column %q has %d categories, want at most %d: join the rare ones", col.Name, k, MaxCategories)
			}
			if !slices.IsSorted(col.Categories) {
				return fmt.Errorf("column %q: categories are not in increasing order", col.Name)
			}
			for r, x := range col.Values {
				if x == x && !(x >= 0 && x < float64(k) && x == math.Trunc(x)) {
					return fmt.Errorf("row %d, column %q: %g is not the place of one of %d categories", r+1, col.Name, x, k)
				}
			}
		default:
			return fmt.Errorf("column %q is of kind %q, want %q or %q", col.Name, col.Kind, Numeric, Categorical)
		}
	}
	return nil
}

func (d *Data) checkTarget(o Objective, classes int) error {
	counts := make([]int, max(classes, 2))
	events, equal := 0, true
	for r, y := range d.Y {
		bad := math.IsNaN(y) || math.IsInf(y, 0)
		want := "a number"
		switch o {
		case Logistic:
			bad, want = y != 0 && y != 1, "0 or 1"
		case Softmax:
			bad, want = !(y >= 0 && y < float64(classes) && y == math.Trunc(y)), fmt.Sprintf("a class from 0 to %d", classes-1)
		case Poisson:
			bad, want = bad || y < 0, "a count"
		case Cox:
			bad, want = bad || y < 0, "a time of 0 or more"
		}
		if bad {
			return fmt.Errorf("row %d has target %g, want %s", r+1, y, want)
		}
		if d.Weight != nil && d.Weight[r] == 0 {
			continue
		}
		if o == Logistic || o == Softmax {
			counts[int(y)]++
		}
		if d.Event != nil && d.Event[r] {
			events++
		}
		equal = equal && y == d.Y[0]
	}
	switch o {
	case Cox:
		if d.Event == nil {
			return errors.New("objective cox needs to know which times ended with the event")
		}
		if events == 0 {
			return fmt.Errorf("%w: no time ended with the event", ErrOneClass)
		}
	case Logistic, Softmax:
		for k, n := range counts {
			if n == 0 {
				return fmt.Errorf("%w: no row of class %d", ErrOneClass, k)
			}
		}
	default:
		if equal {
			return fmt.Errorf("%w: %g", ErrOneClass, d.Y[0])
		}
	}
	return nil
}

// weight returns the weight of row r.
func (d *Data) weight(r int) float64 {
	if d.Weight == nil {
		return 1
	}
	return d.Weight[r]
}

// subset returns the given rows, in that order.
func (d *Data) subset(rows []int) *Data {
	s := &Data{
		Columns: slices.Clone(d.Columns), Y: pick(d.Y, rows), Event: pick(d.Event, rows),
		Weight: pick(d.Weight, rows), Group: pick(d.Group, rows), ID: pick(d.ID, rows),
	}
	for c := range s.Columns {
		s.Columns[c].Values = pick(d.Columns[c].Values, rows)
	}
	return s
}

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
