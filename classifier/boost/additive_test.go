package boost

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The functions of an additive model add up to its margin on all rows, missing
// values and categories included, and the pair that was planted is found.
func TestShapes(t *testing.T) {
	d := cohort(600, Logistic)
	cfg := AdditiveConfig()
	cfg.Rounds, cfg.Bags, cfg.Pairs = 30, 2, 2
	for _, grower := range []string{Histogram, Exact} {
		cfg.Grower = grower
		m := fit(t, d, cfg)
		intercept, shapes, err := m.Shapes(0)
		if err != nil {
			t.Fatal(err)
		}
		var worst float64
		f := make([]float64, 1)
		for r := range d.Y {
			x := row(m, d, r)
			m.Margin(f, x)
			sum := intercept
			for i := range shapes {
				sum += shapes[i].At(x, m.Features)
			}
			worst = max(worst, math.Abs(sum-f[0]))
		}
		if worst > 1e-12 {
			t.Errorf("%s: the functions differ from the margin by %g", grower, worst)
		}
		found := false
		for _, s := range shapes {
			if len(s.Features) == 2 {
				a, b := m.Features[s.Features[0]].Name, m.Features[s.Features[1]].Name
				found = found || (a == "radiomics.a" || a == "radiomics.copy of a" || a == "radiomics.b") && (b == "radiomics.b" || b == "radiomics.copy of a")
			}
		}
		if !found {
			t.Errorf("%s: the pair a × b was not found", grower)
		}
	}
	if _, _, err := fit(t, d, DefaultConfig()).Shapes(0); err == nil {
		t.Error("a model of deep trees passed for additive")
	}
}

// On a target that is a sum of steps, the functions are those steps, up to what
// splits that save less than 10⁻⁶ would add: √(10⁻⁶/500) on either side.
func TestShapesAreSteps(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	n := 2000
	d := &Data{Y: make([]float64, n), Columns: []Column{{Name: "a", Values: make([]float64, n)}, {Name: "b", Values: make([]float64, n)}}}
	step := func(x float64) float64 {
		if x < 3 {
			return -1
		}
		return 1
	}
	for r := range d.Y {
		a, b := float64(rng.IntN(8)), float64(rng.IntN(8))
		d.Columns[0].Values[r], d.Columns[1].Values[r] = a, b
		d.Y[r] = step(a) + 2*step(b)
	}
	cfg := AdditiveConfig()
	cfg.Objective, cfg.Rounds, cfg.LearningRate, cfg.Bags, cfg.BagFraction = Squared, 300, 0.2, 1, 1
	_, shapes, err := fit(t, d, cfg).Shapes(0)
	if err != nil {
		t.Fatal(err)
	}
	var worst float64
	for i, s := range shapes {
		low := s.Values[0]
		for j, p := range s.Points[0][:len(s.Points[0])-1] {
			want := 0.0
			if p >= 2.5 { // halfway between the values 2 and 3
				want = 2 * float64(i+1)
			}
			worst = max(worst, math.Abs(s.Values[j]-low-want))
		}
	}
	verify.Check{Suite: "classifier", Case: "additive mode on a sum of two steps", Quantity: "largest difference of the two functions from the steps",
		Source: "the planted steps", Got: worst, Tol: 5e-4}.Run(t)
}
