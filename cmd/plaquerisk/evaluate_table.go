package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/classifier/steps"
	"github.com/plaquerisk/plaquerisk/internal/strictyaml"
	"github.com/plaquerisk/plaquerisk/internal/version"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/risk"
)

// tableFlags are the flags of commands that learn from any CSV table.
type tableFlags struct {
	file            string
	roles           steps.Roles
	learner, params string
	steps           []string
	calibration     string
	leaveOut        string
	printParams     bool

	// Of evaluate alone.
	oof, json, model string
}

func (t *tableFlags) add(f *pflag.FlagSet) {
	f.StringVar(&t.file, "table", "", "any CSV table, `FILE`, instead of a feature table; missing cells are empty")
	f.StringVar(&t.roles.Target, "target", "", "`COLUMN` of the outcome: two or more classes")
	f.StringVar(&t.roles.Group, "group", "", "`COLUMN` of the patient, whose rows stay together; needed unless --id says that rows are independent")
	f.StringVar(&t.roles.ID, "id", "", "`COLUMN` that names each row once")
	f.StringVar(&t.roles.Site, "site", "", "`COLUMN` of the hospital or scanner")
	f.StringSliceVar(&t.roles.Folds, "folds", nil, "`COLUMNS` of fold numbers, a repeat each; else patients are dealt by the settings evaluation.folds and repeats")
	f.StringSliceVar(&t.roles.Drop, "drop", nil, "`COLUMNS` that are no features")
	f.StringSliceVar(&t.roles.Blocks, "blocks", nil, "kinds of columns, such as modalities, by how their names start, `NAMES`: rows that lack all of one are judged too")
	f.StringVar(&t.leaveOut, "leave-out", "", "patient or site: each is the test part once, instead of folds")
	f.StringVar(&t.learner, "learner", "", "preset, boosting, logistic, forest, tree or knn; else preset below 2000 rows and boosting above")
	f.StringVar(&t.params, "params", "", "settings of the learner, `FILE`.yaml; --print-params shows them")
	f.StringSliceVar(&t.steps, "steps", nil, "before the learner, `STEPS` of combat, prune, mrmr, impute, scale, smote, in that order")
	f.StringVar(&t.calibration, "calibration", "", "platt, beta, isotonic or temperature, fitted on inner folds; else none")
	f.BoolVar(&t.printParams, "print-params", false, "print the settings of the learner and stop")
}

// addEvaluate adds the flags of evaluate alone.
func (t *tableFlags) addEvaluate(f *pflag.FlagSet) {
	t.add(f)
	f.StringVar(&t.oof, "oof", "", "out-of-fold probabilities to write, `FILE`.csv")
	f.StringVar(&t.json, "json", "", "figures to write, `FILE`.json")
	f.StringVar(&t.model, "model", "", "judge this model, `FILE` of train --table, on the rows of --table, instead of cross-validation")
}

// plan is what the flags ask to be done with a table.
type plan struct {
	table    *steps.File
	sha256   string
	settings any // of the learner
	line     steps.Pipeline
	names    []string // of the repeats
	splits   []steps.Split
	seed     uint64
}

// plan reads the table and settles everything before anything is learnt.
func (t *tableFlags) plan(cfg pipeline.Config) (*plan, error) {
	p := &plan{seed: cfg.Training.Seed}
	var err error
	if p.line.Steps, err = steps.NamedSteps(t.steps); err != nil {
		return nil, usageError("--steps: %v", err)
	}
	switch t.calibration {
	case "", "platt", "beta", "isotonic", "temperature":
		p.line.Calibration, p.line.InnerFolds = t.calibration, innerFolds
	default:
		return nil, usageError("--calibration %q: want platt, beta, isotonic or temperature", t.calibration)
	}
	if p.table, err = readAnyTable(t.file, t.roles); err != nil {
		return nil, err
	}
	if t.learner == "" {
		if t.learner = "preset"; p.table.Rows() >= steps.LargeRows {
			t.learner = "boosting"
		}
	}
	if p.settings, p.line.Learner, err = t.configure(p.table.Rows()); err != nil {
		return nil, err
	}
	if p.names, p.splits, err = t.splits(&p.table.Table, p.table.Folds, cfg); err != nil {
		return nil, tableError(t.file, err)
	}
	p.sha256, err = pipeline.HashFile(t.file)
	return p, err
}

// innerFolds are the folds of patients on whose predictions probabilities are
// calibrated.
const innerFolds = 5

// adaptations says how the settings follow the size of the table.
func (p *plan) adaptations() []string {
	if preset, ok := p.settings.(*steps.Preset); ok {
		return preset.Adaptations(&p.table.Table)
	}
	return nil
}

