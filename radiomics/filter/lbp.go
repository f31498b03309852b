package filter

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"math/cmplx"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// binaryPattern is the local binary pattern of each slice, as scikit-image
// computes it and PyRadiomics uses it: samples on a circle, interpolated
// linearly and zero beyond the slice, are compared with the voxel. With s of
// them not below it, the pattern is
//
//	default      Σ 2ᵖ over these samples
//	ror          the smallest of the pattern's rotations
//	uniform      s, or P + 1 if there are more than two changes along the circle
//	nri_uniform  the number of a uniform pattern in a list of all, or P(P−1) + 2
//	var          the variance of the samples, NaN if they are equal
//
// Ojala et al., IEEE PAMI 24 (2002) 971.
type binaryPattern struct {
	radius  float64 // voxels
	samples int
	method  string
	across  int
}

func newBinaryPattern(c *Config) (response, error) {
	return &binaryPattern{c.Radius, c.Samples, c.Method, strings.Index("ijk", c.Axis)}, nil
}

func (p *binaryPattern) support([3]float64) (n [3]int, finite bool) {
	x, y := inPlane(p.across)
	n[x], n[y] = int(math.Ceil(p.radius)), int(math.Ceil(p.radius))
	return n, true
}

func (p *binaryPattern) apply(ctx context.Context, v *imaging.Volume, _ *imaging.Mask) (*imaging.Volume, error) {
	x, y := inPlane(p.across)
	stride := [3]int{1, v.Size[0], v.Size[0] * v.Size[1]}
	rows, cols := make([]float64, p.samples), make([]float64, p.samples)
	for n := range rows {
		sin, cos := math.Sincos(2 * math.Pi * float64(n) / float64(p.samples))
		rows[n], cols[n] = fiveDigits(-p.radius*sin), fiveDigits(p.radius*cos)
	}
	out := imaging.NewVolume(v.Grid)
	err := each(ctx, v.Len(), v.Size[p.across], func(k int) {
		at := func(r, c int) float64 {
			if uint(r) >= uint(v.Size[y]) || uint(c) >= uint(v.Size[x]) {
				return 0
			}
			return float64(v.Values[k*stride[p.across]+r*stride[y]+c*stride[x]])
		}
		texture := make([]float64, p.samples)
		for r := range v.Size[y] {
			for c := range v.Size[x] {
				for n := range texture {
					texture[n] = bilinear(at, float64(r)+rows[n], float64(c)+cols[n])
				}
				out.Values[k*stride[p.across]+r*stride[y]+c*stride[x]] = float32(p.pattern(texture, at(r, c)))
			}
		}
	})
	return out, err
}

func fiveDigits(x float64) float64 { return math.RoundToEven(x*1e5) / 1e5 }

// bilinear interpolates between the four voxels around a place.
func bilinear(at func(r, c int) float64, r, c float64) float64 {
	r0, c0, r1, c1 := math.Floor(r), math.Floor(c), math.Ceil(r), math.Ceil(c)
	dr, dc := r-r0, c-c0
	top := (1-dc)*at(int(r0), int(c0)) + dc*at(int(r0), int(c1))
	bottom := (1-dc)*at(int(r1), int(c0)) + dc*at(int(r1), int(c1))
	return (1-dr)*top + dr*bottom
}

// pattern returns the pattern of samples about a voxel.
func (p *binaryPattern) pattern(texture []float64, centre float64) float64 {
	n := len(texture)
	var code uint32
	for i, t := range texture {
		if t-centre >= 0 {
			code |= 1 << i
		}
	}
	// Changes from one sample to the next; the last is not compared with the first.
	changes := bits.OnesCount32((code ^ code>>1) & (1<<(n-1) - 1))
	ones := bits.OnesCount32(code)
	switch p.method {
	case "default":
		return float64(code)
	case "ror":
		least, turned := code, code
		for range n - 1 {
			turned = turned>>1 | turned&1<<(n-1)
			least = min(least, turned)
		}
		return float64(least)
	case "nri_uniform":
		switch {
		case changes > 2:
			return float64(n*(n-1) + 2)
		case ones == 0:
			return 0
		case ones == n:
			return float64(n*(n-1) + 1)
		}
		turn := n - bits.TrailingZeros32(code)
		if code&1 == 1 {
			turn = ones - bits.TrailingZeros32(^code)
		}
		return float64(1 + (ones-1)*n + turn)
	case "var":
		var mean, variance float64
		for _, t := range texture {
			mean += t / float64(n)
		}
		for _, t := range texture {
			variance += (t - mean) * (t - mean) / float64(n)
		}
		if variance == 0 {
			return math.NaN()
		}
		return variance
	}
	if changes > 2 {
		return float64(n + 1)
	}
	return float64(ones)
}

