package steps

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The figures of the reference models' own out-of-fold probabilities are those that
// scikit-learn gave for them, for rows and for patients.
func TestFiguresKnown(t *testing.T) {
	text, err := os.ReadFile(verify.Shared(t, "data", "tabular", "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{"retinopathy_eyes", "cleveland", "wine"} {
		f := readTabular(t, set)
		splits, err := GivenFolds(&f.Table, []string{"fold_r0", "fold_r1", "fold_r2"}, f.Folds)
		if err != nil {
			t.Fatal(err)
		}
		var want struct {
			Models map[string]map[string]json.RawMessage
		}
		if err := json.Unmarshal(all[set], &want); err != nil {
			t.Fatal(err)
		}
		rows := verify.Records(t, verify.Shared(t, "data", "tabular", "oof", set+".csv"))
		for _, model := range []string{"xgb_bag10", "logreg_l2"} {
			var j Judgement // mean over the repeats
			for rep := range 3 {
				q := make([][]float64, len(rows))
				for r, row := range rows {
					if f.Classes == 2 {
						p := verify.Number(t, row[fmt.Sprintf("%s_r%d", model, rep)])
						q[r] = []float64{1 - p, p}
						continue
					}
					for k := range f.Classes {
						q[r] = append(q[r], verify.Number(t, row[fmt.Sprintf("%s_r%d_c%d", model, rep, k)]))
					}
				}
				one := Judge(&f.Table, q, trainingShares(&f.Table, splits, rep))
				j.LogLoss += one.LogLoss / 3
				j.Brier += one.Brier / 3
				j.AUC.Value += one.AUC.Value / 3
				j.BalancedAccuracy += one.BalancedAccuracy / 3
				for i, v := range one.PatientAUC {
					j.PatientAUC[i] += v / 3
				}
			}
			for _, c := range []struct {
				key string
				got float64
			}{{"logloss", j.LogLoss}, {"brier", j.Brier}, {"auc", j.AUC.Value}, {"auc_ovr_macro", j.AUC.Value}, {"balacc05", j.BalancedAccuracy}, {"balacc", j.BalancedAccuracy}} {
				value, ok := want.Models[model][c.key]
				if !ok {
					continue
				}
				w, err := strconv.ParseFloat(string(value), 64)
				if err != nil {
					t.Fatal(err)
				}
				verify.Check{Suite: "judgement", Case: set + ", " + model, Quantity: c.key + ", mean of three repeats",
					Source: "scikit-learn 1.2.1, reference.json", Got: c.got, Want: w, Tol: 1e-6}.Run(t)
			}
			var group map[string]float64
			if g, ok := want.Models[model]["group_level"]; ok {
				if err := json.Unmarshal(g, &group); err != nil {
					t.Fatal(err)
				}
				for i, key := range []string{"auc_max", "auc_noisyor", "auc_mean"} {
					verify.Check{Suite: "judgement", Case: set + ", " + model, Quantity: "patient " + key + ", mean of three repeats",
						Source: "scikit-learn 1.2.1, reference.json", Got: j.PatientAUC[i], Want: group[key], Tol: 1e-6}.Run(t)
				}
			}
		}
	}
}

// Noise has a log-loss near that of no model and intervals that hold ½; a signal is
// found.
func TestEvaluate(t *testing.T) {
	tab := made(60, 5, 11)
	splits, err := Folds(tab, 5, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Evaluate(t.Context(), Pipeline{Learner: Ridge{C: []float64{0.1}}}, tab, splits, 1, func() {})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Repeats) != 2 || e.Repeats[0].LogLoss >= e.NoModel || e.FoldAUC.Low <= 0.5 || e.FoldAUC.High > 1 {
		t.Errorf("with a signal: %+v", e)
	}
	if p := e.Repeats[0].PatientAUC; !(p[0] > 0.5 && p[2] > 0.5) {
		t.Errorf("AUC of patients %v", p)
	}
	if _, err := Evaluate(t.Context(), Pipeline{Learner: DefaultTree()}, tab, splits[:3], 1, func() {}); err == nil {
		t.Error("rows that no fold tests were judged")
	}
}

// Blending a model with itself changes nothing, and the parts of the preset agree
// with the mean of their log-odds.
func TestBlend(t *testing.T) {
	tab := made(30, 2, 12)
	m, err := Ridge{C: []float64{1}}.Fit(t.Context(), tab, 1)
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Predict(tab)
	if err != nil {
		t.Fatal(err)
	}
	b := &Blend{Classes: 2, Weights: []float64{0.3, 0.7}, Parts: []Model{m, m}}
	got, err := b.Predict(tab)
	if err != nil {
		t.Fatal(err)
	}
	for r := range got {
		if d := judge.Logit(got[r][1]) - judge.Logit(want[r][1]); d > 1e-9 || d < -1e-9 {
			t.Fatalf("row %d: %v, want %v", r, got[r], want[r])
		}
	}
	p := DefaultPreset()
	p.Weights = []float64{1, 1, 1}
	if p.Validate() == nil {
		t.Error("weights of 3 were accepted")
	}
}
