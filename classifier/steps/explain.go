package steps

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// Explanation says how much of the margin of a row each column makes:
//
//	F(x) = φ₀ + Σ φ_j                                               (P.3)
//
// The margin F of one of two classes is its log-odds; of one of more, the
// logarithm of its probability less the mean over the classes; of a forest or
// tree alone, its share of the class. It is that of the model before
// calibration.
type Explanation struct {
	Base   float64   // φ₀
	Phi    []float64 // of each column
	Margin float64   // F
}

// Explain returns, for the given rows of t, what each column adds to the margin
// of a class, and the names of the columns as the model sees them.
//
// Trees have exact Shapley values (path-dependent TreeSHAP), and so has logistic
// regression, with columns taken for independent: φ_j = w_j (x_j − mean). A blend
// is the weighted sum of its parts; log-odds of a forest's share s are no sum
// over trees, and there the Shapley values of the share are stretched to its
// log-odds,
//
//	φ_j = φ_j(s) (L(s) − L(s₀))/(s − s₀)                            (P.4)
//
// which keeps the sum and the proportions but is exact for the share alone.
func (f *Fitted) Explain(t *Table, rows []int, class int) (names []string, out []Explanation, err error) {
	sub, order := t.Subset(rows).withoutOutcomes().sorted()
	for _, s := range f.Steps {
		if sub, err = s.Apply(sub); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", s.Kind(), err)
		}
	}
	e, err := explain(f.Model, sub, class)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range sub.Columns {
		names = append(names, c.Name)
	}
	out = make([]Explanation, len(rows))
	for n, r := range order {
		out[r] = e[n]
		out[r].Margin = out[r].Base
		for _, v := range out[r].Phi {
			out[r].Margin += v
		}
	}
	return names, out, nil
}

// explain explains the rows of a table in their order; margins are left to the
// caller.
func explain(m Model, t *Table, class int) ([]Explanation, error) {
	switch m := m.(type) {
	case *RidgeModel:
		return m.explain(t, class)
	case *TreeModel:
		if m.shares() {
			return m.explainShares(t, class)
		}
		return m.explainMargins(t, class)
	case *Blend:
		return m.explain(t, class)
	}
	return nil, errors.New("nearest neighbours have no exact explanation; train another learner")
}

// centred turns contributions to the margin of every class into those to the
// margin of one, less the mean over the classes. The only margin of two classes
// is that of the second.
func centred(all []Explanation, class int) Explanation {
	if len(all) == 1 {
		e := all[0]
		if class == 0 {
			e.Base = -e.Base
			for j := range e.Phi {
				e.Phi[j] = -e.Phi[j]
			}
		}
		return e
	}
	e := Explanation{Base: all[class].Base, Phi: slices.Clone(all[class].Phi)}
	for _, other := range all {
		e.Base -= other.Base / float64(len(all))
		for j, v := range other.Phi {
			e.Phi[j] -= v / float64(len(all))
		}
	}
	return e
}

func (m *RidgeModel) explain(t *Table, class int) ([]Explanation, error) {
	x, err := m.Space.rows(t)
	if err != nil {
		return nil, err
	}
	// The column of t that each coded column comes from.
	var from []int
	for _, name := range m.Space.Fill.Names {
		n := 1
		if at := slices.IndexFunc(m.Space.Codes, func(k Coding) bool { return k.Name == name }); at >= 0 {
			n = m.Space.Codes[at].Categories
		}
		from = append(from, slices.Repeat([]int{t.column(name)}, n)...)
	}
	out := make([]Explanation, len(x))
	for r, row := range x {
		all := make([]Explanation, len(m.Weights))
		for k, w := range m.Weights {
			all[k] = Explanation{Base: m.Intercept[k], Phi: make([]float64, len(t.Columns))}
			for c, v := range row {
				all[k].Phi[from[c]] += w[c] * v
			}
		}
		out[r] = centred(all, class)
	}
	return out, nil
}

