package classifier

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/feature"
)

// Errors that a caller may decide on.
var (
	// ErrOneClass: all outcomes are equal, so that there is nothing to learn.
	ErrOneClass = errors.New("all outcomes are equal")
	// ErrOnePatient: all rows belong to one patient.
	ErrOnePatient = errors.New("all rows belong to one patient")
	// ErrNoRows: no row has a known outcome.
	ErrNoRows = errors.New("no row has a known outcome")
)

// Data is a table in the form that learners read: rows with a known outcome,
// column by column. Learners do not change it.
type Data struct {
	Names []string // of the columns
	// Modality of each column; nil: not known.
	Modality []string
	X        [][]float64 // X[c][r] is column c of row r; NaN is missing
	Y        []float64   // outcome of a row, 0 or 1
	// Group is the patient of a row, a place in Patients.
	Group    []int
	Patients []string // in increasing order; a subset keeps the whole list
	// Unit is the artery of a row, a place in Arteries. Both are nil in data
	// without arteries: then each row stands for itself.
	Unit     []int
	Arteries []ArteryID // in increasing order; a subset keeps the whole list
	// Empty marks a row that stands for an artery without plaque. Learners are
	// never given such rows: see [Fit]. Nil: there are none.
	Empty []bool
	// Weight of a row; nil: all are 1.
	Weight []float64
	// Source is the row of the table that a row was made from.
	Source []int
}

// ArteryID names one artery of one scan.
type ArteryID struct {
	Patient, Case, Artery string
}

func compareArteries(a, b ArteryID) int {
	return cmp.Or(cmp.Compare(a.Patient, b.Patient), cmp.Compare(a.Case, b.Case), cmp.Compare(a.Artery, b.Artery))
}

// NewData takes the given columns of t (nil: all) and its rows with a known
// outcome. It fails on an infinite value, a row without patient, a lesion that
// stands twice and on rows of one artery with different outcomes, naming row
// and column; rows are counted from 1, without the header.
func NewData(t *feature.Table, columns []int) (*Data, error) {
	if columns == nil {
		columns = make([]int, t.Schema.Len())
		for c := range columns {
			columns[c] = c
		}
	}
	d := &Data{}
	var rows []int
	for r := range t.Rows {
		row := &t.Rows[r]
		if len(row.Values) != t.Schema.Len() {
			return nil, fmt.Errorf("row %d has %d values, the table %d columns", r+1, len(row.Values), t.Schema.Len())
		}
		if row.Patient == "" {
			return nil, fmt.Errorf("row %d has no patient: rows of one patient must be known to stay together", r+1)
		}
		switch row.Label {
		case feature.Positive, feature.Negative:
			rows = append(rows, r)
		case feature.Unknown:
		default:
			return nil, fmt.Errorf("row %d has outcome %d, want 0, 1 or unknown", r+1, row.Label)
		}
	}
	if len(rows) == 0 {
		return nil, ErrNoRows
	}
	for _, r := range rows {
		row := &t.Rows[r]
		d.Patients = append(d.Patients, row.Patient)
		d.Arteries = append(d.Arteries, ArteryID{row.Patient, row.Case, row.Artery})
	}
	slices.Sort(d.Patients)
	d.Patients = slices.Compact(d.Patients)
	slices.SortFunc(d.Arteries, compareArteries)
	d.Arteries = slices.Compact(d.Arteries)

	type lesion struct {
		unit int
		name string
	}
	seen := make(map[lesion]int, len(rows))
	first := make([]int, len(d.Arteries)) // row that gave the artery its outcome, plus one
	for _, r := range rows {
		row := &t.Rows[r]
		g, _ := slices.BinarySearch(d.Patients, row.Patient)
		u, _ := slices.BinarySearchFunc(d.Arteries, ArteryID{row.Patient, row.Case, row.Artery}, compareArteries)
		if twice, ok := seen[lesion{u, row.Lesion}]; ok {
			return nil, fmt.Errorf("rows %d and %d are both lesion %q of case %q, artery %q", twice+1, r+1, row.Lesion, row.Case, row.Artery)
		}
		seen[lesion{u, row.Lesion}] = r
		if f := first[u]; f == 0 {
			first[u] = r + 1
		} else if t.Rows[f-1].Label != row.Label {
			return nil, fmt.Errorf("rows %d and %d belong to one artery (case %q, %q) but have different outcomes", f, r+1, row.Case, row.Artery)
		}
		d.Y = append(d.Y, float64(row.Label))
		d.Group = append(d.Group, g)
		d.Unit = append(d.Unit, u)
		d.Empty = append(d.Empty, row.Lesion == "")
		d.Source = append(d.Source, r)
	}
	for _, c := range columns {
		x := make([]float64, len(rows))
		for n, r := range rows {
			x[n] = t.Rows[r].Values[c]
			if math.IsInf(x[n], 0) {
				return nil, fmt.Errorf("row %d, column %q: infinite value; leave the cell empty if it is unknown", r+1, t.Schema.Column(c).Name)
			}
		}
		d.Names, d.Modality = append(d.Names, t.Schema.Column(c).Name), append(d.Modality, t.Schema.Column(c).Modality)
		d.X = append(d.X, x)
	}
	return d, nil
}

