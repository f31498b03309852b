package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// spy remembers every row that it was shown while learning, and whether it was
// ever shown an outcome while applied to test rows.
type spy struct {
	mu       *sync.Mutex
	learnt   map[string]bool
	outcomes *bool
}

func (s spy) Name() string { return "spy" }
func (s spy) Kind() string { return "spy" }

func (s spy) see(t *Table) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range t.ID {
		s.learnt[id] = true
	}
}

func (s spy) Fit(_ context.Context, train *Table) (Applied, error) {
	s.see(train)
	return s, nil
}

func (s spy) Apply(t *Table) (*Table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range t.ID {
		if t.Y != nil && !s.learnt[id] {
			*s.outcomes = true
		}
	}
	return t, nil
}

// spyLearner is a learner that remembers rows too.
type spyLearner struct {
	Learner
	spy
}

func (s spyLearner) Name() string { return s.Learner.Name() }

func (s spyLearner) Fit(ctx context.Context, train *Table, seed uint64) (Model, error) {
	s.see(train)
	return s.Learner.Fit(ctx, train, seed)
}

// No step and no learner ever sees a test row while it learns, nor the outcome of
// one at any time, with any of the steps around it and with inner folds.
func TestNoLeak(t *testing.T) {
	tab := made(40, 4, 1)
	splits, err := Folds(tab, 5, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	leaks := 0
	for _, s := range splits {
		outcomes := false
		one := spy{new(sync.Mutex), map[string]bool{}, &outcomes}
		p := Pipeline{
			Steps:       []Step{one, Variance{MaxMissing: 0.5}, ComBat{}, one, Impute{}, Prune{Most: 0.9}, Relevant{Count: 4}, Scale{}, one},
			Learner:     spyLearner{Ridge{C: []float64{0.1, 1}, Folds: 3}, one},
			Calibration: "platt", InnerFolds: 3,
		}
		f, err := p.Fit(t.Context(), tab, s.Train, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Predict(tab, s.Test); err != nil {
			t.Fatal(err)
		}
		for _, r := range s.Test {
			if one.learnt[tab.ID[r]] {
				leaks++
			}
		}
		if outcomes {
			leaks++
		}
		if len(one.learnt) != len(s.Train) {
			t.Errorf("%s: %d rows were seen, want all %d training rows", s.Name, len(one.learnt), len(s.Train))
		}
	}
	verify.Check{Suite: "pipeline", Case: "10 splits, 8 steps, inner folds", Quantity: "test rows or outcomes that a step saw",
		Source: "promise", Got: float64(leaks), Want: 0}.Run(t)
}

// Columns that are chosen with the outcomes of all rows promise what noise cannot
// keep; chosen inside the folds they do not.
func TestSelectionInsideFolds(t *testing.T) {
	var inside, outside float64
	const draws = 10
	for n := range draws {
		rng := rand.New(rand.NewPCG(uint64(n), 9))
		tab := made(60, 400, uint64(n))
		tab.Columns = tab.Columns[3:] // noise alone
		clear(tab.Y)
		for _, p := range rng.Perm(60)[:30] {
			for r, id := range tab.Patient {
				if id == fmt.Sprintf("P%03d", p) {
					tab.Y[r] = 1
				}
			}
		}
		splits, err := Folds(tab, 5, 1, uint64(n))
		if err != nil {
			t.Fatal(err)
		}
		auc := func(tab *Table, steps ...Step) float64 {
			out, err := CrossValidate(t.Context(), Pipeline{Steps: steps, Learner: Ridge{C: []float64{1}}}, tab, splits, 1)
			if err != nil {
				t.Fatal(err)
			}
			s := make([]float64, tab.Rows())
			for r := range s {
				s[r] = out[0][r][1]
			}
			return judge.AUC(tab.Y, s)
		}
		inside += auc(tab, Relevant{Count: 8}) / draws
		chosen, err := Relevant{Count: 8}.Fit(t.Context(), tab)
		if err != nil {
			t.Fatal(err)
		}
		leaky, err := chosen.Apply(tab)
		if err != nil {
			t.Fatal(err)
		}
		outside += auc(leaky) / draws
	}
	// Pooled AUC of noise is a little below ½; its standard error over ten draws is 0.02.
	verify.Check{Suite: "pipeline", Case: "noise, 60 patients, 400 columns, 10 draws", Quantity: "mean AUC, columns chosen inside the folds",
		Source: "no signal", Got: inside, Want: 0.48, Tol: 0.07}.Run(t)
	if outside < inside+0.15 {
		t.Errorf("AUC %.2f with columns chosen on all rows, %.2f inside: the test does not tell them apart", outside, inside)
	}
}

// The same table in another order of rows and columns, on another number of
// processors, gives the same bits.
func TestOrder(t *testing.T) {
	tab := made(36, 5, 2)
	preset := DefaultPreset()
	preset.Boosting.Rounds, preset.Boosting.Bags, preset.Forest.Rounds = 30, 3, 30
	p := Pipeline{Steps: []Step{Variance{MaxMissing: 1}, ComBat{}}, Learner: preset}
	run := func(tab *Table) map[string][]float64 {
		splits, err := Folds(tab, 4, 1, 5)
		if err != nil {
			t.Fatal(err)
		}
		out, err := CrossValidate(t.Context(), p, tab, splits, 1)
		if err != nil {
			t.Fatal(err)
		}
		byID := map[string][]float64{}
		for r, id := range tab.ID {
			byID[id] = out[0][r]
		}
		return byID
	}
	want := run(tab)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rng := rand.New(rand.NewPCG(1, 1))
	mixed := tab.Subset(rng.Perm(tab.Rows()))
	rng.Shuffle(len(mixed.Columns), func(i, j int) { mixed.Columns[i], mixed.Columns[j] = mixed.Columns[j], mixed.Columns[i] })
	got := run(mixed)
	if !reflect.DeepEqual(got, want) {
		t.Error("another order of rows and columns gave other probabilities")
	}
}

// What was fitted and written predicts the same when read.
func TestStore(t *testing.T) {
	tab := made(30, 3, 3)
	forest := DefaultForest()
	forest.Rounds = 20
	boosting := DefaultBoosting()
	boosting.Rounds, boosting.Bags = 20, 2
	preset := Preset{Boosting: boosting, Ridge: DefaultRidge(), Forest: forest, Weights: DefaultPreset().Weights}
	for _, p := range []Pipeline{
		{Steps: []Step{Variance{MaxMissing: 1}, ComBat{}, Impute{}, Scale{Robust: true}}, Learner: preset, Calibration: "beta", InnerFolds: 3},
		{Steps: []Step{Prune{Most: 0.5}}, Learner: Neighbours{K: 5}, Calibration: "isotonic", InnerFolds: 3},
		{Learner: DefaultTree(), Calibration: "temperature", InnerFolds: 3},
	} {
		f, err := p.Fit(t.Context(), tab, allRows(40), 1)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var read Fitted
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		test := []int{41, 45, 50, 44}
		want, err1 := f.Predict(tab, test)
		got, err2 := read.Predict(tab, test)
		if err1 != nil || err2 != nil || !reflect.DeepEqual(want, got) {
			t.Errorf("%s: %v read, %v written (%v, %v)", p.Learner.Name(), got, want, err1, err2)
		}
		// Rows are predicted alone as they are among others.
		alone, err := f.Predict(tab, test[2:3])
		if err != nil || !reflect.DeepEqual(alone[0], want[2]) {
			t.Errorf("%s: %v alone, %v among others (%v)", p.Learner.Name(), alone, want[2], err)
		}
	}
	for _, text := range []string{
		`{"model":{"kind":"magic","state":{}}}`,
		`{"steps":[{"kind":"selection","state":{"keep":[]}}],"model":{"kind":"ridge","state":{}}}`,
		`{"model":{"kind":"blend","state":{"classes":2,"weights":[1],"parts":[{"kind":"ridge","state":{}}]}}}`,
		`{"model":{"kind":"trees","state":{"classes":2,"models":[]}}}`,
		`{"model":{"kind":"neighbours","state":{"neighbours":3,"classes":2}}}`,
	} {
		var f Fitted
		if json.Unmarshal([]byte(text), &f) == nil {
			t.Errorf("%s was read", text)
		}
	}
}

// A model finds its columns by name and says which one is missing.
func TestMissingColumn(t *testing.T) {
	tab := made(20, 2, 4)
	for _, l := range []Learner{Ridge{C: []float64{1}}, Neighbours{K: 3}, DefaultTree()} {
		f, err := Pipeline{Learner: l}.Fit(t.Context(), tab, allRows(tab.Rows()), 1)
		if err != nil {
			t.Fatal(err)
		}
		less := *tab
		less.Columns = tab.Columns[1:]
		if _, err := f.Predict(&less, []int{0}); err == nil || !strings.Contains(err.Error(), `"signal"`) {
			t.Errorf("%s: %v", l.Name(), err)
		}
	}
}

// Tables that cannot be learnt from are errors that say where.
func TestTableErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(t *Table)
		want string
	}{
		{"one class", func(t *Table) { clear(t.Y) }, "same outcome"},
		{"one patient", func(t *Table) {
			for r := range t.Patient {
				t.Patient[r] = "P"
			}
		}, "one patient"},
		{"no patient", func(t *Table) { t.Patient[3] = "" }, "row 4 has no patient"},
		{"twice", func(t *Table) { t.ID[2] = t.ID[1] }, "rows 2 and 3"},
		{"infinite", func(t *Table) { t.Columns[1].Values[5] = math.Inf(-1) }, `row 6, column "other"`},
		{"columns", func(t *Table) { t.Columns[1].Name = "signal" }, `two columns are named "signal"`},
		{"class", func(t *Table) { t.Y[0] = 2 }, "row 1 has class 2"},
	} {
		tab := made(10, 1, 5)
		c.harm(tab)
		if err := tab.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	tab := made(10, 1, 5)
	clear(tab.Y)
	if _, err := (Pipeline{Learner: DefaultTree()}).Fit(t.Context(), tab, allRows(tab.Rows()), 1); !errors.Is(err, ErrOneClass) {
		t.Errorf("one class: %v", err)
	}
}

// Patients are whole in a fold, each is tested once a repeat, and classes are
// spread evenly.
func TestFolds(t *testing.T) {
	tab := made(53, 0, 6)
	splits, err := Folds(tab, 5, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	tested := map[[2]any]int{}
	var events [5]int
	for _, s := range splits {
		if err := apart(tab, s); err != nil {
			t.Error(err)
		}
		if len(s.Train)+len(s.Test) != tab.Rows() {
			t.Errorf("%s has %d of %d rows", s.Name, len(s.Train)+len(s.Test), tab.Rows())
		}
		seen := map[string]bool{}
		for _, r := range s.Test {
			tested[[2]any{s.Repeat, r}]++
			if s.Repeat == 0 && tab.Y[r] == 1 && !seen[tab.Patient[r]] {
				events[s.Fold]++
				seen[tab.Patient[r]] = true
			}
		}
	}
	if len(tested) != 3*tab.Rows() {
		t.Errorf("%d tests of %d rows in 3 repeats", len(tested), tab.Rows())
	}
	if slices.Max(events[:])-slices.Min(events[:]) > 1 {
		t.Errorf("positive patients per fold: %v", events)
	}
	if slices.Equal(splits[0].Test, splits[5].Test) {
		t.Error("two repeats have the same fold")
	}
	one, err := LeavePatientOut(tab)
	if err != nil || len(one) != 53 {
		t.Errorf("%d splits, %v", len(one), err)
	}
	site, err := LeaveSiteOut(tab)
	if err != nil || len(site) != 2 {
		t.Errorf("%d splits, %v", len(site), err)
	}
	tab.Site[1] = "Z"
	tab.Site[2] = "Y"
	if _, err := LeaveSiteOut(tab); err == nil || !strings.Contains(err.Error(), "P001") {
		t.Errorf("a patient at two sites: %v", err)
	}
	if _, err := Folds(tab, 60, 1, 1); err == nil {
		t.Error("more folds than patients")
	}
	fold := make([]string, tab.Rows())
	for r := range fold {
		fold[r] = string(rune('0' + r%2))
	}
	if _, err := GivenFolds(tab, []string{"fold"}, [][]string{fold}); err == nil || !strings.Contains(err.Error(), `patient "P001"`) {
		t.Errorf("a patient in two folds: %v", err)
	}
}

// The chosen columns are those of a Python program with scikit-learn's mutual
// information.
func TestRelevantKnown(t *testing.T) {
	for _, c := range []struct {
		set      string
		quotient bool
		want     string
	}{
		{"wdbc", false, "worst_perimeter worst_smoothness worst_concave_points area_error worst_texture mean_concave_points worst_radius worst_concavity"},
		{"wdbc", true, "worst_perimeter worst_smoothness mean_texture worst_concave_points radius_error worst_concavity mean_radius mean_concave_points"},
		{"cleveland", false, "thal ca cp slope exang oldpeak sex thalach"},
		{"cleveland", true, "thal restecg ca exang slope cp sex oldpeak"},
	} {
		f := readTabular(t, c.set)
		got, want := Relevant{Count: 8, Quotient: c.quotient}.Order(&f.Table), strings.Fields(c.want)
		same := 0
		for same < 8 && got[same] == want[same] {
			same++
		}
		verify.Check{Suite: "pipeline", Case: c.set + map[bool]string{false: ", MID", true: ", MIQ"}[c.quotient], Quantity: "mRMR, columns taken in the same order",
			Source: "scikit-learn 1.9.1, mutual_info_score", Got: float64(same), Want: 8}.Run(t)
	}
}

// Coefficients, intercepts and probabilities are those of scikit-learn.
func TestRidgeKnown(t *testing.T) {
	for _, c := range []struct {
		set       string
		c         float64
		columns   []string
		weights   [][]float64
		intercept []float64
		first     []float64
	}{
		{"cleveland", 1, []string{"age", "ca", "chol"}, [][]float64{{-0.10169443203509398, 1.0748160469454096, 0.23588040852765094}},
			[]float64{-0.09555070221921595}, []float64{0.6891947062617925, 0.31080529373820753}},
		{"wine", 1, []string{"alcalinity_of_ash", "alcohol", "ash"}, [][]float64{{-0.8447923703273323, 0.8101362009597082, 0.4722028884779458},
			{0.58359666226479, -1.0103312350656957, -0.8480601984853395}, {0.2611957080740105, 0.20019503408259198, 0.37585730999454997}},
			[]float64{0.4123516902283494, 0.7048469281743686, -1.117173522038084}, []float64{0.9997804457214674, 0.0001953837222647531, 2.417055626760248e-05}},
		{"pd_speech_wide", 0.01, []string{"DFA", "Ea", "Ea2"}, [][]float64{{0.031809436767911245, -0.006360263553833189, -0.005060087941468082}},
			[]float64{1.6627698054027218}, []float64{0.07298857851328877, 0.9270114214867112}},
	} {
		f := readTabular(t, c.set)
		fit, err := Ridge{C: []float64{c.c}}.Fit(t.Context(), &f.Table, 1)
		if err != nil {
			t.Fatal(err)
		}
		m := fit.(*RidgeModel)
		check := func(quantity string, got, want float64) {
			t.Helper()
			verify.Check{Suite: "learners", Case: "logistic regression, " + c.set, Quantity: quantity,
				Source: "scikit-learn 1.9.1, newton-cg", Got: got, Want: want, Tol: 1e-6}.Run(t)
		}
		p, err := m.Predict(&f.Table)
		if err != nil {
			t.Fatal(err)
		}
		var shift float64 // scikit-learn's intercepts are free up to a shift
		for _, b := range c.intercept {
			if len(c.intercept) > 1 {
				shift += b / float64(len(c.intercept))
			}
		}
		for k := range c.weights {
			for i, name := range c.columns {
				check("class "+string(rune('1'+k))+", coefficient of "+name, m.Weights[k][slices.Index(m.Space.Scaled.Names, name)], c.weights[k][i])
			}
			check("class "+string(rune('1'+k))+", intercept", m.Intercept[k], c.intercept[k]-shift)
		}
		for k := range c.first {
			check("probability of class "+string(rune('0'+k))+" of the first row", p[0][k], c.first[k])
		}
	}
}

// Out-of-fold probabilities of neighbours and of logistic regression are those of the
// reference models, row by row.
func TestReferenceLearners(t *testing.T) {
	f := readTabular(t, "diabetes")
	splits, err := GivenFolds(&f.Table, []string{"fold_r0"}, f.Folds[:1])
	if err != nil {
		t.Fatal(err)
	}
	want := verify.Records(t, verify.Shared(t, "data", "tabular", "oof", "diabetes.csv"))
	for _, c := range []struct {
		column string
		l      Learner
		tol    float64 // of lbfgs, and of the float32 in the file
	}{{"knn5_r0", Neighbours{K: 5}, 1e-6}, {"logreg_l2_r0", Ridge{C: []float64{1}}, 2e-3}, {"logreg_l2_C0.01_r0", Ridge{C: []float64{0.01}}, 2e-3}} {
		out, err := CrossValidate(t.Context(), Pipeline{Learner: c.l}, &f.Table, splits, 1)
		if err != nil {
			t.Fatal(err)
		}
		worst := 0
		differ := func(r int) float64 { return math.Abs(out[0][r][1] - verify.Number(t, want[r][c.column])) }
		for r := range want {
			if differ(r) > differ(worst) {
				worst = r
			}
		}
		verify.Check{Suite: "learners", Case: "diabetes, " + c.column, Quantity: "out-of-fold probability, worst of 442 rows",
			Source: "scikit-learn 1.2.1, oof/diabetes.csv", Got: out[0][worst][1], Want: verify.Number(t, want[worst][c.column]), Tol: c.tol}.Run(t)
	}
}

// Filters keep what they promise.
func TestFilters(t *testing.T) {
	tab := made(40, 2, 8)
	n := tab.Rows()
	add := func(name string, f func(r int) float64) {
		c := boost.Column{Name: name}
		for r := range n {
			c.Values = append(c.Values, f(r))
		}
		tab.Columns = append(tab.Columns, c)
	}
	signal := tab.Columns[0].Values
	add("constant", func(int) float64 { return 3 })
	add("copy", func(r int) float64 { return math.Exp(signal[r]) }) // of the same ranks
	add("mostly missing", func(r int) float64 {
		if r > 3 {
			return math.NaN()
		}
		return float64(r)
	})
	keep := func(s Step) []string {
		f, err := s.Fit(t.Context(), tab)
		if err != nil {
			t.Fatal(err)
		}
		return f.(*Selection).Keep
	}
	if k := keep(Variance{MaxMissing: 0.5}); slices.Contains(k, "constant") || slices.Contains(k, "mostly missing") || !slices.Contains(k, "copy") {
		t.Errorf("variance filter keeps %q", k)
	}
	if k := keep(Prune{Most: 0.9}); !slices.Contains(k, "copy") || slices.Contains(k, "signal") {
		t.Errorf("of two equal columns pruning keeps %q, want the first name", k)
	}
	if k := keep(Prune{Most: 0.9, ICC: map[string]float64{"signal": 0.9, "copy": 0.8}}); slices.Contains(k, "copy") || !slices.Contains(k, "signal") {
		t.Errorf("pruning keeps %q, want the column with the higher ICC", k)
	}
	// The second measurement repeats one column and draws the others anew.
	rng := rand.New(rand.NewPCG(2, 2))
	again := tab.Subset(rng.Perm(n))
	for c := range again.Columns {
		for r := range again.Columns[c].Values {
			if again.Columns[c].Name != "signal" {
				again.Columns[c].Values[r] = rng.NormFloat64()
			} else {
				again.Columns[c].Values[r] += 0.1 * rng.NormFloat64()
			}
		}
	}
	if k := keep(Reliable{Repeats: []*Table{again}, Least: 0.75}); !slices.Equal(k, []string{"signal"}) {
		t.Errorf("reliability filter keeps %q", k)
	}
	again.ID[0] = "nobody"
	if _, err := (Reliable{Repeats: []*Table{again}}).Fit(t.Context(), tab); err == nil {
		t.Error("a row without second measurement was accepted")
	}
}

// SMOTE makes classes equally frequent with points between rows of the rarer class, and
// leaves rows to be predicted alone.
func TestSmote(t *testing.T) {
	tab := made(30, 1, 9)
	tab.Columns = append(tab.Columns[:1:1], tab.Columns[3])
	for r := range tab.Y {
		if tab.Y[r] == 1 && r > 20 {
			tab.Y[r] = 0
		}
	}
	before := tab.counts()
	out, err := Smote{Neighbours: 3}.Augment(tab, 1)
	if err != nil {
		t.Fatal(err)
	}
	if after := out.counts(); after[0] != before[0] || after[1] != before[0] {
		t.Errorf("%v rows became %v", before, after)
	}
	for c := range out.Columns {
		low, high := math.Inf(1), math.Inf(-1)
		for r, k := range tab.Y {
			if k == 1 {
				low, high = min(low, tab.Columns[c].Values[r]), max(high, tab.Columns[c].Values[r])
			}
		}
		for _, v := range out.Columns[c].Values[tab.Rows():] {
			if v < low || v > high {
				t.Errorf("made-up value %g outside [%g, %g]", v, low, high)
			}
		}
	}
	f, err := Pipeline{Steps: []Step{Smote{Neighbours: 3}}, Learner: DefaultTree()}.Fit(t.Context(), tab, allRows(tab.Rows()), 1)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := f.Predict(tab, []int{2, 5}); err != nil || len(p) != 2 {
		t.Errorf("%d rows predicted, %v", len(p), err)
	}
	if _, err := (Smote{Neighbours: 3}).Augment(made(20, 1, 1), 1); err == nil {
		t.Error("a categorical column was interpolated")
	}
}

// No text makes the reader of fitted pipelines panic, nor a pipeline that it accepted.
func FuzzFitted(f *testing.F) {
	tab := made(12, 1, 3)
	boosting := DefaultBoosting()
	boosting.Rounds, boosting.Bags = 2, 1
	for _, p := range []Pipeline{
		{Steps: []Step{Variance{MaxMissing: 1}, Impute{}, Scale{}}, Learner: Ridge{C: []float64{1}}, Calibration: "platt", InnerFolds: 2},
		{Learner: Neighbours{K: 3}},
		{Learner: boosting},
	} {
		fit, err := p.Fit(f.Context(), tab, allRows(tab.Rows()), 1)
		if err != nil {
			f.Fatal(err)
		}
		text, err := json.Marshal(fit)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		var fit Fitted
		if json.Unmarshal([]byte(text), &fit) == nil {
			_, _ = fit.Predict(tab, []int{0, 3})
		}
	})
}
