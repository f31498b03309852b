package ria

// runStatistics are the 11 statistics of runs, in the order of [runs.measure].
var runStatistics = []statistic{
	{"short_run_emphasis", "1", "Mean over runs of 1/length²."},
	{"long_run_emphasis", "1", "Mean over runs of length²."},
	{"grey_level_non_uniformity", "1", "Sum over levels of the squared number of runs, over the number of runs."},
	{"run_length_non_uniformity", "1", "Sum over lengths of the squared number of runs, over the number of runs."},
	{"run_percentage", "1", "Runs over voxels."},
	{"low_grey_level_run_emphasis", "1", "Mean over runs of 1/level²."},
	{"high_grey_level_run_emphasis", "1", "Mean over runs of level²."},
	{"short_run_low_grey_level_emphasis", "1", "Mean over runs of 1/(level² length²)."},
	{"long_run_high_grey_level_emphasis", "1", "Mean over runs of level² length²."},
	{"short_run_high_grey_level_emphasis", "1", "Mean over runs of level²/length²."},
	{"long_run_low_grey_level_emphasis", "1", "Mean over runs of length²/level²."},
}

// runs counts the runs of one direction.
type runs struct {
	levels int
	count  []int // [(level−1)·longest + length−1]
	length []int // runs of a length
}

// reset makes room for the levels and the longest run.
func (r *runs) reset(levels, longest int) {
	r.levels, r.count, r.length = levels, zeros(r.count, levels*longest), zeros(r.length, longest)
}

// measure adds the statistics of the runs of n voxels to dst and returns the
// number of runs.
func (r *runs) measure(dst []float64, n int) int {
	longest := len(r.length)
	total := 0
	var sum [11]float64
	for g := range r.levels {
		gg := float64((g + 1) * (g + 1))
		var here int
		var short, long float64
		for l, c := range r.count[g*longest : (g+1)*longest] {
			if c == 0 {
				continue
			}
			here += c
			r.length[l] += c
			ll := float64((l + 1) * (l + 1))
			short += float64(c) / ll
			long += float64(c) * ll
		}
		total += here
		sum[0] += short
		sum[1] += long
		sum[2] += float64(here) * float64(here)
		sum[5] += float64(here) / gg
		sum[6] += float64(here) * gg
		sum[7] += short / gg
		sum[8] += long * gg
		sum[9] += short * gg
		sum[10] += long / gg
	}
	for _, c := range r.length {
		sum[3] += float64(c) * float64(c)
	}
	sum[4] = float64(total) * float64(total) / float64(n)
	for m := range sum {
		dst[m] += sum[m] / float64(total)
	}
	return total
}

// zeros returns s with n zeros.
func zeros[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}
