package classifier

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/classifier/calibrate"
	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/risk"
)

// setLevel is the probability with which a conformal set holds the class.
const setLevel = 0.9

// judged returns what the pooled scores of level l say beyond the figures of the
// test folds.
func (a *arm) judged(ctx context.Context, l int, all []split, cfg Config, ev EvaluationConfig, arteries, patients []Unit) (*risk.Judged, error) {
	o := &a.levels[l]
	p := o.probabilities()
	boot := judge.Bootstrap{Draws: ev.Bootstrap, Seed: cfg.Seed + uint64(l)}
	j := &risk.Judged{Permutations: ev.Bootstrap}
	auc, err := boot.Run(ctx, o.label, o.group, judge.On(o.label, p, judge.AUC))
	if err != nil {
		return nil, err
	}
	j.PooledAUC = spread(auc.BCa(level))
	j.Obuchowski = risk.Interval{Value: j.PooledAUC.Value, Low: risk.NaN(), High: risk.NaN()}
	if u, err := judge.Clustered(o.label, o.group, p); err == nil {
		j.Obuchowski = spread(u.Interval(0, level))
	}
	permuted, err := judge.Permute(ctx, o.label, o.group, ev.Bootstrap, cfg.Seed+uint64(l), func(y []int) float64 { return judge.AUC(y, p) })
	if err != nil {
		return nil, err
	}
	j.PermutationP = risk.Number(permuted.P)
	for _, x := range []struct {
		to *risk.Interval
		of func(y []int, p []float64) float64
	}{{&j.Slope, judge.CalibrationSlope}, {&j.InTheLarge, judge.CalibrationInTheLarge}} {
		r, err := boot.Run(ctx, o.label, o.group, judge.On(o.label, p, x.of))
		if err != nil {
			return nil, err
		}
		*x.to = spread(r.Percentile(level))
	}
	d := judge.CalibrationDistance(o.label, p)
	j.ICI, j.E50, j.E90, j.Emax = risk.Number(d.ICI), risk.Number(d.E50), risk.Number(d.E90), risk.Number(d.Emax)
	z, prob := judge.Spiegelhalter(o.label, p)
	j.Spiegelhalter, j.SpiegelhalterP = risk.Number(z), risk.Number(prob)
	j.Smooth = smooth(p, o.label)
	j.Sets = o.sets(p)
	for _, rule := range Rules {
		agg := cfg.Aggregation
		used := &agg.Artery
		if l == 1 {
			used = &agg.Patient
		}
		was := *used
		*used = rule
		other := byLevel(all, logOdds(a.fits), agg, arteries, patients)[l]
		q := other.probabilities()
		j.Rules = append(j.Rules, risk.RuleResult{Rule: string(rule), Used: rule == was, AUC: other.interval(ev.Folds),
			LogLoss: risk.Number(judge.LogLoss(o.label, q)), Calibrated: risk.Number(judge.LogLoss(o.label, other.calibrated(q)))})
	}
	return j, nil
}

func spread(i judge.Interval) risk.Interval {
	return risk.Interval{Value: risk.Number(i.Value), Low: risk.Number(i.Low), High: risk.Number(i.High)}
}

// smoothPoints is the number of points of a smooth calibration curve.
const smoothPoints = 50

// smooth returns the observed share by local regression between the 1st and
// 99th percentile of the predicted probabilities, without a band: its spread is that of the
// binned curve beside it.
func smooth(p []float64, y []int) []risk.CurvePoint {
	s := slices.Sorted(slices.Values(p))
	lo, hi := quantile(s, 0.01), quantile(s, 0.99)
	if !(hi > lo) {
		return []risk.CurvePoint{}
	}
	f, at := make([]float64, len(y)), make([]float64, smoothPoints)
	for n, v := range y {
		f[n] = float64(v)
	}
	for n := range at {
		at[n] = lo + (hi-lo)*float64(n)/(smoothPoints-1)
	}
	out := make([]risk.CurvePoint, 0, len(at))
	for n, v := range judge.Loess(p, f, at, 0.75) {
		if !math.IsNaN(v) {
			out = append(out, risk.CurvePoint{X: at[n], Y: min(max(v, 0), 1), Low: risk.NaN(), High: risk.NaN()})
		}
	}
	return out
}

