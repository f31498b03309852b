package classifier

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/risk"
)

// quick is a cross-validation for tests.
func quick() EvaluationConfig { return EvaluationConfig{Folds: 4, Repeats: 3, Bootstrap: 100} }

// find returns a level of an arm.
func find(t *testing.T, e *risk.Evaluation, arm, level string) *risk.LevelResult {
	t.Helper()
	for a := range e.Arms {
		for l := range e.Arms[a].Levels {
			if e.Arms[a].Name == arm && e.Arms[a].Levels[l].Level == level {
				return &e.Arms[a].Levels[l]
			}
		}
	}
	t.Fatalf("no %s level of arm %q", level, arm)
	return nil
}

// A signal planted in a radiomic column is found by radiomics and both, ranked
// first, and not found by biomechanics.
func TestEvaluateFindsSignal(t *testing.T) {
	table := cohort(t, 80, 12, 4, 2)
	e, err := Evaluate(t.Context(), table, fast(), quick(), EvaluateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, arm := range []string{ArmRadiomics, ArmBoth} {
		if auc := find(t, e, arm, "artery").AUC; auc.Low <= 0.6 {
			t.Errorf("%s: AUC %.3f (%.3f to %.3f), want above 0.6", arm, auc.Value, auc.Low, auc.High)
		}
	}
	if f := e.Importance[0]; f.Feature != "original.family.feature_000" || f.Modality != feature.Radiomics || f.Folds != 1 {
		t.Errorf("most important is %+v", f)
	}
	// A without plaque is mostly negative, so that the number of plaques tells
	// something to every arm; its columns do not.
	for _, d := range e.Comparison {
		if d.A == ArmBiomechanics && d.B == ArmRadiomics && d.Level == "artery" && !(d.AUC.High < 0 && d.P < 0.05) {
			t.Errorf("biomechanics − radiomics: %+v", d)
		}
	}
	if len(e.Arms) != 3 || len(e.Comparison) != 6 {
		t.Errorf("%d arms, %d comparisons", len(e.Arms), len(e.Comparison))
	}
}

// The parts of an evaluation agree with each other and with the table.
func TestEvaluateIsConsistent(t *testing.T) {
	table := cohort(t, 40, 9, 1, 3)
	table.Rows[0].Label = feature.Unknown // with its artery
	for n := range table.Rows {
		if r := &table.Rows[n]; r.Patient == table.Rows[0].Patient && r.Artery == table.Rows[0].Artery || r.Patient == "P007" {
			r.Label = feature.Unknown
		}
	}
	last, calls := 0, 0
	e, err := Evaluate(t.Context(), table, fast(), quick(), EvaluateOptions{Baselines: []Learner{&spy{}}, Progress: func(done, total int) {
		calls++
		last = done
		if total != 4*12 {
			t.Errorf("%d steps, want 48", total)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if last != 48 || calls != 48 {
		t.Errorf("progress ended at %d after %d calls", last, calls)
	}
	if e.Data.Patients != 39 || e.Flow[0].Count != 40 || e.Flow[0].Excluded[0].Count != 1 || e.Flow[1].Count != 39 {
		t.Errorf("%d patients; flow %+v", e.Data.Patients, e.Flow)
	}
	if e.Flow[3].Count != e.Data.Lesions || e.Flow[2].Count != e.Data.Arteries {
		t.Errorf("flow %+v, data %+v", e.Flow, e.Data)
	}
	d, err := NewData(table, nil)
	if err != nil {
		t.Fatal(err)
	}
	positive := map[string]bool{}
	for _, u := range ArteryUnits(d) {
		positive[u.Patient] = positive[u.Patient] || u.Label == 1
	}
	for _, a := range e.Arms {
		for _, r := range a.Levels {
			p, y := make([]float64, r.N), make([]int, r.N)
			for n, s := range r.Scores {
				p[n], y[n] = s.Probability, s.Label
				if r.Level == "patient" && (s.Label == 1) != positive[s.Patient] {
					t.Errorf("patient %s has label %d", s.Patient, s.Label)
				}
				if (s.Artery == "") != (r.Level == "patient") {
					t.Errorf("%s: artery %q", r.Level, s.Artery)
				}
			}
			if len(r.Scores) != r.N || len(r.FoldAUC) != 12 || r.N < r.Positives {
				t.Errorf("%s, %s: %d scores of %d, %d folds", a.Name, r.Level, len(r.Scores), r.N, len(r.FoldAUC))
			}
			if float64(r.Brier) != judge.Brier(y, p) || float64(r.AveragePrecision.Value) != judge.AveragePrecision(y, p) {
				t.Errorf("%s, %s: figures do not follow from the scores", a.Name, r.Level)
			}
			var mean float64
			for _, x := range r.FoldAUC {
				mean += float64(x) / 12
			}
			if math.Abs(mean-float64(r.AUC.Value)) > 1e-12 {
				t.Errorf("%s, %s: AUC %v, mean of folds %v", a.Name, r.Level, r.AUC.Value, mean)
			}
			for name, i := range map[string]risk.Interval{"AUC": r.AUC, "sensitivity": r.Sensitivity, "specificity": r.Specificity, "balanced accuracy": r.BalancedAccuracy} {
				if !(i.Low <= i.Value && i.Value <= i.High && i.Low >= 0 && i.High <= 1) {
					t.Errorf("%s, %s: %s %+v", a.Name, r.Level, name, i)
				}
			}
			if math.Abs(float64(r.Sensitivity.Value+r.Specificity.Value)/2-float64(r.BalancedAccuracy.Value)) > 1e-12 {
				t.Errorf("%s, %s: balanced accuracy", a.Name, r.Level)
			}
			for n, q := range r.ROC {
				if n > 0 && (q.X <= r.ROC[n-1].X || q.Y < r.ROC[n-1].Y) || !(float64(q.Low) <= float64(q.High)) {
					t.Errorf("%s, %s: ROC %+v", a.Name, r.Level, q)
				}
			}
			area := 0.0
			for n := range r.ROC[1:] {
				area += (r.ROC[n].Y + r.ROC[n+1].Y) / 2 / rocSteps
			}
			if math.Abs(area-float64(r.AUC.Value)) > 0.01 { // half a step
				t.Errorf("%s, %s: area under the ROC curve %.3f, AUC %.3f", a.Name, r.Level, area, r.AUC.Value)
			}
			if last := r.PR[len(r.PR)-1]; last.X != 1 || last.N != r.N {
				t.Errorf("precision-recall ends at %+v", last)
			}
			rows := 0
			for _, q := range r.Calibration {
				rows += q.N
			}
			if rows != r.N {
				t.Errorf("calibration has %d rows of %d", rows, r.N)
			}
		}
	}
}

// The JSON of an evaluation has the same bytes on one processor and on two, and
// for another order of rows.
func TestEvaluateSameBytes(t *testing.T) {
	table := cohort(t, 30, 9, 1, 4)
	run := func(processors int) []byte {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		e, err := Evaluate(t.Context(), table, fast(), quick(), EvaluateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c, err := NullCoverage(t.Context(), table, fast(), EvaluationConfig{Folds: 2, Repeats: 1, Bootstrap: 100}, 2, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal([]any{e, c})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	want := run(1)
	if !bytes.Equal(run(2), want) {
		t.Error("other bytes on two processors")
	}
	for i, j := 0, len(table.Rows)-1; i < j; i, j = i+1, j-1 {
		table.Rows[i], table.Rows[j] = table.Rows[j], table.Rows[i]
	}
	if !bytes.Equal(run(2), want) {
		t.Error("other bytes for another order of rows")
	}
}

// Even the poorest tables give JSON without null lists, and what cannot be
// evaluated is said.
func TestEvaluatePoor(t *testing.T) {
	label := func(p int) int {
		if p%2 == 0 {
			return feature.Positive
		}
		return feature.Negative
	}
	schema := feature.MustSchema(
		feature.Column{Name: "a", Unit: "1", Modality: feature.Radiomics},
		feature.Column{Name: "b", Unit: "1", Modality: feature.Radiomics})
	small := &feature.Table{Schema: schema}
	for p := range 6 {
		id := fmt.Sprint("P", p)
		small.Rows = append(small.Rows, feature.Row{Case: id, Patient: id, Artery: "LAD", Lesion: "LAD-1", Label: label(p), Values: []float64{float64(p % 2), float64(p % 3)}})
	}
	e, err := Evaluate(t.Context(), small, fast(), DefaultEvaluation(), EvaluateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if e.Protocol.Folds != 3 {
		t.Errorf("%d folds, want 3", e.Protocol.Folds)
	}
	var codes []string
	for _, n := range e.Notes {
		codes = append(codes, n.Code)
	}
	if got := strings.Join(codes, " "); !strings.Contains(got, "PLQ-520") || !strings.Contains(got, "PLQ-521") {
		t.Errorf("notes %s, want one of the missing arm and one of the folds", got)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"arms", "comparison", "importance", "failures", "notes", "flow", "excluded", "baseline", "levels", "roc", "pr", "calibration", "decision", "fold_auc", "scores"} {
		if bytes.Contains(text, []byte(`"`+key+`":null`)) {
			t.Errorf("%s is null", key)
		}
	}
	// A perfect ranking has the interval of so many patients, not one of zero width.
	perfect := exampleCohort()
	for n := range perfect.Rows {
		perfect.Rows[n].Values[0] = float64(perfect.Rows[n].Label)
	}
	if e, err = Evaluate(t.Context(), perfect, fast(), quick(), EvaluateOptions{}); err != nil {
		t.Fatal(err)
	}
	if auc := find(t, e, ArmRadiomics, "patient").AUC; auc.Value != 1 || auc.High != 1 || auc.Low > 0.9 || auc.Low < 0.7 {
		t.Errorf("AUC %+v of a perfect ranking", auc)
	}
	for n := range small.Rows {
		small.Rows[n].Label = feature.Negative
	}
	if _, err := Evaluate(t.Context(), small, fast(), quick(), EvaluateOptions{}); err == nil || !strings.Contains(err.Error(), "0 patients with the event") {
		t.Errorf("one class: error %v", err)
	}
	if _, err := Evaluate(t.Context(), small, fast(), EvaluationConfig{}, EvaluateOptions{}); err == nil || !strings.Contains(err.Error(), "folds is 0") || !strings.Contains(err.Error(), "bootstrap is 0") {
		t.Errorf("empty settings: error %v", err)
	}
}

// Missing lesions, missing values and a learner that cannot tell anything apart
// leave the AUC at exactly one half.
func TestEvaluateConstantLearner(t *testing.T) {
	table := cohort(t, 30, 6, 1, 5)
	for n := range table.Rows { // drop arteries without plaque, whose score is a constant of its own
		if table.Rows[n].Lesion == "" {
			table.Rows[n].Label = feature.Unknown
		}
	}
	e, err := Evaluate(t.Context(), table, fast(), quick(), EvaluateOptions{Baselines: []Learner{constant{}}})
	if err != nil {
		t.Fatal(err)
	}
	r := find(t, e, "baseline: constant", "artery")
	if r.AUC.Value != 0.5 || !(r.AUC.Low < 0.5 && r.AUC.High > 0.5) {
		t.Errorf("AUC %+v, want exactly 0.5 with an interval", r.AUC)
	}
	if r.CalSlope.Defined() {
		t.Errorf("calibration slope %v of a constant, want undefined", r.CalSlope)
	}
	if _, err := json.Marshal(e); err != nil {
		t.Error(err)
	}
}

type constant struct{}

func (constant) Name() string                                          { return "constant" }
func (constant) Fit(context.Context, *Data, uint64) (Predictor, error) { return constant{}, nil }
func (constant) LogOdds([]float64) float64                             { return -0.3 }

// An arm has the name of its modalities in any order.
func TestArm(t *testing.T) {
	for want, m := range map[string][]string{
		ArmBoth:      {feature.Radiomics, feature.Biomechanics},
		ArmRadiomics: {feature.Radiomics},
		feature.Anatomy + "+" + feature.Radiomics: {feature.Radiomics, feature.Anatomy},
	} {
		if got := (Config{Modalities: m}).Arm(); got != want {
			t.Errorf("arm of %q is %q, want %q", m, got, want)
		}
	}
}

// Of two steps of a ROC curve each has half of the positives; the curve at
// given steps is linear between its corners and ends in 1.
func TestROCSteps(t *testing.T) {
	y := rocAt([]float64{4, 3, 2, 1}, []int{1, 0, 1, 0})
	for n, want := range map[int]float64{0: 0.5, rocSteps / 2: 1, rocSteps/2 - 1: 0.5, rocSteps: 1} {
		if y[n] != want {
			t.Errorf("sensitivity %v at step %d, want %v", y[n], n, want)
		}
	}
	for n, v := range rocAt([]float64{1, 1, 1, 1}, []int{1, 0, 1, 0}) { // ties: the diagonal
		if x := float64(n) / rocSteps; math.Abs(v-x) > 1e-15 {
			t.Errorf("sensitivity %v at %v", v, x)
		}
	}
	if rocAt([]float64{1, 2}, []int{1, 1}) != nil {
		t.Error("a curve without negatives")
	}
}

func ExampleEvaluate() {
	table := exampleCohort()
	cfg := DefaultConfig()
	cfg.Boosting.Bags, cfg.Boosting.Rounds = 3, 20
	e, err := Evaluate(context.Background(), table, cfg, EvaluationConfig{Folds: 5, Repeats: 2, Bootstrap: 100}, EvaluateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, arm := range e.Arms {
		fmt.Println(arm.Name, arm.Levels[1].AUC.Value > 0.8)
	}
	// Output:
	// radiomics true
	// biomechanics false
	// both true
}

// exampleCohort has 40 patients of one lesion; a dense one is an event.
func exampleCohort() *feature.Table {
	table := &feature.Table{Schema: feature.MustSchema(
		feature.Column{Name: "original.firstorder.mean", Unit: "HU", Modality: feature.Radiomics},
		feature.Column{Name: "principal_stress.cap.p95", Unit: "kPa", Modality: feature.Biomechanics})}
	for p := range 40 {
		id := fmt.Sprintf("P%02d", p)
		row := feature.Row{Case: id, Patient: id, Artery: "LAD", Lesion: "LAD-1", Values: []float64{float64(100 + p*37%83), float64(p % 7)}}
		row.Label = feature.Negative
		if row.Values[0] > 150 {
			row.Label = feature.Positive
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

// 60 patients with some 360 lesions, 134 + 66 columns, default settings.
func BenchmarkEvaluate(b *testing.B) {
	table := cohort(b, 60, 200, 1, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Evaluate(b.Context(), table, DefaultConfig(), DefaultEvaluation(), EvaluateOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
