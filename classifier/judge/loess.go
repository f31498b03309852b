package judge

import (
	"math"
	"sort"
)

// Loess returns the local quadratic regression of y on x at the places at
// (Cleveland and Devlin, J. Am. Stat. Assoc. 83, 1988), computed at each place
// itself and not interpolated: R's loess with surface = "direct". With h the
// distance of the place x₀ to the ⌊span n⌋-th nearest x, rows weigh
//
//	w = (1 − (|x − x₀|/h)³)³    if |x − x₀| < h, else 0             (J.3)
//
// and the value is that of the weighted least-squares parabola at x₀. Where the
// rows of positive weight do not determine a parabola, it is a line or a
// constant. A place of which more than span of the rows share its x has h = 0:
// it gets their mean.
func Loess(x, y, at []float64, span float64) []float64 {
	sameLength("Loess", len(x), len(y))
	out := make([]float64, len(at))
	n := len(x)
	if n == 0 {
		for i := range out {
			out[i] = math.NaN()
		}
		return out
	}
	q := min(n, max(1, int(float64(n)*span+1e-5)))
	order := increasing(x)
	xs, ys := make([]float64, n), make([]float64, n)
	for i, o := range order {
		xs[i], ys[i] = x[o], y[o]
	}
	for i, x0 := range at {
		lo, hi := nearest(xs, x0, q)
		h := max(x0-xs[lo], xs[hi-1]-x0)
		if h == 0 {
			lo, hi = sort.SearchFloat64s(xs, x0), sort.Search(n, func(i int) bool { return xs[i] > x0 })
		}
		out[i] = localParabola(xs[lo:hi], ys[lo:hi], x0, h)
	}
	return out
}

// nearest returns the window [lo, hi) of the q values of increasing x that are
// nearest to x0.
func nearest(x []float64, x0 float64, q int) (lo, hi int) {
	// The window moves right as long as that brings a nearer value in.
	lo = sort.Search(len(x)-q, func(i int) bool { return x0-x[i] <= x[i+q]-x0 })
	return lo, lo + q
}

// localParabola returns the value at x0 of the weighted least-squares parabola
// of the rows with weights (J.3), by orthogonalising 1, t, t² with t = (x − x₀)/h.
func localParabola(x, y []float64, x0, h float64) float64 {
	if h == 0 {
		return mean(y)
	}
	var w, t []float64
	var v []float64
	for i := range x {
		d := math.Abs(x[i]-x0) / h
		if c := 1 - d*d*d; c > 0 {
			w, t, v = append(w, c*c*c), append(t, (x[i]-x0)/h), append(v, y[i])
		}
	}
	basis := [3][]float64{make([]float64, len(t)), t, make([]float64, len(t))}
	for i := range t {
		basis[0][i], basis[2][i] = 1, t[i]*t[i]
	}
	// at0 follows what each basis function is worth at x₀ while it is made
	// orthogonal to those before it.
	at0 := [3]float64{1, 0, 0}
	var norm [3]float64
	var value float64
	for k, b := range basis {
		before := dot(w, b, b)
		for range 2 { // twice is enough (Kahan and Parlett)
			for j := range k {
				if norm[j] == 0 {
					continue
				}
				r := dot(w, b, basis[j]) / norm[j]
				for i := range b {
					b[i] -= r * basis[j][i]
				}
				at0[k] -= r * at0[j]
			}
		}
		if norm[k] = dot(w, b, b); norm[k] <= 1e-14*before {
			norm[k] = 0 // the rows do not determine this term
			continue
		}
		value += dot(w, b, v) / norm[k] * at0[k]
	}
	return value
}

// dot returns Σ w a b.
func dot(w, a, b []float64) float64 {
	var sum float64
	for i := range w {
		sum += w[i] * a[i] * b[i]
	}
	return sum
}
