package jpegll

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
	"github.com/plaquerisk/plaquerisk/dicom/codec/internal/segment"
)

// Options are the choices of an encoder. DICOM's .70 allows predictor 1 alone.
type Options struct {
	Predictor int // 1 to 7
	Point     int // low bits that are dropped; 0 is lossless
	Restart   int // rows between restart markers, 0 for none
	Separate  bool
}

// DefaultOptions returns what transfer syntax 1.2.840.10008.1.2.4.70 asks for.
func DefaultOptions() Options { return Options{Predictor: 1} }

// Encode appends the stream of a decoded frame to dst. Samples are coded in
// BitsAllocated bits, so that padding above BitsStored survives. The Huffman
// code is the best one for the frame.
func Encode(dst, src []byte, m frame.Image, opt Options) ([]byte, error) {
	if err := m.Check(src); err != nil {
		return nil, fmt.Errorf("jpeg lossless: %w", err)
	}
	if m.BitsAllocated != 8 && m.BitsAllocated != 16 {
		return nil, fmt.Errorf("jpeg lossless: %d bits allocated: must be 8 or 16: %w", m.BitsAllocated, frame.ErrUnsupported)
	}
	if opt.Predictor < 1 || opt.Predictor > 7 || opt.Point < 0 || opt.Point >= m.BitsAllocated || opt.Restart < 0 || opt.Restart*m.Columns > 65535 {
		return nil, fmt.Errorf("jpeg lossless: predictor %d, point transform %d, restart every %d rows: %w", opt.Predictor, opt.Point, opt.Restart, frame.ErrUnsupported)
	}
	dst = append(dst, 0xff, segment.SOI)
	sof := []byte{byte(m.BitsAllocated), byte(m.Rows >> 8), byte(m.Rows), byte(m.Columns >> 8), byte(m.Columns), byte(m.Samples)}
	for c := range m.Samples {
		sof = append(sof, byte(c+1), 0x11, 0)
	}
	dst = appendSegment(dst, segment.SOF3, sof)
	if opt.Restart > 0 {
		dst = appendSegment(dst, segment.DRI, binary.BigEndian.AppendUint16(nil, uint16(opt.Restart*m.Columns)))
	}
	scans := [][]int{nil}
	for c := range m.Samples {
		if opt.Separate && c > 0 {
			scans = append(scans, nil)
		}
		scans[len(scans)-1] = append(scans[len(scans)-1], c)
	}
	for _, components := range scans {
		dst = appendScan(dst, differences(src, m, components, opt), m, components, opt)
	}
	return append(dst, 0xff, segment.EOI), nil
}

func appendSegment(dst []byte, marker byte, par []byte) []byte {
	dst = append(dst, 0xff, marker)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(par)+2))
	return append(dst, par...)
}

// differences returns sample minus prediction modulo 2^16, component by
// component within a pixel.
func differences(src []byte, m frame.Image, components []int, opt Options) []uint16 {
	n := len(components)
	out := make([]uint16, m.Rows*m.Columns*n)
	row, above := make([]uint16, m.Columns), make([]uint16, m.Columns)
	for i, c := range components {
		for y := range m.Rows {
			row, above = above, row
			m.Get(row, src, y*m.Columns*m.Samples+c, m.Samples)
			first := y == 0 || opt.Restart > 0 && y%opt.Restart == 0
			for x := range row {
				row[x] >>= opt.Point
				var p uint16
				switch {
				case first && x == 0:
					p = 1 << (m.BitsAllocated - opt.Point - 1)
				case first:
					p = row[x-1]
				case x == 0:
					p = above[0]
				default:
					p = predict(opt.Predictor, int32(row[x-1]), int32(above[x]), int32(above[x-1]))
				}
				out[(y*m.Columns+x)*n+i] = row[x] - p
			}
		}
	}
	return out
}

// size returns the category of a difference: the bits of its magnitude.
func size(d uint16) int {
	v := int32(int16(d))
	return bits.Len32(uint32(max(v, -v)))
}

// appendScan writes table, scan header and codes.
func appendScan(dst []byte, diffs []uint16, m frame.Image, components []int, opt Options) []byte {
	var count [17]int
	for _, d := range diffs {
		count[size(d)]++
	}
	lengths := codeLengths(count)
	var perLength [16]byte
	var values []byte
	var code [17]uint32
	next := uint32(0)
	for l := 1; l <= 16; l++ {
		for s, have := range lengths {
			if have == l {
				perLength[l-1]++
				values = append(values, byte(s))
				code[s] = next
				next++
			}
		}
		next <<= 1
	}
	dst = appendSegment(dst, segment.DHT, append(append([]byte{0}, perLength[:]...), values...))
	sos := []byte{byte(len(components))}
	for _, c := range components {
		sos = append(sos, byte(c+1), 0)
	}
	dst = appendSegment(dst, segment.SOS, append(sos, byte(opt.Predictor), 0, byte(opt.Point)))

	var acc uint64
	n := 0
	flush := func() {
		for n >= 8 {
			b := byte(acc >> (n - 8))
			dst = append(dst, b)
			if b == 0xff {
				dst = append(dst, 0)
			}
			n -= 8
		}
	}
	width := m.Columns * len(components)
	for i, d := range diffs {
		if y := i / width; opt.Restart > 0 && i > 0 && i%(width*opt.Restart) == 0 {
			acc, n = acc<<7|0x7f, n+7 // fill the last byte with ones
			flush()
			acc, n = 0, 0
			dst = append(dst, 0xff, segment.RST0+byte((y/opt.Restart-1)%8))
		}
		s := size(d)
		acc, n = acc<<lengths[s]|uint64(code[s]), n+lengths[s]
		if s < 16 {
			v := int32(int16(d))
			if v < 0 {
				v += 1<<s - 1
			}
			acc, n = acc<<s|uint64(v), n+s
		}
		flush()
	}
	acc, n = acc<<7|0x7f, n+7
	flush()
	return dst
}

// codeLengths returns the lengths of a Huffman code for the counts, at most
// 16 bits each and never all ones, which JPEG forbids: a symbol of the least
// weight stands in for that code. With 17 symbols the depth of the tree is at
// most 17; a longer one is flattened by halving the counts.
func codeLengths(count [17]int) [17]int {
	for {
		type node struct {
			weight  int
			symbols []int // 17 is the reserved one
		}
		nodes := []node{{0, []int{17}}}
		for s, c := range count {
			if c > 0 {
				nodes = append(nodes, node{c, []int{s}})
			}
		}
		var length [18]int
		for len(nodes) > 1 {
			// The two lightest, the later of equals first, so that the reserved
			// symbol ends among the longest.
			for k := range 2 {
				for i := k + 1; i < len(nodes); i++ {
					if nodes[i].weight < nodes[k].weight {
						nodes[i], nodes[k] = nodes[k], nodes[i]
					}
				}
			}
			joined := append(append([]int(nil), nodes[0].symbols...), nodes[1].symbols...)
			for _, s := range joined {
				length[s]++
			}
			nodes = append(nodes[2:], node{nodes[0].weight + nodes[1].weight, joined})
		}
		if longest := maxOf(length[:]); longest <= 16 {
			// The reserved code is the last of the longest: canonical codes put
			// it there if it is given out last, that is, not at all.
			return [17]int(length[:17])
		}
		for s, c := range count {
			if c > 0 {
				count[s] = c/2 + 1
			}
		}
	}
}

func maxOf(s []int) int {
	m := 0
	for _, v := range s {
		m = max(m, v)
	}
	return m
}
