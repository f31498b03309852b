package radiomics

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/spatial/r3"
)

// fewVoxels is up to how many voxels the pairs are summed one by one. It is
// part of the result's definition: changing it changes last digits.
const fewVoxels = 3000

// autocorrelation returns Moran's I and Geary's C with the weights w = 1/d of
// the distance d between two voxels,
//
//	I = n/W · Σ w (xᵢ−x̄)(xⱼ−x̄) / Σ(xᵢ−x̄)²                            (R.6)
//	C = (n−1)/2W · Σ w (xᵢ−xⱼ)² / Σ(xᵢ−x̄)²                            (R.7)
//
// over all pairs i ≠ j, W = Σ w. They are NaN for equal intensities. See IBSI,
// sections 3.1.24 and 25. Because w depends on the offset alone, the sums over
// j are convolutions: large regions use Fourier transforms.
func autocorrelation(r *region) (moran, geary float64) {
	mean, m2, _, _ := moments(r.values)
	n := float64(len(r.values))
	if m2 == 0 {
		return math.NaN(), math.NaN()
	}
	y := make([]float64, len(r.values))
	for i, x := range r.values {
		y[i] = x - mean
	}
	// Per voxel: a = Σⱼ w yⱼ and b = Σⱼ w.
	var a, b []float64
	if len(y) <= fewVoxels {
		a, b = r.weightDirect(y)
	} else {
		a, b = r.weightFourier(y)
	}
	var total, cross, square float64
	for i := range y {
		total += b[i]
		cross += y[i] * a[i]
		square += y[i] * y[i] * b[i]
	}
	moran = cross / total / m2
	geary = (n - 1) / total * (square - cross) / (n * m2)
	return moran, geary
}

// weightDirect sums over all pairs, with the weights in a table of offsets.
func (r *region) weightDirect(y []float64) (a, b []float64) {
	lo, hi, _ := r.mask.Bounds()
	dx, dy, dz := hi[0]-lo[0], hi[1]-lo[1], hi[2]-lo[2]
	// Positions in a box with rows of 2dx−1, so that the difference of two
	// positions is unique to their offset.
	wx, wy := 2*dx-1, 2*dy-1
	table := make([]float64, wx*wy*dz+wx*wy)
	zero := ((0)*wy+dy-1)*wx + dx - 1
	for k := range dz {
		for j := 1 - dy; j < dy; j++ {
			for i := 1 - dx; i < dx; i++ {
				table[zero+(k*wy+j)*wx+i] = r.weight(i, j, k)
			}
		}
	}
	at := make([]int, len(y))
	for n, o := range r.inside {
		i, j, k := r.mask.Coords(o)
		at[n] = ((k-lo[2])*wy+j-lo[1])*wx + i - lo[0]
	}
	a, b = make([]float64, len(y)), make([]float64, len(y))
	for n, p := range at {
		var an, bn float64
		for m, q := range at[:n] { // earlier in memory: the offset is not negative
			w := table[zero+p-q]
			an += w * y[m]
			bn += w
			a[m] += w * y[n]
			b[m] += w
		}
		a[n] += an
		b[n] += bn
	}
	return a, b
}

// weight returns 1/d of an offset in voxels, zero for no offset.
func (r *region) weight(i, j, k int) float64 {
	if i == 0 && j == 0 && k == 0 {
		return 0
	}
	p := r3.Sub(r.mask.Point(float64(i), float64(j), float64(k)), r.mask.Origin)
	return 1 / r3.Norm(p)
}

// weightFourier finds both sums in one convolution, of the image y + i·1: the
// weights are real and even, so the parts do not mix.
func (r *region) weightFourier(y []float64) (a, b []float64) {
	lo, hi, _ := r.mask.Bounds()
	var n [3]int
	for d := range 3 {
		n[d] = fftLength(2*(hi[d]-lo[d]) - 1)
	}
	f, w := make([]complex128, n[0]*n[1]*n[2]), make([]complex128, n[0]*n[1]*n[2])
	at := make([]int, len(y))
	for m, o := range r.inside {
		i, j, k := r.mask.Coords(o)
		at[m] = ((k-lo[2])*n[1]+j-lo[1])*n[0] + i - lo[0]
		f[at[m]] = complex(y[m], 1)
	}
	signed := func(i, n int) int {
		if 2*i > n {
			return i - n
		}
		return i
	}
	for k := range n[2] {
		for j := range n[1] {
			for i := range n[0] {
				w[(k*n[1]+j)*n[0]+i] = complex(r.weight(signed(i, n[0]), signed(j, n[1]), signed(k, n[2])), 0)
			}
		}
	}
	transform(f, n, false)
	transform(w, n, false)
	for m := range f {
		f[m] *= complex(real(w[m]), 0)
	}
	transform(f, n, true)
	a, b = make([]float64, len(y)), make([]float64, len(y))
	scale := 1 / float64(len(f))
	for m, o := range at {
		a[m], b[m] = real(f[o])*scale, imag(f[o])*scale
	}
	return a, b
}

// transform replaces x, i fastest, by its Fourier transform or, unscaled, the
// inverse.
func transform(x []complex128, n [3]int, inverse bool) {
	stride := 1
	for d := range 3 {
		fft := fourier.NewCmplxFFT(n[d])
		line := make([]complex128, n[d])
		for start := range x {
			if start/stride%n[d] != 0 {
				continue
			}
			for t := range line {
				line[t] = x[start+t*stride]
			}
			if inverse {
				fft.Sequence(line, line)
			} else {
				fft.Coefficients(line, line)
			}
			for t := range line {
				x[start+t*stride] = line[t]
			}
		}
		stride *= n[d]
	}
}

// fftLength returns the smallest number of at least n whose prime factors are
// 2, 3 and 5.
func fftLength(n int) int {
	for ; ; n++ {
		m := n
		for _, p := range [3]int{2, 3, 5} {
			for m%p == 0 {
				m /= p
			}
		}
		if m == 1 {
			return n
		}
	}
}
