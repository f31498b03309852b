package boost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

func fit(t testing.TB, d *Data, cfg Config) *Model {
	t.Helper()
	m, err := Fit(t.Context(), d, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A row of weight 2 or 3 is exactly two or three rows, for every grower and
// objective without random draws.
func TestWeightsAreRows(t *testing.T) {
	all := settings()
	for _, name := range []string{"leaf first", "depth first", "exact", "softmax", "squared", "poisson", "cox", "monotone", "apart", "additive"} {
		cfg := all[name]
		d := cohort(300, cfg.Objective)
		d.Group, d.ID = nil, nil
		var rows []int
		for r := range d.Y {
			w := 1 + int(math.Abs(d.Y[r]))%3
			d.Weight = append(d.Weight, float64(w))
			for range w {
				rows = append(rows, r)
			}
		}
		twice := d.subset(rows)
		twice.Weight = nil
		a, errA := json.Marshal(fit(t, d, cfg))
		b, errB := json.Marshal(fit(t, twice, cfg))
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if string(a) != string(b) {
			t.Errorf("%s: weights and repeated rows give different models", name)
		}
	}
}

// A weight of a class is exactly that many rows of it.
func TestClassWeightsAreRows(t *testing.T) {
	all := settings()
	for _, name := range []string{"leaf first", "depth first", "exact", "softmax"} {
		cfg := all[name]
		d := cohort(300, cfg.Objective)
		d.Group, d.ID = nil, nil
		weights := []float64{1, 3, 2}[:max(2, cfg.margins())]
		var rows []int
		for r, y := range d.Y {
			for range int(weights[int(y)]) {
				rows = append(rows, r)
			}
		}
		want := fit(t, d.subset(rows), cfg)
		cfg.ClassWeights = weights
		got := fit(t, d, cfg)
		if fmt.Sprint(got.Bags, got.Base) != fmt.Sprint(want.Bags, want.Base) {
			t.Errorf("%s: class weights and repeated rows give different models", name)
		}
	}
}

// A table without anything to split on gives the mean.
func TestConstantColumns(t *testing.T) {
	for _, grower := range []string{Histogram, Exact} {
		cfg := DefaultConfig()
		cfg.Objective, cfg.Rounds, cfg.Grower = Squared, 3, grower
		d := &Data{Y: []float64{1, 2, 6}, Columns: []Column{{Name: "a", Values: []float64{4, 4, 4}}, {Name: "b", Values: []float64{math.NaN(), math.NaN(), math.NaN()}}}}
		for _, f := range margins(fit(t, d, cfg), d) {
			if math.Abs(f-3) > 1e-9 {
				t.Errorf("%s: margin %g, want the mean 3", grower, f)
			}
		}
	}
}

// A cancelled fit says so.
func TestCancel(t *testing.T) {
	d := cohort(300, Logistic)
	cfg := DefaultConfig()
	cfg.Rounds = 100000
	for _, wait := range []time.Duration{0, 20 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		if _, err := Fit(ctx, d, cfg); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		cancel()
	}
}

// A model written as JSON and read again predicts the same bits; one that was
// tampered with is refused.
func TestModelJSON(t *testing.T) {
	d := cohort(300, Logistic)
	m := fit(t, d, DefaultConfig())
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var back Model
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if err := back.Prepare(); err != nil {
		t.Fatal(err)
	}
	a, b := margins(m, d), margins(&back, d)
	if !slices.Equal(a, b) {
		t.Error("the model that was read predicts otherwise")
	}
	for _, change := range []func(m *Model){
		func(m *Model) { m.Bags[0][0].Nodes[0].Left = 0 },
		func(m *Model) { m.Bags[0][0].Nodes[0].Left = 1 << 20 },
		func(m *Model) { m.Bags[0][0].Nodes[0].Feature = 99 },
		func(m *Model) { m.Bags[0][0].Nodes[0].Set = 3 << 20 },
		func(m *Model) { m.Base = nil },
		func(m *Model) { m.Objective = "" },
		func(m *Model) { m.Margins = 2 },
	} {
		var bad Model
		if err := json.Unmarshal(raw, &bad); err != nil {
			t.Fatal(err)
		}
		change(&bad)
		if bad.Prepare() == nil {
			t.Error("a broken model was taken")
		}
	}
}

// With many rows, whose packed sums must be spilled, and weights so large that
// they cannot be packed, histograms must give what plain sums give.
func TestPackedSums(t *testing.T) {
	n := 20000
	rng := rand.New(rand.NewPCG(1, 2))
	d := &Data{Y: make([]float64, n)}
	for c := range 11 {
		x := make([]float64, n)
		for r := range x {
			x[r] = float64(rng.IntN(1 << (c + 1)))
		}
		d.Columns = append(d.Columns, Column{Name: fmt.Sprint("x", c), Values: x})
	}
	for r := range d.Y {
		if d.Columns[7].Values[r]+100*d.Columns[2].Values[r]+float64(rng.IntN(400)) > 600 {
			d.Y[r] = 1
		}
	}
	cfg := DefaultConfig()
	cfg.Rounds = 3
	packed := fit(t, d, cfg)
	cfg.MinChildRows = 2 // counts rows, in plain sums
	cfg.MinChildWeight = 3
	plain := fit(t, d, cfg)
	cfg.MinChildRows = 1
	again := fit(t, d, cfg)
	if fmt.Sprint(plain.Bags) != fmt.Sprint(again.Bags) {
		t.Error("packed and plain sums give different trees")
	}
	for _, tree := range packed.Bags[0] {
		if len(tree.Nodes) != 61 {
			t.Errorf("a tree of %d nodes, want 31 leaves", len(tree.Nodes))
		}
	}
	old := runtime.GOMAXPROCS(4)
	defer runtime.GOMAXPROCS(old)
	cfg.MinChildWeight = 1
	if many := fit(t, d, cfg); fmt.Sprint(many.Bags) != fmt.Sprint(packed.Bags) {
		t.Error("four processors give different trees")
	}
}

// Every leaf below a split on a column that the margin must rise with is no
// larger on the left than on the right: then the margin rises, whatever the
// other columns are. Without the constraint the same data break it.
func TestMonotone(t *testing.T) {
	d := cohort(600, Logistic)
	broken := func(m *Model, name string, sign float64) (n, splits int) {
		for _, bag := range m.Bags {
			for i := range bag {
				tree := &bag[i]
				low, high := make([]float64, len(tree.Nodes)), make([]float64, len(tree.Nodes))
				for k := len(tree.Nodes) - 1; k >= 0; k-- {
					node := &tree.Nodes[k]
					if node.Feature < 0 {
						low[k], high[k] = sign*node.Value, sign*node.Value
						continue
					}
					l, r := node.Left, node.Right()
					low[k], high[k] = min(low[l], low[r]), max(high[l], high[r])
					if m.Features[node.Feature].Name == name {
						splits++
						if high[l] > low[r] {
							n++
						}
					}
				}
			}
		}
		return n, splits
	}
	for _, growth := range []string{LeafFirst, DepthFirst} {
		for _, grower := range []string{Histogram, Exact} {
			cfg := DefaultConfig()
			cfg.Growth, cfg.Grower, cfg.MaxDepth, cfg.Rounds = growth, grower, 5, 40
			free := fit(t, d, cfg)
			cfg.Monotone = map[string]int{"radiomics.a": 1, "radiomics.b": -1}
			bound := fit(t, d, cfg)
			for name, sign := range cfg.Monotone {
				n, splits := broken(bound, name, float64(sign))
				without, _ := broken(free, name, float64(sign))
				if n > 0 || splits == 0 || without == 0 {
					t.Errorf("%s, %s, %s: %d of %d splits break the constraint, %d without it", growth, grower, name, n, splits, without)
				}
			}
		}
	}
}

// No path from a root to a leaf joins columns that must not meet.
func TestInteractions(t *testing.T) {
	d := cohort(600, Logistic)
	groups := [][]string{{"radiomics.a", "fem.m"}, {"fem.m", "fem.c", "kind"}}
	joined := func(m *Model, may func(names map[string]bool) bool) (bad, paths int) {
		for i := range m.Bags[0] {
			tree := &m.Bags[0][i]
			var walk func(n int32, names map[string]bool)
			walk = func(n int32, names map[string]bool) {
				node := &tree.Nodes[n]
				if node.Feature < 0 {
					paths++
					if !may(names) {
						bad++
					}
					return
				}
				name := m.Features[node.Feature].Name
				below := map[string]bool{name: true}
				for k := range names {
					below[k] = true
				}
				walk(node.Left, below)
				walk(node.Right(), below)
			}
			walk(0, nil)
		}
		return bad, paths
	}
	inGroup := func(names map[string]bool) bool {
		if len(names) < 2 {
			return true
		}
		for _, g := range groups {
			all := true
			for name := range names {
				all = all && slices.Contains(g, name)
			}
			if all {
				return true
			}
		}
		return false
	}
	inBlock := func(names map[string]bool) bool {
		blocks := map[string]bool{}
		for name := range names {
			for _, c := range d.Columns {
				if c.Name == name {
					blocks[c.Block] = true
				}
			}
		}
		return len(blocks) <= 1
	}
	for _, growth := range []string{LeafFirst, DepthFirst} {
		cfg := DefaultConfig()
		cfg.Growth, cfg.MaxDepth, cfg.Rounds = growth, 5, 30
		free := fit(t, d, cfg)
		cfg.Interactions = groups
		bound := fit(t, d, cfg)
		cfg.Interactions, cfg.BlocksApart = nil, true
		apart := fit(t, d, cfg)
		for _, c := range []struct {
			name string
			m    *Model
			may  func(map[string]bool) bool
		}{{"groups", bound, inGroup}, {"blocks", apart, inBlock}} {
			bad, paths := joined(c.m, c.may)
			without, _ := joined(free, c.may)
			if bad > 0 || paths < 60 || without == 0 {
				t.Errorf("%s, %s: %d of %d paths join what must not meet, %d without the constraint", growth, c.name, bad, paths, without)
			}
		}
	}
}

// A split of a categorical column along the order of G/H is the best of all
// partitions, which are tried one by one, missing values on both sides.
func TestCategoriesBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var worst float64
	for range 200 {
		n, k := 60, 2+rng.IntN(7)
		d := &Data{Y: make([]float64, n), Columns: []Column{{Name: "kind", Kind: Categorical, Values: make([]float64, n)}}}
		col := &d.Columns[0]
		for i := range k {
			col.Categories = append(col.Categories, fmt.Sprint("k", i))
		}
		var g, h [10]float64 // by category; missing last
		for r := range d.Y {
			d.Y[r] = float64(rng.IntN(64)) / 16
			at := rng.IntN(k + 1)
			col.Values[r] = float64(at)
			if at == k {
				col.Values[r] = math.NaN()
				at = 9
			}
			g[at] -= d.Y[r]
			h[at]++
		}
		best := 0.0
		var sumG, sumH float64
		for i := range g {
			sumG, sumH = sumG+g[i], sumH+h[i]
		}
		for subset := range 1 << (k + 1) {
			var lg, lh float64
			for i := range k + 1 {
				if subset>>i&1 == 1 {
					at := i
					if i == k {
						at = 9
					}
					lg, lh = lg+g[at], lh+h[at]
				}
			}
			if lh >= 1 && sumH-lh >= 1 {
				best = max(best, lg*lg/lh+(sumG-lg)*(sumG-lg)/(sumH-lh)-sumG*sumG/sumH)
			}
		}
		cfg := DefaultConfig()
		cfg.Objective, cfg.Rounds, cfg.MaxLeaves, cfg.Lambda, cfg.LearningRate = Squared, 1, 2, 0, 1
		cfg.Base, cfg.MaxOneHot, cfg.CategorySmoothing = new(float64), 0, 0
		for _, grower := range []string{Histogram, Exact} {
			cfg.Grower = grower
			m := fit(t, d, cfg)
			worst = max(worst, math.Abs(m.Bags[0][0].Nodes[0].Gain-best)/max(1, best))
			// The model must send each row where the split did: the mean of its side.
			mean := map[float64][3]float64{}
			for r, f := range margins(m, d) {
				s := mean[f]
				mean[f] = [3]float64{s[0] + d.Y[r], s[1] + 1, f}
			}
			for _, s := range mean {
				worst = max(worst, math.Abs(s[0]/s[1]-s[2]))
			}
		}
	}
	verify.Check{Suite: "classifier", Case: "categorical splits, 200 tables of 2 to 8 categories and missing values", Quantity: "relative difference of the gain from the best of all partitions",
		Source: "all partitions, one by one", Got: worst, Tol: 1e-6}.Run(t)
}

// One category against the rest is the best of such splits.
func TestOneHot(t *testing.T) {
	d := cohort(300, Squared)
	cfg := DefaultConfig()
	cfg.Objective, cfg.MaxOneHot = Squared, 12
	for _, tree := range fit(t, d, cfg).Bags[0] {
		for _, s := range tree.Sets {
			var n int
			for _, w := range s {
				n += bits.OnesCount64(w)
			}
			if n > 1 {
				t.Errorf("a set of %d categories, want 1 at most", n)
			}
		}
	}
}

// The exponential and the logarithm are within one unit in the last place.
func TestElementary(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	// Compared with 100-bit series: the library itself is off by up to one.
	ulps := func(a float64, b *big.Float) float64 {
		near, _ := b.Float64()
		ulp := math.Nextafter(math.Abs(near), math.Inf(1)) - math.Abs(near)
		d, _ := new(big.Float).Sub(b, new(big.Float).SetPrec(100).SetFloat64(a)).Float64()
		return math.Abs(d) / ulp
	}
	var e, l float64
	for range 3000 {
		x := (rng.Float64() - 0.5) * 1400
		y := exp(x)
		e = max(e, ulps(y, bigExp(x)))
		// ln y = ln a + Δ where exp(a) is known: one step of Newton's method.
		a := ln(y)
		step := new(big.Float).Quo(new(big.Float).SetPrec(100).SetFloat64(y), bigExp(a))
		step.Sub(step, new(big.Float).SetInt64(1))
		l = max(l, ulps(a, step.Add(step, new(big.Float).SetPrec(100).SetFloat64(a))))
	}
	for _, c := range []struct {
		name string
		got  float64
	}{{"exp", e}, {"ln", l}} {
		verify.Check{Suite: "classifier", Case: "elementary functions, 3000 arguments", Quantity: c.name + ", largest error in units of the last place",
			Source: "series with 100 bits", Got: c.got, Tol: 1}.Run(t)
	}
	for _, x := range []float64{0, 1, -1, 1e-300, 710, -746, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64} {
		if a, b := exp(x), math.Exp(x); a != b && (a == a || b == b) {
			t.Errorf("exp(%g) = %g, want %g", x, a, b)
		}
		if a, b := ln(x), math.Log(x); a != b && (a == a || b == b) {
			t.Errorf("ln(%g) = %g, want %g", x, a, b)
		}
	}
}

// bigExp returns eˣ with 100 bits: (e^(x/2ᵏ))^(2ᵏ) with a series inside.
func bigExp(x float64) *big.Float {
	const k, bits = 12, 140
	y := new(big.Float).SetPrec(bits).SetFloat64(math.Ldexp(x, -k))
	sum, term := new(big.Float).SetPrec(bits).SetInt64(1), new(big.Float).SetPrec(bits).SetInt64(1)
	for i := int64(1); i < 30; i++ {
		term.Mul(term, y)
		term.Quo(term, new(big.Float).SetPrec(bits).SetInt64(i))
		sum.Add(sum, term)
	}
	for range k {
		sum.Mul(sum, sum)
	}
	return sum
}

// The derivatives of each loss are those that finite differences give.
func TestDerivatives(t *testing.T) {
	for _, o := range []Objective{Logistic, Softmax, Squared, Poisson, Cox} {
		cfg := DefaultConfig()
		cfg.Objective, cfg.Classes = o, 3
		d := cohort(60, o)
		l := newLoss(d, &cfg)
		n := len(d.Y)
		rng := rand.New(rand.NewPCG(8, 9))
		f := make([][]float64, cfg.margins())
		for k := range f {
			f[k] = make([]float64, n)
			for r := range f[k] {
				f[k][r] = rng.NormFloat64()
			}
		}
		var events float64
		for _, e := range d.Event {
			if e {
				events++
			}
		}
		total := func() float64 {
			if o == Cox {
				return l.total(f) * events
			}
			return l.total(f) * float64(n)
		}
		var worstG, worstH float64
		for k := range f {
			der := derivatives{make([]float64, n), make([]float64, n)}
			at := func() derivatives {
				out := derivatives{make([]float64, n), make([]float64, n)}
				if o == Cox {
					l.deriveCox(out, f[0])
				} else {
					l.derive(out, f, k, 0, n)
				}
				return out
			}
			der = at()
			for r := range n {
				x := f[k][r]
				const step = 1e-3
				f[k][r] = x + step
				up, upG := total(), at().g[r]
				f[k][r] = x - step
				down, downG := total(), at().g[r]
				f[k][r] = x
				worstG = max(worstG, math.Abs((up-down)/(2*step)-der.g[r]))
				h := der.h[r]
				if o == Softmax {
					h /= 2 // a bound, as XGBoost has it
				}
				worstH = max(worstH, math.Abs((upG-downG)/(2*step)-h))
			}
		}
		for _, c := range []struct {
			name string
			got  float64
		}{{"first", worstG}, {"second", worstH}} {
			verify.Check{Suite: "classifier", Case: "objective " + string(o), Quantity: c.name + " derivative, largest difference",
				Source: "central differences of the loss", Got: c.got, Tol: 2e-4}.Run(t)
		}
	}
}

// Rounds stop where rows left out say, and fewer are grown than were asked for.
func TestEarlyStopping(t *testing.T) {
	d := cohort(300, Logistic)
	cfg := DefaultConfig()
	cfg.Rounds, cfg.LearningRate, cfg.StopFolds, cfg.Patience = 400, 0.3, 4, 20
	m := fit(t, d, cfg)
	if m.Rounds >= 100 || len(m.Bags[0]) != m.Rounds {
		t.Errorf("%d rounds with %d trees", m.Rounds, len(m.Bags[0]))
	}
	// Patients stay together.
	p := newPatients(d, Logistic, 0)
	fold, err := p.folds(4, 1)
	if err != nil {
		t.Fatal(err)
	}
	for r := range fold {
		if fold[r] != fold[r/3*3] {
			t.Fatal("rows of one patient are in two folds")
		}
	}
}

// A tree's rows are whole patients, in the asked share of each class.
func TestPatientDraws(t *testing.T) {
	d := cohort(300, Logistic)
	p := newPatients(d, Logistic, 0)
	count := slices.Repeat([]uint8{1}, len(p.key))
	p.keep(count, 0.6, 1, 2)
	for k, stratum := range p.strata {
		var n int
		for _, i := range stratum {
			n += int(count[i])
		}
		if n != share(len(stratum), 0.6) {
			t.Errorf("class %d: %d of %d patients", k, n, len(stratum))
		}
	}
}

// Each mistake is a clear error that names the place.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		want string
		do   func(d *Data, cfg *Config)
	}{
		{"row 8, column \"radiomics.a\": infinite value", func(d *Data, cfg *Config) { d.Columns[0].Values[7] = math.Inf(1) }},
		{"both named \"fem.c\"", func(d *Data, cfg *Config) { d.Columns[0].Name = "fem.c" }},
		{"row 3 has target 0.5", func(d *Data, cfg *Config) { d.Y[2] = 0.5 }},
		{"all targets are equal: no row of class 1", func(d *Data, cfg *Config) { clear(d.Y) }},
		{"same id \"row 00001\"", func(d *Data, cfg *Config) { d.ID[9] = "row 00001" }},
		{"row 5 has weight -1", func(d *Data, cfg *Config) { d.Weight = make([]float64, len(d.Y)); d.Weight[4] = -1 }},
		{"row 1, column \"kind\": 12 is not the place", func(d *Data, cfg *Config) { d.Columns[6].Values[0] = 12 }},
		{"lacks: [\"nothing\"]", func(d *Data, cfg *Config) { cfg.Monotone = map[string]int{"nothing": 1} }},
		{"names column \"nothing\"", func(d *Data, cfg *Config) { cfg.Interactions = [][]string{{"nothing"}} }},
		{"learning_rate is 2", func(d *Data, cfg *Config) { cfg.LearningRate = 2 }},
		{"no order", func(d *Data, cfg *Config) { cfg.Monotone = map[string]int{"kind": 1} }},
		{"needs to know", func(d *Data, cfg *Config) { cfg.Objective = Cox }},
		{"no row to learn from", func(d *Data, cfg *Config) { *d = Data{} }},
	} {
		d, cfg := cohort(60, Logistic), DefaultConfig()
		c.do(d, &cfg)
		_, err := Fit(t.Context(), d, cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	d := cohort(60, Logistic)
	clear(d.Y)
	if _, err := Fit(t.Context(), d, DefaultConfig()); !errors.Is(err, ErrOneClass) {
		t.Errorf("error %v, want ErrOneClass", err)
	}
}

// One row is read in less than 5 µs (loosely: four times that here) and without
// allocating.
func TestPredictAllocations(t *testing.T) {
	d := cohort(300, Logistic)
	m := fit(t, d, DefaultConfig())
	x, f := row(m, d, 0), make([]float64, 1)
	if n := testing.AllocsPerRun(100, func() { m.Predict(f, x) }); n != 0 {
		t.Errorf("%g allocations for a row", n)
	}
}

func BenchmarkPredict(b *testing.B) {
	for _, kind := range []string{"numbers", "and categories"} {
		b.Run(kind, func(b *testing.B) {
			d := cohort(3000, Logistic)
			if kind == "numbers" {
				d.Columns = d.Columns[:6]
			}
			m := fit(b, d, DefaultConfig())
			x := make([][]float64, 100)
			for r := range x {
				x[r] = row(m, d, r)
			}
			f := make([]float64, 1)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Predict(f, x[i%len(x)])
			}
		})
	}
}
