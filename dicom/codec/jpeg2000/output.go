package jpeg2000

import (
	"encoding/binary"
	"math"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
)

// inverseRCT undoes the reversible colour transform (T.800 G.2.2) in place.
func inverseRCT(y, u, v []int32) {
	u, v = u[:len(y)], v[:len(y)]
	for i := range y {
		g := y[i] - (u[i]+v[i])>>2
		y[i], u[i], v[i] = v[i]+g, g, u[i]+g
	}
}

// inverseICT undoes the irreversible one (T.800 G.3.2).
func inverseICT(y, u, v []float32) {
	u, v = u[:len(y)], v[:len(y)]
	for i := range y {
		l, b, r := y[i], u[i], v[i]
		y[i] = l + float32(1.402*r)
		u[i] = l - float32(0.344136*b) - float32(0.714136*r)
		v[i] = l + float32(1.772*b)
	}
}

// round stores the nearest integers.
func round(dst []int32, src []float32) {
	for i, v := range src {
		dst[i] = int32(math.RoundToEven(float64(v)))
	}
}

// sink stores samples of a component in the frame.
type sink struct {
	dst  []byte
	want frame.Image
	depth
	component int
}

// put stores a row of samples, which begins at column x of row y: shifted by
// half the range if they have no sign, and limited to the range. Where stream
// and data set disagree about the sign, the bits are those of the stream, and
// the data set says how to read them.
func (s sink) put(row []int32, x, y int) {
	lo, hi, shift := int32(0), int32(1)<<s.bits-1, int32(1)<<(s.bits-1)
	if s.signed {
		lo, hi, shift = -shift, shift-1, 0
	}
	extend := 0
	if s.signed != s.want.Signed {
		extend = 32 - s.bits
	}
	step := s.want.Samples
	at := (y*s.want.Columns+x)*step + s.component
	for _, v := range row {
		v = min(max(v+shift, lo), hi)
		if extend > 0 && s.want.Signed {
			v = v << extend >> extend
		} else if extend > 0 {
			v = int32(uint32(v) << extend >> extend)
		}
		switch s.want.BitsAllocated {
		case 16:
			binary.LittleEndian.PutUint16(s.dst[2*at:], uint16(v))
		case 8:
			s.dst[at] = byte(v)
		case 32:
			binary.LittleEndian.PutUint32(s.dst[4*at:], uint32(v))
		default:
			if v != 0 {
				s.dst[at>>3] |= 1 << (at & 7)
			}
		}
		at += step
	}
}
