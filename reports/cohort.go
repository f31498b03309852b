package reports

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"

	"github.com/plaquerisk/plaquerisk/risk"
)

// Cohort writes the report of an evaluation as a PDF. Pages: summary, flow and
// data, discrimination at both levels, calibration, usefulness, comparison of
// arms, explanation, trust, failures, provenance.
func Cohort(w io.Writer, e *risk.Evaluation, cfg Config) error {
	if e == nil {
		return errors.New("cohort report: no evaluation")
	}
	s, err := begin(cfg, "Cohort and model report: "+e.Title, e.Title, e, e.Provenance)
	if err != nil {
		return fmt.Errorf("cohort report: %w", err)
	}
	s.cohortSummary(e)
	s.flow(e)
	s.data(e)
	s.discrimination(e)
	s.calibration(e)
	s.usefulness(e)
	s.comparison(e)
	s.importance(e)
	s.trust(e)
	s.failures(e)
	s.page("Methods and provenance")
	s.heading("Methods", 20)
	s.protocol(e)
	s.heading("Limits", 15)
	s.para("The figures hold for these data and this way of sampling. They say nothing about another population, scanner or segmentation. With few positives the intervals are wide and calibration is not well determined.")
	s.provenance(e.Provenance)
	s.heading("Disclaimer", 12)
	s.para(Disclaimer + " The software comes without any warranty.")
	s.settings(e.Provenance)
	if err := s.finish(w); err != nil {
		return fmt.Errorf("cohort report: %w", err)
	}
	return nil
}

var levelNames = []string{"artery", "patient"}

// level finds a level of an arm.
func level(a *risk.Arm, name string) *risk.LevelResult {
	for i := range a.Levels {
		if a.Levels[i].Level == name {
			return &a.Levels[i]
		}
	}
	return nil
}

// armPen is the look of an arm: colour and dash, so that colour is not needed.
func armPen(e *risk.Evaluation, n int) pen {
	switch e.Arms[n].Name {
	case "radiomics":
		return pen{calColour, 1.5, []vgLen{5, 2}}
	case "biomechanics":
		return pen{lowColour, 1.5, []vgLen{1.5, 1.5}}
	case "both":
		return pen{ink, 1.8, nil}
	}
	return pen{color.NRGBA{0x70, 0x70, 0x70, 0xFF}, 1, []vgLen{[]vgLen{8, 4, 2, 6}[n%4], 2, 1, 2}}
}

// mainArms are those drawn as curves: the three arms of the question, or the
// first three if they have other names.
func mainArms(e *risk.Evaluation) []int {
	var out []int
	for _, name := range []string{"radiomics", "biomechanics", "both"} {
		if n := slices.IndexFunc(e.Arms, func(a risk.Arm) bool { return a.Name == name }); n >= 0 {
			out = append(out, n)
		}
	}
	for n := 0; n < len(e.Arms) && len(out) == 0; n++ {
		out = append(out, n)
	}
	return out[:min(len(out), 3)]
}

func (s *sheet) cohortSummary(e *risk.Evaluation) {
	s.page("Summary")
	s.para(stated(strings.TrimSuffix(e.Title, ".")) + ".")
	s.para("Event: " + stated(strings.TrimSuffix(e.Outcome, ".")) + ".")
	s.big([]fact{
		{fmt.Sprint(e.Data.PositivePatients), fmt.Sprintf("positive of %d patients", e.Data.Patients)},
		{fmt.Sprint(e.Data.PositiveArteries), fmt.Sprintf("positive of %d arteries", e.Data.Arteries)},
		{fmt.Sprint(e.Data.Lesions), "plaques in the table"},
	})
	s.heading("Area under the ROC curve (95 % interval), out of fold", 40)
	t := table{size: 9.5, cols: []column{{"Features", "L"}, {"Columns", "R"}, {"AUC by artery", "L"}, {"AUC by patient", "L"}}}
	for i := range e.Arms {
		a := &e.Arms[i]
		row := []string{a.Name, fmt.Sprint(a.Columns)}
		for _, l := range levelNames {
			cell := "not evaluated"
			if r := level(a, l); r != nil {
				cell = interval(r.AUC, 2)
				if cell == dash {
					cell = "not computed"
				}
			}
			row = append(row, cell)
		}
		t.rows = append(t.rows, row)
	}
	if len(e.Arms) == 0 {
		s.para("No set of features was evaluated.")
	} else {
		s.table(t)
		s.small("An interval that contains 0.5 does not exclude chance.")
		s.forest(e)
	}
	if len(e.Notes) > 0 {
		s.heading("Notes", 15)
		s.notes(e.Notes)
	}
	s.heading("How the figures came about", 15)
	s.protocol(e)
}

