package steps

// key is a counter-based random number: a function of a seed, a purpose and
// names, so that it does not depend on where a row stands.
func key(seed uint64, purpose string, names ...string) uint64 {
	h := mix(seed)
	for _, s := range append([]string{purpose}, names...) {
		h = mix(h ^ uint64(len(s)))
		for i := range len(s) {
			h = mix(h ^ uint64(s[i]))
		}
	}
	return h
}

// mix is a step of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// uniform returns the number of a key, in [0, 1).
func uniform(k uint64) float64 { return float64(k>>11) / (1 << 53) }