// spherePattern is the local binary pattern on spheres of PyRadiomics: whether
// samples on an icosphere about a voxel (cubic splines, zero beyond the image)
// are not below it is expanded in spherical harmonics, and the map of a level
// n is the norm of the part of that degree; map k is the kurtosis of the
// samples. Interpolated samples of an image of whole numbers are rounded, as
// SciPy does with the integer images that such scans are.
//
// As in PyRadiomics the polar angle of a sample goes where the harmonics
// expect the azimuth, and the other way round, and the first coordinate of a
// sample lies along k. The harmonics are not conjugated. Banerjee et al.,
// ACCV 2012, LNCS 7728.
type spherePattern struct {
	radius      float64
	subdivision int
	degree      int // of the map; −1: kurtosis
}

func newSpherePattern(c *Config) (response, error) {
	s := &spherePattern{c.Radius, *c.Subdivision, -1}
	if c.Map == "k" {
		return s, nil
	}
	level, err := strconv.Atoi(strings.TrimPrefix(c.Map, "m"))
	if err != nil || !strings.HasPrefix(c.Map, "m") || level < 1 || level > c.Harmonics {
		return nil, fmt.Errorf("map: %q: want k or m1 to m%d", c.Map, c.Harmonics)
	}
	s.degree = level - 1
	return s, nil
}

// splineReach is how far, in voxels, a cubic spline remembers its samples: the
// pole of its prefilter is 0.268, and 0.268²⁰ is below the last bit of a float32.
const splineReach = 20

func (s *spherePattern) support([3]float64) (n [3]int, finite bool) {
	r := int(math.Ceil(s.radius)) + splineReach
	return [3]int{r, r, r}, true
}

func (s *spherePattern) apply(ctx context.Context, v *imaging.Volume, _ *imaging.Mask) (*imaging.Volume, error) {
	whole := true
	for _, x := range v.Values {
		whole = whole && float64(x) == math.Trunc(float64(x))
	}
	sphere := icosphere(s.subdivision, s.radius)
	harmonics := make([][]complex128, len(sphere)) // of each sample, from −degree to degree
	for n, p := range sphere {
		for m := -s.degree; m <= s.degree; m++ {
			harmonics[n] = append(harmonics[n], harmonic(s.degree, m, math.Acos(p[2]/s.radius), math.Atan2(p[1], p[0])))
		}
	}
	orders := max(0, 2*s.degree+1)
	coefficients := make([]complex128, orders*v.Len())
	var moments [4][]float64
	for m := range moments {
		moments[m] = make([]float64, v.Len())
	}
	samples := newSpline(v, int(math.Ceil(s.radius))+2)
	for n, p := range sphere {
		h, err := samples.at(ctx, [3]float64{p[2], p[1], p[0]})
		if err != nil {
			return nil, err
		}
		for o, x := range h.Values {
			y := float64(x)
			if whole {
				y = math.Trunc(y + math.Copysign(0.5, y))
			}
			d := y - float64(v.Values[o])
			if s.degree < 0 {
				moments[0][o] += d
				moments[1][o] += d * d
				moments[2][o] += d * d * d
				moments[3][o] += d * d * d * d
			} else if d >= 0 {
				for m, y := range harmonics[n] {
					coefficients[o*orders+m] += y
				}
			}
		}
	}
	out := imaging.NewVolume(v.Grid)
	for o := range out.Values {
		if s.degree < 0 {
			out.Values[o] = float32(kurtosis([4]float64{moments[0][o], moments[1][o], moments[2][o], moments[3][o]}, float64(len(sphere))))
			continue
		}
		var sum complex128
		c := coefficients[o*orders:][:orders]
		for n := range sphere {
			var f complex128
			for m, y := range harmonics[n] {
				f += c[m] * y
			}
			sum += f * f
		}
		out.Values[o] = float32(real(cmplx.Sqrt(sum)))
	}
	return out, nil
}

