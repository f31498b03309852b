package classifier

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// rows returns data of one column with one row for each patient.
func rows(x, y []float64) *Data {
	d := &Data{Names: []string{"x"}, X: [][]float64{x}, Y: y}
	for r := range y {
		d.Patients = append(d.Patients, string(rune('a'+r)))
		d.Group = append(d.Group, r)
	}
	return d
}

// One stump on a separable column must have the threshold in the middle of the
// gap and the leaves of formula C.2, computed by hand: g = ±½ and h = ¼ at the
// start, so that G = ∓1, H = ½ and v = ±1/(½ + 1).
func TestStumpByHand(t *testing.T) {
	b := plain(1, 1)
	b.MaxDepth, b.MinChildWeight = 1, 0
	e, err := b.fit(t.Context(), rows([]float64{1, 2, 4, 8}, []float64{0, 0, 1, 1}), 1)
	if err != nil {
		t.Fatal(err)
	}
	tree := e.Bags[0][0]
	if len(tree) != 3 || tree[0].Threshold != 3 {
		t.Fatalf("tree %+v, want one split at 3", tree)
	}
	if l, r := tree[1].Value, tree[2].Value; math.Abs(l+2.0/3) > 1e-7 || math.Abs(r-2.0/3) > 1e-7 {
		t.Errorf("leaves %v and %v, want -2/3 and 2/3", l, r)
	}
	if got, want := tree[0].Gain, 2/1.5; math.Abs(got-want) > 1e-6 {
		t.Errorf("gain %v, want %v", got, want)
	}
}

// A split must send missing values to the side that they belong to, and part
// them from all others if that is what the outcome does.
func TestMissingDirection(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		name string
		x, y []float64
		left bool
		at   float64
	}{
		{"with the small values", []float64{1, 1, 2, 2, nan, nan}, []float64{0, 0, 1, 1, 0, 0}, true, 1.5},
		{"with the large values", []float64{1, 1, 2, 2, nan, nan}, []float64{0, 0, 1, 1, 1, 1}, false, 1.5},
		{"by themselves", []float64{1, 2, 1, 2, nan, nan}, []float64{0, 0, 0, 0, 1, 1}, false, math.MaxFloat64},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := plain(1, 1)
			b.MaxDepth, b.MinChildWeight = 1, 0
			e, err := b.fit(t.Context(), rows(test.x, test.y), 1)
			if err != nil {
				t.Fatal(err)
			}
			if n := e.Bags[0][0][0]; n.Feature != 0 || n.MissingLeft != test.left || n.Threshold != test.at {
				t.Errorf("split %+v, want missing left %v, threshold %v", n, test.left, test.at)
			}
			for r, x := range test.x {
				if got := e.LogOdds([]float64{x}); (got > 0) != (test.y[r] == 1) {
					t.Errorf("row %d: log-odds %v for outcome %v", r, got, test.y[r])
				}
			}
		})
	}
}

// Every leaf must hold the rows and the weight that were asked for, no path may
// be longer than the depth, and children follow their parents.
func TestConstraints(t *testing.T) {
	d := noise(300, 20, 5)
	b := DefaultBoosting()
	b.Bags, b.Rounds, b.MaxDepth, b.MinChildRows, b.MinChildWeight = 2, 40, 4, 9, 1.5
	b.PatientFraction = 1
	e, err := b.fit(t.Context(), d, 1)
	if err != nil {
		t.Fatal(err)
	}
	splits := 0
	for _, bag := range e.Bags {
		for _, tree := range bag {
			count := make([]int, len(tree))
			for r := range d.Y {
				count[tree.leaf(d.Row(r, nil))]++
			}
			var walk func(n int32, depth int)
			walk = func(n int32, depth int) {
				node := tree[n]
				if node.Feature < 0 {
					if len(tree) > 1 && (count[n] < 9 || node.Cover < 1.5-1e-6) {
						t.Fatalf("leaf of %d rows, weight %v", count[n], node.Cover)
					}
					return
				}
				splits++
				if depth == 0 || node.Left <= n || node.Right <= n {
					t.Fatalf("node %d of %+v at depth %d", n, node, depth)
				}
				walk(node.Left, depth-1)
				walk(node.Right, depth-1)
			}
			walk(0, 4)
		}
	}
	if splits == 0 {
		t.Error("no tree has a split")
	}
}

