package mesh

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
)

// builder collects a mesh from a file and then turns cells that are listed the
// other way round and finds the cells behind surface elements. Nodes of no cell
// stay, so that numbers are those of the file.
type builder struct {
	*Solid
	surfaces []surface
}

// surface is a surface element: its corners, still to be found among the cells.
type surface struct {
	set     string
	corners key
}

func newBuilder(points []r3.Vec) *builder { return &builder{Solid: &Solid{Nodes: points}} }

// drop notes once what of the file is left out.
func (b *builder) drop(what string) {
	if !slices.Contains(b.Dropped, what) {
		b.Dropped = append(b.Dropped, what)
	}
}

// cell adds a cell and returns its number.
func (b *builder) cell(t element.Type, nodes []int32) int32 {
	b.Add(t, nodes...)
	return int32(b.Cells() - 1)
}

// lower adds an element of less than three dimensions to a set: points and curves
// as nodes, surfaces of three or four corners as sides.
func (b *builder) lower(set string, dim int, nodes []int32, corners int) {
	s := b.SetOf(set)
	if dim < 2 {
		s.Nodes = append(s.Nodes, nodes...)
		return
	}
	var k key
	copy(k[:], nodes[:corners])
	b.surfaces = append(b.surfaces, surface{set, sorted(k, corners)})
}

// finish returns the mesh.
func (b *builder) finish() (*Solid, error) {
	s := b.Solid
	if s.Cells() == 0 {
		return nil, fmt.Errorf("the file holds no hexahedra or tetrahedra; surface meshes cannot be solved")
	}
	b.turn()
	if len(b.surfaces) > 0 {
		all := s.sides()
		for _, f := range b.surfaces {
			n, ok := slices.BinarySearchFunc(all, f.corners, func(a keyed, k key) int { return slices.Compare(a.key[:], k[:]) })
			if !ok {
				p := s.Nodes[f.corners[0]]
				return nil, fmt.Errorf("a surface element of set %q at (%.3f, %.3f, %.3f) is no side of a volume element", f.set, p.X, p.Y, p.Z)
			}
			t := s.SetOf(f.set)
			t.Sides = append(t.Sides, all[n].side)
		}
		for n := range s.Sets { // a surface that is listed twice counts once
			slices.SortFunc(s.Sets[n].Sides, compareSides)
			s.Sets[n].Sides = slices.Compact(s.Sets[n].Sides)
		}
	}
	for n := range s.Sets {
		slices.Sort(s.Sets[n].Nodes)
		s.Sets[n].Nodes = slices.Compact(s.Sets[n].Nodes)
	}
	return s, nil
}

// turn reverses cells of negative volume, whose corners run the other way round
// in some files. Folded cells stay as they are, for Check to find.
func (b *builder) turn() {
	var c element.Continuum
	var x []r3.Vec
	for e := range b.Cells() {
		cell := b.Cell(e)
		t := b.Types[e]
		x = x[:0]
		for _, n := range cell[:t.Corners()] {
			x = append(x, b.Nodes[n])
		}
		corner := element.Tetra4
		if t.Corners() == 8 {
			corner = element.Brick8
		}
		if c.Set(element.Of(corner, false), x); c.Volume < 0 {
			mirror(t, cell)
			b.Turned = append(b.Turned, int32(e))
		}
	}
	if len(b.Turned) > 0 {
		b.unturn()
	}
}

// unturn turns back the cells that have their neighbour on the same side of a
// face, since a node was pulled through it.
func (b *builder) unturn() {
	all := b.sides()
	folded := map[int32]bool{}
	for i := 1; i < len(all); i++ {
		p, q := all[i-1], all[i]
		if p.key != q.key || b.opposite(p.side, q.side) {
			continue
		}
		for _, e := range [2]int32{p.side.Cell, q.side.Cell} {
			if _, ok := slices.BinarySearch(b.Turned, e); ok {
				folded[e] = true
			}
		}
	}
	b.Turned = slices.DeleteFunc(b.Turned, func(e int32) bool {
		if folded[e] {
			mirror(b.Types[e], b.Cell(int(e)))
		}
		return folded[e]
	})
}

// opposite tells whether two sides of the same corners run round them in opposite
// ways, as those of cells to either side of a face do.
func (b *builder) opposite(p, q Side) bool {
	ring := func(s Side) []int32 {
		n := 4
		if b.Types[s.Cell].Corners() == 4 {
			n = 3
		}
		out := make([]int32, n)
		for a, c := range b.Types[s.Cell].Faces()[s.Face][:n] {
			out[a] = b.Cell(int(s.Cell))[c]
		}
		return out
	}
	u, v := ring(p), ring(q)
	at := slices.Index(v, u[0])
	return u[1] == v[(at+len(v)-1)%len(v)]
}

// mirror swaps nodes so that the volume changes its sign.
func mirror(t element.Type, c []int32) {
	swap := func(pairs ...[2]int) {
		for _, p := range pairs {
			c[p[0]], c[p[1]] = c[p[1]], c[p[0]]
		}
	}
	switch t {
	case element.Tetra4:
		swap([2]int{0, 1})
	case element.Tetra10: // edges 12 and 20, 03 and 13 change places
		swap([2]int{0, 1}, [2]int{5, 6}, [2]int{7, 8})
	default: // the bottom and the top face
		swap([2]int{0, 4}, [2]int{1, 5}, [2]int{2, 6}, [2]int{3, 7})
		if t == element.Brick20 {
			swap([2]int{8, 12}, [2]int{9, 13}, [2]int{10, 14}, [2]int{11, 15})
		}
	}
}