// shares tells whether the trees predict shares of classes and not margins.
func (m *TreeModel) shares() bool { return m.Models[0].Objective == boost.Squared }

// contributions returns the Shapley values of margin k of a model, in the
// columns of t.
func contributions(one *boost.Model, t *Table, place []int, r, k int) Explanation {
	row, phi := make([]float64, len(place)), make([]float64, len(place))
	for f, c := range place {
		row[f] = t.Columns[c].Values[r]
	}
	e := Explanation{Base: one.Contributions(phi, row, k), Phi: make([]float64, len(t.Columns))}
	for f, c := range place {
		e.Phi[c] = phi[f]
	}
	return e
}

func (m *TreeModel) explainMargins(t *Table, class int) ([]Explanation, error) {
	one := m.Models[0]
	place, err := places(t, one)
	if err != nil {
		return nil, err
	}
	out := make([]Explanation, t.Rows())
	for r := range out {
		all := make([]Explanation, one.Margins)
		for k := range all {
			all[k] = contributions(one, t, place, r, k)
		}
		out[r] = centred(all, class)
	}
	return out, nil
}

func (m *TreeModel) explainShares(t *Table, class int) ([]Explanation, error) {
	one := m.Models[0]
	if m.Classes > 2 {
		one = m.Models[class]
	}
	place, err := places(t, one)
	if err != nil {
		return nil, err
	}
	out := make([]Explanation, t.Rows())
	for r := range out {
		if out[r] = contributions(one, t, place, r, 0); m.Classes == 2 && class == 0 {
			out[r] = centred([]Explanation{out[r]}, 0)
			out[r].Base++ // 1 − share
		}
	}
	return out, nil
}

func (b *Blend) explain(t *Table, class int) ([]Explanation, error) {
	out := make([]Explanation, t.Rows())
	for r := range out {
		out[r].Phi = make([]float64, len(t.Columns))
	}
	for n, part := range b.Parts {
		var e []Explanation
		var err error
		if trees, ok := part.(*TreeModel); ok && trees.shares() {
			e, err = trees.stretched(t, class, b.Margin)
		} else {
			e, err = explain(part, t, class)
		}
		if err != nil {
			return nil, err
		}
		for r := range out {
			out[r].Base += b.Weights[n] * e[r].Base
			for j, v := range e[r].Phi {
				out[r].Phi[j] += b.Weights[n] * v
			}
		}
	}
	return out, nil
}

// stretched explains the log-odds of a forest's shares by (P.4). What the shares
// of the other classes change by making all add up to 1 is in φ₀.
func (m *TreeModel) stretched(t *Table, class int, margin float64) ([]Explanation, error) {
	p, err := m.Predict(t)
	if err != nil {
		return nil, err
	}
	kept := func(q float64) float64 { return min(max(q, margin), 1-margin) }
	parts := make([][]Explanation, len(m.Models))
	for k := range parts {
		of := k
		if m.Classes == 2 {
			of = 1
		}
		if parts[k], err = m.explainShares(t, of); err != nil {
			return nil, err
		}
	}
	out := make([]Explanation, t.Rows())
	for r := range out {
		all := make([]Explanation, len(parts))
		for k := range parts {
			e := &parts[k][r]
			s, sum := e.Base, 0.0
			for _, v := range e.Phi {
				s += v
				sum += v
			}
			target, from := math.Log(kept(p[r][k])), math.Log(kept(e.Base))
			if m.Classes == 2 {
				target = math.Log(kept(p[r][1])) - math.Log(kept(p[r][0]))
				from = math.Log(kept(e.Base)) - math.Log(kept(1-e.Base))
			}
			stretch := 0.0
			if math.Abs(s-e.Base) > 1e-9 {
				stretch = (target - from) / (s - e.Base)
			}
			for j := range e.Phi {
				e.Phi[j] *= stretch
			}
			all[k] = Explanation{Base: target - sum*stretch, Phi: e.Phi}
		}
		out[r] = centred(all, class)
	}
	return out, nil
}
