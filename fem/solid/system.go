package solid

import (
	"context"
	"slices"
	"sync"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// system assembles forces and stiffness of a body. Cells of one colour share no
// node, so that they may be added side by side and sums keep their order.
type system struct {
	*Body
	x       []r3.Vec // reference places of the nodes
	k       *sparse.BSR
	colours [][]int32
	patches []patch    // of tet4
	patchOf [][4]int32 // patches of the nodes of cell e, where the cell is dilated; nil: no such cell
	groups  [][]int32  // patches by colour
	fixed   []bool     // of each component
	alpha   []int32    // first inner amplitude of each cell; length cells + 1
	backAt  []int32    // first value of each cell in back; length cells + 1
	back    []float64  // of element.Continuum.Condense
	dead    []float64  // nodal forces with those of the body force, at full load; nil: none
	bubbles []float64  // body force on the inner amplitudes; nil: none
	scratch sync.Pool
	bricks  *bricks // in place of k, where the body is of that kind
	soft    bool    // evaluate with laws that resist a change of volume less, for a preconditioner
}

// softBulk is the bulk modulus over the shear modulus at ν = 0.47, above which
// multigrid takes more and more iterations.
const softBulk = 2 * (1 + 0.47) / (3 * (1 - 2*0.47))

// softened is a law with another bulk modulus.
type softened struct {
	element.Law
	bulk float64
}

func (s softened) Bulk() float64 { return s.bulk }

// law returns the law of cell e.
func (s *system) law(e int) element.Law {
	l := s.Laws[s.Of[e]]
	if k := softBulk * l.Shear(); s.soft && l.Bulk() > k {
		return softened{l, k}
	}
	return l
}

// state is a displacement.
type state struct {
	u     []float64 // three values a node, mm
	alpha []float64 // inner amplitudes
}

func (s state) clone() state { return state{slices.Clone(s.u), slices.Clone(s.alpha)} }

// work is the scratch of one goroutine.
type work struct {
	c        element.Continuum
	brick    element.Hex8
	dilation element.Dilation
	x        []r3.Vec
	u, f, k  []float64
	nodes    []int32
}

func newSystem(b *Body) *system {
	s := &system{Body: b, x: b.Mesh.Nodes}
	s.scratch.New = func() any { return new(work) }
	m := b.Mesh
	s.alpha, s.backAt = make([]int32, m.Cells()+1), make([]int32, m.Cells()+1)
	for e := range m.Cells() {
		ref := b.reference(e)
		s.alpha[e+1] = s.alpha[e] + int32(3*ref.Inner)
		s.backAt[e+1] = s.backAt[e] + int32(3*ref.Inner*(3*ref.Nodes()+1))
	}
	s.back = make([]float64, s.backAt[m.Cells()])
	s.fixed = make([]bool, 3*len(m.Nodes))
	for _, f := range b.Fixed {
		s.fixed[3*f.Node+int32(f.Axis)] = true
	}
	used := make([]bool, len(m.Nodes))
	for _, n := range m.Conn {
		used[n] = true
	}
	for n, u := range used { // a node of no cell stays where it is
		if !u {
			s.fixed[3*n], s.fixed[3*n+1], s.fixed[3*n+2] = true, true, true
		}
	}
	s.dead = b.Force
	if b.BodyForce != nil {
		s.spreadBodyForce()
	}
	s.colours = colour(len(m.Nodes), m.Cells(), m.Cell)
	if s.bricks = newBricks(s); s.bricks != nil {
		return s
	}
	rows := m.Neighbours()
	s.makePatches(rows)
	s.k = sparse.NewBSR(rows)
	s.groups = colour(len(m.Nodes), len(s.patches), func(n int) []int32 { return s.patches[n].nodes })
	return s
}

// spreadBodyForce puts the body force on nodes and bubbles.
func (s *system) spreadBodyForce() {
	s.dead = make([]float64, 3*len(s.x))
	copy(s.dead, s.Force)
	s.bubbles = make([]float64, s.alpha[s.Mesh.Cells()])
	var c element.Continuum
	var x []r3.Vec
	for e := range s.Mesh.Cells() {
		ref := s.reference(e)
		x = s.Mesh.Corners(x[:0], e)
		c.Set(ref, x)
		for q := range ref.Xi {
			f := r3.Scale(c.Weight[q], s.BodyForce(c.At[q]))
			for a, n := range s.Mesh.Cell(e) {
				s.dead[3*n] += ref.N[q][a] * f.X
				s.dead[3*n+1] += ref.N[q][a] * f.Y
				s.dead[3*n+2] += ref.N[q][a] * f.Z
			}
			if ref.Inner == 1 {
				at := s.alpha[e]
				s.bubbles[at] += ref.B[q] * f.X
				s.bubbles[at+1] += ref.B[q] * f.Y
				s.bubbles[at+2] += ref.B[q] * f.Z
			}
		}
	}
}

// colour groups n items so that those of a group share no node.
func colour(nodes, n int, of func(int) []int32) [][]int32 {
	used := make([][4]uint64, nodes) // colours around each node
	var groups [][]int32
	for e := range n {
		var busy [4]uint64
		for _, a := range of(e) {
			for w := range busy {
				busy[w] |= used[a][w]
			}
		}
		c := 0
		for c < 255 && busy[c/64]&(1<<(c%64)) != 0 {
			c++
		}
		if busy[c/64]&(1<<(c%64)) != 0 { // more than 255 around one node: an order of their own
			groups = append(groups, []int32{int32(e)})
			continue
		}
		for len(groups) <= c {
			groups = append(groups, nil)
		}
		groups[c] = append(groups[c], int32(e))
		for _, a := range of(e) {
			used[a][c/64] |= 1 << (c % 64)
		}
	}
	return groups
}

// eachCell calls f for every cell in parallel, colour by colour. It returns the
// error of the first cell, in that order, that has one.
func (s *system) eachCell(ctx context.Context, groups [][]int32, f func(w *work, e int) error) error {
	const block = 64
	for _, g := range groups {
		errs := make([]error, (len(g)+block-1)/block)
		if err := par.Blocks(ctx, len(g), block, func(lo, hi int) {
			w := s.scratch.Get().(*work)
			defer s.scratch.Put(w)
			for _, e := range g[lo:hi] {
				if err := f(w, int(e)); err != nil {
					errs[lo/block] = err
					return
				}
			}
		}); err != nil {
			return err
		}
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// cellError names a cell that cannot be evaluated.
type cellError struct {
	cell int
	err  error
}

func (e *cellError) Error() string { return e.err.Error() }
func (e *cellError) Unwrap() error { return e.err }

// evaluate sets w.c to cell e in state t.
func (s *system) evaluate(w *work, e int, t state, pressure []float64, stiffness bool) error {
	ref := s.reference(e)
	w.x, w.u = w.x[:0], w.u[:0]
	for _, n := range s.Mesh.Cell(e) {
		w.x = append(w.x, s.x[n])
		w.u = append(w.u, t.u[3*n:3*n+3]...)
	}
	w.u = append(w.u, t.alpha[s.alpha[e]:s.alpha[e+1]]...)
	if d := w.c.Set(ref, w.x); !(d > 0) {
		return &cellError{e, element.ErrInverted}
	}
	in := element.Input{Law: s.law(e), U: w.u, Finite: s.Finite}
	if s.Fibres != nil {
		in.Fibres = s.Fibres[e]
	}
	if s.patchOf != nil && s.patchOf[e][0] >= 0 {
		in.Outside = new([4]float64)
		for a, n := range s.patchOf[e] {
			in.Outside[a] = pressure[n]
		}
	}
	if err := w.c.Evaluate(&in, stiffness); err != nil {
		return &cellError{e, err}
	}
	return nil
}

// internal adds the forces of the material in state t to f and, if wanted, their
// stiffness to s.k; the inner motions are eliminated with the stiffness, and
// keep their forces without (inner). load is the part of the body force that the
// bubbles carry. It returns the strain energy.
func (s *system) internal(ctx context.Context, f []float64, inner []float64, t state, load float64, stiffness bool) (energy float64, err error) {
	pressure, energy, err := s.dilate(ctx, t)
	if err != nil {
		return 0, err
	}
	energies := make([]float64, s.Mesh.Cells())
	err = s.eachCell(ctx, s.colours, func(w *work, e int) error {
		if err := s.evaluate(w, e, t, pressure, stiffness); err != nil {
			return err
		}
		c := &w.c
		energies[e] = c.Energy
		cell := s.Mesh.Cell(e)
		n := 3 * len(cell)
		if s.bubbles != nil {
			for i, v := range s.bubbles[s.alpha[e]:s.alpha[e+1]] {
				c.Force[n+i] -= load * v
			}
		}
		copy(inner[s.alpha[e]:s.alpha[e+1]], c.Force[n:])
		if stiffness {
			if !c.Condense(s.back[s.backAt[e]:s.backAt[e+1]]) {
				return &cellError{e, errUnstable}
			}
			s.scatter(cell, c.Stiff)
		}
		for a, node := range cell {
			for i := range 3 {
				f[3*int(node)+i] += c.Force[3*a+i]
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, v := range energies {
		energy += v
	}
	if stiffness && len(s.patches) > 0 {
		err = s.stiffenPatches(ctx, t)
	}
	return energy, err
}

// scatter adds the square matrix k of the nodes to s.k.
func (s *system) scatter(nodes []int32, k []float64) {
	n := 3 * len(nodes)
	for a, row := range nodes {
		for b, col := range nodes {
			v := s.k.Block(int(row), int(col))
			for i := range 3 {
				for j := range 3 {
					v[3*i+j] += k[(3*a+i)*n+3*b+j]
				}
			}
		}
	}
}

// external adds to f the loads at the part load of their full size, in state t,
// and, if wanted, subtracts the symmetric part of their stiffness from s.k. The
// loads of a pressure on a closed surface, or on one that ends in planes of
// symmetry, have a symmetric stiffness.
func (s *system) external(f []float64, t state, load float64, stiffness bool) {
	var w work
	for i, v := range s.dead {
		f[i] += load * v
	}
	for _, p := range s.Pressures {
		for _, side := range p.Sides {
			w.take(s, side, t, s.Finite)
			n := 3 * len(w.nodes)
			var k []float64
			if stiffness && s.Finite {
				k = w.k
			}
			element.FaceOf(len(w.nodes)).Pressure(w.f, k, w.x, load*p.Value)
			if k != nil {
				for i := range n {
					for j := range i + 1 {
						v := -(k[i*n+j] + k[j*n+i]) / 2
						k[i*n+j], k[j*n+i] = v, v
					}
				}
				s.scatter(w.nodes, k)
			}
			w.add(f)
		}
	}
	for _, p := range s.Tractions {
		for _, side := range p.Sides {
			w.take(s, side, t, false)
			element.FaceOf(len(w.nodes)).Traction(w.f, w.x, r3.Scale(load, p.Value))
			w.add(f)
		}
	}
	for _, p := range s.Springs {
		for _, side := range p.Sides {
			w.take(s, side, t, false)
			n := 3 * len(w.nodes)
			element.FaceOf(len(w.nodes)).Foundation(w.k, w.x, p.Stiffness)
			for i := range n {
				for j := range n {
					w.f[i] -= w.k[i*n+j] * t.u[3*int(w.nodes[j/3])+j%3]
				}
			}
			if stiffness {
				s.scatter(w.nodes, w.k)
			}
			w.add(f)
		}
	}
}

// take gathers a side, displaced if wanted, and clears force and stiffness.
func (w *work) take(s *system, side mesh.Side, t state, moved bool) {
	w.nodes = s.Mesh.SideNodes(w.nodes[:0], side)
	w.x = w.x[:0]
	for _, n := range w.nodes {
		p := s.x[n]
		if moved {
			p = r3.Add(p, r3.Vec{X: t.u[3*n], Y: t.u[3*n+1], Z: t.u[3*n+2]})
		}
		w.x = append(w.x, p)
	}
	n := 3 * len(w.nodes)
	w.f, w.k = slices.Grow(w.f[:0], n)[:n], slices.Grow(w.k[:0], n*n)[:n*n]
	clear(w.f)
	clear(w.k)
}

// add adds the forces of w to f.
func (w *work) add(f []float64) {
	for a, n := range w.nodes {
		for i := range 3 {
			f[3*int(n)+i] += w.f[3*a+i]
		}
	}
}
