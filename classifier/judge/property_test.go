package judge

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// made returns outcomes and scores with ties.
func made(n int, seed uint64) (y []int, s []float64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for range n {
		k := rng.IntN(2)
		y = append(y, k)
		s = append(s, math.Round(4*(rng.NormFloat64()+float64(k)))/4)
	}
	return y, s
}

// Rows that stand three times in a cluster carry no more than one of them: the
// clustered variance is DeLong's of the single rows.
func TestClusteredDuplicates(t *testing.T) {
	y, s := made(60, 3)
	_, s2 := made(60, 4)
	one, err := DeLong(y, s, s2)
	if err != nil {
		t.Fatal(err)
	}
	var y3, cluster []int
	var a, b []float64
	for i := range y {
		for range 3 {
			y3, cluster, a, b = append(y3, y[i]), append(cluster, i), append(a, s[i]), append(b, s2[i])
		}
	}
	three, err := Clustered(y3, cluster, a, b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		for j := range 2 {
			verify.Check{Suite: suite, Case: "each row three times in a cluster", Quantity: "covariance of AUCs, clustered",
				Source: "Obuchowski (1997) equals DeLong (1988) of the single rows", Got: three.Covariance.At(i, j), Want: one.Covariance.At(i, j), Tol: 1e-12}.Run(t)
		}
	}
}

// The variance with clusters is that of AUCs over drawn cohorts in which a
// patient's plaques, of both classes, share half of their variance.
func TestClusteredVariance(t *testing.T) {
	const draws = 2000
	var auc, v []float64
	rng := rand.New(rand.NewPCG(7, 7))
	for range draws {
		var y, cluster []int
		var s []float64
		for c := range 40 {
			u := rng.NormFloat64()
			for range 4 {
				k := 0
				if rng.Float64() < 0.3 {
					k = 1
				}
				y, cluster, s = append(y, k), append(cluster, c), append(s, u+rng.NormFloat64()+float64(k))
			}
		}
		u, err := Clustered(y, cluster, s)
		if err != nil {
			t.Fatal(err)
		}
		auc, v = append(auc, u.Value[0]), append(v, u.Covariance.At(0, 0))
	}
	// The ratio of variances of 2000 draws has a standard error of 3 %.
	verify.Check{Suite: suite, Case: "40 patients of 4 plaques, 2000 draws", Quantity: "mean clustered variance / variance of the AUCs",
		Source: "drawn cohorts", Got: mean(v) / variance(auc), Want: 1, Tol: 0.1}.Run(t)
}

// Exchanging the scores changes the sign of the difference; a model against
// itself differs by nothing.
func TestDifferenceSymmetry(t *testing.T) {
	y, s := made(80, 5)
	_, s2 := made(80, 6)
	u, err := DeLong(y, s, s2, s)
	if err != nil {
		t.Fatal(err)
	}
	ab, ba, aa := u.Difference(0, 1, 0.9), u.Difference(1, 0, 0.9), u.Difference(0, 2, 0.9)
	if ab.Value != -ba.Value || ab.P != ba.P || aa.Value != 0 || aa.P != 1 {
		t.Errorf("differences %+v, %+v, %+v", ab, ba, aa)
	}
	// With two scores the test of equality is the square of the paired test.
	u, err = DeLong(y, s, s2)
	if err != nil {
		t.Fatal(err)
	}
	chi2, p := u.Equal()
	if math.Abs(chi2-ab.Z*ab.Z) > 1e-9 || math.Abs(p-ab.P) > 1e-9 {
		t.Errorf("χ² = %g, p = %g, want %g, %g", chi2, p, ab.Z*ab.Z, ab.P)
	}
	if _, err := DeLong([]int{1, 0, 0}, []float64{1, 2, 3}); err == nil {
		t.Error("one event gave a variance")
	}
}

