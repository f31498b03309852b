package fem

import (
	"context"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/voxel"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// VoxelPoints returns the quadrature points of an artery that was solved on a grid of
// cubes (package voxel), as those of [Result], with their places. Components around and
// along the vessel are NaN, since a bifurcation has no one axis.
func VoxelPoints(ctx context.Context, sol *voxel.Solution, a *voxel.Artery) ([]Point, []r3.Vec, error) {
	from, err := sol.Points(ctx)
	if err != nil {
		return nil, nil, err
	}
	points, at := make([]Point, len(from)), make([]r3.Vec, len(from))
	err = par.Blocks(ctx, len(from), 1024, func(lo, hi int) {
		for n := lo; n < hi; n++ {
			f, p := &from[n], &points[n]
			at[n] = f.At
			*p = Point{Volume: f.Volume, Tissue: a.Tissue(f.At), CapDepth: a.CapDepth(f.At), Young: f.Solid.Young,
				Stress: f.Stress, Strain: f.Strain, Energy: element.Energy(f.Stress, f.Strain),
				Radial: normal(&f.Stress, a.Radial(f.At)), Hoop: math.NaN(), Axial: math.NaN()}
			p.derive()
		}
	})
	return points, at, err
}
