package filter

import (
	"context"
	"math"
	"sync"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// within stores in out the mask-weighted response of v, formula (R.22). The
// plane of each term is made of four: the kernel on m·f and on m, whose sum
// falls short of Σk by k∗(1 − m), and its envelope on m·f and on m. Voxels that
// are not finite and those beyond the border count as outside.
func (s *separable) within(ctx context.Context, out, v *imaging.Volume, m *imaging.Mask) error {
	inside, mf := make([]float32, v.Len()), make([]float32, v.Len())
	for n, in := range m.In {
		if x := float64(v.Values[n]); in && !math.IsNaN(x) && !math.IsInf(x, 0) {
			inside[n], mf[n] = 1, v.Values[n]
		}
	}
	w := s.weighted()
	plan := w.plan(v.Size)
	for _, g := range w.groups {
		for _, t := range g {
			plan.prepare(w.kernels, w.envelopeOf(t.kernel))
		}
	}
	plan.before, plan.after = padding(plan.boundary, plan.pad, v.Size[0])
	plane := v.Size[0] * v.Size[1]
	type scratch struct {
		kf, km, af, am *planes
		sums           *sums
		h              []float64
	}
	pool := sync.Pool{New: func() any {
		return &scratch{newPlanes(plan), newPlanes(plan), newPlanes(plan), newPlanes(plan), newSums(plane), make([]float64, plane)}
	}}
	return each(ctx, v.Len(), v.Size[2], func(k int) {
		b := pool.Get().(*scratch)
		defer pool.Put(b)
		b.kf.start(mf, k)
		b.km.start(inside, k)
		b.af.start(mf, k)
		b.am.start(inside, k)
		dst := out.Values[k*plane:][:plane]
		w.respond(dst, b.sums, func(t *term) []float64 {
			a, sum := w.envelopeOf(t.kernel), w.total(t.kernel)
			edge := math.Abs(sum) <= 1e-9*w.total(a) // but for rounding, Σk = 0
			kf, km, af, am := b.kf.product(t.kernel), b.km.product(t.kernel), b.af.product(a), b.am.product(a)
			for i, x := range kf {
				if am[i] == 0 && edge {
					b.h[i] = 0 // whatever μ is
				} else {
					b.h[i] = x + af[i]/am[i]*(sum-km[i])
				}
			}
			return b.h
		})
		for i, in := range inside[k*plane:][:plane] {
			if in == 0 {
				dst[i] = float32(math.NaN())
			}
		}
	})
}

// weighted returns s with single kernels in place of chains, zeros beyond the
// border, and an envelope for every kernel.
func (s *separable) weighted() *separable {
	w := *s
	w.boundary, w.kernels, w.single = Zero, nil, false
	for _, c := range s.kernels {
		w.kernels = append(w.kernels, chain{c.whole()})
	}
	if s.envelope != nil {
		return &w
	}
	for n, c := range s.kernels {
		abs := c.whole()
		for t, x := range abs {
			abs[t] = math.Abs(x)
		}
		w.kernels = append(w.kernels, chain{abs})
		w.envelope = append(w.envelope, len(s.kernels)+n)
	}
	return &w
}

// whole returns the convolution of the kernels of a chain.
func (c chain) whole() []float64 {
	w := []float64{1}
	for _, k := range c {
		next := make([]float64, len(w)+len(k)-1)
		for i, x := range w {
			for j, y := range k {
				next[i+j] += x * y
			}
		}
		w = next
	}
	return w
}

// envelopeOf returns the kernels of the envelope of a product.
func (s *separable) envelopeOf(kernel [3]int) [3]int {
	for a, k := range kernel {
		if k != none {
			kernel[a] = s.envelope[k]
		}
	}
	return kernel
}

// total returns the sum of a product of kernels.
func (s *separable) total(kernel [3]int) float64 {
	sum := 1.0
	for _, k := range kernel {
		if k != none {
			sum *= total(s.kernels[k][0])
		}
	}
	return sum
}
