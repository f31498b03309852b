package levels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// Every rule must not depend on order, grow with each part, leave one part as
// it is and stay within [0, 1]; noisy-or is never below the largest part.
func TestRules(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, rule := range Rules {
		for range 200 {
			p := make([]float64, 1+rng.IntN(5))
			for n := range p {
				p[n] = rng.Float64()
			}
			q := rule.Combine(p)
			if len(p) == 1 && q != p[0] {
				t.Errorf("%s: one part %v became %v", rule, p[0], q)
			}
			if q < 0 || q > 1 || (rule == NoisyOr && q < slices.Max(p)-1e-15) {
				t.Errorf("%s of %v is %v", rule, p, q)
			}
			r := slices.Clone(p)
			rng.Shuffle(len(r), func(i, j int) { r[i], r[j] = r[j], r[i] })
			if rule.Combine(r) != q {
				t.Errorf("%s of %v depends on the order", rule, p)
			}
			r[0] += (1 - r[0]) / 2
			if rule.Combine(r) < q {
				t.Errorf("%s falls when a part rises", rule)
			}
		}
	}
}

// The rules of three parts worked out by hand.
func TestRulesByHand(t *testing.T) {
	p := []float64{0.5, 0.2, 0.1}
	for _, c := range []struct {
		rule Rule
		want float64
	}{
		{Max, 0.5}, {NoisyOr, 1 - 0.5*0.8*0.9}, {Mean, 0.8 / 3}, {TopTwo, 0.35},
		{LogSumExp, math.Log((math.Exp(4)+math.Exp(1.6)+math.Exp(0.8))/3) / 8},
	} {
		verify.Check{Suite: "classifier", Case: "parts of 0.5, 0.2 and 0.1", Quantity: "probability of the whole by " + string(c.rule), Source: "worked out by hand", Got: c.rule.Combine(p), Want: c.want, Tol: 1e-12}.Run(t)
	}
	if q := LogSumExp.Combine(p); !(q > Mean.Combine(p) && q < Max.Combine(p)) {
		t.Errorf("log-sum-exp is %g, not between the mean and the largest", q)
	}
}
