package texture

import (
	"fmt"
	"math"
	"slices"
)

// MaxLevel is the largest grey level.
const MaxLevel = 65535

// Region is the grey levels of a region of interest in a box: what all texture
// matrices are made from. It is not changed by computing and may be shared.
type Region struct {
	Size    [3]int     // voxels of the box as given, i fastest
	Spacing [3]float64 // mm, for weightings by distance
	// Cosines of the angles between the axes j and k, k and i, i and j, for
	// Euclidean distances: zero unless the grid is sheared.
	Cosines [3]float64
	N       int // number of grey levels possible; levels are 1 … N
	Voxels  int // voxels with a level

	lo, hi [3]int   // the part of the box that holds all levels: lo ≤ voxel < hi
	value  []uint16 // value[x] is the level of code x; value[0] stands for outside
	count  []uint32 // voxels of each code
	rows   []rowRun // where the voxels are in the box
	code8  []uint8  // codes of the voxels, if there are at most 255
	code16 []uint16 // codes of the voxels, otherwise
	morph  []bool   // the mask of zone distances in the given box, or nil
	codeOf []uint16 // scratch: code of each level
}

// rowRun is n voxels in a row, the first at the given offset into the box.
type rowRun struct{ at, n uint32 }

// coords returns the first voxel of s.
func (r *Region) coords(s rowRun) (i, j, k int) {
	nx, ny := uint32(r.Size[0]), uint32(r.Size[1])
	row := s.at / nx
	return int(s.at % nx), int(row % ny), int(row / ny)
}

// NewRegion returns the region of the voxels at (ascending offsets into a box
// of the given size) with their levels 1 … n. The mask before re-segmentation,
// morphological, from whose border zone distances are counted, may be nil if it
// is the same; it is kept, not copied. NewRegion panics if the arguments do not
// fit together.
func NewRegion(size [3]int, spacing [3]float64, at []int, levels []uint16, n int, morphological []bool) *Region {
	r := &Region{}
	r.Reset(size, spacing, at, levels, n, morphological)
	return r
}

// Reset makes r a region as [NewRegion] does and reuses its memory.
func (r *Region) Reset(size [3]int, spacing [3]float64, at []int, levels []uint16, n int, morphological []bool) {
	box := size[0] * size[1] * size[2]
	switch {
	case len(at) != len(levels):
		panic(fmt.Sprintf("texture: NewRegion: %d places and %d levels", len(at), len(levels)))
	case morphological != nil && len(morphological) != box:
		panic(fmt.Sprintf("texture: NewRegion: mask of %d voxels for a box of %v", len(morphological), size))
	case n < 1 || n > MaxLevel:
		panic(fmt.Sprintf("texture: NewRegion: %d levels", n))
	}
	r.Size, r.Spacing, r.N, r.Voxels, r.morph = size, spacing, n, len(at), morphological
	r.encode(levels)
	r.crop(at)
}

// encode gives the levels that occur codes 1, 2, … in ascending order.
func (r *Region) encode(levels []uint16) {
	r.codeOf = resize(r.codeOf, r.N+1)
	clear(r.codeOf)
	for _, l := range levels {
		if l == 0 || int(l) > r.N {
			panic(fmt.Sprintf("texture: NewRegion: level %d of %d", l, r.N))
		}
		r.codeOf[l] = 1
	}
	r.value = append(r.value[:0], 0)
	for l, in := range r.codeOf {
		if in != 0 {
			r.codeOf[l] = uint16(len(r.value))
			r.value = append(r.value, uint16(l))
		}
	}
	r.count = resize(r.count, len(r.value))
	clear(r.count)
	r.code8, r.code16 = r.code8[:0], r.code16[:0]
	if r.narrow() {
		r.code8 = resize(r.code8, len(levels))
		for n, l := range levels {
			x := r.codeOf[l]
			r.code8[n] = uint8(x)
			r.count[x]++
		}
		return
	}
	r.code16 = resize(r.code16, len(levels))
	for n, l := range levels {
		x := r.codeOf[l]
		r.code16[n] = x
		r.count[x]++
	}
}

// crop finds the rows of voxels and the part of the box about them.
func (r *Region) crop(at []int) {
	nx, ny := r.Size[0], r.Size[1]
	runs := 0
	for n := range at {
		if n == 0 || at[n] != at[n-1]+1 {
			runs++
		}
	}
	r.rows = slices.Grow(r.rows[:0], runs) // more if a run goes on in the next row
	lo, hi := [3]int{math.MaxInt, math.MaxInt, math.MaxInt}, [3]int{}
	box := nx * ny * r.Size[2]
	row, end := 0, 0 // of the box, not before the row of the last voxel
	j, k := 0, 0
	for n := 0; n < len(at); {
		o := at[n]
		if n > 0 && o <= at[n-1] || o < 0 || o >= box {
			panic(fmt.Sprintf("texture: NewRegion: place %d in a box of %v, which must ascend", o, r.Size))
		}
		if o >= end {
			m := o / nx
			row, end = m*nx, (m+1)*nx
			k, j = m/ny, m%ny
			lo[1], hi[1] = min(lo[1], j), max(hi[1], j+1)
			lo[2], hi[2] = min(lo[2], k), max(hi[2], k+1)
		}
		first := n
		for n++; n < len(at) && at[n] == o+n-first && at[n] < end; n++ {
		}
		i := o - row
		lo[0], hi[0] = min(lo[0], i), max(hi[0], i+n-first)
		r.rows = append(r.rows, rowRun{uint32(o), uint32(n - first)})
	}
	if len(at) == 0 {
		lo = hi
	}
	r.lo, r.hi = lo, hi
}

// codes returns the number of levels that occur.
func (r *Region) codes() int { return len(r.value) - 1 }

// narrow tells whether codes fit a byte.
func (r *Region) narrow() bool { return r.codes() <= 255 }

// resize returns s with length n, its content undefined.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
