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
// whole image, which is continued beyond its border as the boundary says.
type spectral struct {
	flat     bool // each slice by itself
	boundary Boundary
	// transfer returns the factors of an image of n samples along each axis.
	transfer func(n [3]int) func(a, b, c int) complex128
}

var errNotFinite = errors.New("a voxel without a finite value would spread over the whole image")

func (s *spectral) support([3]float64) ([3]int, bool) { return [3]int{}, false }

// apply transforms the image, continued to twice its size unless it is
// periodic, multiplies, and transforms back.
func (s *spectral) apply(ctx context.Context, v *imaging.Volume, _ *imaging.Mask) (*imaging.Volume, error) {
	for _, x := range v.Values {
		if y := float64(x); math.IsNaN(y) || math.IsInf(y, 0) {
			return nil, errNotFinite
		}
	}
	out := imaging.NewVolume(v.Grid)
	part := *v
	if !s.flat {
		return out, s.box(ctx, out.Values, &part)
	}
	n := v.Size[0] * v.Size[1]
	part.Size[2] = 1
	for k := range v.Size[2] {
		part.Values = v.Values[k*n:][:n]
		if err := s.box(ctx, out.Values[k*n:][:n], &part); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// box filters one box into dst.
func (s *spectral) box(ctx context.Context, dst []float32, v *imaging.Volume) error {
	size, lead := v.Size, [3]int{}
	for a, n := range v.Size {
		if n > 1 && s.boundary != Periodic {
			lead[a] = n / 2
			size[a] = 2 * n
		}
	}
	voxels := 1.0
	for _, n := range size {
		voxels *= float64(n)
	}
	if voxels > 1<<28 {
		return fmt.Errorf("image of %d×%d×%d voxels: too large for a filter of the whole image: crop it, or set boundary: periodic", v.Size[0], v.Size[1], v.Size[2])
	}
	plan := fft.NewPlan(size)
	x := make([]complex128, plan.Len())
	s.continued(x, size, lead, v)
	if err := plan.Forward(ctx, x); err != nil {
		return err
	}
	h := s.transfer(size)
	err := each(ctx, len(x), size[2], func(c int) {
		for b := range size[1] {
			row := x[(c*size[1]+b)*size[0]:][:size[0]]
			for a := range row {
				row[a] *= h(a, b, c)
			}
		}
	})
	if err != nil {
		return err
	}
	if err := plan.Inverse(ctx, x); err != nil {
		return err
	}
	for k := range v.Size[2] {
		for j := range v.Size[1] {
			row := x[((k+lead[2])*size[1]+j+lead[1])*size[0]+lead[0]:]
			for i := range v.Size[0] {
				dst[v.Offset(i, j, k)] = float32(real(row[i]))
			}
		}
	}
	return nil
}

// continued stores v in x, its first voxel at lead.
func (s *spectral) continued(x []complex128, size, lead [3]int, v *imaging.Volume) {
	for k := range size[2] {
		kk := s.boundary.at(k-lead[2], v.Size[2])
		for j := range size[1] {
			jj := s.boundary.at(j-lead[1], v.Size[1])
			if kk < 0 || jj < 0 {
				continue
			}
			row, src := x[(k*size[1]+j)*size[0]:][:size[0]], v.Values[v.Offset(0, jj, kk):]
			for i := range row {
				if ii := s.boundary.at(i-lead[0], v.Size[0]); ii >= 0 {
					row[i] = complex(float64(src[ii]), 0)
				}
			}
		}
	}
}
