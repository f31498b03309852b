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
// from it out of the mask: 1 at its border. The border of the box counts as
// outside. Planar steps stay in the slice.
func (z *zoneMap) fillDistances(f *field, planar bool) {
	d := resize(z.distance, f.places())
	z.distance = d
	clear(d)
	r := f.r
	if r.morph == nil {
		for _, s := range f.spans {
			for o := s.lo; o < s.hi; o++ {
				d[o] = math.MaxUint16
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
						d[o] = math.MaxUint16
					}
					o += step[0]
				}
				n += r.Size[0]
			}
		}
	}
	f.cityBlock(d, planar)
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
func (f *field) cityBlock(d []uint16, planar bool) {
	sy, sz := f.step[1], f.step[2]
	if planar {
		sz = sy
	}
	nx := f.size[0]
	rows := f.size[1] * f.size[2]
	for row := range rows {
		o := f.first + row/f.size[1]*f.step[2] + row%f.size[1]*f.step[1]
		here, north, above := d[o:][:nx], d[o-sy:][:nx], d[o-sz:][:nx]
		n := uint16(0)
		for i, x := range here {
			n = min(x, min(n, north[i], above[i])+1)
			here[i] = n
		}
	}
	for row := rows - 1; row >= 0; row-- {
		o := f.first + row/f.size[1]*f.step[2] + row%f.size[1]*f.step[1]
		here, south, below := d[o:][:nx], d[o+sy:][:nx], d[o+sz:][:nx]
		n := uint16(0)
		for i := nx - 1; i >= 0; i-- {
			n = min(here[i], min(n, south[i], below[i])+1)
			here[i] = n
		}
	}
}
