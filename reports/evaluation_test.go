package reports

import (
	"fmt"
	"math"
	"strings"

	"github.com/plaquerisk/plaquerisk/risk"
)

// testEvaluation is an evaluation drawn from formulas.
func testEvaluation() *risk.Evaluation {
	e := &risk.Evaluation{Title: "Cohort made up for a test, 60 patients", Outcome: "planted rule of a test, no time horizon"}
	e.Data = risk.Data{Patients: 60, PositivePatients: 24, Arteries: 180, PositiveArteries: 38, Lesions: 231, LesionsInPositive: 61}
	for _, f := range []string{"anatomy.lumen.diameter_stenosis", "principal_stress.plaque.p95", "original.glcm.joint_entropy.3d_merged", "original.shape.mesh_volume", "anatomy.plaque.low_attenuation_volume"} {
		e.Data.Baseline = append(e.Data.Baseline, risk.Baseline{Feature: f, Unit: "1", Negative: [3]risk.Number{31.2, 20.4, 44.8}, Positive: [3]risk.Number{52.3, 41.1, 66.7}, Missing: 3})
	}
	e.Data.Baseline[3].Negative = [3]risk.Number{risk.NaN(), risk.NaN(), risk.NaN()}
	e.Flow = []risk.FlowStep{
		{Label: "cases in the manifest", Count: 64, Excluded: []risk.FlowExcluded{{Reason: "unreadable series", Count: 1}, {Reason: "refused by quality control: slices are missing or thicker than allowed for coronary arteries", Count: 3}}},
		{Label: "patients", Count: 60}, {Label: "arteries", Count: 240, Excluded: []risk.FlowExcluded{{Reason: "artery without plaque", Count: 60}}}, {Label: "arteries evaluated", Count: 180}, {Label: "plaques", Count: 231}}
	e.Protocol = risk.Protocol{Folds: 5, Repeats: 3, Seed: 1, Learner: "gradient-boosted trees, depth 3, 200 rounds", Aggregation: "largest score of a plaque, then 1 − Π(1 − p)", Interval: "bootstrap over patients, 1000 draws",
		Text: "All scores are out of fold. Folds never split a patient. Settings were fixed before the evaluation."}
	for n, name := range []string{"radiomics", "biomechanics", "both", "baseline: golearn decision tree"} {
		a := risk.Arm{Name: name, Columns: 300 - 60*n}
		for k, l := range []string{"artery", "patient"} {
			w := 2.2 + 0.8*float64(n) - 0.3*float64(k)
			auc := w / (w + 1)
			iv := func(v float64) risk.Interval {
				return risk.Interval{Value: risk.Number(v), Low: risk.Number(v - 0.08), High: risk.Number(min(v+0.07, 1))}
			}
			r := risk.LevelResult{Level: l, N: 180 - 120*k, Positives: 38 - 14*k, AUC: iv(auc), Threshold: 0.21, BalancedAccuracy: iv(0.71), Sensitivity: iv(0.68), Specificity: iv(0.74), PPV: iv(0.42), NPV: iv(0.9),
				AveragePrecision: iv(0.52), Brier: 0.131, LogLoss: 0.412, CalIntercept: -0.12, CalSlope: 0.87, ECE: 0.043}
			for i := 0; i <= 50; i++ {
				x := float64(i) / 50
				y := math.Pow(x, 1/w)
				r.ROC = append(r.ROC, risk.CurvePoint{X: x, Y: y, Low: risk.Number(max(y-0.1, 0)), High: risk.Number(min(y+0.08, 1))})
				r.PR = append(r.PR, risk.CurvePoint{X: x, Y: 0.2 + 0.7*math.Pow(1-x, 0.6), Low: risk.NaN(), High: risk.NaN()})
				t := 0.01 + x*0.6
				r.Decision = append(r.Decision, risk.DecisionRow{Threshold: t, Model: 0.2*math.Exp(-t*3) - 0.01*float64(3-n), TreatAll: 0.21 - 0.79*t/(1-t)})
			}
			for i := range 6 {
				x := 0.05 + 0.15*float64(i)
				r.Calibration = append(r.Calibration, risk.CurvePoint{X: x, Y: x*0.9 + 0.03*float64(n), Low: risk.Number(max(0, x*0.9-0.1)), High: risk.Number(x*0.9 + 0.15), N: 30})
			}
			for i := range 15 {
				r.FoldAUC = append(r.FoldAUC, risk.Number(auc+0.06*math.Sin(float64(7*i))))
			}
			for i := range r.N {
				label := 0
				if i < r.Positives {
					label = 1
				}
				r.Scores = append(r.Scores, risk.Score{Patient: fmt.Sprint(i), Label: label, Probability: min(0.98, math.Abs(math.Sin(float64(i)*1.3))*(0.35+0.5*float64(label)))})
			}
			a.Levels = append(a.Levels, r)
		}
		e.Arms = append(e.Arms, a)
	}
	for _, l := range []string{"artery", "patient"} {
		for _, q := range [][2]string{{"both", "radiomics"}, {"both", "biomechanics"}, {"radiomics", "biomechanics"}} {
			e.Comparison = append(e.Comparison, risk.Difference{A: q[0], B: q[1], Level: l, AUC: risk.Interval{Value: 0.04, Low: -0.02, High: 0.1}, P: 0.182})
		}
	}
	for n, c := range testPrediction(0.3).Contributions {
		e.Importance = append(e.Importance, risk.Importance{Feature: c.Feature, Modality: []string{"radiomics", "biomechanics", "anatomy"}[n%3], MeanShift: 0.4 * math.Pow(0.8, float64(n)), Folds: risk.Number(1 - 0.05*float64(n))})
	}
	testJudged(e)
	e.Failures = []risk.Failure{{Case: "C-017", Code: "PLQ-101", Text: "slices are missing at z = 12.40 mm"}, {Case: "C-031", Code: "PLQ-402", Text: "no lesion's mechanics converged"}}
	e.Notes = []risk.Note{{Code: "PLQ-501", Severity: risk.Warning, Text: "fewer than 10 positives in two folds"}}
	e.Provenance = testFull().Provenance
	return e
}

