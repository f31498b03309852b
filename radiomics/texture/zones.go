package texture

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// zoneMap labels connected zones of one level: parent[o] is a place of the same
// zone before o, or, at the first voxel of a zone, its size with the root bit.
type zoneMap struct {
	parent   []uint32
	distance []uint16 // from the border; at roots the smallest of the zone
}

const root = 1 << 31

// join labels the voxels of slices from to to − 1, joining slices too unless
// planar; d are the 13 directions.
func (z *zoneMap) join(f *field, from, to int, d []direction, planar bool) {
	for _, s := range f.slices(from, to) {
		for o := s.lo; o < s.hi; o++ {
			z.parent[o] = uint32(o)
		}
	}
	for k := from; k < to; k++ {
		d := d
		if planar || k+1 == to {
			d = d[:4]
		}
		if len(f.box8) > 0 {
			z.joinWords(f.box8, f.slices(k, k+1), d)
		} else {
			z.joinPlaces(f.box16, f.slices(k, k+1), d)
		}
	}
	z.flatten(f.slices(from, to))
}

// The directions of zones in the order of [field.directions].
const (
	east, southWest, south, southEast         = 0, 1, 2, 3
	downNW, downN, downNE, downW, down, downE = 4, 5, 6, 7, 8, 9
	downSW, downS, downSE                     = 10, 11, 12
)

// joinWords joins each voxel with its like neighbours in the directions, eight
// voxels at a time. Two neighbours that are like the voxel and adjacent to each
// other are joined already, so one of them is enough.
func (z *zoneMap) joinWords(box []uint8, spans []span, d []direction) {
	var like [13]uint64
	parent := z.parent
	for _, s := range spans {
		for o := int(s.lo); o < int(s.hi); o += 8 {
			x, in := load(box, o), firstBytes(high1, int(s.hi)-o)
			var any uint64
			for a := range d {
				h := zeroBytes(x^load(box, o+d[a].step)) & in
				like[a] = h
				any |= h
			}
			if any == 0 {
				continue
			}
			// A voxel whose western neighbour is like it and like its southern one.
			joined := like[east] << 8
			like[southWest] &^= like[south]
			like[southEast] &^= like[south]
			souths := like[south]
			if len(d) > 4 {
				n := ^like[down]
				downs := like[down]
				like[downNW] &= n &^ (like[downN] | like[downW])
				like[downNE] &= n &^ (like[downN] | like[downE])
				like[downSW] &= n &^ (like[downS] | like[downW])
				like[downSE] &= n &^ (like[downS] | like[downE])
				like[downN] &= n
				like[downW] &= n
				like[downE] &= n
				like[downS] &= n
				like[down] &^= joined & (downs << 8)
			}
			like[south] &^= joined & (souths << 8)
			for a := range d {
				for h := like[a]; h != 0; h &= h - 1 {
					p := o + bits.TrailingZeros64(h)>>3
					union(parent, uint32(p), uint32(p+d[a].step))
				}
			}
		}
	}
}

func (z *zoneMap) joinPlaces(box []uint16, spans []span, d []direction) {
	for _, s := range spans {
		for o := int(s.lo); o < int(s.hi); o++ {
			for a := range d {
				if p := o + d[a].step; box[p] == box[o] {
					union(z.parent, uint32(o), uint32(p))
				}
			}
		}
	}
}

// union joins the zones of p and q before they are flattened.
func union(parent []uint32, p, q uint32) {
	for parent[p] != p {
		parent[p] = parent[parent[p]]
		p = parent[p]
	}
	for parent[q] != q {
		parent[q] = parent[parent[q]]
		q = parent[q]
	}
	parent[max(p, q)] = min(p, q)
}

// flatten makes every voxel point to its root and the roots hold sizes and
// smallest distances. Whether a voxel is a root is hard to foresee, so there
// are no branches on it.
func (z *zoneMap) flatten(spans []span) {
	parent := z.parent
	for _, s := range spans {
		for o := uint32(s.lo); o < uint32(s.hi); o++ {
			p := parent[o]
			r := p // the root: p, or where p, which comes before, points
			if up := parent[p]; up&root == 0 {
				r = up
			}
			v := r
			if p == o {
				v = root
			}
			parent[o] = v
			parent[r]++
		}
	}
	if len(z.distance) == 0 {
		return
	}
	for _, s := range spans {
		for o := s.lo; o < s.hi; o++ {
			if p := parent[o]; p&root == 0 {
				z.distance[p] = min(z.distance[p], z.distance[o])
			}
		}
	}
}

// stitch joins flattened zones across the border after slice k.
func (z *zoneMap) stitch(f *field, k int, across []direction) {
	for _, s := range f.slices(k, k+1) {
		for o := int(s.lo); o < int(s.hi); o++ {
			x := f.code(o)
			for a := range across {
				if q := o + across[a].step; f.code(q) == x {
					z.merge(uint32(o), uint32(q))
				}
			}
		}
	}
}

// merge joins the flattened zones of p and q.
func (z *zoneMap) merge(p, q uint32) {
	for z.parent[p]&root == 0 {
		p = z.parent[p]
	}
	for z.parent[q]&root == 0 {
		q = z.parent[q]
	}
	if p == q {
		return
	}
	if p > q {
		p, q = q, p
	}
	z.parent[p] += z.parent[q] &^ root
	z.parent[q] = p
	if len(z.distance) > 0 {
		z.distance[p] = min(z.distance[p], z.distance[q])
	}
}

// zoneTable counts zones by level and size.
type zoneTable struct {
	small countTable
	large []zone // zones of more than mostSmall voxels
}

// mostSmall is the largest size that has a row of its own.
const mostSmall = 32

