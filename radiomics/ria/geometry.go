package ria

import (
	"math"
)

// geometryStatistics are the 12 measures of [shape.measure], in its order.
var geometryStatistics = []statistic{
	{"volume", "mm3", "Volume of the voxels."},
	{"volume_ratio", "1", "Volume over that of the lesion."},
	{"surface", "mm2", "Area of the faces between voxels inside and outside."},
	{"surface_ratio", "1", "Surface over that of the lesion."},
	{"surface_volume_ratio", "1/mm", "Surface over volume."},
	{"compactness_1", "mm^5/3", "V/(√π S^⅔), as printed by Aerts et al. (2014)."},
	{"compactness_2", "1", "36π V²/S³: 1 for a sphere."},
	{"spherical_disproportion", "1", "Surface over that of a sphere of equal volume."},
	{"sphericity", "1", "Surface of a sphere of equal volume over the surface."},
	{"box_counting_dimension", "1", "Slope of log₂ of the number of occupied boxes over log₂ of the boxes per edge."},
	{"information_dimension", "1", "Slope of the entropy of the boxes' shares over log₂ of the boxes per edge."},
	{"correlation_dimension", "1", "Minus the slope of log₂ of the sum of the boxes' squared shares over log₂ of the boxes per edge."},
}

// shape is what the geometry of a set of voxels is made from.
type shape struct {
	voxels  int
	faces   [3]int // across i, j, k
	fractal [3]float64
}

// voxel is the size of a voxel.
type voxel struct {
	volume float64    // mm³
	faces  [3]float64 // area of those across i, j, k, mm²
}

// voxelOf returns the voxel of a region: a parallelepiped.
func voxelOf(r *Region) voxel {
	s, c := &r.Spacing, &r.Cosines
	v := voxel{volume: s[0] * s[1] * s[2] * math.Sqrt(1-c[0]*c[0]-c[1]*c[1]-c[2]*c[2]+2*c[0]*c[1]*c[2])}
	for a := range 3 {
		v.faces[a] = s[(a+1)%3] * s[(a+2)%3] * math.Sqrt(1-c[a]*c[a])
	}
	return v
}

// surface returns the area of the faces, mm².
func (s *shape) surface(of voxel) float64 {
	return float64(s.faces[0])*of.faces[0] + float64(s.faces[1])*of.faces[1] + float64(s.faces[2])*of.faces[2]
}

// measure stores the measures of s, a part of whole. What an empty part has
// no value for is NaN.
func (s *shape) measure(dst []float64, whole *shape, of voxel) {
	v, a := float64(s.voxels)*of.volume, s.surface(of)
	sphere := math.Cbrt(math.Pi) * math.Pow(6*v, 2.0/3) // its surface
	copy(dst, []float64{
		v, float64(s.voxels) / float64(whole.voxels), a, a / whole.surface(of), quotient(a, v),
		quotient(v, math.Sqrt(math.Pi)*math.Pow(a, 2.0/3)), quotient(36*math.Pi*v*v, a*a*a), quotient(a, sphere), quotient(sphere, a),
		s.fractal[0], s.fractal[1], s.fractal[2],
	})
}

// morton returns the bits of three numbers below 2²¹ interleaved: numbers with
// equal leading 3m bits lie in one of 8ᵐ boxes.
func morton(i, j, k int) uint64 {
	spread := func(x uint64) uint64 {
		x = (x | x<<32) & 0x1f00000000ffff
		x = (x | x<<16) & 0x1f0000ff0000ff
		x = (x | x<<8) & 0x100f00f00f00f00f
		x = (x | x<<4) & 0x10c30c30c30c30c3
		return (x | x<<2) & 0x1249249249249249
	}
	return spread(uint64(i)) | spread(uint64(j))<<1 | spread(uint64(k))<<2
}

// fractal returns the three dimensions of a set of voxels, from their Morton
// numbers in ascending order. The cube that holds the lesion, with an edge of
// 2ᵐ voxels, is cut into 1, 8, 64, … 8ᵐ boxes; with the shares p of the voxels
// in the boxes,
//
//	N = Σ 1,  I = −Σ p log₂ p,  C = Σ p²                             (RIA.3)
//
// over the occupied boxes, the dimensions are the slopes of log₂ N, I and
// −log₂ C over 0, 1, … m, by least squares. log2 holds logarithms of whole
// numbers. They are NaN for no voxel and for a cube of one voxel.
func fractal(codes []uint64, m int, log2 []float64) [3]float64 {
	if len(codes) == 0 || m == 0 {
		return [3]float64{math.NaN(), math.NaN(), math.NaN()}
	}
	n := float64(len(codes))
	var sum, product [3]float64
	for scale := range m + 1 {
		shift := 3 * (m - scale)
		var boxes int
		var information, squares float64
		for lo := 0; lo < len(codes); {
			hi, box := lo+1, codes[lo]>>shift
			for hi < len(codes) && codes[hi]>>shift == box {
				hi++
			}
			c := hi - lo
			boxes++
			information += float64(c) * log2[c]
			squares += float64(c) * float64(c)
			lo = hi
		}
		for a, y := range [3]float64{log2[boxes], log2[len(codes)] - information/n, -math.Log2(squares / (n * n))} {
			sum[a] += y
			product[a] += float64(scale) * y
		}
	}
	var out [3]float64
	points := float64(m + 1)
	x, xx := float64(m)/2, float64(m)*points*float64(2*m+1)/6 // mean and sum of squares of 0 … m
	for a := range out {
		out[a] = (product[a] - x*sum[a]) / (xx - points*x*x)
	}
	return out
}
