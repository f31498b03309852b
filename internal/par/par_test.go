package par

import (
	"context"
	"errors"
	"math"
	"runtime"
	"testing"
)

// eachWay runs f on one processor and on several.
func eachWay(t *testing.T, f func(t *testing.T)) {
	old := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(old)
	for _, n := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(n)
		f(t)
	}
}

// Every index is visited exactly once.
func TestFor(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 5, 1000} {
			seen := make([]int, n)
			if err := For(t.Context(), n, func(i int) { seen[i]++ }); err != nil {
				t.Fatal(err)
			}
			for i, c := range seen {
				if c != 1 {
					t.Fatalf("n %d: index %d visited %d times", n, i, c)
				}
			}
		}
	})
}

// Blocks cover the range without gap or overlap.
func TestBlocks(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 11, 100} {
		seen := make([]int, n)
		if err := Blocks(t.Context(), n, 10, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				seen[i]++
			}
		}); err != nil {
			t.Fatal(err)
		}
		for i, c := range seen {
			if c != 1 {
				t.Fatalf("n %d: index %d visited %d times", n, i, c)
			}
		}
	}
}

// A cancelled loop says so, whether it had begun or not.
func TestCancel(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		err := For(ctx, 1_000_000, func(i int) { cancel() })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if _, err := Sum(ctx, 10, func(i int) float64 { return 1 }); !errors.Is(err, context.Canceled) {
			t.Errorf("sum: error %v", err)
		}
	})
}

// A sum of terms of very different size has the same bits on any number of
// processors.
func TestSum(t *testing.T) {
	term := func(i int) float64 { return math.Exp(20 * math.Sin(float64(i))) }
	var first float64
	eachWay(t, func(t *testing.T) {
		s, err := Sum(t.Context(), 100_001, term)
		if err != nil {
			t.Fatal(err)
		}
		if first == 0 {
			first = s
		}
		if s != first {
			t.Errorf("sum %v, before %v", s, first)
		}
	})
	if s, err := Sum(t.Context(), 0, term); s != 0 || err != nil {
		t.Errorf("empty sum %v %v", s, err)
	}
}