// modalities returns the columns of each of these modalities.
func (d *Data) modalities(names ...string) [][]int {
	out := make([][]int, len(names))
	for n, name := range names {
		for c, m := range d.Modality {
			if m == name {
				out[n] = append(out[n], c)
			}
		}
	}
	return out
}

// Rows returns the number of rows.
func (d *Data) Rows() int { return len(d.Y) }

// Row stores the values of row r in dst, as many as there are columns, and
// returns it. A nil dst is made.
func (d *Data) Row(r int, dst []float64) []float64 {
	if dst == nil {
		dst = make([]float64, len(d.X))
	}
	for c := range d.X {
		dst[c] = d.X[c][r]
	}
	return dst
}

// Subset returns the given rows, in that order. The lists of patients and
// arteries stay whole, so that Group and Unit keep their meaning.
func (d *Data) Subset(rows []int) *Data {
	s := *d
	s.X = make([][]float64, len(d.X))
	flat := make([]float64, len(d.X)*len(rows))
	for c, x := range d.X {
		s.X[c] = flat[c*len(rows) : (c+1)*len(rows) : (c+1)*len(rows)]
		for n, r := range rows {
			s.X[c][n] = x[r]
		}
	}
	s.Y = pick(d.Y, rows)
	s.Group = pick(d.Group, rows)
	s.Unit = pick(d.Unit, rows)
	s.Empty = pick(d.Empty, rows)
	s.Weight = pick(d.Weight, rows)
	s.Source = pick(d.Source, rows)
	return &s
}

// pick returns x[rows[0]], x[rows[1]], …; nil of nil.
func pick[T any](x []T, rows []int) []T {
	if x == nil {
		return nil
	}
	y := make([]T, len(rows))
	for n, r := range rows {
		y[n] = x[r]
	}
	return y
}

// check tells what keeps d from being learnt from.
func (d *Data) check() error {
	n := len(d.Y)
	if len(d.Names) != len(d.X) || len(d.Group) != n || (d.Unit != nil && len(d.Unit) != n) ||
		(d.Empty != nil && len(d.Empty) != n) || (d.Weight != nil && len(d.Weight) != n) {
		panic("classifier: data: lengths differ")
	}
	if n == 0 {
		return ErrNoRows
	}
	if len(d.X) == 0 {
		return errors.New("no feature column")
	}
	var positive int
	for r, y := range d.Y {
		if y != 0 && y != 1 {
			return fmt.Errorf("row %d has outcome %g, want 0 or 1", d.source(r), y)
		}
		positive += int(y)
	}
	if positive == 0 || positive == n {
		return fmt.Errorf("%w: %d of %d rows are positive", ErrOneClass, positive, n)
	}
	if slices.Min(d.Group) == slices.Max(d.Group) {
		return ErrOnePatient
	}
	for c, x := range d.X {
		if len(x) != n {
			panic("classifier: data: lengths differ")
		}
		for r, v := range x {
			if math.IsInf(v, 0) {
				return fmt.Errorf("row %d, column %q: infinite value", d.source(r), d.Names[c])
			}
		}
	}
	for r, w := range d.Weight {
		if !(w >= 0) || w > maxWeight {
			return fmt.Errorf("row %d has weight %g, want 0 to %g", d.source(r), w, float64(maxWeight))
		}
	}
	return nil
}

// source returns the number of a row for messages, counted from 1.
func (d *Data) source(r int) int {
	if d.Source != nil {
		return d.Source[r] + 1
	}
	return r + 1
}