func (s *sheet) protocol(e *risk.Evaluation) {
	p := e.Protocol
	if p.Text != "" {
		s.para(p.Text)
	}
	s.pairs([][2]string{{"Cross-validation", fmt.Sprintf("%s by patient, %s, seed %d", plural(p.Folds, "fold"), plural(p.Repeats, "repeat"), p.Seed)},
		{"Learner", p.Learner}, {"Plaque to artery to patient", p.Aggregation}, {"Intervals", p.Interval}})
}

// fact is a number in large type with its words.
type fact struct{ number, words string }

func (s *sheet) big(facts []fact) {
	s.need(26)
	gap := 5.0
	w := (s.width() - gap*float64(len(facts)-1)) / float64(len(facts))
	for n, f := range facts {
		x := margin + float64(n)*(w+gap)
		s.fill(shade)
		s.stroke(rule, 0.2)
		s.paper.Rect(x, s.y, w, 22, "FD")
		s.font("B", 26)
		s.textIn(x, s.y+12, w, "C", accent, f.number)
		s.font("", 9.5)
		s.textIn(x, s.y+18.5, w, "C", ink, s.fit(f.words, w-3))
	}
	s.y += 26
}

// forest draws the AUC of every arm as a dot with its interval.
func (s *sheet) forest(e *risk.Evaluation) {
	rowH := 5.2
	h := rowH*float64(len(e.Arms)) + 9
	s.need(h + 12)
	nameW := 52.0
	w := (s.width() - nameW - 10) / 2
	lo, hi := 0.5, 1.0
	for i := range e.Arms {
		for _, l := range e.Arms[i].Levels {
			for _, v := range []risk.Number{l.AUC.Value, l.AUC.Low} {
				if v.Defined() {
					lo = min(lo, math.Floor(float64(v)*10-1e-9)/10)
				}
			}
		}
	}
	lo = max(lo, 0)
	for n, l := range levelNames {
		x := margin + nameW + float64(n)*(w+10)
		s.font("B", 9)
		s.textIn(x, s.y+4, w, "C", ink, "AUC by "+l)
		at := func(v float64) float64 { return x + w*(v-lo)/(hi-lo) }
		bottom := s.y + 6 + rowH*float64(len(e.Arms))
		s.stroke(rule, 0.2)
		for _, t := range (niceTicks{5}).Ticks(lo, hi) {
			s.paper.Line(at(t.Value), s.y+6, at(t.Value), bottom)
			s.font("", 8)
			s.textIn(at(t.Value)-6, bottom+3.6, 12, "C", ink, t.Label)
		}
		s.stroke(muted, 0.3)
		s.paper.SetDashPattern([]float64{1, 1}, 0)
		s.paper.Line(at(0.5), s.y+6, at(0.5), bottom)
		s.paper.SetDashPattern(nil, 0)
		for i := range e.Arms {
			y := s.y + 6 + rowH*(float64(i)+0.5)
			if n == 0 {
				s.font("", 8.5)
				s.text(margin, y+1, ink, s.fit(e.Arms[i].Name, nameW-3))
			}
			r := level(&e.Arms[i], l)
			if r == nil || !r.AUC.Value.Defined() {
				continue
			}
			c := armPen(e, i).colour
			s.stroke(c, 0.5)
			if r.AUC.Low.Defined() && r.AUC.High.Defined() {
				s.paper.Line(at(float64(r.AUC.Low)), y, at(float64(r.AUC.High)), y)
			}
			s.fill(c)
			s.paper.Circle(at(float64(r.AUC.Value)), y, 1.1, "F")
		}
	}
	s.y += h + 5
}

