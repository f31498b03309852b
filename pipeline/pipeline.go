package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/plaquerisk/plaquerisk/classifier"
	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/fem"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
	"github.com/plaquerisk/plaquerisk/internal/version"
	"github.com/plaquerisk/plaquerisk/radiomics"
	"github.com/plaquerisk/plaquerisk/risk"
	"github.com/plaquerisk/plaquerisk/segmentation"
)

// Event reports progress: a step of a case has ended.
type Event struct {
	Case  string
	Stage string // "read CT", "vessels", "mechanics LAD", "radiomics LAD-1", …
	Done  int    // steps done; 0 while the number of steps is not known
	Total int
	Took  time.Duration
}

// Pipeline scores cases with one set of settings and one model. It is safe for
// use by several goroutines.
type Pipeline struct {
	// Log receives facts, never attributes of a patient; nil logs nothing.
	Log *slog.Logger
	// Progress, if not nil, receives the events of all cases.
	Progress func(Event)
	// Now tells the time for run.json and events; nil is time.Now. Results do not
	// depend on it.
	Now func() time.Time

	cfg   Config
	model *classifier.Model // nil: nothing is scored
}

// New returns a pipeline. A nil model computes all but the scores.
func New(cfg Config, model *classifier.Model) (*Pipeline, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fail(BadConfig, "PLQ-603", err)
	}
	return &Pipeline{Log: slog.New(slog.DiscardHandler), cfg: cfg, model: model}, nil
}

// Input is one scan that was read.
type Input struct {
	Case   string
	Volume *imaging.Volume // HU
	// FrameOfReference is the UID of the frame of a DICOM series; "" if unknown.
	FrameOfReference string
	// Pressure is the patient's own blood pressure; zero: that of the settings.
	Pressure BloodPressure
	Image    risk.Image
	Masks    []segmentation.Mask // on the voxels of Volume: see segmentation.Match
	// Segments are the segments of arteries as a person named them.
	Segments map[coronary.Artery][]coronary.Stretch
	Notes    []risk.Note
	Inputs   []risk.Input
}

// Result is what was found, with the numbers behind it.
type Result struct {
	Assessment *risk.Assessment
	Table      *feature.Table // one row per lesion
	Solutions  []Solution
	// MechanicsFailed: wall stress was attempted and no vessel gave a result.
	MechanicsFailed bool
	// Unsolved are the errors of arteries whose walls could not be solved, in the
	// order of the arteries.
	Unsolved []error
	Walls    *risk.Walls // of [Pipeline.Solve]
}

// Solution is the solved wall of one artery.
type Solution struct {
	Artery coronary.Artery
	*fem.Result
}

// Columns returns the feature columns of every lesion, in order: anatomy,
// radiomics, biomechanics, texture of stress.
func (c Config) Columns() []feature.Column {
	cols := anatomyColumns()
	cols = append(cols, radiomics.Columns(c.Radiomics)...)
	cols = append(cols, fem.Columns(c.Mechanics)...)
	return append(cols, c.StressTexture.columns(c.Mechanics)...)
}

// assessment is an [Pipeline.Assess] under way.
type assessment struct {
	*Pipeline
	Input
	out     *risk.Assessment
	vessels []coronary.Vessel
	plaques []coronary.Plaque
	tissue  map[coronary.Artery]*imaging.Labels
	fat     map[coronary.Artery]*coronary.Fat // where the literature measures it
	solved  map[coronary.Artery]*fem.Result
	refused map[coronary.Artery]error       // solves that gave no result
	bands   map[coronary.Artery][]fem.Bands // of the parts that have them
	every   float64                         // distance of the sections of a montage, mm; 0: none
	rows    []feature.Row
	schema  feature.Schema
	done    int
	total   int
	started time.Time
}

// Assess runs the line from a volume and its masks to the assessment. Failures
// of single lesions are notes; an error means that nothing can be said.
func (p *Pipeline) Assess(ctx context.Context, in Input) (*Result, error) {
	a := p.start(in)
	schema, err := feature.NewSchema(p.cfg.Columns()...)
	if err != nil {
		return nil, fmt.Errorf("feature columns: %w", err)
	}
	a.schema = schema
	for _, step := range []func(context.Context) error{a.anatomy, a.lumen, a.pericoronary, a.mechanics, a.lesions, a.arteries, a.grade, a.score} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return a.result(), nil
}

// start returns an assessment of in that has not begun.
func (p *Pipeline) start(in Input) *assessment {
	return &assessment{Pipeline: p, Input: in, out: p.newAssessment(in), started: p.now(),
		tissue: map[coronary.Artery]*imaging.Labels{}, fat: map[coronary.Artery]*coronary.Fat{}, solved: map[coronary.Artery]*fem.Result{},
		refused: map[coronary.Artery]error{}, bands: map[coronary.Artery][]fem.Bands{}}
}

