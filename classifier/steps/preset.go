package steps

import (
	"context"
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// Preset is the learner for small cohorts: the mean, in log-odds, of boosted
// trees, ridge regression and a random forest, without weights to be learnt,
// since weights fitted on a hundred rows cost more than they give.
type Preset struct {
	// Boosting are the settings of the boosted trees.
	Boosting Boosting `yaml:"boosting" json:"boosting"`
	// Ridge are the settings of the logistic regression.
	Ridge Ridge `yaml:"ridge" json:"ridge"`
	// Forest are the settings of the random forest.
	Forest Forest `yaml:"forest" json:"forest"`
	// Weights are those of the three parts, in that order; they add up to 1.
	Weights []float64 `yaml:"weights" json:"weights"`
}

// DefaultPreset returns the three parts with their defaults.
func DefaultPreset() Preset {
	return Preset{Boosting: DefaultBoosting(), Ridge: DefaultRidge(), Forest: DefaultForest(), Weights: []float64{0.4, 0.4, 0.2}}
}

// Name returns "small-cohort preset".
func (p Preset) Name() string { return "small-cohort preset" }

// Adaptations says in words how the settings follow the size of the table.
func (p Preset) Adaptations(t *Table) []string {
	ids, _, _ := patientsOf(t)
	q := float64(len(t.Columns))
	return []string{
		fmt.Sprintf("%d bags of %d trees of depth %d, each tree on %.0f %% of %d patients and %.0f %% of %d columns",
			p.Boosting.Bags, p.Boosting.Rounds, p.Boosting.MaxDepth, 100*p.Boosting.RowFraction, len(ids), 100*p.Boosting.TreeFraction, len(t.Columns)),
		fmt.Sprintf("ridge penalty chosen among %d in %d inner folds of patients", len(p.Ridge.C), min(p.Ridge.Folds, len(ids))),
		fmt.Sprintf("%d forest trees, %.0f of %d columns at a node, at least %d rows in a leaf", p.Forest.Rounds, math.Round(math.Sqrt(q)), len(t.Columns), p.Forest.MinChildRows),
		fmt.Sprintf("shares of the forest kept within %.2g of 0 and 1", forestMargin(t.Rows())),
	}
}

// forestMargin is what a forest's share keeps from 0 and 1 before its log-odds
// are taken: half a row of n.
func forestMargin(n int) float64 { return 0.5 / float64(n) }

// Fit fits the three parts.
func (p Preset) Fit(ctx context.Context, train *Table, seed uint64) (Model, error) {
	b := &Blend{Classes: train.Classes, Margin: forestMargin(train.Rows())}
	for n, l := range []Learner{p.Boosting, p.Ridge, p.Forest} {
		if p.Weights[n] == 0 {
			continue
		}
		m, err := l.Fit(ctx, train, seed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.Name(), err)
		}
		b.Parts, b.Weights = append(b.Parts, m), append(b.Weights, p.Weights[n])
	}
	return b, nil
}

// Blend is the mean of models in log-odds (of logarithms of probabilities, for
// more than two classes).
type Blend struct {
	Classes int
	Margin  float64   // shares of a forest are kept within [margin, 1 − margin]
	Weights []float64 // of the parts; they add up to 1
	Parts   []Model
}

// Kind returns "blend".
func (b *Blend) Kind() string { return "blend" }

// Predict returns the class probabilities.
func (b *Blend) Predict(t *Table) ([][]float64, error) {
	sum := make([][]float64, t.Rows())
	for r := range sum {
		sum[r] = make([]float64, b.Classes)
	}
	for n, m := range b.Parts {
		p, err := m.Predict(t)
		if err != nil {
			return nil, err
		}
		margin := 1e-12
		if trees, ok := m.(*TreeModel); ok && trees.Models[0].Objective == boost.Squared {
			margin = b.Margin // shares of a forest may be 0
		}
		for r := range p {
			for k, q := range p[r] {
				sum[r][k] += math.Log(min(max(q, margin), 1-margin)) * b.Weights[n]
			}
		}
	}
	for r := range sum {
		sum[r] = softmax(sum[r])
	}
	return sum, nil
}
