package steps

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// CrossValidate fits p on the training rows of every split and predicts its test
// rows: out[repeat][row][class], nil for rows that no split of the repeat tests.
// Splits run side by side; the result has the same bits on any number of
// processors. The seed of a split depends on its place alone.
func CrossValidate(ctx context.Context, p Pipeline, t *Table, splits []Split, seed uint64) ([][][]float64, error) {
	return CrossValidateProgress(ctx, p, t, splits, seed, func() {})
}

// CrossValidateProgress also calls done, from several goroutines, after each
// split.
func CrossValidateProgress(ctx context.Context, p Pipeline, t *Table, splits []Split, seed uint64, done func()) ([][][]float64, error) {
	out, err := crossValidateAs(ctx, p, t, splits, []*Table{t}, seed, done)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// crossValidateAs fits on the training rows of t and predicts the test rows as
// each of tested has them, with the rows of t and perhaps other values:
// out[tested][repeat][row][class].
func crossValidateAs(ctx context.Context, p Pipeline, t *Table, splits []Split, tested []*Table, seed uint64, done func()) ([][][][]float64, error) {
	got := make([][][][]float64, len(splits))
	errs := make([]error, len(splits))
	var failed atomic.Bool
	if err := par.For(ctx, len(splits), func(n int) {
		if failed.Load() {
			return
		}
		if got[n], errs[n] = runSplit(ctx, p, t, splits[n], tested, seed); errs[n] != nil {
			failed.Store(true)
			return
		}
		done()
	}); err != nil {
		return nil, err
	}
	repeats := 0
	for n, s := range splits {
		if errs[n] != nil {
			return nil, errs[n]
		}
		repeats = max(repeats, s.Repeat+1)
	}
	out := make([][][][]float64, len(tested))
	for v := range out {
		out[v] = make([][][]float64, repeats)
		for r := range out[v] {
			out[v][r] = make([][]float64, t.Rows())
		}
		for n, s := range splits {
			for i, row := range s.Test {
				if out[v][s.Repeat][row] != nil {
					return nil, fmt.Errorf("%s: row %d is tested twice in one repeat", s.Name, row+1)
				}
				out[v][s.Repeat][row] = got[n][v][i]
			}
		}
	}
	return out, nil
}

func runSplit(ctx context.Context, p Pipeline, t *Table, s Split, tested []*Table, seed uint64) ([][][]float64, error) {
	if err := apart(t, s); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	f, err := p.Fit(ctx, t, s.Train, seed+uint64(s.Repeat)<<32+uint64(s.Fold))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	out := make([][][]float64, len(tested))
	for v, other := range tested {
		if out[v], err = f.Predict(other, s.Test); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return out, nil
}

// apart fails if a patient is trained on and tested.
func apart(t *Table, s Split) error {
	train := make(map[string]int, len(s.Train))
	for _, r := range s.Train {
		train[t.Patient[r]] = r
	}
	for _, r := range s.Test {
		if other, ok := train[t.Patient[r]]; ok {
			return fmt.Errorf("rows %d and %d are of patient %q, one trained on and one tested", other+1, r+1, t.Patient[r])
		}
	}
	return nil
}
