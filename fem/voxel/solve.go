package voxel

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// ErrNotConverged is matched when the iteration ended before its tolerance.
var ErrNotConverged = errors.New("the solver did not converge")

// ErrUnconstrained is matched when the load moves a body that nothing holds.
var ErrUnconstrained = errors.New("the body is not held against its load")

// Solution is the displacement of a body with what its stress takes.
type Solution struct {
	Mesh *mesh.Mesh // bricks, the border on the surfaces
	U    []r3.Vec   // mm
	sparse.Report
	Unknowns    int
	Bent        int     // bricks with a matrix of their own
	MinJacobian float64 // least determinant at a quadrature point over the mean of its brick
	Worst       int     // its brick
	Left        float64 // largest distance of a node of the border from its surfaces, mm
	Levels      int
	Free        int // rigid motions that nothing holds and no load drives

	solid []material.Elastic // of each brick
}

// model is a body on its grid.
type model struct {
	*Body
	op    *operator[float64]
	x     []r3.Vec
	cells [][8]int32
	solid []material.Elastic
	held  []sparse.Fixed
	load  []float64
	sides []side
	least float64
	worst int
	left  float64
	bent  int
}

// Solve meshes b and computes its displacement.
func (b *Body) Solve(ctx context.Context, set Settings) (*Solution, error) {
	m, err := b.model(ctx, set)
	if err != nil {
		return nil, err
	}
	mg, err := newMultigrid(ctx, m.op, m.held)
	if err != nil {
		return nil, fmt.Errorf("voxel: multigrid: %w", err)
	}
	free := m.free()
	hold(m.load, m.held)
	norm := floats.Norm(m.load, 2)
	for _, z := range free {
		if c := floats.Dot(m.load, z); math.Abs(c) > 1e-2*norm {
			return nil, fmt.Errorf("voxel: %w: %.1f %% of the load drives a rigid motion; hold more surfaces or balance the load", ErrUnconstrained, 100*math.Abs(c)/norm)
		} else {
			floats.AddScaled(m.load, -c, z)
		}
	}
	n := len(m.x)
	sol := &Solution{Mesh: &mesh.Mesh{Nodes: m.x}, U: make([]r3.Vec, n), Unknowns: 3 * n, Bent: m.bent, MinJacobian: m.least, Worst: m.worst,
		Left: m.left, Levels: len(mg.levels), Free: len(free), solid: m.solid}
	u := make([]float64, 3*n)
	if sol.Report, err = sparse.Solve(ctx, u, m, m.load, mg, sparse.Settings{Tolerance: set.Tolerance, MaxIterations: set.MaxIterations, Free: free}); err != nil {
		return nil, fmt.Errorf("voxel: %w", err)
	}
	for a := range sol.U {
		sol.U[a] = r3.Vec{X: u[3*a], Y: u[3*a+1], Z: u[3*a+2]}
	}
	for _, c := range m.cells {
		var k [8]int32
		for a, node := range c {
			k[brickCorner[a]] = node
		}
		sol.Mesh.Cells = append(sol.Mesh.Cells, k)
	}
	if !sol.Converged {
		return sol, fmt.Errorf("voxel: %w: relative residual %.1e after %d iterations, target %.0e", ErrNotConverged, sol.Residual, sol.Iterations, set.Tolerance)
	}
	return sol, nil
}

// Mul stores A⋅x in dst.
func (m *model) Mul(dst, x []float64) { mul(m.op, dst, x) }

