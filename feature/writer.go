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
// "name=reason; name=reason". Where all columns whose names share what stands
// before the first point are undefined for one reason, they are listed once:
// "calcified.*=empty_region".
func (r *Row) Undefined(s *Schema) string {
	type group struct {
		of, undefined int
		reason        Reason
		mixed, listed bool
	}
	groups := map[string]*group{}
	prefix := func(n int) string {
		p, _, _ := strings.Cut(s.cols[n].Name, ".")
		return p
	}
	for n, x := range r.Values {
		g := groups[prefix(n)]
		if g == nil {
			g = &group{}
			groups[prefix(n)] = g
		}
		g.of++
		if math.IsNaN(x) {
			reason := r.support(n).Reason
			g.mixed = g.mixed || g.undefined > 0 && reason != g.reason
			g.undefined, g.reason = g.undefined+1, reason
		}
	}
	var parts []string
	for n, x := range r.Values {
		if !math.IsNaN(x) {
			continue
		}
		g := groups[prefix(n)]
		switch whole := g.of > 1 && g.undefined == g.of && !g.mixed; {
		case !whole:
			parts = append(parts, fmt.Sprintf("%s=%s", s.cols[n].Name, r.support(n).Reason))
		case !g.listed:
			parts = append(parts, fmt.Sprintf("%s.*=%s", prefix(n), g.reason))
			g.listed = true
		}
	}
	return strings.Join(parts, "; ")
}
