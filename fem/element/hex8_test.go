package element

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// brick returns a unit cube with corners moved by up to noise.
func brick(noise float64, seed uint64) (x [8]r3.Vec) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for a, c := range Corners {
		x[a] = r3.Vec{X: c[0] / 2, Y: c[1] / 2, Z: c[2] / 2}
		x[a] = r3.Add(x[a], r3.Scale(noise, r3.Vec{X: rng.Float64() - 0.5, Y: rng.Float64() - 0.5, Z: rng.Float64() - 0.5}))
	}
	return x
}

// A single distorted element resists everything but the six rigid motions:
// there is no hourglass motion, whatever Poisson's ratio.
func TestZeroModes(t *testing.T) {
	for _, nu := range []float64{0, 0.3, 0.49, 0.4999} {
		x := brick(0.4, 7)
		var h Hex8
		if d := h.Set(&x); d <= 0 {
			t.Fatalf("Jacobian %g", d)
		}
		var law [Points]Lame
		for q := range law {
			law[q] = Moduli(600, nu)
		}
		var k [8][8][9]float64
		h.Stiffness(&k, &law)
		m := mat.NewSymDense(24, nil)
		for i := range 24 {
			for j := range 24 {
				v := k[i/3][j/3][3*(i%3)+j%3]
				if w := k[j/3][i/3][3*(j%3)+i%3]; math.Abs(v-w) > 1e-12*math.Abs(v) {
					t.Fatalf("ν = %g: not symmetric at %d, %d: %g, %g", nu, i, j, v, w)
				}
				m.SetSym(i, j, v)
			}
		}
		var eig mat.EigenSym
		if !eig.Factorize(m, false) {
			t.Fatal("eigenvalues failed")
		}
		v := eig.Values(nil)
		var zero int
		for _, l := range v {
			if math.Abs(l) < 1e-10*v[23] {
				zero++
			}
		}
		verify.Check{Suite: "mechanics", Case: fmt.Sprintf("A1: one distorted brick, ν = %g", nu), Quantity: "motions without energy",
			Source: "rigid motions of a body", Got: float64(zero), Want: 6}.Run(t)
		if v[6] <= 0 {
			t.Errorf("ν = %g: seventh eigenvalue %g", nu, v[6])
		}
	}
}

// The stiffness is the second derivative of the stored energy: ½ uᵀKu equals
// Σ ½ σ:ε V for any displacement.
func TestEnergyOfStiffness(t *testing.T) {
	x := brick(0.3, 3)
	var h Hex8
	h.Set(&x)
	rng := rand.New(rand.NewPCG(1, 2))
	var law [Points]Lame
	for q := range law {
		law[q] = Moduli(10+1000*rng.Float64(), 0.3+0.19*rng.Float64())
	}
	var k [8][8][9]float64
	h.Stiffness(&k, &law)
	var u [8]r3.Vec
	for a := range u {
		u[a] = r3.Vec{X: rng.Float64(), Y: rng.Float64(), Z: rng.Float64()}
	}
	var fromK, fromPoints float64
	for a := range u {
		for b := range u {
			ua, ub := [3]float64{u[a].X, u[a].Y, u[a].Z}, [3]float64{u[b].X, u[b].Y, u[b].Z}
			for i := range 3 {
				for j := range 3 {
					fromK += ua[i] * k[a][b][3*i+j] * ub[j] / 2
				}
			}
		}
	}
	for q := range Points {
		e := h.Strain(&u, q)
		fromPoints += Energy(law[q].Stress(e), e) * h.Weight[q]
	}
	if math.Abs(fromK-fromPoints) > 1e-12*fromK {
		t.Errorf("½ uᵀKu = %.15g, Σ W V = %.15g", fromK, fromPoints)
	}
}

