package jpeg2000

import (
	"encoding/binary"
	"fmt"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
)

// Markers, the second byte after 0xff.
const (
	mSOC = 0x4f
	mCAP = 0x50
	mSIZ = 0x51
	mCOD = 0x52
	mCOC = 0x53
	mQCD = 0x5c
	mQCC = 0x5d
	mRGN = 0x5e
	mPOC = 0x5f
	mPPM = 0x60
	mPPT = 0x61
	mSOT = 0x90
	mSOP = 0x91
	mEPH = 0x92
	mSOD = 0x93
	mEOC = 0xd9
)

// rect is [x0, x1) × [y0, y1).
type rect struct{ x0, y0, x1, y1 int }

func (r rect) width() int  { return r.x1 - r.x0 }
func (r rect) height() int { return r.y1 - r.y0 }
func (r rect) empty() bool { return r.x1 <= r.x0 || r.y1 <= r.y0 }

// ceilShift returns a/2^n, rounded up.
func ceilShift(a, n int) int { return (a + 1<<n - 1) >> n }

// siz is what SIZ declares.
type siz struct {
	image      rect // on the reference grid
	tile       rect // the first tile, as if the image covered it all
	acrossX    int  // tiles in a row
	tiles      int
	components []depth
}

type depth struct {
	bits   int
	signed bool
}

// style is how a component is coded (COD, COC).
type style struct {
	levels         int // of decomposition
	blockW, blockH int // log₂ of the size of a code-block
	modes          byte
	reversible     bool
	precincts      [33][2]uint8 // log₂ of width and height, by resolution
}

// Modes of a code-block.
const (
	bypass     = 1 << iota // low planes are not arithmetic coded
	resetProbs             // contexts start anew at each pass
	termAll                // each pass ends its codeword
	causal                 // contexts do not look into the next stripe
	_                      // predictable termination: for the encoder to keep
	segSymbols             // four symbols close each cleanup
)

// quantisation is how the coefficients of a component were divided (QCD, QCC).
type quantisation struct {
	guard    int
	derived  bool
	exponent []uint8
	mantissa []uint16 // nil if reversible
}

// band returns exponent and mantissa of band b, counted from the lowest.
func (q *quantisation) band(b int) (exponent, mantissa int, ok bool) {
	if q.derived {
		return max(0, int(q.exponent[0])-max(0, b-1)/3), int(q.mantissa[0]), true
	}
	if b >= len(q.exponent) {
		return 0, 0, false
	}
	if q.mantissa != nil {
		mantissa = int(q.mantissa[b])
	}
	return int(q.exponent[b]), mantissa, true
}

// order is the order of packets of all components (COD).
type order struct {
	sop, eph    bool
	progression byte
	layers      int
	transform   bool // of the first three components
}

// change is one entry of POC: packets of the box up to the ends, exclusive.
type change struct {
	res0, comp0, layer1, res1, comp1 int
	progression                      byte
}

// params are the parameters of a tile, or the defaults of all.
type params struct {
	order   order
	styles  [4]*style
	quants  [4]*quantisation
	shifts  [4]int  // of regions of interest
	ranks   [4]byte // who set styles: 1 COD, 2 COC, then the same of the tile
	qranks  [4]byte
	changes []change
}

// tile collects what the tile-parts of a tile bring.
type tile struct {
	params
	index   int
	body    [][]byte
	headers [][]byte // packed packet headers
	packed  bool
}

// stream is a codestream, taken apart.
type stream struct {
	siz   siz
	tiles []*tile
}

