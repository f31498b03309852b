package classifier

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Every rule must not depend on order, grow with each part, leave one part as
// it is and stay within [0, 1]; noisy-or is never below the largest part.
func TestRules(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, rule := range Rules {
		for range 200 {
			p := make([]float64, 1+rng.IntN(5))
			for n := range p {
				p[n] = rng.Float64()
			}
			q := rule.Combine(p)
			if len(p) == 1 && q != p[0] {
				t.Errorf("%s: one part %v became %v", rule, p[0], q)
			}
			if q < 0 || q > 1 || (rule == NoisyOr && q < slices.Max(p)-1e-15) {
				t.Errorf("%s of %v is %v", rule, p, q)
			}
			r := slices.Clone(p)
			rng.Shuffle(len(r), func(i, j int) { r[i], r[j] = r[j], r[i] })
			if rule.Combine(r) != q {
				t.Errorf("%s of %v depends on the order", rule, p)
			}
			r[0] += (1 - r[0]) / 2
			if rule.Combine(r) < q {
				t.Errorf("%s falls when a part rises", rule)
			}
		}
	}
}

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