// Principal values are the eigenvalues of the tensor, also when two or all
// three are equal.
func TestPrincipal(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	cases := []Tensor{{}, {3, 3, 3, 0, 0, 0}, {2, 2, 7, 0, 0, 0}, {1, 1, 1, 1, 1, 1}, {-5, 0, 0, 0, 0, 0}}
	for range 200 {
		var s Tensor
		for i := range s {
			s[i] = 200 * (rng.Float64() - 0.5)
		}
		cases = append(cases, s)
	}
	for _, s := range cases {
		var eig mat.EigenSym
		eig.Factorize(mat.NewSymDense(3, []float64{s[0], s[3], s[5], s[3], s[1], s[4], s[5], s[4], s[2]}), false)
		want := eig.Values(nil)
		got := s.Principal()
		for i := range 3 {
			if math.Abs(got[i]-want[2-i]) > 1e-6*(1+math.Abs(want[2])+math.Abs(want[0])) {
				t.Errorf("%v: got %v, want %v", s, got, want)
			}
		}
		if g, w := s.VonMises(), math.Sqrt(((want[0]-want[1])*(want[0]-want[1])+(want[1]-want[2])*(want[1]-want[2])+(want[2]-want[0])*(want[2]-want[0]))/2); math.Abs(g-w) > 1e-9*(1+w) {
			t.Errorf("%v: von Mises %g, want %g", s, g, w)
		}
	}
}

// The loads of a uniform pressure on the closed surface of a distorted brick
// have neither a resultant nor a moment (benchmark A6).
func TestClosedSurface(t *testing.T) {
	x := brick(0.4, 11)
	faces := [6][4]int{{0, 3, 2, 1}, {4, 5, 6, 7}, {0, 1, 5, 4}, {1, 2, 6, 5}, {2, 3, 7, 6}, {3, 0, 4, 7}}
	var force, moment r3.Vec
	const p = 16
	for _, f := range faces {
		corner := [4]r3.Vec{x[f[0]], x[f[1]], x[f[2]], x[f[3]]}
		for a, v := range Traction(corner, p) {
			force = r3.Add(force, v)
			moment = r3.Add(moment, r3.Cross(corner[a], v))
		}
	}
	verify.Check{Suite: "mechanics", Case: "A6: uniform pressure on a closed surface", Quantity: "resultant force over p·area",
		Source: "equilibrium", Got: r3.Norm(force) / (6 * p), Want: 0, Tol: 1e-12}.Run(t)
	verify.Check{Suite: "mechanics", Case: "A6: uniform pressure on a closed surface", Quantity: "resultant moment over p·area·mm",
		Source: "equilibrium", Got: r3.Norm(moment) / (6 * p), Want: 0, Tol: 1e-12}.Run(t)
}

// The scaled Jacobian is 1 for a box of any size and negative for an inverted
// element.
func TestScaledJacobian(t *testing.T) {
	x := brick(0, 1)
	for a := range x {
		x[a] = r3.Vec{X: 3 * x[a].X, Y: 0.1 * x[a].Y, Z: x[a].Z}
	}
	if j := ScaledJacobian(&x); math.Abs(j-1) > 1e-12 {
		t.Errorf("box: %g, want 1", j)
	}
	x[0], x[1] = x[1], x[0]
	if j := ScaledJacobian(&x); j >= 0 {
		t.Errorf("inverted: %g, want below 0", j)
	}
}

func BenchmarkStiffness(b *testing.B) {
	x := brick(0.2, 1)
	var law [Points]Lame
	for q := range law {
		law[q] = Moduli(600, 0.49)
	}
	var k [8][8][9]float64
	b.ReportAllocs()
	for b.Loop() {
		var h Hex8
		h.Set(&x)
		h.Stiffness(&k, &law)
	}
}

// A brick under uniaxial stretch at constant volume: the strain at any
// quadrature point is the imposed one.
func ExampleHex8() {
	var x, u [8]r3.Vec
	for a, c := range Corners {
		x[a] = r3.Vec{X: c[0], Y: c[1], Z: c[2]} // mm
		u[a] = r3.Vec{X: 0.01 * c[0], Y: -0.005 * c[1], Z: -0.005 * c[2]}
	}
	var h Hex8
	h.Set(&x)
	strain := h.Strain(&u, 0)
	stress := Moduli(600, 0.49).Stress(strain)
	fmt.Printf("volume %.0f mm³, stretch %.3f, stress %.2f kPa\n", h.Volume, strain[0], stress.Principal()[0])
	// Output: volume 8 mm³, stretch 0.010, stress 4.03 kPa
}
