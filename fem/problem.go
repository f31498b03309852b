package fem

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// ErrNotConverged is matched by a [ConvergenceError].
var ErrNotConverged = errors.New("the solver did not converge")

// ErrUnconstrained is returned when the load moves a body that nothing holds.
var ErrUnconstrained = errors.New("the body is not held against its load")

// ConvergenceError says how far the iteration came.
type ConvergenceError struct {
	sparse.Report
	Target float64
	At     r3.Vec // the node with the largest residual force, mm
}

func (e *ConvergenceError) Error() string {
	return fmt.Sprintf("%v: relative residual %.2e after %d iterations, target %.0e, largest at (%.2f, %.2f, %.2f) mm; check the mesh for thin or distorted elements there, or raise max_iterations",
		ErrNotConverged, e.Residual, e.Iterations, e.Target, e.At.X, e.At.Y, e.At.Z)
}

// Is tells that e is an [ErrNotConverged].
func (e *ConvergenceError) Is(target error) bool { return target == ErrNotConverged }

// Problem is a linear elastic body: mesh, stiffness, loads and constraints. It
// is what [Solve] makes of a vessel, and serves bodies of other shapes too.
type Problem struct {
	Mesh *mesh.Mesh
	// Lattice, if not nil, says that the nodes form a box, so that multigrid can
	// coarsen it. Other meshes are coarsened by aggregation.
	Lattice *sparse.Lattice
	Law     [][element.Points]element.Lame // moduli at each quadrature point of each cell
	// Laminates, if not nil, holds for each cell that an interface cuts the layers
	// that take the place of Law, nil for other cells. Their ν is at most 0.499.
	Laminates []*element.Laminate
	Load      []r3.Vec       // nodal loads, mN
	Fixed     []sparse.Fixed // nodes held back, each at most once
	Given     []r3.Vec       // displacement of what Fixed takes away, mm; nil: zero
	Springs   []Spring
	// Relief takes the part of the load that drives free motions as balanced by what
	// the body continues in, spread evenly over it.
	Relief bool
	// Keep holds matrix and preconditioner in the solution, for sensitivities.
	Keep bool
}

// Spring supports a face along its normal.
type Spring struct {
	Face      [4]int32
	Stiffness float64 // kPa per mm
}

// Solution is the displacement of a [Problem].
type Solution struct {
	U []r3.Vec // mm
	sparse.Report
	Unknowns int
	Levels   int     // of the multigrid
	Free     int     // rigid motions that nothing holds and no load drives
	Work     float64 // ½ fᵀu of the loads, µJ

	again solver // of other loads, if the problem was to keep it
}

// solver stores in w the displacement under the nodal forces f, three values a
// node, both zero where nodes are fixed.
type solver func(ctx context.Context, w, f []float64) (sparse.Report, error)

// NewProblem returns a body of one material without loads.
func NewProblem(m *mesh.Mesh, law element.Lame) *Problem {
	p := &Problem{Mesh: m, Law: make([][element.Points]element.Lame, len(m.Cells)), Load: make([]r3.Vec, len(m.Nodes))}
	for e := range p.Law {
		for q := range p.Law[e] {
			p.Law[e][q] = law
		}
	}
	return p
}

// Press adds the loads of a pressure in kPa on faces, whose corners run
// counter-clockwise seen from outside the body.
func (p *Problem) Press(faces [][4]int32, pressure float64) {
	for _, f := range faces {
		var x [4]r3.Vec
		for a, n := range f {
			x[a] = p.Mesh.Nodes[n]
		}
		for a, t := range element.Traction(x, pressure) {
			p.Load[f[a]] = r3.Add(p.Load[f[a]], t)
		}
	}
}

// Clamp holds a node, or moves it as p.Given says.
func (p *Problem) Clamp(node int) { p.Fixed = append(p.Fixed, sparse.Fixed{Node: node}) }

// Slide lets a node move only in the plane across the unit vector t.
func (p *Problem) Slide(node int, t r3.Vec) {
	d := [3]float64{t.X, t.Y, t.Z}
	f := sparse.Fixed{Node: node}
	for i := range 3 {
		for j := range 3 {
			f.Q[3*i+j] = -d[i] * d[j]
		}
		f.Q[4*i]++
	}
	p.Fixed = append(p.Fixed, f)
}

