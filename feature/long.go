package feature

import (
	"io"
	"math"
	"slices"
	"strconv"
)

// longColumns are the columns of a long table, extra columns apart.
var longColumns = []string{"case", "patient", "artery", "lesion", "feature", "value", "unit", "flag", "voxels", "pairs", "reason", "ibsi"}

// WriteLongCSV writes one line per value: case, patient, artery, lesion,
// feature, value, unit, flag, voxels, pairs, reason, ibsi. Where there is no
// value, the flag says "undefined" and reason why. voxels and pairs tell how
// many entered; they are empty where nothing was counted. ibsi is the code of
// the standard's definition. Extra columns of t are left out.
func WriteLongCSV(w io.Writer, t *Table) error {
	return writeAll(t, w, func(w io.Writer, s Schema, _ []string) (Writer, error) { return NewLongCSVWriter(w, s, nil) })
}

// NewLongCSVWriter returns a writer of the format of [WriteLongCSV] with extra
// columns at the end.
func NewLongCSVWriter(w io.Writer, s Schema, extra []string) (Writer, error) {
	head := append(slices.Clone(longColumns), extra...)
	var cells []string
	return newCSV(w, [][]string{head}, func(write func([]string) error, r *Row) error {
		for n := range s.cols {
			v := newLong(&s, r, n)
			cells = append(cells[:0], r.Case, r.Patient, r.Artery, r.Lesion, v.feature, FormatValue(v.value), v.unit, v.flag,
				count(v.voxels), count(v.pairs), string(v.reason), v.ibsi)
			if len(extra) > 0 {
				cells = append(cells, r.Extra...)
			}
			if err := write(cells); err != nil {
				return err
			}
		}
		return nil
	})
}

// long is one value with all that is known of it.
type long struct {
	feature, unit, ibsi, flag string
	value                     float64
	voxels, pairs             int // −1: not counted
	reason                    Reason
}

// newLong returns value n of r.
func newLong(s *Schema, r *Row, n int) long {
	c, support := &s.cols[n], r.support(n)
	v := long{feature: c.Name, unit: c.Unit, ibsi: c.IBSI(), value: r.Values[n], reason: support.Reason}
	v.voxels, v.pairs = support.counts()
	if math.IsNaN(v.value) {
		v.flag = "undefined"
	}
	return v
}

// count writes a number of things, nothing if they were not counted.
func count(n int) string {
	if n < 0 {
		return ""
	}
	return strconv.Itoa(n)
}
