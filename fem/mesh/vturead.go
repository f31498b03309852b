package mesh

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
)

// maxVTU bounds a VTU file, bytes.
const maxVTU = 2 << 30

// ReadVTU reads an unstructured grid in VTK's XML format: text, base64 inline or
// appended, raw appended, each plain or compressed by zlib. Volume cells become
// elements; surface cells become sides of the cells behind them.
//
// Integer arrays make sets. An array of zeros and ones is a set under its own
// name, of the cells, sides or nodes that are one. Other arrays on surface cells
// and nodes make a set "name=value" for each value but zero, and those on volume
// cells become cell data.
func ReadVTU(r io.Reader) (*Solid, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxVTU+1))
	if err != nil {
		return nil, fmt.Errorf("vtu: %w", err)
	}
	if len(text) > maxVTU {
		return nil, fmt.Errorf("vtu: more than %d bytes", maxVTU)
	}
	v := &vtuFile{order: binary.LittleEndian, head: 4}
	if at := bytes.Index(text, []byte("<AppendedData")); at >= 0 {
		v.appended = text[at:]
		tag, data, ok := bytes.Cut(v.appended, []byte{'>'})
		_, data, ok2 := bytes.Cut(data, []byte{'_'})
		if !ok || !ok2 {
			return nil, errors.New("vtu: AppendedData has no data after an underscore")
		}
		v.raw = bytes.Contains(tag, []byte(`"raw"`))
		v.appended, text = data, text[:at]
	}
	if err := v.parse(text); err != nil {
		return nil, fmt.Errorf("vtu: %w", err)
	}
	s, err := v.build()
	if err != nil {
		return nil, fmt.Errorf("vtu: %w", err)
	}
	return s, nil
}

// vtuFile is the state of reading.
type vtuFile struct {
	order          binary.ByteOrder
	head           int // bytes of a header integer
	zlib           bool
	appended       []byte
	raw            bool
	points         int
	cells          int
	pieces         int
	xyz            []float64
	conn, ends, ty []int64
	pointData      []vtuArray
	cellData       []vtuArray
}

type vtuArray struct {
	name   string
	values []int64
}

func (v *vtuFile) parse(text []byte) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.Strict = false
	var where string
	seen := false
	for {
		tok, err := d.Token()
		if err != nil {
			var syntax *xml.SyntaxError
			if err == io.EOF || v.appended != nil && errors.As(err, &syntax) { // cut off before the appended data
				break
			}
			return err
		}
		el, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		switch el.Name.Local {
		case "VTKFile":
			seen = true
			if t := attr(el, "type"); t != "UnstructuredGrid" {
				return fmt.Errorf("holds a %.40q, want an UnstructuredGrid", t)
			}
			if attr(el, "byte_order") == "BigEndian" {
				v.order = binary.BigEndian
			}
			if attr(el, "header_type") == "UInt64" {
				v.head = 8
			}
			switch c := attr(el, "compressor"); c {
			case "":
			case "vtkZLibDataCompressor":
				v.zlib = true
			default:
				return fmt.Errorf("compressor %.40q is not read: use vtkZLibDataCompressor or none", c)
			}
		case "Piece":
			if v.pieces++; v.pieces > 1 {
				return errors.New("holds more than one piece: merge them")
			}
			if v.points, err = strconv.Atoi(attr(el, "NumberOfPoints")); err != nil || v.points < 0 || v.points > math.MaxInt32 {
				return fmt.Errorf("NumberOfPoints is %.40q", attr(el, "NumberOfPoints"))
			}
			if v.cells, err = strconv.Atoi(attr(el, "NumberOfCells")); err != nil || v.cells < 0 || v.cells > math.MaxInt32 {
				return fmt.Errorf("NumberOfCells is %.40q", attr(el, "NumberOfCells"))
			}
		case "Points", "Cells", "PointData", "CellData", "FieldData":
			where = el.Name.Local
		case "DataArray":
			var content struct {
				Text []byte `xml:",chardata"`
			}
			if attr(el, "format") != "appended" {
				if err := d.DecodeElement(&content, &el); err != nil {
					return err
				}
			}
			if err := v.array(where, el, content.Text); err != nil {
				return fmt.Errorf("array %.60q of %s: %w", attr(el, "Name"), where, err)
			}
		}
	}
	if !seen {
		return errors.New("no VTKFile element: this is no VTU file")
	}
	return nil
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// array keeps what is needed of an array.
func (v *vtuFile) array(where string, el xml.StartElement, text []byte) error {
	kind, name := attr(el, "type"), attr(el, "Name")
	components := 1
	if c := attr(el, "NumberOfComponents"); c != "" {
		var err error
		if components, err = strconv.Atoi(c); err != nil || components < 0 {
			return fmt.Errorf("NumberOfComponents is %.40q", c)
		}
	}
	whole := !strings.HasPrefix(kind, "Float")
	switch where {
	case "Points":
		raw, err := v.numbers(el, text, 3*v.points)
		if err != nil {
			return err
		}
		v.xyz = raw.floats
		if whole {
			v.xyz = make([]float64, len(raw.ints))
			for n, i := range raw.ints {
				v.xyz[n] = float64(i)
			}
		}
	case "Cells":
		want := v.cells
		if name == "connectivity" {
			want = -1
		} else if name != "offsets" && name != "types" {
			return nil
		}
		if !whole {
			return fmt.Errorf("is of type %.20s", kind)
		}
		raw, err := v.numbers(el, text, want)
		if err != nil {
			return err
		}
		switch name {
		case "connectivity":
			v.conn = raw.ints
		case "offsets":
			v.ends = raw.ints
		default:
			v.ty = raw.ints
		}
	case "PointData", "CellData":
		if !whole || components != 1 || name == "" {
			return nil
		}
		into, want := &v.cellData, v.cells
		if where == "PointData" {
			into, want = &v.pointData, v.points
		}
		raw, err := v.numbers(el, text, want)
		if err != nil {
			return err
		}
		*into = append(*into, vtuArray{name, raw.ints})
	}
	return nil
}

