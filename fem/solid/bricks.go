package solid

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// bricks is the system of a body of hex8 alone, each isotropic, in small strain:
// meshes of vessels from images are of this kind. It takes a fraction of the time
// and memory of the general one, for the same equations. Nodes are numbered along
// the lattice where the bricks form one, so that multigrid can halve it, and
// otherwise as in the mesh, less those of no cell.
type bricks struct {
	*system
	lattice *sparse.Lattice // nil: none
	row     []int32         // of each node; −1 without cells
	node    []int32         // of each row
	cells   [][8]int32      // rows of each cell's nodes
	law     []element.Lame  // of each material
	held    []sparse.Fixed
}

// fewBricks is the number of cells below which systems are factorised as general
// ones are.
const fewBricks = 2000

// newBricks returns the system of s, or nil if it is of another kind.
func newBricks(s *system) *bricks {
	if s.Finite || s.Fibres != nil || s.Mesh.Cells() < fewBricks {
		return nil
	}
	for e, t := range s.Mesh.Types {
		if t != element.Brick8 || s.Mesh.Enhanced != nil && s.Mesh.Enhanced[e] {
			return nil
		}
	}
	b := &bricks{system: s}
	for _, l := range s.Laws {
		if !isotropic(l) {
			return nil
		}
		b.law = append(b.law, element.Lame{Bulk: l.Bulk(), Shear: l.Shear()})
	}
	b.lattice, b.row = sparse.FindLattice(s.Mesh.Nodes, s.Mesh.Conn)
	b.number()
	return b
}

// isotropic tells whether the stress that l takes at small strain, but for the
// pressure, is 2μ dev ε.
func isotropic(l material.Law) bool {
	var r element.Response
	l.Respond(&r, &element.Tensor{1, 1, 1}, nil)
	mu := l.Shear()
	for i := range 6 {
		for j := range 6 {
			var want float64
			switch {
			case i == j && i < 3:
				want = 4 * mu / 3
			case i < 3 && j < 3:
				want = -2 * mu / 3
			case i == j:
				want = mu
			}
			if math.Abs(r.D[i][j]-want) > 1e-12*mu {
				return false
			}
		}
	}
	return true
}

// number gives rows to the nodes, where the lattice does not, to those of the cells
// and to those that are held.
func (b *bricks) number() {
	m := b.Mesh
	if b.lattice == nil {
		b.row = slices.Repeat([]int32{-1}, len(m.Nodes))
		for _, n := range m.Conn {
			b.row[n] = 0
		}
		var rows int32
		for n, used := range b.row {
			if used == 0 {
				b.row[n] = rows
				rows++
			}
		}
	}
	b.node = make([]int32, slices.Max(b.row)+1)
	for n, r := range b.row {
		if r >= 0 {
			b.node[r] = int32(n)
		}
	}
	b.cells = make([][8]int32, m.Cells())
	for e := range b.cells {
		for a, n := range m.Cell(e) {
			b.cells[e][a] = b.row[n]
		}
	}
	b.held = nil
	for r, n := range b.node {
		f := sparse.Fixed{Node: r}
		for i := range 3 {
			if !b.fixed[3*n+int32(i)] {
				f.Q[4*i] = 1
			}
		}
		if f.Q[0]+f.Q[4]+f.Q[8] < 3 {
			b.held = append(b.held, f)
		}
	}
}

// set puts h at cell e.
func (b *bricks) set(h *element.Hex8, e int) {
	var x [8]r3.Vec
	for a, n := range b.Mesh.Cell(e) {
		x[a] = b.x[n]
	}
	h.Set(&x)
}

// lawOf returns the moduli of cell e, the bulk modulus at most limit times the other.
func (b *bricks) lawOf(e int, limit float64) element.Lame {
	l := b.law[b.Of[e]]
	l.Bulk = min(l.Bulk, limit*l.Shear)
	return l
}

// matrix is what a stiffness is assembled in.
type matrix interface {
	sparse.Operator
	AddCell(nodes *[8]int32, k *[8][8][9]float64)
	Add(a, b int, v *[9]float64)
	Constrain(fixed []sparse.Fixed)
}

