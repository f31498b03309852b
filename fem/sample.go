package fem

import (
	"context"
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// Quantity is a scalar of the stress state that can be sampled on a grid, as an
// image for texture.
type Quantity struct {
	Name, Unit, Doc string
	At              func(*Point) float64
}

// Quantities are those that features are made of: principal_stress, von_mises,
// principal_strain, strain_energy, and the normal stresses circumferential_stress,
// axial_stress and radial_stress.
func Quantities() []Quantity {
	qs := make([]Quantity, len(fields))
	for n, f := range fields {
		qs[n] = Quantity{f.name, f.unit, f.doc, f.at}
	}
	return qs
}

// SampleOnGrid returns a quantity at the voxel centres of g, in its unit, NaN
// outside the mesh. mask, if not nil, is a set on g: other voxels are NaN too.
//
// Values at the quadrature points are carried to the nodes, tissue by tissue as
// by [Result.Nodal], so that a jump at an interface of tissues stays a jump;
// within a cell they are interpolated by its shape functions. A quantity that is
// a linear function of the position within each tissue is reproduced exactly.
func (r *Result) SampleOnGrid(ctx context.Context, g imaging.Grid, mask *imaging.Mask, at func(*Point) float64) (*imaging.Volume, error) {
	if err := g.Validate(); err != nil {
		return nil, fmt.Errorf("fem: sample: %w", err)
	}
	if mask != nil && !mask.Same(&g) {
		return nil, fmt.Errorf("fem: sample: mask on %v, grid %v: want the same voxels", &mask.Grid, &g)
	}
	nodal := map[imaging.Tissue][]float64{}
	for _, t := range r.Tissue {
		if _, done := nodal[t]; !done {
			nodal[t] = r.Nodal(t, at)
		}
	}
	// Looked up per cell once: the map is not read while slices run.
	values := make([][]float64, len(r.Mesh.Cells))
	for e, t := range r.Tissue {
		values[e] = nodal[t]
	}
	out := imaging.NewVolume(g)
	nan := float32(math.NaN())
	for n := range out.Values {
		out.Values[n] = nan
	}
	err := r.Mesh.EachVoxel(ctx, g, mask, func(voxel, cell int, shape [8]float64) {
		var x float64
		for a, node := range r.Mesh.Cells[cell] {
			x += max(shape[a], 0) * values[cell][node] // rounding may put a voxel outside
		}
		out.Values[voxel] = float32(x)
	})
	if err != nil {
		return nil, fmt.Errorf("fem: sample: %w", err)
	}
	return out, nil
}
