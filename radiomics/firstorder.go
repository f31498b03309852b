package radiomics

import (
	"math"
	"slices"
)

// sample is a set of intensities, as IBSI's statistics family reads it.
type sample struct {
	x              []float64 // ascending
	mean           float64
	m2, m3, m4     float64 // central moments, divided by n
	q1, q3         float64
	p10, p50, p90  float64
	mad, rmad, med float64
	energy         float64
}

// newSample sorts a copy of values, of which there must be at least one.
func newSample(values []float64) *sample {
	s := &sample{x: slices.Clone(values)}
	slices.Sort(s.x)
	s.mean, s.m2, s.m3, s.m4 = moments(s.x)
	s.p10, s.q1, s.p50 = percentile(s.x, 10), percentile(s.x, 25), percentile(s.x, 50)
	s.q3, s.p90 = percentile(s.x, 75), percentile(s.x, 90)
	n := float64(len(s.x))
	var inner, innerN float64
	for _, x := range s.x {
		s.mad += math.Abs(x-s.mean) / n
		s.med += math.Abs(x-s.p50) / n
		s.energy += x * x
		if x >= s.p10 && x <= s.p90 {
			inner += x
			innerN++
		}
	}
	inner /= innerN
	for _, x := range s.x {
		if x >= s.p10 && x <= s.p90 {
			s.rmad += math.Abs(x-inner) / innerN
		}
	}
	return s
}

// moments returns the mean of x and its central moments divided by n, which are
// exactly zero for equal values.
func moments(x []float64) (mean, m2, m3, m4 float64) {
	n := float64(len(x))
	first := x[0] // differences from a value nearby keep the digits
	for _, v := range x {
		mean += v - first
	}
	mean = first + mean/n
	for _, v := range x {
		d := v - mean
		m2 += d * d
		m3 += d * d * d
		m4 += d * d * d * d
	}
	return mean, m2 / n, m3 / n, m4 / n
}

// percentile returns the p-th percentile of ascending x: the value at place
// p(n − 1)/100, linearly interpolated.
func percentile(x []float64, p float64) float64 {
	at := p / 100 * float64(len(x)-1)
	i := int(at)
	if i+1 >= len(x) {
		return x[len(x)-1]
	}
	return x[i] + (at-float64(i))*(x[i+1]-x[i])
}

func (s *sample) min() float64 { return s.x[0] }
func (s *sample) max() float64 { return s.x[len(s.x)-1] }

// skewness returns μ₃/σ³, NaN without spread.
func (s *sample) skewness() float64 { return s.m3 / (s.m2 * math.Sqrt(s.m2)) }

// kurtosis returns μ₄/σ⁴ − 3, NaN without spread.
func (s *sample) kurtosis() float64 { return s.m4/(s.m2*s.m2) - 3 }

// firstOrderFeatures are IBSI's intensity-based statistics, section 3.3.
var firstOrderFeatures = []def[*sample]{
	{"mean", "HU", "Q4LE", "Mean intensity.", func(s *sample) float64 { return s.mean }},
	{"variance", "HU²", "ECT3", "Mean squared distance from the mean (divided by n).", func(s *sample) float64 { return s.m2 }},
	{"standard_deviation", "HU", "", "Square root of the variance.", func(s *sample) float64 { return math.Sqrt(s.m2) }},
	{"skewness", "1", "KE2A", "Asymmetry; positive if the tail is on the bright side.", (*sample).skewness},
	{"kurtosis", "1", "IPH6", "Weight of the tails beside a normal distribution, which has 0.", (*sample).kurtosis},
	{"median", "HU", "Y12H", "Intensity that half of the voxels exceed.", func(s *sample) float64 { return s.p50 }},
	{"minimum", "HU", "1GSF", "Smallest intensity.", (*sample).min},
	{"p10", "HU", "QG58", "10th percentile of intensity.", func(s *sample) float64 { return s.p10 }},
	{"p90", "HU", "8DWT", "90th percentile of intensity.", func(s *sample) float64 { return s.p90 }},
	{"maximum", "HU", "84IY", "Largest intensity.", (*sample).max},
	{"interquartile_range", "HU", "SALO", "75th minus 25th percentile.", func(s *sample) float64 { return s.q3 - s.q1 }},
	{"range", "HU", "2OJQ", "Largest minus smallest intensity.", func(s *sample) float64 { return s.max() - s.min() }},
	{"mean_absolute_deviation", "HU", "4FUA", "Mean distance from the mean.", func(s *sample) float64 { return s.mad }},
	{"robust_mean_absolute_deviation", "HU", "1128", "Mean distance from the mean between the 10th and 90th percentile.", func(s *sample) float64 { return s.rmad }},
	{"median_absolute_deviation", "HU", "N72L", "Mean distance from the median.", func(s *sample) float64 { return s.med }},
	{"coefficient_of_variation", "1", "7TET", "Standard deviation divided by the mean.", func(s *sample) float64 { return math.Sqrt(s.m2) / s.mean }},
	{"quartile_coefficient_of_dispersion", "1", "9S40", "Interquartile range divided by the sum of the quartiles.", func(s *sample) float64 { return (s.q3 - s.q1) / (s.q3 + s.q1) }},
	{"energy", "HU²", "N8CA", "Sum of squared intensities.", func(s *sample) float64 { return s.energy }},
	{"root_mean_square", "HU", "5ZWQ", "Square root of the mean squared intensity.", func(s *sample) float64 { return math.Sqrt(s.energy / float64(len(s.x))) }},
}
