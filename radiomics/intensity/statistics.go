package intensity

import (
	"math"

	"github.com/plaquerisk/plaquerisk/feature"
)

// Workspace is scratch that one region leaves to the next. Its zero value is
// ready. It serves one goroutine at a time.
type Workspace struct {
	statistics Statistics
	histogram  Histogram
	volume     VolumeHistogram
	local      Local
	first      FirstOrder

	parts   []blockSums
	counts  []int     // voxels per whole number, bucket or level
	slope   []float64 // gradient of a histogram
	buckets []uint16  // of each number
	gather  []float64 // candidates for order statistics
	wanted  []wanted  // the buckets that hold them
	sums    []float64 // of image rows up to each voxel
	present []float64 // finite voxels of image rows up to each voxel
	starts  []int     // of the voxels of each row
	rows    []sphereRow
}

// resized returns s with n elements, reusing its memory; their values are
// arbitrary.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// Statistics describes a set of intensities.
type Statistics struct {
	Voxels             int
	Min, Max           float64
	P10, P25, P75, P90 float64
	Median             float64
	Mean               float64
	M2, M3, M4         float64 // central moments, divided by n
	MeanDeviation      float64 // mean |x − mean|
	RobustDeviation    float64 // the same of the intensities from P10 to P90
	MedianDeviation    float64 // mean |x − median|
	Energy             float64 // Σ x²

	inner, innerVoxels float64 // mean and number of the intensities from P10 to P90
}

// NewStatistics describes the intensities x. The p-th percentile is the value
// at place p(n − 1)/100 of the ascending intensities, linearly interpolated.
func NewStatistics[F float32 | float64](w *Workspace, x []F) *Statistics {
	s := &w.statistics
	describe(w, s, x)
	return s
}

// reason says why undefined statistics are.
func (s *Statistics) reason() feature.Reason {
	switch {
	case s.Voxels == 0:
		return feature.EmptyRegion
	case math.IsNaN(s.Mean):
		return feature.NotFinite
	case s.Voxels == 1:
		return feature.OneVoxel
	case s.M2 == 0:
		return feature.OneLevel
	}
	return feature.Defined
}

// Values stores the features of [StatisticsFeatures] in dst and, unless it is
// nil, what they rest on in support. Skewness and kurtosis of equal intensities
// are 0, as in IBSI's manual, with the reason beside them.
func (s *Statistics) Values(dst []float64, support []feature.Support) {
	evaluate(dst, support, StatisticsFeatures, s, s.Voxels, s.reason())
	flatReasons(support, StatisticsFeatures, s)
}

// flatReasons tells why skewness and kurtosis of equal intensities are what
// convention makes them.
func flatReasons[T any](support []feature.Support, table []Feature[T], s *Statistics) {
	if support == nil || s.M2 != 0 {
		return
	}
	for n := range table {
		if name := table[n].Name; name == "skewness" || name == "kurtosis" {
			support[n].Reason = s.reason()
		}
	}
}

// flat returns v, or zero where the intensities have no spread.
func (s *Statistics) flat(v float64) float64 {
	if s.M2 == 0 {
		return 0
	}
	return v
}

// Skewness returns μ₃/σ³, and 0 without spread.
func (s *Statistics) Skewness() float64 { return s.flat(s.M3 / (s.M2 * math.Sqrt(s.M2))) }

// Kurtosis returns the excess μ₄/σ⁴ − 3, which is 0 for a normal distribution,
// and 0 without spread.
func (s *Statistics) Kurtosis() float64 { return s.flat(s.M4/(s.M2*s.M2) - 3) }

// StatisticsFeatures are IBSI's intensity-based statistics, section 3.3, and
// the standard deviation.
var StatisticsFeatures = []Feature[Statistics]{
	{"mean", "Mean", "Q4LE", "HU", "Mean intensity.", func(s *Statistics) float64 { return s.Mean }},
	{"variance", "Variance", "ECT3", "HU²", "Mean squared distance from the mean (divided by n).", func(s *Statistics) float64 { return s.M2 }},
	{"standard_deviation", "StandardDeviation", "", "HU", "Square root of the variance.", func(s *Statistics) float64 { return math.Sqrt(s.M2) }},
	{"skewness", "Skewness", "KE2A", "1", "Asymmetry; positive if the tail is on the bright side.", (*Statistics).Skewness},
	{"kurtosis", "", "IPH6", "1", "Weight of the tails beside a normal distribution, which has 0.", (*Statistics).Kurtosis},
	{"median", "Median", "Y12H", "HU", "Intensity that half of the voxels exceed.", func(s *Statistics) float64 { return s.Median }},
	{"minimum", "Minimum", "1GSF", "HU", "Smallest intensity.", func(s *Statistics) float64 { return s.Min }},
	{"p10", "10Percentile", "QG58", "HU", "10th percentile of intensity.", func(s *Statistics) float64 { return s.P10 }},
	{"p90", "90Percentile", "8DWT", "HU", "90th percentile of intensity.", func(s *Statistics) float64 { return s.P90 }},
	{"maximum", "Maximum", "84IY", "HU", "Largest intensity.", func(s *Statistics) float64 { return s.Max }},
	{"interquartile_range", "InterquartileRange", "SALO", "HU", "75th minus 25th percentile.", func(s *Statistics) float64 { return s.P75 - s.P25 }},
	{"range", "Range", "2OJQ", "HU", "Largest minus smallest intensity.", func(s *Statistics) float64 { return s.Max - s.Min }},
	{"mean_absolute_deviation", "MeanAbsoluteDeviation", "4FUA", "HU", "Mean distance from the mean.", func(s *Statistics) float64 { return s.MeanDeviation }},
	{"robust_mean_absolute_deviation", "RobustMeanAbsoluteDeviation", "1128", "HU", "Mean distance from the mean between the 10th and 90th percentile.", func(s *Statistics) float64 { return s.RobustDeviation }},
	{"median_absolute_deviation", "", "N72L", "HU", "Mean distance from the median.", func(s *Statistics) float64 { return s.MedianDeviation }},
	{"coefficient_of_variation", "", "7TET", "1", "Standard deviation divided by the mean.", func(s *Statistics) float64 { return math.Sqrt(s.M2) / s.Mean }},
	{"quartile_coefficient_of_dispersion", "", "9S40", "1", "Interquartile range divided by the sum of the quartiles.", func(s *Statistics) float64 { return (s.P75 - s.P25) / (s.P75 + s.P25) }},
	{"energy", "Energy", "N8CA", "HU²", "Sum of squared intensities.", func(s *Statistics) float64 { return s.Energy }},
	{"root_mean_square", "RootMeanSquared", "5ZWQ", "HU", "Square root of the mean squared intensity.", func(s *Statistics) float64 { return math.Sqrt(s.Energy / float64(s.Voxels)) }},
}
