package segmentation

import (
	"testing"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/internal/verify"
	"github.com/plaquerisk/plaquerisk/phantom"
)

// A phantom patient's masks give back the anatomy that it was made with.
func TestPhantom(t *testing.T) {
	if testing.Short() {
		t.Skip("scans a phantom")
	}
	p := phantom.Small(3)
	vol, err := p.Scan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seg, err := p.Segmentation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	masks, _, err := Import(seg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if masks, _, err = Match(&vol.Grid, masks); err != nil {
		t.Fatal(err)
	}
	vessels, _, err := Vessels(t.Context(), vol, masks, DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	plaques, _, err := Plaques(t.Context(), vol, vessels, masks, DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	truth := p.Truth()
	for n := range vessels {
		v := &vessels[n]
		if want := truth.Artery(v.Artery).Length; v.Length() < 0.97*want || v.Length() > 1.03*want {
			t.Errorf("%s: length %.1f mm, want %.1f", v.Artery, v.Length(), want)
		}
		tissue, err := Tissues(t.Context(), vol, v, masks, plaques, DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		for i := range plaques {
			q := truth.Plaque(plaques[i].Name)
			if plaques[i].Artery != v.Artery {
				continue
			}
			if q == nil {
				t.Errorf("plaque %s is not in the truth", plaques[i].Name)
				continue
			}
			m := coronary.Measure(v, tissue, &plaques[i])
			for _, c := range []verify.Check{
				{Quantity: "diameter stenosis, percent", Got: m.DiameterStenosis, Want: q.DiameterStenosis, Tol: 3},
				{Quantity: "largest burden, percent", Got: m.Burden, Want: q.Burden, Tol: 3},
				{Quantity: "remodelling index", Got: m.Remodelling, Want: q.Remodelling, Tol: 0.05},
				{Quantity: "plaque volume, mm³", Got: m.Plaque, Want: q.Volume, Tol: 0.05 * q.Volume},
				{Quantity: "smallest lumen diameter, mm", Got: m.MinLumenDiameter, Want: q.MinLumenDiameter, Tol: 0.1},
			} {
				c.Suite, c.Case, c.Source = "segmentation", "small phantom, "+plaques[i].Name, "truth of the phantom"
				c.Run(t)
			}
		}
	}
}
