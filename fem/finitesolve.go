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
)

// cellError is a cell that the motion turns inside out.
type cellError struct {
	cell  int
	at    r3.Vec // mm
	where string
}

func (e *cellError) Error() string {
	return fmt.Sprintf("element %d at (%.2f, %.2f, %.2f) mm, %s, is turned inside out", e.cell, e.at.X, e.at.Y, e.at.Z, e.where)
}

// NewtonError says where the iteration of a vessel in finite strain stopped.
type NewtonError struct {
	Pressure float64 // kPa that could be carried
	Goal     float64 // kPa
	Residual float64 // relative to the load, at the last try
	Cell     int     // where the residual is largest, or the element inverted; −1: unknown
	At       r3.Vec  // its centre, mm
	Where    string
	Why      string
}

func (e *NewtonError) Error() string {
	s := fmt.Sprintf("%v: %s at %.3g of %.3g kPa (relative residual %.2e)", ErrNotConverged, e.Why, e.Pressure, e.Goal, e.Residual)
	if e.Cell >= 0 {
		s += fmt.Sprintf("; element %d at (%.2f, %.2f, %.2f) mm, %s", e.Cell, e.At.X, e.At.Y, e.At.Z, e.Where)
	}
	return s + "; check the wall and its materials there, or use stiffer laws"
}

// Is tells that e is an [ErrNotConverged].
func (e *NewtonError) Is(target error) bool { return target == ErrNotConverged }

// balance brings a body into balance.
type balance struct {
	*finiteBody
	set   Finite
	k     *sparse.Stencil
	pre   *sparse.Multigrid
	built float64     // iterations per digit of the first solve with pre
	last  float64     // of the last one
	free  [][]float64 // rigid motions that nothing resists

	newton   int // iterations since it was set to zero
	total    int // linear iterations
	residual float64
	history  []float64 // relative residuals of the last load step
	f        []float64

	spring   float64         // of ground, kPa mm
	stiff    bool            // some law resists a change of volume more than multigrid can treat
	tangent  element.Tangent // of the last state, which follows
	shape, u []r3.Vec
	pressure float64
}

// assemble sets residual and stiffness of a state and returns the length of the load.
func (s *balance) assemble(ctx context.Context, tangent element.Tangent, motion [][9]float64, x, u []r3.Vec, pressure float64) (float64, error) {
	s.tangent, s.shape, s.u, s.pressure = tangent, x, u, pressure
	return s.forces(ctx, s.f, tangent, s.k, motion, x, u, pressure)
}

// stiffBulk is the bulk modulus over the shear modulus, ν = 0.496, above which the
// preconditioner is made of softer laws.
const stiffBulk = 125

func newBalance(w *finiteBody, set Finite) *balance {
	s := &balance{finiteBody: w, set: set, k: sparse.NewStencil(w.lattice), f: make([]float64, 3*w.lattice.Len())}
	for n := range w.points {
		p := &w.points[n]
		s.stiff = s.stiff || p.bulk > stiffBulk*p.scale*w.laws[p.tissue].Shear()
	}
	return s
}

// levels returns those of the multigrid.
func (s *balance) levels() int {
	if s.pre == nil {
		return 0
	}
	return len(s.pre.Levels())
}

// maxHalving bounds how often a load step is halved.
const maxHalving = 6

// solve finds the displacement under a pressure, kPa, of the unloaded shape x,
// starting from that under the pressure from: at once if possible, otherwise in
// smaller steps.
func (s *balance) solve(ctx context.Context, x, u []r3.Vec, from, pressure float64) ([]r3.Vec, error) {
	return s.follow(from, pressure, u, func(u []r3.Vec, p float64) ([]r3.Vec, error) {
		return s.step(ctx, x, u, p)
	})
}

// unload finds the displacement to the shape x, under a pressure, from the shape
// without load.
func (s *balance) unload(ctx context.Context, x []r3.Vec, pressure float64) ([]r3.Vec, error) {
	return s.follow(0, pressure, make([]r3.Vec, len(x)), func(u []r3.Vec, p float64) ([]r3.Vec, error) {
		return s.inverse(ctx, x, u, p)
	})
}

