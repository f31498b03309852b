// Package levels joins the probabilities of parts to that of the whole: plaques
// to an artery, arteries to a patient, rows to whatever they belong to. The rules
// have no parameters to learn; see docs/theory/classifier.md.
package levels

import (
	"fmt"
	"math"
	"slices"
)

// Rule combines probabilities of parts to that of the whole.
type Rule string

// The rules. All are monotone, independent of order, and leave one part as it
// is; see docs/theory/classifier.md.
const (
	// Max takes the largest: the whole is as bad as its worst part.
	Max Rule = "max"
	// NoisyOr is 1 − Π(1 − pᵢ): the whole fails if any part does, independently.
	NoisyOr Rule = "noisy_or"
	// Mean is the average.
	Mean Rule = "mean"
	// TopTwo is the average of the two largest: the worst part, unless it stands alone.
	TopTwo Rule = "top_2"
	// LogSumExp is a smooth maximum, between the average and the largest:
	//
	//	1/r ln (1/n Σ exp r pᵢ)    with r = 8                         (C.11)
	LogSumExp Rule = "log_sum_exp"
)

// sharpness is r of [LogSumExp].
const sharpness = 8

// Rules are all rules.
var Rules = []Rule{Max, NoisyOr, Mean, TopTwo, LogSumExp}

// Combine returns the probability of the whole. It panics without parts: what
// an artery without plaque is worth is for the model to say.
func (r Rule) Combine(p []float64) float64 {
	if len(p) == 0 {
		panic("levels: Combine: no probabilities")
	}
	switch r {
	case Max:
		return slices.Max(p)
	case NoisyOr:
		if len(p) == 1 {
			return p[0]
		}
		// Sorted, so that the last bit does not depend on the order of parts.
		s := slices.Sorted(slices.Values(p))
		q := 1.0
		for _, x := range s {
			q *= 1 - x
		}
		return 1 - q
	case Mean:
		s := slices.Sorted(slices.Values(p))
		var sum float64
		for _, x := range s {
			sum += x
		}
		return min(sum/float64(len(p)), s[len(s)-1])
	case TopTwo:
		s := slices.Sorted(slices.Values(p))
		return s[len(s)-1]/2 + s[max(0, len(s)-2)]/2
	case LogSumExp:
		s := slices.Sorted(slices.Values(p))
		top := s[len(s)-1]
		var sum float64
		for _, x := range s {
			sum += math.Exp(sharpness * (x - top))
		}
		return max(0, top+math.Log(sum/float64(len(s)))/sharpness)
	}
	panic(fmt.Sprintf("levels: unknown rule %q", r))
}
