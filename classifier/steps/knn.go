package steps

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// Neighbours predicts the shares of the classes among the K nearest training
// rows, by Euclidean distance of values that were filled in and scaled. If
// several rows are as far as the last one, they share its place.
type Neighbours struct {
	// K is the number of neighbours.
	K int `yaml:"neighbours" json:"neighbours"`
}

// Name returns "k nearest neighbours".
func (n Neighbours) Name() string { return "k nearest neighbours" }

// Validate reports what is wrong, in the words of the YAML file.
func (n Neighbours) Validate() error {
	if n.K < 1 {
		return fmt.Errorf("neighbours is %d, want at least 1", n.K)
	}
	return nil
}

// Fit keeps the training rows.
func (n Neighbours) Fit(ctx context.Context, train *Table, _ uint64) (Model, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	x, space, err := fitSpace(ctx, train)
	if err != nil {
		return nil, err
	}
	return &NeighbourModel{Space: *space, K: min(n.K, train.Rows()), Classes: train.Classes, X: x, Y: slices.Clone(train.Y)}, nil
}

// NeighbourModel is what [Neighbours] fits.
type NeighbourModel struct {
	Space   Space       `json:"space"`
	K       int         `json:"neighbours"`
	Classes int         `json:"classes"`
	X       [][]float64 `json:"x"` // [row][column]
	Y       []int       `json:"y"`
}

// Kind returns "neighbours".
func (m *NeighbourModel) Kind() string { return "neighbours" }

// Predict returns the shares of the classes.
func (m *NeighbourModel) Predict(t *Table) ([][]float64, error) {
	x, err := m.Space.rows(t)
	if err != nil {
		return nil, err
	}
	out := make([][]float64, len(x))
	type far struct {
		d float64
		y int
	}
	all := make([]far, len(m.X))
	for r, row := range x {
		for i, other := range m.X {
			var d float64
			for c, v := range row {
				d += (v - other[c]) * (v - other[c])
			}
			all[i] = far{d, m.Y[i]}
		}
		slices.SortFunc(all, func(a, b far) int { return cmp.Compare(a.d, b.d) })
		p := make([]float64, m.Classes)
		// Rows nearer than the K-th count whole; those as far as it share the rest.
		last := all[m.K-1].d
		nearer, equal := 0, 0
		for _, f := range all {
			if f.d < last {
				nearer++
			} else if f.d == last {
				equal++
			}
		}
		share := float64(m.K-nearer) / float64(equal)
		for _, f := range all[:nearer+equal] {
			w := 1.0
			if f.d == last {
				w = share
			}
			p[f.y] += w / float64(m.K)
		}
		out[r] = p
	}
	return out, nil
}

// Space makes complete, scaled rows of a table: missing values filled in,
// numbers scaled, each category a column of 0 and 1.
type Space struct {
	Fill   Fill     `json:"fill"`
	Scaled Scaled   `json:"scale"`
	Codes  []Coding `json:"codes,omitempty"`
}

// Coding is a categorical column as indicators.
type Coding struct {
	Name       string `json:"name"`
	Categories int    `json:"categories"`
}

// fitSpace learns from the training rows and returns them.
func fitSpace(ctx context.Context, train *Table) ([][]float64, *Space, error) {
	s := &Space{}
	for _, c := range train.Columns {
		if !numeric(c) {
			s.Codes = append(s.Codes, Coding{c.Name, len(c.Categories)})
		}
	}
	fill, err := Impute{}.Fit(ctx, train)
	if err != nil {
		return nil, nil, err
	}
	s.Fill = *fill.(*Fill)
	coded, err := s.code(train)
	if err != nil {
		return nil, nil, err
	}
	scaled, err := Scale{}.Fit(ctx, coded)
	if err != nil {
		return nil, nil, err
	}
	s.Scaled = *scaled.(*Scaled)
	x, err := s.rows(train)
	return x, s, err
}

// code fills in and replaces categories by indicators.
func (s *Space) code(t *Table) (*Table, error) {
	full, err := s.Fill.Apply(t)
	if err != nil || len(s.Codes) == 0 {
		return full, err
	}
	out := *full
	out.Columns = nil
	for _, c := range full.Columns {
		at := slices.IndexFunc(s.Codes, func(k Coding) bool { return k.Name == c.Name })
		if at < 0 {
			out.Columns = append(out.Columns, c)
			continue
		}
		for k := range s.Codes[at].Categories {
			one := c
			one.Name, one.Kind, one.Categories = fmt.Sprintf("%s=%d", c.Name, k), "", nil
			one.Values = make([]float64, len(c.Values))
			for r, v := range c.Values {
				if int(v) == k {
					one.Values[r] = 1
				}
			}
			out.Columns = append(out.Columns, one)
		}
	}
	return &out, nil
}

// rows returns the complete, scaled rows of t.
func (s *Space) rows(t *Table) ([][]float64, error) {
	coded, err := s.code(t)
	if err != nil {
		return nil, err
	}
	scaled, err := s.Scaled.Apply(coded)
	if err != nil {
		return nil, err
	}
	x := make([][]float64, t.Rows())
	flat := make([]float64, len(x)*len(scaled.Columns))
	for r := range x {
		x[r] = flat[r*len(scaled.Columns) : (r+1)*len(scaled.Columns)]
		for c := range scaled.Columns {
			if x[r][c] = scaled.Columns[c].Values[r]; math.IsNaN(x[r][c]) {
				return nil, fmt.Errorf("row %d, column %q: no value after imputation", r+1, scaled.Columns[c].Name)
			}
		}
	}
	return x, nil
}
