package mha

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/internal/voxels"
)

// Bounds of a header, far above what programs write.
const (
	maxLine   = 1 << 16
	maxHeader = 1 << 20
	maxAxes   = 10 // of MetaIO
)

// header is the text before the voxels.
type header struct {
	fields map[string]string // by canonical key, see aliases
	bytes  int64             // length of the header
}

// aliases are the other keys that MetaIO knows for a field.
var aliases = map[string]string{
	"Position": "Offset", "Origin": "Offset",
	"Rotation": "TransformMatrix", "Orientation": "TransformMatrix",
	"ElementByteOrderMSB": "BinaryDataByteOrderMSB",
}

// dataKey is the last key of every header: the voxels, or the name of their
// file, follow.
const dataKey = "ElementDataFile"

// readHeader reads up to the line that names the data file.
func readHeader(r *bufio.Reader) (*header, error) {
	h := &header{fields: map[string]string{}}
	for n := 1; ; n++ {
		line, err := h.line(r)
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("the header ends without %s: not a MetaImage, or cut off", dataKey)
		}
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		at := strings.IndexAny(line, "=:")
		if at < 0 {
			return nil, fmt.Errorf("header line %d is not of the form key = value: %.60q", n, line)
		}
		key, value := strings.TrimSpace(line[:at]), strings.TrimSpace(line[at+1:])
		if a, ok := aliases[key]; ok {
			key = a
		}
		if _, twice := h.fields[key]; twice {
			return nil, fmt.Errorf("header line %d: %s stands there twice", n, key)
		}
		h.fields[key] = value
		if key == dataKey {
			return h, nil
		}
	}
}

