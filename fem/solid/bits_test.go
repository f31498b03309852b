package solid

import (
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The same input gives the same bits on any number of processors, factorised and
// iterated, displacements and recovered stress (benchmark A10).
func TestSameBits(t *testing.T) {
	old := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(old)
	for _, direct := range []float64{2e10, 0} {
		var first *Fields
		for _, procs := range []int{1, 2, 8} {
			runtime.GOMAXPROCS(procs)
			m := lattice("tet10", [3]int{3, 3, 3}, r3.Vec{X: 1, Y: 1, Z: 1}, nil)
			b := uniform(m, material.NeoHookean(30, 3000), true)
			b.hold(nodesWhere(m, func(p r3.Vec) bool { return p.X == 0 }), 0, 1, 2)
			b.Pressures = []Pressure{{sidesWhere(m, func(p r3.Vec) bool { return p.Z == 1 }), 3}}
			set := DefaultSettings()
			set.Steps, set.Direct = 1, direct
			sol, err := b.Solve(t.Context(), set)
			if err != nil {
				t.Fatal(err)
			}
			f, err := sol.Fields(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = f
				continue
			}
			var differ float64
			if !slices.Equal(f.U, first.U) || !slices.Equal(f.Nodal, first.Nodal) || f.Energy != first.Energy {
				differ = 1
			}
			verify.Check{Suite: "mechanics", Case: "A10: tet10 block, finite strain", Quantity: "results that differ between processor counts",
				Source: "equal bits", Got: differ, Want: 0}.Run(t)
		}
	}
}
