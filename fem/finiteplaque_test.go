package fem

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r2"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// Section D1 in finite strain from its exact outlines, two neo-Hookean or two
// exponential tissues.
func TestSectionD1Finite(t *testing.T) {
	for _, test := range []struct {
		name            string
		wall, lipid     string
		cap             float64
		mean, p99, peak float64
		widening        float64
	}{
		{"nh", "neo_hookean C10=50 K=2000", "neo_hookean C10=2 K=80", 0.15, 64.4804, 115.515, 121.206, 0.535066},
		{"nh", "neo_hookean C10=50 K=2000", "neo_hookean C10=2 K=80", 0.30, 49.6892, 76.0583, 80.8214, 0.50966},
		{"mrx", "exponential c1=36.8 D1=14.4 D2=2 K=3280", "exponential c1=2 D1=2 D2=1.5 K=250", 0.15, 56.7268, 99.749, 106.06, 0.351877},
	} {
		if testing.Short() {
			t.Skip("takes seconds")
		}
		cfg := finite(test.wall, 16)
		cfg.Finite.Laws.LowAttenuation = test.lipid
		cfg.Padding, cfg.Margin = 0, 0
		cfg.Around, cfg.Through, cfg.Crowding = 96, 24, 8
		d := sectionD1(test.cap)
		r, err := SolveComponents(t.Context(), straight(0, 1, r2.Vec{X: -0.3}, 1.2, 2), []Component{{imaging.LowAttenuation, d.lipid}}, 0, 1, cfg)
		if err != nil {
			t.Fatal(err)
		}
		s, peak := capStress(r, d.cap)
		check := func(quantity string, got, want, rel float64) {
			verify.Check{Suite: suite, Case: fmt.Sprintf("D1-%s-cap%.2f, swept from exact outlines, 96 × 24", test.name, test.cap),
				Quantity: quantity, Source: benchmark, Got: got, Want: want, Tol: rel * math.Abs(want)}.Run(t)
		}
		check("mean principal stress of the cap, kPa", s.mean(), test.mean, 0.02)
		check("99th percentile of the principal stress of the cap, kPa", s.percentile(99), test.p99, 0.02)
		check("peak principal stress of the cap, kPa", peak, test.peak, 0.05)
		u := func(j int) float64 { return r.Solution.U[r.Mesh.Node(0, j, 1)].X }
		far := 0
		for j := range r.Mesh.Around {
			if r.Mesh.Nodes[r.Mesh.Node(0, j, 1)].X < r.Mesh.Nodes[r.Mesh.Node(0, far, 1)].X {
				far = j
			}
		}
		check("change of the lumen's diameter, mm", u(0)-u(far), test.widening, 0.005)
	}
}