// Solve computes the displacement. Where ν exceeds 0.4992 the pressures of the
// cells are found by [sparse.Augmented].
func (p *Problem) Solve(ctx context.Context, tolerance float64, maxIterations int) (*Solution, error) {
	n := len(p.Mesh.Nodes)
	switch {
	case n == 0 || len(p.Mesh.Cells) == 0:
		return nil, errors.New("the mesh is empty")
	case len(p.Law) != len(p.Mesh.Cells):
		return nil, fmt.Errorf("%d cells but %d materials", len(p.Mesh.Cells), len(p.Law))
	case len(p.Load) != n:
		return nil, fmt.Errorf("%d nodes but %d loads", n, len(p.Load))
	case p.Given != nil && len(p.Given) != n:
		return nil, fmt.Errorf("%d nodes but %d given displacements", n, len(p.Given))
	}
	body := *p
	law := p.softened(softRatio, stiffRatio/softRatio)
	if law != nil {
		body.Law = law
	}
	sol := &Solution{Unknowns: 3 * n}
	var k matrix
	var pre sparse.Preconditioner
	if p.Lattice == nil {
		b := sparse.NewSymmetric(p.Mesh.Neighbours())
		mg, err := body.aggregation(ctx, b)
		if err != nil {
			return nil, err
		}
		k, pre, sol.Levels = b, mg, len(mg.Sizes())
	} else {
		if p.Lattice.Len() != n {
			return nil, fmt.Errorf("%d nodes, but a lattice %v of %d", n, p.Lattice.N, p.Lattice.Len())
		}
		k = sparse.NewStencil(*p.Lattice)
	}
	if err := body.assemble(ctx, k); err != nil {
		return nil, err
	}
	f, g := flatten(p.Load), make([]float64, 3*n)
	if p.Given != nil {
		// u = g + w, where g is what the constraints take away and w the rest.
		for _, fx := range p.Fixed {
			v := p.Given[fx.Node]
			t := [3]float64{v.X, v.Y, v.Z}
			for i := range 3 {
				g[3*fx.Node+i] = t[i] - fx.Q[3*i]*t[0] - fx.Q[3*i+1]*t[1] - fx.Q[3*i+2]*t[2]
			}
		}
		kg := make([]float64, 3*n)
		k.Mul(kg, g)
		for i := range f {
			f[i] -= kg[i]
		}
	}
	free, err := p.freeMotions(k)
	if err != nil {
		return nil, err
	}
	if p.Relief {
		for _, z := range free {
			c := dotSerial(z, f)
			for i, v := range z {
				f[i] -= c * v
			}
		}
	}
	if err := checkBalance(f, free, p.Fixed); err != nil {
		return nil, err
	}
	sol.Free = len(free)
	k.Constrain(p.Fixed)
	applyFixed(f, p.Fixed)
	var vol *dilatation
	var soft, bulk []float64
	if law != nil {
		vol, soft, bulk = newDilatation(p), p.bulk(law), p.bulk(p.Law)
		if p.Given != nil {
			q := make([]float64, len(soft))
			vol.Mean(q, g)
			for e := range q {
				q[e] *= soft[e] - bulk[e]
			}
			vol.AddForce(f, q)
		}
	}
	switch k := k.(type) {
	case *sparse.Stencil:
		mg, err := sparse.NewMultigrid(ctx, k, p.Fixed)
		if err != nil {
			return nil, fmt.Errorf("multigrid: %w", err)
		}
		if pre, err = sparse.NewSections(ctx, k, p.Mesh.Nodes, p.Fixed, mg); err != nil {
			return nil, err
		}
		sol.Levels = len(mg.Levels())
	case *sparse.Symmetric:
		k.Hold(p.Fixed)
	}
	// Without free motions left in f the system is consistent.
	w := make([]float64, 3*n)
	set := sparse.Settings{Tolerance: tolerance, MaxIterations: maxIterations, Free: free}
	solve := func(ctx context.Context, w, f []float64) (sparse.Report, error) {
		if law == nil {
			return sparse.Solve(ctx, w, k, f, pre, set)
		}
		return sparse.Augmented(ctx, w, k, f, pre, vol, soft, bulk, set)
	}
	if sol.Report, err = solve(ctx, w, f); err != nil {
		return nil, err
	}
	if p.Keep {
		sol.again = solve
	}
	if !sol.Converged {
		return nil, &ConvergenceError{Report: sol.Report, Target: tolerance, At: p.Mesh.Nodes[farthestOff(k, w, f)]}
	}
	sol.U = make([]r3.Vec, n)
	for a := range sol.U {
		sol.U[a] = r3.Vec{X: g[3*a] + w[3*a], Y: g[3*a+1] + w[3*a+1], Z: g[3*a+2] + w[3*a+2]}
		sol.Work += r3.Dot(p.Load[a], sol.U[a]) / 2
	}
	return sol, nil
}

