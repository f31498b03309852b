package feature

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The columns that identify a row stand before the features.
var idColumns = []string{"case", "patient", "artery", "lesion", "label"}

// The three rows under the header start with these words. A reader that skips
// lines starting with '#', such as pandas with comment="#", sees a plain table.
const (
	unitRow       = "#unit"
	modalityRow   = "#modality"
	definitionRow = "#definition"
)

// extraMark is the modality of text that passes through.
const extraMark = "extra"

// WriteCSV writes t as UTF-8 CSV: a header, one row each with units,
// modalities and definitions, then one row per lesion. An undefined value is an
// empty cell; numbers have the shortest form that reads back exactly.
func WriteCSV(w io.Writer, t *Table) error { return writeAll(t, w, NewCSVWriter) }

// NewCSVWriter returns a writer of the format of [WriteCSV].
func NewCSVWriter(w io.Writer, s Schema, extra []string) (Writer, error) {
	head := append(slices.Clone(idColumns), extra...)
	units, mods, defs := make([]string, len(head)), make([]string, len(head)), make([]string, len(head))
	units[0], mods[0], defs[0] = unitRow, modalityRow, definitionRow
	for n := range extra {
		mods[len(idColumns)+n] = extraMark
	}
	for _, c := range s.cols {
		head = append(head, c.Name)
		units = append(units, c.Unit)
		mods = append(mods, c.Modality)
		defs = append(defs, c.Definition())
	}
	var row []string
	return newCSV(w, [][]string{head, units, mods, defs}, func(write func([]string) error, r *Row) error {
		label := ""
		if r.Label != Unknown {
			label = strconv.Itoa(r.Label)
		}
		row = append(row[:0], r.Case, r.Patient, r.Artery, r.Lesion, label)
		return write(appendValues(append(row, r.Extra...), r.Values))
	})
}

// NewPlainCSVWriter returns a writer of a table as other programs write it: the
// extra columns, then the features, under one header.
func NewPlainCSVWriter(w io.Writer, s Schema, extra []string) (Writer, error) {
	head := slices.Clone(extra)
	for _, c := range s.cols {
		head = append(head, c.Name)
	}
	var row []string
	return newCSV(w, [][]string{head}, func(write func([]string) error, r *Row) error {
		row = appendValues(append(row[:0], r.Extra...), r.Values)
		return write(row)
	})
}

// csvWriter writes rows as lines.
type csvWriter struct {
	buf  *bufio.Writer
	csv  *csv.Writer
	line func(write func([]string) error, r *Row) error
}

// newCSV writes the head of a table and returns the writer of its rows.
func newCSV(w io.Writer, head [][]string, line func(write func([]string) error, r *Row) error) (Writer, error) {
	c := &csvWriter{buf: bufio.NewWriter(w), line: line}
	c.csv = csv.NewWriter(c.buf)
	for _, row := range head {
		if err := c.csv.Write(row); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *csvWriter) Write(r *Row) error { return c.line(c.csv.Write, r) }

func (c *csvWriter) Close() error {
	c.csv.Flush()
	return errors.Join(c.csv.Error(), c.buf.Flush())
}

// appendValues appends numbers as cells.
func appendValues(row []string, values []float64) []string {
	for _, x := range values {
		row = append(row, FormatValue(x))
	}
	return row
}

// FormatValue writes x in the shortest form that reads back exactly, and an
// undefined value as nothing.
func FormatValue(x float64) string {
	if math.IsNaN(x) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// MaxCells bounds the size of a table that is read.
const MaxCells = 200_000_000

// ReadCSV reads what [WriteCSV] wrote. Errors name the line and the column.
func ReadCSV(r io.Reader) (*Table, error) {
	cr := csv.NewReader(r)
	cr.FieldsPerRecord = -1
	cr.ReuseRecord = true
	next := func() ([]string, error) {
		rec, err := cr.Read()
		if err != nil {
			return nil, err
		}
		return rec, nil
	}
	rec, err := next()
	if err != nil {
		return nil, fmt.Errorf("feature table: header: %w", noEOF(err))
	}
	head := append([]string{}, rec...)
	head[0] = strings.TrimPrefix(head[0], "\ufeff")
	for n, name := range idColumns {
		if n >= len(head) || head[n] != name {
			return nil, fmt.Errorf("feature table: header: column %d must be %q; a table starts with the columns %s",
				n+1, name, strings.Join(idColumns, ", "))
		}
	}
	var meta [3][]string
	for n, word := range []string{unitRow, modalityRow, definitionRow} {
		if rec, err = next(); err != nil {
			return nil, fmt.Errorf("feature table: row %q: %w", word, noEOF(err))
		}
		if rec[0] != word {
			return nil, fmt.Errorf("feature table: line %d starts with %q, want %q: units and definitions must stand under the header", n+2, rec[0], word)
		}
		if len(rec) != len(head) {
			return nil, fmt.Errorf("feature table: line %d has %d cells, the header has %d", n+2, len(rec), len(head))
		}
		meta[n] = append([]string{}, rec...)
	}
	t := &Table{}
	first := len(idColumns)
	for first < len(head) && meta[1][first] == extraMark {
		t.ExtraNames = append(t.ExtraNames, head[first])
		first++
	}
	cols := make([]Column, 0, len(head)-first)
	for n := first; n < len(head); n++ {
		ref, settings, _ := strings.Cut(meta[2][n], "; ")
		cols = append(cols, Column{Name: head[n], Unit: meta[0][n], Modality: meta[1][n], Ref: ref, Settings: settings})
	}
	if t.Schema, err = NewSchema(cols...); err != nil {
		return nil, fmt.Errorf("feature table: header: %w", err)
	}
	for {
		rec, err := next()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return nil, fmt.Errorf("feature table: %w", err)
		}
		line, _ := cr.FieldPos(0)
		if len(rec) != len(head) {
			return nil, fmt.Errorf("feature table: line %d has %d cells, the header has %d", line, len(rec), len(head))
		}
		if (len(t.Rows)+1)*len(head) > MaxCells {
			return nil, fmt.Errorf("feature table: line %d: more than %d cells", line, MaxCells)
		}
		row := Row{Case: rec[0], Patient: rec[1], Artery: rec[2], Lesion: rec[3], Label: Unknown}
		if row.Patient == "" {
			return nil, fmt.Errorf("feature table: line %d: no patient: rows are split by patient, so every row must name one", line)
		}
		switch rec[4] {
		case "":
		case "0":
			row.Label = Negative
		case "1":
			row.Label = Positive
		default:
			return nil, fmt.Errorf("feature table: line %d: label %q: want 0, 1 or nothing", line, rec[4])
		}
		row.Extra = append(row.Extra, rec[len(idColumns):first]...)
		row.Values = make([]float64, len(cols))
		for n := range cols {
			if row.Values[n], err = parseValue(rec[first+n]); err != nil {
				return nil, fmt.Errorf("feature table: line %d, column %q: %w", line, cols[n].Name, err)
			}
		}
		t.Rows = append(t.Rows, row)
	}
}

// parseValue reads a number; nothing means undefined.
func parseValue(s string) (float64, error) {
	if s == "" {
		return math.NaN(), nil
	}
	x, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a number; leave the cell empty where the value is undefined", s)
	case math.IsNaN(x) || math.IsInf(x, 0):
		return 0, fmt.Errorf("%q is not finite; leave the cell empty where the value is undefined", s)
	}
	return x, nil
}

// noEOF makes an early end of file an error of its own.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
