package solid

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
)

// Body is what is solved.
type Body struct {
	Mesh   *mesh.Solid
	Laws   []material.Law // the materials
	Of     []int32        // material of each cell
	Fibres [][]r3.Vec     // unit fibre directions of each cell; nil: none
	Finite bool           // finite strain; otherwise small strain

	Pressures []Pressure
	Tractions []Traction
	Force     []float64 // dead nodal forces, mN, three values a node; nil: none
	// BodyForce, if not nil, is a dead force per reference volume, kPa/mm, at a
	// place of the reference shape.
	BodyForce func(r3.Vec) r3.Vec
	Springs   []Spring
	Fixed     []Fix
}

// Pressure pushes against sides; in finite strain it follows them.
type Pressure struct {
	Sides []mesh.Side
	Value float64 // kPa
}

// Traction pulls at sides in a fixed direction.
type Traction struct {
	Sides []mesh.Side
	Value r3.Vec // kPa of the reference area
}

// Spring supports sides along their reference normal.
type Spring struct {
	Sides     []mesh.Side
	Stiffness float64 // kPa per mm
}

// Fix prescribes a component of a node's displacement.
type Fix struct {
	Node  int32
	Axis  uint8   // 0 x, 1 y, 2 z
	Value float64 // mm at full load
}

// Error classes, to be told apart with errors.Is.
var (
	// ErrNotConverged is matched by a [ConvergenceError].
	ErrNotConverged = errors.New("the solver did not converge")
	// ErrUnconstrained is matched when nothing holds the body against a rigid motion.
	ErrUnconstrained = errors.New("the body is not held")
)

// ConvergenceError says where the solution stopped.
type ConvergenceError struct {
	Step     int     // load step, counted from 1
	Load     float64 // part of the load that could be carried
	Residual float64 // relative to the load, at the last try
	Element  int     // where the residual is largest or the element inverted; −1 if unknown
	At       r3.Vec  // its centre, mm
	Why      string
}

func (e *ConvergenceError) Error() string {
	s := fmt.Sprintf("%v: load step %d, at %.4g of the load: %s (relative residual %.2e)", ErrNotConverged, e.Step, e.Load, e.Why, e.Residual)
	if e.Element >= 0 {
		s += fmt.Sprintf("; element %d at (%.3f, %.3f, %.3f) mm", e.Element, e.At.X, e.At.Y, e.At.Z)
	}
	return s + "; check loads, materials and mesh there, or use more steps"
}

// Is tells that e is an [ErrNotConverged].
func (e *ConvergenceError) Is(target error) bool { return target == ErrNotConverged }

// check tells what is wrong with b before any work is done.
func (b *Body) check() error {
	if err := b.Mesh.Check(); err != nil {
		return err
	}
	switch {
	case len(b.Of) != b.Mesh.Cells():
		return fmt.Errorf("%d elements but %d materials assigned", b.Mesh.Cells(), len(b.Of))
	case b.Fibres != nil && len(b.Fibres) != b.Mesh.Cells():
		return fmt.Errorf("%d elements but %d with fibres", b.Mesh.Cells(), len(b.Fibres))
	case b.Force != nil && len(b.Force) != 3*len(b.Mesh.Nodes):
		return fmt.Errorf("%d nodes but %d force components", len(b.Mesh.Nodes), len(b.Force))
	}
	for n, l := range b.Laws {
		if err := l.Check(); err != nil {
			return fmt.Errorf("material %d: %w", n+1, err)
		}
	}
	for e, m := range b.Of {
		if m < 0 || int(m) >= len(b.Laws) {
			c := b.Mesh.Centre(e)
			return fmt.Errorf("element %d at (%.2f, %.2f, %.2f) mm has no material", e, c.X, c.Y, c.Z)
		}
	}
	for n, p := range b.Pressures {
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
			return fmt.Errorf("pressure %d is %g kPa: must be finite", n+1, p.Value)
		}
	}
	return b.held()
}

