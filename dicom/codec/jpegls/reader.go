package jpegls

import (
	"encoding/binary"
	"math/bits"
)

// reader reads bits, most significant first. The byte after 0xff has seven
// bits; if its highest is set, it is a marker and the data end.
type reader struct {
	src     []byte
	at      int
	acc     uint64 // its highest n bits are next
	n       int
	pad     int  // zero bits that were added behind the end
	stuffed bool // the last byte was 0xff
	damaged bool
}

// fill makes at least 32 bits available.
func (r *reader) fill() {
	for r.n < 32 {
		if !r.stuffed && r.at+4 <= len(r.src) {
			x := binary.BigEndian.Uint32(r.src[r.at:])
			if (^x-0x01010101)&x&0x80808080 == 0 { // no byte is 0xff
				r.acc |= uint64(x) << (32 - r.n)
				r.n += 32
				r.at += 4
				return
			}
		}
		if r.at >= len(r.src) || r.src[r.at] == 0xff && (r.at+1 >= len(r.src) || r.src[r.at+1] >= 0x80) {
			r.pad += 8
			r.n += 8
			continue
		}
		b, width := r.src[r.at], 8
		if r.stuffed {
			width = 7
		}
		r.acc |= uint64(b) << (64 - width - r.n)
		r.n += width
		r.stuffed = b == 0xff
		r.at++
	}
}

// short tells that more bits were read than there are.
func (r *reader) short() bool { return r.pad > r.n || r.damaged }

func (r *reader) bit() bool {
	if r.n == 0 {
		r.fill()
	}
	b := r.acc>>63 != 0
	r.acc <<= 1
	r.n--
	return b
}

// bitsOf reads k ≤ 32 bits.
func (r *reader) bitsOf(k int32) int32 {
	if k == 0 {
		return 0
	}
	if r.n < int(k) {
		r.fill()
	}
	v := int32(r.acc >> (64 - uint(k)))
	r.acc <<= uint(k)
	r.n -= int(k)
	return v
}

// golomb reads a Golomb code of order k whose length is limited (T.87 A.5.3):
// after limit−low−1 zeros the value follows in low bits.
func (r *reader) golomb(k, limit, low int32) int32 {
	if r.n < 32 {
		r.fill()
	}
	zeros := int32(bits.LeadingZeros64(r.acc))
	if int(zeros+1+k) <= r.n && zeros < limit-low-1 {
		v := r.acc << uint(zeros+1) >> 1 >> (63 - uint(k))
		r.acc <<= uint(zeros + 1 + k)
		r.n -= int(zeros + 1 + k)
		return zeros<<uint(k) | int32(v)
	}
	return r.longGolomb(k, limit, low)
}

// longGolomb reads a code that may not lie in the accumulator as a whole.
func (r *reader) longGolomb(k, limit, low int32) int32 {
	zeros := int32(0)
	for !r.bit() {
		if zeros++; zeros > limit { // the data end, or are no code
			r.damaged = true
			return 0
		}
	}
	if zeros >= limit-low-1 {
		return r.bitsOf(low) + 1
	}
	return zeros<<uint(k) | r.bitsOf(k)
}