// assemble adds the stiffness of all cells, with bulk moduli of at most limit times
// the shear modulus, and that of the springs. Cells are computed in parallel and
// added in the order of the mesh.
func (b *bricks) assemble(ctx context.Context, k matrix, limit float64) error {
	const chunk = 512
	ks := make([][8][8][9]float64, min(chunk, len(b.cells)))
	for from := 0; from < len(b.cells); from += chunk {
		n := min(chunk, len(b.cells)-from)
		if err := par.Blocks(ctx, n, 64, func(lo, hi int) {
			var h element.Hex8
			var law [element.Points]element.Lame
			for e := lo; e < hi; e++ {
				b.set(&h, from+e)
				l := b.lawOf(from+e, limit)
				for q := range law {
					law[q] = l
				}
				h.Stiffness(&ks[e], &law)
			}
		}); err != nil {
			return err
		}
		for e := range n {
			k.AddCell(&b.cells[from+e], &ks[e])
		}
	}
	var nodes []int32
	for _, p := range b.Springs {
		for _, side := range p.Sides {
			nodes = b.Mesh.SideNodes(nodes[:0], side)
			var x [4]r3.Vec
			for a, n := range nodes {
				x[a] = b.x[n]
			}
			kf := element.Foundation(x, p.Stiffness)
			for i, n := range nodes {
				for j, m := range nodes {
					k.Add(int(b.row[n]), int(b.row[m]), &kf[i][j])
				}
			}
		}
	}
	return nil
}

// Ratios of bulk to shear modulus: above stiffBrick (ν = 0.4992) the pressures of
// cells become unknowns, and the matrix holds softBrick (ν = 0.45) there, as the one
// that is aggregated always does (docs/decisions/0052).
const (
	stiffBrick = 600
	softBrick  = 29.0 / 3
)

// solve solves the system.
func (b *bricks) solve(ctx context.Context, set Settings) (*Solution, error) {
	n := len(b.node)
	limit := math.Inf(1)
	for _, l := range b.law {
		if l.Bulk > stiffBrick*l.Shear {
			limit = softBrick
		}
	}
	k, pre, err := b.matrix(ctx, limit)
	if err != nil {
		return nil, err
	}
	load := make([]float64, 3*len(b.x))
	b.external(load, state{u: make([]float64, 3*len(b.x))}, 1, false)
	f, g := b.gather(load), make([]float64, 3*n)
	var moved bool
	for _, fx := range b.Fixed {
		if r := b.row[fx.Node]; r >= 0 && fx.Value != 0 {
			g[3*int(r)+int(fx.Axis)] = fx.Value
			moved = true
		}
	}
	if moved {
		kg := make([]float64, 3*n)
		k.Mul(kg, g)
		for i, v := range kg {
			f[i] -= v
		}
	}
	var vol *dilatation
	var soft, bulk []float64
	if limit < math.Inf(1) {
		vol = newDilatation(b)
		soft, bulk = make([]float64, len(b.cells)), make([]float64, len(b.cells))
		q := make([]float64, len(b.cells))
		vol.Mean(q, g)
		for e := range bulk {
			soft[e], bulk[e] = b.lawOf(e, limit).Bulk, b.lawOf(e, math.Inf(1)).Bulk
			q[e] *= soft[e] - bulk[e]
		}
		vol.AddForce(f, q)
	}
	k.Constrain(b.held)
	b.hold(f)
	if pre == nil {
		lattice := k.(*sparse.Stencil)
		if pre, err = sparse.NewMultigrid(ctx, lattice, b.held); err != nil {
			return nil, fmt.Errorf("multigrid: %w", err)
		}
		if pre, err = sparse.NewSections(ctx, lattice, b.places(), b.held, pre); err != nil {
			return nil, err
		}
	} else {
		k.(*sparse.Symmetric).Hold(b.held)
	}
	w := make([]float64, 3*n)
	settings := sparse.Settings{Tolerance: set.Tolerance, MaxIterations: 3000}
	var rep sparse.Report
	if vol == nil {
		rep, err = sparse.Solve(ctx, w, k, f, pre, settings)
	} else {
		rep, err = sparse.Augmented(ctx, w, k, f, pre, vol, soft, bulk, settings)
	}
	if errors.Is(err, sparse.ErrNotDefinite) {
		return nil, &ConvergenceError{Step: 1, Load: 0, Residual: rep.Residual, Element: -1, Why: err.Error()}
	}
	if err != nil {
		return nil, err
	}
	sol := &Solution{U: make([]float64, 3*len(b.x)), Steps: 1, Newton: 1, Linear: rep.Iterations, Residual: rep.Residual,
		History: []float64{rep.Residual}, Force: make([]float64, 3*len(b.x)), alpha: []float64{}, sys: b.system}
	for r, n := range b.node {
		for i := range 3 {
			sol.U[3*int(n)+i] = g[3*r+i] + w[3*r+i]
		}
	}
	for i, v := range load {
		sol.Work += v * sol.U[i] / 2
	}
	if sol.Energy, err = b.forces(ctx, sol.Force, sol.U); err != nil {
		return nil, err
	}
	if !rep.Converged {
		return sol, &ConvergenceError{Step: 1, Load: 1, Residual: rep.Residual, Element: -1,
			Why: fmt.Sprintf("the linear solver stopped after %d iterations, target %.0e", rep.Iterations, set.Tolerance)}
	}
	return sol, nil
}

