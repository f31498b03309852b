package perturb

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

	"github.com/plaquerisk/plaquerisk/feature"
)

// header is the first line of a stability table.
var header = []string{"feature", "unit", "icc", "icc_low", "icc_high", "within_cv", "cv", "n_regions", "n_perturbations", "undefined", "definition"}

// WriteCSV writes s as UTF-8 CSV. An undefined number is an empty cell; numbers
// have the shortest form that reads back exactly.
func (s *Stability) WriteCSV(w io.Writer) error {
	bw := bufio.NewWriter(w)
	cw := csv.NewWriter(bw)
	if err := cw.Write(header); err != nil {
		return err
	}
	for _, r := range s.Rows {
		line := []string{r.Feature, r.Unit}
		for _, x := range []float64{r.ICC, r.Low, r.High, r.WithinCV, r.CV} {
			line = append(line, feature.FormatValue(x))
		}
		for _, n := range []int{r.Regions, r.Perturbations, r.Undefined} {
			line = append(line, strconv.Itoa(n))
		}
		if err := cw.Write(append(line, r.Definition)); err != nil {
			return err
		}
	}
	cw.Flush()
	return errors.Join(cw.Error(), bw.Flush())
}

// ReadCSV reads what [Stability.WriteCSV] wrote. Errors name the line and the
// column.
func ReadCSV(r io.Reader) (*Stability, error) {
	cr := csv.NewReader(r)
	cr.FieldsPerRecord = -1
	head, err := cr.Read()
	switch {
	case err == io.EOF:
		return nil, errors.New("stability table: empty file")
	case err != nil:
		return nil, fmt.Errorf("stability table: %w", err)
	}
	head[0] = strings.TrimPrefix(head[0], "\ufeff")
	if !slices.Equal(head, header) {
		return nil, fmt.Errorf("stability table: header %q: want %q", strings.Join(head, ","), strings.Join(header, ","))
	}
	s := &Stability{}
	seen := map[string]bool{}
	for {
		rec, err := cr.Read()
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return nil, fmt.Errorf("stability table: %w", err)
		}
		line, _ := cr.FieldPos(0)
		fail := func(column int, format string, a ...any) (*Stability, error) {
			return nil, fmt.Errorf("stability table: line %d, column %q: %w", line, header[column], fmt.Errorf(format, a...))
		}
		if len(rec) != len(header) {
			return nil, fmt.Errorf("stability table: line %d has %d cells, the header has %d", line, len(rec), len(header))
		}
		row := Row{Feature: rec[0], Unit: rec[1], Definition: rec[10]}
		if row.Feature == "" || seen[row.Feature] {
			return fail(0, "%q: want a name that stands once", row.Feature)
		}
		seen[row.Feature] = true
		for n, to := range []*float64{&row.ICC, &row.Low, &row.High, &row.WithinCV, &row.CV} {
			cell := rec[2+n]
			if *to = math.NaN(); cell == "" {
				continue
			}
			x, err := strconv.ParseFloat(cell, 64)
			switch {
			case err != nil || math.IsNaN(x) || math.IsInf(x, 0):
				return fail(2+n, "%q is not a finite number; leave the cell empty where it is undefined", cell)
			case n < 3 && x > 1:
				return fail(2+n, "%g: want at most 1", x)
			case n >= 3 && x < 0:
				return fail(2+n, "%g: want zero or more", x)
			}
			*to = x
		}
		for n, to := range []*int{&row.Regions, &row.Perturbations, &row.Undefined} {
			if *to, err = strconv.Atoi(rec[7+n]); err != nil || *to < 0 {
				return fail(7+n, "%q: want a whole number, zero or more", rec[7+n])
			}
		}
		s.Rows = append(s.Rows, row)
	}
}
