package judge

// stream is a counter-based random number: a function of seed, draw and place,
// so that any draw can be made alone, by anybody, in any order.
type stream uint64

// newStream mixes the keys one after the other.
func newStream(keys ...uint64) stream {
	var h uint64
	for _, k := range keys {
		h = mix(h ^ k)
	}
	return stream(h)
}

// mix is a step of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// uniform returns the number of place i, in [0, 1).
func (s stream) uniform(i int) float64 {
	return float64(mix(uint64(s)+uint64(i))>>11) / (1 << 53)
}

// below returns the number of place i, in {0 … n−1}.
func (s stream) below(i, n int) int { return min(n-1, int(s.uniform(i)*float64(n))) }

// shuffle permutes x (Fisher and Yates).
func (s stream) shuffle(x []int) {
	for i := len(x) - 1; i > 0; i-- {
		j := s.below(i, i+1)
		x[i], x[j] = x[j], x[i]
	}
}
