package reports

import (
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot"

	"github.com/plaquerisk/plaquerisk/risk"
)

// eachJudged calls f for every arm and level that has further figures.
func eachJudged(e *risk.Evaluation, f func(arm string, r *risk.LevelResult, j *risk.Judged)) {
	for _, l := range levelNames {
		for i := range e.Arms {
			if r := level(&e.Arms[i], l); r != nil && r.Judged != nil {
				f(e.Arms[i].Name, r, r.Judged)
			}
		}
	}
}

// pValue prints a p.
func pValue(p risk.Number) string {
	if p.Defined() && p < 0.001 {
		return "< 0.001"
	}
	return number(p, 3)
}

// under writes an estimate above its interval, whatever the sign.
func under(v risk.Interval, decimals int) string {
	return strings.Replace(interval(v, decimals), " (", "\n(", 1)
}

// pooled tabulates what the scores of all test folds together say of ranking.
func (s *sheet) pooled(e *risk.Evaluation) {
	t := table{cols: []column{{"Level", "L"}, {"Features", "L"}, {"Pooled AUC, patients resampled (BCa)", "L"}, {"by variance for clustered rows", "L"}, {"p of chance", "R"}}}
	draws := 0
	eachJudged(e, func(arm string, r *risk.LevelResult, j *risk.Judged) {
		t.rows = append(t.rows, []string{r.Level, arm, interval(j.PooledAUC, 2), interval(j.Obuchowski, 2), pValue(j.PermutationP)})
		draws = j.Permutations
	})
	if len(t.rows) == 0 {
		return
	}
	s.heading("Pooled scores", 30)
	s.table(t)
	s.small(fmt.Sprintf("The scores of all test folds together compare patients scored by different models, which lowers the AUC of weak models; the figures of the test folds are the ones to quote. p of chance: share of %d exchanges of the outcomes of whole patients that reach such a pooled AUC.", draws))
}

// smooth draws the calibration by local regression and tabulates the distances.
func (s *sheet) smooth(e *risk.Evaluation) {
	t := table{cols: []column{{"Level", "L"}, {"Features", "L"}, {"Slope", "L"}, {"In the large, log-odds", "L"}, {"ICI", "R"}, {"E50", "R"}, {"E90", "R"}, {"Emax", "R"}, {"Spiegelhalter z (p)", "R"}}}
	eachJudged(e, func(arm string, r *risk.LevelResult, j *risk.Judged) {
		t.rows = append(t.rows, []string{r.Level, arm, under(j.Slope, 2), under(j.InTheLarge, 2), number(j.ICI, 3), number(j.E50, 3), number(j.E90, 3), number(j.Emax, 3),
			number(j.Spiegelhalter, 2) + " (" + pValue(j.SpiegelhalterP) + ")"})
	})
	if len(t.rows) == 0 {
		return
	}
	s.newPage("Calibration, smooth")
	s.armKeys(e, key{"perfect", chance})
	s.panels("Observed share by local regression on the predicted probability", 0, func(l string) *plot.Plot {
		if !has(e, l) {
			return nil
		}
		p := newPlot("Predicted probability", "Observed share")
		grid(p)
		p.Add(strokes{[]xys{{{X: 0, Y: 0}, {X: 1, Y: 1}}}, chance})
		for _, n := range mainArms(e) {
			if r := level(&e.Arms[n], l); r != nil && r.Judged != nil {
				p.Add(curve(r.Judged.Smooth, armPen(e, n)))
			}
		}
		span(p, 0, 1, 0, 1)
		return p
	})
	s.heading("Distance to perfect calibration", 30)
	s.table(t)
	s.small("Slope and calibration in the large (ideal: 1 and 0) with 95 % intervals of resampled patients. ICI, E50, E90, Emax: mean, median, 90th percentile and maximum of the distance between predicted probability and smooth observed share. Spiegelhalter: large |z| speaks against calibration.")
}

// paired tabulates what one set of features adds to another.
func (s *sheet) paired(e *risk.Evaluation) {
	effect := func(x risk.Effect) string { return under(x.Interval, 2) }
	for _, l := range levelNames {
		t := table{cols: []column{{"First set", "L"}, {"Second set", "L"}, {"Difference of pooled AUC", "L"}, {"NRI", "L"}, {"of events", "L"}, {"of others", "L"}, {"IDI", "L"}}}
		for _, d := range e.Comparison {
			if d.Level == l && d.Paired != nil {
				p := d.Paired
				t.rows = append(t.rows, []string{d.A, d.B, under(p.AUC, 2), effect(p.NRI), effect(p.NRIEvents), effect(p.NRIOthers), effect(p.IDI)})
			}
		}
		if len(t.rows) > 0 {
			s.heading("Pooled scores, by "+l, 25)
			s.table(t)
		}
	}
	if slices.ContainsFunc(e.Comparison, func(d risk.Difference) bool { return d.Paired != nil }) {
		s.small("AUC: BCa interval of resampled patients. NRI: net share of events whose score rises from the second set to the first plus net share of others whose score falls, of any movement (−2 to 2). IDI: gain of the mean score of events less that of others. NRI and IDI can be positive for a useless feature in a model that is not calibrated, and their intervals take rows for independent: read them beside the difference of the AUC, not instead of it.")
	}
}

