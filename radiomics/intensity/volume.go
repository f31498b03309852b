package intensity

import (
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/feature"
)

// Scale says how the intensities of an intensity-volume histogram are made
// discrete, as IBSI's section 3.5 wants it for a kind of intensity.
type Scale int

const (
	// Definite intensities have units and steps of their own: HU. Each step is
	// an intensity. A step of zero takes every intensity as it is.
	Definite Scale = iota
	// FixedWidth puts continuous intensities with units in bins of one width,
	// represented by their centres.
	FixedWidth
	// FixedNumber puts intensities without units in a number of bins, represented
	// by their numbers from 1.
	FixedNumber
)

// VolumeHistogramConfig holds the choices of an intensity-volume histogram.
type VolumeHistogramConfig struct {
	Scale Scale
	Step  float64 // between two intensities (Definite) or width of a bin (FixedWidth)
	Bins  int     // number of bins (FixedNumber); IBSI takes 1000
	// Low and High are the range of re-segmentation, over which the fraction of
	// intensity is counted; NaN takes the smallest and largest intensity of the
	// region. FixedNumber always does that.
	Low, High float64
}

// VolumeHistogram tells which part of a region has at least an intensity. With
// ν(g) the fraction of voxels of at least g, and γ(g) = (g − low)/(high − low)
// the place of g in the range,
//
//	Vx = max{ν(g) : γ(g) ≥ x%},   Ix = min{g : ν(g) ≤ x%}                (R.8)
//
// Where more than x% of the voxels have the largest intensity, Ix is one step
// above it.
type VolumeHistogram struct {
	Voxels   int
	V10, V90 float64 // fraction of volume at 10 % and 90 % of the range of intensity
	I10, I90 float64 // intensity that at most 10 % and 90 % of the volume reach
	Area     float64 // ∫ ν dγ, by trapezoids
	why      feature.Reason
}

// maxSteps bounds the intensities of an intensity-volume histogram.
const maxSteps = 1 << 24

// NewVolumeHistogram makes the intensity-volume histogram of the intensities x.
// It fails if the configuration leads to no scale, or to one of too many steps.
func NewVolumeHistogram[F float32 | float64](w *Workspace, x []F, cfg VolumeHistogramConfig) (*VolumeHistogram, error) {
	nan := math.NaN()
	v := &w.volume
	*v = VolumeHistogram{Voxels: len(x), V10: nan, V90: nan, I10: nan, I90: nan, Area: nan}
	if len(x) == 0 {
		v.why = feature.EmptyRegion
		return v, nil
	}
	lo, hi, _ := extent(x)
	if d := hi - lo; math.IsNaN(d) || math.IsInf(d, 0) {
		v.why = feature.NotFinite
		return v, nil
	}
	low, high := lo, hi
	if cfg.Scale != FixedNumber {
		if !math.IsNaN(cfg.Low) {
			low = cfg.Low
		}
		if !math.IsNaN(cfg.High) {
			high = cfg.High
		}
	}
	if low > high {
		return nil, fmt.Errorf("intensity-volume histogram from %g to %g: the range is empty", low, high)
	}
	// Intensity n of the scale is first + n·step; x lies in step ⌊(x − origin)/step⌋.
	var first, step, origin, width float64
	n := 1
	switch cfg.Scale {
	case Definite:
		if cfg.Step == 0 {
			v.continuous(w, toFloat64(w, x), lo, hi, low, high)
			return v, nil
		}
		first, step, width = low, cfg.Step, cfg.Step
		origin = low - step/2
		n += int(min(math.Round((high-low)/step), maxSteps))
	case FixedWidth:
		first, step, width, origin = low+cfg.Step/2, cfg.Step, cfg.Step, low
		n = int(min(math.Ceil((high-low)/step-1e-9), maxSteps))
		if math.IsNaN(cfg.High) { // the largest intensity needs a bin of its own at a bin's edge
			n = int(min(math.Floor((high-low)/step), maxSteps)) + 1
		}
		n = max(n, 1)
	case FixedNumber:
		first, step, origin, n = 1, 1, lo, cfg.Bins
		width = (hi - lo) / float64(cfg.Bins)
	}
	if !(step > 0) || n < 1 || n >= maxSteps {
		return nil, fmt.Errorf("intensity-volume histogram from %g to %g with step %g, %d bins: no scale of 1 to %d steps", low, high, cfg.Step, cfg.Bins, maxSteps-1)
	}
	w.counts = resized(w.counts, n)
	clear(w.counts)
	for _, f := range x {
		k := 0.0
		if width > 0 {
			k = (float64(f) - origin) / width
		}
		w.counts[int(min(max(k, 0), float64(n-1)))]++
	}
	v.count(w.counts, first, step)
	return v, nil
}

