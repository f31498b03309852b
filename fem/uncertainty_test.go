package fem

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// layeredHoop returns the mean hoop stress of each layer of a cylinder in plane
// strain under the pressure p: Lamé's solution in each, u = A r + B/r, with equal
// displacement and radial stress at the interfaces.
func layeredHoop(radii, young []float64, nu, p float64) []float64 {
	n := len(young)
	m, rhs := mat.NewDense(2*n, 2*n, nil), mat.NewVecDense(2*n, nil)
	// σ_r = 2(λ + μ) A − 2μ B/r²
	radial := func(row, l int, r, sign float64) {
		e := element.Moduli(young[l], nu)
		lam := e.Bulk - 2*e.Shear/3
		m.Set(row, 2*l, m.At(row, 2*l)+sign*2*(lam+e.Shear))
		m.Set(row, 2*l+1, m.At(row, 2*l+1)-sign*2*e.Shear/(r*r))
	}
	radial(0, 0, radii[0], 1)
	rhs.SetVec(0, -p)
	for l := 1; l < n; l++ {
		r := radii[l]
		m.Set(2*l-1, 2*l-2, r)
		m.Set(2*l-1, 2*l-1, 1/r)
		m.Set(2*l-1, 2*l, -r)
		m.Set(2*l-1, 2*l+1, -1/r)
		radial(2*l, l-1, r, 1)
		radial(2*l, l, r, -1)
	}
	radial(2*n-1, n-1, radii[n], 1)
	var x mat.VecDense
	if err := x.SolveVec(m, rhs); err != nil {
		panic(err)
	}
	hoop := make([]float64, n)
	for l := range hoop {
		e := element.Moduli(young[l], nu)
		lam := e.Bulk - 2*e.Shear/3
		a, b := radii[l], radii[l+1]
		hoop[l] = 2*(lam+e.Shear)*x.AtVec(2*l) + 2*e.Shear*x.AtVec(2*l+1)*2*math.Log(b/a)/(b*b-a*a)
	}
	return hoop
}

