package phantom

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Variant says from what a cohort's outcomes are drawn.
type Variant string

// The variants of a cohort. The same seed gives the same patients and images
// in every variant; only the outcomes differ.
const (
	Planted       Variant = "planted"        // all of the rule
	Null          Variant = "null"           // nothing: every model must fall to an AUC of 0.5
	MechanicsOnly Variant = "mechanics-only" // cap, burden, remodelling and stenosis
	TextureOnly   Variant = "texture-only"   // core, calcium and spotty calcium
)

// Variants returns all variants.
func Variants() []Variant { return []Variant{Planted, Null, MechanicsOnly, TextureOnly} }

// CohortConfig says which cohort to make.
type CohortConfig struct {
	// Patients is the number of patients, one scan each.
	Patients int `yaml:"patients"`
	// Seed of all randomness.
	Seed uint64 `yaml:"seed"`
	// Variant says from what the outcomes are drawn: planted, null,
	// mechanics-only or texture-only.
	Variant Variant `yaml:"variant"`
	// Size of the scans: small or full.
	Size Size `yaml:"size"`
	// Prevalence is the expected share of arteries with an event.
	Prevalence float64 `yaml:"prevalence"`
}

// DefaultCohortConfig returns 60 small patients with the planted rule. A third
// of the arteries have an event, not the 14 % of published cohorts: with 60
// patients that makes an AUC estimable (docs/decisions/0071).
func DefaultCohortConfig() CohortConfig {
	return CohortConfig{Patients: 60, Seed: 1, Variant: Planted, Size: SmallSize, Prevalence: 0.33}
}

// Validate reports everything that is wrong with c.
func (c CohortConfig) Validate() error {
	var errs []error
	if c.Patients < 1 || c.Patients > 100_000 {
		errs = append(errs, fmt.Errorf("patients %d: must be 1 to 100000", c.Patients))
	}
	if !slices.Contains(Variants(), c.Variant) {
		errs = append(errs, fmt.Errorf("variant %q: must be one of %v", c.Variant, Variants()))
	}
	if c.Size != SmallSize && c.Size != Full {
		errs = append(errs, fmt.Errorf("size %q: must be small or full", c.Size))
	}
	if !(c.Prevalence > 0 && c.Prevalence < 1) {
		errs = append(errs, fmt.Errorf("prevalence %g: must be between 0 and 1", c.Prevalence))
	}
	return errors.Join(errs...)
}

// attenuation is by how much the published effect of each feature alone is
// weakened when all of them act together.
const attenuation = 0.6

// Rule is the logistic rule from which outcomes are drawn. An artery's chance
// of an event is
//
//	P(y = 1) = 1/(1 + exp(−b₀ − max over its plaques of Σ bₖ·zₖ))         (P.9)
//
// where zₖ = (xₖ − meanₖ)/sdₖ are true features of a plaque: the worst plaque
// decides, and all plaques of the artery inherit its label.
type Rule struct {
	Intercept float64    `json:"b0"`
	Terms     []RuleTerm `json:"terms"`
}

// RuleTerm is one feature of the rule.
type RuleTerm struct {
	Name string  `json:"name"`
	Mean float64 `json:"mean"`
	SD   float64 `json:"sd"`
	B    float64 `json:"b"`      // log odds per standard deviation
	Ref  string  `json:"source"` // of the effect before attenuation

	variant Variant
	value   func(p *Plaque, a *Artery) float64
}