func (s *sheet) flow(e *risk.Evaluation) {
	s.page("Flow")
	if len(e.Flow) == 0 {
		s.para("No flow of cases was recorded.")
		return
	}
	s.para("From the cases of the table to those evaluated, with the reasons for which cases left.")
	const w = 74.0
	side := s.width() - w - 16
	for n, f := range e.Flow {
		s.font("B", 10)
		lines := s.wrap(f.Label, w-8)
		h := 11 + 4.6*float64(len(lines))
		s.font("", 9.5)
		var ex []string
		for _, x := range f.Excluded {
			ex = append(ex, s.wrap(fmt.Sprintf("%d: %s", x.Count, x.Reason), side-8)...)
		}
		eh := 0.0
		if len(ex) > 0 {
			eh = 8 + 4.4*float64(len(ex))
		}
		s.need(h + max(eh+6, 10))
		s.stroke(accent, 0.4)
		s.fill(shade)
		s.paper.Rect(margin, s.y, w, h, "FD")
		s.font("B", 10)
		for k, l := range lines {
			s.textIn(margin, s.y+5.5+4.6*float64(k), w, "C", ink, l)
		}
		s.font("B", 13)
		s.textIn(margin, s.y+h-3, w, "C", accent, fmt.Sprint(f.Count))
		s.y += h
		if n == len(e.Flow)-1 && eh == 0 {
			s.y += 6
			break
		}
		gap := max(eh+6, 10)
		mid := margin + w/2
		s.stroke(muted, 0.4)
		if n < len(e.Flow)-1 {
			s.paper.Line(mid, s.y, mid, s.y+gap-0.5)
			s.paper.Line(mid-1.2, s.y+gap-2.2, mid, s.y+gap-0.3)
			s.paper.Line(mid+1.2, s.y+gap-2.2, mid, s.y+gap-0.3)
		}
		if eh > 0 {
			x := margin + w + 16
			s.paper.Line(mid, s.y+gap/2, x, s.y+gap/2)
			s.stroke(rule, 0.3)
			s.fill(white)
			s.paper.Rect(x, s.y+3, side, eh, "FD")
			s.font("B", 9.5)
			s.text(x+4, s.y+8, muted, "Left here")
			s.font("", 9.5)
			for k, l := range ex {
				s.text(x+4, s.y+12.4+4.4*float64(k)-0.2, ink, l)
			}
		}
		s.y += gap
	}
}

func (s *sheet) data(e *risk.Evaluation) {
	s.page("Data")
	d := e.Data
	s.big([]fact{
		{fmt.Sprint(d.PositivePatients), fmt.Sprintf("positive of %d patients", d.Patients)},
		{fmt.Sprint(d.PositiveArteries), fmt.Sprintf("positive of %d arteries", d.Arteries)},
		{fmt.Sprint(d.LesionsInPositive), fmt.Sprintf("of %s in positive arteries", plural(d.Lesions, "plaque"))},
	})
	s.heading("Features of negative and positive arteries", 30)
	if len(d.Baseline) == 0 {
		s.para("No feature was tabulated.")
		return
	}
	three := func(v [3]risk.Number) string {
		if !v[0].Defined() {
			return dash
		}
		return general(v[0]) + " (" + general(v[1]) + " to " + general(v[2]) + ")"
	}
	t := table{cols: []column{{"Feature", "L"}, {"Unit", "L"}, {"Negative: median (quartiles)", "R"}, {"Positive: median (quartiles)", "R"}, {"Missing rows", "R"}}}
	for _, b := range d.Baseline {
		t.rows = append(t.rows, []string{b.Feature, b.Unit, three(b.Negative), three(b.Positive), fmt.Sprint(b.Missing)})
	}
	s.table(t)
	s.small("Unit 1: a number without dimension. " + dash + " no row has a value.")
}

