package pyradiomics

import (
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/imaging"
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
	var lo, hi float64
	for _, v := range values {
		if v != math.Trunc(v) { // NaN too
			return Float32
		}
		lo, hi = min(lo, v), max(hi, v)
	}
	switch {
	case lo >= math.MinInt16 && hi <= math.MaxInt16:
		return Int16
	case lo >= math.MinInt32 && hi <= math.MaxInt32:
		return Int32
	}
	return Float32
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
	n := hi[0] - lo[0]
	out := make([]float64, n*(hi[1]-lo[1])*(hi[2]-lo[2]))
	at := 0
	for k := lo[2]; k < hi[2]; k++ {
		for j := lo[1]; j < hi[1]; j++ {
			o := p.Offset(lo[0], j, k)
			dst := out[at : at+n]
			at += n
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
	}
	return out
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
	at := make([]int, 0, r.count)
	for o, in := range r.in {
		if in {
			at = append(at, o)
		}
	}
	return at
}
