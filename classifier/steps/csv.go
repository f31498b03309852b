package steps

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
	"github.com/plaquerisk/plaquerisk/internal/suggest"
)

// Roles says what the columns of a CSV table are. All that are not named here
// are features.
type Roles struct {
	Target string   `json:"target"`           // outcome; values are classes
	Group  string   `json:"group,omitempty"`  // patient; empty: each row is a patient of its own, and ID is needed to say so
	ID     string   `json:"id,omitempty"`     // name of a row; empty: the row number
	Site   string   `json:"site,omitempty"`   // hospital or scanner; may be empty
	Folds  []string `json:"folds,omitempty"`  // fold numbers, a repeat each
	Drop   []string `json:"drop,omitempty"`   // neither feature nor anything else
	Blocks []string `json:"blocks,omitempty"` // kinds of features, such as modalities: names of columns start with them
}

// File is a CSV table as it was read.
type File struct {
	Table
	Labels      []string   // of the classes, as in the file
	IDName      string     // of the column of identifiers; "row" if there is none
	Folds       [][]string // of each fold column
	Categorical []string   // columns taken for categories, since no cell is a number
}

// The limits of a CSV table.
const (
	maxFileBytes  = 4 << 30
	maxColumns    = 200_000
	maxClasses    = 50
	maxCategories = 32
)

// ReadCSV reads a table with a header row; a missing value is an empty cell.
// Errors name row and column, rows counted from 1 without the header.
func ReadCSV(r io.Reader, roles Roles) (*File, error) {
	limited := &io.LimitedReader{R: r, N: maxFileBytes}
	in, head, err := openCSV(limited)
	if err != nil {
		return nil, err
	}
	use, err := roles.places(head)
	if err != nil {
		return nil, err
	}
	f := &File{IDName: roles.ID}
	if f.IDName == "" {
		f.IDName = "row"
	}
	f.Folds = make([][]string, len(roles.Folds))
	p := &parser{head: head, cols: make([]column, len(use.features))}
	var targets []string
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", p.row+1, err)
		}
		p.row++
		p.line, _ = in.FieldPos(0)
		if err := p.features(record, use.features); err != nil {
			return nil, err
		}
		cell := func(c int) string { return strings.Clone(strings.TrimSpace(record[c])) }
		id := strconv.Itoa(p.row)
		if use.id >= 0 {
			if id = cell(use.id); id == "" {
				return nil, p.at(use.id, "no identifier")
			}
		}
		patient := id
		if use.group >= 0 {
			if patient = cell(use.group); patient == "" {
				return nil, p.at(use.group, "no patient: rows of one patient must be known to stay together")
			}
		}
		if use.site >= 0 {
			f.Site = append(f.Site, cell(use.site))
		}
		target := cell(use.target)
		if target == "" {
			return nil, p.at(use.target, "no outcome; leave out rows whose outcome is not known")
		}
		for n, c := range use.folds {
			v := cell(c)
			if v == "" {
				return nil, p.at(c, "no fold")
			}
			f.Folds[n] = append(f.Folds[n], v)
		}
		f.ID, f.Patient, targets = append(f.ID, id), append(f.Patient, patient), append(targets, target)
		p.lines = append(p.lines, p.line)
	}
	if limited.N == 0 {
		return nil, fmt.Errorf("the table has more than %d bytes", int64(maxFileBytes))
	}
	if p.row == 0 {
		return nil, errors.New("the table has no row below its header")
	}
	if err := p.unique(f.ID, roles.ID); err != nil {
		return nil, err
	}
	if err := f.classes(targets, roles.Target, p); err != nil {
		return nil, err
	}
	for n, c := range use.features {
		col, err := p.finish(n, c)
		if err != nil {
			return nil, err
		}
		col.Block = blockOf(col.Name, roles.Blocks)
		if col.Kind == boost.Categorical {
			f.Categorical = append(f.Categorical, col.Name)
		}
		f.Columns = append(f.Columns, col)
	}
	return f, f.Check()
}

