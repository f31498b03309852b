package nrrd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/internal/voxels"
)

// Bounds of a header, far above what programs write.
const (
	maxLine   = 1 << 20
	maxHeader = 1 << 24
	maxAxes   = 16 // of Teem
)

// header is the text before the voxels.
type header struct {
	fields map[string]string // by canonical name, see aliases
	keys   map[string]string // key:=value
	bytes  int64             // length of the header, blank line included
}

// aliases are the other names of a field.
var aliases = map[string]string{"datafile": "data file", "lineskip": "line skip", "byteskip": "byte skip"}

// readHeader reads up to the blank line that ends a header, or to the end of
// the file.
func readHeader(r *bufio.Reader) (*header, error) {
	h := &header{fields: map[string]string{}, keys: map[string]string{}}
	magic, err := h.line(r)
	if err != nil {
		return nil, err
	}
	if len(magic) != 8 || magic[:4] != "NRRD" || magic[4:] < "0001" || magic[4:] > "0005" {
		return nil, errors.New("not an NRRD file: the first line is not NRRD0001 to NRRD0005")
	}
	for n := 2; ; n++ {
		line, err := h.line(r)
		if errors.Is(err, io.EOF) || err == nil && line == "" {
			return h, nil
		}
		if err != nil {
			return nil, err
		}
		if line[0] == '#' {
			continue
		}
		if k, v, ok := strings.Cut(line, ":="); ok && !strings.Contains(k, ": ") {
			h.keys[unescape(k)] = unescape(v)
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("header line %d is neither a field nor a key: %.60q", n, line)
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if a, ok := aliases[name]; ok {
			name = a
		}
		if _, twice := h.fields[name]; twice {
			return nil, fmt.Errorf("header line %d: field %q stands there twice", n, name)
		}
		h.fields[name] = strings.TrimSpace(value)
		if name == "data file" && (strings.HasPrefix(strings.ToUpper(value), "LIST") || strings.HasPrefix(h.fields[name], "LIST")) {
			return h, nil // file names follow; [header.detached] refuses them
		}
	}
}

// line returns the next line of the header without its end. At the end of the
// file, without any text, the error is io.EOF.
func (h *header) line(r *bufio.Reader) (string, error) {
	var b []byte
	for {
		part, err := r.ReadSlice('\n')
		b = append(b, part...)
		h.bytes += int64(len(part))
		if len(b) > maxLine || h.bytes > maxHeader {
			return "", errors.New("the header is longer than any program writes: not an NRRD file")
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(b) > 0:
			return strings.TrimRight(string(b), "\r\n"), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
	}
}

var (
	escaper   = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	unescaper = strings.NewReplacer(`\\`, `\`, `\n`, "\n")
)

func unescape(s string) string { return unescaper.Replace(s) }

// layout says how numbers become layers of voxels.
type layout struct {
	grid    imaging.Grid
	layers  int
	leading bool // the layer index runs fastest
	kind    voxels.Kind
	order   binary.ByteOrder
}

// kinds maps the names of types.
var kinds = map[string]voxels.Kind{
	"signed char": voxels.Int8, "int8": voxels.Int8, "int8_t": voxels.Int8,
	"uchar": voxels.Uint8, "unsigned char": voxels.Uint8, "uint8": voxels.Uint8, "uint8_t": voxels.Uint8,
	"short": voxels.Int16, "short int": voxels.Int16, "signed short": voxels.Int16, "signed short int": voxels.Int16, "int16": voxels.Int16, "int16_t": voxels.Int16,
	"ushort": voxels.Uint16, "unsigned short": voxels.Uint16, "unsigned short int": voxels.Uint16, "uint16": voxels.Uint16, "uint16_t": voxels.Uint16,
	"int": voxels.Int32, "signed int": voxels.Int32, "int32": voxels.Int32, "int32_t": voxels.Int32,
	"uint": voxels.Uint32, "unsigned int": voxels.Uint32, "uint32": voxels.Uint32, "uint32_t": voxels.Uint32,
	"longlong": voxels.Int64, "long long": voxels.Int64, "long long int": voxels.Int64, "signed long long": voxels.Int64, "signed long long int": voxels.Int64, "int64": voxels.Int64, "int64_t": voxels.Int64,
	"ulonglong": voxels.Uint64, "unsigned long long": voxels.Uint64, "unsigned long long int": voxels.Uint64, "uint64": voxels.Uint64, "uint64_t": voxels.Uint64,
	"float": voxels.Float32, "double": voxels.Float64,
}

// layout reads the fields that describe the array.
func (h *header) layout() (*layout, error) {
	l := &layout{layers: 1, leading: true, order: binary.LittleEndian}
	var ok bool
	if l.kind, ok = kinds[strings.ToLower(h.fields["type"])]; !ok {
		return nil, fmt.Errorf("type %q: not a scalar number", h.fields["type"])
	}
	switch e := strings.ToLower(h.fields["endian"]); {
	case e == "little":
	case e == "big":
		l.order = binary.BigEndian
	case e != "":
		return nil, fmt.Errorf("endian %q: want little or big", e)
	case l.kind.Bytes() > 1 && !h.text():
		return nil, fmt.Errorf("no endian field: numbers of %d bytes need it", l.kind.Bytes())
	}
	axes, err := h.axes()
	if err != nil {
		return nil, err
	}
	// A list axis of length one says nothing. What is left must be three axes
	// in space, with at most one list before or after them.
	list := -1
	var space []axis
	for _, a := range axes {
		switch {
		case a.space:
			space = append(space, a)
		case a.size == 1:
		case list >= 0 || len(space) != 0 && len(space) != 3:
			return nil, errors.New("axes: want three in space and at most one list of layers before or after them")
		default:
			list, l.layers, l.leading = a.size, a.size, len(space) == 0
		}
	}
	if len(space) > 3 { // without directions, nothing tells a fourth axis from space
		for _, a := range space[3:] {
			if a.size != 1 {
				return nil, fmt.Errorf("%d axes in space: more than one image in the file", len(space))
			}
		}
		space = space[:3]
	}
	if len(space) < 3 {
		return nil, fmt.Errorf("%d axes in space: a volume has three", len(space))
	}
	flip, err := h.flip()
	if err != nil {
		return nil, err
	}
	var size [3]int
	var step [3]r3.Vec
	for a := range 3 {
		size[a], step[a] = space[a].size, flip(space[a].step)
	}
	var origin r3.Vec
	if s := h.fields["space origin"]; s != "" {
		v, err := vectors(s)
		if err != nil || len(v) != 1 || v[0] == nil {
			return nil, fmt.Errorf("space origin %q: want (x,y,z)", s)
		}
		origin = flip(*v[0])
	}
	if l.grid, err = voxels.Place(size, step, origin); err != nil {
		return nil, err
	}
	if l.layers > imaging.MaxVoxels/l.grid.Len() {
		return nil, fmt.Errorf("%d layers of %v voxels: more than %d in all", l.layers, size, imaging.MaxVoxels)
	}
	return l, nil
}

// axis is one axis of the array.
type axis struct {
	size  int
	space bool
	step  r3.Vec // in the space of the file
}

// axes reads sizes and what places them.
func (h *header) axes() ([]axis, error) {
	n, err := strconv.Atoi(h.fields["dimension"])
	if err != nil || n < 1 || n > maxAxes {
		return nil, fmt.Errorf("dimension %q: want 1 to %d", h.fields["dimension"], maxAxes)
	}
	axes := make([]axis, n)
	words := strings.Fields(h.fields["sizes"])
	if len(words) != n {
		return nil, fmt.Errorf("sizes %q: want %d numbers", h.fields["sizes"], n)
	}
	for a, w := range words {
		x, err := strconv.Atoi(w)
		if err != nil || x < 1 || x > imaging.MaxVoxels {
			return nil, fmt.Errorf("sizes %q: want numbers from 1 to %d", h.fields["sizes"], imaging.MaxVoxels)
		}
		axes[a].size = x
	}
	if s := h.fields["space directions"]; s != "" {
		v, err := vectors(s)
		if err != nil {
			return nil, fmt.Errorf("space directions: %w", err)
		}
		if len(v) != n {
			return nil, fmt.Errorf("space directions %q: want %d vectors", s, n)
		}
		for a := range axes {
			if v[a] != nil {
				axes[a].space, axes[a].step = true, *v[a]
			}
		}
		return axes, nil
	}
	kind := strings.Fields(strings.ToLower(h.fields["kinds"]))
	if len(kind) != 0 && len(kind) != n {
		return nil, fmt.Errorf("kinds %q: want %d words", h.fields["kinds"], n)
	}
	spacing := strings.Fields(h.fields["spacings"])
	if len(spacing) != 0 && len(spacing) != n {
		return nil, fmt.Errorf("spacings %q: want %d numbers", h.fields["spacings"], n)
	}
	at := 0
	for a := range axes {
		if len(kind) == n && !slices.Contains([]string{"domain", "space", "???"}, kind[a]) {
			continue
		}
		if len(spacing) == 0 {
			return nil, errors.New("neither space directions nor spacings: the size of a voxel is not known")
		}
		x, err := strconv.ParseFloat(spacing[a], 64)
		if err != nil {
			return nil, fmt.Errorf("spacings %q: %w", h.fields["spacings"], err)
		}
		if math.IsNaN(x) { // Teem's way of saying that an axis is not in space
			continue
		}
		axes[a].space = true
		axes[a].step = [4]r3.Vec{{X: x}, {Y: x}, {Z: x}, {}}[min(at, 3)]
		at++
	}
	return axes, nil
}

// flip returns the map from the space of the file to LPS mm.
func (h *header) flip() (func(r3.Vec) r3.Vec, error) {
	scale := r3.Vec{X: 1, Y: 1, Z: 1}
	space, dimension := strings.ToLower(h.fields["space"]), h.fields["space dimension"]
	switch space {
	case "left-posterior-superior", "lps":
	case "right-anterior-superior", "ras":
		scale.X, scale.Y = -1, -1
	case "left-anterior-superior", "las":
		scale.Y = -1
	case "":
		if dimension != "" && dimension != "3" {
			return nil, fmt.Errorf("space dimension %q: want 3", dimension)
		}
	default:
		return nil, fmt.Errorf("space %q: says nothing about the patient, or has a time axis; want LPS, RAS or LAS", h.fields["space"])
	}
	units, err := quoted(h.fields["space units"])
	if err != nil || len(units) != 0 && len(units) != 3 {
		return nil, fmt.Errorf("space units %q: want three words in quotes", h.fields["space units"])
	}
	for a, u := range units {
		var mm float64
		switch strings.ToLower(u) {
		case "mm", "millimeter", "millimeters", "millimetre", "millimetres", "":
			mm = 1
		case "m":
			mm = 1000
		case "cm":
			mm = 10
		case "um", "µm", "micron", "microns":
			mm = 0.001
		default:
			return nil, fmt.Errorf("space units %q: not a known unit of length", u)
		}
		*[3]*float64{&scale.X, &scale.Y, &scale.Z}[a] *= mm
	}
	return func(v r3.Vec) r3.Vec {
		return r3.Vec{X: v.X*scale.X + 0, Y: v.Y*scale.Y + 0, Z: v.Z*scale.Z + 0} // + 0 makes −0 zero
	}, nil
}

// quoted splits `"mm" "mm" "mm"`.
func quoted(s string) ([]string, error) {
	var words []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if s[0] != '"' {
			return nil, errors.New("no quote")
		}
		word, rest, ok := strings.Cut(s[1:], `"`)
		if !ok {
			return nil, errors.New("no end of quote")
		}
		words, s = append(words, word), rest
	}
	return words, nil
}

// vectors splits `(1,0,0) none (0,1,0)`; none is nil.
func vectors(s string) ([]*r3.Vec, error) {
	var out []*r3.Vec
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if rest, ok := strings.CutPrefix(s, "none"); ok {
			out, s = append(out, nil), rest
			continue
		}
		body, rest, ok := strings.Cut(s, ")")
		parts := strings.Split(strings.TrimPrefix(body, "("), ",")
		if !ok || !strings.HasPrefix(body, "(") || len(parts) != 3 {
			return nil, fmt.Errorf("%.60q: want (x,y,z), a direction in three dimensions, or none; store a single slice as a stack of one, a time point by itself", s)
		}
		var x [3]float64
		for n, p := range parts {
			v, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("%.60q: want three finite numbers", s)
			}
			x[n] = v
		}
		out, s = append(out, &r3.Vec{X: x[0], Y: x[1], Z: x[2]}), rest
	}
	return out, nil
}
