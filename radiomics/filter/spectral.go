package filter

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/radiomics/internal/fft"
)

// spectral is a filter that is defined by its transfer function: it needs the
// whole image. Unless that is periodic, it is continued to twice its size as
// the boundary says, which for a mirror is the exact infinite continuation.
type spectral struct {
	flat     bool // each slice by itself
	boundary Boundary
	// respond computes the response of a transformed box.
	respond func(ctx context.Context, t *transformed, dst []float32) error
}

var errNotFinite = errors.New("a voxel without a finite value would spread over the whole image")

func (s *spectral) support([3]float64) ([3]int, bool) { return [3]int{}, false }

func (s *spectral) apply(ctx context.Context, v *imaging.Volume, _ *imaging.Mask) (*imaging.Volume, error) {
	for _, x := range v.Values {
		if y := float64(x); math.IsNaN(y) || math.IsInf(y, 0) {
			return nil, errNotFinite
		}
	}
	out := imaging.NewVolume(v.Grid)
	box, n := *v, v.Len()
	if s.flat {
		box.Size[2] = 1
		n = v.Size[0] * v.Size[1]
	}
	for o := 0; o < v.Len(); o += n {
		box.Values = v.Values[o:][:n]
		t, err := transform(ctx, &box, s.boundary)
		if err != nil {
			return nil, err
		}
		if err := s.respond(ctx, t, out.Values[o:][:n]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// transformed is a box in the frequency domain.
type transformed struct {
	box     *imaging.Volume
	size    [3]int // of the continued box
	lead    [3]int // where the box begins in it
	plan    *fft.Plan
	x, work []complex128
}

// transform returns the transform of a box.
func transform(ctx context.Context, v *imaging.Volume, b Boundary) (*transformed, error) {
	t := &transformed{box: v, size: v.Size}
	voxels := 1.0
	for a, n := range v.Size {
		if n > 1 && b != Periodic {
			t.size[a], t.lead[a] = 2*n, n/2
		}
		voxels *= float64(t.size[a])
	}
	if voxels > 1<<28 {
		return nil, fmt.Errorf("image of %d×%d×%d voxels: too large for a filter of the whole image: crop it, or set boundary: periodic", v.Size[0], v.Size[1], v.Size[2])
	}
	t.plan = fft.NewPlan(t.size)
	t.x, t.work = make([]complex128, t.plan.Len()), make([]complex128, t.plan.Len())
	for k := range t.size[2] {
		kk := b.at(k-t.lead[2], v.Size[2])
		for j := range t.size[1] {
			jj := b.at(j-t.lead[1], v.Size[1])
			if kk < 0 || jj < 0 {
				continue
			}
			row, src := t.x[(k*t.size[1]+j)*t.size[0]:][:t.size[0]], v.Values[v.Offset(0, jj, kk):]
			for i := range row {
				if ii := b.at(i-t.lead[0], v.Size[0]); ii >= 0 {
					row[i] = complex(float64(src[ii]), 0)
				}
			}
		}
	}
	return t, t.plan.Forward(ctx, t.x)
}

// response stores in dst the box filtered with the transfer function h(a, b, c)
// of the coefficients along i, j and k.
func (t *transformed) response(ctx context.Context, dst []float32, h func(a, b, c int) complex128) error {
	err := each(ctx, len(t.x), t.size[2], func(c int) {
		for b := range t.size[1] {
			o := (c*t.size[1] + b) * t.size[0]
			for a, x := range t.x[o:][:t.size[0]] {
				t.work[o+a] = x * h(a, b, c)
			}
		}
	})
	if err != nil {
		return err
	}
	if err := t.plan.Inverse(ctx, t.work); err != nil {
		return err
	}
	n := t.box.Size
	for k := range n[2] {
		for j := range n[1] {
			row := t.work[((k+t.lead[2])*t.size[1]+j+t.lead[1])*t.size[0]+t.lead[0]:]
			for i := range n[0] {
				dst[(k*n[1]+j)*n[0]+i] = float32(real(row[i]))
			}
		}
	}
	return nil
}

// frequencies returns the frequency of each transform coefficient along each
// axis, in cycles per voxel from −½ to ½.
func frequencies(n [3]int) (nu [3][]float64) {
	for a, size := range n {
		nu[a] = make([]float64, size)
		for m := range nu[a] {
			nu[a][m] = float64((m+size/2)%size-size/2) / float64(size)
		}
	}
	return nu
}

// responseOf makes the filter with the transfer function of a box.
func responseOf(c *Config, transfer func(spacing [3]float64, n [3]int) func(a, b, c int) complex128) *spectral {
	return &spectral{c.Dimensions == 2, boundaryOf(c.Boundary), func(ctx context.Context, t *transformed, dst []float32) error {
		return t.response(ctx, dst, transfer(t.box.Spacing, t.size))
	}}
}
