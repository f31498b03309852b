package calibrate

import (
	"cmp"
	"fmt"
	"slices"
)

// Isotonic is a rising function, linear between its knots and constant outside.
type Isotonic struct {
	P []float64 `json:"p"` // increasing
	Q []float64 `json:"q"` // not decreasing
}

// FitIsotonic minimises the squared error by pooling adjacent violators (Barlow
// et al. 1972); equal probabilities are one value. Each pool keeps its first and
// last probability as knots, so that the function is exactly the pool's mean on
// the rows it was fitted on. It needs some hundred rows not to memorise them.
func FitIsotonic(y []int, p []float64) (*Isotonic, error) {
	if _, err := events(y, p); err != nil {
		return nil, fmt.Errorf("isotonic calibration: %w", err)
	}
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	type pool struct{ low, high, events, n float64 }
	var pools []pool
	for _, i := range order {
		next := pool{p[i], p[i], float64(y[i]), 1}
		if last := len(pools) - 1; last >= 0 && pools[last].high == p[i] {
			pools[last].events += next.events
			pools[last].n++
		} else {
			pools = append(pools, next)
		}
	}
	merged := pools[:0]
	for _, next := range pools {
		for len(merged) > 0 {
			last := merged[len(merged)-1]
			if last.events*next.n < next.events*last.n {
				break
			}
			next = pool{last.low, next.high, last.events + next.events, last.n + next.n}
			merged = merged[:len(merged)-1]
		}
		merged = append(merged, next)
	}
	c := &Isotonic{}
	for _, m := range merged {
		c.P, c.Q = append(c.P, m.low), append(c.Q, m.events/m.n)
		if m.high > m.low {
			c.P, c.Q = append(c.P, m.high), append(c.Q, m.events/m.n)
		}
	}
	return c, nil
}

// Levels returns the distinct values of the function at its knots.
func (c *Isotonic) Levels() []float64 { return slices.Compact(slices.Clone(c.Q)) }

// Apply returns the calibrated probability.
func (c *Isotonic) Apply(p float64) float64 {
	at, exact := slices.BinarySearch(c.P, p)
	switch {
	case exact:
		return c.Q[at]
	case at == 0:
		return c.Q[0]
	case at == len(c.P):
		return c.Q[at-1]
	}
	t := (p - c.P[at-1]) / (c.P[at] - c.P[at-1])
	return c.Q[at-1] + t*(c.Q[at]-c.Q[at-1])
}

// Rising returns true.
func (c *Isotonic) Rising() bool { return true }

// Kind returns "isotonic".
func (c *Isotonic) Kind() string { return "isotonic" }
