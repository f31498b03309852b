package classifier

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/risk"
)

// level is the coverage of all intervals.
const level = 0.95

// student is Student's distribution with J − 1 degrees of freedom, as in the
// corrected resampled t-test.
func student(folds int) distuv.StudentsT {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(folds - 1)}
}

// same is the difference of AUCs that is rounding.
const same = 1e-9

// foldMean returns the mean of a statistic over the J test folds of a repeated
// K-fold cross-validation, its standard error and J,
//
//	SE² = (1/J + 1/(K − 1)) S²                                     (E.1)
//
// with S² the sample variance over the folds. The second term stands for what
// folds have in common: each is in the training data of the others (Nadeau and
// Bengio, Machine Learning 52, 2003; for K folds the ratio of test to training
// rows is 1/(K − 1)). Folds in which the statistic is not defined are left out.
func foldMean(x []float64, folds int) (mean, se float64, n int) {
	var sum float64
	for _, v := range x {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	if n < 2 {
		return math.NaN(), math.NaN(), n
	}
	mean = sum / float64(n)
	var s2 float64
	for _, v := range x {
		if !math.IsNaN(v) {
			s2 += (v - mean) * (v - mean)
		}
	}
	s2 /= float64(n - 1)
	return mean, math.Sqrt(s2 * (1/float64(n) + 1/float64(folds-1))), n
}

// aucInterval returns the interval of an AUC from the AUCs of the test folds.
// It is symmetric in the angle φ = arcsin √A, and so stays within 0 and 1:
//
//	φ ± t SE / (2 √(A(1 − A)))                                     (E.2)
//
// with t Student's quantile for J − 1 degrees of freedom. The variance of a mean
// of values between 0 and 1 goes like A(1 − A); on this scale it does not depend
// on A. If the folds do not differ, as with a perfect ranking, the number of the
// rarer class bounds it by Wilson's interval.
func aucInterval(x []float64, folds, rarer int) risk.Interval {
	a, se, n := foldMean(x, folds)
	if math.IsNaN(a) {
		return risk.Interval{Value: risk.NaN(), Low: risk.NaN(), High: risk.NaN()}
	}
	if v := a * (1 - a); se > same && v > same {
		phi, h := math.Asin(math.Sqrt(a)), student(n).Quantile(1-(1-level)/2)*se/(2*math.Sqrt(v))
		low, high := math.Sin(max(0, phi-h)), math.Sin(min(math.Pi/2, phi+h))
		return risk.Interval{Value: risk.Number(a), Low: risk.Number(low * low), High: risk.Number(high * high)}
	}
	low, high := judge.WilsonShare(a, float64(max(rarer, 1)), level)
	return risk.Interval{Value: risk.Number(a), Low: risk.Number(low), High: risk.Number(high)}
}

// differenceInterval returns the interval and two-sided p of the mean of
// differences over the test folds: the corrected resampled t-test.
func differenceInterval(x []float64, folds int) (risk.Interval, risk.Number) {
	d, se, n := foldMean(x, folds)
	if n < 2 {
		return risk.Interval{Value: risk.NaN(), Low: risk.NaN(), High: risk.NaN()}, risk.NaN()
	}
	t := student(n)
	h := t.Quantile(1-(1-level)/2) * se
	out := risk.Interval{Value: risk.Number(d), Low: risk.Number(d - h), High: risk.Number(d + h)}
	if se < same {
		if math.Abs(d) < same {
			return out, 1
		}
		return out, 0
	}
	return out, risk.Number(2 * t.Survival(math.Abs(d)/se))
}