// ruleTerms are the features of the rule with their effects d (log odds per
// standard deviation) before attenuation, ../specs 3.3.
var ruleTerms = []RuleTerm{
	{Name: "log_cap_thickness_mm", B: -1.0, Ref: "3.1 between classes in histology; 1.0 here, since CT cannot see it (decision 0071)", variant: MechanicsOnly,
		value: func(p *Plaque, _ *Artery) float64 {
			if p.CoreShare == 0 {
				return math.Log(coreless)
			}
			return math.Log(p.Cap)
		}},
	{Name: "plaque_burden", B: 1.05, Ref: "PROSPECT, direction", variant: MechanicsOnly,
		value: func(p *Plaque, a *Artery) float64 {
			r0 := a.HealthyRadius(p.Center)
			return 1 - sq(r0*(1-p.Stenosis)/((r0+a.Wall)*p.Remodelling))
		}},
	{Name: "remodelling_index", B: 1.04, Ref: "Thomsen 2016, Motoyama 2009", variant: MechanicsOnly,
		value: func(p *Plaque, _ *Artery) float64 { return p.Remodelling }},
	{Name: "diameter_stenosis", B: 0.5, Ref: "ICONIC, EMERALD", variant: MechanicsOnly,
		value: func(p *Plaque, _ *Artery) float64 { return p.Stenosis }},
	{Name: "necrotic_core_share", B: 1.0, Ref: "Virmani 2002", variant: TextureOnly,
		value: func(p *Plaque, _ *Artery) float64 { return p.CoreShare }},
	{Name: "calcium_share", B: -0.8, Ref: "1K plaque, attenuated plaque", variant: TextureOnly,
		value: func(p *Plaque, _ *Artery) float64 { return p.CalciumShare }},
	{Name: "spotty_calcium", B: 0.71, Ref: "Thomsen 2016, odds ratio 4.5 at a quarter to a third of plaques", variant: TextureOnly,
		value: func(p *Plaque, _ *Artery) float64 {
			if p.SpottyCalcium {
				return 1
			}
			return 0
		}},
}

// coreless is the cap that stands for a plaque without a core, mm.
const coreless = 0.30

// population is how many virtual arteries fix means, deviations and intercept
// of the rule, and the population's Bayes AUC.
const population = 3000

// newRule returns the rule of a variant whose mean chance over the population
// is the prevalence, and the AUC that nobody can beat in that population.
func newRule(v Variant, size Size, prevalence float64) (Rule, float64) {
	// The population has a stream of its own: the rule is the same in every cohort.
	type virtual struct {
		a  *Artery
		ps []*Plaque
	}
	var arteries []virtual
	for n := 0; len(arteries) < population; n++ {
		rng := rand.New(rand.NewPCG(0x706f70756c617465, uint64(n)))
		l := newLatent(rng)
		sex := drawSex(rng)
		for _, a := range barePatient(rng, sex, size) {
			arteries = append(arteries, virtual{a, drawPlaques(rng, l, a, size)})
		}
	}
	r := Rule{Terms: slices.Clone(ruleTerms)}
	for m := range r.Terms {
		t := &r.Terms[m]
		var n, sum, sum2 float64
		for _, va := range arteries {
			for _, p := range va.ps {
				x := t.value(p, va.a)
				n, sum, sum2 = n+1, sum+x, sum2+x*x
			}
		}
		t.Mean = sum / n
		t.SD = math.Sqrt(sum2/n - t.Mean*t.Mean)
		t.B *= attenuation
		if v == Null || v != Planted && v != t.variant {
			t.B = 0
		}
	}
	eta := make([]float64, len(arteries))
	for m, va := range arteries {
		eta[m] = r.score(va.a, va.ps)
	}
	lo, hi := -30.0, 30.0
	for range 80 {
		r.Intercept = (lo + hi) / 2
		var mean float64
		for _, e := range eta {
			mean += logistic(r.Intercept+e) / float64(len(eta))
		}
		if mean < prevalence {
			lo = r.Intercept
		} else {
			hi = r.Intercept
		}
	}
	chance := make([]float64, len(eta))
	for m, e := range eta {
		chance[m] = logistic(r.Intercept + e)
	}
	return r, BayesAUC(chance)
}

// score returns the largest Σ bₖ·zₖ of the plaques.
func (r *Rule) score(a *Artery, plaques []*Plaque) float64 {
	worst := math.Inf(-1)
	for _, p := range plaques {
		var s float64
		for m := range r.Terms {
			t := &r.Terms[m]
			if t.B != 0 {
				s += t.B * (t.value(p, a) - t.Mean) / t.SD
			}
		}
		worst = max(worst, s)
	}
	return worst
}

