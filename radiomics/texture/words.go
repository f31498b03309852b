package texture

import "encoding/binary"

// Eight codes are compared at a time as the bytes of a word.
const (
	low7  = 0x7f7f7f7f7f7f7f7f
	high1 = 0x8080808080808080
)

// load returns the eight codes from place o, the first in the lowest byte.
func load(box []uint8, o int) uint64 { return binary.LittleEndian.Uint64(box[o:]) }

// zeroBytes returns the high bit of each byte of x that is zero.
func zeroBytes(x uint64) uint64 { return ^((x&low7 + low7) | x | low7) }

// firstBytes keeps the first n bytes of x, all if n is at least 8.
func firstBytes(x uint64, n int) uint64 {
	if n >= 8 {
		return x
	}
	return x & (1<<(8*n) - 1)
}
