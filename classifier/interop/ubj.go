package interop

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// maxNesting is the depth of arrays and objects that is followed.
const maxNesting = 32

var errShort = errors.New("the file ends in the middle of a value")

// parseUBJ returns the value of a file in Universal Binary JSON (draft 12), as
// encoding/json would, but for arrays of numbers of one type, which become
// []float64. Numbers are big-endian.
func parseUBJ(raw []byte) (any, error) {
	u := &ubj{raw: raw}
	v, err := u.value(0)
	if err == nil && u.at != len(raw) {
		err = fmt.Errorf("%d bytes after the value", len(raw)-u.at)
	}
	if err != nil {
		return nil, fmt.Errorf("ubj: byte %d: %w", u.at, err)
	}
	return v, nil
}

type ubj struct {
	raw []byte
	at  int
}

// take returns the next n bytes.
func (u *ubj) take(n int) ([]byte, error) {
	if n < 0 || n > len(u.raw)-u.at {
		return nil, errShort
	}
	b := u.raw[u.at : u.at+n]
	u.at += n
	return b, nil
}

func (u *ubj) marker() (byte, error) {
	for {
		b, err := u.take(1)
		if err != nil {
			return 0, err
		}
		if b[0] != 'N' { // no-op
			return b[0], nil
		}
	}
}

func (u *ubj) value(depth int) (any, error) {
	m, err := u.marker()
	if err != nil {
		return nil, err
	}
	return u.of(m, depth)
}

// sizeOf returns the number of bytes of a number, 0 for what is none.
func sizeOf(m byte) int {
	switch m {
	case 'i', 'U':
		return 1
	case 'I':
		return 2
	case 'l', 'd':
		return 4
	case 'L', 'D':
		return 8
	}
	return 0
}

// number returns the number of type m in b.
func number(m byte, b []byte) float64 {
	switch m {
	case 'i':
		return float64(int8(b[0]))
	case 'U':
		return float64(b[0])
	case 'I':
		return float64(int16(binary.BigEndian.Uint16(b)))
	case 'l':
		return float64(int32(binary.BigEndian.Uint32(b)))
	case 'L':
		return float64(int64(binary.BigEndian.Uint64(b)))
	case 'd':
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b))
}

// of returns the value whose marker was read.
func (u *ubj) of(m byte, depth int) (any, error) {
	if n := sizeOf(m); n > 0 {
		b, err := u.take(n)
		if err != nil {
			return nil, err
		}
		return number(m, b), nil
	}
	switch m {
	case 'Z':
		return nil, nil
	case 'T', 'F':
		return m == 'T', nil
	case 'S':
		return u.text()
	case '[', '{':
		if depth == maxNesting {
			return nil, fmt.Errorf("nested more than %d deep", maxNesting)
		}
		if m == '[' {
			return u.array(depth + 1)
		}
		return u.object(depth + 1)
	}
	return nil, fmt.Errorf("marker %q is not known", m)
}

// length reads a whole number that fits in the rest of the file: what is
// counted takes at least one byte each.
func (u *ubj) length() (int, error) {
	m, err := u.marker()
	if err != nil {
		return 0, err
	}
	size := sizeOf(m)
	if size == 0 || m == 'd' || m == 'D' {
		return 0, fmt.Errorf("marker %q where a length is due", m)
	}
	b, err := u.take(size)
	if err != nil {
		return 0, err
	}
	n := number(m, b)
	if n < 0 || n > float64(len(u.raw)-u.at) {
		return 0, fmt.Errorf("length %g with %d bytes left", n, len(u.raw)-u.at)
	}
	return int(n), nil
}

func (u *ubj) text() (string, error) {
	n, err := u.length()
	if err != nil {
		return "", err
	}
	b, err := u.take(n)
	return string(b), err
}

// header reads the optional type and count of a container.
func (u *ubj) header() (kind byte, n int, counted bool, err error) {
	next := func(b byte) bool { return u.at < len(u.raw) && u.raw[u.at] == b }
	if next('$') {
		u.at++
		b, err := u.take(1)
		if err != nil {
			return 0, 0, false, err
		}
		kind = b[0]
		if !next('#') {
			return 0, 0, false, errors.New("a type without a count")
		}
	}
	if next('#') {
		u.at++
		n, err = u.length()
		counted = true
	}
	return kind, n, counted, err
}

func (u *ubj) array(depth int) (any, error) {
	kind, n, counted, err := u.header()
	if err != nil {
		return nil, err
	}
	if kind != 0 {
		size := sizeOf(kind)
		if size == 0 {
			return nil, fmt.Errorf("an array of type %q, want numbers", kind)
		}
		if n > (len(u.raw)-u.at)/size {
			return nil, errShort
		}
		x := make([]float64, n)
		for i := range x {
			b, _ := u.take(size)
			x[i] = number(kind, b)
		}
		return x, nil
	}
	list := empty
	if counted {
		list = make([]any, 0, n)
	}
	for i := 0; !counted || i < n; i++ {
		m, err := u.marker()
		if err != nil {
			return nil, err
		}
		if !counted && m == ']' {
			break
		}
		v, err := u.of(m, depth)
		if err != nil {
			return nil, err
		}
		if len(list) == cap(list) { // twice as long, but never longer than the file allows
			list = slices.Grow(list, min(max(len(list), 4), len(u.raw)-u.at+1))
		}
		list = append(list, v)
	}
	if len(list) == 0 {
		return noElements, nil
	}
	return list, nil
}

// empty is an array without elements, once as what it is and once as a value.
var (
	empty          = []any{}
	noElements any = empty
)

func (u *ubj) object(depth int) (any, error) {
	kind, n, counted, err := u.header()
	if err != nil {
		return nil, err
	}
	if kind != 0 {
		return nil, errors.New("an object of one type")
	}
	var o object // made with its first member: a file may hold many empty ones
	for i := 0; !counted || i < n; i++ {
		if !counted && u.at < len(u.raw) && u.raw[u.at] == '}' {
			u.at++
			break
		}
		key, err := u.text()
		if err != nil {
			return nil, err
		}
		if _, twice := o[key]; twice {
			return nil, fmt.Errorf("key %q stands twice", key)
		}
		v, err := u.value(depth)
		if err != nil {
			return nil, err
		}
		if o == nil {
			o = object{}
		}
		o[key] = v
	}
	return o, nil
}