// matrix assembles the stiffness, not yet constrained. Without a lattice it returns
// the preconditioner, too, which is made of a softer one.
func (b *bricks) matrix(ctx context.Context, limit float64) (matrix, sparse.Preconditioner, error) {
	if b.lattice != nil {
		k := sparse.NewStencil(*b.lattice)
		return k, nil, b.assemble(ctx, k, limit)
	}
	k := sparse.NewSymmetric(b.neighbours())
	if err := b.assemble(ctx, k, softBrick); err != nil {
		return nil, nil, err
	}
	k.Constrain(b.held)
	k.Hold(b.held)
	pre, err := sparse.NewAggregation(ctx, k, b.places(), b.held, sparse.DefaultSmoothing())
	if err != nil || b.softEnough() {
		return k, pre, err // what is constrained once more stays what it is
	}
	clear(k.Val)
	return k, pre, b.assemble(ctx, k, limit)
}

// places returns where the node of each row is.
func (b *bricks) places() []r3.Vec {
	at := make([]r3.Vec, len(b.node))
	for r, n := range b.node {
		at[r] = b.x[n]
	}
	return at
}

// softEnough tells whether the matrix that is aggregated is the body's own, which
// nothing prescribed asks for as it was before it was constrained.
func (b *bricks) softEnough() bool {
	return !slices.ContainsFunc(b.law, func(l element.Lame) bool { return l.Bulk > softBrick*(1+1e-9)*l.Shear }) &&
		!slices.ContainsFunc(b.Fixed, func(f Fix) bool { return f.Value != 0 })
}

// neighbours returns for each row the sorted rows of the cells around it.
func (b *bricks) neighbours() [][]int32 {
	around := b.Mesh.CellsAround()
	rows := make([][]int32, len(b.node))
	var list []int32
	for r, n := range b.node {
		list = list[:0]
		for _, e := range around.Of(int(n)) {
			list = append(list, b.cells[e][:]...)
		}
		slices.Sort(list)
		rows[r] = slices.Clone(slices.Compact(list))
	}
	return rows
}

// gather returns the values of a nodal vector by rows.
func (b *bricks) gather(v []float64) []float64 {
	out := make([]float64, 3*len(b.node))
	for r, n := range b.node {
		copy(out[3*r:3*r+3], v[3*n:3*n+3])
	}
	return out
}

// hold clears the held components of f.
func (b *bricks) hold(f []float64) {
	for _, h := range b.held {
		for i := range 3 {
			f[3*h.Node+i] *= h.Q[4*i]
		}
	}
}

// forces stores the forces of the material on the nodes in f and returns the strain
// energy, each summed in the order of the mesh.
func (b *bricks) forces(ctx context.Context, f, u []float64) (energy float64, err error) {
	const chunk = 4096
	fe := make([][8][3]float64, min(chunk, len(b.cells)))
	for from := 0; from < len(b.cells); from += chunk {
		n := min(chunk, len(b.cells)-from)
		if err := par.Blocks(ctx, n, 64, func(lo, hi int) {
			var h element.Hex8
			for e := lo; e < hi; e++ {
				b.set(&h, from+e)
				ue := b.displacements(from+e, u)
				fe[e] = nodalForces(&h, &ue, b.law[b.Of[from+e]])
			}
		}); err != nil {
			return 0, err
		}
		for e := range n {
			for a, n := range b.Mesh.Cell(from + e) {
				for i, v := range fe[e][a] {
					f[3*int(n)+i] += v
					energy += v * u[3*int(n)+i] / 2
				}
			}
		}
	}
	return energy, nil
}

