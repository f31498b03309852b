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

// ReadCSV reads a table for the model: columns are found by name, in any order.
// Columns that had another purpose in training, or have one in roles, are passed
// over; any other is an error, since it may be a feature under a wrong name. All
// columns of a block may lack together, as those of a modality that was not
// taken; the notes say so, and name texts that the training table did not have,
// which count as missing.
//
// Outcomes are read if roles names a target; without a group each row is a
// patient of its own.
func (t *Trained) ReadCSV(r io.Reader, roles Roles) (*File, []string, error) {
	limited := &io.LimitedReader{R: r, N: maxFileBytes}
	in, head, err := openCSV(limited)
	if err != nil {
		return nil, nil, err
	}
	s := &stranger{model: t, roles: roles, parser: parser{head: head}}
	if err := s.places(); err != nil {
		return nil, nil, err
	}
	if err := s.read(in); err != nil {
		return nil, nil, err
	}
	if limited.N == 0 {
		return nil, nil, fmt.Errorf("the table has more than %d bytes", int64(maxFileBytes))
	}
	f, err := s.file()
	return f, s.notes, err
}

// stranger reads a table that a model was not trained on.
type stranger struct {
	model *Trained
	roles Roles
	parser
	use     uses // features in the order of the model's, −1: absent
	columns []boost.Column
	f       File
	unknown map[string]bool // texts that were noted
	notes   []string
}

// places finds the columns.
func (s *stranger) places() error {
	at, err := named(s.head)
	if err != nil {
		return err
	}
	was := s.model.Roles
	taken := make(map[string]bool)
	for _, name := range slices.Concat([]string{was.Target, was.Group, was.ID, was.Site}, was.Folds, was.Drop) {
		taken[name] = true
	}
	place := func(what, name string, needed bool) (int, error) {
		c, ok := at[name]
		switch {
		case name == "" || !ok && !needed:
			return -1, nil
		case !ok:
			return 0, fmt.Errorf("%s names column %q, which the table does not have%s", what, name, suggest.Hint(name, s.head))
		}
		taken[name] = true
		return c, nil
	}
	var errs [4]error
	s.use.target, errs[0] = place("target", s.roles.Target, true)
	s.use.group, errs[1] = place("group", s.roles.Group, true)
	s.use.id, errs[2] = place("id", s.roles.ID, true)
	s.use.site, errs[3] = place("site", s.roles.Site, true)
	for _, name := range s.roles.Drop {
		_, err := place("drop", name, true)
		errs[0] = errors.Join(errs[0], err)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	// What the flags do not name has the name it had in training, if it is there.
	if s.use.group < 0 {
		s.use.group, _ = place("group", was.Group, false)
	}
	if s.use.id < 0 {
		s.use.id, _ = place("id", was.ID, false)
	}
	if s.use.site < 0 {
		s.use.site, _ = place("site", was.Site, false)
	}
	return s.features(at, taken)
}

// features finds the features, and says which columns are missing or unknown.
func (s *stranger) features(at map[string]int, taken map[string]bool) error {
	present := make(map[string]int) // columns of each block
	known := make(map[string]bool)
	var names []string
	for _, f := range s.model.Features {
		known[f.Name] = true
		names = append(names, f.Name)
		c, ok := at[f.Name]
		if !ok {
			c = -1
		} else {
			present[f.Block]++
		}
		s.use.features = append(s.use.features, c)
	}
	for n, f := range s.model.Features {
		if s.use.features[n] >= 0 {
			continue
		}
		if f.Block == "" || present[f.Block] > 0 {
			return fmt.Errorf("the table has no column %q, which the model needs%s", f.Name, suggest.Hint(f.Name, s.head))
		}
	}
	if len(present) == 0 {
		return errors.New("the table has none of the model's columns")
	}
	for _, w := range s.model.Without {
		if present[w.Block] == 0 {
			s.notes = append(s.notes, fmt.Sprintf("All %d columns of %s are missing. Rows are scored without them; in cross-validation the log-loss of such rows was %.3f and their AUC %.3f (with all columns: %s).",
				w.Columns, w.Block, w.LogLoss, w.AUC, s.model.whole()))
		}
	}
	for c, name := range s.head {
		if !known[name] && !taken[name] {
			return fmt.Errorf("column %d, %q, is not one of the model's %d features%s; name it in drop if it is none", c+1, name, len(known), suggest.Hint(name, names))
		}
	}
	return nil
}

// whole says what the model is worth with all columns.
func (t *Trained) whole() string {
	var parts []string
	for _, f := range t.Figures {
		if f.Name == "log_loss" || f.Name == "auc" {
			parts = append(parts, fmt.Sprintf("%s %.3f", strings.ReplaceAll(f.Name, "_", "-"), f.Value))
		}
	}
	return strings.Join(parts, ", ")
}

func (s *stranger) read(in *csv.Reader) error {
	for n := range s.model.Features {
		s.columns = append(s.columns, s.model.Features[n].column())
	}
	s.unknown = make(map[string]bool)
	class := make(map[string]int)
	for k, l := range s.model.Labels {
		class[l] = k
	}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", s.row+1, err)
		}
		s.row++
		s.line, _ = in.FieldPos(0)
		s.lines = append(s.lines, s.line)
		if err := s.identify(record); err != nil {
			return err
		}
		if c := s.use.target; c >= 0 {
			text := strings.TrimSpace(record[c])
			if x, err := strconv.ParseFloat(text, 64); err == nil {
				text = strconv.FormatFloat(x, 'g', -1, 64)
			}
			k, ok := class[text]
			if !ok {
				return s.at(c, "outcome %q, want one of %q, which the model was trained on", text, s.model.Labels)
			}
			s.f.Y = append(s.f.Y, k)
		}
		for n, c := range s.use.features {
			v := math.NaN()
			if c >= 0 {
				if v, err = s.cell(n, c, strings.TrimSpace(record[c])); err != nil {
					return err
				}
			}
			s.columns[n].Values = append(s.columns[n].Values, v)
		}
	}
}

