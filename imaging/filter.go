package imaging

import (
	"context"
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Gaussian returns v smoothed by a Gaussian of standard deviation sigmaMM
// along each axis, mm; zero leaves an axis as it is. Beyond the border the
// nearest voxels are repeated. The kernel is sampled out to 4σ and sums to
// one. It is separable: the cost grows with the sum of the three widths.
func Gaussian(ctx context.Context, v *Volume, sigmaMM [3]float64) (*Volume, error) {
	out := &Volume{Grid: v.Grid, Values: append([]float32(nil), v.Values...)}
	for a, s := range sigmaMM {
		sigma := s / v.Spacing[a]
		if !(sigma >= 0) || sigma > 1e4 {
			return nil, fmt.Errorf("imaging: Gaussian of %g mm on an axis of %g mm: want zero or more, and at most 10000 voxels", s, v.Spacing[a])
		}
		if sigma == 0 || v.Size[a] == 1 {
			continue
		}
		if err := convolveAxis(ctx, out, a, GaussianKernel(sigma)); err != nil {
			return nil, err
		}
	}
	return out, ctx.Err()
}

// GaussianKernel returns samples of the Gaussian of standard deviation sigma,
// in samples, from −4σ to 4σ; they sum to one.
func GaussianKernel(sigma float64) []float64 {
	r := max(1, int(math.Ceil(4*sigma)))
	w := make([]float64, 2*r+1)
	var sum float64
	for n := range w {
		x := float64(n-r) / sigma
		w[n] = math.Exp(-x * x / 2)
		sum += w[n]
	}
	for n := range w {
		w[n] /= sum
	}
	return w
}

// convolveAxis replaces v by its convolution with the odd kernel w along one
// axis, repeating the edge samples.
func convolveAxis(ctx context.Context, v *Volume, axis int, w []float64) error {
	n, r := v.Size[axis], len(w)/2
	return eachLine(ctx, v, axis, func() func(buf []float64) {
		padded := make([]float64, n+2*r)
		return func(buf []float64) {
			copy(padded[r:], buf)
			for x := range r {
				padded[x], padded[r+n+x] = buf[0], buf[n-1]
			}
			for x := range buf {
				var sum float64
				for t, p := range padded[x : x+len(w)] {
					sum += w[t] * p
				}
				buf[x] = sum
			}
		}
	})
}

// eachLine calls f for every line of v along an axis; f changes the samples in
// place. Lines are worked on in parallel, each worker with an f of its own
// made by start.
func eachLine(ctx context.Context, v *Volume, axis int, start func() func(line []float64)) error {
	size := v.Size
	n := size[axis]
	stride := [3]int{1, size[0], size[0] * size[1]}[axis]
	if axis == 0 {
		return par.For(ctx, size[2], func(k int) {
			f, buf := start(), make([]float64, n)
			for j := range size[1] {
				row := v.Values[v.Offset(0, j, k):][:n]
				for x, s := range row {
					buf[x] = float64(s)
				}
				f(buf)
				for x, s := range buf {
					row[x] = float32(s)
				}
			}
		})
	}
	planes, at := size[2], func(p int) int { return v.Offset(0, 0, p) }
	if axis == 2 {
		planes, at = size[1], func(p int) int { return v.Offset(0, p, 0) }
	}
	return par.For(ctx, planes, func(p int) {
		f, buf := start(), make([]float64, lanes*n)
		for i := 0; i < size[0]; i += lanes {
			w := min(lanes, size[0]-i)
			o := at(p) + i
			for x := range n {
				for l, s := range v.Values[o+x*stride:][:w] {
					buf[l*n+x] = float64(s)
				}
			}
			for l := range w {
				f(buf[l*n:][:n])
			}
			for x := range n {
				row := v.Values[o+x*stride:][:w]
				for l := range row {
					row[l] = float32(buf[l*n+x])
				}
			}
		}
	})
}
