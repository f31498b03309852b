package classifier

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The interval of an AUC holds it, stays within 0 and 1, is mirrored with the
// AUC, and is close to A ± t SE where it is narrow.
func TestAUCInterval(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	for range 200 {
		x, mirror := make([]float64, 10), make([]float64, 10)
		centre, spread := rng.Float64(), 0.5*rng.Float64()
		for n := range x {
			x[n] = min(1, max(0, centre+spread*rng.NormFloat64()))
			mirror[n] = 1 - x[n]
		}
		i, m := aucInterval(x, 5, 10), aucInterval(mirror, 5, 10)
		if !(0 <= i.Low && i.Low <= i.Value && i.Value <= i.High && i.High <= 1) {
			t.Fatalf("interval %+v of %v", i, x)
		}
		if math.Abs(float64(i.Low+m.High-1)) > 1e-12 || math.Abs(float64(i.High+m.Low-1)) > 1e-12 {
			t.Fatalf("intervals %+v and mirrored %+v", i, m)
		}
	}
	x := []float64{0.699, 0.7, 0.701, 0.7, 0.7}
	a, se, n := foldMean(x, 5)
	i := aucInterval(x, 5, 10)
	if h := student(n).Quantile(0.975) * se; math.Abs(float64(i.High)-a-h) > 0.01*h || math.Abs(a-float64(i.Low)-h) > 0.01*h {
		t.Errorf("interval %+v, want %v ± %v", i, a, h)
	}
}

// Folds without a defined statistic are left out; fewer than two leave nothing.
func TestFoldMean(t *testing.T) {
	nan := math.NaN()
	mean, se, n := foldMean([]float64{0.4, nan, 0.6}, 5)
	if n != 2 || math.Abs(mean-0.5) > 1e-15 || math.Abs(se-math.Sqrt(0.02*(0.5+0.25))) > 1e-15 {
		t.Errorf("mean %v, standard error %v of %d folds", mean, se, n)
	}
	for _, x := range [][]float64{nil, {0.5}, {0.5, nan}} {
		i := aucInterval(x, 5, 3)
		d, p := differenceInterval(x, 5)
		if i.Value.Defined() || i.Low.Defined() || d.Value.Defined() || d.High.Defined() || p.Defined() {
			t.Errorf("intervals of folds %v: %+v, %+v, p %v", x, i, d, p)
		}
	}
}

// Equal folds do not make an interval of zero width.
func TestEqualFolds(t *testing.T) {
	for _, a := range []float64{0, 0.1, 0.5, 0.9, 1} {
		i := aucInterval([]float64{a, a, a, a, a, a, a}, 5, 10)
		if i.High-i.Low < 0.2 || i.Low > i.Value || i.High < i.Value {
			t.Errorf("interval %+v of folds that are all %v", i, a)
		}
	}
	if d, p := differenceInterval([]float64{0, 0, 0}, 5); d.Value != 0 || p != 1 {
		t.Errorf("no difference: %+v, p %v", d, p)
	}
	if _, p := differenceInterval([]float64{0.1, 0.1, 0.1}, 5); p != 0 {
		t.Errorf("a constant difference: p %v", p)
	}
}

// The corrected t-test comes out as in SciPy to 1e-9.
func TestNadeauBengioKnown(t *testing.T) {
	raw, err := os.ReadFile(verify.Shared(t, "data", "tabular", "known", "py_known.json"))
	if err != nil {
		t.Fatal(err)
	}
	var known struct {
		Nadeau struct {
			Diff  []float64
			Ratio float64 `json:"test_train_ratio"`
			T     float64
			P     float64 `json:"p_two_sided"`
		} `json:"nadeau_bengio"`
	}
	if err := json.Unmarshal(raw, &known); err != nil {
		t.Fatal(err)
	}
	check := func(quantity string, got, want float64) {
		t.Helper()
		verify.Check{Suite: "classifier", Case: "ten differences", Quantity: quantity, Source: "SciPy", Got: got, Want: want, Tol: 1e-9}.Run(t)
	}
	folds := int(1/known.Nadeau.Ratio) + 1
	mean, se, _ := foldMean(known.Nadeau.Diff, folds)
	check("Nadeau-Bengio corrected t", mean/se, known.Nadeau.T)
	_, p := differenceInterval(known.Nadeau.Diff, folds)
	check("Nadeau-Bengio corrected t-test, p", float64(p), known.Nadeau.P)
}