// panels draws one plot per level beside each other, square if high is zero.
func (s *sheet) panels(title string, high float64, make func(level string) *plot.Plot) {
	side := (s.width() - 44) / 2
	if high == 0 {
		high = side
	}
	s.heading(title, high+16)
	for n, l := range levelNames {
		x := margin + 14 + float64(n)*(side+26)
		p := make(l)
		s.font("B", 9)
		s.textIn(x, s.y+2.5, side, "C", ink, "by "+l)
		if p == nil {
			s.font("", 9)
			s.textIn(x, s.y+high/2, side, "C", muted, "not evaluated")
			continue
		}
		s.draw(p, x, s.y+4.5, side, high)
	}
	s.y += high + 17
}

func (s *sheet) armKeys(e *risk.Evaluation, extra ...key) {
	var ks []key
	for _, n := range mainArms(e) {
		ks = append(ks, key{e.Arms[n].Name, armPen(e, n)})
	}
	s.keyRows(margin+14, s.w-margin, append(ks, extra...))
}

// has tells whether any main arm has a result at the level.
func has(e *risk.Evaluation, l string) bool {
	return slices.ContainsFunc(mainArms(e), func(n int) bool { return level(&e.Arms[n], l) != nil })
}

func curve(pts []risk.CurvePoint, k pen) strokes {
	var line xys
	for _, q := range pts {
		if finite(q.X, q.Y) {
			line = append(line, xy{X: q.X, Y: q.Y})
		}
	}
	return strokes{[]xys{line}, k}
}

func bandOf(pts []risk.CurvePoint, c color.NRGBA) band {
	b := band{fill: color.NRGBA{c.R, c.G, c.B, 0x22}}
	for _, q := range pts {
		if q.Low.Defined() && q.High.Defined() {
			b.x, b.lo, b.hi = append(b.x, q.X), append(b.lo, float64(q.Low)), append(b.hi, float64(q.High))
		}
	}
	return b
}

var chance = pen{color.NRGBA{0x90, 0x90, 0x90, 0xFF}, 0.8, []vgLen{1, 2}}

