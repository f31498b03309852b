package judge

import (
	"math"
	"slices"
)

// SelectionStability says how alike the sets of features are that repeats of a
// selection chose: 1 for equal sets, about 0 for random ones.
type SelectionStability struct {
	Interval         // with limits of the normal approximation
	Jaccard  float64 // mean over pairs of |A ∩ B|/|A ∪ B|
}

// Nogueira returns the stability of chosen[repeat][feature] (Nogueira, Sechidis
// and Brown, JMLR 18, 2018),
//
//	Φ = 1 − (1/d) Σ_f M/(M−1) p_f (1 − p_f) / (k̄/d (1 − k̄/d))       (J.7)
//
// with p_f the share of M repeats that chose f of d features and k̄ the mean
// number chosen. It corrects for chance, which the Jaccard index does not. It
// is NaN for one repeat, and if none or all features were always chosen.
func Nogueira(chosen [][]bool, level float64) SelectionStability {
	m, d := float64(len(chosen)), 0.0
	if len(chosen) > 0 {
		d = float64(len(chosen[0]))
	}
	share := make([]float64, int(d))
	size := make([]float64, len(chosen))
	var k float64 // k̄
	for i, set := range chosen {
		sameLength("Nogueira", len(share), len(set))
		for f, in := range set {
			if in {
				share[f] += 1 / m
				size[i]++
				k += 1 / m
			}
		}
	}
	var spread float64
	for _, p := range share {
		spread += m / (m - 1) * p * (1 - p)
	}
	chance := k / d * (1 - k/d)
	phi := 1 - spread/d/chance

	// Theorem 5: each repeat's part of Φ, and their variance.
	part := make([]float64, len(chosen))
	for i, set := range chosen {
		var agree float64
		for f, in := range set {
			if in {
				agree += share[f] / d
			}
		}
		part[i] = (agree - size[i]*k/(d*d) + phi/2*(2*k*size[i]/(d*d)-size[i]/d-k/d+1)) / chance
	}
	pm, v := mean(part), 0.0
	for _, x := range part {
		v += 4 / (m * m) * (x - pm) * (x - pm)
	}
	h := normalQuantile(level) * math.Sqrt(v)
	return SelectionStability{Interval{phi, phi - h, phi + h}, jaccard(chosen)}
}

func jaccard(chosen [][]bool) float64 {
	var sum, pairs float64
	for i, a := range chosen {
		for _, b := range chosen[:i] {
			var both, either float64
			for f := range a {
				if a[f] && b[f] {
					both++
				}
				if a[f] || b[f] {
					either++
				}
			}
			if either == 0 {
				both, either = 1, 1 // two empty sets are equal
			}
			sum += both / either
			pairs++
		}
	}
	return sum / pairs
}

// Chosen marks the names that each of the sets holds.
func Chosen(names []string, sets [][]string) [][]bool {
	out := make([][]bool, len(sets))
	for i, set := range sets {
		out[i] = make([]bool, len(names))
		for f, name := range names {
			out[i][f] = slices.Contains(set, name)
		}
	}
	return out
}
