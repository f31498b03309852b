package pyradiomics

import (
	"context"
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Pixels is the type of the numbers in an image file. It decides how
// PyRadiomics rounds: resampled images of whole numbers are cut back to whole
// numbers within the range of the type, images of float32 keep that precision.
type Pixels uint8

// The types of pixels.
const (
	// AutoPixels looks at the voxels that matter: whole numbers are taken for
	// Int16 where they fit, else for Int32, anything else for Float32.
	AutoPixels Pixels = iota
	Uint8
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Float32
	Float64
)

// span returns the range of whole numbers of type p, and false for a real type.
func (p Pixels) span() (lo, hi float64, whole bool) {
	switch p {
	case Uint8:
		return 0, math.MaxUint8, true
	case Int8:
		return math.MinInt8, math.MaxInt8, true
	case Uint16:
		return 0, math.MaxUint16, true
	case Int16:
		return math.MinInt16, math.MaxInt16, true
	case Uint32:
		return 0, math.MaxUint32, true
	case Int32:
		return math.MinInt32, math.MaxInt32, true
	}
	return 0, 0, false
}

// guess returns the narrowest of Int16, Int32 and Float32 that holds all values.
func guess(values []float64) Pixels {
	e := extentOf(values)
	switch {
	case !e.whole:
		return Float32
	case e.lo >= math.MinInt16 && e.hi <= math.MaxInt16:
		return Int16
	case e.lo >= math.MinInt32 && e.hi <= math.MaxInt32:
		return Int32
	}
	return Float32
}

// extent is what is common to some values.
type extent struct {
	lo, hi        float64 // the least and the greatest
	finite, whole bool    // all of them
}

// extentOf returns the extent of values.
func extentOf(values []float64) extent {
	all := extent{math.Inf(1), math.Inf(-1), true, true}
	parts := make([]extent, (len(values)+blockVoxels-1)/blockVoxels)
	inBlocks(len(values), func(from, to int) {
		lo, hi, finite, whole := all.lo, all.hi, true, true
		for _, v := range values[from:to] {
			lo, hi = min(lo, v), max(hi, v)
			finite = finite && v-v == 0
			whole = whole && v == math.Trunc(v) // not NaN
		}
		parts[from/blockVoxels] = extent{lo, hi, finite, whole}
	})
	for _, p := range parts {
		all = extent{min(all.lo, p.lo), max(all.hi, p.hi), all.finite && p.finite, all.whole && p.whole}
	}
	return all
}

// blockVoxels is how many voxels one goroutine takes at a time.
const blockVoxels = 1 << 13

// inBlocks calls f for runs of [0, n), in parallel if there are many.
func inBlocks(n int, f func(lo, hi int)) {
	// Without a cancelled context, a loop cannot fail.
	_ = par.ForMany(context.Background(), n, (n+blockVoxels-1)/blockVoxels, func(b int) {
		f(b*blockVoxels, min((b+1)*blockVoxels, n))
	})
}

// inSlices calls f for each slice of a box, in parallel if it has many voxels.
func inSlices(voxels, slices int, f func(k int)) {
	_ = par.ForMany(context.Background(), voxels, slices, f)
}

// picture is an image on its way to the features: as read, normalised, cropped
// or resampled. Arithmetic on it is float64.
type picture struct {
	imaging.Grid
	raw    []float32 // as read, if nothing but normalisation has happened
	values []float64 // otherwise
	normal *normal   // what raw still needs
	pixels Pixels
}

// newPicture returns the image as PyRadiomics would have read it.
func newPicture(vol *imaging.Volume, pixels Pixels) *picture {
	return &picture{Grid: vol.Grid, raw: vol.Values, pixels: pixels}
}

// normal is sitk.Normalize and what normalizeImage does after it.
type normal struct{ mean, sigma, limit, scale float64 }

func (n *normal) of(x float64) float64 {
	x = (x - n.mean) * (1 / n.sigma)
	if n.limit > 0 {
		x = min(max(x, -n.limit), n.limit)
	}
	return x * n.scale
}

// normalise centres the image at its mean and divides by its standard deviation
// (n − 1), both over all voxels:
//
//	y = s · clip((x − mean)/σ, −limit, limit)
func (p *picture) normalise(limit, scale float64) (*picture, error) {
	var sum float64
	for _, v := range p.raw {
		sum += float64(v)
	}
	n := float64(len(p.raw))
	mean := sum / n
	var square float64
	for _, v := range p.raw {
		d := float64(v) - mean
		square += d * d
	}
	sigma := math.Sqrt(square / (n - 1))
	if !(sigma > 0) || math.IsInf(sigma, 0) {
		return nil, fmt.Errorf("normalize: the standard deviation of the image is %g: it cannot be scaled to 1", sigma)
	}
	return &picture{Grid: p.Grid, raw: p.raw, normal: &normal{mean, sigma, limit, scale}, pixels: Float64}, nil
}

// box returns the values in [lo, hi), which must lie in the picture.
func (p *picture) box(lo, hi [3]int) []float64 {
	n, rows := hi[0]-lo[0], hi[1]-lo[1]
	out := make([]float64, n*rows*(hi[2]-lo[2]))
	inSlices(len(out), hi[2]-lo[2], func(k int) {
		for j := range rows {
			o := p.Offset(lo[0], lo[1]+j, lo[2]+k)
			dst := out[(k*rows+j)*n:][:n]
			switch {
			case p.values != nil:
				copy(dst, p.values[o:o+n])
			case p.normal != nil:
				for i, v := range p.raw[o : o+n] {
					dst[i] = p.normal.of(float64(v))
				}
			default:
				for i, v := range p.raw[o : o+n] {
					dst[i] = float64(v)
				}
			}
		}
	})
	return out
}

// at returns the value of a voxel.
func (p *picture) at(i, j, k int) float64 {
	o := p.Offset(i, j, k)
	switch {
	case p.values != nil:
		return p.values[o]
	case p.normal != nil:
		return p.normal.of(float64(p.raw[o]))
	}
	return float64(p.raw[o])
}

// crop returns the part [lo, hi) as a picture of its own.
func (p *picture) crop(lo, hi [3]int) *picture {
	return &picture{Grid: p.Grid.Crop(lo, hi), values: p.box(lo, hi), pixels: p.pixels}
}

// resolve returns the type of the picture, judged by values of it where it is
// not known.
func (p *picture) resolve(values []float64) Pixels {
	if p.pixels == AutoPixels {
		return guess(values)
	}
	return p.pixels
}

// magnitude returns the largest |x| in the picture.
func (p *picture) magnitude() float64 {
	var top float64
	switch {
	case p.values != nil:
		for _, v := range p.values {
			top = max(top, math.Abs(v))
		}
	default:
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, v := range p.raw {
			lo, hi = min(lo, float64(v)), max(hi, float64(v))
		}
		if p.normal != nil {
			lo, hi = p.normal.of(lo), p.normal.of(hi)
		}
		top = max(math.Abs(lo), math.Abs(hi))
	}
	return top
}

// region is the region of interest: the voxels of a box of the picture's grid.
type region struct {
	lo, hi [3]int
	in     []bool // of the box, i fastest
	count  int
}

// tighten returns the region in the smallest box that holds it.
func (r *region) tighten() *region {
	lo, hi := r.hi, r.lo
	at, count := 0, 0
	for k := r.lo[2]; k < r.hi[2]; k++ {
		for j := r.lo[1]; j < r.hi[1]; j++ {
			for i := r.lo[0]; i < r.hi[0]; i++ {
				if r.in[at] {
					count++
					for a, x := range [3]int{i, j, k} {
						lo[a], hi[a] = min(lo[a], x), max(hi[a], x+1)
					}
				}
				at++
			}
		}
	}
	if count == 0 {
		return &region{lo: r.lo, hi: r.lo}
	}
	t := r.cut(lo, hi)
	t.count = count
	return t
}

// size returns the voxels of the box along each axis.
func (r *region) size() (n [3]int) {
	for a := range 3 {
		n[a] = r.hi[a] - r.lo[a]
	}
	return n
}

// cut returns the part of the region in the box [lo, hi).
func (r *region) cut(lo, hi [3]int) *region {
	if lo == r.lo && hi == r.hi {
		return r
	}
	c := &region{lo: lo, hi: hi}
	s := r.size()
	for k := lo[2]; k < hi[2]; k++ {
		for j := lo[1]; j < hi[1]; j++ {
			o := ((k-r.lo[2])*s[1]+j-r.lo[1])*s[0] + lo[0] - r.lo[0]
			row := r.in[o : o+hi[0]-lo[0]]
			c.in = append(c.in, row...)
			for _, in := range row {
				if in {
					c.count++
				}
			}
		}
	}
	return c
}

// at returns the places of the voxels in the box.
func (r *region) at() []int {
	size := r.size()
	return gathered(r, func(i, j, k int) int { return ((k-r.lo[2])*size[1]+j-r.lo[1])*size[0] + i - r.lo[0] })
}

// gathered returns what of says of each voxel of r.
func gathered[T any](r *region, of func(i, j, k int) T) []T {
	out := make([]T, r.count)
	size := r.size()
	plane := size[0] * size[1]
	before := make([]int, size[2]+1) // voxels before each slice
	inSlices(len(r.in), size[2], func(k int) {
		n := 0
		for _, in := range r.in[k*plane : (k+1)*plane] {
			if in {
				n++
			}
		}
		before[k+1] = n
	})
	for k := range size[2] {
		before[k+1] += before[k]
	}
	inSlices(len(r.in), size[2], func(k int) {
		n := before[k]
		for j := range size[1] {
			for i, in := range r.in[k*plane+j*size[0]:][:size[0]] {
				if in {
					out[n] = of(r.lo[0]+i, r.lo[1]+j, r.lo[2]+k)
					n++
				}
			}
		}
	})
	return out
}
