package judge

// Survival is the follow-up of rows: time until the event, or until the row was
// last seen without it.
type Survival struct {
	Time  []float64
	Event []bool
}

// Harrell returns the C-index of risk scores: the share of the pairs whose order
// of events is known in which the row with the earlier event scores higher, ties
// of scores counting half (Harrell et al., JAMA 247, 1982). A pair is known if
// the earlier time is an event, or at equal times one of them is. It is NaN
// without such pairs.
func Harrell(s Survival, risk []float64) float64 {
	sameLength("Harrell", len(risk), len(s.Time), len(s.Event))
	var right, pairs float64
	for i := range risk {
		if !s.Event[i] {
			continue
		}
		for j := range risk {
			later := s.Time[j] > s.Time[i] || s.Time[j] == s.Time[i] && !s.Event[j]
			if !later {
				continue
			}
			pairs++
			switch {
			case risk[i] > risk[j]:
				right++
			case risk[i] == risk[j]:
				right += 0.5
			}
		}
	}
	return right / pairs
}

// CumulativeAUC returns the AUC at time t: of rows with an event up to t against
// rows seen after t without one (cumulative cases, dynamic controls). Cases
// weigh 1/G(time⁻) with G the Kaplan–Meier estimate that a row is not yet
// censored, which stands for the rows that were lost before t (Uno et al., J. Am.
// Stat. Assoc. 102, 2007; Hung and Chiang 2010). It is NaN without cases or
// controls.
func CumulativeAUC(s Survival, risk []float64, t float64) float64 {
	sameLength("CumulativeAUC", len(risk), len(s.Time), len(s.Event))
	g := censoring(s)
	var right, cases, controls float64
	for j := range risk {
		if s.Time[j] > t {
			controls++
		}
	}
	for i := range risk {
		if !s.Event[i] || s.Time[i] > t {
			continue
		}
		w := 1 / g(s.Time[i])
		cases += w
		for j := range risk {
			switch {
			case s.Time[j] <= t:
			case risk[i] > risk[j]:
				right += w
			case risk[i] == risk[j]:
				right += w / 2
			}
		}
	}
	return right / (cases * controls)
}

// censoring returns the Kaplan–Meier estimate of the probability to be still
// followed just before a time; at equal times events come before censoring.
func censoring(s Survival) func(t float64) float64 {
	order := increasing(s.Time)
	var times, share []float64
	left, g := float64(len(order)), 1.0
	for lo := 0; lo < len(order); {
		hi := tied(s.Time, order, lo)
		var events, lost float64
		for _, i := range order[lo:hi] {
			if s.Event[i] {
				events++
			} else {
				lost++
			}
		}
		if lost > 0 {
			g *= 1 - lost/(left-events)
			times, share = append(times, s.Time[order[lo]]), append(share, g)
		}
		left -= events + lost
		lo = hi
	}
	return func(t float64) float64 {
		g := 1.0
		for i, at := range times {
			if at >= t {
				break
			}
			g = share[i]
		}
		return g
	}
}