// outside returns the units in and out of a test fold of the first repeat.
func (o *outOfFold) outside(fold int) (in, out []int) {
	for u, f := range o.fold {
		if f == fold {
			in = append(in, u)
		} else {
			out = append(out, u)
		}
	}
	return in, out
}

// sets forms the conformal set of each unit by thresholds from the units of the
// other test folds.
func (o *outOfFold) sets(p []float64) risk.Sets {
	classes := make([][]float64, len(p))
	for n, q := range p {
		classes[n] = []float64{1 - q, q}
	}
	s := risk.Sets{Level: setLevel, Patients: [2]int{math.MaxInt, math.MaxInt}, Warnings: []string{}}
	decided := 0.0
	hit, count := [2]map[int]float64{{}, {}}, [2]map[int]float64{{}, {}} // of each patient
	for fold := range slices.Max(o.fold) + 1 {
		in, out := o.outside(fold)
		c := judge.NewConformal(pick(o.label, out), pick(o.group, out), pick(classes, out), setLevel)
		for k, m := range c.Patients {
			s.Patients[k] = min(s.Patients[k], m)
		}
		for _, w := range c.Warnings {
			if !slices.Contains(s.Warnings, w) {
				s.Warnings = append(s.Warnings, w)
			}
		}
		for _, u := range in {
			set := c.Set(classes[u])
			if len(set) == 1 {
				decided++
			}
			count[o.label[u]][o.group[u]]++
			if slices.Contains(set, o.label[u]) {
				hit[o.label[u]][o.group[u]]++
			}
		}
	}
	s.Single = risk.Number(decided / float64(len(p)))
	for k := range s.Covered {
		var sum, n float64
		for _, g := range slices.Compact(slices.Sorted(slices.Values(o.group))) {
			if m := count[k][g]; m > 0 {
				sum += hit[k][g] / m
				n++
			}
		}
		s.Covered[k] = risk.Number(sum / n)
	}
	return s
}

// calibrated returns probabilities after logistic calibration on the units of
// the other test folds; where these have one outcome, as they are.
func (o *outOfFold) calibrated(p []float64) []float64 {
	q := slices.Clone(p)
	for fold := range slices.Max(o.fold) + 1 {
		in, out := o.outside(fold)
		c, err := calibrate.FitPlatt(pick(o.label, out), pick(p, out))
		if err != nil {
			continue
		}
		for _, u := range in {
			q[u] = c.Apply(p[u])
		}
	}
	return q
}

// comparePaired compares pooled scores of two arms on the same units.
func comparePaired(ctx context.Context, a, b *outOfFold, ev EvaluationConfig, seed uint64) (*risk.Paired, error) {
	p, q := a.probabilities(), b.probabilities()
	d, err := judge.Bootstrap{Draws: ev.Bootstrap, Seed: seed}.PairedDifference(ctx, a.label, a.group, p, q, judge.AUC)
	if err != nil {
		return nil, err
	}
	r := judge.Reclassify(a.label, q, p, nil, level)
	return &risk.Paired{AUC: spread(d.BCa(level)), NRI: effect(r.NRI), NRIEvents: effect(r.Events), NRIOthers: effect(r.Others), IDI: effect(r.IDI)}, nil
}

func effect(d judge.Difference) risk.Effect {
	return risk.Effect{Interval: spread(d.Interval), P: risk.Number(d.P)}
}

