package solid

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Percentiles by selection are those of the sorted list: the smallest value at or
// below which that part of the volume lies.
func TestSummarise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := 1; n < 400; n += 1 + n/5 {
		v := make([]weighted, n)
		var total float64
		for i := range v {
			v[i] = weighted{float64(rng.IntN(n)) / 7, float64(1 + rng.IntN(8))} // many ties
			total += v[i].volume
		}
		sorted := slices.Clone(v)
		slices.SortFunc(sorted, func(a, b weighted) int { return int(7*a.value+0.5) - int(7*b.value+0.5) })
		want := func(p float64) float64 {
			var below float64
			for _, x := range sorted {
				if below += x.volume; below >= p*total*(1-1e-12) {
					return x.value
				}
			}
			return sorted[n-1].value
		}
		got := summarise("", v, -1)
		if got.P50 != want(0.5) || got.P90 != want(0.9) || got.P95 != want(0.95) || got.P99 != want(0.99) || got.Max != sorted[n-1].value {
			t.Errorf("%d values: %+v, want %g %g %g %g", n, got, want(0.5), want(0.9), want(0.95), want(0.99))
		}
	}
}
