package jpegll

import (
	"encoding/binary"
	"fmt"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
	"github.com/plaquerisk/plaquerisk/dicom/codec/internal/huffman"
	"github.com/plaquerisk/plaquerisk/dicom/codec/internal/segment"
)

// DecodeConfig returns what the stream declares.
func DecodeConfig(src []byte) (frame.Header, error) {
	r := segment.Reader{Src: src}
	for {
		m, par, err := r.Next()
		if err != nil {
			return frame.Header{}, fmt.Errorf("jpeg lossless: %w", err)
		}
		if isFrame(m) {
			f, err := parseFrame(m, par)
			return f.Header, err
		}
	}
}

// isFrame tells whether a marker starts a frame of any process.
func isFrame(m byte) bool {
	return m >= 0xc0 && m <= 0xcf && m != segment.DHT && m != 0xc8 && m != 0xcc
}

func parseFrame(m byte, par []byte) (segment.Frame, error) {
	if m != segment.SOF3 {
		return segment.Frame{}, fmt.Errorf("jpeg lossless: process of marker %#x is not the lossless one: %w", m, frame.ErrUnsupported)
	}
	f, err := segment.ParseFrame(par)
	if err != nil {
		return f, fmt.Errorf("jpeg lossless: %w", err)
	}
	for i, c := range f.Components {
		if c.H != f.Components[0].H || c.V != f.Components[0].V {
			return f, fmt.Errorf("jpeg lossless: component %d is sampled more coarsely: %w", i, frame.ErrUnsupported)
		}
	}
	return f, nil
}

// Decode stores the frame of src in dst. Samples are as they were coded; the
// sign is for the reader of the data set to put on.
func Decode(dst, src []byte, want frame.Image) error {
	if err := want.Check(dst); err != nil {
		return fmt.Errorf("jpeg lossless: %w", err)
	}
	d := decoder{want: want, dst: dst}
	r := segment.Reader{Src: src}
	for decoded := 0; decoded < want.Samples; {
		m, par, err := r.Next()
		if err != nil {
			return fmt.Errorf("jpeg lossless: %w", err)
		}
		switch {
		case isFrame(m):
			if d.frame.Samples > 0 {
				return fmt.Errorf("jpeg lossless: a second frame header: %w", frame.ErrDamaged)
			}
			if d.frame, err = parseFrame(m, par); err == nil {
				err = want.Accept(d.frame.Header)
			}
		case m == segment.DHT:
			err = huffman.Parse(par, &d.tables)
		case m == segment.DRI && len(par) >= 2:
			d.interval = int(binary.BigEndian.Uint16(par))
		case m == segment.SOS:
			var s segment.Scan
			if s, err = d.frame.ParseScan(par); err == nil {
				var n int
				n, err = d.scan(s, src[r.At:])
				r.At += n
				decoded += len(s.Components)
			}
		case m == segment.EOI:
			return fmt.Errorf("jpeg lossless: %d of %d components: %w", decoded, want.Samples, frame.ErrDamaged)
		}
		if err != nil {
			return fmt.Errorf("jpeg lossless: %w", err)
		}
	}
	return nil
}

type decoder struct {
	want     frame.Image
	dst      []byte
	frame    segment.Frame
	tables   [2][4]*huffman.Table
	interval int // samples of a component between restarts; 0 for none
}

// scan decodes one scan and returns the bytes that it took.
func (d *decoder) scan(s segment.Scan, src []byte) (int, error) {
	predictor, point := int(s.A), int(s.C&15)
	if predictor < 1 || predictor > 7 || point >= d.frame.Bits {
		return 0, fmt.Errorf("predictor %d, point transform %d of %d bits: %w", predictor, point, d.frame.Bits, frame.ErrDamaged)
	}
	n, width := len(s.Components), d.frame.Columns
	tables := make([]*huffman.Table, n)
	for i, t := range s.Tables {
		if t>>4 > 3 || d.tables[0][t>>4] == nil {
			return 0, fmt.Errorf("huffman table %d is missing: %w", t>>4, frame.ErrDamaged)
		}
		tables[i] = d.tables[0][t>>4]
		tables[i].Differences()
	}
	if d.interval%width != 0 {
		return 0, fmt.Errorf("restart interval %d is no multiple of %d columns: %w", d.interval, width, frame.ErrUnsupported)
	}
	every := d.interval / width // rows
	r := huffman.NewReader(src)
	row, above := make([]uint16, n*width), make([]uint16, n*width)
	base := uint16(1) << (d.frame.Bits - point - 1)
	for y := range d.frame.Rows {
		row, above = above, row
		first := y == 0
		if every > 0 && y > 0 && y%every == 0 {
			if !r.Restart() {
				return 0, fmt.Errorf("row %d: no restart marker: %w", y, frame.ErrDamaged)
			}
			first = true
		}
		r.Diffs(row, tables)
		if r.Short() {
			return 0, fmt.Errorf("row %d: the data end or have an unknown code: %w", y, frame.ErrDamaged)
		}
		if first {
			undo1(row, n, base)
		} else {
			undo(row, above, n, predictor)
		}
		d.put(row, y, s.Components, point)
	}
	return r.Rest(), nil
}

// put stores a row of the scan's components.
func (d *decoder) put(row []uint16, y int, components []int, point int) {
	n, all := len(components), d.frame.Samples
	at := y * d.frame.Columns * all
	if point > 0 {
		shifted := make([]uint16, len(row))
		for i, v := range row {
			shifted[i] = v << point
		}
		row = shifted
	}
	if n == 1 {
		d.want.Put(d.dst, at+components[0], all, row)
		return
	}
	one := make([]uint16, d.frame.Columns)
	for i, c := range components {
		for x := range one {
			one[x] = row[x*n+i]
		}
		d.want.Put(d.dst, at+c, all, one)
	}
}
