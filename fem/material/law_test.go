package material

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

var laws = []struct {
	name string
	law  Law
}{
	{"linear", Linear{Elastic{600, 0.45}}},
	{"neo_hookean", NeoHookean(30, 3000)},
	{"mooney_rivlin", MooneyRivlin(20, 8, 3000)},
	{"yeoh", Yeoh(30, 15, 8, 3000)},
	{"polynomial", Polynomial{C10: 20, C01: 8, C20: 5, C11: 3, C02: 2, C30: 1, K: 300}},
	{"exponential", Exponential{36.8, 14.4, 2, 3280}},
	{"hgo", HGO{C10: 15, K1: 20, K2: 10, K: 3000}},
	{"gasser", HGO{C10: 15, K1: 20, K2: 10, Kappa: 0.1, K: 3000}},
}

var fibres = []r3.Vec{r3.Unit(r3.Vec{X: 1, Y: 0.3, Z: 0.5}), r3.Unit(r3.Vec{X: 1, Y: 0.3, Z: -0.5})}

// Stress is the derivative of the energy, and stiffness that of the stress, for
// every law, by central differences (benchmark A5).
func TestDerivatives(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, l := range laws {
		var worstS, worstD float64
		for range 10 {
			f := [3][3]float64{{1.2, 0, 0}, {0, 1, 0}, {0, 0, 1.05}}
			for i := range 3 {
				for j := range 3 {
					f[i][j] += 0.3 * (rng.Float64() - 0.5)
				}
			}
			c := element.RightCauchyGreen(&f)
			var r, lo, hi element.Response
			l.law.Respond(&r, &c, fibres)
			const h = 1e-5
			var scaleS, scaleD, errS, errD float64
			for m := range 6 {
				// A step in E is twice that in C; engineering shear moves both halves.
				step := 2 * h
				if m > 2 {
					step = h
				}
				a, b := c, c
				a[m] -= step
				b[m] += step
				l.law.Respond(&lo, &a, fibres)
				l.law.Respond(&hi, &b, fibres)
				errS = max(errS, math.Abs((hi.Energy-lo.Energy)/(2*h)-r.S[m]))
				scaleS = max(scaleS, math.Abs(r.S[m]))
				for n := range 6 {
					errD = max(errD, math.Abs((hi.S[n]-lo.S[n])/(2*h)-r.D[n][m]))
					scaleD = max(scaleD, math.Abs(r.D[n][m]))
				}
			}
			worstS, worstD = max(worstS, errS/scaleS), max(worstD, errD/scaleD)
		}
		for _, row := range []struct {
			what string
			got  float64
		}{{"stress against energy", worstS}, {"tangent against stress", worstD}} {
			verify.Check{Suite: "mechanics", Case: "A5: law " + l.name, Quantity: row.what + ", relative",
				Source: "central differences", Got: row.got, Want: 0, Tol: 1e-6}.Run(t)
		}
	}
}

