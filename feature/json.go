package feature

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// The format of a table in JSON.
const (
	JSONFormat  = "plaquerisk features"
	JSONVersion = 1
)

// Document is a table in JSON.
type Document struct {
	// Format is "plaquerisk features".
	Format string `json:"format"`
	// Version of the format.
	Version int `json:"version"`
	// Schema is the SHA-256 over name, unit and definition of all columns.
	Schema string `json:"schema"`
	// Columns say what the values of a record are, in their order.
	Columns []Definition `json:"columns"`
	// Records are the regions.
	Records []Record `json:"records"`
}

// Definition is a column in JSON.
type Definition struct {
	Column
	// IBSI is the code of the standard's definition.
	IBSI string `json:"ibsi,omitempty"`
	// Meaning in one sentence.
	Meaning string `json:"meaning,omitempty"`
}

// Record is a row in JSON.
type Record struct {
	// Case is the scan.
	Case string `json:"case"`
	// Patient to whom it belongs.
	Patient string `json:"patient"`
	// Artery of the lesion.
	Artery string `json:"artery,omitempty"`
	// Lesion is the region.
	Lesion string `json:"lesion"`
	// Label is the outcome, 0 or 1; null if it is not known.
	Label *int `json:"label"`
	// Extra columns of text.
	Extra map[string]string `json:"extra,omitempty"`
	// Values of the columns; null where undefined.
	Values []Value `json:"values"`
	// Voxels that entered each value; null where nothing was counted.
	Voxels []Count `json:"voxels,omitempty"`
	// Pairs, runs, zones or neighbourhoods that entered each value; null where nothing was counted.
	Pairs []Count `json:"pairs,omitempty"`
	// Undefined tells why a value is undefined, by the name of its column.
	Undefined map[string]Reason `json:"undefined,omitempty"`
}

// Value is a number that may be undefined (NaN), which JSON writes as null.
type Value float64

// MarshalJSON writes the shortest decimal that reads back as v.
func (v Value) MarshalJSON() ([]byte, error) {
	if x := float64(v); !math.IsNaN(x) && !math.IsInf(x, 0) {
		return json.Marshal(x)
	}
	return []byte("null"), nil
}

// UnmarshalJSON reads null as NaN.
func (v *Value) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*v = Value(math.NaN())
		return nil
	}
	var x float64
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	*v = Value(x)
	return nil
}

// Count is a number of things; −1, which JSON writes as null, if nothing was
// counted.
type Count int

// MarshalJSON writes null for −1.
func (c Count) MarshalJSON() ([]byte, error) {
	if c < 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(c), 10), nil
}

// UnmarshalJSON reads null as −1.
func (c *Count) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*c = -1
		return nil
	}
	return json.Unmarshal(b, (*int)(c))
}

// WriteJSON writes t as a [Document], one column and one record a line. The
// same table gives the same bytes.
func WriteJSON(w io.Writer, t *Table) error { return writeAll(t, w, NewJSONWriter) }

// NewJSONWriter returns a writer of the format of [WriteJSON].
func NewJSONWriter(w io.Writer, s Schema, extra []string) (Writer, error) {
	if err := unique(nil, extra); err != nil {
		return nil, err
	}
	j := &jsonWriter{w: bufio.NewWriter(w), schema: s, extra: extra}
	fmt.Fprintf(j.w, "{\"format\": %q, \"version\": %d, \"schema\": %q,\n\"columns\": [", JSONFormat, JSONVersion, s.Fingerprint())
	for n := range s.cols {
		if err := j.line(n, definition(&s.cols[n])); err != nil {
			return nil, err
		}
	}
	j.w.WriteString("\n],\n\"records\": [")
	return j, nil
}

// definition returns c as JSON shows it.
func definition(c *Column) Definition {
	return Definition{Column: *c, IBSI: c.IBSI(), Meaning: c.Doc}
}

type jsonWriter struct {
	w      *bufio.Writer
	schema Schema
	extra  []string
	rows   int
}

// line writes element n of a list.
func (j *jsonWriter) line(n int, v any) error {
	text, err := marshal(v)
	if err != nil {
		return err
	}
	if n > 0 {
		j.w.WriteByte(',')
	}
	j.w.WriteByte('\n')
	_, err = j.w.Write(text)
	return err
}

