package voxel

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// fork is a trunk along z that parts into two branches, as a labelled image, with the
// ends of its axes, which point outwards.
func fork(voxel float64) (*imaging.Labels, []Cut) {
	const inner, outer = 1.2, 2.0
	sin, cos := math.Sincos(0.5)
	ends := []r3.Vec{{Z: -8}, {X: 8 * sin, Z: 8 * cos}, {X: -8 * sin, Z: 8 * cos}}
	g := imaging.Grid{Spacing: [3]float64{voxel, voxel, voxel}, Axes: [3]r3.Vec{{X: 1}, {Y: 1}, {Z: 1}}, Origin: r3.Vec{X: -7, Y: -2.5, Z: -9}}
	for axis, length := range []float64{14, 5, 18} {
		g.Size[axis] = int(length / voxel)
	}
	l := &imaging.Labels{Grid: g, Class: make([]imaging.Tissue, g.Len())}
	for n := range l.Class {
		i, j, k := g.Coords(n)
		p := g.Point(float64(i), float64(j), float64(k))
		d := math.Inf(1)
		for _, e := range ends {
			u := r3.Unit(e)
			s := min(max(r3.Dot(p, u), 0), 9)
			d = min(d, r3.Norm(r3.Sub(p, r3.Scale(s, u))))
		}
		switch {
		case d < inner:
			l.Class[n] = imaging.Lumen
		case d < outer:
			l.Class[n] = imaging.Wall
		}
	}
	var cuts []Cut
	for _, e := range ends {
		cuts = append(cuts, Cut{At: e, Normal: r3.Unit(e), Radius: 3})
	}
	return l, cuts
}

// A bifurcation from its labels: nodes of the border lie on the surfaces, the body is
// held by its three ends, and far from the fork the trunk carries Lamé's stress.
func TestFork(t *testing.T) {
	const h = 0.25
	labels, cuts := fork(0.25)
	a, err := NewArtery(labels)
	if err != nil {
		t.Fatal(err)
	}
	var solids [imaging.NumTissues]material.Elastic
	solids[imaging.Wall] = material.Elastic{Young: 600, Poisson: 0.45}
	b, err := a.Body(h, Load{Pressure: 16}, cuts, &solids)
	if err != nil {
		t.Fatal(err)
	}
	sol, points := solved(t, b, DefaultSettings())
	t.Logf("%d unknowns, %d iterations, %d free motions, least Jacobian %.2f, left %.3f mm", sol.Unknowns, sol.Iterations, sol.Free, sol.MinJacobian, sol.Left)
	if sol.Free != 0 && sol.Free != 1 { // three planes through one axis hold all but a shift across
		t.Errorf("%d free motions", sol.Free)
	}
	if sol.MinJacobian < 0.3 {
		t.Errorf("least Jacobian %g", sol.MinJacobian)
	}
	// Mean hoop stress of the trunk, p rᵢ / (rₒ − rᵢ) by balance alone.
	var hoop, volume float64
	for _, p := range points {
		r := math.Hypot(p.At.X, p.At.Y)
		if p.At.Z < -7 || p.At.Z > -5 {
			continue
		}
		c, s := p.At.X/r, p.At.Y/r
		hoop += p.Volume / r * (s*s*p.Stress[0] + c*c*p.Stress[1] - 2*c*s*p.Stress[3])
		volume += p.Volume / r
	}
	verify.Check{Suite: "mechanics", Case: "bifurcation from labels of 0.25 mm, voxels", Quantity: "mean hoop stress across the trunk's wall, kPa",
		Source: "balance: p rᵢ / (rₒ − rᵢ)", Got: hoop / volume, Want: 16 * 1.2 / 0.8, Tol: 0.05 * 24}.Run(t)
}
