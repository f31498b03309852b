package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// OutOfBag returns the .632+ estimate of the share of rows that a pipeline
// calls wrong, taking the likeliest class: each draw fits it anew on as many
// patients, drawn with replacement within their class, and calls the rows of the
// patients that were not drawn.
func OutOfBag(ctx context.Context, p Pipeline, t *Table, draws int, seed uint64) (judge.Plus632, error) {
	if draws < 1 {
		return judge.Plus632{}, fmt.Errorf("%d draws, want at least 1", draws)
	}
	whole, err := p.Fit(ctx, t, allRows(t.Rows()), seed)
	if err != nil {
		return judge.Plus632{}, err
	}
	q, err := whole.Predict(t, allRows(t.Rows()))
	if err != nil {
		return judge.Plus632{}, err
	}
	called := judge.Likeliest(q)
	var apparent float64
	for r := range called {
		if called[r] != t.Y[r] {
			apparent += 1 / float64(t.Rows())
		}
	}
	wrong := make([][]int8, draws) // of each row: 1 wrong, 0 right, −1 in the bag
	errs := make([]error, draws)
	if err := par.For(ctx, draws, func(n int) { wrong[n], errs[n] = bagErrors(ctx, p, t, key(seed, "bag", strconv.Itoa(n))) }); err != nil {
		return judge.Plus632{}, err
	}
	if err := errors.Join(errs...); err != nil {
		return judge.Plus632{}, err
	}
	// The mean over rows of their mean over the draws that left them out.
	var outside, rows float64
	for r := range t.Rows() {
		var sum, n float64
		for _, w := range wrong {
			if w[r] >= 0 {
				sum += float64(w[r])
				n++
			}
		}
		if n > 0 {
			outside += sum / n
			rows++
		}
	}
	if rows == 0 {
		return judge.Plus632{}, fmt.Errorf("no patient was left out in %d draws", draws)
	}
	return judge.NewPlus632(apparent, outside/rows, judge.NoInformation(t.Y, called, t.Classes)), nil
}

// bagErrors fits on one draw of patients and calls the rows of the others.
func bagErrors(ctx context.Context, p Pipeline, t *Table, seed uint64) ([]int8, error) {
	bag, test := drawPatients(t, seed)
	out := make([]int8, t.Rows())
	for r := range out {
		out[r] = -1
	}
	if len(test) == 0 {
		return out, nil
	}
	f, err := p.Fit(ctx, bag, allRows(bag.Rows()), seed)
	if err != nil {
		return nil, fmt.Errorf("bootstrap sample: %w", err)
	}
	q, err := f.Predict(t, test)
	if err != nil {
		return nil, err
	}
	for i, k := range judge.Likeliest(q) {
		out[test[i]] = 0
		if k != t.Y[test[i]] {
			out[test[i]] = 1
		}
	}
	return out, nil
}

// drawPatients draws as many patients of each class as there are, with
// replacement. A patient drawn twice stays one patient with its rows twice, so
// that inner folds do not tear it apart.
func drawPatients(t *Table, seed uint64) (bag *Table, test []int) {
	ids, class, rows := patientsOf(t)
	times := make([]int, len(ids))
	for c := range t.Classes {
		var members []int
		for p := range ids {
			if class[p] == c {
				members = append(members, p)
			}
		}
		for i := range members {
			times[members[int(uniform(key(seed, "patient", strconv.Itoa(c), strconv.Itoa(i)))*float64(len(members)))]]++
		}
	}
	var all []int
	var copies []string
	for p, own := range rows {
		for k := range times[p] {
			for _, r := range own {
				all, copies = append(all, r), append(copies, t.ID[r]+" #"+strconv.Itoa(k+1))
			}
		}
		if times[p] == 0 {
			test = append(test, own...)
		}
	}
	bag = t.Subset(all)
	bag.ID = copies
	slices.Sort(test)
	return bag, test
}