// model meshes the body and sets up stiffness, loads and constraints.
func (b *Body) model(ctx context.Context, set Settings) (*model, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	in, err := b.fill(ctx)
	if err != nil {
		return nil, err
	}
	g := newGrid(b.Cells, in)
	m := &model{Body: b, cells: g.cells, sides: b.border(g)}
	on := surfacesOf(len(g.node), m.sides)
	least := set.MinJacobian
	if !set.Project {
		least = 0
	}
	if m.x, err = b.project(ctx, g, on, least); err != nil {
		return nil, err
	}
	own := make([]bool, len(g.node)) // nodes whose bricks are no cubes of the table
	for n, s := range on {
		own[n] = len(s) > 0 && set.Project
		if len(s) > 0 {
			for _, k := range s {
				m.left = max(m.left, math.Abs(b.Surfaces[k].Distance(m.x[n])))
			}
			if f, ok := b.slide(m.x[n], s); ok {
				f.Node = n
				m.held = append(m.held, f)
				own[n] = true
			}
		}
	}
	for _, s := range m.sides {
		if b.Surfaces[s.surface].Springs > 0 {
			for _, n := range g.cells[s.cell] {
				own[n] = true
			}
		}
	}
	if err := m.assemble(ctx, g, own); err != nil {
		return nil, err
	}
	m.press()
	return m, nil
}

// slide returns the projector that keeps a node at p in the tangent planes of those
// of its surfaces that slide.
func (b *Body) slide(p r3.Vec, on []int32) (f sparse.Fixed, ok bool) {
	var normals []r3.Vec
	for _, s := range on {
		if !b.Surfaces[s].Slide {
			continue
		}
		n := b.gradient(int(s), p)
		for _, o := range normals {
			n = r3.Sub(n, r3.Scale(r3.Dot(n, o), o))
		}
		if r3.Norm(n) > 0.1 {
			normals = append(normals, r3.Unit(n))
		}
	}
	f.Q = [9]float64{1, 0, 0, 0, 1, 0, 0, 0, 1}
	for _, n := range normals {
		d := [3]float64{n.X, n.Y, n.Z}
		for i := range 3 {
			for j := range 3 {
				f.Q[3*i+j] -= d[i] * d[j]
			}
		}
	}
	return f, len(normals) > 0
}

// solidOf is the elastic solid of the brick with corners at x: Young's modulus is the
// geometric mean (F.7) and ν the mean of that at 2×2×2 points, or at 4×4×4 if those
// differ.
func (b *Body) solidOf(x *[8]r3.Vec) material.Elastic {
	mean := func(n int) (s material.Elastic, same bool) {
		same = true
		var first material.Elastic
		var logs float64
		for q := range n * n * n {
			at := func(i int) float64 { return (2*float64(i)+1)/float64(n) - 1 }
			var p r3.Vec
			for a, w := range element.Shape(at(q%n), at(q/n%n), at(q/(n*n))) {
				p = r3.Add(p, r3.Scale(w, x[a]))
			}
			t := b.Tissue(p)
			if q == 0 {
				first = t
			}
			same = same && t == first
			logs += math.Log(t.Young)
			s.Poisson += t.Poisson
		}
		if same {
			return first, true
		}
		count := float64(n * n * n)
		return material.Elastic{Young: math.Exp(logs / count), Poisson: s.Poisson / count}, false
	}
	s, same := mean(2)
	if !same {
		s, _ = mean(4)
	}
	return s
}

// assemble fills the operator.
func (m *model) assemble(ctx context.Context, g *grid, own []bool) error {
	cells := len(g.cells)
	op := &operator[float64]{grid: g, mu: make([]float64, cells), kappa: make([]float64, cells), which: make([]int32, cells)}
	for e, c := range g.cells {
		op.which[e] = -1
		if bent(c, own) {
			op.which[e] = int32(m.bent)
			m.bent++
		}
	}
	op.own = make([]float64, packed*m.bent)
	m.op, m.solid = op, make([]material.Elastic, cells)
	det := make([]float64, cells)
	projector := make(map[int32]*[9]float64, len(m.held))
	for n := range m.held {
		projector[int32(m.held[n].Node)] = &m.held[n].Q
	}
	springs := m.springs()
	err := par.Blocks(ctx, cells, 128, func(lo, hi int) {
		var h element.Hex8
		for e := lo; e < hi; e++ {
			cell := &g.cells[e]
			det[e] = 1
			var x [8]r3.Vec
			for a, n := range cell {
				x[brickCorner[a]] = m.x[n]
			}
			m.solid[e] = m.solidOf(&x)
			law := element.Moduli(m.solid[e].Young, m.solid[e].Poisson)
			w := op.which[e]
			if w < 0 {
				op.mu[e], op.kappa[e] = law.Shear*m.Spacing/16, law.Bulk*m.Spacing/16
				continue
			}
			det[e] = h.Set(&x) * element.Points / h.Volume
			k := op.own[packed*int(w) : packed*int(w)+packed]
			stiffness(k, &h, law)
			constrain(k, cell, projector, springs[int32(e)])
		}
	})
	if err != nil {
		return err
	}
	m.least = 1
	for e, d := range det {
		if d < m.least {
			m.least, m.worst = d, e
		}
		if err := m.solid[e].Check(); err != nil {
			c := m.point(float64(g.at[e][0])+0.5, float64(g.at[e][1])+0.5, float64(g.at[e][2])+0.5)
			return fmt.Errorf("voxel: tissue at (%.2f, %.2f, %.2f) mm: %w", c.X, c.Y, c.Z, err)
		}
	}
	return nil
}

