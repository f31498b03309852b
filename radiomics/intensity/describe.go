package intensity

import "math"

// describe fills s with the statistics of x.
func describe[F float32 | float64](w *Workspace, s *Statistics, x []F) {
	nan := math.NaN()
	*s = Statistics{Voxels: len(x), Min: nan, Max: nan, P10: nan, P25: nan, P75: nan, P90: nan, Median: nan,
		Mean: nan, M2: nan, M3: nan, M4: nan, MeanDeviation: nan, RobustDeviation: nan, MedianDeviation: nan, Energy: nan}
	if len(x) == 0 {
		return
	}
	lo, hi, whole := extent(x)
	if d := hi - lo; math.IsNaN(d) || math.IsInf(d, 0) {
		return
	}
	// Counting pays where the numbers are not much sparser than the voxels.
	if whole && math.Abs(lo) < 1<<40 && hi-lo < float64(max(1024, 4*len(x))) {
		describeCounts(s, int(lo), countWhole(w, x, int(lo), int(hi-lo)+1))
		return
	}
	s.Min, s.Max = lo, hi
	at := percentiles(w, x, lo, hi)
	s.P10, s.P25, s.Median, s.P75, s.P90 = at[0], at[1], at[2], at[3], at[4]
	addUp(w, s, x)
}

// extent returns the smallest and largest of x, which must not be empty, and
// whether all are whole numbers. The former are NaN if one of x is not finite.
func extent[F float32 | float64](x []F) (lo, hi float64, whole bool) {
	if slabsOf(len(x)) == 1 {
		return extentOf(x)
	}
	parts := make([]struct {
		lo, hi float64
		whole  bool
	}, slabsOf(len(x)))
	inSlabs(len(x), len(parts), func(s, from, to int) {
		p := &parts[s]
		p.lo, p.hi, p.whole = extentOf(x[from:to])
	})
	lo, hi, whole = parts[0].lo, parts[0].hi, true
	for _, p := range parts {
		lo, hi, whole = min(lo, p.lo), max(hi, p.hi), whole && p.whole // NaN stays
	}
	return lo, hi, whole
}

func extentOf[F float32 | float64](x []F) (lo, hi float64, whole bool) {
	a, b := x[0], x[0]
	var odd F // stays zero while all numbers are finite
	for _, v := range x {
		if v < a {
			a = v
		}
		if v > b {
			b = v
		}
		odd += v - v
	}
	if odd != 0 {
		return math.NaN(), math.NaN(), false
	}
	for _, v := range x {
		if F(int64(v)) != v {
			return float64(a), float64(b), false
		}
	}
	return float64(a), float64(b), true
}

// countWhole counts the whole numbers x, of which there are n from first.
func countWhole[F float32 | float64](w *Workspace, x []F, first, n int) []int {
	slabs := slabsOf(len(x))
	if n > len(x)/8 {
		slabs = 1
	}
	w.counts = resized(w.counts, slabs*n)
	clear(w.counts)
	counts := w.counts
	if slabs == 1 {
		countFrom(counts, x, first)
		return counts
	}
	inSlabs(len(x), slabs, func(s, lo, hi int) { countFrom(counts[s*n:(s+1)*n], x[lo:hi], first) })
	for s := 1; s < slabs; s++ {
		for i, c := range counts[s*n : (s+1)*n] {
			counts[i] += c
		}
	}
	return counts[:n]
}

func countFrom[F float32 | float64](counts []int, x []F, first int) {
	for _, v := range x {
		counts[int(v)-first]++
	}
}

// percents are the percentiles that the features need.
var percents = [5]float64{10, 25, 50, 75, 90}

// between interpolates from a to b.
func between(a, b, t float64) float64 { return a + t*(b-a) }

