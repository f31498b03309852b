package classifier_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/plaquerisk/plaquerisk/classifier"
	"github.com/plaquerisk/plaquerisk/feature"
)

// demoTable returns 60 patients with one lesion each. Events come with high
// stress and a thin cap; the attenuation has nothing to do with them.
func demoTable() *feature.Table {
	t := &feature.Table{Schema: feature.MustSchema(
		feature.Column{Name: "principal_stress.cap.p99", Unit: "kPa", Modality: feature.Biomechanics, Ref: "plaquerisk"},
		feature.Column{Name: "anatomy.cap.thickness", Unit: "mm", Modality: feature.Anatomy, Ref: "plaquerisk"},
		feature.Column{Name: "original.firstorder.mean", Unit: "HU", Modality: feature.Radiomics, Ref: "IBSI:Q4LE"},
	)}
	rng := rand.New(rand.NewPCG(1, 1))
	for n := range 60 {
		stress, cap, hu := 200+200*rng.Float64(), 0.05+0.5*rng.Float64(), 100*rng.Float64()
		label := feature.Negative
		if stress > 300 && cap < 0.4 {
			label = feature.Positive
		}
		id := fmt.Sprintf("P%02d", n)
		t.Rows = append(t.Rows, feature.Row{Case: id, Patient: id, Artery: "LAD", Lesion: "LAD-1", Label: label, Values: []float64{stress, cap, hu}})
	}
	return t
}

// A model is trained on a table, saved, read, and asked about a patient with
// two lesions.
func ExampleModel() {
	table := demoTable()
	m, err := classifier.Train(context.Background(), table, classifier.DefaultConfig())
	if err != nil {
		panic(err)
	}
	m.Card.Label = "synthetic cohort, for demonstration"
	var file bytes.Buffer
	if err := m.Save(&file); err != nil {
		panic(err)
	}
	if m, err = classifier.Load(&file); err != nil {
		panic(err)
	}
	lesion := func(name, artery string, values ...float64) classifier.Lesion {
		return classifier.Lesion{Name: name, Artery: artery, Features: feature.Vector{Schema: table.Schema, Values: values}}
	}
	s, err := m.Score([]classifier.Lesion{
		lesion("LAD-1", "LAD", 380, 0.1, 50),
		lesion("RCA-1", "RCA", 210, 0.5, 50),
	}, []string{"LAD", "RCA"})
	if err != nil {
		panic(err)
	}
	for _, a := range s.Arteries {
		p := a.Prediction
		fmt.Printf("%s: high risk %v, mostly because of %s\n", a.Name, p.Probability > 0.5, p.Contributions[0].Feature)
	}
	fmt.Printf("patient: high risk %v\n", s.Patient.Prediction.Probability > 0.5)
	// Output:
	// LAD: high risk true, mostly because of principal_stress.cap.p99
	// RCA: high risk false, mostly because of principal_stress.cap.p99
	// patient: high risk true
}

// A learner is fitted on some rows and asked about others.
func ExampleBoosting() {
	d, err := classifier.NewData(demoTable(), nil)
	if err != nil {
		panic(err)
	}
	var train []int
	for r := range 40 {
		train = append(train, r)
	}
	f, err := classifier.Fit(context.Background(), classifier.DefaultBoosting(), d.Subset(train), 1)
	if err != nil {
		panic(err)
	}
	right := 0
	for r := 40; r < d.Rows(); r++ {
		if (f.RowLogOdds(d, r, nil) > 0) == (d.Y[r] == 1) {
			right++
		}
	}
	fmt.Printf("%d of %d test rows are right\n", right, d.Rows()-40)
	// Output:
	// 19 of 20 test rows are right
}
