package classifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/risk"
)

// EvaluationConfig holds the choices of cross-validation.
type EvaluationConfig struct {
	// Folds is the number of parts that the patients are dealt into; each is the test part once.
	Folds int `yaml:"folds"`
	// Repeats is the number of times that the patients are dealt anew.
	Repeats int `yaml:"repeats"`
	// Bootstrap is the number of patient resamples behind the intervals of rates and the bands of curves.
	Bootstrap int `yaml:"bootstrap"`
}

// DefaultEvaluation returns the settings of the shipped evaluation.
func DefaultEvaluation() EvaluationConfig {
	return EvaluationConfig{Folds: 5, Repeats: 10, Bootstrap: 1000}
}

// Validate reports everything that is wrong, in the words of the YAML file.
func (c EvaluationConfig) Validate() error {
	count := func(key string, n, low, high int) error {
		if n < low || n > high {
			return fmt.Errorf("%s is %d, want %d to %d", key, n, low, high)
		}
		return nil
	}
	return errors.Join(count("folds", c.Folds, 2, 100), count("repeats", c.Repeats, 1, 1000), count("bootstrap", c.Bootstrap, 100, 100000))
}

// EvaluateOptions are what an evaluation takes beside settings.
type EvaluateOptions struct {
	// Arms are the sets of features to compare, some of [Arms]; nil: all.
	Arms []string
	// Baselines are learners to compare with, on the columns of the last arm.
	Baselines []Learner
	// Progress, if not nil, counts fits.
	Progress func(done, total int)
}

// The arms that are compared.
const (
	ArmRadiomics    = "radiomics"
	ArmBiomechanics = "biomechanics"
	ArmBoth         = "both"
)

// Arms are the names of all arms.
var Arms = []string{ArmRadiomics, ArmBiomechanics, ArmBoth}

// Arm returns the name of the arm that learns from c.Modalities.
func (c Config) Arm() string {
	m := slices.Sorted(slices.Values(c.Modalities))
	if slices.Equal(m, []string{feature.Biomechanics, feature.Radiomics}) {
		return ArmBoth
	}
	return strings.Join(m, "+")
}

// arm is a set of columns with a learner.
type arm struct {
	name    string
	learner Learner
	data    *Data
	fits    []fitted
	levels  [2]outOfFold
}

// outOfFold are the scores of one level.
type outOfFold struct {
	name    string
	units   []Unit
	label   []int
	group   []int
	logOdds []float64   // mean over the repeats
	fold    []int       // test fold of the first repeat
	auc     []float64   // of every test fold
	curve   [][]float64 // ROC of every test fold, at the steps of [rocAt]
}