// held returns an error that matches [ErrUnconstrained] for a part of the mesh
// that may move as a rigid body.
func (b *Body) held() error {
	part := b.parts()
	type part3 struct {
		gram mat.SymDense
		mid  r3.Vec
		n    int
	}
	parts := make([]part3, slices.Max(part)+1)
	for n, p := range b.Mesh.Nodes {
		if part[n] >= 0 {
			q := &parts[part[n]]
			q.mid = r3.Add(q.mid, p)
			q.n++
		}
	}
	var size float64
	for n := range parts {
		parts[n].mid = r3.Scale(1/float64(parts[n].n), parts[n].mid)
		parts[n].gram = *mat.NewSymDense(6, nil)
	}
	for n, p := range b.Mesh.Nodes {
		if part[n] >= 0 {
			size = max(size, r3.Norm(r3.Sub(p, parts[part[n]].mid)))
		}
	}
	// hold adds that direction d of the node is held.
	hold := func(node int32, d r3.Vec) {
		if part[node] < 0 {
			return
		}
		p := &parts[part[node]]
		x := r3.Scale(1/size, r3.Sub(b.Mesh.Nodes[node], p.mid))
		r := r3.Cross(x, d)
		p.gram.SymRankOne(&p.gram, 1, mat.NewVecDense(6, []float64{d.X, d.Y, d.Z, r.X, r.Y, r.Z}))
	}
	for _, f := range b.Fixed {
		hold(f.Node, [3]r3.Vec{{X: 1}, {Y: 1}, {Z: 1}}[f.Axis])
	}
	var nodes []int32
	for _, s := range b.Springs {
		for _, side := range s.Sides {
			nodes = b.Mesh.SideNodes(nodes[:0], side)
			x := b.Mesh.Nodes
			normal := r3.Unit(r3.Cross(r3.Sub(x[nodes[1]], x[nodes[0]]), r3.Sub(x[nodes[2]], x[nodes[0]])))
			for _, n := range nodes {
				hold(n, normal)
			}
		}
	}
	for n := range parts {
		var eig mat.EigenSym
		if !eig.Factorize(&parts[n].gram, true) {
			return errors.New("the constraints are not finite")
		}
		if v := eig.Values(nil); v[0] <= 1e-10*max(v[5], 1) {
			var vec mat.Dense
			eig.VectorsTo(&vec)
			return fmt.Errorf("%w: the part around (%.2f, %.2f, %.2f) mm may %s; fix at least six components that exclude every rigid motion",
				ErrUnconstrained, parts[n].mid.X, parts[n].mid.Y, parts[n].mid.Z, motion(vec.ColView(0)))
		}
	}
	return nil
}

// motion names the largest component of a rigid motion.
func motion(v mat.Vector) string {
	best := 0
	for i := range 6 {
		if math.Abs(v.AtVec(i)) > math.Abs(v.AtVec(best))+1e-9 {
			best = i
		}
	}
	return [...]string{"move along x", "move along y", "move along z", "turn about x", "turn about y", "turn about z"}[best]
}

// parts numbers the connected parts of the mesh: the part of each node, −1 for a
// node without cells.
func (b *Body) parts() []int {
	m := b.Mesh
	root := make([]int32, len(m.Nodes))
	for n := range root {
		root[n] = int32(n)
	}
	find := func(n int32) int32 {
		for root[n] != n {
			root[n] = root[root[n]]
			n = root[n]
		}
		return n
	}
	used := make([]bool, len(m.Nodes))
	for e := range m.Cells() {
		c := m.Cell(e)
		for _, n := range c {
			used[n] = true
			if r, s := find(c[0]), find(n); r != s {
				root[max(r, s)] = min(r, s)
			}
		}
	}
	part, number := make([]int, len(m.Nodes)), map[int32]int{}
	for n := range part {
		part[n] = -1
		if used[n] {
			r := find(int32(n))
			if _, ok := number[r]; !ok {
				number[r] = len(number)
			}
			part[n] = number[r]
		}
	}
	return part
}

// dilated tells whether cell e shares its volume strain with its neighbours: a
// tetrahedron of a law that resists a change of volume much more than shear. A
// tet10 with its bubble does well alone up to about ν = 0.49, at a fraction of the cost.
func (b *Body) dilated(e int) bool {
	switch b.Mesh.Types[e] {
	case element.Tetra4:
		return material.Poisson(b.Laws[b.Of[e]]) > 0.4
	case element.Tetra10:
		return material.Poisson(b.Laws[b.Of[e]]) > 0.492
	}
	return false
}

// reference returns the element of cell e.
func (b *Body) reference(e int) *element.Reference {
	t := b.Mesh.Types[e]
	if t == element.Tetra10 {
		return element.Of(t, !b.dilated(e))
	}
	return element.Of(t, b.Mesh.Enhanced != nil && b.Mesh.Enhanced[e])
}
