package boost

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

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

// knownTrees returns the trees of known/xgb_cleveland_10x3.json.
func knownTrees(t *testing.T) []xgbTree {
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
	return model.Learner.GradientBooster.Model.Trees
}

// Trained on the same rows, both growers must grow XGBoost's trees: the same
// columns, thresholds and leaves.
func TestKnownTrees(t *testing.T) {
	want := knownTrees(t)
	set := readTabular(t, "cleveland")
	for _, grower := range []string{Exact, Histogram} {
		cfg := plain(grower)
		cfg.Rounds, cfg.LearningRate, cfg.Threshold = len(want), 0.3, Middle
		got, err := Fit(t.Context(), set.data, cfg)
		if err != nil {
			t.Fatal(err)
		}
		var different int
		var leaf, gain, cover float64
		var compare func(a *Tree, b *xgbTree, i, j int32)
		compare = func(a *Tree, b *xgbTree, i, j int32) {
			x := a.Nodes[i]
			cover = max(cover, math.Abs(x.Cover-b.Cover[j]))
			if b.Left[j] < 0 || x.Feature < 0 {
				if b.Left[j] >= 0 || x.Feature >= 0 {
					different++
					return
				}
				leaf = max(leaf, math.Abs(x.Value-b.Condition[j]))
				return
			}
			name := set.data.Columns[b.Feature[j]].Name
			if got.Features[x.Feature].Name != name || math.Abs(x.Threshold-b.Condition[j]) > 1e-6*max(1, math.Abs(x.Threshold)) ||
				x.MissingLeft != (b.Default[j] == 1) && (name == "ca" || name == "thal") {
				different++
				return
			}
			gain = max(gain, math.Abs(x.Gain-b.Gain[j]))
			compare(a, b, x.Left, b.Left[j])
			compare(a, b, x.Left+1, b.Right[j])
		}
		for n := range want {
			compare(&got.Bags[0][n], &want[n], 0, 0)
		}
		for _, c := range []struct {
			quantity string
			got, tol float64
		}{
			{"splits that differ, of 10 trees", float64(different), 0},
			{"largest difference of a leaf", leaf, 1e-5},
			{"largest difference of a gain", gain, 1e-3},
			{"largest difference of a cover", cover, 1e-3},
		} {
			verify.Check{Suite: "classifier", Case: "cleveland, 10 trees of depth 3, learning rate 0.3, " + grower + " grower of boost", Quantity: c.quantity,
				Source: "XGBoost 1.7.4, exact, known/xgb_cleveland_10x3.json", Got: c.got, Tol: c.tol}.Run(t)
		}
	}
}
