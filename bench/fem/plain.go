package main

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem"
	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
)

// solvePlain solves the vessel with the fully integrated brick, the C3D8 of
// CalculiX 2.20: the volumetric strain is that of each point, not the mean.
func (v *vessel) solvePlain(p *fem.Problem, tolerance float64) (*fem.Solution, error) {
	k := sparse.NewStencil(*v.lattice())
	var h element.Hex8
	var ke [8][8][9]float64
	for e := range p.Mesh.Cells {
		x := p.Mesh.Corners(e)
		h.Set(&x)
		// One point at a time, its own divergence is the mean.
		whole := h
		for q := range element.Points {
			h.Weight = [element.Points]float64{}
			h.Weight[q] = whole.Weight[q]
			h.Mean = whole.Grad[q]
			h.Stiffness(&ke, &p.Law[e])
			for a, na := range p.Mesh.Cells[e] {
				for b, nb := range p.Mesh.Cells[e] {
					k.Add(int(na), int(nb), &ke[a][b])
				}
			}
		}
	}
	n := len(p.Mesh.Nodes)
	f, x := make([]float64, 3*n), make([]float64, 3*n)
	for a, t := range p.Load {
		f[3*a], f[3*a+1], f[3*a+2] = t.X, t.Y, t.Z
	}
	for _, fx := range p.Fixed {
		f[3*fx.Node+2] = 0 // the ends slide
	}
	k.Constrain(p.Fixed)
	mg, err := sparse.NewMultigrid(context.Background(), k, p.Fixed)
	if err != nil {
		return nil, err
	}
	// Shifts in x and y and the turn about z are free.
	free := make([][]float64, 3)
	for m := range free {
		free[m] = make([]float64, 3*n)
	}
	for a, at := range p.Mesh.Nodes {
		free[0][3*a], free[1][3*a+1] = 1, 1
		free[2][3*a], free[2][3*a+1] = -at.Y, at.X
	}
	orthonormal(free)
	sol := &fem.Solution{U: make([]r3.Vec, n), Unknowns: 3 * n, Levels: len(mg.Levels()), Free: 3}
	sol.Report, err = sparse.Solve(context.Background(), x, k, f, mg, sparse.Settings{Tolerance: tolerance, MaxIterations: 1000, Free: free})
	if err != nil {
		return nil, err
	}
	if !sol.Converged {
		return nil, fmt.Errorf("not converged: %+v", sol.Report)
	}
	for a := range sol.U {
		sol.U[a] = r3.Vec{X: x[3*a], Y: x[3*a+1], Z: x[3*a+2]}
	}
	return sol, nil
}

// orthonormal makes vectors orthonormal, in turn.
func orthonormal(v [][]float64) {
	for m, z := range v {
		for _, y := range v[:m] {
			c := floats.Dot(z, y)
			for i := range z {
				z[i] -= c * y[i]
			}
		}
		l := floats.Dot(z, z)
		for i := range z {
			z[i] /= math.Sqrt(l)
		}
	}
}