func (s *sheet) discrimination(e *risk.Evaluation) {
	s.page("Discrimination")
	if len(e.Arms) == 0 {
		s.para("No set of features was evaluated.")
		return
	}
	s.armKeys(e, key{"chance", chance})
	s.panels("Receiver operating characteristic, with 95 % bands", 0, func(l string) *plot.Plot {
		if !has(e, l) {
			return nil
		}
		p := newPlot("1 − specificity", "Sensitivity")
		grid(p)
		p.Add(strokes{[]xys{{{X: 0, Y: 0}, {X: 1, Y: 1}}}, chance})
		for _, n := range mainArms(e) {
			if r := level(&e.Arms[n], l); r != nil {
				p.Add(bandOf(r.ROC, armPen(e, n).colour))
			}
		}
		for _, n := range mainArms(e) {
			if r := level(&e.Arms[n], l); r != nil {
				p.Add(curve(r.ROC, armPen(e, n)))
			}
		}
		span(p, 0, 1, 0, 1)
		return p
	})
	s.panels("Precision and recall", 0, func(l string) *plot.Plot {
		if !has(e, l) {
			return nil
		}
		p := newPlot("Recall (sensitivity)", "Precision (positive predictive value)")
		grid(p)
		for _, n := range mainArms(e) {
			if r := level(&e.Arms[n], l); r != nil {
				if r.N > 0 {
					share := float64(r.Positives) / float64(r.N)
					p.Add(strokes{[]xys{{{X: 0, Y: share}, {X: 1, Y: share}}}, chance})
				}
				p.Add(curve(r.PR, armPen(e, n)))
			}
		}
		span(p, 0, 1, 0, 1)
		return p
	})
	s.small("The ROC curve and the AUC are means over the test folds; precision and recall and the rates at the threshold use the scores pooled over the folds (mean log-odds over the repeats). The dotted line of precision is the share of positives. Bands and intervals: " + e.Protocol.Interval + ".")
	s.folds(e)
	ranks := table{cols: []column{{"Level", "L"}, {"Features", "L"}, {"n", "R"}, {"Positive", "R"}, {"AUC", "L"}, {"Average precision", "L"}, {"Balanced accuracy", "L"}}}
	cut := table{cols: []column{{"Level", "L"}, {"Features", "L"}, {"Threshold", "R"}, {"Sensitivity", "L"}, {"Specificity", "L"}, {"PPV", "L"}, {"NPV", "L"}}}
	for _, l := range levelNames {
		for i := range e.Arms {
			if r := level(&e.Arms[i], l); r != nil {
				ranks.rows = append(ranks.rows, []string{l, e.Arms[i].Name, fmt.Sprint(r.N), fmt.Sprint(r.Positives), interval(r.AUC, 2), interval(r.AveragePrecision, 2), interval(r.BalancedAccuracy, 2)})
				cut.rows = append(cut.rows, []string{l, e.Arms[i].Name, number(r.Threshold, 2), stacked(r.Sensitivity, 2), stacked(r.Specificity, 2), stacked(r.PPV, 2), stacked(r.NPV, 2)})
			}
		}
	}
	if len(ranks.rows) > 0 {
		s.heading("Measures, with 95 % intervals", 30)
		s.table(ranks)
		s.heading("At the threshold probability, with 95 % intervals", 30)
		s.table(cut)
	}
	s.small("Balanced accuracy: at the threshold. PPV, NPV: positive and negative predictive value; both depend on the share of positives in these data.")
	s.pooled(e)
}

// folds draws the AUC of every fold as a dot.
func (s *sheet) folds(e *risk.Evaluation) {
	any := false
	for i := range e.Arms {
		for _, l := range e.Arms[i].Levels {
			any = any || len(l.FoldAUC) > 0
		}
	}
	if !any {
		return
	}
	const h = 44.0
	s.heading("AUC of the single folds", h+20)
	w := (s.width() - 44) / 2
	for n, l := range levelNames {
		p := newPlot("", "AUC")
		grid(p)
		var ticks []plot.Tick
		for k, i := range mainArms(e) {
			ticks = append(ticks, plot.Tick{Value: float64(k), Label: e.Arms[i].Name})
			r := level(&e.Arms[i], l)
			if r == nil {
				continue
			}
			d := dots{colour: armPen(e, i).colour, radius: 1.8, shape: []draw.GlyphDrawer{draw.CircleGlyph{}, draw.TriangleGlyph{}, draw.BoxGlyph{}}[k%3]}
			for f, v := range r.FoldAUC {
				if v.Defined() {
					d.at = append(d.at, xy{X: float64(k) + 0.28*(2*math.Mod(float64(f)*0.618034, 1)-1), Y: float64(v)})
				}
			}
			p.Add(d)
			if r.AUC.Value.Defined() {
				v := float64(r.AUC.Value)
				p.Add(strokes{[]xys{{{X: float64(k) - 0.35, Y: v}, {X: float64(k) + 0.35, Y: v}}}, pen{ink, 1.2, nil}})
			}
		}
		p.X.Tick.Marker = plot.ConstantTicks(ticks)
		p.Y.Tick.Marker = niceTicks{6}
		span(p, -0.5, float64(len(ticks))-0.5, 0, 1.04)
		x := margin + 14 + float64(n)*(w+26)
		s.font("B", 9)
		s.textIn(x, s.y+2.5, w, "C", ink, "by "+l)
		s.draw(p, x, s.y+4.5, w, h)
	}
	s.y += h + 12
	s.small("A dot is one fold; the bar is the AUC of the table, the mean over the test folds.")
}

