package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/plaquerisk/plaquerisk/classifier"
	"github.com/plaquerisk/plaquerisk/classifier/steps"
	"github.com/plaquerisk/plaquerisk/internal/version"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// tableCard is the card of a model of any table.
func tableCard(c classifier.Card) steps.Card {
	return steps.Card{Name: c.Name, Label: c.Label, Outcome: c.Outcome, Trained: c.Trained, Program: version.Program + " " + version.Version}
}

// trainTable fits a model on any CSV table.
func (a *app) trainTable(ctx context.Context, t tableFlags, card steps.Card, out string) error {
	if err := apart([]string{t.file, t.params}, out); err != nil {
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
	m, done := a.meter("train"), atomic.Int64{}
	model, err := steps.Train(ctx, p.line, p.table, p.splits, p.seed, func() { m.at(int(done.Add(1)), len(p.splits), "cross-validation") })
	m.end()
	if err != nil {
		return tableError(t.file, err)
	}
	model.Card, model.Learner, model.Roles, model.Training.Table = card, t.learner, t.roles, p.sha256
	if model.Settings, err = json.Marshal(p.settings); err != nil {
		return err
	}
	model.Notes = append(model.Notes, p.adaptations()...)
	if err := a.writeFile(out, model.Save); err != nil {
		return err
	}
	if !a.quiet {
		printTrained(a.stderr, model)
	}
	return nil
}

func printTrained(w io.Writer, m *steps.Trained) {
	fmt.Fprintf(w, "%d rows of %d patients, %d features, learner %s\n", m.Training.Rows, m.Training.Patients, len(m.Features), m.Learner)
	for _, f := range m.Figures {
		fmt.Fprintf(w, "cross-validated %s %s\n", f.Name, figureText(f))
	}
	for _, note := range append(m.Conformal.Warnings, m.Notes...) {
		fmt.Fprintf(w, "note: %s\n", note)
	}
}

func figureText(f steps.Figure) string {
	if f.Low == nil {
		return fmt.Sprintf("%.4f", f.Value)
	}
	return fmt.Sprintf("%.4f (%.4f to %.4f)", f.Value, *f.Low, *f.High)
}

// openTrained reads a model of train --table.
func openTrained(path string) (*steps.Trained, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-617", Err: fmt.Errorf("model: %w", err)}
	}
	defer f.Close()
	in := bufio.NewReader(f)
	start, err := in.Peek(200)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-617", Err: fmt.Errorf("model %s: %w", path, err)}
	}
	if classifierModel(start) {
		return nil, usageError("%s is a model of plaques, which score uses; this command wants a model of train --table", path)
	}
	m, err := steps.Open(in)
	if err != nil {
		return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-617", Err: fmt.Errorf("model %s: %w", path, err)}
	}
	return m, nil
}

// readFor reads a table for a model, and says what is to be known of it.
func (a *app) readFor(m *steps.Trained, path string, roles steps.Roles) (*steps.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-621", Err: err}
	}
	defer f.Close()
	table, notes, err := m.ReadCSV(bufio.NewReaderSize(f, 1<<20), roles)
	if err != nil {
		return nil, tableError(path, err)
	}
	if !a.quiet {
		for _, note := range notes {
			fmt.Fprintf(a.stderr, "note: %s\n", note)
		}
	}
	return table, nil
}
