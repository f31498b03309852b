package cohort

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Merge gathers the results of all cases, in the order of the manifest, into
// features_wide.csv, features_long.csv, risk.csv and failures.csv. An artery
// that the manifest gives an outcome but in which no plaque was found gets a row
// without values, so that nothing is lost from the denominators.
func Merge(ctx context.Context, m *Manifest, dir string) error {
	table, risks, err := gather(ctx, m, dir)
	if err != nil {
		return err
	}
	failures, err := failureRows(m, dir)
	if err != nil {
		return err
	}
	for _, out := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"features_wide.csv", func(w io.Writer) error { return feature.WriteCSV(w, table) }},
		{"features_long.csv", func(w io.Writer) error { return feature.WriteLongCSV(w, table) }},
		{"risk.csv", func(w io.Writer) error { return csv.NewWriter(w).WriteAll(risks) }},
		{"failures.csv", func(w io.Writer) error { return csv.NewWriter(w).WriteAll(failures) }},
	} {
		var b bytes.Buffer
		if err := out.write(&b); err != nil {
			return fmt.Errorf("%s: %w", out.name, err)
		}
		if err := atomicfile.Write(filepath.Join(dir, out.name), b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// gather reads the committed results.
func gather(ctx context.Context, m *Manifest, dir string) (*feature.Table, [][]string, error) {
	table := &feature.Table{ExtraNames: m.ExtraNames}
	risks := [][]string{{"case", "patient", "level", "artery", "lesion", "outcome", "probability", "low", "high", "reason", "model", "model_label"}}
	for n := range m.Cases {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		c := &m.Cases[n]
		if finishedKey(dir, c.ID) == "" {
			continue
		}
		found, err := readCaseTable(filepath.Join(caseDir(dir, c.ID), "features_wide.csv"))
		if err != nil {
			return nil, nil, fmt.Errorf("case %s: %w", c.ID, err)
		}
		if table.Schema.Len() == 0 {
			table.Schema = found.Schema
		} else if !table.Schema.Equal(&found.Schema) {
			return nil, nil, fmt.Errorf("case %s has other feature columns than the cases before it: run the batch again with one set of settings", c.ID)
		}
		table.Rows = append(table.Rows, caseRows(c, found)...)
		a, err := readAssessment(filepath.Join(caseDir(dir, c.ID), "assessment.json"))
		if err != nil {
			return nil, nil, fmt.Errorf("case %s: %w", c.ID, err)
		}
		risks = append(risks, riskRows(c, a)...)
	}
	return table, risks, nil
}

func readCaseTable(path string) (*feature.Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return feature.ReadCSV(f)
}

func readAssessment(path string) (*risk.Assessment, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	a := &risk.Assessment{}
	return a, json.Unmarshal(text, a)
}

// caseRows returns the rows of a case with the patient, the labels and the
// further columns of the manifest.
func caseRows(c *Case, found *feature.Table) []feature.Row {
	var rows []feature.Row
	seen := map[coronary.Artery]bool{}
	for _, r := range found.Rows {
		o := c.Outcome(coronary.Artery(r.Artery))
		seen[coronary.Artery(r.Artery)] = true
		r.Case, r.Patient, r.Label, r.Extra = c.ID, c.Patient, o.Label, o.Extra
		rows = append(rows, r)
	}
	for _, o := range c.Outcomes {
		if o.Artery == "" || seen[o.Artery] {
			continue
		}
		empty := feature.NewVector(found.Schema)
		rows = append(rows, feature.Row{Case: c.ID, Patient: c.Patient, Artery: string(o.Artery), Label: o.Label, Extra: o.Extra, Values: empty.Values})
	}
	return rows
}

// riskRows lists the scores of a case at all levels.
func riskRows(c *Case, a *risk.Assessment) [][]string {
	model, label := "", "" // what made the scores stands beside each of them
	if a.Model != nil {
		model, label = a.Model.Name, a.Model.Label
	}
	row := func(level, artery, lesion string, outcome int, l risk.Level) []string {
		cells := []string{c.ID, c.Patient, level, artery, lesion, "", "", "", "", l.Reason, model, label}
		if outcome != feature.Unknown {
			cells[5] = strconv.Itoa(outcome)
		}
		if p := l.Prediction; p != nil {
			for n, x := range []float64{p.Probability, p.Low, p.High} {
				cells[6+n] = feature.FormatValue(x)
			}
		}
		return cells
	}
	worst := math.MinInt
	for _, o := range c.Outcomes {
		worst = max(worst, o.Label)
	}
	rows := [][]string{row("patient", "", "", worst, a.Patient)}
	for _, ar := range a.Arteries {
		rows = append(rows, row("artery", string(ar.Name), "", c.Outcome(ar.Name).Label, ar.Level))
	}
	for _, l := range a.Lesions {
		rows = append(rows, row("lesion", string(l.Artery), l.Name, c.Outcome(l.Artery).Label, l.Level))
	}
	return rows
}

// failureRows lists the cases whose last state is failed.
func failureRows(m *Manifest, dir string) ([][]string, error) {
	status, err := ReadStatus(m, dir)
	if err != nil {
		return nil, err
	}
	entries, _, err := readJournal(filepath.Join(dir, "ledger.jsonl"))
	if err != nil {
		return nil, err
	}
	by := summarise(entries)
	rows := [][]string{{"case", "patient", "exit", "code", "error"}}
	for n, s := range status {
		if s.State == Failed {
			rows = append(rows, []string{s.Case, m.Cases[n].Patient, strconv.Itoa(by[s.Case].last.Exit), s.Code, s.Text})
		}
	}
	return rows, nil
}

// ReadFailures reads a failures.csv.
func ReadFailures(path string) ([]risk.Failure, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cr := csv.NewReader(f)
	cr.FieldsPerRecord = 5
	rows, err := cr.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	out := []risk.Failure{}
	for _, r := range rows[min(1, len(rows)):] {
		out = append(out, risk.Failure{Case: r[0], Code: r[3], Text: r[4]})
	}
	return out, nil
}
