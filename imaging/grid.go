package imaging

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// MaxVoxels bounds the size of any grid that a file may ask for, so that a
// damaged header cannot exhaust memory: 2³⁰ voxels is 16 times a 512×512×256
// scan.
const MaxVoxels = 1 << 30

// Grid places a regular lattice of voxels in the patient. Positions are LPS
// (x to the patient's left, y to the back, z to the head), in mm.
type Grid struct {
	Size    [3]int     // voxels along i (columns), j (rows), k (slices)
	Spacing [3]float64 // distance between voxel centres along each axis, mm
	Origin  r3.Vec     // centre of voxel (0, 0, 0), LPS mm
	Axes    [3]r3.Vec  // unit directions of i, j, k; oblique only for a tilted gantry
}

// NewGrid returns a grid whose axes are the patient axes.
func NewGrid(size [3]int, spacing [3]float64, origin r3.Vec) Grid {
	return Grid{Size: size, Spacing: spacing, Origin: origin, Axes: [3]r3.Vec{{X: 1}, {Y: 1}, {Z: 1}}}
}

// Validate reports why g cannot hold an image: a size below one voxel, a
// spacing that is not positive and finite, axes that are not unit vectors or
// span no volume, or more than [MaxVoxels] voxels.
func (g *Grid) Validate() error {
	n := 1
	for a := range 3 {
		if g.Size[a] < 1 {
			return fmt.Errorf("size %v: every axis needs at least one voxel", g.Size)
		}
		if n > MaxVoxels/g.Size[a] {
			return fmt.Errorf("size %v: more than %d voxels", g.Size, MaxVoxels)
		}
		n *= g.Size[a]
		if s := g.Spacing[a]; !(s > 0) || math.IsInf(s, 0) {
			return fmt.Errorf("spacing %v mm: must be positive and finite", g.Spacing)
		}
		if l := r3.Norm(g.Axes[a]); !(math.Abs(l-1) < 1e-4) {
			return fmt.Errorf("axis %d = %v: length %g, want 1", a, g.Axes[a], l)
		}
	}
	for _, v := range [3]float64{g.Origin.X, g.Origin.Y, g.Origin.Z} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("origin %v is not finite", g.Origin)
		}
	}
	if d := g.det(); !(math.Abs(d) > 1e-3) {
		return fmt.Errorf("axes %v span no volume", g.Axes)
	}
	return nil
}

// Len returns the number of voxels.
func (g *Grid) Len() int { return g.Size[0] * g.Size[1] * g.Size[2] }

// Offset returns the place of voxel (i, j, k) in memory: i runs fastest.
func (g *Grid) Offset(i, j, k int) int { return (k*g.Size[1]+j)*g.Size[0] + i }

// Coords is the inverse of [Grid.Offset].
func (g *Grid) Coords(offset int) (i, j, k int) {
	i = offset % g.Size[0]
	j = offset / g.Size[0] % g.Size[1]
	k = offset / (g.Size[0] * g.Size[1])
	return i, j, k
}

// Inside tells whether (i, j, k) is a voxel of the grid.
func (g *Grid) Inside(i, j, k int) bool {
	return uint(i) < uint(g.Size[0]) && uint(j) < uint(g.Size[1]) && uint(k) < uint(g.Size[2])
}

// Point returns the patient position, in mm, of the continuous index (i, j, k):
//
//	p = o + i·sᵢ·aᵢ + j·sⱼ·aⱼ + k·sₖ·aₖ
//
// It is the inverse of [Grid.Index].
func (g *Grid) Point(i, j, k float64) r3.Vec {
	p := r3.Add(g.Origin, r3.Scale(i*g.Spacing[0], g.Axes[0]))
	p = r3.Add(p, r3.Scale(j*g.Spacing[1], g.Axes[1]))
	return r3.Add(p, r3.Scale(k*g.Spacing[2], g.Axes[2]))
}

