package judge

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

const suite = "judgement"

// check compares with R 4.2.2 or Python to 1e-9, the rounding of a sum of a
// hundred terms and of the last Newton step.
func check(t *testing.T, source, what, quantity string, got, want float64) {
	t.Helper()
	verify.Check{Suite: suite, Case: what, Quantity: quantity, Source: source, Got: got, Want: want, Tol: 1e-9}.Run(t)
}

const (
	fromR      = "R 4.2.2 (pROC 1.18.0, psych 2.2.9), known/r_known.json"
	fromPython = "SciPy, known/py_known.json"
	aneurysm   = "113 patients with aneurysm (aSAH)"
)

// asah reads the aneurysm data.
func asah(t *testing.T) (y []int, column map[string][]float64) {
	t.Helper()
	column = map[string][]float64{}
	for _, row := range verify.Records(t, verify.Shared(t, "data", "tabular", "known", "asah.csv")) {
		y = append(y, int(verify.Number(t, row["outcome"])))
		for _, name := range []string{"p", "wfns", "s100b", "ndka"} {
			column[name] = append(column[name], verify.Number(t, row[name]))
		}
	}
	return y, column
}

func readJSON(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(verify.Shared(t, "data", "tabular", "known", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// rKnown are the values of r_known.json.
type rKnown struct {
	Brier, Logloss float64
	CalIntercept   float64    `json:"cal_intercept_joint"`
	CalSlope       float64    `json:"cal_slope"`
	InTheLarge     float64    `json:"cal_in_the_large"`
	HL             float64    `json:"hl10_chi2"`
	HLP            float64    `json:"hl10_p_df8"`
	HLN            []int      `json:"hl10_n"`
	ICI            float64    `json:"ici_loess_direct"`
	E50            float64    `json:"e50_direct"`
	E90            float64    `json:"e90_direct"`
	Emax           float64    `json:"emax_direct"`
	AUC            float64    `json:"auc"`
	AUCVar         float64    `json:"auc_delong_var"`
	AUCCI          [3]float64 `json:"auc_delong_ci"`
	Spiegelhalter  float64    `json:"spiegelhalter_z"`
	NetBenefit     []float64  `json:"net_benefit"`
	NetBenefitAll  []float64  `json:"net_benefit_all"`
	RankSum        float64    `json:"wilcox_s100b_p"`
	Spearman       float64    `json:"spearman_s100b_ndka"`
	Var1           float64    `json:"var_s100b"`
	Var2           float64    `json:"var_wfns"`
	Var3           float64    `json:"var_ndka"`
	CI1            [3]float64 `json:"ci_s100b"`
	CI2            [3]float64 `json:"ci_wfns"`
	CI3            [3]float64 `json:"ci_ndka"`
	D12            pairTest   `json:"delong_s100b_vs_wfns"`
	D13            pairTest   `json:"delong_s100b_vs_ndka"`
	D23            pairTest   `json:"delong_wfns_vs_ndka"`
	ICC            iccKnown   `json:"shrout_fleiss_icc"`
	ICCLower       iccKnown   `json:"shrout_fleiss_lower"`
	ICCUpper       iccKnown   `json:"shrout_fleiss_upper"`
}

type pairTest struct{ Z, P, Cov float64 }

type iccKnown struct{ ICC1, ICC2, ICC3, ICC1k, ICC2k, ICC3k float64 }

// AUCs, their variances, covariances, intervals and tests are those of pROC.
func TestDeLongKnown(t *testing.T) {
	y, col := asah(t)
	var want rKnown
	readJSON(t, "r_known.json", &want)
	names := []string{"s100b", "wfns", "ndka"}
	u, err := DeLong(y, col["s100b"], col["wfns"], col["ndka"])
	if err != nil {
		t.Fatal(err)
	}
	for a, ci := range [][3]float64{want.CI1, want.CI2, want.CI3} {
		got := u.Interval(a, 0.95)
		check(t, fromR, aneurysm, names[a]+": AUC", got.Value, ci[1])
		check(t, fromR, aneurysm, names[a]+": AUC, 2.5 %", got.Low, ci[0])
		check(t, fromR, aneurysm, names[a]+": AUC, 97.5 %", got.High, ci[2])
		check(t, fromR, aneurysm, names[a]+": AUC, rank formula", AUC(y, col[names[a]]), ci[1])
		check(t, fromR, aneurysm, names[a]+": variance of the AUC", u.Covariance.At(a, a), []float64{want.Var1, want.Var2, want.Var3}[a])
	}
	for _, pair := range []struct {
		a, b int
		want pairTest
	}{{0, 1, want.D12}, {0, 2, want.D13}, {1, 2, want.D23}} {
		d := u.Difference(pair.a, pair.b, 0.95)
		name := names[pair.a] + " and " + names[pair.b]
		check(t, fromR, aneurysm, name+": z of DeLong's test", d.Z, pair.want.Z)
		check(t, fromR, aneurysm, name+": p of DeLong's test", d.P, pair.want.P)
		check(t, fromR, aneurysm, name+": covariance of AUCs", u.Covariance.At(pair.a, pair.b), pair.want.Cov)
	}
	u, err = DeLong(y, col["p"])
	if err != nil {
		t.Fatal(err)
	}
	check(t, fromR, aneurysm, "p: variance of the AUC", u.Covariance.At(0, 0), want.AUCVar)
	check(t, fromR, aneurysm, "p: AUC, 2.5 %", u.Interval(0, 0.95).Low, want.AUCCI[0])
	check(t, fromR, aneurysm, "rank-sum p of s100b", RankSum(y, col["s100b"]), want.RankSum)
	check(t, fromR, aneurysm, "Spearman correlation of s100b and ndka", Spearman(col["s100b"], col["ndka"]), want.Spearman)
}

// Scores and calibration of probabilities are those of R.
func TestCalibrationKnown(t *testing.T) {
	y, col := asah(t)
	p := col["p"]
	var want rKnown
	readJSON(t, "r_known.json", &want)
	check(t, fromR, aneurysm, "Brier score", Brier(y, p), want.Brier)
	check(t, fromR, aneurysm, "log-loss", LogLoss(y, p), want.Logloss)
	r := Recalibrate(y, p)
	check(t, fromR, aneurysm, "calibration intercept", r.Intercept, want.CalIntercept)
	check(t, fromR, aneurysm, "calibration slope", r.Slope, want.CalSlope)
	check(t, fromR, aneurysm, "calibration in the large", r.InTheLarge, want.InTheLarge)
	chi2, prob, sizes := HosmerLemeshow(y, p, 10)
	check(t, fromR, aneurysm, "Hosmer–Lemeshow χ², 10 groups", chi2, want.HL)
	check(t, fromR, aneurysm, "Hosmer–Lemeshow p, 8 degrees of freedom", prob, want.HLP)
	if !slices.Equal(sizes, want.HLN) {
		t.Errorf("groups of %v rows, want %v", sizes, want.HLN)
	}
	z, _ := Spiegelhalter(y, p)
	check(t, fromR, aneurysm, "Spiegelhalter's z", z, want.Spiegelhalter)
	d := CalibrationDistance(y, p)
	for _, c := range []struct {
		name      string
		got, want float64
	}{{"ICI", d.ICI, want.ICI}, {"E50", d.E50, want.E50}, {"E90", d.E90, want.E90}, {"Emax", d.Emax, want.Emax}} {
		check(t, "R 4.2.2, loess with surface = direct, known/r_known.json", aneurysm, c.name, c.got, c.want)
	}
	for i, b := range DecisionCurve(y, p, []float64{0.1, 0.2, 0.3, 0.5}) {
		check(t, fromR, aneurysm, "net benefit", b.Model, want.NetBenefit[i])
		check(t, fromR, aneurysm, "net benefit of treating all", b.All, want.NetBenefitAll[i])
	}
}

// The table of Shrout and Fleiss gives the six correlations and intervals of psych.
func TestICCKnown(t *testing.T) {
	var want rKnown
	readJSON(t, "r_known.json", &want)
	c := NewICC([][]float64{{9, 2, 5, 8}, {6, 1, 3, 2}, {8, 4, 6, 8}, {7, 1, 2, 6}, {10, 5, 6, 9}, {6, 2, 4, 7}}, 0.95)
	for _, x := range []struct {
		name         string
		got          Interval
		v, low, high float64
	}{
		{"ICC(1,1)", c.OneWay, want.ICC.ICC1, want.ICCLower.ICC1, want.ICCUpper.ICC1},
		{"ICC(2,1)", c.Agreement, want.ICC.ICC2, want.ICCLower.ICC2, want.ICCUpper.ICC2},
		{"ICC(3,1)", c.Consistency, want.ICC.ICC3, want.ICCLower.ICC3, want.ICCUpper.ICC3},
		{"ICC(1,k)", c.OneWayMean, want.ICC.ICC1k, want.ICCLower.ICC1k, want.ICCUpper.ICC1k},
		{"ICC(2,k)", c.AgreementMean, want.ICC.ICC2k, want.ICCLower.ICC2k, want.ICCUpper.ICC2k},
		{"ICC(3,k)", c.ConsistencyMean, want.ICC.ICC3k, want.ICCLower.ICC3k, want.ICCUpper.ICC3k},
	} {
		check(t, fromR, "table of Shrout and Fleiss (1979)", x.name, x.got.Value, x.v)
		check(t, fromR, "table of Shrout and Fleiss (1979)", x.name+", 2.5 %", x.got.Low, x.low)
		check(t, fromR, "table of Shrout and Fleiss (1979)", x.name+", 97.5 %", x.got.High, x.high)
	}
}

// Intervals of proportions, .632+, tests and calibration errors are those of
// SciPy.
func TestPythonKnown(t *testing.T) {
	type ci struct {
		Exact  [2]float64 `json:"clopper_pearson"`
		Wilson [2]float64 `json:"wilson"`
	}
	var want struct {
		E632        []struct{ App, Oob, Gamma, Err632, R, W, Err632plus float64 } `json:"e632plus"`
		BH          struct{ P, Q []float64 }                                      `json:"bh_fdr"`
		Permutation struct {
			B int     `json:"observed_ge_count"`
			M int     `json:"n_perm"`
			P float64 `json:"p"`
		} `json:"permutation_p"`
		ECE     float64 `json:"asah_ece10_width"`
		MCE     float64 `json:"asah_mce10_width"`
		ECEMass float64 `json:"asah_ece10_equalmass_arraysplit_stable"`
		NB      struct {
			Diff  []float64
			Ratio float64 `json:"test_train_ratio"`
			T     float64
			DF    int
			P     float64 `json:"p_two_sided"`
		} `json:"nadeau_bengio"`
		McNemar struct {
			B, C int
			P    float64
		} `json:"mcnemar_exact"`
	}
	var raw map[string]json.RawMessage
	readJSON(t, "py_known.json", &want)
	readJSON(t, "py_known.json", &raw)
	for _, c := range []struct {
		key  string
		k, n int
	}{{"ci_6_7", 6, 7}, {"ci_7_7", 7, 7}, {"ci_5_7", 5, 7}, {"ci_39_42", 39, 42}, {"ci_31_33", 31, 33}, {"ci_37_40", 37, 40}} {
		var w ci
		if err := json.Unmarshal(raw[c.key], &w); err != nil {
			t.Fatal(err)
		}
		low, high := ClopperPearson(c.k, c.n, 0.95)
		check(t, fromPython, c.key, "Clopper–Pearson, 2.5 %", low, w.Exact[0])
		check(t, fromPython, c.key, "Clopper–Pearson, 97.5 %", high, w.Exact[1])
		low, high = Wilson(c.k, c.n, 0.95)
		check(t, fromPython, c.key, "Wilson, 2.5 %", low, w.Wilson[0])
		check(t, fromPython, c.key, "Wilson, 97.5 %", high, w.Wilson[1])
	}
	for _, e := range want.E632 {
		got := NewPlus632(e.App, e.Oob, e.Gamma)
		check(t, fromPython, "bootstrap error", ".632", got.Plain, e.Err632)
		check(t, fromPython, "bootstrap error", ".632+", got.Value, e.Err632plus)
		check(t, fromPython, "bootstrap error", ".632+: R", got.Overfit, e.R)
		check(t, fromPython, "bootstrap error", ".632+: w", got.Weight, e.W)
	}
	for i, q := range BenjaminiHochberg(want.BH.P) {
		check(t, fromPython, "five p", "Benjamini–Hochberg q", q, want.BH.Q[i])
	}
	check(t, fromPython, "3 of 999 permutations", "p", PermutationP(want.Permutation.B, want.Permutation.M), want.Permutation.P)
	d, freedom := CorrectedT(want.NB.Diff, want.NB.Ratio, 0.95)
	check(t, fromPython, "ten folds", "corrected t", d.Z, want.NB.T)
	check(t, fromPython, "ten folds", "p of the corrected t-test", d.P, want.NB.P)
	if freedom != want.NB.DF {
		t.Errorf("%d degrees of freedom, want %d", freedom, want.NB.DF)
	}
	check(t, fromPython, "3 against 9 discordant", "exact McNemar p", McNemar(want.McNemar.B, want.McNemar.C), want.McNemar.P)

	y, col := asah(t)
	ece, mce := ECE(WidthBins(y, col["p"], 10))
	check(t, fromPython, aneurysm, "ECE, ten bins of equal width", ece, want.ECE)
	check(t, fromPython, aneurysm, "largest calibration error, ten bins of equal width", mce, want.MCE)
	ece, _ = ECE(MassBins(y, col["p"], 10))
	check(t, fromPython, aneurysm, "ECE, ten bins of equal mass", ece, want.ECEMass)
}

// The example of a binary outcome in the manual of pmsampsize needs 662 rows.
func TestSampleSize(t *testing.T) {
	n, err := Planned{Parameters: 24, Prevalence: 0.174, R2: 0.288, Shrinkage: 0.9}.Sizes()
	if err != nil {
		t.Fatal(err)
	}
	const source = "Riley et al. 2020, manual of pmsampsize: type b, csrsquared 0.288, parameters 24, prevalence 0.174"
	for _, c := range []struct {
		name      string
		got, want int
	}{{"rows for shrinkage", n.Shrink, 623}, {"rows for optimism", n.Optimism, 662}, {"rows for the overall risk", n.Risk, 221}, {"rows", n.Needed, 662}} {
		verify.Check{Suite: suite, Case: "sample size", Quantity: c.name, Source: source, Got: float64(c.got), Want: float64(c.want)}.Run(t)
	}
	if math.Abs(MaxR2(0.5)-0.75) > 1e-12 { // 1 − ½²
		t.Errorf("largest R² at prevalence ½ is %g, want 0.75", MaxR2(0.5))
	}
}
