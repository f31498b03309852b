package dicom

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	lib "github.com/suyashkumar/dicom"
)

// header holds the wanted attributes of one file.
type header struct {
	layout
	values     map[tag]lib.Value
	frame      int // of an enhanced image, from 0
	frameCount int // 0 if it is a single image
}

// readHeader reads the wanted attributes. The library never sees the file: it
// gets a small file of its own that holds the wanted elements, byte for byte,
// so that no length in the file can make it allocate and no element beside
// these can stop it. Its panics become errors.
func readHeader(r io.ReaderAt, size int64) (*header, error) {
	l, damage := walk(r, size, names)
	if l == nil {
		return nil, damage
	}
	h := &header{layout: *l, values: make(map[tag]lib.Value, len(l.kept))}
	var raw []byte
	chunks := make([][2]int, 0, len(l.kept))
	for _, e := range l.kept {
		if e.tag == tCharacterSet && e.vr != "" && e.vr != "CS" {
			continue // the library logs and panics
		}
		from := len(raw)
		head, err := l.body.bytes(e.start, e.value-e.start)
		if err != nil {
			return nil, err
		}
		raw = append(raw, head...)
		value, err := l.body.bytes(e.value, e.length)
		if err != nil {
			return nil, err
		}
		raw = append(raw, value...)
		chunks = append(chunks, [2]int{from, len(raw)})
	}
	if h.parse(raw) != nil { // one bad value must not lose the others
		clear(h.values)
		for _, c := range chunks {
			_ = h.parse(raw[c[0]:c[1]]) // what cannot be read counts as absent
		}
	}
	return h, damage
}

// parse interprets the elements in raw with the library.
func (h *header) parse(raw []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("library: %v: %w", p, ErrDamaged)
		}
	}()
	uid := explicitLE
	if h.syntax.implicit || h.syntax.big {
		uid = h.syntax.uid
	}
	var meta, e encoder
	meta.put(tTransferSyntax, "UI", uid)
	e.b = append(make([]byte, 128, 256+len(raw)), "DICM"...)
	e.ul(0x00020000, uint32(len(meta.b)))
	e.b = append(e.b, meta.b...)
	e.b = append(e.b, raw...)
	set, err := lib.Parse(bytes.NewReader(e.b), int64(len(e.b)), nil, lib.AllowUnknownSpecificCharacterSet())
	for _, el := range set.Elements {
		if t := tag(el.Tag.Group)<<16 | tag(el.Tag.Element); t>>16 != 2 && el.Value != nil {
			h.values[t] = el.Value
		}
	}
	return err
}

