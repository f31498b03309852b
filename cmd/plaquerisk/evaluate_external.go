package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/classifier/steps"
	"github.com/plaquerisk/plaquerisk/internal/version"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/risk"
)

// externalReport is the JSON of evaluate --model.
type externalReport struct {
	Format    string       `json:"format"`
	Version   int          `json:"version"`
	Program   string       `json:"program"`
	Model     risk.Input   `json:"model"`
	Input     risk.Input   `json:"input"`
	Rows      int          `json:"rows"`
	Patients  int          `json:"patients"`
	Classes   []tableClass `json:"classes"`
	Figures   tableFigures `json:"figures"`
	Bootstrap struct {
		Draws    int           `json:"draws"`
		AUC      risk.Interval `json:"auc_bca"`
		LogLoss  risk.Interval `json:"log_loss_bca"`
		Brier    risk.Interval `json:"brier_bca"`
		Slope    risk.Interval `json:"calibration_slope_percentile"`
		InLarge  risk.Interval `json:"calibration_in_the_large_percentile"`
		Patients int           `json:"patients"`
	} `json:"bootstrap"`
	Decision []risk.DecisionRow `json:"decision"`
	Sets     struct {
		Level    float64       `json:"level"`
		Covered  []risk.Number `json:"share_covered"` // of each class
		MeanSize float64       `json:"mean_classes"`
		Warnings []string      `json:"warnings"`
	} `json:"conformal_sets"`
	Unusual risk.Number `json:"share_of_rows_outside"` // beyond 95 % of the training patients
	Notes   []string    `json:"notes"`
}

const (
	externalFormat  = "plaquerisk.external_validation"
	externalVersion = 1
)

// evaluateExternal judges a model on a table that it was not trained on.
func (a *app) evaluateExternal(ctx context.Context, t tableFlags) error {
	if t.file == "" {
		return usageError("--model needs --table FILE.csv")
	}
	if len(t.roles.Folds) > 0 || t.leaveOut != "" || t.learner != "" || t.params != "" || len(t.steps) > 0 || t.calibration != "" {
		return usageError("--model judges a model as it is: --folds, --leave-out, --learner, --params, --steps and --calibration do not go with it")
	}
	if err := apart([]string{t.file, t.model}, t.oof, t.json); err != nil {
		return err
	}
	cfg, _, err := a.settings()
	if err != nil {
		return err
	}
	m, err := openTrained(t.model)
	if err != nil {
		return err
	}
	if t.roles.Target == "" {
		t.roles.Target = m.Roles.Target
	}
	table, err := a.readFor(m, t.file, t.roles)
	if err != nil {
		return err
	}
	if err := table.Check(); err != nil {
		return tableError(t.file, err)
	}
	p, err := m.Predict(&table.Table)
	if err != nil {
		return tableError(t.file, err)
	}
	r, err := newExternalReport(ctx, m, table, p, cfg)
	if err != nil {
		return tableError(t.file, err)
	}
	for _, x := range []struct {
		path string
		to   *risk.Input
		role string
	}{{t.model, &r.Model, "model"}, {t.file, &r.Input, "table"}} {
		sum, err := pipeline.HashFile(x.path)
		if err != nil {
			return err
		}
		*x.to = risk.Input{Role: x.role, Files: 1, SHA256: sum}
	}
	if r.Input.SHA256 == m.Training.Table {
		r.Notes = append(r.Notes, "This is the table that the model was trained on: its figures are those of memory and say nothing of new patients.")
	}
	if t.oof != "" {
		if err := a.writeFile(t.oof, func(w io.Writer) error { return writePredictions(w, table, p) }); err != nil {
			return err
		}
	}
	if t.json != "" {
		if err := a.writeFile(t.json, func(w io.Writer) error { return writeIndented(w, r) }); err != nil {
			return err
		}
	}
	if !a.quiet {
		r.print(a.stderr)
	}
	return nil
}

