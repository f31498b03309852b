package texture

import (
	"fmt"
	"math"
	"slices"
)

// field is a region in a box with a margin of zeros, so that the neighbour of
// a voxel is a fixed number of places away and needs no bounds test. Rows share
// their margin: what leaves a row on the right enters the margin before the
// next. Slices are normal to the third axis.
type field struct {
	r     *Region
	axes  [3]int // axes[a] is the region's axis along axis a of the field
	lo    [3]int // voxel of the region's box at (0, 0, 0), along the region's axes
	size  [3]int // voxels along the axes
	step  [3]int // places from a voxel to the next along the axes
	first int    // place of voxel (0, 0, 0)
	box8  []uint8
	box16 []uint16
	spans []span // rows of voxels without a gap, in order
	slice []int  // slice[k] is the first span of slice k
}

// span is the places lo ≤ o < hi, all in the region.
type span struct{ lo, hi int32 }

// maxPlaces is the longest box with its margin.
const maxPlaces = math.MaxInt32

// set puts r into the field with a margin of pad voxels. If masked, the field
// has room for the mask of zone distances.
func (f *field) set(r *Region, sliceAxis, pad int, masked bool) error {
	f.r = r
	f.axes = axesFor(sliceAxis)
	lo, hi := r.lo, r.hi
	if masked && r.morph != nil {
		lo, hi = maskBounds(r.morph, r.Size, lo, hi)
	}
	f.lo = lo
	for a, b := range f.axes {
		f.size[a] = hi[b] - lo[b]
	}
	f.step[0] = 1
	f.step[1] = f.size[0] + pad
	f.step[2] = (f.size[1] + pad) * f.step[1]
	f.first = pad * (f.step[0] + f.step[1] + f.step[2])
	places := 2*f.first + f.size[2]*f.step[2] + 8
	if places > maxPlaces || r.Size[0]*r.Size[1]*r.Size[2] > math.MaxUint32 {
		return fmt.Errorf("texture: a box of %v voxels is too large", f.size)
	}
	f.box8, f.box16 = f.box8[:0], f.box16[:0]
	if r.narrow() {
		f.box8 = resize(f.box8, places)
		clear(f.box8)
		scatter(f, f.box8, r.code8)
	} else {
		f.box16 = resize(f.box16, places)
		clear(f.box16)
		scatter(f, f.box16, r.code16)
	}
	return nil
}

// maskBounds widens the box lo ≤ voxel < hi to hold the mask.
func maskBounds(mask []bool, size, lo, hi [3]int) (wlo, whi [3]int) {
	for k := range size[2] {
		for j := range size[1] {
			row := mask[(k*size[1]+j)*size[0]:][:size[0]]
			first := slices.Index(row, true)
			if first < 0 {
				continue
			}
			last := size[0] - 1
			for !row[last] {
				last--
			}
			lo = [3]int{min(lo[0], first), min(lo[1], j), min(lo[2], k)}
			hi = [3]int{max(hi[0], last+1), max(hi[1], j+1), max(hi[2], k+1)}
		}
	}
	return lo, hi
}

// axesFor returns the axes of a field whose slices are normal to the given axis.
func axesFor(sliceAxis int) [3]int {
	axes := [3]int{0, 1, 2}
	axes[sliceAxis], axes[2] = 2, sliceAxis
	return axes
}

// scatter writes the codes to their places and lists the spans.
func scatter[T uint8 | uint16](f *field, box, code []T) {
	f.spans, f.slice = slices.Grow(f.spans[:0], len(f.r.rows)), slices.Grow(f.slice[:0], f.size[2]+1)
	if f.axes[2] != 2 {
		exchange(f, box, code)
		return
	}
	from := f.origin()
	for _, s := range f.r.rows {
		i, j, k := f.r.coords(s)
		for len(f.slice) <= k-f.lo[2] {
			f.slice = append(f.slice, len(f.spans))
		}
		o := from + i + j*f.step[1] + k*f.step[2]
		n := copy(box[o:], code[:s.n])
		code = code[n:]
		f.spans = append(f.spans, span{int32(o), int32(o + n)})
	}
	for len(f.slice) <= f.size[2] {
		f.slice = append(f.slice, len(f.spans))
	}
}