// spring is the stiffness of a side.
type spring struct {
	nodes [4]int32
	k     [4][4][9]float64
}

// springs returns those of each brick that has any.
func (m *model) springs() map[int32][]spring {
	all := map[int32][]spring{}
	for _, s := range m.sides {
		if k := m.Surfaces[s.surface].Springs; k > 0 {
			all[s.cell] = append(all[s.cell], spring{s.nodes, element.Foundation(m.corners(&s), k)})
		}
	}
	return all
}

func (m *model) corners(s *side) (x [4]r3.Vec) {
	for a, n := range s.nodes {
		x[a] = m.x[n]
	}
	return x
}

// constrain adds springs to the packed matrix of a brick and puts Q K Q in its place.
func constrain(k []float64, cell *[8]int32, projector map[int32]*[9]float64, springs []spring) {
	var q [8]*[9]float64
	var any bool
	for a, n := range cell {
		q[a] = projector[n]
		any = any || q[a] != nil
	}
	if !any && len(springs) == 0 {
		return
	}
	var full [576]float64
	unpack(&full, k)
	for _, s := range springs {
		for i, n := range s.nodes {
			for j, o := range s.nodes {
				var a, b int
				for c, node := range cell {
					if node == n {
						a = c
					}
					if node == o {
						b = c
					}
				}
				for x := range 3 {
					for y := range 3 {
						full[24*(3*a+x)+3*b+y] += s.k[i][j][3*x+y]
					}
				}
			}
		}
	}
	for a := range 8 {
		if q[a] == nil {
			continue
		}
		for c := range 24 { // rows, then columns
			r0, r1, r2 := full[24*(3*a)+c], full[24*(3*a+1)+c], full[24*(3*a+2)+c]
			for i := range 3 {
				full[24*(3*a+i)+c] = q[a][3*i]*r0 + q[a][3*i+1]*r1 + q[a][3*i+2]*r2
			}
		}
		for r := range 24 {
			v := full[24*r+3*a : 24*r+3*a+3]
			c0, c1, c2 := v[0], v[1], v[2]
			for i := range 3 {
				v[i] = q[a][3*i]*c0 + q[a][3*i+1]*c1 + q[a][3*i+2]*c2
			}
		}
	}
	n := 0
	for r := range 24 {
		for c := range r + 1 {
			k[n] = full[24*r+c]
			n++
		}
	}
}

// press sums the loads of the pressures.
func (m *model) press() {
	m.load = make([]float64, 3*len(m.x))
	for _, s := range m.sides {
		p := m.Surfaces[s.surface].Pressure
		if p == 0 {
			continue
		}
		for a, f := range element.Traction(m.corners(&s), p) {
			n := 3 * s.nodes[a]
			m.load[n] += f.X
			m.load[n+1] += f.Y
			m.load[n+2] += f.Z
		}
	}
}

// weak is the resistance against a rigid motion, relative to the mean of the six,
// below which it counts as free: end planes that are parallel within about a
// thousandth hold no sideways motion.
const weak = 1e-6

