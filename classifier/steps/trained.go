package steps

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
	"github.com/plaquerisk/plaquerisk/classifier/judge"
)

// Trained is a fitted pipeline with all that is needed to predict the rows of a
// stranger's table by it, and to say how far its predictions can be trusted. It
// holds no row of the training table, unless the learner itself does (nearest
// neighbours).
type Trained struct {
	Card      Card             `json:"card"`
	Learner   string           `json:"learner"`
	Settings  json.RawMessage  `json:"settings"` // of the learner
	Steps     []string         `json:"steps"`    // before it, by name
	Seed      uint64           `json:"seed"`
	Roles     Roles            `json:"roles"`
	Labels    []string         `json:"classes"`
	Features  []Feature        `json:"features"` // in the order of names
	Training  Summary          `json:"training"`
	Figures   []Figure         `json:"cross_validation"`
	Without   []WithoutBlock   `json:"without_block,omitempty"`
	Patient   []PatientRule    `json:"patient_level,omitempty"`
	Conformal *judge.Conformal `json:"conformal"`
	Outside   *judge.Outside   `json:"outside,omitempty"` // nil if there are too few patients or no numbers
	Notes     []string         `json:"notes"`
	Fitted    *Fitted          `json:"fitted"`
}

// Card is what a person says of a model.
type Card struct {
	Name    string `json:"name"`
	Label   string `json:"label"` // stands beside every prediction
	Outcome string `json:"outcome"`
	Trained string `json:"trained_on"`
	Program string `json:"program"` // that trained it
}

// Feature is a column that a model reads.
type Feature struct {
	Name       string   `json:"name"`
	Block      string   `json:"block,omitempty"`
	Categories []string `json:"categories,omitempty"` // of a column of texts; none: numbers
	Missing    int      `json:"missing_rows"`
	Low        float64  `json:"low"` // of the training rows; 0 for texts and where all are missing
	High       float64  `json:"high"`
}

// Summary counts what a model was trained on.
type Summary struct {
	Rows     int    `json:"rows"`
	Patients int    `json:"patients"`
	Classes  []int  `json:"rows_of_class"`
	Table    string `json:"table_sha256"`
}

// Figure is one figure of a cross-validation; limits that are not known are left
// out.
type Figure struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	Low   *float64 `json:"low,omitempty"`
	High  *float64 `json:"high,omitempty"`
}

// SetLevel is the probability with which a conformal set holds the class.
const SetLevel = 0.9

// Train cross-validates p over splits, to know what it is worth, and fits it on
// all rows. The conformal sets are calibrated on the cross-validated
// probabilities, means over the repeats: these come from models of fewer
// patients, so that sets are a little wider than they need be. Card, Learner,
// Settings, Roles and the hash of the table are left to the caller.
func Train(ctx context.Context, p Pipeline, f *File, splits []Split, seed uint64, done func()) (*Trained, error) {
	t := &Trained{Seed: seed, Labels: f.Labels, Steps: []string{}, Notes: []string{}}
	// In the order of names, so that sums have the same last bit whatever that of
	// the file.
	table, order := f.sorted()
	e, err := Evaluate(ctx, p, table, moved(splits, order), seed, done)
	if err != nil {
		return nil, err
	}
	t.Figures, t.Without = e.figures(), e.Without
	if t.Fitted, err = p.Fit(ctx, table, allRows(table.Rows()), seed); err != nil {
		return nil, err
	}
	for _, s := range p.Steps {
		t.Steps = append(t.Steps, s.Name())
	}
	for _, c := range table.Columns {
		one := Feature{Name: c.Name, Block: c.Block, Categories: c.Categories, Missing: len(c.Values) - len(known(c.Values))}
		if x := known(c.Values); numeric(c) && len(x) > 0 {
			one.Low, one.High = x[0], x[len(x)-1]
		}
		t.Features = append(t.Features, one)
	}
	_, patients := table.Patients()
	t.Training = Summary{Rows: table.Rows(), Patients: patients, Classes: table.RowsOf()}
	mean := e.mean()
	t.Conformal = judge.NewConformal(table.Y, table.Clusters(), mean, SetLevel)
	if t.Patient, err = patientRules(table, mean, firstFold(moved(splits, order), table.Rows())); err != nil {
		return nil, err
	}
	if t.Outside, err = outsideOf(table); err != nil {
		t.Notes = append(t.Notes, "Rows unlike the training table are not flagged: "+err.Error()+".")
	}
	return t, nil
}

// firstFold returns the test fold of each row in the first repeat.
func firstFold(splits []Split, rows int) []int {
	fold := make([]int, rows)
	for _, s := range splits {
		if s.Repeat == 0 {
			for _, r := range s.Test {
				fold[r] = s.Fold
			}
		}
	}
	return fold
}

// moved returns splits for the rows of a table whose row n was row order[n].
func moved(splits []Split, order []int) []Split {
	now := make([]int, len(order))
	for n, r := range order {
		now[r] = n
	}
	out := slices.Clone(splits)
	for n := range out {
		out[n].Train, out[n].Test = pick(now, out[n].Train), pick(now, out[n].Test)
		slices.Sort(out[n].Train)
		slices.Sort(out[n].Test)
	}
	return out
}

// mean returns the probabilities of the rows, averaged over the repeats.
func (e *Evaluated) mean() [][]float64 {
	out := make([][]float64, len(e.Probabilities[0]))
	for r := range out {
		out[r] = make([]float64, len(e.Probabilities[0][r]))
		for _, q := range e.Probabilities {
			for k, v := range q[r] {
				out[r][k] += v / float64(len(e.Probabilities))
			}
		}
	}
	return out
}