// stepsOf returns the places between voxels along the region's axes.
func (f *field) stepsOf() (step [3]int) {
	for a, b := range f.axes {
		step[b] = f.step[a]
	}
	return step
}

// origin returns the place where voxel (0, 0, 0) of the region's box would be.
func (f *field) origin() int {
	step := f.stepsOf()
	return f.first - f.lo[0]*step[0] - f.lo[1]*step[1] - f.lo[2]*step[2]
}

// exchange is scatter where the axes differ from those of the region.
func exchange[T uint8 | uint16](f *field, box, code []T) {
	step := f.stepsOf()
	from := f.origin()
	for _, s := range f.r.rows {
		i, j, k := f.r.coords(s)
		o := from + i*step[0] + j*step[1] + k*step[2]
		for _, c := range code[:s.n] {
			box[o] = c
			o += step[0]
		}
		code = code[s.n:]
	}
	for k := range f.size[2] {
		f.slice = append(f.slice, len(f.spans))
		for j := range f.size[1] {
			o := f.first + k*f.step[2] + j*f.step[1]
			for end := o + f.size[0]; o < end; o++ {
				if box[o] == 0 {
					continue
				}
				lo := o
				for o < end && box[o] != 0 {
					o++
				}
				f.spans = append(f.spans, span{int32(lo), int32(o)})
			}
		}
	}
	f.slice = append(f.slice, len(f.spans))
}

// sliceIndex returns the index of slice k in the region's box.
func (f *field) sliceIndex(k int) int { return f.lo[f.axes[2]] + k }

// slices returns the spans of slices k to l − 1.
func (f *field) slices(k, l int) []span { return f.spans[f.slice[k]:f.slice[l]] }

// places returns the number of places.
func (f *field) places() int { return max(len(f.box8), len(f.box16)) }

// code returns the code at o.
func (f *field) code(o int) int {
	if len(f.box8) > 0 {
		return int(f.box8[o])
	}
	return int(f.box16[o])
}

// coords returns the voxel at place o.
func (f *field) coords(o int) (i, j, k int) {
	o -= f.first
	return o % f.step[2] % f.step[1], o % f.step[2] / f.step[1], o / f.step[2]
}

// direction is a step from a voxel to another that comes later in the box.
type direction struct {
	d    [3]int // along the field's axes
	step int    // places
}

// directions returns the forward half of the steps in set, of at most reach
// along an axis, times scale: first those within a slice.
func directions(reach int, in func(d [3]int) bool, scale int) []direction {
	ds := make([]direction, 0, usualJobs)
	for _, planar := range [2]bool{true, false} {
		for k := 0; k <= reach; k++ {
			for j := -reach; j <= reach; j++ {
				for i := -reach; i <= reach; i++ {
					d := [3]int{i, j, k}
					if forward := k > 0 || k == 0 && (j > 0 || j == 0 && i > 0); forward && planar == (k == 0) && in(d) {
						ds = append(ds, direction{d: [3]int{i * scale, j * scale, k * scale}})
					}
				}
			}
		}
	}
	return ds
}

// aim computes the places of directions in the field.
func (f *field) aim(ds []direction) {
	for n := range ds {
		d := &ds[n]
		d.step = d.d[0]*f.step[0] + d.d[1]*f.step[1] + d.d[2]*f.step[2]
	}
}

// planarOnly returns the directions within a slice.
func planarOnly(ds []direction) []direction {
	for n, d := range ds {
		if d.d[2] != 0 {
			return ds[:n]
		}
	}
	return ds
}

// chebyshev returns the largest of |i|, |j|, |k|.
func chebyshev(d [3]int) int {
	return max(d[0], -d[0], d[1], -d[1], d[2], -d[2])
}
