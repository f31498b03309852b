package fem

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/fem/voxel"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// An artery of voxels gives points in the shape of the swept line: the radial stress
// falls from the pressure to zero, and the cap lies between lumen and core.
func TestVoxelPoints(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	const voxelSize, height = 0.2, 3.0
	g := imaging.Grid{Size: [3]int{30, 30, 26}, Spacing: [3]float64{voxelSize, voxelSize, voxelSize},
		Axes: [3]r3.Vec{{X: 1}, {Y: 1}, {Z: 1}}, Origin: r3.Vec{X: -2.9, Y: -2.9, Z: -1}}
	l := &imaging.Labels{Grid: g, Class: make([]imaging.Tissue, g.Len())}
	for n := range l.Class {
		i, j, k := g.Coords(n)
		p := g.Point(float64(i), float64(j), float64(k))
		switch r := math.Hypot(p.X, p.Y); {
		case r < 1.4:
			l.Class[n] = imaging.Lumen
		case r > 2.4:
		case p.X > 1.8 && p.X < 2.2 && math.Abs(p.Y) < 0.4:
			l.Class[n] = imaging.LowAttenuation
		default:
			l.Class[n] = imaging.Wall
		}
	}
	a, err := voxel.NewArtery(l)
	if err != nil {
		t.Fatal(err)
	}
	var solids [imaging.NumTissues]material.Elastic
	solids[imaging.Wall] = material.Elastic{Young: 500, Poisson: 0.45}
	solids[imaging.LowAttenuation] = material.Elastic{Young: 500, Poisson: 0.45} // so that Lamé holds
	cuts := []voxel.Cut{{Normal: r3.Vec{Z: -1}, Radius: 5}, {At: r3.Vec{Z: height}, Normal: r3.Vec{Z: 1}, Radius: 5}}
	b, err := a.Body(0.1, voxel.Load{Pressure: 16}, cuts, &solids)
	if err != nil {
		t.Fatal(err)
	}
	sol, err := b.Solve(t.Context(), voxel.DefaultSettings())
	if err != nil {
		t.Fatal(err)
	}
	points, at, err := VoxelPoints(t.Context(), sol, a)
	if err != nil {
		t.Fatal(err)
	}
	const middle = 1.9
	var radial, volume, cap float64
	for n, p := range points {
		if r := math.Hypot(at[n].X, at[n].Y); math.Abs(r-middle) < 0.1 {
			radial += p.Volume * p.Radial
			volume += p.Volume
		}
		if !math.IsNaN(p.CapDepth) {
			cap += p.Volume
			if p.Tissue != imaging.Wall || at[n].X < 1 || at[n].X > 1.9 {
				t.Fatalf("%v, %v mm deep, is no cap", at[n], p.CapDepth)
			}
		}
	}
	c := 16 * 1.4 * 1.4 / (2.4*2.4 - 1.4*1.4)
	verify.Check{Suite: "mechanics", Case: "artery of voxels from labels of 0.2 mm", Quantity: "radial stress in the middle of the wall, kPa",
		Source: "Lamé, closed form", Got: radial / volume, Want: c * (1 - 2.4*2.4/(middle*middle)), Tol: 0.35}.Run(t)
	if want := 0.4 * 0.8 * height; cap < 0.7*want || cap > 1.4*want {
		t.Errorf("the cap holds %g mm³, some %g were expected", cap, want)
	}
}
