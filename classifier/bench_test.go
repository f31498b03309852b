package classifier

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// noise returns rows of random values in patients of three rows.
func noise(rows, columns int, seed uint64) *Data {
	rng := rand.New(rand.NewPCG(seed, 1))
	d := &Data{}
	for r := range rows {
		if r%3 == 0 {
			d.Patients = append(d.Patients, "P"+strconv.Itoa(1000000+r))
		}
		d.Group = append(d.Group, len(d.Patients)-1)
		d.Y = append(d.Y, float64(rng.IntN(5)/4))
	}
	for c := range columns {
		x := make([]float64, rows)
		for r := range x {
			x[r] = rng.NormFloat64()
			if rng.IntN(50) == 0 {
				x[r] = math.NaN()
			}
		}
		d.Names, d.X = append(d.Names, "c"+strconv.Itoa(1000+c)), append(d.X, x)
	}
	return d
}

// A cohort of Corti's size: 150 lesions of 50 patients, 200 features.
func BenchmarkFit(b *testing.B) {
	d := noise(150, 200, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DefaultBoosting().Fit(b.Context(), d, 1); err != nil {
			b.Fatal(err)
		}
	}
}

// One lesion, with all its contributions.
func BenchmarkContributions(b *testing.B) {
	d := noise(150, 200, 1)
	e, err := DefaultBoosting().fit(b.Context(), d, 1)
	if err != nil {
		b.Fatal(err)
	}
	row, phi := d.Row(0, nil), make([]float64, 200)
	b.ReportAllocs()
	for b.Loop() {
		e.Contributions(phi, row)
	}
}

func BenchmarkLogOdds(b *testing.B) {
	d := noise(150, 200, 1)
	e, err := DefaultBoosting().fit(b.Context(), d, 1)
	if err != nil {
		b.Fatal(err)
	}
	row := d.Row(0, nil)
	b.ReportAllocs()
	for b.Loop() {
		e.LogOdds(row)
	}
}
