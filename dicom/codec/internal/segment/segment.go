// Package segment walks the marker segments that the JPEG family shares
// (ITU-T T.81 annex B).
package segment

import (
	"encoding/binary"
	"fmt"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
)

// Markers, the second byte after 0xff.
const (
	SOF0  = 0xc0 // baseline
	SOF1  = 0xc1 // extended sequential
	SOF3  = 0xc3 // lossless
	DHT   = 0xc4
	RST0  = 0xd0
	RST7  = 0xd7
	SOI   = 0xd8
	EOI   = 0xd9
	SOS   = 0xda
	DQT   = 0xdb
	DRI   = 0xdd
	APP14 = 0xee
	SOF55 = 0xf7 // JPEG-LS
	LSE   = 0xf8
)

// Reader walks a stream. The zero At is its start.
type Reader struct {
	Src []byte
	At  int // next byte; behind SOS the entropy-coded data
}

// Next returns the next marker and its parameters, which are empty for a
// marker that stands alone. Bytes that belong to no marker are passed over.
func (r *Reader) Next() (marker byte, par []byte, err error) {
	for r.At+1 < len(r.Src) {
		m := r.Src[r.At+1]
		if r.Src[r.At] != 0xff || m == 0 || m == 0xff {
			r.At++
			continue
		}
		r.At += 2
		if m == SOI || m == EOI || m >= RST0 && m <= RST7 || m == 1 {
			return m, nil, nil
		}
		if len(r.Src)-r.At < 2 {
			break
		}
		n := int(binary.BigEndian.Uint16(r.Src[r.At:]))
		if n < 2 || n > len(r.Src)-r.At {
			return 0, nil, fmt.Errorf("byte %d: marker %#x declares %d bytes, %d are there: %w", r.At-2, m, n, len(r.Src)-r.At, frame.ErrDamaged)
		}
		par = r.Src[r.At+2 : r.At+n]
		r.At += n
		return m, par, nil
	}
	return 0, nil, fmt.Errorf("the stream ends without its image: %w", frame.ErrDamaged)
}

// Component is a component as SOF declares it.
type Component struct {
	ID         byte
	H, V       int // sampling factors
	Quantizers int // number of its table
}

// Frame holds the parameters of SOF.
type Frame struct {
	frame.Header
	Components []Component
}

// ParseFrame reads the parameters of SOF.
func ParseFrame(par []byte) (Frame, error) {
	if len(par) < 6 {
		return Frame{}, fmt.Errorf("frame header of %d bytes: %w", len(par), frame.ErrDamaged)
	}
	f := Frame{Header: frame.Header{
		Bits: int(par[0]), Rows: int(binary.BigEndian.Uint16(par[1:])), Columns: int(binary.BigEndian.Uint16(par[3:])), Samples: int(par[5]),
	}}
	switch {
	case f.Rows == 0:
		return f, fmt.Errorf("number of rows declared behind the image (DNL): %w", frame.ErrUnsupported)
	case f.Columns == 0 || f.Bits < 2 || f.Bits > 16 || f.Samples < 1 || len(par) < 6+3*f.Samples:
		return f, fmt.Errorf("frame header: %d columns, %d bits, %d components: %w", f.Columns, f.Bits, f.Samples, frame.ErrDamaged)
	case f.Samples > 4:
		return f, fmt.Errorf("%d components: %w", f.Samples, frame.ErrUnsupported)
	}
	for i := range f.Samples {
		c := par[6+3*i:]
		k := Component{ID: c[0], H: int(c[1] >> 4), V: int(c[1] & 15), Quantizers: int(c[2])}
		if k.H < 1 || k.H > 4 || k.V < 1 || k.V > 4 {
			return f, fmt.Errorf("component %d: sampling %d×%d: %w", i, k.H, k.V, frame.ErrDamaged)
		}
		f.Components = append(f.Components, k)
	}
	return f, nil
}

// Scan holds the parameters of SOS.
type Scan struct {
	Components []int // which of the frame's
	Tables     []byte
	A, B, C    byte // their meaning depends on the process
}

// ParseScan reads the parameters of SOS.
func (f Frame) ParseScan(par []byte) (Scan, error) {
	var s Scan
	if len(par) < 1 || par[0] < 1 || par[0] > 4 || len(par) < 4+2*int(par[0]) {
		return s, fmt.Errorf("scan header of %d bytes: %w", len(par), frame.ErrDamaged)
	}
	n := int(par[0])
	for i := range n {
		found := -1
		for c, k := range f.Components {
			if k.ID == par[1+2*i] {
				found = c
			}
		}
		for _, c := range s.Components {
			if c == found {
				found = -1
			}
		}
		if found < 0 {
			return s, fmt.Errorf("scan names component %d, which the frame lacks or the scan has: %w", par[1+2*i], frame.ErrDamaged)
		}
		s.Components = append(s.Components, found)
		s.Tables = append(s.Tables, par[2+2*i])
	}
	s.A, s.B, s.C = par[1+2*n], par[2+2*n], par[3+2*n]
	return s, nil
}
