package boost

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// Decimal values stand on the same side of every threshold before and after
// rounding to float32, so that XGBoost and ONNX send every row where we do:
// the value may lie in the middle of two others of a node that lacks it.
func TestThresholdsSurviveFloat32(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	n := 300
	d := &Data{Y: make([]float64, n), Columns: []Column{{Name: "a", Values: make([]float64, n)}, {Name: "b", Values: make([]float64, n)}}}
	for r := range d.Y {
		a, b := float64(rng.IntN(60))/10, float64(rng.IntN(400))/100-2
		d.Columns[0].Values[r], d.Columns[1].Values[r] = a, b
		d.Y[r] = math.Round(1 / (1 + math.Exp(3-a-b+rng.NormFloat64())))
	}
	cfg := DefaultConfig()
	cfg.Rounds, cfg.RowFraction = 100, 0.5
	for _, cfg.Grower = range []string{Histogram, Exact} {
		checked, moved := 0, 0
		m := fit(t, d, cfg)
		for _, tree := range m.Bags[0] {
			for _, node := range tree.Nodes {
				if node.Feature < 0 {
					continue
				}
				for _, x := range d.Columns[node.Feature].Values {
					checked++
					if (x < node.Threshold) != (float32(x) < float32(node.Threshold)) {
						moved++
					}
				}
			}
		}
		if checked == 0 {
			t.Fatal("no split was made")
		}
		verify.Check{Suite: "classifier", Case: "thresholds among decimals, " + cfg.Grower, Quantity: "values on another side once rounded to float32",
			Source: "comparison in float32, as XGBoost makes it", Got: float64(moved)}.Run(t)
	}
}
