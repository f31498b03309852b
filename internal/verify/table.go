package verify

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// Rows reads a CSV of reference data without its header; '#' starts a comment.
func Rows(t testing.TB, elem ...string) [][]string {
	t.Helper()
	return read(t, elem)[1:]
}

// Records reads a CSV of reference data as one map per row, by column; '#'
// starts a comment.
func Records(t testing.TB, elem ...string) []map[string]string {
	t.Helper()
	rows := read(t, elem)
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for n, name := range rows[0] {
			m[name] = row[n]
		}
		out = append(out, m)
	}
	return out
}

func read(t testing.TB, elem []string) [][]string {
	t.Helper()
	path := filepath.Join(elem...)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err == nil && len(rows) == 0 {
		t.Fatalf("%s has no header", path)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return rows
}

// Number reads a number of reference data.
func Number(t testing.TB, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}