// farthestOff returns the node with the largest residual force f − K w.
func farthestOff(k matrix, w, f []float64) (node int) {
	r := make([]float64, len(f))
	k.Mul(r, w)
	var most float64
	for n := range len(f) / 3 {
		d := r3.Vec{X: f[3*n] - r[3*n], Y: f[3*n+1] - r[3*n+1], Z: f[3*n+2] - r[3*n+2]}
		if l := r3.Norm2(d); l > most {
			node, most = n, l
		}
	}
	return node
}

// aggregation builds the preconditioner of meshes without lattice from the
// stiffness with ν of at most 0.45, for which it is nearly as good on fine meshes
// as on coarse ones (docs/decisions/0052). It leaves k zero.
func (p *Problem) aggregation(ctx context.Context, k *sparse.Symmetric) (*sparse.Aggregation, error) {
	body := *p
	if law := p.softened(softRatio, 1.001); law != nil {
		body.Law = law
	}
	if err := body.assemble(ctx, k); err != nil {
		return nil, err
	}
	k.Constrain(p.Fixed)
	k.Hold(p.Fixed)
	mg, err := sparse.NewAggregation(ctx, k, p.Mesh.Nodes, p.Fixed, sparse.DefaultSmoothing())
	clear(k.Val)
	return mg, err
}

// matrix is what a stiffness is assembled in: [sparse.Symmetric] or [sparse.Stencil].
type matrix interface {
	sparse.Operator
	Add(a, b int, v *[9]float64)
	Trace() float64
	Constrain(fixed []sparse.Fixed)
}

// chunk is the number of cells whose stiffness is computed at a time.
const chunk = 512

// assemble adds the stiffness of all cells and springs to k. Cells are computed in
// parallel and added in the order of the mesh.
func (p *Problem) assemble(ctx context.Context, k matrix) error {
	ks := make([][8][8][9]float64, min(chunk, len(p.Mesh.Cells)))
	det := make([]float64, len(ks))
	for from := 0; from < len(p.Mesh.Cells); from += chunk {
		n := min(chunk, len(p.Mesh.Cells)-from)
		err := par.Blocks(ctx, n, 64, func(lo, hi int) {
			var h element.Hex8
			for e := lo; e < hi; e++ {
				det[e] = p.stiffness(&h, from+e, &ks[e])
			}
		})
		if err != nil {
			return err
		}
		for e := range n {
			if !(det[e] > 0) {
				x := p.Mesh.Corners(from + e)
				return &mesh.InvertedError{Quality: mesh.Quality{MinScaledJacobian: element.ScaledJacobian(&x), Cell: from + e, At: p.Mesh.Centre(from + e)}}
			}
			cell := &p.Mesh.Cells[from+e]
			for a, na := range cell {
				for b, nb := range cell {
					k.Add(int(na), int(nb), &ks[e][a][b])
				}
			}
		}
	}
	for _, s := range p.Springs {
		var x [4]r3.Vec
		for a, n := range s.Face {
			x[a] = p.Mesh.Nodes[n]
		}
		kf := element.Foundation(x, s.Stiffness)
		for a, na := range s.Face {
			for b, nb := range s.Face {
				k.Add(int(na), int(nb), &kf[a][b])
			}
		}
	}
	return nil
}

// stiffness stores that of cell e in k, with its geometry in h, and returns the
// smallest Jacobian.
func (p *Problem) stiffness(h *element.Hex8, e int, k *[8][8][9]float64) float64 {
	x := p.Mesh.Corners(e)
	det := h.Set(&x)
	if p.Laminates != nil && p.Laminates[e] != nil {
		h.LaminateStiffness(k, p.Laminates[e])
	} else {
		h.Stiffness(k, &p.Law[e])
	}
	return det
}

