package pyradiomics

import (
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/radiomics/texture"
)

// maxLevels is the largest number of grey levels.
const maxLevels = texture.MaxLevel

// bins are the edges of grey levels: level n, from 1, holds the intensities
// from edge n − 1 up to, not including, edge n.
type bins struct {
	first, step float64
	last        float64 // replaces the last edge where it is finite
	n           int     // levels
	single      bool    // edges are float32
}

// newBins returns PyRadiomics' bin edges (getBinEdges) for values from lo to hi,
// which are finite. Bins of fixed width start at the
// multiple of the width at or below the minimum,
//
//	lᵢ = ⌊xᵢ/w⌋ − ⌊min/w⌋ + 1,
//
// a fixed number of bins divides the range of the values. single says that they
// are float32 and numpy computes the edges with that precision.
func newBins(lo, hi, width float64, count int, single bool) (bins, error) {
	round := func(x float64) float64 { return x }
	if single {
		round = func(x float64) float64 { return float64(float32(x)) }
	}
	if count > 0 {
		if lo == hi {
			lo, hi = round(lo-0.5), round(hi+0.5)
		}
		return bins{first: lo, step: round(round(hi-lo) / float64(count)), last: round(hi + 1), n: count, single: single}, nil
	}
	w := round(width)
	rest := math.Mod(lo, w)
	if rest < 0 {
		rest += w
	}
	first := round(lo - round(rest))
	if levels := (hi-first)/width + 1; !(levels <= maxLevels) {
		return bins{}, fmt.Errorf("binWidth %g makes %.6g grey levels of the range %g to %g; the most is %d: take a larger binWidth, or binCount", width, math.Floor(levels), lo, hi, maxLevels)
	}
	b := bins{first: first, step: (first + width) - first, last: math.Inf(1)}
	if !(b.step > 0) {
		return bins{}, fmt.Errorf("binWidth %g vanishes beside intensities of %g: take a larger binWidth, or binCount", width, lo)
	}
	b.n = int(b.level(hi))
	return b, nil
}

// edge returns edge n.
func (b *bins) edge(n int) float64 {
	if n == b.n && !math.IsInf(b.last, 1) {
		return b.last
	}
	if b.single && !math.IsInf(b.last, 1) {
		return float64(float32(float32(float32(n)*float32(b.step)) + float32(b.first)))
	}
	return b.first + float64(n)*b.step
}

// level returns the grey level of x: the number of edges at or below it.
func (b *bins) level(x float64) uint16 {
	n := int(min((x-b.first)/b.step, maxLevels))
	for n > 0 && b.edge(n) > x {
		n--
	}
	for b.edge(n+1) <= x {
		n++
	}
	return uint16(n + 1)
}

// levels stores the grey levels of values in dst.
func (b *bins) levels(dst []uint16, values []float64) {
	inBlocks(len(values), func(lo, hi int) {
		for n, x := range values[lo:hi] {
			dst[lo+n] = b.level(x)
		}
	})
}
