package classifier

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/internal/verify"
	"github.com/plaquerisk/plaquerisk/risk"
)

// The further figures follow from the scores that the evaluation itself holds, by their
// definitions.
func TestJudgedFollowsFromScores(t *testing.T) {
	e, err := Evaluate(t.Context(), cohort(t, 60, 9, 2, 3), fast(), quick(), EvaluateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	near := func(got risk.Number, want float64) { worst = max(worst, math.Abs(float64(got)-want)) }
	for _, a := range e.Arms {
		for _, r := range a.Levels {
			j := r.Judged
			var above, pairs float64
			for _, s := range r.Scores {
				for _, o := range r.Scores {
					if s.Label == 1 && o.Label == 0 {
						pairs++
						if s.Probability > o.Probability {
							above++
						} else if s.Probability == o.Probability {
							above += 0.5
						}
					}
				}
			}
			near(j.PooledAUC.Value, above/pairs)
			near(j.Obuchowski.Value, above/pairs)
			for name, i := range map[string]risk.Interval{"BCa": j.PooledAUC, "Obuchowski": j.Obuchowski, "slope": j.Slope} {
				if !(i.Low <= i.Value && i.Value <= i.High) {
					t.Errorf("%s, %s: %s %+v", a.Name, r.Level, name, i)
				}
			}
			if j.PermutationP < 1./101 || j.PermutationP > 1 || j.E50 > j.E90 || j.E90 > j.Emax || j.ICI > j.Emax {
				t.Errorf("%s, %s: %+v", a.Name, r.Level, j)
			}
			used := slices.IndexFunc(j.Rules, func(x risk.RuleResult) bool { return x.Used })
			near(j.Rules[used].LogLoss, float64(r.LogLoss))
			near(j.Rules[used].AUC.Value, float64(r.AUC.Value))
			if len(j.Rules) != len(Rules) {
				t.Errorf("%d rules of %d", len(j.Rules), len(Rules))
			}
		}
	}
	score := map[string]map[string]float64{}
	for _, a := range e.Arms {
		score[a.Name] = map[string]float64{}
		for _, s := range a.Levels[0].Scores {
			score[a.Name][s.Patient+"/"+s.Artery] = s.Probability
		}
	}
	for _, d := range e.Comparison {
		if d.Level != "artery" {
			continue
		}
		var up, down, n, shift [2]float64
		for _, s := range e.Arms[0].Levels[0].Scores {
			change := score[d.A][s.Patient+"/"+s.Artery] - score[d.B][s.Patient+"/"+s.Artery]
			n[s.Label]++
			shift[s.Label] += change
			if change > 0 {
				up[s.Label]++
			} else if change < 0 {
				down[s.Label]++
			}
		}
		near(d.Paired.NRI.Value, (up[1]-down[1])/n[1]+(down[0]-up[0])/n[0])
		near(d.Paired.IDI.Value, shift[1]/n[1]-shift[0]/n[0])
	}
	verify.Check{Suite: "classifier", Case: "three arms, 60 patients", Quantity: "largest error of pooled AUC, NRI, IDI and figures of the rules in use",
		Source: "counting pairs and moves of the scores in the file", Got: worst, Want: 0, Tol: 1e-9}.Run(t)
	if len(e.Support) != 3 || !strings.Contains(e.Support[0].Text, "60 patients") {
		t.Errorf("sample size: %+v", e.Support)
	}
	if s := e.Stability; s == nil || s.Features != 9 || s.Of != 9 {
		t.Errorf("stability: %+v", s)
	}
	if e.Unusual == nil || e.Unusual.Reason != "" || !(e.Unusual.Limit > 1) {
		t.Errorf("unusual: %+v", e.Unusual)
	}
}

// A set holds the true class as often as promised, in each class, and decides
// more often with a signal than without one.
func TestSetsCover(t *testing.T) {
	if testing.Short() {
		t.Skip("ten cohorts")
	}
	var covered [2]float64
	decided := map[float64]float64{}
	const draws = 5
	for _, strength := range []float64{0, 3} {
		for seed := range uint64(draws) {
			e, err := Evaluate(t.Context(), cohort(t, 120, 6, strength, 40+seed), fast(), EvaluationConfig{Folds: 5, Repeats: 2, Bootstrap: 100}, EvaluateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			s := find(t, e, ArmBoth, "artery").Judged.Sets
			for k := range covered {
				covered[k] += float64(s.Covered[k]) / (2 * draws)
			}
			decided[strength] += float64(s.Single) / draws
		}
	}
	for k, c := range covered {
		verify.Check{Suite: "classifier", Case: "ten cohorts of 120 patients", Quantity: "share of arteries whose 90 % set holds class " + string(rune('0'+k)),
			Source: "coverage of conformal prediction", Got: c, Want: setLevel, Tol: 0.04}.Run(t) // 10 cohorts of about 100 positive arteries: SD 0.01, and ties
	}
	if !(decided[3] > decided[0]) {
		t.Errorf("sets decide %.2f with a signal, %.2f without", decided[3], decided[0])
	}
}

// Trained with modalities left out, a model scores a lesion that lacks one, says so,
// and loses less by it than one that never saw such patients.
func TestModalityDropout(t *testing.T) {
	if testing.Short() {
		t.Skip("two cross-validations")
	}
	table := cohort(t, 150, 9, 4, 5)
	loss := func(dropout float64) (full, lacking float64) {
		cfg := fast()
		cfg.Boosting.ModalityDropout = dropout
		e, err := Evaluate(t.Context(), table, cfg, quick(), EvaluateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		l := e.Lacking[0] // the outcome depends on a radiomics column
		if l.Modality != feature.Radiomics || l.Columns != 6 || float64(l.Levels[0].LogLossFull) != float64(find(t, e, ArmBoth, "artery").LogLoss) {
			t.Errorf("%+v", l)
		}
		return float64(l.Levels[0].LogLossFull), float64(l.Levels[0].LogLoss)
	}
	full, without := loss(0)
	dropFull, dropWithout := loss(0.3)
	t.Logf("log-loss with all and without radiomics: %.3f %.3f; trained with dropout: %.3f %.3f", full, without, dropFull, dropWithout)
	if !(without > full && dropWithout > dropFull && dropWithout < without) {
		t.Errorf("log-loss with all and without radiomics: %.3f %.3f; trained with dropout: %.3f %.3f", full, without, dropFull, dropWithout)
	}
	cfg := fast()
	cfg.Boosting.ModalityDropout = 0.3
	m, err := Train(t.Context(), table, cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.Card.Without = []Without{{Modality: feature.Radiomics}}
	values := make([]float64, m.Schema.Len())
	for c := range values {
		if m.Schema.Column(c).Modality == feature.Radiomics {
			values[c] = math.NaN()
		}
	}
	lesion := Lesion{Name: "LAD-1", Artery: "LAD", Features: feature.Vector{Schema: m.Schema, Values: values}}
	s, err := m.Score([]Lesion{lesion}, []string{"LAD"})
	if err != nil || s.Patient.Prediction == nil || !slices.ContainsFunc(s.Notes, func(n risk.Note) bool { return strings.HasPrefix(n.Text, "No radiomics feature") }) {
		t.Errorf("%+v, %v", s, err)
	}
	m.Settings.Boosting.ModalityDropout = 0
	if s, err = m.Score([]Lesion{lesion}, []string{"LAD"}); err != nil || s.Patient.Prediction != nil {
		t.Errorf("scored by a model that never saw such a patient: %+v, %v", s, err)
	}
}
