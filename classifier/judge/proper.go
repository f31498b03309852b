package judge

import (
	"fmt"
	"math"
)

// Brier returns the mean squared difference of probability and outcome.
func Brier(y []int, p []float64) float64 {
	sameLength("Brier", len(y), len(p))
	var sum float64
	for i := range p {
		d := p[i] - float64(y[i])
		sum += d * d
	}
	return sum / float64(len(p))
}

// BrierClasses returns the mean over rows of Σ_k (p_k − [y = k])². With two
// classes it is twice [Brier].
func BrierClasses(y []int, p [][]float64) float64 {
	sameLength("BrierClasses", len(y), len(p))
	var sum float64
	for i, row := range p {
		for k, q := range row {
			if k == y[i] {
				q--
			}
			sum += q * q
		}
	}
	return sum / float64(len(p))
}

// least is the smallest probability that the log-loss sees.
const least = 1e-15

// LogLoss returns the mean of −ln of the probability given to what happened,
// with probabilities kept within [1e-15, 1 − 1e-15].
func LogLoss(y []int, p []float64) float64 {
	sameLength("LogLoss", len(y), len(p))
	var sum float64
	for i := range p {
		q := min(max(p[i], least), 1-least)
		if y[i] == 0 {
			q = 1 - q
		}
		sum -= math.Log(q)
	}
	return sum / float64(len(p))
}

// LogLossClasses is [LogLoss] for rows of class probabilities, which are kept
// within the same bounds and then made to add up to 1.
func LogLossClasses(y []int, p [][]float64) float64 {
	sameLength("LogLossClasses", len(y), len(p))
	var sum float64
	for i, row := range p {
		var all float64
		for _, q := range row {
			all += min(max(q, least), 1-least)
		}
		sum -= math.Log(min(max(row[y[i]], least), 1-least) / all)
	}
	return sum / float64(len(p))
}

// Confusion counts rows: Confusion[i][j] of class i were called j.
type Confusion [][]int

// NewConfusion counts outcomes y of the given number of classes against calls.
func NewConfusion(y, called []int, classes int) Confusion {
	sameLength("NewConfusion", len(y), len(called))
	c := make(Confusion, classes)
	for k := range c {
		c[k] = make([]int, classes)
	}
	for i := range y {
		if y[i] < 0 || y[i] >= classes || called[i] < 0 || called[i] >= classes {
			panic(fmt.Sprintf("judge: NewConfusion: class %d called %d of %d classes", y[i], called[i], classes))
		}
		c[y[i]][called[i]]++
	}
	return c
}

// Call returns 1 for probabilities of at least t, else 0.
func Call(p []float64, t float64) []int {
	called := make([]int, len(p))
	for i, v := range p {
		if v >= t {
			called[i] = 1
		}
	}
	return called
}

// Likeliest returns the class of the largest probability of each row, the first
// of equal ones.
func Likeliest(p [][]float64) []int {
	called := make([]int, len(p))
	for i, row := range p {
		for k, q := range row {
			if q > row[called[i]] {
				called[i] = k
			}
		}
	}
	return called
}

// BalancedAccuracy returns the mean over the classes that occur of the share of
// their rows that were called right.
func (c Confusion) BalancedAccuracy() float64 {
	var sum, classes float64
	for k, row := range c {
		n := 0
		for _, m := range row {
			n += m
		}
		if n > 0 {
			sum += float64(row[k]) / float64(n)
			classes++
		}
	}
	return sum / classes
}

// BalancedAccuracy returns the mean of sensitivity and specificity of calling
// probabilities of at least t positive.
func BalancedAccuracy(y []int, p []float64, t float64) float64 {
	return NewConfusion(y, Call(p, t), 2).BalancedAccuracy()
}

// Rate is a proportion k of n with its interval, exact or by Wilson.
type Rate struct {
	K, N int
	Interval
}

// Sensitivity is the share of the events that were called, with its exact
// interval.
func (c Confusion) Sensitivity(level float64) Rate { return exact(c[1][1], c[1][0]+c[1][1], level) }

// Specificity is the share of the others that were not called, with its exact
// interval.
func (c Confusion) Specificity(level float64) Rate { return exact(c[0][0], c[0][0]+c[0][1], level) }

func exact(k, n int, level float64) Rate {
	low, high := ClopperPearson(k, n, level)
	return Rate{k, n, Interval{float64(k) / float64(n), low, high}}
}

// Point is a point of a curve over thresholds.
type Point struct{ Threshold, X, Y float64 }

// ROC returns the corners of the ROC curve: X is 1 − specificity, Y is
// sensitivity, of calling scores of at least the threshold positive.
func ROC(y []int, s []float64) []Point {
	return curve(y, s, func(tp, fp, n1, n0 float64) (float64, float64) { return fp / n0, tp / n1 },
		Point{Threshold: math.Inf(1)})
}

// PrecisionRecall returns the points of the curve of precision (Y) over recall
// (X), one for each threshold.
func PrecisionRecall(y []int, s []float64) []Point {
	return curve(y, s, func(tp, fp, n1, _ float64) (float64, float64) { return tp / n1, tp / (tp + fp) })
}

func curve(y []int, s []float64, at func(tp, fp, n1, n0 float64) (x, y float64), points ...Point) []Point {
	sameLength("curve", len(y), len(s))
	var n1, tp, fp float64
	for _, v := range y {
		n1 += float64(v)
	}
	order := increasing(s)
	for hi := len(order); hi > 0; {
		lo := hi
		for lo > 0 && s[order[lo-1]] == s[order[hi-1]] {
			lo--
			tp += float64(y[order[lo]])
			fp += 1 - float64(y[order[lo]])
		}
		px, py := at(tp, fp, n1, float64(len(y))-n1)
		points = append(points, Point{s[order[hi-1]], px, py})
		hi = lo
	}
	return points
}

// AveragePrecision returns Σ (R_k − R_{k−1}) P_k over the points of
// [PrecisionRecall]. It is NaN without positives.
func AveragePrecision(y []int, s []float64) float64 {
	var ap, before float64
	for _, p := range PrecisionRecall(y, s) {
		ap += (p.X - before) * p.Y
		before = p.X
	}
	return ap
}
