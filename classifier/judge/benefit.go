package judge

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// NetBenefit returns TP/n − FP/n · t/(1 − t) of acting at probabilities of at
// least t (Vickers and Elkin, Med. Decis. Making 26, 2006).
func NetBenefit(y []int, p []float64, t float64) float64 {
	c := NewConfusion(y, Call(p, t), 2)
	return (float64(c[1][1]) - float64(c[0][1])*t/(1-t)) / float64(len(p))
}

// Benefit is a point of the decision curve.
type Benefit struct{ Threshold, Model, All float64 } // acting on nobody is worth 0

// DecisionCurve returns the net benefit of the model and of acting on all rows
// at each threshold.
func DecisionCurve(y []int, p, thresholds []float64) []Benefit {
	all := make([]float64, len(p))
	for i := range all {
		all[i] = 1
	}
	curve := make([]Benefit, len(thresholds))
	for i, t := range thresholds {
		curve[i] = Benefit{t, NetBenefit(y, p, t), NetBenefit(y, all, t)}
	}
	return curve
}

// Reclassification compares a new model's probabilities with an old one's. Read
// it beside the difference of AUCs: NRI and IDI reward a model that is wrongly
// calibrated (Hilden and Gerds, Stat. Med. 33, 2014).
type Reclassification struct {
	Events, Others Difference // net share moved the right way
	NRI, IDI       Difference
}

// Reclassify returns the net reclassification improvement over categories that
// start at the cuts, or of any movement if there are none, and the integrated
// discrimination improvement (Pencina et al., Stat. Med. 27, 2008):
//
//	NRI = (up − down)/n over events + (down − up)/n over others
//	IDI = mean of new − old over events − the same over others
//
// with standard errors of the null hypothesis for NRI, √(Σ (up + down)/n²), and
// of independent groups for IDI.
func Reclassify(y []int, old, new, cuts []float64, level float64) Reclassification {
	sameLength("Reclassify", len(y), len(old), len(new))
	category := func(p float64) int {
		c := 0
		for _, cut := range cuts {
			if p >= cut {
				c++
			}
		}
		return c
	}
	var n, up, down [2]float64
	var change [2][]float64
	for i, k := range y {
		n[k]++
		change[k] = append(change[k], new[i]-old[i])
		moved := float64(category(new[i]) - category(old[i]))
		if len(cuts) == 0 {
			moved = new[i] - old[i]
		}
		switch {
		case moved > 0:
			up[k]++
		case moved < 0:
			down[k]++
		}
	}
	var se [2]float64
	for k := range se {
		se[k] = math.Sqrt(up[k]+down[k]) / n[k]
	}
	events, others := (up[1]-down[1])/n[1], (down[0]-up[0])/n[0]
	return Reclassification{
		Events: difference(events, se[1], level),
		Others: difference(others, se[0], level),
		NRI:    difference(events+others, math.Hypot(se[0], se[1]), level),
		IDI:    difference(mean(change[1])-mean(change[0]), math.Hypot(standardError(change[1]), standardError(change[0])), level),
	}
}

func variance(x []float64) float64 {
	m, sum := mean(x), 0.0
	for _, v := range x {
		sum += (v - m) * (v - m)
	}
	return sum / float64(len(x)-1)
}

func standardError(x []float64) float64 { return math.Sqrt(variance(x) / float64(len(x))) }

// CorrectedT tests that the mean of differences over the test folds of a
// repeated cross-validation is 0,
//
//	t = mean / √((1/J + ratio) S²)                                  (J.4)
//
// with J folds, S² their variance and ratio the rows of a test part over those
// of its training part (Nadeau and Bengio, Machine Learning 52, 2003). The
// plain t-test takes folds that share training rows for independent ones.
func CorrectedT(differences []float64, ratio, level float64) (d Difference, freedom int) {
	j := len(differences)
	d.Value = mean(differences)
	d.SE = math.Sqrt((1/float64(j) + ratio) * variance(differences))
	d.Z = d.Value / d.SE
	t := distuv.StudentsT{Sigma: 1, Nu: float64(j - 1)}
	h := t.Quantile((1+level)/2) * d.SE
	d.Low, d.High = d.Value-h, d.Value+h
	d.P = 2 * t.Survival(math.Abs(d.Z))
	return d, j - 1
}

// BenjaminiHochberg returns the q of each p: the least false discovery rate at
// which it would be called (J. R. Stat. Soc. B 57, 1995).
func BenjaminiHochberg(p []float64) []float64 {
	q := make([]float64, len(p))
	order := increasing(p)
	least := 1.0
	for at := len(order) - 1; at >= 0; at-- {
		i := order[at]
		least = min(least, p[i]*float64(len(p))/float64(at+1))
		q[i] = least
	}
	return q
}
