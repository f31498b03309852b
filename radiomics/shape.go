package radiomics

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// shape holds what the morphological features of a region are computed from.
type shape struct {
	voxels       int
	voxelVolume  float64 // mm³ of all voxels
	volume, area float64 // of the surface, mm³ and mm²
	box          [3]float64
	hull         hull
	axes         [3]float64 // full lengths of the principal axes, mm, descending
	shift        float64    // mm
	mean         float64    // HU
	moran, geary float64
}

// newShape measures the mask of r; only the intensity-weighted quantities read
// the intensity mask.
func newShape(r *region) *shape {
	lo, hi, _ := r.mask.Bounds()
	m := r.mask.Crop(lo, hi)
	s := &shape{voxels: m.Count()}
	s.voxelVolume = float64(s.voxels) * m.VoxelVolume()
	surface := imaging.MaskSurface(m)
	s.volume, s.area = surface.Volume(), surface.Area()
	for a := range 3 {
		s.box[a] = float64(m.Size[a]) * m.Spacing[a]
	}
	s.hull = maskHull(m)
	s.principal(m)
	s.centres(r)
	s.moran, s.geary = autocorrelation(r)
	return s
}

// principal finds the lengths 4√λ of the principal axes from the eigenvalues λ
// of the covariance of the voxel centres, divided by n − 1 as in IBSI's
// reference values. They are NaN for one voxel.
func (s *shape) principal(m *imaging.Mask) {
	var centre r3.Vec
	var points []r3.Vec
	origin := m.Point(0, 0, 0)
	for at, in := range m.In {
		if in {
			i, j, k := m.Coords(at)
			p := r3.Sub(m.Point(float64(i), float64(j), float64(k)), origin)
			points = append(points, p)
			centre = r3.Add(centre, p)
		}
	}
	n := float64(len(points))
	if n < 2 {
		s.axes = [3]float64{math.NaN(), math.NaN(), math.NaN()}
		return
	}
	centre = r3.Scale(1/n, centre)
	var c [9]float64
	for _, p := range points {
		d := r3.Sub(p, centre)
		x := [3]float64{d.X, d.Y, d.Z}
		for a := range 3 {
			for b := range 3 {
				c[3*a+b] += x[a] * x[b] / (n - 1)
			}
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(3, c[:]), false) {
		s.axes = [3]float64{math.NaN(), math.NaN(), math.NaN()}
		return
	}
	lambda := eigen.Values(nil) // ascending
	for a := range 3 {
		// A flat region has an eigenvalue of zero but for rounding.
		if l := lambda[2-a]; l > 1e-12*lambda[2] {
			s.axes[a] = 4 * math.Sqrt(l)
		}
	}
}

// centres finds the mean intensity and how far the centre of intensity lies
// from the centre of the mask.
func (s *shape) centres(r *region) {
	origin := r.mask.Point(0, 0, 0)
	at := func(o int) r3.Vec {
		i, j, k := r.mask.Coords(o)
		return r3.Sub(r.mask.Point(float64(i), float64(j), float64(k)), origin)
	}
	var geometric, weighted r3.Vec
	for o, in := range r.mask.In {
		if in {
			geometric = r3.Add(geometric, at(o))
		}
	}
	var total float64
	for n, o := range r.inside {
		weighted = r3.Add(weighted, r3.Scale(r.values[n], at(o)))
		total += r.values[n]
	}
	s.mean = total / float64(len(r.values))
	s.shift = math.NaN() // intensities that add to zero have no centre
	if total != 0 {
		s.shift = r3.Norm(r3.Sub(r3.Scale(1/float64(s.voxels), geometric), r3.Scale(1/total, weighted)))
	}
}

// sphericity returns (36πV²)^⅓/A.
func (s *shape) sphericity() float64 { return math.Cbrt(36*math.Pi*s.volume*s.volume) / s.area }

// compactness2 returns 36πV²/A³.
func (s *shape) compactness2() float64 {
	return 36 * math.Pi * s.volume * s.volume / (s.area * s.area * s.area)
}

// boxVolume and boxArea are those of the box along the image's axes.
func (s *shape) boxVolume() float64 { return s.box[0] * s.box[1] * s.box[2] }
func (s *shape) boxArea() float64 {
	return 2 * (s.box[0]*s.box[1] + s.box[1]*s.box[2] + s.box[2]*s.box[0])
}

// ellipsoidVolume is that of the ellipsoid with the principal axes.
func (s *shape) ellipsoidVolume() float64 {
	return math.Pi / 6 * s.axes[0] * s.axes[1] * s.axes[2]
}

// ellipsoidArea returns the area of the ellipsoid with semi-axes a ≥ b ≥ c:
//
//	A = 4πab Σ (αβ)^ν/(1 − 4ν²) P_ν((α² + β²)/(2αβ)),  ν = 0 … 20     (R.5)
//
// with α² = 1 − b²/a², β² = 1 − c²/a² and Legendre polynomials P. The products
// Q_ν = (αβ)^ν P_ν follow the three-term recurrence without the division, so
// that a sphere is no exception.
func (s *shape) ellipsoidArea() float64 {
	a, b, c := s.axes[0]/2, s.axes[1]/2, s.axes[2]/2
	a2, b2 := 1-b*b/(a*a), 1-c*c/(a*a)
	x, p := (a2+b2)/2, a2*b2
	sum, before, q := 0.0, 0.0, 1.0
	for v := range 21 {
		n := float64(v)
		sum += q / (1 - 4*n*n)
		before, q = q, ((2*n+1)*x*q-n*p*before)/(n+1)
	}
	return 4 * math.Pi * a * b * sum
}

// shapeFeatures are IBSI's morphological features, section 3.1, without those
// that have no reference value.
var shapeFeatures = []def[*shape]{
	{"mesh_volume", "mm³", "RNU0", "Volume inside the triangulated surface.", func(s *shape) float64 { return s.volume }},
	{"voxel_volume", "mm³", "YEKZ", "Number of voxels times their volume.", func(s *shape) float64 { return s.voxelVolume }},
	{"surface_area", "mm²", "C0JK", "Area of the triangulated surface.", func(s *shape) float64 { return s.area }},
	{"surface_to_volume_ratio", "1/mm", "2PR5", "Surface area divided by mesh volume.", func(s *shape) float64 { return s.area / s.volume }},
	{"compactness_1", "1", "SKGS", "V/(√π A^(3/2)): how close to a sphere, which has 1/(6π).", func(s *shape) float64 { return s.volume / (math.Sqrt(math.Pi) * math.Pow(s.area, 1.5)) }},
	{"compactness_2", "1", "BQWJ", "36πV²/A³: how close to a sphere, which has 1.", (*shape).compactness2},
	{"spherical_disproportion", "1", "KRCK", "Surface area divided by that of a sphere of equal volume.", func(s *shape) float64 { return 1 / s.sphericity() }},
	{"sphericity", "1", "QCFX", "Surface area of a sphere of equal volume divided by the surface area.", (*shape).sphericity},
	{"asphericity", "1", "25C7", "Spherical disproportion minus one.", func(s *shape) float64 { return math.Cbrt(1/s.compactness2()) - 1 }},
	{"centre_of_mass_shift", "mm", "KLMA", "Distance between the centre of the mask and the centre of intensity.", func(s *shape) float64 { return s.shift }},
	{"maximum_3d_diameter", "mm", "L0JK", "Largest distance between two points of the surface.", func(s *shape) float64 { return s.hull.diameter }},
	{"major_axis_length", "mm", "TDIC", "Four standard deviations along the longest principal axis.", func(s *shape) float64 { return s.axes[0] }},
	{"minor_axis_length", "mm", "P9VJ", "Four standard deviations along the second principal axis.", func(s *shape) float64 { return s.axes[1] }},
	{"least_axis_length", "mm", "7J51", "Four standard deviations along the shortest principal axis.", func(s *shape) float64 { return s.axes[2] }},
	{"elongation", "1", "Q3CK", "Minor divided by major axis length.", func(s *shape) float64 { return s.axes[1] / s.axes[0] }},
	{"flatness", "1", "N17B", "Least divided by major axis length.", func(s *shape) float64 { return s.axes[2] / s.axes[0] }},
	{"volume_density_aabb", "1", "PBX1", "Mesh volume divided by that of the box along the image's axes.", func(s *shape) float64 { return s.volume / s.boxVolume() }},
	{"area_density_aabb", "1", "R59B", "Surface area divided by that of the box along the image's axes.", func(s *shape) float64 { return s.area / s.boxArea() }},
	{"volume_density_aee", "1", "6BDE", "Mesh volume divided by that of the ellipsoid with the principal axes.", func(s *shape) float64 { return s.volume / s.ellipsoidVolume() }},
	{"area_density_aee", "1", "RDD2", "Surface area divided by that of the ellipsoid with the principal axes.", func(s *shape) float64 { return s.area / s.ellipsoidArea() }},
	{"volume_density_convex_hull", "1", "R3ER", "Mesh volume divided by that of the convex hull.", func(s *shape) float64 { return s.volume / s.hull.volume }},
	{"area_density_convex_hull", "1", "7T7F", "Surface area divided by that of the convex hull.", func(s *shape) float64 { return s.area / s.hull.area }},
	{"integrated_intensity", "HU·mm³", "99N0", "Mean intensity times mesh volume.", func(s *shape) float64 { return s.mean * s.volume }},
	{"morans_i", "1", "N365", "Spatial autocorrelation weighted by inverse distance; 0 for none.", func(s *shape) float64 { return s.moran }},
	{"gearys_c", "1", "NPT7", "Squared differences weighted by inverse distance; 1 for no autocorrelation.", func(s *shape) float64 { return s.geary }},
}