// Doubling the weight of a row must give exactly the trees of a table in which
// the row stands twice.
func TestWeightIsDuplication(t *testing.T) {
	d := noise(90, 6, 6)
	for c := range d.X { // few values, so that both tables have the same bins
		for r := range d.X[c] {
			d.X[c][r] = math.Round(2 * d.X[c][r])
		}
	}
	var twice []int
	weighted := *d
	weighted.Weight = make([]float64, len(d.Y))
	for r := range d.Y {
		weighted.Weight[r] = 1
		twice = append(twice, r)
		if r%3 == 0 {
			weighted.Weight[r] = 2
			twice = append(twice, r)
		}
	}
	b := DefaultBoosting()
	b.Bags, b.Rounds, b.MinChildRows = 2, 30, 1
	e, err := b.fit(t.Context(), &weighted, 1)
	if err != nil {
		t.Fatal(err)
	}
	f, err := b.fit(t.Context(), d.Subset(twice), 1)
	if err != nil {
		t.Fatal(err)
	}
	if e.Base != f.Base {
		t.Errorf("base %v, want %v", e.Base, f.Base)
	}
	for n := range e.Bags {
		for k := range e.Bags[n] {
			if !slices.Equal(e.Bags[n][k], f.Bags[n][k]) {
				t.Fatalf("bag %d, tree %d: %+v, want %+v", n, k, e.Bags[n][k], f.Bags[n][k])
			}
		}
	}
}

// Columns that never vary, and their number, must not change the trees of the
// others.
func TestConstantColumns(t *testing.T) {
	d := noise(90, 4, 7)
	b := DefaultBoosting()
	b.Bags, b.Rounds = 2, 10
	e, err := b.fit(t.Context(), d, 1)
	if err != nil {
		t.Fatal(err)
	}
	more := *d
	more.Names = append(slices.Clone(d.Names), "a constant", "z constant")
	more.X = append(slices.Clone(d.X), make([]float64, 90), slices.Repeat([]float64{math.NaN()}, 90))
	f, err := b.fit(t.Context(), &more, 1)
	if err != nil {
		t.Fatal(err)
	}
	for n := range e.Bags {
		for k := range e.Bags[n] {
			if !slices.Equal(e.Bags[n][k], f.Bags[n][k]) {
				t.Fatalf("bag %d, tree %d differs", n, k)
			}
		}
	}
}

// Bins must hold all values, in order, without overlap, and no more of them
// than asked for.
func TestCut(t *testing.T) {
	many := make([]float64, 1000)
	for i := range many {
		many[i] = math.Sqrt(float64(i))
	}
	ties := append(slices.Repeat([]float64{0}, 900), many[:100]...)
	slices.Sort(ties)
	for _, sorted := range [][]float64{nil, {1}, {1, 1, 1}, {1, 2, 3}, many, ties} {
		for _, most := range []int{2, 3, 16, 255} {
			low, high := cut(sorted, most)
			if len(low) != len(high) || len(low) > most {
				t.Fatalf("%d and %d edges, most %d", len(low), len(high), most)
			}
			for b := range low {
				if low[b] > high[b] || (b > 0 && low[b] <= high[b-1]) {
					t.Fatalf("bin %d is [%v, %v]", b, low[b], high[b])
				}
			}
			if n := len(sorted); n > 0 && (low[0] != sorted[0] || high[len(high)-1] != sorted[n-1]) {
				t.Fatalf("bins reach from %v to %v", low[0], high[len(high)-1])
			}
		}
	}
	if low, _ := cut(many, 16); len(low) != 16 {
		t.Errorf("%d bins of 1000 distinct values, want 16", len(low))
	}
}

// Settings that make no sense must be refused all at once, in YAML words.
func TestValidate(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("default settings: %v", err)
	}
	cfg := DefaultConfig()
	cfg.Boosting = Boosting{MaxBins: 300, Lambda: math.NaN()}
	cfg.Aggregation.Artery = "median"
	cfg.Modalities = []string{"genomics"}
	cfg.MaxMissingShare = 2
	err := cfg.Validate()
	for _, key := range []string{"boosting.bags", "bag_fraction", "rounds", "learning_rate", "max_depth", "patient_fraction", "column_fraction",
		"boosting.lambda", "max_bins", "class_weight", "row_weight", "aggregation.artery", "genomics", "max_missing_share"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("error %v does not name %s", err, key)
		}
	}
}

// Outcomes other than 0 and 1, infinite values and weights out of bounds must
// be refused by row.
func TestDataErrors(t *testing.T) {
	for _, test := range []struct {
		change func(d *Data)
		want   string
	}{
		{func(d *Data) { d.Y[3] = 0.5 }, "row 4 has outcome 0.5"},
		{func(d *Data) { d.X[1][2] = math.Inf(-1) }, `row 3, column "c1001": infinite value`},
		{func(d *Data) { d.Weight = slices.Repeat([]float64{-1}, 30) }, "row 1 has weight -1"},
		{func(d *Data) { d.X, d.Names = nil, nil }, "no feature column"},
	} {
		d := noise(30, 3, 8)
		test.change(d)
		if _, err := DefaultBoosting().Fit(t.Context(), d, 1); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
	if _, err := DefaultBoosting().Fit(t.Context(), rows([]float64{1, 2}, []float64{1, 1}), 1); !errors.Is(err, ErrOneClass) {
		t.Errorf("error %v, want %v", err, ErrOneClass)
	}
}
