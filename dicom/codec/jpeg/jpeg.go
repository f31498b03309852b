package jpeg

import (
	"encoding/binary"
	"fmt"

	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
	"github.com/plaquerisk/plaquerisk/dicom/codec/internal/huffman"
	"github.com/plaquerisk/plaquerisk/dicom/codec/internal/segment"
)

// IsLossless tells whether the stream names the lossless process, which
// package jpegll decodes.
func IsLossless(src []byte) bool {
	m, _, err := firstFrame(src)
	return err == nil && m == segment.SOF3
}

// DecodeConfig returns what the stream declares.
func DecodeConfig(src []byte) (frame.Header, error) {
	m, par, err := firstFrame(src)
	if err != nil {
		return frame.Header{}, fmt.Errorf("jpeg: %w", err)
	}
	f, err := parseFrame(m, par)
	if err != nil {
		return f.Header, fmt.Errorf("jpeg: %w", err)
	}
	return f.Header, nil
}

func firstFrame(src []byte) (m byte, par []byte, err error) {
	r := segment.Reader{Src: src}
	for err == nil && !isFrame(m) {
		m, par, err = r.Next()
	}
	return m, par, err
}

// isFrame tells whether a marker starts a frame of any process.
func isFrame(m byte) bool {
	return m >= 0xc0 && m <= 0xcf && m != segment.DHT && m != 0xc8 && m != 0xcc
}

func parseFrame(m byte, par []byte) (segment.Frame, error) {
	if m != segment.SOF0 && m != segment.SOF1 {
		return segment.Frame{}, fmt.Errorf("process of marker %#x is not a sequential DCT with Huffman codes: %w", m, frame.ErrUnsupported)
	}
	f, err := segment.ParseFrame(par)
	if err == nil && f.Bits != 8 && f.Bits != 12 {
		err = fmt.Errorf("%d bits: must be 8 or 12: %w", f.Bits, frame.ErrDamaged)
	}
	return f, err
}

// Decode stores the frame of src in dst.
func Decode(dst, src []byte, want frame.Image) error {
	if err := want.Check(dst); err != nil {
		return fmt.Errorf("jpeg: %w", err)
	}
	if err := decode(dst, src, want); err != nil {
		return fmt.Errorf("jpeg: %w", err)
	}
	return nil
}

func decode(dst, src []byte, want frame.Image) error {
	var d decoder
	r := segment.Reader{Src: src}
	for decoded := 0; decoded < want.Samples; {
		m, par, err := r.Next()
		if err != nil {
			return err
		}
		switch {
		case isFrame(m):
			if d.planes != nil {
				return fmt.Errorf("a second frame header: %w", frame.ErrDamaged)
			}
			if d.frame, err = parseFrame(m, par); err == nil {
				if err = want.Accept(d.frame.Header); err == nil {
					err = d.allocate()
				}
			}
		case m == segment.DHT:
			err = huffman.Parse(par, &d.tables)
		case m == segment.DQT:
			err = d.quantisers(par)
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
			err = fmt.Errorf("%d of %d components: %w", decoded, want.Samples, frame.ErrDamaged)
		}
		if err != nil {
			return err
		}
	}
	d.store(dst, want)
	return nil
}

// plane holds a component, padded to whole blocks.
type plane struct {
	h, v          int // sampling factors
	width, height int // without padding
	stride        int // samples in a row, with padding
	samples       []uint16
	quantiser     int
}

type decoder struct {
	frame      segment.Frame
	planes     []plane
	maxH, maxV int
	mcusX      int
	mcusY      int
	tables     [2][4]*huffman.Table
	quantiser  [4]*[64]int32
	interval   int // units between restarts, 0 for none
}

// allocate makes the planes of the components.
func (d *decoder) allocate() error {
	for _, c := range d.frame.Components {
		d.maxH, d.maxV = max(d.maxH, c.H), max(d.maxV, c.V)
	}
	if len(d.frame.Components) == 1 { // factors of a lone component say nothing
		d.frame.Components[0].H, d.frame.Components[0].V = 1, 1
		d.maxH, d.maxV = 1, 1
	}
	d.mcusX, d.mcusY = ceil(d.frame.Columns, 8*d.maxH), ceil(d.frame.Rows, 8*d.maxV)
	for i, c := range d.frame.Components {
		if d.maxH%c.H != 0 || d.maxV%c.V != 0 || c.Quantizers > 3 {
			return fmt.Errorf("component %d: sampling %d×%d of %d×%d, quantiser %d: %w", i, c.H, c.V, d.maxH, d.maxV, c.Quantizers, frame.ErrUnsupported)
		}
		p := plane{
			h: c.H, v: c.V, width: ceil(d.frame.Columns*c.H, d.maxH), height: ceil(d.frame.Rows*c.V, d.maxV),
			stride: d.mcusX * c.H * 8, quantiser: c.Quantizers,
		}
		p.samples = make([]uint16, p.stride*d.mcusY*c.V*8)
		d.planes = append(d.planes, p)
	}
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }

