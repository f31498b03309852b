package mesh

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
)

// Solid is a mesh of elements of any type with named sets, as files hold it.
type Solid struct {
	Nodes    []r3.Vec       // mm
	Types    []element.Type // of each cell
	Enhanced []bool         // of each cell: hex8 with enhanced modes (C3D8I); nil: none
	Start    []int32        // nodes of cell e are Conn[Start[e]:Start[e+1]]
	Conn     []int32        // in the order of VTK
	Sets     []Set          // in the order of the file; names differ
	Data     []CellData     // integer values of cells
	// Dropped says in words what of the file was left out.
	Dropped []string
	// Turned are the cells whose corners the file lists the other way round.
	Turned []int32
}

// Set is a named part of a mesh. A file may give it nodes, cells, faces or
// several of them.
type Set struct {
	Name  string
	Nodes []int32
	Cells []int32
	Sides []Side
}

// Side is a face of a cell: Face counts as in element.Type.Faces.
type Side struct {
	Cell int32
	Face uint8
}

// CellData is an integer per cell, such as a material's number.
type CellData struct {
	Name   string
	Values []int32
}

// NewSolid makes a Solid of bricks.
func NewSolid(m *Mesh) *Solid {
	s := &Solid{Nodes: m.Nodes}
	for _, c := range m.Cells {
		s.Add(element.Brick8, c[:]...)
	}
	return s
}

// Add appends a cell.
func (s *Solid) Add(t element.Type, nodes ...int32) {
	if len(nodes) != t.Nodes() {
		panic(fmt.Sprintf("mesh: Add: %d nodes for a %s", len(nodes), t))
	}
	if len(s.Start) == 0 {
		s.Start = []int32{0}
	}
	s.Types = append(s.Types, t)
	s.Conn = append(s.Conn, nodes...)
	s.Start = append(s.Start, int32(len(s.Conn)))
}

// Cells returns the number of cells.
func (s *Solid) Cells() int { return len(s.Types) }

// Cell returns the nodes of cell e.
func (s *Solid) Cell(e int) []int32 { return s.Conn[s.Start[e]:s.Start[e+1]] }

// Corners appends to x the positions of the nodes of cell e.
func (s *Solid) Corners(x []r3.Vec, e int) []r3.Vec {
	for _, n := range s.Cell(e) {
		x = append(x, s.Nodes[n])
	}
	return x
}

// Centre returns the mean of the corners of cell e.
func (s *Solid) Centre(e int) r3.Vec {
	var c r3.Vec
	corners := s.Cell(e)[:s.Types[e].Corners()]
	for _, n := range corners {
		c = r3.Add(c, s.Nodes[n])
	}
	return r3.Scale(1/float64(len(corners)), c)
}

// SideNodes appends to nodes those of a side, in the order of element.Face.
func (s *Solid) SideNodes(nodes []int32, side Side) []int32 {
	cell := s.Cell(int(side.Cell))
	for _, a := range s.Types[side.Cell].Faces()[side.Face] {
		nodes = append(nodes, cell[a])
	}
	return nodes
}

// Set returns the set of that name.
func (s *Solid) Set(name string) (*Set, bool) {
	n := slices.IndexFunc(s.Sets, func(t Set) bool { return t.Name == name })
	if n < 0 {
		return nil, false
	}
	return &s.Sets[n], true
}

// SetOf returns the set of that name, made anew if there is none.
func (s *Solid) SetOf(name string) *Set {
	if t, ok := s.Set(name); ok {
		return t
	}
	s.Sets = append(s.Sets, Set{Name: name})
	return &s.Sets[len(s.Sets)-1]
}

