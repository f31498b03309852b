package pipeline

import (
	"math"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The stress field of a plaque becomes columns of its own in the modality
// biomechanics, and doubling the
// pressure doubles the stress, makes the energy four times as large and leaves
// the texture of both alone.
func TestStressTexture(t *testing.T) {
	if verify.Race {
		t.Skip("slow under the race detector, and TestTruth runs the same goroutines")
	}
	cfg := DefaultConfig()
	cfg.StressTexture.Fields = []string{"von_mises", "strain_energy"}
	assess := func(pressure float64) []feature.Row {
		c := cfg
		c.Mechanics.Pressure = pressure
		c.Mechanics.Tolerance = 1e-9
		p, err := New(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := p.Assess(t.Context(), read(t, p))
		if err != nil {
			t.Fatal(err)
		}
		return res.Table.Rows
	}
	schema := feature.MustSchema(cfg.Columns()...)
	once, twice := assess(80), assess(160)
	for r := range once {
		for n, c := range schema.Columns() {
			if !strings.HasPrefix(c.Name, "von_mises.") && !strings.HasPrefix(c.Name, "strain_energy.") {
				continue
			}
			a, b := once[r].Values[n], twice[r].Values[n]
			if math.IsNaN(a) || c.Modality != feature.Biomechanics {
				t.Errorf("%s %s = %v, modality %s", once[r].Lesion, c.Name, a, c.Modality)
			}
			want := a // texture
			switch {
			case c.Unit == "kPa" && strings.HasPrefix(c.Name, "von_mises"):
				want = 2 * a
			case c.Unit == "kPa":
				want = 4 * a // energy
			case !strings.Contains(c.Name, ".glcm."):
				continue
			}
			if math.Abs(b-want) > 1e-3*math.Abs(want) {
				t.Errorf("%s %s = %v at twice the pressure, want %v", once[r].Lesion, c.Name, b, want)
			}
		}
	}
}
