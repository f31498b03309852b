package jpeg2000

// Filters of the irreversible transform (T.800 table F.4). The gain of 2 that
// the standard puts into the step of the high bands is in highGain.
const (
	alpha    = -1.586134342059924
	beta     = -0.052980118572961
	gamma    = 0.882911075530934
	delta    = 0.443506852043971
	lowGain  = 1.230174104914001
	highGain = 2 / lowGain
)

// columns is how many columns are lifted together: one line of the cache.
const columns = 16

// synthesise turns the bands in plane, which has the given row length, into
// samples, resolution by resolution; lift undoes one step on a line.
//
// The bands of a resolution lie where they were put: low to the left and
// above, high to the right and below.
func synthesise[T int32 | float32](plane []T, stride int, resolutions []resolution, lift func(b []T, n, k, parity int)) {
	last := resolutions[len(resolutions)-1].area
	line := make([]T, max(last.width(), columns*last.height()))
	for r := 1; r < len(resolutions); r++ {
		low, area := resolutions[r-1].area, resolutions[r].area
		w, h := area.width(), area.height()
		for y := range h {
			row := plane[y*stride:][:w]
			interleave(line[:w], row, w, low.width(), 1, 1, area.x0&1)
			lift(line[:w], w, 1, area.x0&1)
			copy(row, line)
		}
		for x := 0; x < w; x += columns {
			k := min(columns, w-x)
			interleave(line[:h*k], plane[x:], h, low.height(), stride, k, area.y0&1)
			lift(line[:h*k], h, k, area.y0&1)
			for y := range h {
				copy(plane[y*stride+x:][:k], line[y*k:])
			}
		}
	}
}

// interleave writes the n lines of src, of which the first low ones are of the
// low band, alternately to dst: low ones to the even places of the reference
// grid. Lines are k long and in src stride apart.
func interleave[T int32 | float32](dst, src []T, n, low, stride, k, parity int) {
	if k == 1 {
		for i, p := 0, parity; i < low; i, p = i+1, p+2 {
			dst[p] = src[i*stride]
		}
		for i, p := low, 1-parity; i < n; i, p = i+1, p+2 {
			dst[p] = src[i*stride]
		}
		return
	}
	for i := range low {
		copy(dst[(2*i+parity)*k:][:k], src[i*stride:])
	}
	for i := low; i < n; i++ {
		copy(dst[(2*(i-low)+1-parity)*k:][:k], src[i*stride:])
	}
}

// lift53 undoes a step of the reversible transform (T.800 F.3.8.2) on n lines
// of k numbers:
//
//	x₂ₙ   = y₂ₙ   − ⌊(y₂ₙ₋₁ + y₂ₙ₊₁ + 2)/4⌋
//	x₂ₙ₊₁ = y₂ₙ₊₁ + ⌊(x₂ₙ + x₂ₙ₊₂)/2⌋
//
// parity is that of the first line.
func lift53(b []int32, n, k, parity int) {
	if n == 1 {
		if parity == 1 {
			for i := range b {
				b[i] >>= 1
			}
		}
		return
	}
	for i := parity; i < n; i += 2 {
		l, r := mirrored(i, n)
		x, lo, hi := b[i*k:][:k], b[l*k:][:k], b[r*k:][:k]
		for c := range x {
			x[c] -= (lo[c] + hi[c] + 2) >> 2
		}
	}
	for i := 1 - parity; i < n; i += 2 {
		l, r := mirrored(i, n)
		x, lo, hi := b[i*k:][:k], b[l*k:][:k], b[r*k:][:k]
		for c := range x {
			x[c] += (lo[c] + hi[c]) >> 1
		}
	}
}

// lift97 undoes a step of the irreversible transform (T.800 F.3.8.1).
func lift97(b []float32, n, k, parity int) {
	if n == 1 {
		return // the gain of 2 of the high band is not in our steps
	}
	for i := range n {
		gain := float32(lowGain)
		if i&1 != parity {
			gain = highGain
		}
		x := b[i*k:][:k]
		for c := range x {
			x[c] *= gain
		}
	}
	for step, w := range [4]float32{-delta, -gamma, -beta, -alpha} {
		for i := (parity + step) & 1; i < n; i += 2 {
			l, r := mirrored(i, n)
			x, lo, hi := b[i*k:][:k], b[l*k:][:k], b[r*k:][:k]
			for c := range x {
				x[c] += float32(w * (lo[c] + hi[c]))
			}
		}
	}
}

// mirrored returns the neighbours of i in [0, n), mirrored at the ends.
func mirrored(i, n int) (left, right int) {
	left, right = i-1, i+1
	if left < 0 {
		left = right
	}
	if right >= n {
		right = left
	}
	return left, right
}
