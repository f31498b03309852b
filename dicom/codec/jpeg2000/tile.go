package jpeg2000

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
)

// component is a tile of one component.
type component struct {
	*style
	area        rect
	shift       int // of the region of interest
	resolutions []resolution
}

// resolution is one of levels+1 sizes of the image; the lowest has one band,
// the others the three that lead from the size below to theirs.
type resolution struct {
	area      rect
	bands     []band
	acrossX   int // precincts in a row
	precincts []precinct
}

// band is the output of one pair of filters.
type band struct {
	area   rect
	orient int     // 0 LL, 1 HL, 2 LH, 3 HH: bit 0 is high across, bit 1 high down
	at     [2]int  // where it lies in the plane of coefficients
	planes int     // bit planes, without those of the region of interest
	step   float32 // of quantisation
}

// precinct is the part of a resolution that a packet brings forward.
type precinct struct {
	layers int     // that have come
	bands  []group // made when a packet first brings anything
}

// group holds the blocks of a precinct in one band.
type group struct {
	blocks    []block
	acrossX   int
	inclusion tagTree // in which layer a block first appears
	zeros     tagTree // empty bit planes of a block
}

// block is a code-block.
type block struct {
	x, y          int32 // in the plane of coefficients
	width, height int16
	planes        int8 // that are not empty; −1 before it first appears
	lengthBits    int8
	passes        int16
	parts         []part
}

// part is what one packet, or one codeword of it, adds to a block.
type part struct {
	at, length int32 // in the body of the tile
	passes     int16
	first      bool // of a codeword
}

// area returns the tile on the reference grid.
func (s siz) area(index int) rect {
	x, y := index%s.acrossX, index/s.acrossX
	w, h := s.tile.width(), s.tile.height()
	return rect{
		max(s.tile.x0+x*w, s.image.x0), max(s.tile.y0+y*h, s.image.y0),
		min(s.tile.x0+(x+1)*w, s.image.x1), min(s.tile.y0+(y+1)*h, s.image.y1),
	}
}

// layout returns the components of a tile. It allocates no more precincts
// than there are bytes for the packets of each.
func (t *tile) layout(s siz, available int) ([]component, error) {
	all := make([]component, len(s.components))
	for c := range all {
		st, q := t.styles[c], t.quants[c]
		if st == nil || q == nil {
			return nil, fmt.Errorf("component %d has no style or quantisation: %w", c, frame.ErrDamaged)
		}
		k := component{style: st, area: s.area(t.index), shift: t.shifts[c]}
		k.resolutions = make([]resolution, st.levels+1)
		for r := range k.resolutions {
			res, err := k.resolution(r, s.components[c].bits, q)
			if err != nil {
				return nil, fmt.Errorf("component %d: %w", c, err)
			}
			across, down := res.partition(st.precincts[r])
			if available -= across * down * t.order.layers; available < 0 {
				return nil, fmt.Errorf("the data end before all packets: %w", frame.ErrDamaged)
			}
			res.acrossX, res.precincts = across, make([]precinct, across*down)
			k.resolutions[r] = res
		}
		all[c] = k
	}
	return all, nil
}

// resolution returns the geometry of resolution r (T.800 B.5).
func (k *component) resolution(r, bits int, q *quantisation) (resolution, error) {
	scaled := func(n, dx, dy int) rect { // the area of a band after n decompositions
		ox, oy := dx<<n>>1, dy<<n>>1
		return rect{ceilShift(k.area.x0-ox, n), ceilShift(k.area.y0-oy, n), ceilShift(k.area.x1-ox, n), ceilShift(k.area.y1-oy, n)}
	}
	res := resolution{area: scaled(k.levels-r, 0, 0)}
	orients := []int{1, 2, 3}
	if r == 0 {
		orients = []int{0}
	}
	for _, o := range orients {
		n := k.levels - max(r-1, 0)
		b := band{orient: o, area: scaled(n, o&1, o>>1)}
		if r > 0 {
			below := scaled(k.levels-r+1, 0, 0)
			b.at = [2]int{o & 1 * below.width(), o >> 1 * below.height()}
		}
		exponent, mantissa, ok := q.band(max(0, 3*(r-1)) + o)
		if !ok {
			return res, fmt.Errorf("resolution %d has no quantisation: %w", r, frame.ErrDamaged)
		}
		b.planes = q.guard + exponent - 1
		b.step = float32(math.Ldexp(1+float64(mantissa)/2048, bits-exponent))
		res.bands = append(res.bands, b)
	}
	return res, nil
}