func (j *jsonWriter) Write(r *Row) error {
	rec := Record{Case: r.Case, Patient: r.Patient, Artery: r.Artery, Lesion: r.Lesion, Values: make([]Value, len(r.Values))}
	if r.Label != Unknown {
		rec.Label = &r.Label
	}
	for n, name := range j.extra {
		if rec.Extra == nil {
			rec.Extra = map[string]string{}
		}
		rec.Extra[name] = r.Extra[n]
	}
	for n, x := range r.Values {
		rec.Values[n] = Value(x)
		s := r.support(n)
		if r.Support != nil {
			voxels, pairs := s.counts()
			rec.Voxels, rec.Pairs = append(rec.Voxels, Count(voxels)), append(rec.Pairs, Count(pairs))
		}
		if s.Reason != Defined {
			if rec.Undefined == nil {
				rec.Undefined = map[string]Reason{}
			}
			rec.Undefined[j.schema.cols[n].Name] = s.Reason
		}
	}
	j.rows++
	return j.line(j.rows-1, rec)
}

func (j *jsonWriter) Close() error {
	_, err := j.w.WriteString("\n]}\n")
	return errors.Join(err, j.w.Flush())
}

// ReadJSON reads what [WriteJSON] wrote.
func ReadJSON(r io.Reader) (*Table, error) {
	var d Document
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("feature table: %w", err)
	}
	if d.Format != JSONFormat || d.Version != JSONVersion {
		return nil, fmt.Errorf("feature table: format %q version %d, want %q version %d", d.Format, d.Version, JSONFormat, JSONVersion)
	}
	cols := make([]Column, len(d.Columns))
	for n := range cols {
		cols[n] = d.Columns[n].Column
		cols[n].Doc = d.Columns[n].Meaning
	}
	t := &Table{}
	var err error
	if t.Schema, err = NewSchema(cols...); err != nil {
		return nil, fmt.Errorf("feature table: %w", err)
	}
	for n := range d.Records {
		rec := &d.Records[n]
		if n == 0 {
			for name := range rec.Extra {
				t.ExtraNames = append(t.ExtraNames, name)
			}
			slices.Sort(t.ExtraNames)
		}
		row, err := rec.row(t)
		if err != nil {
			return nil, fmt.Errorf("feature table: record %d (%s %s): %w", n+1, rec.Case, rec.Lesion, err)
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// row returns rec as a row of t.
func (rec *Record) row(t *Table) (Row, error) {
	r := Row{Case: rec.Case, Patient: rec.Patient, Artery: rec.Artery, Lesion: rec.Lesion, Label: Unknown}
	if rec.Label != nil {
		if *rec.Label != Negative && *rec.Label != Positive {
			return r, fmt.Errorf("label %d: want 0, 1 or null", *rec.Label)
		}
		r.Label = *rec.Label
	}
	if len(rec.Extra) != len(t.ExtraNames) {
		return r, fmt.Errorf("%d extra columns, want %d", len(rec.Extra), len(t.ExtraNames))
	}
	for _, name := range t.ExtraNames {
		cell, ok := rec.Extra[name]
		if !ok {
			return r, fmt.Errorf("extra column %q is missing", name)
		}
		r.Extra = append(r.Extra, cell)
	}
	n := t.Schema.Len()
	counted := len(rec.Voxels) == n && len(rec.Pairs) == n
	if len(rec.Values) != n || !counted && len(rec.Voxels)+len(rec.Pairs) != 0 {
		return r, fmt.Errorf("%d values, %d voxels, %d pairs: want %d each", len(rec.Values), len(rec.Voxels), len(rec.Pairs), n)
	}
	r.Values = make([]float64, n)
	for m := range r.Values {
		r.Values[m] = float64(rec.Values[m])
	}
	if !counted || n == 0 {
		return r, nil
	}
	r.Support = make([]Support, n)
	for m := range r.Support {
		r.Support[m] = Support{
			Voxels: max(int(rec.Voxels[m]), 0), Pairs: max(int(rec.Pairs[m]), 0), Reason: rec.Undefined[t.Schema.cols[m].Name],
		}
	}
	return r, nil
}

// unique reports a name that stands twice in lists of columns.
func unique(lists ...[]string) error {
	seen := map[string]bool{}
	for _, names := range lists {
		for _, name := range names {
			if seen[name] {
				return fmt.Errorf("column %q stands twice", name)
			}
			seen[name] = true
		}
	}
	return nil
}

// marshal is json.Marshal that leaves <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