// weak is the stiffness against a rigid motion, relative to the mean of the six,
// below which the motion counts as free: end planes that are parallel within
// about a thousandth hold no sideways motion.
const weak = 1e-6

// freeMotions returns an orthonormal basis of the rigid motions that neither
// constraints nor springs resist.
func (p *Problem) freeMotions(k matrix) ([][]float64, error) {
	n := len(p.Mesh.Nodes)
	var c r3.Vec
	for _, x := range p.Mesh.Nodes {
		c = r3.Add(c, r3.Scale(1/float64(n), x))
	}
	// Translations and rotations about the centroid, made orthonormal.
	modes := make([][]float64, 0, 6)
	for m := range 6 {
		v := make([]float64, 3*n)
		for a, x := range p.Mesh.Nodes {
			d := r3.Sub(x, c)
			switch m {
			case 0, 1, 2:
				v[3*a+m] = 1
			case 3:
				v[3*a+1], v[3*a+2] = -d.Z, d.Y
			case 4:
				v[3*a], v[3*a+2] = d.Z, -d.X
			case 5:
				v[3*a], v[3*a+1] = -d.Y, d.X
			}
		}
		if orthonormal(v, modes) {
			modes = append(modes, v)
		}
	}
	alpha := k.Trace() / float64(3*n)
	gram := mat.NewSymDense(len(modes), nil)
	y := make([]float64, 3*n)
	for i, u := range modes {
		clear(y)
		if len(p.Springs) > 0 {
			k.Mul(y, u)
		}
		for _, f := range p.Fixed {
			v := u[3*f.Node : 3*f.Node+3]
			for r := range 3 {
				y[3*f.Node+r] += alpha * (v[r] - f.Q[3*r]*v[0] - f.Q[3*r+1]*v[1] - f.Q[3*r+2]*v[2])
			}
		}
		for j, w := range modes[:i+1] {
			gram.SetSym(i, j, dotSerial(y, w))
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(gram, true) {
		return nil, errors.New("rigid motions: the eigenvalue iteration failed")
	}
	values := eig.Values(nil)
	var vectors mat.Dense
	eig.VectorsTo(&vectors)
	limit := max(weak*mat.Trace(gram)/6, 1e-12*alpha)
	var free [][]float64
	for m, value := range values {
		if value > limit {
			continue
		}
		z := make([]float64, 3*n)
		for i, u := range modes {
			c := vectors.At(i, m)
			for x, v := range u {
				z[x] += c * v
			}
		}
		applyFixed(z, p.Fixed)
		if orthonormal(z, free) {
			free = append(free, z)
		}
	}
	return free, nil
}

// orthonormal removes from v its components along the basis and scales it to
// unit length. It reports false if nothing is left.
func orthonormal(v []float64, basis [][]float64) bool {
	start := math.Sqrt(dotSerial(v, v))
	for range 2 { // twice is enough (Kahan)
		for _, b := range basis {
			c := dotSerial(v, b)
			for i, x := range b {
				v[i] -= c * x
			}
		}
	}
	l := math.Sqrt(dotSerial(v, v))
	if !(l > 1e-9*start) {
		return false
	}
	for i := range v {
		v[i] /= l
	}
	return true
}

func dotSerial(x, y []float64) float64 {
	var s float64
	for i, v := range x {
		s += v * y[i]
	}
	return s
}

// checkBalance returns an error if the load drives a free motion.
func checkBalance(f []float64, free [][]float64, fixed []sparse.Fixed) error {
	norm := math.Sqrt(dotSerial(f, f))
	for _, z := range free {
		if c := dotSerial(f, z); math.Abs(c) > 1e-3*norm {
			return fmt.Errorf("%w: %d nodes are held, and %.1f %% of the load drives a rigid motion; hold more nodes or balance the load",
				ErrUnconstrained, len(fixed), 100*math.Abs(c)/norm)
		}
	}
	return nil
}

func flatten(v []r3.Vec) []float64 {
	f := make([]float64, 3*len(v))
	for a, p := range v {
		f[3*a], f[3*a+1], f[3*a+2] = p.X, p.Y, p.Z
	}
	return f
}
