package intensity

import (
	"math"
	"slices"
)

// fewNumbers is how many numbers are sorted rather than put in buckets.
const fewNumbers = 48

// percentiles returns the percentiles of x named by [percents]. x runs from lo
// to hi.
func percentiles[F float32 | float64](w *Workspace, x []F, lo, hi float64) (at [5]float64) {
	n := len(x)
	var ranks [10]int // both neighbours of each percentile's place
	for k, p := range percents {
		rank := int(p / 100 * float64(n-1))
		ranks[2*k], ranks[2*k+1] = rank, min(rank+1, n-1)
	}
	var found [10]float64
	orderStatistics(w, x, lo, hi, ranks[:], found[:])
	for k, p := range percents {
		place := p / 100 * float64(n-1)
		at[k] = between(found[2*k], found[2*k+1], place-math.Floor(place))
	}
	return at
}

// orderStatistics stores in found the numbers that x, which runs from lo to hi,
// would have at the ranks if it were sorted. Rather than sorting, it counts x in
// buckets of equal width and sorts the few that hold a rank; a bucket that holds
// many numbers is treated in the same way.
func orderStatistics[F float32 | float64](w *Workspace, x []F, lo, hi float64, ranks []int, found []float64) {
	buckets := min(max(len(x)/2, 64), 1<<14)
	scale := float64(buckets) / (hi - lo)
	if len(x) <= fewNumbers || lo == hi || math.IsInf(scale, 0) {
		start := len(w.gather)
		for _, v := range x {
			w.gather = append(w.gather, float64(v))
		}
		sorted := w.gather[start:]
		slices.Sort(sorted)
		for k, r := range ranks {
			found[k] = sorted[r]
		}
		w.gather = w.gather[:start]
		return
	}
	// Rounding is monotonic, so the buckets are in order.
	bucket := func(v F) int { return min(int((float64(v)-lo)*scale), buckets-1) }
	w.counts = resized(w.counts, buckets)
	clear(w.counts)
	counts := w.counts
	for _, v := range x {
		counts[bucket(v)]++
	}
	// Where each rank lies: its bucket, and its rank there.
	type place struct{ bucket, rank, size int }
	var places [10]place
	for k, r := range ranks {
		b, below := 0, 0
		if k > 0 && ranks[k-1] <= r {
			b, below = places[k-1].bucket, ranks[k-1]-places[k-1].rank
		}
		for below+counts[b] <= r {
			below += counts[b]
			b++
		}
		places[k] = place{b, r - below, counts[b]}
	}
	for k := 0; k < len(ranks); {
		// The ranks in one bucket, together.
		last := k
		for last+1 < len(ranks) && places[last+1].bucket == places[k].bucket {
			last++
		}
		start, want := len(w.gather), places[k].bucket
		w.gather = slices.Grow(w.gather, places[k].size)
		blo, bhi := math.Inf(1), math.Inf(-1)
		for _, v := range x {
			if bucket(v) == want {
				f := float64(v)
				w.gather = append(w.gather, f)
				blo, bhi = min(blo, f), max(bhi, f)
			}
		}
		part := w.gather[start:]
		inner := ranks[k : last+1]
		for m := range inner {
			inner[m] = places[k+m].rank
		}
		orderStatistics(w, part, blo, bhi, inner, found[k:last+1])
		w.gather = w.gather[:start]
		k = last + 1
	}
}
