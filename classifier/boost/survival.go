package boost

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Concordance returns Harrell's C of a risk against times to an event: among
// the pairs of rows of which one had its event while the other was still
// under watch, the share in which the former has the higher risk; equal risks
// count half. Of two rows with the same time, one with and one without the
// event, the latter lived longer. It is NaN without such a pair. O(n²).
func Concordance(time []float64, event []bool, risk []float64) float64 {
	if len(event) != len(time) || len(risk) != len(time) {
		panic("boost: Concordance: length mismatch")
	}
	var right, pairs float64
	for i := range time {
		if !event[i] {
			continue
		}
		for j := range time {
			if time[j] > time[i] || (time[j] == time[i] && !event[j]) {
				pairs++
				switch {
				case risk[i] > risk[j]:
					right++
				case risk[i] == risk[j]:
					right += 0.5
				}
			}
		}
	}
	return right / pairs
}

// TimeAUC returns the cumulative/dynamic area under the ROC curve at a time t
// (Uno et al. 2007; Hung and Chiang 2010): rows with their event up to t are
// told from rows under watch after t,
//
//	Σ_i Σ_j [t_i ≤ t, δ_i] [t_j > t] ω_i [r_i > r_j] / (Σ_i ω_i Σ_j [t_j > t])
//
// with ω = 1/Ĝ(t_i), Ĝ the Kaplan-Meier estimate of not being censored, and
// equal risks counted half. It fails where no row is on one side.
func TimeAUC(time []float64, event []bool, risk []float64, t float64) (float64, error) {
	if len(event) != len(time) || len(risk) != len(time) {
		panic("boost: TimeAUC: length mismatch")
	}
	censor := notCensored(time, event)
	var right, cases, controls float64
	for j := range time {
		if time[j] > t {
			controls++
		}
	}
	for i := range time {
		if !event[i] || time[i] > t {
			continue
		}
		w := 1 / censor[i]
		cases += w
		for j := range time {
			if time[j] <= t {
				continue
			}
			switch {
			case risk[i] > risk[j]:
				right += w
			case risk[i] == risk[j]:
				right += w / 2
			}
		}
	}
	if cases == 0 || controls == 0 {
		return math.NaN(), fmt.Errorf("time %g: no row had its event before it, or none is under watch after it", t)
	}
	return right / (cases * controls), nil
}

// notCensored returns for each row the Kaplan-Meier estimate of being under
// watch at its time: events of a time come before its censorings.
func notCensored(time []float64, event []bool) []float64 {
	order := make([]int, len(time))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(time[a], time[b]) })
	g := make([]float64, len(time))
	at := 1.0
	for i := 0; i < len(order); {
		var dead, lost int
		j := i
		for ; j < len(order) && time[order[j]] == time[order[i]]; j++ {
			if event[order[j]] {
				dead++
			} else {
				lost++
			}
		}
		if risk := len(order) - i - dead; risk > 0 {
			at *= 1 - float64(lost)/float64(risk)
		}
		for ; i < j; i++ {
			g[order[i]] = at
		}
	}
	return g
}
