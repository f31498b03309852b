package jpeg2000

// mqState is a state of the probability estimation (T.800 table C.2).
type mqState struct {
	qe         uint32 // probability of the less probable symbol
	mps        uint8  // the more probable symbol
	next, back uint8  // states after the more and the less probable symbol
}

// mqStates holds each row of table C.2 twice: with more probable symbol 0
// at 2i, with 1 at 2i+1.
var mqStates = func() (all [94]mqState) {
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
			all[2*i+int(mps)] = mqState{qe: uint32(r.qe), mps: mps, next: 2*r.nmps + mps, back: 2*r.nlps + mps ^ r.switchSymbol}
		}
	}
	return all
}()

// mq is the arithmetic decoder (T.800 annex C), and the reader of raw bits.
type mq struct {
	a, c, ct uint32
	at       int
	src      []byte // ends with two bytes 0xff
	ctx      [19]mqState
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
func (m *mq) start(src []byte) {
	m.src, m.at = src, 0
	m.c = uint32(src[0]) << 16
	m.byteIn()
	m.c <<= 7
	m.ct -= 7
	m.a = 0x8000
}

func (m *mq) byteIn() {
	next := uint32(m.src[m.at+1])
	if m.src[m.at] == 0xff {
		if next > 0x8f {
			m.c += 0xff00
			m.ct = 8
			return
		}
		m.at++
		m.c += next << 9
		m.ct = 7
		return
	}
	m.at++
	m.c += next << 8
	m.ct = 8
}

// bit decodes a symbol in the given context.
func (m *mq) bit(ctx uint8) uint32 {
	s := &m.ctx[ctx]
	m.a -= s.qe
	if m.c>>16 >= s.qe {
		m.c -= s.qe << 16
		if m.a&0x8000 != 0 {
			return uint32(s.mps)
		}
		return m.moreProbable(s)
	}
	return m.lessProbable(s)
}

// moreProbable ends a symbol of the upper interval, which has become short.
func (m *mq) moreProbable(s *mqState) uint32 {
	d := uint32(s.mps)
	if m.a < s.qe {
		d ^= 1
		*s = mqStates[s.back]
	} else {
		*s = mqStates[s.next]
	}
	m.renormalise()
	return d
}

// lessProbable ends a symbol of the lower interval.
func (m *mq) lessProbable(s *mqState) uint32 {
	d := uint32(s.mps)
	a := m.a
	m.a = s.qe
	if a < s.qe {
		*s = mqStates[s.next]
	} else {
		d ^= 1
		*s = mqStates[s.back]
	}
	m.renormalise()
	return d
}

func (m *mq) renormalise() {
	for {
		if m.ct == 0 {
			m.byteIn()
		}
		m.a <<= 1
		m.c <<= 1
		m.ct--
		if m.a&0x8000 != 0 {
			return
		}
	}
}

// startRaw begins a codeword of raw bits.
func (m *mq) startRaw(src []byte) { m.src, m.at, m.c, m.ct = src, 0, 0, 0 }

// raw reads one raw bit; the byte after 0xff has seven.
func (m *mq) raw() uint32 {
	if m.ct == 0 {
		next := uint32(m.src[m.at])
		m.ct = 8
		switch {
		case m.c != 0xff:
			m.at++
		case next > 0x8f:
			next = 0xff
		default:
			m.at++
			m.ct = 7
		}
		m.c = next
		m.at = min(m.at, len(m.src)-1)
	}
	m.ct--
	return m.c >> m.ct & 1
}
