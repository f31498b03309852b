package imaging

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// Volume is a scalar image: a CT in HU, a filter response, a distance in mm or
// a stress in kPa.
type Volume struct {
	Grid
	Values []float32 // i fastest, then j, then k
}

// NewVolume returns a volume of zeros on g.
func NewVolume(g Grid) *Volume { return &Volume{Grid: g, Values: make([]float32, g.Len())} }

// At returns the value of voxel (i, j, k), which must be inside.
func (v *Volume) At(i, j, k int) float64 { return float64(v.Values[v.Offset(i, j, k)]) }

// Linear returns the trilinear interpolation at the continuous index
// (i, j, k). Beyond the border the nearest voxels are repeated.
func (v *Volume) Linear(i, j, k float64) float64 {
	i0, i1, fi := bracket(i, v.Size[0])
	j0, j1, fj := bracket(j, v.Size[1])
	k0, k1, fk := bracket(k, v.Size[2])
	x, y := v.Size[0], v.Size[0]*v.Size[1]
	row := func(j, k int) float64 {
		o := k*y + j*x
		a, b := float64(v.Values[o+i0]), float64(v.Values[o+i1])
		return a + fi*(b-a)
	}
	a := row(j0, k0)
	a += fj * (row(j1, k0) - a)
	b := row(j0, k1)
	b += fj * (row(j1, k1) - b)
	return a + fk*(b-a)
}

// Sample returns the trilinear interpolation at the patient position p, and
// whether p lies within the voxels of the volume (half a voxel beyond the
// outer centres included).
func (v *Volume) Sample(p r3.Vec) (value float64, ok bool) {
	i, j, k := v.Index(p)
	ok = i >= -0.5 && j >= -0.5 && k >= -0.5 &&
		i <= float64(v.Size[0])-0.5 && j <= float64(v.Size[1])-0.5 && k <= float64(v.Size[2])-0.5
	if !ok {
		return 0, false
	}
	return v.Linear(i, j, k), true
}

// bracket returns the two voxels around x on an axis of n voxels and the
// fraction of the way from the first to the second.
func bracket(x float64, n int) (lo, hi int, f float64) {
	if !(x > 0) {
		return 0, 0, 0
	}
	if x >= float64(n-1) {
		return n - 1, n - 1, 0
	}
	fl := math.Floor(x)
	lo = int(fl)
	return lo, lo + 1, x - fl
}

// Crop copies the box [lo, hi) into a volume of its own.
func (v *Volume) Crop(lo, hi [3]int) *Volume {
	c := NewVolume(v.Grid.Crop(lo, hi))
	cropInto(c.Values, v.Values, &v.Grid, lo, hi)
	return c
}

// cropInto copies the box [lo, hi) of src, which lies on g, into dst.
func cropInto[T any](dst, src []T, g *Grid, lo, hi [3]int) {
	n := hi[0] - lo[0]
	at := 0
	for k := lo[2]; k < hi[2]; k++ {
		for j := lo[1]; j < hi[1]; j++ {
			o := g.Offset(lo[0], j, k)
			at += copy(dst[at:at+n], src[o:o+n])
		}
	}
}