// threeLayers is a cylinder of fibrous, calcified and plain wall.
func threeLayers(t *testing.T) (r *Result, spans [][2]float64, bands func(u Uncertainty) []Bands) {
	t.Helper()
	v := tube(2, 0, 1.5, 2.5, 0)
	l := labels(v, 0.05, func(p r3.Vec) imaging.Tissue {
		switch d := math.Hypot(p.X-10, p.Y+20); {
		case d < 1.9:
			return imaging.Fibrous
		case d < 2.2:
			return imaging.Calcified
		}
		return imaging.Wall
	})
	cfg := uniform(600, 0.45)
	cfg.Materials.Fibrous.Young, cfg.Materials.Calcified.Young = 300, 900
	cfg.Around, cfg.Through, cfg.Axial, cfg.Grading, cfg.Padding, cfg.Margin, cfg.Tolerance = 32, 20, 1, 1, 0, 0, 1e-9
	cfg.Uncertainty.Enabled = true
	spans = [][2]float64{{0, 2}}
	r, err := Solve(context.Background(), v, l, 0, 2, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r, spans, func(u Uncertainty) []Bands {
		u.Enabled = true
		r.Conditions.Uncertainty = u
		b, err := r.Bands(t.Context(), v, l, spans)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func (b *Bands) marker(name string) *Band {
	n := slices.IndexFunc(b.Markers, func(m Band) bool { return m.Column.Name == name })
	return &b.Markers[n]
}

// The bands of a layered cylinder are those of drawing moduli and pressures for
// Lamé's solution; sensitivities to all moduli add up to what scaling asks for.
func TestBandsLayers(t *testing.T) {
	slowRace(t)
	const nu = 0.45
	radii, young := []float64{1.5, 1.9, 2.2, 2.5}, []float64{300, 900, 600}
	// Mean over the plaque: the two inner layers by area.
	plaque := func(young []float64, p float64) float64 {
		h := layeredHoop(radii, young, nu, p)
		a, b := 1.9*1.9-1.5*1.5, 2.2*2.2-1.9*1.9
		return (a*h[0] + b*h[1]) / (a + b)
	}
	wall := layeredHoop([]float64{1.5, 1.9, 2.2, 2.5}, []float64{300, 60, 900}, nu, 16)
	verify.Check{Suite: suite, Case: "LAYER3-PE", Quantity: "mean hoop stress of the soft layer between its values at the borders",
		Source: csv, Got: wall[1], Want: (-0.7244826992 - 1.580426223) / 2, Tol: 0.05}.Run(t)

	_, _, bands := threeLayers(t)
	u := DefaultUncertainty()
	u.LumenSD = 0
	u.Young = Factors{Wall: 1.5, LowAttenuation: 1, FibroFatty: 1, Fibrous: 1.5, Calcified: 2}
	b := bands(u)[0]
	if want := []string{"pressure", "young_modulus.wall", "young_modulus.fibrous", "young_modulus.calcified"}; !slices.Equal(b.Sources, want) {
		t.Fatalf("sources %v", b.Sources)
	}
	m := b.marker("circumferential_stress.plaque.mean")
	sd := u.Young.table()
	for n, tissue := range []imaging.Tissue{imaging.Fibrous, imaging.Calcified, imaging.Wall} {
		scaled := func(by float64) float64 {
			y := slices.Clone(young)
			y[n] *= math.Exp(by)
			return plaque(y, 16)
		}
		want := (scaled(1e-4) - scaled(-1e-4)) / 2e-4
		got := m.By[slices.Index(b.Sources, "young_modulus."+tissue.String())] / sd[tissue]
		verify.Check{Suite: suite, Case: "three layers, E 300, 900, 600 kPa", Quantity: fmt.Sprintf("change of the mean hoop stress of the inner two per change of ln E of %s, kPa", tissue),
			Source: "Lamé in each layer, differentiated", Got: got, Want: want, Tol: 0.02 * plaque(young, 16)}.Run(t)
	}
	draw := rand.New(rand.NewPCG(4, 1))
	values := make([]float64, 20000)
	for i := range values {
		y := []float64{
			young[0] * math.Exp(sd[imaging.Fibrous]*draw.NormFloat64()), young[1] * math.Exp(sd[imaging.Calcified]*draw.NormFloat64()),
			young[2] * math.Exp(sd[imaging.Wall]*draw.NormFloat64())}
		values[i] = plaque(y, 16+u.PressureSD*kPaPerMMHg*draw.NormFloat64())
	}
	slices.Sort(values)
	low, high := values[len(values)/20], values[len(values)-len(values)/20]
	for _, end := range []struct {
		name      string
		got, want float64
	}{{"5th percentile", m.Low, low}, {"95th percentile", m.High, high}} {
		verify.Check{Suite: suite, Case: "three layers, moduli and pressure uncertain", Quantity: end.name + " of the mean hoop stress of the inner two, kPa",
			Source: "20000 draws of Lamé's solution", Got: end.got, Want: end.want, Tol: 0.05 * plaque(young, 16)}.Run(t)
	}
	// All moduli by one factor: no change of stress, inverse change of strain.
	for _, test := range []struct {
		name string
		want float64
	}{{"principal_stress.wall.mean", 0}, {"von_mises.plaque.p99", 0}, {"principal_strain.plaque.mean", -1}, {"strain_energy.wall.fixed_volume", -1}} {
		m := b.marker(test.name)
		var sum float64
		for n, s := range b.Sources {
			for _, tissue := range solids {
				if s == "young_modulus."+tissue.String() {
					sum += m.By[n] / sd[tissue]
				}
			}
		}
		verify.Check{Suite: suite, Case: "three layers, all moduli by one factor", Quantity: "change of ln " + test.name + " per change of ln E",
			Source: "linearity", Got: sum, Want: test.want, Tol: 0.002}.Run(t)
		power := 1.0
		if m.Column.Name == "strain_energy.wall.fixed_volume" {
			power = 2
		}
		verify.Check{Suite: suite, Case: "three layers", Quantity: "change of ln " + test.name + " per change of ln p", Source: "linearity",
			Got: m.By[0] / (u.PressureSD / (16 / kPaPerMMHg)), Want: power, Tol: 0.001}.Run(t)
	}
	if m := b.marker("principal_stress.wall.p95"); !(m.Low < m.Value && m.Value < m.High) {
		t.Errorf("band %g to %g around %g", m.Low, m.High, m.Value)
	}
}

// Sensitivities are those of solving again with other moduli; a second call of
// Bands, without the matrix, gives the same bits; a lumen that moves changes the
// cap's thickness by as much.
func TestBandsAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	v, l := plaqueTube(8)
	cfg := DefaultConfig()
	cfg.Axial, cfg.Tolerance, cfg.Uncertainty.Enabled = 1, 1e-9, true
	spans := [][2]float64{{1, 7}, {3, 5}}
	r, err := Solve(context.Background(), v, l, 0, 8, cfg)
	if err != nil {
		t.Fatal(err)
	}
	first, err := r.Bands(t.Context(), v, l, spans)
	if err != nil {
		t.Fatal(err)
	}
	again := func(change func(*Materials)) []float64 {
		c := cfg
		c.Uncertainty.Enabled = false
		change(&c.Materials)
		x, err := Solve(context.Background(), v, l, 0, 8, c)
		if err != nil {
			t.Fatal(err)
		}
		return x.Features(3, 5).Values
	}
	sd := cfg.Uncertainty.Young.table()
	for _, tissue := range []imaging.Tissue{imaging.LowAttenuation, imaging.Fibrous} {
		by := func(f float64) func(m *Materials) { return func(m *Materials) { *m.of(tissue) *= f } }
		low, high := again(by(math.Exp(-step))), again(by(math.Exp(step)))
		n := slices.Index(first[1].Sources, "young_modulus."+tissue.String())
		for _, name := range []string{"principal_stress.cap.mean", "principal_stress.cap.p95", "von_mises.plaque.mean", "principal_strain.cap.mean", "strain_energy.plaque.p95"} {
			c := slices.IndexFunc(first[1].Markers, func(m Band) bool { return m.Column.Name == name })
			want := math.Log(high[c]/low[c]) / (2 * step)
			verify.Check{Suite: suite, Case: "plaque with core and calcium", Quantity: fmt.Sprintf("change of ln %s per change of ln E of %s", name, tissue),
				Source: "solved again with other moduli", Got: first[1].Markers[c].By[n] / sd[tissue], Want: want, Tol: 0.002}.Run(t)
		}
	}
	second, err := r.Bands(t.Context(), v, l, spans)
	if err != nil {
		t.Fatal(err)
	}
	for n := range first {
		for c := range first[n].Markers {
			a, b := &first[n].Markers[c], &second[n].Markers[c]
			if !slices.Equal(a.By, b.By) || a.Low != b.Low {
				t.Fatalf("%s: %v, then %v", a.Column.Name, a.By, b.By)
			}
		}
	}
	lumen := slices.Index(first[1].Sources, "lumen")
	m := first[1].marker("cap.thickness_in_mesh")
	verify.Check{Suite: suite, Case: "plaque with core, labels of 0.35 mm, lumen off by a quarter of a voxel", Quantity: "change of the thinnest cap, mm",
		Source: "the border moved", Got: -m.By[lumen], Want: 0.25 * 0.35, Tol: 0.03}.Run(t) // the mesh sees the core in steps of its points
	stress := first[1].marker("principal_stress.cap.mean")
	if !(stress.By[lumen] > 0) || !(stress.Low < stress.Value) {
		t.Errorf("mean cap stress: %+v: a wider lumen must raise it", stress)
	}
}

// Settings that mean nothing are refused in their own words.
func TestUncertaintyValidate(t *testing.T) {
	u := DefaultUncertainty()
	if errs := u.validate(); len(errs) > 0 {
		t.Error(errs)
	}
	u = Uncertainty{Level: 100, PressureSD: -1, LumenSD: 3, Young: Factors{0.5, 1, 1, 1, 1}}
	if errs := u.validate(); len(errs) != 4 {
		t.Errorf("%d errors: %v", len(errs), errs)
	}
}
