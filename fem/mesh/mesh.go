package mesh

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
)

// Mesh is a set of eight-node bricks.
type Mesh struct {
	Nodes []r3.Vec   // LPS mm
	Cells [][8]int32 // corners in the order of VTK
}

// Corners returns the positions of the corners of cell e.
func (m *Mesh) Corners(e int) (x [8]r3.Vec) {
	for a, n := range m.Cells[e] {
		x[a] = m.Nodes[n]
	}
	return x
}

// Centre returns the mean of the corners of cell e.
func (m *Mesh) Centre(e int) r3.Vec {
	var c r3.Vec
	for _, n := range m.Cells[e] {
		c = r3.Add(c, m.Nodes[n])
	}
	return r3.Scale(1.0/8, c)
}

// Neighbours returns for each node the sorted nodes of the cells around it,
// itself included. A node without a cell has only itself.
func (m *Mesh) Neighbours() [][]int32 {
	n := len(m.Nodes)
	start := make([]int, n+1)
	for _, c := range m.Cells {
		for _, a := range c {
			start[a+1]++
		}
	}
	for a := range n {
		start[a+1] += start[a]
	}
	cells := make([]int32, start[n])
	fill := append([]int(nil), start[:n]...)
	for e, c := range m.Cells {
		for _, a := range c {
			cells[fill[a]] = int32(e)
			fill[a]++
		}
	}
	rows := make([][]int32, n)
	var row []int32
	for a := range rows {
		row = append(row[:0], int32(a))
		for _, e := range cells[start[a]:start[a+1]] {
			for _, b := range m.Cells[e] {
				row = insert(row, b)
			}
		}
		rows[a] = append([]int32(nil), row...)
	}
	return rows
}

// insert adds b to a short sorted list that does not hold it yet.
func insert(row []int32, b int32) []int32 {
	at := len(row)
	for at > 0 && row[at-1] >= b {
		if row[at-1] == b {
			return row
		}
		at--
	}
	row = append(row, 0)
	copy(row[at+1:], row[at:])
	row[at] = b
	return row
}

// Quality describes the worst cell of a mesh.
type Quality struct {
	MinScaledJacobian float64
	Cell              int
	At                r3.Vec // its centre, LPS mm
}

// Quality returns the cell of the smallest scaled Jacobian.
func (m *Mesh) Quality() Quality {
	q := Quality{MinScaledJacobian: math.Inf(1)}
	for e := range m.Cells {
		x := m.Corners(e)
		if j := element.ScaledJacobian(&x); j < q.MinScaledJacobian || math.IsNaN(j) {
			q = Quality{MinScaledJacobian: j, Cell: e, At: m.Centre(e)}
		}
	}
	return q
}

// InvertedError names a cell that is folded.
type InvertedError struct {
	Quality
	Where string // "s = 12.3 mm, 40° around, layer 2 of 6"; empty for meshes without such coordinates
}

func (e *InvertedError) Error() string {
	s := fmt.Sprintf("element %d at (%.2f, %.2f, %.2f) mm is folded (scaled Jacobian %.3f)", e.Cell, e.At.X, e.At.Y, e.At.Z, e.MinScaledJacobian)
	if e.Where != "" {
		s += ": " + e.Where
	}
	return s
}

// Box returns a mesh of the box [0, size] with n cells along each axis, whose
// nodes form a lattice, x fastest. It serves tests and tutorials.
func Box(n [3]int, size r3.Vec) *Mesh {
	m := &Mesh{}
	for k := range n[2] + 1 {
		for j := range n[1] + 1 {
			for i := range n[0] + 1 {
				m.Nodes = append(m.Nodes, r3.Vec{X: size.X * float64(i) / float64(n[0]), Y: size.Y * float64(j) / float64(n[1]), Z: size.Z * float64(k) / float64(n[2])})
			}
		}
	}
	at := func(i, j, k int) int32 { return int32((k*(n[1]+1)+j)*(n[0]+1) + i) }
	for k := range n[2] {
		for j := range n[1] {
			for i := range n[0] {
				m.Cells = append(m.Cells, [8]int32{at(i, j, k), at(i+1, j, k), at(i+1, j+1, k), at(i, j+1, k),
					at(i, j, k+1), at(i+1, j, k+1), at(i+1, j+1, k+1), at(i, j+1, k+1)})
			}
		}
	}
	return m
}