// numbers are the values of an array, in floats or ints by its type.
type numbers struct {
	floats []float64
	ints   []int64
}

// numbers reads want values; −1 for as many as there are.
func (v *vtuFile) numbers(el xml.StartElement, text []byte, want int) (n numbers, err error) {
	kind := attr(el, "type")
	size := map[string]int{"Int8": 1, "UInt8": 1, "Int16": 2, "UInt16": 2, "Int32": 4, "UInt32": 4, "Int64": 8, "UInt64": 8, "Float32": 4, "Float64": 8}[kind]
	if size == 0 {
		return n, fmt.Errorf("type %.20q is not known", kind)
	}
	var data []byte
	switch format := attr(el, "format"); format {
	case "ascii":
		for f := range bytes.FieldsSeq(text) {
			if strings.HasPrefix(kind, "Float") {
				x, err := strconv.ParseFloat(string(f), 64)
				if err != nil {
					return n, fmt.Errorf("%.20q where a number should stand", f)
				}
				n.floats = append(n.floats, x)
				continue
			}
			x, err := strconv.ParseInt(string(f), 10, 64)
			if err != nil {
				return n, fmt.Errorf("%.20q where a whole number should stand", f)
			}
			n.ints = append(n.ints, x)
		}
		if got := len(n.floats) + len(n.ints); want >= 0 && got != want {
			return n, fmt.Errorf("has %d values, want %d", got, want)
		}
		return n, nil
	case "binary":
		data, err = v.block(&quads{src: text}, want*size)
	case "appended":
		at, aerr := strconv.Atoi(attr(el, "offset"))
		if aerr != nil || at < 0 || at > len(v.appended) {
			return n, fmt.Errorf("its data start at %.40q of %d bytes", attr(el, "offset"), len(v.appended))
		}
		if v.raw {
			data, err = v.block(bytes.NewReader(v.appended[at:]), want*size)
		} else {
			data, err = v.block(&quads{src: v.appended[at:]}, want*size)
		}
	default:
		return n, fmt.Errorf("format %.20q is not known", format)
	}
	if err != nil {
		return n, err
	}
	if want >= 0 && len(data) != want*size || len(data)%size != 0 {
		return n, fmt.Errorf("has %d bytes, want %d values of %d", len(data), want, size)
	}
	for ; len(data) > 0; data = data[size:] {
		switch kind {
		case "Float32":
			n.floats = append(n.floats, float64(math.Float32frombits(v.order.Uint32(data))))
		case "Float64":
			n.floats = append(n.floats, math.Float64frombits(v.order.Uint64(data)))
		case "Int8":
			n.ints = append(n.ints, int64(int8(data[0])))
		case "UInt8":
			n.ints = append(n.ints, int64(data[0]))
		case "Int16":
			n.ints = append(n.ints, int64(int16(v.order.Uint16(data))))
		case "UInt16":
			n.ints = append(n.ints, int64(v.order.Uint16(data)))
		case "Int32":
			n.ints = append(n.ints, int64(int32(v.order.Uint32(data))))
		case "UInt32":
			n.ints = append(n.ints, int64(v.order.Uint32(data)))
		default:
			n.ints = append(n.ints, int64(v.order.Uint64(data)))
		}
	}
	return n, nil
}

