package radiomics

import (
	"fmt"
	"math"
	"slices"
)

// discretise makes grey levels of the intensities and returns how many lie
// below the first. With bins of fixed width w from the origin x₀,
//
//	level(x) = ⌊(x − x₀)/w⌋ + 1,                                      (R.1)
//
// with a fixed number N of bins between the smallest and largest intensity,
//
//	level(x) = min(⌊N (x − min)/(max − min)⌋ + 1, N).                 (R.2)
//
// See IBSI, section 2.7.
func (r *region) discretise(cfg *Config) (below int, err error) {
	lo, hi := slices.Min(r.values), slices.Max(r.values)
	r.levels = make([]int, len(r.values))
	switch cfg.Discretisation {
	case "fbn":
		r.ng = cfg.Bins
		for n, x := range r.values {
			r.levels[n] = 1
			if hi > lo {
				r.levels[n] = min(int(math.Floor(float64(cfg.Bins)*((x-lo)/(hi-lo))))+1, cfg.Bins)
			}
		}
		return 0, nil
	case "none":
		if lo < 1 || hi > maxLevels {
			return 0, fmt.Errorf("discretisation none: intensities from %g to %g: grey levels are whole numbers from 1 to %d", lo, hi, maxLevels)
		}
		for n, x := range r.values {
			if r.levels[n] = int(x); float64(r.levels[n]) != x {
				return 0, fmt.Errorf("discretisation none: intensity %g is not a whole number: use fbs or fbn", x)
			}
		}
		r.ng = int(hi)
		return 0, nil
	}
	start := cfg.BinStart
	switch cfg.BinOrigin {
	case "range":
		start = cfg.RangeHU[0]
	case "minimum":
		start = lo
	}
	if n := (hi - start) / cfg.BinWidth; n >= maxLevels {
		return 0, fmt.Errorf("%.0f grey levels of %g HU from %g to %g HU: more than %d: use a larger bin_width_hu", n+1, cfg.BinWidth, start, hi, maxLevels)
	}
	r.ng = 1
	for n, x := range r.values {
		level := int(math.Floor((x-start)/cfg.BinWidth)) + 1
		if x < start {
			level = 1
			below++
		}
		r.levels[n] = level
		r.ng = max(r.ng, level)
	}
	return below, nil
}

// countLevels returns how many of the levels 1 … ng occur.
func countLevels(levels []int, ng int) int {
	seen := make([]bool, ng+1)
	n := 0
	for _, l := range levels {
		if !seen[l] {
			seen[l] = true
			n++
		}
	}
	return n
}