// kurtosis returns the excess kurtosis of n numbers with the given sums of
// powers; NaN if they are equal.
func kurtosis(sums [4]float64, n float64) float64 {
	m := sums[0] / n
	s2, s3, s4 := sums[1]/n, sums[2]/n, sums[3]/n
	variance := s2 - m*m
	if variance <= 1e-12*s2 {
		return math.NaN()
	}
	return (s4-4*m*s3+6*m*m*s2-3*m*m*m*m)/(variance*variance) - 3
}

// spline is an image as coefficients of cubic B-splines, mirrored about its
// outer voxels by pad voxels. See Unser, IEEE Signal Processing Magazine 16
// (1999) 22.
type spline struct {
	image        *imaging.Volume
	coefficients *imaging.Volume
	pad          int
}

func newSpline(v *imaging.Volume, pad int) *spline {
	s := &spline{v, imaging.NewVolume(v.Grid.Pad(pad)), pad}
	line := make([]float64, max(v.Size[0], v.Size[1], v.Size[2]))
	c := make([]float64, v.Len())
	for i, x := range v.Values {
		c[i] = float64(x)
	}
	stride := 1
	for _, n := range v.Size {
		for o := range c {
			if o/stride%n != 0 || n == 1 {
				continue
			}
			for i := range n {
				line[i] = c[o+i*stride]
			}
			prefilter(line[:n])
			for i := range n {
				c[o+i*stride] = line[i]
			}
		}
		stride *= n
	}
	g := &s.coefficients.Grid
	for n := range s.coefficients.Values {
		i, j, k := g.Coords(n)
		s.coefficients.Values[n] = float32(c[v.Offset(aboutEnds(i-pad, v.Size[0]), aboutEnds(j-pad, v.Size[1]), aboutEnds(k-pad, v.Size[2]))])
	}
	return s
}

// aboutEnds folds i into [0, n) by mirrors at the first and the last sample.
func aboutEnds(i, n int) int {
	if n == 1 {
		return 0
	}
	period := 2*n - 2
	if i = ((i % period) + period) % period; i >= n {
		i = period - i
	}
	return i
}

// prefilter replaces the samples of a line, mirrored about its ends, by their
// spline coefficients: a recursive filter with pole √3 − 2 forwards and back.
func prefilter(c []float64) {
	n, z := len(c), math.Sqrt(3)-2
	var first float64
	power := 1.0
	for i := 0; i < 2*n-2 && math.Abs(power) > 1e-17; i++ {
		first += power * c[aboutEnds(i, n)]
		power *= z
	}
	if math.Abs(power) > 1e-17 {
		first /= 1 - power // the whole period came by
	}
	c[0] = first
	for i := 1; i < n; i++ {
		c[i] += z * c[i-1]
	}
	c[n-1] = z / (z*z - 1) * (z*c[n-2] + c[n-1])
	for i := n - 2; i >= 0; i-- {
		c[i] = z * (c[i+1] - c[i])
	}
	for i := range c {
		c[i] *= 6
	}
}

// at returns the image at its voxels moved by a distance, in voxels, of at
// most pad − 2; zero beyond the outer voxel centres.
func (s *spline) at(ctx context.Context, by [3]float64) (*imaging.Volume, error) {
	f := &separable{boundary: Zero}
	t := term{factor: 1}
	for a, d := range by {
		f.kernels = append(f.kernels, chain{shift(d, s.pad)})
		t.kernel[a] = a
	}
	f.groups = []group{{t}}
	h, err := f.apply(ctx, s.coefficients, nil)
	if err != nil {
		return nil, err
	}
	size := s.image.Size
	h = h.Crop([3]int{s.pad, s.pad, s.pad}, [3]int{s.pad + size[0], s.pad + size[1], s.pad + size[2]})
	beyond := func(i, a int) bool {
		x := float64(i) + by[a]
		return x < 0 || x > float64(size[a]-1)
	}
	for n := range h.Values {
		if i, j, k := h.Coords(n); beyond(i, 0) || beyond(j, 1) || beyond(k, 2) {
			h.Values[n] = 0
		}
	}
	return h, nil
}