// testJudged adds the further figures.
func testJudged(e *risk.Evaluation) {
	iv := func(v, h float64) risk.Interval {
		return risk.Interval{Value: risk.Number(v), Low: risk.Number(v - h), High: risk.Number(v + h)}
	}
	for n := range e.Arms {
		for k := range e.Arms[n].Levels {
			r := &e.Arms[n].Levels[k]
			j := &risk.Judged{PooledAUC: iv(0.7, 0.1), Obuchowski: iv(0.7, 0.11), Permutations: 1000, PermutationP: risk.Number(0.0004 * float64(n+1)), Slope: iv(0.9, 0.3), InTheLarge: iv(-0.2, 0.3),
				ICI: 0.04, E50: 0.03, E90: 0.09, Emax: 0.21, Spiegelhalter: -1.1, SpiegelhalterP: 0.27,
				Sets: risk.Sets{Level: 0.9, Patients: [2]int{29, 8}, Covered: [2]risk.Number{0.91, 1}, Single: 0.31, Warnings: []string{"class 1 has 8 patients in the calibration set; sets at 90 % need 9, so that this class is in every set"}}}
			for i := range 40 {
				x := 0.02 + 0.02*float64(i)
				j.Smooth = append(j.Smooth, risk.CurvePoint{X: x, Y: min(1, x+0.05*math.Sin(9*x+float64(n))), Low: risk.NaN(), High: risk.NaN()})
			}
			for i, rule := range []string{"max", "noisy_or", "mean", "top_2", "log_sum_exp"} {
				j.Rules = append(j.Rules, risk.RuleResult{Rule: rule, Used: i == k, AUC: iv(0.7+0.01*float64(i), 0.1), LogLoss: 0.4, Calibrated: risk.NaN()})
			}
			r.Judged = j
		}
	}
	effect := func(v float64) risk.Effect { return risk.Effect{Interval: iv(v, 0.2), P: 0.3} }
	for n := range e.Comparison {
		e.Comparison[n].Paired = &risk.Paired{AUC: iv(0.02, 0.05), NRI: effect(0.3), NRIEvents: effect(0.1), NRIOthers: effect(0.2), IDI: effect(-0.01)}
	}
	for _, m := range []string{"radiomics", "biomechanics"} {
		l := risk.Lacking{Modality: m, Columns: 120}
		for _, name := range levelNames {
			l.Levels = append(l.Levels, risk.LackingLevel{Level: name, AUC: iv(0.66, 0.12), LogLoss: 0.51, LogLossFull: 0.42})
		}
		e.Lacking = append(e.Lacking, l)
	}
	e.Stability = &risk.Stability{Features: 10, Of: 180, Nogueira: iv(0.35, 0.05), Jaccard: 0.22}
	e.Support = []risk.Support{{Arm: "both", Parameters: 180, Text: "60 patients, 24 with the event, 180 candidate predictors: too few for such a model."}}
	e.Unusual = &risk.Unusual{Limit: 2.3, Patients: []risk.UnusualPatient{{Patient: "P-031", Distance: 3.4}}}
}

// testEvaluationExtreme has many arms with long names, and much of everything.
func testEvaluationExtreme() *risk.Evaluation {
	e := testEvaluation()
	e.Title = strings.Repeat("A cohort with a long title ", 8)
	arm := e.Arms[3]
	for n := range 6 {
		arm.Name = fmt.Sprintf("baseline %d: %s", n, strings.Repeat("a learner with a long name ", 3))
		e.Arms = append(e.Arms, arm)
	}
	for n := range 80 {
		e.Failures = append(e.Failures, risk.Failure{Case: strings.Repeat("case-", 10), Code: "PLQ-101", Text: strings.Repeat("a long reason ", 1+n%20)})
		e.Importance = append(e.Importance, e.Importance[n%12])
	}
	e.Data.Baseline[0].Feature = strings.Repeat("averyveryLongFeatureName", 6)
	for n := range 8 {
		e.Flow = append(e.Flow, risk.FlowStep{Label: strings.Repeat("a step ", 10), Count: 10 - n, Excluded: []risk.FlowExcluded{{Reason: strings.Repeat("long reason ", 12), Count: 1}}})
	}
	return e
}
