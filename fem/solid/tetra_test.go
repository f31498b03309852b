package solid

import (
	"fmt"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The stress on the surface of tetrahedra of constant strain, where only a fit
// over several layers says more than the scatter of the elements.
func TestTetraSurface(t *testing.T) {
	for _, nu := range []float64{0.3, 0.49} {
		b := quarter("tet4", []float64{1.5, 2.5}, 12, 18, 3, 0.25, []material.Law{elastic(500, nu)}, false)
		b.Pressures = []Pressure{{lumen(b.Mesh, 1.5), 16}}
		f := fieldsOf(t, b, 1)
		for _, at := range []struct{ r, want, tol float64 }{{1.5, 34, 0.05}, {2.5, 18, 0.05}} {
			p := r3.Scale(at.r, ray)
			s, _ := f.at(t, r3.Add(p, r3.Vec{Z: 0.125}), 0)
			_, hoop, _ := polar(s.Stress, p)
			verify.Check{Suite: "mechanics", Case: fmt.Sprintf("LAME-PE, ν = %g, tet4, 12 × 18", nu), Quantity: fmt.Sprintf("hoop stress on the surface at r = %g, kPa", at.r),
				Source: "fem-benchmarks.csv, closed form", Got: hoop, Want: at.want, Tol: at.tol * at.want}.Run(t)
		}
	}
}
