package steps

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// Impute fills missing values: numbers with the median of the training rows,
// categories with the most frequent one. A column without any value is dropped.
type Impute struct{}

// Name returns "imputation".
func (Impute) Name() string { return "imputation" }

// Fit computes the values to fill in.
func (Impute) Fit(_ context.Context, train *Table) (Applied, error) {
	f := &Fill{}
	for _, c := range train.Columns {
		x := known(c.Values)
		if len(x) == 0 {
			continue
		}
		f.Names = append(f.Names, c.Name)
		if numeric(c) {
			f.Values = append(f.Values, median(x))
		} else {
			f.Values = append(f.Values, mode(x))
		}
	}
	return f, nil
}

// median returns the middle of increasing values.
func median(x []float64) float64 {
	n := len(x)
	return (x[(n-1)/2] + x[n/2]) / 2
}

// mode returns the most frequent of increasing values, the first of equals.
func mode(x []float64) float64 {
	best, most := x[0], 0
	for lo := 0; lo < len(x); {
		hi := lo
		for hi < len(x) && x[hi] == x[lo] {
			hi++
		}
		if hi-lo > most {
			best, most = x[lo], hi-lo
		}
		lo = hi
	}
	return best
}

// Fill is the fitted form of [Impute].
type Fill struct {
	Names  []string  `json:"names"`
	Values []float64 `json:"values"`
}

// Kind returns "impute".
func (f *Fill) Kind() string { return "impute" }

// Apply returns the columns without missing values.
func (f *Fill) Apply(t *Table) (*Table, error) {
	return mapColumns(t, f.Names, func(n int, x float64) float64 {
		if math.IsNaN(x) {
			return f.Values[n]
		}
		return x
	})
}

// mapColumns returns the named columns with g(n, x) in place of the values of
// the n-th.
func mapColumns(t *Table, names []string, g func(n int, x float64) float64) (*Table, error) {
	out := *t
	out.Columns = make([]boost.Column, len(names))
	for n, name := range names {
		c := t.column(name)
		if c < 0 {
			return nil, fmt.Errorf("the table has no column %q, which the model needs", name)
		}
		out.Columns[n] = t.Columns[c]
		x := slices.Clone(t.Columns[c].Values)
		for r := range x {
			x[r] = g(n, x[r])
		}
		out.Columns[n].Values = x
	}
	return &out, nil
}

// Scale moves and stretches numbers to mean 0 and mean square 1 over the
// training rows, or, if Robust, to median 0 and interquartile range 1. A
// constant column becomes 0. Categories stay.
type Scale struct{ Robust bool }

// Name returns "scaling".
func (Scale) Name() string { return "scaling" }

// Fit computes place and width of each column.
func (s Scale) Fit(_ context.Context, train *Table) (Applied, error) {
	f := &Scaled{}
	for _, c := range train.Columns {
		centre, width := 0.0, 1.0
		if x := known(c.Values); numeric(c) && len(x) > 0 {
			if s.Robust {
				centre, width = median(x), quantile(x, 0.75)-quantile(x, 0.25)
			} else {
				centre, width = meanSD(x)
				width *= math.Sqrt(1 - 1/float64(len(x)))
			}
			if !(width > 0) {
				width = math.Inf(1) // x/∞ = 0
			}
		}
		f.Names, f.Centre, f.Inverse = append(f.Names, c.Name), append(f.Centre, centre), append(f.Inverse, 1/width)
	}
	return f, nil
}

// quantile is that of increasing values, of type 7.
func quantile(x []float64, q float64) float64 {
	h := q * float64(len(x)-1)
	lo := int(h)
	if lo+1 >= len(x) {
		return x[len(x)-1]
	}
	return x[lo] + (h-float64(lo))*(x[lo+1]-x[lo])
}

// Scaled is the fitted form of [Scale].
type Scaled struct {
	Names   []string  `json:"names"`
	Centre  []float64 `json:"centre"`
	Inverse []float64 `json:"inverse_width"` // 0: the column was constant
}

// Kind returns "scale".
func (f *Scaled) Kind() string { return "scale" }

// Apply returns the scaled columns.
func (f *Scaled) Apply(t *Table) (*Table, error) {
	return mapColumns(t, f.Names, func(n int, x float64) float64 { return (x - f.Centre[n]) * f.Inverse[n] })
}
