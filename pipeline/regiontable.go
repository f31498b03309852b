package pipeline

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

	"github.com/plaquerisk/plaquerisk/radiomics/pyradiomics"
)

// line is a row of a table with its place in the file.
type line struct {
	line  int
	cells []string
}

// readTable reads a CSV file whose rows are no longer than its header.
func readTable(path string) (head []string, rows []line, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	cr := csv.NewReader(f)
	cr.FieldsPerRecord = -1
	if head, err = cr.Read(); err != nil {
		if err == io.EOF {
			err = errors.New("the file is empty")
		}
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	for n := range head {
		head[n] = strings.TrimSpace(strings.TrimPrefix(head[n], "\ufeff"))
		if slices.Contains(head[:n], head[n]) {
			return nil, nil, fmt.Errorf("%s: line 1: column %q stands twice", path, head[n])
		}
	}
	for {
		rec, err := cr.Read()
		if err == io.EOF {
			return head, rows, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		at, _ := cr.FieldPos(0)
		if len(rec) > len(head) {
			return nil, nil, fmt.Errorf("%s: line %d: %d cells, the header has %d", path, at, len(rec), len(head))
		}
		if len(rows) == pyradiomics.MaxCases {
			return nil, nil, fmt.Errorf("%s: line %d: more than %d cases", path, at, pyradiomics.MaxCases)
		}
		rows = append(rows, line{at, rec})
	}
}

// regionCase reads a row of our own table of cases.
func regionCase(head, cells []string, path string) (RegionCase, error) {
	var c RegionCase
	file := func(name string) string {
		if name != "" && !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), filepath.FromSlash(name))
		}
		return name
	}
	for n, name := range head {
		cell := ""
		if n < len(cells) {
			cell = strings.TrimSpace(cells[n])
		}
		switch name {
		case "case":
			c.Case = cell
		case "patient":
			c.Patient = cell
		case "ct":
			c.CT = file(cell)
		case "mask":
			c.Seg = file(cell)
		case "series":
			c.Series = cell
		case "label":
			if cell == "" {
				continue
			}
			v, err := strconv.ParseInt(cell, 10, 32)
			if err != nil || v < 1 {
				return c, fmt.Errorf("column label: %q is no whole number from 1", cell)
			}
			c.Label = int32(v)
		default:
			c.Given = append(c.Given, pyradiomics.Field{Name: name, Value: cell})
		}
	}
	for _, need := range []struct{ name, value string }{{"ct", c.CT}, {"mask", c.Seg}} {
		if need.value == "" {
			return c, fmt.Errorf("column %s is empty or missing", need.name)
		}
	}
	return c, nil
}