// line returns the next line without its end.
func (h *header) line(r *bufio.Reader) (string, error) {
	var b []byte
	for {
		part, err := r.ReadSlice('\n')
		b = append(b, part...)
		h.bytes += int64(len(part))
		if len(b) > maxLine || h.bytes > maxHeader {
			return "", errors.New("the header is longer than any program writes: not a MetaImage")
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(b) > 0:
			return strings.TrimRight(string(b), "\r\n"), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
	}
}

// layout says how numbers become voxels.
type layout struct {
	grid  imaging.Grid
	kind  voxels.Kind
	order binary.ByteOrder
}

// kinds maps the names of types. A long has four bytes on every computer.
var kinds = map[string]voxels.Kind{
	"MET_CHAR": voxels.Int8, "MET_UCHAR": voxels.Uint8,
	"MET_SHORT": voxels.Int16, "MET_USHORT": voxels.Uint16,
	"MET_INT": voxels.Int32, "MET_UINT": voxels.Uint32,
	"MET_LONG": voxels.Int32, "MET_ULONG": voxels.Uint32,
	"MET_LONG_LONG": voxels.Int64, "MET_ULONG_LONG": voxels.Uint64,
	"MET_FLOAT": voxels.Float32, "MET_DOUBLE": voxels.Float64,
}

// layout reads the fields that describe the array.
func (h *header) layout() (*layout, error) {
	if t, ok := h.fields["ObjectType"]; ok && !strings.EqualFold(t, "Image") {
		return nil, fmt.Errorf("ObjectType %q: want Image", t)
	}
	channels, err := h.integer("ElementNumberOfChannels", 1)
	if err != nil {
		return nil, err
	}
	if channels != 1 {
		return nil, fmt.Errorf("ElementNumberOfChannels %d: a volume has one value per voxel", channels)
	}
	slope, err1 := h.numbers("ElementToIntensityFunctionSlope", 1, []float64{1})
	shift, err2 := h.numbers("ElementToIntensityFunctionOffset", 1, []float64{0})
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if slope[0] != 1 || shift[0] != 0 {
		return nil, fmt.Errorf("ElementToIntensityFunctionSlope %g, Offset %g: programs do not agree on whether they count (ITK ignores them); write the intensities themselves", slope[0], shift[0])
	}
	l := &layout{order: binary.LittleEndian}
	var ok bool
	if l.kind, ok = kinds[h.fields["ElementType"]]; !ok {
		return nil, fmt.Errorf("ElementType %q: not a scalar number", h.fields["ElementType"])
	}
	msb, err := h.flag("BinaryDataByteOrderMSB", false)
	if err != nil {
		return nil, err
	}
	if msb {
		l.order = binary.BigEndian
	}
	l.grid, err = h.grid()
	return l, err
}

// grid places the voxels. Axes beyond the third must have length one.
func (h *header) grid() (g imaging.Grid, err error) {
	n, err := strconv.Atoi(h.fields["NDims"])
	if err != nil || n < 1 || n > maxAxes {
		return g, fmt.Errorf("NDims %q: want 3", h.fields["NDims"])
	}
	if n < 3 {
		return g, fmt.Errorf("NDims %d: a volume has three axes; store a single slice as a stack of one, a time point by itself", n)
	}
	dims, err := h.numbers("DimSize", n, nil)
	if err != nil {
		return g, err
	}
	var size [3]int
	for a, x := range dims {
		switch {
		case !(x >= 1 && x <= imaging.MaxVoxels) || x != math.Trunc(x):
			return g, fmt.Errorf("DimSize %q: want whole numbers from 1 to %d", h.fields["DimSize"], imaging.MaxVoxels)
		case a < 3:
			size[a] = int(x)
		case x != 1:
			return g, fmt.Errorf("DimSize %q: more than one image in the file", h.fields["DimSize"])
		}
	}
	key := "ElementSpacing"
	if _, ok := h.fields[key]; !ok {
		key = "ElementSize"
	}
	if _, ok := h.fields[key]; !ok {
		return g, errors.New("neither ElementSpacing nor ElementSize: the size of a voxel is not known")
	}
	spacing, err := h.numbers(key, n, nil)
	if err != nil {
		return g, err
	}
	for a := range 3 {
		if !(spacing[a] > 0) {
			return g, fmt.Errorf("%s %q: want numbers above zero", key, h.fields[key])
		}
	}
	offset, err := h.numbers("Offset", n, make([]float64, n))
	if err != nil {
		return g, err
	}
	identity := make([]float64, n*n)
	for a := range n {
		identity[a*n+a] = 1
	}
	matrix, err := h.numbers("TransformMatrix", n*n, identity)
	if err != nil {
		return g, err
	}
	for a := range 3 { // what leads out of space must not
		for b := 3; b < n; b++ {
			if matrix[a*n+b] != 0 || matrix[b*n+a] != 0 {
				return g, errors.New("TransformMatrix mixes the three axes of space with others")
			}
		}
	}
	var step [3]r3.Vec
	for a := range 3 {
		step[a] = r3.Scale(spacing[a], vector(matrix[a*n:]))
	}
	return voxels.Place(size, step, vector(offset))
}

// vector returns the first three numbers of x; −0 becomes zero.
func vector(x []float64) r3.Vec { return r3.Vec{X: x[0] + 0, Y: x[1] + 0, Z: x[2] + 0} }

// numbers returns the n finite numbers of a field, or otherwise if the field is
// not there.
func (h *header) numbers(key string, n int, otherwise []float64) ([]float64, error) {
	text, ok := h.fields[key]
	if !ok && otherwise != nil {
		return otherwise, nil
	}
	words := strings.Fields(text)
	if len(words) != n {
		return nil, fmt.Errorf("%s %q: want %d numbers", key, text, n)
	}
	x := make([]float64, n)
	for i, w := range words {
		var err error
		if x[i], err = strconv.ParseFloat(w, 64); err != nil || math.IsNaN(x[i]) || math.IsInf(x[i], 0) {
			return nil, fmt.Errorf("%s %q: %q is not a finite number", key, text, w)
		}
	}
	return x, nil
}

// integer returns a field that is one whole number.
func (h *header) integer(key string, otherwise int64) (int64, error) {
	text, ok := h.fields[key]
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s %q: want a whole number", key, text)
	}
	return n, nil
}

// flag returns a field that is True or False.
func (h *header) flag(key string, otherwise bool) (bool, error) {
	switch text := strings.ToLower(h.fields[key]); text {
	case "":
		return otherwise, nil
	case "true", "t", "1":
		return true, nil
	case "false", "f", "0":
		return false, nil
	default:
		return false, fmt.Errorf("%s %q: want True or False", key, h.fields[key])
	}
}
