package filter

// correlate stores in dst the weighted sums of shifted runs of src:
//
//	dst[i] = Σ w[t]·src[off[t] + i]
//
// the heart of every separable filter: with off one voxel, one row or one
// plane apart it works along i, j or k, always over contiguous memory. Terms
// are added in the order of t, so the bits do not depend on the processor.
func correlate(dst, src []float64, off []int, w []float64) {
	checkRuns(len(dst), len(src), off, w)
	if useAVX && len(dst) > 0 {
		correlateAVX(&dst[0], &src[0], off, w, len(dst))
		return
	}
	clear(dst)
	for t, wt := range w {
		for i, x := range src[off[t]:][:len(dst)] {
			dst[i] += float64(wt * x)
		}
	}
}

// correlatePairs is [correlate] for kernels that are even: runs come in pairs
// of equal weight,
//
//	dst[i] = Σ w[t]·(src[off[2t] + i] + src[off[2t+1] + i])
func correlatePairs(dst, src []float64, off []int, w []float64) {
	checkRuns(len(dst), len(src), off, w)
	if useAVX && len(dst) > 0 {
		correlatePairsAVX(&dst[0], &src[0], off, w, len(dst))
		return
	}
	clear(dst)
	for t, wt := range w {
		b := src[off[2*t+1]:][:len(dst)]
		for i, x := range src[off[2*t]:][:len(dst)] {
			dst[i] += float64(wt * (x + b[i]))
		}
	}
}

// correlateVoxels is [correlate] on voxels as images store them.
func correlateVoxels(dst []float64, src []float32, off []int, w []float64) {
	checkRuns(len(dst), len(src), off, w)
	if useAVX && len(dst) > 0 {
		correlateVoxelsAVX(&dst[0], &src[0], off, w, len(dst))
		return
	}
	clear(dst)
	for t, wt := range w {
		for i, x := range src[off[t]:][:len(dst)] {
			dst[i] += float64(wt * float64(x))
		}
	}
}

// correlateVoxelPairs is [correlatePairs] on voxels as images store them.
func correlateVoxelPairs(dst []float64, src []float32, off []int, w []float64) {
	checkRuns(len(dst), len(src), off, w)
	if useAVX && len(dst) > 0 {
		correlateVoxelPairsAVX(&dst[0], &src[0], off, w, len(dst))
		return
	}
	clear(dst)
	for t, wt := range w {
		b := src[off[2*t+1]:][:len(dst)]
		for i, x := range src[off[2*t]:][:len(dst)] {
			dst[i] += float64(wt * (float64(x) + float64(b[i])))
		}
	}
}

// checkRuns panics if a run leaves src: the assembly does not look.
func checkRuns(n, len int, off []int, w []float64) {
	for _, o := range off {
		if o < 0 || o+n > len {
			panic("filter: run outside the samples")
		}
	}
}
