package classifier

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/plaquerisk/plaquerisk/feature"
)

// cohort returns a table of patients with up to three arteries of up to four
// lesions each. The outcome of an artery depends on the first column of its
// worst lesion with the given strength; some values are missing, some arteries
// have no plaque.
func cohort(t testing.TB, patients, columns int, strength float64, seed uint64) *feature.Table {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	cols := make([]feature.Column, columns)
	for c := range cols {
		modality := feature.Radiomics
		if c%3 == 2 {
			modality = feature.Biomechanics
		}
		cols[c] = feature.Column{Name: fmt.Sprintf("original.family.feature_%03d", c), Unit: "HU", Modality: modality, Ref: "IBSI:TEST"}
	}
	schema, err := feature.NewSchema(cols...)
	if err != nil {
		t.Fatal(err)
	}
	table := &feature.Table{Schema: schema}
	for p := range patients {
		id := fmt.Sprintf("P%03d", p)
		for _, artery := range []string{"LAD", "LCX", "RCA"} {
			lesions := rng.IntN(5)
			start, worst := len(table.Rows), math.Inf(-1)
			for l := range lesions {
				row := feature.Row{Case: id, Patient: id, Artery: artery, Lesion: fmt.Sprintf("%s-%d", artery, l+1)}
				for c := range cols {
					x := rng.NormFloat64()
					if c == 0 {
						worst = max(worst, x)
					}
					if c > 0 && rng.Float64() < 0.05 {
						x = math.NaN()
					}
					row.Values = append(row.Values, x)
				}
				table.Rows = append(table.Rows, row)
			}
			label := feature.Negative
			if lesions > 0 && rng.Float64() < Logistic(strength*(worst-0.5)-0.5) {
				label = feature.Positive
			}
			if lesions == 0 {
				values := make([]float64, columns)
				for c := range values {
					values[c] = math.NaN()
				}
				table.Rows = append(table.Rows, feature.Row{Case: id, Patient: id, Artery: artery, Values: values})
				if rng.Float64() < 0.03 {
					label = feature.Positive
				}
			}
			for r := start; r < len(table.Rows); r++ {
				table.Rows[r].Label = label
			}
		}
	}
	return table
}

// fast returns settings for tests.
func fast() Config {
	cfg := DefaultConfig()
	cfg.Boosting.Bags, cfg.Boosting.Rounds = 4, 30
	return cfg
}