// evaluateTable cross-validates a learner on any CSV table.
func (a *app) evaluateTable(ctx context.Context, t tableFlags) error {
	if t.printParams {
		return t.print(a.stdout)
	}
	if err := apart([]string{t.file, t.params}, t.oof, t.json); err != nil {
		return err
	}
	cfg, _, err := a.settings()
	if err != nil {
		return err
	}
	p, err := t.plan(cfg)
	if err != nil {
		return err
	}
	m, done := a.meter("evaluate"), atomic.Int64{}
	e, err := steps.Evaluate(ctx, p.line, &p.table.Table, p.splits, p.seed, func() { m.at(int(done.Add(1)), len(p.splits), "cross-validation") })
	m.end()
	if err != nil {
		return tableError(t.file, err)
	}
	if t.oof != "" {
		if err := a.writeFile(t.oof, func(w io.Writer) error { return writeOutOfFold(w, p.table, p.names, e.Probabilities) }); err != nil {
			return err
		}
	}
	report := newTableReport(p.table, p.names, p.splits, e)
	report.Learner, report.Settings, report.Seed = t.learner, p.settings, p.seed
	report.Steps, report.Calibration = t.steps, t.calibration
	report.Input = risk.Input{Role: "table", Files: 1, SHA256: p.sha256}
	report.Adaptations = p.adaptations()
	if t.json != "" {
		if err := a.writeFile(t.json, func(w io.Writer) error { return writeIndented(w, report) }); err != nil {
			return err
		}
	}
	if !a.quiet {
		report.print(a.stderr)
	}
	return nil
}

func readAnyTable(path string, roles steps.Roles) (*steps.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-621", Err: err}
	}
	defer f.Close()
	table, err := steps.ReadCSV(bufio.NewReaderSize(f, 1<<20), roles)
	if err != nil {
		return nil, tableError(path, err)
	}
	return table, nil
}

// configure returns the settings of the learner for a table of so many rows, and
// the learner.
func (t *tableFlags) configure(rows int) (any, steps.Learner, error) {
	settings, build, err := steps.NamedLearner(t.learner, rows)
	if err != nil {
		return nil, nil, usageError("--learner: %v", err)
	}
	if t.params != "" {
		f, err := os.Open(t.params)
		if err != nil {
			return nil, nil, usageError("--params: %v", err)
		}
		defer f.Close()
		if err := strictyaml.Decode(t.params, f, settings); err != nil {
			return nil, nil, usageError("--params: %v", err)
		}
	}
	learner, err := build()
	if err != nil {
		return nil, nil, usageError("settings of %s: %v", learner.Name(), err)
	}
	return settings, learner, nil
}

