package boost

import (
	"context"
	"fmt"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// chooseRounds returns the number of rounds with the least loss on rows left
// out: patients are dealt to folds, one model is grown for each fold on the
// others, all in step, and growing ends when the mean of their losses has not
// fallen for some rounds. Rows that test a model never see it grow.
func chooseRounds(ctx context.Context, d *Data, cfg *Config) (int, error) {
	p := newPatients(d, cfg.Objective, cfg.Classes)
	fold, err := p.folds(cfg.StopFolds, cfg.Seed)
	if err != nil {
		return 0, err
	}
	inner := *cfg
	inner.Bags, inner.StopFolds = 1, 0
	if inner.Base == nil && inner.Mode == Forest {
		return cfg.Rounds, nil // a forest does not overfit with its number of trees
	}
	growing := make([]*held, cfg.StopFolds)
	failed := make([]error, cfg.StopFolds)
	err = par.For(ctx, cfg.StopFolds, func(k int) {
		growing[k], failed[k] = newHeld(ctx, d, fold, k, &inner)
	})
	if err != nil {
		return 0, err
	}
	for k, err := range failed {
		if err != nil {
			return 0, fmt.Errorf("fold %d of %d: %w", k+1, cfg.StopFolds, err)
		}
	}
	best, at := 0.0, 0
	for round := 0; round < cfg.Rounds; round++ {
		losses := make([]float64, cfg.StopFolds)
		if err := par.For(ctx, cfg.StopFolds, func(k int) { losses[k] = growing[k].step(round) }); err != nil {
			return 0, err
		}
		var sum float64
		for k, l := range losses {
			sum += float64(l * growing[k].mass)
		}
		if round == 0 || sum < best {
			best, at = sum, round+1
		}
		if round+1-at >= cfg.Patience {
			break
		}
	}
	return at, nil
}

// held is a model that grows on all folds but one, and the rows of that one.
type held struct {
	*booster
	test   *Data
	x      [][]float64
	loss   *loss
	margin [][]float64
	mass   float64 // of the rows left out
	seen   int     // trees that the margins hold
}

func newHeld(ctx context.Context, d *Data, fold []int, k int, cfg *Config) (*held, error) {
	var in, out []int
	for r, f := range fold {
		if f == k {
			out = append(out, r)
		} else {
			in = append(in, r)
		}
	}
	train, test := d.subset(in), d.subset(out)
	if err := train.checkTarget(cfg.Objective, cfg.Classes); err != nil {
		return nil, err
	}
	p, err := newProblem(ctx, train, cfg)
	if err != nil {
		return nil, err
	}
	h := &held{test: test, loss: newLoss(test, &Config{Objective: cfg.Objective, Classes: cfg.Classes, ClassWeight: ClassAsData})}
	if h.booster, err = p.newBooster(ctx, 0, false); err != nil {
		return nil, err
	}
	for c := range test.Columns {
		h.x = append(h.x, test.Columns[c].Values)
	}
	for k := range p.base {
		f := make([]float64, len(out))
		for r := range f {
			f[r] = p.base[k]
		}
		h.margin = append(h.margin, f)
	}
	for _, w := range h.loss.weight {
		h.mass += w
	}
	return h, nil
}

// step grows a round and returns the mean loss of the rows left out. Dart
// changes the values of earlier trees, so that there all are added up again.
func (h *held) step(round int) float64 {
	h.booster.step(round)
	if h.cfg.Mode == Dart {
		h.seen = 0
		for k, f := range h.margin {
			for r := range f {
				f[r] = h.base[k]
			}
		}
	}
	for ; h.seen < len(h.trees); h.seen++ {
		t, f := &h.trees[h.seen], h.margin[h.seen%len(h.margin)]
		for r := range f {
			f[r] += t.Nodes[t.leafOf(h.x, int32(r))].Value
		}
	}
	if len(h.test.Y) == 0 {
		return 0
	}
	return h.loss.total(h.margin)
}
