package part10

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	bigint "math/big"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Set is a new data set, or an item of one, to be written in Explicit VR Little
// Endian or, if a value is longer than that can tell, in Implicit VR. Elements may be put in any order; a tag that is put again replaces what
// was there. Text is written in UTF-8.
type Set struct {
	elements []newElement
	err      error
}

type newElement struct {
	tag   Tag
	vr    string
	value []byte
	items []*Set
}

// textLimits are the most characters of a value, and textPads what makes an odd
// length even, where it is no space (PS3.5 6.2).
var textLimits = map[string]int{
	"AE": 16, "AS": 4, "CS": 16, "DA": 8, "DS": 16, "DT": 26, "IS": 12, "LO": 64, "LT": 10240, "PN": 64, "SH": 16, "ST": 1024, "TM": 16, "UI": 64,
}

// Text puts text values. Characters that DICOM does not allow, a backslash among
// them, become spaces, and names longer than allowed are cut; a code, date,
// number or UID that is too long is an error of [Set.Write].
func (s *Set) Text(t Tag, vr string, values ...string) {
	limit := textLimits[vr]
	out := make([]string, len(values))
	for i, v := range values {
		prose := vr == "ST" || vr == "LT" || vr == "UT"
		v = strings.Map(func(r rune) rune {
			switch {
			case prose && (r == '\n' || r == '\r' || r == '\\'):
				return r
			case r == '\\' || unicode.IsControl(r):
				return ' '
			}
			return r
		}, strings.ToValidUTF8(v, "?"))
		if limit > 0 && utf8.RuneCountInString(v) > limit {
			switch vr {
			case "LO", "SH", "ST", "LT", "PN":
				v = string([]rune(v)[:limit])
			default:
				s.fail("%v: %q has more than the %d characters of %s", t, v, limit, vr)
			}
		}
		out[i] = v
	}
	s.put(newElement{tag: t, vr: vr, value: []byte(strings.Join(out, `\`))})
}

// Int puts whole numbers as US, SS, UL, SL or IS.
func (s *Set) Int(t Tag, vr string, values ...int) {
	var b []byte
	switch vr {
	case "IS":
		text := make([]string, len(values))
		for i, v := range values {
			text[i] = strconv.Itoa(v)
		}
		s.Text(t, vr, text...)
		return
	case "US", "SS":
		for _, v := range values {
			if v < math.MinInt16 || v > math.MaxUint16 {
				s.fail("%v: %d does not fit %s", t, v, vr)
			}
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		}
	case "UL", "SL":
		for _, v := range values {
			if v < math.MinInt32 || v > math.MaxUint32 {
				s.fail("%v: %d does not fit %s", t, v, vr)
			}
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
	default:
		panic("part10: Int: no whole numbers: " + vr)
	}
	s.put(newElement{tag: t, vr: vr, value: b})
}

// Float puts numbers as DS, FL or FD. Numbers that are not finite are an error of
// [Set.Write].
func (s *Set) Float(t Tag, vr string, values ...float64) {
	var b []byte
	text := make([]string, len(values))
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			s.fail("%v: %v is no number that can be written", t, v)
			return
		}
		switch vr {
		case "DS":
			text[i] = Decimal(v)
		case "FL":
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		case "FD":
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		default:
			panic("part10: Float: no numbers: " + vr)
		}
	}
	if vr == "DS" {
		s.Text(t, vr, text...)
		return
	}
	s.put(newElement{tag: t, vr: vr, value: b})
}

// Bytes puts a value as it will lie in the file; it is padded to even length.
func (s *Set) Bytes(t Tag, vr string, b []byte) { s.put(newElement{tag: t, vr: vr, value: b}) }

// Items puts a sequence.
func (s *Set) Items(t Tag, items ...*Set) { s.put(newElement{tag: t, vr: "SQ", items: items}) }

// Delete takes an element out.
func (s *Set) Delete(t Tag) {
	s.elements = slices.DeleteFunc(s.elements, func(e newElement) bool { return e.tag == t })
}

// Merge puts all elements of another set.
func (s *Set) Merge(from *Set) {
	for _, e := range from.elements {
		s.put(e)
	}
	s.err = errors.Join(s.err, from.err)
}

// put keeps the elements in the order of their tags.
func (s *Set) put(e newElement) {
	n, found := slices.BinarySearchFunc(s.elements, e.tag, func(a newElement, t Tag) int { return int(int64(a.tag) - int64(t)) })
	if found {
		s.elements[n] = e
		return
	}
	s.elements = slices.Insert(s.elements, n, e)
}

func (s *Set) fail(format string, args ...any) {
	s.err = errors.Join(s.err, fmt.Errorf(format, args...))
}

// Decimal writes x as a value of VR DS: at most 16 characters, with as many
// digits as fit.
func Decimal(x float64) string {
	x += 0 // no "-0"
	s := strconv.FormatFloat(x, 'g', -1, 64)
	for digits := 16; len(s) > 16; digits-- {
		s = strconv.FormatFloat(x, 'g', digits, 64)
	}
	return s
}

// UID returns 2.25. and the decimal of a 128-bit hash of parts, as PS3.5 annex
// B.2 lays out UIDs made from UUIDs: equal parts give equal UIDs.
func UID(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	h[6] = h[6]&0x0f | 0x80 // UUID version 8: a hash of our own
	h[8] = h[8]&0x3f | 0x80
	return "2.25." + new(bigint.Int).SetBytes(h[:16]).String()
}

// errors returns what is wrong anywhere in s.
func (s *Set) errors() error {
	err := s.err
	for _, e := range s.elements {
		if len(e.value) > math.MaxUint32-1 {
			err = errors.Join(err, fmt.Errorf("%v: %d bytes do not fit an element", e.tag, len(e.value)))
		}
		for _, it := range e.items {
			err = errors.Join(err, it.errors())
		}
	}
	return err
}

// tooLong tells whether a value is longer than 16 bits can tell where its
// representation has no more.
func (s *Set) tooLong() bool {
	return slices.ContainsFunc(s.elements, func(e newElement) bool {
		return len(e.value) > math.MaxUint16-1 && !long(e.vr) || slices.ContainsFunc(e.items, (*Set).tooLong)
	})
}

// size returns the length of s in a file.
func (s *Set) size(implicit bool) int {
	n := 0
	for i := range s.elements {
		e := &s.elements[i]
		n += 8
		if !implicit && long(e.vr) {
			n += 4
		}
		n += e.size(implicit)
	}
	return n
}

// size returns the length of the value.
func (e *newElement) size(implicit bool) int {
	n := (len(e.value) + 1) &^ 1
	for _, it := range e.items {
		n += 8 + it.size(implicit)
	}
	return n
}

// Write writes s as a file of its own, of the given implementation; s holds the
// class and the UID of the object.
func (s *Set) Write(w io.Writer, implementation string) error {
	if err := s.errors(); err != nil {
		return err
	}
	var class, uid string
	for _, e := range s.elements {
		switch e.tag {
		case 0x00080016:
			class = string(e.value)
		case 0x00080018:
			uid = string(e.value)
		}
	}
	if class == "" || uid == "" {
		return errors.New("an object without class or UID")
	}
	implicit := s.tooLong()
	syntax := ExplicitLittle
	if implicit {
		syntax = ImplicitLittle
	}
	b := bufio.NewWriterSize(w, 1<<16)
	b.Write(Head(class, uid, syntax, implementation))
	s.write(b, implicit)
	return b.Flush() // remembers the first error
}

// Head returns preamble and file meta information (PS3.10 7.1) of an object of
// the given class and UID, whose data set is written in the given syntax.
func Head(class, uid, syntax, implementation string) []byte {
	meta := &Set{}
	meta.Bytes(0x00020001, "OB", []byte{0, 1})
	meta.Text(0x00020002, "UI", class)
	meta.Text(0x00020003, "UI", uid)
	meta.Text(transferSyntax, "UI", syntax)
	meta.Text(0x00020012, "UI", UID(implementation))
	meta.Text(0x00020013, "SH", strings.ToUpper(implementation))
	meta.Int(metaLength, "UL", meta.size(false))
	out := bytes.NewBuffer(make([]byte, 128, 512))
	out.WriteString("DICM")
	b := bufio.NewWriter(out)
	meta.write(b, false)
	b.Flush()
	return out.Bytes()
}

func (s *Set) write(b *bufio.Writer, implicit bool) {
	var head [12]byte
	for i := range s.elements {
		e := &s.elements[i]
		n := e.size(implicit)
		binary.LittleEndian.PutUint16(head[:], uint16(e.tag>>16))
		binary.LittleEndian.PutUint16(head[2:], uint16(e.tag))
		switch {
		case implicit:
			binary.LittleEndian.PutUint32(head[4:], uint32(n))
			b.Write(head[:8])
		case long(e.vr):
			copy(head[4:6], e.vr)
			head[6], head[7] = 0, 0
			binary.LittleEndian.PutUint32(head[8:], uint32(n))
			b.Write(head[:12])
		default:
			copy(head[4:6], e.vr)
			binary.LittleEndian.PutUint16(head[6:], uint16(n))
			b.Write(head[:8])
		}
		for _, it := range e.items {
			binary.LittleEndian.PutUint16(head[:], uint16(item>>16))
			binary.LittleEndian.PutUint16(head[2:], uint16(item&0xffff))
			binary.LittleEndian.PutUint32(head[4:], uint32(it.size(implicit)))
			b.Write(head[:8])
			it.write(b, implicit)
		}
		b.Write(e.value)
		if len(e.value)%2 == 1 {
			pad := byte(' ')
			if e.vr == "UI" || long(e.vr) && e.vr != "UT" && e.vr != "UC" && e.vr != "UR" {
				pad = 0
			}
			b.WriteByte(pad)
		}
	}
}
