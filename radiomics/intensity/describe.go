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
		w.counts = resized(w.counts, int(hi-lo)+1)
		clear(w.counts)
		first := int(lo)
		for _, v := range x {
			w.counts[int(v)-first]++
		}
		describeCounts(s, first, w.counts)
		return
	}
	s.Min, s.Max = lo, hi
	at := percentiles(w, x, lo, hi)
	s.P10, s.P25, s.Median, s.P75, s.P90 = at[0], at[1], at[2], at[3], at[4]
	addUp(s, x)
}

// extent returns the smallest and largest of x, which must not be empty, and
// whether all are whole numbers. The former are NaN if one of x is not finite.
func extent[F float32 | float64](x []F) (lo, hi float64, whole bool) {
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
func addUp[F float32 | float64](s *Statistics, x []F) {
	n := float64(len(x))
	near, p10, p90 := s.Median, s.P10, s.P90
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
	mean = near + mean/n
	inner = near + inner/float64(innerN)
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
	s.Mean, s.M2, s.M3, s.M4 = mean, m2/n, m3/n, m4/n
	s.MeanDeviation, s.MedianDeviation, s.RobustDeviation, s.Energy = mad/n, med/n, rmad/float64(innerN), energy
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