// Chance returns the chance of an event in artery a under the rule.
func (r *Rule) Chance(a *Artery) float64 { return logistic(r.Intercept + r.score(a, a.Plaques)) }

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// BayesAUC returns the expected area under the ROC curve of someone who knows
// each unit's chance of an event p, the highest that any model can expect:
//
//	Σᵢⱼ pᵢ(1 − pⱼ)·[pᵢ > pⱼ] / Σᵢⱼ pᵢ(1 − pⱼ),  i ≠ j, ties one half     (P.10)
//
// It is NaN for fewer than two units.
func BayesAUC(p []float64) float64 {
	q := slices.Clone(p)
	slices.Sort(q)
	var won, all, below, sumP, sumN, self float64
	for lo := 0; lo < len(q); {
		hi := lo
		var tieP, tieN, tieSelf float64
		for hi < len(q) && q[hi] == q[lo] {
			tieP, tieN, tieSelf = tieP+q[hi], tieN+1-q[hi], tieSelf+q[hi]*(1-q[hi])
			hi++
		}
		won += tieP*below + (tieP*tieN-tieSelf)/2
		below += tieN
		sumP, sumN, self = sumP+tieP, sumN+tieN, self+tieSelf
		lo = hi
	}
	all = sumP*sumN - self
	if len(q) < 2 || all <= 0 {
		return math.NaN()
	}
	return won / all
}

// Cohort is cohort.json: the declared rule and how well it can be known.
type Cohort struct {
	// Version of this format.
	Version int `json:"version"`
	// Patients, Seed, Variant, Size and Prevalence as asked for.
	Patients   int     `json:"patients"`
	Seed       uint64  `json:"seed"`
	Variant    Variant `json:"variant"`
	Size       Size    `json:"size"`
	Prevalence float64 `json:"prevalence"`
	// Rule from which the outcomes were drawn.
	Rule Rule `json:"rule"`
	// PopulationAUC is the largest expected AUC of an artery under the rule in an
	// infinite population; ArteryAUC and PatientAUC are that in this cohort, a
	// patient having an event if one of the arteries has.
	PopulationAUC float64 `json:"bayes_auc_artery_population"`
	ArteryAUC     float64 `json:"bayes_auc_artery"`
	PatientAUC    float64 `json:"bayes_auc_patient"`
	// Arteries, Plaques and those of them with an event.
	Arteries         int `json:"arteries"`
	PositiveArteries int `json:"arteries_with_event"`
	PositivePatients int `json:"patients_with_event"`
	Plaques          int `json:"plaques"`
	// Rows tells each artery's true chance and outcome.
	Rows []CohortRow `json:"rows"`
}

// CohortRow is one artery of a cohort.
type CohortRow struct {
	Case    string          `json:"case"`
	Artery  coronary.Artery `json:"artery"`
	Plaques int             `json:"plaques"`
	Chance  float64         `json:"true_probability"`
	Outcome int             `json:"outcome"` // 1 with an event, else 0
}

// Files of a cohort, beside a folder for each case.
const (
	ManifestFile = "manifest.csv"
	CohortFile   = "cohort.json"
)

