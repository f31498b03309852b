package steps

import (
	"fmt"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/classifier/calibrate"
	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/classifier/levels"
)

// PatientRule is a way of joining the rows of a patient to one probability of
// the second of two classes, with its calibration: joined probabilities are not
// calibrated even if those of the rows are. A patient has the event if one of
// its rows has.
type PatientRule struct {
	Rule levels.Rule `json:"rule"`
	// AUC and LogLoss are those of patients out of fold; Calibrated is the log-loss after a
	// calibration fitted on the other test folds.
	AUC        float64          `json:"auc"`
	LogLoss    float64          `json:"log_loss"`
	Calibrated float64          `json:"log_loss_calibrated"`
	Map        *calibrate.Level `json:"calibrator"` // fitted on all patients out of fold
}

// patientRules judges and calibrates all rules on out-of-fold probabilities q of
// a sorted table; nil if patients have one row each, all have the event, or there
// are more than two classes. fold is the test fold of each row in the first repeat.
func patientRules(t *Table, q [][]float64, fold []int) ([]PatientRule, error) {
	ids, class, rows := patientsOf(t)
	if t.Classes != 2 || len(ids) == t.Rows() || slices.Min(class) == slices.Max(class) {
		return nil, nil
	}
	p := make([]float64, t.Rows())
	for r := range p {
		p[r] = q[r][1]
	}
	own := make([]int, len(ids))
	for n := range own {
		own[n] = fold[rows[n][0]]
	}
	var out []PatientRule
	for _, rule := range levels.Rules {
		s := joined(rule, rows, p)
		one := PatientRule{Rule: rule, AUC: judge.AUC(class, s), LogLoss: judge.LogLoss(class, s)}
		m, err := calibrate.FitPlatt(class, s)
		if err != nil {
			return nil, fmt.Errorf("calibration of patients by %s: %w", rule, err)
		}
		one.Map = &calibrate.Level{Name: "patient", Map: m}
		after := slices.Clone(s)
		for f := range slices.Max(own) + 1 {
			var in, rest []int
			for n := range own {
				if own[n] == f {
					in = append(in, n)
				} else {
					rest = append(rest, n)
				}
			}
			c, err := calibrate.FitPlatt(pick(class, rest), pick(s, rest))
			if err != nil {
				continue // one outcome among them: as it is
			}
			for _, n := range in {
				after[n] = c.Apply(s[n])
			}
		}
		one.Calibrated = judge.LogLoss(class, after)
		out = append(out, one)
	}
	return out, nil
}

// joined returns the probability of each patient from those of its rows.
func joined(rule levels.Rule, rows [][]int, p []float64) []float64 {
	out := make([]float64, len(rows))
	for n, own := range rows {
		out[n] = rule.Combine(pick(p, own))
	}
	return out
}

// PatientPrediction is what a model says of one patient.
type PatientPrediction struct {
	Patient string
	Rows    int
	Joined  float64 // by the rule
	P       float64 // and calibrated
}

// Patients joins the predictions of the rows of f, as they were in [Trained.Predict],
// to patients by a rule, in the order of their names.
func (t *Trained) Patients(f *Table, p []Prediction, rule levels.Rule) ([]PatientPrediction, error) {
	at := slices.IndexFunc(t.Patient, func(x PatientRule) bool { return x.Rule == rule })
	switch {
	case len(t.Patient) == 0:
		return nil, fmt.Errorf("the model knows no patients: it was trained on one row of each, on patients who all have the event, or on more than two classes")
	case at < 0:
		return nil, fmt.Errorf("rule %q, want one of %q", rule, levels.Rules)
	}
	q := make([]float64, len(p))
	for r := range p {
		q[r] = p[r].P[1]
	}
	ids, _, rows := patientsOf(f.withoutOutcomes())
	out := make([]PatientPrediction, len(ids))
	for n, s := range joined(rule, rows, q) {
		out[n] = PatientPrediction{Patient: ids[n], Rows: len(rows[n]), Joined: s, P: t.Patient[at].Map.Map.Apply(s)}
	}
	return out, nil
}

func (x *PatientRule) check() error {
	if !slices.Contains(levels.Rules, x.Rule) || x.Map == nil || x.Map.Map == nil || math.IsNaN(x.AUC) {
		return fmt.Errorf("patient level: rule %q without a calibration", x.Rule)
	}
	return nil
}
