package calibrate

import (
	"errors"
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
)

// Beta is logit q = C + A ln p − B ln(1 − p).
type Beta struct {
	C float64 `json:"c"`
	A float64 `json:"a"`
	B float64 `json:"b"`
}

// FitBeta maximises the likelihood (Kull, Silva Filho and Flach, Electron. J.
// Stat. 11, 2017). A negative A or B, which would turn the order round, becomes
// 0 and the rest is fitted again.
func FitBeta(y []int, p []float64) (*Beta, error) {
	if _, err := events(y, p); err != nil {
		return nil, fmt.Errorf("beta calibration: %w", err)
	}
	a, b := make([]float64, len(p)), make([]float64, len(p))
	target := make([]float64, len(p))
	for i := range p {
		q := inside(p[i])
		a[i], b[i] = math.Log(q), -math.Log1p(-q)
		target[i] = float64(y[i])
	}
	fit, err := judge.LogisticRegression([][]float64{a, b}, target, nil)
	if err != nil {
		return nil, fmt.Errorf("beta calibration: %w", err)
	}
	out := &Beta{fit[0], fit[1], fit[2]}
	switch {
	case out.A < 0 && out.B < 0:
		return nil, errors.New("beta calibration: larger probabilities go with fewer events")
	case out.A < 0:
		fit, err = judge.LogisticRegression([][]float64{b}, target, nil)
		if err == nil {
			out = &Beta{C: fit[0], B: fit[1]}
		}
	case out.B < 0:
		fit, err = judge.LogisticRegression([][]float64{a}, target, nil)
		if err == nil {
			out = &Beta{C: fit[0], A: fit[1]}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("beta calibration: %w", err)
	}
	return out, nil
}

// Apply returns the calibrated probability.
func (c *Beta) Apply(p float64) float64 {
	q := inside(p)
	return judge.Expit(c.C + c.A*math.Log(q) - c.B*math.Log1p(-q))
}

// Rising tells whether both slopes are at least 0.
func (c *Beta) Rising() bool { return c.A >= 0 && c.B >= 0 }

// Kind returns "beta".
func (c *Beta) Kind() string { return "beta" }
