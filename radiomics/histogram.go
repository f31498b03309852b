package radiomics

import "math"

// histogram counts the voxels of each grey level.
type histogram struct {
	*sample           // of the levels
	n       []float64 // voxels of level i+1
	slope   []float64 // gradient of n
	lo      int       // smallest level that occurs
	hi      int       // largest
}

// newHistogram counts levels between the smallest and the largest that occur.
// The gradient at a level is half the difference of its neighbours, at the ends
// the difference to the one neighbour; it is undefined for one level.
func newHistogram(r *region) *histogram {
	values := make([]float64, len(r.levels))
	for i, l := range r.levels {
		values[i] = float64(l)
	}
	h := &histogram{sample: newSample(values)}
	h.lo, h.hi = int(h.min()), int(h.max())
	h.n = make([]float64, h.hi-h.lo+1)
	for _, l := range r.levels {
		h.n[l-h.lo]++
	}
	if last := len(h.n) - 1; last > 0 {
		h.slope = make([]float64, len(h.n))
		for i := range h.n {
			a, b := max(i-1, 0), min(i+1, last)
			h.slope[i] = (h.n[b] - h.n[a]) / float64(b-a)
		}
	}
	return h
}

// mode returns the most frequent level; among several, the one nearest the
// mean, and of two as near the lower.
func (h *histogram) mode() float64 {
	best := 0
	for i, n := range h.n {
		near := math.Abs(float64(i+h.lo)-h.mean) < math.Abs(float64(best+h.lo)-h.mean)
		if n > h.n[best] || n == h.n[best] && near {
			best = i
		}
	}
	return float64(best + h.lo)
}

// entropy returns −Σ p log₂ p.
func (h *histogram) entropy() float64 {
	var e float64
	for _, n := range h.n {
		if n > 0 {
			p := n / float64(len(h.x))
			e -= p * math.Log2(p)
		}
	}
	return e
}

// uniformity returns Σ p².
func (h *histogram) uniformity() float64 {
	var u float64
	for _, n := range h.n {
		p := n / float64(len(h.x))
		u += p * p
	}
	return u
}

// steepest returns the extreme slope, largest for sign +1 and smallest for −1,
// and the first level that has it; NaN for one level.
func (h *histogram) steepest(sign float64) (slope, level float64) {
	if h.slope == nil {
		return math.NaN(), math.NaN()
	}
	best := 0
	for i, s := range h.slope {
		if sign*s > sign*h.slope[best] {
			best = i
		}
	}
	return h.slope[best], float64(best + h.lo)
}

// histogramFeatures are IBSI's intensity histogram features, section 3.4.
var histogramFeatures = []def[*histogram]{
	{"mean", "level", "X6K6", "Mean grey level.", func(h *histogram) float64 { return h.mean }},
	{"variance", "level²", "CH89", "Variance of the grey levels (divided by n).", func(h *histogram) float64 { return h.m2 }},
	{"skewness", "1", "88K1", "Asymmetry of the grey levels.", func(h *histogram) float64 { return h.skewness() }},
	{"kurtosis", "1", "C3I7", "Weight of the tails of the grey levels; 0 for a normal distribution.", func(h *histogram) float64 { return h.kurtosis() }},
	{"median", "level", "WIFQ", "Median grey level.", func(h *histogram) float64 { return h.p50 }},
	{"minimum", "level", "1PR8", "Smallest grey level.", func(h *histogram) float64 { return h.min() }},
	{"p10", "level", "GPMT", "10th percentile of the grey levels.", func(h *histogram) float64 { return h.p10 }},
	{"p90", "level", "OZ0C", "90th percentile of the grey levels.", func(h *histogram) float64 { return h.p90 }},
	{"maximum", "level", "3NCY", "Largest grey level.", func(h *histogram) float64 { return h.max() }},
	{"mode", "level", "AMMC", "Most frequent grey level; among several the nearest to the mean.", (*histogram).mode},
	{"interquartile_range", "level", "WR0O", "75th minus 25th percentile of the grey levels.", func(h *histogram) float64 { return h.q3 - h.q1 }},
	{"range", "level", "5Z3W", "Largest minus smallest grey level.", func(h *histogram) float64 { return h.max() - h.min() }},
	{"mean_absolute_deviation", "level", "D2ZX", "Mean distance from the mean grey level.", func(h *histogram) float64 { return h.mad }},
	{"robust_mean_absolute_deviation", "level", "WRZB", "Mean distance from the mean between the 10th and 90th percentile.", func(h *histogram) float64 { return h.rmad }},
	{"median_absolute_deviation", "level", "4RNL", "Mean distance from the median grey level.", func(h *histogram) float64 { return h.med }},
	{"coefficient_of_variation", "1", "CWYJ", "Standard deviation of the grey levels divided by their mean.", func(h *histogram) float64 { return math.Sqrt(h.m2) / h.mean }},
	{"quartile_coefficient_of_dispersion", "1", "SLWD", "Interquartile range divided by the sum of the quartiles.", func(h *histogram) float64 { return (h.q3 - h.q1) / (h.q3 + h.q1) }},
	{"entropy", "bit", "TLU2", "Disorder of the grey levels.", (*histogram).entropy},
	{"uniformity", "1", "BJ5W", "Sum of the squared frequencies of the grey levels.", (*histogram).uniformity},
	{"maximum_gradient", "voxel", "12CE", "Steepest rise of the histogram per level.", func(h *histogram) float64 { s, _ := h.steepest(1); return s }},
	{"maximum_gradient_level", "level", "8E6O", "Grey level of the steepest rise.", func(h *histogram) float64 { _, l := h.steepest(1); return l }},
	{"minimum_gradient", "voxel", "VQB3", "Steepest fall of the histogram per level.", func(h *histogram) float64 { s, _ := h.steepest(-1); return s }},
	{"minimum_gradient_level", "level", "RHQZ", "Grey level of the steepest fall.", func(h *histogram) float64 { _, l := h.steepest(-1); return l }},
}
