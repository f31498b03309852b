// Package fft transforms three-dimensional complex images in place: the ground
// under the filters that are defined by frequency and under convolutions with
// kernels as large as the image.
package fft

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Size returns the smallest length of at least n whose only factors are 2, 3
// and 5: lengths that transform fast.
func Size(n int) int {
	for ; ; n++ {
		m := max(n, 1)
		for _, p := range [3]int{2, 3, 5} {
			for m%p == 0 {
				m /= p
			}
		}
		if m == 1 {
			return max(n, 1)
		}
	}
}

// Plan transforms images of one size, stored i fastest, then j, then k:
//
//	X(a, b, c) = Σ x(i, j, k) e^(−2πi (ai/nᵢ + bj/nⱼ + ck/nₖ))
//
// Any size works; those of [Size] are fast. A Plan may be used by several
// goroutines at once.
type Plan struct{ size [3]int }

// NewPlan returns the plan for images of the given size.
func NewPlan(size [3]int) *Plan {
	for _, n := range size {
		if n < 1 {
			panic(fmt.Sprintf("fft: size %v", size))
		}
	}
	return &Plan{size}
}

// Len returns the number of samples of an image.
func (p *Plan) Len() int { return p.size[0] * p.size[1] * p.size[2] }

// Forward replaces x by its transform.
func (p *Plan) Forward(ctx context.Context, x []complex128) error {
	return p.transform(ctx, x, false)
}

// Inverse replaces x by its inverse transform, divided by the number of
// samples: Inverse undoes Forward.
func (p *Plan) Inverse(ctx context.Context, x []complex128) error {
	return p.transform(ctx, x, true)
}

// lanes is the number of lines that are gathered at once, so that memory is
// read in runs.
const lanes = 8

func (p *Plan) transform(ctx context.Context, x []complex128, inverse bool) error {
	if len(x) != p.Len() {
		panic(fmt.Sprintf("fft: %d samples for a plan of %v", len(x), p.size))
	}
	nx, ny, nz := p.size[0], p.size[1], p.size[2]
	for axis, n := range p.size {
		if n == 1 {
			continue
		}
		// A line of the axis has a sample every stride; groups of lines start
		// at the multiples of outer.
		stride, outer, groups := 1, nx, ny*nz
		switch axis {
		case 1:
			stride, outer, groups = nx, nx*ny, nz
		case 2:
			stride, outer, groups = nx*ny, nx, ny
		}
		work := func(t *fourier.CmplxFFT, line []complex128) {
			if inverse {
				t.Sequence(line, line)
				for i := range line {
					line[i] *= complex(1/float64(n), 0)
				}
			} else {
				t.Coefficients(line, line)
			}
		}
		const block = 4
		err := par.Blocks(ctx, groups, block, func(lo, hi int) {
			t := fourier.NewCmplxFFT(n)
			buf := make([]complex128, lanes*n)
			for g := lo; g < hi; g++ {
				if axis == 0 {
					work(t, x[g*outer:][:n])
					continue
				}
				for i := 0; i < nx; i += lanes {
					w, o := min(lanes, nx-i), g*outer+i
					for s := range n {
						for l, y := range x[o+s*stride:][:w] {
							buf[l*n+s] = y
						}
					}
					for l := range w {
						work(t, buf[l*n:][:n])
					}
					for s := range n {
						row := x[o+s*stride:][:w]
						for l := range row {
							row[l] = buf[l*n+s]
						}
					}
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
