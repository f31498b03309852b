package reports

import (
	"bytes"
	"encoding/csv"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/risk"
)

// Checklists have all items of their publications once and in order; what the
// evaluation knows is in them, and what it does not know is left to the author.
func TestChecklists(t *testing.T) {
	want := map[string]int{"tripod_ai": 27, "clear": 58, "metrics": 30}
	for _, c := range Checklists {
		var b bytes.Buffer
		if err := c.Write(&b, testEvaluation()); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var numbers []int
		var weight float64
		for _, row := range rows[1:] {
			n, err := strconv.Atoi(strings.TrimRight(row[0], "abcdefg"))
			if err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, n)
			if state := row[4]; (row[2] == "") != (state == "open") || row[2] == "" && row[3] == "" {
				t.Errorf("%s, item %s: %q", c.Name, row[0], row)
			}
			if c.Name == "metrics" {
				w, err := strconv.ParseFloat(row[5], 64)
				if err != nil {
					t.Fatal(err)
				}
				weight += w
			}
		}
		if !slices.IsSorted(numbers) || len(slices.Compact(numbers)) != want[c.Name] || numbers[0] != 1 {
			t.Errorf("%s: items %v, want 1 to %d", c.Name, numbers, want[c.Name])
		}
		if c.Name == "metrics" && math.Abs(weight-1) > 1e-9 { // Kocak et al. 2024, table 1
			t.Errorf("the weights of METRICS add up to %g", weight)
		}
	}
	f := facts(testEvaluation())
	for key, want := range map[string]string{
		"counts": "60 patients (24 positive)", "auc": "radiomics by artery 0.69 (0.61 to 0.76)", "flow": "64 cases in the manifest (left: 1 unreadable series) (left: 3 refused",
		"protocol": "5-fold", "sample": "too few", "lacking": "without radiomics by artery", "differences": "both less radiomics by artery 0.04 (−0.02 to 0.10), p 0.182",
	} {
		if !strings.Contains(f[key], want) {
			t.Errorf("%s: %q, want %q", key, f[key], want)
		}
	}
	for _, c := range Checklists { // of an evaluation that knows nothing
		if err := c.Write(&bytes.Buffer{}, &risk.Evaluation{}); err != nil {
			t.Error(err)
		}
	}
}
