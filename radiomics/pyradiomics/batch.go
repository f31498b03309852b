package pyradiomics

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/internal/suggest"
)

// MaxCases bounds a batch file.
const MaxCases = 1_000_000

// Case is one row of a batch file.
type Case struct {
	Line         int    // in the file
	Image, Mask  string // absolute paths, or as given where the file's folder is unknown
	Label        int    // 0: that of the parameter file
	LabelChannel int    // −1: that of the parameter file
	Fields       []Field
}

// Field is a cell of a batch file as it stands there: PyRadiomics repeats all
// columns in front of the results.
type Field struct{ Name, Value string }

// ReadBatchFile reads a batch file. Paths in it are relative to its folder.
func ReadBatchFile(path string) ([]Case, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	cases, err := ReadBatch(f, dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return cases, nil
}

// ReadBatch reads a table with the columns Image and Mask, and optionally Label
// and Label_channel; other columns pass through. dir is where relative paths
// start. All rows that are wrong are reported together.
func ReadBatch(r io.Reader, dir string) ([]Case, error) {
	cr := csv.NewReader(r)
	cr.FieldsPerRecord = -1
	head, err := cr.Read()
	if err == io.EOF {
		return nil, errors.New("line 1: no header: want the columns Image and Mask")
	}
	if err != nil {
		return nil, err
	}
	head[0] = strings.TrimPrefix(head[0], "\ufeff")
	for n, name := range head {
		if slices.Contains(head[:n], name) {
			return nil, fmt.Errorf("line 1: column %q stands twice", name)
		}
	}
	at := func(name string) int { return slices.Index(head, name) }
	for _, name := range []string{"Image", "Mask"} {
		if at(name) < 0 {
			return nil, fmt.Errorf("line 1: required column %q is not present%s", name, hintColumn(name, head))
		}
	}
	var cases []Case
	var wrong []error
	for {
		rec, err := cr.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := cr.FieldPos(0)
		if len(cases) == MaxCases {
			return nil, fmt.Errorf("line %d: more than %d cases", line, MaxCases)
		}
		c, err := parseCase(head, rec, at, dir)
		if err != nil {
			if wrong = append(wrong, fmt.Errorf("line %d: %w", line, err)); len(wrong) > 20 {
				break
			}
			continue
		}
		c.Line = line
		cases = append(cases, c)
	}
	if len(wrong) == 0 && len(cases) == 0 {
		return nil, errors.New("no cases under the header")
	}
	return cases, errors.Join(wrong...)
}

// hintColumn names a column that differs by its letters' case or by a slip.
func hintColumn(name string, head []string) string {
	for _, h := range head {
		if strings.EqualFold(strings.TrimSpace(h), name) {
			return fmt.Sprintf("; column %q must be written %q", h, name)
		}
	}
	if h, ok := suggest.Nearest(name, head); ok {
		return fmt.Sprintf("; is %q meant?", h)
	}
	return "; the columns are " + strings.Join(head, ", ")
}

func parseCase(head, rec []string, at func(string) int, dir string) (Case, error) {
	c := Case{LabelChannel: -1}
	if len(rec) > len(head) {
		return c, fmt.Errorf("%d cells, the header has %d", len(rec), len(head))
	}
	cell := func(name string) string {
		if n := at(name); n >= 0 && n < len(rec) {
			return rec[n]
		}
		return ""
	}
	for _, p := range []struct {
		name string
		to   *string
	}{{"Image", &c.Image}, {"Mask", &c.Mask}} {
		path := cell(p.name)
		if path == "" {
			return c, fmt.Errorf("column %s is empty", p.name)
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		*p.to = path
	}
	for _, p := range []struct {
		name string
		to   *int
		low  int
	}{{"Label", &c.Label, 1}, {"Label_channel", &c.LabelChannel, 0}} {
		text := strings.TrimSpace(cell(p.name))
		if text == "" {
			continue
		}
		v, err := strconv.Atoi(text)
		if err != nil || v < p.low {
			return c, fmt.Errorf("column %s: %q is no whole number from %d", p.name, text, p.low)
		}
		*p.to = v
	}
	for n, name := range head {
		f := Field{Name: name}
		switch {
		case name == "Image":
			f.Value = c.Image
		case name == "Mask":
			f.Value = c.Mask
		case n < len(rec):
			f.Value = rec[n]
		}
		c.Fields = append(c.Fields, f)
	}
	return c, nil
}