// describeCounts fills s from the number of voxels on each of the whole numbers
// that begin with first; the first and the last of them must have some. Σ c·i is
// exact, so the moments of equal intensities are exactly zero.
func describeCounts(s *Statistics, first int, counts []int) {
	var n, weighted int
	for i, c := range counts {
		n += c
		weighted += c * i
	}
	total := float64(n)
	offset := float64(weighted) / total
	s.Voxels = n
	s.Min, s.Max = float64(first), float64(first+len(counts)-1)
	s.Mean = float64(first) + offset

	// One walk finds the numbers at both sides of each percentile's place.
	var at [5]float64
	below, i := 0, 0 // voxels on the numbers before i
	for k, p := range percents {
		place := p / 100 * (total - 1)
		rank := int(place)
		for below+counts[i] <= rank {
			below += counts[i]
			i++
		}
		next := i
		if rank+1 >= below+counts[i] && rank+1 < n {
			for next++; counts[next] == 0; next++ {
			}
		}
		at[k] = between(float64(first+i), float64(first+next), place-float64(rank))
	}
	s.P10, s.P25, s.Median, s.P75, s.P90 = at[0], at[1], at[2], at[3], at[4]

	var m2, m3, m4, mad, med, energy, inner, innerN float64
	for i, c := range counts {
		if c == 0 {
			continue
		}
		m, x, d := float64(c), float64(first+i), float64(i)-offset
		d2 := d * d
		m2 += m * d2
		m3 += m * (d2 * d)
		m4 += m * (d2 * d2)
		mad += m * math.Abs(d)
		med += m * math.Abs(x-s.Median)
		energy += m * (x * x)
		if x >= s.P10 && x <= s.P90 {
			inner += m * (x - s.Min)
			innerN += m
		}
	}
	s.M2, s.M3, s.M4 = m2/total, m3/total, m4/total
	s.MeanDeviation, s.MedianDeviation, s.Energy = mad/total, med/total, energy
	inner = s.Min + inner/innerN
	var rmad float64
	for i, c := range counts {
		if x := float64(first + i); x >= s.P10 && x <= s.P90 {
			rmad += float64(c) * math.Abs(x-inner)
		}
	}
	s.RobustDeviation = rmad / innerN
}

// addUp fills s with the moments, deviations and energy of x, whose percentiles
// it has already. Differences from a value nearby keep the digits, and are
// exactly zero for equal intensities.
func addUp[F float32 | float64](w *Workspace, s *Statistics, x []F) {
	near, p10, p90 := s.Median, s.P10, s.P90
	if len(x) <= sumBlock {
		s.place(addNear(x, near, p10, p90))
		s.spread(addSquares(x, s.Mean, s.inner, p10, p90))
		return
	}
	s.place(w.addBlocks(len(x), func(lo, hi int) blockSums { return addNear(x[lo:hi], near, p10, p90) }))
	mean, inner := s.Mean, s.inner
	s.spread(w.addBlocks(len(x), func(lo, hi int) blockSums { return addSquares(x[lo:hi], mean, inner, p10, p90) }))
}

// place fills s with the means that follow from the sums of [addNear].
func (s *Statistics) place(sums blockSums) {
	s.Mean = s.Median + sums[0]/float64(s.Voxels)
	s.MedianDeviation = sums[1] / float64(s.Voxels)
	s.inner, s.innerVoxels = s.Median+sums[2]/sums[3], sums[3]
}

// spread fills s with what follows from the sums of [addSquares].
func (s *Statistics) spread(sums blockSums) {
	n := float64(s.Voxels)
	s.M2, s.M3, s.M4, s.MeanDeviation = sums[0]/n, sums[1]/n, sums[2]/n, sums[3]/n
	s.RobustDeviation, s.Energy = sums[4]/s.innerVoxels, sums[5]
}

// addNear returns the sums over x of the differences from near, of their
// absolute values, of those from P10 to P90, and the number of the last.
func addNear[F float32 | float64](x []F, near, p10, p90 float64) blockSums {
	var mean, med, inner float64
	var innerN uint64
	for _, f := range x {
		v := float64(f)
		d := v - near
		mean += d
		med += math.Abs(d)
		in := within(v, p10, p90)
		inner += keep(d, in)
		innerN += in
	}
	return blockSums{mean, med, inner, float64(innerN)}
}

// addSquares returns the sums over x of the second, third and fourth power of
// the differences from the mean, of their absolute values, of the absolute
// differences from inner of those from P10 to P90, and of squares.
func addSquares[F float32 | float64](x []F, mean, inner, p10, p90 float64) blockSums {
	var m2, m3, m4, mad, rmad, energy float64
	for _, f := range x {
		v := float64(f)
		d := v - mean
		d2 := d * d
		m2 += d2
		m3 += d2 * d
		m4 += d2 * d2
		mad += math.Abs(d)
		rmad += math.Abs(keep(v-inner, within(v, p10, p90)))
		energy += v * v
	}
	return blockSums{m2, m3, m4, mad, rmad, energy}
}

// within returns 1 for v in [lo, hi], else 0, without a branch that could not be
// foreseen.
func within(v, lo, hi float64) uint64 {
	var a, b uint64
	if v >= lo {
		a = 1
	}
	if v <= hi {
		b = 1
	}
	return a & b
}

// keep returns x for in = 1 and zero for in = 0.
func keep(x float64, in uint64) float64 {
	return math.Float64frombits(math.Float64bits(x) & -in)
}