// openCSV reads the header of a table.
func openCSV(r io.Reader) (in *csv.Reader, head []string, err error) {
	in = csv.NewReader(r)
	in.ReuseRecord = true
	record, err := in.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil, errors.New("the table is empty: the first line must name the columns")
	case err != nil:
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	head = slices.Clone(record)
	head[0] = strings.TrimPrefix(head[0], "\ufeff")
	return in, head, nil
}

// named returns the place of each column by name, and says which names are
// missing or stand twice.
func named(head []string) (map[string]int, error) {
	if len(head) > maxColumns {
		return nil, fmt.Errorf("the table has %d columns, want at most %d", len(head), maxColumns)
	}
	at := make(map[string]int, len(head))
	for c, name := range head {
		if name == "" {
			return nil, fmt.Errorf("column %d has no name", c+1)
		}
		if first, twice := at[name]; twice {
			return nil, fmt.Errorf("columns %d and %d are both named %q", first+1, c+1, name)
		}
		at[name] = c
	}
	return at, nil
}

// uses are the places of columns; −1 is none.
type uses struct {
	target, group, id, site int
	folds, features         []int
}

// places finds the columns that are named, and says which are unknown, named for two purposes or
// stand twice in the header.
func (roles Roles) places(head []string) (*uses, error) {
	at, err := named(head)
	if err != nil {
		return nil, err
	}
	role := make(map[string]string)
	place := func(what, name string) (int, error) {
		if name == "" {
			return -1, nil
		}
		c, ok := at[name]
		if !ok {
			return 0, fmt.Errorf("%s names column %q, which the table does not have%s", what, name, suggest.Hint(name, head))
		}
		if other, taken := role[name]; taken {
			return 0, fmt.Errorf("column %q is named by %s and by %s", name, other, what)
		}
		role[name] = what
		return c, nil
	}
	if roles.Target == "" {
		return nil, errors.New("no target: name the column of the outcome")
	}
	if roles.Group == "" && roles.ID == "" {
		return nil, errors.New("no patient: name the column that says which rows belong to one patient (group), or the row identifier (id) of a table of independent rows")
	}
	var u uses
	for _, x := range []struct {
		what, name string
		to         *int
	}{{"target", roles.Target, &u.target}, {"group", roles.Group, &u.group}, {"id", roles.ID, &u.id}, {"site", roles.Site, &u.site}} {
		if *x.to, err = place(x.what, x.name); err != nil {
			return nil, err
		}
	}
	for _, name := range roles.Folds {
		c, err := place("folds", name)
		if err != nil {
			return nil, err
		}
		u.folds = append(u.folds, c)
	}
	for _, name := range roles.Drop {
		if _, err := place("drop", name); err != nil {
			return nil, err
		}
	}
	for c, name := range head {
		if _, taken := role[name]; !taken {
			u.features = append(u.features, c)
		}
	}
	if len(u.features) == 0 {
		return nil, errors.New("the table has no feature column: all its columns have other purposes")
	}
	for _, b := range roles.Blocks {
		if !slices.ContainsFunc(u.features, func(c int) bool { return blockOf(head[c], roles.Blocks) == b }) {
			return nil, fmt.Errorf("blocks names %q, but no feature column starts with it", b)
		}
	}
	return &u, nil
}

// parser reads feature cells.
type parser struct {
	head  []string
	cols  []column
	row   int
	line  int
	lines []int
}

// column is a feature column under way: numbers until a text comes.
type column struct {
	values  []float64
	numbers int
	texts   []string // nil as long as all cells are numbers or empty
	first   int      // row of the first text
}

func (p *parser) at(c int, format string, args ...any) error {
	return p.atRow(p.row, p.line, c, format, args...)
}

func (p *parser) atRow(row, line, c int, format string, args ...any) error {
	return fmt.Errorf("row %d (line %d), column %q: %s", row, line, p.head[c], fmt.Sprintf(format, args...))
}

