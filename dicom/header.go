package dicom

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/dicom/pixel"
)

// limits of a file: attributes and offset tables up to 1 MiB are read, and a
// deflated data set may grow to 256 MiB.
func limits() part10.Limits {
	l := part10.DefaultLimits()
	l.Value, l.Inflated = 1<<20, 256<<20
	return l
}

// header is the wanted attributes of one file, or of a frame of it.
type header struct {
	file   *part10.File
	syntax syntax
	of     *header // of the whole image, if this is a frame
	values map[tag]part10.Element
}

// open reads the headers of a file. Damage behind the pixels matters to nobody;
// with any other the header is returned together with the error.
func open(r io.ReaderAt, size int64) (*header, error) {
	if !plausible(r, size) {
		return nil, ErrNotDICOM
	}
	f, err := part10.Open(r, size, limits())
	switch {
	case errors.Is(err, part10.ErrNotDICOM):
		return nil, ErrNotDICOM
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	h := &header{file: f, syntax: syntaxOf(f.Syntax), values: make(map[tag]part10.Element, len(names))}
	for e := range f.Data.All() {
		t := tag(e.Tag())
		if _, twice := h.values[t]; names[t] != "" && !twice {
			h.values[t] = e
		}
	}
	if f.Damage != nil && !h.hasPixels() {
		return h, fmt.Errorf("%w: %w", ErrDamaged, f.Damage)
	}
	return h, nil
}

// plausible tells whether a file has the preamble of DICOM, or starts with a
// low tag of group 2 or 8 in either byte order.
func plausible(r io.ReaderAt, size int64) bool {
	var head [132]byte
	n, _ := r.ReadAt(head[:min(size, 132)], 0)
	if n == 132 && string(head[128:]) == "DICM" {
		return true
	}
	if n < 8 {
		return false
	}
	for _, b := range [2][4]byte{{head[1], head[0], head[3], head[2]}, {head[0], head[1], head[2], head[3]}} {
		if b[0] == 0 && (b[1] == 2 || b[1] == 8) && b[2] <= 1 {
			return true
		}
	}
	return false
}

func (h *header) hasPixels() bool {
	_, ok := h.lookup(tPixelData)
	return ok
}

// lookup returns an attribute of the frame, or else of the image.
func (h *header) lookup(t tag) (part10.Element, bool) {
	e, ok := h.values[t]
	if !ok && h.of != nil {
		e, ok = h.of.values[t]
	}
	return e, ok
}

// texts returns the values of an attribute as text, trimmed. Text in a
// character set that is not known is given as it lies in the file.
func (h *header) texts(t tag) []string {
	e, ok := h.lookup(t)
	if !ok || e.Len() == 0 {
		return nil
	}
	var out []string
	switch e.VR() {
	case "US", "SS", "UL", "SL", "FL", "FD":
		for _, x := range h.floats(t) {
			out = append(out, strconv.FormatFloat(x, 'g', -1, 64))
		}
		return out
	}
	out, err := e.Strings()
	if err != nil {
		b, err := e.Bytes()
		if err != nil {
			return nil
		}
		out = strings.Split(string(b), `\`)
	}
	for n := range out {
		out[n] = strings.Trim(out[n], " \x00\t\r\n")
	}
	return out
}

// text returns the first value of an attribute, "" without one.
func (h *header) text(t tag) string {
	if s := h.texts(t); len(s) > 0 {
		return s[0]
	}
	return ""
}

// floats returns the values of a number attribute; a value that is no finite
// number makes the attribute absent.
func (h *header) floats(t tag) []float64 {
	e, ok := h.lookup(t)
	if !ok || e.Len() == 0 {
		return nil
	}
	x, err := e.Floats()
	if err != nil {
		return nil
	}
	for _, f := range x {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil
		}
	}
	return x
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

// pixels describes the stored values of a slice and what they mean.
type pixels struct {
	rows, cols     int
	bits           int // stored of a value
	signed         bool
	slope          float64 // (D.2)
	intercept      float64
	rescaled       bool   // the header has slope or intercept
	unit           string // RescaleType; empty where none is named
	hasPadding     bool
	padLow, padTop int32 // stored values that stand for "no data"
	frame          int   // of the file
}

// pixels returns the description or says which tag forbids it. An image of
// several frames is read if grouped, so that each has a place of its own.
func (h *header) pixels(grouped bool) (*pixels, error) {
	fail := func(t tag, format string, args ...any) error {
		return &FileError{Tag: t.String(), Err: fmt.Errorf(format, args...)}
	}
	if !h.syntax.readable() {
		return nil, fail(tTransferSyntax, "%v cannot be decoded: %w", h.syntax, ErrTransferSyntax)
	}
	if n, ok := h.integer(tFrames); ok && n != 1 && !grouped {
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
	var allocated, sign int
	_, errs[0] = need(tSamplesPerPixel, 1, 1)
	p.rows, errs[1] = need(tRows, 1, math.MaxUint16)
	p.cols, errs[2] = need(tColumns, 1, math.MaxUint16)
	allocated, errs[3] = need(tBitsAllocated, 8, 32)
	p.bits, errs[4] = need(tBitsStored, 1, max(allocated, 1))
	sign, errs[5] = need(tPixelRep, 0, 1)
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	p.signed = sign == 1
	if allocated%8 != 0 || allocated == 24 {
		return nil, fail(tBitsAllocated, "is %d, want 8, 16 or 32: %w", allocated, ErrPixels)
	}
	if p.bits == 32 && !p.signed {
		return nil, fail(tBitsStored, "is 32 without sign, which no CT number needs: %w", ErrPixels)
	}
	if n, ok := h.integer(tHighBit); ok && (n < p.bits-1 || n >= allocated) {
		return nil, fail(tHighBit, "is %d with %d of %d bits stored: %w", n, p.bits, allocated, ErrPixels)
	}
	if s := h.text(tPhotometric); s == "MONOCHROME1" || s != "MONOCHROME2" && s != "" {
		return nil, fail(tPhotometric, "is %s, want MONOCHROME2: %w", s, ErrPixels)
	}
	e, ok := h.lookup(tPixelData)
	switch {
	case !ok:
		return nil, fail(tPixelData, "is missing: %w", ErrPixels)
	case e.Encapsulated() == h.syntax.native:
		return nil, fail(tPixelData, "in fragments: %v, in %v: %w", e.Encapsulated(), h.syntax, ErrDamaged)
	}
	if _, err := pixel.Open(h.file); err != nil {
		return nil, fail(tPixelData, "%w: %w", ErrDamaged, err)
	}
	return &p, h.meaning(&p)
}

// meaning reads what the stored values of the image or frame mean.
func (h *header) meaning(p *pixels) error {
	p.slope, p.intercept = 1, 0
	if x := h.float(tSlope); x == 0 {
		return &FileError{Tag: tSlope.String(), Err: fmt.Errorf("is 0: %w", ErrPixels)}
	} else if !math.IsNaN(x) {
		p.slope = x
	}
	if x := h.float(tIntercept); !math.IsNaN(x) {
		p.intercept = x
	}
	p.rescaled = !math.IsNaN(h.float(tSlope)) || !math.IsNaN(h.float(tIntercept))
	p.unit = h.text(tRescaleType)
	if e, ok := h.lookup(tModalityLUT); ok && e.Len() > 0 && !p.rescaled {
		return &FileError{Tag: tModalityLUT.String(), Err: fmt.Errorf("values by a table: %w", ErrPixels)}
	}
	if v, ok := h.integer(tPaddingValue); ok {
		p.hasPadding = true
		p.padLow = p.like(v)
		p.padTop = p.padLow
		if v, ok := h.integer(tPaddingLimit); ok {
			p.padTop = p.like(v)
			p.padLow, p.padTop = min(p.padLow, p.padTop), max(p.padLow, p.padTop)
		}
	}
	return nil
}

// like returns a padding value as the pixels have it: its own representation,
// US or SS, often fails to follow theirs, so that only its bits count.
func (p *pixels) like(v int) int32 {
	unused := 32 - p.bits
	if p.signed {
		return int32(uint32(v)<<unused) >> unused
	}
	return int32(uint32(v) << unused >> unused)
}

// hu turns stored values into HU (D.2). Padding becomes padHU, unless that is
// NaN: then it is treated like the rest. It returns the number of padding
// voxels.
func (p *pixels) hu(dst []float32, stored []int32, padHU float64) (padding int) {
	if len(dst) != len(stored) {
		panic("dicom: hu: length mismatch")
	}
	if b := int32(p.intercept); p.slope == 1 && float64(b) == p.intercept && p.bits <= 16 && b > -1<<24 && b < 1<<24-1<<16 {
		for n, v := range stored { // the same numbers, whole ones
			dst[n] = float32(v + b)
		}
	} else {
		for n, v := range stored {
			dst[n] = float32(p.slope*float64(v) + p.intercept)
		}
	}
	if !p.hasPadding {
		return 0
	}
	for n, v := range stored {
		if v >= p.padLow && v <= p.padTop {
			padding++
			if !math.IsNaN(padHU) {
				dst[n] = float32(padHU)
			}
		}
	}
	return padding
}
