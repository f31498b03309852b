package mesh

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
)

// gmshNodes is the number of nodes of Gmsh's element types that are known.
var gmshNodes = map[int]int{1: 2, 2: 3, 3: 4, 4: 4, 5: 8, 6: 6, 7: 5, 8: 3, 9: 6, 10: 9, 11: 10, 12: 27, 13: 18, 14: 14, 15: 1, 16: 8, 17: 20, 18: 15, 19: 13}

// gmshOther names the volume elements that are not solved.
func gmshOther(kind int) string {
	switch kind {
	case 6, 13, 18:
		return "wedges"
	case 7, 14, 19:
		return "pyramids"
	}
	return "volume elements"
}

// gmshDim returns the dimension of an element type.
func gmshDim(kind int) int {
	switch kind {
	case 15:
		return 0
	case 1, 8:
		return 1
	case 2, 3, 9, 10, 16:
		return 2
	}
	return 3
}

// Orders of nodes: position in VTK's order of each node in Gmsh's.
var (
	gmshTetra10 = []int{0, 1, 2, 3, 4, 5, 6, 7, 9, 8}
	gmshBrick20 = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 9, 17, 10, 18, 19, 12, 15, 13, 14}
)

// ReadGmsh reads a mesh in Gmsh's format 4.1, ASCII or binary
// (https://gmsh.info/doc/texinfo/gmsh.html#MSH-file-format). Physical groups
// become sets, under their name or, without one, their number: volumes as cells,
// surfaces as sides of cells, curves and points as nodes. Without any physical
// group, each volume and surface of the model is a set named by its tag, "volume
// 1" and "surface 1". Cells also carry the number of their physical volume as the
// data "physical", and that of the model as "entity".
//
// Second order bricks of 27 nodes lose the middles of faces and of the cell.
func ReadGmsh(r io.Reader) (*Solid, error) {
	g := &gmsh{in: newBounded(r), names: map[[2]int]string{}, physical: map[[2]int][]int{}}
	if err := g.read(); err != nil {
		return nil, fmt.Errorf("gmsh: line %d: %w", g.in.line, err)
	}
	s, err := g.build()
	if err != nil {
		return nil, fmt.Errorf("gmsh: %w", err)
	}
	return s, nil
}

// gmsh is the state of reading.
type gmsh struct {
	in       *bounded
	binary   bool
	order    binary.ByteOrder
	names    map[[2]int]string // of physical groups: dimension, tag
	physical map[[2]int][]int  // physical tags of an entity: dimension, tag
	tags     []int             // of nodes
	points   []r3.Vec
	blocks   []gmshBlock
}

// gmshBlock are elements of one entity and type.
type gmshBlock struct {
	dim, entity, kind int
	nodes             []int // tags
}

func (g *gmsh) read() error {
	head, err := g.in.textLine()
	if err != nil || head != "$MeshFormat" {
		return fmt.Errorf("does not start with $MeshFormat: this is no Gmsh mesh")
	}
	if head, err = g.in.textLine(); err != nil {
		return err
	}
	f := strings.Fields(head)
	if len(f) != 3 || f[0] != "4.1" {
		return fmt.Errorf("format %q: only 4.1 is read; save as \"Version 4\" (Mesh.MshFileVersion = 4.1)", head)
	}
	if f[2] != "8" {
		return fmt.Errorf("data size %s: only 8 is read", f[2])
	}
	if g.binary = f[1] == "1"; g.binary {
		var one [4]byte
		if err := g.in.full(one[:]); err != nil {
			return err
		}
		g.order = binary.LittleEndian
		if one[0] == 0 {
			g.order = binary.BigEndian
		}
		if g.order.Uint32(one[:]) != 1 {
			return fmt.Errorf("the byte order mark is %v", one)
		}
	}
	for {
		line, err := g.in.textLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch line {
		case "", "$EndMeshFormat":
		case "$PhysicalNames":
			err = g.readNames()
		case "$Entities":
			err = g.readEntities()
		case "$Nodes":
			err = g.readNodes()
		case "$Elements":
			err = g.readElements()
		default:
			if strings.HasPrefix(line, "$End") {
				continue
			}
			if !strings.HasPrefix(line, "$") {
				return fmt.Errorf("%.40q where a section should start", line)
			}
			err = g.in.skipTo("$End" + line[1:])
		}
		if err != nil {
			return fmt.Errorf("%.40s: %w", line, err)
		}
	}
}

func (g *gmsh) readNames() error {
	n, err := g.in.textInt()
	if err != nil {
		return err
	}
	for range n {
		line, err := g.in.textLine()
		if err != nil {
			return err
		}
		var dim, tag int
		if _, err := fmt.Sscan(line, &dim, &tag); err != nil {
			return err
		}
		a, b := strings.IndexByte(line, '"'), strings.LastIndexByte(line, '"')
		if a < 0 || b <= a {
			return fmt.Errorf("%.60q has no name in quotes", line)
		}
		g.names[[2]int{dim, tag}] = line[a+1 : b]
	}
	return nil
}