// identify reads who a row is of.
func (s *stranger) identify(record []string) error {
	cell := func(c int) string { return strings.Clone(strings.TrimSpace(record[c])) }
	id := strconv.Itoa(s.row)
	if s.use.id >= 0 {
		if id = cell(s.use.id); id == "" {
			return s.at(s.use.id, "no identifier")
		}
	}
	patient := id
	if s.use.group >= 0 {
		if patient = cell(s.use.group); patient == "" {
			return s.at(s.use.group, "no patient: rows of one patient must be known to stay together")
		}
	}
	if s.use.site >= 0 {
		s.f.Site = append(s.f.Site, cell(s.use.site))
	}
	s.f.ID, s.f.Patient = append(s.f.ID, id), append(s.f.Patient, patient)
	return nil
}

// cell reads the value of feature n.
func (s *stranger) cell(n, c int, text string) (float64, error) {
	if text == "" {
		return math.NaN(), nil
	}
	col := &s.columns[n]
	if col.Kind == boost.Categorical {
		k, ok := slices.BinarySearch(col.Categories, text)
		if ok {
			return float64(k), nil
		}
		if what := col.Name + "\x00" + text; !s.unknown[what] && len(s.unknown) < 20 {
			s.unknown[what] = true
			s.notes = append(s.notes, fmt.Sprintf("Row %d (line %d), column %q: %q is none of the texts of the training table and counts as missing.", s.row, s.line, col.Name, text))
		}
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case math.IsInf(v, 0):
		return 0, s.at(c, "%q is infinite; leave the cell empty if the value is unknown", text)
	case err != nil:
		return 0, s.at(c, "%q is not a number, as it was in training", text)
	case math.IsNaN(v):
		return 0, s.at(c, "%q; leave the cell empty if the value is unknown", text)
	}
	return v, nil
}

func (s *stranger) file() (*File, error) {
	if s.row == 0 {
		return nil, errors.New("the table has no row below its header")
	}
	s.f.IDName = "row"
	if s.use.id >= 0 {
		s.f.IDName = s.head[s.use.id]
	}
	if err := s.unique(s.f.ID, s.f.IDName); err != nil {
		return nil, err
	}
	s.f.Columns, s.f.Labels, s.f.Classes = s.columns, s.model.Labels, len(s.model.Labels)
	if s.use.target >= 0 && slices.Min(s.f.Y) == slices.Max(s.f.Y) {
		return nil, fmt.Errorf("column %q is %q in all %d rows: %w", s.head[s.use.target], s.model.Labels[s.f.Y[0]], s.row, ErrOneClass)
	}
	return &s.f, nil
}