// GenerateCohort writes into dir a folder for each patient, as [WritePatient]
// does, manifest.csv (a row for each case and artery, paths relative to the
// manifest, with sex, age and kernel passed through) and cohort.json. Each
// patient depends on the seed and on his number alone. done, if not nil, is
// told how many patients have been written; calls do not overlap.
func GenerateCohort(ctx context.Context, dir string, cfg CohortConfig, done func(n int)) (*Cohort, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("cohort: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cohort: %w", err)
	}
	c := &Cohort{Version: 1, Patients: cfg.Patients, Seed: cfg.Seed, Variant: cfg.Variant, Size: cfg.Size, Prevalence: cfg.Prevalence}
	c.Rule, c.PopulationAUC = newRule(cfg.Variant, cfg.Size, cfg.Prevalence)

	patients := make([]*Patient, cfg.Patients)
	errs := make([]error, cfg.Patients)
	var mu sync.Mutex
	written := 0
	// Small scans are made side by side; a full one uses all processors by itself.
	loop := par.For
	if cfg.Size == Full {
		loop = func(ctx context.Context, n int, f func(int)) error {
			for i := range n {
				if ctx.Err() != nil {
					break
				}
				f(i)
			}
			return ctx.Err()
		}
	}
	err := loop(ctx, cfg.Patients, func(n int) {
		p, err := CohortPatient(cfg, n)
		if err == nil {
			_, err = WritePatient(ctx, filepath.Join(dir, p.Name), p)
		}
		patients[n], errs[n] = p, err
		if done != nil {
			mu.Lock()
			defer mu.Unlock()
			written++
			done(written)
		}
	})
	if err = errors.Join(err, errors.Join(errs...)); err != nil {
		return nil, fmt.Errorf("cohort: %w", err)
	}
	c.label(patients)
	if err := writeManifest(filepath.Join(dir, ManifestFile), patients, c.Rows); err != nil {
		return nil, fmt.Errorf("cohort: write manifest: %w", err)
	}
	if err := writeJSON(filepath.Join(dir, CohortFile), c); err != nil {
		return nil, fmt.Errorf("cohort: %w", err)
	}
	return c, nil
}

// label draws the outcomes and counts.
func (c *Cohort) label(patients []*Patient) {
	var chances, patientChances []float64
	for _, p := range patients {
		rng := rand.New(rand.NewPCG(p.Seed, streamLabels))
		event, none := 0, 1.0
		for _, a := range p.arteries {
			if len(a.Plaques) == 0 {
				continue
			}
			row := CohortRow{Case: p.Name, Artery: a.Artery, Plaques: len(a.Plaques), Chance: c.Rule.Chance(a)}
			if rng.Float64() < row.Chance {
				row.Outcome, event = 1, 1
			}
			none *= 1 - row.Chance
			chances = append(chances, row.Chance)
			c.Rows = append(c.Rows, row)
			c.Arteries++
			c.Plaques += row.Plaques
			c.PositiveArteries += row.Outcome
		}
		c.PositivePatients += event
		patientChances = append(patientChances, 1-none)
	}
	// One unit has no AUC; JSON has no NaN.
	finite := func(x float64) float64 {
		if math.IsNaN(x) {
			return 0.5
		}
		return x
	}
	c.ArteryAUC, c.PatientAUC = finite(BayesAUC(chances)), finite(BayesAUC(patientChances))
}