// newAssessment returns an assessment with all that is known before computing.
func (p *Pipeline) newAssessment(in Input) *risk.Assessment {
	out := &risk.Assessment{
		Format: risk.Format, Version: risk.Version, Case: in.Case, Image: in.Image,
		Notes: slices.Clone(in.Notes),
		Provenance: risk.Provenance{
			Program: version.Program, Version: version.Version,
			Settings: string(p.cfg.YAML()), SettingsSHA256: p.cfg.Fingerprint(),
			Seed: p.cfg.Training.Seed, Inputs: in.Inputs,
		},
	}
	if p.model != nil {
		out.Provenance.ModelSHA256 = p.model.SHA256()
		out.Model = p.model.Extract(nil)
	}
	return out
}

// note adds notes to the assessment.
func (a *assessment) note(notes ...risk.Note) { a.out.Notes = append(a.out.Notes, notes...) }

// event reports that a step has ended.
func (a *assessment) event(stage string) {
	now := a.now()
	a.done++
	if a.Progress != nil {
		a.Progress(Event{Case: a.Case, Stage: stage, Done: a.done, Total: a.total, Took: now.Sub(a.started)})
	}
	a.Log.Debug("step", "case", a.Case, "stage", stage, "took", now.Sub(a.started))
	a.started = now
}

func (p *Pipeline) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

// anatomy names the arteries of a whole tree, finds the walls that no mask gives,
// traces the vessels, finds the plaques and classifies the tissue.
func (a *assessment) anatomy(ctx context.Context) error {
	masks, notes, err := segmentation.NameArteries(ctx, a.Masks, a.cfg.Segmentation)
	if err != nil {
		return fail(Unreadable, "PLQ-604", fmt.Errorf("trace vessels: %w", err))
	}
	a.Masks = masks
	a.note(notes...)
	masks, walls, notes, err := segmentation.EstimateWalls(ctx, a.Volume, a.Masks, a.cfg.Segmentation)
	if err != nil {
		return fail(Unreadable, "PLQ-604", fmt.Errorf("estimate walls: %w", err))
	}
	a.Masks = masks
	a.note(notes...)
	vessels, notes, err := segmentation.Vessels(ctx, a.Volume, a.Masks, a.cfg.Segmentation)
	if err != nil {
		return fail(Unreadable, "PLQ-604", fmt.Errorf("trace vessels: %w", err))
	}
	a.note(notes...)
	for n := range vessels {
		for _, w := range walls {
			w.Mark(&vessels[n])
		}
	}
	plaques, notes, err := segmentation.Plaques(ctx, a.Volume, vessels, a.Masks, a.cfg.Segmentation)
	if err != nil {
		return fail(Unreadable, "PLQ-604", fmt.Errorf("find plaques: %w", err))
	}
	a.note(notes...)
	if len(plaques) == 0 && len(vessels) == 0 {
		text := "the segmentation holds neither an artery nor a plaque"
		for _, n := range notes {
			text += "\n  " + strings.TrimPrefix(n.Where+": "+n.Text, ": ")
		}
		return fail(NothingToScore, "PLQ-605", errors.New(text))
	}
	a.vessels, a.plaques = vessels, plaques
	for n := range vessels {
		v := &vessels[n]
		if named := a.Segments[v.Artery]; named != nil {
			v.Stretches = named
		}
		tissue, err := segmentation.Tissues(ctx, a.Volume, v, a.Masks, plaques, a.cfg.Segmentation)
		if err != nil {
			return fail(Unreadable, "PLQ-604", fmt.Errorf("tissue of %s: %w", v.Artery, err))
		}
		a.tissue[v.Artery] = tissue
	}
	a.total = 2 + 2*len(vessels) + len(plaques)
	a.event("vessels")
	return nil
}

