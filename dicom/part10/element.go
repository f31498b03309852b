package part10

import (
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"
	"strings"
)

// Dataset is the elements of a file, of its meta information or of an item.
type Dataset struct {
	file   *File
	lo, hi int // indices of its nodes
	parent *Dataset
}

// All returns the elements in the order of the file.
func (d Dataset) All() iter.Seq[Element] {
	return func(yield func(Element) bool) {
		for i := d.lo; i < d.hi; i = int(d.file.nodes.at(i).next) {
			if !yield(Element{set: d, index: i}) {
				return
			}
		}
	}
}

// Lookup returns the first element with the given tag.
func (d Dataset) Lookup(t Tag) (Element, bool) {
	for e := range d.All() {
		if e.Tag() == t {
			return e, true
		}
	}
	return Element{}, false
}

// Strings returns the values of a text element, nil if there is none.
func (d Dataset) Strings(t Tag) ([]string, error) {
	e, ok := d.Lookup(t)
	if !ok {
		return nil, nil
	}
	return e.Strings()
}

// charsets returns the character sets that hold for the data set: its own, or
// those of what it is part of.
func (d Dataset) charsets() []string {
	for s := &d; s != nil; s = s.parent {
		e, ok := s.Lookup(charsetTag)
		if !ok {
			continue
		}
		if b, err := e.Bytes(); err == nil {
			return strings.Split(strings.TrimRight(string(b), " \x00"), `\`)
		}
	}
	return nil
}

// Element is one element. Its value is read when asked for.
type Element struct {
	set   Dataset
	index int
}

func (e Element) node() *node { return e.set.file.nodes.at(e.index) }

// Tag returns the tag of the element.
func (e Element) Tag() Tag { return e.node().tag }

// VR returns the value representation: that of the file or, where the file does
// not say or says "UN", that of the dictionary. US may stand for SS: see Ints.
func (e Element) VR() string {
	n := e.node()
	if vr := string(n.vr[:]); vr != "UN" || n.flags&nested == 0 {
		if vr == "UN" {
			if known := n.tag.representation(); known != "SQ" {
				return known
			}
		}
		return vr
	}
	return "SQ"
}

// Len returns the length of the value in bytes, −1 if the file leaves it open.
func (e Element) Len() int64 {
	if n := e.node(); n.length != undefined {
		return int64(n.length)
	}
	return -1
}

// Section returns the value as it lies in the file; it is empty for an
// element of undefined length.
func (e Element) Section() *io.SectionReader {
	n := e.node()
	return io.NewSectionReader(e.window().r, n.start+int64(n.head), max(e.Len(), 0))
}

// window is where the element lies.
func (e Element) window() *window {
	if e.node().flags&inMeta != 0 {
		return e.set.file.raw
	}
	return e.set.file.body
}

// Bytes reads the value as it lies in the file.
func (e Element) Bytes() ([]byte, error) {
	if e.Len() > e.set.file.limits.Value {
		return nil, fmt.Errorf("%v: value of %d bytes: %w", e.Tag(), e.Len(), ErrLimit)
	}
	b := make([]byte, max(e.Len(), 0)) // the walk has seen that the file holds it
	w, n := e.window(), e.node()
	if at := n.start + int64(n.head); at+int64(len(b)) <= int64(len(w.head)) {
		copy(b, w.head[at:])
		return b, nil
	}
	if _, err := io.ReadFull(e.Section(), b); err != nil {
		return nil, fmt.Errorf("%v: %w", e.Tag(), err)
	}
	return b, nil
}

// Strings returns the values of a text element in UTF-8, without padding.
func (e Element) Strings() ([]string, error) {
	b, err := e.Bytes()
	if err != nil || len(b) == 0 {
		return nil, err
	}
	vr := e.VR()
	text := string(b)
	if !ascii(b) {
		if text, err = decodeText(b, vr, e.set.charsets()); err != nil {
			return nil, fmt.Errorf("%v: %w", e.Tag(), err)
		}
	}
	switch vr {
	case "ST", "LT", "UT", "UR": // a backslash is a letter
		return []string{strings.TrimRight(text, " \x00")}, nil
	}
	values := strings.Split(text, `\`)
	for i, v := range values {
		values[i] = strings.TrimRight(v, " \x00")
		if vr != "UC" && vr != "PN" && vr != "LO" && vr != "SH" {
			values[i] = strings.TrimLeft(values[i], " ")
		}
	}
	return values, nil
}

// Ints returns the whole numbers of a binary element or of an integer string.
// A tag that is "US or SS" in the dictionary, in a data set that names no
// representation, has the sign of the pixels.
func (e Element) Ints() ([]int64, error) {
	vr := e.VR()
	if vr == "IS" {
		s, err := e.Strings()
		if err != nil {
			return nil, err
		}
		v := make([]int64, len(s))
		for i := range s {
			if v[i], err = strconv.ParseInt(strings.TrimSpace(s[i]), 10, 64); err != nil {
				return nil, fmt.Errorf("%v: %w", e.Tag(), err)
			}
		}
		return v, nil
	}
	w := width(vr)
	b, err := e.Bytes()
	if err != nil {
		return nil, err
	}
	if w == 0 || vr[0] == 'F' || vr == "OF" || vr == "OD" {
		return nil, fmt.Errorf("%v: %s holds no whole numbers: %w", e.Tag(), vr, ErrDamaged)
	}
	if len(b)%w != 0 {
		return nil, fmt.Errorf("%v: %d bytes of %s: %w", e.Tag(), len(b), vr, ErrDamaged)
	}
	signed := vr == "SS" || vr == "SL" || vr == "SV" || vr == "US" && e.node().flags&implicit != 0 && e.signedByPixels()
	order := form{big: e.node().flags&big != 0}.order()
	v := make([]int64, len(b)/w)
	for i := range v {
		switch x := b[i*w:]; {
		case w == 1:
			v[i] = int64(x[0])
		case w == 2 && signed:
			v[i] = int64(int16(order.Uint16(x)))
		case w == 2:
			v[i] = int64(order.Uint16(x))
		case w == 4 && signed:
			v[i] = int64(int32(order.Uint32(x)))
		case w == 4:
			v[i] = int64(order.Uint32(x))
		default:
			v[i] = int64(order.Uint64(x))
		}
	}
	return v, nil
}

// signedByPixels tells whether the tag may be signed and the pixels are.
func (e Element) signedByPixels() bool {
	if !e.Tag().signOfPixels() {
		return false
	}
	for s := &e.set; s != nil; s = s.parent {
		if p, ok := s.Lookup(pixelSign); ok {
			b, err := p.Bytes()
			return err == nil && len(b) >= 2 && b[0] == 1
		}
	}
	return false
}

// Floats returns the numbers of any numeric element.
func (e Element) Floats() ([]float64, error) {
	vr := e.VR()
	var w int
	switch vr {
	case "FL", "OF":
		w = 4
	case "FD", "OD":
		w = 8
	case "DS", "IS":
		s, err := e.Strings()
		if err != nil {
			return nil, err
		}
		v := make([]float64, len(s))
		for i := range s {
			if v[i], err = strconv.ParseFloat(strings.Trim(s[i], " \x00"), 64); err != nil {
				return nil, fmt.Errorf("%v: %w", e.Tag(), err)
			}
		}
		return v, nil
	default:
		n, err := e.Ints()
		if err != nil {
			return nil, err
		}
		v := make([]float64, len(n))
		for i := range n {
			v[i] = float64(n[i])
		}
		return v, nil
	}
	b, err := e.Bytes()
	if err != nil {
		return nil, err
	}
	if len(b)%w != 0 {
		return nil, fmt.Errorf("%v: %d bytes of %s: %w", e.Tag(), len(b), vr, ErrDamaged)
	}
	var order binary.ByteOrder = form{big: e.node().flags&big != 0}.order()
	v := make([]float64, len(b)/w)
	for i := range v {
		if w == 4 {
			v[i] = float64(math.Float32frombits(order.Uint32(b[4*i:])))
		} else {
			v[i] = math.Float64frombits(order.Uint64(b[8*i:]))
		}
	}
	return v, nil
}

// Items returns the data sets of a sequence.
func (e Element) Items() iter.Seq[Dataset] {
	return func(yield func(Dataset) bool) {
		n := e.node()
		if n.flags&nested == 0 || n.tag == PixelData {
			return
		}
		f := e.set.file
		for i := e.index + 1; i < int(n.next); {
			next := int(f.nodes.at(i).next)
			if !yield(Dataset{file: f, lo: i + 1, hi: next, parent: &e.set}) {
				return
			}
			i = next
		}
	}
}

// Encapsulated tells whether the element is pixel data in fragments.
func (e Element) Encapsulated() bool {
	n := e.node()
	return n.tag == PixelData && n.flags&nested != 0
}

// Fragment is a fragment of encapsulated pixel data.
type Fragment struct {
	*io.SectionReader
	// Offset is that of the fragment's item behind the offset table, as the
	// table counts.
	Offset int64
}

// Fragments returns the basic offset table and the fragments of encapsulated
// pixel data.
func (e Element) Fragments() (offsets []int64, fragments []Fragment, err error) {
	n := e.node()
	if !e.Encapsulated() {
		return nil, nil, fmt.Errorf("%v: not in fragments: %w", n.tag, ErrDamaged)
	}
	f := e.set.file
	var start int64
	for i := e.index + 1; i < int(n.next); i++ {
		x := f.nodes.at(i)
		it := Element{set: e.set, index: i}
		if i == e.index+1 {
			b, err := it.Bytes()
			if err != nil {
				return nil, nil, err
			}
			for ; len(b) >= 4; b = b[4:] {
				offsets = append(offsets, int64(binary.LittleEndian.Uint32(b)))
			}
			start = x.start + 8 + int64(x.length)
			continue
		}
		fragments = append(fragments, Fragment{it.Section(), x.start - start})
	}
	return offsets, fragments, nil
}