func writeManifest(path string, patients []*Patient, rows []CohortRow) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	byName := map[string]*Patient{}
	for _, p := range patients {
		byName[p.Name] = p
	}
	w := csv.NewWriter(f)
	if err := w.Write([]string{"case", "patient", "ct", "seg", "labels", "artery", "outcome", "sex", "age", "kernel"}); err != nil {
		return err
	}
	for _, r := range rows {
		p := byName[r.Case]
		if err := w.Write([]string{r.Case, r.Case, r.Case + "/" + CTFolder, r.Case + "/" + SegmentationFile, "",
			string(r.Artery), strconv.Itoa(r.Outcome), p.Sex, strconv.Itoa(p.Age), p.Scanner.Kernel}); err != nil {
			return err
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return f.Close()
}

// CohortPatient returns patient n (from 0) of a cohort, named "P0001" and so on.
func CohortPatient(cfg CohortConfig, n int) (*Patient, error) {
	seed := rand.New(rand.NewPCG(cfg.Seed, uint64(n))).Uint64() >> 11 // whole in JSON numbers
	rng := rand.New(rand.NewPCG(seed, streamLatent))
	l := newLatent(rng)
	sex := drawSex(rng)
	names := drawArteries(rng, cfg.Size)
	p := newPatient(fmt.Sprintf("P%04d", n+1), seed, cfg.Size, sex, names)
	p.Age = int(math.Round(62 + 9*truncated(rng, 2.8)))
	k := Kernels()[rng.IntN(len(Kernels()))]
	p.Scanner = newScanner(k, math.Round(10*(18+17*rng.Float64()))/10)
	m := rand.New(rand.NewPCG(seed, streamMaterials))
	p.Materials.Lumen = math.Round(400 + 60*truncated(m, 2))
	p.Materials.Wall = math.Round(60 + 15*truncated(m, 2))
	p.Materials.Fat = math.Round(-100 + 8*truncated(m, 2))
	p.Materials.Muscle = math.Round(115 + 15*truncated(m, 2))
	draw := rand.New(rand.NewPCG(seed, streamPlaques))
	for _, a := range p.arteries {
		if !slices.Contains(names, a.Artery) {
			continue
		}
		plaques := drawPlaques(draw, l, a, cfg.Size)
		// Where the artery bends too sharply for a plaque, it grows less.
		for _, q := range plaques {
			for range 12 {
				if q.check(a) == nil {
					break
				}
				q.Remodelling = 1 + 0.85*(q.Remodelling-1)
				q.Eccentricity *= 0.93
			}
		}
		if err := p.Add(a.Artery, plaques...); err != nil {
			return nil, fmt.Errorf("patient %s: %w", p.Name, err)
		}
	}
	return p, nil
}

func drawSex(rng *rand.Rand) string {
	if rng.Float64() < 0.6 {
		return "M"
	}
	return "F"
}

// drawArteries returns which arteries have plaques: one to three, the LAD most
// often.
func drawArteries(rng *rand.Rand, size Size) []coronary.Artery {
	u := rng.Float64()
	n := 1
	switch {
	case u > 0.8:
		n = 3
	case u > 0.4:
		n = 2
	}
	left, right := rng.Float64() < 0.8, rng.Float64() < 0.7
	switch {
	case n == 3:
		return []coronary.Artery{coronary.LAD, coronary.LCX, coronary.RCA}
	case n == 2 && left && right:
		return []coronary.Artery{coronary.LAD, coronary.RCA}
	case n == 2 && left:
		return []coronary.Artery{coronary.LAD, coronary.LCX}
	case n == 2:
		return []coronary.Artery{coronary.LCX, coronary.RCA}
	case left:
		return []coronary.Artery{coronary.LAD}
	case right:
		return []coronary.Artery{coronary.RCA}
	}
	return []coronary.Artery{coronary.LCX}
}

// barePatient returns arteries without a course, for the population of the rule.
func barePatient(rng *rand.Rand, sex string, size Size) []*Artery {
	scale := 1.0
	if sex == "F" {
		scale = womanFactor
	}
	scale *= 1 + 0.05*truncated(rng, 1.5)
	wall := 0.4 + 0.2*rng.Float64()
	var out []*Artery
	for _, name := range drawArteries(rng, size) {
		a := &Artery{Artery: name, Wall: wall}
		dims := smallDimensions(name)
		length := smallLength(rng)
		if size == Full {
			dims, length = fullDimensions(name)
		}
		a.Proximal, a.Distal, a.bare = dims[0]*scale, dims[1]*scale, length
		out = append(out, a)
	}
	return out
}

// Intraclass correlations of plaque features, and their correlation with a
// common severity.
const (
	iccPatient  = 0.2
	iccArtery   = 0.4 // within an artery, the patient's share included
	withSevere  = 0.45
	latentCount = 7
)

// latent is the part of the plaques' features that the patient shares.
type latent [latentCount]float64

// Places of the latent features.
const (
	severity = iota
	latentCap
	latentCore
	latentCalcium
	latentRemodelling
	latentStenosis
	latentSpotty
)

func newLatent(rng *rand.Rand) latent {
	var l latent
	for m := range l {
		l[m] = rng.NormFloat64()
	}
	return l
}

// drawPlaques draws one to three plaques (four in a full artery) that fit on a
// with healthy vessel between them.
func drawPlaques(rng *rand.Rand, patient latent, a *Artery, size Size) []*Plaque {
	artery := newLatent(rng)
	want := 1
	switch u := rng.Float64(); {
	case u > 0.85:
		want = 3
	case u > 0.45:
		want = 2
	}
	first, last, gap, median, gsd, longest := 2.0, a.Length()-2.0, 2.0, 9.5, 1.25, 14.0
	if size == Full {
		first, last, gap, median, gsd, longest = 5, min(a.Length()-5, 65), 4, 12, 1.5, 26
		if rng.Float64() < 0.4 {
			want++
		}
	}
	var lengths []float64
	room := last - first
	for range want {
		l := median * math.Exp(math.Log(gsd)*rng.NormFloat64())
		l = min(max(l, 6), longest)
		if l > room {
			break
		}
		lengths = append(lengths, l)
		room -= l + gap
	}
	room += gap // no gap after the last
	cuts := make([]float64, len(lengths))
	for m := range cuts {
		cuts[m] = rng.Float64() * max(room, 0)
	}
	slices.Sort(cuts)
	var out []*Plaque
	at := first
	for m, l := range lengths {
		p := drawPlaque(rng, patient, artery)
		p.Length = l
		p.Center = at + cuts[m] + l/2
		at += l + gap
		out = append(out, p)
	}
	return out
}

// drawPlaque draws composition and shape.
func drawPlaque(rng *rand.Rand, patient, artery latent) *Plaque {
	own := newLatent(rng)
	mix := func(m int) float64 {
		return math.Sqrt(iccPatient)*patient[m] + math.Sqrt(iccArtery-iccPatient)*artery[m] + math.Sqrt(1-iccArtery)*own[m]
	}
	g := mix(severity)
	z := func(m int, sign float64) float64 {
		return withSevere*sign*g + math.Sqrt(1-withSevere*withSevere)*mix(m)
	}
	clamp := func(x, lo, hi float64) float64 { return min(max(x, lo), hi) }
	p := &Plaque{
		Stenosis:        clamp(0.30+0.10*z(latentStenosis, 1), 0.15, 0.60),
		Remodelling:     clamp(1.10+0.09*z(latentRemodelling, 1), 0.98, 1.36),
		Cap:             clamp(math.Exp(math.Log(0.12)+0.5*z(latentCap, -1)), 0.03, 0.4),
		CoreShare:       clamp(0.17+0.12*z(latentCore, 1), 0, 0.45),
		CalciumShare:    clamp(0.16+0.18*z(latentCalcium, -1), 0, 0.55),
		SpottyCalcium:   z(latentSpotty, 1) > 0.6,
		Eccentricity:    0.6 + 0.4*rng.Float64(),
		Angle:           math.Pi * (2*rng.Float64() - 1),
		FibroFattyShare: 0.12 + 0.28*rng.Float64(),
		CoreLength:      0.5 + 0.25*rng.Float64(),
	}
	if p.CoreShare < 0.03 {
		p.CoreShare = 0
	}
	if p.CalciumShare < 0.03 {
		p.CalciumShare = 0
	}
	at := func(spread float64) float64 { return spread * (2*rng.Float64() - 1) }
	if p.SpottyCalcium {
		p.CalciumShare = clamp(p.CalciumShare, 0.015, 0.04)
		for range 1 + rng.IntN(3) {
			p.Calcium = append(p.Calcium, Calcification{At: at(2.2), Angle: at(1), Depth: 0.35 + 0.4*rng.Float64(), Length: 0.8, Arc: 0.6, Thick: 0.5})
		}
	} else {
		for range 1 + rng.IntN(2) {
			p.Calcium = append(p.Calcium, Calcification{At: at(2.5), Angle: at(0.8), Depth: 0.45 + 0.3*rng.Float64(), Length: 2.4, Arc: 1.3, Thick: 0.45})
		}
	}
	if p.CalciumShare == 0 {
		p.Calcium = nil
	}
	if rest := 1 - p.CoreShare - p.CalciumShare; p.FibroFattyShare > 0.8*rest {
		p.FibroFattyShare = 0.8 * rest
	}
	hu := func(mean, sd float64) float64 { return math.Round(mean + sd*truncated(rng, 2)) }
	p.HU = TissueHU{Core: hu(10, 20), FibroFatty: hu(50, 20), Fibrous: hu(95, 25), Calcium: max(hu(700, 300), 300)}
	return p
}