func (s *sheet) calibration(e *risk.Evaluation) {
	s.page("Calibration")
	if len(e.Arms) == 0 {
		s.para("No set of features was evaluated.")
		return
	}
	s.armKeys(e, key{"perfect", chance})
	s.panels("Observed share against mean predicted probability", 0, func(l string) *plot.Plot {
		if !has(e, l) {
			return nil
		}
		p := newPlot("Mean predicted probability", "Observed share")
		grid(p)
		p.Add(strokes{[]xys{{{X: 0, Y: 0}, {X: 1, Y: 1}}}, chance})
		for k, n := range mainArms(e) {
			r := level(&e.Arms[n], l)
			if r == nil {
				continue
			}
			look := armPen(e, n)
			var bars []xys
			d := dots{colour: look.colour, radius: 2.2, shape: []draw.GlyphDrawer{draw.CircleGlyph{}, draw.TriangleGlyph{}, draw.BoxGlyph{}}[k%3]}
			for _, q := range r.Calibration {
				d.at = append(d.at, xy{X: q.X, Y: q.Y})
				if q.Low.Defined() && q.High.Defined() {
					bars = append(bars, xys{{X: q.X, Y: float64(q.Low)}, {X: q.X, Y: float64(q.High)}})
				}
			}
			p.Add(strokes{bars, pen{look.colour, 0.5, nil}}, curve(r.Calibration, look), d)
		}
		span(p, 0, 1, 0, 1)
		return p
	})
	s.panels("How the scores of the arm “"+lastMain(e)+"” are spread", 40, func(l string) *plot.Plot {
		ns := mainArms(e)
		r := level(&e.Arms[ns[len(ns)-1]], l)
		if r == nil || len(r.Scores) == 0 {
			return nil
		}
		return scoreHistogram(r)
	})
	s.y -= 4
	s.keys(margin+14, s.y, key{"negative", pen{calColour, 1.5, []vgLen{4, 2}}}, key{"positive", pen{lowColour, 1.5, nil}})
	s.y += 6
	t := table{cols: []column{{"Level", "L"}, {"Features", "L"}, {"Slope (ideal: 1)", "R"}, {"Intercept, log-odds (ideal: 0)", "R"}, {"Brier score", "R"}, {"Log loss", "R"}, {"Expected calibration error", "R"}}}
	for _, l := range levelNames {
		for i := range e.Arms {
			if r := level(&e.Arms[i], l); r != nil {
				t.rows = append(t.rows, []string{l, e.Arms[i].Name, number(r.CalSlope, 2), number(r.CalIntercept, 2), number(r.Brier, 3), number(r.LogLoss, 3), number(r.ECE, 3)})
			}
		}
	}
	if len(t.rows) > 0 {
		s.heading("Measures of calibration", 30)
		s.table(t)
	}
	s.smooth(e)
}

func lastMain(e *risk.Evaluation) string {
	ns := mainArms(e)
	return e.Arms[ns[len(ns)-1]].Name
}

// scoreHistogram shows the out-of-fold probabilities of negatives and positives.
func scoreHistogram(r *risk.LevelResult) *plot.Plot {
	const bins = 20
	var count [2][bins]int
	var all [2]int
	for _, v := range r.Scores {
		if v.Label < 0 || v.Label > 1 || !finite(v.Probability) {
			continue
		}
		count[v.Label][min(max(int(v.Probability*bins), 0), bins-1)]++
		all[v.Label]++
	}
	p := newPlot("Predicted probability", "Share of the class, %")
	grid(p)
	most := 0.0
	for c, look := range []pen{{calColour, 1.5, []vgLen{4, 2}}, {lowColour, 1.5, nil}} {
		if all[c] == 0 {
			continue
		}
		var line xys
		for b := range bins {
			y := 100 * float64(count[c][b]) / float64(all[c])
			most = max(most, y)
			line = append(line, xy{X: float64(b) / bins, Y: y}, xy{X: float64(b+1) / bins, Y: y})
		}
		p.Add(strokes{[]xys{line}, look})
	}
	span(p, 0, 1, 0, ceiling(most))
	return p
}

