package classifier

import (
	"math"
	"math/bits"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// value returns the path-dependent value of the columns in set, a bit mask.
func (t Tree) value(n int32, values []float64, set uint) float64 {
	node := &t[n]
	if node.Feature < 0 {
		return node.Value
	}
	if set>>node.Feature&1 == 1 {
		return t.value(t.next(n, values[node.Feature]), values, set)
	}
	l, r := t[node.Left].Cover, t[node.Right].Cover
	return (l*t.value(node.Left, values, set) + r*t.value(node.Right, values, set)) / (l + r)
}

// shapley returns the Shapley values of the ensemble by their definition, a sum
// over all subsets of columns.
func (e *Ensemble) shapley(values []float64) []float64 {
	m := len(values)
	v := make([]float64, 1<<m)
	for set := range v {
		for _, bag := range e.Bags {
			for _, t := range bag {
				v[set] += t.value(0, values, uint(set)) / float64(len(e.Bags))
			}
		}
	}
	factorial := make([]float64, m+1)
	factorial[0] = 1
	for i := 1; i <= m; i++ {
		factorial[i] = factorial[i-1] * float64(i)
	}
	phi := make([]float64, m)
	for c := range phi {
		for set := range v {
			if set>>c&1 == 0 {
				s := bits.OnesCount(uint(set))
				phi[c] += factorial[s] * factorial[m-s-1] / factorial[m] * (v[set|1<<c] - v[set])
			}
		}
	}
	return phi
}

// TreeSHAP must equal the sum over all subsets that defines Shapley values, with
// columns that come twice on a path and with missing values, and add up to the
// log-odds.
func TestContributionsExact(t *testing.T) {
	const columns = 10
	d := noise(200, columns, 3)
	for c := range 3 { // columns with many missing values and few distinct ones
		for r := range d.Y {
			d.X[c][r] = math.Round(d.X[c][r] + d.Y[r])
			if (r+c)%4 == 0 {
				d.X[c][r] = math.NaN()
			}
		}
	}
	b := DefaultBoosting()
	b.Bags, b.Rounds, b.MaxDepth, b.MinChildRows, b.LearningRate = 2, 6, 6, 1, 0.5
	e, err := b.fit(t.Context(), d, 1)
	if err != nil {
		t.Fatal(err)
	}
	phi := make([]float64, columns)
	var row []float64
	var additive, exact, margin float64
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	other, err := e.Boost(names)
	if err != nil {
		t.Fatal(err)
	}
	for r := range 25 {
		row = d.Row(r, row)
		sum := e.Contributions(phi, row)
		for _, f := range phi {
			sum += f
		}
		f := []float64{0}
		other.Margin(f, row)
		margin = max(margin, math.Abs(f[0]-e.LogOdds(row)))
		additive = max(additive, math.Abs(sum-e.LogOdds(row)))
		for c, want := range e.shapley(row) {
			exact = max(exact, math.Abs(phi[c]-want))
		}
	}
	verify.Check{Suite: "classifier", Case: "12 trees of depth 6 on 10 columns, missing values", Quantity: "largest error of the sum of contributions",
		Source: "log-odds of the ensemble", Got: additive, Want: 0, Tol: 1e-10}.Run(t)
	verify.Check{Suite: "classifier", Case: "12 trees of depth 6 on 10 columns, missing values", Quantity: "largest difference of a contribution",
		Source: "Shapley's sum over all 1024 subsets", Got: exact, Want: 0, Tol: 1e-10}.Run(t)
	if margin > 1e-12 {
		t.Errorf("log-odds differ by %g from those of the same trees in package boost", margin)
	}
}
