package segmentation

import (
	"math/rand/v2"
	"testing"
)

// On random small networks the cut is closed under full arcs and as cheap as
// the best of all subsets.
func TestFlowAgainstAllCuts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 400 {
		n := 2 + rng.IntN(9)
		f := newFlow(n, 40)
		type arc struct{ a, b, there, back int32 }
		var arcs []arc
		ends := make([]int32, n)
		for i := range ends {
			ends[i] = int32(rng.IntN(41) - 20)
			f.ends[i] = ends[i]
		}
		for range rng.IntN(4 * n) {
			x := arc{int32(rng.IntN(n)), int32(rng.IntN(n)), int32(rng.IntN(12)), int32(rng.IntN(12))}
			if x.a == x.b {
				continue
			}
			arcs = append(arcs, x)
			f.arc(int(x.a), int(x.b), x.there, x.back)
		}
		cost := func(with func(i int32) bool) int32 {
			var c int32
			for i, e := range ends {
				if e > 0 && !with(int32(i)) {
					c += e
				}
				if e < 0 && with(int32(i)) {
					c -= e
				}
			}
			for _, x := range arcs {
				if with(x.a) && !with(x.b) {
					c += x.there
				}
				if with(x.b) && !with(x.a) {
					c += x.back
				}
			}
			return c
		}
		with := f.cut()
		got := cost(func(i int32) bool { return with[i] })
		best := int32(1 << 30)
		for set := range 1 << n {
			best = min(best, cost(func(i int32) bool { return set>>i&1 == 1 }))
		}
		if got != best {
			t.Fatalf("round %d: cut of %d, the best is %d", round, got, best)
		}
	}
}
