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
	slabs := slabsOf(len(x))
	w.counts, w.buckets = resized(w.counts, slabs*buckets), resized(w.buckets, len(x))
	counts, in := w.counts, w.buckets // counts of each slab of x
	if slabs == 1 {
		putInBuckets(counts, in, x, lo, scale)
	} else {
		inSlabs(len(x), slabs, func(s, from, to int) {
			putInBuckets(counts[s*buckets:(s+1)*buckets], in[from:to], x[from:to], lo, scale)
		})
	}
	// inBucket returns how many numbers of the slabs before s are in bucket b.
	inBucket := func(s, b int) (n int) {
		for t := range s {
			n += counts[t*buckets+b]
		}
		return n
	}
	// The parts that hold a rank: their buckets, and the ranks in them.
	var parts [10]struct{ bucket, size, start, first, last int }
	used := 0
	b, below, room := 0, 0, 0
	size := inBucket(slabs, b)
	for k, r := range ranks {
		for below+size <= r {
			below += size
			b++
			size = inBucket(slabs, b)
		}
		if used == 0 || parts[used-1].bucket != b {
			parts[used].bucket, parts[used].size = b, size
			parts[used].start, parts[used].first = room, k
			room += size
			used++
		}
		parts[used-1].last = k + 1
		ranks[k] = r - below
	}
	// Their numbers, together.
	start := len(w.gather)
	w.gather = append(w.gather, make([]float64, room)...)
	gather := w.gather[start:]
	w.wanted = w.wanted[:0]
	for s := range slabs {
		for n := range parts[:used] {
			b := parts[n].bucket
			w.wanted = append(w.wanted, wanted{b, parts[n].start + inBucket(s, b)})
		}
	}
	if all := w.wanted; slabs == 1 {
		gatherBuckets(gather, counts, all, in, x)
	} else {
		each := used
		inSlabs(len(x), slabs, func(s, from, to int) {
			gatherBuckets(gather, counts[s*buckets:(s+1)*buckets], all[s*each:(s+1)*each], in[from:to], x[from:to])
		})
	}
	for n := range parts[:used] {
		p := &parts[n]
		part := gather[p.start : p.start+p.size]
		lo, hi := slices.Min(part), slices.Max(part)
		orderStatistics(w, part, lo, hi, ranks[p.first:p.last], found[p.first:p.last])
	}
	w.gather = w.gather[:start]
}

// putInBuckets counts x in buckets of equal width from lo and notes which.
func putInBuckets[F float32 | float64](counts []int, in []uint16, x []F, lo, scale float64) {
	clear(counts)
	last := len(counts) - 1
	for n, v := range x {
		b := min(int((float64(v)-lo)*scale), last)
		in[n] = uint16(b)
		counts[b]++
	}
}

// wanted is a bucket and where the next of its numbers is put.
type wanted struct{ bucket, place int }

// gatherBuckets puts the numbers of the wanted buckets into dst. counts, one for
// each bucket, is scratch.
func gatherBuckets[F float32 | float64](dst []float64, counts []int, all []wanted, in []uint16, x []F) {
	clear(counts)
	for n := range all {
		counts[all[n].bucket] = n + 1
	}
	for n, v := range x {
		if c := counts[in[n]]; c > 0 {
			w := &all[c-1]
			dst[w.place] = float64(v)
			w.place++
		}
	}
}
