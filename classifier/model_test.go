package classifier

import (
	"bytes"
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/risk"
)

func train(t testing.TB, table *feature.Table, cfg Config) *Model {
	t.Helper()
	m, err := Train(t.Context(), table, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func saved(t testing.TB, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The model file must be the same, byte by byte, for any number of processors,
// any order of rows and any order of columns.
func TestDeterminism(t *testing.T) {
	table := cohort(t, 40, 30, 2, 1)
	cfg := fast()
	cfg.Boosting.MaxDepth = 3
	want := saved(t, train(t, table, cfg))

	procs := runtime.GOMAXPROCS(1)
	one := saved(t, train(t, table, cfg))
	runtime.GOMAXPROCS(16)
	many := saved(t, train(t, table, cfg))
	runtime.GOMAXPROCS(procs)
	if !bytes.Equal(want, one) || !bytes.Equal(want, many) {
		t.Error("the model depends on the number of processors")
	}

	turned := &feature.Table{}
	cols := table.Schema.Columns()
	slices.Reverse(cols)
	turned.Schema = feature.MustSchema(cols...)
	for _, row := range table.Rows {
		row.Values = slices.Clone(row.Values)
		slices.Reverse(row.Values)
		turned.Rows = append(turned.Rows, row)
	}
	for n := range turned.Rows { // a fixed permutation
		m := (n * 7919) % len(turned.Rows)
		turned.Rows[n], turned.Rows[m] = turned.Rows[m], turned.Rows[n]
	}
	if got := saved(t, train(t, turned, cfg)); !bytes.Equal(want, got) {
		t.Error("the model depends on the order of rows or columns")
	}
}

// Another seed must give another model, the same seed the same.
func TestSeed(t *testing.T) {
	table := cohort(t, 30, 10, 1, 2)
	cfg := fast()
	a := train(t, table, cfg).SHA256()
	cfg.Seed++
	if train(t, table, cfg).SHA256() == a {
		t.Error("the seed changes nothing")
	}
}

// A model that is saved and read must be the same model, and give the same
// prediction.
func TestSaveLoad(t *testing.T) {
	table := cohort(t, 40, 12, 2, 3)
	m := train(t, table, fast())
	m.Card.Name, m.Card.Label = "test", "synthetic cohort, for demonstration"
	m.Card.ArteryAUC = [3]risk.Number{0.8, 0.7, 0.9}
	raw := saved(t, m)
	read, err := Load(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(raw, saved(t, read)) || read.SHA256() != m.SHA256() {
		t.Error("the file changes when it is read and written again")
	}
	v := feature.Vector{Schema: table.Schema, Values: table.Rows[0].Values}
	a, err := m.Predict(v)
	if err != nil {
		t.Fatal(err)
	}
	b, err := read.Predict(v)
	if err != nil {
		t.Fatal(err)
	}
	if a.Probability != b.Probability || a.Low != b.Low || a.Base != b.Base || len(a.Contributions) != len(b.Contributions) {
		t.Errorf("prediction %v became %v", a, b)
	}
}

// Base and contributions must add up to the log-odds of the probability, and
// the interval must hold the probability.
func TestPredictionAddsUp(t *testing.T) {
	table := cohort(t, 40, 40, 2, 4)
	m := train(t, table, fast())
	for _, row := range table.Rows {
		p, err := m.Predict(feature.Vector{Schema: table.Schema, Values: row.Values})
		if err != nil {
			t.Fatal(err)
		}
		sum := p.Base
		for _, c := range p.Contributions {
			sum += c.LogOdds
		}
		if math.Abs(sum-Logit(p.Probability)) > 1e-9 {
			t.Fatalf("contributions add up to %v, log-odds are %v", sum, Logit(p.Probability))
		}
		if p.Low > p.Probability || p.High < p.Probability {
			t.Fatalf("%v is outside its interval [%v, %v]", p.Probability, p.Low, p.High)
		}
		if len(p.Contributions) > largest+1 {
			t.Fatalf("%d contributions", len(p.Contributions))
		}
	}
}

// A table that lacks a column, or has it in another unit or definition, must be
// refused by name; one with extra columns must give the same prediction.
func TestSchema(t *testing.T) {
	table := cohort(t, 30, 6, 2, 5)
	m := train(t, table, fast())
	v := feature.Vector{Schema: table.Schema, Values: table.Rows[0].Values}
	want, err := m.Predict(v)
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(cols []feature.Column) []feature.Column) error {
		cols := f(table.Schema.Columns())
		w := feature.NewVector(feature.MustSchema(cols...))
		for n, c := range cols {
			w.Values[n] = v.Get(c.Name)
		}
		got, err := m.Predict(w)
		if err == nil && got.Probability != want.Probability {
			t.Errorf("probability %v became %v", want.Probability, got.Probability)
		}
		return err
	}
	if err := change(func(c []feature.Column) []feature.Column {
		return append([]feature.Column{{Name: "new.family.feature", Unit: "mm"}}, c...)
	}); err != nil {
		t.Errorf("extra column: %v", err)
	}
	for text, f := range map[string]func(c []feature.Column) []feature.Column{
		`column "original.family.feature_000" is missing`: func(c []feature.Column) []feature.Column { return c[1:] },
		`is in "mm", want "HU"`: func(c []feature.Column) []feature.Column {
			c[2].Unit = "mm"
			return c
		},
		`is defined as "IBSI:TEST; other", want "IBSI:TEST"`: func(c []feature.Column) []feature.Column {
			c[2].Settings = "other"
			return c
		},
	} {
		if err := change(f); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, want %q", err, text)
		}
	}
}

// What cannot be learnt from must be refused in words that name row and column.
func TestTrainErrors(t *testing.T) {
	for name, test := range map[string]struct {
		change func(table *feature.Table)
		want   string
		is     error
	}{
		"one class": {func(t *feature.Table) {
			for r := range t.Rows {
				t.Rows[r].Label = feature.Positive
			}
		}, "all outcomes are equal", ErrOneClass},
		"one patient": {func(t *feature.Table) {
			for r := range t.Rows {
				t.Rows[r].Patient = "P"
			}
		}, "one patient", ErrOnePatient},
		"no outcome": {func(t *feature.Table) {
			for r := range t.Rows {
				t.Rows[r].Label = feature.Unknown
			}
		}, "", ErrNoRows},
		"no rows": {func(t *feature.Table) { t.Rows = nil }, "", ErrNoRows},
		"infinite": {func(t *feature.Table) {
			t.Rows[4].Values[3] = math.Inf(1)
		}, `row 5, column "original.family.feature_003": infinite value`, nil},
		"no patient":     {func(t *feature.Table) { t.Rows[2].Patient = "" }, "row 3 has no patient", nil},
		"odd outcome":    {func(t *feature.Table) { t.Rows[2].Label = 2 }, "row 3 has outcome 2", nil},
		"short row":      {func(t *feature.Table) { t.Rows[2].Values = t.Rows[2].Values[1:] }, "row 3 has 5 values", nil},
		"twice":          {func(t *feature.Table) { t.Rows = append(t.Rows, t.Rows[0]) }, "rows 1 and", nil},
		"two outcomes":   {func(t *feature.Table) { relabel(t) }, "have different outcomes", nil},
		"constant table": {func(t *feature.Table) { flatten0(t) }, "6 constant", nil},
	} {
		t.Run(name, func(t *testing.T) {
			table := cohort(t, 30, 6, 2, 6)
			test.change(table)
			_, err := Train(t.Context(), table, fast())
			if err == nil {
				t.Fatal("trained")
			}
			if !strings.Contains(err.Error(), test.want) || (test.is != nil && !errors.Is(err, test.is)) {
				t.Errorf("error %q, want %q", err, test.want)
			}
		})
	}
}

// relabel turns the outcome of one of two lesions of an artery.
func relabel(t *feature.Table) {
	for r := 1; r < len(t.Rows); r++ {
		if a, b := &t.Rows[r-1], &t.Rows[r]; a.Case == b.Case && a.Artery == b.Artery {
			b.Label = 1 - b.Label
			return
		}
	}
}

// flatten0 makes all values equal.
func flatten0(t *feature.Table) {
	for r := range t.Rows {
		for c := range t.Rows[r].Values {
			t.Rows[r].Values[c] = 1
		}
	}
}

// A cancelled context must stop training.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Train(ctx, cohort(t, 30, 6, 2, 6), fast()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// Lesions, arteries and patient must follow the declared rules, and what cannot
// be scored must say why.
func TestScore(t *testing.T) {
	table := cohort(t, 60, 8, 3, 7)
	m := train(t, table, fast())
	if m.EmptyArteries == 0 {
		t.Fatal("the cohort has no artery without plaque")
	}
	vector := func(r int) feature.Vector { return feature.Vector{Schema: table.Schema, Values: table.Rows[r].Values} }
	var rows []int
	for r := range table.Rows {
		if table.Rows[r].Lesion != "" {
			rows = append(rows, r)
		}
	}
	s, err := m.Score([]Lesion{
		{Name: "LAD-1", Artery: "LAD", Features: vector(rows[0])},
		{Name: "LAD-2", Artery: "LAD", Features: vector(rows[1])},
		{Name: "RCA-1", Artery: "RCA", Reason: "the mesh failed"},
	}, []string{"LAD", "LCX", "RCA"})
	if err != nil {
		t.Fatal(err)
	}
	a, b := s.Lesions[0].Prediction, s.Lesions[1].Prediction
	lad := s.Arteries[0].Prediction
	if lad.Probability != max(a.Probability, b.Probability) {
		t.Errorf("LAD %v, lesions %v and %v", lad.Probability, a.Probability, b.Probability)
	}
	if lad.Low > lad.Probability || lad.High < lad.Probability || len(lad.Contributions) == 0 {
		t.Errorf("LAD %+v", lad)
	}
	lcx := s.Arteries[1].Prediction
	if lcx == nil || math.Abs(lcx.Probability-Logistic(m.Empty)) > 1e-15 || s.Arteries[1].Reason == "" {
		t.Errorf("artery without plaque: %+v", s.Arteries[1])
	}
	if s.Lesions[2].Prediction != nil || s.Lesions[2].Reason != "the mesh failed" || s.Arteries[2].Prediction != nil {
		t.Errorf("RCA: %+v, %+v", s.Lesions[2], s.Arteries[2])
	}
	want := 1 - (1-lad.Probability)*(1-lcx.Probability)
	if got := s.Patient.Prediction.Probability; math.Abs(got-want) > 1e-15 {
		t.Errorf("patient %v, want %v", got, want)
	}
	if !slices.ContainsFunc(s.Notes, func(n risk.Note) bool { return n.Code == "PLQ-512" && n.Where == "RCA" }) {
		t.Errorf("no note on the RCA: %v", s.Notes)
	}
	if _, err := m.Score([]Lesion{{Name: "X-1", Artery: "X", Features: vector(0)}}, []string{"LAD"}); err == nil {
		t.Error("a lesion of an unknown artery was scored")
	}
}

// A lesion that lacks a whole modality that the model was trained with must not
// be scored; one that lacks a single value must be, with a note.
func TestMissingModality(t *testing.T) {
	table := cohort(t, 40, 9, 2, 13)
	m := train(t, table, fast())
	v := feature.Vector{Schema: table.Schema, Values: slices.Repeat([]float64{0.5}, 9)}
	score := func() *Scores {
		s, err := m.Score([]Lesion{{Name: "LAD-1", Artery: "LAD", Features: v}}, []string{"LAD"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	v.Values[2] = math.NaN()
	if s := score(); s.Patient.Prediction == nil || len(s.Notes) != 1 || s.Notes[0].Code != "PLQ-510" {
		t.Errorf("one value missing: %+v", s)
	}
	v.Values[5], v.Values[8] = math.NaN(), math.NaN()
	s := score()
	if s.Lesions[0].Prediction != nil || !strings.Contains(s.Lesions[0].Reason, "no biomechanics feature") || s.Patient.Prediction != nil {
		t.Errorf("no biomechanics: %+v", s)
	}
	if s.Patient.Reason == "" || s.Arteries[0].Reason == "" {
		t.Errorf("no reason: %+v", s)
	}
}

// The percentile of a value must be that of the training values, and values
// beyond them must be found out.
func TestRange(t *testing.T) {
	d := rows([]float64{0, 10, 20, 30, 40}, []float64{0, 0, 1, 1, 1})
	d.Empty = make([]bool, 5)
	r := newRange(d, 0)
	for _, test := range []struct {
		x, want float64
		outside bool
	}{{-1, 0, true}, {0, 0, false}, {10, 25, false}, {15, 37.5, false}, {40, 100, false}, {41, 100, true}} {
		if got := r.Percentile(test.x); math.Abs(got-test.want) > 1e-9 || r.Outside(test.x) != test.outside {
			t.Errorf("%v: percentile %v, want %v; outside %v", test.x, got, test.want, r.Outside(test.x))
		}
	}
	if x := math.NaN(); !math.IsNaN(r.Percentile(x)) || r.Outside(x) {
		t.Error("a missing value has a percentile")
	}
}

// Every note must be documented.
func TestNoteCodes(t *testing.T) {
	known := func(code string) bool {
		return slices.ContainsFunc(NoteCodes, func(c risk.Code) bool { return c.Code == code })
	}
	table := cohort(t, 30, 6, 2, 8)
	table.Rows[0].Values[1], table.Rows[3].Values[2] = 1e9, math.NaN()
	m := train(t, table, fast())
	s, err := m.Score([]Lesion{{Name: "LAD-1", Artery: "LAD", Features: feature.Vector{Schema: table.Schema, Values: table.Rows[3].Values}}}, []string{"LAD"})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range append(m.Notes, s.Notes...) {
		if !known(n.Code) {
			t.Errorf("note %s is not documented", n.Code)
		}
	}
}
