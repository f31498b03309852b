package morphology

import (
	"context"
	"math"
	"math/bits"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// PyRadiomics describes a region as the shape family of PyRadiomics does.
type PyRadiomics struct {
	Voxels      int
	VoxelVolume float64 // of all voxels, mm³
	Mesh        Solid   // the triangulated surface, by PyRadiomics' cubes
	// Diameters are the largest distances between two corners of the surface, mm:
	// in one plane k (Slice), j (Column) and i (Row), and anywhere.
	Slice, Column, Row, Diameter float64
	Axes                         [3]float64 // full lengths of the principal axes, descending, mm
	reason                       feature.Reason
}

// NewPyRadiomics measures a mask in a box of voxels, i fastest. The mask is cut
// to its bounds first, as PyRadiomics does: the volume of a surface with holes
// depends on where it is counted from.
func NewPyRadiomics[M bool | uint8](w *Workspace, size [3]int, spacing [3]float64, mask []M) *PyRadiomics {
	p := &w.pyrad
	nan := math.NaN()
	*p = PyRadiomics{Mesh: Solid{nan, nan}, Slice: nan, Column: nan, Row: nan, Diameter: nan, Axes: [3]float64{nan, nan, nan}, reason: feature.EmptyRegion}
	pack(&w.region, size, mask)
	if w.region.voxels == 0 {
		return p
	}
	p.Voxels, p.reason = w.region.voxels, feature.Defined
	p.VoxelVolume = float64(p.Voxels) * (spacing[0] * spacing[1] * spacing[2])
	w.frame = newFrame(spacing, [3]float64{}) // PyRadiomics takes axes as perpendicular
	if p.Voxels < par.Enough {
		w.solidity(p)
		w.extremes()
		p.Slice, p.Column, p.Row = w.planeDiameters(spacing)
		p.Diameter = w.far.diameter(w.corners, &w.frame)
	} else {
		beside(func() { w.solidity(p) }, w.extremes)
		beside(func() { p.Slice, p.Column, p.Row = w.planeDiameters(spacing) },
			func() { p.Diameter = w.far.diameter(w.corners, &w.frame) })
	}
	if p.Voxels == 1 {
		p.reason = feature.OneVoxel
	}
	return p
}

// solidity fills p with what every voxel adds to.
func (w *Workspace) solidity(p *PyRadiomics) {
	p.Mesh = w.region.mesh(pyradCubes, &w.frame)
	w.moments = w.region.moments()
	p.Axes = w.moments.axes(&w.frame, float64(w.moments.n))
}

// extremes finds the corners among which the outermost are.
func (w *Workspace) extremes() {
	w.lines()
	w.outermost()
}

// beside runs tasks in parallel.
func beside(tasks ...func()) {
	// Without a cancelled context, a loop cannot fail.
	_ = par.For(context.Background(), len(tasks), func(n int) { tasks[n]() })
}

// Values stores the features of [PyRadiomicsFeatures] in dst and, unless it is
// nil, what they rest on in support.
func (p *PyRadiomics) Values(dst []float64, support []feature.Support) {
	evaluate(dst, support, PyRadiomicsFeatures, p, p.Voxels, p.reason)
}

// PyRadiomicsFeatures are the shape features of PyRadiomics in its order; the
// last three it computes on request only.
var PyRadiomicsFeatures = []Feature[PyRadiomics]{
	{"elongation", "Elongation", "Q3CK", "1", "Minor divided by major axis length.", func(p *PyRadiomics) float64 { return p.Axes[1] / p.Axes[0] }},
	{"flatness", "Flatness", "N17B", "1", "Least divided by major axis length.", func(p *PyRadiomics) float64 { return p.Axes[2] / p.Axes[0] }},
	{"least_axis_length", "LeastAxisLength", "7J51", "mm", "Four standard deviations (divided by n) along the shortest principal axis.", func(p *PyRadiomics) float64 { return p.Axes[2] }},
	{"major_axis_length", "MajorAxisLength", "TDIC", "mm", "Four standard deviations (divided by n) along the longest principal axis.", func(p *PyRadiomics) float64 { return p.Axes[0] }},
	{"maximum_2d_diameter_column", "Maximum2DDiameterColumn", "", "mm", "Largest distance between two points of the surface in one plane of the first and third axis.", func(p *PyRadiomics) float64 { return p.Column }},
	{"maximum_2d_diameter_row", "Maximum2DDiameterRow", "", "mm", "Largest distance between two points of the surface in one plane of the second and third axis.", func(p *PyRadiomics) float64 { return p.Row }},
	{"maximum_2d_diameter_slice", "Maximum2DDiameterSlice", "", "mm", "Largest distance between two points of the surface in one slice.", func(p *PyRadiomics) float64 { return p.Slice }},
	{"maximum_3d_diameter", "Maximum3DDiameter", "L0JK", "mm", "Largest distance between two points of the surface.", func(p *PyRadiomics) float64 { return p.Diameter }},
	{"mesh_volume", "MeshVolume", "RNU0", "mm³", "Volume inside the triangulated surface.", func(p *PyRadiomics) float64 { return p.Mesh.Volume }},
	{"minor_axis_length", "MinorAxisLength", "P9VJ", "mm", "Four standard deviations (divided by n) along the second principal axis.", func(p *PyRadiomics) float64 { return p.Axes[1] }},
	{"sphericity", "Sphericity", "QCFX", "1", "Surface area of a sphere of equal volume divided by the surface area.", func(p *PyRadiomics) float64 { return p.Mesh.sphericity() }},
	{"surface_area", "SurfaceArea", "C0JK", "mm²", "Area of the triangulated surface.", func(p *PyRadiomics) float64 { return p.Mesh.Area }},
	{"surface_to_volume_ratio", "SurfaceVolumeRatio", "2PR5", "1/mm", "Surface area divided by mesh volume.", func(p *PyRadiomics) float64 { return p.Mesh.Area / p.Mesh.Volume }},
	{"voxel_volume", "VoxelVolume", "YEKZ", "mm³", "Number of voxels times their volume.", func(p *PyRadiomics) float64 { return p.VoxelVolume }},
	{"compactness_1", "Compactness1", "SKGS", "1", "V/(√π A^(3/2)): how close to a sphere, which has 1/(6π).", func(p *PyRadiomics) float64 { return p.Mesh.compactness1() }},
	{"compactness_2", "Compactness2", "BQWJ", "1", "36πV²/A³: how close to a sphere, which has 1.", func(p *PyRadiomics) float64 { return p.Mesh.compactness2() }},
	{"spherical_disproportion", "SphericalDisproportion", "KRCK", "1", "Surface area divided by that of a sphere of equal volume.", func(p *PyRadiomics) float64 { return 1 / p.Mesh.sphericity() }},
}

// Plane describes a region of one slice as the shape2D family of PyRadiomics
// does.
type Plane struct {
	Pixels    int
	PixelArea float64    // of all pixels, mm²
	Area      float64    // inside the outline, mm²
	Perimeter float64    // of the outline, mm
	Diameter  float64    // largest distance between two corners of the outline, mm
	Axes      [2]float64 // full lengths of the principal axes, descending, mm
	reason    feature.Reason
}

// NewPlane measures a mask of pixels, i fastest.
func NewPlane[M bool | uint8](w *Workspace, size [2]int, spacing [2]float64, mask []M) *Plane {
	p := &w.plane
	nan := math.NaN()
	*p = Plane{Area: nan, Perimeter: nan, Diameter: nan, Axes: [2]float64{nan, nan}, reason: feature.EmptyRegion}
	b := &w.region
	pack(b, [3]int{size[0], size[1], 1}, mask)
	if b.voxels == 0 {
		return p
	}
	p.Pixels, p.reason = b.voxels, feature.Defined
	p.PixelArea = float64(p.Pixels) * (spacing[0] * spacing[1])
	p.Area, p.Perimeter = b.outlineOf(1, spacing)
	m := b.moments()
	f := newFrame([3]float64{spacing[0], spacing[1], 1}, [3]float64{})
	axes := m.axes(&f, float64(m.n))
	p.Axes = [2]float64{axes[0], axes[1]}
	w.lines()
	p.Diameter = math.Sqrt(w.widest(0, w.slice(2), spacing[0]/2, spacing[1]/2))
	if p.Pixels == 1 {
		p.reason = feature.OneVoxel
	}
	return p
}

// outlineOf returns the area inside and the length of the outline of slice k:
// the lines that join the middles of pixels' edges which it crosses. Each square
// of four pixels adds to the area what its lines enclose with its middle, and
// the quarters of its pixels that lie inside them.
func (b *bitBox) outlineOf(k int, spacing [2]float64) (area, length float64) {
	var counts [16]int
	for j := range b.size[1] - 1 {
		r0, r1 := b.row(j, k), b.row(j+1, k)
		for w := range r0 {
			a0, a1 := r0[w], r1[w]
			some := (a0 | a1 | a0>>1 | a1>>1) & (1<<perWord - 1)
			for ; some != 0; some &= some - 1 {
				n := bits.TrailingZeros64(some)
				counts[a0>>n&3|a1>>n&3<<2]++
			}
		}
	}
	diagonal := math.Hypot(spacing[0], spacing[1]) / 2
	eighths := 0
	for code, n := range counts {
		inside := bits.OnesCount(uint(code))
		switch {
		case inside == 1: // a corner
			eighths += n
			length += float64(n) * diagonal
		case inside == 3:
			eighths += 7 * n
			length += float64(n) * diagonal
		case code == 0b1001 || code == 0b0110: // two corners that do not touch
			eighths += 2 * n
			length += float64(n) * 2 * diagonal
		case code == 0b0011 || code == 0b1100: // a line along i
			eighths += 4 * n
			length += float64(n) * spacing[0]
		case inside == 2: // along j
			eighths += 4 * n
			length += float64(n) * spacing[1]
		case inside == 4:
			eighths += 8 * n
		}
	}
	return float64(eighths) / 8 * (spacing[0] * spacing[1]), length
}

// sphericity returns 2√(πA)/P.
func (p *Plane) sphericity() float64 { return 2 * math.Sqrt(math.Pi*p.Area) / p.Perimeter }

// Values stores the features of [PlaneFeatures] in dst and, unless it is nil,
// what they rest on in support.
func (p *Plane) Values(dst []float64, support []feature.Support) {
	evaluate(dst, support, PlaneFeatures, p, p.Pixels, p.reason)
}

// PlaneFeatures are the shape2D features of PyRadiomics in its order; the last
// it computes on request only. IBSI has none of them.
var PlaneFeatures = []Feature[Plane]{
	{"elongation", "Elongation", "", "1", "Minor divided by major axis length.", func(p *Plane) float64 { return p.Axes[1] / p.Axes[0] }},
	{"major_axis_length", "MajorAxisLength", "", "mm", "Four standard deviations (divided by n) along the longer principal axis.", func(p *Plane) float64 { return p.Axes[0] }},
	{"maximum_diameter", "MaximumDiameter", "", "mm", "Largest distance between two points of the outline.", func(p *Plane) float64 { return p.Diameter }},
	{"mesh_surface", "MeshSurface", "", "mm²", "Area inside the outline.", func(p *Plane) float64 { return p.Area }},
	{"minor_axis_length", "MinorAxisLength", "", "mm", "Four standard deviations (divided by n) along the shorter principal axis.", func(p *Plane) float64 { return p.Axes[1] }},
	{"perimeter", "Perimeter", "", "mm", "Length of the outline.", func(p *Plane) float64 { return p.Perimeter }},
	{"perimeter_surface_ratio", "PerimeterSurfaceRatio", "", "1/mm", "Perimeter divided by the area inside the outline.", func(p *Plane) float64 { return p.Perimeter / p.Area }},
	{"pixel_surface", "PixelSurface", "", "mm²", "Number of pixels times their area.", func(p *Plane) float64 { return p.PixelArea }},
	{"sphericity", "Sphericity", "", "1", "Perimeter of a circle of equal area divided by the perimeter.", (*Plane).sphericity},
	{"spherical_disproportion", "SphericalDisproportion", "", "1", "Perimeter divided by that of a circle of equal area.", func(p *Plane) float64 { return 1 / p.sphericity() }},
}
