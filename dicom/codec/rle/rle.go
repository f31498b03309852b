// Package rle decodes and encodes the run lengths of DICOM (PS3.5 annex G):
// each byte of the samples forms a segment of its own, most significant
// first, packed like PackBits:
//
//	n in 0…127     the next n+1 bytes stand for themselves
//	n in −127…−1   the next byte stands for 1−n of its kind
//	n = −128       nothing
package rle

import (
	"encoding/binary"
	"fmt"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
)

const headerSize = 64 // a count and 15 offsets, 32 bits each

// DecodeConfig returns the number of segments: all that a stream says of
// itself.
func DecodeConfig(src []byte) (segments int, err error) {
	if len(src) < headerSize {
		return 0, fmt.Errorf("rle: %d bytes are less than a header: %w", len(src), frame.ErrDamaged)
	}
	n := binary.LittleEndian.Uint32(src)
	if n < 1 || n > 15 {
		return 0, fmt.Errorf("rle: %d segments: must be 1 to 15: %w", n, frame.ErrDamaged)
	}
	return int(n), nil
}

// Decode stores the frame of src in dst.
func Decode(dst, src []byte, want frame.Image) error {
	if err := want.Check(dst); err != nil {
		return fmt.Errorf("rle: %w", err)
	}
	n, err := DecodeConfig(src)
	if err != nil {
		return err
	}
	depth, pixels := max(want.BitsAllocated/8, 1), want.Rows*want.Columns
	if want.BitsAllocated == 1 {
		pixels = len(dst) / want.Samples
	}
	if n != depth*want.Samples {
		return fmt.Errorf("rle: %d segments, but %d samples of %d bytes: %w", n, want.Samples, depth, frame.ErrMismatch)
	}
	for s := range n {
		from, to := int64(binary.LittleEndian.Uint32(src[4+4*s:])), int64(len(src))
		if s+1 < n {
			to = int64(binary.LittleEndian.Uint32(src[8+4*s:]))
		}
		if from < headerSize || from > to || to > int64(len(src)) {
			return fmt.Errorf("rle: segment %d from byte %d to %d of %d: %w", s, from, to, len(src), frame.ErrDamaged)
		}
		first := s/depth*depth + depth - 1 - s%depth // most significant byte first
		if got := unpack(dst[first:], src[from:to], n, pixels); got < pixels {
			return fmt.Errorf("rle: segment %d ends after %d of %d bytes: %w", s, got, pixels, frame.ErrDamaged)
		}
	}
	return nil
}

// unpack writes up to n bytes of a segment to every step-th byte of dst and
// returns how many there were.
func unpack(dst, src []byte, step, n int) int {
	done := 0
	for at := 0; done < n && at < len(src); {
		code := int(int8(src[at]))
		at++
		switch {
		case code >= 0:
			k := min(code+1, n-done, len(src)-at)
			if step == 1 {
				copy(dst[done:], src[at:at+k])
			} else {
				p := done * step
				for _, v := range src[at : at+k] {
					dst[p] = v
					p += step
				}
			}
			at += code + 1
			done += k
		case code > -128 && at < len(src):
			k, v := min(1-code, n-done), src[at]
			at++
			for p, end := done*step, (done+k)*step; p < end; p += step {
				dst[p] = v
			}
			done += k
		}
	}
	return done
}

// Encode appends the run lengths of a decoded frame to dst. Runs end with the
// row, as the standard asks.
func Encode(dst, src []byte, m frame.Image) ([]byte, error) {
	if err := m.Check(src); err != nil {
		return nil, fmt.Errorf("rle: %w", err)
	}
	depth := max(m.BitsAllocated/8, 1)
	n, width := depth*m.Samples, m.Columns
	if m.BitsAllocated == 1 {
		width = len(src) / m.Samples // rows of bits need not end on a byte
	}
	if n > 15 {
		return nil, fmt.Errorf("rle: %d samples of %d bytes need more than 15 segments: %w", m.Samples, depth, frame.ErrUnsupported)
	}
	start := len(dst)
	dst = append(dst, make([]byte, headerSize)...)
	binary.LittleEndian.PutUint32(dst[start:], uint32(n))
	row := make([]byte, width)
	for s := range n {
		binary.LittleEndian.PutUint32(dst[start+4+4*s:], uint32(len(dst)-start))
		first := s/depth*depth + depth - 1 - s%depth
		for p := first; p < len(src); {
			for i := range row {
				row[i] = src[p]
				p += n
			}
			dst = pack(dst, row)
		}
		if (len(dst)-start)%2 == 1 {
			dst = append(dst, 0x80) // segments have even length; this code means nothing
		}
	}
	return dst, nil
}

// pack appends one row.
func pack(dst, row []byte) []byte {
	for i := 0; i < len(row); {
		run := 1
		for run < 128 && i+run < len(row) && row[i+run] == row[i] {
			run++
		}
		if run >= 2 {
			dst = append(dst, byte(1-run), row[i])
			i += run
			continue
		}
		end := i + 1 // of the literal: up to where three equal bytes begin
		for end < len(row) && end-i < 128 && !(end+2 < len(row) && row[end] == row[end+1] && row[end] == row[end+2]) {
			end++
		}
		dst = append(append(dst, byte(end-i-1)), row[i:end]...)
		i = end
	}
	return dst
}
