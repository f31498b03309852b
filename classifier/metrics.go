package classifier

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// kernel is the Mann–Whitney kernel: 1 if a positive scores higher than a
// negative, ½ if they tie.
func kernel(positive, negative float64) float64 {
	switch {
	case positive > negative:
		return 1
	case positive == negative:
		return 0.5
	}
	return 0
}

// AUC returns the area under the ROC curve of scores s with outcomes y (0 or
// 1): the probability that a positive scores higher than a negative, ties
// counting half. It is NaN if a class is missing. Scores must not be NaN.
func AUC(s []float64, y []int) float64 {
	// Ranks with ties in the middle: AUC = (R₁ − n₁(n₁+1)/2)/(n₁ n₀).
	order := sorted(s)
	var rank float64
	n1 := 0
	for lo := 0; lo < len(order); {
		hi := tied(s, order, lo)
		mid := float64(lo+hi+1) / 2
		for _, i := range order[lo:hi] {
			if y[i] == 1 {
				rank += mid
				n1++
			}
		}
		lo = hi
	}
	n0 := len(s) - n1
	return (rank - float64(n1)*float64(n1+1)/2) / (float64(n1) * float64(n0))
}

// tied returns the end of the run of equal scores that starts at lo.
func tied(s []float64, order []int, lo int) int {
	hi := lo + 1
	for hi < len(order) && s[order[hi]] == s[order[lo]] {
		hi++
	}
	return hi
}

// sorted returns the places of s in increasing order of value.
func sorted(s []float64) []int {
	order := make([]int, len(s))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case s[a] < s[b]:
			return -1
		case s[a] > s[b]:
			return 1
		}
		return 0
	})
	return order
}

// components returns the structural components of DeLong: V10 of every
// positive, its mean kernel against the negatives, and V01 of every negative.
// The place of a row that is not of the class holds 0.
func components(s []float64, y []int) (v []float64, positives, negatives int) {
	v = make([]float64, len(s))
	for i := range s {
		if y[i] == 1 {
			positives++
		} else {
			negatives++
		}
	}
	for i := range s {
		if y[i] != 1 {
			continue
		}
		for j := range s {
			if y[j] == 0 {
				k := kernel(s[i], s[j])
				v[i] += k / float64(negatives)
				v[j] += k / float64(positives)
			}
		}
	}
	return v, positives, negatives
}

// AUCCovariance returns the variances of the AUC of scores a and b on the same
// rows and their covariance, with rows clustered by group (Obuchowski, Biometrics
// 53, 1997): with V10 and V01 summed over the rows of a cluster,
//
//	var = S₁₀/n₁² + S₀₁/n₀² + 2 S₁₁/(n₁n₀)                        (E.3)
//
// where S are sums over clusters of products of the deviations from AUC times the
// cluster's count, times I/(I − 1) with I the clusters that have such rows. If
// every row is a cluster of its own this is DeLong's estimator.
func AUCCovariance(a, b []float64, y, group []int) (va, vb, cov float64) {
	da, db := newDeviations(a, y, group), newDeviations(b, y, group)
	return da.product(da), db.product(db), da.product(db)
}

// deviations are the sums of V − AUC over the rows of each cluster.
type deviations struct {
	pos, neg []float64
	i1, i0   float64 // clusters with positives, with negatives
	n1, n0   float64
	both     float64 // clusters
}

func newDeviations(s []float64, y, group []int) *deviations {
	v, n1, n0 := components(s, y)
	auc := AUC(s, y)
	m := slices.Max(group) + 1
	d := &deviations{pos: make([]float64, m), neg: make([]float64, m), n1: float64(n1), n0: float64(n0)}
	has := make([][2]bool, m)
	for i := range s {
		has[group[i]][y[i]] = true
		if y[i] == 1 {
			d.pos[group[i]] += v[i] - auc
		} else {
			d.neg[group[i]] += v[i] - auc
		}
	}
	for _, h := range has {
		if h[1] {
			d.i1++
		}
		if h[0] {
			d.i0++
		}
		if h[0] || h[1] {
			d.both++
		}
	}
	return d
}

func (d *deviations) product(e *deviations) float64 {
	var s10, s01, s11 float64
	for g := range d.pos {
		s10 += d.pos[g] * e.pos[g]
		s01 += d.neg[g] * e.neg[g]
		s11 += d.pos[g]*e.neg[g] + d.neg[g]*e.pos[g]
	}
	return d.i1/(d.i1-1)*s10/(d.n1*d.n1) + d.i0/(d.i0-1)*s01/(d.n0*d.n0) + d.both/(d.both-1)*s11/(d.n1*d.n0)
}

// Brier returns the mean squared difference of probability and outcome.
func Brier(p []float64, y []int) float64 {
	var sum float64
	for i := range p {
		d := p[i] - float64(y[i])
		sum += d * d
	}
	return sum / float64(len(p))
}

// LogLoss returns the mean of −ln of the probability given to what happened,
// with probabilities kept within [1e-15, 1 − 1e-15].
func LogLoss(p []float64, y []int) float64 {
	var sum float64
	for i := range p {
		q := min(max(p[i], 1e-15), 1-1e-15)
		if y[i] == 0 {
			q = 1 - q
		}
		sum -= math.Log(q)
	}
	return sum / float64(len(p))
}

