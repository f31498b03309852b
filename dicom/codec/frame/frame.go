// Package frame says what a decoder of pixels has to produce: the attributes
// of one frame, the header that a compressed stream declares of itself, and
// whether the two fit. No decoder allocates before they do.
//
// A decoded frame is what an uncompressed data set would hold: rows from the
// top, columns from the left, the samples of a pixel beside each other, each
// in BitsAllocated bits, little endian. Frames of one bit start on a byte and
// have their first pixel in bit 0.
package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// What a decoder refuses.
var (
	// ErrDamaged means that the stream breaks the rules of its format.
	ErrDamaged = errors.New("damaged stream")
	// ErrMismatch means that stream and data set declare different images.
	ErrMismatch = errors.New("stream and data set disagree")
	// ErrUnsupported means a legal stream that is not decoded here.
	ErrUnsupported = errors.New("not supported")
)

// Image holds the attributes of one frame in the data set.
type Image struct {
	Rows, Columns int
	Samples       int  // per pixel, 1 to 4
	BitsAllocated int  // 1, 8, 16 or 32
	BitsStored    int  // of BitsAllocated; the lowest ones
	Signed        bool // PixelRepresentation is 1
}

// Header is what a compressed stream says about its image.
type Header struct {
	Rows, Columns int
	Samples       int  // per pixel
	Bits          int  // of the deepest sample
	Signed        bool // JPEG 2000 alone knows signs
}

// Size returns the bytes of a decoded frame.
func (m Image) Size() int {
	if m.BitsAllocated == 1 {
		return (m.Rows*m.Columns*m.Samples + 7) / 8
	}
	return m.Rows * m.Columns * m.Samples * (m.BitsAllocated / 8)
}

// Check tells what is wrong with the attributes, or with a buffer that is to
// hold the decoded frame.
func (m Image) Check(dst []byte) error {
	if err := m.Valid(); err != nil {
		return err
	}
	if len(dst) != m.Size() {
		return fmt.Errorf("a frame has %d bytes, its buffer %d: %w", m.Size(), len(dst), ErrMismatch)
	}
	return nil
}

// Valid tells what is wrong with the attributes.
func (m Image) Valid() error {
	switch {
	case m.Rows < 1 || m.Rows > 65535 || m.Columns < 1 || m.Columns > 65535:
		return fmt.Errorf("%d rows, %d columns: each must be 1 to 65535: %w", m.Rows, m.Columns, ErrMismatch)
	case m.Samples < 1 || m.Samples > 4:
		return fmt.Errorf("%d samples per pixel: must be 1 to 4: %w", m.Samples, ErrMismatch)
	case m.BitsAllocated != 1 && m.BitsAllocated != 8 && m.BitsAllocated != 16 && m.BitsAllocated != 32:
		return fmt.Errorf("%d bits allocated: must be 1, 8, 16 or 32: %w", m.BitsAllocated, ErrMismatch)
	case m.BitsStored < 1 || m.BitsStored > m.BitsAllocated:
		return fmt.Errorf("%d bits stored of %d allocated: %w", m.BitsStored, m.BitsAllocated, ErrMismatch)
	}
	return nil
}

// Accept tells whether the stream holds the declared image.
func (m Image) Accept(h Header) error {
	switch {
	case h.Rows != m.Rows || h.Columns != m.Columns:
		return fmt.Errorf("the stream has %d rows of %d columns, the data set %d of %d: %w", h.Rows, h.Columns, m.Rows, m.Columns, ErrMismatch)
	case h.Samples != m.Samples:
		return fmt.Errorf("the stream has %d samples per pixel, the data set %d: %w", h.Samples, m.Samples, ErrMismatch)
	case h.Bits > m.BitsAllocated:
		return fmt.Errorf("the stream has %d bits per sample, the data set allocates %d: %w", h.Bits, m.BitsAllocated, ErrMismatch)
	}
	return nil
}

// Put stores the samples s at places at, at+step, at+2·step, … of the decoded
// frame, counted in samples. The frame has at least 8 bits per sample.
func (m Image) Put(dst []byte, at, step int, s []uint16) {
	switch m.BitsAllocated {
	case 8:
		if step == 1 {
			d := dst[at:][:len(s)]
			for i, v := range s {
				d[i] = byte(v)
			}
			return
		}
		for _, v := range s {
			dst[at] = byte(v)
			at += step
		}
	case 16:
		if step == 1 {
			d := dst[2*at:][:2*len(s)]
			for i, v := range s {
				binary.LittleEndian.PutUint16(d[2*i:], v)
			}
			return
		}
		for _, v := range s {
			binary.LittleEndian.PutUint16(dst[2*at:], v)
			at += step
		}
	default:
		for _, v := range s {
			binary.LittleEndian.PutUint32(dst[4*at:], uint32(v))
			at += step
		}
	}
}

// Get is the inverse of Put: it reads len(s) samples of a decoded frame of 8
// or 16 bits.
func (m Image) Get(s []uint16, src []byte, at, step int) {
	for i := range s {
		if m.BitsAllocated == 8 {
			s[i] = uint16(src[at])
		} else {
			s[i] = binary.LittleEndian.Uint16(src[2*at:])
		}
		at += step
	}
}
