// Package calibrate makes probabilities mean what they say.
//
// A model that ranks well may still say 0.8 where 0.6 of the patients have the
// event. A calibrator is fitted on rows that the model did not see and maps its
// probabilities to better ones: by a line in log-odds ([FitPlatt]), by two
// logarithms ([FitBeta]), by steps that only rise ([FitIsotonic]), or by one
// temperature ([FitTemperature]). [Levels] holds one for each of lesion, artery
// and patient, since combining calibrated lesions does not give calibrated
// arteries. All can be saved as JSON and keep the order of probabilities (beta and
// Platt only if their slopes are positive, which [Map.Rising] tells).
//
// The theory is in docs/theory/judgement.md.
package calibrate

import (
	"fmt"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
)

// Map is a fitted calibrator of the probability of an event.
type Map interface {
	// Apply returns the calibrated probability.
	Apply(p float64) float64
	// Rising tells whether a larger probability never becomes a smaller one.
	Rising() bool
	// Kind is the name in JSON: "platt", "beta", "isotonic", "temperature".
	Kind() string
}

// tiny keeps probabilities away from 0 and 1, where logarithms end.
const tiny = 1e-12

func inside(p float64) float64 { return min(max(p, tiny), 1-tiny) }

func logits(p []float64) []float64 {
	x := make([]float64, len(p))
	for i := range p {
		x[i] = judge.Logit(p[i])
	}
	return x
}

// events returns the number of events, or what is wrong with the rows.
func events(y []int, p []float64) (float64, error) {
	if len(y) != len(p) {
		panic("calibrate: outcomes and probabilities differ in length")
	}
	n := 0
	for i := range y {
		switch {
		case y[i] != 0 && y[i] != 1:
			return 0, fmt.Errorf("row %d has outcome %d, want 0 or 1", i+1, y[i])
		case !(p[i] >= 0 && p[i] <= 1):
			return 0, fmt.Errorf("row %d has probability %g", i+1, p[i])
		}
		n += y[i]
	}
	if n == 0 || n == len(y) {
		return 0, fmt.Errorf("%d of %d rows have the event: one class says nothing about probabilities", n, len(y))
	}
	return float64(n), nil
}
