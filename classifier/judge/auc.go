package judge

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// AUC returns the area under the ROC curve of scores s with outcomes y: the
// probability that a positive scores higher than a negative, ties counting
// half. It is NaN if a class is missing.
func AUC(y []int, s []float64) float64 {
	sameLength("AUC", len(y), len(s))
	// AUC = (R₁ − n₁(n₁+1)/2)/(n₁ n₀), with R₁ the sum of the positives' ranks.
	var sum, n1 float64
	for i, r := range Midranks(s) {
		if y[i] == 1 {
			sum += r
			n1++
		}
	}
	return (sum - n1*(n1+1)/2) / (n1 * (float64(len(y)) - n1))
}

// MacroAUC returns the mean over the classes of the AUC of p[i][k] for class k
// against all others.
func MacroAUC(y []int, p [][]float64) float64 {
	sameLength("MacroAUC", len(y), len(p))
	var sum float64
	classes := len(p[0])
	is, s := make([]int, len(y)), make([]float64, len(y))
	for k := range classes {
		for i := range y {
			is[i], s[i] = 0, p[i][k]
			if y[i] == k {
				is[i] = 1
			}
		}
		sum += AUC(is, s)
	}
	return sum / float64(classes)
}

// AUCs are the AUCs of several scores on the same rows.
type AUCs struct {
	Value      []float64
	Covariance *mat.SymDense
}

// DeLong returns the AUCs of scores on independent rows with their covariance
// (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988). With V₁₀ of a
// positive the share of negatives that score lower, V₀₁ of a negative the share
// of positives that score higher, ties counting half, and S₁₀, S₀₁ the sample
// covariances of V over n₁ positives and n₀ negatives,
//
//	cov = S₁₀/n₁ + S₀₁/n₀                                          (J.1)
//
// Ranks give all V in n log n (Sun and Xu, IEEE Signal Process. Lett. 21, 2014).
// It fails with less than two rows of a class.
func DeLong(y []int, scores ...[]float64) (*AUCs, error) {
	cluster := make([]int, len(y))
	for i := range cluster {
		cluster[i] = i
	}
	return Clustered(y, cluster, scores...)
}

// Clustered is [DeLong] for rows that belong to clusters, such as the plaques
// of a patient (Obuchowski, Biometrics 53, 1997). With D₁₀ and D₀₁ the sums of
// V − AUC over the positives and negatives of a cluster, products of two scores
// summed over clusters, and I₁, I₀, I the clusters with positives, with
// negatives, and all,
//
//	cov = I₁/(I₁−1) ΣD₁₀D₁₀/n₁² + I₀/(I₀−1) ΣD₀₁D₀₁/n₀² + I/(I−1) Σ(D₁₀D₀₁ + D₀₁D₁₀)/(n₁n₀)   (J.2)
//
// which is (J.1) if each row is a cluster of its own. It fails with less than
// two clusters that have rows of a class.
func Clustered(y, cluster []int, scores ...[]float64) (*AUCs, error) {
	sameLength("Clustered", len(y), len(cluster))
	d := newDeviations(y, cluster)
	if d.with[0] < 2 || d.with[1] < 2 {
		return nil, fmt.Errorf("%g clusters with events and %g without: the variance of an AUC needs 2 of each", d.with[1], d.with[0])
	}
	out := &AUCs{Value: make([]float64, len(scores)), Covariance: mat.NewSymDense(len(scores), nil)}
	sums := make([][2][]float64, len(scores))
	for a, s := range scores {
		sameLength("Clustered", len(y), len(s))
		out.Value[a], sums[a] = d.of(s)
		for b := range a + 1 {
			out.Covariance.SetSym(a, b, d.product(sums[a], sums[b]))
		}
	}
	return out, nil
}

// deviations knows which rows belong where.
type deviations struct {
	y, cluster []int
	clusters   int
	n          [2]float64 // rows of a class
	with       [2]float64 // clusters with rows of a class
	any        float64    // clusters with rows
}

func newDeviations(y, cluster []int) *deviations {
	d := &deviations{y: y, cluster: cluster}
	if len(y) > 0 {
		d.clusters = slices.Max(cluster) + 1
	}
	has := make([][2]bool, d.clusters)
	for i, c := range cluster {
		d.n[y[i]]++
		has[c][y[i]] = true
	}
	for _, h := range has {
		for k := range h {
			if h[k] {
				d.with[k]++
			}
		}
		if h[0] || h[1] {
			d.any++
		}
	}
	return d
}