// NodesOf returns the sorted nodes of a set: its own and those of its cells and
// sides.
func (s *Solid) NodesOf(t *Set) []int32 {
	nodes := slices.Clone(t.Nodes)
	for _, e := range t.Cells {
		nodes = append(nodes, s.Cell(int(e))...)
	}
	for _, f := range t.Sides {
		nodes = s.SideNodes(nodes, f)
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

// key are the sorted corners of a face; −1 in the fourth place of a triangle.
type key [4]int32

func (s *Solid) key(side Side) (k key) {
	face := s.Types[side.Cell].Faces()[side.Face]
	n := 4
	if s.Types[side.Cell].Corners() == 4 {
		n = 3
	}
	cell := s.Cell(int(side.Cell))
	for a := range n {
		k[a] = cell[face[a]]
	}
	return sorted(k, n)
}

func sorted(k key, n int) key {
	slices.Sort(k[:n])
	if n == 3 {
		k[3] = -1
	}
	return k
}

// sides returns all sides with their keys, sorted by key and then by cell.
func (s *Solid) sides() []keyed {
	var all []keyed
	for e := range s.Cells() {
		for f := range s.Types[e].Faces() {
			side := Side{int32(e), uint8(f)}
			all = append(all, keyed{s.key(side), side})
		}
	}
	slices.SortFunc(all, func(a, b keyed) int {
		return cmp.Or(slices.Compare(a.key[:], b.key[:]), cmp.Compare(a.side.Cell, b.side.Cell))
	})
	return all
}

type keyed struct {
	key
	side Side
}

// Boundary returns the sides that no other cell shares, in the order of cells.
func (s *Solid) Boundary() []Side {
	all := s.sides()
	var out []Side
	for i := 0; i < len(all); {
		j := i + 1
		for j < len(all) && all[j].key == all[i].key {
			j++
		}
		if j == i+1 {
			out = append(out, all[i].side)
		}
		i = j
	}
	slices.SortFunc(out, compareSides)
	return out
}

func compareSides(a, b Side) int {
	return cmp.Or(cmp.Compare(a.Cell, b.Cell), cmp.Compare(a.Face, b.Face))
}

// SidesOf returns the boundary sides all of whose nodes are in the sorted list.
func (s *Solid) SidesOf(boundary []Side, nodes []int32) []Side {
	var out []Side
	var buf []int32
	for _, f := range boundary {
		buf = s.SideNodes(buf[:0], f)
		if !slices.ContainsFunc(buf, func(n int32) bool { _, ok := slices.BinarySearch(nodes, n); return !ok }) {
			out = append(out, f)
		}
	}
	return out
}

// Check tells whether the mesh can be computed: finite places, nodes that exist,
// and cells that are not turned inside out.
func (s *Solid) Check() error {
	if s.Cells() == 0 {
		return fmt.Errorf("the mesh holds no hex8, hex20, tet4 or tet10 element")
	}
	for n, p := range s.Nodes {
		if sum := p.X + p.Y + p.Z; math.IsNaN(sum) || math.IsInf(sum, 0) {
			return fmt.Errorf("node %d is at (%g, %g, %g) mm: not finite", n, p.X, p.Y, p.Z)
		}
	}
	var c element.Continuum
	var x []r3.Vec
	for e := range s.Cells() {
		for _, n := range s.Cell(e) {
			if int(n) >= len(s.Nodes) || n < 0 {
				return fmt.Errorf("element %d names node %d of %d", e, n, len(s.Nodes))
			}
		}
		x = s.Corners(x[:0], e)
		if d := c.Set(element.Of(s.Types[e], false), x); !(d > 0) {
			return &InvertedError{Quality: Quality{MinScaledJacobian: d, Cell: e, At: s.Centre(e)}}
		}
	}
	return nil
}

// Neighbours returns for each node the sorted nodes of the cells around it,
// itself included.
func (s *Solid) Neighbours() [][]int32 {
	cells := s.CellsAround()
	rows := make([][]int32, len(s.Nodes))
	var row []int32
	for a := range rows {
		row = append(row[:0], int32(a))
		for _, e := range cells.Of(a) {
			row = append(row, s.Cell(int(e))...)
		}
		slices.Sort(row)
		rows[a] = slices.Clone(slices.Compact(row))
	}
	return rows
}

// Lists holds lists of numbers one behind the other.
type Lists struct {
	Start []int32
	Items []int32
}

// Of returns list a.
func (l *Lists) Of(a int) []int32 { return l.Items[l.Start[a]:l.Start[a+1]] }

// CellsAround returns the cells of each node, in increasing order.
func (s *Solid) CellsAround() *Lists {
	l := &Lists{Start: make([]int32, len(s.Nodes)+1), Items: make([]int32, len(s.Conn))}
	for _, n := range s.Conn {
		l.Start[n+1]++
	}
	for a := range s.Nodes {
		l.Start[a+1] += l.Start[a]
	}
	fill := slices.Clone(l.Start)
	for e := range s.Cells() {
		for _, n := range s.Cell(e) {
			l.Items[fill[n]] = int32(e)
			fill[n]++
		}
	}
	return l
}

// Refine returns the mesh with middle nodes on straight edges: hex8 becomes
// hex20 and tet4 becomes tet10. It shares sets of cells and sides; node sets gain
// the middles of edges whose both ends they hold.
func (s *Solid) Refine() *Solid {
	out := &Solid{Nodes: slices.Clone(s.Nodes), Data: s.Data}
	mid := map[[2]int32]int32{}
	for e := range s.Cells() {
		t, c := s.Types[e], s.Cell(e)
		if t.Nodes() > t.Corners() {
			out.Add(t, c...)
			continue
		}
		cell := slices.Clone(c)
		for _, ed := range t.Edges() {
			k := [2]int32{min(c[ed[0]], c[ed[1]]), max(c[ed[0]], c[ed[1]])}
			n, ok := mid[k]
			if !ok {
				n = int32(len(out.Nodes))
				mid[k] = n
				out.Nodes = append(out.Nodes, r3.Scale(0.5, r3.Add(s.Nodes[k[0]], s.Nodes[k[1]])))
			}
			cell = append(cell, n)
		}
		out.Add(map[element.Type]element.Type{element.Brick8: element.Brick20, element.Tetra4: element.Tetra10}[t], cell...)
	}
	pairs := make([][3]int32, 0, len(mid))
	for k, n := range mid {
		pairs = append(pairs, [3]int32{n, k[0], k[1]})
	}
	slices.SortFunc(pairs, func(a, b [3]int32) int { return cmp.Compare(a[0], b[0]) })
	for _, t := range s.Sets {
		in := map[int32]bool{}
		for _, n := range t.Nodes {
			in[n] = true
		}
		t.Nodes = slices.Clone(t.Nodes)
		for _, p := range pairs {
			if in[p[1]] && in[p[2]] {
				t.Nodes = append(t.Nodes, p[0])
			}
		}
		out.Sets = append(out.Sets, t)
	}
	return out
}

// Tetrahedra returns the mesh with each hex8 cut into six tet4 around the
// diagonal from corner 0 to corner 6, so that neighbours of a lattice fit. Sets of
// nodes and cells follow; sides are found anew by their nodes and so must bound
// the body.
func (s *Solid) Tetrahedra() *Solid {
	out := &Solid{Nodes: s.Nodes}
	first := make([]int32, s.Cells()+1)
	for e := range s.Cells() {
		c := s.Cell(e)
		for _, t := range [6][4]int{{0, 1, 2, 6}, {0, 2, 3, 6}, {0, 3, 7, 6}, {0, 7, 4, 6}, {0, 4, 5, 6}, {0, 5, 1, 6}} {
			out.Add(element.Tetra4, c[t[0]], c[t[1]], c[t[2]], c[t[3]])
		}
		first[e+1] = int32(out.Cells())
	}
	boundary := out.Boundary()
	for _, t := range s.Sets {
		n := Set{Name: t.Name, Nodes: t.Nodes}
		for _, e := range t.Cells {
			for f := first[e]; f < first[e+1]; f++ {
				n.Cells = append(n.Cells, f)
			}
		}
		if len(t.Sides) > 0 {
			n.Sides = out.SidesOf(boundary, s.NodesOf(&Set{Sides: t.Sides}))
		}
		out.Sets = append(out.Sets, n)
	}
	return out
}