// print writes the settings of the learner as YAML.
func (t *tableFlags) print(w io.Writer) error {
	if t.learner == "" {
		t.learner = "preset"
	}
	settings, _, err := t.configure(0)
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(settings)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// splits returns the names of the repeats and the divisions of the rows.
func (t *tableFlags) splits(table *steps.Table, folds [][]string, cfg pipeline.Config) (names []string, splits []steps.Split, err error) {
	if t.leaveOut != "" && len(t.roles.Folds) > 0 {
		return nil, nil, usageError("--folds and --leave-out exclude each other")
	}
	switch t.leaveOut {
	case "patient":
		splits, err = steps.LeavePatientOut(table)
		return []string{"leave_patient_out"}, splits, err
	case "site":
		splits, err = steps.LeaveSiteOut(table)
		return []string{"leave_site_out"}, splits, err
	case "":
	default:
		return nil, nil, usageError("--leave-out %q: want patient or site", t.leaveOut)
	}
	if len(t.roles.Folds) > 0 {
		splits, err = steps.GivenFolds(table, t.roles.Folds, folds)
		return t.roles.Folds, splits, err
	}
	for r := range cfg.Evaluation.Repeats {
		names = append(names, "r"+strconv.Itoa(r))
	}
	splits, err = steps.Folds(table, cfg.Evaluation.Folds, cfg.Evaluation.Repeats, cfg.Training.Seed)
	return names, splits, err
}

// writeOutOfFold writes the identifiers and, for each repeat, the probability of
// every class.
func writeOutOfFold(w io.Writer, t *steps.File, names []string, p [][][]float64) error {
	out := csv.NewWriter(w)
	head := []string{t.IDName}
	for _, name := range names {
		for _, label := range t.Labels {
			head = append(head, "p"+label+"."+name)
		}
	}
	if err := out.Write(head); err != nil {
		return err
	}
	for r, id := range t.ID {
		line := []string{id}
		for rep := range p {
			for _, q := range p[rep][r] {
				line = append(line, strconv.FormatFloat(q, 'g', -1, 64))
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// tableReport is the JSON of evaluate --table.
type tableReport struct {
	Format       string        `json:"format"`
	Version      int           `json:"version"`
	Program      string        `json:"program"`
	Learner      string        `json:"learner"`
	Settings     any           `json:"settings"`
	Steps        []string      `json:"steps,omitempty"`
	Calibration  string        `json:"calibration,omitempty"`
	Seed         uint64        `json:"seed"`
	Input        risk.Input    `json:"input"`
	Rows         int           `json:"rows"`
	Patients     int           `json:"patients"`
	Features     int           `json:"features"`
	Missing      int           `json:"missing_cells"`
	Categorical  []string      `json:"categorical_features"`
	Classes      []tableClass  `json:"classes"`
	NoModel      risk.Number   `json:"log_loss_without_model"`
	Mean         tableFigures  `json:"mean"`
	Repeats      []tableRepeat `json:"repeats"`
	FoldAUC      risk.Interval `json:"auc_by_fold"`
	Without      []tableBlock  `json:"without_block,omitempty"`
	Adaptations  []string      `json:"adaptations,omitempty"`
	SampleSize   string        `json:"sample_size,omitempty"`
	ProtocolNote []string      `json:"notes,omitempty"`
}

type tableClass struct {
	Label    string `json:"label"`
	Rows     int    `json:"rows"`
	Patients int    `json:"patients"`
}

// tableBlock are the figures of rows that lack a block of columns.
type tableBlock struct {
	Block   string      `json:"block"`
	Columns int         `json:"columns"`
	LogLoss risk.Number `json:"log_loss"`
	AUC     risk.Number `json:"auc"`
}

type tableRepeat struct {
	Name  string `json:"name"`
	Folds int    `json:"folds"`
	tableFigures
}

// tableFigures are the figures of one repeat, or their means. What is defined for
// two classes alone is null for more.
type tableFigures struct {
	LogLoss          risk.Number    `json:"log_loss"`
	Brier            risk.Number    `json:"brier"`
	AUC              risk.Interval  `json:"auc"`
	BalancedAccuracy risk.Number    `json:"balanced_accuracy"`
	AtPrevalence     risk.Number    `json:"balanced_accuracy_at_prevalence"`
	AveragePrecision risk.Number    `json:"average_precision"`
	Intercept        risk.Number    `json:"calibration_intercept"`
	Slope            risk.Number    `json:"calibration_slope"`
	InTheLarge       risk.Number    `json:"calibration_in_the_large"`
	ICI              risk.Number    `json:"ici"`
	ECE              risk.Number    `json:"ece"`
	Spiegelhalter    risk.Number    `json:"spiegelhalter_z"`
	PatientAUC       *tablePatients `json:"patient_auc,omitempty"`
}

// tablePatients are AUCs of patients by how their rows are combined.
type tablePatients struct {
	Max     risk.Number `json:"max"`
	NoisyOr risk.Number `json:"noisy_or"`
	Mean    risk.Number `json:"mean"`
}

const (
	tableEvaluationFormat  = "plaquerisk.table_evaluation"
	tableEvaluationVersion = 1
)

func newTableReport(t *steps.File, names []string, splits []steps.Split, e *steps.Evaluated) *tableReport {
	byClass, patients := t.Patients()
	r := &tableReport{Format: tableEvaluationFormat, Version: tableEvaluationVersion, Program: version.Program + " " + version.Version,
		Rows: t.Rows(), Patients: patients, Features: len(t.Columns), Missing: t.MissingCells(), Categorical: append([]string{}, t.Categorical...),
		NoModel: risk.Number(e.NoModel), FoldAUC: interval(e.FoldAUC)}
	for k, n := range t.RowsOf() {
		r.Classes = append(r.Classes, tableClass{t.Labels[k], n, byClass[k]})
	}
	folds := make([]int, len(names))
	for _, s := range splits {
		folds[s.Repeat]++
	}
	for n, j := range e.Repeats {
		r.Repeats = append(r.Repeats, tableRepeat{names[n], folds[n], figures(j, patients < t.Rows())})
	}
	r.Mean = meanFigures(r.Repeats)
	for _, w := range e.Without {
		r.Without = append(r.Without, tableBlock{w.Block, w.Columns, risk.Number(w.LogLoss), risk.Number(w.AUC)})
	}
	if t.Classes == 2 {
		r.SampleSize = judge.Statement(patients, byClass[1], len(t.Columns), judge.R2OfLikelihood(float64(r.Mean.LogLoss), float64(t.RowsOf()[1])/float64(t.Rows())))
	}
	if len(names) == 1 && folds[0] == patients {
		r.ProtocolNote = append(r.ProtocolNote, "Each patient was left out alone: pooled AUCs are too low for weak models, since leaving out an event lowers the share of events that is learnt from.")
	}
	for _, c := range t.Categorical {
		r.ProtocolNote = append(r.ProtocolNote, fmt.Sprintf("Column %q holds texts and was taken for categories.", c))
	}
	return r
}

func interval(i judge.Interval) risk.Interval {
	return risk.Interval{Value: risk.Number(i.Value), Low: risk.Number(i.Low), High: risk.Number(i.High)}
}

func figures(j steps.Judgement, grouped bool) tableFigures {
	f := tableFigures{
		LogLoss: risk.Number(j.LogLoss), Brier: risk.Number(j.Brier), AUC: interval(j.AUC),
		BalancedAccuracy: risk.Number(j.BalancedAccuracy), AtPrevalence: risk.Number(j.AtPrevalence), AveragePrecision: risk.Number(j.AveragePrecision),
		Intercept: risk.Number(j.Calibration.Intercept), Slope: risk.Number(j.Calibration.Slope), InTheLarge: risk.Number(j.Calibration.InTheLarge),
		ICI: risk.Number(j.ICI), ECE: risk.Number(j.ECE), Spiegelhalter: risk.Number(j.Spiegelhalter),
	}
	if grouped {
		f.PatientAUC = &tablePatients{risk.Number(j.PatientAUC[0]), risk.Number(j.PatientAUC[1]), risk.Number(j.PatientAUC[2])}
	}
	return f
}

// meanFigures averages over the repeats, figure by figure; the limits of an AUC
// are averaged too, since repeats share their rows and do not narrow them.
func meanFigures(repeats []tableRepeat) tableFigures {
	var m tableFigures
	for _, r := range repeats {
		for n, p := range r.numbers() {
			*m.numbers()[n] += *p / risk.Number(len(repeats))
		}
		if r.PatientAUC != nil {
			if m.PatientAUC == nil {
				m.PatientAUC = &tablePatients{}
			}
			m.PatientAUC.Max += r.PatientAUC.Max / risk.Number(len(repeats))
			m.PatientAUC.NoisyOr += r.PatientAUC.NoisyOr / risk.Number(len(repeats))
			m.PatientAUC.Mean += r.PatientAUC.Mean / risk.Number(len(repeats))
		}
	}
	return m
}

func (f *tableFigures) numbers() []*risk.Number {
	return []*risk.Number{&f.LogLoss, &f.Brier, &f.AUC.Value, &f.AUC.Low, &f.AUC.High, &f.BalancedAccuracy, &f.AtPrevalence, &f.AveragePrecision,
		&f.Intercept, &f.Slope, &f.InTheLarge, &f.ICI, &f.ECE, &f.Spiegelhalter}
}

// print tells a person what was found.
func (r *tableReport) print(out io.Writer) {
	fmt.Fprintf(out, "%d rows of %d patients, %d features, learner %s\n", r.Rows, r.Patients, r.Features, r.Learner)
	for _, x := range r.Repeats {
		fmt.Fprintf(out, "%-12s log-loss %.4f, AUC %s, Brier score %.4f, balanced accuracy %.3f\n", x.Name, x.LogLoss, figure(x.AUC), x.Brier, x.BalancedAccuracy)
	}
	fmt.Fprintf(out, "%-12s log-loss %.4f (%.4f without a model), AUC %s\n", "mean", r.Mean.LogLoss, r.NoModel, figure(r.Mean.AUC))
	for _, w := range r.Without {
		fmt.Fprintf(out, "%-12s log-loss %.4f, AUC %.3f for rows without the %d columns of %s\n", "lacking", w.LogLoss, w.AUC, w.Columns, w.Block)
	}
	for _, line := range r.Adaptations {
		fmt.Fprintf(out, "adapted: %s\n", line)
	}
	if r.SampleSize != "" {
		fmt.Fprintf(out, "sample size: %s\n", r.SampleSize)
	}
	for _, note := range r.ProtocolNote {
		fmt.Fprintf(out, "note: %s\n", note)
	}
}

func figure(i risk.Interval) string {
	if !i.Low.Defined() {
		return fmt.Sprintf("%.3f", i.Value)
	}
	return fmt.Sprintf("%.3f (%.3f to %.3f)", i.Value, i.Low, i.High)
}

// check says which flags of a table lack another.
func (t *tableFlags) check(args []string) error {
	switch {
	case t.printParams:
		return nil
	case t.file == "" && (t.roles.Target != "" || t.oof != "" || t.json != "" || t.learner != "" || t.model != "" || len(t.roles.Folds) > 0):
		return usageError("--target, --folds, --learner, --model, --oof and --json go with --table FILE.csv")
	case t.file != "" && len(args) > 0:
		return usageError("give either a feature table, %s, or --table", args[0])
	case t.file != "" && t.roles.Target == "" && t.model == "":
		return usageError("--table needs --target COLUMN")
	}
	return nil
}
