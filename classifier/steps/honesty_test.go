package steps

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// cohort draws a cohort of the size of a published one: 40 patients, 49 arteries of
// which 7 are positive, 167 plaques, 127 columns, half of whose variance is the
// patient's. The first eight columns are moved in plaques of positive arteries so that
// each has the AUC asked for; ½ is noise.
func cohort(seed uint64, auc float64) *Table {
	rng := rand.New(rand.NewPCG(seed, 0xc0))
	const patients, arteries, plaques, columns, positives = 40, 49, 167, 127, 7
	shift := math.Sqrt2 * distuv.UnitNormal.Quantile(auc)
	t := &Table{Classes: 2}
	for c := range columns {
		t.Columns = append(t.Columns, boost.Column{Name: fmt.Sprintf("feature %03d", c)})
	}
	effect := make([][]float64, patients)
	for p := range effect {
		effect[p] = make([]float64, columns)
		for c := range effect[p] {
			effect[p][c] = math.Sqrt(0.5) * rng.NormFloat64()
		}
	}
	positive := make([]bool, arteries)
	for _, a := range rng.Perm(arteries)[:positives] {
		positive[a] = true
	}
	for n := range plaques {
		artery := n % arteries
		p := artery % patients
		t.Patient = append(t.Patient, fmt.Sprintf("P%02d", p))
		t.ID = append(t.ID, fmt.Sprintf("artery %02d plaque %d", artery, n))
		k := 0
		if positive[artery] {
			k = 1
		}
		t.Y = append(t.Y, k)
		for c := range t.Columns {
			v := effect[p][c] + math.Sqrt(0.5)*rng.NormFloat64()
			if c < 8 {
				v += shift * float64(k)
			}
			t.Columns[c].Values = append(t.Columns[c].Values, v)
		}
	}
	return t
}

// On noise the protocol reports what a coin would reach, and its intervals hold ½ as
// often as they say; a signal is found. PLAQUERISK_DRAWS sets the number of cohorts
// (make honesty: 1000).
func TestHonesty(t *testing.T) {
	draws := 40
	if n, err := strconv.Atoi(os.Getenv("PLAQUERISK_DRAWS")); err == nil {
		draws = n
	} else if testing.Short() {
		t.Skip("a minute of cohorts")
	}
	line := Pipeline{Steps: []Step{Variance{MaxMissing: 0.5}, Prune{Most: 0.9}}, Learner: Ridge{C: []float64{0.01}}}
	type result struct {
		auc, balanced float64
		covered       bool
		found         bool // the interval is above ½
	}
	one := func(seed uint64, auc float64) result {
		tab := cohort(seed, auc)
		splits, err := Folds(tab, 5, 4, seed)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Evaluate(t.Context(), line, tab, splits, seed, func() {})
		if err != nil {
			t.Fatal(err)
		}
		var r result
		for _, j := range e.Repeats {
			r.balanced += j.AtPrevalence / float64(len(e.Repeats))
		}
		r.auc = e.FoldAUC.Value
		r.covered = e.FoldAUC.Low <= 0.5 && e.FoldAUC.High >= 0.5
		r.found = e.FoldAUC.Low > 0.5
		return r
	}
	var auc, balanced, covered, found float64
	for n := range draws {
		r := one(uint64(n), 0.5)
		auc += r.auc / float64(draws)
		balanced += r.balanced / float64(draws)
		if r.covered {
			covered += 1 / float64(draws)
		}
		if n < draws/4 {
			if one(uint64(n), 0.8).found {
				found += 1 / float64(draws/4)
			}
		}
	}
	name := fmt.Sprintf("%d cohorts of 40 patients, 167 plaques, 127 columns of noise", draws)
	check := func(quantity string, got, want, tol float64) {
		t.Helper()
		verify.Check{Suite: "honesty", Case: name, Quantity: quantity, Source: "no signal", Got: got, Want: want, Tol: tol}.Run(t)
	}
	check("mean AUC", auc, 0.5, 0.05)
	check("mean balanced accuracy at the training prevalence", balanced, 0.5, 0.05)
	// 92.5 % at least, less the chance of so few draws.
	low, _ := judge.Wilson(int(math.Round(0.95*float64(draws))), draws, 0.99)
	check("share of 95 % intervals that hold ½", covered, 1, 1-min(low, 0.925))
	verify.Check{Suite: "honesty", Case: fmt.Sprintf("%d cohorts, eight columns with AUC 0.8", draws/4), Quantity: "share whose interval is above ½ (power)",
		Source: "planted signal", Got: found, Want: 1, Tol: 0.5}.Run(t)
	t.Logf("mean AUC %.3f, balanced accuracy %.3f, %.1f %% of intervals hold ½, power %.2f", auc, balanced, 100*covered, found)
}