// free returns an orthonormal basis of the rigid motions that nothing holds.
func (m *model) free() [][]float64 {
	n := len(m.x)
	var c r3.Vec
	for _, x := range m.x {
		c = r3.Add(c, r3.Scale(1/float64(n), x))
	}
	motions := make([][]float64, 6)
	for k := range motions {
		v := make([]float64, 3*n)
		for a, x := range m.x {
			d := r3.Sub(x, c)
			switch k {
			case 0, 1, 2:
				v[3*a+k] = 1
			case 3:
				v[3*a+1], v[3*a+2] = -d.Z, d.Y
			case 4:
				v[3*a], v[3*a+2] = d.Z, -d.X
			case 5:
				v[3*a], v[3*a+1] = -d.Y, d.X
			}
		}
		orthonormal(v, motions[:k])
		motions[k] = v
	}
	gram := mat.NewSymDense(6, nil)
	y := make([]float64, 3*n)
	var springs []spring
	for _, s := range m.sides {
		if k := m.Surfaces[s.surface].Springs; k > 0 {
			springs = append(springs, spring{s.nodes, element.Foundation(m.corners(&s), k/(k*m.Spacing*m.Spacing))})
		}
	}
	for i, u := range motions {
		clear(y)
		for _, f := range m.held {
			v := u[3*f.Node : 3*f.Node+3]
			for r := range 3 {
				y[3*f.Node+r] += v[r] - f.Q[3*r]*v[0] - f.Q[3*r+1]*v[1] - f.Q[3*r+2]*v[2]
			}
		}
		for _, s := range springs {
			for a, n := range s.nodes {
				for b, o := range s.nodes {
					for r := range 3 {
						for k := range 3 {
							y[3*int(n)+r] += s.k[a][b][3*r+k] * u[3*int(o)+k]
						}
					}
				}
			}
		}
		for j, w := range motions[:i+1] {
			gram.SetSym(i, j, floats.Dot(y, w))
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(gram, true) {
		return nil
	}
	var vectors mat.Dense
	eig.VectorsTo(&vectors)
	var free [][]float64
	for k, v := range eig.Values(nil) {
		if v > max(weak*mat.Trace(gram)/6, 1e-300) {
			continue
		}
		z := make([]float64, 3*n)
		for i, u := range motions {
			floats.AddScaled(z, vectors.At(i, k), u)
		}
		hold(z, m.held)
		orthonormal(z, free)
		free = append(free, z)
	}
	return free
}

// orthonormal takes the basis out of v and scales it to unit length.
func orthonormal(v []float64, basis [][]float64) {
	for range 2 { // twice is enough (Kahan)
		for _, b := range basis {
			floats.AddScaled(v, -floats.Dot(v, b), b)
		}
	}
	floats.Scale(1/floats.Norm(v, 2), v)
}

// Point is the state at a quadrature point.
type Point struct {
	At     r3.Vec
	Volume float64 // mm³ that it stands for
	Brick  int
	Solid  material.Elastic
	Stress element.Tensor // kPa
	Strain element.Tensor
}

// Points returns the state at the quadrature points, eight a brick.
func (s *Solution) Points(ctx context.Context) ([]Point, error) {
	out := make([]Point, element.Points*len(s.Mesh.Cells))
	err := par.Blocks(ctx, len(s.Mesh.Cells), 256, func(lo, hi int) {
		var h element.Hex8
		for e := lo; e < hi; e++ {
			x := s.Mesh.Corners(e)
			h.Set(&x)
			var u [8]r3.Vec
			for a, n := range s.Mesh.Cells[e] {
				u[a] = s.U[n]
			}
			law := element.Moduli(s.solid[e].Young, s.solid[e].Poisson)
			for q := range element.Points {
				p := &out[element.Points*e+q]
				for a, w := range element.Shape(element.QuadraturePoint(q)) {
					p.At = r3.Add(p.At, r3.Scale(w, x[a]))
				}
				p.Volume, p.Brick, p.Solid, p.Strain = h.Weight[q], e, s.solid[e], h.Strain(&u, q)
				p.Stress = law.Stress(p.Strain)
			}
		}
	})
	return out, err
}
