package judge

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Interval is a value with its confidence limits.
type Interval struct{ Value, Low, High float64 }

// sameLength panics if slices that run over the same rows do not.
func sameLength(of string, n int, lengths ...int) {
	for _, m := range lengths {
		if m != n {
			panic(fmt.Sprintf("judge: %s: %d and %d rows", of, n, m))
		}
	}
}

// increasing returns the places of x in increasing order of value, equal values
// in the order of their places.
func increasing(x []float64) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	return order
}

// tied returns the end of the run of equal values that starts at place lo of
// the order.
func tied(x []float64, order []int, lo int) int {
	hi := lo + 1
	for hi < len(order) && x[order[hi]] == x[order[lo]] {
		hi++
	}
	return hi
}

// Midranks returns the rank of each value, 1 … n, ties sharing their mean.
func Midranks(x []float64) []float64 {
	rank := make([]float64, len(x))
	order := increasing(x)
	for lo := 0; lo < len(order); {
		hi := tied(x, order, lo)
		for _, i := range order[lo:hi] {
			rank[i] = float64(lo+hi+1) / 2
		}
		lo = hi
	}
	return rank
}

// Spearman returns the rank correlation of x and y, ties sharing their mean
// rank. It is NaN if one of them is constant.
func Spearman(x, y []float64) float64 {
	sameLength("Spearman", len(x), len(y))
	return pearson(Midranks(x), Midranks(y))
}

func pearson(x, y []float64) float64 {
	mx, my := mean(x), mean(y)
	var sxx, syy, sxy float64
	for i := range x {
		dx, dy := x[i]-mx, y[i]-my
		sxx += dx * dx
		syy += dy * dy
		sxy += dx * dy
	}
	return sxy / math.Sqrt(sxx*syy)
}

func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// Quantile returns the q quantile of increasing x, linear between the values at
// (n − 1)q: type 7 of Hyndman and Fan (1996), the default of R and NumPy.
func Quantile(x []float64, q float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	h := q * float64(len(x)-1)
	lo := int(math.Floor(h))
	if lo+1 >= len(x) {
		return x[len(x)-1]
	}
	return x[lo] + (h-float64(lo))*(x[lo+1]-x[lo])
}