// Intervals of given replicates are those of R's boot.ci.
func TestBootIntervals(t *testing.T) {
	r := &Replicates{Estimate: 0.3}
	for k := 1; k <= 999; k++ {
		x := float64(k) / 1000
		r.Values = append(r.Values, x*x+0.1*math.Sin(float64(k)))
	}
	slices.Sort(r.Values)
	for i := 1; i <= 30; i++ {
		r.Influence = append(r.Influence, float64((i-11)*(i-11))/50-1)
	}
	m := mean(r.Influence)
	for i := range r.Influence {
		r.Influence[i] -= m
	}
	const source = "R 4.2.2, boot 1.3-28.1, boot.ci"
	for _, c := range []struct {
		name      string
		got       Interval
		low, high float64
	}{
		{"percentile interval, 95 %", r.Percentile(0.95), -0.076110595018676189, 0.97449051186001023},
		{"BCa interval, 95 %", r.BCa(0.95), -0.054610393933796603, 1.0315988553350113},
		{"BCa interval, 90 %", r.BCa(0.9), -0.025647598359305544, 0.97609140656021398},
	} {
		check(t, source, "999 replicates", c.name+", low", c.got.Low, c.low)
		check(t, source, "999 replicates", c.name+", high", c.got.High, c.high)
	}
}

// The bootstrap of a mean over patients has the standard error that theory gives, and
// the same bits on one processor as on many.
func TestBootstrapMean(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var y, cluster []int
	var x []float64
	var sums [2][]float64
	for c := range 100 {
		u := rng.NormFloat64()
		sums[c%2] = append(sums[c%2], u)
		for range 3 {
			y, cluster, x = append(y, c%2), append(cluster, c), append(x, u)
		}
	}
	f := func(rows []int) float64 { return mean(pick(x, rows)) }
	r, err := Bootstrap{Draws: 4000, Seed: 9}.Run(t.Context(), y, cluster, f)
	if err != nil {
		t.Fatal(err)
	}
	// Two strata of 50: the variance of the mean is the mean of theirs, over 100.
	want := math.Sqrt((variance(sums[0]) + variance(sums[1])) / 2 * 49 / 50 / 100)
	verify.Check{Suite: suite, Case: "100 patients of 3 equal rows", Quantity: "standard error by bootstrap / of theory",
		Source: "variance of a stratified mean", Got: math.Sqrt(variance(r.Values)) / want, Want: 1, Tol: 0.04}.Run(t)
	again, err := Bootstrap{Draws: 4000, Seed: 9}.Run(t.Context(), y, cluster, f)
	if err != nil || !slices.Equal(r.Values, again.Values) {
		t.Error("the same seed gave other replicates")
	}
	b, p := r.BCa(0.95), r.Percentile(0.95)
	if !(b.Low < b.Value && b.Value < b.High && p.Low < p.Value && p.Value < p.High) {
		t.Errorf("intervals %v and %v", b, p)
	}
	cancelled, stop := context.WithCancel(t.Context())
	stop()
	if _, err := (Bootstrap{Draws: 100}).Run(cancelled, y, cluster, f); err == nil {
		t.Error("a cancelled bootstrap went on")
	}
	if _, err := (Bootstrap{Draws: 3}).Run(t.Context(), y, cluster, f); err == nil {
		t.Error("three draws were enough")
	}
}

// Two arms on the same resamples: the interval of their difference is narrower than
// that of either if they nearly agree.
func TestPairedDifference(t *testing.T) {
	y, s := made(120, 8)
	rng := rand.New(rand.NewPCG(8, 8))
	near := slices.Clone(s)
	for i := range near {
		near[i] += 0.05 * rng.NormFloat64()
	}
	cluster := all(len(y))
	b := Bootstrap{Draws: 400, Seed: 1}
	d, err := b.PairedDifference(t.Context(), y, cluster, s, near, AUC)
	if err != nil {
		t.Fatal(err)
	}
	one, err := b.Run(t.Context(), y, cluster, On(y, s, AUC))
	if err != nil {
		t.Fatal(err)
	}
	if got := AUC(y, s) - AUC(y, near); got != d.Estimate {
		t.Errorf("difference %g, want %g", d.Estimate, got)
	}
	width := func(i Interval) float64 { return i.High - i.Low }
	if width(d.Percentile(0.95)) > width(one.Percentile(0.95))/2 {
		t.Errorf("paired interval %v, single %v", d.Percentile(0.95), one.Percentile(0.95))
	}
}