// Numbers in the file: int and size_t, double.
func (g *gmsh) int() (int, error) {
	if !g.binary {
		return g.in.textInt()
	}
	var b [4]byte
	err := g.in.full(b[:])
	return int(int32(g.order.Uint32(b[:]))), err
}

func (g *gmsh) size() (int, error) {
	if !g.binary {
		n, err := g.in.textInt()
		if err == nil && n < 0 {
			err = fmt.Errorf("%d where a count or tag should stand", n)
		}
		return n, err
	}
	var b [8]byte
	err := g.in.full(b[:])
	v := g.order.Uint64(b[:])
	if err == nil && v > 1<<40 {
		err = fmt.Errorf("%d where a count or tag should stand", v)
	}
	return int(v), err
}

func (g *gmsh) float() (float64, error) {
	if !g.binary {
		return g.in.textFloat()
	}
	var b [8]byte
	err := g.in.full(b[:])
	return math.Float64frombits(g.order.Uint64(b[:])), err
}

// sizes reads n counts or tags.
func (g *gmsh) sizes(n int) (v []int, err error) {
	for range n {
		x, err := g.size()
		if err != nil {
			return nil, err
		}
		v = append(v, x)
	}
	return v, nil
}

func (g *gmsh) readEntities() error {
	count, err := g.sizes(4)
	if err != nil {
		return err
	}
	for dim, n := range count {
		for range n {
			tag, err := g.int()
			if err != nil {
				return err
			}
			corners := 6
			if dim == 0 {
				corners = 3
			}
			for range corners {
				if _, err := g.float(); err != nil {
					return err
				}
			}
			n, err := g.size()
			if err != nil {
				return err
			}
			for range n {
				p, err := g.int()
				if err != nil {
					return err
				}
				k := [2]int{dim, tag}
				g.physical[k] = append(g.physical[k], p)
			}
			if dim == 0 {
				continue
			}
			if n, err = g.size(); err != nil {
				return err
			}
			for range n {
				if _, err := g.int(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (g *gmsh) readNodes() error {
	head, err := g.sizes(4)
	if err != nil {
		return err
	}
	for range head[0] {
		var dim, parametric int
		if dim, err = g.int(); err != nil {
			return err
		}
		if _, err = g.int(); err != nil {
			return err
		}
		if parametric, err = g.int(); err != nil {
			return err
		}
		n, err := g.size()
		if err != nil {
			return err
		}
		for range n {
			tag, err := g.size()
			if err != nil {
				return err
			}
			g.tags = append(g.tags, tag)
		}
		more := 0
		if parametric != 0 {
			more = dim
		}
		for range n {
			var x [3]float64
			for i := range 3 + more {
				v, err := g.float()
				if err != nil {
					return err
				}
				if i < 3 {
					x[i] = v
				}
			}
			g.points = append(g.points, r3.Vec{X: x[0], Y: x[1], Z: x[2]})
		}
	}
	return nil
}

func (g *gmsh) readElements() error {
	head, err := g.sizes(4)
	if err != nil {
		return err
	}
	for range head[0] {
		var b gmshBlock
		for _, p := range []*int{&b.dim, &b.entity, &b.kind} {
			if *p, err = g.int(); err != nil {
				return err
			}
		}
		count, err := g.size()
		if err != nil {
			return err
		}
		n, ok := gmshNodes[b.kind]
		if !ok {
			return fmt.Errorf("element type %d is not known", b.kind)
		}
		b.dim = gmshDim(b.kind)
		for range count {
			v, err := g.sizes(n + 1)
			if err != nil {
				return err
			}
			b.nodes = append(b.nodes, v[1:]...)
		}
		g.blocks = append(g.blocks, b)
	}
	return nil
}

// build makes the mesh.
func (g *gmsh) build() (*Solid, error) {
	at := make(map[int]int32, len(g.tags))
	for n, tag := range g.tags {
		if _, twice := at[tag]; twice {
			return nil, fmt.Errorf("node %d is given twice", tag)
		}
		at[tag] = int32(n)
	}
	b := newBuilder(g.points)
	physical, entity := CellData{Name: "physical"}, CellData{Name: "entity"}
	var flat []gmshBlock
	for _, block := range g.blocks {
		if block.dim < 3 {
			flat = append(flat, block)
			continue
		}
		var t element.Type
		order := []int(nil)
		switch block.kind {
		case 4:
			t = element.Tetra4
		case 5:
			t = element.Brick8
		case 11:
			t, order = element.Tetra10, gmshTetra10
		case 12, 17:
			t, order = element.Brick20, gmshBrick20
			if block.kind == 12 {
				b.drop("middles of faces and cells of bricks with 27 nodes")
			}
		default:
			return nil, fmt.Errorf("%s of %d nodes (Gmsh's type %d): only hexahedra and tetrahedra are solved", gmshOther(block.kind), gmshNodes[block.kind], block.kind)
		}
		names := g.setNames(block)
		tags := g.physical[[2]int{3, block.entity}]
		for i := 0; i < len(block.nodes); i += gmshNodes[block.kind] {
			cell := make([]int32, t.Nodes())
			for a := range cell {
				n, ok := at[block.nodes[i+a]]
				if !ok {
					return nil, fmt.Errorf("an element names node %d, which is not given", block.nodes[i+a])
				}
				if order != nil {
					cell[order[a]] = n
				} else {
					cell[a] = n
				}
			}
			e := b.cell(t, cell)
			for _, name := range names {
				s := b.SetOf(name)
				s.Cells = append(s.Cells, e)
			}
			p := int32(0)
			if len(tags) > 0 {
				p = int32(tags[0])
			}
			physical.Values, entity.Values = append(physical.Values, p), append(entity.Values, int32(block.entity))
		}
	}
	b.Data = []CellData{physical, entity}
	for _, block := range flat {
		for _, name := range g.setNames(block) {
			for i := 0; i < len(block.nodes); i += gmshNodes[block.kind] {
				nodes := make([]int32, gmshNodes[block.kind])
				for a := range nodes {
					n, ok := at[block.nodes[i+a]]
					if !ok {
						return nil, fmt.Errorf("an element names node %d, which is not given", block.nodes[i+a])
					}
					nodes[a] = n
				}
				b.lower(name, block.dim, nodes, map[int]int{2: 3, 9: 3, 3: 4, 10: 4, 16: 4}[block.kind])
			}
		}
	}
	return b.finish()
}

// setNames returns the sets to which a block belongs.
func (g *gmsh) setNames(b gmshBlock) (names []string) {
	for _, p := range g.physical[[2]int{b.dim, b.entity}] {
		if p < 0 {
			p = -p // a reversed curve or surface
		}
		name, ok := g.names[[2]int{b.dim, p}]
		if !ok {
			name = strconv.Itoa(p)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 && len(g.names) == 0 && b.dim >= 2 && !g.anyPhysical() {
		names = []string{[]string{"surface ", "volume "}[b.dim-2] + strconv.Itoa(b.entity)}
	}
	return names
}

func (g *gmsh) anyPhysical() bool {
	for _, p := range g.physical {
		if len(p) > 0 {
			return true
		}
	}
	return false
}

// bounded reads text and bytes of a file that is not trusted: a count is only
// believed as far as data follow.
type bounded struct {
	*bufio.Reader
	line int
}

func newBounded(r io.Reader) *bounded { return &bounded{bufio.NewReaderSize(r, 1<<16), 0} }

// maxLine bounds a line of text.
const maxLine = 1 << 20

// textLine returns the next line without its end and spaces around it.
func (b *bounded) textLine() (string, error) {
	b.line++
	var out []byte
	for {
		part, err := b.ReadSlice('\n')
		if len(out)+len(part) > maxLine {
			return "", fmt.Errorf("a line is longer than %d bytes", maxLine)
		}
		out = append(out, part...)
		if err == bufio.ErrBufferFull {
			continue
		}
		if err == io.EOF && len(out) > 0 {
			err = nil
		}
		return strings.TrimSpace(string(out)), err
	}
}

// word returns the next run of bytes without space.
func (b *bounded) word() (string, error) {
	var out []byte
	for {
		c, err := b.ReadByte()
		if err != nil {
			if err == io.EOF && len(out) > 0 {
				return string(out), nil
			}
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
		if c == '\n' {
			b.line++
		}
		if c == ' ' || c == '\n' || c == '\r' || c == '\t' {
			if len(out) > 0 {
				return string(out), nil
			}
			continue
		}
		if len(out) > 64 {
			return "", fmt.Errorf("%.20q… where a number should stand", out)
		}
		out = append(out, c)
	}
}

func (b *bounded) textInt() (int, error) {
	w, err := b.word()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(w, 10, 48)
	if err != nil {
		return 0, fmt.Errorf("%q where a whole number should stand", w)
	}
	return int(n), nil
}

func (b *bounded) textFloat() (float64, error) {
	w, err := b.word()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(w, 64)
	if err != nil {
		return 0, fmt.Errorf("%q where a number should stand", w)
	}
	return v, nil
}

func (b *bounded) full(p []byte) error {
	_, err := io.ReadFull(b.Reader, p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// skipTo reads on until a line that is end.
func (b *bounded) skipTo(end string) error {
	for {
		line, err := b.ReadSlice('\n')
		if strings.TrimSpace(string(line)) == end {
			return nil
		}
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		if err != nil && err != bufio.ErrBufferFull {
			return err
		}
		b.line++
	}
}
