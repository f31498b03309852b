package classifier

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Folds are stratified: sizes differ by at most one, within each class and
// together.
func TestFoldsAreStratified(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for range 200 {
		k := 2 + rng.IntN(9)
		label := make([]int, k*2+rng.IntN(80))
		for p := range label {
			label[p] = rng.IntN(2)
		}
		size := [3][]int{make([]int, k), make([]int, k), make([]int, k)}
		for p, f := range folds(label, k, rng) {
			size[label[p]][f]++
			size[2][f]++
		}
		for c, s := range size {
			if slices.Max(s)-slices.Min(s) > 1 {
				t.Fatalf("%d patients, %d folds: sizes %v (0: negative, 1: positive, 2: all: %d)", len(label), k, s, c)
			}
		}
	}
}

// spy is a learner that knows patients by the value of its first column and
// finds those that it has learnt from among those that it is asked for.
type spy struct {
	mu    sync.Mutex
	fits  int
	asked int
	seen  []string
}

func (s *spy) Name() string { return "spy" }

func (s *spy) Fit(_ context.Context, d *Data, _ uint64) (Predictor, error) {
	p := &spied{spy: s, trained: map[float64]bool{}}
	for r := range d.Y {
		p.trained[d.X[0][r]] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fits++
	for r := range d.Y {
		if d.Empty[r] {
			s.seen = append(s.seen, "trained on an artery without plaque")
		}
	}
	return p, nil
}

type spied struct {
	spy     *spy
	trained map[float64]bool
}

func (p *spied) LogOdds(x []float64) float64 {
	p.spy.mu.Lock()
	defer p.spy.mu.Unlock()
	p.spy.asked++
	if p.trained[x[0]] {
		p.spy.seen = append(p.spy.seen, fmt.Sprintf("patient %g is in training and test", x[0]))
	}
	return x[0] / 100
}

// marked is a cohort whose first column of each modality is the number of the
// patient.
func marked(t testing.TB, patients int, seed uint64) *feature.Table {
	table := cohort(t, patients, 9, 1, seed)
	number := map[string]float64{}
	for n := range table.Rows {
		r := &table.Rows[n]
		if _, ok := number[r.Patient]; !ok {
			number[r.Patient] = float64(len(number))
		}
		if r.Lesion == "" {
			continue
		}
		for _, modality := range []string{feature.Radiomics, feature.Biomechanics} {
			for c := range table.Schema.Len() {
				if table.Schema.Column(c).Modality == modality {
					r.Values[c] = number[r.Patient]
					break
				}
			}
		}
	}
	return table
}

// No patient is ever in training and test of one fit, in any fold of any arm,
// and every row is tested once in each repeat.
func TestNoLeak(t *testing.T) {
	cfg, ev := fast(), EvaluationConfig{Folds: 4, Repeats: 3, Bootstrap: 100}
	table := marked(t, 24, 1)
	var notes risk.Evaluation
	arms, err := newArms(table, cfg, nil, nil, &notes)
	if err != nil {
		t.Fatal(err)
	}
	if len(arms) != 3 {
		t.Fatalf("%d arms, want 3", len(arms))
	}
	for n := range arms {
		a := &arms[n]
		if !strings.HasSuffix(a.data.Names[0], "_000") && !strings.HasSuffix(a.data.Names[0], "_002") {
			t.Fatalf("%s: first column is %s", a.name, a.data.Names[0])
		}
		patients := PatientUnits(ArteryUnits(a.data))
		all := splits(a.data, patients, ev, 1)
		if len(all) != 12 {
			t.Fatalf("%d splits, want 12", len(all))
		}
		tested := make([]int, a.data.Rows())
		for _, s := range all {
			for _, r := range s.test {
				tested[r]++
				for _, q := range s.train {
					if a.data.Group[r] == a.data.Group[q] {
						t.Fatalf("%s: rows %d and %d of one patient are in test and training", a.name, r, q)
					}
				}
			}
			if len(s.test)+len(s.train) != a.data.Rows() {
				t.Errorf("%s: %d + %d rows of %d", a.name, len(s.test), len(s.train), a.data.Rows())
			}
		}
		if slices.Min(tested) != ev.Repeats || slices.Max(tested) != ev.Repeats {
			t.Errorf("%s: rows are tested %d to %d times, want %d", a.name, slices.Min(tested), slices.Max(tested), ev.Repeats)
		}
		var s spy
		if _, err := crossValidate(t.Context(), &s, a.data, all, 1, asked{}, func() {}); err != nil {
			t.Fatal(err)
		}
		s.check(t, a.name, 12)
	}
	// The same through the front door.
	var s spy
	e, err := Evaluate(t.Context(), table, cfg, ev, EvaluateOptions{Baselines: []Learner{&s}})
	if err != nil {
		t.Fatal(err)
	}
	s.check(t, "baseline", 3*e.Protocol.Folds)
}

func (s *spy) check(t *testing.T, name string, fits int) {
	t.Helper()
	if len(s.seen) > 0 {
		t.Errorf("%s: %s, and %d more", name, s.seen[0], len(s.seen)-1)
	}
	if s.fits != fits || s.asked == 0 {
		t.Errorf("%s: %d fits and %d predictions, want %d fits", name, s.fits, s.asked, fits)
	}
}

// A learner that gives no number is refused by name, and a cancelled context
// ends it.
func TestCrossValidateErrors(t *testing.T) {
	table := cohort(t, 20, 6, 1, 1)
	cfg, ev := fast(), EvaluationConfig{Folds: 2, Repeats: 1, Bootstrap: 100}
	if _, err := Evaluate(t.Context(), table, cfg, ev, EvaluateOptions{Baselines: []Learner{undefined{}}}); err == nil || !strings.Contains(err.Error(), "gave no number for row") {
		t.Errorf("NaN log-odds: error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Evaluate(ctx, table, cfg, ev, EvaluateOptions{Progress: func(done, total int) { cancel() }})
	if err == nil || ctx.Err() == nil {
		t.Errorf("cancelled: error %v", err)
	}
}

type undefined struct{}

func (undefined) Name() string                                          { return "undefined" }
func (undefined) Fit(context.Context, *Data, uint64) (Predictor, error) { return undefined{}, nil }
func (undefined) LogOdds([]float64) float64                             { return math.NaN() }