// codestream returns the codestream within JP2 boxes, or src itself.
func codestream(src []byte) ([]byte, error) {
	if len(src) >= 2 && src[0] == 0xff && src[1] == mSOC {
		return src, nil
	}
	if len(src) < 12 || string(src[4:8]) != "jP  " {
		return nil, fmt.Errorf("neither a codestream nor JP2: %w", frame.ErrDamaged)
	}
	for b := src; len(b) >= 8; {
		n, head := uint64(binary.BigEndian.Uint32(b)), uint64(8)
		if n == 1 && len(b) >= 16 {
			n, head = binary.BigEndian.Uint64(b[8:]), 16
		} else if n == 0 {
			n = uint64(len(b))
		}
		kind := string(b[4:8])
		if n < head || n > uint64(len(b)) && kind != "jp2c" {
			return nil, fmt.Errorf("box %q of %d bytes, %d are there: %w", kind, n, len(b), frame.ErrDamaged)
		}
		body := b[head:min(n, uint64(len(b)))]
		switch kind {
		case "jp2c":
			return body, nil
		case "jp2h":
			if hasPalette(body) {
				return nil, fmt.Errorf("a palette: %w", frame.ErrUnsupported)
			}
		}
		b = b[n:]
	}
	return nil, fmt.Errorf("JP2 without a codestream: %w", frame.ErrDamaged)
}

func hasPalette(b []byte) bool {
	for len(b) >= 8 {
		n := int(binary.BigEndian.Uint32(b))
		if string(b[4:8]) == "pclr" {
			return true
		}
		if n < 8 || n > len(b) {
			return false
		}
		b = b[n:]
	}
	return false
}

// header returns what SIZ says.
func (s siz) header() frame.Header {
	h := frame.Header{Rows: s.image.height(), Columns: s.image.width(), Samples: len(s.components)}
	for _, c := range s.components {
		h.Bits = max(h.Bits, c.bits)
		h.Signed = h.Signed || c.signed
	}
	return h
}