// figures are the means over the repeats of what is defined.
func (e *Evaluated) figures() []Figure {
	var out []Figure
	add := func(name string, of func(j Judgement) judge.Interval) {
		var m judge.Interval
		for _, j := range e.Repeats {
			i, n := of(j), float64(len(e.Repeats))
			m.Value, m.Low, m.High = m.Value+i.Value/n, m.Low+i.Low/n, m.High+i.High/n
		}
		if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			return
		}
		f := Figure{Name: name, Value: m.Value}
		if !math.IsNaN(m.Low + m.High) {
			f.Low, f.High = &m.Low, &m.High
		}
		out = append(out, f)
	}
	alone := func(v float64) judge.Interval { return judge.Interval{Value: v, Low: math.NaN(), High: math.NaN()} }
	add("auc", func(j Judgement) judge.Interval { return j.AUC })
	add("log_loss", func(j Judgement) judge.Interval { return alone(j.LogLoss) })
	add("log_loss_without_model", func(Judgement) judge.Interval { return alone(e.NoModel) })
	add("brier", func(j Judgement) judge.Interval { return alone(j.Brier) })
	add("balanced_accuracy", func(j Judgement) judge.Interval { return alone(j.BalancedAccuracy) })
	add("calibration_intercept", func(j Judgement) judge.Interval { return alone(j.Calibration.Intercept) })
	add("calibration_slope", func(j Judgement) judge.Interval { return alone(j.Calibration.Slope) })
	add("ici", func(j Judgement) judge.Interval { return alone(j.ICI) })
	return out
}

// outsideCells bounds the table that says what is usual: patients are taken by a
// draw until it is reached.
const outsideCells = 1_000_000

// outsideOf learns from the numbers of a sorted table what rows are usual.
func outsideOf(t *Table) (*judge.Outside, error) {
	var names []string
	var columns []boost.Column
	for _, c := range t.Columns {
		if numeric(c) && len(known(c.Values)) > 0 {
			names, columns = append(names, c.Name), append(columns, c)
		}
	}
	if len(columns) == 0 {
		return nil, errors.New("the table has no column of numbers")
	}
	ids, _, own := patientsOf(t)
	order := allRows(len(ids))
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(key(0, "outside", ids[a]), key(0, "outside", ids[b])), cmp.Compare(a, b))
	})
	var rows, cluster []int
	for _, p := range order {
		if len(rows) > 0 && (len(rows)+len(own[p]))*len(columns) > outsideCells {
			break
		}
		for _, r := range own[p] {
			rows, cluster = append(rows, r), append(cluster, p)
		}
	}
	x := make([][]float64, len(columns))
	for c := range columns {
		x[c] = pick(columns[c].Values, rows)
	}
	return judge.NewOutside(names, x, cluster)
}

// Prediction is what a model says of one row.
type Prediction struct {
	P       []float64 // of each class
	Set     []int     // classes that cannot be excluded, at [SetLevel]
	Outside float64   // share of training patients that are at least as unusual; NaN where that is not known
}

// Predict predicts all rows of a table that [Trained.ReadCSV] read.
func (t *Trained) Predict(f *Table) ([]Prediction, error) {
	p, err := t.Fitted.Predict(f, allRows(f.Rows()))
	if err != nil {
		return nil, err
	}
	var place []int
	var row []float64
	if t.Outside != nil {
		row = make([]float64, len(t.Outside.Names))
		for _, name := range t.Outside.Names {
			c := f.column(name)
			if c < 0 {
				return nil, fmt.Errorf("the table has no column %q, which the model needs", name)
			}
			place = append(place, c)
		}
	}
	out := make([]Prediction, len(p))
	for r := range out {
		out[r] = Prediction{P: p[r], Set: t.Conformal.Set(p[r]), Outside: math.NaN()}
		if t.Outside != nil {
			for n, c := range place {
				row[n] = f.Columns[c].Values[r]
			}
			out[r].Outside = t.Outside.P(row)
		}
	}
	return out, nil
}

// External judges the predictions of rows whose outcomes are known and that the
// model was not trained on.
func (t *Trained) External(f *Table, p []Prediction) Judgement {
	q, share := make([][]float64, len(p)), make([]float64, len(p))
	var n float64
	for _, k := range t.Training.Classes {
		n += float64(k)
	}
	for r := range p {
		q[r], share[r] = p[r].P, float64(t.Training.Classes[1])/n
	}
	return Judge(f, q, share)
}

// Single returns the boosting that the model is, if it is one alone and nothing
// changes values before it or probabilities after it.
func (t *Trained) Single() (*boost.Model, error) {
	m, ok := t.Fitted.Model.(*TreeModel)
	if !ok || len(m.Models) != 1 || m.Models[0].Objective == boost.Squared {
		return nil, fmt.Errorf("the learner of the model is %s; only a single boosting can be written in the formats of other programs", t.Learner)
	}
	for n, s := range t.Fitted.Steps {
		if s.Kind() != "selection" && s.Kind() != "same" {
			return nil, fmt.Errorf("step %d of the model (%s) changes values; other programs would not", n+1, s.Kind())
		}
	}
	if t.Fitted.Calibrator != nil {
		return nil, fmt.Errorf("the model's probabilities are calibrated (%s); other programs would not", t.Fitted.Calibrator.Kind())
	}
	return m.Models[0], nil
}

// Clusters returns the patient of each row as a number.
func (t *Table) Clusters() []int {
	_, _, rows := patientsOf(t)
	cluster := make([]int, t.Rows())
	for c, own := range rows {
		for _, r := range own {
			cluster[r] = c
		}
	}
	return cluster
}
