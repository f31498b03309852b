package perturb

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Row tells how far one feature can be trusted.
type Row struct {
	Feature, Unit, Definition string
	// ICC is the share of the variance that lies between regions, ICC(1,1), with
	// its 95 % confidence interval; NaN if all values are equal or there are too
	// few.
	ICC, Low, High float64
	// WithinCV is the coefficient of variation under perturbation of one region:
	// the root mean square over regions of sd/|mean|. CV is that of all values.
	// They say nothing of features that can be zero or negative.
	WithinCV, CV  float64
	Regions       int // with a value
	Perturbations int // of each region
	Undefined     int // values that are missing, of Regions and others
}

// Stability tells how far each feature can be trusted, in the order of the
// profile's columns.
type Stability struct{ Rows []Row }

// Keep returns the features whose ICC is at least minICC, in the order of the
// table. A feature without ICC is not kept.
func (s *Stability) Keep(minICC float64) []string {
	var names []string
	for _, r := range s.Rows {
		if r.ICC >= minICC {
			names = append(names, r.Feature)
		}
	}
	return names
}

// Reliability is the analysis of variance of a feature measured several times
// in each of several regions: x = mean + region + error.
type Reliability struct {
	ICC, Low, High float64
	WithinCV, CV   float64
	Regions        int // with a value
	Values         int
}

// NewReliability analyses values[region][repetition]; NaN marks a value that is
// missing. With n regions, kᵢ values in region i, N in all, and the mean squares
//
//	B = Σᵢ kᵢ (x̄ᵢ − x̄)²/(n−1),  W = Σᵢⱼ (xᵢⱼ − x̄ᵢ)²/(N−n)
//
// between and within regions,
//
//	ICC(1,1) = (B − W)/(B + (k−1) W),  k = (N − Σkᵢ²/N)/(n−1)        (RB.4)
//
// (Shrout and Fleiss, Psychological Bulletin 86 (1979) 420). Its 95 % interval
// is (F/q − 1)/(F/q + k − 1), F = B/W, with the quantiles q = F₀.₉₇₅(n−1, N−n)
// below and q = 1/F₀.₉₇₅(N−n, n−1) above: exact if no value is missing. ICC is
// NaN with fewer than two regions, without repetitions, and if all values are
// equal.
func NewReliability(values [][]float64) Reliability {
	nan := math.NaN()
	r := Reliability{ICC: nan, Low: nan, High: nan, WithinCV: nan, CV: nan}
	var between, within, squares, ratio, mean, m2 float64
	ratios := 0
	for _, xs := range values {
		k, m, s := 0.0, 0.0, 0.0
		for _, x := range xs {
			if math.IsNaN(x) {
				continue
			}
			k++
			d := x - m
			m += d / k
			s += d * (x - m)
		}
		if k == 0 {
			continue
		}
		r.Regions++
		within += s
		squares += k * k
		if k > 1 && m != 0 {
			ratio += s / (k - 1) / (m * m)
			ratios++
		}
		// The groups' means and sums of squares are joined one by one.
		n := float64(r.Values)
		if n == 0 {
			mean = m // exactly, so that equal means differ by zero
		}
		d := m - mean
		between += d * d * n * k / (n + k)
		mean += d * k / (n + k)
		m2 += s + d*d*n*k/(n+k)
		r.Values += int(k)
	}
	if ratios > 0 {
		r.WithinCV = math.Sqrt(ratio / float64(ratios))
	}
	n, total := float64(r.Regions), float64(r.Values)
	if r.Values > 1 && mean != 0 {
		r.CV = math.Sqrt(m2/(total-1)) / math.Abs(mean)
	}
	if r.Regions < 2 || r.Values == r.Regions || between == 0 && within == 0 {
		return r
	}
	b, w := between/(n-1), within/(total-n)
	k := (total - squares/total) / (n - 1)
	if w == 0 {
		r.ICC, r.Low, r.High = 1, 1, 1
		return r
	}
	f := b / w
	icc := func(f float64) float64 { return (f - 1) / (f + k - 1) }
	r.ICC = icc(f)
	r.Low = icc(f / distuv.F{D1: n - 1, D2: total - n}.Quantile(0.975))
	r.High = icc(f * distuv.F{D1: total - n, D2: n - 1}.Quantile(0.975))
	return r
}

// Extract computes the features of a region, by any profile.
type Extract func(ctx context.Context, vol *imaging.Volume, roi *imaging.Mask) (feature.Vector, error)

// Region is one region of a study. Load is called once, so that only one image
// at a time is in memory.
type Region struct {
	Name string
	Load func(ctx context.Context) (*imaging.Volume, *imaging.Mask, error)
}

