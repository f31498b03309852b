package calibrate

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
)

// Temperature divides log-odds, or the logarithms of class probabilities, by T:
// above 1 it makes probabilities less certain. The order of classes stays.
type Temperature struct {
	T float64 `json:"t"`
}

// FitTemperature maximises the likelihood over T (Guo et al. 2017) of rows of
// class probabilities. The likelihood is concave in 1/T, which Newton's method
// finds; a model that is worse than none gets the largest T, 100.
func FitTemperature(y []int, p [][]float64) (*Temperature, error) {
	if len(y) != len(p) {
		panic("calibrate: FitTemperature: lengths differ")
	}
	if len(y) == 0 {
		return nil, errors.New("temperature calibration: no rows")
	}
	logs := make([][]float64, len(p))
	for i, row := range p {
		if y[i] < 0 || y[i] >= len(row) {
			return nil, fmt.Errorf("temperature calibration: row %d has class %d of %d", i+1, y[i], len(row))
		}
		logs[i] = make([]float64, len(row))
		for k, q := range row {
			if !(q >= 0 && q <= 1) {
				return nil, fmt.Errorf("temperature calibration: row %d has probability %g", i+1, q)
			}
			logs[i][k] = math.Log(inside(q))
		}
	}
	// With b = 1/T, dL/db = Σ (l_y − mean l) and −d²L/db² = Σ var l, under the
	// probabilities ∝ e^{bl}. A bracket keeps Newton's steps.
	low, high, b := 0.01, 100.0, 1.0
	for range 200 {
		var slope, curve float64
		for i, l := range logs {
			m, v := moments(l, b)
			slope += l[y[i]] - m
			curve += v
		}
		if slope > 0 {
			low = b
		} else {
			high = b
		}
		next := b + slope/curve
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		if math.Abs(next-b) < 1e-13*b {
			break
		}
		b = next
	}
	return &Temperature{1 / b}, nil
}

// moments returns mean and variance of l under probabilities ∝ e^{bl}.
func moments(l []float64, b float64) (m, v float64) {
	top := slices.Max(l)
	var sum, sum1, sum2 float64
	for _, x := range l {
		w := math.Exp(b * (x - top))
		sum += w
		sum1 += w * x
		sum2 += w * x * x
	}
	m = sum1 / sum
	return m, max(0, sum2/sum-m*m)
}

// Apply returns the calibrated probability of an event.
func (c *Temperature) Apply(p float64) float64 { return judge.Expit(judge.Logit(p) / c.T) }

// ApplyClasses stores calibrated class probabilities in dst, which may be p.
func (c *Temperature) ApplyClasses(dst, p []float64) {
	var sum float64
	top := slices.Max(p)
	for k, q := range p {
		dst[k] = math.Exp((math.Log(inside(q)) - math.Log(inside(top))) / c.T)
		sum += dst[k]
	}
	for k := range dst {
		dst[k] /= sum
	}
}

// Rising returns true.
func (c *Temperature) Rising() bool { return true }

// Kind returns "temperature".
func (c *Temperature) Kind() string { return "temperature" }
