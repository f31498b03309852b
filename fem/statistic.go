package fem

import (
	"math"
	"slices"
)

// sample is a set of values with the volumes they stand for, in rising order of
// the values.
type sample []weighted

type weighted struct{ value, volume float64 }

// sort puts a sample in order; among equal values by volume, so that sums have
// the same bits however the sample was collected.
func (s sample) sort() {
	slices.SortFunc(s, weighted.compare)
}

// compare orders by value, then by volume. Neither is NaN, which makes it much
// faster than cmp.Compare.
func (a weighted) compare(b weighted) int {
	switch {
	case a.value < b.value:
		return -1
	case a.value > b.value:
		return 1
	case a.volume < b.volume:
		return -1
	case a.volume > b.volume:
		return 1
	}
	return 0
}

// tagged is a value with the regions that hold its place, by bit.
type tagged struct {
	weighted
	in uint8
}

// fewTagged is the number of values up to which comparing them sorts faster than
// counting digits.
const fewTagged = 1 << 12

// sortTagged puts values in the order of [weighted.compare], many of them digit by
// digit of their bits, from the last.
func sortTagged(all []tagged) {
	byValue := func(a, b tagged) int { return a.compare(b.weighted) }
	if len(all) <= fewTagged {
		slices.SortFunc(all, byValue)
		return
	}
	type place struct {
		key uint64
		n   int32
	}
	const bits, digits = 11, 6 // 66 bits
	var count [digits][1 << bits]int32
	from, to := make([]place, len(all)), make([]place, len(all))
	for n := range all {
		key := math.Float64bits(all[n].value + 0) // one zero, not two
		if key>>63 != 0 {
			key = ^key
		} else {
			key |= 1 << 63
		}
		from[n] = place{key, int32(n)}
		for d := range count {
			count[d][key>>(bits*d)&(1<<bits-1)]++
		}
	}
	for d := range count {
		c := &count[d]
		var sum int32
		for b, n := range c {
			c[b], sum = sum, sum+n
		}
		for _, p := range from {
			b := p.key >> (bits * d) & (1<<bits - 1)
			to[c[b]] = p
			c[b]++
		}
		from, to = to, from
	}
	sorted := make([]tagged, len(all))
	for n, p := range from {
		sorted[n] = all[p.n]
	}
	copy(all, sorted)
	for lo := 0; lo < len(all); {
		hi := lo + 1
		for hi < len(all) && from[hi].key == from[lo].key {
			hi++
		}
		slices.SortFunc(all[lo:hi], byValue)
		lo = hi
	}
}

func (s sample) volume() (sum float64) {
	for _, w := range s {
		sum += w.volume
	}
	return sum
}

// mean is NaN for an empty sample, as are all statistics.
func (s sample) mean() float64 {
	var sum, volume float64
	for _, w := range s {
		sum += w.value * w.volume
		volume += w.volume
	}
	return sum / volume
}

func (s sample) sd() float64 {
	m := s.mean()
	var sum, volume float64
	for _, w := range s {
		sum += (w.value - m) * (w.value - m) * w.volume
		volume += w.volume
	}
	return math.Sqrt(sum / volume)
}

// percentile returns the smallest value at or below which p % of the volume
// lies, the inverse of the distribution function without interpolation; at 100
// the largest, which may stand for no volume.
func (s sample) percentile(p float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	if p >= 100 {
		return s[len(s)-1].value
	}
	goal, sum := p/100*s.volume(), 0.0
	for _, w := range s[:len(s)-1] {
		if sum += w.volume; sum >= goal {
			return w.value
		}
	}
	return s[len(s)-1].value
}

// top returns the mean over the part of that volume, mm³, with the highest
// values: the tail mean or superquantile of Rockafellar and Uryasev (J Risk 2
// (2000) 21). The lowest point of the part counts with what is missing to the
// volume; a sample that is smaller counts whole. Unlike the maximum it converges
// under refinement at a stair-stepped border, where stress has a spike that is
// as narrow as the elements are small.
func (s sample) top(volume float64) float64 {
	var sum, taken float64
	for n := len(s) - 1; n >= 0 && taken < volume; n-- {
		v := min(s[n].volume, volume-taken)
		sum += s[n].value * v
		taken += v
	}
	return sum / taken
}

// above returns the volume with values over the limit, mm³.
func (s sample) above(limit float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	var sum float64
	for n := len(s) - 1; n >= 0 && s[n].value > limit; n-- {
		sum += s[n].volume
	}
	return sum
}
