// Package voxels turns the bytes of an image file into numbers, with every
// declared size checked against what the file can hold before memory is
// taken.
package voxels

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// Kind is a type of number in a file.
type Kind uint8

// The kinds of number that images hold.
const (
	Int8 Kind = iota + 1
	Uint8
	Int16
	Uint16
	Int32
	Uint32
	Int64
	Uint64
	Float32
	Float64
)

// Bytes returns the size of one number.
func (k Kind) Bytes() int {
	switch k {
	case Int8, Uint8:
		return 1
	case Int16, Uint16:
		return 2
	case Int32, Uint32, Float32:
		return 4
	default:
		return 8
	}
}

// chunk is the number of voxels that are decoded at a time.
const chunk = 1 << 14

// Source is a stream of n numbers.
type Source struct {
	R     io.Reader
	N     int
	Kind  Kind
	Order binary.ByteOrder
	// Bound is the most bytes that R can give, or -1 if it is not known. A
	// source that asks for more is refused before memory is taken.
	Bound int64
}

// each decodes the source and hands it over in runs: x[0] is number at.
func (s *Source) each(f func(at int, x []float64) error) error {
	size := s.Kind.Bytes()
	if s.Bound >= 0 && int64(s.N) > s.Bound/int64(size) {
		return fmt.Errorf("the header asks for %d voxels of %d bytes, but the data cannot hold more than %d bytes: the file is cut off or its header is wrong", s.N, size, s.Bound)
	}
	raw := make([]byte, min(s.N, chunk)*size)
	x := make([]float64, min(s.N, chunk))
	for at := 0; at < s.N; {
		n := min(chunk, s.N-at)
		if got, err := io.ReadFull(s.R, raw[:n*size]); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return fmt.Errorf("the data end after %d of %d voxels: the file is cut off or its header is wrong", at+got/size, s.N)
			}
			return fmt.Errorf("voxel data after %d of %d voxels: %w", at, s.N, err)
		}
		decode(x[:n], raw[:n*size], s.Kind, s.Order)
		if err := f(at, x[:n]); err != nil {
			return err
		}
		at += n
	}
	return nil
}

// decode stores the numbers in src, which has exactly len(dst) of them.
func decode(dst []float64, src []byte, kind Kind, order binary.ByteOrder) {
	switch kind {
	case Int8:
		for i := range dst {
			dst[i] = float64(int8(src[i]))
		}
	case Uint8:
		for i := range dst {
			dst[i] = float64(src[i])
		}
	case Int16:
		for i := range dst {
			dst[i] = float64(int16(order.Uint16(src[2*i:])))
		}
	case Uint16:
		for i := range dst {
			dst[i] = float64(order.Uint16(src[2*i:]))
		}
	case Int32:
		for i := range dst {
			dst[i] = float64(int32(order.Uint32(src[4*i:])))
		}
	case Uint32:
		for i := range dst {
			dst[i] = float64(order.Uint32(src[4*i:]))
		}
	case Int64:
		for i := range dst {
			dst[i] = float64(int64(order.Uint64(src[8*i:])))
		}
	case Uint64:
		for i := range dst {
			dst[i] = float64(order.Uint64(src[8*i:]))
		}
	case Float32:
		for i := range dst {
			dst[i] = float64(math.Float32frombits(order.Uint32(src[4*i:])))
		}
	case Float64:
		for i := range dst {
			dst[i] = math.Float64frombits(order.Uint64(src[8*i:]))
		}
	default:
		panic("voxels: unknown kind")
	}
}

// grow returns a slice with room for n numbers if the source is known to be
// able to fill it, and a small one that grows with the data otherwise.
func grow[T any](s *Source, n int) []T {
	if s.Bound < 0 {
		n = min(n, 1<<16)
	}
	return make([]T, 0, n)
}

