package perturb

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// shroutFleiss are the ratings of Shrout and Fleiss (1979), table 2: six
// targets, four judges.
var shroutFleiss = [][]float64{{9, 2, 5, 8}, {6, 1, 3, 2}, {8, 4, 6, 8}, {7, 1, 2, 6}, {10, 5, 6, 9}, {6, 2, 4, 7}}

// ICC(1,1) and its interval are those of the paper, of the R package psych, and
// of a computation with SciPy, also with missing values.
func TestReliability(t *testing.T) {
	r := NewReliability(shroutFleiss)
	nan := math.NaN()
	holes := NewReliability([][]float64{{9, 2, 5, nan}, {6, 1, 3, 2}, {8, 4, 6, 8}, {nan, 1, 2, 6}, {10, 5, 6, 9}, {6, nan, 4, 7}, {nan, nan, nan, nan}})
	for _, c := range []verify.Check{
		{Quantity: "ICC(1,1)", Source: "Shrout and Fleiss 1979, table 4", Got: r.ICC, Want: 0.17, Digits: 2},
		{Quantity: "ICC(1,1), twelve digits", Source: "R psych 2.2.9, ICC(lmer = FALSE)", Got: r.ICC, Want: 0.165741768405, Tol: 1e-12},
		{Quantity: "ICC(1,1), lower 95 % limit", Source: "R psych 2.2.9, ICC(lmer = FALSE)", Got: r.Low, Want: -0.132932324875, Tol: 1e-11},
		{Quantity: "ICC(1,1), upper 95 % limit", Source: "R psych 2.2.9, ICC(lmer = FALSE)", Got: r.High, Want: 0.722560062328, Tol: 1e-11},
		{Quantity: "ICC(1,1), three ratings missing", Source: "NumPy", Got: holes.ICC, Want: 0.25553012967200617, Tol: 1e-12},
		{Quantity: "lower 95 % limit, three ratings missing", Source: "SciPy 1.17, f.ppf", Got: holes.Low, Want: -0.12447592120134876, Tol: 1e-9},
		{Quantity: "upper 95 % limit, three ratings missing", Source: "SciPy 1.17, f.ppf", Got: holes.High, Want: 0.7900647643272091, Tol: 1e-9},
	} {
		c.Suite, c.Case = "robustness", "ratings of Shrout and Fleiss"
		c.Run(t)
	}
	if holes.Regions != 6 || holes.Values != 21 {
		t.Errorf("%d regions and %d values, want 6 and 21", holes.Regions, holes.Values)
	}
}

// Coefficients of variation of two regions by hand: sd/mean is ½ and ¼ √2.
func TestVariation(t *testing.T) {
	r := NewReliability([][]float64{{1, 2, 3}, {6, 10}, {math.NaN()}})
	if want := math.Sqrt((0.25 + 0.125) / 2); math.Abs(r.WithinCV-want) > 1e-15 {
		t.Errorf("within: %g, want %g", r.WithinCV, want)
	}
	// 1, 2, 3, 6, 10: mean 4.4, variance 13.3.
	if want := math.Sqrt(13.3) / 4.4; math.Abs(r.CV-want) > 1e-15 {
		t.Errorf("total: %g, want %g", r.CV, want)
	}
}

// Too little to say leaves the ICC undefined; repetitions that agree give one,
// also where sums would round.
func TestReliabilityEdges(t *testing.T) {
	for _, test := range []struct {
		name   string
		values [][]float64
		want   float64
	}{
		{"nothing", nil, math.NaN()},
		{"one region", [][]float64{{1, 2, 3}}, math.NaN()},
		{"no repetitions", [][]float64{{1}, {2}, {3}}, math.NaN()},
		{"all equal", [][]float64{{0.1, 0.1, 0.1}, {0.1, 0.1, 0.1}}, math.NaN()},
		{"agreement", [][]float64{{0.1, 0.1, 0.1}, {0.3, 0.3, 0.3}, {1e9, 1e9, 1e9}}, 1},
		{"no regions differ", [][]float64{{-1, 1}, {-1, 1}}, -1},
	} {
		r := NewReliability(test.values)
		if r.ICC != test.want && !(math.IsNaN(r.ICC) && math.IsNaN(test.want)) {
			t.Errorf("%s: ICC %g, want %g", test.name, r.ICC, test.want)
		}
	}
}

