package filter

import (
	"context"
	"math"
	"sync"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// within stores in out the mask-weighted response of v, formula (R.22). The
// plane of each term is made of four: the kernel on m·f and on 1 − m, its
// envelope on m·f and on m. Voxels that are not finite count as outside.
func (s *separable) within(ctx context.Context, out, v *imaging.Volume, m *imaging.Mask) error {
	inside, outside, mf := make([]float32, v.Len()), make([]float32, v.Len()), make([]float32, v.Len())
	for n, in := range m.In {
		if x := float64(v.Values[n]); in && !math.IsNaN(x) && !math.IsInf(x, 0) {
			inside[n], mf[n] = 1, v.Values[n]
		} else {
			outside[n] = 1
		}
	}
	w := s.withEnvelopes()
	plan := w.plan(v.Size)
	for _, g := range s.groups {
		for _, t := range g {
			plan.prepare(w.kernels, w.envelopeOf(t.kernel))
		}
	}
	plan.padding()
	plane := v.Size[0] * v.Size[1]
	type scratch struct {
		kf, ko, af, am *planes
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
		b.ko.start(outside, k)
		b.af.start(mf, k)
		b.am.start(inside, k)
		dst := out.Values[k*plane:][:plane]
		s.respond(dst, b.sums, func(t *term) []float64 {
			a := w.envelopeOf(t.kernel)
			kf, ko, af, am := b.kf.product(t.kernel), b.ko.product(t.kernel), b.af.product(a), b.am.product(a)
			for i, x := range kf {
				if ko[i] != 0 || am[i] == 0 {
					x += af[i] / am[i] * ko[i]
				}
				b.h[i] = x
			}
			return b.h
		})
		for i, o := range outside[k*plane:][:plane] {
			if o != 0 {
				dst[i] = float32(math.NaN())
			}
		}
	})
}

// withEnvelopes returns s with an envelope for every kernel.
func (s *separable) withEnvelopes() *separable {
	if s.envelope != nil {
		return s
	}
	w := *s
	for n, c := range s.kernels {
		whole := []float64{1}
		for _, k := range c {
			whole = convolved(whole, k)
		}
		for t, x := range whole {
			whole[t] = math.Abs(x)
		}
		w.kernels = append(w.kernels[:len(w.kernels):len(w.kernels)], chain{whole})
		w.envelope = append(w.envelope, len(s.kernels)+n)
	}
	return &w
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

// convolved returns the convolution of two kernels.
func convolved(a, b []float64) []float64 {
	c := make([]float64, len(a)+len(b)-1)
	for i, x := range a {
		for j, y := range b {
			c[i+j] += x * y
		}
	}
	return c
}
