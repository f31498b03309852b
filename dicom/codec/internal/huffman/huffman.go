// Package huffman reads the Huffman codes of JPEG (ITU-T T.81 annexes C and F).
package huffman

import (
	"encoding/binary"
	"fmt"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
)

const lookBits = 12

// Table decodes one Huffman code.
type Table struct {
	// symbol holds, for each next lookBits bits, length<<8 | symbol of the code
	// that begins there; 0 if the code is longer.
	symbol [1 << lookBits]uint16
	// diff holds value<<8 | bits of a whole difference (code and value) that
	// fits in lookBits bits, 0 if it does not. It is nil until Differences.
	diff *[1 << lookBits]int32

	limit  [17]uint32 // first 16-bit value behind the codes of each length
	offset [17]int32  // of the symbols of a length, minus their first code
	values []byte
}

// Parse reads the parameters of DHT: tables stores each by class and number.
// A table that is replaced keeps its memory.
func Parse(par []byte, tables *[2][4]*Table) error {
	for len(par) > 0 {
		if len(par) < 17 {
			return fmt.Errorf("huffman table of %d bytes: %w", len(par), frame.ErrDamaged)
		}
		class, id := par[0]>>4, par[0]&15
		total := 0
		for _, n := range par[1:17] {
			total += int(n)
		}
		if class > 1 || id > 3 || total > 256 || len(par) < 17+total {
			return fmt.Errorf("huffman table: class %d, number %d, %d codes: %w", class, id, total, frame.ErrDamaged)
		}
		if tables[class][id] == nil {
			tables[class][id] = new(Table)
		}
		if err := tables[class][id].build([16]byte(par[1:17]), par[17:17+total]); err != nil {
			return err
		}
		par = par[17+total:]
	}
	return nil
}

// build makes the table with counts[i] codes of length i+1 for the values in
// order.
func (t *Table) build(counts [16]byte, values []byte) error {
	*t = Table{values: append(t.values[:0], values...)}
	code, k := uint32(0), 0
	for l := 1; l <= 16; l++ {
		n := int(counts[l-1])
		t.offset[l] = int32(k) - int32(code)
		for range n {
			if code >= 1<<l {
				return fmt.Errorf("huffman table: codes of length %d overflow: %w", l, frame.ErrDamaged)
			}
			if l <= lookBits {
				lo := code << (lookBits - l)
				for i := lo; i < lo+1<<(lookBits-l); i++ {
					t.symbol[i] = uint16(l)<<8 | uint16(t.values[k])
				}
			}
			code++
			k++
		}
		t.limit[l] = code << (16 - l)
		code <<= 1
	}
	return nil
}

// Differences makes the table ready for [Reader.Diffs].
func (t *Table) Differences() {
	if t.diff != nil {
		return
	}
	t.diff = new([1 << lookBits]int32)
	for i := range t.diff {
		s := t.symbol[i]
		l, size := int(s>>8), int(s&255)
		if l == 0 || l+size > lookBits {
			continue
		}
		v := int32(i) >> (lookBits - l - size) & (1<<size - 1)
		t.diff[i] = extend(v, size)<<8 | int32(l+size)
	}
}

// extend turns the size bits v that follow a size code into a difference.
func extend(v int32, size int) int32 {
	if size > 0 && v < 1<<(size-1) {
		return v - 1<<size + 1
	}
	return v
}

// Reader reads bits, most significant first, up to a marker; behind it come
// zeros, and Short tells that they were used.
type Reader struct {
	src []byte
	at  int
	acc uint64 // its highest n bits are next
	n   int
	pad int // zero bits that were added behind the end
	bad bool
}

// NewReader returns a reader of the entropy-coded data in src.
func NewReader(src []byte) *Reader { return &Reader{src: src} }

