package judge

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// ClopperPearson returns the exact two-sided interval of a proportion of k in n.
func ClopperPearson(k, n int, level float64) (low, high float64) {
	tail := (1 - level) / 2
	low, high = 0, 1
	if k > 0 {
		low = betaQuantile(tail, float64(k), float64(n-k+1))
	}
	if k < n {
		high = betaQuantile(1-tail, float64(k+1), float64(n-k))
	}
	return low, high
}

func betaQuantile(q, a, b float64) float64 { return distuv.Beta{Alpha: a, Beta: b}.Quantile(q) }

// Wilson returns the score interval of a proportion of k in n (Wilson, J. Am.
// Stat. Assoc. 22, 1927).
func Wilson(k, n int, level float64) (low, high float64) {
	return WilsonShare(float64(k)/float64(n), float64(n), level)
}

// WilsonShare is [Wilson] for a share p of effectively n trials.
func WilsonShare(p, n, level float64) (low, high float64) {
	z := normalQuantile(level)
	c := (p + z*z/(2*n)) / (1 + z*z/n)
	h := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return min(p, max(0, c-h)), max(p, min(1, c+h)) // the ends of p = 0 and 1 are exact
}

// McNemar returns the exact two-sided p that the b rows which only one rule got
// right and the c rows which only the other got right are equally likely:
//
//	p = min(1, 2 Σ_{i ≤ min(b,c)} C(b+c, i) / 2^(b+c))
func McNemar(b, c int) float64 {
	n, p := float64(b+c), 0.0
	for i := range min(b, c) + 1 {
		p += math.Exp(logChoose(n, float64(i)) - n*math.Ln2)
	}
	return min(1, 2*p)
}

func logChoose(n, k float64) float64 {
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return a - b - c
}

// RankSum returns the two-sided p of the rank-sum test that scores of both
// classes have one distribution, by the normal approximation with ties and
// continuity correction.
func RankSum(y []int, s []float64) float64 {
	var n1, n0 float64
	for _, k := range y {
		n1 += float64(k)
		n0 += 1 - float64(k)
	}
	d := (AUC(y, s) - 0.5) * n1 * n0
	n, ties := n1+n0, 0.0
	order := increasing(s)
	for lo := 0; lo < len(order); {
		hi := tied(s, order, lo)
		t := float64(hi - lo)
		ties += t*t*t - t
		lo = hi
	}
	sigma := math.Sqrt(n1 * n0 / 12 * (n + 1 - ties/(n*(n-1))))
	return min(1, 2*distuv.UnitNormal.Survival(max(0, math.Abs(d)-0.5)/sigma))
}
