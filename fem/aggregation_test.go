package fem

import (
	"context"
	"math"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// contrast is a tube of 20 mm in n[0] layers, n[1] elements around and n[2]
// along, of E 600 kPa with a soft core of E 10 and calcium of E 1e4, under 16 kPa
// between sliding ends.
func contrast(t testing.TB, n [3]int, nu float64) *Problem {
	t.Helper()
	const length = 20
	m, err := mesh.Sweep(context.Background(), tube(length, 0, 1.5, 2.6, 0.1), 0, length,
		mesh.Sizes{Around: n[1], Through: n[0], Axial: length / float64(n[2]), Grading: 2, MinWall: 0.1, MinJacobian: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	p := NewProblem(&m.Mesh, element.Lame{})
	p.Lattice = &sparse.Lattice{N: [3]int{m.Through + 1, m.Around, m.Along + 1}, Ring: true}
	for e := range m.Cells {
		c := r3.Sub(m.Centre(e), r3.Vec{X: 10, Y: -20, Z: 30 + length/2})
		young := 600.0
		switch {
		case math.Abs(c.Z) > 5:
		case math.Hypot(c.X-2.1, c.Y) < 0.4:
			young = 10
		case math.Hypot(c.X+2, c.Y) < 0.4:
			young = 1e4
		}
		for q := range p.Law[e] {
			p.Law[e][q] = element.Moduli(young, nu)
		}
	}
	p.Press(m.Inner(), 16)
	for _, k := range []int{0, m.Along} {
		for j := range m.Around {
			for i := range m.Through + 1 {
				p.Slide(m.Node(i, j, k), r3.Vec{Z: 1})
			}
		}
	}
	return p
}

// Multigrid by aggregation, which knows nothing of the lattice, solves plaque
// contrast in few iterations, to the same displacement as geometric multigrid
// and with the same bits on any number of processors.
func TestAggregation(t *testing.T) {
	slowRace(t)
	size := [3]int{4, 24, 38}
	if !testing.Short() {
		size = [3]int{8, 48, 76}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, test := range []struct {
		nu    float64
		limit int
	}{{0.45, 50}, {0.49, 90}} {
		p := contrast(t, size, test.nu)
		geometric, err := p.Solve(context.Background(), 1e-8, 200)
		if err != nil {
			t.Fatal(err)
		}
		p.Lattice = nil
		var first *Solution
		for _, workers := range []int{2, 1, 8} {
			if first != nil && test.nu != 0.45 {
				break
			}
			runtime.GOMAXPROCS(workers)
			sol, err := p.Solve(context.Background(), 1e-8, 200)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = sol
			}
			sameBits(t, workers, sol, first)
		}
		t.Logf("%d unknowns, ν = %g: %d iterations by aggregation, %d geometric", first.Unknowns, test.nu, first.Iterations, geometric.Iterations)
		if first.Iterations > test.limit {
			t.Errorf("ν = %g: %d iterations, limit %d", test.nu, first.Iterations, test.limit)
		}
		verify.Check{Suite: suite, Case: "plaque contrast, ν = 0.45 or 0.49: two preconditioners, one displacement", Quantity: "work of the pressure, µJ",
			Source: "geometric multigrid", Got: first.Work, Want: geometric.Work, Tol: 1e-7 * geometric.Work}.Run(t)
	}
}

// sameBits tells of the first node that moves otherwise on that many processors.
func sameBits(t *testing.T, workers int, got, want *Solution) {
	t.Helper()
	for n, u := range got.U {
		if u != want.U[n] {
			t.Fatalf("%d processors: node %d moves by %v, before %v", workers, n, u, want.U[n])
		}
	}
}