// displacements returns those of the corners of cell e.
func (b *bricks) displacements(e int, u []float64) (ue [8]r3.Vec) {
	for a, n := range b.Mesh.Cell(e) {
		ue[a] = r3.Vec{X: u[3*n], Y: u[3*n+1], Z: u[3*n+2]}
	}
	return ue
}

// nodalForces returns ∫ σ : δε̄ dV for each corner of h, mN.
func nodalForces(h *element.Hex8, u *[8]r3.Vec, law element.Lame) (f [8][3]float64) {
	var pressure float64 // ∫ p dV
	for q, w := range h.Weight {
		s := law.Stress(h.Strain(u, q))
		p := (s[0] + s[1] + s[2]) / 3
		pressure += w * p
		s[0], s[1], s[2] = s[0]-p, s[1]-p, s[2]-p
		for a, g := range h.Grad[q] {
			f[a][0] += w * (s[0]*g[0] + s[3]*g[1] + s[5]*g[2])
			f[a][1] += w * (s[3]*g[0] + s[1]*g[1] + s[4]*g[2])
			f[a][2] += w * (s[5]*g[0] + s[4]*g[1] + s[2]*g[2])
		}
	}
	for a, g := range h.Mean {
		for i, v := range g {
			f[a][i] += pressure * v
		}
	}
	return f
}

// sample stores the state of the quadrature points of cell e, with displacements u,
// and returns the smallest volume ratio. The strain is the point's own, while the
// stress has the pressure of the mean dilatation.
func (b *bricks) sample(dst []Sample, h *element.Hex8, e int, u []float64) float64 {
	b.set(h, e)
	ue := b.displacements(e, u)
	law, ref := b.law[b.Of[e]], b.reference(e)
	least := math.Inf(1)
	for q := range dst {
		mean := h.Strain(&ue, q)
		strain := mean
		var tr float64
		for a, v := range ue {
			g := &h.Grad[q][a]
			tr += g[0]*v.X + g[1]*v.Y + g[2]*v.Z
		}
		d := (tr - mean[0] - mean[1] - mean[2]) / 3
		strain[0], strain[1], strain[2] = strain[0]+d, strain[1]+d, strain[2]+d
		stress := law.Stress(mean)
		s := &dst[q]
		s.At = r3.Vec{}
		for a, n := range b.Mesh.Cell(e) {
			s.At = r3.Add(s.At, r3.Scale(ref.N[q][a], b.x[n]))
		}
		s.Volume, s.Stress, s.Strain, s.Stretch = h.Weight[q], stress, strain, 1+tr
		s.Energy = element.Energy(stress, mean)
		least = min(least, s.Stretch)
	}
	return least
}

// dilatation couples the displacements of bricks with the pressures of cells.
type dilatation struct {
	b      *bricks
	volume []float64
	flux   [][8][3]float64 // ∫ ∂N_a/∂x dV, mm²
}

func newDilatation(b *bricks) *dilatation {
	d := &dilatation{b: b, volume: make([]float64, len(b.cells)), flux: make([][8][3]float64, len(b.cells))}
	_ = par.Blocks(context.Background(), len(d.flux), 256, func(lo, hi int) {
		var h element.Hex8
		for e := lo; e < hi; e++ {
			b.set(&h, e)
			d.volume[e] = h.Volume
			for a, m := range h.Mean {
				for c, v := range m {
					d.flux[e][a][c] = h.Volume * v
				}
			}
		}
	})
	return d
}

// Volume returns the volume of each cell.
func (d *dilatation) Volume() []float64 { return d.volume }

// Mean stores the mean dilatation of each cell in theta.
func (d *dilatation) Mean(theta, u []float64) {
	_ = par.Blocks(context.Background(), len(theta), 1024, func(lo, hi int) {
		for e := lo; e < hi; e++ {
			var t float64
			for a, r := range d.b.cells[e] {
				g, v := &d.flux[e][a], (*[3]float64)(u[3*int(r):])
				t += g[0]*v[0] + g[1]*v[1] + g[2]*v[2]
			}
			theta[e] = t / d.volume[e]
		}
	})
}

// AddForce adds the forces of pressures to f, in the order of the mesh.
func (d *dilatation) AddForce(f, pressure []float64) {
	for e, p := range pressure {
		for a, r := range d.b.cells[e] {
			g, v := &d.flux[e][a], (*[3]float64)(f[3*int(r):])
			v[0] += p * g[0]
			v[1] += p * g[1]
			v[2] += p * g[2]
		}
	}
	d.b.hold(f)
}