// Evaluate compares radiomics alone, biomechanics alone and both, or some of these, and the
// baselines, by repeated cross-validation in which all rows of a patient are in
// one fold. Title, Outcome, Failures and Provenance are left to the caller.
//
// The AUC is the mean over the test folds, so that only patients scored by one
// model are compared: scores of different folds have different offsets, and
// pooling them biases the AUC of a weak model below ½. See
// docs/theory/evaluation.md for the interval and what it covers.
func Evaluate(ctx context.Context, t *feature.Table, cfg Config, ev EvaluationConfig, opt EvaluateOptions) (*risk.Evaluation, error) {
	if err := errors.Join(cfg.Validate(), ev.Validate()); err != nil {
		return nil, err
	}
	out := &risk.Evaluation{Format: risk.EvaluationFormat, Version: risk.EvaluationVersion,
		Arms: []risk.Arm{}, Comparison: []risk.Difference{}, Importance: []risk.Importance{}, Failures: []risk.Failure{}, Notes: []risk.Note{}}
	arms, err := newArms(t, cfg, opt.Arms, opt.Baselines, out)
	if err != nil {
		return nil, err
	}
	d := arms[0].data
	arteries := ArteryUnits(d)
	patients := PatientUnits(arteries)
	if ev, err = fitFolds(patients, ev, out); err != nil {
		return nil, err
	}
	all := splits(d, patients, ev, cfg.Seed)
	tick := ticker(len(arms)*len(all), opt.Progress)
	for n := range arms {
		a := &arms[n]
		want := asked{explain: a.name == ArmBoth}
		if a.name == ArmBoth {
			want.lacking = a.data.modalities(feature.Radiomics, feature.Biomechanics)
		}
		if a.fits, err = crossValidate(ctx, a.learner, a.data, all, cfg.Seed, want, tick); err != nil {
			return nil, fmt.Errorf("%s: %w", a.name, err)
		}
		a.levels = byLevel(all, logOdds(a.fits), cfg.Aggregation, arteries, patients)
	}
	for n := range arms {
		r := arms[n].result(ev, cfg.Seed)
		for l := range arms[n].levels {
			if r.Levels[l].Judged, err = arms[n].judged(ctx, l, all, cfg, ev, arteries, patients); err != nil {
				return nil, fmt.Errorf("%s: %w", arms[n].name, err)
			}
		}
		out.Arms = append(out.Arms, r)
		if slices.Contains(Arms, r.Name) {
			out.Support = append(out.Support, support(&r))
		}
	}
	if out.Comparison, err = compareArms(ctx, arms, ev, cfg.Seed); err != nil {
		return nil, err
	}
	for n := range arms {
		if arms[n].name == ArmBoth {
			out.Importance, out.Stability = importance(&arms[n], t), stability(&arms[n])
			out.Lacking = arms[n].lacking(all, cfg, ev, arteries, patients)
			out.Unusual = unusual(arms[n].data)
		}
	}
	out.Data = describe(t, d, arteries, patients, out.Importance)
	out.Flow = flow(t, d, arteries, patients)
	out.Protocol = protocol(cfg, ev)
	return out, nil
}

// newArms makes the arms asked for whose modalities the table has.
func newArms(t *feature.Table, cfg Config, want []string, baselines []Learner, out *risk.Evaluation) ([]arm, error) {
	if want == nil {
		want = Arms
	}
	for _, name := range want {
		if !slices.Contains(Arms, name) {
			return nil, fmt.Errorf("arm %q, want some of %q", name, Arms)
		}
	}
	var arms []arm
	var failed error
	var chosen []risk.Note // how the columns of the last arm were chosen
	for _, a := range []struct {
		name       string
		modalities []string
	}{
		{ArmRadiomics, []string{feature.Radiomics}},
		{ArmBiomechanics, []string{feature.Biomechanics}},
		{ArmBoth, []string{feature.Radiomics, feature.Biomechanics}},
	} {
		if !slices.Contains(want, a.name) {
			continue
		}
		c := cfg
		c.Modalities = a.modalities
		columns, notes, err := SelectColumns(t, c)
		if err != nil {
			failed = err
			out.Notes = append(out.Notes, risk.Note{Code: "PLQ-520", Severity: risk.Warning, Where: a.name, Text: "This arm was not evaluated: " + err.Error() + "."})
			continue
		}
		d, err := NewData(t, columns)
		if err != nil {
			return nil, err
		}
		chosen = notes
		arms = append(arms, arm{name: a.name, learner: cfg.Boosting, data: d})
	}
	if len(arms) == 0 {
		return nil, failed
	}
	out.Notes = append(out.Notes, chosen...)
	last := arms[len(arms)-1].data
	for _, b := range baselines {
		arms = append(arms, arm{name: "baseline: " + b.Name(), learner: b, data: last})
	}
	return arms, nil
}

// fitFolds reduces the folds to what the rarer class allows.
func fitFolds(patients []Unit, ev EvaluationConfig, out *risk.Evaluation) (EvaluationConfig, error) {
	count := [2]int{}
	for _, u := range patients {
		count[u.Label]++
	}
	rarer := min(count[0], count[1])
	if rarer < 2 {
		return ev, fmt.Errorf("%d patients with the event and %d without: cross-validation needs two of each", count[1], count[0])
	}
	if rarer < ev.Folds {
		out.Notes = append(out.Notes, risk.Note{Code: "PLQ-521", Severity: risk.Warning, Text: fmt.Sprintf(
			"Only %d patients are of the rarer class, so that %d folds were used instead of %d. Intervals from so few are rough.", rarer, rarer, ev.Folds)})
		ev.Folds = rarer
	}
	return ev, nil
}