// parseSize reads SIZ, the first segment of a codestream.
func parseSize(b []byte) (siz, []byte, error) {
	var s siz
	if len(b) < 6 || b[0] != 0xff || b[1] != mSOC || b[2] != 0xff || b[3] != mSIZ {
		return s, nil, fmt.Errorf("no SIZ behind the start: %w", frame.ErrDamaged)
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if n < 41 || n > len(b)-4 {
		return s, nil, fmt.Errorf("SIZ of %d bytes: %w", n, frame.ErrDamaged)
	}
	par, rest := b[6:4+n], b[4+n:]
	u32 := func(i int) int { return int(binary.BigEndian.Uint32(par[i:])) }
	s.image = rect{u32(10), u32(14), u32(2), u32(6)}
	s.tile = rect{u32(26), u32(30), u32(26) + u32(18), u32(30) + u32(22)}
	count := int(binary.BigEndian.Uint16(par[34:]))
	switch {
	case s.image.empty() || s.image.width() > 65535 || s.image.height() > 65535 || len(par) < 36+3*count || count < 1:
		return s, nil, fmt.Errorf("SIZ: image %v, %d components: %w", s.image, count, frame.ErrDamaged)
	case count > 4:
		return s, nil, fmt.Errorf("%d components: %w", count, frame.ErrUnsupported)
	case s.tile.empty() || s.tile.x0 > s.image.x0 || s.tile.y0 > s.image.y0 || s.tile.x1 <= s.image.x0 || s.tile.y1 <= s.image.y0:
		return s, nil, fmt.Errorf("SIZ: tile %v of image %v: %w", s.tile, s.image, frame.ErrDamaged)
	}
	for i := range count {
		c := par[36+3*i:]
		d := depth{bits: int(c[0]&0x7f) + 1, signed: c[0]&0x80 != 0}
		if d.bits > 24 || c[1] != 1 || c[2] != 1 {
			return s, nil, fmt.Errorf("component %d: %d bits, sampled %d×%d: %w", i, d.bits, c[1], c[2], frame.ErrUnsupported)
		}
		s.components = append(s.components, d)
	}
	s.acrossX = (s.image.x1 - s.tile.x0 + s.tile.width() - 1) / s.tile.width()
	s.tiles = s.acrossX * ((s.image.y1 - s.tile.y0 + s.tile.height() - 1) / s.tile.height())
	if s.tiles > 65535 {
		return s, nil, fmt.Errorf("%d tiles: at most 65535: %w", s.tiles, frame.ErrDamaged)
	}
	return s, rest, nil
}

// parse takes a codestream apart.
func parse(b []byte, s siz) (*stream, error) {
	st := &stream{siz: s}
	var common params
	var ppm [][]byte // by number
	byIndex := map[int]*tile{}
	for {
		m, par, rest, err := nextSegment(b)
		switch {
		case len(st.tiles) > 0 && (err != nil || m == 0):
			return st, nil // a missing end or padding; whether all is there, packets will tell
		case err != nil:
			return nil, err
		}
		switch m {
		case 0:
			return nil, fmt.Errorf("the stream ends before its first tile: %w", frame.ErrDamaged)
		case mEOC:
			return st, nil
		case mSOT:
			if rest, err = st.part(b, par, rest, &common, byIndex, &ppm); err != nil {
				return nil, err
			}
		case mCAP:
			return nil, fmt.Errorf("high-throughput coding (HTJ2K): %w", frame.ErrUnsupported)
		case mPPM:
			ppm, err = addPacked(ppm, par)
		default:
			err = common.set(m, par, len(s.components), 0)
		}
		if err != nil {
			return nil, err
		}
		b = rest
	}
}

// nextSegment reads one marker segment; the marker is 0 at the end.
func nextSegment(b []byte) (m byte, par, rest []byte, err error) {
	if len(b) < 2 {
		return 0, nil, nil, nil
	}
	if b[0] != 0xff {
		return 0, nil, nil, fmt.Errorf("%#x %#x where a marker was expected: %w", b[0], b[1], frame.ErrDamaged)
	}
	m = b[1]
	if m == mEOC || m == mSOD {
		return m, nil, b[2:], nil
	}
	if len(b) < 4 {
		return 0, nil, nil, nil
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < 2 || n > len(b)-2 {
		return 0, nil, nil, fmt.Errorf("marker %#x declares %d bytes, %d are there: %w", m, n, len(b)-2, frame.ErrDamaged)
	}
	return m, b[4 : 2+n], b[2+n:], nil
}

// addPacked appends packed packet headers, whose segments carry a number.
func addPacked(all [][]byte, par []byte) ([][]byte, error) {
	if len(par) < 1 || int(par[0]) != len(all) {
		return nil, fmt.Errorf("packed packet headers out of order: %w", frame.ErrDamaged)
	}
	return append(all, par[1:]), nil
}

// part reads a tile-part, which begins at b with the parameters sot, and
// returns what follows it.
func (st *stream) part(b, sot, rest []byte, common *params, byIndex map[int]*tile, ppm *[][]byte) ([]byte, error) {
	if len(sot) < 8 {
		return nil, fmt.Errorf("SOT of %d bytes: %w", len(sot), frame.ErrDamaged)
	}
	index, length := int(binary.BigEndian.Uint16(sot)), int(binary.BigEndian.Uint32(sot[2:]))
	if index >= st.siz.tiles {
		return nil, fmt.Errorf("tile %d of %d: %w", index, st.siz.tiles, frame.ErrDamaged)
	}
	t := byIndex[index]
	if t == nil {
		t = &tile{params: *common, index: index}
		byIndex[index] = t
		st.tiles = append(st.tiles, t)
	}
	end := len(b)
	if length != 0 {
		end = min(length, end) // whether something is missing, packets will tell
	} else if end >= 2 && b[end-2] == 0xff && b[end-1] == mEOC {
		end -= 2
	}
	for {
		m, par, next, err := nextSegment(rest)
		switch {
		case err != nil:
			return nil, fmt.Errorf("tile %d: %w", index, err)
		case m == 0 || m == mEOC || m == mSOT:
			return nil, fmt.Errorf("tile %d: the header of a part ends early: %w", index, frame.ErrDamaged)
		case m == mSOD:
			at := len(b) - len(next)
			if at > end {
				return nil, fmt.Errorf("tile %d: header longer than its part: %w", index, frame.ErrDamaged)
			}
			t.body = append(t.body, b[at:end])
			if len(*ppm) > 0 {
				return b[end:], t.takePacked(ppm)
			}
			return b[end:], nil
		case m == mPPT:
			if len(par) < 1 {
				return nil, fmt.Errorf("tile %d: empty PPT: %w", index, frame.ErrDamaged)
			}
			t.headers, t.packed = append(t.headers, par[1:]), true
		case m == mPOC && t.changes != nil && len(common.changes) > 0 && &t.changes[0] == &common.changes[0]:
			t.changes = nil // those of the tile replace the common ones
			fallthrough
		default:
			if err := t.set(m, par, len(st.siz.components), 2); err != nil {
				return nil, fmt.Errorf("tile %d: %w", index, err)
			}
		}
		rest = next
	}
}

// takePacked moves the headers of the next tile-part from PPM to the tile.
func (t *tile) takePacked(ppm *[][]byte) error {
	joined := join(*ppm)
	if len(joined) < 4 || int64(binary.BigEndian.Uint32(joined)) > int64(len(joined)-4) {
		return fmt.Errorf("packed packet headers end early: %w", frame.ErrDamaged)
	}
	n := 4 + int(binary.BigEndian.Uint32(joined))
	t.headers, t.packed = append(t.headers, joined[4:n]), true
	*ppm = [][]byte{joined[n:]}
	return nil
}

// join returns the pieces as one, without a copy if there is one only.
func join(pieces [][]byte) []byte {
	if len(pieces) == 1 {
		return pieces[0]
	}
	var all []byte
	for _, p := range pieces {
		all = append(all, p...)
	}
	return all
}

// set takes over one marker segment. rank is 0 in the main header and 2 in
// that of a tile; a segment for one component goes before one for all.
func (p *params) set(m byte, par []byte, components int, rank byte) error {
	first, last := 0, components-1
	if m == mCOC || m == mQCC || m == mRGN {
		if len(par) < 1 || int(par[0]) >= components {
			return fmt.Errorf("marker %#x for a component that is not there: %w", m, frame.ErrDamaged)
		}
		first, last = int(par[0]), int(par[0])
		par = par[1:]
		rank++
	}
	rank++
	switch m {
	case mCOD:
		if len(par) < 10 {
			return fmt.Errorf("COD of %d bytes: %w", len(par), frame.ErrDamaged)
		}
		p.order = order{
			sop: par[0]&2 != 0, eph: par[0]&4 != 0, progression: par[1],
			layers: int(binary.BigEndian.Uint16(par[2:])), transform: par[4] != 0,
		}
		if p.order.layers < 1 || p.order.progression > 4 {
			return fmt.Errorf("COD: %d layers, progression %d: %w", p.order.layers, p.order.progression, frame.ErrDamaged)
		}
		s, err := parseStyle(par[0], par[5:])
		if err != nil {
			return err
		}
		p.setStyle(s, first, last, rank)
	case mCOC:
		if len(par) < 6 {
			return fmt.Errorf("COC of %d bytes: %w", len(par), frame.ErrDamaged)
		}
		s, err := parseStyle(par[0], par[1:])
		if err != nil {
			return err
		}
		p.setStyle(s, first, last, rank)
	case mQCD, mQCC:
		q, err := parseQuantisation(par)
		if err != nil {
			return err
		}
		for c := first; c <= last; c++ {
			if rank >= p.qranks[c] {
				p.quants[c], p.qranks[c] = q, rank
			}
		}
	case mRGN:
		if len(par) < 2 || par[0] != 0 || par[1] > 31 {
			return fmt.Errorf("region of interest %v: %w", par, frame.ErrDamaged)
		}
		p.shifts[first] = int(par[1])
	case mPOC:
		changes, err := parseChanges(par)
		if err != nil || len(p.changes)+len(changes) > 32 {
			return fmt.Errorf("changes of progression: %w", frame.ErrDamaged)
		}
		p.changes = append(p.changes[:len(p.changes):len(p.changes)], changes...)
	}
	return nil // others hold comments and lengths
}

func (p *params) setStyle(s *style, first, last int, rank byte) {
	for c := first; c <= last; c++ {
		if rank >= p.ranks[c] {
			p.styles[c], p.ranks[c] = s, rank
		}
	}
}

// parseStyle reads SPcod or SPcoc.
func parseStyle(flags byte, par []byte) (*style, error) {
	s := &style{levels: int(par[0]), blockW: int(par[1]) + 2, blockH: int(par[2]) + 2, modes: par[3], reversible: par[4] == 1}
	if s.modes&0x40 != 0 {
		return nil, fmt.Errorf("high-throughput blocks (HTJ2K): %w", frame.ErrUnsupported)
	}
	if s.levels > 32 || s.blockW > 10 || s.blockH > 10 || s.blockW+s.blockH > 12 || par[4] > 1 {
		return nil, fmt.Errorf("style: %d levels, blocks of 2^%d×2^%d, wavelet %d: %w", s.levels, s.blockW, s.blockH, par[4], frame.ErrDamaged)
	}
	for r := range s.precincts {
		s.precincts[r] = [2]uint8{15, 15}
	}
	if flags&1 == 0 {
		return s, nil
	}
	if len(par) < 6+s.levels {
		return nil, fmt.Errorf("style: %d sizes of precincts for %d levels: %w", len(par)-5, s.levels, frame.ErrDamaged)
	}
	for r := 0; r <= s.levels; r++ {
		p := [2]uint8{par[5+r] & 15, par[5+r] >> 4}
		if r > 0 && (p[0] == 0 || p[1] == 0) {
			return nil, fmt.Errorf("style: precincts of size 1 in resolution %d: %w", r, frame.ErrDamaged)
		}
		s.precincts[r] = p
	}
	return s, nil
}

// parseQuantisation reads QCD, or QCC behind its component.
func parseQuantisation(par []byte) (*quantisation, error) {
	if len(par) < 2 {
		return nil, fmt.Errorf("quantisation of %d bytes: %w", len(par), frame.ErrDamaged)
	}
	q := &quantisation{guard: int(par[0] >> 5)}
	kind := par[0] & 31
	par = par[1:]
	switch {
	case kind == 0:
		for _, v := range par[:min(len(par), 97)] {
			q.exponent = append(q.exponent, v>>3)
		}
	case kind <= 2 && len(par) >= 2:
		for ; len(par) >= 2 && len(q.exponent) < 97; par = par[2:] {
			v := binary.BigEndian.Uint16(par)
			q.exponent = append(q.exponent, uint8(v>>11))
			q.mantissa = append(q.mantissa, v&0x7ff)
		}
		q.derived = kind == 1
	default:
		return nil, fmt.Errorf("quantisation of kind %d: %w", kind, frame.ErrDamaged)
	}
	return q, nil
}

// parseChanges reads POC.
func parseChanges(par []byte) ([]change, error) {
	var all []change
	for ; len(par) >= 7; par = par[7:] {
		c := change{
			res0: int(par[0]), comp0: int(par[1]), layer1: int(binary.BigEndian.Uint16(par[2:])),
			res1: int(par[4]), comp1: int(par[5]), progression: par[6],
		}
		if c.comp1 == 0 {
			c.comp1 = 256
		}
		if c.progression > 4 {
			return nil, frame.ErrDamaged
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, frame.ErrDamaged
	}
	return all, nil
}