// block reads one block of data with its header: the length, or for compressed
// data the number of blocks, their size, that of the last one and the compressed
// sizes.
func (v *vtuFile) block(r io.Reader, want int) ([]byte, error) {
	header := func() (int, error) {
		var b [8]byte
		if _, err := io.ReadFull(r, b[:v.head]); err != nil {
			return 0, fmt.Errorf("its header is cut off")
		}
		n := uint64(v.order.Uint32(b[:]))
		if v.head == 8 {
			n = v.order.Uint64(b[:])
		}
		if n > maxVTU {
			return 0, fmt.Errorf("its header claims %d bytes", n)
		}
		return int(n), nil
	}
	n, err := header()
	if err != nil {
		return nil, err
	}
	if !v.zlib {
		data, err := io.ReadAll(io.LimitReader(r, int64(n)))
		if err == nil && len(data) < n {
			err = fmt.Errorf("holds %d bytes of %d", len(data), n)
		}
		return data, err
	}
	size, err := header()
	if err != nil {
		return nil, err
	}
	if _, err := header(); err != nil { // of the last block: the stream says it
		return nil, err
	}
	if want < 0 {
		want = maxVTU
	}
	var packed []int
	for range n {
		c, err := header()
		if err != nil {
			return nil, err
		}
		packed = append(packed, c)
	}
	var out []byte
	for _, c := range packed {
		block := make([]byte, 0, min(c, 1<<20))
		if block, err = appendAll(block, io.LimitReader(r, int64(c))); err != nil {
			return nil, err
		}
		z, err := zlib.NewReader(bytes.NewReader(block))
		if err != nil {
			return nil, err
		}
		if out, err = appendAll(out, io.LimitReader(z, int64(size)+1)); err != nil {
			return nil, err
		}
		if len(out) > want {
			return nil, fmt.Errorf("holds more than %d bytes", want)
		}
	}
	return out, nil
}

// appendAll appends what r holds to b.
func appendAll(b []byte, r io.Reader) ([]byte, error) {
	w := bytes.NewBuffer(b)
	_, err := w.ReadFrom(r)
	return w.Bytes(), err
}

// quads decodes base64 four letters at a time, so that pieces that were padded
// each by itself may follow one another.
type quads struct {
	src  []byte
	left []byte
	buf  [3]byte
}

func (q *quads) Read(p []byte) (int, error) {
	if len(q.left) == 0 {
		var four [4]byte
		for n := 0; n < 4; q.src = q.src[1:] {
			if len(q.src) == 0 {
				return 0, io.EOF
			}
			if c := q.src[0]; c > ' ' {
				four[n] = c
				n++
			}
		}
		n, err := base64.StdEncoding.Decode(q.buf[:], four[:])
		if err != nil {
			return 0, fmt.Errorf("%q is no base64", four[:])
		}
		q.left = q.buf[:n]
	}
	n := copy(p, q.left)
	q.left = q.left[n:]
	return n, nil
}

// vtkVolumes and vtkSurfaces are VTK's cell types: ours, and how many nodes are
// taken of how many.
var vtkVolumes = map[int64]struct {
	t     element.Type
	nodes int
}{
	10: {element.Tetra4, 4}, 12: {element.Brick8, 8}, 11: {element.Brick8, 8},
	24: {element.Tetra10, 10}, 25: {element.Brick20, 20}, 29: {element.Brick20, 27},
}

// corners of surface cells: triangle, quadrilateral, pixel, their quadratic kin.
var vtkSurfaces = map[int64]int{5: 3, 9: 4, 8: 4, 22: 3, 23: 4, 28: 4, 34: 3}

// vtkOther names cells that are not solved.
var vtkOther = map[int64]string{7: "polygon", 13: "wedge", 14: "pyramid", 26: "wedge", 27: "pyramid", 42: "polyhedron"}

