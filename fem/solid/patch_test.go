package solid

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// spread returns the largest deviation of the stress at any point from want.
func spread(t *testing.T, sol *Solution, want element.Tensor) float64 {
	t.Helper()
	s := sol.sys
	var worst float64
	pressure, _, err := s.dilate(t.Context(), state{sol.U, sol.alpha})
	if err != nil {
		t.Fatal(err)
	}
	var w work
	for e := range s.Mesh.Cells() {
		if err := s.evaluate(&w, e, state{sol.U, sol.alpha}, pressure, false); err != nil {
			t.Fatal(err)
		}
		for q := range w.c.Ref.Xi {
			got := w.c.Cauchy(s.Laws[s.Of[e]], q, s.Finite)
			for i := range got {
				worst = max(worst, math.Abs(got[i]-want[i]))
			}
		}
	}
	return worst
}

// A linear displacement on the boundary of distorted elements gives the same
// strain everywhere (benchmark A2, MacNeal and Harder 1985), for every element,
// and so do the tractions that belong to it.
func TestPatch(t *testing.T) {
	for _, kind := range kinds {
		for _, nu := range []float64{0.25, 0.4999} {
			m := patchMesh(kind)
			b := uniform(m, elastic(1e6, nu), false)
			for n, p := range m.Nodes {
				onFace := func(v float64) bool { return v < 1e-9 || v > 1-1e-9 }
				if onFace(p.X) || onFace(p.Y) || onFace(p.Z) {
					for i, v := range []float64{2*p.X + p.Y + p.Z, p.X + 2*p.Y + p.Z, p.X + p.Y + 2*p.Z} {
						b.Fixed = append(b.Fixed, Fix{int32(n), uint8(i), 1e-3 * v / 2})
					}
				}
			}
			l := element.Moduli(1e6, nu)
			want := l.Stress(element.Tensor{1e-3, 1e-3, 1e-3, 5e-4, 5e-4, 5e-4})
			// The linear solve loses the digits of K over μ.
			tol := 1e-10 * want[0]
			if nu > 0.49 {
				tol *= 100
			}
			verify.Check{Suite: "mechanics", Case: "A2: MH-PATCH, " + kind + ", given displacements, ν = " + ftoa(nu), Quantity: "largest stress error over 2000",
				Source: "MacNeal and Harder 1985", Got: spread(t, solve(t, b, 1), want) / want[0], Want: 0, Tol: tol / want[0]}.Run(t)
			if nu == 0.25 && (math.Abs(want[0]-2000) > 1e-9 || math.Abs(want[3]-400) > 1e-9) {
				t.Errorf("the reference stress is %v, not 2000 and 400", want)
			}
			// The same by tractions σn, with six components held.
			b = uniform(m, elastic(1e6, nu), false)
			for axis := range 3 {
				for _, end := range []float64{0, 1} {
					in := func(p r3.Vec) bool { return math.Abs([3]float64{p.X, p.Y, p.Z}[axis]-end) < 1e-9 }
					row := [3][3]int{{0, 3, 5}, {3, 1, 4}, {5, 4, 2}}[axis]
					v := r3.Scale(2*end-1, r3.Vec{X: want[row[0]], Y: want[row[1]], Z: want[row[2]]})
					b.Tractions = append(b.Tractions, Traction{sidesWhere(m, in), v})
				}
			}
			o, x, y := int32(nearest(m, r3.Vec{})), int32(nearest(m, r3.Vec{X: 1})), int32(nearest(m, r3.Vec{Y: 1}))
			b.hold([]int32{o}, 0, 1, 2)
			b.hold([]int32{x}, 1, 2)
			b.hold([]int32{y}, 2)
			verify.Check{Suite: "mechanics", Case: "A2: MH-PATCH, " + kind + ", given tractions, ν = " + ftoa(nu), Quantity: "largest stress error over 2000",
				Source: "MacNeal and Harder 1985", Got: spread(t, solve(t, b, 1), want) / want[0], Want: 0, Tol: tol / want[0]}.Run(t)
		}
	}
}

// A homogeneous finite deformation of the boundary goes through distorted
// elements, and the stress is the law's (benchmark A3).
func TestFinitePatch(t *testing.T) {
	f := [3][3]float64{{1.2, .15, 0}, {.05, .9, .1}, {0, .1, 1.1}}
	for _, kind := range kinds {
		for name, law := range map[string]material.Law{"neo-Hooke": material.NeoHookean(30, 3000), "exponential": material.Exponential{C1: 36.8, D1: 14.4, D2: 2, K: 3280}} {
			m := patchMesh(kind)
			b := uniform(m, law, true)
			for n, p := range m.Nodes {
				onFace := func(v float64) bool { return v < 1e-9 || v > 1-1e-9 }
				if onFace(p.X) || onFace(p.Y) || onFace(p.Z) {
					x := [3]float64{p.X, p.Y, p.Z}
					for i := range 3 {
						b.Fixed = append(b.Fixed, Fix{int32(n), uint8(i), f[i][0]*x[0] + f[i][1]*x[1] + f[i][2]*x[2] - x[i]})
					}
				}
			}
			sol := solve(t, b, 4)
			want := material.Cauchy(law, &f, nil)
			scale := math.Abs(want[0]) + math.Abs(want[1]) + math.Abs(want[2])
			verify.Check{Suite: "mechanics", Case: "A3: finite patch, " + kind + ", " + name, Quantity: "largest stress error, relative",
				Source: "the law at that deformation", Got: spread(t, sol, want) / scale, Want: 0, Tol: 1e-9}.Run(t)
		}
	}
}

func ftoa(x float64) string { return fmt.Sprintf("%g", x) }
