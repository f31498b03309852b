package feature

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// Writer stores the rows of a table one by one, so that a table need not fit
// into memory. Each row has a value for every column of the writer's schema and
// a cell for every extra column. Close finishes the table; it does not close
// what lies below.
type Writer interface {
	Write(r *Row) error
	Close() error
}

// writeAll writes all of t.
func writeAll(t *Table, w io.Writer, open func(io.Writer, Schema, []string) (Writer, error)) error {
	out, err := open(w, t.Schema, t.ExtraNames)
	if err != nil {
		return err
	}
	for n := range t.Rows {
		if err := t.Rows[n].check(&t.Schema, t.ExtraNames); err != nil {
			return fmt.Errorf("row %d %w", n+1, err)
		}
		if err := out.Write(&t.Rows[n]); err != nil {
			return err
		}
	}
	return out.Close()
}

// check reports a row that does not fit its table.
func (r *Row) check(s *Schema, extra []string) error {
	if len(r.Values) != s.Len() || len(r.Extra) != len(extra) || r.Support != nil && len(r.Support) != s.Len() {
		return fmt.Errorf("(%s %s): %d values, %d supports and %d extra cells, want %d and %d",
			r.Case, r.Lesion, len(r.Values), len(r.Support), len(r.Extra), s.Len(), len(extra))
	}
	return nil
}

// support returns what value n rests on. Where nothing is known, an undefined
// value is [Missing].
func (r *Row) support(n int) Support {
	var s Support
	if r.Support != nil {
		s = r.Support[n]
	}
	if s.Reason == Defined && math.IsNaN(r.Values[n]) {
		s.Reason = Missing
	}
	return s
}

// counts returns the voxels and pairs of s; −1 where nothing was counted.
func (s Support) counts() (voxels, pairs int) {
	voxels, pairs = s.Voxels, s.Pairs
	if voxels == 0 && s.Reason != EmptyRegion {
		voxels = -1
	}
	if pairs == 0 && s.Reason != NoPairs {
		pairs = -1
	}
	return voxels, pairs
}

// Undefined lists the values of r without a number, and why:
// "name=reason; name=reason".
func (r *Row) Undefined(s *Schema) string {
	var b strings.Builder
	for n, x := range r.Values {
		if math.IsNaN(x) {
			if b.Len() > 0 {
				b.WriteString("; ")
			}
			fmt.Fprintf(&b, "%s=%s", s.cols[n].Name, r.support(n).Reason)
		}
	}
	return b.String()
}
