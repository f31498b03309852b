package fem

import (
	"fmt"
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

// A long tube that nothing holds is pulled at both ends: its rigid motions, for
// which E is singular, are left out. Near ν = ½ its pressure is an unknown.
func TestLongBodyFree(t *testing.T) {
	for _, nu := range []float64{0.3, 0.4999} {
		if testing.Short() && nu > 0.49 {
			continue
		}
		p, m := cantilever(t, mesh.Sizes{Around: 24, Through: 2, Axial: 3, Grading: 1, MinWall: 0.1, MinJacobian: 0.1}, nu)
		p.Fixed = nil
		for n := range p.Load {
			p.Load[n] = r3.Vec{}
		}
		for _, k := range []int{0, m.Along} {
			for j := range m.Around {
				for i := range m.Through {
					face := [4]int{m.Node(i, j, k), m.Node(i+1, j, k), m.Node(i+1, j+1, k), m.Node(i, j+1, k)}
					var x [4]r3.Vec
					for a, n := range face {
						x[a] = m.Nodes[n]
					}
					for a, f := range element.Traction(x, -1) { // a tension of 1 kPa
						if k == 0 {
							f = r3.Scale(-1, f)
						}
						p.Load[face[a]] = r3.Add(p.Load[face[a]], f)
					}
				}
			}
		}
		sol, err := p.Solve(t.Context(), 1e-8, 2000)
		if err != nil {
			t.Fatal(err)
		}
		var got float64
		for j := range m.Around {
			got += (sol.U[m.Node(0, j, m.Along)].Z - sol.U[m.Node(0, j, 0)].Z) / float64(m.Around)
		}
		verify.Check{Suite: suite, Case: "free tube of 150 mm, pulled at both ends", Quantity: fmt.Sprintf("extension, ν = %g, mm", nu),
			Source: "σ L / E", Got: got, Want: 150.0 / 600, Tol: 1e-6 * 150 / 600}.Run(t)
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
		sameBits(t, workers, sol, first)
	}
}
