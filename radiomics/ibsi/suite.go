package ibsi

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
)

// Suite is a set of comparisons.
type Suite struct {
	Name string
	Rows []Row
	// Allowed is the share of rows that may miss.
	Allowed float64
	// Skipped says why there are no rows.
	Skipped string
}

// Row is one comparison.
type Row struct {
	Quantity string // "original.glcm.joint_entropy.3d_merged, bit"
	Code     string // of the standard
	Got      float64
	Want     float64
	Tol      float64 // allowed |got − want|
	Digits   int     // to which Got is rounded first; 0: not at all
	Missing  bool    // no such feature was computed
}

// Pass tells whether the comparison holds. A tolerance of zero asks for
// equality up to rounding in the last place.
func (r *Row) Pass() bool {
	got := r.Got
	if r.Digits > 0 {
		got = round(got, r.Digits)
	}
	return !r.Missing && math.Abs(got-r.Want) <= r.Tol+1e-12*max(1, math.Abs(r.Want))
}

// round returns x with n significant decimal digits.
func round(x float64, n int) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', n-1, 64), 64)
	if err != nil {
		return x
	}
	return y
}

// Missed returns the rows that do not hold.
func (s *Suite) Missed() []*Row {
	var missed []*Row
	for n := range s.Rows {
		if !s.Rows[n].Pass() {
			missed = append(missed, &s.Rows[n])
		}
	}
	return missed
}

// Pass tells whether the suite as a whole holds. One without rows that was not
// skipped compared nothing, as with a table of another layout, and fails.
func (s *Suite) Pass() bool {
	if len(s.Rows) == 0 {
		return s.Skipped != ""
	}
	return float64(len(s.Missed())) <= s.Allowed*float64(len(s.Rows))
}

// record is a line of a table, by column.
type record map[string]string

// number returns a cell as a number.
func (r record) number(column string) (float64, error) {
	x, err := strconv.ParseFloat(r[column], 64)
	if err != nil {
		return 0, fmt.Errorf("column %s: %w", column, err)
	}
	return x, nil
}

// numbers returns cells as numbers.
func (r record) numbers(columns ...string) ([]float64, error) {
	x := make([]float64, len(columns))
	for n, c := range columns {
		var err error
		if x[n], err = r.number(c); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// readRecords reads a table with a header; '#' starts a comment.
func readRecords(r io.Reader) ([]record, error) {
	cr := csv.NewReader(r)
	cr.Comment = '#'
	lines, err := cr.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	var out []record
	for _, line := range lines[1:] {
		m := record{}
		for n, name := range lines[0] {
			m[name] = line[n]
		}
		out = append(out, m)
	}
	return out, nil
}

// readFile reads the table at path.
func readFile(path string) ([]record, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rows, err := readRecords(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, nil
}
