package classifier

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// asah reads the columns of the aneurysm data and its outcome.
func asah(t *testing.T) (column map[string][]float64, y []int) {
	t.Helper()
	f, err := os.Open(verify.Shared(t, "data", "tabular", "known", "asah.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column = map[string][]float64{}
	for c, name := range records[0] {
		for _, row := range records[1:] {
			if name == "gender" {
				continue
			}
			x, err := strconv.ParseFloat(row[c], 64)
			if err != nil {
				t.Fatal(err)
			}
			column[name] = append(column[name], x)
		}
	}
	for _, x := range column["outcome"] {
		y = append(y, int(x))
	}
	return column, y
}

func readJSON(t *testing.T, name string, v any) {
	t.Helper()
	raw, err := os.ReadFile(verify.Shared(t, "data", "tabular", "known", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatal(err)
	}
}

// each returns clusters of one row.
func each(n int) []int {
	g := make([]int, n)
	for i := range g {
		g[i] = i
	}
	return g
}

const (
	pROC = "R 4.2.2, pROC 1.18.0"
	rGLM = "R 4.2.2"
	pySc = "SciPy"
)

// Figures of R on 113 patients come out to 1e-9.
func TestKnownR(t *testing.T) {
	x, y := asah(t)
	var known struct {
		Brier, Logloss float64
		Intercept      float64    `json:"cal_intercept_joint"`
		Slope          float64    `json:"cal_slope"`
		Large          float64    `json:"cal_in_the_large"`
		NetBenefit     []float64  `json:"net_benefit"`
		NetBenefitAll  []float64  `json:"net_benefit_all"`
		AUC            float64    `json:"auc"`
		Var            float64    `json:"auc_delong_var"`
		CI             [3]float64 `json:"auc_delong_ci"`
		AUCS100b       float64    `json:"auc_s100b"`
		VarS100b       float64    `json:"var_s100b"`
		CIS100b        [3]float64 `json:"ci_s100b"`
		AUCWfns        float64    `json:"auc_wfns"`
		VarWfns        float64    `json:"var_wfns"`
		CIWfns         [3]float64 `json:"ci_wfns"`
		AUCNdka        float64    `json:"auc_ndka"`
		VarNdka        float64    `json:"var_ndka"`
		CINdka         [3]float64 `json:"ci_ndka"`
		SW             paired     `json:"delong_s100b_vs_wfns"`
		SN             paired     `json:"delong_s100b_vs_ndka"`
		WN             paired     `json:"delong_wfns_vs_ndka"`
	}
	readJSON(t, "r_known.json", &known)
	check := func(source, quantity string, got, want float64) {
		t.Helper()
		verify.Check{Suite: "classifier", Case: "aneurysmal haemorrhage, 113 patients", Quantity: quantity, Source: source, Got: got, Want: want, Tol: 1e-9}.Run(t)
	}
	p := x["p"]
	check(rGLM, "Brier score", Brier(p, y), known.Brier)
	check(rGLM, "log-loss", LogLoss(p, y), known.Logloss)
	a, b := Recalibration(p, y)
	check(rGLM, "calibration intercept", a, known.Intercept)
	check(rGLM, "calibration slope", b, known.Slope)
	check(rGLM, "calibration in the large", CalibrationInTheLarge(p, y), known.Large)
	for n, at := range []float64{0.1, 0.2, 0.3, 0.5} {
		check(rGLM, fmt.Sprintf("net benefit at %g", at), NetBenefit(p, y, at), known.NetBenefit[n])
		everyone := slices.Repeat([]float64{1}, len(y))
		check(rGLM, fmt.Sprintf("net benefit of treating all at %g", at), NetBenefit(everyone, y, at), known.NetBenefitAll[n])
	}
	z := distuv.UnitNormal.Quantile(0.975)
	for _, m := range []struct {
		name     string
		s        []float64
		auc, vr  float64
		interval [3]float64
	}{
		{"p", p, known.AUC, known.Var, known.CI},
		{"s100b", x["s100b"], known.AUCS100b, known.VarS100b, known.CIS100b},
		{"wfns", x["wfns"], known.AUCWfns, known.VarWfns, known.CIWfns},
		{"ndka", x["ndka"], known.AUCNdka, known.VarNdka, known.CINdka},
	} {
		auc := AUC(m.s, y)
		v, _, _ := AUCCovariance(m.s, m.s, y, each(len(y)))
		check(pROC, "AUC of "+m.name, auc, m.auc)
		check(pROC, "DeLong variance of the AUC of "+m.name, v, m.vr)
		check(pROC, "DeLong interval of "+m.name+", low", auc-z*math.Sqrt(v), m.interval[0])
		check(pROC, "DeLong interval of "+m.name+", high", auc+z*math.Sqrt(v), m.interval[2])
	}
	for _, m := range []struct {
		a, b string
		want paired
	}{{"s100b", "wfns", known.SW}, {"s100b", "ndka", known.SN}, {"wfns", "ndka", known.WN}} {
		va, vb, cov := AUCCovariance(x[m.a], x[m.b], y, each(len(y)))
		got := (AUC(x[m.a], y) - AUC(x[m.b], y)) / math.Sqrt(va+vb-2*cov)
		check(pROC, "DeLong covariance of "+m.a+" and "+m.b, cov, m.want.Cov)
		check(pROC, "DeLong z of "+m.a+" and "+m.b, got, m.want.Z)
		check(pROC, "DeLong p of "+m.a+" and "+m.b, 2*distuv.UnitNormal.Survival(math.Abs(got)), m.want.P)
	}
}

type paired struct{ Z, P, Cov float64 }

// Intervals of proportions, calibration error and the corrected t-test come out
// as in SciPy to 1e-9.
func TestKnownPython(t *testing.T) {
	x, y := asah(t)
	type both struct {
		ClopperPearson [2]float64 `json:"clopper_pearson"`
		Wilson         [2]float64 `json:"wilson"`
	}
	var known struct {
		A      both    `json:"ci_6_7"`
		B      both    `json:"ci_7_7"`
		C      both    `json:"ci_5_7"`
		D      both    `json:"ci_39_42"`
		E      both    `json:"ci_31_33"`
		F      both    `json:"ci_37_40"`
		ECE    float64 `json:"asah_ece10_width"`
		Nadeau struct {
			Diff  []float64
			Ratio float64 `json:"test_train_ratio"`
			T     float64
			P     float64 `json:"p_two_sided"`
		} `json:"nadeau_bengio"`
	}
	readJSON(t, "py_known.json", &known)
	check := func(c, quantity string, got, want float64) {
		t.Helper()
		verify.Check{Suite: "classifier", Case: c, Quantity: quantity, Source: pySc, Got: got, Want: want, Tol: 1e-9}.Run(t)
	}
	for _, m := range []struct {
		k, n int
		want both
	}{{6, 7, known.A}, {7, 7, known.B}, {5, 7, known.C}, {39, 42, known.D}, {31, 33, known.E}, {37, 40, known.F}} {
		name := fmt.Sprintf("%d of %d", m.k, m.n)
		low, high := ClopperPearson(m.k, m.n, 0.95)
		check(name, "Clopper-Pearson interval, low", low, m.want.ClopperPearson[0])
		check(name, "Clopper-Pearson interval, high", high, m.want.ClopperPearson[1])
		low, high = Wilson(float64(m.k)/float64(m.n), float64(m.n), 0.95)
		check(name, "Wilson interval, low", low, m.want.Wilson[0])
		check(name, "Wilson interval, high", high, m.want.Wilson[1])
	}
	check("aneurysmal haemorrhage, 113 patients", "calibration error, 10 bins of equal width", ECE(x["p"], y, 10), known.ECE)
	mean, se, _ := foldMean(known.Nadeau.Diff, int(1/known.Nadeau.Ratio)+1)
	check("ten differences", "Nadeau-Bengio corrected t", mean/se, known.Nadeau.T)
	_, p := differenceInterval(known.Nadeau.Diff, int(1/known.Nadeau.Ratio)+1)
	check("ten differences", "Nadeau-Bengio corrected t-test, p", float64(p), known.Nadeau.P)
}

// The AUC by ranks is the mean of the kernel over all pairs, with ties too, and
// NaN if a class is missing.
func TestAUC(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		n := 2 + rng.IntN(30)
		s, y := make([]float64, n), make([]int, n)
		for i := range s {
			s[i], y[i] = float64(rng.IntN(6)), rng.IntN(2)
		}
		y[0], y[1] = 0, 1
		var sum, pairs float64
		for i := range s {
			for j := range s {
				if y[i] == 1 && y[j] == 0 {
					sum += kernel(s[i], s[j])
					pairs++
				}
			}
		}
		if got := AUC(s, y); math.Abs(got-sum/pairs) > 1e-14 {
			t.Errorf("AUC %v, want %v", got, sum/pairs)
		}
	}
	for _, y := range [][]int{{}, {1, 1}, {0, 0}} {
		if got := AUC(make([]float64, len(y)), y); !math.IsNaN(got) {
			t.Errorf("AUC of outcomes %v is %v, want NaN", y, got)
		}
	}
	if got := AUC([]float64{math.NaN(), math.NaN()}, []int{0, 1}); math.IsInf(got, 0) {
		t.Errorf("AUC of NaN is %v", got) // what matters is that it returns
	}
}

// Copying every row into its cluster leaves the clustered variance as it is,
// up to the factor for the number of clusters, while the unclustered one
// halves; the numbering of clusters does not matter.
func TestClusters(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	const n = 60
	s, y := make([]float64, n), make([]int, n)
	for i := range s {
		y[i] = i % 3 % 2
		s[i] = rng.NormFloat64() + float64(y[i])
	}
	once, _, _ := AUCCovariance(s, s, y, each(n))
	twice, _, _ := AUCCovariance(append(s, s...), append(s, s...), append(y, y...), append(each(n), each(n)...))
	if math.Abs(twice/once-1) > 1e-12 {
		t.Errorf("variance %v with rows twice in their clusters, want %v", twice, once)
	}
	loose, _, _ := AUCCovariance(append(s, s...), append(s, s...), append(y, y...), each(2*n))
	if r := loose / once; r < 0.45 || r > 0.5 {
		t.Errorf("variance without clusters is %v of that with, want about a half", r)
	}
	odd := each(n)
	for i := range odd {
		odd[i] = 5 * (n - i)
	}
	if v, _, _ := AUCCovariance(s, s, y, odd); math.Abs(v/once-1) > 1e-12 {
		t.Errorf("variance %v with other numbers of clusters, want %v", v, once)
	}
}

// If clusters hold rows of both classes, the variance agrees with that of the
// AUC over many draws.
func TestMixedClusters(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	const draws, clusters, size = 2000, 40, 4
	var auc []float64
	var mean float64
	for range draws {
		var s []float64
		var y, g []int
		for c := range clusters {
			shift := rng.NormFloat64()
			for r := range size {
				y, g = append(y, r%2), append(g, c)
				s = append(s, shift+rng.NormFloat64()+0.8*float64(r%2))
			}
		}
		auc = append(auc, AUC(s, y))
		v, _, _ := AUCCovariance(s, s, y, g)
		mean += v / draws
	}
	_, sd := meanSD(auc)
	if r := mean / (sd * sd); math.Abs(r-1) > 0.1 { // the SD of a variance of 2000 draws is 3 %
		t.Errorf("mean estimate of the variance is %.3f of the variance over draws", r)
	}
}

// Logistic recalibration recovers planted coefficients and has no answer where
// there is none.
func TestRecalibration(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	const n = 200000
	p, y := make([]float64, n), make([]int, n)
	for i := range p {
		x := 2 * rng.NormFloat64()
		p[i] = Logistic(x)
		if rng.Float64() < Logistic(0.5+0.6*x) {
			y[i] = 1
		}
	}
	a, b := Recalibration(p, y)
	if math.Abs(a-0.5) > 0.03 || math.Abs(b-0.6) > 0.03 {
		t.Errorf("intercept %.3f and slope %.3f, want 0.5 and 0.6", a, b)
	}
	// Probabilities of 0 and 1 that are wrong now and then still have an answer.
	if a, b = Recalibration([]float64{0, 0, 0, 1, 1, 1}, []int{0, 0, 1, 0, 1, 1}); math.Abs(a) > 1e-5 || math.Abs(b-math.Log(2)/Logit(1)) > 1e-6 {
		t.Errorf("intercept %v and slope %v of extreme probabilities", a, b)
	}
	for name, m := range map[string]struct {
		p []float64
		y []int
	}{
		"separated": {[]float64{0.1, 0.2, 0.8, 0.9}, []int{0, 0, 1, 1}},
		"constant":  {[]float64{0.3, 0.3, 0.3, 0.3}, []int{0, 1, 0, 1}},
		"one class": {[]float64{0.1, 0.2, 0.8, 0.9}, []int{1, 1, 1, 1}},
		"empty":     {},
	} {
		if a, b := Recalibration(m.p, m.y); !math.IsNaN(a) || !math.IsNaN(b) {
			t.Errorf("%s: intercept %v and slope %v, want NaN", name, a, b)
		}
	}
	if a := CalibrationInTheLarge([]float64{0.2, 0.7}, []int{1, 1}); !math.IsNaN(a) {
		t.Errorf("calibration in the large of one class is %v, want NaN", a)
	}
	if a := CalibrationInTheLarge([]float64{0.5, 0.5, 0.5, 0.5}, []int{1, 0, 0, 0}); math.Abs(a-math.Log(1.0/3)) > 1e-9 {
		t.Errorf("calibration in the large %v, want ln 1/3", a)
	}
}

// Average precision is 1 for a perfect ranking, the share of positives for a
// constant score, and 5/6 for positives at ranks 1 and 3.
func TestAveragePrecision(t *testing.T) {
	y := []int{1, 0, 1, 0}
	for _, m := range []struct {
		s    []float64
		want float64
	}{{[]float64{4, 1, 3, 2}, 1}, {[]float64{1, 1, 1, 1}, 0.5}, {[]float64{4, 3, 2, 1}, 5.0 / 6}} {
		if got := AveragePrecision(m.s, y); math.Abs(got-m.want) > 1e-15 {
			t.Errorf("average precision of %v is %v, want %v", m.s, got, m.want)
		}
	}
	if got := AveragePrecision([]float64{1, 2}, []int{0, 0}); !math.IsNaN(got) {
		t.Errorf("average precision without positives is %v, want NaN", got)
	}
}

// Intervals of no and all successes reach 0 and 1.
func TestProportionEnds(t *testing.T) {
	if low, high := ClopperPearson(0, 7, 0.95); low != 0 || math.Abs(high-(1-math.Pow(0.025, 1.0/7))) > 1e-9 {
		t.Errorf("0 of 7: %v to %v", low, high)
	}
	if low, _ := Wilson(0, 7, 0.95); low != 0 {
		t.Errorf("0 of 7: Wilson from %v", low)
	}
	if _, high := Wilson(1, 7, 0.95); high != 1 {
		t.Errorf("7 of 7: Wilson to %v", high)
	}
}

func ExampleAUC() {
	fmt.Println(AUC([]float64{0.9, 0.4, 0.4, 0.1}, []int{1, 1, 0, 0}))
	// Output: 0.875
}
