package judge

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Recalibration is a logistic regression of the outcome on the log-odds of p:
// intercept 0 and slope 1 for calibrated probabilities. InTheLarge is the
// intercept with the slope fixed at 1: 0 if the mean of p is the share of
// events. What has no finite maximum of the likelihood is NaN.
type Recalibration struct{ Intercept, Slope, InTheLarge float64 }

// Recalibrate fits both regressions (Cox, Biometrika 45, 1958).
func Recalibrate(y []int, p []float64) Recalibration {
	sameLength("Recalibrate", len(y), len(p))
	r := Recalibration{InTheLarge: CalibrationInTheLarge(y, p)}
	r.Intercept, r.Slope = line(y, p)
	return r
}

// CalibrationSlope is that of [Recalibrate].
func CalibrationSlope(y []int, p []float64) float64 {
	_, slope := line(y, p)
	return slope
}

// CalibrationInTheLarge is that of [Recalibrate].
func CalibrationInTheLarge(y []int, p []float64) float64 {
	b, err := LogisticRegression(nil, floats(y), logits(p))
	if err != nil {
		return math.NaN()
	}
	return b[0]
}

// line returns intercept and slope of the outcome's regression on log-odds.
func line(y []int, p []float64) (intercept, slope float64) {
	b, err := LogisticRegression([][]float64{logits(p)}, floats(y), nil)
	if err != nil {
		return math.NaN(), math.NaN()
	}
	return b[0], b[1]
}

func logits(p []float64) []float64 {
	x := make([]float64, len(p))
	for i := range p {
		x[i] = Logit(p[i])
	}
	return x
}

// Distance summarises |p − observed| over the rows, with the observed share of
// events at p by local regression (Austin and Steyerberg, Stat. Med. 38, 2019).
type Distance struct {
	ICI            float64 // mean
	E50, E90, Emax float64 // median, 90 % quantile, largest
}

// CalibrationDistance returns the distances of p to the loess curve of y on p
// with span 0.75 and degree 2.
func CalibrationDistance(y []int, p []float64) Distance {
	curve := Loess(p, floats(y), p, 0.75)
	d := make([]float64, len(p))
	for i := range p {
		d[i] = math.Abs(p[i] - curve[i])
	}
	slices.Sort(d)
	if len(d) == 0 {
		return Distance{math.NaN(), math.NaN(), math.NaN(), math.NaN()}
	}
	return Distance{ICI: mean(d), E50: Quantile(d, 0.5), E90: Quantile(d, 0.9), Emax: d[len(d)-1]}
}

// Bin is a group of rows with like probabilities.
type Bin struct {
	N              int
	Mean, Observed float64 // mean probability, share of events
}

// WidthBins puts rows into bins of equal width, p = 1 into the last, and leaves
// out empty ones.
func WidthBins(y []int, p []float64, bins int) []Bin {
	place := make([]int, len(p))
	for i := range p {
		place[i] = min(int(p[i]*float64(bins)), bins-1)
	}
	return collect(y, p, place, bins)
}

// MassBins puts rows, in increasing order of p, into bins of equal numbers; the
// first n mod bins have one more.
func MassBins(y []int, p []float64, bins int) []Bin {
	place := make([]int, len(p))
	size, more := len(p)/bins, len(p)%bins
	for at, i := range increasing(p) {
		if large := more * (size + 1); at < large {
			place[i] = at / (size + 1)
		} else {
			place[i] = more + (at-large)/size
		}
	}
	return collect(y, p, place, bins)
}

func collect(y []int, p []float64, place []int, bins int) []Bin {
	sameLength("bins", len(y), len(p))
	all := make([]Bin, bins)
	for i, b := range place {
		all[b].N++
		all[b].Mean += p[i]
		all[b].Observed += float64(y[i])
	}
	filled := all[:0]
	for _, b := range all {
		if b.N > 0 {
			b.Mean /= float64(b.N)
			b.Observed /= float64(b.N)
			filled = append(filled, b)
		}
	}
	return filled
}

// ECE returns the expected calibration error, the mean over the rows of
// |observed − mean| of their bin, and the largest over the bins.
func ECE(bins []Bin) (expected, largest float64) {
	n := 0
	for _, b := range bins {
		d := math.Abs(b.Observed - b.Mean)
		expected += d * float64(b.N)
		largest = max(largest, d)
		n += b.N
	}
	return expected / float64(n), largest
}

// HosmerLemeshow returns the test of calibration over groups cut at the
// quantiles of p (type 7, right-closed), equal cuts taken as one:
//
//	χ² = Σ (O − E)²/(E (1 − E/n)),    degrees of freedom = groups − 2
//
// with O events of n rows and E the sum of their p (Hosmer and Lemeshow, Commun.
// Stat. 9, 1980). It depends on the cuts and does not say what is wrong; it is
// here because reviewers ask for it.
func HosmerLemeshow(y []int, p []float64, groups int) (chi2, prob float64, sizes []int) {
	sameLength("HosmerLemeshow", len(y), len(p))
	s := slices.Sorted(slices.Values(p))
	cuts := make([]float64, groups+1)
	for g := range cuts {
		cuts[g] = Quantile(s, float64(g)/float64(groups))
	}
	cuts = slices.Compact(cuts)
	groups = len(cuts) - 1
	if groups < 3 {
		return math.NaN(), math.NaN(), nil
	}
	sizes = make([]int, groups)
	observed, expected := make([]float64, groups), make([]float64, groups)
	for i := range p {
		g, _ := slices.BinarySearch(cuts, p[i])
		g = min(max(g-1, 0), groups-1)
		sizes[g]++
		observed[g] += float64(y[i])
		expected[g] += p[i]
	}
	for g, n := range sizes {
		d := observed[g] - expected[g]
		chi2 += d * d / (expected[g] * (1 - expected[g]/float64(n)))
	}
	return chi2, distuv.ChiSquared{K: float64(groups - 2)}.Survival(chi2), sizes
}

// Spiegelhalter returns the z of the test that the Brier score is what
// calibrated probabilities would have (Stat. Med. 5, 1986):
//
//	z = Σ (y − p)(1 − 2p) / √Σ (1 − 2p)² p(1 − p)
func Spiegelhalter(y []int, p []float64) (z, prob float64) {
	sameLength("Spiegelhalter", len(y), len(p))
	var num, den float64
	for i := range p {
		c := 1 - 2*p[i]
		num += (float64(y[i]) - p[i]) * c
		den += c * c * p[i] * (1 - p[i])
	}
	z = num / math.Sqrt(den)
	return z, 2 * distuv.UnitNormal.Survival(math.Abs(z))
}
