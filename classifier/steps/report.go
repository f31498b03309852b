package steps

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/classifier/levels"
)

// Judgement is what is known of a pipeline from rows that it had not seen. What
// is defined for two classes alone is NaN for more.
type Judgement struct {
	LogLoss float64
	Brier   float64 // with more than two classes, the sum over them
	// AUC has the limits of DeLong, or of Obuchowski where patients have several
	// rows; with more than two classes it is the mean of one against the rest,
	// without limits.
	AUC              judge.Interval
	BalancedAccuracy float64 // of the likeliest class
	// AtPrevalence is the balanced accuracy of calling rows whose probability is
	// at least the share of events among the training rows.
	AtPrevalence     float64
	AveragePrecision float64
	Calibration      judge.Recalibration
	ICI, ECE         float64
	Spiegelhalter    float64 // z
	PatientAUC       [3]float64
}

// PatientRules are the ways in which the rows of a patient make one probability,
// in the order of Judgement.PatientAUC.
var PatientRules = [3]levels.Rule{levels.Max, levels.NoisyOr, levels.Mean}

// Evaluated is a cross-validation with its figures.
type Evaluated struct {
	Probabilities [][][]float64 // [repeat][row][class]
	Repeats       []Judgement
	// FoldAUC is the mean AUC of the test folds with its 95 % limits; two classes
	// alone.
	FoldAUC judge.Interval
	// NoModel is the log-loss of predicting the shares of the classes.
	NoModel float64
	// Without are the figures where the columns of a block are missing in the
	// test rows, as for a patient who lacks that modality.
	Without []WithoutBlock
}

// WithoutBlock is what a model is worth for patients who lack a block of
// columns: means over the repeats.
type WithoutBlock struct {
	Block   string  `json:"block"`
	Columns int     `json:"columns"`
	LogLoss float64 `json:"log_loss"`
	AUC     float64 `json:"auc"`
}

// Evaluate cross-validates p and judges its predictions.
func Evaluate(ctx context.Context, p Pipeline, t *Table, splits []Split, seed uint64, done func()) (*Evaluated, error) {
	blocks := t.Blocks()
	tested := []*Table{t}
	for _, b := range blocks {
		tested = append(tested, t.without(b))
	}
	all, err := crossValidateAs(ctx, p, t, splits, tested, seed, done)
	if err != nil {
		return nil, err
	}
	out := all[0]
	e := &Evaluated{Probabilities: out, FoldAUC: judge.Interval{Value: math.NaN(), Low: math.NaN(), High: math.NaN()}}
	n := t.counts()
	for _, k := range n {
		if k > 0 {
			e.NoModel -= k / float64(t.Rows()) * math.Log(k/float64(t.Rows()))
		}
	}
	for r, q := range out {
		for row := range q {
			if q[row] == nil {
				return nil, fmt.Errorf("row %d is in no test part of repeat %d", row+1, r+1)
			}
		}
		e.Repeats = append(e.Repeats, Judge(t, q, trainingShares(t, splits, r)))
	}
	if t.Classes == 2 {
		e.FoldAUC = foldAUC(t, splits, out)
	}
	for n, b := range blocks {
		w := WithoutBlock{Block: b, Columns: t.inBlock(b)}
		for _, q := range all[n+1] {
			w.LogLoss += judge.LogLossClasses(t.Y, q) / float64(len(out))
			w.AUC += judge.MacroAUC(t.Y, q) / float64(len(out))
		}
		e.Without = append(e.Without, w)
	}
	return e, nil
}

// trainingShares returns, for each row, the share of events among the rows that
// its model was trained on in a repeat.
func trainingShares(t *Table, splits []Split, repeat int) []float64 {
	out := make([]float64, t.Rows())
	for _, s := range splits {
		if s.Repeat != repeat {
			continue
		}
		var share float64
		for _, r := range s.Train {
			share += float64(t.Y[r]) / float64(len(s.Train))
		}
		for _, r := range s.Test {
			out[r] = share
		}
	}
	return out
}