// follow calls step, which finds the displacement for a pressure from that of a
// lower one, halving the way where it fails.
func (s *balance) follow(from, pressure float64, u []r3.Vec, step func(u []r3.Vec, p float64) ([]r3.Vec, error)) ([]r3.Vec, error) {
	size, halved := pressure-from, 0
	for from != pressure {
		next := from + size
		if math.Abs(pressure-next) < 1e-9*pressure {
			next = pressure
		}
		v, err := step(u, next)
		if err == nil {
			u, from = v, next
			continue
		}
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return nil, err
		}
		if halved++; halved > maxHalving {
			fail := &NewtonError{Pressure: from, Goal: pressure, Residual: s.residual, Cell: -1, Why: err.Error()}
			var cell *cellError
			if errors.As(err, &cell) {
				fail.Cell, fail.Why = cell.cell, "an element is turned inside out"
			} else {
				fail.Cell = s.worst()
			}
			if fail.Cell >= 0 {
				fail.At, fail.Where = s.mesh.Centre(fail.Cell), s.mesh.Where(fail.Cell)
			}
			return nil, fail
		}
		size /= 2
		s.pre = nil
	}
	return u, nil
}

// worst returns a cell at the node of the largest residual.
func (s *balance) worst() int {
	node, most := int32(-1), 0.0
	for i, v := range s.f {
		if math.Abs(v) > most {
			node, most = int32(i/3), math.Abs(v)
		}
	}
	for e := range s.mesh.Cells {
		for _, n := range s.mesh.Cells[e] {
			if n == node {
				return e
			}
		}
	}
	return -1
}

// step balances a pressure by Newton's method, from the displacement u.
func (s *balance) step(ctx context.Context, x, u []r3.Vec, pressure float64) ([]r3.Vec, error) {
	du := make([]float64, 3*len(u))
	s.history = nil
	tangent := element.DeviatoricTangent
	load, err := s.assemble(ctx, tangent, nil, x, u, pressure)
	if err != nil {
		return nil, err
	}
	for it := 0; ; it++ {
		if err := s.judge(x, u, load); err != nil {
			return nil, err
		}
		if s.residual <= s.set.Tolerance {
			return u, nil
		}
		if it >= s.set.MaxNewton {
			return nil, fmt.Errorf("more than %d iterations of Newton's method", s.set.MaxNewton)
		}
		s.newton++
		err := s.linear(ctx, du, max(1e-9, min(max(1e-4, s.set.Tolerance/(5*s.residual)), 0.1)))
		if errors.Is(err, sparse.ErrNotDefinite) && tangent == element.FullTangent {
			if _, err = s.assemble(ctx, element.DeviatoricTangent, nil, x, u, pressure); err == nil {
				err = s.linear(ctx, du, 1e-3)
			}
		}
		if err != nil {
			return nil, err
		}
		tangent = element.FullTangent
		// In full, or as far as the work of the residual along du falls.
		from, first, t := u, dotSerial(s.f, du), 1.0
		for try := 0; ; try++ {
			u = moved(from, t, du)
			load, err = s.assemble(ctx, tangent, nil, x, u, pressure)
			var cell *cellError
			if err == nil {
				w := dotSerial(s.f, du) / first
				if math.Abs(w) <= 0.8 || math.Sqrt(dotSerial(s.f, s.f)) <= s.set.Tolerance*load {
					break
				}
				if w < 0 {
					t *= min(max(1/(1-w), 0.1), 0.9)
				} else {
					t /= 2
				}
			} else if errors.As(err, &cell) {
				t /= 2
			} else {
				return nil, err
			}
			if try == 10 {
				if err == nil {
					err = errors.New("the line search stopped")
				}
				return nil, err
			}
		}
	}
}

// moved returns u + t du.
func moved(u []r3.Vec, t float64, du []float64) []r3.Vec {
	v := make([]r3.Vec, len(u))
	for a, p := range u {
		v[a] = r3.Vec{X: p.X + t*du[3*a], Y: p.Y + t*du[3*a+1], Z: p.Z + t*du[3*a+2]}
	}
	return v
}

