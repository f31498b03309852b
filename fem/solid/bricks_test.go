package solid

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// bricksOf returns the system of bricks of b, told to forget its lattice if not
// wanted.
func bricksOf(t *testing.T, b *Body, lattice bool) *bricks {
	t.Helper()
	s := newSystem(b)
	if s.bricks == nil || s.bricks.lattice == nil {
		t.Fatal("the bricks or their lattice were not seen")
	}
	if !lattice {
		s.bricks.lattice = nil
		s.bricks.number()
	}
	return s.bricks
}

// Lamé's cylinder by the system of bricks, on the lattice that is found and by
// aggregation: ν = 0.4999, with pressures of cells as unknowns, must not lock.
func TestBricksLame(t *testing.T) {
	for _, test := range []struct {
		name string
		nu   float64
	}{{"LAME-PE", 0.3}, {"LAME-PE-nu0.45", 0.45}, {"LAME-PE-nu0.4999", 0.4999}} {
		if testing.Short() && test.nu != 0.45 {
			continue
		}
		b := quarter("hex8", []float64{1.5, 2.5}, 32, 24, 3, 0.3, []material.Law{elastic(500, test.nu)}, false)
		b.Pressures = []Pressure{{lumen(b.Mesh, 1.5), 16}}
		for _, lattice := range []bool{true, false} {
			how := "hex8, 32 × 24 × 3, aggregation"
			if lattice {
				how = "hex8, 32 × 24 × 3, lattice"
			}
			sol, err := bricksOf(t, b, lattice).solve(t.Context(), DefaultSettings())
			if err != nil {
				t.Fatalf("%s, %s: %v", test.name, how, err)
			}
			t.Logf("%s, %s: %d iterations", test.name, how, sol.Linear)
			f, err := sol.Fields(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, at := range []struct {
				r    float64
				name string
			}{{1.5, "r=1.5"}, {2.5, "r=2.5"}} {
				p := r3.Scale(at.r, ray)
				s, u := f.at(t, r3.Add(p, r3.Vec{Z: 0.15}), 0)
				_, tt, _ := polar(s.Stress, p)
				compare(t, test.name, how, "u_r", at.name, r3.Dot(u, ray))
				compare(t, test.name, how, "stt", at.name, tt)
				compare(t, test.name, how, "vm", at.name, s.Stress.VonMises())
			}
			compare(t, test.name, how, "strain_energy_per_length", "all", 4*f.Energy/0.3)
		}
	}
}

// A body of two materials on springs, with prescribed displacements, dead forces
// and a node of no cell, comes out as by the general system, reactions and energy
// too, whatever the order of the nodes.
func TestBricksGeneral(t *testing.T) {
	b := quarter("hex8", []float64{1.5, 2, 2.5}, 8, 12, 12, 2, []material.Law{elastic(500, 0.45), material.NeoHookean(3, 100)}, false)
	m := b.Mesh
	m.Nodes = append(m.Nodes, r3.Vec{X: 9})
	b.Pressures = []Pressure{{lumen(m, 1.5), 16}}
	b.Springs = []Spring{{lumen(m, 2.5), 30}}
	for n, f := range b.Fixed {
		if f.Axis == 2 && m.Nodes[f.Node].Z > 1 {
			b.Fixed[n].Value = 0.1
		}
	}
	b.Force = make([]float64, 3*len(m.Nodes))
	b.Force[3*(len(m.Nodes)/2)] = 2
	general := *b
	general.Fibres = make([][]r3.Vec, m.Cells()) // which no law asks for
	want, err := general.Solve(t.Context(), DefaultSettings())
	if err != nil || want.sys.bricks != nil {
		t.Fatalf("general system: %v", err)
	}
	all, err := want.Fields(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, lattice := range []bool{true, false} {
		sol, err := bricksOf(t, b, lattice).solve(t.Context(), DefaultSettings())
		if err != nil {
			t.Fatal(err)
		}
		got, err := sol.Fields(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("lattice %v: %d iterations, residual %.1e", lattice, sol.Linear, sol.Residual)
		near := func(what string, a, b []float64) {
			var worst, scale float64
			for i, v := range b {
				worst, scale = max(worst, math.Abs(v-a[i])), max(scale, math.Abs(v))
			}
			if !(worst <= 1e-5*scale) { // residuals are 1e-8
				t.Errorf("lattice %v: %s differs by %g of %g", lattice, what, worst, scale)
			}
		}
		near("displacement", sol.U, want.U)
		near("force", sol.Force, want.Force)
		near("energy", []float64{sol.Energy}, []float64{want.Energy})
		for q := range all.Samples {
			var x, y [values]float64
			got.Samples[q].get(&x)
			all.Samples[q].get(&y)
			near("sample", x[:6], y[:6])
			near("strain", x[6:], y[6:])
		}
	}
}

// The same input gives the same bits on any number of processors (A10).
func TestBricksBits(t *testing.T) {
	old := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(old)
	for _, lattice := range []bool{true, false} {
		var first *Fields
		var differ float64
		for _, procs := range []int{1, 2, 8} {
			runtime.GOMAXPROCS(procs)
			b := quarter("hex8", []float64{1.5, 2.5}, 6, 16, 21, 2, []material.Law{elastic(500, 0.45)}, false)
			b.Pressures = []Pressure{{lumen(b.Mesh, 1.5), 16}}
			sol, err := bricksOf(t, b, lattice).solve(t.Context(), DefaultSettings())
			if err != nil {
				t.Fatal(err)
			}
			f, err := sol.Fields(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = f
			} else if !slices.Equal(f.U, first.U) || !slices.Equal(f.Nodal, first.Nodal) || f.Energy != first.Energy {
				differ++
			}
		}
		how := "aggregation"
		if lattice {
			how = "lattice"
		}
		verify.Check{Suite: "mechanics", Case: "A10: bricks, " + how, Quantity: "results that differ between processor counts",
			Source: "equal bits", Got: differ, Want: 0}.Run(t)
	}
}
