package filter

import (
	"context"
	"errors"
	"fmt"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Filter turns an image into a response on the same voxels.
type Filter interface {
	// Name is the image's part of column names: "log_sigma_1_5_mm".
	Name() string
	// Settings describes the filter in words, for a column's settings.
	Settings() string
	// Support returns how many voxels beyond a voxel its response depends on, on
	// voxels of the given spacing, mm: cropping an image with that margin about a
	// region, as far as the image goes, changes no response in the region. If
	// finite is false the filter needs the whole image; but if it then returns
	// voxels, these are enough where that margin lies inside the image (periodic
	// boundaries).
	Support(spacing [3]float64) (voxels [3]int, finite bool)
	// Apply returns the response of v.
	Apply(ctx context.Context, v *imaging.Volume) (*imaging.Volume, error)
	// ApplyWithin returns the response that the voxels of m alone give rise to,
	// so that nothing beyond the mask bleeds into it: see [Weighting]. It is NaN
	// outside the mask, and needs no margin about it. Filters that cannot return
	// [ErrNotWeighted].
	ApplyWithin(ctx context.Context, v *imaging.Volume, m *imaging.Mask) (*imaging.Volume, error)
}

// Weighting names the formula of mask-weighted responses. Let f be the image,
// m the mask (1 inside, 0 outside), k the filter's kernel and a = |k| (for LoG
// and Gabor kernels their Gaussian envelope). Voxels outside the mask stand in
// with the mean of those inside, as seen from each voxel through a:
//
//	h = k∗(m·f) + μ·(k∗(1 − m)),   μ = a∗(m·f) / a∗m                 (R.22)
//
// A smoothing kernel (k ≥ 0) becomes a normalised convolution, h = Σk ·
// k∗(m·f)/k∗m; an edge kernel (Σk = 0) acts on f − μ inside the mask. Where the
// kernel sees the mask alone the response is the ordinary one; a constant c
// inside gives c·Σk whatever is outside. What lies beyond the border of the
// image is outside, and so are voxels that are not finite. Where the kernel
// reaches no voxel of the mask the response is NaN, and 0 if Σk = 0.
// See Knutsson and Westin, CVPR 1993, 515.
const Weighting = "k∗(mf) + μ·k∗(1−m), μ = |k|∗(mf)/|k|∗m"

// ErrNotWeighted tells that a filter has no mask-weighted form.
var ErrNotWeighted = errors.New("no mask-weighted form")

// response is what a kind of filter computes; a nil mask asks for the ordinary
// response.
type response interface {
	support(spacing [3]float64) (voxels [3]int, finite bool)
	apply(ctx context.Context, v *imaging.Volume, m *imaging.Mask) (*imaging.Volume, error)
}

// filter is a response with the configuration that it was made from.
type filter struct {
	Config
	response response
}

func (f *filter) Name() string     { return f.Config.name() }
func (f *filter) Settings() string { return f.Config.settings() }

func (f *filter) Support(spacing [3]float64) ([3]int, bool) { return f.response.support(spacing) }

func (f *filter) Apply(ctx context.Context, v *imaging.Volume) (*imaging.Volume, error) {
	return f.run(ctx, v, nil)
}

func (f *filter) ApplyWithin(ctx context.Context, v *imaging.Volume, m *imaging.Mask) (*imaging.Volume, error) {
	if !kindOf(f.Kind).weighted {
		return nil, fmt.Errorf("filter %s: %w", f.Name(), ErrNotWeighted)
	}
	if m.Size != v.Size {
		panic("filter: mask and image differ in size")
	}
	return f.run(ctx, v, m)
}

func (f *filter) run(ctx context.Context, v *imaging.Volume, m *imaging.Mask) (*imaging.Volume, error) {
	if v.Len() == 0 {
		return nil, fmt.Errorf("filter %s: image of no voxels", f.Name())
	}
	if len(v.Values) != v.Len() {
		panic("filter: image with other than one value for each voxel")
	}
	h, err := f.response.apply(ctx, v, m)
	if err != nil {
		return nil, fmt.Errorf("filter %s: %w", f.Name(), err)
	}
	return h, nil
}

// alone is the number of voxels below which threads cost more than they bring.
const alone = 20_000

// each calls f(i) for i in [0, n), in parallel if the image is worth it.
func each(ctx context.Context, voxels, n int, f func(i int)) error {
	if voxels >= alone {
		return par.For(ctx, n, f)
	}
	for i := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		f(i)
	}
	return ctx.Err()
}