// Outcomes that have nothing to do with scores give p that are uniform: a tenth of
// them below 0.1.
func TestPermutationIsUniform(t *testing.T) {
	low := 0
	const cohorts = 400
	for n := range cohorts {
		rng := rand.New(rand.NewPCG(uint64(n), 11))
		var y, cluster []int
		var s []float64
		for c := range 20 {
			u, k := rng.NormFloat64(), rng.IntN(2)
			for range 1 + c%3 {
				y, cluster, s = append(y, k), append(cluster, c), append(s, u+0.3*rng.NormFloat64())
			}
		}
		p, err := Permute(t.Context(), y, cluster, 99, uint64(n), func(y []int) float64 { return AUC(y, s) })
		if err != nil {
			t.Fatal(err)
		}
		if p.P <= 0.1 {
			low++
		}
	}
	// The binomial standard error is 1.5 %.
	verify.Check{Suite: suite, Case: "400 cohorts without signal, patients of 1 to 3 rows", Quantity: "share of permutation p ≤ 0.1",
		Source: "uniform distribution", Got: float64(low) / cohorts, Want: 0.1, Tol: 0.045}.Run(t)
}

// Outcomes that differ within a patient move together: each patient has the outcomes
// of some patient of as many rows.
func TestPermutationKeepsPatients(t *testing.T) {
	y := []int{1, 0, 0, 0, 1, 1, 0}
	cluster := []int{0, 0, 1, 1, 2, 3, 4}
	_, err := Permute(t.Context(), y, cluster, 50, 1, func(z []int) float64 {
		pairs := []int{2*z[0] + z[1], 2*z[2] + z[3]}
		slices.Sort(pairs)
		if !slices.Equal(pairs, []int{0, 2}) || z[4]+z[5]+z[6] != 2 {
			t.Errorf("outcomes %v", z)
		}
		return 0
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The published reclassification of the Framingham data: 29 of 183 events up and 7
// down, 173 of 3081 others up and 174 down.
func TestReclassifyPublished(t *testing.T) {
	var y []int
	var old, new []float64
	add := func(n, k int, from, to float64) {
		for range n {
			y, old, new = append(y, k), append(old, from), append(new, to)
		}
	}
	add(29, 1, 0.1, 0.3)
	add(7, 1, 0.3, 0.1)
	add(183-36, 1, 0.3, 0.3)
	add(173, 0, 0.1, 0.3)
	add(174, 0, 0.3, 0.1)
	add(3081-347, 0, 0.1, 0.1)
	r := Reclassify(y, old, new, []float64{0.2}, 0.95)
	const source = "Pencina et al., Stat. Med. 27 (2008)"
	verify.Check{Suite: suite, Case: "Framingham, HDL cholesterol added", Quantity: "NRI", Source: source, Got: r.NRI.Value, Want: 0.121, Tol: 0.0005}.Run(t)
	verify.Check{Suite: suite, Case: "Framingham, HDL cholesterol added", Quantity: "z of the NRI", Source: source, Got: r.NRI.Z, Want: 3.616, Tol: 0.0005}.Run(t)
	// IDI is the difference of the discrimination slopes.
	slope := func(p []float64) float64 {
		var sum, n [2]float64
		for i, k := range y {
			sum[k] += p[i]
			n[k]++
		}
		return sum[1]/n[1] - sum[0]/n[0]
	}
	if want := slope(new) - slope(old); math.Abs(r.IDI.Value-want) > 1e-12 {
		t.Errorf("IDI %g, want %g", r.IDI.Value, want)
	}
	if c := Reclassify(y, old, new, nil, 0.95); c.NRI.Value != r.NRI.Value {
		t.Errorf("NRI without categories %g, want %g, as every movement crosses the cut", c.NRI.Value, r.NRI.Value)
	}
}

// For two sets of k among d features with r in common, Φ is Kuncheva's index
// (r − k²/d)/(k − k²/d); equal sets have 1.
func TestNogueiraKuncheva(t *testing.T) {
	names := strings.Split("abcdefghij", "")
	s := Nogueira(Chosen(names, [][]string{{"a", "b", "c", "d"}, {"c", "d", "e", "f"}}), 0.95)
	verify.Check{Suite: suite, Case: "two sets of 4 among 10 features, 2 in common", Quantity: "stability of the selection",
		Source: "Kuncheva (2007): (r − k²/d)/(k − k²/d)", Got: s.Value, Want: (2 - 1.6) / (4 - 1.6), Tol: 1e-12}.Run(t)
	verify.Check{Suite: suite, Case: "two sets of 4 among 10 features, 2 in common", Quantity: "Jaccard index",
		Source: "closed form", Got: s.Jaccard, Want: 2.0 / 6, Tol: 1e-12}.Run(t)
	if s := Nogueira(Chosen(names, [][]string{{"a", "b"}, {"a", "b"}, {"b", "a"}}), 0.95); math.Abs(s.Value-1) > 1e-12 || s.Jaccard != 1 {
		t.Errorf("equal sets have %+v", s)
	}
}

// Sets hold the true class of a new patient's row as often as promised, and not
// much more often.
func TestConformalCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	cohort := func(patients int) (y, cluster []int, p [][]float64) {
		for c := range patients {
			u := rng.NormFloat64()
			k := 0
			if rng.Float64() < 0.3 {
				k = 1
			}
			for range 1 + rng.IntN(6) {
				q := Expit(u + rng.NormFloat64() + 2*float64(k) - 1)
				y, cluster, p = append(y, k), append(cluster, c), append(p, []float64{1 - q, q})
			}
		}
		return y, cluster, p
	}
	var hit [2]float64
	const draws = 200
	for range draws {
		y, cluster, p := cohort(100)
		c := NewConformal(y, cluster, p, 0.9)
		y, cluster, p = cohort(300)
		got, _ := c.Coverage(y, cluster, p)
		for k := range hit {
			hit[k] += got[k] / draws
		}
	}
	for k, m := range []float64{70, 30} {
		// Between the level and one patient's weight more; a standard error is 0.4 %.
		verify.Check{Suite: suite, Case: "conformal sets at 90 %, 100 patients, 200 draws", Quantity: "coverage of class " + string(rune('0'+k)),
			Source: "Lee, Barber and Willett (2023), 0.9 to 0.9 + 1/(m + 1)", Got: hit[k], Want: 0.9 + 0.5/(m+1), Tol: 0.5/(m+1) + 0.01}.Run(t)
	}
	// Too few patients of a class: it is in all sets, and said.
	c := NewConformal([]int{0, 1, 1}, []int{0, 1, 2}, [][]float64{{1, 0}, {1, 0}, {1, 0}}, 0.9)
	if len(c.Warnings) != 2 || !slices.Equal(c.Set([]float64{1, 0}), []int{0, 1}) {
		t.Errorf("%+v, set %v", c, c.Set([]float64{1, 0}))
	}
}

// Rows from the distribution of the table are flagged as often as asked, rows from
// elsewhere nearly always, and a patient's rows count once.
func TestOutsideFalseAlarms(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const columns = 12
	draw := func(shift float64) []float64 {
		row := make([]float64, columns)
		u := rng.NormFloat64()
		for c := range row {
			row[c] = math.Exp(0.5*(u+rng.NormFloat64())) + shift*float64(c%2)
		}
		return row
	}
	var alarms, caught, n float64
	for range 20 {
		x := make([][]float64, columns)
		var cluster []int
		for r := range 120 {
			for c, v := range draw(0) {
				x[c] = append(x[c], v)
			}
			cluster = append(cluster, r)
		}
		o, err := NewOutside(make([]string, columns), x, cluster)
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			n++
			if o.P(draw(0)) <= 0.05 {
				alarms++
			}
			if o.P(draw(8)) <= 0.05 {
				caught++
			}
		}
	}
	verify.Check{Suite: suite, Case: "20 tables of 120 log-normal rows", Quantity: "false alarms at p ≤ 0.05",
		Source: "exchangeable rows", Got: alarms / n, Want: 0.05, Tol: 0.02}.Run(t)
	verify.Check{Suite: suite, Case: "20 tables of 120 log-normal rows", Quantity: "rows from elsewhere that are flagged",
		Source: "shift of 8 in half of the columns", Got: caught / n, Want: 1, Tol: 0.05}.Run(t)
}

// What cannot be learnt from is said with row and column.
func TestOutsideErrors(t *testing.T) {
	x := [][]float64{make([]float64, 30)}
	if _, err := NewOutside([]string{"a"}, x, all(30)); err == nil || !strings.Contains(err.Error(), "constant") {
		t.Errorf("constant table: %v", err)
	}
	x[0][4] = math.Inf(1)
	if _, err := NewOutside([]string{"a"}, x, all(30)); err == nil || !strings.Contains(err.Error(), `row 5, column "a"`) {
		t.Errorf("infinite value: %v", err)
	}
	if _, err := NewOutside([]string{"a"}, [][]float64{{1, 2}}, []int{0, 1}); err == nil {
		t.Error("two patients were enough")
	}
}

// The C-index with ties of times and of scores is that of R's survival.
func TestHarrell(t *testing.T) {
	s, risk := followUp()
	check(t, "R 4.2.2, survival 3.5-3, concordance", "60 rows with ties", "C-index", Harrell(s, risk), 0.607725321888412)
}

// followUp returns times with ties, 60 % events, and scores with ties.
func followUp() (Survival, []float64) {
	var s Survival
	var risk []float64
	for i := range 60 {
		time := 1 + (i*37)%61/2
		s.Time = append(s.Time, float64(time))
		s.Event = append(s.Event, (i*7)%10 < 6)
		risk = append(risk, math.Floor(float64((i*53)%17)-0.2*float64(time)))
	}
	return s, risk
}

// Without censoring the AUC at a time is that of its two classes; with it, that of
// scikit-survival.
func TestCumulativeAUC(t *testing.T) {
	s, risk := followUp()
	var y []int
	complete := Survival{Time: s.Time, Event: make([]bool, len(risk))}
	for i := range risk {
		complete.Event[i] = true
		y = append(y, 0)
		if s.Time[i] <= 12 {
			y[i] = 1
		}
	}
	check(t, "AUC of two classes", "60 rows with ties, nothing censored", "AUC at time 12", CumulativeAUC(complete, risk, 12), AUC(y, risk))
	// Distinct times: at ties the two differ in whether censoring comes last.
	for i := range risk {
		s.Time[i] = float64(1 + (i*37)%61)
		risk[i] = math.Floor(float64((i*53)%17) - 0.2*s.Time[i])
	}
	for _, c := range []struct{ t, want float64 }{{10, 0.6954710604140263}, {24.5, 0.7756848792300424}, {41, 0.7799312622351694}} {
		check(t, "scikit-survival 0.28.0, cumulative_dynamic_auc", "60 distinct times", fmt.Sprintf("AUC at time %g", c.t), CumulativeAUC(s, risk, c.t), c.want)
	}
}

// Loess reproduces a parabola exactly, wherever it is asked, and survives ties.
func TestLoessParabola(t *testing.T) {
	var x, y []float64
	for i := range 50 {
		v := float64(i*i) / 100
		x, y = append(x, v), append(y, 3-2*v+0.5*v*v)
	}
	for i, got := range Loess(x, y, []float64{-1, 0, 3.3, 30}, 0.5) {
		v := []float64{-1, 0, 3.3, 30}[i]
		if want := 3 - 2*v + 0.5*v*v; math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
			t.Errorf("at %g: %g, want %g", v, got, want)
		}
	}
	ties := []float64{1, 1, 1, 1, 2, 2, 2, 2}
	for i, got := range Loess(ties, []float64{0, 1, 0, 1, 1, 1, 1, 0}, []float64{1, 2}, 0.75) {
		if want := []float64{0.5, 0.75}[i]; math.Abs(got-want) > 1e-12 {
			t.Errorf("two values: %g, want %g", got, want)
		}
	}
	if got := Loess([]float64{1, 1, 1}, []float64{0, 1, 1}, []float64{1}, 0.75)[0]; math.Abs(got-2.0/3) > 1e-12 {
		t.Errorf("one value: %g", got)
	}
}

