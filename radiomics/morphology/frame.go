package morphology

import "math"

// frame is how voxels lie in space: the steps from a voxel to the next along i,
// j and k, mm. Its x runs along i and its z is normal to the slices, so that
// step[a][b] is zero for b > a. Where the axes are perpendicular the others are
// zero too; a tilted gantry shears slices against each other.
type frame struct {
	step    [3][3]float64
	sheared bool
}

// newFrame returns the frame of voxels of the given spacing, mm, with the
// cosines of the angles between the axes j and k, k and i, i and j.
func newFrame(spacing, cosines [3]float64) frame {
	if cosines == [3]float64{} {
		return frame{step: [3][3]float64{{spacing[0]}, {0, spacing[1]}, {0, 0, spacing[2]}}}
	}
	f := frame{sheared: true}
	jk, ki, ij := cosines[0], cosines[1], cosines[2]
	sine := math.Sqrt(1 - ij*ij)
	along := (jk - ki*ij) / sine // of k along the normal to i in the slice
	for b, x := range [3][3]float64{{1}, {ij, sine}, {ki, along, math.Sqrt(max(0, 1-ki*ki-along*along))}} {
		for a := range 3 {
			f.step[b][a] = spacing[b] * x[a]
		}
	}
	return f
}

// volume returns the volume of a voxel, mm³.
func (f *frame) volume() float64 { return f.step[0][0] * f.step[1][1] * f.step[2][2] }

// mm returns the vector of v voxels in mm.
func (f *frame) mm(v [3]float64) [3]float64 {
	e := &f.step
	return [3]float64{
		v[0]*e[0][0] + v[1]*e[1][0] + v[2]*e[2][0],
		v[1]*e[1][1] + v[2]*e[2][1],
		v[2] * e[2][2],
	}
}

// point returns the place of a corner in mm.
func (f *frame) point(p point) [3]float64 {
	x := f.mm([3]float64{float64(p[0]), float64(p[1]), float64(p[2])})
	return [3]float64{x[0] / 2, x[1] / 2, x[2] / 2}
}

// area returns the length in mm² of the product u × v of two vectors, given
// their product n in voxels: |n₀ e₁×e₂ + n₁ e₂×e₀ + n₂ e₀×e₁| of the steps e.
func (f *frame) area(n [3]float64) float64 {
	e := &f.step
	x := n[0] * e[1][1] * e[2][2]
	y := n[1]*e[2][2]*e[0][0] - n[0]*e[1][0]*e[2][2]
	z := n[2]*e[0][0]*e[1][1] - n[1]*e[2][1]*e[0][0] + n[0]*(e[1][0]*e[2][1]-e[1][1]*e[2][0])
	return math.Sqrt(x*x + y*y + z*z)
}

// normal returns u × v in mm divided by the volume of a voxel, given the product
// n in voxels.
func (f *frame) normal(n [3]float64) (x [3]float64) {
	e := &f.step
	x[0] = n[0] / e[0][0]
	x[1] = (n[1] - e[1][0]*x[0]) / e[1][1]
	x[2] = (n[2] - e[2][0]*x[0] - e[2][1]*x[1]) / e[2][2]
	return x
}

// bounds returns the box around corners along i and the slices.
func (f *frame) bounds(corners []point) Solid {
	lo, hi := f.point(corners[0]), f.point(corners[0])
	for _, p := range corners[1:] {
		for a, x := range f.point(p) {
			lo[a], hi[a] = min(lo[a], x), max(hi[a], x)
		}
	}
	return box(hi[0]-lo[0], hi[1]-lo[1], hi[2]-lo[2])
}
