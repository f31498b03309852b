package boost

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// conditional returns the value of a set of features in the path-dependent game.
func conditional(t *Tree, row []float64, set int, n int32) float64 {
	node := &t.Nodes[n]
	if node.Feature < 0 {
		return node.Value
	}
	if set>>node.Feature&1 == 1 {
		return conditional(t, row, set, t.Next(n, row[node.Feature]))
	}
	l, r := t.shares(n)
	return l*conditional(t, row, set, node.Left) + r*conditional(t, row, set, node.Right())
}

// Contributions and interactions are those of the definition, summed over all
// sets of up to 12 features, with missing values and categories, several
// margins and bags.
func TestShapleyBruteForce(t *testing.T) {
	var phiErr, interErr, againstErr, addErr float64
	games := 0
	for _, o := range []Objective{Logistic, Softmax} {
		d := cohort(240, o)
		rng := rand.New(rand.NewPCG(11, 12))
		for c := range 5 { // 12 features in all
			x := make([]float64, len(d.Y))
			for r := range x {
				x[r] = float64(rng.IntN(64)) / 8
				if rng.IntN(5) == 0 {
					x[r] = math.NaN()
				}
			}
			d.Columns = append(d.Columns, Column{Name: fmt.Sprint("more ", c), Values: x})
		}
		cfg := DefaultConfig()
		cfg.Objective, cfg.Classes, cfg.Rounds, cfg.MaxLeaves, cfg.Bags, cfg.BagFraction = o, 3, 4, 14, 2, 0.7
		m := fit(t, d, cfg)
		n := len(m.Features)
		if n != 12 {
			t.Fatalf("%d features", n)
		}
		fact := []float64{1}
		for i := 1; i <= n; i++ {
			fact = append(fact, fact[i-1]*float64(i))
		}
		phi, against, f := make([]float64, n), make([]float64, n), make([]float64, m.Margins)
		inter := make([][]float64, n)
		for i := range inter {
			inter[i] = make([]float64, n)
		}
		background := [][]float64{row(m, d, 100), row(m, d, 101), row(m, d, 102)}
		for _, r := range []int{0, 7, 33} {
			x := row(m, d, r)
			k := r % m.Margins
			v, u := make([]float64, 1<<n), make([]float64, 1<<n)
			mixed := make([]float64, n)
			for set := range v {
				for _, bag := range m.Bags {
					for i := k; i < len(bag); i += m.Margins {
						v[set] += conditional(&bag[i], x, set, 0) / float64(len(m.Bags))
					}
				}
				for _, z := range background {
					for i := range mixed {
						mixed[i] = z[i]
						if set>>i&1 == 1 {
							mixed[i] = x[i]
						}
					}
					m.Margin(f, mixed)
					u[set] += f[k] / float64(len(background))
				}
			}
			base := m.Contributions(phi, x, k)
			m.Interactions(inter, x, k)
			baseU := m.Against(against, x, background, k)
			sum, sumU := base, baseU
			for i := range n {
				sum, sumU = sum+phi[i], sumU+against[i]
				var want, wantU float64
				for set := range v {
					if set>>i&1 == 0 {
						w := fact[bits.OnesCount(uint(set))] * fact[n-1-bits.OnesCount(uint(set))] / fact[n]
						want += w * (v[set|1<<i] - v[set])
						wantU += w * (u[set|1<<i] - u[set])
					}
				}
				phiErr, againstErr = max(phiErr, math.Abs(phi[i]-want)), max(againstErr, math.Abs(against[i]-wantU))
				rest := phi[i]
				for j := range n {
					if j == i {
						continue
					}
					var both float64
					for set := range v {
						if set>>i&1 == 0 && set>>j&1 == 0 {
							s := bits.OnesCount(uint(set))
							both += fact[s] * fact[n-s-2] / (2 * fact[n-1]) * (v[set|1<<i|1<<j] - v[set|1<<i] - v[set|1<<j] + v[set])
						}
					}
					interErr = max(interErr, math.Abs(inter[i][j]-both))
					rest -= both
				}
				interErr = max(interErr, math.Abs(inter[i][i]-rest))
			}
			m.Margin(f, x)
			addErr = max(addErr, math.Abs(sum-f[k]), math.Abs(sumU-f[k]), math.Abs(base-m.Base[k]-v[0]), math.Abs(baseU-u[0]))
			games++
		}
	}
	for _, c := range []struct {
		quantity string
		got      float64
	}{
		{"path-dependent Shapley values", phiErr}, {"interventional Shapley values", againstErr},
		{"interaction values", interErr}, {"additivity", addErr},
	} {
		verify.Check{Suite: "classifier", Case: fmt.Sprintf("TreeSHAP of boost, %d rows, 12 features with missing values and categories", games), Quantity: c.quantity + ", largest difference",
			Source: "definition, sum over all 4096 sets", Got: c.got, Tol: 1e-10}.Run(t)
	}
}
