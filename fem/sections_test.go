package fem

import (
	"math"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// cantilever is a tube of 150 mm, clamped at one end and pulled sideways at the
// other with a force of 1 mN.
func cantilever(t *testing.T, sizes mesh.Sizes, nu float64) (*Problem, *mesh.Swept) {
	t.Helper()
	m, err := mesh.Sweep(t.Context(), tube(150, 0, 1.5, 2.5, 0), 0, 150, sizes)
	if err != nil {
		t.Fatal(err)
	}
	p := NewProblem(&m.Mesh, element.Moduli(600, nu))
	p.Lattice = &sparse.Lattice{N: [3]int{m.Through + 1, m.Around, m.Along + 1}, Ring: true}
	tip := float64(m.Around * (m.Through + 1))
	for j := range m.Around {
		for i := range m.Through + 1 {
			p.Clamp(m.Node(i, j, 0))
			p.Load[m.Node(i, j, m.Along)] = r3.Vec{Y: 1 / tip}
		}
	}
	return p, m
}

// A long tube bends as a beam does, and few iterations find it, although coarse
// lattices resist so soft a motion and single precision rounds it away.
func TestLongBody(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const length, in, out, young = 150, 1.5, 2.5, 600.0
	for _, nu := range []float64{0.3, 0.45} {
		p, m := cantilever(t, mesh.Sizes{Around: 48, Through: 4, Axial: 1, Grading: 1, MinWall: 0.1, MinJacobian: 0.1}, nu)
		sol, err := p.Solve(t.Context(), 1e-6, 200)
		if err != nil {
			t.Fatal(err)
		}
		if sol.Iterations > 60 {
			t.Errorf("ν = %g: %d iterations, limit 60", nu, sol.Iterations)
		}
		area, second := math.Pi*(out*out-in*in), math.Pi/4*(out*out*out*out-in*in*in*in)
		ratio := (in / out) * (in / out)
		shear := 6 * (1 + nu) * (1 + ratio) * (1 + ratio) / ((7+6*nu)*(1+ratio)*(1+ratio) + (20+12*nu)*ratio)
		want := length*length*length/(3*young*second) + length*2*(1+nu)/(shear*young*area)
		var got float64
		for j := range m.Around {
			got += sol.U[m.Node(1, j, m.Along)].Y / float64(m.Around)
		}
		verify.Check{Suite: suite, Case: "cantilever tube of 150 mm, radii 1.5 and 2.5 mm", Quantity: "deflection under 1 mN, mm",
			Source: "Timoshenko's beam, shear coefficient of Cowper (1966)", Got: got, Want: want, Tol: 0.015 * want}.Run(t)
	}
}

// The bending of a long tube has the same bits on any number of processors.
func TestLongBodyBits(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	p, _ := cantilever(t, mesh.Sizes{Around: 16, Through: 2, Axial: 3, Grading: 1, MinWall: 0.1, MinJacobian: 0.1}, 0.45)
	var first *Solution
	for _, workers := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(workers)
		sol, err := p.Solve(t.Context(), 1e-8, 200)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = sol
		}
		for n, u := range sol.U {
			if u != first.U[n] {
				t.Fatalf("%d processors: node %d moves by %v, before %v", workers, n, u, first.U[n])
			}
		}
	}
}
