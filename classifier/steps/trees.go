package steps

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// Boosting is gradient boosting: logistic for two classes, softmax for more. A
// min_child_rows of 0 takes the larger of 2 and rows/50.
type Boosting struct {
	boost.Config `yaml:",inline"`
}

// DefaultBoosting returns ten bags of 300 trees of depth 2, each tree on 60 %
// of the patients and half of the columns: see docs/decisions/0066-preset.md.
func DefaultBoosting() Boosting {
	c := boost.DefaultConfig()
	c.Bags, c.Rounds, c.LearningRate = 10, 300, 0.03
	c.Growth, c.MaxDepth, c.MaxLeaves, c.MaxBins = boost.DepthFirst, 2, 0, 33
	c.Lambda, c.MinChildWeight, c.MinChildRows = 5, 1, 1
	c.RowFraction, c.TreeFraction = 0.6, 0.5
	return Boosting{c}
}

// LargeBoosting returns settings for some thousand rows and more: leaf-wise trees
// of 31 leaves, as many as patient-grouped inner folds ask for.
func LargeBoosting() Boosting {
	c := boost.DefaultConfig()
	c.Rounds, c.LearningRate, c.MinChildRows = 1000, 0.05, 10
	c.RowFraction, c.TreeFraction = 0.8, 0.8
	c.StopFolds, c.Patience = 3, 30
	return Boosting{c}
}

// childRows returns the least number of rows in a leaf on a table of n rows.
func (b Boosting) childRows(n int) int {
	if b.MinChildRows > 0 {
		return b.MinChildRows
	}
	return max(2, n/50)
}

// Name returns "gradient boosting".
func (b Boosting) Name() string { return "gradient boosting" }

// Fit boosts.
func (b Boosting) Fit(ctx context.Context, train *Table, seed uint64) (Model, error) {
	cfg := b.Config
	cfg.Seed, cfg.Objective, cfg.MinChildRows = key(seed, "boosting"), boost.Logistic, b.childRows(train.Rows())
	if train.Classes > 2 {
		cfg.Objective, cfg.Classes = boost.Softmax, train.Classes
	}
	// A tree of some depth needs columns to join.
	if p := len(train.Columns); cfg.MaxDepth > 1 {
		cfg.TreeFraction = min(1, max(cfg.TreeFraction, float64(cfg.MaxDepth)/float64(p)))
	}
	m, err := boost.Fit(ctx, boostData(train, func(class int) float64 { return float64(class) }), cfg)
	if err != nil {
		return nil, err
	}
	return &TreeModel{Models: []*boost.Model{m}, Classes: train.Classes}, nil
}

// boostData returns t with a target made of the class.
func boostData(t *Table, target func(class int) float64) *boost.Data {
	d := &boost.Data{Columns: t.Columns, Group: t.Patient, ID: t.ID, Y: make([]float64, t.Rows())}
	for r, k := range t.Y {
		d.Y[r] = target(k)
	}
	return d
}

// Forest is a random forest of probabilities: the mean share of a class in the
// leaves. With more than two classes there is a forest for each, and their
// shares are made to add up to 1.
type Forest struct {
	boost.Config `yaml:",inline"`
	// SqrtColumns shows √p of p columns to a node, whatever node_column_fraction says.
	SqrtColumns bool `yaml:"sqrt_columns" json:"sqrt_columns"`
}

// DefaultForest returns 300 trees with at least 3 rows in a leaf, √p columns at
// a node.
func DefaultForest() Forest { return Forest{boost.ForestConfig(), true} }

// Name returns "random forest".
func (f Forest) Name() string { return "random forest" }

// Fit grows the trees.
func (f Forest) Fit(ctx context.Context, train *Table, seed uint64) (Model, error) {
	cfg := f.Config
	if f.SqrtColumns {
		p := float64(len(train.Columns))
		cfg.NodeFraction = min(1, math.Round(math.Sqrt(p))/p)
	}
	return fitShares(ctx, train, cfg, seed)
}

// fitShares fits the mean of the indicator of each class but the first of two.
func fitShares(ctx context.Context, train *Table, cfg boost.Config, seed uint64) (Model, error) {
	m := &TreeModel{Classes: train.Classes}
	cfg.Objective, cfg.Mode = boost.Squared, boost.Forest
	for class := range train.Classes {
		if train.Classes == 2 && class == 0 {
			continue
		}
		cfg.Seed = key(seed, "forest", strconv.Itoa(class))
		one, err := boost.Fit(ctx, boostData(train, func(k int) float64 {
			if k == class {
				return 1
			}
			return 0
		}), cfg)
		if err != nil {
			return nil, err
		}
		m.Models = append(m.Models, one)
	}
	return m, nil
}

// Tree is one decision tree of class shares.
type Tree struct {
	boost.Config `yaml:",inline"`
}

// DefaultTree returns a tree of depth 3.
func DefaultTree() Tree {
	c := boost.ForestConfig()
	c.Rounds, c.Bootstrap, c.NodeFraction, c.MaxDepth = 1, false, 1, 3
	return Tree{c}
}

// Name returns "decision tree".
func (t Tree) Name() string { return "decision tree" }

// Fit grows the tree.
func (t Tree) Fit(ctx context.Context, train *Table, seed uint64) (Model, error) {
	return fitShares(ctx, train, t.Config, seed)
}

// TreeModel is what [Boosting], [Forest] and [Tree] fit: one model of all
// classes, or one of shares for each class.
type TreeModel struct {
	Classes int            `json:"classes"`
	Models  []*boost.Model `json:"models"`
}

// Kind returns "trees".
func (m *TreeModel) Kind() string { return "trees" }

// Predict returns the class probabilities.
func (m *TreeModel) Predict(t *Table) ([][]float64, error) {
	shares := m.Models[0].Objective == boost.Squared
	out := make([][]float64, t.Rows())
	for r := range out {
		out[r] = make([]float64, m.Classes)
	}
	for n, one := range m.Models {
		place, err := places(t, one)
		if err != nil {
			return nil, err
		}
		row, dst := make([]float64, len(place)), make([]float64, one.Margins)
		for r := range out {
			for f, c := range place {
				row[f] = t.Columns[c].Values[r]
			}
			one.Predict(dst, row)
			switch p := out[r]; {
			case shares && m.Classes > 2:
				p[n] = min(max(dst[0], 0), 1)
			case m.Classes == 2:
				q := min(max(dst[0], 0), 1)
				p[0], p[1] = 1-q, q
			default:
				copy(p, dst)
			}
		}
	}
	if shares && m.Classes > 2 {
		for _, p := range out {
			normalise(p)
		}
	}
	return out, nil
}

// normalise makes shares add up to 1; if all are 0 they become equal.
func normalise(p []float64) {
	var sum float64
	for _, q := range p {
		sum += q
	}
	for k := range p {
		if sum > 0 {
			p[k] /= sum
		} else {
			p[k] = 1 / float64(len(p))
		}
	}
}

// places returns the place in t of each feature of m.
func places(t *Table, m *boost.Model) ([]int, error) {
	at := make(map[string]int, len(t.Columns))
	for c := range t.Columns {
		at[t.Columns[c].Name] = c
	}
	out := make([]int, len(m.Features))
	for f := range m.Features {
		c, ok := at[m.Features[f].Name]
		if !ok {
			return nil, fmt.Errorf("the table has no column %q, which the model needs", m.Features[f].Name)
		}
		out[f] = c
	}
	return out, nil
}
