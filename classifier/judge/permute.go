package judge

import (
	"context"
	"slices"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// PermutationP returns the p of an observed figure that atLeast of so many
// permutations reached: (b + 1)/(m + 1), since the outcomes as they are are one
// of the permutations (Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010).
func PermutationP(atLeast, permutations int) float64 {
	return float64(atLeast+1) / float64(permutations+1)
}

// Permutation is the result of a permutation test.
type Permutation struct {
	Observed, P float64
	AtLeast     int       // permutations with a figure of at least the observed one
	Values      []float64 // of the permutations, increasing
}

// Permute tests that outcomes have nothing to do with scores by exchanging the
// outcomes of whole patients. Patients exchange with those of as many rows,
// since the outcomes of a patient's rows hang together; if all rows of each
// patient have one outcome, with all patients. Large figures speak against
// chance.
func Permute(ctx context.Context, y, cluster []int, permutations int, seed uint64, figure func(y []int) float64) (*Permutation, error) {
	sameLength("Permute", len(y), len(cluster))
	rows, _ := patients(y, cluster)
	pools := exchangeable(y, rows)
	out := &Permutation{Observed: figure(y), Values: make([]float64, permutations)}
	err := par.For(ctx, permutations, func(n int) {
		z := slices.Clone(y)
		for k, pool := range pools {
			to := slices.Clone(pool)
			newStream(seed, streamPermute, uint64(n), uint64(k)).shuffle(to)
			for i, c := range pool {
				from := rows[c]
				for r, row := range rows[to[i]] {
					z[row] = y[from[r%len(from)]]
				}
			}
		}
		out.Values[n] = figure(z)
	})
	if err != nil {
		return nil, err
	}
	for _, v := range out.Values {
		if v >= out.Observed {
			out.AtLeast++
		}
	}
	out.P = PermutationP(out.AtLeast, permutations)
	slices.Sort(out.Values)
	return out, nil
}

// exchangeable returns the pools of clusters that may exchange their outcomes.
func exchangeable(y []int, rows [][]int) [][]int {
	constant := true
	for _, own := range rows {
		for _, r := range own {
			constant = constant && y[r] == y[own[0]]
		}
	}
	var sizes []int
	pools := map[int][]int{}
	for c, own := range rows {
		size := len(own)
		if size == 0 {
			continue
		}
		if constant {
			size = 1
		}
		if pools[size] == nil {
			sizes = append(sizes, size)
		}
		pools[size] = append(pools[size], c)
	}
	slices.Sort(sizes)
	out := make([][]int, len(sizes))
	for i, size := range sizes {
		out[i] = pools[size]
	}
	return out
}
