package judge

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Statistic is a figure of rows, which may occur more than once. It must be
// safe for use by several goroutines.
type Statistic func(rows []int) float64

// Bootstrap resamples patients, all rows of one together. Patients are drawn
// within the class of their worst row, so that each resample has as many
// positive patients as the cohort.
type Bootstrap struct {
	Draws int
	Seed  uint64
}

// DefaultBootstrap has 2000 draws.
func DefaultBootstrap() Bootstrap { return Bootstrap{Draws: 2000, Seed: 1} }

// Replicates are the values of a statistic on resamples.
type Replicates struct {
	Estimate  float64   // on the rows as they are
	Values    []float64 // on the resamples, increasing; those that are NaN left out
	Undefined int       // resamples on which the statistic was NaN
	Influence []float64 // jackknife: (m−1)(mean − value without a patient), or similar
}

// minDraws is the least number of defined replicates for an interval.
const minDraws = 40

// Run computes the statistic on all resamples and, for [Replicates.BCa], without
// each patient.
func (b Bootstrap) Run(ctx context.Context, y, cluster []int, f Statistic) (*Replicates, error) {
	sameLength("Bootstrap", len(y), len(cluster))
	if b.Draws < minDraws {
		return nil, fmt.Errorf("%d bootstrap draws, want at least %d", b.Draws, minDraws)
	}
	if len(y) == 0 {
		return nil, errors.New("bootstrap of no rows")
	}
	rows, strata := patients(y, cluster)
	out := &Replicates{Estimate: f(all(len(y)))}
	values := make([]float64, b.Draws)
	err := par.For(ctx, b.Draws, func(n int) { values[n] = f(b.draw(n, rows, strata)) })
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		if math.IsNaN(v) {
			out.Undefined++
		} else {
			out.Values = append(out.Values, v)
		}
	}
	slices.Sort(out.Values)

	var present []int // clusters with rows
	for c := range rows {
		if len(rows[c]) > 0 {
			present = append(present, c)
		}
	}
	without := make([]float64, len(present))
	err = par.For(ctx, len(present), func(n int) {
		var rest []int
		for i, c := range cluster {
			if c != present[n] {
				rest = append(rest, i)
			}
		}
		without[n] = f(rest)
	})
	if err != nil {
		return nil, err
	}
	m := mean(without)
	out.Influence = make([]float64, len(without))
	for n, v := range without {
		out.Influence[n] = float64(len(without)-1) * (m - v)
	}
	return out, nil
}

