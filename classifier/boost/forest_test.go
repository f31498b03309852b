package boost

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// A forest with the settings of scikit-learn's is as good as it is, out of
// fold. The bootstrap differs (Poisson counts, by class), so that this is a
// statement about quality and not about bits.
func TestForest(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	raw, err := os.ReadFile(verify.Shared(t, "data", "tabular", "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	var reference map[string]json.RawMessage
	if err := json.Unmarshal(raw, &reference); err != nil {
		t.Fatal(err)
	}
	for _, set := range []struct {
		name     string
		fraction float64 // √columns of the columns
	}{{"cleveland", 3.0 / 13}, {"diabetes", 3.0 / 10}, {"wdbc", 5.0 / 30}} {
		var known struct {
			Models map[string]struct {
				Brier float64 `json:"brier"`
			} `json:"models"`
		}
		if err := json.Unmarshal(reference[set.name], &known); err != nil {
			t.Fatal(err)
		}
		cfg := ForestConfig()
		cfg.Rounds, cfg.MinChildRows, cfg.NodeFraction = 500, 1, set.fraction
		verify.Check{Suite: "classifier", Case: set.name + ", 3 × 5 folds, forest of 500 trees", Quantity: "out-of-fold Brier score",
			Source: "scikit-learn 1.2.1, rf500 of reference.json", Got: readTabular(t, set.name).brier(t, cfg), Want: known.Models["rf500"].Brier, Tol: 0.006}.Run(t)
	}
}
