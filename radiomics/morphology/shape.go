package morphology

import (
	"math"

	"github.com/plaquerisk/plaquerisk/feature"
)

// Shape describes a region as IBSI does.
type Shape struct {
	Voxels          int        // of the region
	VoxelVolume     float64    // of all of them, mm³
	Mesh            Solid      // the triangulated surface
	Diameter        float64    // largest distance between two of its corners, mm
	Axes            [3]float64 // full lengths of the principal axes, descending, mm; NaN for one voxel
	Bounds          Solid      // box along the voxels' axes
	Hull            Solid      // convex hull
	OrientedBox     Solid      // smallest box of any orientation
	PrincipalSolid  Solid      // ellipsoid with the principal axes
	EnclosingSolid  Solid      // smallest ellipsoid around the region
	IntensityVoxels int        // of the intensity mask
	MeanIntensity   float64    // HU
	Shift           float64    // between the centres of mask and intensity, mm
	MoranI, GearyC  float64
	reason          feature.Reason // of the shape
	intensityReason feature.Reason // of what weighs intensities
}

// sphericity returns (36πV²)^⅓/A.
func (m Solid) sphericity() float64 { return math.Cbrt(36*math.Pi*m.Volume*m.Volume) / m.Area }

// compactness1 returns V/(√π A^(3/2)).
func (m Solid) compactness1() float64 {
	return m.Volume / (math.Sqrt(math.Pi) * math.Pow(m.Area, 1.5))
}

// compactness2 returns 36πV²/A³.
func (m Solid) compactness2() float64 {
	return 36 * math.Pi * m.Volume * m.Volume / (m.Area * m.Area * m.Area)
}

// weighted are the rows of [ShapeFeatures] that read intensities.
var weighted = map[string]bool{"centre_of_mass_shift": true, "integrated_intensity": true, "morans_i": true, "gearys_c": true}

// Values stores the features of [ShapeFeatures] in dst and, unless it is nil,
// what they rest on in support.
func (s *Shape) Values(dst []float64, support []feature.Support) {
	evaluate(dst, support, ShapeFeatures, s, s.Voxels, s.reason)
	if support == nil {
		return
	}
	for n := range ShapeFeatures {
		if !weighted[ShapeFeatures[n].Name] {
			continue
		}
		support[n].Voxels = s.IntensityVoxels
		if math.IsNaN(dst[n]) && s.intensityReason != feature.Defined {
			support[n].Reason = s.intensityReason
		}
	}
}

