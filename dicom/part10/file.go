package part10

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// What a reader finds wrong.
var (
	ErrNotDICOM = errors.New("no DICOM data set")
	ErrDamaged  = errors.New("damaged DICOM data set")
	ErrLimit    = errors.New("beyond the limits of the reader")
)

// Limits keep files of strangers from taking what they ask for.
type Limits struct {
	// Depth is how deep sequences may nest.
	Depth int
	// Value is the length up to which [Element.Bytes] reads a value.
	Value int64
	// Inflated is how much a deflated data set may grow to.
	Inflated int64
	// StopAt, if not 0, is the tag before which reading stops: PixelData for
	// headers alone.
	StopAt Tag
}

// DefaultLimits returns limits that no sound file is known to reach: 32 levels,
// values of 1 GiB, 1 GiB inflated.
func DefaultLimits() Limits { return Limits{Depth: 32, Value: 1 << 30, Inflated: 1 << 30} }

// form is how the elements of a data set are written.
type form struct{ implicit, big bool }

func (e form) order() binary.ByteOrder {
	if e.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Transfer syntaxes that are not explicit little endian.
const (
	ImplicitLittle = "1.2.840.10008.1.2"
	ExplicitLittle = "1.2.840.10008.1.2.1"
	ExplicitBig    = "1.2.840.10008.1.2.2"
	Deflated       = "1.2.840.10008.1.2.1.99"
)

func formOf(syntax string) form {
	return form{implicit: syntax == ImplicitLittle, big: syntax == ExplicitBig}
}

// File is a file whose headers have been read.
type File struct {
	// Syntax is the UID of the transfer syntax: what the file says, or what its
	// bytes look like if it says nothing.
	Syntax string
	// Meta is the file meta information, Data the data set.
	Meta, Data Dataset
	// Damage, if not nil, tells where the file stopped making sense. The
	// elements before that are there.
	Damage error

	limits  Limits
	raw     *window // the file
	body    *window // the data set, inflated if need be
	dataAt  int64   // where it begins in body
	metaEnd int64   // where the file meta information ends in raw
	nodes   list
}

// node is an element as it lies in the file.
type node struct {
	tag    Tag
	length uint32 // of the value; undefined if all ones
	start  int64  // of the header, in body (or raw, for meta elements)
	next   int32  // index of the element behind this one and all within
	head   uint8  // bytes of the header
	flags  uint8
	vr     [2]byte // as in the file, or by the dictionary
}

// Flags of a node.
const (
	inMeta   = 1 << iota // lies in raw
	implicit             // has no representation in the file
	big                  // is big-endian
	nested               // has items
)

const undefined = 0xffffffff

// list holds nodes in blocks, so that growing copies nothing.
type list struct {
	blocks [][]node
	n      int
}

const blockSize = 128

func (l *list) add(x node) int {
	if l.n%blockSize == 0 {
		l.blocks = append(l.blocks, make([]node, 0, blockSize))
	}
	b := &l.blocks[len(l.blocks)-1]
	*b = append(*b, x)
	l.n++
	return l.n - 1
}

func (l *list) at(i int) *node { return &l.blocks[i/blockSize][i%blockSize] }

// cut removes all nodes from i on.
func (l *list) cut(i int) {
	l.n = i
	l.blocks = l.blocks[:(i+blockSize-1)/blockSize]
	if i%blockSize != 0 {
		last := &l.blocks[len(l.blocks)-1]
		*last = (*last)[:i%blockSize]
	}
}

// window reads small pieces of a file through one buffer. The first piece
// stays, so that values in it are at hand when the headers have been read.
type window struct {
	r    io.ReaderAt
	size int64
	head []byte
	at   int64
	buf  []byte
}

const windowSize = 16 << 10

// bytes returns n ≤ windowSize bytes at off, valid until the next call.
func (w *window) bytes(off, n int64) ([]byte, error) {
	if off < 0 || off > w.size || n > w.size-off {
		return nil, fmt.Errorf("byte %d: the file ends at byte %d: %w", off, w.size, ErrDamaged)
	}
	if off+n <= int64(len(w.head)) {
		return w.head[off:][:n], nil
	}
	if off < w.at || off+n > w.at+int64(len(w.buf)) {
		want := min(windowSize, w.size-off)
		if int64(cap(w.buf)) < want {
			w.buf = make([]byte, want)
		}
		w.buf, w.at = w.buf[:want], off
		if got, err := w.r.ReadAt(w.buf, off); got < len(w.buf) {
			w.buf = w.buf[:0]
			return nil, fmt.Errorf("read %d bytes at %d: %w", want, off, err)
		}
		if off == 0 {
			w.head, w.buf = w.buf, nil
			return w.head[:n], nil
		}
	}
	return w.buf[off-w.at:][:n], nil
}

// Open reads the headers of a file of the given size.
func Open(r io.ReaderAt, size int64, limits Limits) (*File, error) {
	f := &File{limits: limits, raw: &window{r: r, size: size}}
	f.body = f.raw
	at, err := f.meta()
	if err != nil {
		return nil, err
	}
	f.metaEnd = at
	e := formOf(f.Syntax)
	if f.Syntax == Deflated {
		if err := f.inflate(at); err != nil {
			return nil, err
		}
		at = 0
	} else if e, err = f.look(at, e); err != nil {
		return nil, err
	}
	f.dataAt = at
	first := f.nodes.n
	at, err = f.elements(at, f.body.size, e, 0)
	// Fewer bytes than a header may trail a data set.
	if err != nil && !(f.nodes.n > first && f.body.size-at < 8) {
		f.Damage = err
	}
	if f.nodes.n == first && f.Damage != nil {
		return nil, f.Damage
	}
	f.Data = Dataset{file: f, lo: first, hi: f.nodes.n}
	return f, nil
}

// meta reads preamble and file meta information, and returns where the data
// set begins. Files may lack either.
func (f *File) meta() (at int64, err error) {
	f.Meta = Dataset{file: f}
	if head, err := f.raw.bytes(0, 132); err == nil && string(head[128:]) == "DICM" {
		at = 132
	}
	for at < f.raw.size {
		b, err := f.raw.bytes(at, min(8, f.raw.size-at))
		if err != nil || len(b) < 8 || binary.LittleEndian.Uint16(b) != 2 {
			break
		}
		n, err := f.header(f.raw, at, form{implicit: !letters(b[4:6])})
		if err != nil {
			return 0, err
		}
		end := at + int64(n.head) + int64(n.length)
		if n.length == undefined || end > f.raw.size {
			return 0, fmt.Errorf("%v: %d bytes declared: %w", n.tag, n.length, ErrDamaged)
		}
		n.flags |= inMeta
		n.next = int32(f.nodes.n + 1)
		f.nodes.add(n)
		at = end
	}
	f.Meta.hi = f.nodes.n
	if uid, ok := f.Meta.Lookup(transferSyntax); ok {
		if b, err := uid.Bytes(); err == nil {
			f.Syntax = strings.Trim(string(b), " \x00")
		}
	}
	return at, nil
}

func letters(b []byte) bool { return b[0] >= 'A' && b[0] <= 'Z' && b[1] >= 'A' && b[1] <= 'Z' }

// look settles how the data set at off is written: what the file declares may
// be missing, or wrong.
func (f *File) look(off int64, declared form) (form, error) {
	b, err := f.raw.bytes(off, 8)
	if err != nil {
		if f.Meta.hi > 0 && off == f.raw.size {
			return declared, nil // meta information alone
		}
		return declared, ErrNotDICOM
	}
	little, bigEndian := binary.LittleEndian.Uint16(b), binary.BigEndian.Uint16(b)
	e := form{implicit: !letters(b[4:6])}
	if !e.implicit {
		// A data set begins with a low group: 0008 written as 0800 is big-endian.
		e.big = bigEndian < little
	}
	switch {
	case f.Syntax != "" && !declared.big && !e.big:
		return e, nil
	case f.Syntax != "":
		return declared, nil
	case off == 0 && (min(little, bigEndian) > 0x7fe0 || min(little, bigEndian) == 0 && e.implicit):
		return e, ErrNotDICOM
	case off == 0 && e.implicit && int64(binary.LittleEndian.Uint32(b[4:])) > f.raw.size-8:
		return e, ErrNotDICOM
	case e.implicit:
		f.Syntax = ImplicitLittle
	case e.big:
		f.Syntax = ExplicitBig
	default:
		f.Syntax = ExplicitLittle
	}
	return e, nil
}

// inflate replaces the body by what is deflated behind at.
func (f *File) inflate(at int64) error {
	// Deflate grows data at most 1032-fold.
	limit := min((f.raw.size-at)*1032+64, f.limits.Inflated)
	z := flate.NewReader(io.NewSectionReader(f.raw.r, at, f.raw.size-at))
	defer z.Close()
	b, err := io.ReadAll(io.LimitReader(z, limit+1))
	if err != nil {
		if len(b) == 0 {
			return fmt.Errorf("inflate: %w: %w", ErrDamaged, err)
		}
		f.Damage = fmt.Errorf("inflate: %w: %w", ErrDamaged, err)
	}
	if int64(len(b)) > limit {
		return fmt.Errorf("inflate: more than %d bytes: %w", limit, ErrLimit)
	}
	f.body = &window{r: bytes.NewReader(b), size: int64(len(b))}
	return nil
}

// header reads the header of the element at off.
func (f *File) header(w *window, off int64, e form) (node, error) {
	n := node{start: off, head: 8}
	b, err := w.bytes(off, 8)
	if err != nil {
		return n, err
	}
	order := e.order()
	n.tag = Tag(order.Uint16(b))<<16 | Tag(order.Uint16(b[2:]))
	if e.big {
		n.flags |= big
	}
	switch {
	case n.tag>>16 == 0xfffe:
		n.length = order.Uint32(b[4:])
		return n, nil
	case e.implicit || !letters(b[4:6]): // single elements may lack theirs
		n.flags |= implicit
		n.length = order.Uint32(b[4:])
		copy(n.vr[:], n.tag.representation())
		return n, nil
	}
	copy(n.vr[:], b[4:6])
	if !long(string(n.vr[:])) {
		n.length = uint32(order.Uint16(b[6:]))
		return n, nil
	}
	if b, err = w.bytes(off+8, 4); err != nil {
		return n, err
	}
	n.head, n.length = 12, order.Uint32(b)
	return n, nil
}

// elements reads the elements of a data set from at to end, or to its item
// delimiter, and returns where it stopped.
func (f *File) elements(at, end int64, e form, depth int) (int64, error) {
	for at < end {
		n, err := f.header(f.body, at, e)
		if err != nil {
			return at, err
		}
		value := at + int64(n.head)
		if n.tag == itemEnd && depth > 0 {
			return value, nil
		}
		if depth == 0 && f.limits.StopAt != 0 && n.tag >= f.limits.StopAt {
			return at, nil
		}
		if n.length != undefined && int64(n.length) > end-value {
			return at, fmt.Errorf("%v at byte %d: %d bytes declared, %d are there: %w", n.tag, at, n.length, end-value, ErrDamaged)
		}
		i := f.nodes.add(n)
		next := value + int64(n.length)
		if within, ok := f.within(n, e); ok {
			next, err = f.items(i, value, end, within, depth+1)
			switch {
			case err == nil:
				f.nodes.at(i).flags |= nested
			case n.length != undefined && !errors.Is(err, ErrLimit):
				// What only looks like a sequence is a value without structure.
				f.nodes.cut(i + 1)
				next = value + int64(n.length)
				if string(n.vr[:]) == "SQ" {
					f.nodes.at(i).vr = [2]byte{'U', 'N'}
				}
			default:
				f.nodes.cut(i)
				return at, err
			}
		}
		f.nodes.at(i).next = int32(f.nodes.n)
		at = next
	}
	return at, nil
}

// within tells whether an element holds items, and how they are written.
func (f *File) within(n node, e form) (form, bool) {
	vr := string(n.vr[:])
	switch {
	case n.length == undefined && vr == "UN": // PS3.5 6.2.2 note 2
		return form{implicit: true}, true
	case n.length == undefined || vr == "SQ":
		return e, true
	case vr == "UN" && n.flags&implicit == 0 && n.tag.representation() == "SQ":
		return form{implicit: true}, n.length > 0
	}
	return e, false
}

// items reads the items of element i from at on, and returns the offset
// behind them. Items of pixel data are fragments.
func (f *File) items(i int, at, end int64, e form, depth int) (int64, error) {
	n := *f.nodes.at(i)
	if depth > f.limits.Depth {
		return 0, fmt.Errorf("%v: sequences nest deeper than %d: %w", n.tag, f.limits.Depth, ErrLimit)
	}
	if n.length != undefined {
		end = at + int64(n.length)
	}
	pixels := n.tag == PixelData
	for at < end {
		it, err := f.header(f.body, at, e)
		if err != nil {
			return 0, err
		}
		value := at + int64(it.head)
		switch {
		case it.tag == sequenceEnd && n.length == undefined:
			return value, nil
		case it.tag != item:
			return 0, fmt.Errorf("%v at byte %d: %v instead of an item: %w", n.tag, at, it.tag, ErrDamaged)
		case it.length != undefined && int64(it.length) > end-value:
			return 0, fmt.Errorf("%v: item at byte %d: %d bytes declared, %d are there: %w", n.tag, at, it.length, end-value, ErrDamaged)
		case pixels && it.length == undefined:
			return 0, fmt.Errorf("%v: fragment at byte %d without length: %w", n.tag, at, ErrDamaged)
		}
		k := f.nodes.add(it)
		switch {
		case pixels:
			at = value + int64(it.length)
		case it.length == undefined:
			if at, err = f.elements(value, end, e, depth); err != nil {
				return 0, err
			}
		default:
			stop := value + int64(it.length)
			if _, err = f.elements(value, stop, e, depth); err != nil {
				return 0, err
			}
			at = stop // behind an item delimiter that stood before its end
		}
		f.nodes.at(k).next = int32(f.nodes.n)
	}
	if n.length == undefined {
		return 0, fmt.Errorf("%v: the file ends within its items: %w", n.tag, ErrDamaged)
	}
	return at, nil
}