// logOdds returns the log-odds of the test rows of each split.
func logOdds(fits []fitted) [][]float64 {
	odds := make([][]float64, len(fits))
	for n := range fits {
		odds[n] = fits[n].logOdds
	}
	return odds
}

// byLevel gathers the out-of-fold scores of arteries and patients.
func byLevel(all []split, odds [][]float64, agg Aggregation, arteries, patients []Unit) [2]outOfFold {
	out := [2]outOfFold{{name: "artery", units: arteries}, {name: "patient", units: patients}}
	for l := range out {
		o := &out[l]
		o.logOdds, o.fold = make([]float64, len(o.units)), make([]int, len(o.units))
		for _, u := range o.units {
			o.label = append(o.label, u.Label)
			o.group = append(o.group, u.Group)
		}
	}
	repeats := 0
	for n := range all {
		repeats = max(repeats, all[n].repeat+1)
		row := make(map[int]float64, len(all[n].test))
		for i, r := range all[n].test {
			row[r] = Logistic(odds[n][i])
		}
		// The probabilities of the arteries and patients of this fold.
		artery := make(map[int]float64)
		for l, units := range [2][]Unit{arteries, patients} {
			rule, parts := agg.Artery, row
			if l == 1 {
				rule, parts = agg.Patient, artery
			}
			var s []float64
			var y []int
			for u := range units {
				p := make([]float64, 0, len(units[u].Parts))
				for _, part := range units[u].Parts {
					if q, ok := parts[part]; ok {
						p = append(p, q)
					}
				}
				if len(p) == 0 {
					continue
				}
				q := rule.Combine(p)
				if l == 0 {
					artery[u] = q
				}
				out[l].logOdds[u] += Logit(q)
				if all[n].repeat == 0 {
					out[l].fold[u] = all[n].fold
				}
				s, y = append(s, q), append(y, units[u].Label)
			}
			out[l].auc = append(out[l].auc, judge.AUC(y, s))
			out[l].curve = append(out[l].curve, rocAt(s, y))
		}
	}
	for l := range out {
		for u := range out[l].logOdds {
			out[l].logOdds[u] /= float64(repeats)
		}
	}
	return out
}

// result judges an arm at both levels.
func (a *arm) result(ev EvaluationConfig, seed uint64) risk.Arm {
	r := risk.Arm{Name: a.name, Columns: len(a.data.Names)}
	for l := range a.levels {
		r.Levels = append(r.Levels, a.levels[l].result(ev, seed+uint64(l), l == 0))
	}
	return r
}

// probabilities returns those of the mean log-odds.
func (o *outOfFold) probabilities() []float64 {
	p := make([]float64, len(o.logOdds))
	for n, x := range o.logOdds {
		p[n] = Logistic(x)
	}
	return p
}

func (o *outOfFold) positives() int {
	n := 0
	for _, y := range o.label {
		n += y
	}
	return n
}

// interval returns the AUC with its interval.
func (o *outOfFold) interval(folds int) risk.Interval {
	n := o.positives()
	return aucInterval(o.auc, folds, min(n, len(o.label)-n))
}

func (o *outOfFold) result(ev EvaluationConfig, seed uint64, named bool) risk.LevelResult {
	p := o.probabilities()
	n1 := o.positives()
	threshold := float64(n1) / float64(len(p))
	r := risk.LevelResult{
		Level: o.name, N: len(p), Positives: n1, AUC: o.interval(ev.Folds), Threshold: risk.Number(threshold),
		Brier: risk.Number(judge.Brier(o.label, p)), LogLoss: risk.Number(judge.LogLoss(o.label, p)),
	}
	ece, _ := judge.ECE(judge.WidthBins(o.label, p, 10))
	line := judge.Recalibrate(o.label, p)
	r.ECE, r.CalIntercept, r.CalSlope = risk.Number(ece), risk.Number(line.Intercept), risk.Number(line.Slope)
	r.FoldAUC = make([]risk.Number, 0, len(o.auc))
	for _, x := range o.auc {
		r.FoldAUC = append(r.FoldAUC, risk.Number(x))
	}
	for n, u := range o.units {
		s := risk.Score{Patient: u.Patient, Label: u.Label, Probability: p[n]}
		if named {
			s.Artery = u.Artery
		}
		r.Scores = append(r.Scores, s)
	}
	b := newResamples(o.group, ev.Bootstrap, seed)
	o.rates(&r, p, threshold, b)
	o.curves(&r, p, ev.Folds)
	return r
}