// lacking returns what the arm is worth where a modality is missing.
func (a *arm) lacking(all []split, cfg Config, ev EvaluationConfig, arteries, patients []Unit) []risk.Lacking {
	var out []risk.Lacking
	for k, modality := range []string{feature.Radiomics, feature.Biomechanics} {
		columns := a.data.modalities(modality)[0]
		if len(columns) == 0 || len(columns) == len(a.data.Names) {
			continue
		}
		odds := make([][]float64, len(a.fits))
		for n := range a.fits {
			odds[n] = a.fits[n].lacking[k]
		}
		l := risk.Lacking{Modality: modality, Columns: len(columns)}
		for n, o := range byLevel(all, odds, cfg.Aggregation, arteries, patients) {
			full := &a.levels[n]
			l.Levels = append(l.Levels, risk.LackingLevel{Level: o.name, AUC: o.interval(ev.Folds),
				LogLoss: risk.Number(judge.LogLoss(o.label, o.probabilities())), LogLossFull: risk.Number(judge.LogLoss(full.label, full.probabilities()))})
		}
		out = append(out, l)
	}
	return out
}

// mostStable is the number of most important features of each fold that are
// compared.
const mostStable = 10

// stability compares the most important features of the training folds.
func stability(a *arm) *risk.Stability {
	k := min(mostStable, len(a.data.Names))
	var chosen [][]bool
	for n := range a.fits {
		shift := a.fits[n].shift
		if shift == nil {
			return nil
		}
		order := increasing(shift)
		set := make([]bool, len(shift))
		for _, c := range order[len(order)-k:] {
			set[c] = true
		}
		chosen = append(chosen, set)
	}
	s := judge.Nogueira(chosen, level)
	return &risk.Stability{Features: k, Of: len(a.data.Names), Nogueira: spread(s.Interval), Jaccard: risk.Number(s.Jaccard)}
}

// support says whether the patients are enough for the columns of an arm.
func support(a *risk.Arm) risk.Support {
	l := &a.Levels[1]
	share := float64(l.Positives) / float64(l.N)
	return risk.Support{Arm: a.Name, Parameters: a.Columns, Text: judge.Statement(l.N, l.Positives, a.Columns, judge.R2OfLikelihood(float64(l.LogLoss), share))}
}

// unusual lists the patients with a lesion far from those of the other patients:
// beyond the third quartile of all distances by more than three times the
// quartiles' distance (Tukey's far out).
func unusual(d *Data) *risk.Unusual {
	out := &risk.Unusual{Limit: risk.NaN(), Patients: []risk.UnusualPatient{}}
	rows := d.lesions()
	x := make([][]float64, len(d.X))
	for c := range x {
		x[c] = pick(d.X[c], rows)
	}
	ids, far, err := judge.Distances(d.Names, x, pick(d.Group, rows))
	if err != nil {
		out.Reason = err.Error()
		return out
	}
	s := slices.Sorted(slices.Values(far))
	q1, median, q3 := quantile(s, 0.25), quantile(s, 0.5), quantile(s, 0.75)
	limit := q3 + 3*(q3-q1)
	out.Limit = risk.Number(limit / median)
	for n, id := range ids {
		if far[n] > limit {
			out.Patients = append(out.Patients, risk.UnusualPatient{Patient: d.Patients[id], Distance: risk.Number(far[n] / median)})
		}
	}
	slices.SortStableFunc(out.Patients, func(a, b risk.UnusualPatient) int { return cmp.Compare(b.Distance, a.Distance) })
	return out
}

// lesions returns the rows that are no artery without plaque, by patient and
// values, so that sums over them have the same last bit whatever the order of the
// table.
func (d *Data) lesions() []int {
	var out []int
	for r := range d.Y {
		if d.Empty == nil || !d.Empty[r] {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b int) int {
		by := cmp.Compare(d.Group[a], d.Group[b])
		for c := 0; by == 0 && c < len(d.X); c++ {
			by = cmp.Compare(d.X[c][a], d.X[c][b])
		}
		return by
	})
	return out
}
