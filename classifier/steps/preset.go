package steps

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// Preset is the learner for small cohorts: the mean, in log-odds, of boosted
// trees, ridge regression and, with a third of their weight, a random forest,
// whose shares are too even where classes lie apart. Weights are not learnt,
// since weights fitted on a hundred rows cost more than they give: see
// docs/decisions/0066-preset.md.
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
	return Preset{Boosting: DefaultBoosting(), Ridge: DefaultRidge(), Forest: DefaultForest(), Weights: []float64{3. / 7, 3. / 7, 1. / 7}}
}

// Name returns "small-cohort preset".
func (p Preset) Name() string { return "small-cohort preset" }

// Validate reports everything that is wrong, in the words of the YAML file.
func (p Preset) Validate() error {
	var sum float64
	for _, w := range p.Weights {
		if !(w >= 0) {
			return fmt.Errorf("weights has %g, want 0 or more", w)
		}
		sum += w
	}
	if len(p.Weights) != 3 || math.Abs(sum-1) > 1e-9 {
		return fmt.Errorf("weights is %v, want three numbers that add up to 1", p.Weights)
	}
	return errors.Join(p.Boosting.Validate(), p.Ridge.Validate(), p.Forest.Validate())
}

// Adaptations says in words how the settings follow the size of the table.
func (p Preset) Adaptations(t *Table) []string {
	ids, _, _ := patientsOf(t)
	q := float64(len(t.Columns))
	return []string{
		fmt.Sprintf("%d bags of %.0f %% of %d patients, each of %d trees of depth %d on %.0f %% of a bag and %.0f %% of %d columns, at least %d rows in a leaf",
			p.Boosting.Bags, 100*p.Boosting.BagFraction, len(ids), p.Boosting.Rounds, p.Boosting.MaxDepth, 100*p.Boosting.RowFraction, 100*p.Boosting.TreeFraction, len(t.Columns), p.Boosting.childRows(t.Rows())),
		fmt.Sprintf("ridge penalty averaged over %d values, weighted in %d inner folds of patients", len(p.Ridge.C), min(p.Ridge.Folds, len(ids))),
		fmt.Sprintf("%d forest trees, %.0f of %d columns at a node, at least %d rows in a leaf", p.Forest.Rounds, math.Round(math.Sqrt(q)), len(t.Columns), p.Forest.MinChildRows),
		fmt.Sprintf("shares of the forest kept within %.2g of 0 and 1", forestMargin(t.Rows())),
	}
}

// forestMargin is what a forest's share keeps from 0 and 1 before its log-odds
// are taken: half a row of n.
func forestMargin(n int) float64 { return 0.5 / float64(n) }

// Fit fits the three parts.
func (p Preset) Fit(ctx context.Context, train *Table, seed uint64) (Model, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
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
