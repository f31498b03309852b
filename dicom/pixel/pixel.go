package pixel

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"

	"github.com/plaquerisk/plaquerisk/dicom/codec"
	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Tags that describe pixels.
const (
	samplesPerPixel part10.Tag = 0x00280002
	photometric     part10.Tag = 0x00280004
	planarConfig    part10.Tag = 0x00280006
	numberOfFrames  part10.Tag = 0x00280008
	rowsTag         part10.Tag = 0x00280010
	columnsTag      part10.Tag = 0x00280011
	bitsAllocated   part10.Tag = 0x00280100
	bitsStored      part10.Tag = 0x00280101
	highBit         part10.Tag = 0x00280102
	pixelRep        part10.Tag = 0x00280103
	extendedOffsets part10.Tag = 0x7fe00001
	extendedLengths part10.Tag = 0x7fe00002
	floatPixelData  part10.Tag = 0x7fe00008
	doublePixelData part10.Tag = 0x7fe00009
	maxBytes                   = 1 << 34 // of all frames: 16 GiB
	maxFrames                  = 1 << 24
	ybr422                     = "YBR_FULL_422"
)

// Source is the pixel data of a file.
type Source struct {
	// Image describes each frame as it comes out. Of float pixels it is their
	// bits, 32 or 64.
	frame.Image
	Frames      int
	HighBit     int // of a stored value; BitsStored−1 in nearly all files
	Float       bool
	Photometric string // PhotometricInterpretation
	Compressed  bool
	Lossy       bool // compressed with a loss now; an earlier one stands in (0028,2110)

	element   part10.Element
	planar    bool
	swap      int // bytes of a number whose order is reversed; 0 for none
	syntax    codec.Syntax
	fragments []part10.Fragment
	starts    []int   // fragments of frame i are starts[i] to starts[i+1]
	lengths   []int64 // of frames, from the extended offset table
}