// Index returns the continuous index of the patient position p, in mm. It is
// exact for oblique axes too: the 3×3 system of [Grid.Point] is solved by
// Cramer's rule.
func (g *Grid) Index(p r3.Vec) (i, j, k float64) {
	d := r3.Sub(p, g.Origin)
	a, b, c := g.Axes[0], g.Axes[1], g.Axes[2]
	det := g.det()
	i = r3.Dot(d, r3.Cross(b, c)) / det / g.Spacing[0]
	j = r3.Dot(a, r3.Cross(d, c)) / det / g.Spacing[1]
	k = r3.Dot(a, r3.Cross(b, d)) / det / g.Spacing[2]
	return i, j, k
}

// det returns the determinant of the axes: ±1 if they are orthogonal.
func (g *Grid) det() float64 { return r3.Dot(g.Axes[0], r3.Cross(g.Axes[1], g.Axes[2])) }

// Cosines returns the cosines of the angles between the axes j and k, k and i,
// i and j. They are exactly zero unless the grid is sheared: what is below 1e-6
// is the rounding of a header.
func (g *Grid) Cosines() (c [3]float64) {
	for a := range c {
		if x := r3.Dot(g.Axes[(a+1)%3], g.Axes[(a+2)%3]); math.Abs(x) > 1e-6 {
			c[a] = x
		}
	}
	return c
}

// VoxelVolume returns the volume of one voxel in mm³.
func (g *Grid) VoxelVolume() float64 {
	return g.Spacing[0] * g.Spacing[1] * g.Spacing[2] * math.Abs(g.det())
}

// MinSpacing returns the smallest voxel edge, mm.
func (g *Grid) MinSpacing() float64 { return min(g.Spacing[0], g.Spacing[1], g.Spacing[2]) }

// Corners returns the centres of the eight corner voxels, i fastest, LPS mm.
func (g *Grid) Corners() [8]r3.Vec {
	var c [8]r3.Vec
	for n := range c {
		c[n] = g.Point(float64(n&1*(g.Size[0]-1)), float64(n>>1&1*(g.Size[1]-1)), float64(n>>2&1*(g.Size[2]-1)))
	}
	return c
}

// CornerDistance returns the largest distance, in mm, between corresponding
// corners of g and h. It is infinite if their sizes differ.
func (g *Grid) CornerDistance(h *Grid) float64 {
	if g.Size != h.Size {
		return math.Inf(1)
	}
	a, b := g.Corners(), h.Corners()
	var d float64
	for n := range a {
		d = max(d, r3.Norm(r3.Sub(a[n], b[n])))
	}
	return d
}

// Same tells whether the voxels of g and h lie at the same places: all corners
// within a tenth of the smallest voxel edge.
func (g *Grid) Same(h *Grid) bool { return g.CornerDistance(h) < 0.1*g.MinSpacing() }

// Crop returns the part of g from voxel lo up to, not including, voxel hi.
func (g *Grid) Crop(lo, hi [3]int) Grid {
	c := *g
	c.Origin = g.Point(float64(lo[0]), float64(lo[1]), float64(lo[2]))
	for a := range 3 {
		c.Size[a] = hi[a] - lo[a]
	}
	return c
}

// Clamp returns the box [lo, hi) cut to the grid.
func (g *Grid) Clamp(lo, hi [3]int) (clo, chi [3]int) {
	for a := range 3 {
		clo[a] = min(max(lo[a], 0), g.Size[a])
		chi[a] = max(min(hi[a], g.Size[a]), clo[a])
	}
	return clo, chi
}

// String describes the grid in one line, for messages that compare two grids.
func (g *Grid) String() string {
	return fmt.Sprintf("%d×%d×%d voxels of %.4g×%.4g×%.4g mm at (%.2f, %.2f, %.2f) mm",
		g.Size[0], g.Size[1], g.Size[2], g.Spacing[0], g.Spacing[1], g.Spacing[2], g.Origin.X, g.Origin.Y, g.Origin.Z)
}
