package intensity

import (
	"math"

	"github.com/plaquerisk/plaquerisk/feature"
)

// Histogram describes the grey levels of a region.
type Histogram struct {
	Statistics           // of the levels
	Counts     []int     // voxels on the levels from Min to Max
	Slope      []float64 // gradient of Counts; empty for one level
	Entropy    float64   // bit
	Uniformity float64
}

// Count returns the number of voxels on each grey level, 0 to the largest, in
// the memory of counts if that is enough.
func Count[L uint8 | uint16 | uint32 | int32 | int](counts []int, levels []L) []int {
	var top L
	for _, l := range levels {
		top = max(top, l)
	}
	counts = resized(counts, int(top)+1)
	clear(counts)
	for _, l := range levels {
		counts[l]++
	}
	return counts
}

// NewHistogram describes grey levels from the number of voxels on each, as
// [Count] returns it. Levels range from the smallest to the largest that occur.
// The gradient at a level is half the difference of its neighbours' counts, at
// the ends the difference to the one neighbour; it is undefined for one level.
func NewHistogram(w *Workspace, counts []int) *Histogram {
	h := &w.histogram
	lo, hi := 0, len(counts)-1
	for lo <= hi && counts[lo] == 0 {
		lo++
	}
	for hi > lo && counts[hi] == 0 {
		hi--
	}
	if lo > hi {
		describe(w, &h.Statistics, []float64(nil))
		h.Counts, h.Slope, h.Entropy, h.Uniformity = nil, nil, math.NaN(), math.NaN()
		return h
	}
	h.Counts = counts[lo : hi+1]
	describeCounts(&h.Statistics, lo, h.Counts)
	h.Entropy, h.Uniformity = disorder(h.Counts, false)
	h.Slope = nil
	if last := hi - lo; last > 0 {
		w.slope = resized(w.slope, last+1)
		h.Slope = w.slope
		for i := range h.Slope {
			a, b := max(i-1, 0), min(i+1, last)
			h.Slope[i] = float64(h.Counts[b]-h.Counts[a]) / float64(b-a)
		}
	}
	return h
}

// Mode returns the most frequent level; among several the one nearest the mean,
// and of two as near the lower.
func (h *Histogram) Mode() float64 {
	if len(h.Counts) == 0 {
		return math.NaN()
	}
	best := 0
	for i, n := range h.Counts {
		near := math.Abs(float64(i)+h.Min-h.Mean) < math.Abs(float64(best)+h.Min-h.Mean)
		if n > h.Counts[best] || n == h.Counts[best] && near {
			best = i
		}
	}
	return float64(best) + h.Min
}

// Steepest returns the extreme slope, largest for sign +1 and smallest for −1,
// and the first level that has it; NaN for one level.
func (h *Histogram) Steepest(sign float64) (slope, level float64) {
	if len(h.Slope) == 0 {
		return math.NaN(), math.NaN()
	}
	best := 0
	for i, s := range h.Slope {
		if sign*s > sign*h.Slope[best] {
			best = i
		}
	}
	return h.Slope[best], float64(best) + h.Min
}

// Values stores the features of [HistogramFeatures] in dst and, unless it is
// nil, what they rest on in support.
func (h *Histogram) Values(dst []float64, support []feature.Support) {
	evaluate(dst, support, HistogramFeatures, h, h.Voxels, h.reason())
	flatReasons(support, HistogramFeatures, &h.Statistics)
}

// HistogramFeatures are IBSI's intensity histogram features, section 3.4.
var HistogramFeatures = []Feature[Histogram]{
	{"mean", "", "X6K6", "level", "Mean grey level.", func(h *Histogram) float64 { return h.Mean }},
	{"variance", "", "CH89", "level²", "Variance of the grey levels (divided by n).", func(h *Histogram) float64 { return h.M2 }},
	{"skewness", "", "88K1", "1", "Asymmetry of the grey levels.", func(h *Histogram) float64 { return h.Skewness() }},
	{"kurtosis", "", "C3I7", "1", "Weight of the tails of the grey levels; 0 for a normal distribution.", func(h *Histogram) float64 { return h.Kurtosis() }},
	{"median", "", "WIFQ", "level", "Median grey level.", func(h *Histogram) float64 { return h.Median }},
	{"minimum", "", "1PR8", "level", "Smallest grey level.", func(h *Histogram) float64 { return h.Min }},
	{"p10", "", "GPMT", "level", "10th percentile of the grey levels.", func(h *Histogram) float64 { return h.P10 }},
	{"p90", "", "OZ0C", "level", "90th percentile of the grey levels.", func(h *Histogram) float64 { return h.P90 }},
	{"maximum", "", "3NCY", "level", "Largest grey level.", func(h *Histogram) float64 { return h.Max }},
	{"mode", "", "AMMC", "level", "Most frequent grey level; among several the nearest to the mean.", (*Histogram).Mode},
	{"interquartile_range", "", "WR0O", "level", "75th minus 25th percentile of the grey levels.", func(h *Histogram) float64 { return h.P75 - h.P25 }},
	{"range", "", "5Z3W", "level", "Largest minus smallest grey level.", func(h *Histogram) float64 { return h.Max - h.Min }},
	{"mean_absolute_deviation", "", "D2ZX", "level", "Mean distance from the mean grey level.", func(h *Histogram) float64 { return h.MeanDeviation }},
	{"robust_mean_absolute_deviation", "", "WRZB", "level", "Mean distance from the mean between the 10th and 90th percentile.", func(h *Histogram) float64 { return h.RobustDeviation }},
	{"median_absolute_deviation", "", "4RNL", "level", "Mean distance from the median grey level.", func(h *Histogram) float64 { return h.MedianDeviation }},
	{"coefficient_of_variation", "", "CWYJ", "1", "Standard deviation of the grey levels divided by their mean.", func(h *Histogram) float64 { return math.Sqrt(h.M2) / h.Mean }},
	{"quartile_coefficient_of_dispersion", "", "SLWD", "1", "Interquartile range divided by the sum of the quartiles.", func(h *Histogram) float64 { return (h.P75 - h.P25) / (h.P75 + h.P25) }},
	{"entropy", "Entropy", "TLU2", "bit", "Disorder of the grey levels.", func(h *Histogram) float64 { return h.Entropy }},
	{"uniformity", "Uniformity", "BJ5W", "1", "Sum of the squared frequencies of the grey levels.", func(h *Histogram) float64 { return h.Uniformity }},
	{"maximum_gradient", "", "12CE", "voxel", "Steepest rise of the histogram per level.", func(h *Histogram) float64 { s, _ := h.Steepest(1); return s }},
	{"maximum_gradient_level", "", "8E6O", "level", "Grey level of the steepest rise.", func(h *Histogram) float64 { _, l := h.Steepest(1); return l }},
	{"minimum_gradient", "", "VQB3", "voxel", "Steepest fall of the histogram per level.", func(h *Histogram) float64 { s, _ := h.Steepest(-1); return s }},
	{"minimum_gradient_level", "", "RHQZ", "level", "Grey level of the steepest fall.", func(h *Histogram) float64 { _, l := h.Steepest(-1); return l }},
}
