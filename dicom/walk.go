package dicom

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits of the walk. A value that is read at all is at most maxValue long,
// sequences nest at most maxDepth deep, and a deflated data set may grow to
// maxInflated bytes.
const (
	maxValue    = 16 << 10
	maxDepth    = 32
	maxInflated = 256 << 20
	undefined   = 0xffffffff
)

// element is an element of the data set as it lies in the file.
type element struct {
	tag    tag
	vr     string // "" in implicit VR
	start  int64  // of the element
	value  int64  // offset of the value
	length int64  // of the value; undefined for fragments
}

// layout is where things are in a file: every length in it has been checked
// against the size of the file.
type layout struct {
	syntax syntax
	body   *window   // the data set, inflated if need be
	kept   []element // the wanted elements, in order
	pixels *element  // nil without pixel data
}

// window reads small pieces of a file through one buffer.
type window struct {
	r    io.ReaderAt
	size int64
	at   int64
	buf  []byte
}

// bytes returns n ≤ maxValue bytes at off. They are valid until the next call.
func (w *window) bytes(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > w.size || n > w.size-off {
		return nil, fmt.Errorf("ends at byte %d, an element reaches to byte %d: %w", w.size, off+n, ErrDamaged)
	}
	if off < w.at || off+n > w.at+int64(len(w.buf)) {
		want := min(max(n, maxValue), w.size-off)
		if int64(cap(w.buf)) < want {
			w.buf = make([]byte, want)
		}
		w.buf = w.buf[:want]
		w.at = off
		if got, err := w.r.ReadAt(w.buf, off); got < len(w.buf) {
			w.buf = w.buf[:0]
			return nil, fmt.Errorf("read %d bytes at %d: %w", want, off, err)
		}
	}
	return w.buf[off-w.at : off-w.at+n], nil
}

// walk finds the wanted elements and the pixel data of a file. It allocates
// nothing that a length in the file asks for.
func walk(r io.ReaderAt, size int64, wanted map[tag]string) (*layout, error) {
	w := &window{r: r, size: size}
	l := &layout{body: w}
	at, uid, err := fileMeta(w)
	if err != nil {
		return nil, err
	}
	if uid == "" {
		if l.syntax, err = guessSyntax(w, at); err != nil {
			return nil, err
		}
	} else {
		l.syntax = syntaxOf(uid)
	}
	if l.syntax.deflated {
		if l.body, err = inflate(w, at); err != nil {
			return nil, err
		}
		at = 0
	}
	p := parser{w: l.body, syntax: l.syntax}
	for at < l.body.size {
		e, err := p.header(at)
		if err != nil {
			// Up to seven bytes that hold no element may trail a data set.
			if l.pixels == nil && l.body.size-at < 8 && len(l.kept) > 0 {
				break
			}
			return nil, err
		}
		if e.tag == tPixelData {
			l.pixels = &e
			if e.length != undefined && e.length > l.body.size-e.value {
				return l, &FileError{Tag: tPixelData.String(), Err: fmt.Errorf("%d bytes declared, %d are there: %w", e.length, l.body.size-e.value, ErrDamaged)}
			}
			break
		}
		if e.tag>>16 > 0x7fe0 {
			break
		}
		if at, err = p.skip(e, 0); err != nil {
			return nil, err
		}
		if _, ok := wanted[e.tag]; ok && e.length != undefined && e.length <= maxValue {
			l.kept = append(l.kept, e)
		}
	}
	return l, nil
}

// fileMeta returns where the data set starts and the transfer syntax, "" if
// the file does not say.
func fileMeta(w *window) (at int64, uid string, err error) {
	if head, err := w.bytes(0, 132); err == nil && string(head[128:]) == "DICM" {
		at = 132
	} else if head, err := w.bytes(0, 8); err != nil || !plausibleStart(head) {
		return 0, "", ErrNotDICOM
	}
	p := parser{w: w, syntax: syntaxOf(explicitLE)}
	for at < w.size {
		group, err := w.bytes(at, 2)
		if err != nil {
			return 0, "", err
		}
		if binary.LittleEndian.Uint16(group) != 2 {
			break
		}
		e, err := p.header(at)
		if err != nil {
			return 0, "", err
		}
		if e.tag == tTransferSyntax && e.length <= 64 {
			v, err := w.bytes(e.value, e.length)
			if err != nil {
				return 0, "", err
			}
			uid = strings.Trim(string(v), " \x00")
		}
		if at, err = p.skip(e, 0); err != nil {
			return 0, "", err
		}
	}
	return at, uid, nil
}

// plausibleStart tells whether b starts a data set without preamble: a low tag
// of group 2 or 8 in either byte order.
func plausibleStart(b []byte) bool {
	little := binary.LittleEndian.Uint32(b)
	big := binary.BigEndian.Uint32(b)
	for _, t := range []uint32{little<<16 | little>>16, big} {
		if g, el := t>>16, t&0xffff; (g == 2 || g == 8) && el <= 0x0100 {
			return true
		}
	}
	return false
}

