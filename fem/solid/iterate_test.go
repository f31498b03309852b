package solid

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/material"
)

// Iterated and factorised systems give the same displacement, for all elements,
// in small and finite strain, and the iterations stay few.
func TestIterated(t *testing.T) {
	for _, kind := range kinds {
		for _, finite := range []bool{false, true} {
			if testing.Short() && finite {
				continue
			}
			n := 6
			if kind == "hex20" || kind == "tet10" {
				n = 3
			}
			m := lattice(kind, [3]int{n, n, n}, r3.Vec{X: 1, Y: 1, Z: 1}, nil)
			b := uniform(m, material.NeoHookean(30, 3000), finite)
			b.hold(nodesWhere(m, func(p r3.Vec) bool { return p.X == 0 }), 0, 1, 2)
			b.Pressures = []Pressure{{sidesWhere(m, func(p r3.Vec) bool { return p.Z == 1 }), 3}}
			set := DefaultSettings()
			set.Steps = 1
			direct, err := b.Solve(t.Context(), set)
			if err != nil {
				t.Fatal(err)
			}
			set.Direct = 0
			iterated, err := b.Solve(t.Context(), set)
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			var worst, scale float64
			for i, v := range direct.U {
				worst, scale = max(worst, math.Abs(v-iterated.U[i])), max(scale, math.Abs(v))
			}
			t.Logf("%s, finite %v: %d Newton, %d linear iterations", kind, finite, iterated.Newton, iterated.Linear)
			if worst > 1e-6*scale {
				t.Errorf("%s: displacements differ by %g of %g", kind, worst, scale)
			}
			if per := iterated.Linear / iterated.Newton; per > 200 {
				t.Errorf("%s: %d iterations per linear solve", kind, per)
			}
		}
	}
}
