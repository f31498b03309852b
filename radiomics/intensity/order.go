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
	buckets := min(max(len(x)/2, 64), 1<<13)
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
	w.counts, w.buckets = resized(w.counts, buckets), resized(w.buckets, len(x))
	counts, in := w.counts, w.buckets
	clear(counts)
	for n, v := range x {
		b := min(int((float64(v)-lo)*scale), buckets-1)
		in[n] = uint16(b)
		counts[b]++
	}
	// The parts that hold a rank: their buckets, and the ranks in them.
	var parts [10]struct{ bucket, below, size, start, first, last int }
	used := 0
	b, below, room := 0, 0, 0
	for k, r := range ranks {
		for below+counts[b] <= r {
			below += counts[b]
			b++
		}
		if used == 0 || parts[used-1].bucket != b {
			parts[used].bucket, parts[used].below, parts[used].size = b, below, counts[b]
			parts[used].start, parts[used].first = room, k
			room += counts[b]
			used++
		}
		parts[used-1].last = k + 1
		ranks[k] = r - below
	}
	// Their numbers, together. A bucket that is wanted counts downwards from −1.
	start := len(w.gather)
	w.gather = append(w.gather, make([]float64, room)...)
	gather := w.gather[start:]
	clear(counts)
	for n := range parts[:used] {
		counts[parts[n].bucket] = -1 - n
		parts[n].size = 0
	}
	for n, v := range x {
		if c := counts[in[n]]; c < 0 {
			p := &parts[-1-c]
			gather[p.start+p.size] = float64(v)
			p.size++
		}
	}
	for n := range parts[:used] {
		p := &parts[n]
		part := gather[p.start : p.start+p.size]
		lo, hi := slices.Min(part), slices.Max(part)
		orderStatistics(w, part, lo, hi, ranks[p.first:p.last], found[p.first:p.last])
	}
	w.gather = w.gather[:start]
}
