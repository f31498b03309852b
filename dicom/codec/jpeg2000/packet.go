package jpeg2000

import (
	"fmt"
	"math/bits"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
)

// packets reads all packets of a tile and returns its components, whose
// blocks then know their bytes in body.
func (t *tile) packets(s siz) (all []component, body []byte, err error) {
	body = join(t.body)
	r := &packetReader{order: t.order, body: body, head: body}
	if t.packed {
		r.head, r.packed = join(t.headers), true
	}
	if all, err = t.layout(s, len(r.head)); err != nil {
		return nil, nil, err
	}
	changes := t.changes
	if len(changes) == 0 {
		changes = []change{{layer1: t.order.layers, res1: 33, comp1: len(all), progression: t.order.progression}}
	}
	for _, c := range changes {
		if err := r.sequence(all, places(all, c), c); err != nil {
			return nil, nil, err
		}
	}
	for c := range all {
		for i, res := range all[c].resolutions {
			for p := range res.precincts {
				if n := res.precincts[p].layers; n < t.order.layers {
					return nil, nil, fmt.Errorf("component %d, resolution %d, precinct %d: %d of %d layers: %w", c, i, p, n, t.order.layers, frame.ErrDamaged)
				}
			}
		}
	}
	return all, body, nil
}

// packetReader walks the packets of a tile.
type packetReader struct {
	order  order
	body   []byte // of the tile
	at     int    // in body
	head   []byte // where headers stand: body, or the packed ones
	headAt int    // if packed
	packed bool
}

