package voxel

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/material"
)

// plane is the half space below a plane with that normal.
func plane(at, normal r3.Vec) func(r3.Vec) float64 {
	return func(p r3.Vec) float64 { return r3.Dot(normal, r3.Sub(p, at)) }
}

// section is a slice between z = 0 and z = height across tubes along z, around the
// axis through the origin, under 16 kPa.
func section(h, height, outer float64, lumen, tissue func(r3.Vec) float64, wall, core material.Elastic) *Body {
	n := int(math.Ceil(2*outer/h)) + 2
	return &Body{
		Origin: r3.Vec{X: -float64(n) / 2 * h, Y: -float64(n) / 2 * h}, Axes: [3]r3.Vec{{X: 1}, {Y: 1}, {Z: 1}},
		Cells: [3]int{n, n, int(math.Round(height / h))}, Spacing: h,
		Surfaces: []Surface{
			{Distance: func(p r3.Vec) float64 { return math.Hypot(p.X, p.Y) - outer }},
			{Distance: lumen, Pressure: 16},
			{Distance: plane(r3.Vec{}, r3.Vec{Z: -1}), Slide: true},
			{Distance: plane(r3.Vec{Z: height}, r3.Vec{Z: 1}), Slide: true},
		},
		Tissue: func(p r3.Vec) material.Elastic {
			if tissue(p) < 0 {
				return core
			}
			return wall
		},
	}
}

func nothing(r3.Vec) float64 { return 1 }

func tube(h, height, nu float64) *Body {
	e := material.Elastic{Young: 500, Poisson: nu}
	return section(h, height, 2.5, func(p r3.Vec) float64 { return 1.5 - math.Hypot(p.X, p.Y) }, nothing, e, e)
}

func TestLame(t *testing.T) {
	for _, h := range []float64{0.2, 0.1, 0.05} {
		for _, project := range []bool{true, false} {
			set := DefaultSettings()
			set.Project = project
			set.Tolerance = 1e-8
			sol, err := tube(h, 4*h, 0.3).Solve(t.Context(), set)
			if err != nil {
				t.Fatal(err)
			}
			// Displacement of the lumen.
			var inner, count float64
			for n, p := range sol.Mesh.Nodes {
				if r := math.Hypot(p.X, p.Y); r < 1.5+h/2 {
					inner += (p.X*sol.U[n].X + p.Y*sol.U[n].Y) / r
					count++
				}
			}
			pts, err := sol.Points(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var sum, vol float64
			for _, p := range pts {
				r := math.Hypot(p.At.X, p.At.Y)
				if r < 1.5+h {
					c, s := p.At.X/r, p.At.Y/r
					sum += p.Volume * (s*s*p.Stress[0] + c*c*p.Stress[1] - 2*c*s*p.Stress[3])
					vol += p.Volume
				}
			}
			t.Logf("h %g project %v: %d unknowns, %d its, res %.1e, bent %d, minJ %.2f, left %.3g, levels %d free %d: u %g hoop %g", h, project, sol.Unknowns, sol.Iterations, sol.Residual, sol.Bent, sol.MinJacobian, sol.Left, sol.Levels, sol.Free, inner/count, sum/vol)
		}
	}
}
