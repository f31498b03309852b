package classifier

import (
	"cmp"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/risk"
)

// decisions counts right and wrong ones.
type decisions struct{ tp, fp, tn, fn float64 }

// decide counts the decisions "at least threshold" over rows.
func decide(p []float64, y []int, rows []int, threshold float64) (t decisions) {
	for _, n := range rows {
		switch {
		case p[n] >= threshold && y[n] == 1:
			t.tp++
		case p[n] >= threshold:
			t.fp++
		case y[n] == 1:
			t.fn++
		default:
			t.tn++
		}
	}
	return t
}

// rates fills the rates at the threshold, with intervals by resampling patients.
func (o *outOfFold) rates(r *risk.LevelResult, p []float64, threshold float64, b *resamples) {
	all := make([]int, len(p))
	for n := range all {
		all[n] = n
	}
	for _, rate := range []struct {
		to *risk.Interval
		of func(t decisions) float64
	}{
		{&r.Sensitivity, func(t decisions) float64 { return t.tp / (t.tp + t.fn) }},
		{&r.Specificity, func(t decisions) float64 { return t.tn / (t.tn + t.fp) }},
		{&r.PPV, func(t decisions) float64 { return t.tp / (t.tp + t.fp) }},
		{&r.NPV, func(t decisions) float64 { return t.tn / (t.tn + t.fn) }},
		{&r.BalancedAccuracy, func(t decisions) float64 { return (t.tp/(t.tp+t.fn) + t.tn/(t.tn+t.fp)) / 2 }},
	} {
		stat := func(rows []int) float64 { return rate.of(decide(p, o.label, rows, threshold)) }
		*rate.to = b.interval(stat(all), stat)
	}
	average := func(rows []int) float64 {
		s, y := pick(p, rows), pick(o.label, rows)
		return judge.AveragePrecision(y, s)
	}
	r.AveragePrecision = b.interval(average(all), average)
}

// rocSteps is the number of steps of 1 − specificity of a curve with its band.
const rocSteps = 50

// curves fills ROC, precision–recall, calibration and decision curves.
func (o *outOfFold) curves(r *risk.LevelResult, p []float64, folds int) {
	r.ROC = o.roc(folds)
	r.PR = precisionRecall(p, o.label)
	r.Calibration = calibrationCurve(p, o.label)
	prevalence := float64(o.positives()) / float64(len(p))
	for n := 1; n < 20; n++ {
		t := float64(n) / 20
		r.Decision = append(r.Decision, risk.DecisionRow{Threshold: t, Model: judge.NetBenefit(o.label, p, t), TreatAll: prevalence - (1-prevalence)*t/(1-t)})
	}
}

// roc returns the mean of the ROC curves of the test folds at each step of
// 1 − specificity, with the interval of that mean (formula E.1). Like the AUC, it
// compares scores of one model alone; the area under it is the AUC, up to the
// width of the steps.
func (o *outOfFold) roc(folds int) []risk.CurvePoint {
	out := make([]risk.CurvePoint, rocSteps+1)
	at := make([]float64, len(o.curve))
	for n := range out {
		for f, curve := range o.curve {
			at[f] = curve[n]
		}
		y, se, count := foldMean(at, folds)
		h := student(count).Quantile(1-(1-level)/2) * se
		out[n] = risk.CurvePoint{X: float64(n) / rocSteps, Y: y, Low: risk.Number(max(0, y-h)), High: risk.Number(min(1, y+h))}
	}
	return out
}

// rocAt returns the sensitivity at each of the steps of 1 − specificity, linear
// between the points of the curve; nil if a class is missing.
func rocAt(s []float64, y []int) []float64 {
	if !slices.Contains(y, 0) || !slices.Contains(y, 1) {
		return nil
	}
	var xs, ys []float64
	for _, p := range judge.ROC(y, s) {
		xs, ys = append(xs, p.X), append(ys, p.Y)
	}
	out := make([]float64, rocSteps+1)
	at := 0
	for n := range out {
		x := float64(n) / rocSteps
		for at+1 < len(xs) && xs[at+1] <= x {
			at++
		}
		out[n] = ys[at]
		if at+1 < len(xs) && xs[at+1] > xs[at] {
			out[n] += (x - xs[at]) / (xs[at+1] - xs[at]) * (ys[at+1] - ys[at])
		}
	}
	out[rocSteps] = 1
	return out
}

// precisionRecall returns the points of the curve, one per distinct score.
func precisionRecall(s []float64, y []int) []risk.CurvePoint {
	increasing := slices.Sorted(slices.Values(s))
	var out []risk.CurvePoint
	for _, p := range judge.PrecisionRecall(y, s) {
		below, _ := slices.BinarySearch(increasing, p.Threshold)
		out = append(out, risk.CurvePoint{X: p.X, Y: p.Y, Low: risk.NaN(), High: risk.NaN(), N: len(s) - below})
	}
	return out
}

// calibrationRows is the least number of rows in a bin of the calibration curve.
const calibrationRows = 10

// calibrationCurve compares mean probability and observed share in bins of equal
// numbers, with Wilson's interval.
func calibrationCurve(p []float64, y []int) []risk.CurvePoint {
	order := increasing(p)
	bins := min(10, max(1, len(p)/calibrationRows))
	var out []risk.CurvePoint
	for b := range bins {
		lo, hi := b*len(p)/bins, (b+1)*len(p)/bins
		var sum, events float64
		for _, n := range order[lo:hi] {
			sum += p[n]
			events += float64(y[n])
		}
		n := float64(hi - lo)
		low, high := judge.WilsonShare(events/n, n, level)
		out = append(out, risk.CurvePoint{X: sum / n, Y: events / n, Low: risk.Number(low), High: risk.Number(high), N: hi - lo})
	}
	if math.IsNaN(out[0].X) {
		return nil
	}
	return out
}

// increasing returns the places of s in increasing order of value.
func increasing(s []float64) []int {
	order := make([]int, len(s))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s[a], s[b]) })
	return order
}