// zone is a number of zones of the same code and size.
type zone struct {
	code uint16
	size uint32
	n    uint32
}

func (t *zoneTable) reset(codes int) {
	t.small.reset(codes)
	t.large = t.large[:0]
}

func (t *zoneTable) add(u *zoneTable) {
	t.small.add(&u.small)
	t.large = append(t.large, u.large...)
}

// collect adds the zones that begin in the spans to sizes and distances, either
// of which may be nil.
func (z *zoneMap) collect(f *field, spans []span, sizes *zoneTable, distances *countTable) {
	for _, s := range spans {
		for o := int(s.lo); o < int(s.hi); o++ {
			p := z.parent[o]
			if p&root == 0 {
				continue
			}
			x := f.code(o)
			if sizes != nil {
				if n := int(p &^ root); n <= mostSmall {
					if n > sizes.small.rows {
						sizes.small.grow(n)
					}
					sizes.small.n[(n-1)*sizes.small.width+x]++
				} else {
					sizes.large = append(sizes.large, zone{uint16(x), uint32(n), 1})
				}
			}
			if distances != nil {
				d := int(z.distance[o])
				distances.grow(d)
				distances.n[(d-1)*distances.width+x]++
			}
		}
	}
}

// tidy sorts large zones by size and code and brings equal ones together.
func (t *zoneTable) tidy() {
	slices.SortFunc(t.large, func(a, b zone) int {
		return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.code, b.code))
	})
	kept := t.large[:0]
	for _, z := range t.large {
		if n := len(kept); n > 0 && kept[n-1].size == z.size && kept[n-1].code == z.code {
			kept[n-1].n += z.n
		} else {
			kept = append(kept, z)
		}
	}
	t.large = kept
}

// zones sums up a table of zones.
func (s *countSums) zones(t *zoneTable, value []uint16, voxels float64) *counts {
	t.tidy()
	s.begin()
	for j := 1; j <= t.small.rows; j++ {
		column(s, float64(j), t.small.row(j))
	}
	for _, z := range t.large {
		s.entry(int(z.code), float64(z.size), float64(z.n))
	}
	return s.finish(value, voxels)
}

// fillDistances stores, for each voxel, how many steps along the axes it takes
// from it out of the mask: 1 at its border. The border of the box of the region
// counts as outside. Planar steps stay in the slice.
func (z *zoneMap) fillDistances(f *field, planar bool, scratch *distanceMap) {
	z.distance = resize(z.distance, f.places())
	if f.r.morph == nil {
		clear(z.distance)
		for _, s := range f.spans {
			for o := s.lo; o < s.hi; o++ {
				z.distance[o] = math.MaxUint16
			}
		}
		cityBlock(z.distance, f, planar)
		return
	}
	scratch.fill(f.r.morph, f.r.Size, f, planar)
	for _, s := range f.spans {
		i, j, k := f.coords(int(s.lo))
		at := [3]int{i, j, k}
		m := scratch.first
		for a, b := range f.axes {
			m += (at[a] + f.r.lo[b]) * scratch.step[a]
		}
		for o := int(s.lo); o < int(s.hi); o++ {
			z.distance[o] = max(1, scratch.d[m])
			m += scratch.step[0]
		}
	}
}

// cityBlock replaces the distances of voxels, where they are not zero, by those
// to the nearest place with zero: two passes, forward and backward.
func cityBlock(d []uint16, f *field, planar bool) {
	sx, sy, sz := f.step[0], f.step[1], f.step[2]
	pass := func(o, sx, sy, sz int) {
		if d[o] == 0 {
			return
		}
		n := min(d[o-sx], d[o-sy])
		if !planar {
			n = min(n, d[o-sz])
		}
		d[o] = min(d[o], max(n, n+1)) // n + 1 without overflow
	}
	for _, s := range f.spans {
		for o := int(s.lo); o < int(s.hi); o++ {
			pass(o, sx, sy, sz)
		}
	}
	for n := len(f.spans) - 1; n >= 0; n-- {
		s := f.spans[n]
		for o := int(s.hi) - 1; o >= int(s.lo); o-- {
			pass(o, -sx, -sy, -sz)
		}
	}
}

// distanceMap is the map of distances of a mask larger than the region.
type distanceMap struct {
	d     []uint16
	first int
	step  [3]int // along the field's axes
}

// fill computes the distances in the mask of the given size.
func (m *distanceMap) fill(mask []bool, size [3]int, f *field, planar bool) {
	pad := size[0] + 1
	slice := pad * (size[1] + 1)
	full := [3]int{1, pad, slice}
	m.first = 1 + pad + slice
	for a, b := range f.axes {
		m.step[a] = full[b]
	}
	m.d = resize(m.d, 2*m.first+size[2]*slice)
	clear(m.d)
	n := 0
	for k := range size[2] {
		for j := range size[1] {
			row := m.first + k*slice + j*pad
			for i := range size[0] {
				if mask[n] {
					m.d[row+i] = math.MaxUint16
				}
				n++
			}
		}
	}
	var steps [3]int
	copy(steps[:], m.step[:])
	if planar {
		steps[2] = m.step[0] // a third axis that says nothing new
	}
	relax := func(o, x, y, z int) {
		if m.d[o] == 0 {
			return
		}
		n := min(m.d[o-x], m.d[o-y], m.d[o-z])
		m.d[o] = min(m.d[o], max(n, n+1))
	}
	for o := m.first; o < len(m.d)-m.first; o++ {
		relax(o, steps[0], steps[1], steps[2])
	}
	for o := len(m.d) - m.first - 1; o >= m.first; o-- {
		relax(o, -steps[0], -steps[1], -steps[2])
	}
}
