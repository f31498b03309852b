package filter

import (
	"math"
	"slices"
)

// The loops of all separable filters, over contiguous memory. In double
// precision products are added with one rounding, a·b + c as math.FMA defines it, in the order of the
// terms; processors with AVX2 and FMA do the same on vectors of four, with the
// same bits.

// run is a stretch of n samples, to be stored from dst on, that one list of
// terms computes:
//
//	dst[i] = Σ w[t]·src[off[t] + i]
//
// With off one voxel, one row or one plane apart it works along i, j or k.
type run struct {
	dst, n int
	off    []int
	w      []float64
	single []float32 // w rounded, for applySingle
	reach  int       // the largest off
}

// add appends a term.
func (r *run) add(w float64, off int) {
	if off < 0 {
		panic("filter: run before the samples")
	}
	r.off, r.w, r.reach = append(r.off, off), append(r.w, w), max(r.reach, off)
}

// grow makes room for n more terms.
func (r *run) grow(n int) { r.off, r.w = slices.Grow(r.off, n), slices.Grow(r.w, n) }

// check panics if a run leaves n samples: the assembly does not look.
func (r *run) check(dst, n int) {
	if r.reach+dst > n {
		panic("filter: run beyond the samples")
	}
}

// apply stores in dst what the run reads from src.
func (r *run) apply(dst, src []float64) {
	if r.check(len(dst), len(src)); useAVX && len(dst) > 0 {
		correlateAVX(&dst[0], &src[0], r.off, r.w, len(dst))
		return
	}
	clear(dst)
	for t, w := range r.w {
		for i, x := range src[r.off[t]:][:len(dst)] {
			dst[i] = math.FMA(x, w, dst[i])
		}
	}
}

// applyVoxels is apply on voxels as images store them.
func (r *run) applyVoxels(dst []float64, src []float32) {
	if r.check(len(dst), len(src)); useAVX && len(dst) > 0 {
		correlateVoxelsAVX(&dst[0], &src[0], r.off, r.w, len(dst))
		return
	}
	clear(dst)
	for t, w := range r.w {
		for i, x := range src[r.off[t]:][:len(dst)] {
			dst[i] = math.FMA(float64(x), w, dst[i])
		}
	}
}

// round fills in the weights of applySingle.
func (r *run) round() {
	r.single = make([]float32, len(r.w))
	for t, w := range r.w {
		r.single[t] = float32(w)
	}
}

// applySingle is apply in single precision, each product and each sum rounded.
func (r *run) applySingle(dst, src []float32) {
	if r.check(len(dst), len(src)); useAVX && len(dst) > 0 {
		correlateSinglesAVX(&dst[0], &src[0], r.off, r.single, len(dst))
		return
	}
	clear(dst)
	for t, w := range r.single {
		for i, x := range src[r.off[t]:][:len(dst)] {
			dst[i] += float32(w * x)
		}
	}
}

// addScaled adds f·x to dst.
func addScaled(dst, x []float64, f float64) {
	if x = x[:len(dst)]; useAVX && len(dst) > 0 {
		addScaledAVX(&dst[0], &x[0], f, len(dst))
		return
	}
	for i, y := range x {
		dst[i] = math.FMA(y, f, dst[i])
	}
}

// maxima puts in dst the larger of dst and x, x if one is NaN.
func maxima(dst, x []float64) {
	if x = x[:len(dst)]; useAVX && len(dst) > 0 {
		maximaAVX(&dst[0], &x[0], len(dst))
		return
	}
	for i, y := range x {
		if !(dst[i] > y) {
			dst[i] = y
		}
	}
}

// minima puts in dst the smaller of dst and x, x if one is NaN.
func minima(dst, x []float64) {
	if x = x[:len(dst)]; useAVX && len(dst) > 0 {
		minimaAVX(&dst[0], &x[0], len(dst))
		return
	}
	for i, y := range x {
		if !(dst[i] < y) {
			dst[i] = y
		}
	}
}

// moduli puts in re the modulus of re + i·im.
func moduli(re, im []float64) {
	if im = im[:len(re)]; useAVX && len(re) > 0 {
		moduliAVX(&re[0], &im[0], len(re))
		return
	}
	for i, y := range im {
		re[i] = math.Sqrt(math.FMA(y, y, float64(re[i]*re[i])))
	}
}

// storeScaled rounds f·x to dst.
func storeScaled(dst []float32, x []float64, f float64) {
	if x = x[:len(dst)]; useAVX && len(dst) > 0 {
		storeScaledAVX(&dst[0], &x[0], f, len(dst))
		return
	}
	for i, y := range x {
		dst[i] = float32(float64(f * y))
	}
}
