package classifier

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// streamFolds keeps the random numbers of the folds apart from those of the
// learners.
const streamFolds = 0xf01d

// folds deals patients into k folds, stratified by their outcome: within each
// class the patients are shuffled and dealt in turn, the negatives going on
// where the positives ended, so that sizes differ by at most one. All folds then
// train on nearly the same prevalence, whatever the outcomes are. It returns the
// fold of every patient.
func folds(label []int, k int, rng *rand.Rand) []int {
	fold := make([]int, len(label))
	next := 0
	for _, class := range []int{1, 0} {
		var members []int
		for p, y := range label {
			if y == class {
				members = append(members, p)
			}
		}
		rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		for _, p := range members {
			fold[p] = next % k
			next++
		}
	}
	return fold
}

// split is one fold of one repeat.
type split struct {
	repeat, fold int
	train, test  []int // rows of the data
}

// splits returns the folds of all repeats: all rows of a patient are in one.
// Rows of patients that are not listed are in none.
func splits(d *Data, patients []Unit, cfg EvaluationConfig, seed uint64) []split {
	label := make([]int, len(patients))
	place := make(map[int]int, len(patients))
	for n, u := range patients {
		label[n], place[u.Group] = u.Label, n
	}
	var all []split
	for r := range cfg.Repeats {
		fold := folds(label, cfg.Folds, rand.New(rand.NewPCG(seed, streamFolds+uint64(r)<<16)))
		for f := range cfg.Folds {
			s := split{repeat: r, fold: f}
			for row, g := range d.Group {
				n, ok := place[g]
				if !ok {
					continue
				}
				if fold[n] == f {
					s.test = append(s.test, row)
				} else {
					s.train = append(s.train, row)
				}
			}
			all = append(all, s)
		}
	}
	return all
}

// fitted is what one split gave: the log-odds of the test rows, in the order of
// split.test and, if asked for, the contributions of the columns.
type fitted struct {
	logOdds []float64
	lacking [][]float64 // the same without each set of columns that was asked for
	shift   []float64   // mean |contribution| of each column over the test lesions; nil if not asked for
	used    []bool      // columns that the trees split on
}

// asked is what a cross-validation gives beside log-odds.
type asked struct {
	explain bool    // contributions of the columns
	lacking [][]int // log-odds where these columns are missing in the test rows
}

// crossValidate fits l on the training rows of every split and predicts its
// test rows. It runs splits side by side and gathers them by place, so that the
// result has the same bits on any number of processors. Learners see the
// training rows alone.
func crossValidate(ctx context.Context, l Learner, d *Data, all []split, seed uint64, want asked, tick func()) ([]fitted, error) {
	out := make([]fitted, len(all))
	errs := make([]error, len(all))
	var failed atomic.Bool
	err := par.For(ctx, len(all), func(n int) {
		if failed.Load() {
			return
		}
		out[n], errs[n] = fitSplit(ctx, l, d, &all[n], seed, want)
		if errs[n] != nil {
			failed.Store(true)
			return
		}
		tick()
	})
	if err != nil {
		return nil, err
	}
	return out, errors.Join(errs...)
}

func fitSplit(ctx context.Context, l Learner, d *Data, s *split, seed uint64, want asked) (fitted, error) {
	f, err := Fit(ctx, l, d.Subset(s.train), seed+uint64(s.repeat)<<20+uint64(s.fold)<<10)
	if err != nil {
		return fitted{}, fmt.Errorf("repeat %d, fold %d: %w", s.repeat+1, s.fold+1, err)
	}
	out := fitted{logOdds: make([]float64, len(s.test)), lacking: make([][]float64, len(want.lacking))}
	row := make([]float64, len(d.Names))
	e, trees := f.Predictor.(*Ensemble)
	if want.explain && trees {
		out.shift, out.used = make([]float64, len(d.Names)), e.usedColumns(len(d.Names))
	}
	var phi [][]float64 // |contribution| of each column over the lesions
	for n, r := range s.test {
		out.logOdds[n] = f.RowLogOdds(d, r, row)
		if math.IsNaN(out.logOdds[n]) {
			return fitted{}, fmt.Errorf("repeat %d, fold %d: %s gave no number for row %d", s.repeat+1, s.fold+1, l.Name(), d.source(r))
		}
		for k, columns := range want.lacking {
			out.lacking[k] = append(out.lacking[k], f.without(d, r, row, columns))
		}
		if out.shift == nil || d.Empty != nil && d.Empty[r] {
			continue
		}
		x := make([]float64, len(d.Names))
		e.Contributions(x, d.Row(r, row))
		phi = append(phi, x)
	}
	size := make([]float64, len(phi))
	for c := range out.shift {
		for n := range phi {
			size[n] = math.Abs(phi[n][c])
		}
		slices.Sort(size) // the last bit does not depend on the order of rows
		for _, x := range size {
			out.shift[c] += x / float64(len(size))
		}
	}
	return out, nil
}

// without returns the log-odds of row r of d with columns missing.
func (f *Fitted) without(d *Data, r int, row []float64, columns []int) float64 {
	if d.Empty != nil && d.Empty[r] {
		return f.Empty
	}
	d.Row(r, row)
	for _, c := range columns {
		row[c] = math.NaN()
	}
	return f.LogOdds(row)
}

// ticker returns a function that counts steps and reports them one at a time.
func ticker(total int, progress func(done, total int)) func() {
	if progress == nil {
		return func() {}
	}
	var mu sync.Mutex
	done := 0
	return func() {
		mu.Lock()
		defer mu.Unlock()
		done++
		progress(done, total)
	}
}

// usedColumns marks the columns that a tree of e splits on.
func (e *Ensemble) usedColumns(columns int) []bool {
	used := make([]bool, columns)
	for _, bag := range e.Bags {
		for _, t := range bag {
			for n := range t {
				if t[n].Feature >= 0 {
					used[t[n].Feature] = true
				}
			}
		}
	}
	return used
}