// fill makes at least 32 bits available.
func (r *Reader) fill() {
	for r.n <= 32 {
		if r.at+4 <= len(r.src) {
			x := binary.BigEndian.Uint32(r.src[r.at:])
			if (^x-0x01010101)&x&0x80808080 == 0 { // no byte is 0xff
				r.acc |= uint64(x) << (32 - r.n)
				r.n += 32
				r.at += 4
				return
			}
		}
		r.fillByte()
	}
}

// fillByte adds one byte.
func (r *Reader) fillByte() {
	var b byte
	switch {
	case r.at >= len(r.src):
		r.pad += 8
	case r.src[r.at] != 0xff:
		b = r.src[r.at]
		r.at++
	case r.at+1 < len(r.src) && r.src[r.at+1] == 0:
		b = 0xff
		r.at += 2
	default: // a marker
		r.pad += 8
	}
	r.acc |= uint64(b) << (56 - r.n)
	r.n += 8
}

// Short tells that more bits were read than there are, or a code that the
// table lacks.
func (r *Reader) Short() bool { return r.pad > r.n || r.bad }

// Restart goes behind the next restart marker and tells whether there is one.
func (r *Reader) Restart() bool {
	r.acc, r.n, r.pad = 0, 0, 0
	for ; r.at+1 < len(r.src); r.at++ {
		if r.src[r.at] != 0xff {
			continue
		}
		if m := r.src[r.at+1]; m >= 0xd0 && m <= 0xd7 {
			r.at += 2
			return true
		} else if m != 0 && m != 0xff {
			return false
		}
	}
	return false
}

// Rest returns the offset of the first byte that was not read.
func (r *Reader) Rest() int { return r.at }

// Symbol reads one symbol.
func (r *Reader) Symbol(t *Table) int {
	if r.n < 32 {
		r.fill()
	}
	s := t.symbol[r.acc>>(64-lookBits)]
	l := int(s >> 8)
	if l == 0 {
		l, s = r.long(t, r.acc)
	}
	r.acc <<= l
	r.n -= l
	return int(s & 255)
}

// long decodes a code longer than the look-up.
func (r *Reader) long(t *Table, acc uint64) (l int, symbol uint16) {
	x := uint32(acc >> 48)
	for l = lookBits + 1; l <= 16; l++ {
		if x < t.limit[l] {
			return l, uint16(t.values[int32(x>>(16-l))+t.offset[l]])
		}
	}
	r.bad = true
	return 16, 0
}

// Bits reads size ≤ 16 bits and returns the difference that they stand for.
func (r *Reader) Bits(size int) int32 {
	if size == 0 {
		return 0
	}
	if r.n < 16 {
		r.fill()
	}
	v := int32(r.acc >> (64 - size))
	r.acc <<= size
	r.n -= size
	return extend(v, size)
}

// Diffs reads differences of the lossless process (T.81 H.1.2.2) modulo 2^16,
// taking the tables in turn; len(dst) is a multiple of their number.
func (r *Reader) Diffs(dst []uint16, tables []*Table) {
	acc, n := r.acc, r.n
	for i := 0; i < len(dst); {
		for _, t := range tables {
			if n < 32 {
				r.acc, r.n = acc, n
				r.fill()
				acc, n = r.acc, r.n
			}
			d := t.diff[acc>>(64-lookBits)]
			if l := int(d & 255); l != 0 {
				acc <<= l
				n -= l
				dst[i] = uint16(d >> 8)
				i++
				continue
			}
			s := t.symbol[acc>>(64-lookBits)]
			l := int(s >> 8)
			if l == 0 {
				l, s = r.long(t, acc)
			}
			acc <<= l
			n -= l
			size := int(s & 255)
			switch {
			case size == 0:
				dst[i] = 0
			case size < 16:
				dst[i] = uint16(extend(int32(acc>>(64-size)), size))
				acc <<= size
				n -= size
			default: // 16 has no bits of its own; more is not legal
				dst[i] = 1 << 15
				r.bad = r.bad || size > 16
			}
			i++
		}
	}
	r.acc, r.n = acc, n
}