// shift returns the kernel, of the given radius, that evaluates a spline by
// samples further.
func shift(by float64, radius int) []float64 {
	w := make([]float64, 2*radius+1)
	whole := math.Floor(by)
	t := by - whole
	u := 1 - t
	for m, x := range [4]float64{u * u * u / 6, 2.0/3 - t*t*(2-t)/2, 2.0/3 - u*u*(2-u)/2, t * t * t / 6} {
		w[radius-int(whole)-m+1] = x
	}
	return w
}

// icosphere returns the vertices of an icosahedron of the given radius whose
// faces are divided into four the given number of times.
func icosphere(subdivisions int, radius float64) [][3]float64 {
	const s, l = 0.5257311121191336, 0.8506508083520399
	var points []r3.Vec
	for _, a := range [2]float64{s, -s} {
		for _, b := range [2]float64{l, -l} {
			points = append(points, r3.Vec{X: a, Y: b}, r3.Vec{Y: a, Z: b}, r3.Vec{X: b, Z: a})
		}
	}
	edge := r3.Norm(r3.Sub(r3.Vec{X: s, Y: l}, r3.Vec{X: -s, Y: l}))
	for range subdivisions {
		// Every edge gets a point in its middle; edges are the shortest
		// distances, and differ by less than a fifth on the sphere.
		n := len(points)
		for a := range n {
			for b := range a {
				if r3.Norm(r3.Sub(points[a], points[b])) < 1.2*edge {
					points = append(points, r3.Unit(r3.Add(points[a], points[b])))
				}
			}
		}
		edge /= 2
	}
	out := make([][3]float64, len(points))
	for n, p := range points {
		out[n] = [3]float64{radius * p.X, radius * p.Y, radius * p.Z}
	}
	return out
}

// harmonic returns the spherical harmonic of degree n and order m,
//
//	Y = √((2n+1)/4π · (n−m)!/(n+m)!) Pₙᵐ(cos polar) e^(i m azimuth)
func harmonic(n, m int, azimuth, polar float64) complex128 {
	k := m
	if m < 0 {
		k = -m
	}
	x := math.Cos(polar)
	// Pₖᵏ, with the Condon-Shortley phase, then upwards in degree.
	p := 1.0
	for q := 1; q <= k; q++ {
		p *= -float64(2*q-1) * math.Sqrt(max(0, 1-x*x))
	}
	var before float64
	for q := k + 1; q <= n; q++ {
		p, before = (float64(2*q-1)*x*p-float64(q+k-1)*before)/float64(q-k), p
	}
	scale := float64(2*n+1) / (4 * math.Pi)
	for q := n - k + 1; q <= n+k; q++ {
		scale /= float64(q)
	}
	y := complex(p*math.Sqrt(scale), 0) * cmplx.Exp(complex(0, float64(k)*azimuth))
	if m < 0 {
		y = cmplx.Conj(y)
		if k%2 == 1 {
			y = -y
		}
	}
	return y
}

func shortPattern(c *Config) string {
	if c.Kind == "lbp_3d" {
		return c.Kind + "_" + c.Map
	}
	return c.Kind
}

func wordsPattern(c *Config) string {
	if c.Kind == "lbp_3d" {
		return fmt.Sprintf("local binary pattern on spheres of %g voxels, map %s of %d levels, subdivision %d", c.Radius, c.Map, c.Harmonics, *c.Subdivision)
	}
	return fmt.Sprintf("local binary pattern, %s, %d samples at %g voxels, slices across %s", c.Method, c.Samples, c.Radius, c.Axis)
}
