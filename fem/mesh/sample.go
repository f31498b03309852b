package mesh

import (
	"context"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// EachVoxel calls f for every voxel of g whose centre lies in a cell of the
// mesh, with the values of the cell's shape functions there. On a face between
// cells the first cell counts. mask, if not nil, is a set on g to which the
// voxels are limited. Slices run in parallel: f must write to places of its own.
//
// Cells are gone through slice by slice from an index of the slices that they
// touch; in the box of a cell each voxel is mapped back to the cell's own
// coordinates, see [Inverse].
func (m *Mesh) EachVoxel(ctx context.Context, g imaging.Grid, mask *imaging.Mask, f func(voxel, cell int, shape [8]float64)) error {
	if mask != nil && len(mask.In) != g.Len() {
		panic("mesh: EachVoxel: mask and grid differ in size")
	}
	box := make([][2][3]int, len(m.Cells))
	touch := make([][]int32, g.Size[2])
	for e := range m.Cells {
		lo, hi := [3]float64{math.Inf(1), math.Inf(1), math.Inf(1)}, [3]float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
		for _, p := range m.Corners(e) {
			i, j, k := g.Index(p)
			for a, x := range [3]float64{i, j, k} {
				lo[a], hi[a] = min(lo[a], x), max(hi[a], x)
			}
		}
		for a := range 3 {
			box[e][0][a] = max(0, int(math.Ceil(max(lo[a]-edge, 0))))
			box[e][1][a] = min(g.Size[a], int(math.Floor(min(hi[a]+edge, float64(g.Size[a]))))+1)
		}
		for k := box[e][0][2]; k < box[e][1][2]; k++ {
			touch[k] = append(touch[k], int32(e))
		}
	}
	return par.For(ctx, g.Size[2], func(k int) {
		taken := make([]bool, g.Size[0]*g.Size[1])
		slice := g.Offset(0, 0, k)
		for _, e := range touch[k] {
			x := m.Corners(int(e))
			for j := box[e][0][1]; j < box[e][1][1]; j++ {
				for i := box[e][0][0]; i < box[e][1][0]; i++ {
					n := j*g.Size[0] + i
					if taken[n] || mask != nil && !mask.In[slice+n] {
						continue
					}
					xi, ok := Inverse(&x, g.Point(float64(i), float64(j), float64(k)))
					if !ok || max(math.Abs(xi[0]), math.Abs(xi[1]), math.Abs(xi[2])) > 1+edge {
						continue
					}
					taken[n] = true
					f(slice+n, int(e), element.Shape(xi[0], xi[1], xi[2]))
				}
			}
		}
	})
}

// edge is how far beyond a face, in half cells, a point still counts as on it.
const edge = 1e-9

// Inverse returns the reference coordinates (ξ, η, ζ) of the point p of a brick
// with corners x: the solution of Σ N_a(ξ) x_a = p by Newton's method, whose
// steps are cut at one half cell. It is not ok where the method does not
// converge: far outside, or in a folded cell.
func Inverse(x *[8]r3.Vec, p r3.Vec) (xi [3]float64, ok bool) {
	const steps = 30
	var d [8][3]float64
	for range steps {
		n := element.Shape(xi[0], xi[1], xi[2])
		element.Derivatives(&d, xi[0], xi[1], xi[2])
		miss := p
		var t [3]r3.Vec // ∂x/∂ξ
		for a, c := range x {
			miss = r3.Sub(miss, r3.Scale(n[a], c))
			for r := range t {
				t[r] = r3.Add(t[r], r3.Scale(d[a][r], c))
			}
		}
		det := r3.Dot(t[0], r3.Cross(t[1], t[2]))
		if det == 0 {
			return xi, false
		}
		step := [3]float64{
			r3.Dot(miss, r3.Cross(t[1], t[2])) / det,
			r3.Dot(t[0], r3.Cross(miss, t[2])) / det,
			r3.Dot(t[0], r3.Cross(t[1], miss)) / det,
		}
		var most float64
		for r, s := range step {
			most = max(most, math.Abs(s))
			xi[r] += min(max(s, -1), 1)
			if math.Abs(xi[r]) > 4 {
				return xi, false // no point of the cell is there
			}
		}
		if most < 1e-12 {
			return xi, true
		}
		if math.IsNaN(most) {
			return xi, false
		}
	}
	return xi, false
}
