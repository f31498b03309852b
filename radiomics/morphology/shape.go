package morphology

import (
	"context"
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/internal/par"
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

// Region is a region of interest in a box of voxels, i fastest, then j, then k.
type Region struct {
	Size    [3]int
	Spacing [3]float64 // mm
	// Cosines of the angles between the axes j and k, k and i, i and j: zero
	// unless the grid is sheared, as with a tilted gantry.
	Cosines [3]float64
	Mask    []bool // the morphological mask
	// Inside are the offsets of the intensity mask in the box, ascending, and
	// Values the intensities there.
	Inside []int
	Values []float64
}

// NewShape measures a region. It fails only if ctx ends.
func NewShape(ctx context.Context, w *Workspace, r Region) (*Shape, error) {
	if len(r.Inside) != len(r.Values) {
		panic(fmt.Sprintf("morphology: NewShape: %d intensities at %d offsets", len(r.Values), len(r.Inside)))
	}
	s := &w.shape
	nan := math.NaN()
	none := Solid{nan, nan}
	*s = Shape{Mesh: none, Diameter: nan, Axes: [3]float64{nan, nan, nan}, Bounds: none, Hull: none, OrientedBox: none,
		PrincipalSolid: none, EnclosingSolid: none, MeanIntensity: nan, Shift: nan, MoranI: nan, GearyC: nan,
		reason: feature.EmptyRegion, intensityReason: feature.EmptyRegion}
	b := &w.region
	pack(b, r.Size, r.Mask)
	if b.voxels == 0 {
		return s, nil
	}
	s.Voxels, s.reason = b.voxels, feature.Defined
	w.frame, w.moments = newFrame(r.Spacing, r.Cosines), b.moments()
	if s.Voxels < par.Enough {
		s.measure(w)
		return s, s.weigh(ctx, w, &r)
	}
	return s, s.both(ctx, w, r)
}

// both fills s by [Shape.measure] beside [Shape.weigh].
func (s *Shape) both(ctx context.Context, w *Workspace, r Region) (err error) {
	beside(func() { s.measure(w) }, func() { err = s.weigh(ctx, w, &r) })
	return err
}

// measure fills s with what does not read intensities. Principal axes follow
// from the covariance of the voxel centres divided by n − 1, as in IBSI's
// reference values.
func (s *Shape) measure(w *Workspace) {
	f, m := &w.frame, &w.moments
	s.VoxelVolume = float64(s.Voxels) * f.volume()
	s.Mesh = w.region.mesh(ibsiCubes, f)
	w.extremes()
	w.hull.build(w.corners)
	corners := w.hull.finish()
	s.Hull = w.hull.solid(f)
	s.Bounds = f.bounds(corners)
	s.Diameter = w.far.diameter(corners, f)
	s.OrientedBox = w.search.smallest(&w.hull, f)
	s.EnclosingSolid = w.ball.smallest(corners, f)
	if s.Voxels == 1 {
		s.reason = feature.OneVoxel
		return
	}
	s.Axes = m.axes(f, float64(m.n-1))
	if s.Axes[2] == 0 {
		s.reason = feature.OneSlice
		s.PrincipalSolid = Solid{} // no volume to divide by
		return
	}
	s.PrincipalSolid = ellipsoid(s.Axes[0]/2, s.Axes[1]/2, s.Axes[2]/2)
}

// weigh fills s with what reads intensities.
func (s *Shape) weigh(ctx context.Context, w *Workspace, r *Region) error {
	if len(r.Values) == 0 {
		return nil
	}
	f, m := &w.field, &w.moments
	s.IntensityVoxels, s.intensityReason = len(r.Values), feature.Defined
	s.MeanIntensity = f.standardise(r.Size, w.frame, r.Inside, r.Values)
	if math.IsNaN(s.MeanIntensity) || math.IsInf(s.MeanIntensity, 0) {
		s.MeanIntensity, s.intensityReason = math.NaN(), feature.NotFinite
		return nil
	}
	// Distances from the mean position, so that the centres' difference keeps its
	// digits.
	var total float64
	var moved [3]float64
	for n, o := range r.Inside {
		row := o / r.Size[0]
		p := [3]int{o - row*r.Size[0], row % r.Size[1], row / r.Size[1]}
		for a := range 3 {
			moved[a] += r.Values[n] * (float64(p[a]-w.region.lo[a]+1) - m.mean[a])
		}
		total += r.Values[n]
	}
	moved = w.frame.mm(moved)
	if total != 0 { // intensities that add to zero have no centre
		s.Shift = math.Sqrt(square(moved[0]/total) + square(moved[1]/total) + square(moved[2]/total))
	}
	switch {
	case len(r.Values) == 1:
		s.intensityReason = feature.OneVoxel
	case len(f.y) == 0:
		s.intensityReason = feature.OneLevel
	}
	var err error
	s.MoranI, s.GearyC, err = f.autocorrelation(ctx)
	return err
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
		name := ShapeFeatures[n].Name
		if !weighted[name] {
			continue
		}
		support[n].Voxels = s.IntensityVoxels
		if !math.IsNaN(dst[n]) {
			continue
		}
		support[n].Reason = s.intensityReason
		if s.intensityReason == feature.Defined || name == "centre_of_mass_shift" && !math.IsNaN(s.MeanIntensity) {
			support[n].Reason = feature.ZeroDenominator // intensities that add to zero
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