// Volume reads a scalar image: slope·x + intercept. Unless the image may have
// gaps, a value that is not finite in single precision is refused with the voxel
// named.
func Volume(s Source, g imaging.Grid, slope, intercept float64, gaps bool) (*imaging.Volume, error) {
	if s.N != g.Len() {
		panic("voxels: Volume: length mismatch")
	}
	if s.Bound >= 0 && int64(s.N) > s.Bound/int64(s.Kind.Bytes()) {
		return nil, s.each(nil)
	}
	values := grow[float32](&s, s.N)
	err := s.each(func(at int, x []float64) error {
		for n, v := range x {
			f := float32(slope*v + intercept)
			if d := f - f; d != 0 && !gaps { // NaN and ±Inf alone
				i, j, k := g.Coords(at + n)
				return fmt.Errorf("voxel (%d, %d, %d) is %v: a volume needs finite values", i, j, k, slope*v+intercept)
			}
			values = append(values, f)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &imaging.Volume{Grid: g, Values: values}, nil
}

// Layers reads count label maps on one grid. With leading set the layer index
// runs fastest in the source, otherwise slowest. A label must be a whole
// number from 0 to 2³¹−1.
func Layers(s Source, g imaging.Grid, count int, leading bool, slope, intercept float64) ([][]int32, error) {
	if s.N != g.Len()*count {
		panic("voxels: Layers: length mismatch")
	}
	if s.Bound >= 0 && int64(s.N) > s.Bound/int64(s.Kind.Bytes()) {
		return nil, s.each(nil)
	}
	layers := make([][]int32, count)
	if !leading && s.Bound < 0 {
		for l := range layers {
			layers[l] = []int32{}
		}
	} else {
		for l := range layers {
			layers[l] = grow[int32](&s, g.Len())
		}
	}
	voxels := g.Len()
	err := s.each(func(at int, x []float64) error {
		for n, v := range x {
			l, o := (at+n)/voxels, (at+n)%voxels
			if leading {
				l, o = (at+n)%count, (at+n)/count
			}
			v = slope*v + intercept
			if !(v >= 0 && v <= math.MaxInt32) || v != math.Trunc(v) {
				i, j, k := g.Coords(o)
				return fmt.Errorf("voxel (%d, %d, %d) is %v: a label must be a whole number from 0 up; is this an image instead of a label map?", i, j, k, v)
			}
			layers[l] = append(layers[l], int32(v))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return layers, nil
}

// MaxLabels bounds the different labels of one layer: what has more is an
// image, not a label map.
const MaxLabels = 4096

// Distinct returns the labels of a layer without zero, ascending.
func Distinct(layer []int32) ([]int32, error) {
	seen := map[int32]bool{}
	last := int32(0)
	var labels []int32
	for _, v := range layer {
		if v == last || v == 0 {
			continue
		}
		last = v
		if seen[v] {
			continue
		}
		if len(labels) == MaxLabels {
			return nil, fmt.Errorf("more than %d different labels: is this an image instead of a label map?", MaxLabels)
		}
		seen[v] = true
		labels = append(labels, v)
	}
	slices.Sort(labels)
	return labels, nil
}

// Place returns the grid of the given size whose voxel (i, j, k) lies at
// origin + i·step₀ + j·step₁ + k·step₂, in LPS mm. Axes that are not
// perpendicular stay as they are.
func Place(size [3]int, step [3]r3.Vec, origin r3.Vec) (imaging.Grid, error) {
	g := imaging.Grid{Size: size, Origin: origin}
	for a, s := range step {
		g.Spacing[a] = length(s)
		g.Axes[a] = r3.Vec{X: s.X / g.Spacing[a], Y: s.Y / g.Spacing[a], Z: s.Z / g.Spacing[a]}
	}
	if err := g.Validate(); err != nil {
		return imaging.Grid{}, err
	}
	return g, nil
}

// length is the norm of v, without rounding if v lies along one axis.
func length(v r3.Vec) float64 {
	a, b, c := math.Abs(v.X), math.Abs(v.Y), math.Abs(v.Z)
	switch {
	case b == 0 && c == 0:
		return a
	case a == 0 && c == 0:
		return b
	case a == 0 && b == 0:
		return c
	}
	return math.Hypot(math.Hypot(a, b), c)
}

// LabelKind returns the smallest unsigned or signed kind that holds every
// label of the layers: uint8, int16 or int32.
func LabelKind(layers [][]int32) Kind {
	var most int32
	for _, layer := range layers {
		for _, v := range layer {
			most = max(most, v)
		}
	}
	switch {
	case most <= math.MaxUint8:
		return Uint8
	case most <= math.MaxInt16:
		return Int16
	}
	return Int32
}

// WriteFloats writes x as little-endian float32.
func WriteFloats(w io.Writer, x []float32) error {
	buf := make([]byte, 0, 4*chunk)
	for len(x) > 0 {
		n := min(chunk, len(x))
		buf = buf[:0]
		for _, v := range x[:n] {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		x = x[n:]
	}
	return nil
}

// ErrRange tells that a value is no whole number of 16 bits.
var ErrRange = errors.New("a value is no whole number from -32768 to 32767")

// WriteShorts writes x little-endian as whole numbers of 16 bits, or returns
// [ErrRange].
func WriteShorts(w io.Writer, x []float32) error {
	buf := make([]byte, 2*chunk)
	for len(x) > 0 {
		n := min(chunk, len(x))
		out := buf[:2*n]
		for i, v := range x[:n] {
			whole := int16(int32(v))
			if float32(whole) != v {
				return ErrRange
			}
			binary.LittleEndian.PutUint16(out[2*i:], uint16(whole))
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
		x = x[n:]
	}
	return nil
}

// WriteSlices writes what slices hands out as kind, [Int16] or [Float32], and
// checks that it is the whole of a grid.
func WriteSlices(w io.Writer, g *imaging.Grid, kind Kind, slices Slices) error {
	one := WriteFloats
	if kind == Int16 {
		one = WriteShorts
	}
	n := 0
	err := slices(func(x []float32) error {
		n += len(x)
		return one(w, x)
	})
	if err == nil && n != g.Len() {
		panic("voxels: WriteSlices: other slices than the grid has")
	}
	return err
}

// Slices hands the slices of a volume to a function, in order.
type Slices = func(func(x []float32) error) error

// WriteLayers writes label maps little-endian as kind, the layer index
// fastest.
func WriteLayers(w io.Writer, layers [][]int32, kind Kind) error {
	buf := make([]byte, 0, 4*chunk)
	for i := range layers[0] {
		for _, layer := range layers {
			v := layer[i]
			switch kind {
			case Uint8:
				buf = append(buf, byte(v))
			case Int16:
				buf = binary.LittleEndian.AppendUint16(buf, uint16(v))
			default:
				buf = binary.LittleEndian.AppendUint32(buf, uint32(v))
			}
		}
		if len(buf) > 3*chunk || i == len(layers[0])-1 {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	return nil
}

// slack is the number of bytes after the voxels that are taken for padding.
const slack = 16

// Excess reports data beyond the voxels that the header asks for: they would
// mean that its sizes or skips are wrong and every voxel is misplaced. The
// checksum of compressed data is compared on the way.
func Excess(r io.Reader) error {
	n, err := io.CopyN(io.Discard, r, slack+1)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("after the voxels: %w", err)
	}
	if n > slack {
		return errors.New("the file holds more data than its header asks for: sizes or skips are wrong")
	}
	return nil
}

// GzipBound returns the most bytes that a deflate stream of n bytes can hold:
// a match of 258 bytes costs two bits at least.
func GzipBound(n int64) int64 { return 1032*n + 1024 }
