package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/classifier"
	"github.com/plaquerisk/plaquerisk/classifier/golearn"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
	"github.com/plaquerisk/plaquerisk/internal/version"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/reports"
	"github.com/plaquerisk/plaquerisk/risk"
)

// readTable reads a feature table with labels.
func readTable(path string) (*feature.Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-621", Err: err}
	}
	defer f.Close()
	t, err := feature.ReadCSV(f)
	if err != nil {
		return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-621", Err: fmt.Errorf("%s: %w", path, err)}
	}
	return t, nil
}

// train fits a model on a feature table.
func (a *app) train() *cobra.Command {
	var out string
	var card classifier.Card
	var stability string
	var minICC float64
	var overwrite bool
	var anyTable tableFlags
	cmd := &cobra.Command{
		Use:   "train TABLE.csv --out MODEL.json",
		Short: "Fit a risk model on a feature table with outcomes, or any model on any table",
		Example: "  plaquerisk batch run cohort.csv --out batch\n  plaquerisk train batch/features_wide.csv --out model.json --outcome \"culprit plaque within 3 years\"\n" +
			"  plaquerisk train --table any.csv --target outcome --group patient --out model.json",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := anyTable.check(args); err != nil {
				return err
			}
			if anyTable.printParams {
				return anyTable.print(a.stdout)
			}
			if anyTable.file == "" && len(args) == 0 {
				return usageError("train needs TABLE.csv, or --table FILE.csv --target COLUMN")
			}
			if out == "" {
				return usageError("train needs --out MODEL.json")
			}
			if err := fresh(overwrite, out); err != nil {
				return err
			}
			if anyTable.file != "" {
				return a.trainTable(cmd.Context(), anyTable, tableCard(card), out)
			}
			cfg, _, err := a.settings()
			if err != nil {
				return err
			}
			table, err := readTable(args[0])
			if err != nil {
				return err
			}
			if stability != "" {
				all := table.Schema.Len()
				if table, err = stable(table, stability, minICC); err != nil {
					return err
				}
				if !a.quiet {
					fmt.Fprintf(a.stderr, "%d of %d features are left out: their ICC is below %g or unknown\n", all-table.Schema.Len(), all, minICC)
				}
			}
			m := a.meter("train")
			ev, err := classifier.Evaluate(cmd.Context(), table, cfg.Training, cfg.Evaluation, classifier.EvaluateOptions{
				Progress: func(done, total int) { m.at(done, total, "cross-validation") }})
			if err != nil {
				return tableError(args[0], err)
			}
			model, err := classifier.Train(cmd.Context(), table, cfg.Training)
			m.end()
			if err != nil {
				return tableError(args[0], err)
			}
			auc := crossValidated(ev, cfg.Training)
			card.ArteryAUC, card.PatientAUC = auc["artery"], auc["patient"]
			if cfg.Training.Boosting.ModalityDropout > 0 {
				card.Without = withoutModality(ev)
			}
			model.Card = card
			if err := a.writeFile(out, model.Save); err != nil {
				return err
			}
			if !a.quiet {
				fmt.Fprintf(a.stderr, "%d patients, %d arteries (%d positive), %d lesions, %d features\ncross-validated AUC: artery %s, patient %s\nmodel %s\n",
					model.Training.Patients, model.Training.Arteries, model.Training.PositiveArteries, model.Training.Lesions, model.Schema.Len(),
					aucText(card.ArteryAUC), aucText(card.PatientAUC), model.SHA256()[:12])
				printNotes(a.stderr, append(model.Notes, ev.Notes...))
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "model `FILE` to write")
	f.BoolVar(&overwrite, "overwrite", false, "replace --out")
	f.StringVar(&card.Name, "name", "unnamed model", "`NAME` of the model in reports")
	f.StringVar(&card.Label, "label", "research model", "`TEXT` that stands beside every score")
	f.StringVar(&card.Trained, "trained-on", "", "`SENTENCE` about the training data")
	f.StringVar(&card.Outcome, "outcome", "", "the event that is predicted, in `WORDS`")
	f.StringVar(&stability, "stability", "", "table of radiomics stability, `FILE`.csv: features in it with too low an ICC are left out")
	f.Float64Var(&minICC, "min-icc", 0.75, "the least ICC, 0 to 1, of a feature in --stability")
	anyTable.add(f)
	return cmd
}

// tableError gives an error about a table its class.
func tableError(path string, err error) error {
	if c := pipeline.ClassOf(err); c != pipeline.Internal {
		return err
	}
	return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-621", Err: fmt.Errorf("%s: %w", path, err)}
}

// crossValidated returns the AUC per level of the arm that has the modalities
// the model was trained with.
func crossValidated(ev *risk.Evaluation, cfg classifier.Config) map[string][3]risk.Number {
	auc := map[string][3]risk.Number{}
	for _, level := range []string{"artery", "patient"} {
		auc[level] = [3]risk.Number{risk.NaN(), risk.NaN(), risk.NaN()}
	}
	for _, arm := range ev.Arms {
		if arm.Name != cfg.Arm() {
			continue
		}
		for _, l := range arm.Levels {
			auc[l.Level] = [3]risk.Number{l.AUC.Value, l.AUC.Low, l.AUC.High}
		}
	}
	return auc
}

// withoutModality returns what models are worth for patients who lack a
// modality.
func withoutModality(ev *risk.Evaluation) []classifier.Without {
	three := func(i risk.Interval) [3]risk.Number { return [3]risk.Number{i.Value, i.Low, i.High} }
	var out []classifier.Without
	for _, l := range ev.Lacking {
		out = append(out, classifier.Without{Modality: l.Modality, ArteryAUC: three(l.Levels[0].AUC), PatientAUC: three(l.Levels[1].AUC)})
	}
	return out
}

func aucText(x [3]risk.Number) string {
	if !x[0].Defined() {
		return "not measured"
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", x[0], x[1], x[2])
}

// printNotes prints what a person should know, with its place if it has one.
func printNotes(w io.Writer, notes []risk.Note) {
	for _, n := range notes {
		if n.Severity != risk.Info {
			fmt.Fprintf(w, "%s: %s\n", strings.Join(strings.Fields(fmt.Sprint(n.Severity, " ", n.Code, " ", n.Where)), " "), n.Text)
		}
	}
}

// evaluate judges models out of fold and draws the cohort report.
func (a *app) evaluate() *cobra.Command {
	var out, title, outcome string
	var overwrite, noBaseline bool
	var draws int
	var arms []string
	var anyTable tableFlags
	cmd := &cobra.Command{
		Use:     "evaluate TABLE.csv --out DIR",
		Short:   "Compare radiomics, biomechanics and both by patient-grouped cross-validation",
		Example: "  plaquerisk evaluate batch/features_wide.csv --arms radiomics,biomechanics,both --out evaluation\n  plaquerisk evaluate --table any.csv --target outcome --group patient --oof oof.csv --json figures.json\n  plaquerisk evaluate --model model.json --table other-hospital.csv --json external.json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := anyTable.check(args); err != nil {
				return err
			}
			switch {
			case anyTable.model != "":
				return a.evaluateExternal(cmd.Context(), anyTable)
			case anyTable.file != "" || anyTable.printParams:
				return a.evaluateTable(cmd.Context(), anyTable)
			}
			if len(args) == 0 {
				return usageError("evaluate needs TABLE.csv --out DIR, or --table FILE.csv --target COLUMN")
			}
			if out == "" {
				return usageError("evaluate needs --out DIR")
			}
			for _, arm := range arms {
				if !slices.Contains(classifier.Arms, arm) {
					return usageError("--arms %q: want some of %q", arm, classifier.Arms)
				}
			}
			cfg, _, err := a.settings()
			if err != nil {
				return err
			}
			table, err := readTable(args[0])
			if err != nil {
				return err
			}
			folder, err := folder(out, overwrite)
			if err != nil {
				return err
			}
			defer folder.Discard()
			if draws > 0 {
				return a.coverage(cmd.Context(), args[0], table, cfg, draws, folder)
			}
			m := a.meter("evaluate")
			opt := classifier.EvaluateOptions{Arms: arms, Progress: func(done, total int) { m.at(done, total, "cross-validation") }}
			if !noBaseline {
				opt.Baselines = []classifier.Learner{golearn.DefaultTree()}
			}
			ev, err := classifier.Evaluate(cmd.Context(), table, cfg.Training, cfg.Evaluation, opt)
			m.end()
			if err != nil {
				return tableError(args[0], err)
			}
			ev.Title, ev.Outcome = title, outcome
			ev.Failures = readFailures(filepath.Join(filepath.Dir(args[0]), "failures.csv"))
			sum, err := pipeline.HashFile(args[0])
			if err != nil {
				return err
			}
			ev.Provenance = risk.Provenance{Program: version.Program, Version: version.Version, Settings: string(cfg.YAML()),
				SettingsSHA256: cfg.Fingerprint(), Seed: cfg.Training.Seed, Inputs: []risk.Input{{Role: "features", Files: 1, SHA256: sum}}}
			if err := writeEvaluation(folder.Dir, ev, cfg); err != nil {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
			}
			if err := folder.Commit(); err != nil {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
			}
			if !a.quiet {
				printEvaluation(a.stderr, ev)
				fmt.Fprintf(a.stderr, "report: %s/%s\n", out, "cohort.pdf")
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "`DIR` for evaluation.json, cohort.pdf and the checklists TRIPOD+AI, CLEAR and METRICS, filled in as far as known")
	f.BoolVar(&overwrite, "overwrite", false, "replace what is in --out")
	f.StringSliceVar(&arms, "arms", classifier.Arms, "sets of features to compare, some of `ARMS`")
	f.StringVar(&title, "title", "Cohort", "`TITLE` of the report")
	f.StringVar(&outcome, "outcome", "not stated", "the event that is predicted, in `WORDS`")
	f.IntVar(&draws, "null-draws", 0, "instead: outcomes drawn at random `N` times; how often the intervals cover 0.5, in coverage.json")
	f.BoolVar(&noBaseline, "no-baseline", false, "leave out golearn's decision tree")
	anyTable.addEvaluate(f)
	return cmd
}

// coverage measures what the intervals cover where the truth is known.
func (a *app) coverage(ctx context.Context, path string, table *feature.Table, cfg pipeline.Config, draws int, folder *atomicfile.Folder) error {
	m := a.meter("null draws")
	c, err := classifier.NullCoverage(ctx, table, cfg.Training, cfg.Evaluation, draws, cfg.Training.Seed, func(done, total int) { m.at(done, total, "draws") })
	m.end()
	if err != nil {
		return tableError(path, err)
	}
	text, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(filepath.Join(folder.Dir, "coverage.json"), append(text, '\n'), 0o644), folder.Commit()); err != nil {
		return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
	}
	for _, x := range c.Arms {
		fmt.Fprintf(a.stdout, "%-14s %-8s mean AUC %.3f, SD %.3f; 95 %% intervals cover 0.5 in %.1f %% of %d draws (%.1f to %.1f %%)\n",
			x.Arm, x.Level, x.MeanAUC, x.SDAUC, 100*x.Covered.Value, c.Draws, 100*x.Covered.Low, 100*x.Covered.High)
	}
	return nil
}

func writeEvaluation(dir string, ev *risk.Evaluation, cfg pipeline.Config) error {
	text, err := json.MarshalIndent(ev, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "evaluation.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	for _, c := range reports.Checklists {
		var b bytes.Buffer
		if err := c.Write(&b, ev); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "checklist_"+c.Name+".csv"), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	f, err := os.Create(filepath.Join(dir, "cohort.pdf"))
	if err != nil {
		return err
	}
	if err := reports.Cohort(f, ev, cfg.Report); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func printEvaluation(w io.Writer, ev *risk.Evaluation) {
	fmt.Fprintf(w, "%d patients (%d positive), %d arteries (%d positive), %d lesions\n",
		ev.Data.Patients, ev.Data.PositivePatients, ev.Data.Arteries, ev.Data.PositiveArteries, ev.Data.Lesions)
	for _, arm := range ev.Arms {
		for _, l := range arm.Levels {
			fmt.Fprintf(w, "%-28s %-8s AUC %s\n", arm.Name, l.Level, aucText([3]risk.Number{l.AUC.Value, l.AUC.Low, l.AUC.High}))
		}
	}
	printNotes(w, ev.Notes)
}