// The mean of ICC over many draws of a model with known variances is the share
// between regions, and its interval holds it in 95 of 100.
func TestCoverage(t *testing.T) {
	const studies, n, k = 400, 30, 8
	draw := (&Subject{Name: "coverage"}).stream("test", Perturbation{})
	var sum float64
	covered := 0
	for range studies {
		values := make([][]float64, n)
		for i := range values {
			region := 2 * draw.NormFloat64()
			for range k {
				values[i] = append(values[i], region+draw.NormFloat64())
			}
		}
		r := NewReliability(values)
		sum += r.ICC
		if r.Low <= 0.8 && 0.8 <= r.High {
			covered++
		}
	}
	if mean := sum / studies; math.Abs(mean-0.8) > 0.02 {
		t.Errorf("mean ICC %g, want 0.8", mean)
	}
	verify.Check{
		Suite: "robustness", Case: "400 studies of 30 regions and 8 perturbations, ICC 0.8", Quantity: "share of 95 % intervals that hold it",
		Source: "definition", Got: float64(covered) / studies, Want: 0.95, Tol: 0.033, // three standard errors
	}.Run(t)
}

func table() *Stability {
	nan := math.NaN()
	return &Stability{Rows: []Row{
		{"original.shape.volume", "mm3", "IBSI:RNU0; 0.4 mm linear", 0.98, 0.1 + 0.2, 1, 0.02, 0.5, 12, 32, 0},
		{"original.glcm.correlation", "1", `IBSI:NI2N; "x", y`, nan, nan, nan, nan, nan, 0, 32, 384},
		{"original.firstorder.mean", "HU", "IBSI:Q4LE", 0.75, -1.5, 0.9, 1e-9, 12, 12, 32, 3},
	}}
}

// A table that is written and read again is the same, to the last bit.
func TestTableRoundTrip(t *testing.T) {
	want := table()
	var b bytes.Buffer
	if err := want.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	got, err := ReadCSV(&b)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.Rows) != fmt.Sprint(want.Rows) || got.Rows[0] != want.Rows[0] {
		t.Errorf("read %+v, want %+v", got.Rows, want.Rows)
	}
	var again bytes.Buffer
	if err := got.WriteCSV(&again); err != nil || again.String() != text {
		t.Errorf("second writing differs: %v", err)
	}
	if keep := got.Keep(0.75); !reflect.DeepEqual(keep, []string{"original.shape.volume", "original.firstorder.mean"}) {
		t.Errorf("kept %v", keep)
	}
}

// A damaged table is refused with line and column.
func TestTableErrors(t *testing.T) {
	var b bytes.Buffer
	if err := table().WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, old, new, want string }{
		{"header", "within_cv", "wcv", "stability table: header"},
		{"text", "0.98", "high", `line 2, column "icc": "high" is not a finite number`},
		{"range", "0.98", "1.2", `line 2, column "icc": 1.2: want at most 1`},
		{"negative", "0.02", "-0.02", `line 2, column "within_cv": -0.02: want zero or more`},
		{"count", ",12,32,0,", ",12,-1,0,", `line 2, column "n_perturbations": "-1"`},
		{"short", ",IBSI:Q4LE", "", "line 4 has 10 cells, the header has 11"},
		{"twice", "original.firstorder.mean", "original.shape.volume", `line 4, column "feature"`},
		{"nameless", "original.firstorder.mean", "", `line 4, column "feature"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ReadCSV(strings.NewReader(strings.Replace(b.String(), test.old, test.new, 1)))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
	if _, err := ReadCSV(strings.NewReader("")); err == nil {
		t.Error("an empty file is read")
	}
}

// Any bytes are read or refused, never a panic.
func FuzzReadCSV(f *testing.F) {
	var b bytes.Buffer
	if err := table().WriteCSV(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := ReadCSV(bytes.NewReader(data)); err == nil {
			if err := s.WriteCSV(&bytes.Buffer{}); err != nil {
				t.Errorf("a table that was read cannot be written: %v", err)
			}
		}
	})
}

func ExampleStability_Keep() {
	s := Stability{Rows: []Row{{Feature: "original.shape.volume", ICC: 0.97}, {Feature: "original.glcm.contrast", ICC: 0.41}}}
	fmt.Println(s.Keep(0.75))
	// Output: [original.shape.volume]
}