func (s *sheet) usefulness(e *risk.Evaluation) {
	s.page("Usefulness")
	if len(e.Arms) == 0 {
		s.para("No set of features was evaluated.")
		return
	}
	s.para("Net benefit counts true positives less false positives, weighted by the odds of the threshold probability. It is a measure of the model on these data, not advice on any treatment.")
	all, none := pen{color.NRGBA{0x6A, 0x3D, 0x9A, 0xFF}, 1, []vgLen{6, 2, 1, 2}}, pen{muted, 0.9, nil}
	s.armKeys(e, key{"all called positive", all}, key{"none called positive", none})
	s.panels("Decision curve", 0, func(l string) *plot.Plot {
		if !has(e, l) {
			return nil
		}
		p := newPlot("Threshold probability", "Net benefit")
		grid(p)
		lo, hi, right := 0.0, 0.01, 0.01
		var rows []risk.DecisionRow
		for _, n := range mainArms(e) {
			r := level(&e.Arms[n], l)
			if r == nil {
				continue
			}
			var line xys
			for _, q := range r.Decision {
				if finite(q.Threshold, q.Model, q.TreatAll) {
					line = append(line, xy{X: q.Threshold, Y: q.Model})
					hi, lo, right = max(hi, q.Model, q.TreatAll), min(lo, q.Model), max(right, q.Threshold)
				}
			}
			if len(rows) == 0 {
				rows = r.Decision
			}
			p.Add(strokes{[]xys{line}, armPen(e, n)})
		}
		lo = max(lo, -hi/2)
		lo = min(lo, -hi/5)
		p.Add(strokes{[]xys{{{X: 0, Y: 0}, {X: right, Y: 0}}}, none})
		var line xys
		for _, q := range rows {
			if finite(q.Threshold, q.TreatAll) {
				line = append(line, xy{X: q.Threshold, Y: q.TreatAll})
			}
		}
		p.Add(strokes{[]xys{line}, all})
		span(p, 0, right, lo, ceiling(hi))
		return p
	})
	for _, l := range levelNames {
		if t, ok := benefit(e, l); ok {
			s.heading("Net benefit by "+l, 30)
			s.table(t)
		}
	}
}

// benefit tabulates about ten thresholds of the first main arm that has them.
func benefit(e *risk.Evaluation, l string) (t table, ok bool) {
	t.cols = []column{{"Threshold, %", "R"}}
	var use []*risk.LevelResult
	for _, n := range mainArms(e) {
		if r := level(&e.Arms[n], l); r != nil && len(r.Decision) > 0 {
			use = append(use, r)
			t.cols = append(t.cols, column{e.Arms[n].Name, "R"})
		}
	}
	if len(use) == 0 {
		return t, false
	}
	t.cols = append(t.cols, column{"all positive", "R"})
	step := max(1, (len(use[0].Decision)+7)/8)
	for k := step - 1; k < len(use[0].Decision); k += step {
		q := use[0].Decision[k]
		row := []string{fixed(100*q.Threshold, 0)}
		for _, r := range use {
			cell := dash
			if k < len(r.Decision) && r.Decision[k].Threshold == q.Threshold {
				cell = fixed(r.Decision[k].Model, 3)
			}
			row = append(row, cell)
		}
		t.rows = append(t.rows, append(row, fixed(q.TreatAll, 3)))
	}
	return t, true
}