// judge sets the rigid motions that are free at x + u, takes them out of the
// residual and measures what is left.
func (s *balance) judge(x, u []r3.Vec, load float64) error {
	at := make([]r3.Vec, len(x))
	for n := range x {
		at[n] = r3.Add(x[n], u[n])
	}
	p := Problem{Mesh: &mesh.Mesh{Nodes: at}, Fixed: s.fixed, Springs: make([]Spring, len(s.outer))}
	var err error
	if s.free, err = p.freeMotions(s.k); err != nil {
		return err
	}
	if len(s.history) == 0 {
		if err := checkBalance(s.f, s.free, s.fixed); err != nil {
			return err
		}
	}
	without(s.f, s.free)
	s.residual = math.Sqrt(dotSerial(s.f, s.f)) / load
	s.history = append(s.history, s.residual)
	if math.IsNaN(s.residual) || math.IsInf(s.residual, 0) {
		return errors.New("the residual is not finite")
	}
	return nil
}

// grounding is the stiffness of [balance.ground] over the mean diagonal element.
const grounding = 0.05

// ground makes the matrix k of a preconditioner resist the motions that nothing
// holds, by springs on the end planes; sign −1 takes them away again.
func (s *balance) ground(k *sparse.Stencil, sign float64) {
	if len(s.free) == 0 {
		return
	}
	if sign > 0 {
		s.spring = grounding * k.Trace() / float64(3*k.Blocks())
	}
	for _, f := range s.fixed {
		var v [9]float64
		for i, q := range f.Q {
			v[i] = sign * s.spring * q
		}
		k.Add(f.Node, f.Node, &v)
	}
}

// linear solves for the motion dx that the residual calls for.
func (s *balance) linear(ctx context.Context, dx []float64, tolerance float64) error {
	var err error
	if s.pre == nil || s.last > 1.5*s.built+1 {
		k := s.k
		if s.stiff {
			if k, err = s.softened(ctx); err != nil {
				return err
			}
			s.k.Hold(s.fixed)
		}
		s.ground(k, 1)
		if s.pre, err = sparse.NewMultigrid(ctx, k, s.fixed); err != nil {
			return fmt.Errorf("multigrid: %w", err)
		}
		s.ground(k, -1)
		s.built = 0
	} else {
		s.k.Hold(s.fixed)
	}
	clear(dx)
	rep, err := sparse.Solve(ctx, dx, held{s.k, s.free}, s.f, s.pre, sparse.Settings{Tolerance: tolerance, MaxIterations: 2000, Free: s.free})
	s.total += rep.Iterations
	s.last = float64(rep.Iterations) / -math.Log10(tolerance)
	if s.built == 0 {
		s.built = s.last
	}
	if err == nil && !rep.Converged && rep.Residual > 0.5 {
		err = fmt.Errorf("the linear solver stopped at a relative residual of %.1e after %d iterations", rep.Residual, rep.Iterations)
	}
	return err
}

// held is a matrix that does nothing along free motions.
type held struct {
	*sparse.Stencil
	free [][]float64
}

// Mul stores in dst the product with x, which has no part along them.
func (h held) Mul(dst, x []float64) {
	h.Stencil.Mul(dst, x)
	without(dst, h.free)
}

// without takes the parts along the orthonormal vectors free out of x.
func without(x []float64, free [][]float64) {
	for _, z := range free {
		c := dotSerial(x, z)
		for i, v := range z {
			x[i] -= c * v
		}
	}
}

// softened returns the stiffness of the last state with bulk moduli that multigrid
// can treat.
func (s *balance) softened(ctx context.Context) (*sparse.Stencil, error) {
	soft := *s.finiteBody
	soft.cap = softRatio
	k := sparse.NewStencil(s.lattice)
	if _, err := soft.forces(ctx, make([]float64, len(s.f)), s.tangent, k, nil, s.shape, s.u, s.pressure); err != nil {
		return nil, err
	}
	return k, nil
}

// inverseTolerance is that of the linear solves of the inverse problem, whose steps
// reduce the residual about tenfold at best.
const inverseTolerance = 0.02

// memory is the number of differences that Anderson's method keeps.
const memory = 6