func newExternalReport(ctx context.Context, m *steps.Trained, table *steps.File, p []steps.Prediction, cfg pipeline.Config) (*externalReport, error) {
	byClass, patients := table.Patients()
	r := &externalReport{Format: externalFormat, Version: externalVersion, Program: version.Program + " " + version.Version,
		Rows: table.Rows(), Patients: patients, Notes: []string{}, Decision: []risk.DecisionRow{}, Unusual: risk.NaN()}
	for k, n := range table.RowsOf() {
		r.Classes = append(r.Classes, tableClass{table.Labels[k], n, byClass[k]})
	}
	r.Figures = figures(m.External(&table.Table, p), patients < table.Rows())
	q, strange := make([][]float64, len(p)), 0
	for n := range p {
		q[n] = p[n].P
		if p[n].Outside < unusual {
			strange++
		}
	}
	if m.Outside != nil {
		r.Unusual = risk.Number(float64(strange) / float64(len(p)))
	}
	cluster := table.Clusters()
	covered, size := m.Conformal.Coverage(table.Y, cluster, q)
	r.Sets.Level, r.Sets.MeanSize, r.Sets.Warnings = m.Conformal.Level, size, append([]string{}, m.Conformal.Warnings...)
	for _, c := range covered {
		r.Sets.Covered = append(r.Sets.Covered, risk.Number(c))
	}
	if len(m.Labels) != 2 {
		return r, nil
	}
	s := make([]float64, len(q))
	for n := range q {
		s[n] = q[n][1]
	}
	r.Bootstrap.Draws, r.Bootstrap.Patients = cfg.Evaluation.Bootstrap, patients
	boot := judge.Bootstrap{Draws: cfg.Evaluation.Bootstrap, Seed: cfg.Training.Seed}
	for _, x := range []struct {
		to     *risk.Interval
		metric func(y []int, s []float64) float64
		bca    bool
	}{
		{&r.Bootstrap.AUC, judge.AUC, true}, {&r.Bootstrap.LogLoss, judge.LogLoss, true}, {&r.Bootstrap.Brier, judge.Brier, true},
		{&r.Bootstrap.Slope, judge.CalibrationSlope, false},
		{&r.Bootstrap.InLarge, judge.CalibrationInTheLarge, false},
	} {
		b, err := boot.Run(ctx, table.Y, cluster, judge.On(table.Y, s, x.metric))
		if err != nil {
			return nil, err
		}
		if *x.to = interval(b.Percentile(0.95)); x.bca {
			*x.to = interval(b.BCa(0.95))
		}
	}
	var at []float64
	for n := 1; n < 20; n++ {
		at = append(at, float64(n)/20)
	}
	for _, b := range judge.DecisionCurve(table.Y, s, at) {
		r.Decision = append(r.Decision, risk.DecisionRow{Threshold: b.Threshold, Model: b.Model, TreatAll: b.All})
	}
	return r, nil
}

func writeIndented(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// print tells a person what was found.
func (r *externalReport) print(w io.Writer) {
	fmt.Fprintf(w, "external validation: %d rows of %d patients\n", r.Rows, r.Patients)
	fmt.Fprintf(w, "log-loss %.4f, AUC %s, Brier score %.4f, calibration intercept %.2f, slope %.2f\n",
		r.Figures.LogLoss, figure(r.Figures.AUC), r.Figures.Brier, r.Figures.Intercept, r.Figures.Slope)
	fmt.Fprintf(w, "sets at %.0f %% hold the class for", 100*r.Sets.Level)
	for k, c := range r.Sets.Covered {
		fmt.Fprintf(w, " %.1f %% of class %s", 100*c, r.Classes[k].Label)
	}
	fmt.Fprintf(w, ", with %.2f classes each\n", r.Sets.MeanSize)
	for _, note := range append(r.Sets.Warnings, r.Notes...) {
		fmt.Fprintf(w, "note: %s\n", note)
	}
}
