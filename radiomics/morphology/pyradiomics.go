package morphology

import (
	"math"

	"github.com/plaquerisk/plaquerisk/feature"
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