// mechanics solves every vessel that has plaques, over all of them, side by
// side.
func (a *assessment) mechanics(ctx context.Context) error {
	type job struct {
		vessel   *coronary.Vessel
		from, to float64
		result   *fem.Result
		shares   []risk.MeshShare
		err      error
	}
	var jobs []job
	for n := range a.vessels {
		v := &a.vessels[n]
		from, to := math.Inf(1), math.Inf(-1)
		for _, p := range a.plaques {
			if p.Artery == v.Artery && !math.IsNaN(p.From) {
				from, to = min(from, p.From), max(to, p.To)
			}
		}
		switch {
		case from > to:
			a.event("no plaque in " + string(v.Artery))
		case !slices.ContainsFunc(v.Sections, func(s coronary.Section) bool { return s.Complete() }):
			a.note(risk.Note{Code: "PLQ-610", Severity: risk.Warning, Where: string(v.Artery),
				Text: "Wall stress was not computed: the outer wall is not known."})
			a.event("no wall in " + string(v.Artery))
		default:
			jobs = append(jobs, job{vessel: v, from: from, to: to})
		}
	}
	cfg := a.load()
	err := par.For(ctx, len(jobs), func(n int) {
		j := &jobs[n]
		labels := a.tissue[j.vessel.Artery]
		if j.result, j.err = fem.Solve(ctx, j.vessel, labels, j.from, j.to, cfg); j.err == nil {
			j.shares, j.err = composition(ctx, j.result, labels)
		}
	})
	if err != nil {
		return err
	}
	m := a.describe()
	for n := range jobs {
		j := &jobs[n]
		name := j.vessel.Artery
		if j.err != nil {
			a.refused[name] = j.err
			a.note(risk.Note{Code: "PLQ-611", Severity: risk.Warning, Where: string(name),
				Text: "Wall stress was not computed: " + j.err.Error() + "."})
		} else {
			a.solved[name] = j.result
			a.note(j.result.Notes...)
			record := j.result.Record()
			record.Composition = j.shares
			m.Solves = append(m.Solves, record)
			if err := a.uncertainty(ctx, j.vessel); err != nil {
				return err
			}
		}
		a.event("mechanics " + string(name))
	}
	if len(a.solved) > 0 {
		a.out.Mechanics = &m
	}
	return nil
}

// load returns the settings of mechanics under the patient's own blood pressure,
// if it is known.
func (a *assessment) load() fem.Config {
	cfg := a.cfg.Mechanics
	if p := a.Pressure; p.Systolic > 0 {
		cfg.Pressure = p.Systolic
		if p.Diastolic > 0 {
			cfg.Finite.Diastolic = p.Diastolic
		}
	}
	return cfg
}

// describe says how the walls are computed.
func (a *assessment) describe() risk.Mechanics {
	cfg := a.load()
	m := cfg.Describe()
	if a.Pressure.Systolic > 0 {
		m.PressureSource = "given for this patient, " + a.Pressure.String() + " mmHg"
	}
	if cfg.Uncertainty.Enabled {
		m.BandLevel = cfg.Uncertainty.Level
	}
	m.Solves = []risk.Solve{}
	return m
}

// uncertainty computes the bands of a solved artery, if the settings ask for
// them. Without them the markers stand alone, and a note says so.
func (a *assessment) uncertainty(ctx context.Context, v *coronary.Vessel) error {
	if !a.cfg.Mechanics.Uncertainty.Enabled {
		return nil
	}
	bands, err := a.solved[v.Artery].Bands(ctx, v, a.tissue[v.Artery], a.spans(v.Artery))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		a.note(risk.Note{Code: "PLQ-619", Severity: risk.Warning, Where: string(v.Artery), Text: "The uncertainty of wall stress was not computed: " + err.Error() + "."})
		return nil
	}
	a.bands[v.Artery] = bands
	return nil
}

// lesions computes the features of every plaque, side by side.
func (a *assessment) lesions(ctx context.Context) error {
	a.out.Lesions = make([]risk.Lesion, len(a.plaques))
	a.rows = make([]feature.Row, len(a.plaques))
	errs := make([]error, len(a.plaques))
	if err := par.For(ctx, len(a.plaques), func(n int) {
		a.out.Lesions[n], a.rows[n], errs[n] = a.lesion(ctx, &a.plaques[n])
	}); err != nil {
		return err
	}
	for n, err := range errs {
		if err != nil {
			return fmt.Errorf("plaque %s: %w", a.plaques[n].Name, err)
		}
		a.event("lesion " + a.plaques[n].Name)
	}
	return nil
}