// Judge returns the figures of the probabilities q[row][class] of rows that
// their model had not seen. share is, of each row, the share of events that the
// model was trained on.
func Judge(t *Table, q [][]float64, share []float64) Judgement {
	nan := math.NaN()
	j := Judgement{
		LogLoss: judge.LogLossClasses(t.Y, q), BalancedAccuracy: judge.NewConfusion(t.Y, judge.Likeliest(q), t.Classes).BalancedAccuracy(),
		AUC: judge.Interval{Value: nan, Low: nan, High: nan}, AtPrevalence: nan, AveragePrecision: nan, ICI: nan, ECE: nan, Spiegelhalter: nan,
		Calibration: judge.Recalibration{Intercept: nan, Slope: nan, InTheLarge: nan}, PatientAUC: [3]float64{nan, nan, nan},
	}
	if t.Classes > 2 {
		j.Brier = judge.BrierClasses(t.Y, q)
		j.AUC.Value = judge.MacroAUC(t.Y, q)
		return j
	}
	p := make([]float64, len(q))
	for r := range q {
		p[r] = q[r][1]
	}
	j.Brier = judge.Brier(t.Y, p)
	j.AUC.Value = judge.AUC(t.Y, p)
	ids, class, rows := patientsOf(t)
	if u, err := judge.Clustered(t.Y, t.Clusters(), p); err == nil {
		j.AUC = u.Interval(0, 0.95)
	}
	called := make([]int, len(p))
	for r := range p {
		if p[r] >= share[r] {
			called[r] = 1
		}
	}
	j.AtPrevalence = judge.NewConfusion(t.Y, called, 2).BalancedAccuracy()
	j.AveragePrecision = judge.AveragePrecision(t.Y, p)
	j.Calibration = judge.Recalibrate(t.Y, p)
	j.ICI = judge.CalibrationDistance(t.Y, p).ICI
	j.ECE, _ = judge.ECE(judge.WidthBins(t.Y, p, 10))
	j.Spiegelhalter, _ = judge.Spiegelhalter(t.Y, p)
	if len(ids) < t.Rows() {
		j.PatientAUC = patientAUC(class, rows, p)
	}
	return j
}

// patientAUC returns the AUC of patients by each of [PatientRules]. A patient is
// positive if one of its rows is.
func patientAUC(class []int, rows [][]int, p []float64) (auc [3]float64) {
	for n, rule := range PatientRules {
		auc[n] = judge.AUC(class, joined(rule, rows, p))
	}
	return auc
}

// foldAUC averages the AUC over the test parts that have both classes. Its
// interval is that of the corrected resampled t-test, but with K − 1 degrees of
// freedom for K folds: dealing the patients again adds no patients, and on
// cohorts of noise with seven positive arteries J − 1 of all J test parts held ½
// in 88 of 100 intervals of 95 %.
func foldAUC(t *Table, splits []Split, out [][][]float64) judge.Interval {
	var auc []float64
	folds := 0
	for _, s := range splits {
		folds = max(folds, s.Fold+1)
		y, p := make([]int, len(s.Test)), make([]float64, len(s.Test))
		for i, r := range s.Test {
			y[i], p[i] = t.Y[r], out[s.Repeat][r][1]
		}
		if v := judge.AUC(y, p); !math.IsNaN(v) {
			auc = append(auc, v)
		}
	}
	if len(auc) < 2 || folds < 2 {
		return judge.Interval{Value: math.NaN(), Low: math.NaN(), High: math.NaN()}
	}
	d, _ := judge.CorrectedT(auc, 1/float64(folds-1), 0.95)
	h := distuv.StudentsT{Sigma: 1, Nu: float64(folds - 1)}.Quantile(0.975) * d.SE
	return judge.Interval{Value: d.Value, Low: max(0, d.Value-h), High: min(1, d.Value+h)}
}

// Patients returns the number of patients of each class (that of their largest
// row), and of all.
func (t *Table) Patients() (byClass []int, all int) {
	ids, class, _ := patientsOf(t)
	byClass = make([]int, t.Classes)
	for _, k := range class {
		byClass[k]++
	}
	return byClass, len(ids)
}

// MissingCells returns the number of missing values.
func (t *Table) MissingCells() int {
	n := 0
	for _, c := range t.Columns {
		n += len(c.Values) - len(known(c.Values))
	}
	return n
}

// RowsOf returns the number of rows of each class.
func (t *Table) RowsOf() []int {
	n := make([]int, t.Classes)
	for _, k := range t.Y {
		n[k]++
	}
	return n
}
