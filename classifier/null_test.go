package classifier

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/feature"
)

// Drawn outcomes have the number of positive patients asked for, and all rows
// of a patient share theirs.
func TestDrawOutcomes(t *testing.T) {
	d, err := NewData(cohort(t, 20, 3, 1, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	y := drawOutcomes(PatientUnits(ArteryUnits(d)), 7, rand.New(rand.NewPCG(1, streamNull)))
	var sum float64
	for _, v := range y {
		sum += v
	}
	if len(y) != 20 || sum != 7 {
		t.Errorf("%d patients, %g positive, want 20 and 7", len(y), sum)
	}
	other := relabelled(d, y)
	for r, g := range other.Group {
		if other.Y[r] != y[g] {
			t.Errorf("row %d has outcome %g, its patient %g", r, other.Y[r], y[g])
		}
	}
	if &other.X[0][0] != &d.X[0][0] || &other.Y[0] == &d.Y[0] {
		t.Error("outcomes must be replaced in a copy, features shared")
	}
}

// Outcomes drawn at random are not predicted, and most intervals say so. The
// study below measures how many; this shows that the machinery runs.
func TestNullCoverage(t *testing.T) {
	cfg := fast()
	cfg.Boosting.Bags, cfg.Boosting.Rounds = 2, 15
	const draws = 24
	steps := 0
	c, err := NullCoverage(t.Context(), cohort(t, 40, 9, 3, 1), cfg, EvaluationConfig{Folds: 5, Repeats: 3, Bootstrap: 100}, draws, 1,
		func(done, total int) { steps++ })
	if err != nil {
		t.Fatal(err)
	}
	if steps != draws || len(c.Arms) != 6 {
		t.Errorf("%d steps, %d arms and levels", steps, len(c.Arms))
	}
	for _, a := range c.Arms {
		// SD of the mean of 24 AUCs: some 0.02.
		if math.Abs(a.MeanAUC-0.5) > 0.08 || a.Covered.Value < 0.75 {
			t.Errorf("%s, %s: mean AUC %.3f, covered %.2f", a.Arm, a.Level, a.MeanAUC, a.Covered.Value)
		}
	}
	if _, err := json.Marshal(c); err != nil {
		t.Error(err)
	}
	if _, err := NullCoverage(t.Context(), cohort(t, 40, 9, 3, 1), cfg, quick(), 1, 1, nil); err == nil {
		t.Error("one draw has no SD and must be refused")
	}
}

// generator makes tables for the study of coverage.
type generator struct {
	name       string
	patients   int
	prevalence float64
	columns    int
	factors    int     // that the columns are noisy mixtures of; 0: columns are independent
	effect     float64 // SD of what lesions of a patient share, in units of what they do not
	signal     float64 // what the outcome adds to the first factor
}

// table has patients of one to three arteries of one or two lesions.
func (g generator) table(seed uint64) *feature.Table {
	rng := rand.New(rand.NewPCG(seed, 0x57d1))
	cols, load := make([]feature.Column, g.columns), make([][]float64, g.columns)
	for c := range cols {
		cols[c] = feature.Column{Name: fmt.Sprintf("c%03d", c), Unit: "1", Modality: feature.Radiomics}
		load[c] = make([]float64, g.factors)
		for f := range load[c] {
			load[c][f] = rng.NormFloat64()
		}
	}
	t := &feature.Table{Schema: feature.MustSchema(cols...)}
	positives := int(math.Round(g.prevalence * float64(g.patients)))
	perm := rng.Perm(g.patients)
	for p := range g.patients {
		id := fmt.Sprintf("P%03d", p)
		label := feature.Negative
		if perm[p] < positives {
			label = feature.Positive
		}
		shared := make([]float64, max(g.factors, g.columns))
		for f := range shared {
			shared[f] = g.effect * rng.NormFloat64()
		}
		for a := range 1 + rng.IntN(3) {
			for l := range 1 + rng.IntN(2) {
				f := make([]float64, max(g.factors, 1))
				for i := range f {
					f[i] = rng.NormFloat64() + shared[i]
				}
				f[0] += g.signal * float64(label)
				row := feature.Row{Case: id, Patient: id, Artery: strconv.Itoa(a), Lesion: fmt.Sprintf("%d-%d", a, l), Label: label}
				for c := range cols {
					x := rng.NormFloat64()
					if g.factors == 0 {
						x += shared[c]
					}
					for i, w := range load[c] {
						x += w * f[i]
					}
					row.Values = append(row.Values, x)
				}
				t.Rows = append(t.Rows, row)
			}
		}
	}
	return t
}

// The coverage of the interval of the AUC, tabulated in
// docs/theory/evaluation.md. It takes minutes to hours, and runs if
// PLAQUERISK_STUDY says which generators: "all", or the start of a name;
// PLAQUERISK_STUDY_TABLE may name a feature table whose outcomes are drawn
// anew, and PLAQUERISK_STUDY_BOOSTING the number of bags and rounds, "20x100".
func TestCoverageStudy(t *testing.T) {
	which := os.Getenv("PLAQUERISK_STUDY")
	if which == "" {
		t.Skip("set PLAQUERISK_STUDY to measure coverage")
	}
	const draws = 500
	cfg, ev := DefaultConfig(), DefaultEvaluation()
	cfg.Modalities = []string{feature.Radiomics}
	cfg.Boosting.Bags, cfg.Boosting.Rounds = 3, 50
	if s := os.Getenv("PLAQUERISK_STUDY_BOOSTING"); s != "" {
		if _, err := fmt.Sscanf(s, "%dx%d", &cfg.Boosting.Bags, &cfg.Boosting.Rounds); err != nil {
			t.Fatal(err)
		}
	}
	if path := os.Getenv("PLAQUERISK_STUDY_TABLE"); path != "" {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		table, err := feature.ReadCSV(f)
		if err != nil {
			t.Fatal(err)
		}
		c, err := NullCoverage(t.Context(), table, cfg, ev, draws, 1, func(done, total int) {
			if done%50 == 0 {
				t.Logf("%d draws", done)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range c.Arms {
			t.Logf("%-12s %-8s mean AUC %.3f, SD %.3f, covered %.3f (%.3f to %.3f)", a.Arm, a.Level, a.MeanAUC, a.SDAUC, a.Covered.Value, a.Covered.Low, a.Covered.High)
			if a.Covered.Value < 0.925 || a.Covered.Value > 0.98 {
				t.Errorf("%s, %s: outside 0.925 to 0.98", a.Arm, a.Level)
			}
		}
		return
	}
	for _, g := range []generator{
		{"30 independent", 60, 0.35, 30, 0, 0, 0},
		{"200 independent", 60, 0.2, 200, 0, 0.5, 0},
		{"50 correlated", 60, 0.35, 50, 8, 0.5, 0},
		{"150 correlated", 60, 0.35, 150, 8, 0.5, 0},
		{"40 patients", 40, 0.2, 30, 8, 0.5, 0},
		{"100 patients", 100, 0.35, 30, 8, 0.5, 0},
		{"signal", 60, 0.35, 50, 8, 0.5, 0.8},
		{"strong signal", 60, 0.35, 50, 8, 0.5, 2.5},
	} {
		if which != "all" && !strings.HasPrefix(g.name, which) {
			continue
		}
		t.Run(g.name, func(t *testing.T) { g.study(t, cfg, ev, draws) })
	}
}

// study measures how often intervals cover ½ or, with a signal, the mean AUC
// over the draws. Without a signal the features stay and outcomes are drawn;
// with one, both are.
func (g generator) study(t *testing.T, cfg Config, ev EvaluationConfig, draws int) {
	var got [2][][3]float64
	table := g.table(1)
	for n := range draws {
		if g.signal > 0 {
			table = g.table(uint64(n))
		}
		columns, _, err := SelectColumns(table, cfg)
		if err != nil {
			t.Fatal(err)
		}
		d, err := NewData(table, columns)
		if err != nil {
			t.Fatal(err)
		}
		patients := PatientUnits(ArteryUnits(d))
		y := make(map[int]float64, len(patients))
		positives := 0
		for _, u := range patients {
			y[u.Group] = float64(u.Label)
			positives += u.Label
		}
		if g.signal == 0 {
			y = drawOutcomes(patients, positives, rand.New(rand.NewPCG(uint64(n), streamNull)))
		}
		a := arm{learner: cfg.Boosting, data: d}
		levels, err := a.withOutcomes(t.Context(), y, cfg.Aggregation, ev, uint64(n))
		if err != nil {
			t.Fatal(err)
		}
		for l := range levels {
			i := levels[l].interval(ev.Folds)
			got[l] = append(got[l], [3]float64{float64(i.Value), float64(i.Low), float64(i.High)})
		}
	}
	for l, name := range []string{"artery", "patient"} {
		var auc []float64
		for _, x := range got[l] {
			auc = append(auc, x[0])
		}
		mean, sd := meanSD(auc)
		truth := 0.5
		if g.signal > 0 {
			truth = mean
		}
		covered, width := 0.0, 0.0
		for _, x := range got[l] {
			if x[1] <= truth && truth <= x[2] {
				covered++
			}
			width += (x[2] - x[1]) / float64(draws)
		}
		t.Logf("%s, %d bags of %d: %s: mean AUC %.3f, SD %.3f, mean width %.3f, covered %.3f of %d draws", g.name, cfg.Boosting.Bags, cfg.Boosting.Rounds,
			name, mean, sd, width, covered/float64(draws), draws)
	}
}