// lesion computes the features of one plaque. What fails is left undefined, with
// a note.
func (a *assessment) lesion(ctx context.Context, p *coronary.Plaque) (risk.Lesion, feature.Row, error) {
	l := risk.Lesion{Name: p.Name, Artery: p.Artery, FromMM: risk.Number(p.From), ToMM: risk.Number(p.To),
		Voxels: p.Mask.Count(), MeanHU: risk.Number(meanHU(a.Volume, p.Mask)), Notes: []risk.Note{}}
	vessel := a.vessel(p.Artery)
	m := coronary.Measure(vessel, a.tissue[p.Artery], p)
	signs := coronary.FindSigns(a.Volume, vessel, p, &m)
	anatomy, err := a.anatomyVector(p, &m, &signs)
	if err != nil {
		return l, feature.Row{}, err
	}
	intervals := coronary.MeasureIntervals(vessel, a.tissue[p.Artery], p, &m, coronary.ContourError*slices.Max(a.Volume.Spacing[:]))
	l.Intervals = intervalsOf(&intervals)
	l.Measures, l.Signs, l.Segments = measures(&m), signsOf(&signs), a.segmentNames(p)

	texture, notes, err := radiomics.Extract(ctx, a.Volume, p.Mask, a.cfg.Radiomics)
	for _, n := range notes {
		n.Where = p.Name
		l.Notes = append(l.Notes, n)
	}
	if ctx.Err() != nil {
		return l, feature.Row{}, ctx.Err()
	}
	if err != nil {
		l.Notes = append(l.Notes, risk.Note{Code: "PLQ-612", Severity: risk.Warning, Where: p.Name,
			Text: "Radiomic features were not computed: " + err.Error() + "."})
		texture = feature.NewVector(feature.MustSchema(radiomics.Columns(a.cfg.Radiomics)...))
	}
	var wall feature.Vector
	solved := a.solved[p.Artery]
	if math.IsNaN(p.From) {
		solved = nil
	}
	if r := solved; r != nil {
		wall = r.Features(p.From, p.To)
		s := r.Summary(p.From, p.To)
		s.Bands = a.stressBands(p)
		l.Stress = &s
	} else {
		wall = feature.NewVector(feature.MustSchema(fem.Columns(a.cfg.Mechanics)...))
		l.Notes = append(l.Notes, risk.Note{Code: "PLQ-613", Severity: risk.Warning, Where: p.Name,
			Text: "Biomechanical features are undefined: no wall stress was computed here."})
	}
	stress, err := a.stressTexture(ctx, solved, p)
	if err != nil {
		return l, feature.Row{}, err
	}
	v, err := feature.Join(anatomy, texture, wall, stress)
	if err != nil {
		return l, feature.Row{}, err
	}
	l.Features = make([]risk.Feature, len(v.Values))
	for n := range v.Values {
		l.Features[n] = risk.Feature{Column: v.Schema.Column(n), Value: risk.Number(v.Values[n])}
	}
	row := feature.Row{Case: a.Case, Patient: a.Case, Artery: string(p.Artery), Lesion: p.Name, Label: feature.Unknown, Values: v.Values}
	return l, row, nil
}

// vessel returns the vessel of an artery, nil if it was not traced.
func (a *assessment) vessel(name coronary.Artery) *coronary.Vessel {
	for n := range a.vessels {
		if a.vessels[n].Artery == name {
			return &a.vessels[n]
		}
	}
	return nil
}

// arteries describes every artery that was traced or has a plaque.
func (a *assessment) arteries(ctx context.Context) error {
	for _, name := range append(coronary.Arteries(), "") {
		ar := risk.Artery{Name: name, Measures: undefinedMeasures(), Lesions: []string{}}
		for _, l := range a.out.Lesions {
			if l.Artery == name {
				ar.Lesions = append(ar.Lesions, l.Name)
			}
		}
		v := a.vessel(name)
		if v == nil && len(ar.Lesions) == 0 {
			continue
		}
		if v != nil {
			m := coronary.Measure(v, a.tissue[name], nil)
			ar.Measures = measures(&m)
			ar.Fat = fatOf(a.fat[name])
			ar.Profile = a.profile(v)
			if r := a.solved[name]; r != nil {
				s := r.Summary(math.Inf(-1), math.Inf(1))
				ar.Stress = &s
			}
			if len(ar.Lesions) > 0 || a.every > 0 {
				pics, err := a.pictures(ctx, v)
				if err != nil {
					return fmt.Errorf("pictures of %s: %w", name, err)
				}
				ar.Pictures = pics
			}
		}
		a.out.Arteries = append(a.out.Arteries, ar)
		a.event("artery " + string(name))
	}
	return nil
}

// result puts the numbers together.
func (a *assessment) result() *Result {
	res := &Result{Assessment: a.out, Table: &feature.Table{Schema: a.schema, Rows: a.rows},
		MechanicsFailed: len(a.refused) > 0 && len(a.solved) == 0}
	for _, v := range a.vessels {
		if err := a.refused[v.Artery]; err != nil {
			res.Unsolved = append(res.Unsolved, err)
		}
		if r := a.solved[v.Artery]; r != nil {
			res.Solutions = append(res.Solutions, Solution{Artery: v.Artery, Result: r})
		}
	}
	if a.out.Notes == nil {
		a.out.Notes = []risk.Note{}
	}
	return res
}
