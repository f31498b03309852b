package fem

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Sorting by digits gives the order of comparing, with both signs, both zeros and
// equal values.
func TestSortTagged(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	all := make([]tagged, 3*fewTagged)
	for n := range all {
		v := rng.NormFloat64() * 100
		switch rng.IntN(4) {
		case 0:
			v = float64(int(v)) // often equal
		case 1:
			v *= 1e-200
		}
		all[n] = tagged{weighted{v, rng.Float64()}, 0}
	}
	all[0].value, all[1].value = 0, -1/all[1].volume*0
	want := slices.Clone(all)
	slices.SortFunc(want, func(a, b tagged) int { return a.compare(b.weighted) })
	sortTagged(all)
	for n := range all {
		if all[n].compare(want[n].weighted) != 0 {
			t.Fatalf("place %d: %v, want %v", n, all[n], want[n])
		}
	}
}
