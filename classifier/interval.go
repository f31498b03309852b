package classifier

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/plaquerisk/plaquerisk/risk"
)

// level is the coverage of all intervals.
const level = 0.95

// z is the normal quantile of a two-sided interval of that level.
var z = distuv.UnitNormal.Quantile(1 - (1-level)/2)

// foldMean returns the mean of a statistic over the J test folds of a repeated
// K-fold cross-validation and its standard error,
//
//	SE² = (1/J + 1/(K − 1)) S²                                     (E.1)
//
// with S² the sample variance over the folds. The second term stands for what
// folds have in common: each is in the training data of the others (Nadeau and
// Bengio, Machine Learning 52, 2003; for K folds the ratio of test to training
// rows is 1/(K − 1)). Folds in which the statistic is not defined are left out.
func foldMean(x []float64, folds int) (mean, se float64) {
	var sum float64
	n := 0
	for _, v := range x {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	if n < 2 {
		return math.NaN(), math.NaN()
	}
	mean = sum / float64(n)
	var s2 float64
	for _, v := range x {
		if !math.IsNaN(v) {
			s2 += (v - mean) * (v - mean)
		}
	}
	s2 /= float64(n - 1)
	return mean, math.Sqrt(s2 * (1/float64(n) + 1/float64(folds-1)))
}

// aucInterval returns the interval of an AUC from the AUCs of the test folds.
// It is symmetric in log-odds of the AUC, and so stays within 0 and 1:
//
//	logit A ± z SE / (A(1 − A))                                    (E.2)
//
// If the folds do not differ, as with a perfect ranking, the number of the rarer
// class bounds it by Wilson's interval.
func aucInterval(x []float64, folds, rarer int) risk.Interval {
	a, se := foldMean(x, folds)
	if math.IsNaN(a) {
		return risk.Interval{Value: risk.NaN(), Low: risk.NaN(), High: risk.NaN()}
	}
	if v := a * (1 - a); se > 0 && v > 1e-9 {
		l := math.Log(a / (1 - a))
		return risk.Interval{Value: risk.Number(a), Low: risk.Number(Logistic(l - z*se/v)), High: risk.Number(Logistic(l + z*se/v))}
	}
	low, high := Wilson(a, float64(max(rarer, 1)), level)
	return risk.Interval{Value: risk.Number(a), Low: risk.Number(low), High: risk.Number(high)}
}

// differenceInterval returns the interval and two-sided p of the mean of
// differences over the test folds.
func differenceInterval(x []float64, folds int) (risk.Interval, risk.Number) {
	d, se := foldMean(x, folds)
	out := risk.Interval{Value: risk.Number(d), Low: risk.Number(d - z*se), High: risk.Number(d + z*se)}
	switch {
	case math.IsNaN(d):
		return out, risk.NaN()
	case se == 0 && d == 0:
		return out, 1
	}
	return out, risk.Number(2 * distuv.UnitNormal.Survival(math.Abs(d)/se))
}
