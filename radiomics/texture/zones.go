package texture

import (
	"cmp"
	"math/bits"
	"slices"
)

// zoneMap labels connected zones of one level: parent[o] is a place of the same
// zone before o, or, at the first voxel of a zone, its size with the root bit,
// the highest.
type zoneMap[T label, D steps] struct {
	parent   []T
	distance []D // from the border; at roots the smallest of the zone
	room     []D // for distances
}

// label is a place or a size, of half the bytes in a small field.
type label interface{ uint16 | uint32 }

// steps is a distance from the border, which is less than the second largest
// extent of the field: at most 181 if places fit 15 bits.
type steps interface{ uint8 | uint16 }

// rootBit returns the highest bit of a place.
func rootBit[T label]() T { return ^(^T(0) >> 1) }

// narrowPlaces is the number of places up to which 16 bits are enough.
const narrowPlaces = 1 << 15

// labels is a [zoneMap] of either width.
type labels interface {
	open(c *Computer, m *memory)
	begin(c *Computer, planar bool)
	join(f *field, from, to int, d []direction, planar bool)
	stitch(f *field, k int, across []direction)
	collect(f *field, spans []span, sizes *zoneTable, distances *countTable)
}

// open makes room for the labels of a field.
func (z *zoneMap[T, D]) open(c *Computer, m *memory) {
	z.parent, z.room = nil, nil
	if c.wants(GLSZM, oneSlice, allSlices, volume) || c.wants(GLDZM, oneSlice, allSlices, volume) {
		z.parent = take[T](m, c.field.places())
	}
	if c.wants(GLDZM, oneSlice, allSlices, volume) {
		z.room = take[D](m, c.field.places())
	}
}

// begin prepares for zones in three dimensions or in slices.
func (z *zoneMap[T, D]) begin(c *Computer, planar bool) {
	z.distance = nil
	if c.wants(GLDZM, volume) && !planar || c.wants(GLDZM, oneSlice, allSlices) && planar {
		z.distance = z.room
		z.fillDistances(&c.field, planar)
	}
}

// join labels the voxels of slices from to to − 1, joining slices too unless
// planar; d are the 13 directions.
func (z *zoneMap[T, D]) join(f *field, from, to int, d []direction, planar bool) {
	parent := z.parent
	for _, s := range f.slices(from, to) {
		for o := s.lo; o < s.hi; o++ {
			parent[o] = T(o)
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
func (z *zoneMap[T, D]) joinWords(box []uint8, spans []span, d []direction) {
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
					union(parent, T(p), T(p+d[a].step))
				}
			}
		}
	}
}

func (z *zoneMap[T, D]) joinPlaces(box []uint16, spans []span, d []direction) {
	for _, s := range spans {
		for o := int(s.lo); o < int(s.hi); o++ {
			for a := range d {
				if p := o + d[a].step; box[p] == box[o] {
					union(z.parent, T(o), T(p))
				}
			}
		}
	}
}

// union joins the zones of p and q before they are flattened.
func union[T label](parent []T, p, q T) {
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
func (z *zoneMap[T, D]) flatten(spans []span) {
	parent, root := z.parent, rootBit[T]()
	for _, s := range spans {
		for o := uint32(s.lo); o < uint32(s.hi); o++ {
			p := uint32(parent[o])
			r := p // the root: p, or where p, which comes before, points
			if up := uint32(parent[p]); up&uint32(root) == 0 {
				r = up
			}
			v := r
			if p == o {
				v = uint32(root)
			}
			parent[o] = T(v)
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
func (z *zoneMap[T, D]) stitch(f *field, k int, across []direction) {
	for _, s := range f.slices(k, k+1) {
		for o := int(s.lo); o < int(s.hi); o++ {
			x := f.code(o)
			for a := range across {
				if q := o + across[a].step; f.code(q) == x {
					z.merge(T(o), T(q))
				}
			}
		}
	}
}

// merge joins the flattened zones of p and q.
func (z *zoneMap[T, D]) merge(p, q T) {
	root := rootBit[T]()
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
func (z *zoneMap[T, D]) collect(f *field, spans []span, sizes *zoneTable, distances *countTable) {
	parent, root := z.parent, rootBit[T]()
	for _, s := range spans {
		for o := int(s.lo); o < int(s.hi); o++ {
			p := parent[o]
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
func (s *countSums) zones(m *memory, t *zoneTable, value []uint16, voxels float64) *counts {
	t.tidy()
	defer m.release(m.at)
	s.begin(m, t.small.rows+len(t.large))
	for j := 1; j <= t.small.rows; j++ {
		column(s, float64(j), t.small.row(j))
	}
	for _, z := range t.large {
		s.entry(int(z.code), float64(z.size), float64(z.n))
	}
	return s.finish(value, voxels)
}

// fillDistances stores, for each voxel, how many steps along the axes it takes
// from it out of the mask: 1 at its border. The border of the box counts as
// outside. Planar steps stay in the slice.
func (z *zoneMap[T, D]) fillDistances(f *field, planar bool) {
	d := z.distance
	clear(d)
	r := f.r
	if r.morph == nil {
		for _, s := range f.spans {
			for o := s.lo; o < s.hi; o++ {
				d[o] = ^D(0)
			}
		}
	} else {
		step, from := f.stepsOf(), f.origin()
		n := 0
		for k := range r.Size[2] {
			for j := range r.Size[1] {
				o := from + j*step[1] + k*step[2]
				for _, in := range r.morph[n : n+r.Size[0]] {
					if in {
						d[o] = ^D(0)
					}
					o += step[0]
				}
				n += r.Size[0]
			}
		}
	}
	cityBlock(f, d, planar)
	if r.morph != nil {
		for _, s := range f.spans {
			for o := s.lo; o < s.hi; o++ {
				d[o] = max(d[o], 1) // in case the mask leaves out a voxel with a level
			}
		}
	}
}

// cityBlock replaces what is not zero in d by the number of steps along the
// axes to the nearest zero: a pass over the rows forward, and one backward.
func cityBlock[D steps](f *field, d []D, planar bool) {
	sy, sz := f.step[1], f.step[2]
	if planar {
		sz = sy
	}
	nx := f.size[0]
	rows := f.size[1] * f.size[2]
	for row := range rows {
		o := f.first + row/f.size[1]*f.step[2] + row%f.size[1]*f.step[1]
		here, north, above := d[o:][:nx], d[o-sy:][:nx], d[o-sz:][:nx]
		n := D(0)
		for i, x := range here {
			n = min(x, min(n, north[i], above[i])+1)
			here[i] = n
		}
	}
	for row := rows - 1; row >= 0; row-- {
		o := f.first + row/f.size[1]*f.step[2] + row%f.size[1]*f.step[1]
		here, south, below := d[o:][:nx], d[o+sy:][:nx], d[o+sz:][:nx]
		n := D(0)
		for i := nx - 1; i >= 0; i-- {
			n = min(here[i], min(n, south[i], below[i])+1)
			here[i] = n
		}
	}
}
