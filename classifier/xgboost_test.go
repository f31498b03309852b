package classifier

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// plain returns boosting as XGBoost does it with the parameters of the
// reference, without any randomness.
func plain(rounds int, rate float64) Boosting {
	return Boosting{
		Bags: 1, BagFraction: 1, Rounds: rounds, LearningRate: rate, MaxDepth: 3, PatientFraction: 1, ColumnFraction: 1,
		Lambda: 1, MinChildWeight: 1, MinChildRows: 1, MaxBins: maxBins, ClassWeight: WeightNone, RowWeight: WeightLesion, Base: 0.5,
	}
}

// The same algorithm must give the same out-of-fold log-loss as XGBoost. The
// exact tree method is the one to compare with, since both cut halfway between
// the neighbouring values of a node; what remains are float32 and ties.
func TestXGBoostLogLoss(t *testing.T) {
	path := verify.Shared(t, "data", "tabular", "reference.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{"cleveland", "diabetes", "retinopathy_eyes"} {
		var reference map[string]json.RawMessage
		if err := json.Unmarshal(raw, &reference); err != nil {
			t.Fatal(err)
		}
		var models struct {
			Models map[string]struct {
				LogLoss float64 `json:"logloss"`
			} `json:"models"`
		}
		if err := json.Unmarshal(reference[set], &models); err != nil {
			t.Fatal(err)
		}
		got := readTabular(t, set).logLoss(t, plain(200, 0.05), 3)
		for _, method := range []struct {
			name string
			tol  float64
		}{{"xgb_exact_d3", 0.003}, {"xgb_hist_d3", 0.02}} { // hist cuts at the edges of its bins
			verify.Check{
				Suite: "classifier", Case: set + ", 3 × 5 folds, 200 rounds of depth 3", Quantity: "out-of-fold log-loss beside " + method.name,
				Source: "XGBoost 1.7.4", Got: got, Want: models.Models[method.name].LogLoss, Tol: method.tol,
			}.Run(t)
		}
	}
}

// The settings for small cohorts must reach the log-loss of the design that they
// follow, which is far below that of plain boosting.
func TestSmallCohortDefault(t *testing.T) {
	if testing.Short() {
		t.Skip("10 s")
	}
	for _, set := range []struct {
		name string
		want float64
	}{{"cleveland", 0.3786}, {"diabetes", 0.5172}, {"wdbc", 0.1055}, {"retinopathy_eyes", 0.6318}, {"pd_speech_wide", 0.4019}} {
		verify.Check{
			Suite: "classifier", Case: set.name + ", 3 × 5 folds, default settings", Quantity: "out-of-fold log-loss",
			Source: "design “bag d2” of the specification, fitted with XGBoost 1.7.4",
			Got:    readTabular(t, set.name).logLoss(t, DefaultBoosting(), 3), Want: set.want, Tol: 0.01,
		}.Run(t)
	}
}

// xgbTree is a tree of an XGBoost model file.
type xgbTree struct {
	Left      []int32   `json:"left_children"`
	Right     []int32   `json:"right_children"`
	Feature   []int32   `json:"split_indices"`
	Condition []float64 `json:"split_conditions"`
	Default   []int     `json:"default_left"`
	Cover     []float64 `json:"sum_hessian"`
	Gain      []float64 `json:"loss_changes"`
}

func (x *xgbTree) tree() Tree {
	t := make(Tree, len(x.Left))
	for n := range t {
		t[n] = Node{Feature: -1, Left: -1, Right: -1, Cover: x.Cover[n], Gain: x.Gain[n], Value: x.Condition[n]}
		if x.Left[n] >= 0 {
			t[n] = Node{Feature: x.Feature[n], Left: x.Left[n], Right: x.Right[n], MissingLeft: x.Default[n] == 1,
				Threshold: x.Condition[n], Cover: x.Cover[n], Gain: x.Gain[n]}
		}
	}
	return t
}

// readXGBoost returns the trees of known/xgb_cleveland_10x3.json.
func readXGBoost(t *testing.T) *Ensemble {
	t.Helper()
	raw, err := os.ReadFile(verify.Shared(t, "data", "tabular", "known", "xgb_cleveland_10x3.json"))
	if err != nil {
		t.Fatal(err)
	}
	var model struct {
		Learner struct {
			GradientBooster struct {
				Model struct {
					Trees []xgbTree `json:"trees"`
				} `json:"model"`
			} `json:"gradient_booster"`
		} `json:"learner"`
	}
	if err := json.Unmarshal(raw, &model); err != nil {
		t.Fatal(err)
	}
	e := &Ensemble{Bags: []Bag{nil}}
	for _, tree := range model.Learner.GradientBooster.Model.Trees {
		e.Bags[0] = append(e.Bags[0], tree.tree())
	}
	return e
}

