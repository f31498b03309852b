// Package par runs loops in parallel so that the result has the same bits on
// any number of processors: iterations write to disjoint places, and sums add
// fixed blocks in order.
package par

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// For calls f(i) for i in [0, n) on up to GOMAXPROCS goroutines. Each f must
// write only to places of its own. It returns the context's error if the loop
// was cut short.
func For(ctx context.Context, n int, f func(i int)) error {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		for i := range n {
			if err := ctx.Err(); err != nil {
				return err
			}
			f(i)
		}
		return ctx.Err()
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// Blocks cuts [0, n) into runs of size block (the last may be shorter) and
// calls f(lo, hi) for each in parallel.
func Blocks(ctx context.Context, n, block int, f func(lo, hi int)) error {
	if block < 1 {
		panic("par: Blocks: block below 1")
	}
	return For(ctx, (n+block-1)/block, func(b int) {
		f(b*block, min((b+1)*block, n))
	})
}

// sumBlock is the number of terms that one goroutine adds. It is part of the
// result's definition: changing it changes last digits.
const sumBlock = 4096

// Sum returns Σ f(i) for i in [0, n). Terms are added block by block, and the
// blocks in order, so the result does not depend on the number of processors.
func Sum(ctx context.Context, n int, f func(i int) float64) (float64, error) {
	part := make([]float64, (n+sumBlock-1)/sumBlock)
	err := Blocks(ctx, n, sumBlock, func(lo, hi int) {
		var s float64
		for i := lo; i < hi; i++ {
			s += f(i)
		}
		part[lo/sumBlock] = s
	})
	if err != nil {
		return 0, err
	}
	var s float64
	for _, p := range part {
		s += p
	}
	return s, nil
}