// ShapeFeatures are IBSI's morphological features, section 3.1. The last four
// have no reference value.
var ShapeFeatures = []Feature[Shape]{
	{"mesh_volume", "MeshVolume", "RNU0", "mm³", "Volume inside the triangulated surface.", func(s *Shape) float64 { return s.Mesh.Volume }},
	{"voxel_volume", "VoxelVolume", "YEKZ", "mm³", "Number of voxels times their volume.", func(s *Shape) float64 { return s.VoxelVolume }},
	{"surface_area", "SurfaceArea", "C0JK", "mm²", "Area of the triangulated surface.", func(s *Shape) float64 { return s.Mesh.Area }},
	{"surface_to_volume_ratio", "SurfaceVolumeRatio", "2PR5", "1/mm", "Surface area divided by mesh volume.", func(s *Shape) float64 { return s.Mesh.Area / s.Mesh.Volume }},
	{"compactness_1", "Compactness1", "SKGS", "1", "V/(√π A^(3/2)): how close to a sphere, which has 1/(6π).", func(s *Shape) float64 { return s.Mesh.compactness1() }},
	{"compactness_2", "Compactness2", "BQWJ", "1", "36πV²/A³: how close to a sphere, which has 1.", func(s *Shape) float64 { return s.Mesh.compactness2() }},
	{"spherical_disproportion", "SphericalDisproportion", "KRCK", "1", "Surface area divided by that of a sphere of equal volume.", func(s *Shape) float64 { return 1 / s.Mesh.sphericity() }},
	{"sphericity", "Sphericity", "QCFX", "1", "Surface area of a sphere of equal volume divided by the surface area.", func(s *Shape) float64 { return s.Mesh.sphericity() }},
	{"asphericity", "", "25C7", "1", "Spherical disproportion minus one.", func(s *Shape) float64 { return math.Cbrt(1/s.Mesh.compactness2()) - 1 }},
	{"centre_of_mass_shift", "", "KLMA", "mm", "Distance between the centre of the mask and the centre of intensity.", func(s *Shape) float64 { return s.Shift }},
	{"maximum_3d_diameter", "Maximum3DDiameter", "L0JK", "mm", "Largest distance between two points of the surface.", func(s *Shape) float64 { return s.Diameter }},
	{"major_axis_length", "MajorAxisLength", "TDIC", "mm", "Four standard deviations along the longest principal axis.", func(s *Shape) float64 { return s.Axes[0] }},
	{"minor_axis_length", "MinorAxisLength", "P9VJ", "mm", "Four standard deviations along the second principal axis.", func(s *Shape) float64 { return s.Axes[1] }},
	{"least_axis_length", "LeastAxisLength", "7J51", "mm", "Four standard deviations along the shortest principal axis.", func(s *Shape) float64 { return s.Axes[2] }},
	{"elongation", "Elongation", "Q3CK", "1", "Minor divided by major axis length.", func(s *Shape) float64 { return s.Axes[1] / s.Axes[0] }},
	{"flatness", "Flatness", "N17B", "1", "Least divided by major axis length.", func(s *Shape) float64 { return s.Axes[2] / s.Axes[0] }},
	{"volume_density_aabb", "", "PBX1", "1", "Mesh volume divided by that of the box along the image's axes.", func(s *Shape) float64 { return s.Mesh.Volume / s.Bounds.Volume }},
	{"area_density_aabb", "", "R59B", "1", "Surface area divided by that of the box along the image's axes.", func(s *Shape) float64 { return s.Mesh.Area / s.Bounds.Area }},
	{"volume_density_aee", "", "6BDE", "1", "Mesh volume divided by that of the ellipsoid with the principal axes.", func(s *Shape) float64 { return s.Mesh.Volume / s.PrincipalSolid.Volume }},
	{"area_density_aee", "", "RDD2", "1", "Surface area divided by that of the ellipsoid with the principal axes.", func(s *Shape) float64 { return s.Mesh.Area / s.PrincipalSolid.Area }},
	{"volume_density_convex_hull", "", "R3ER", "1", "Mesh volume divided by that of the convex hull.", func(s *Shape) float64 { return s.Mesh.Volume / s.Hull.Volume }},
	{"area_density_convex_hull", "", "7T7F", "1", "Surface area divided by that of the convex hull.", func(s *Shape) float64 { return s.Mesh.Area / s.Hull.Area }},
	{"integrated_intensity", "", "99N0", "HU·mm³", "Mean intensity times mesh volume.", func(s *Shape) float64 { return s.MeanIntensity * s.Mesh.Volume }},
	{"morans_i", "", "N365", "1", "Spatial autocorrelation weighted by inverse distance; 0 for none.", func(s *Shape) float64 { return s.MoranI }},
	{"gearys_c", "", "NPT7", "1", "Squared differences weighted by inverse distance; 1 for no autocorrelation.", func(s *Shape) float64 { return s.GearyC }},
	{"volume_density_ombb", "", "ZH1A", "1", "Mesh volume divided by that of the smallest box of any orientation.", func(s *Shape) float64 { return s.Mesh.Volume / s.OrientedBox.Volume }},
	{"area_density_ombb", "", "IQYR", "1", "Surface area divided by that of the smallest box of any orientation.", func(s *Shape) float64 { return s.Mesh.Area / s.OrientedBox.Area }},
	{"volume_density_mvee", "", "SWZ1", "1", "Mesh volume divided by that of the smallest ellipsoid around the surface.", func(s *Shape) float64 { return s.Mesh.Volume / s.EnclosingSolid.Volume }},
	{"area_density_mvee", "", "BRI8", "1", "Surface area divided by that of the smallest ellipsoid around the surface.", func(s *Shape) float64 { return s.Mesh.Area / s.EnclosingSolid.Area }},
}