// toFloat64 copies x into the workspace.
func toFloat64[F float32 | float64](w *Workspace, x []F) []float64 {
	w.gather = w.gather[:0]
	for _, f := range x {
		w.gather = append(w.gather, float64(f))
	}
	return w.gather
}

// count fills v from the voxels on each step of a scale.
func (v *VolumeHistogram) count(counts []int, first, step float64) {
	n, total := len(counts), float64(v.Voxels)
	above := v.Voxels // voxels of at least the step
	at10, at90 := n, n
	v10, v90 := int(math.Ceil(0.1*float64(n-1)-1e-9)), int(math.Ceil(0.9*float64(n-1)-1e-9))
	var area float64
	for i, c := range counts {
		nu := float64(above) / total
		if at10 == n && nu <= 0.1 {
			at10 = i
		}
		if at90 == n && nu <= 0.9 {
			at90 = i
		}
		if i == v10 {
			v.V10 = nu
		}
		if i == v90 {
			v.V90 = nu
		}
		if i == 0 || i == n-1 {
			nu /= 2
		}
		area += nu
		above -= c
	}
	v.I10, v.I90 = first+float64(at10)*step, first+float64(at90)*step
	v.Area = area / float64(n-1)
	if n == 1 {
		v.V10, v.V90, v.Area = math.NaN(), math.NaN(), math.NaN()
		v.why = feature.OneLevel
	}
}

// continuous fills v from intensities x that need no steps, which run from lo to
// hi, over the range from low to high. x is in the workspace.
func (v *VolumeHistogram) continuous(w *Workspace, x []float64, lo, hi, low, high float64) {
	n := len(x)
	fraction := func(of float64) float64 {
		g, above := low+of*(high-low), 0
		for _, f := range x {
			if f >= g {
				above++
			}
		}
		return float64(above) / float64(n)
	}
	// The smallest intensity that at most a part of the voxels reach: that of the
	// rank, unless voxels of lower rank share it.
	intensity := func(of float64) float64 {
		rank := n - int(math.Floor(of*float64(n)+1e-9))
		if rank >= n {
			return hi
		}
		ranks, found := [1]int{rank}, [1]float64{}
		orderStatistics(w, x, lo, hi, ranks[:], found[:])
		above, next := 0, math.Inf(1)
		for _, f := range x {
			if f >= found[0] {
				above++
			}
			if f > found[0] {
				next = min(next, f)
			}
		}
		if above > n-rank && !math.IsInf(next, 0) {
			return next
		}
		return found[0]
	}
	v.I10, v.I90 = intensity(0.1), intensity(0.9)
	if low == high {
		v.why = feature.OneLevel
		return
	}
	v.V10, v.V90 = fraction(0.1), fraction(0.9)
	var sum float64
	for _, f := range x {
		sum += min(max((f-low)/(high-low), 0), 1)
	}
	v.Area = sum / float64(n)
}

// Values stores the features of [VolumeHistogramFeatures] in dst and, unless it
// is nil, what they rest on in support.
func (v *VolumeHistogram) Values(dst []float64, support []feature.Support) {
	evaluate(dst, support, VolumeHistogramFeatures, v, v.Voxels, v.why)
}

// VolumeHistogramFeatures are IBSI's features of the intensity-volume histogram,
// section 3.5, and the area under the curve, which has no reference value. Codes
// are those of the feature with its parameter.
var VolumeHistogramFeatures = []Feature[VolumeHistogram]{
	{"volume_fraction_at_10_percent_intensity", "", "NK6P", "1", "Part of the voxels at or above the lowest tenth of the intensity range.", func(v *VolumeHistogram) float64 { return v.V10 }},
	{"volume_fraction_at_90_percent_intensity", "", "4279", "1", "Part of the voxels within the highest tenth of the intensity range.", func(v *VolumeHistogram) float64 { return v.V90 }},
	{"intensity_at_10_percent_volume", "", "PWN1", "HU", "Smallest intensity that at most a tenth of the voxels reach.", func(v *VolumeHistogram) float64 { return v.I10 }},
	{"intensity_at_90_percent_volume", "", "BOHI", "HU", "Smallest intensity that at most nine tenths of the voxels reach.", func(v *VolumeHistogram) float64 { return v.I90 }},
	{"volume_fraction_difference", "", "WITY", "1", "Volume fraction at 10 % minus that at 90 % of the intensity range.", func(v *VolumeHistogram) float64 { return v.V10 - v.V90 }},
	{"intensity_difference", "", "JXJA", "HU", "Intensity at 10 % minus that at 90 % of the volume.", func(v *VolumeHistogram) float64 { return v.I10 - v.I90 }},
	{"area_under_curve", "", "9CMM", "1", "Area under the volume fraction over the fraction of the intensity range.", func(v *VolumeHistogram) float64 { return v.Area }},
}