// vtkType is the inverse of vtkVolumes.
var vtkType = [element.NumTypes]byte{element.Brick8: 12, element.Brick20: 25, element.Tetra4: 10, element.Tetra10: 24}

func (v *vtuFile) build() (*Solid, error) {
	if len(v.xyz) != 3*v.points || len(v.ends) != v.cells || len(v.ty) != v.cells {
		return nil, errors.New("points, offsets or types of cells are missing")
	}
	points := make([]r3.Vec, v.points)
	for n := range points {
		points[n] = r3.Vec{X: v.xyz[3*n], Y: v.xyz[3*n+1], Z: v.xyz[3*n+2]}
	}
	b := newBuilder(points)
	volumes, surfaces := make([]int32, v.cells), map[int][]int32{} // cell number; corners
	from := int64(0)
	for c, end := range v.ends {
		volumes[c] = -1
		if end < from || end > int64(len(v.conn)) {
			return nil, fmt.Errorf("cell %d ends at %d of %d nodes", c, end, len(v.conn))
		}
		nodes := make([]int32, 0, end-from)
		for _, n := range v.conn[from:end] {
			if n < 0 || n >= int64(v.points) {
				return nil, fmt.Errorf("cell %d names point %d of %d", c, n, v.points)
			}
			nodes = append(nodes, int32(n))
		}
		from = end
		if k, ok := vtkSurfaces[v.ty[c]]; ok && len(nodes) >= k {
			surfaces[c] = nodes[:k]
			continue
		}
		k, ok := vtkVolumes[v.ty[c]]
		switch {
		case ok && len(nodes) == k.nodes:
			if v.ty[c] == 11 { // a voxel counts by rows
				nodes[2], nodes[3], nodes[6], nodes[7] = nodes[3], nodes[2], nodes[7], nodes[6]
			}
			if k.nodes > k.t.Nodes() {
				b.drop("middles of faces and cells of bricks with 27 nodes")
			}
			volumes[c] = b.cell(k.t, nodes[:k.t.Nodes()])
		case v.ty[c] <= 4 || v.ty[c] == 21: // points and lines
			b.drop("points and lines")
		default:
			name := vtkOther[v.ty[c]]
			if name == "" {
				name = "cell"
			}
			return nil, fmt.Errorf("cell %d is a %s of %d nodes (VTK's type %d): only hexahedra and tetrahedra are solved", c, name, len(nodes), v.ty[c])
		}
	}
	v.sets(b, volumes, surfaces)
	return b.finish()
}

// maxValues bounds the sets that one array makes.
const maxValues = 1000

// sets makes sets and cell data of the integer arrays.
func (v *vtuFile) sets(b *builder, volumes []int32, surfaces map[int][]int32) {
	for _, a := range v.cellData {
		mask := isMask(a.values)
		data := CellData{Name: a.name, Values: make([]int32, b.Cells())}
		values := map[int64]bool{}
		for c, x := range a.values {
			if volumes[c] >= 0 {
				data.Values[volumes[c]] = int32(min(max(x, math.MinInt32), math.MaxInt32))
				if mask && x == 1 {
					s := b.SetOf(a.name)
					s.Cells = append(s.Cells, volumes[c])
				}
			} else if corners, ok := surfaces[c]; ok && x != 0 {
				name := a.name
				if !mask {
					name += "=" + strconv.FormatInt(x, 10)
					if values[x] = true; len(values) > maxValues {
						b.drop("surface sets of array " + a.name + ": too many values")
						continue
					}
				}
				b.lower(name, 2, corners, len(corners))
			}
		}
		b.Data = append(b.Data, data)
	}
	for _, a := range v.pointData {
		mask := isMask(a.values)
		values := map[int64]bool{}
		for n, x := range a.values {
			if x == 0 {
				continue
			}
			name := a.name
			if !mask {
				name += "=" + strconv.FormatInt(x, 10)
				if values[x] = true; len(values) > maxValues {
					b.drop("node sets of array " + a.name + ": too many values")
					break
				}
			}
			b.lower(name, 0, []int32{int32(n)}, 0)
		}
	}
}

// isMask tells whether values are zeros and ones, with a one.
func isMask(values []int64) bool {
	return slices.Contains(values, 1) && !slices.ContainsFunc(values, func(x int64) bool { return x != 0 && x != 1 })
}