// compareArms compares every pair of boosting arms on the same folds, and the last
// with the baselines.
func compareArms(ctx context.Context, arms []arm, ev EvaluationConfig, seed uint64) ([]risk.Difference, error) {
	out := []risk.Difference{}
	main := ""
	for _, a := range arms {
		if slices.Contains(Arms, a.name) {
			main = a.name
		}
	}
	for i := range arms {
		for j := range arms[:i] {
			baseline := strings.HasPrefix(arms[i].name, "baseline")
			if baseline && arms[j].name != main {
				continue
			}
			for l := range arms[i].levels {
				a, b := &arms[i].levels[l], &arms[j].levels[l]
				diff := make([]float64, len(a.auc))
				for n := range diff {
					diff[n] = a.auc[n] - b.auc[n]
				}
				d, p := differenceInterval(diff, ev.Folds)
				paired, err := comparePaired(ctx, a, b, ev, seed+uint64(l))
				if err != nil {
					return nil, err
				}
				out = append(out, risk.Difference{A: arms[i].name, B: arms[j].name, Level: a.name, AUC: d, P: p, Paired: paired})
			}
		}
	}
	return out, nil
}

// mostImportance is the number of features that a report lists.
const mostImportance = 30

// importance ranks the columns of an arm by their mean absolute contribution
// out of fold.
func importance(a *arm, t *feature.Table) []risk.Importance {
	out := make([]risk.Importance, len(a.data.Names))
	for c, name := range a.data.Names {
		out[c].Feature = name
		if at, ok := t.Schema.Index(name); ok {
			col := t.Schema.Column(at)
			out[c].Modality = col.Modality
		}
		used, splits := 0, 0
		for n := range a.fits {
			if a.fits[n].shift == nil {
				continue
			}
			splits++
			out[c].MeanShift += a.fits[n].shift[c]
			if a.fits[n].used[c] {
				used++
			}
		}
		out[c].MeanShift /= float64(max(splits, 1))
		out[c].Folds = risk.Number(float64(used) / float64(max(splits, 1)))
	}
	slices.SortFunc(out, func(a, b risk.Importance) int {
		return cmp.Or(cmp.Compare(b.MeanShift, a.MeanShift), cmp.Compare(a.Feature, b.Feature))
	})
	return out[:min(len(out), mostImportance)]
}

// mostBaseline is the number of features in the baseline table.
const mostBaseline = 12

// describe counts the data and compares the most important features between
// negative and positive arteries.
func describe(t *feature.Table, d *Data, arteries, patients []Unit, top []risk.Importance) risk.Data {
	out := risk.Data{Patients: len(patients), Arteries: len(arteries), Baseline: []risk.Baseline{}}
	for _, u := range patients {
		out.PositivePatients += u.Label
	}
	for _, u := range arteries {
		out.PositiveArteries += u.Label
	}
	for r := range d.Y {
		if d.Empty == nil || !d.Empty[r] {
			out.Lesions++
			out.LesionsInPositive += int(d.Y[r])
		}
	}
	for _, f := range top[:min(len(top), mostBaseline)] {
		at, ok := t.Schema.Index(f.Feature)
		if !ok {
			continue
		}
		col := t.Schema.Column(at)
		b := risk.Baseline{Feature: f.Feature, Unit: col.Unit}
		var values [2][]float64
		for r, source := range d.Source {
			if d.Empty != nil && d.Empty[r] {
				continue
			}
			if x := t.Rows[source].Values[at]; math.IsNaN(x) {
				b.Missing++
			} else {
				values[int(d.Y[r])] = append(values[int(d.Y[r])], x)
			}
		}
		b.Negative, b.Positive = quartiles(values[0]), quartiles(values[1])
		out.Baseline = append(out.Baseline, b)
	}
	return out
}