// guessSyntax finds the encoding of a data set that does not name it.
func guessSyntax(w *window, at int64) (syntax, error) {
	b, err := w.bytes(at, 8)
	if err != nil {
		return syntax{}, ErrNotDICOM
	}
	explicit := vrs[string(b[4:6])]
	switch {
	case explicit && b[0] == 0 && b[1] != 0:
		return syntaxOf("1.2.840.10008.1.2.2"), nil
	case explicit:
		return syntaxOf(explicitLE), nil
	case int64(binary.LittleEndian.Uint32(b[4:])) <= w.size-at-8:
		return syntaxOf("1.2.840.10008.1.2"), nil
	}
	return syntax{}, ErrNotDICOM
}

// inflate returns the data set of a deflated file in memory.
func inflate(w *window, at int64) (*window, error) {
	// Deflate grows data at most 1032-fold.
	limit := min((w.size-at)*1032+64, maxInflated)
	z := flate.NewReader(io.NewSectionReader(w.r, at, w.size-at))
	defer z.Close()
	b, err := io.ReadAll(io.LimitReader(z, limit+1))
	if err != nil && !(errors.Is(err, io.ErrUnexpectedEOF) && len(b) > 0) {
		return nil, fmt.Errorf("inflate: %w: %w", ErrDamaged, err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("inflate: more than %d bytes: %w", limit, ErrDamaged)
	}
	return &window{r: bytes.NewReader(b), size: int64(len(b))}, nil
}

// vrs are the value representations of PS3.5; long tells which carry a length
// of 32 bits after two reserved bytes.
var vrs = map[string]bool{
	"AE": true, "AS": true, "AT": true, "CS": true, "DA": true, "DS": true, "DT": true, "FL": true, "FD": true,
	"IS": true, "LO": true, "LT": true, "PN": true, "SH": true, "SL": true, "SS": true, "ST": true, "TM": true,
	"UI": true, "UL": true, "US": true, "OB": true, "OD": true, "OF": true, "OL": true, "OV": true, "OW": true,
	"SQ": true, "SV": true, "UC": true, "UN": true, "UR": true, "UT": true, "UV": true,
}

func long(vr string) bool {
	switch vr {
	case "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV":
		return true
	}
	return false
}

// parser reads the headers of elements.
type parser struct {
	w      *window
	syntax syntax
}

// header reads the head of the element at off.
func (p *parser) header(off int64) (element, error) {
	e := element{start: off}
	b, err := p.w.bytes(off, 8)
	if err != nil {
		return e, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if p.syntax.big {
		order = binary.BigEndian
	}
	e.tag = tag(order.Uint16(b))<<16 | tag(order.Uint16(b[2:]))
	e.value = off + 8
	if p.syntax.implicit || e.tag>>16 == 0xfffe {
		e.length = int64(order.Uint32(b[4:]))
		return e, nil
	}
	e.vr = string(b[4:6])
	if !vrs[e.vr] {
		return e, fmt.Errorf("byte %d: element %v has no known value representation: %w", off, e.tag, ErrDamaged)
	}
	if !long(e.vr) {
		e.length = int64(order.Uint16(b[6:]))
		return e, nil
	}
	if b, err = p.w.bytes(off+8, 4); err != nil {
		return e, err
	}
	e.length = int64(order.Uint32(b))
	e.value = off + 12
	return e, nil
}

// skip returns the offset behind e, walking through sequences of undefined
// length.
func (p *parser) skip(e element, depth int) (int64, error) {
	if e.length != undefined {
		if e.length > p.w.size-e.value {
			return 0, &FileError{Tag: e.tag.String(), Err: fmt.Errorf("%d bytes declared, %d are there: %w", e.length, p.w.size-e.value, ErrDamaged)}
		}
		return e.value + e.length, nil
	}
	if depth >= maxDepth {
		return 0, &FileError{Tag: e.tag.String(), Err: fmt.Errorf("sequences nest deeper than %d: %w", maxDepth, ErrDamaged)}
	}
	inner := *p
	if e.vr == "UN" { // PS3.5 6.2.2 note 2: unknown sequences are implicit
		inner.syntax = syntaxOf("1.2.840.10008.1.2")
	}
	const item, itemEnd, sequenceEnd = 0xfffee000, 0xfffee00d, 0xfffee0dd
	at := e.value
	for {
		it, err := inner.header(at)
		if err != nil {
			return 0, err
		}
		switch {
		case it.tag == sequenceEnd:
			return it.value, nil
		case it.tag != item:
			return 0, fmt.Errorf("byte %d: %v where a sequence item was expected: %w", at, it.tag, ErrDamaged)
		case it.length != undefined:
			if at, err = inner.skip(it, depth+1); err != nil {
				return 0, err
			}
			continue
		}
		for at = it.value; ; {
			el, err := inner.header(at)
			if err != nil {
				return 0, err
			}
			if el.tag == itemEnd {
				at = el.value
				break
			}
			if at, err = inner.skip(el, depth+1); err != nil {
				return 0, err
			}
		}
	}
}
