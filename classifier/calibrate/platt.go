package calibrate

import (
	"fmt"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
)

// Platt is a line in log-odds: logit q = Intercept + Slope logit p.
type Platt struct {
	Intercept float64 `json:"intercept"`
	Slope     float64 `json:"slope"`
}

// FitPlatt maximises the likelihood of the smoothed targets (N₁ + 1)/(N₁ + 2)
// for events and 1/(N₀ + 2) for others, which keep the line finite where the
// classes are separated (Platt 1999).
func FitPlatt(y []int, p []float64) (*Platt, error) {
	n1, err := events(y, p)
	if err != nil {
		return nil, fmt.Errorf("platt calibration: %w", err)
	}
	n0 := float64(len(y)) - n1
	target := make([]float64, len(y))
	for i, k := range y {
		target[i] = 1 / (n0 + 2)
		if k == 1 {
			target[i] = (n1 + 1) / (n1 + 2)
		}
	}
	b, err := judge.LogisticRegression([][]float64{logits(p)}, target, nil)
	if err != nil {
		return nil, fmt.Errorf("platt calibration: %w", err)
	}
	return &Platt{b[0], b[1]}, nil
}

// Apply returns the calibrated probability.
func (c *Platt) Apply(p float64) float64 { return judge.Expit(c.Intercept + c.Slope*judge.Logit(p)) }

// Rising tells whether the slope is positive.
func (c *Platt) Rising() bool { return c.Slope > 0 }

// Kind returns "platt".
func (c *Platt) Kind() string { return "platt" }
