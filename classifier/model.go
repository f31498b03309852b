package classifier

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Model scores lesions, arteries and patients. It is complete: saved, read
// elsewhere and asked again, it gives the same bits.
type Model struct {
	Card     Card
	Settings Config
	// Schema are the columns that the model needs, in the order of their names.
	Schema   feature.Schema
	Ranges   []Range // of each column, over the training rows
	Training Summary
	// Prior and Empty are those of [Fitted], EmptyArteries too.
	Prior, Empty  float64
	EmptyArteries int
	Ensemble      *Ensemble
	Notes         []risk.Note // adaptations of the settings to the data
}

// Card says what a model is, in words for its user. [Train] leaves it to the
// caller, except for what [Model.Extract] counts itself.
type Card struct {
	Name       string         `json:"name"`        // "plaquerisk demonstration model"
	Label      string         `json:"label"`       // "synthetic cohort, for demonstration"; stands beside every score
	Trained    string         `json:"trained"`     // on what, in one sentence
	Outcome    string         `json:"outcome"`     // event definition in words
	ArteryAUC  [3]risk.Number `json:"artery_auc"`  // cross-validated: value, low, high
	PatientAUC [3]risk.Number `json:"patient_auc"` // null: not measured
	// Without is what the model is worth for patients who lack a modality; none
	// if it does not score them.
	Without []Without `json:"without,omitempty"`
}

// Without are cross-validated AUCs where a modality is missing.
type Without struct {
	Modality   string         `json:"modality"`
	ArteryAUC  [3]risk.Number `json:"artery_auc"`
	PatientAUC [3]risk.Number `json:"patient_auc"`
}

// Range describes a column in the training rows.
type Range struct {
	Missing int // rows without a value
	// Quantiles are the 0th, 5th, …, 100th percentile of the values, nil
	// without any.
	Quantiles []float64
}

// quantiles is the length of Range.Quantiles.
const quantiles = 21

// Summary counts what a model was trained on.
type Summary struct {
	Patients         int `json:"patients"`
	PositivePatients int `json:"positive_patients"`
	Arteries         int `json:"arteries"`
	PositiveArteries int `json:"positive_arteries"`
	Lesions          int `json:"lesions"`
	// Fingerprint is a SHA-256 over columns, identifiers, outcomes and values
	// of the training rows, in any order.
	Fingerprint string `json:"fingerprint"`
}

// Train fits a model on the rows of t with a known outcome.
func Train(ctx context.Context, t *feature.Table, cfg Config) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	columns, notes, err := SelectColumns(t, cfg)
	if err != nil {
		return nil, err
	}
	d, err := NewData(t, columns)
	if err != nil {
		return nil, err
	}
	if n := len(t.Rows) - d.Rows(); n > 0 {
		notes = append(notes, risk.Note{Code: "PLQ-503", Severity: risk.Info,
			Text: fmt.Sprintf("%d of %d rows have no known outcome and were not used for training.", n, len(t.Rows))})
	}
	f, err := Fit(ctx, cfg.Boosting, d, cfg.Seed)
	if err != nil {
		return nil, err
	}
	e := f.Predictor.(*Ensemble)
	m := &Model{Settings: cfg, Prior: f.Prior, Empty: f.Empty, EmptyArteries: f.EmptyArteries, Ensemble: e}
	m.Card.ArteryAUC = [3]risk.Number{risk.NaN(), risk.NaN(), risk.NaN()}
	m.Card.PatientAUC = m.Card.ArteryAUC
	m.Notes = append(notes, e.Notes...)
	e.Notes = nil
	cols := make([]feature.Column, len(columns))
	for n, c := range columns {
		cols[n] = t.Schema.Column(c)
		cols[n].Doc = ""
		m.Ranges = append(m.Ranges, newRange(d, n))
	}
	if m.Schema, err = feature.NewSchema(cols...); err != nil {
		return nil, err
	}
	m.Training = summarise(d)
	m.Training.Fingerprint = fingerprint(t, d, &m.Schema)
	return m, nil
}

// SelectColumns returns the places of the columns of t that training with cfg
// uses, in the order of their names: those of the modalities asked for that
// have at least two distinct values and not too many missing ones over the
// lesions with a known outcome. Notes say how many were left out. In a
// cross-validation the rows of t must be training rows alone, or cfg's choice
// must be made without outcomes, as it is here.
func SelectColumns(t *feature.Table, cfg Config) ([]int, []risk.Note, error) {
	var columns []int
	var constant, sparse, other int
	if !slices.ContainsFunc(t.Rows, func(r feature.Row) bool { return r.Label != feature.Unknown }) {
		return nil, nil, ErrNoRows
	}
	for c := range t.Schema.Len() {
		if !slices.Contains(cfg.Modalities, t.Schema.Column(c).Modality) {
			other++
			continue
		}
		var missing, rows int
		first, varies := math.NaN(), false
		for r := range t.Rows {
			row := &t.Rows[r]
			if row.Lesion == "" || row.Label == feature.Unknown || c >= len(row.Values) {
				continue
			}
			rows++
			switch x := row.Values[c]; {
			case math.IsNaN(x):
				missing++
			case math.IsNaN(first):
				first = x
			case x != first:
				varies = true
			}
		}
		switch {
		case float64(missing) > cfg.MaxMissingShare*float64(rows):
			sparse++
		case !varies:
			constant++
		default:
			columns = append(columns, c)
		}
	}
	var notes []risk.Note
	if constant+sparse > 0 {
		notes = append(notes, risk.Note{Code: "PLQ-502", Severity: risk.Info, Text: fmt.Sprintf(
			"%d columns are used; %d were left out because more than %g %% of their values are missing, %d because all their values are equal.",
			len(columns), sparse, 100*cfg.MaxMissingShare, constant)})
	}
	if len(columns) == 0 {
		return nil, notes, fmt.Errorf("no usable column: %d of other modalities than %s, %d mostly missing, %d constant",
			other, strings.Join(cfg.Modalities, ", "), sparse, constant)
	}
	slices.SortFunc(columns, func(a, b int) int {
		return cmp.Compare(t.Schema.Column(a).Name, t.Schema.Column(b).Name)
	})
	return columns, notes, nil
}

