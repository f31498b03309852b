package steps

import (
	"context"
	"fmt"

	"github.com/plaquerisk/plaquerisk/classifier/calibrate"
)

// Step learns from training rows how to change a table.
type Step interface {
	// Name stands in messages: "variance filter".
	Name() string
	// Fit learns. It sees training rows alone and must not keep the table.
	Fit(ctx context.Context, train *Table) (Applied, error)
}

// Applied is a fitted step. It must not change the table that it is given.
type Applied interface {
	// Kind is the name of the step in JSON.
	Kind() string
	// Apply returns the changed table, with the same rows.
	Apply(t *Table) (*Table, error)
}

// Augmenter is a [Step] that adds rows to the training table, as [Smote] does.
// Rows that are predicted are never added to.
type Augmenter interface {
	Augment(train *Table, seed uint64) (*Table, error)
}

// Learner fits a model.
type Learner interface {
	Name() string
	Fit(ctx context.Context, train *Table, seed uint64) (Model, error)
}

// Model gives class probabilities. It finds its columns by name and is safe for
// use by several goroutines.
type Model interface {
	// Kind is the name of the model in JSON.
	Kind() string
	// Predict returns the probability of each class, p[row][class].
	Predict(t *Table) ([][]float64, error)
}

// Pipeline is a recipe: what is done, not what was learnt.
type Pipeline struct {
	Steps   []Step
	Learner Learner
	// Calibration, if not empty, is platt, beta, isotonic or temperature, fitted on the
	// predictions of inner folds of the training rows; two classes alone.
	Calibration string
	// InnerFolds is the number of patient-grouped folds for it.
	InnerFolds int
}

// Fitted is a pipeline that has learnt.
type Fitted struct {
	Steps      []Applied
	Model      Model
	Calibrator calibrate.Map // nil: none
}

// Fit learns from the given rows of t. Steps and learner see nothing else of it.
func (p Pipeline) Fit(ctx context.Context, t *Table, train []int, seed uint64) (*Fitted, error) {
	sub, _ := t.Subset(train).sorted()
	if err := sub.Check(); err != nil {
		return nil, fmt.Errorf("training rows: %w", err)
	}
	f, err := p.fit(ctx, sub, seed)
	if err != nil {
		return nil, err
	}
	if p.Calibration == "" {
		return f, nil
	}
	f.Calibrator, err = p.calibrator(ctx, sub, seed)
	if err != nil {
		return nil, fmt.Errorf("calibration on inner folds: %w", err)
	}
	return f, nil
}

func (p Pipeline) fit(ctx context.Context, train *Table, seed uint64) (*Fitted, error) {
	f := &Fitted{}
	for _, s := range p.Steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		applied, err := s.Fit(ctx, train)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name(), err)
		}
		if train, err = f.apply(applied, train); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name(), err)
		}
		if a, ok := s.(Augmenter); ok {
			if train, err = a.Augment(train, seed); err != nil {
				return nil, fmt.Errorf("%s: %w", s.Name(), err)
			}
		}
	}
	m, err := p.Learner.Fit(ctx, train, seed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Learner.Name(), err)
	}
	f.Model = m
	return f, nil
}

func (f *Fitted) apply(s Applied, t *Table) (*Table, error) {
	next, err := s.Apply(t)
	if err != nil {
		return nil, err
	}
	if len(next.Columns) == 0 {
		return nil, fmt.Errorf("no column of %d is left", len(t.Columns))
	}
	f.Steps = append(f.Steps, s)
	return next, nil
}

// calibrator fits on the predictions for rows that the inner models did not see.
func (p Pipeline) calibrator(ctx context.Context, train *Table, seed uint64) (calibrate.Map, error) {
	if train.Classes != 2 {
		return nil, fmt.Errorf("%d classes, want 2", train.Classes)
	}
	inner := p
	inner.Calibration = ""
	splits, err := Folds(train, max(2, p.InnerFolds), 1, key(seed, "calibration"))
	if err != nil {
		return nil, err
	}
	out, err := CrossValidate(ctx, inner, train, splits, seed)
	if err != nil {
		return nil, err
	}
	q := out[0]
	p1 := make([]float64, len(q))
	for r := range q {
		p1[r] = q[r][1]
	}
	switch p.Calibration {
	case "platt":
		return calibrate.FitPlatt(train.Y, p1)
	case "beta":
		return calibrate.FitBeta(train.Y, p1)
	case "isotonic":
		return calibrate.FitIsotonic(train.Y, p1)
	case "temperature":
		return calibrate.FitTemperature(train.Y, q)
	}
	return nil, fmt.Errorf("unknown calibration %q, want platt, beta, isotonic or temperature", p.Calibration)
}

// Predict returns the class probabilities of the given rows of t, in their
// order. Steps do not see outcomes.
func (f *Fitted) Predict(t *Table, rows []int) ([][]float64, error) {
	sub, order := t.Subset(rows).withoutOutcomes().sorted()
	var err error
	for _, s := range f.Steps {
		if sub, err = s.Apply(sub); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Kind(), err)
		}
	}
	p, err := f.Model.Predict(sub)
	if err != nil {
		return nil, err
	}
	out := make([][]float64, len(p))
	for n, r := range order {
		if f.Calibrator != nil {
			q := f.Calibrator.Apply(p[n][1])
			p[n][0], p[n][1] = 1-q, q
		}
		out[r] = p[n]
	}
	return out, nil
}