// sequence reads the packets of one change of progression.
func (r *packetReader) sequence(all []component, list []place, c change) error {
	layers := min(c.layer1, r.order.layers)
	one := func(p place, layer int) error {
		if err := r.packet(all, p, layer); err != nil {
			return fmt.Errorf("packet of component %d, resolution %d, precinct %d, layer %d: %w", p.comp, p.res, p.at, layer, err)
		}
		return nil
	}
	switch c.progression {
	case 0: // layer by layer
		for l := range layers {
			for _, p := range list {
				if err := one(p, l); err != nil {
					return err
				}
			}
		}
	case 1: // within a resolution, layer by layer
		for lo := 0; lo < len(list); {
			hi := lo
			for hi < len(list) && list[hi].res == list[lo].res {
				hi++
			}
			for l := range layers {
				for _, p := range list[lo:hi] {
					if err := one(p, l); err != nil {
						return err
					}
				}
			}
			lo = hi
		}
	default:
		for _, p := range list {
			for l := range layers {
				if err := one(p, l); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// packet reads one packet (T.800 B.9, B.10), unless an earlier change of
// progression brought it.
func (r *packetReader) packet(all []component, p place, layer int) error {
	k := &all[p.comp]
	res := &k.resolutions[p.res]
	pr := &res.precincts[p.at]
	if layer < pr.layers {
		return nil
	}
	pr.layers = layer + 1
	if r.order.sop && len(r.body)-r.at >= 6 && r.body[r.at] == 0xff && r.body[r.at+1] == mSOP {
		r.at += 6
	}
	h := bitReader{src: r.head, at: r.at}
	if r.packed {
		h.at = r.headAt
	}
	if h.at >= len(h.src) {
		return fmt.Errorf("the data end: %w", frame.ErrDamaged)
	}
	type piece struct {
		b *block
		i int
	}
	var pieces []piece
	if h.bit() != 0 {
		if pr.bands == nil {
			pr.bands = k.open(p.res, p.at)
		}
		for i := range pr.bands {
			g := &pr.bands[i]
			for n := range g.blocks {
				b := &g.blocks[n]
				from := len(b.parts)
				if err := h.block(g, n, layer, res.bands[i].planes+k.shift, k.modes); err != nil {
					return err
				}
				for i := from; i < len(b.parts); i++ {
					pieces = append(pieces, piece{b, i})
				}
			}
		}
	}
	h.align()
	if r.order.eph && len(h.src)-h.at >= 2 && h.src[h.at] == 0xff && h.src[h.at+1] == mEPH {
		h.at += 2
	}
	if h.short {
		return fmt.Errorf("the header ends early: %w", frame.ErrDamaged)
	}
	if r.packed {
		r.headAt = h.at
	} else {
		r.at = h.at
	}
	for _, p := range pieces {
		q := &p.b.parts[p.i]
		if int(q.length) > len(r.body)-r.at {
			return fmt.Errorf("%d bytes declared, %d are there: %w", q.length, len(r.body)-r.at, frame.ErrDamaged)
		}
		q.at = int32(r.at)
		r.at += int(q.length)
	}
	return nil
}

// block reads what the packet's header says of block n.
func (h *bitReader) block(g *group, n, layer, planes int, modes byte) error {
	b := &g.blocks[n]
	x, y := n%g.acrossX, n/g.acrossX
	switch {
	case b.planes >= 0:
		if h.bit() == 0 {
			return nil
		}
	case !g.inclusion.below(h, x, y, layer+1):
		return nil
	default:
		zeros := 0
		for !g.zeros.below(h, x, y, zeros+1) {
			zeros++
		}
		if zeros > planes || planes-zeros > 30 {
			return fmt.Errorf("block %d: %d of %d bit planes are empty: %w", n, zeros, planes, frame.ErrDamaged)
		}
		b.planes = int8(planes - zeros)
	}
	passes := h.passes()
	for h.bit() != 0 {
		if b.lengthBits++; b.lengthBits > 32 {
			return fmt.Errorf("block %d: lengths of more than 32 bits: %w", n, frame.ErrDamaged)
		}
	}
	for passes > 0 && !h.short {
		room, first := roomIn(int(b.passes), modes)
		m := min(passes, room)
		length := h.bits(int(b.lengthBits) + bits.Len(uint(m)) - 1)
		if length > 1<<30 || int(b.passes)+m > 3*32 {
			return fmt.Errorf("block %d: %d bytes, %d passes: %w", n, length, int(b.passes)+m, frame.ErrDamaged)
		}
		b.parts = append(b.parts, part{length: int32(length), passes: int16(m), first: first})
		b.passes += int16(m)
		passes -= m
	}
	return nil
}

// roomIn tells how many passes the codeword of the pass number done has room
// for, from that pass on, and whether it begins there.
func roomIn(done int, modes byte) (room int, first bool) {
	switch {
	case modes&termAll != 0:
		return 1, true
	case modes&bypass == 0:
		return 1 << 14, done == 0
	case done < 10: // up to the fourth cleanup all is arithmetic coded
		return 10 - done, done == 0
	default: // then two raw passes and a cleanup in turn
		switch (done - 10) % 3 {
		case 0:
			return 2, true
		case 1:
			return 1, false
		default:
			return 1, true
		}
	}
}

// bitReader reads a packet's header: the byte after 0xff has seven bits.
// Behind the end come ones, which end every loop.
type bitReader struct {
	src   []byte
	at    int
	acc   byte
	n     int
	short bool
}

func (h *bitReader) bit() int {
	if h.n == 0 {
		h.n = 8
		if h.acc == 0xff && h.at > 0 {
			h.n = 7
		}
		if h.at >= len(h.src) {
			h.short = true
			h.acc, h.n = 0x7f, 7
		} else {
			h.acc = h.src[h.at]
			h.at++
		}
	}
	h.n--
	return int(h.acc>>h.n) & 1
}

func (h *bitReader) bits(n int) int {
	v := 0
	for range n {
		v = v<<1 | h.bit()
	}
	return v
}

// align goes to the next byte; behind 0xff a stuffed one follows.
func (h *bitReader) align() {
	if h.acc == 0xff && !h.short {
		h.at++
	}
	h.n = 0
}

// passes reads how many passes follow (T.800 table B.4).
func (h *bitReader) passes() int {
	if h.bit() == 0 {
		return 1
	}
	if h.bit() == 0 {
		return 2
	}
	if v := h.bits(2); v < 3 {
		return 3 + v
	}
	if v := h.bits(5); v < 31 {
		return 6 + v
	}
	return 37 + h.bits(7)
}

// tagTree codes a grid of numbers by the minima of 2×2 neighbours (T.800
// B.10.2).
type tagTree struct {
	levels [][]tagNode // from the leaves up
	width  []int
}

type tagNode struct {
	low   int32 // what the number is at least
	known bool  // that it is low
}

func newTagTree(w, h int) tagTree {
	var t tagTree
	for {
		t.levels = append(t.levels, make([]tagNode, w*h))
		t.width = append(t.width, w)
		if w*h == 1 {
			return t
		}
		w, h = (w+1)/2, (h+1)/2
	}
}

// below reads on until it is known whether the number at (x, y) is below the
// limit.
func (t *tagTree) below(h *bitReader, x, y, limit int) bool {
	low := int32(0)
	var n *tagNode
	for l := len(t.levels) - 1; l >= 0; l-- {
		n = &t.levels[l][y>>l*t.width[l]+x>>l]
		n.low = max(n.low, low)
		for !n.known && int(n.low) < limit {
			if h.bit() != 0 {
				n.known = true
			} else {
				n.low++
			}
		}
		low = n.low
	}
	return n.known && int(n.low) < limit
}