// Recalibration returns intercept and slope of a logistic regression of the
// outcome on the log-odds of p: 0 and 1 for calibrated probabilities. Both are
// NaN if there is no finite maximum of the likelihood (a class is missing, all p
// are equal, or p separates the classes).
func Recalibration(p []float64, y []int) (intercept, slope float64) {
	x := make([]float64, len(p))
	for i := range p {
		x[i] = Logit(p[i])
	}
	return logisticFit(x, y, true)
}

// CalibrationInTheLarge returns the intercept of a logistic regression with the
// log-odds of p as offset: 0 if the mean of p is the share of events. It is NaN
// if a class is missing.
func CalibrationInTheLarge(p []float64, y []int) float64 {
	x := make([]float64, len(p))
	for i := range p {
		x[i] = Logit(p[i])
	}
	a, _ := logisticFit(x, y, false)
	return a
}

// logisticFit maximises the likelihood of outcomes with log-odds a + b x over a
// and, if free, b (else 1), by Newton's method. Steps are halved until the
// likelihood does not fall, since it is concave but Newton's full step may overshoot.
func logisticFit(x []float64, y []int, free bool) (a, b float64) {
	likelihood := func(a, b float64) float64 {
		var l float64
		for i := range x {
			f := a + b*x[i]
			if y[i] == 0 {
				f = -f
			}
			l -= max(-f, 0) + math.Log1p(math.Exp(-math.Abs(f))) // ln(1 + e⁻ᶠ)
		}
		return l
	}
	a, b = 0, 1
	if free {
		b = 0
	}
	last := likelihood(a, b)
	for range 200 {
		var ga, gb, haa, hab, hbb float64
		for i := range x {
			q := Logistic(a + b*x[i])
			r, w := float64(y[i])-q, q*(1-q)
			ga += r
			gb += r * x[i]
			haa += w
			hab += w * x[i]
			hbb += w * x[i] * x[i]
		}
		da, db := ga/haa, 0.0
		if free {
			det := haa*hbb - hab*hab
			if !(det > 1e-12*haa*hbb) {
				break
			}
			da, db = (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		}
		if math.Abs(da) < 1e-10*(1+math.Abs(a)) && math.Abs(db) < 1e-10*(1+math.Abs(b)) {
			return a + da, b + db
		}
		step := 1.0
		next := likelihood(a+da, b+db)
		for ; !(next >= last-1e-11*(1-last)) && step > 1e-6; next = likelihood(a+step*da, b+step*db) {
			step /= 2
		}
		a, b, last = a+step*da, b+step*db, next
		if !(math.Abs(a) < 1e4 && math.Abs(b) < 1e4) {
			break
		}
	}
	return math.NaN(), math.NaN()
}

// ECE returns the expected calibration error over equal-width bins: the mean,
// weighted by rows, of |observed share − mean probability|.
func ECE(p []float64, y []int, bins int) float64 {
	n, sum, event := make([]float64, bins), make([]float64, bins), make([]float64, bins)
	for i := range p {
		b := min(int(p[i]*float64(bins)), bins-1)
		n[b]++
		sum[b] += p[i]
		event[b] += float64(y[i])
	}
	var e float64
	for b := range n {
		if n[b] > 0 {
			e += math.Abs(sum[b] - event[b])
		}
	}
	return e / float64(len(p))
}

// NetBenefit returns TP/n − FP/n · t/(1 − t) of acting at probabilities of at
// least t (Vickers and Elkin 2006).
func NetBenefit(p []float64, y []int, t float64) float64 {
	var tp, fp float64
	for i := range p {
		switch {
		case p[i] < t:
		case y[i] == 1:
			tp++
		default:
			fp++
		}
	}
	return (tp - fp*t/(1-t)) / float64(len(p))
}

// AveragePrecision returns Σ (R_k − R_{k−1}) P_k over the thresholds in
// decreasing order, ties taken together. It is NaN without positives.
func AveragePrecision(s []float64, y []int) float64 {
	order := sorted(s)
	slices.Reverse(order)
	var positives float64
	for _, v := range y {
		positives += float64(v)
	}
	var tp, ap float64
	for lo := 0; lo < len(order); {
		before := tp
		hi := tied(s, order, lo)
		for _, i := range order[lo:hi] {
			tp += float64(y[i])
		}
		ap += (tp - before) / positives * tp / float64(hi)
		lo = hi
	}
	return ap
}

// ClopperPearson returns the exact two-sided interval of a proportion of k in n.
func ClopperPearson(k, n int, level float64) (low, high float64) {
	tail := (1 - level) / 2
	low, high = 0, 1
	if k > 0 {
		low = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(tail)
	}
	if k < n {
		high = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - tail)
	}
	return low, high
}

// Wilson returns the score interval of a proportion p̂ of effectively n trials.
func Wilson(p, n, level float64) (low, high float64) {
	z := distuv.UnitNormal.Quantile(1 - (1-level)/2)
	c := (p + z*z/(2*n)) / (1 + z*z/n)
	h := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return min(p, max(0, c-h)), max(p, min(1, c+h)) // the ends of p = 0 and 1 are exact
}
