package classifier

import (
	"math"
	"testing"
)

// Rows must be gathered into arteries and patients by their identifiers, and
// the whole is positive if a part is.
func TestUnits(t *testing.T) {
	table := cohort(t, 20, 3, 1, 9)
	d, err := NewData(table, nil)
	if err != nil {
		t.Fatal(err)
	}
	arteries := ArteryUnits(d)
	patients := PatientUnits(arteries)
	if len(arteries) != 60 || len(patients) != 20 {
		t.Fatalf("%d arteries of %d patients, want 60 of 20", len(arteries), len(patients))
	}
	p := make([]float64, d.Rows())
	for r := range p {
		p[r] = float64(r+1) / float64(len(p)+1)
	}
	artery, patient := Aggregation{Max, NoisyOr}.Levels(arteries, patients, p)
	for n, a := range arteries {
		var want float64
		for _, r := range a.Parts {
			row := table.Rows[d.Source[r]]
			if row.Artery != a.Artery || row.Patient != a.Patient || row.Label != a.Label {
				t.Fatalf("row %+v in artery %+v", row, a)
			}
			want = max(want, p[r])
		}
		if artery[n] != want {
			t.Errorf("artery %d: %v, want %v", n, artery[n], want)
		}
	}
	for n, u := range patients {
		q, label := 1.0, 0
		for _, a := range u.Parts {
			q *= 1 - artery[a]
			label = max(label, arteries[a].Label)
		}
		if math.Abs(patient[n]-(1-q)) > 1e-12 || label != u.Label {
			t.Errorf("patient %d: %v, want %v", n, patient[n], 1-q)
		}
	}
}

// Rows of arteries without plaque must not reach the learner: their rate is
// that of formula C.10.
func TestEmptyArteries(t *testing.T) {
	table := cohort(t, 40, 4, 1, 10)
	d, err := NewData(table, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := DefaultBoosting()
	b.Bags, b.Rounds = 1, 5
	f, err := Fit(t.Context(), b, d, 1)
	if err != nil {
		t.Fatal(err)
	}
	var k, n, units, positive float64
	for _, a := range ArteryUnits(d) {
		units++
		positive += float64(a.Label)
		if d.Empty[a.Parts[0]] {
			n++
			k += float64(a.Label)
			if got := f.RowLogOdds(d, a.Parts[0], nil); got != f.Empty {
				t.Errorf("log-odds %v of an empty artery, want %v", got, f.Empty)
			}
		}
	}
	if want := (k + positive/units) / (n + 1); n == 0 || math.Abs(Logistic(f.Empty)-want) > 1e-12 {
		t.Errorf("rate %v of %v empty arteries, want %v", Logistic(f.Empty), n, want)
	}
}
