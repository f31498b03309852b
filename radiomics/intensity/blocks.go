package intensity

import (
	"context"
	"runtime"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// slabsOf returns in how many parts n numbers are worth counting.
func slabsOf(n int) int {
	if n < par.Enough {
		return 1
	}
	return runtime.GOMAXPROCS(0)
}

// inSlabs calls f for the parts [lo, hi) of [0, n), in parallel. What is put
// together from the parts must not depend on their number.
func inSlabs(n, slabs int, f func(s, lo, hi int)) {
	// Without a cancelled context, a loop cannot fail.
	_ = par.For(context.Background(), slabs, func(s int) { f(s, n*s/slabs, n*(s+1)/slabs) })
}

// blockSums are some sums over a block of numbers.
type blockSums [6]float64

// sumBlock is how many numbers are added at once. It is part of the result's
// definition: changing it changes last digits.
const sumBlock = 1 << 14

// addBlocks returns the sums over n numbers from those over blocks, which are
// made in parallel and added in order.
func (w *Workspace) addBlocks(n int, of func(lo, hi int) blockSums) blockSums {
	w.parts = resized(w.parts, (n+sumBlock-1)/sumBlock)
	_ = par.ForMany(context.Background(), n, len(w.parts), func(b int) {
		w.parts[b] = of(b*sumBlock, min((b+1)*sumBlock, n))
	})
	var all blockSums
	for b := range w.parts {
		for k, x := range w.parts[b] {
			all[k] += x
		}
	}
	return all
}
