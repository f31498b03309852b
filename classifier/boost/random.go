package boost

import "slices"

// mix scrambles x so that every bit depends on every bit (the finaliser of
// SplitMix64; Steele, Lea and Flood 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// draw returns the random number that belongs to keys: a counter-based stream,
// of which any element is had without those before it.
func draw(keys ...uint64) uint64 {
	var h uint64
	for _, k := range keys {
		h = mix(h+0x9e3779b97f4a7c15) ^ mix(k+0x9e3779b97f4a7c15)
	}
	return mix(h)
}

// uniform returns a number of [0, 1) made from a draw.
func uniform(u uint64) float64 { return float64(u>>11) * 0x1p-53 }

// keyOf returns the key of a name (FNV-1a).
func keyOf(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}

// The purposes of draws, which keep streams apart.
const (
	forBag uint64 = iota + 1
	forTree
	forColumns
	forLevel
	forNode
	forBlock
	forFold
	forDrop
)

// least returns the k places of u with the smallest values, in increasing
// order; of equal values those with the smaller tie.
func least(u, tie []uint64, k int) []int32 {
	place := make([]int32, len(u))
	for i := range place {
		place[i] = int32(i)
	}
	if k < len(place) {
		less := func(a, b int32) bool { return u[a] < u[b] || u[a] == u[b] && tie[a] < tie[b] }
		partialSort(place, k, less)
		place = place[:k]
		slices.Sort(place)
	}
	return place
}

// partialSort brings the k least elements of x to its front (quickselect, with
// the median of three as pivot).
func partialSort(x []int32, k int, less func(a, b int32) bool) {
	for len(x) > 1 && k > 0 && k < len(x) {
		a, b, c := x[0], x[len(x)/2], x[len(x)-1]
		if less(b, a) {
			a, b = b, a
		}
		if less(c, b) {
			b = c
			if less(b, a) {
				b = a
			}
		}
		i, j := 0, len(x)-1
		for i <= j {
			for less(x[i], b) {
				i++
			}
			for less(b, x[j]) {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k <= j+1:
			x = x[:j+1]
		case k >= i:
			x, k = x[i:], k-i
		default:
			return
		}
	}
}

// poisson1 returns a Poisson variate of mean 1 made from a draw: how often a
// patient stands in a bootstrap sample.
func poisson1(u uint64) int {
	x, p, k := uniform(u), 0.36787944117144233, 0
	for x >= p && k < 16 {
		x -= p
		k++
		p /= float64(k)
	}
	return k
}
