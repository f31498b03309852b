package classifier

import (
	"context"
	"fmt"
	"math"
)

// Learner fits rows of lesions. It keeps rows of one patient together wherever
// it samples, and gives the same predictor for the same data and seed.
type Learner interface {
	Name() string // for tables: "gradient boosting", "golearn decision tree"
	Fit(ctx context.Context, d *Data, seed uint64) (Predictor, error)
}

// Predictor gives the log-odds of a positive outcome of a row whose values
// stand in the order of the columns it was fitted on; NaN is missing. It is
// safe for use by several goroutines.
type Predictor interface {
	LogOdds(values []float64) float64
}

// Fitted is a predictor that also knows what to say of an artery without
// plaque. [Fit] makes it.
type Fitted struct {
	Predictor
	// Prior is the log-odds of the outcome over the arteries that it was fitted
	// on (over rows, in data without arteries).
	Prior float64
	// Empty is the log-odds of an artery without plaque:
	//
	//	logit (k + π) / (n + 1)                                     (C.10)
	//
	// with k of n such arteries positive and π the prior probability.
	Empty float64
	// EmptyArteries is n.
	EmptyArteries int
}

// Fit fits l on the rows of d that are lesions, and the rate of [Fitted.Empty]
// on those that are not.
func Fit(ctx context.Context, l Learner, d *Data, seed uint64) (*Fitted, error) {
	var lesions []int
	var k, n int
	units, positive := 0, 0
	counted := make([]bool, len(d.Arteries))
	for r := range d.Y {
		if d.Unit == nil || !counted[d.Unit[r]] {
			units++
			positive += int(d.Y[r])
			if d.Unit != nil {
				counted[d.Unit[r]] = true
			}
		}
		if d.Empty != nil && d.Empty[r] {
			n++
			k += int(d.Y[r])
		} else {
			lesions = append(lesions, r)
		}
	}
	sub := d
	if n > 0 {
		sub = d.Subset(lesions)
	}
	p, err := l.Fit(ctx, sub, seed)
	if err != nil {
		return nil, fmt.Errorf("fit %s: %w", l.Name(), err)
	}
	prior := float64(positive) / float64(units)
	return &Fitted{
		Predictor:     p,
		Prior:         Logit(prior),
		Empty:         Logit((float64(k) + prior) / float64(n+1)),
		EmptyArteries: n,
	}, nil
}

// RowLogOdds returns the log-odds of row r of d, which must have the columns
// of the data that f was fitted on. values is scratch, as long as there are
// columns.
func (f *Fitted) RowLogOdds(d *Data, r int, values []float64) float64 {
	if d.Empty != nil && d.Empty[r] {
		return f.Empty
	}
	return f.LogOdds(d.Row(r, values))
}

// Logistic returns the probability of log-odds x, 1/(1 + e⁻ˣ).
func Logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Logit returns the log-odds of probability p, ln p/(1 − p), with p kept
// within [1e-12, 1 − 1e-12].
func Logit(p float64) float64 {
	const tiny = 1e-12
	p = min(max(p, tiny), 1-tiny)
	return math.Log(p / (1 - p))
}
