package maps

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
	"github.com/plaquerisk/plaquerisk/radiomics/intensity"
	"github.com/plaquerisk/plaquerisk/radiomics/ria"
	"github.com/plaquerisk/plaquerisk/radiomics/texture"
)

// wallStress returns the von Mises stress of a thick-walled tube in plane strain
// under pressure (kPa), with a stiffer spot, on voxels of 0.2 mm; NaN off the
// wall. It is a stress field as fem.Result.SampleOnGrid gives it.
func wallStress(pressure float64) *imaging.Volume {
	g := imaging.NewGrid([3]int{30, 30, 12}, [3]float64{0.2, 0.2, 0.2}, r3.Vec{X: -2.9, Y: -2.9})
	v := imaging.NewVolume(g)
	const in, out, poisson = 1.5, 2.6, 0.49
	for n := range v.Values {
		i, j, k := g.Coords(n)
		p := g.Point(float64(i), float64(j), float64(k))
		r := math.Hypot(p.X, p.Y)
		if r < in || r > out {
			v.Values[n] = float32(math.NaN())
			continue
		}
		// Lamé: σ_r, σ_θ = a (1 ∓ out²/r²), σ_z = ν (σ_r + σ_θ).
		a := pressure * in * in / (out*out - in*in)
		sr, st := a*(1-out*out/(r*r)), a*(1+out*out/(r*r))
		sz := poisson * (sr + st)
		mises := math.Sqrt(((sr-st)*(sr-st) + (st-sz)*(st-sz) + (sz-sr)*(sz-sr)) / 2)
		spot := 1 + 0.8*math.Exp(-((p.X-2)*(p.X-2)+p.Y*p.Y+(p.Z-1)*(p.Z-1))/0.3)
		v.Values[n] = float32(mises * spot)
	}
	return v
}

// fixedNumber makes n levels of the finite values of v.
func fixedNumber(v *imaging.Volume, n int) *Input {
	in := &Input{Grid: v.Grid, Values: v.Values, Levels: make([]uint16, v.Len()), N: n}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, x := range v.Values {
		if x == x {
			lo, hi = min(lo, float64(x)), max(hi, float64(x))
		}
	}
	for o, x := range v.Values {
		if x == x {
			in.Levels[o] = uint16(min(int(float64(n)*((float64(x)-lo)/(hi-lo)))+1, n))
		}
	}
	return in
}

// stressFeatures returns the texture, map and RIA-type features of a stress
// field with a fixed number of bins, and its intensity statistics.
func stressFeatures(t *testing.T, v *imaging.Volume) (names []string, values, statistics []float64) {
	t.Helper()
	in := fixedNumber(v, 32)
	var at []int
	var levels []uint16
	var stress []float64
	for o, l := range in.Levels {
		if l > 0 {
			at, levels, stress = append(at, o), append(levels, l), append(stress, float64(v.Values[o]))
		}
	}
	cfg := texture.DefaultConfig()
	out, err := texture.Compute(t.Context(), texture.NewRegion(v.Size, v.Spacing, at, levels, in.N, nil), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range cfg.Columns() {
		names, values = append(names, c.Name()), append(values, out[n].Value)
	}
	mc := DefaultConfig()
	mc.Features = []string{"glcm.contrast", "glcm.joint_entropy", "glszm.zone_percentage"}
	m, err := Compute(t.Context(), in, mc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Summary([]string{"mean", "standard_deviation", "p90"}, "kPa", "fbn 32")
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range s.Schema.Columns() {
		names, values = append(names, c.Name), append(values, s.Values[n])
	}
	rc := ria.DefaultConfig()
	computer, err := ria.NewComputer(rc)
	if err != nil {
		t.Fatal(err)
	}
	set := make([]float64, computer.Len())
	computer.Compute(set, nil, &ria.Region{Size: v.Size, Spacing: v.Spacing, At: at, Values: stress})
	for n, c := range rc.Columns("von_mises", "kPa", "") {
		if n >= 44 { // the intensities scale
			names, values = append(names, c.Name), append(values, set[n])
		}
	}
	statistics = make([]float64, len(intensity.StatisticsFeatures))
	intensity.NewStatistics(new(intensity.Workspace), stress).Values(statistics, nil)
	return names, values, statistics
}

// The texture of a stress field with a fixed number of bins does not depend on
// the pressure, because elasticity is linear: all families, maps and the
// RIA-type set are the same at two pressures, while stresses scale. With bins of
// fixed width they do change.
func TestStressScale(t *testing.T) {
	one, four := wallStress(16), wallStress(64) // a power of two: exact
	names, a, sa := stressFeatures(t, one)
	_, b, sb := stressFeatures(t, four)
	same, defined := 0, 0
	for n := range a {
		if !math.IsNaN(a[n]) {
			defined++
		}
		if a[n] == b[n] || math.IsNaN(a[n]) && math.IsNaN(b[n]) {
			same++
			continue
		}
		t.Errorf("%s: %g at 16 kPa, %g at 64 kPa", names[n], a[n], b[n])
	}
	verify.Check{
		Suite: "radiomics", Case: "von Mises stress of a thick-walled tube, 32 bins", Quantity: "texture, map and RIA-type columns that are the same at four times the pressure",
		Source: "linear elasticity", Got: float64(same), Want: float64(len(a)), Tol: 0,
	}.Run(t)
	if defined < 2700 {
		t.Errorf("only %d of %d columns are defined", defined, len(a))
	}
	for n, f := range intensity.StatisticsFeatures {
		want := sa[n]
		switch f.Unit {
		case "HU":
			want *= 4
		case "HU²":
			want *= 16
		}
		if math.Abs(sb[n]-want) > 1e-6*math.Abs(want) {
			t.Errorf("%s: %g at four times the pressure, want %g", f.Name, sb[n], want)
		}
	}
	width := func(v *imaging.Volume) float64 { // contrast with bins of 10 kPa from 0
		var at []int
		var levels []uint16
		for o, x := range v.Values {
			if x == x {
				at, levels = append(at, o), append(levels, uint16(x/10)+1)
			}
		}
		cfg := texture.DefaultConfig()
		cfg.Families, cfg.Aggregations = []texture.Family{texture.GLCM}, []texture.Aggregation{texture.Merged3D}
		out, err := texture.Compute(t.Context(), texture.NewRegion(v.Size, v.Spacing, at, levels, 1000, nil), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for n, c := range cfg.Columns() {
			if c.Feature.Name == "contrast" {
				return out[n].Value
			}
		}
		t.Fatal("no contrast")
		return 0
	}
	if a, b := width(one), width(four); !(b > 4*a) {
		t.Errorf("contrast with bins of fixed width: %g and %g", a, b)
	}
}
