package fem

import (
	"math"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// In finite strain the columns are of systole, then of diastole and pulse with
// the phase at the end of their names, and the pulse is the difference.
func TestPhaseColumns(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	v, l := plaqueTube(6)
	cfg := DefaultConfig()
	cfg.Kinematics, cfg.Axial, cfg.Padding, cfg.Margin = FiniteStrain, 1, 0, 0
	r, err := Solve(t.Context(), v, l, 0, 6, cfg)
	if err != nil {
		t.Fatal(err)
	}
	f := r.Features(0, 6)
	if n := len(Columns(cfg)); n != 3*len(markers)+len(capColumns) || f.Schema.Len() != n {
		t.Fatalf("%d columns", n)
	}
	small := cfg
	small.Kinematics = SmallStrain
	for n, c := range Columns(small) {
		if d := f.Schema.Column(n); d.Name != c.Name || d.Settings == c.Settings {
			t.Fatalf("column %d is %s with %q, in small strain %s", n, d.Name, d.Settings, c.Name)
		}
	}
	get := func(name string) float64 {
		x := f.Get(name)
		if math.IsNaN(x) {
			t.Fatalf("%s is not defined", name)
		}
		return x
	}
	for _, name := range []string{"circumferential_stress.wall.mean", "axial_stress.plaque.mean", "circumferential_stress.cap.mean"} {
		systole, diastole, pulse := get(name), get(name+".diastole"), get(name+".pulse")
		verify.Check{Suite: suite, Case: "plaque in finite strain", Quantity: name + ", kPa: pulse", Source: "systole less diastole",
			Got: pulse, Want: systole - diastole, Tol: 0.02 * math.Abs(systole)}.Run(t) // the volumes that weigh them differ a little
	}
	if !(get("principal_stress.wall.p95.diastole") < get("principal_stress.wall.p95")) {
		t.Error("stress is not larger in systole")
	}
	r.Conditions.Uncertainty.LumenSD = 0
	bands, err := r.Bands(t.Context(), v, l, [][2]float64{{0, 6}})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bands[0].Markers {
		if strings.HasPrefix(b.Column.Name, "principal_stress.wall.p") && !(b.Low < b.Value && b.Value < b.High && b.Value == get(b.Column.Name)) {
			t.Errorf("%s: %g to %g around %g", b.Column.Name, b.Low, b.High, b.Value)
		}
	}
}
