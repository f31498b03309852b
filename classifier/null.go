package classifier

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Coverage says how often the intervals of [Evaluate] cover the truth where it
// is known: an AUC of ½ for outcomes drawn without looking at anything.
type Coverage struct {
	Format  string          `json:"format"`
	Version int             `json:"version"`
	Draws   int             `json:"draws"`
	Seed    uint64          `json:"seed"`
	Folds   int             `json:"folds"`
	Repeats int             `json:"repeats"`
	Arms    []CoverageOfArm `json:"arms"`
}

// CoverageOfArm is the coverage of one arm at one level.
type CoverageOfArm struct {
	Arm     string        `json:"arm"`
	Level   string        `json:"level"`
	MeanAUC float64       `json:"mean_auc"`
	SDAUC   float64       `json:"sd_auc"`
	Covered risk.Interval `json:"share_covered"` // with Wilson's interval over the draws
}

// CoverageFormat and CoverageVersion head a coverage file.
const (
	CoverageFormat  = "plaquerisk.coverage"
	CoverageVersion = 1
)

// streamNull keeps the drawn outcomes apart from everything else; streams below
// maxBags are those of the bags.
const streamNull = 0x9011

// NullCoverage evaluates the arms on the features of t with outcomes drawn at
// random, draws times: the number of positive patients is that of t, which
// patients are positive is chance, and all arteries of a patient share the
// outcome. It returns how often the interval of the AUC covers ½.
func NullCoverage(ctx context.Context, t *feature.Table, cfg Config, ev EvaluationConfig, draws int, seed uint64, progress func(done, total int)) (*Coverage, error) {
	if err := errors.Join(cfg.Validate(), ev.Validate()); err != nil {
		return nil, err
	}
	if draws < 2 {
		return nil, fmt.Errorf("%d draws, want at least 2", draws)
	}
	var notes risk.Evaluation
	arms, err := newArms(t, cfg, nil, nil, &notes)
	if err != nil {
		return nil, err
	}
	positives := 0
	known := PatientUnits(ArteryUnits(arms[0].data))
	for _, u := range known {
		positives += u.Label
	}
	if ev, err = fitFolds(known, ev, &notes); err != nil {
		return nil, err
	}
	out := &Coverage{Format: CoverageFormat, Version: CoverageVersion, Draws: draws, Seed: seed, Folds: ev.Folds, Repeats: ev.Repeats}
	auc := make([][2][]float64, len(arms))
	covered := make([][2]int, len(arms))
	tick := ticker(draws, progress)
	for n := range draws {
		y := drawOutcomes(known, positives, rand.New(rand.NewPCG(seed+uint64(n), streamNull)))
		for a := range arms {
			levels, err := arms[a].withOutcomes(ctx, y, cfg.Aggregation, ev, seed+uint64(n))
			if err != nil {
				return nil, fmt.Errorf("draw %d, %s: %w", n+1, arms[a].name, err)
			}
			for l, o := range levels {
				i := o.interval(ev.Folds)
				auc[a][l] = append(auc[a][l], float64(i.Value))
				if i.Low <= 0.5 && i.High >= 0.5 {
					covered[a][l]++
				}
			}
		}
		tick()
	}
	for a := range arms {
		for l, name := range []string{"artery", "patient"} {
			mean, sd := meanSD(auc[a][l])
			p := float64(covered[a][l]) / float64(draws)
			low, high := judge.WilsonShare(p, float64(draws), level)
			out.Arms = append(out.Arms, CoverageOfArm{Arm: arms[a].name, Level: name, MeanAUC: mean, SDAUC: sd,
				Covered: risk.Interval{Value: risk.Number(p), Low: risk.Number(low), High: risk.Number(high)}})
		}
	}
	return out, nil
}

// withOutcomes cross-validates the arm with other outcomes of the patients.
func (a *arm) withOutcomes(ctx context.Context, y map[int]float64, agg Aggregation, ev EvaluationConfig, seed uint64) ([2]outOfFold, error) {
	d := relabelled(a.data, y)
	arteries := ArteryUnits(d)
	patients := PatientUnits(arteries)
	all := splits(d, patients, ev, seed)
	fits, err := crossValidate(ctx, a.learner, d, all, seed, asked{}, func() {})
	if err != nil {
		return [2]outOfFold{}, err
	}
	return byLevel(all, logOdds(fits), agg, arteries, patients), nil
}

// drawOutcomes returns an outcome per group, positive for so many of the
// patients.
func drawOutcomes(patients []Unit, positives int, rng *rand.Rand) map[int]float64 {
	y := make(map[int]float64, len(patients))
	for n, at := range rng.Perm(len(patients)) {
		y[patients[at].Group] = 0
		if n < positives {
			y[patients[at].Group] = 1
		}
	}
	return y
}

// relabelled returns d with other outcomes.
func relabelled(d *Data, y map[int]float64) *Data {
	out := *d
	out.Y = make([]float64, len(d.Y))
	for r, g := range d.Group {
		out.Y[r] = y[g]
	}
	return &out
}

func meanSD(x []float64) (mean, sd float64) {
	var m, q float64
	for n, v := range x { // Welford
		d := v - m
		m += d / float64(n+1)
		q += d * (v - m)
	}
	return m, math.Sqrt(q / float64(len(x)-1))
}