// What is undefined is NaN, not zero and not a panic.
func TestUndefined(t *testing.T) {
	for name, got := range map[string]float64{
		"AUC of one class":       AUC([]int{1, 1}, []float64{1, 2}),
		"slope of one class":     Recalibrate([]int{1, 1, 1}, []float64{0.2, 0.3, 0.4}).Slope,
		"slope of separated":     Recalibrate([]int{0, 0, 1, 1}, []float64{0.1, 0.2, 0.8, 0.9}).Slope,
		"slope of a constant":    Recalibrate([]int{0, 1, 1}, []float64{0.5, 0.5, 0.5}).Slope,
		"ICI of nothing":         CalibrationDistance(nil, nil).ICI,
		"Hosmer–Lemeshow of two": func() float64 { c, _, _ := HosmerLemeshow([]int{0, 1}, []float64{0.5, 0.5}, 10); return c }(),
		"ICC of one subject":     NewICC([][]float64{{1, 2}}, 0.95).Agreement.Value,
		"C-index without events": Harrell(Survival{[]float64{1, 2}, []bool{false, false}}, []float64{1, 2}),
		"average precision of 0": AveragePrecision([]int{0, 0}, []float64{1, 2}),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%s is %g, want NaN", name, got)
		}
	}
}

// The AUC is the area under the ROC curve, and random scores have the prevalence as
// average precision.
func TestCurves(t *testing.T) {
	y, s := made(200, 12)
	var area float64
	roc := ROC(y, s)
	for i := 1; i < len(roc); i++ {
		area += (roc[i].X - roc[i-1].X) * (roc[i].Y + roc[i-1].Y) / 2
	}
	if math.Abs(area-AUC(y, s)) > 1e-12 {
		t.Errorf("area %g, AUC %g", area, AUC(y, s))
	}
	if ap := AveragePrecision([]int{1, 0, 0, 1}, []float64{1, 1, 1, 1}); ap != 0.5 {
		t.Errorf("average precision of a constant is %g", ap)
	}
	two := make([][]float64, len(s))
	p := make([]float64, len(s))
	for i := range s {
		p[i] = Expit(s[i])
		two[i] = []float64{1 - p[i], p[i]}
	}
	if a, b := LogLossClasses(y, two), LogLoss(y, p); math.Abs(a-b) > 1e-12 {
		t.Errorf("log-loss %g of two classes, %g of probabilities", a, b)
	}
	if a, b := BrierClasses(y, two), 2*Brier(y, p); math.Abs(a-b) > 1e-12 {
		t.Errorf("Brier score %g of two classes, twice %g", a, b/2)
	}
	if a, b := MacroAUC(y, two), AUC(y, s); math.Abs(a-b) > 1e-12 {
		t.Errorf("macro AUC %g, AUC %g", a, b)
	}
}

// The statement says plainly whether the data carry the model.
func TestStatement(t *testing.T) {
	for _, c := range []struct {
		n, events, parameters int
		reached               float64
		want                  string
	}{
		{40, 7, 127, math.NaN(), "cannot support such a model, nor one of a single predictor"},
		{2000, 600, 10, math.NaN(), "are enough"},
		{300, 100, 50, math.NaN(), "they support"},
		{400, 140, 13, 0.4, "which the data have"},
		{300, 100, 50, 0.05, "do not have"},
		{10, 0, 3, math.NaN(), "one class"},
	} {
		if got := Statement(c.n, c.events, c.parameters, c.reached); !strings.Contains(got, c.want) {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
