package jpeg2000

import "math/bits"

// mqState is a state of the probability estimation (T.800 table C.2).
type mqState struct {
	qe         uint32 // probability of the less probable symbol, times 2^16
	mps        uint8  // the more probable symbol
	next, back uint8  // states after the more and the less probable symbol
}

// mqStates holds each row of table C.2 twice: with more probable symbol 0
// at 2i, with 1 at 2i+1. (A power of two spares checks of the index.)
var mqStates = func() (all [128]mqState) {
	for i, r := range [47]struct {
		qe           uint16
		nmps, nlps   uint8
		switchSymbol uint8
	}{
		{0x5601, 1, 1, 1}, {0x3401, 2, 6, 0}, {0x1801, 3, 9, 0}, {0x0ac1, 4, 12, 0}, {0x0521, 5, 29, 0}, {0x0221, 38, 33, 0},
		{0x5601, 7, 6, 1}, {0x5401, 8, 14, 0}, {0x4801, 9, 14, 0}, {0x3801, 10, 14, 0}, {0x3001, 11, 17, 0}, {0x2401, 12, 18, 0},
		{0x1c01, 13, 20, 0}, {0x1601, 29, 21, 0}, {0x5601, 15, 14, 1}, {0x5401, 16, 14, 0}, {0x5101, 17, 15, 0}, {0x4801, 18, 16, 0},
		{0x3801, 19, 17, 0}, {0x3401, 20, 18, 0}, {0x3001, 21, 19, 0}, {0x2801, 22, 19, 0}, {0x2401, 23, 20, 0}, {0x2201, 24, 21, 0},
		{0x1c01, 25, 22, 0}, {0x1801, 26, 23, 0}, {0x1601, 27, 24, 0}, {0x1401, 28, 25, 0}, {0x1201, 29, 26, 0}, {0x1101, 30, 27, 0},
		{0x0ac1, 31, 28, 0}, {0x09c1, 32, 29, 0}, {0x08a1, 33, 30, 0}, {0x0521, 34, 31, 0}, {0x0441, 35, 32, 0}, {0x02a1, 36, 33, 0},
		{0x0221, 37, 34, 0}, {0x0141, 38, 35, 0}, {0x0111, 39, 36, 0}, {0x0085, 40, 37, 0}, {0x0049, 41, 38, 0}, {0x0025, 42, 39, 0},
		{0x0015, 43, 40, 0}, {0x0009, 44, 41, 0}, {0x0005, 45, 42, 0}, {0x0001, 45, 43, 0}, {0x5601, 46, 46, 0},
	} {
		for mps := range uint8(2) {
			all[2*i+int(mps)] = mqState{qe: uint32(r.qe) << 16, mps: mps, next: 2*r.nmps + mps, back: 2*r.nlps + mps ^ r.switchSymbol}
		}
	}
	return all
}()

// mq is the arithmetic decoder (T.800 annex C), and the reader of raw bits.
// The registers A (here times 2^16, so that "below 0x8000" is a sign) and C
// are passed along by those who decode, to stay in registers of the processor.
type mq struct {
	ct  uint32 // shifts until a byte is due
	at  int
	src []byte // ends with two bytes 0xff
	raw uint32
	ctx [32]mqState
}

// resetContexts sets the initial states (T.800 table D.7).
func (m *mq) resetContexts() {
	for i := range m.ctx {
		m.ctx[i] = mqStates[0]
	}
	m.ctx[0] = mqStates[2*4]
	m.ctx[ctxRun] = mqStates[2*3]
	m.ctx[ctxUniform] = mqStates[2*46]
}

// start begins a codeword, which ends with two bytes 0xff that are not its own.
func (m *mq) start(src []byte) (a, c uint32) {
	m.src, m.at = src, 0
	c = m.byteIn(uint32(src[0])<<16) << 7
	m.ct -= 7
	return 0x8000 << 16, c
}

func (m *mq) byteIn(c uint32) uint32 {
	next := uint32(m.src[m.at+1])
	if m.src[m.at] != 0xff {
		m.at++
		m.ct = 8
		return c + next<<8
	}
	if next > 0x8f {
		m.ct = 8
		return c + 0xff00
	}
	m.at++
	m.ct = 7
	return c + next<<9
}

// bit decodes a symbol in the given context.
func (m *mq) bit(ctx uint8, a, c uint32) (bit, a1, c1 uint32) {
	s := &m.ctx[ctx&31]
	a -= s.qe
	if c >= s.qe && int32(a) < 0 {
		return uint32(s.mps), a, c - s.qe
	}
	return m.settle(s, a, c)
}

// settle ends a symbol for which the interval has to be doubled: it is in the
// lower part, or the upper part has become short.
func (m *mq) settle(s *mqState, a, c uint32) (bit, a1, c1 uint32) {
	qe := s.qe
	bit = uint32(s.mps)
	less := a < qe // the parts have changed places
	if c < qe {
		a, less = qe, !less
	} else {
		c -= qe
	}
	if less {
		bit ^= 1
		*s = mqStates[s.back&127]
	} else {
		*s = mqStates[s.next&127]
	}
	n := uint32(bits.LeadingZeros32(a))
	for n > m.ct {
		a, c, n = a<<m.ct, c<<m.ct, n-m.ct
		c = m.byteIn(c)
	}
	m.ct -= n
	return bit, a << n, c << n
}

// startRaw begins a codeword of raw bits.
func (m *mq) startRaw(src []byte) { m.src, m.at, m.raw, m.ct = src, 0, 0, 0 }

// rawBit reads one raw bit; the byte after 0xff has seven.
func (m *mq) rawBit() uint32 {
	if m.ct == 0 {
		next := uint32(m.src[m.at])
		m.ct = 8
		switch {
		case m.raw != 0xff:
			m.at++
		case next > 0x8f:
			next = 0xff
		default:
			m.at++
			m.ct = 7
		}
		m.raw = next
		m.at = min(m.at, len(m.src)-1)
	}
	m.ct--
	return m.raw >> m.ct & 1
}