// inverse finds the displacement u to the shape x, in balance with a pressure,
// from the shape X = x − u without load, starting from some u. The places of the
// nodes without load are the unknowns (Govindjee and Mihalic 1996). A motion v of
// the nodes at x that would balance them, found with the stiffness there, is pulled
// back to the unloaded shape,
//
//	u ← u + (∂X/∂x) v                                                  (F.14)
//
// which is Newton's method but for terms of the size of the strain gradient; the
// steps are accelerated by Anderson's method (1965).
func (s *balance) inverse(ctx context.Context, x, u []r3.Vec, pressure float64) ([]r3.Vec, error) {
	v := make([]float64, 3*len(x))
	motion := make([][9]float64, len(x))
	assemble := func() (float64, error) {
		return s.assemble(ctx, element.DeviatoricTangent, motion, before(x, u), u, pressure)
	}
	mix := &anderson{}
	s.history = nil
	best := math.Inf(1)
	var cell *cellError
	for it := 0; ; it++ {
		load, err := assemble()
		for try := 0; errors.As(err, &cell) && it > 0 && try < 6; try++ { // too far: half way back
			for a := range u {
				u[a] = r3.Scale(0.5, r3.Add(u[a], mix.u[a]))
			}
			load, err = assemble()
		}
		if err != nil {
			return nil, err
		}
		if err := s.judge(s.shape, u, load); err != nil {
			return nil, err
		}
		best = min(best, s.residual)
		switch {
		case s.residual <= s.set.Tolerance:
			return u, nil
		case it >= 2*s.set.MaxNewton || s.residual > 1e3*best:
			return nil, fmt.Errorf("no unloaded shape after %d iterations", it)
		}
		s.newton++
		if err := s.linear(ctx, v, inverseTolerance); err != nil {
			return nil, err
		}
		pullBack(v, motion)
		applyFixed(v, s.fixed)
		u = mix.next(u, v)
	}
}

// before returns x − u.
func before(x, u []r3.Vec) []r3.Vec {
	y := make([]r3.Vec, len(x))
	for n := range x {
		y[n] = r3.Sub(x[n], u[n])
	}
	return y
}

// pullBack replaces v by F⁻¹ v, where motion holds F of each node up to a factor;
// its determinant is about 1.
func pullBack(v []float64, motion [][9]float64) {
	for a := range motion {
		m, u := &motion[a], v[3*a:3*a+3]
		c0, c1, c2 := r3.Vec{X: m[0], Y: m[3], Z: m[6]}, r3.Vec{X: m[1], Y: m[4], Z: m[7]}, r3.Vec{X: m[2], Y: m[5], Z: m[8]}
		w := r3.Vec{X: u[0], Y: u[1], Z: u[2]}
		det := r3.Dot(c0, r3.Cross(c1, c2))
		f := math.Cbrt(det) / det
		u[0], u[1], u[2] = f*r3.Dot(w, r3.Cross(c1, c2)), f*r3.Dot(w, r3.Cross(c2, c0)), f*r3.Dot(w, r3.Cross(c0, c1))
	}
}

// anderson makes the next displacement of the last ones so that their steps cancel
// best.
type anderson struct {
	u      []r3.Vec // the last one
	step   []float64
	du, dg [][]float64 // differences of displacements and of steps
}

// next returns the displacement that follows u, from which the plain iteration
// would go on by the step g.
func (m *anderson) next(u []r3.Vec, g []float64) []r3.Vec {
	if m.u != nil {
		du, dg := make([]float64, len(g)), make([]float64, len(g))
		for a, p := range u {
			d := r3.Sub(p, m.u[a])
			du[3*a], du[3*a+1], du[3*a+2] = d.X, d.Y, d.Z
		}
		for i, v := range g {
			dg[i] = v - m.step[i]
		}
		m.du, m.dg = append(m.du, du), append(m.dg, dg)
		if len(m.du) > memory {
			m.du, m.dg = m.du[1:], m.dg[1:]
		}
	}
	m.u, m.step = u, append([]float64(nil), g...)
	move := append([]float64(nil), g...)
	for k, c := range leastSquares(m.dg, g) {
		for i := range move {
			move[i] -= c * (m.du[k][i] + m.dg[k][i])
		}
	}
	return moved(u, 1, move)
}

// leastSquares returns the factors c that minimise ‖g − Σ c_k d_k‖, none where
// the d are too much alike.
func leastSquares(d [][]float64, g []float64) []float64 {
	k := len(d)
	if k == 0 {
		return nil
	}
	a := mat.NewDense(len(g), k, nil)
	for j, v := range d {
		a.SetCol(j, v)
	}
	var qr mat.QR
	qr.Factorize(a)
	c := mat.NewVecDense(k, nil)
	if qr.SolveVecTo(c, false, mat.NewVecDense(len(g), g)) != nil {
		return nil
	}
	return c.RawVector().Data
}