// Failure is an extraction that gave no features, as of a region that shrank to
// nothing within its re-segmentation range. Its values count as undefined.
type Failure struct {
	Region, Perturbation string
	Err                  error
}

// Result is a study: all values and what they say.
type Result struct {
	Schema        feature.Schema
	Regions       []string
	Perturbations []Perturbation
	Values        [][][]float64 // per feature, region and perturbation
	Failures      []Failure     // in the order of regions and perturbations
	Stability     Stability
}

// Run extracts features from all regions in all perturbations of cfg. progress,
// if not nil, is called after each region. Names must differ, because they
// choose the random numbers. Perturbations run in parallel; the result does not
// depend on the number of processors.
func Run(ctx context.Context, regions []Region, cfg Config, extract Extract, progress func(done int)) (*Result, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("perturb: %w", err)
	}
	r := &Result{Perturbations: cfg.Perturbations()}
	seen := make(map[string]bool, len(regions))
	for _, region := range regions {
		if seen[region.Name] {
			return nil, fmt.Errorf("perturb: two regions are called %q", region.Name)
		}
		seen[region.Name] = true
		r.Regions = append(r.Regions, region.Name)
	}
	for n, region := range regions {
		vectors, err := r.region(ctx, region, cfg, extract)
		if err != nil {
			return nil, fmt.Errorf("perturb: region %q: %w", region.Name, err)
		}
		if err := r.add(n, vectors); err != nil {
			return nil, fmt.Errorf("perturb: region %q: %w", region.Name, err)
		}
		if progress != nil {
			progress(n + 1)
		}
	}
	if r.Values == nil {
		if len(r.Failures) > 0 {
			return nil, fmt.Errorf("perturb: no extraction gave features; the first, region %q as %s: %w", r.Failures[0].Region, r.Failures[0].Perturbation, r.Failures[0].Err)
		}
		return nil, errors.New("perturb: no regions")
	}
	r.Stability = r.analyse()
	return r, nil
}

// region returns the features of one region in all perturbations; a vector
// without a schema where the extraction failed.
func (r *Result) region(ctx context.Context, region Region, cfg Config, extract Extract) ([]feature.Vector, error) {
	vol, roi, err := region.Load(ctx)
	if err != nil {
		return nil, err
	}
	s, err := newSubject(region.Name, vol, roi, cfg)
	if err != nil {
		return nil, err
	}
	vectors, failed := make([]feature.Vector, len(r.Perturbations)), make([]error, len(r.Perturbations))
	err = par.For(ctx, len(vectors), func(n int) {
		image, mask, err := s.Apply(ctx, r.Perturbations[n])
		if err == nil {
			vectors[n], err = extract(ctx, image, mask)
		}
		failed[n] = err
	})
	if err != nil {
		return nil, err
	}
	for n, err := range failed {
		if err != nil {
			vectors[n] = feature.Vector{}
			r.Failures = append(r.Failures, Failure{region.Name, r.Perturbations[n].String(), err})
		}
	}
	return vectors, nil
}

// add puts the features of region n into the values.
func (r *Result) add(n int, vectors []feature.Vector) error {
	for p, v := range vectors {
		if v.Schema.Len() == 0 {
			continue
		}
		if r.Values == nil {
			r.Schema = v.Schema
			r.Values = make([][][]float64, v.Schema.Len())
			for f := range r.Values {
				r.Values[f] = make([][]float64, len(r.Regions))
				for m := range r.Values[f] {
					r.Values[f][m] = make([]float64, len(r.Perturbations))
					for q := range r.Values[f][m] {
						r.Values[f][m][q] = math.NaN()
					}
				}
			}
		}
		if !v.Schema.Equal(&r.Schema) {
			return fmt.Errorf("perturbation %s: other columns than before", r.Perturbations[p])
		}
		for f, x := range v.Values {
			if !math.IsInf(x, 0) {
				r.Values[f][n][p] = x
			}
		}
	}
	return nil
}

// analyse makes the table.
func (r *Result) analyse() Stability {
	rows := make([]Row, len(r.Values))
	for f := range rows {
		c, a := r.Schema.Column(f), NewReliability(r.Values[f])
		rows[f] = Row{
			Feature: c.Name, Unit: c.Unit, Definition: c.Definition(),
			ICC: a.ICC, Low: a.Low, High: a.High, WithinCV: a.WithinCV, CV: a.CV,
			Regions: a.Regions, Perturbations: len(r.Perturbations), Undefined: len(r.Regions)*len(r.Perturbations) - a.Values,
		}
	}
	return Stability{Rows: rows}
}
