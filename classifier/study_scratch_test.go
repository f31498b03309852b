package classifier

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/plaquerisk/plaquerisk/feature"
)

type studyGen struct {
	Name       string
	Patients   int
	Prevalence float64
	Columns    int
	Factors    int     // 0: independent
	Effect     float64 // patient effect
	Signal     float64
}

func (g studyGen) table(seed uint64) *feature.Table {
	rng := rand.New(rand.NewPCG(seed, 0x57d1))
	cols := make([]feature.Column, g.Columns)
	load := make([][]float64, g.Columns)
	for c := range cols {
		cols[c] = feature.Column{Name: fmt.Sprintf("c%03d", c), Unit: "1", Modality: feature.Radiomics}
		load[c] = make([]float64, g.Factors)
		for f := range load[c] {
			load[c][f] = rng.NormFloat64()
		}
	}
	schema := feature.MustSchema(cols...)
	t := &feature.Table{Schema: schema}
	positives := int(g.Prevalence*float64(g.Patients) + 0.5)
	perm := rng.Perm(g.Patients)
	k := max(g.Factors, 1)
	for p := range g.Patients {
		id := fmt.Sprintf("P%03d", p)
		label := feature.Negative
		if perm[p] < positives {
			label = feature.Positive
		}
		shift := g.Signal * float64(label)
		pf := make([]float64, max(g.Factors, g.Columns))
		for f := range pf {
			pf[f] = rng.NormFloat64()
		}
		for a := range 1 + rng.IntN(3) {
			for l := range 1 + rng.IntN(2) {
				f := make([]float64, k)
				for i := range f {
					f[i] = rng.NormFloat64() + g.Effect*pf[i]
				}
				f[0] += shift
				row := feature.Row{Case: id, Patient: id, Artery: fmt.Sprint(a), Lesion: fmt.Sprintf("%d-%d", a, l), Label: label}
				for c := range cols {
					x := rng.NormFloat64()
					if g.Factors == 0 {
						x += g.Effect * pf[c]
						if c < 5 {
							x += shift
						}
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

type studyDraw struct {
	Auc    [2][]float64
	Groups [2][]float64 // sum D^2
	Rarer  [2]int
}

func TestStudyScratch(t *testing.T) {
	spec := os.Getenv("STUDY")
	if spec == "" {
		t.Skip()
	}
	var g studyGen
	var draws, bags, rounds, repeats int
	fmt.Sscanf(spec, "%s %d %f %d %d %f %f %d %d %d %d", &g.Name, &g.Patients, &g.Prevalence, &g.Columns, &g.Factors, &g.Effect, &g.Signal, &draws, &bags, &rounds, &repeats)
	cfg := DefaultConfig()
	cfg.Boosting.Bags, cfg.Boosting.Rounds = bags, rounds
	ev := DefaultEvaluation()
	ev.Repeats = repeats
	cfg.Modalities = []string{feature.Radiomics}
	start := time.Now()
	f, err := os.Create("/tmp/evaluation/" + g.Name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table := g.table(1)
	for n := range draws {
		if g.Signal > 0 {
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
		a := arm{name: "x", learner: cfg.Boosting, data: d}
		known := PatientUnits(ArteryUnits(d))
		pos := 0
		y := map[int]float64{}
		for _, u := range known {
			pos += u.Label
			y[u.Group] = float64(u.Label)
		}
		if g.Signal == 0 {
			y = drawOutcomes(known, pos, rand.New(rand.NewPCG(uint64(n), streamNull)))
		}
		ls, err := a.withOutcomes(t.Context(), y, cfg.Aggregation, ev, uint64(n))
		if err != nil {
			t.Fatal(err)
		}
		var s studyDraw
		for l, o := range ls {
			s.Auc[l] = o.auc
			s.Groups[l] = o.influence
			s.Rarer[l] = min(o.positives(), len(o.label)-o.positives())
		}
		b, _ := json.Marshal(s)
		f.Write(append(b, '\n'))
		if n == 4 {
			t.Logf("5 draws in %v", time.Since(start))
			fmt.Printf("5 draws in %v\n", time.Since(start))
		}
	}
}