// Homogeneous deformations give the closed forms of fem-benchmarks.csv
// (UNIAX, EQUIBIAX, PURESHEAR, SIMPLESHEAR), incompressible: the free direction's
// stress is subtracted.
func TestHomogeneous(t *testing.T) {
	nh, mr := NeoHookean(30, 1e7), MooneyRivlin(20, 8, 1e7)
	for _, test := range []struct {
		name      string
		stretch   func(x float64) [3]float64
		x, nh, mr float64
	}{
		{"UNIAX", uniax, 1.1, 18.05454545, 16.41322314}, {"UNIAX", uniax, 1.3, 55.24615385, 48.16331361}, {"UNIAX", uniax, 1.6, 116.1, 96.75},
		{"EQUIBIAX", equibiax, 1.1, 31.61919268, 31.28192129}, {"EQUIBIAX", equibiax, 1.3, 80.3923322, 89.82503251}, {"EQUIBIAX", equibiax, 1.6, 144.4447266, 194.9040844},
		{"PURESHEAR", planar, 1.1, 23.01322314, 21.47900826}, {"PURESHEAR", planar, 1.3, 65.89704142, 61.50390533}, {"PURESHEAR", planar, 1.6, 130.1625, 121.485},
	} {
		for _, l := range []struct {
			name string
			law  Law
			want float64
		}{{"NH", nh, test.nh}, {"MR", mr, test.mr}} {
			s := test.stretch(test.x)
			sigma := Cauchy(l.law, &[3][3]float64{{s[0]}, {0, s[1]}, {0, 0, s[2]}}, nil)
			verify.Check{Suite: "mechanics", Case: fmt.Sprintf("%s, %s, λ = %g", test.name, l.name, test.x), Quantity: "Cauchy stress 11, kPa",
				Source: "fem-benchmarks.csv, closed form incompressible", Got: sigma[0] - sigma[2], Want: l.want, Tol: 1e-8 * l.want}.Run(t)
		}
	}
	for gamma, want := range map[float64][2]float64{0.1: {6, 5.6}, 0.4: {24, 22.4}, 0.8: {48, 44.8}} {
		f := [3][3]float64{{1, gamma, 0}, {0, 1, 0}, {0, 0, 1}}
		for n, l := range []Law{nh, mr} {
			verify.Check{Suite: "mechanics", Case: fmt.Sprintf("SIMPLESHEAR, %s, γ = %g", []string{"NH", "MR"}[n], gamma), Quantity: "Cauchy stress 12, kPa",
				Source: "fem-benchmarks.csv, closed form", Got: Cauchy(l, &f, nil)[3], Want: want[n], Tol: 1e-8 * want[n]}.Run(t)
		}
	}
}

func uniax(x float64) [3]float64    { return [3]float64{x, 1 / math.Sqrt(x), 1 / math.Sqrt(x)} }
func equibiax(x float64) [3]float64 { return [3]float64{x, x, 1 / (x * x)} }
func planar(x float64) [3]float64   { return [3]float64{x, 1, 1 / x} }

// A compressible bar with free sides finds its lateral stretch (UNIAX-C).
func TestUniaxialCompressible(t *testing.T) {
	for _, test := range []struct{ k, x, stress, lateral float64 }{
		{300, 1.1, 16.54214709, 0.9621850906}, {300, 1.3, 48.35848673, 0.9003126175}, {300, 1.6, 94.89183857, 0.8312022077},
		{3000, 1.1, 17.88685299, 0.9544095881}, {3000, 1.3, 54.41760042, 0.8797055452}, {3000, 1.6, 113.2433795, 0.7955275756},
	} {
		l := NeoHookean(30, test.k)
		lo, hi := 0.5, 1.0
		var s element.Tensor
		for range 100 {
			y := (lo + hi) / 2
			s = Cauchy(l, &[3][3]float64{{test.x}, {0, y}, {0, 0, y}}, nil)
			if s[1] > 0 {
				hi = y
			} else {
				lo = y
			}
		}
		name := fmt.Sprintf("UNIAX-C, NH K = %g, λ = %g", test.k, test.x)
		verify.Check{Suite: "mechanics", Case: name, Quantity: "Cauchy stress 11, kPa", Source: "fem-benchmarks.csv, closed form", Got: s[0], Want: test.stress, Tol: 1e-8 * test.stress}.Run(t)
		verify.Check{Suite: "mechanics", Case: name, Quantity: "lateral stretch", Source: "fem-benchmarks.csv, closed form", Got: lo, Want: test.lateral, Tol: 1e-8}.Run(t)
	}
}

