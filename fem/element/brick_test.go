package element_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// distorted returns a brick and displacements of its corners.
func distorted(seed uint64) (x, u [8]r3.Vec) {
	rng := rand.New(rand.NewPCG(seed, 1))
	move := func() float64 { return 0.3 * (rng.Float64() - 0.5) }
	for a, c := range element.Corners {
		x[a] = r3.Vec{X: 0.7*c[0] + move(), Y: 0.5*c[1] + move(), Z: 0.4*c[2] + move()}
		u[a] = r3.Vec{X: 0.1*x[a].X + 0.1*x[a].Y + move()/3, Y: -0.05*x[a].Y + move()/3, Z: 0.05*x[a].X + move()/3}
	}
	return x, u
}

var brickLaws = []struct {
	name string
	law  element.Law
	dirs []r3.Vec
}{
	{"neo-Hooke", material.NeoHookean(30, 3000), nil},
	{"Mooney and Rivlin", material.MooneyRivlin(20, 8, 3000), nil},
	{"exponential", material.Exponential{C1: 36.8, D1: 14.4, D2: 2, K: 3000}, nil},
	{"fibres", material.HGO{C10: 15, K1: 20, K2: 10, K: 3000}, []r3.Vec{{X: 0.8, Y: 0.6}, {X: 0.8, Z: -0.6}}},
}

// The kernel of vessels and the element of any mesh, written apart, agree on
// energy, forces and stiffness.
func TestBrickIsContinuum(t *testing.T) {
	for n, l := range brickLaws {
		x, u := distorted(uint64(n))
		var b element.Brick
		b.Set(&x)
		for q := range b.Law {
			b.Law[q] = element.PointLaw{Law: l.law, Scale: 1, Bulk: l.law.Bulk(), Dirs: l.dirs}
		}
		if err := b.Evaluate(&u, element.FullTangent); err != nil {
			t.Fatal(err)
		}
		var c element.Continuum
		c.Set(element.Of(element.Brick8, false), x[:])
		in := element.Input{Law: l.law, Fibres: l.dirs, Finite: true}
		for a := range u {
			in.U = append(in.U, u[a].X, u[a].Y, u[a].Z)
		}
		if err := c.Evaluate(&in, true); err != nil {
			t.Fatal(err)
		}
		worst := math.Abs(b.Energy-c.Energy) / c.Energy
		var force, stiff float64
		for i, v := range c.Force {
			force = max(force, math.Abs(v))
			for j := range c.Force {
				stiff = max(stiff, math.Abs(c.Stiff[24*i+j]))
			}
		}
		for a := range 8 {
			for i := range 3 {
				worst = max(worst, math.Abs(b.Force[a][i]-c.Force[3*a+i])/force)
				for m := a; m < 8; m++ {
					for j := range 3 {
						worst = max(worst, math.Abs(b.Stiff[a][m][3*i+j]-c.Stiff[24*(3*a+i)+3*m+j])/stiff)
					}
				}
			}
		}
		if !(worst < 1e-12) {
			t.Errorf("%s: apart by %g", l.name, worst)
		}
		for q := range element.Points {
			s, r := b.Cauchy(q), c.Cauchy(l.law, q, true)
			for i := range s {
				if math.Abs(s[i]-r[i]) > 1e-10*r.VonMises() {
					t.Errorf("%s: stress %v, want %v", l.name, s, r)
				}
			}
		}
	}
}

// Forces are the derivative of the energy and stiffness that of the forces, with
// laws that change from point to point and a stretch of the reference shape (A5).
func TestBrickDerivatives(t *testing.T) {
	x, u := distorted(11)
	var b element.Brick
	b.Set(&x)
	b.Pre = &[3][3]float64{{1.2, 0.1, 0}, {0.1, 0.9, 0}, {0, 0, 1 / (1.2*0.9 - 0.01)}}
	for q := range b.Law {
		l := brickLaws[q%4]
		b.Law[q] = element.PointLaw{Law: l.law, Scale: 1 + 0.3*float64(q), Bulk: 500 + 100*float64(q), Dirs: l.dirs}
	}
	at := func(a, i int, h float64) element.Brick {
		z, c := u, b
		v := [3]*float64{&z[a].X, &z[a].Y, &z[a].Z}
		*v[i] += h
		if err := c.Evaluate(&z, element.NoTangent); err != nil {
			t.Fatal(err)
		}
		return c
	}
	if err := b.Evaluate(&u, element.FullTangent); err != nil {
		t.Fatal(err)
	}
	const h = 1e-5
	var force, stiff, fmax, kmax float64
	for a := range 8 {
		for i := range 3 {
			up, down := at(a, i, h), at(a, i, -h)
			force = max(force, math.Abs((up.Energy-down.Energy)/(2*h)-b.Force[a][i]))
			fmax = max(fmax, math.Abs(b.Force[a][i]))
			for m := range a + 1 {
				for j := range 3 {
					k := b.Stiff[m][a][3*j+i]
					stiff = max(stiff, math.Abs((up.Force[m][j]-down.Force[m][j])/(2*h)-k))
					kmax = max(kmax, math.Abs(k))
				}
			}
		}
	}
	check := func(quantity string, got float64) {
		verify.Check{Suite: "mechanics", Case: "A5: brick of mixed laws, stretched before", Quantity: quantity, Source: "central differences", Got: got, Want: 0, Tol: 1e-6}.Run(t)
	}
	check("forces against differences of the energy, relative", force/fmax)
	check("stiffness against differences of the forces, relative", stiff/kmax)
}

// A brick turned inside out is an error.
func TestBrickInverted(t *testing.T) {
	x, u := distorted(3)
	d := r3.Sub(x[6], x[0])
	u[0], u[6] = d, r3.Scale(-1, d)
	var b element.Brick
	b.Set(&x)
	for q := range b.Law {
		b.Law[q] = element.PointLaw{Law: brickLaws[0].law, Scale: 1, Bulk: 1}
	}
	if b.Evaluate(&u, element.NoTangent) == nil {
		t.Error("no error")
	}
}

func BenchmarkBrick(bench *testing.B) {
	x, u := distorted(1)
	for _, l := range brickLaws {
		bench.Run(l.name, func(bench *testing.B) {
			var b element.Brick
			for q := range b.Law {
				b.Law[q] = element.PointLaw{Law: l.law, Scale: 1, Bulk: 3000, Dirs: l.dirs}
			}
			bench.ReportAllocs()
			for bench.Loop() {
				b.Set(&x)
				if err := b.Evaluate(&u, element.FullTangent); err != nil {
					bench.Fatal(err)
				}
			}
		})
	}
}
