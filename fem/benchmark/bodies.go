package benchmark

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/fem/solid"
)

// lattice returns a box of n cells and that size in elements of a kind, its
// nodes moved by f.
func lattice(kind string, n [3]int, size r3.Vec, f func(r3.Vec) r3.Vec) *mesh.Solid {
	s := convert(kind, mesh.NewSolid(mesh.Box(n, size)))
	return s.moved(f)
}

// convert turns bricks into elements of a kind.
func convert(kind string, s *mesh.Solid) solidMesh {
	switch kind {
	case "hex8 enhanced":
		s.Enhanced = make([]bool, s.Cells())
		for e := range s.Enhanced {
			s.Enhanced[e] = true
		}
	case "hex20":
		s = s.Refine()
	case "tet4":
		s = s.Tetrahedra()
	case "tet10":
		s = s.Tetrahedra().Refine()
	}
	return solidMesh{s}
}

type solidMesh struct{ *mesh.Solid }

func (s solidMesh) moved(f func(r3.Vec) r3.Vec) *mesh.Solid {
	if f != nil {
		for n, p := range s.Nodes {
			s.Nodes[n] = f(p)
		}
	}
	return s.Solid
}

// nodesWhere returns the nodes that satisfy in.
func nodesWhere(m *mesh.Solid, in func(r3.Vec) bool) (nodes []int32) {
	for n, p := range m.Nodes {
		if in(p) {
			nodes = append(nodes, int32(n))
		}
	}
	return nodes
}

// sidesWhere returns the boundary sides whose nodes all satisfy in.
func sidesWhere(m *mesh.Solid, in func(r3.Vec) bool) []mesh.Side {
	return m.SidesOf(m.Boundary(), nodesWhere(m, in))
}

// uniform returns a body of one material.
func uniform(m *mesh.Solid, l material.Law, finite bool) *solid.Body {
	return &solid.Body{Mesh: m, Laws: []material.Law{l}, Of: make([]int32, m.Cells()), Finite: finite}
}

// hold fixes axes of nodes.
func hold(b *solid.Body, nodes []int32, axes ...uint8) {
	for _, n := range nodes {
		for _, a := range axes {
			b.Fixed = append(b.Fixed, solid.Fix{Node: n, Axis: a})
		}
	}
}

func elastic(e, nu float64) material.Law {
	return material.Linear{Elastic: material.Elastic{Young: e, Poisson: nu}}
}

// quarter returns a quarter of a cylinder of the radii given, between z = 0 and
// height, with n cells through each layer, around and along. Its body is held in
// both planes of symmetry and, in the direction of z, at both ends.
func quarter(kind string, radii []float64, through, around, along int, height float64, laws []material.Law, finite bool) *solid.Body {
	layers := len(radii) - 1
	m := lattice(kind, [3]int{through * layers, around, along}, r3.Vec{X: float64(layers), Y: 1, Z: height}, func(p r3.Vec) r3.Vec {
		l := min(int(p.X), layers-1)
		t := p.X - float64(l)
		r := radii[l] + t*(radii[l+1]-radii[l])
		s, c := math.Sincos(math.Pi / 2 * p.Y)
		return r3.Vec{X: r * c, Y: r * s, Z: p.Z}
	})
	b := &solid.Body{Mesh: m, Laws: laws, Of: make([]int32, m.Cells()), Finite: finite}
	for e := range b.Of {
		c := m.Centre(e)
		r := math.Hypot(c.X, c.Y)
		for l := 1; l < layers; l++ {
			if r > radii[l] {
				b.Of[e] = int32(l)
			}
		}
	}
	hold(b, nodesWhere(m, func(p r3.Vec) bool { return math.Abs(p.Y) < 1e-9 }), 1)
	hold(b, nodesWhere(m, func(p r3.Vec) bool { return math.Abs(p.X) < 1e-9 }), 0)
	hold(b, nodesWhere(m, func(p r3.Vec) bool { return p.Z < 1e-9 || p.Z > height-1e-9 }), 2)
	return b
}

// lumen are the sides on the inner radius.
func lumen(m *mesh.Solid, radius float64) []mesh.Side {
	return sidesWhere(m, func(p r3.Vec) bool { return math.Abs(math.Hypot(p.X, p.Y)-radius) < 1e-6 })
}

// nearest returns the node nearest to p.
func nearest(m *mesh.Solid, p r3.Vec) int {
	best := 0
	for n, q := range m.Nodes {
		if r3.Norm(r3.Sub(p, q)) < r3.Norm(r3.Sub(p, m.Nodes[best]))-1e-12 {
			best = n
		}
	}
	return best
}

// pressed is a pressure in kPa on sides.
func pressed(sides []mesh.Side, pressure float64) []solid.Pressure {
	return []solid.Pressure{{Sides: sides, Value: pressure}}
}
