package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/classifier"
	"github.com/plaquerisk/plaquerisk/classifier/boost"
	"github.com/plaquerisk/plaquerisk/classifier/interop"
	"github.com/plaquerisk/plaquerisk/classifier/steps"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/reports"
)

// isTrained tells whether the file at path is a model of train --table; an empty
// path is the shipped model.
func isTrained(path string) (bool, error) {
	if path == "" {
		return false, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return false, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-617", Err: fmt.Errorf("model: %w", err)}
	}
	defer f.Close()
	start := make([]byte, 200)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return false, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-617", Err: fmt.Errorf("model %s: %w", path, err)}
	}
	return steps.IsTrained(start[:n]), nil
}

// classifierModel tells whether a file that starts so is a model of plaques.
func classifierModel(start []byte) bool {
	return bytes.Contains(start, []byte(`"`+classifier.Format+`"`))
}

// exporters write a boosting by the ending of the file.
var exporters = map[string]func(io.Writer, *boost.Model) error{
	".json": interop.WriteXGBoostJSON, ".ubj": interop.WriteXGBoostUBJ, ".txt": interop.WriteLightGBM, ".onnx": interop.WriteONNX,
}

func (a *app) exportModel(path, to string, overwrite bool) error {
	write, ok := exporters[strings.ToLower(filepath.Ext(to))]
	if !ok {
		return usageError("--export %s: want a file that ends in .json or .ubj (XGBoost), .txt (LightGBM) or .onnx", to)
	}
	if err := fresh(overwrite, to); err != nil {
		return err
	}
	one, err := boosting(path)
	if err != nil {
		return err
	}
	return a.writeFile(to, func(w io.Writer) error { return write(w, one) })
}

// boosting returns the trees of a model: of train --table, if it is one boosting
// alone, or of plaques, which score a lesion.
func boosting(path string) (*boost.Model, error) {
	trained, err := isTrained(path)
	if err != nil {
		return nil, err
	}
	if !trained {
		m, err := pipeline.LoadModel(path)
		if err != nil {
			return nil, err
		}
		var names []string
		for _, c := range m.Schema.Columns() {
			names = append(names, c.Name)
		}
		return m.Ensemble.Boost(names)
	}
	m, err := openTrained(path)
	if err != nil {
		return nil, err
	}
	one, err := m.Single()
	if err != nil {
		return nil, usageError("--export: %v", err)
	}
	return one, nil
}

// mostColumns is the number of features that a card lists.
const mostColumns = 40

// tableModelCard is the card of a model of any table.
func tableModelCard(m *steps.Trained) (*reports.Card, error) {
	sum, err := m.SHA256()
	if err != nil {
		return nil, err
	}
	c := &reports.Card{Name: m.Card.Name, Label: sentence(m.Card.Label), Program: m.Card.Program, Notes: slices.Concat(m.Conformal.Warnings, m.Notes)}
	row := func(name, format string, args ...any) {
		c.Rows = append(c.Rows, [2]string{name, fmt.Sprintf(format, args...)})
	}
	row("outcome", "%s (column %s, classes %s)", orNotStated(m.Card.Outcome), m.Roles.Target, strings.Join(m.Labels, ", "))
	row("trained on", "%s", orNotStated(m.Card.Trained))
	row("training data", "%d rows of %d patients; rows of each class %s", m.Training.Rows, m.Training.Patients, strings.Trim(fmt.Sprint(m.Training.Classes), "[]"))
	row("learner", "%s", m.Learner)
	row("steps before it", "%s", strings.Join(m.Steps, ", "))
	if k := m.Fitted.Calibrator; k != nil {
		row("calibration", "%s, on inner folds", k.Kind())
	}
	for _, f := range m.Figures {
		row(strings.ReplaceAll(f.Name, "_", " ")+", cross-validated", "%s", figureText(f))
	}
	for _, x := range m.Without {
		row("without "+x.Block, "%d columns missing: log-loss %.4f, AUC %.4f", x.Columns, x.LogLoss, x.AUC)
	}
	for _, x := range m.Patient {
		row("patients by "+strings.ReplaceAll(string(x.Rule), "_", " "), "AUC %.4f, log-loss %.4f, calibrated %.4f", x.AUC, x.LogLoss, x.Calibrated)
	}
	row(fmt.Sprintf("sets at %.0f %%", 100*m.Conformal.Level), "calibrated on %s patients of each class", strings.Trim(fmt.Sprint(m.Conformal.Patients), "[]"))
	row("training table", "SHA-256 %s", m.Training.Table)
	row("program", "%s, seed %d", m.Card.Program, m.Seed)
	row("model", "SHA-256 %s", sum)
	c.Features.Heads = []string{"feature", "kind", "training range", "missing rows"}
	for _, f := range m.Features[:min(len(m.Features), mostColumns)] {
		what, span := "number", fmt.Sprintf("%.4g to %.4g", f.Low, f.High)
		if len(f.Categories) > 0 {
			what, span = "text", strings.Join(f.Categories, ", ")
		}
		if f.Block != "" {
			what += ", " + f.Block
		}
		c.Features.Rows = append(c.Features.Rows, []string{f.Name, what, span, strconv.Itoa(f.Missing)})
	}
	if n := len(m.Features) - mostColumns; n > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("%d more features are in the model file.", n))
	}
	if m.Learner == "knn" {
		c.Notes = append(c.Notes, "The model file holds the rows of the training table, as nearest neighbours need them.")
	}
	c.Text = "Probabilities are those of the training cohort; they are not calibrated for any other."
	return c, nil
}