// partition returns how many precincts of the given size the resolution has.
func (r *resolution) partition(size [2]uint8) (across, down int) {
	if r.area.empty() {
		return 0, 0
	}
	px, py := int(size[0]), int(size[1])
	return ceilShift(r.area.x1, px) - r.area.x0>>px, ceilShift(r.area.y1, py) - r.area.y0>>py
}

// open makes the blocks of precinct p in resolution r.
func (k *component) open(r, p int) []group {
	res := &k.resolutions[r]
	px, py := int(k.precincts[r][0]), int(k.precincts[r][1])
	x, y := res.area.x0>>px+p%res.acrossX, res.area.y0>>py+p/res.acrossX
	if r > 0 { // bands have half the size
		px--
		py--
	}
	bw, bh := min(k.blockW, px), min(k.blockH, py)
	groups := make([]group, len(res.bands))
	for i, b := range res.bands {
		in := rect{max(x<<px, b.area.x0), max(y<<py, b.area.y0), min((x+1)<<px, b.area.x1), min((y+1)<<py, b.area.y1)}
		if in.empty() {
			continue
		}
		x0, y0 := in.x0>>bw, in.y0>>bh
		across, down := ceilShift(in.x1, bw)-x0, ceilShift(in.y1, bh)-y0
		g := group{acrossX: across, blocks: make([]block, 0, across*down), inclusion: newTagTree(across, down), zeros: newTagTree(across, down)}
		for j := range down {
			for i := range across {
				c := rect{max((x0+i)<<bw, in.x0), max((y0+j)<<bh, in.y0), min((x0+i+1)<<bw, in.x1), min((y0+j+1)<<bh, in.y1)}
				g.blocks = append(g.blocks, block{
					x: int32(c.x0 - b.area.x0 + b.at[0]), y: int32(c.y0 - b.area.y0 + b.at[1]),
					width: int16(c.width()), height: int16(c.height()), planes: -1, lengthBits: 3,
				})
			}
		}
		groups[i] = g
	}
	return groups
}

// place is a precinct in the order of packets.
type place struct {
	x, y          int // of its upper left corner on the reference grid
	res, comp, at int
}

// places returns the precincts of a change of progression, in its order but
// for layers.
func places(all []component, c change) []place {
	var list []place
	for comp := c.comp0; comp < min(c.comp1, len(all)); comp++ {
		k := &all[comp]
		for r := c.res0; r < min(c.res1, len(k.resolutions)); r++ {
			res := &k.resolutions[r]
			px, py, down := int(k.precincts[r][0]), int(k.precincts[r][1]), k.levels-r
			for p := range res.precincts {
				x, y := res.area.x0>>px+p%res.acrossX, res.area.y0>>py+p/res.acrossX
				list = append(list, place{max(x<<px<<down, k.area.x0), max(y<<py<<down, k.area.y0), r, comp, p})
			}
		}
	}
	byPosition := func(a, b place) int { return cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.x, b.x)) }
	slices.SortStableFunc(list, func(a, b place) int {
		res, comp := cmp.Compare(a.res, b.res), cmp.Compare(a.comp, b.comp)
		switch c.progression {
		case 0, 1: // LRCP, RLCP
			return cmp.Or(res, comp)
		case 2: // RPCL
			return cmp.Or(res, byPosition(a, b), comp)
		case 3: // PCRL
			return cmp.Or(byPosition(a, b), comp, res)
		default: // CPRL
			return cmp.Or(comp, byPosition(a, b), res)
		}
	})
	return list
}
