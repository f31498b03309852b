package classifier

import (
	"fmt"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// Contributions stores in phi, which is as long as there are columns, the exact
// Shapley value of each column for the row, and returns the log-odds before any
// of them, so that
//
//	F(x) = φ₀ + Σ φ_c                                             (C.8)
//
// See [boost.Model.Contributions] for the game.
func (e *Ensemble) Contributions(phi, values []float64) (base float64) {
	e.once.Do(func() { e.boost = e.as(make([]string, len(phi))) })
	return e.boost.Contributions(phi, values, 0)
}

// Boost returns e as a model of package boost, for the columns of these names:
// the same trees, whose children stand side by side. Its log-odds are those of e
// up to the order of a sum.
func (e *Ensemble) Boost(names []string) (*boost.Model, error) {
	m := e.as(names)
	if err := m.Prepare(); err != nil {
		return nil, fmt.Errorf("trees in another form: %w", err)
	}
	return m, nil
}

func (e *Ensemble) as(names []string) *boost.Model {
	m := &boost.Model{Objective: boost.Logistic, Margins: 1, Base: []float64{e.Base}}
	for _, name := range names {
		m.Features = append(m.Features, boost.Feature{Name: name, Kind: boost.Numeric})
	}
	for _, bag := range e.Bags {
		var b boost.Bag
		for _, t := range bag {
			b = append(b, t.boost())
		}
		m.Bags, m.Rounds = append(m.Bags, b), max(m.Rounds, len(b))
	}
	return m
}

// boost returns t with its nodes level by level, so that children stand side by
// side.
func (t Tree) boost() boost.Tree {
	out := boost.Tree{Nodes: make([]boost.Node, 1, len(t))}
	from := make([]int32, 1, len(t)) // place in t of each node of out
	for n := 0; n < len(from); n++ {
		node := &t[from[n]]
		out.Nodes[n] = boost.Node{Feature: node.Feature, Left: -1, Set: -1, MissingLeft: node.MissingLeft,
			Threshold: node.Threshold, Value: node.Value, Cover: node.Cover, Gain: node.Gain}
		if node.Feature >= 0 {
			out.Nodes[n].Left = int32(len(from))
			from = append(from, node.Left, node.Right)
			out.Nodes = append(out.Nodes, boost.Node{}, boost.Node{})
		}
	}
	return out
}
