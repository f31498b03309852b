package texture

import "math"

// smallLogs holds n log₂ n of small counts, nearly all that occur.
var smallLogs = func() (t [2048]float64) {
	for n := 2; n < len(t); n++ {
		t[n] = float64(n) * math.Log2(float64(n))
	}
	return t
}()

// nLog2 returns n log₂ n for n ≥ 0, with 0 for n = 0.
func nLog2(n float64) float64 {
	if n < float64(len(smallLogs)) {
		if k := int(n); float64(k) == n {
			return smallLogs[k]
		}
	}
	return n * math.Log2(n)
}

// entropy returns −Σ p log₂ p, in bit, of counts n with p = n/total from
// Σ n log₂ n.
func entropy(nLogN, total float64) float64 {
	return max(0, math.Log2(total)-nLogN/total)
}