func (p *parser) features(record []string, places []int) error {
	for n, c := range places {
		col := &p.cols[n]
		text := strings.TrimSpace(record[c])
		v := math.NaN()
		if text != "" {
			x, err := strconv.ParseFloat(text, 64)
			switch {
			case err == nil && math.IsNaN(x):
				return p.at(c, "%q; leave the cell empty if the value is unknown", text)
			case math.IsInf(x, 0):
				return p.at(c, "%q is infinite; leave the cell empty if the value is unknown", text)
			case err != nil && col.numbers > 0:
				return p.at(c, "%q is not a number, as the cells above it are", text)
			case err == nil && col.texts != nil:
				return p.atRow(col.first+1, p.lines[col.first], c, "%q is not a number, but %s in row %d is", col.texts[col.first], text, p.row)
			case err != nil:
				if col.texts == nil {
					col.texts, col.first = make([]string, p.row-1), p.row-1
				}
			default:
				v = x
				col.numbers++
			}
		}
		if col.texts != nil {
			col.texts = append(col.texts, strings.Clone(text))
		}
		col.values = append(col.values, v)
	}
	return nil
}

// finish returns a column: numbers, or categories if no cell is a number.
func (p *parser) finish(n, c int) (boost.Column, error) {
	col := &p.cols[n]
	if col.texts == nil {
		return boost.Column{Name: p.head[c], Kind: boost.Numeric, Values: col.values}, nil
	}
	names := slices.Compact(slices.Sorted(slices.Values(col.texts)))
	if names[0] == "" {
		names = names[1:]
	}
	if len(names) > maxCategories {
		return boost.Column{}, p.atRow(col.first+1, p.lines[col.first], c, "%q is not a number, and %d different texts are too many for categories; drop the column", col.texts[col.first], len(names))
	}
	for r, text := range col.texts {
		if text != "" {
			k, _ := slices.BinarySearch(names, text)
			col.values[r] = float64(k)
		}
	}
	return boost.Column{Name: p.head[c], Kind: boost.Categorical, Values: col.values, Categories: names}, nil
}

func (p *parser) unique(ids []string, name string) error {
	first := make(map[string]int, len(ids))
	for r, id := range ids {
		if f, twice := first[id]; twice {
			return fmt.Errorf("rows %d and %d (lines %d and %d), column %q: both have the identifier %q", f+1, r+1, p.lines[f], p.lines[r], name, id)
		}
		first[id] = r
	}
	return nil
}

// classes makes classes of the outcomes: numbers in their order, else texts in
// theirs.
func (f *File) classes(targets []string, name string, p *parser) error {
	c := slices.Index(p.head, name)
	numbers := 0
	for r, text := range targets {
		x, err := strconv.ParseFloat(text, 64)
		if err == nil && (math.IsNaN(x) || math.IsInf(x, 0)) {
			return p.atRow(r+1, p.lines[r], c, "outcome %q; leave out rows whose outcome is not known", text)
		}
		if err == nil {
			targets[r] = strconv.FormatFloat(x, 'g', -1, 64) // 1.0 is 1
			numbers++
		} else if numbers > 0 {
			return p.atRow(r+1, p.lines[r], c, "outcome %q is not a number, as those above it are", text)
		}
		if err == nil && numbers <= r {
			return p.atRow(r+1, p.lines[r], c, "outcome %q is a number, but those above it are not", text)
		}
	}
	labels := slices.Compact(slices.Sorted(slices.Values(targets)))
	if len(labels) > maxClasses {
		return fmt.Errorf("column %q has %d different outcomes, want 2 to %d classes", name, len(labels), maxClasses)
	}
	if len(labels) == 1 {
		return fmt.Errorf("column %q is %q in all %d rows: %w", name, labels[0], len(targets), ErrOneClass)
	}
	if numbers > 0 {
		value := func(l string) float64 {
			x, _ := strconv.ParseFloat(l, 64) // it was written by FormatFloat
			return x
		}
		slices.SortFunc(labels, func(a, b string) int { return compare(value(a), value(b)) })
	}
	class := make(map[string]int, len(labels))
	for k, l := range labels {
		class[l] = k
	}
	for _, t := range targets {
		f.Y = append(f.Y, class[t])
	}
	f.Labels, f.Classes = labels, len(labels)
	return nil
}