func (s *sheet) comparison(e *risk.Evaluation) {
	s.page("Comparison of feature sets")
	if len(e.Comparison) == 0 {
		s.para("No sets of features were compared.")
		return
	}
	s.para("Difference of the AUC of two sets of features on the same patients, with its 95 % interval. A positive difference means that the first set discriminates better; an interval that contains 0 does not exclude that they are equal.")
	for _, l := range levelNames {
		t := table{size: 9.5, cols: []column{{"First set", "L"}, {"Second set", "L"}, {"Difference of AUC", "L"}, {"p", "R"}}}
		for _, d := range e.Comparison {
			if d.Level == l {
				t.rows = append(t.rows, []string{d.A, d.B, interval(d.AUC, 2), pValue(d.P)})
			}
		}
		if len(t.rows) > 0 {
			s.heading("By "+l, 25)
			s.table(t)
		}
	}
	s.small("p values are not corrected for the number of comparisons.")
	s.paired(e)
}

func (s *sheet) importance(e *risk.Evaluation) {
	s.page("Explanation")
	if len(e.Importance) == 0 {
		s.para("No importance of features was computed.")
		return
	}
	s.para("Mean absolute TreeSHAP value out of fold, in log-odds: how far a feature moves a score on average. It describes the model, not a cause.")
	shown := e.Importance[:min(len(e.Importance), 30)]
	most := 0.0
	for _, x := range shown {
		most = max(most, x.MeanShift)
	}
	nameW, modW, foldW := 86.0, 26.0, 20.0
	head := func() {
		s.fill(accent)
		s.paper.Rect(margin, s.y, s.width(), 9.6, "F")
		s.font("B", 8.5)
		s.text(margin+1.3, s.y+8, white, "Feature")
		s.text(margin+nameW, s.y+8, white, "Modality")
		s.textIn(margin+nameW+modW, s.y+4, foldW-3, "R", white, "Share of")
		s.textIn(margin+nameW+modW, s.y+8, foldW-3, "R", white, "folds, %")
		s.text(margin+nameW+modW+foldW, s.y+8, white, "Mean shift, log-odds")
		s.y += 9.6
	}
	s.need(30)
	head()
	room := s.width() - nameW - modW - foldW - 13
	for n, x := range shown {
		s.font("", 8.5)
		name := s.wrap(x.Feature, nameW-3)
		h := 1.9 + 3.8*float64(len(name))
		if s.need(h) {
			head()
		}
		if n%2 == 1 {
			s.fill(shade)
			s.paper.Rect(margin, s.y, s.width(), h, "F")
		}
		s.font("", 8.5)
		for k, l := range name {
			s.text(margin+1.3, s.y+3.9+3.8*float64(k), ink, l)
		}
		s.text(margin+nameW, s.y+3.9, ink, s.fit(x.Modality, modW-1))
		share := dash
		if x.Folds.Defined() {
			share = fixed(100*float64(x.Folds), 0)
		}
		s.textIn(margin+nameW+modW, s.y+3.9, foldW-3, "R", ink, share)
		bx := margin + nameW + modW + foldW
		bw := 0.0
		if most > 0 {
			bw = room * x.MeanShift / most
		}
		s.fill(accent)
		if strings.HasPrefix(strings.ToLower(x.Modality), "biomech") {
			s.fill(lowColour)
		}
		s.paper.Rect(bx, s.y+1.2, max(bw, 0.2), 2.9, "F")
		s.text(bx+bw+1.2, s.y+3.9, ink, fixed(x.MeanShift, 3))
		s.y += h
	}
	s.y += 3
	if len(e.Importance) > len(shown) {
		s.small(fmt.Sprintf("The first %d of %d features; the others are in the JSON file.", len(shown), len(e.Importance)))
	}
}

func (s *sheet) failures(e *risk.Evaluation) {
	s.page("Failures")
	if len(e.Failures) == 0 {
		s.para("No case failed or was refused.")
		return
	}
	if len(e.Failures) == 1 {
		s.para("1 case gave no result.")
	} else {
		s.para(fmt.Sprintf("%d cases gave no result.", len(e.Failures)))
	}
	t := table{cols: []column{{"Case", "L"}, {"Code", "L"}, {"Reason", "L"}}}
	for _, f := range e.Failures {
		t.rows = append(t.rows, []string{f.Case, f.Code, f.Text})
	}
	s.table(t)
}