// quantisers reads the tables of DQT.
func (d *decoder) quantisers(par []byte) error {
	for len(par) > 0 {
		wide, id := par[0]>>4, par[0]&15
		n := 64 * (1 + int(wide))
		if wide > 1 || id > 3 || len(par) < 1+n {
			return fmt.Errorf("quantiser %d of %d bytes: %w", id, len(par), frame.ErrDamaged)
		}
		var q [64]int32
		for i := range q {
			if wide == 1 {
				q[zigzag[i]] = int32(binary.BigEndian.Uint16(par[1+2*i:]))
			} else {
				q[zigzag[i]] = int32(par[1+i])
			}
		}
		d.quantiser[id] = &q
		par = par[1+n:]
	}
	return nil
}

// channel is a component within a scan.
type channel struct {
	*plane
	dc, ac     *huffman.Table
	q          *[64]int32
	prediction int32
}

// scan decodes one scan and returns the bytes that it took.
func (d *decoder) scan(s segment.Scan, src []byte) (int, error) {
	if d.planes == nil || s.A != 0 || s.B != 63 || s.C != 0 {
		return 0, fmt.Errorf("scan of coefficients %d to %d, bits %#x: %w", s.A, s.B, s.C, frame.ErrDamaged)
	}
	channels := make([]channel, len(s.Components))
	for i, c := range s.Components {
		p := &d.planes[c]
		dc, ac := s.Tables[i]>>4, s.Tables[i]&15
		if dc > 3 || ac > 3 || d.tables[0][dc] == nil || d.tables[1][ac] == nil || d.quantiser[p.quantiser] == nil {
			return 0, fmt.Errorf("component %d: tables %d, %d or quantiser %d are missing: %w", c, dc, ac, p.quantiser, frame.ErrDamaged)
		}
		channels[i] = channel{plane: p, dc: d.tables[0][dc], ac: d.tables[1][ac], q: d.quantiser[p.quantiser]}
	}
	across, down := d.mcusX, d.mcusY
	if len(channels) == 1 { // a lone component has no padding of units
		across, down = ceil(channels[0].width, 8), ceil(channels[0].height, 8)
	}
	r := huffman.NewReader(src)
	for n := range across * down {
		if d.interval > 0 && n > 0 && n%d.interval == 0 {
			if !r.Restart() {
				return 0, fmt.Errorf("unit %d: no restart marker: %w", n, frame.ErrDamaged)
			}
			for i := range channels {
				channels[i].prediction = 0
			}
		}
		x, y := n%across, n/across
		for i := range channels {
			c := &channels[i]
			if len(channels) == 1 {
				c.block(r, x, y, d.frame.Bits)
				continue
			}
			for v := range c.v {
				for h := range c.h {
					c.block(r, x*c.h+h, y*c.v+v, d.frame.Bits)
				}
			}
		}
		if r.Short() {
			return 0, fmt.Errorf("unit %d of %d: the data end or have an unknown code: %w", n, across*down, frame.ErrDamaged)
		}
	}
	return r.Rest(), nil
}

// block decodes the block in column x and row y of blocks (T.81 F.2.2).
func (c *channel) block(r *huffman.Reader, x, y, bits int) {
	var b [64]int32
	c.prediction += r.Bits(r.Symbol(c.dc) & 15)
	b[0] = c.prediction * c.q[0]
	for k := 1; k < 64; k++ {
		s := r.Symbol(c.ac)
		run, size := s>>4, s&15
		if size == 0 {
			if run < 15 {
				break
			}
			k += 15
			continue
		}
		if k += run; k > 63 {
			break
		}
		z := zigzag[k]
		b[z] = r.Bits(size) * c.q[z]
	}
	inverse(c.samples[y*8*c.stride+x*8:], c.stride, &b, bits)
}

// zigzag gives the place of the k-th coefficient.
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}
