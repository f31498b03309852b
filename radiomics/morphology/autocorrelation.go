package morphology

import (
	"context"
	"math"
	"sync"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// field is the intensities of a region, placed in the box of their bounds.
type field struct {
	size  [3]int
	frame frame
	at    [][3]int32 // voxels, k slowest
	y     []float64  // intensities from their mean, in standard deviations

	places []int32      // direct sums: voxels in a box with room for offsets
	table  []float64    // weights of offsets
	terms  []pairSums   // of each voxel with those before it
	weight []float64    // transform of the weights: one octant, or all of it if the axes are sheared
	values []complex128 // transform of the intensities
}

// The pairs are summed one by one up to fewVoxels, and up to someVoxels where
// there are not many more pairs than samples of the transforms. These limits are
// part of the result's definition: changing them changes last digits.
const (
	fewVoxels      = 3000
	someVoxels     = 20_000
	pairsPerSample = 128
)

// pairSums are sums over all ordered pairs of voxels with the weights w = 1/d of
// their distance d.
type pairSums struct {
	weight float64 // Σ w
	cross  float64 // Σ w yᵢyⱼ
	square float64 // Σ w yᵢ²
}

func (s *pairSums) add(t pairSums) {
	s.weight += t.weight
	s.cross += t.cross
	s.square += t.square
}

// autocorrelation returns Moran's I and Geary's C with the weights w = 1/d of
// the distance d between two voxels,
//
//	I = n/W · Σ w (xᵢ−x̄)(xⱼ−x̄) / Σ(xᵢ−x̄)²                            (R.6)
//	C = (n−1)/2W · Σ w (xᵢ−xⱼ)² / Σ(xᵢ−x̄)²                            (R.7)
//
// over all pairs i ≠ j, W = Σ w. They are NaN for equal intensities. See IBSI,
// sections 3.1.24 and 25. Because w depends on the offset alone, the sums over j
// are convolutions: large regions use Fourier transforms.
func (f *field) autocorrelation(ctx context.Context) (moran, geary float64, err error) {
	n := float64(len(f.y))
	if len(f.y) < 2 {
		return math.NaN(), math.NaN(), nil
	}
	var s pairSums
	var samples int
	for a := range 3 {
		samples = max(samples, 1) * transformLength(2*f.size[a]-1)
	}
	if v := len(f.y); v <= fewVoxels || v <= someVoxels && v*v/2 < pairsPerSample*samples {
		s, err = f.direct(ctx)
	} else {
		s, err = f.fourier(ctx)
	}
	if err != nil {
		return 0, 0, err
	}
	// Σ(xᵢ−x̄)² = n in standard deviations, and Σ w (xᵢ−xⱼ)² = 2 (Σ w xᵢ² − Σ w xᵢxⱼ).
	return s.cross / s.weight, (n - 1) / n * (s.square - s.cross) / s.weight, nil
}

// standardise sets f to the intensities at offsets of a box and returns their
// mean; f.y is empty if they are equal.
func (f *field) standardise(size [3]int, at frame, inside []int, values []float64) (mean float64) {
	f.at, f.y, f.frame = f.at[:0], f.y[:0], at
	for _, x := range values {
		mean += x - values[0]
	}
	n := float64(len(values))
	mean = values[0] + mean/n
	var m2 float64
	for _, x := range values {
		m2 += square(x - mean)
	}
	if sd := math.Sqrt(m2 / n); sd > 0 && !math.IsInf(sd, 0) {
		for _, x := range values {
			f.y = append(f.y, (x-mean)/sd)
		}
	}
	lo, hi := [3]int32{math.MaxInt32, math.MaxInt32, math.MaxInt32}, [3]int32{}
	for _, o := range inside {
		row := o / size[0]
		p := [3]int32{int32(o - row*size[0]), int32(row % size[1]), int32(row / size[1])}
		f.at = append(f.at, p)
		for a := range 3 {
			lo[a], hi[a] = min(lo[a], p[a]), max(hi[a], p[a]+1)
		}
	}
	for n := range f.at {
		for a := range 3 {
			f.at[n][a] -= lo[a]
		}
	}
	for a := range 3 {
		f.size[a] = int(hi[a] - lo[a])
	}
	return mean
}

// inverseDistance returns 1/d of an offset in voxels, zero for no offset.
func (f *field) inverseDistance(i, j, k int) float64 {
	if i == 0 && j == 0 && k == 0 {
		return 0
	}
	d := f.frame.mm([3]float64{float64(i), float64(j), float64(k)})
	return 1 / math.Sqrt(square(d[0])+square(d[1])+square(d[2]))
}

// direct sums over all pairs, with the weights in a table of offsets unless the
// voxels are so scattered that it would be larger than the number of pairs.
func (f *field) direct(ctx context.Context) (pairSums, error) {
	// Places in a box with rows of 2·size−1, so that the difference of two is
	// unique to their offset.
	wx, wy := 2*f.size[0]-1, 2*f.size[1]-1
	tabled := wx*wy*f.size[2] <= max(len(f.at)*len(f.at), 1<<16)
	if tabled {
		f.table = resized(f.table, wx*wy*f.size[2])
		for k := range f.size[2] {
			for j := range wy {
				for i := range wx {
					f.table[(k*wy+j)*wx+i] = f.inverseDistance(i-f.size[0]+1, j-f.size[1]+1, k)
				}
			}
		}
		f.places = resized(f.places, len(f.at))
		for n, p := range f.at {
			f.places[n] = int32((int(p[2])*wy+int(p[1]))*wx + int(p[0]))
		}
	}
	f.terms = resized(f.terms, len(f.at))
	var s pairSums
	if blocks := (len(f.at) + termBlock - 1) / termBlock; len(f.at)*len(f.at) < pairsAlone {
		for b := range blocks {
			if err := ctx.Err(); err != nil {
				return s, err
			}
			f.addBefore(b, tabled)
		}
	} else if err := par.For(ctx, blocks, func(b int) { f.addBefore(blocks-1-b, tabled) }); err != nil { // the longest first
		return s, err
	}
	for _, t := range f.terms {
		s.add(t)
	}
	return s, nil
}

// termBlock is how many voxels one goroutine takes at a time, and pairsAlone
// below how many ordered pairs, of some nanoseconds each, there is but one.
const (
	termBlock  = 128
	pairsAlone = 1 << 20
)

// addBefore fills the terms of a block of voxels.
func (f *field) addBefore(block int, tabled bool) {
	zero := (f.size[1]-1)*(2*f.size[0]-1) + f.size[0] - 1
	for n := block * termBlock; n < min((block+1)*termBlock, len(f.at)); n++ {
		// Sums over the earlier voxels: the offset is not negative.
		var weight, near, squares float64
		p, y := f.at[n], f.y[:n]
		if tabled {
			weight, near, squares = f.earlier(int(f.places[n])+zero, f.places[:n], y)
		} else {
			for m, q := range f.at[:n] {
				w, v := f.inverseDistance(int(p[0]-q[0]), int(p[1]-q[1]), int(p[2]-q[2])), y[m]
				weight += w
				near += w * v
				squares += w * v * v
			}
		}
		f.terms[n] = pairSums{2 * weight, 2 * f.y[n] * near, f.y[n]*f.y[n]*weight + squares}
	}
}

// earlier returns Σ w, Σ w y and Σ w y² over the voxels at places, with the
// weights in the table before at. Odd and even voxels are summed apart, so that
// no sum waits for the one before.
func (f *field) earlier(at int, places []int32, y []float64) (weight, near, squares float64) {
	table := f.table[:at+1]
	y = y[:len(places)]
	var weight1, near1, squares1 float64
	m := 0
	for ; m+1 < len(places); m += 2 {
		w0, v0 := table[at-int(places[m])], y[m]
		w1, v1 := table[at-int(places[m+1])], y[m+1]
		n0, n1 := w0*v0, w1*v1
		weight += w0
		weight1 += w1
		near += n0
		near1 += n1
		squares += n0 * v0
		squares1 += n1 * v1
	}
	if m < len(places) {
		w, v := table[at-int(places[m])], y[m]
		weight += w
		near += w * v
		squares += w * v * v
	}
	return weight + weight1, near + near1, squares + squares1
}

// plans are the transforms of lines along each axis, and room for lines.
type plans struct {
	fft  [3]*fourier.CmplxFFT
	line []complex128
}

// lanes is how many lines are gathered at a time, so that memory is read in
// runs.
const lanes = 8

// fourier finds Σⱼ w yⱼ and Σⱼ w of all voxels in one convolution, of the image
// y + i·1: the weights are real and even, so the parts do not mix. Lines of zeros
// are not transformed, and only planes that hold voxels are kept.
func (f *field) fourier(ctx context.Context) (pairSums, error) {
	var n [3]int // with room for all offsets
	for a := range 3 {
		n[a] = transformLength(2*f.size[a] - 1)
	}
	pool := sync.Pool{New: func() any {
		p := &plans{line: make([]complex128, max(n[0], lanes*max(n[1], n[2])))}
		for a := range 3 {
			p.fft[a] = fourier.NewCmplxFFT(n[a])
		}
		return p
	}}
	transform := f.transformWeights
	if f.frame.sheared {
		transform = f.transformSheared
	}
	if err := transform(ctx, n, &pool); err != nil {
		return pairSums{}, err
	}
	plane := n[0] * n[1]
	f.values = resized(f.values, plane*f.size[2]) // after the weights, which may need more
	// Voxels of each plane.
	first := make([]int, f.size[2]+1)
	for m, p := range f.at {
		first[p[2]+1] = m + 1
	}
	for k := range f.size[2] {
		first[k+1] = max(first[k+1], first[k])
	}
	// Along i and j, plane by plane.
	err := par.For(ctx, f.size[2], func(k int) {
		p := pool.Get().(*plans)
		defer pool.Put(p)
		x := f.values[k*plane : (k+1)*plane]
		clear(x)
		for m := first[k]; m < first[k+1]; m++ {
			x[int(f.at[m][1])*n[0]+int(f.at[m][0])] = complex(f.y[m], 1)
		}
		for j := range f.size[1] {
			row := x[j*n[0] : (j+1)*n[0]]
			p.fft[0].Coefficients(row, row)
		}
		p.columns(x, n[0], f.size[1], n[1], 1, func(line []complex128, _ int) { p.fft[1].Coefficients(line, line) })
	})
	if err != nil {
		return pairSums{}, err
	}
	// Along k, times the weights, and back.
	h := [3]int{n[0]/2 + 1, n[1]/2 + 1, n[2]/2 + 1}
	err = par.For(ctx, n[1], func(j int) {
		p := pool.Get().(*plans)
		defer pool.Put(p)
		jw := min(j, n[1]-j)
		p.strided(f.values[j*n[0]:], n[0], plane, f.size[2], n[2], f.size[2], func(line []complex128, i int) {
			p.fft[2].Coefficients(line, line)
			if f.frame.sheared {
				for k, s := range f.weight[(j*n[0]+i)*n[2]:][:n[2]] {
					line[k] = complex(real(line[k])*s, imag(line[k])*s)
				}
			} else {
				w := f.weight[jw*h[0]+min(i, n[0]-i):]
				for k := range line {
					s := w[min(k, n[2]-k)*h[0]*h[1]]
					line[k] = complex(real(line[k])*s, imag(line[k])*s)
				}
			}
			p.fft[2].Sequence(line, line)
		})
	})
	if err != nil {
		return pairSums{}, err
	}
	// Back along j and i, and sums over the voxels.
	sums := make([]pairSums, f.size[2])
	scale := 1 / (float64(n[0]) * float64(n[1]) * float64(n[2]))
	err = par.For(ctx, f.size[2], func(k int) {
		p := pool.Get().(*plans)
		defer pool.Put(p)
		x := f.values[k*plane : (k+1)*plane]
		p.columns(x, n[0], n[1], n[1], f.size[1], func(line []complex128, _ int) { p.fft[1].Sequence(line, line) })
		for j := range f.size[1] {
			row := x[j*n[0] : (j+1)*n[0]]
			p.fft[0].Sequence(row, row)
		}
		s := &sums[k]
		for m := first[k]; m < first[k+1]; m++ {
			at := x[int(f.at[m][1])*n[0]+int(f.at[m][0])]
			near, weight := real(at)*scale, imag(at)*scale
			y := f.y[m]
			s.add(pairSums{weight, y * near, y * y * weight})
		}
	})
	var s pairSums
	for _, t := range sums {
		s.add(t)
	}
	return s, err
}

// columns runs do on every column of a plane with rows of nx: the first from
// values are read, the rest of length are zero; the first to are written back,
// all of them if to is 1.
func (p *plans) columns(x []complex128, nx, from, length, to int, do func(line []complex128, i int)) {
	if to == 1 {
		to = length
	}
	p.strided(x, nx, nx, from, length, to, do)
}

// strided runs do on count neighbouring lines of x, whose values lie stride
// apart. The first from values are read, the rest of length are zero, and the
// first to are written back.
func (p *plans) strided(x []complex128, count, stride, from, length, to int, do func(line []complex128, i int)) {
	for start := 0; start < count; start += lanes {
		n := min(lanes, count-start)
		for l := range n {
			clear(p.line[l*length+from : (l+1)*length])
		}
		for t := range from {
			for l, v := range x[start+t*stride:][:n] {
				p.line[l*length+t] = v
			}
		}
		for l := range n {
			do(p.line[l*length:(l+1)*length], start+l)
		}
		for t := range to {
			for l := range n {
				x[start+t*stride+l] = p.line[l*length+t]
			}
		}
	}
}

// transformWeights fills f.weight with the transform of the weights. They are
// even along each axis, so one octant says all, and two lines share a complex
// transform.
func (f *field) transformWeights(ctx context.Context, n [3]int, pool *sync.Pool) error {
	h := [3]int{n[0]/2 + 1, n[1]/2 + 1, n[2]/2 + 1}
	f.weight = resized(f.weight, h[0]*h[1]*h[2])
	w := f.weight
	err := par.For(ctx, h[2], func(k int) {
		p := pool.Get().(*plans)
		defer pool.Put(p)
		plane := w[k*h[0]*h[1] : (k+1)*h[0]*h[1]]
		for j := range h[1] {
			for i := range h[0] {
				plane[j*h[0]+i] = f.inverseDistance(i, j, k)
			}
		}
		for j := 0; j < h[1]; j += 2 {
			p.even(0, plane[j*h[0]:], plane[min(j+1, h[1]-1)*h[0]:], h[0], 1, n[0])
		}
		for i := 0; i < h[0]; i += 2 {
			p.even(1, plane[i:], plane[min(i+1, h[0]-1):], h[1], h[0], n[1])
		}
	})
	if err != nil {
		return err
	}
	return par.For(ctx, h[1], func(j int) {
		p := pool.Get().(*plans)
		defer pool.Put(p)
		for i := 0; i < h[0]; i += 2 {
			at := j * h[0]
			p.even(2, w[at+i:], w[at+min(i+1, h[0]-1):], h[2], h[0]*h[1], n[2])
		}
	})
}

// transformSheared is transformWeights where only opposite offsets have equal
// weights: the transform is still real. It stores them with k running fastest.
func (f *field) transformSheared(ctx context.Context, n [3]int, pool *sync.Pool) error {
	plane := n[0] * n[1]
	f.weight, f.values = resized(f.weight, plane*n[2]), resized(f.values, plane*n[2])
	offset := func(a, x int) int { // as the transform wraps it; opposite ends belong together
		if x > n[a]/2 {
			return x - n[a]
		}
		return x
	}
	err := par.For(ctx, n[2], func(k int) {
		p := pool.Get().(*plans)
		defer pool.Put(p)
		x := f.values[k*plane : (k+1)*plane]
		for j := range n[1] {
			row := x[j*n[0] : (j+1)*n[0]]
			for i := range row {
				row[i] = complex(f.inverseDistance(offset(0, i), offset(1, j), offset(2, k)), 0)
			}
			p.fft[0].Coefficients(row, row)
		}
		p.columns(x, n[0], n[1], n[1], 1, func(line []complex128, _ int) { p.fft[1].Coefficients(line, line) })
	})
	if err != nil {
		return err
	}
	return par.For(ctx, n[1], func(j int) {
		p := pool.Get().(*plans)
		defer pool.Put(p)
		p.strided(f.values[j*n[0]:], n[0], plane, n[2], n[2], 0, func(line []complex128, i int) {
			p.fft[2].Coefficients(line, line)
			for k, v := range line {
				f.weight[(j*n[0]+i)*n[2]+k] = real(v)
			}
		})
	})
}

// even replaces two lines of half values by the transforms of the even lines of
// length n that they are halves of. The lines may be the same.
func (p *plans) even(axis int, a, b []float64, half, stride, n int) {
	line := p.line[:n]
	for t := range half {
		v := complex(a[t*stride], b[t*stride])
		line[t] = v
		if t > 0 {
			line[n-t] = v
		}
	}
	p.fft[axis].Coefficients(line, line)
	for t := range half {
		a[t*stride], b[t*stride] = real(line[t]), imag(line[t])
	}
}

// transformLength returns the smallest even number of at least n whose prime
// factors are 2, 3 and 5, or one.
func transformLength(n int) int {
	if n <= 1 {
		return 1
	}
	for n += n & 1; ; n += 2 {
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