// texts returns the values of a text attribute, trimmed.
func (h *header) texts(t tag) []string {
	v, ok := h.values[t]
	if !ok {
		return nil
	}
	var out []string
	switch x := v.GetValue().(type) {
	case []string:
		out = x
	case []byte: // unknown VR
		out = strings.Split(string(x), `\`)
	case []int:
		for _, n := range x {
			out = append(out, strconv.Itoa(n))
		}
	case []float64:
		for _, n := range x {
			out = append(out, strconv.FormatFloat(n, 'g', -1, 64))
		}
	}
	clean := make([]string, len(out))
	for n := range out {
		clean[n] = strings.Trim(out[n], " \x00\t\r\n")
	}
	return clean
}

// text returns the first value of a text attribute, "" without one.
func (h *header) text(t tag) string {
	if s := h.texts(t); len(s) > 0 {
		return s[0]
	}
	return ""
}

// floats returns the values of a number attribute; a value that is no finite
// number makes the attribute absent.
func (h *header) floats(t tag) []float64 {
	v, ok := h.values[t]
	if !ok {
		return nil
	}
	if x, ok := v.GetValue().([]float64); ok {
		for _, f := range x {
			if math.IsNaN(f) || math.IsInf(f, 0) {
				return nil
			}
		}
		return x
	}
	var out []float64
	for _, s := range h.texts(t) {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil
		}
		out = append(out, f)
	}
	return out
}

// float returns the first value of a number attribute, NaN without one.
func (h *header) float(t tag) float64 {
	if x := h.floats(t); len(x) > 0 {
		return x[0]
	}
	return math.NaN()
}

// integer returns the first value of a whole-number attribute.
func (h *header) integer(t tag) (int, bool) {
	x := h.float(t)
	if x != math.Trunc(x) || math.Abs(x) > 1<<31 {
		return 0, false
	}
	return int(x), true
}

// pixels describes how the values of a slice are stored.
type pixels struct {
	rows, cols     int
	allocated      int // bits
	stored         int // bits
	high           int // number of the highest bit
	signed         bool
	big            bool
	slope          float64
	intercept      float64
	hasPadding     bool
	padLow, padTop int64 // stored values that stand for "no data"
	compressed     bool
	frame          int   // of compressed pixels
	offset         int64 // of the first byte of native pixels, in the data set
}

// pixels returns the format of the pixel data or says which tag forbids it.
func (h *header) pixels() (*pixels, error) {
	fail := func(t tag, format string, args ...any) error {
		return &FileError{Tag: t.String(), Err: fmt.Errorf(format, args...)}
	}
	if !h.syntax.readable() {
		return nil, fail(tTransferSyntax, "%v cannot be decoded: %w", h.syntax, ErrTransferSyntax)
	}
	if n, ok := h.integer(tFrames); ok && n != 1 && h.frameCount == 0 {
		return nil, fail(tFrames, "%d frames without functional groups that say where they lie: %w", n, ErrPixels)
	}
	need := func(t tag, low, top int) (int, error) {
		n, ok := h.integer(t)
		if !ok {
			return 0, fail(t, "is missing or not a number: %w", ErrPixels)
		}
		if n < low || n > top {
			return 0, fail(t, "is %d, want %d to %d: %w", n, low, top, ErrPixels)
		}
		return n, nil
	}
	var p pixels
	var errs [6]error
	var rep int
	_, errs[0] = need(tSamplesPerPixel, 1, 1)
	p.rows, errs[1] = need(tRows, 1, math.MaxUint16)
	p.cols, errs[2] = need(tColumns, 1, math.MaxUint16)
	p.allocated, errs[3] = need(tBitsAllocated, 8, 32)
	p.stored, errs[4] = need(tBitsStored, 1, max(p.allocated, 1))
	rep, errs[5] = need(tPixelRep, 0, 1)
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	if p.allocated%8 != 0 || p.allocated == 24 {
		return nil, fail(tBitsAllocated, "is %d, want 8, 16 or 32: %w", p.allocated, ErrPixels)
	}
	p.high = p.stored - 1
	if n, ok := h.integer(tHighBit); ok {
		if n < p.stored-1 || n >= p.allocated {
			return nil, fail(tHighBit, "is %d with %d of %d bits stored: %w", n, p.stored, p.allocated, ErrPixels)
		}
		p.high = n
	}
	if s := h.text(tPhotometric); s == "MONOCHROME1" || s != "MONOCHROME2" && s != "" {
		return nil, fail(tPhotometric, "is %s, want MONOCHROME2: %w", s, ErrPixels)
	}
	p.signed = rep == 1
	p.big = h.syntax.big
	p.slope, p.intercept = 1, 0
	if x := h.float(tSlope); !math.IsNaN(x) {
		if x == 0 {
			return nil, fail(tSlope, "is 0: %w", ErrPixels)
		}
		p.slope = x
	}
	if x := h.float(tIntercept); !math.IsNaN(x) {
		p.intercept = x
	}
	if v, ok := h.integer(tPaddingValue); ok {
		p.hasPadding = true
		p.padLow = p.reinterpret(v)
		p.padTop = p.padLow
		if v, ok := h.integer(tPaddingLimit); ok {
			p.padTop = p.reinterpret(v)
			p.padLow, p.padTop = min(p.padLow, p.padTop), max(p.padLow, p.padTop)
		}
	}
	if h.layout.pixels == nil {
		return nil, fail(tPixelData, "is missing: %w", ErrPixels)
	}
	if !h.syntax.native {
		p.compressed, p.frame = true, h.frame
		if h.layout.pixels.length != undefined {
			return nil, fail(tPixelData, "is not in fragments, as %v demands: %w", h.syntax, ErrDamaged)
		}
		return &p, nil
	}
	one := int64(p.bytes())
	want := one * int64(max(h.frameCount, 1))
	switch got := h.layout.pixels.length; {
	case got == undefined:
		return nil, fail(tPixelData, "has no length in %v: %w", h.syntax, ErrDamaged)
	case got < want:
		return nil, fail(tPixelData, "has %d bytes, %d frames of %d×%d pixels of %d bits need %d: %w", got, max(h.frameCount, 1), p.cols, p.rows, p.allocated, want, ErrDamaged)
	}
	if p.big && p.allocated == 8 && h.layout.pixels.vr == "OW" {
		return nil, fail(tBitsAllocated, "8 bits in big-endian words: %w", ErrPixels)
	}
	p.offset = h.layout.pixels.value + one*int64(h.frame)
	return &p, nil
}

// reinterpret returns a padding value, whose VR "US or SS" the library reads
// as unsigned in implicit VR, as a stored value of this image.
func (p *pixels) reinterpret(v int) int64 {
	if p.signed {
		return int64(int16(uint16(v)))
	}
	return int64(uint16(v))
}

// bytes returns the number of bytes of the image.
func (p *pixels) bytes() int { return p.rows * p.cols * p.allocated / 8 }

// decode turns the raw bytes of the image into HU (D.2). Of the allocated bits
// only those from high-stored+1 to high count; the topmost is the sign of
// signed data. Padding becomes padHU if replace is set. It returns the number
// of padding voxels.
func (p *pixels) decode(dst []float32, raw []byte, replace bool, padHU float64) (padding int) {
	if len(raw) != p.bytes() || len(dst) != p.rows*p.cols {
		panic("dicom: decode: length mismatch")
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if p.big {
		order = binary.BigEndian
	}
	up := 63 - p.high     // moves the topmost stored bit to bit 63
	down := 64 - p.stored // and back to where the lowest is bit 0
	plain := p.allocated == 16 && p.stored == 16 && p.signed && !p.big
	for n := range dst {
		var v int64
		if plain {
			v = int64(int16(uint16(raw[2*n]) | uint16(raw[2*n+1])<<8))
		} else {
			var u uint64
			switch p.allocated {
			case 8:
				u = uint64(raw[n])
			case 16:
				u = uint64(order.Uint16(raw[2*n:]))
			default:
				u = uint64(order.Uint32(raw[4*n:]))
			}
			if p.signed {
				v = int64(u<<up) >> down
			} else {
				v = int64(u << up >> down)
			}
		}
		if p.hasPadding && v >= p.padLow && v <= p.padTop {
			padding++
			if replace {
				dst[n] = float32(padHU)
				continue
			}
		}
		dst[n] = float32(p.slope*float64(v) + p.intercept)
	}
	return padding
}