// trust says for whom and how far the scores can be believed.
func (s *sheet) trust(e *risk.Evaluation) {
	sets := table{cols: []column{{"Level", "L"}, {"Features", "L"}, {"Holds class, without event, %", "R"}, {"with event, %", "R"}, {"One class alone, %", "R"}, {"Patients to calibrate on", "R"}}}
	var warnings []string
	promise := 0.0
	eachJudged(e, func(arm string, r *risk.LevelResult, j *risk.Judged) {
		c := j.Sets
		promise = c.Level
		sets.rows = append(sets.rows, []string{r.Level, arm, number(100*c.Covered[0], 0), number(100*c.Covered[1], 0), number(100*c.Single, 0), fmt.Sprintf("%d, %d", c.Patients[0], c.Patients[1])})
		for _, w := range c.Warnings {
			if w = fmt.Sprintf("By %s: %s.", r.Level, w); !slices.Contains(warnings, w) {
				warnings = append(warnings, w)
			}
		}
	})
	if len(sets.rows) == 0 && len(e.Support) == 0 && len(e.Lacking) == 0 && e.Stability == nil && e.Unusual == nil {
		return
	}
	s.page("How far to trust the scores")
	if len(e.Support) > 0 {
		s.heading("Are there patients enough?", 20)
		for _, x := range e.Support {
			s.para(x.Arm + ": " + x.Text)
		}
	}
	if len(sets.rows) > 0 {
		s.heading(fmt.Sprintf("Conformal sets at %.0f %%", 100*promise), 30)
		s.table(sets)
		s.small("A set holds the outcomes that cannot be excluded, by thresholds from the patients of the other test folds. It should hold the true one as often as promised in each class; how often it holds one outcome alone says how often the score decides anything.")
		for _, w := range warnings {
			s.small(w)
		}
	}
	s.lacking(e)
	if x := e.Stability; x != nil {
		s.heading("Do the same features matter in every fold?", 15)
		s.para(fmt.Sprintf("The %d most important of %d features agree between the training folds with Nogueira's stability %s (1: always the same, 0: chance) and a Jaccard index of %s.", x.Features, x.Of, interval(x.Nogueira, 2), number(x.Jaccard, 2)))
	}
	s.unusual(e)
	s.rules(e)
}

func (s *sheet) lacking(e *risk.Evaluation) {
	t := table{cols: []column{{"Missing", "L"}, {"Columns", "R"}, {"Level", "L"}, {"AUC", "L"}, {"Log loss", "R"}, {"with all features", "R"}}}
	for _, x := range e.Lacking {
		for _, l := range x.Levels {
			t.rows = append(t.rows, []string{x.Modality, fmt.Sprint(x.Columns), l.Level, interval(l.AUC, 2), number(l.LogLoss, 3), number(l.LogLossFull, 3)})
		}
	}
	if len(t.rows) > 0 {
		s.heading("Patients who lack a modality", 25)
		s.table(t)
		s.small("The arm “both” where all features of one modality are missing in the test folds. Reports score such patients only if the model was trained for them (boosting.modality_dropout).")
	}
}

func (s *sheet) unusual(e *risk.Evaluation) {
	x := e.Unusual
	if x == nil {
		return
	}
	s.heading("Patients unlike the others", 15)
	switch {
	case x.Reason != "":
		s.para("Not computed: " + x.Reason + ".")
		return
	case len(x.Patients) == 0:
		s.para("No patient's features are far out.")
		return
	}
	t := table{cols: []column{{"Patient", "L"}, {"Distance, in median distances", "R"}}}
	for _, p := range x.Patients {
		t.rows = append(t.rows, []string{p.Patient, number(p.Distance, 2)})
	}
	s.table(t)
	s.small(fmt.Sprintf("Far out: beyond %s median distances, the third quartile by three times the distance of the quartiles. Look at image and segmentation first.", number(x.Limit, 2)))
}

// rules tabulates the ways of joining parts for the last main arm.
func (s *sheet) rules(e *risk.Evaluation) {
	t := table{cols: []column{{"Level", "L"}, {"Rule", "L"}, {"AUC", "L"}, {"Log loss", "R"}, {"calibrated", "R"}}}
	name := ""
	if len(e.Arms) > 0 {
		name = lastMain(e)
	}
	eachJudged(e, func(arm string, r *risk.LevelResult, j *risk.Judged) {
		if arm != name {
			return
		}
		for _, x := range j.Rules {
			if x.Used {
				t.bold = append(t.bold, len(t.rows))
			}
			t.rows = append(t.rows, []string{r.Level, x.Rule, interval(x.AUC, 2), number(x.LogLoss, 3), number(x.Calibrated, 3)})
		}
	})
	if len(t.rows) > 0 {
		s.heading("Ways of joining plaques to arteries and arteries to patients, arm “"+name+"”", 30)
		s.table(t)
		s.small("Bold: in use. Choosing the best of them here would be choosing on the test folds. Calibrated: after logistic calibration of the level on the other test folds.")
	}
}
