package imaging

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/gonum/spatial/r3"
)

// OnVoxels is how far, in parts of a voxel, the voxel centres of two images may
// lie apart to count as the same place: files round positions, and a tenth of a
// voxel moves no voxel of a mask to another.
const OnVoxels = 0.1

// Alignment maps the voxels of one grid to voxels of another: voxel (i, j, k)
// of the first is voxel start + i·step₀ + j·step₁ + k·step₂ of the second, where
// each step is one voxel along one of the second's axes, forwards or backwards.
type Alignment struct {
	start [3]int
	step  [3][3]int
}

// Align returns how the voxels of g lie on those of onto. Places are compared in
// mm at the corners of g: each must lie within tolerance, in parts of a voxel
// of onto, of a voxel centre. So g may be a part of onto or reach beyond it, and
// be turned by right angles or mirrored; nothing is interpolated. The error is a
// [*GeometryError].
func Align(onto, g *Grid, tolerance float64) (Alignment, error) {
	var f Alignment
	fail := func(format string, a ...any) (Alignment, error) {
		return f, &GeometryError{Image: *onto, Mask: *g, Reason: fmt.Sprintf(format, a...)}
	}
	index := func(i, j, k int) [3]float64 {
		x, y, z := onto.Index(g.Point(float64(i), float64(j), float64(k)))
		return [3]float64{x, y, z}
	}
	zero := index(0, 0, 0)
	for a, x := range zero {
		if !(math.Abs(x) <= MaxVoxels) {
			return fail("the mask is not near the image")
		}
		f.start[a] = int(math.Round(x))
	}
	for axis, e := range [3][3]int{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}} {
		d := index(e[0], e[1], e[2])
		along := 0
		for a := range d {
			d[a] -= zero[a]
			if math.Abs(d[a]) > math.Abs(d[along]) {
				along = a
			}
		}
		length := math.Abs(d[along])
		if g.Size[axis] == 1 && onto.Size[along] == 1 {
			length = 1 // one slice each: their thickness does not matter
		} else if math.Abs(length-1) > tolerance {
			return fail("a voxel of the mask measures %.3f voxels of the image along axis %c", length, "ijk"[axis])
		}
		for a, x := range d {
			if a != along && math.Abs(x) > tolerance*length {
				return fail("axis %c of the mask is turned against the image by %.1f°", "ijk"[axis], math.Atan2(math.Abs(x), math.Abs(d[along]))*180/math.Pi)
			}
		}
		f.step[axis][along] = int(math.Copysign(1, d[along]))
	}
	for n := range 8 {
		i, j, k := n&1*(g.Size[0]-1), n>>1&1*(g.Size[1]-1), n>>2&1*(g.Size[2]-1)
		at := f.At(i, j, k)
		for a, x := range index(i, j, k) {
			if off := math.Abs(x - float64(at[a])); off > tolerance {
				p := g.Point(float64(i), float64(j), float64(k))
				apart := r3.Norm(r3.Sub(onto.Point(float64(at[0]), float64(at[1]), float64(at[2])), p))
				return fail("corner (%.2f, %.2f, %.2f) mm of the mask lies %.3g mm, or %.3g voxels, from its voxel of the image; %g voxels are allowed",
					p.X, p.Y, p.Z, apart, off, tolerance)
			}
		}
	}
	return f, nil
}

// At returns the voxel of the second grid that voxel (i, j, k) of the first is.
func (f *Alignment) At(i, j, k int) [3]int {
	at := f.start
	for a := range 3 {
		at[a] += i*f.step[0][a] + j*f.step[1][a] + k*f.step[2][a]
	}
	return at
}

// Copy sets in dst, whose voxel (0, 0, 0) is voxel lo of the second grid, the
// voxels of m, which lies on the first, and returns how many had no place there.
func (f *Alignment) Copy(dst *Mask, lo [3]int, m *Mask) (lost int) {
	n := 0
	for k := range m.Size[2] {
		for j := range m.Size[1] {
			for i := range m.Size[0] {
				if m.In[n] {
					at := f.At(i, j, k)
					if x, y, z := at[0]-lo[0], at[1]-lo[1], at[2]-lo[2]; dst.Inside(x, y, z) {
						dst.In[dst.Offset(x, y, z)] = true
					} else {
						lost++
					}
				}
				n++
			}
		}
	}
	return lost
}

// Onto returns the voxels of m as voxels of g, cropped to them: see [Align] for
// what is allowed. The corners compared are those of the region, so that a mask
// in a file of another size is welcome, but no voxel may lie beyond g. The
// error is a [*GeometryError]; an empty mask gives nil without an error.
func (m *Mask) Onto(g *Grid, tolerance float64) (*Mask, error) {
	lo, hi, ok := m.Bounds()
	if !ok {
		return nil, nil
	}
	region := m
	if lo != [3]int{} || hi != m.Size {
		region = m.Crop(lo, hi)
	}
	f, err := Align(g, &region.Grid, tolerance)
	if err != nil {
		err.(*GeometryError).Mask = m.Grid
		return nil, err
	}
	first, last := f.At(0, 0, 0), f.At(region.Size[0]-1, region.Size[1]-1, region.Size[2]-1)
	for a := range 3 {
		lo[a], hi[a] = min(first[a], last[a]), max(first[a], last[a])+1
	}
	if clo, chi := g.Clamp(lo, hi); clo != lo || chi != hi {
		return nil, &GeometryError{Image: *g, Mask: m.Grid,
			Reason: fmt.Sprintf("the region reaches beyond the image: it covers voxels %v to %v of %v", lo, [3]int{hi[0] - 1, hi[1] - 1, hi[2] - 1}, g.Size)}
	}
	out := NewMask(g.Crop(lo, hi))
	f.Copy(out, lo, region)
	return out, nil
}

// GeometryError tells that the voxels of a mask are not voxels of an image.
type GeometryError struct {
	Image, Mask Grid
	Reason      string
}

// Error names the reason, what both headers say, and the remedy.
func (e *GeometryError) Error() string {
	return fmt.Sprintf("mask and image do not lie on the same voxels: %s\n  image: %s\n  mask:  %s\n"+
		"  remedy: resample the mask onto the voxels of the image (plaquerisk does it with --resample-mask), or take the image it was drawn on",
		e.Reason, e.Image.Header(), e.Mask.Header())
}

// Header describes all of g in one line, with the digits that it has.
func (g *Grid) Header() string {
	f := func(x float64) string { return strconv.FormatFloat(x+0, 'g', 10, 64) }
	v := func(p r3.Vec) string { return "(" + f(p.X) + ", " + f(p.Y) + ", " + f(p.Z) + ")" }
	return fmt.Sprintf("size %d×%d×%d, spacing %s×%s×%s mm, origin %s mm, axes %s %s %s",
		g.Size[0], g.Size[1], g.Size[2], f(g.Spacing[0]), f(g.Spacing[1]), f(g.Spacing[2]), v(g.Origin), v(g.Axes[0]), v(g.Axes[1]), v(g.Axes[2]))
}