// Trained on the same rows, we must grow XGBoost's trees: same columns,
// thresholds and leaves.
func TestXGBoostTrees(t *testing.T) {
	want := readXGBoost(t)
	set := readTabular(t, "cleveland")
	got, err := plain(len(want.Bags[0]), 0.3).fit(t.Context(), set.data, 1)
	if err != nil {
		t.Fatal(err)
	}
	var worst, gain float64
	different := 0
	var compare func(a, b Tree, i, j int32)
	compare = func(a, b Tree, i, j int32) {
		x, y := a[i], b[j]
		if x.Feature != y.Feature {
			different++
			return
		}
		if x.Feature < 0 {
			worst = max(worst, math.Abs(x.Value-y.Value))
			return
		}
		if math.Abs(x.Threshold-y.Threshold) > 1e-6*max(1, math.Abs(y.Threshold)) {
			different++
		}
		gain = max(gain, math.Abs(x.Gain-y.Gain))
		compare(a, b, x.Left, y.Left)
		compare(a, b, x.Right, y.Right)
	}
	for n := range want.Bags[0] {
		compare(got.Bags[0][n], want.Bags[0][n], 0, 0)
	}
	for _, c := range []struct {
		quantity  string
		got, want float64
		tol       float64
	}{
		{"splits that differ, of 10 trees", float64(different), 0, 0},
		{"largest difference of a leaf", worst, 0, 1e-5},
		{"largest difference of a gain", gain, 0, 1e-3},
	} {
		verify.Check{Suite: "classifier", Case: "cleveland, 10 trees of depth 3, learning rate 0.3", Quantity: c.quantity,
			Source: "XGBoost 1.7.4, exact, known/xgb_cleveland_10x3.json", Got: c.got, Want: c.want, Tol: c.tol}.Run(t)
	}
}

// Margins and contributions of XGBoost's own trees must be those that XGBoost
// reports, missing values included.
func TestXGBoostContributions(t *testing.T) {
	e := readXGBoost(t)
	set := readTabular(t, "cleveland")
	margin := column(t, "xgb_cleveland_pred.csv", "margin")
	shap := table(t, "xgb_cleveland_shap.csv")
	phi := make([]float64, len(set.data.X))
	var worst, worstMargin float64
	var row []float64
	for r := range set.data.Y {
		row = set.data.Row(r, row)
		base := e.Contributions(phi, row)
		worstMargin = max(worstMargin, math.Abs(e.LogOdds(row)-margin[r]))
		for c, name := range set.data.Names {
			worst = max(worst, math.Abs(phi[c]-shap[name][r]))
		}
		for _, name := range []string{"bias", "base", "expected_value"} {
			if v, ok := shap[name]; ok {
				worst = max(worst, math.Abs(base-v[r]))
			}
		}
	}
	for _, c := range []struct {
		quantity string
		got      float64
	}{{"largest difference of a margin", worstMargin}, {"largest difference of a TreeSHAP value", worst}} {
		verify.Check{Suite: "classifier", Case: fmt.Sprintf("XGBoost's trees on cleveland, %d rows", len(set.data.Y)), Quantity: c.quantity,
			Source: "XGBoost 1.7.4, pred_contribs", Got: c.got, Want: 0, Tol: 1e-5}.Run(t)
	}
}

// table reads a CSV file of numbers by column.
func table(t *testing.T, name string) map[string][]float64 {
	t.Helper()
	f, err := os.Open(verify.Shared(t, "data", "tabular", "known", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns := make(map[string][]float64)
	for c, head := range records[0] {
		for _, record := range records[1:] {
			x, err := strconv.ParseFloat(record[c], 64)
			if err != nil {
				t.Fatal(err)
			}
			columns[head] = append(columns[head], x)
		}
	}
	return columns
}

func column(t *testing.T, name, head string) []float64 {
	t.Helper()
	x, ok := table(t, name)[head]
	if !ok {
		t.Fatalf("%s has no column %q", name, head)
	}
	return x
}