func all(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// patients returns the rows of each cluster, and the clusters without and with
// an event.
func patients(y, cluster []int) (rows [][]int, strata [2][]int) {
	rows = make([][]int, slices.Max(cluster)+1)
	worst := make([]int, len(rows))
	for i, c := range cluster {
		rows[c] = append(rows[c], i)
		worst[c] = max(worst[c], min(y[i], 1))
	}
	for c := range rows {
		if len(rows[c]) > 0 {
			strata[worst[c]] = append(strata[worst[c]], c)
		}
	}
	return rows, strata
}

// draw returns the rows of resample n.
func (b Bootstrap) draw(n int, rows [][]int, strata [2][]int) []int {
	var sample []int
	for k, members := range strata {
		s := newStream(b.Seed, streamBootstrap, uint64(n), uint64(k))
		for i := range members {
			sample = append(sample, rows[members[s.below(i, len(members))]]...)
		}
	}
	return sample
}

// The streams of random numbers.
const (
	streamBootstrap = 0xb007
	streamPermute   = 0x9e27
)

// Percentile returns the interval between the quantiles of the replicates. It
// is NaN if too few are defined.
func (r *Replicates) Percentile(level float64) Interval {
	return r.between((1-level)/2, (1+level)/2)
}

// BCa returns the bias-corrected and accelerated interval (Efron, J. Am. Stat.
// Assoc. 82, 1987): between the quantiles
//
//	Φ(z₀ + (z₀ + z)/(1 − a (z₀ + z))),   z = ±z_level                (J.5)
//
// with z₀ the normal quantile of the share of replicates below the estimate and
// a = Σ u³/(6 (Σ u²)^1.5) of the influences u. It is NaN if all replicates lie on
// one side of the estimate.
func (r *Replicates) BCa(level float64) Interval {
	below, _ := slices.BinarySearch(r.Values, r.Estimate)
	z0 := distuv.UnitNormal.Quantile(float64(below) / float64(len(r.Values)))
	var u2, u3 float64
	for _, u := range r.Influence {
		u2 += u * u
		u3 += u * u * u
	}
	a := u3 / (6 * math.Pow(u2, 1.5))
	if u2 == 0 {
		a = 0
	}
	z := normalQuantile(level)
	q := func(z float64) float64 { return distuv.UnitNormal.CDF(z0 + (z0+z)/(1-a*(z0+z))) }
	if math.IsInf(z0, 0) || math.IsNaN(a) {
		return Interval{r.Estimate, math.NaN(), math.NaN()}
	}
	return r.between(q(-z), q(z))
}

func (r *Replicates) between(low, high float64) Interval {
	if len(r.Values) < minDraws || math.IsNaN(r.Estimate) {
		return Interval{r.Estimate, math.NaN(), math.NaN()}
	}
	return Interval{r.Estimate, orderStatistic(r.Values, low), orderStatistic(r.Values, high)}
}

// orderStatistic returns the value of rank (R + 1)q among R increasing values,
// between two of them linear in the normal quantile of their ranks (Davison and
// Hinkley 1997, equation 5.8; R's boot.ci).
func orderStatistic(x []float64, q float64) float64 {
	n := float64(len(x))
	rk := (n + 1) * q
	k := int(rk)
	switch {
	case k < 1:
		return x[0]
	case k >= len(x):
		return x[len(x)-1]
	case rk == float64(k):
		return x[k-1]
	}
	quantile := distuv.UnitNormal.Quantile
	zk, zn := quantile(float64(k)/(n+1)), quantile(float64(k+1)/(n+1))
	return x[k-1] + (quantile(q)-zk)/(zn-zk)*(x[k]-x[k-1])
}

// PairedDifference returns the bootstrap of the difference of a statistic of
// two scores on the same rows: both see the same resamples.
func (b Bootstrap) PairedDifference(ctx context.Context, y, cluster []int, first, second []float64, metric func(y []int, s []float64) float64) (*Replicates, error) {
	sameLength("PairedDifference", len(y), len(first), len(second))
	return b.Run(ctx, y, cluster, func(rows []int) float64 {
		at := pick(y, rows)
		return metric(at, pick(first, rows)) - metric(at, pick(second, rows))
	})
}

// On makes a statistic of rows of a metric of outcomes and scores.
func On(y []int, s []float64, metric func(y []int, s []float64) float64) Statistic {
	sameLength("On", len(y), len(s))
	return func(rows []int) float64 { return metric(pick(y, rows), pick(s, rows)) }
}

func pick[T any](x []T, rows []int) []T {
	out := make([]T, len(rows))
	for n, i := range rows {
		out[n] = x[i]
	}
	return out
}

// Plus632 is the .632+ estimate of an error (Efron and Tibshirani, J. Am. Stat.
// Assoc. 92, 1997).
type Plus632 struct {
	Overfit float64 // R, the relative overfitting rate, 0 to 1
	Weight  float64 // of the out-of-bag error
	Plain   float64 // the .632 estimate
	Value   float64
}

// NewPlus632 combines the apparent error, the mean error of rows outside the
// bootstrap samples and the error γ without information:
//
//	err' = min(err₁, γ),  R = (err' − app)/(γ − app) if err', γ > app, else 0
//	w = .632/(1 − .368 R),  .632+ = (1 − w) app + w err'            (J.6)
func NewPlus632(apparent, outside, none float64) Plus632 {
	e := Plus632{Plain: 0.368*apparent + 0.632*outside}
	outside = min(outside, none)
	if outside > apparent && none > apparent {
		e.Overfit = (outside - apparent) / (none - apparent)
	}
	e.Weight = 0.632 / (1 - 0.368*e.Overfit)
	e.Value = (1-e.Weight)*apparent + e.Weight*outside
	return e
}

// NoInformation returns the error rate γ = Σ_k p_k (1 − q_k) if outcomes and
// calls, of shares p_k and q_k, had nothing to do with each other.
func NoInformation(y, called []int, classes int) float64 {
	c := NewConfusion(y, called, classes)
	n := float64(len(y))
	var gamma float64
	for k := range c {
		var p, q float64
		for j := range c {
			p += float64(c[k][j])
			q += float64(c[j][k])
		}
		gamma += p / n * (1 - q/n)
	}
	return gamma
}