// newRange describes column c of d over its lesions.
func newRange(d *Data, c int) Range {
	var r Range
	var sorted []float64
	for n, x := range d.X[c] {
		switch {
		case d.Empty[n]:
		case math.IsNaN(x):
			r.Missing++
		default:
			sorted = append(sorted, x)
		}
	}
	if len(sorted) == 0 {
		return r
	}
	slices.Sort(sorted)
	r.Quantiles = make([]float64, quantiles)
	for q := range r.Quantiles {
		r.Quantiles[q] = quantile(sorted, float64(q)/(quantiles-1))
	}
	return r
}

// quantile returns the q-quantile of sorted values, 0 ≤ q ≤ 1, with linear
// interpolation between order statistics (type 7 of Hyndman and Fan 1996).
func quantile(sorted []float64, q float64) float64 {
	at := float64(q * float64(len(sorted)-1)) // no fused multiply-subtract below
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	f := at - float64(i)
	if f == 0 {
		return sorted[i]
	}
	return min(float64((1-f)*sorted[i])+float64(f*sorted[i+1]), sorted[i+1])
}

// Percentile returns the share of training values at or below x, 0 to 100,
// interpolated between quantiles; NaN if x or all training values are missing.
func (r *Range) Percentile(x float64) float64 {
	q := r.Quantiles
	if len(q) == 0 || math.IsNaN(x) {
		return math.NaN()
	}
	last := len(q) - 1
	switch {
	case x < q[0]:
		return 0
	case x >= q[last]:
		return 100
	}
	// The last quantile at or below x, and how far x is on the way to the next.
	i, _ := slices.BinarySearchFunc(q, x, func(e, x float64) int {
		if e <= x {
			return -1
		}
		return 1
	})
	i--
	return 100 / float64(last) * (float64(i) + (x-q[i])/(q[i+1]-q[i]))
}

// Outside tells whether x lies outside the training range.
func (r *Range) Outside(x float64) bool {
	return len(r.Quantiles) > 0 && (x < r.Quantiles[0] || x > r.Quantiles[len(r.Quantiles)-1])
}

// summarise counts patients, arteries and lesions.
func summarise(d *Data) Summary {
	var s Summary
	arteries := ArteryUnits(d)
	for _, a := range arteries {
		s.Arteries++
		s.PositiveArteries += a.Label
	}
	for _, p := range PatientUnits(arteries) {
		s.Patients++
		s.PositivePatients += p.Label
	}
	for _, empty := range d.Empty {
		if !empty {
			s.Lesions++
		}
	}
	return s
}

// fingerprint hashes the rows of t that stand in d.
func fingerprint(t *feature.Table, d *Data, schema *feature.Schema) string {
	lines := make([]string, 0, d.Rows())
	for r, source := range d.Source {
		row := &t.Rows[source]
		var b strings.Builder
		fmt.Fprintf(&b, "%q %q %q %q %d", row.Patient, row.Case, row.Artery, row.Lesion, row.Label)
		for c := range d.X {
			x := d.X[c][r]
			if math.IsNaN(x) {
				b.WriteString(" -")
				continue
			}
			fmt.Fprintf(&b, " %x", math.Float64bits(x+0)) // −0 and 0 are one value
		}
		lines = append(lines, b.String())
	}
	slices.Sort(lines)
	h := sha256.New()
	fmt.Fprintln(h, schema.Fingerprint())
	for _, line := range lines {
		fmt.Fprintln(h, line)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Extract returns what a report shows of the model card. outOfRange are the
// features of the case that [Model.OutOfRange] found.
func (m *Model) Extract(outOfRange []string) *risk.Model {
	return &risk.Model{
		Name: m.Card.Name, Label: m.Card.Label, Trained: m.Card.Trained, Outcome: m.Card.Outcome,
		SHA256: m.SHA256(), Patients: m.Training.Patients, Arteries: m.Training.Arteries,
		Positives: m.Training.PositiveArteries, Columns: m.Schema.Len(),
		ArteryAUC: m.Card.ArteryAUC, PatientAUC: m.Card.PatientAUC, OutOfRange: outOfRange,
	}
}