// quartiles returns median, first and third quartile (type 7).
func quartiles(x []float64) [3]risk.Number {
	slices.Sort(x)
	return [3]risk.Number{risk.Number(quantileOrNaN(x, 0.5)), risk.Number(quantileOrNaN(x, 0.25)), risk.Number(quantileOrNaN(x, 0.75))}
}

// flow counts what was left out on the way from the table to the lesions.
func flow(t *feature.Table, d *Data, arteries, patients []Unit) []risk.FlowStep {
	all := map[string]bool{}
	known := make(map[string]bool, len(patients))
	for _, u := range patients {
		known[u.Patient] = true
	}
	unknown := 0
	for n := range t.Rows {
		all[t.Rows[n].Patient] = true
		if t.Rows[n].Label == feature.Unknown && known[t.Rows[n].Patient] {
			unknown++
		}
	}
	empty := 0
	for _, is := range d.Empty {
		if is {
			empty++
		}
	}
	excluded := func(reason string, n int) []risk.FlowExcluded {
		if n == 0 {
			return []risk.FlowExcluded{}
		}
		return []risk.FlowExcluded{{Reason: reason, Count: n}}
	}
	return []risk.FlowStep{
		{Label: "patients in the table", Count: len(all), Excluded: excluded("patients without a known outcome", len(all)-len(patients))},
		{Label: "patients evaluated", Count: len(patients), Excluded: excluded("rows without a known outcome", unknown)},
		{Label: "arteries evaluated", Count: len(arteries), Excluded: excluded("arteries without a plaque, scored by the rate of such arteries in training", empty)},
		{Label: "lesions evaluated", Count: d.Rows() - empty, Excluded: []risk.FlowExcluded{}},
	}
}

// protocol says in words how the figures came about.
func protocol(cfg Config, ev EvaluationConfig) risk.Protocol {
	return risk.Protocol{
		Folds: ev.Folds, Repeats: ev.Repeats, Seed: cfg.Seed, Learner: cfg.Boosting.Name(), Aggregation: cfg.Aggregation.String(),
		Interval: "AUC: mean over the test folds, 95 % interval with the Nadeau-Bengio correction for overlapping training sets, Student's t on the arcsine scale; ROC curve and band likewise; " +
			fmt.Sprintf("rates: %d resamples of patients", ev.Bootstrap),
		Text: fmt.Sprintf("Patients were dealt into %d folds, stratified by outcome, %d times. All plaques of a patient are in one fold. "+
			"Models saw training folds alone; every figure comes from test folds. Scores of a patient are the mean log-odds over the repeats; "+
			"the threshold of sensitivity and specificity is the share of positives. Columns are chosen without looking at outcomes.", ev.Folds, ev.Repeats),
	}
}

// resamples are draws of patients with replacement.
type resamples struct {
	rows [][]int // the rows of each draw
}

// streamBootstrap keeps the resampling apart from folds and learners.
const streamBootstrap = 0xb007

func newResamples(group []int, draws int, seed uint64) *resamples {
	members := map[int][]int{}
	var ids []int
	for n, g := range group {
		if members[g] == nil {
			ids = append(ids, g)
		}
		members[g] = append(members[g], n)
	}
	rng := rand.New(rand.NewPCG(seed, streamBootstrap))
	b := &resamples{rows: make([][]int, draws)}
	for n := range b.rows {
		for range ids {
			b.rows[n] = append(b.rows[n], members[ids[rng.IntN(len(ids))]]...)
		}
	}
	return b
}

// interval returns value with the 2.5th and 97.5th percentile of stat over the
// resamples in which it is defined.
func (b *resamples) interval(value float64, stat func(rows []int) float64) risk.Interval {
	var x []float64
	for _, rows := range b.rows {
		if v := stat(rows); !math.IsNaN(v) {
			x = append(x, v)
		}
	}
	slices.Sort(x)
	return risk.Interval{Value: risk.Number(value), Low: risk.Number(quantileOrNaN(x, (1-level)/2)), High: risk.Number(quantileOrNaN(x, (1+level)/2))}
}

// quantileOrNaN is [quantile], NaN without values.
func quantileOrNaN(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return quantile(sorted, q)
}
