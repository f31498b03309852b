package filter

import (
	"context"
	"slices"
	"sync"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// fused computes a filter that is one sum of products of kernels, in float32:
//
//	h = Σ_x kₓ ∗ᵢ ( Σ_yz k_y ∗ⱼ (k_z ∗ₖ f) )
//
// For each plane the image is convolved along k with every kernel k_z; then,
// row by row, the terms with the same kₓ are added along j, and the sum over kₓ
// is one correlation along i. It is for long kernels, whose time is all in the
// sums: eight numbers at a time instead of four, and no pass over memory beside
// them.
type fused struct {
	size   [3]int
	z      [][]run // per plane along k, per k; empty: the image itself
	y      [][]run // per row along i, per j: reads the planes
	x      run     // reads the padded rows
	pad    int
	before []int // see plan
	after  []int
}

// fuse plans s for images of one size. All its chains must be single kernels.
func (s *separable) fuse(size [3]int) *fused {
	f := &fused{size: size}
	nx, plane := size[0], size[0]*size[1]
	g := s.groups[0]
	var planes, rows []int // kernels along k and i
	for _, t := range g {
		if !slices.Contains(planes, t.kernel[2]) {
			planes = append(planes, t.kernel[2])
		}
		if !slices.Contains(rows, t.kernel[0]) {
			rows = append(rows, t.kernel[0])
			f.pad = max(f.pad, s.kernels[t.kernel[0]].radius())
		}
	}
	for _, k := range planes {
		if k != none {
			f.z = append(f.z, runs(s.kernels[k], s.boundary, size[2], plane, false))
		}
	}
	for _, x := range rows {
		lines := make([]run, size[1])
		for _, t := range g {
			if t.kernel[0] != x {
				continue
			}
			shift := slices.Index(planes, t.kernel[2]) * plane
			for j, r := range runs(s.kernels[t.kernel[1]], s.boundary, size[1], nx, false) {
				lines[j].grow(len(r.w))
				for n, w := range r.w {
					lines[j].add(t.factor*w, shift+r.off[n])
				}
			}
		}
		f.y = append(f.y, lines)
	}
	for n, x := range rows {
		w := s.kernels[x][0]
		for t, wt := range w {
			f.x.add(wt, n*(nx+2*f.pad)+f.pad+len(w)/2-t)
		}
	}
	f.before, f.after = padding(s.boundary, f.pad, nx)
	for _, list := range append(append([][]run{{f.x}}, f.z...), f.y...) {
		for i := range list {
			list[i].round()
		}
	}
	f.x.round()
	return f
}

// into stores the response of v in out.
func (f *fused) into(ctx context.Context, out, v *imaging.Volume) error {
	nx, ny, nz := f.size[0], f.size[1], f.size[2]
	plane, row := nx*ny, nx+2*f.pad
	type scratch struct{ z, rows []float32 }
	pool := sync.Pool{New: func() any {
		return &scratch{make([]float32, len(f.z)*plane), make([]float32, len(f.y)*row)}
	}}
	return each(ctx, v.Len(), nz, func(k int) {
		b := pool.Get().(*scratch)
		defer pool.Put(b)
		z := b.z
		if len(f.z) == 0 {
			z = v.Values[k*plane:][:plane]
		}
		for n := range f.z {
			f.z[n][k].applySingle(z[n*plane:][:plane], v.Values)
		}
		for j := range ny {
			for n := range f.y {
				padded := b.rows[n*row:][:row]
				line := padded[f.pad:][:nx]
				f.y[n][j].applySingle(line, z)
				for i, at := range f.before {
					padded[f.pad-1-i] = valueAt(line, at)
				}
				for i, at := range f.after {
					padded[f.pad+nx+i] = valueAt(line, at)
				}
			}
			f.x.applySingle(out.Values[k*plane+j*nx:][:nx], b.rows)
		}
	})
}