// of returns the AUC of s and, per cluster, the sums of V − AUC over negatives
// and over positives.
func (d *deviations) of(s []float64) (auc float64, sum [2][]float64) {
	var own [2][]float64 // scores of a class
	for i, v := range s {
		own[d.y[i]] = append(own[d.y[i]], v)
	}
	all, within := Midranks(s), [2][]float64{Midranks(own[0]), Midranks(own[1])}
	// A rank among all less the rank within the class counts the others below.
	v := make([]float64, len(s))
	var at [2]int
	var total [2]float64
	for i, k := range d.y {
		below := (all[i] - within[k][at[k]]) / d.n[1-k]
		at[k]++
		if k == 0 {
			below = 1 - below
		}
		v[i] = below
		total[k] += below
	}
	auc = total[1] / d.n[1]
	sum = [2][]float64{make([]float64, d.clusters), make([]float64, d.clusters)}
	for i, k := range d.y {
		sum[k][d.cluster[i]] += v[i] - auc
	}
	return auc, sum
}

func (d *deviations) product(a, b [2][]float64) float64 {
	var s10, s01, s11 float64
	for c := range d.clusters {
		s10 += a[1][c] * b[1][c]
		s01 += a[0][c] * b[0][c]
		s11 += a[1][c]*b[0][c] + a[0][c]*b[1][c]
	}
	n0, n1 := d.n[0], d.n[1]
	return d.with[1]/(d.with[1]-1)*s10/(n1*n1) + d.with[0]/(d.with[0]-1)*s01/(n0*n0) + d.any/(d.any-1)*s11/(n1*n0)
}

// Interval returns the interval of score a, value ± z SE within [0, 1].
func (u *AUCs) Interval(a int, level float64) Interval {
	h := normalQuantile(level) * math.Sqrt(u.Covariance.At(a, a))
	return Interval{u.Value[a], max(0, u.Value[a]-h), min(1, u.Value[a]+h)}
}

// Difference is a difference of two figures on the same rows.
type Difference struct {
	Interval
	SE, Z, P float64 // P is two-sided
}

// Difference returns AUC a − AUC b with its interval and test.
func (u *AUCs) Difference(a, b int, level float64) Difference {
	v := u.Covariance.At(a, a) + u.Covariance.At(b, b) - 2*u.Covariance.At(a, b)
	return difference(u.Value[a]-u.Value[b], math.Sqrt(max(0, v)), level)
}

// difference is d ± z SE, with p of the normal test that it is 0.
func difference(d, se, level float64) Difference {
	h := normalQuantile(level) * se
	out := Difference{Interval: Interval{d, d - h, d + h}, SE: se, Z: d / se}
	if d == 0 && se == 0 {
		out.Z = 0
	}
	out.P = 2 * distuv.UnitNormal.Survival(math.Abs(out.Z))
	return out
}

// Equal tests that all AUCs are equal: χ² = (LA)ᵀ (L cov Lᵀ)⁻¹ LA with L the
// contrasts of neighbours, which has one degree of freedom less than there are
// scores. It is NaN if the scores' AUCs are not linearly independent.
func (u *AUCs) Equal() (chi2, p float64) {
	k := len(u.Value)
	l := mat.NewDense(k-1, k, nil)
	for r := range k - 1 {
		l.Set(r, r, 1)
		l.Set(r, r+1, -1)
	}
	var d, lc, v mat.Dense
	d.Mul(l, mat.NewVecDense(k, u.Value))
	lc.Mul(l, u.Covariance)
	v.Mul(&lc, l.T())
	var x mat.Dense
	if x.Solve(&v, &d) != nil {
		return math.NaN(), math.NaN()
	}
	for r := range k - 1 {
		chi2 += d.At(r, 0) * x.At(r, 0)
	}
	return chi2, distuv.ChiSquared{K: float64(k - 1)}.Survival(chi2)
}

// normalQuantile returns the z of a two-sided interval.
func normalQuantile(level float64) float64 { return distuv.UnitNormal.Quantile((1 + level) / 2) }