// Fibres at ±40° around a cylinder's hoop direction stiffen extension along it
// as the derivative of (M.4) by hand says, and do nothing in compression.
func TestFibres(t *testing.T) {
	h := HGO{C10: 15, K1: 20, K2: 10, K: 1e7}
	c, s := math.Cos(deg(40)), math.Sin(deg(40))
	pair := []r3.Vec{{X: c, Z: s}, {X: c, Z: -s}}
	matrix := NeoHookean(15, 1e7)
	for _, x := range []float64{1.05, 1.2} {
		f := [3][3]float64{{x}, {0, 1 / x}, {0, 0, 1}}
		i4 := x*x*c*c + s*s
		want := 2 * 2 * h.K1 * (i4 - 1) * math.Exp(h.K2*(i4-1)*(i4-1)) * x * x * c * c
		with, without := Cauchy(h, &f, pair), Cauchy(matrix, &f, nil)
		axial := 2 * 2 * h.K1 * (i4 - 1) * math.Exp(h.K2*(i4-1)*(i4-1)) * s * s
		got := with[0] - without[0] - (with[1] - without[1])
		if math.Abs(got-want) > 1e-9*want {
			t.Errorf("λ = %g: hoop stress of fibres %.12g, want %.12g", x, got, want)
		}
		if got := with[2] - without[2] - (with[1] - without[1]); math.Abs(got-axial) > 1e-9*axial {
			t.Errorf("λ = %g: axial stress of fibres %.12g, want %.12g", x, got, axial)
		}
	}
	f := [3][3]float64{{0.9}, {0, 1 / 0.9}, {0, 0, 1}}
	if a, b := Cauchy(h, &f, pair), Cauchy(matrix, &f, nil); a != b {
		t.Errorf("compressed: %v, want the matrix' %v", a, b)
	}
}

// The library can be computed, is stable and names its sources. A softening
// solid is found out, and so is Lally's plaque without its stiffening terms.
func TestPublished(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range PublishedLaws() {
		if seen[p.Name] || p.Source == "" || p.Tissue == "" {
			t.Errorf("%+v: twice, or without a source", p)
		}
		seen[p.Name] = true
		if err := p.Law.Check(); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if nu := Poisson(p.Law); math.Abs(nu-0.495) > 1e-3 {
			t.Errorf("%s: ν = %g", p.Name, nu)
		}
		if err := Stable(p.Law, 1.5); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if _, ok := PublishedLaw(p.Name); !ok {
			t.Errorf("%s is not found by its name", p.Name)
		}
	}
	var e *InstabilityError
	if err := Stable(Polynomial{C10: 10, C20: -5, K: 1000}, 2); !errors.As(err, &e) || e.Stretch == [3]float64{} {
		t.Errorf("a softening Yeoh solid: %v", err)
	}
	if err := Stable(MooneyRivlin(-495.96, 506.61, 1000), 1.5); !errors.As(err, &e) {
		t.Errorf("Lally's plaque, first two constants: %v", err)
	}
}

// Constants that no solid has are refused.
func TestLawChecks(t *testing.T) {
	for _, l := range []Law{
		NeoHookean(0, 100), NeoHookean(-1, 100), NeoHookean(30, 0), NeoHookean(30, math.Inf(1)), NeoHookean(math.NaN(), 100),
		MooneyRivlin(-9, 8, 100), Exponential{1, -1, 2, 100}, HGO{C10: 15, K1: -1, K2: 1, K: 100}, HGO{C10: 15, K1: 1, K2: 0, K: 100},
		HGO{C10: 15, K1: 1, K2: 1, Kappa: 0.4, K: 100}, Linear{Elastic{1, 0.5}},
	} {
		if l.Check() == nil {
			t.Errorf("%+v passes", l)
		}
	}
	for _, l := range laws {
		if err := l.law.Check(); err != nil {
			t.Errorf("%s: %v", l.name, err)
		}
	}
}

// The stress of a stretched strip of fibrous tissue.
func ExampleCauchy() {
	p, _ := PublishedLaw("tang2004_wall")
	f := [3][3]float64{{1.1}, {0, 1}, {0, 0, 1 / 1.1}} // planar extension
	s := Cauchy(p.Law, &f, nil)
	fmt.Printf("%s: %.1f kPa\n", p.Tissue, s[0]-s[2])
	// Output: wall and fibrous plaque: 52.0 kPa
}
