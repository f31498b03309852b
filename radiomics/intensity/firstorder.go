package intensity

import (
	"math"

	"github.com/plaquerisk/plaquerisk/feature"
)

// FirstOrder describes a set of intensities as PyRadiomics does.
type FirstOrder struct {
	Statistics
	VoxelVolume float64 // mm³
	Shift       float64 // voxelArrayShift: added to intensities before they are squared
	Entropy     float64 // bit, of the grey levels
	Uniformity  float64 // of the grey levels
}

// FirstOrderConfig holds what PyRadiomics' first-order features need beside the
// intensities.
type FirstOrderConfig struct {
	VoxelVolume float64 // mm³
	Shift       float64 // voxelArrayShift
	// Counts are the voxels of each grey level, as PyRadiomics makes them for
	// texture: see [Count]. Levels without voxels do not matter.
	Counts []int
}

// NewFirstOrder describes the intensities x.
func NewFirstOrder[F float32 | float64](w *Workspace, x []F, cfg FirstOrderConfig) *FirstOrder {
	f := &w.first
	describe(w, &f.Statistics, x)
	f.VoxelVolume, f.Shift = cfg.VoxelVolume, cfg.Shift
	f.Entropy, f.Uniformity = disorder(cfg.Counts, true)
	return f
}

// disorder returns −Σ p log₂ p and Σ p² of the frequencies p. PyRadiomics adds
// a smallest number to p inside the logarithm, which shows where the entropy is
// zero.
func disorder(counts []int, pyradiomics bool) (entropy, uniformity float64) {
	var total int
	for _, c := range counts {
		total += c
	}
	if total == 0 {
		return math.NaN(), math.NaN()
	}
	const epsilon = 0x1p-52
	for _, c := range counts {
		if c == 0 {
			continue
		}
		p := float64(c) / float64(total)
		uniformity += p * p
		if pyradiomics {
			entropy -= p * math.Log2(p+epsilon)
		} else {
			entropy -= p * math.Log2(p)
		}
	}
	return entropy, uniformity
}

// square returns the mean of (x + shift)², as σ² + (mean + shift)².
func (f *FirstOrder) square() float64 {
	m := f.Mean + f.Shift
	return f.M2 + m*m
}

// Values stores the features of [FirstOrderFeatures] in dst and, unless it is
// nil, what they rest on in support. Skewness and kurtosis of equal intensities
// are 0, as in PyRadiomics, with the reason beside them.
func (f *FirstOrder) Values(dst []float64, support []feature.Support) {
	evaluate(dst, support, FirstOrderFeatures, f, f.Voxels, f.reason())
	flatReasons(support, FirstOrderFeatures, &f.Statistics)
}

// FirstOrderFeatures are PyRadiomics' first-order features in its order, and
// the standard deviation, which it computes on request only.
var FirstOrderFeatures = []Feature[FirstOrder]{
	{"p10", "10Percentile", "QG58", "HU", "10th percentile of intensity.", func(f *FirstOrder) float64 { return f.P10 }},
	{"p90", "90Percentile", "8DWT", "HU", "90th percentile of intensity.", func(f *FirstOrder) float64 { return f.P90 }},
	{"energy", "Energy", "N8CA", "HU²", "Sum of squared, shifted intensities.", func(f *FirstOrder) float64 { return float64(f.Voxels) * f.square() }},
	{"entropy", "Entropy", "TLU2", "bit", "Disorder of the grey levels.", func(f *FirstOrder) float64 { return f.Entropy }},
	{"interquartile_range", "InterquartileRange", "SALO", "HU", "75th minus 25th percentile.", func(f *FirstOrder) float64 { return f.P75 - f.P25 }},
	{"kurtosis", "Kurtosis", "", "1", "Weight of the tails; 3 for a normal distribution (IBSI's IPH6 is 3 less).", func(f *FirstOrder) float64 { return f.flat(f.Kurtosis() + 3) }},
	{"maximum", "Maximum", "84IY", "HU", "Largest intensity.", func(f *FirstOrder) float64 { return f.Max }},
	{"mean_absolute_deviation", "MeanAbsoluteDeviation", "4FUA", "HU", "Mean distance from the mean.", func(f *FirstOrder) float64 { return f.MeanDeviation }},
	{"mean", "Mean", "Q4LE", "HU", "Mean intensity.", func(f *FirstOrder) float64 { return f.Mean }},
	{"median", "Median", "Y12H", "HU", "Intensity that half of the voxels exceed.", func(f *FirstOrder) float64 { return f.Median }},
	{"minimum", "Minimum", "1GSF", "HU", "Smallest intensity.", func(f *FirstOrder) float64 { return f.Min }},
	{"range", "Range", "2OJQ", "HU", "Largest minus smallest intensity.", func(f *FirstOrder) float64 { return f.Max - f.Min }},
	{"robust_mean_absolute_deviation", "RobustMeanAbsoluteDeviation", "1128", "HU", "Mean distance from the mean between the 10th and 90th percentile.", func(f *FirstOrder) float64 { return f.RobustDeviation }},
	{"root_mean_square", "RootMeanSquared", "5ZWQ", "HU", "Square root of the mean squared, shifted intensity.", func(f *FirstOrder) float64 { return math.Sqrt(f.square()) }},
	{"skewness", "Skewness", "KE2A", "1", "Asymmetry; positive if the tail is on the bright side.", func(f *FirstOrder) float64 { return f.Skewness() }},
	{"total_energy", "TotalEnergy", "", "HU²·mm³", "Energy times the volume of a voxel.", func(f *FirstOrder) float64 { return f.VoxelVolume * (float64(f.Voxels) * f.square()) }},
	{"uniformity", "Uniformity", "BJ5W", "1", "Sum of the squared frequencies of the grey levels.", func(f *FirstOrder) float64 { return f.Uniformity }},
	{"variance", "Variance", "ECT3", "HU²", "Mean squared distance from the mean (divided by n).", func(f *FirstOrder) float64 { return f.M2 }},
	{"standard_deviation", "StandardDeviation", "", "HU", "Square root of the variance.", func(f *FirstOrder) float64 { return math.Sqrt(f.M2) }},
}