// Open describes the pixel data of a file and finds its frames. It allocates
// no pixels.
func Open(f *part10.File) (*Source, error) {
	s := &Source{}
	if err := s.attributes(f.Data); err != nil {
		return nil, err
	}
	ok := false
	if s.element, ok = f.Data.Lookup(part10.PixelData); !ok {
		if s.element, ok = f.Data.Lookup(floatPixelData); !ok {
			s.element, ok = f.Data.Lookup(doublePixelData)
		}
		s.Float = ok
	}
	if !ok {
		return nil, fmt.Errorf("no pixel data: %w", frame.ErrMismatch)
	}
	if s.Float && s.BitsStored == 0 {
		s.BitsStored = s.BitsAllocated
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	if s.element.Encapsulated() {
		return s, s.compressed(f)
	}
	if f.Syntax == part10.ExplicitBig {
		s.swap = s.BitsAllocated / 8
		if s.swap == 1 && s.element.VR() == "OW" {
			s.swap = 2 // bytes are packed into words, and those are reversed
		}
	}
	if need := s.nativeSize(); s.element.Len() < need {
		return nil, fmt.Errorf("%v: %d bytes, but %d frames of %d×%d need %d: %w", s.element.Tag(), s.element.Len(), s.Frames, s.Rows, s.Columns, need, part10.ErrDamaged)
	}
	return s, nil
}

// attributes reads the description of the pixels.
func (s *Source) attributes(d part10.Dataset) error {
	for _, a := range []struct {
		tag part10.Tag
		to  *int
	}{
		{rowsTag, &s.Rows}, {columnsTag, &s.Columns}, {samplesPerPixel, &s.Samples}, {bitsAllocated, &s.BitsAllocated},
		{bitsStored, &s.BitsStored}, {highBit, &s.HighBit}, {numberOfFrames, &s.Frames},
	} {
		e, ok := d.Lookup(a.tag)
		if !ok || e.Len() == 0 {
			continue
		}
		v, err := e.Floats()
		if err != nil || len(v) == 0 {
			return fmt.Errorf("%v: no number: %w", a.tag, part10.ErrDamaged)
		}
		if v[0] < 0 || v[0] > maxFrames || v[0] != float64(int(v[0])) {
			return fmt.Errorf("%v: %s: %w", a.tag, strconv.FormatFloat(v[0], 'g', -1, 64), part10.ErrLimit)
		}
		*a.to = int(v[0])
	}
	if s.Samples == 0 {
		s.Samples = 1
	}
	if s.Frames == 0 {
		s.Frames = 1
	}
	if v, err := d.Strings(photometric); err == nil && len(v) > 0 {
		s.Photometric = v[0]
	}
	s.planar = flag(d, planarConfig) && s.Samples > 1
	s.Signed = flag(d, pixelRep)
	return nil
}

// flag tells whether an element is 1.
func flag(d part10.Dataset, t part10.Tag) bool {
	e, ok := d.Lookup(t)
	if !ok {
		return false
	}
	v, err := e.Ints()
	return err == nil && len(v) > 0 && v[0] == 1
}

// check refuses what no frame can have.
func (s *Source) check() error {
	m := s.Image
	if s.Float && m.BitsAllocated == 64 {
		m.BitsAllocated, m.BitsStored = 32, 32 // wider than any codec knows, but a number
	}
	if s.Rows > 65535 || s.Columns > 65535 || int64(s.Rows)*int64(s.Columns)*int64(s.Frames)*int64(s.Samples*max(s.BitsAllocated/8, 1)) > maxBytes {
		return fmt.Errorf("%d frames of %d×%d: more than %d GiB: %w", s.Frames, s.Rows, s.Columns, maxBytes>>30, part10.ErrLimit)
	}
	return m.Valid()
}

// nativeSize returns the bytes of native pixel data.
func (s *Source) nativeSize() int64 {
	n := int64(s.Rows) * int64(s.Columns) * int64(s.Samples) * int64(s.Frames)
	switch {
	case s.BitsAllocated == 1:
		return (n + 7) / 8
	case s.Photometric == ybr422:
		return n / 3 * 2 * int64(s.BitsAllocated/8)
	}
	return n * int64(s.BitsAllocated/8)
}

// compressed finds the frames among the fragments.
func (s *Source) compressed(f *part10.File) error {
	var ok bool
	if s.syntax, ok = codec.Lookup(f.Syntax); !ok {
		return fmt.Errorf("transfer syntax %s: %w", f.Syntax, frame.ErrUnsupported)
	}
	s.Compressed, s.Lossy = true, s.syntax.Lossy
	offsets, fragments, err := s.element.Fragments()
	if err != nil {
		return err
	}
	s.fragments = fragments
	if e, ok := f.Data.Lookup(extendedOffsets); ok && e.Len() > 0 {
		if offsets, err = longs(e, s.Frames); err != nil {
			return err
		}
		if e, ok = f.Data.Lookup(extendedLengths); ok {
			if s.lengths, err = longs(e, s.Frames); err != nil {
				return err
			}
		}
	}
	heads := make([]codec.Fragment, len(fragments))
	if len(fragments) != s.Frames && s.Frames > 1 {
		buf := make([]byte, 12*len(fragments))
		for i, x := range fragments {
			n, err := x.ReadAt(buf[12*i:12*i+12], 0)
			if err != nil && err != io.EOF {
				return err
			}
			heads[i] = codec.Fragment{Offset: x.Offset, Head: buf[12*i : 12*i+n]}
		}
	}
	if s.starts, err = s.syntax.Group(heads, offsets, s.Frames); err != nil {
		return err
	}
	return nil
}

// longs reads the table e of n numbers of 64 bits.
func longs(e part10.Element, n int) ([]int64, error) {
	if e.Len() != int64(8*n) {
		return nil, fmt.Errorf("%v: %d bytes for %d frames: %w", e.Tag(), e.Len(), n, frame.ErrMismatch)
	}
	b, err := e.Bytes()
	if err != nil {
		return nil, err
	}
	v := make([]int64, n)
	for i := range v {
		v[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return v, nil
}

// Size returns the bytes of one frame.
func (s *Source) Size() int {
	if s.BitsAllocated == 64 {
		return s.Rows * s.Columns * s.Samples * 8
	}
	return s.Image.Size()
}

// Read stores the frames from first on in dst, as many as it holds.
func (s *Source) Read(ctx context.Context, dst []byte, first int) error {
	size := s.Size()
	n := len(dst) / size
	if len(dst)%size != 0 || first < 0 || first+n > s.Frames {
		panic("pixel: Read: the buffer holds no whole frames, or more than there are")
	}
	failed := make([]error, n)
	err := par.For(ctx, n, func(i int) {
		one := s.native
		if s.Compressed {
			one = s.decode
		}
		failed[i] = one(dst[i*size:(i+1)*size], first+i)
	})
	if err != nil {
		return err
	}
	for i, err := range failed {
		if err != nil {
			return fmt.Errorf("frame %d: %w", first+i+1, err)
		}
	}
	return nil
}

// streams keeps buffers from one frame to the next.
var streams = sync.Pool{New: func() any { return new([]byte) }}

// decode stores frame i of compressed pixel data.
func (s *Source) decode(dst []byte, i int) error {
	pieces := s.fragments[s.starts[i]:s.starts[i+1]]
	n := int64(0)
	for _, p := range pieces {
		n += p.Size()
	}
	buf := streams.Get().(*[]byte)
	src := slices.Grow((*buf)[:0], int(n))
	defer func() {
		*buf = src
		streams.Put(buf)
	}()
	for _, p := range pieces {
		at := len(src)
		src = src[:at+int(p.Size())]
		if _, err := p.ReadAt(src[at:], 0); err != nil && err != io.EOF {
			return err
		}
	}
	if s.lengths != nil && s.lengths[i] >= 0 && s.lengths[i] < n {
		n = s.lengths[i]
	}
	return s.syntax.Decode(dst, src[:n], s.Image)
}

// native stores frame i of native pixel data.
func (s *Source) native(dst []byte, i int) error {
	r := s.element.Section()
	switch {
	case s.BitsAllocated == 1:
		return s.bits(r, dst, i)
	case s.Photometric == ybr422 && s.Samples == 3 && s.BitsAllocated == 8:
		src := make([]byte, len(dst)/3*2)
		if _, err := r.ReadAt(src, int64(i)*int64(len(src))); err != nil && err != io.EOF {
			return err
		}
		if s.swap != 0 {
			reverse(src, s.swap)
		}
		for p := 0; p+1 < len(dst)/3; p += 2 { // Y Y Cb Cr for a pair of pixels
			q := src[2*p:][:4]
			copy(dst[3*p:], []byte{q[0], q[2], q[3], q[1], q[2], q[3]})
		}
		return nil
	}
	src := dst
	if s.planar {
		src = make([]byte, len(dst))
	}
	if _, err := r.ReadAt(src, int64(i)*int64(len(src))); err != nil && err != io.EOF {
		return err
	}
	if s.swap > 1 {
		reverse(src, s.swap)
	}
	if s.planar {
		w, n := s.BitsAllocated/8, s.Rows*s.Columns
		for c := range s.Samples {
			for p := range n {
				copy(dst[(p*s.Samples+c)*w:][:w], src[(c*n+p)*w:])
			}
		}
	}
	return nil
}

// bits stores frame i of pixels of one bit, which run on from frame to frame.
func (s *Source) bits(r *io.SectionReader, dst []byte, i int) error {
	n := s.Rows * s.Columns * s.Samples
	from := int64(i) * int64(n)
	src := make([]byte, (int(from%8)+n+7)/8)
	if _, err := r.ReadAt(src, from/8); err != nil && err != io.EOF {
		return err
	}
	if s.swap != 0 && s.element.VR() == "OW" {
		return fmt.Errorf("big-endian words of single bits: %w", frame.ErrUnsupported)
	}
	shift := from % 8
	for k := range dst {
		dst[k] = src[k] >> shift
		if shift > 0 && k+1 < len(src) {
			dst[k] |= src[k+1] << (8 - shift)
		}
	}
	if n%8 != 0 { // what follows is of the next frame
		dst[len(dst)-1] &= 1<<(n%8) - 1
	}
	return nil
}

// reverse reverses the bytes of each number of w bytes.
func reverse(b []byte, w int) {
	for ; len(b) >= w; b = b[w:] {
		for i := range w / 2 {
			b[i], b[w-1-i] = b[w-1-i], b[i]
		}
	}
}

// Values turns a frame into stored values: the BitsStored bits up to HighBit,
// with their sign. len(dst) is the number of samples of the frame.
func (s *Source) Values(dst []int32, src []byte) {
	if len(src) != s.Size() || len(dst) != s.Rows*s.Columns*s.Samples || s.Float {
		panic("pixel: Values: length mismatch, or float pixels")
	}
	high := s.HighBit
	if high < s.BitsStored-1 || high >= s.BitsAllocated { // 0 where it is missing
		high = s.BitsStored - 1
	}
	left := 31 - high // brings the sign, if any, to the top
	right := 32 - s.BitsStored
	switch s.BitsAllocated {
	case 1:
		for i := range dst {
			dst[i] = int32(src[i>>3]>>(i&7)) & 1
		}
		return
	case 8:
		for i, v := range src {
			dst[i] = int32(v)
		}
	case 16: // CT: signs in the same pass
		if s.Signed {
			for i := 0; i < len(dst) && len(src) >= 2; i++ {
				dst[i] = int32(binary.LittleEndian.Uint16(src)) << (left & 31) >> (right & 31)
				src = src[2:]
			}
			return
		}
		for i := 0; i < len(dst) && len(src) >= 2; i++ {
			dst[i] = int32(uint32(binary.LittleEndian.Uint16(src)) << (left & 31) >> (right & 31))
			src = src[2:]
		}
		return
	default:
		for i := range dst {
			dst[i] = int32(binary.LittleEndian.Uint32(src[4*i:]))
		}
	}
	if s.Signed {
		for i, v := range dst {
			dst[i] = v << left >> right
		}
		return
	}
	for i, v := range dst {
		dst[i] = int32(uint32(v) << left >> right)
	}
}
