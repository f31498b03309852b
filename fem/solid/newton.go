package solid

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
)

// Settings say how [Body.Solve] goes about it.
type Settings struct {
	Steps      int     // load steps in finite strain; cut in halves where Newton's method fails
	MaxHalving int     // of one step
	MaxNewton  int     // iterations of one step
	Tolerance  float64 // of the residual, relative to the load
	Linear     float64 // of each linear solve, relative
	Direct     float64 // multiplications up to which systems are factorised rather than iterated
	// Start, if not nil, is the displacement from which the full load is tried at
	// once, such as that of a solve with nearly the same body.
	Start *Solution
}

// DefaultSettings returns four steps, halved up to six times, and 1e-8.
func DefaultSettings() Settings {
	return Settings{Steps: 4, MaxHalving: 6, MaxNewton: 25, Tolerance: 1e-8, Linear: 1e-9, Direct: 4e9}
}

// Solution is the displacement of a body with how it was found.
type Solution struct {
	U        []float64 // three values a node, mm
	Steps    int       // load steps done
	Newton   int       // Newton iterations of all steps
	Linear   int       // linear iterations of all solves; one per solve where factorised
	Residual float64   // of the last step, relative to the load
	// History holds the relative residuals of the last step.
	History []float64
	Energy  float64   // strain energy, µJ
	Work    float64   // of pressures and forces along the path, trapezoidal, µJ; small strain: ½ fᵀu
	Force   []float64 // forces of the material on each node, mN: the reactions where fixed

	alpha []float64
	sys   *system
}

// Solve finds the displacement. In small strain that is one linear system; in
// finite strain Newton's method with line search follows the load in steps. It
// returns an error that matches [ErrNotConverged] with the last solution that
// could be reached, or [ErrUnconstrained].
func (b *Body) Solve(ctx context.Context, set Settings) (*Solution, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	s := newSystem(b)
	if s.bricks != nil {
		sol, err := s.bricks.solve(ctx, set)
		runtime.GC() // the matrices, before the fields take as much room
		return sol, err
	}
	n := &newton{system: s, set: set, linear: newLinear(s.k, set.Direct)}
	n.at = state{make([]float64, 3*len(s.x)), make([]float64, s.alpha[s.Mesh.Cells()])}
	return n.run(ctx)
}

// newton is the state of the iteration.
type newton struct {
	*system
	*linear
	set  Settings
	at   state
	load float64
	sol  Solution
}

func (n *newton) run(ctx context.Context) (*Solution, error) {
	steps := max(n.set.Steps, 1)
	if !n.Finite {
		steps = 1
	}
	if st := n.set.Start; st != nil {
		if len(st.U) != len(n.at.u) || len(st.alpha) != len(n.at.alpha) {
			return nil, fmt.Errorf("the start has %d displacement components, want %d", len(st.U), len(n.at.u))
		}
		trial := state{append([]float64(nil), st.U...), append([]float64(nil), st.alpha...)}
		rest := n.at
		n.at = trial
		if err := n.step(ctx, 1); err == nil {
			n.load = 1
			return n.finish(ctx)
		} else if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		n.at = rest
	}
	size, halved := 1/float64(steps), 0
	var before []float64 // loads at the last balance
	for n.load < 1 {
		next := n.load + size
		if next > 1-1e-9 {
			next = 1
		}
		from := n.at.clone()
		err := n.step(ctx, next)
		if err == nil {
			after := make([]float64, len(n.at.u))
			n.external(after, n.at, next, false)
			for i := range after {
				var old float64
				if before != nil {
					old = before[i]
				}
				n.sol.Work += (old + after[i]) / 2 * (n.at.u[i] - from.u[i])
			}
			before = after
			n.load = next
			n.sol.Steps++
			continue
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		n.at = from
		if halved++; halved > n.set.MaxHalving || !n.Finite {
			fail := &ConvergenceError{Step: n.sol.Steps + 1, Load: n.load, Residual: n.sol.Residual, Element: -1, Why: err.Error()}
			var cell *cellError
			if errors.As(err, &cell) {
				fail.Element = cell.cell
			} else {
				fail.Element = n.worst(ctx, next)
			}
			if fail.Element >= 0 {
				fail.At = n.Mesh.Centre(fail.Element)
			}
			sol, ferr := n.finish(ctx)
			if ferr != nil {
				sol = nil
			}
			return sol, fail
		}
		size /= 2
	}
	return n.finish(ctx)
}

// finish evaluates energy and forces of the state reached.
func (n *newton) finish(ctx context.Context) (*Solution, error) {
	sol := n.sol
	sol.U, sol.alpha, sol.sys = n.at.u, n.at.alpha, n.system
	sol.Linear = n.total
	sol.Force = make([]float64, len(n.at.u))
	var err error
	sol.Energy, err = n.internal(ctx, sol.Force, make([]float64, len(n.at.alpha)), n.at, n.load, false)
	return &sol, err
}

// step brings the body into balance at a load, from where it is.
func (n *newton) step(ctx context.Context, load float64) error {
	dofs := len(n.at.u)
	f, r := make([]float64, dofs), make([]float64, dofs)
	inner, dx := make([]float64, len(n.at.alpha)), make([]float64, dofs)
	n.sol.History = n.sol.History[:0]
	// Prescribed displacements go in with the first linear solve.
	given := make([]float64, dofs)
	var moves bool
	for _, fx := range n.Fixed {
		i := 3*int(fx.Node) + int(fx.Axis)
		given[i] = load*fx.Value - n.at.u[i]
		moves = moves || given[i] != 0
	}
	for it := 0; ; it++ {
		if n.stale() {
			if err := n.rebuild(ctx, load); err != nil {
				return err
			}
		}
		clear(f)
		clear(r)
		clear(n.k.Val)
		if _, err := n.internal(ctx, f, inner, n.at, load, true); err != nil {
			return err
		}
		n.external(r, n.at, load, true)
		scale := n.scale(r, f)
		for i := range r {
			r[i] -= f[i]
		}
		res := n.norm(r, inner)
		n.sol.Residual = 0
		if scale > 0 {
			n.sol.Residual = res / scale
		}
		n.sol.History = append(n.sol.History, n.sol.Residual)
		if !moves && n.sol.Residual <= n.set.Tolerance {
			return nil
		}
		if it >= n.set.MaxNewton {
			return fmt.Errorf("more than %d iterations of Newton's method", n.set.MaxNewton)
		}
		n.sol.Newton++
		g := given
		if !moves {
			g = nil
		}
		// The residual with inner motions eliminated is what Condense left in f.
		copy(f, r)
		constrain(n.k, r, g, n.fixed)
		clear(dx)
		if err := n.solve(ctx, dx, n.k, r, n.forcing()); err != nil {
			return err
		}
		for _, v := range dx {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return errors.New("the displacement is not finite")
			}
		}
		if err := n.move(ctx, dx, f, inner, load, moves); err != nil {
			return err
		}
		moves = false
	}
}

// forcing is the tolerance of the next linear solve: in finite strain only as
// small as Newton's method can use (Eisenstat and Walker 1996).
func (n *newton) forcing() float64 {
	if !n.Finite {
		return n.set.Linear
	}
	return max(n.set.Linear, min(max(1e-4, n.set.Tolerance/(10*n.sol.Residual)), 0.1))
}

// rebuild makes the preconditioner anew for the body as it is, with laws that
// resist a change of volume no more than at ν = 0.47.
func (n *newton) rebuild(ctx context.Context, load float64) error {
	n.soft = true
	defer func() { n.soft = false }()
	clear(n.k.Val)
	none := make([]float64, len(n.at.u))
	if _, err := n.internal(ctx, none, make([]float64, len(n.at.alpha)), n.at, load, true); err != nil {
		return err
	}
	n.external(none, n.at, 0, true) // the springs
	constrain(n.k, none, nil, n.fixed)
	return n.precondition(ctx, n.k, n.x, n.fixed)
}

// scale is the size of the loads, or of the forces of the material where nothing
// but prescribed displacements loads the body.
func (n *newton) scale(external, internal []float64) float64 {
	var e, f float64
	for i := range external {
		e += external[i] * external[i]
		f += internal[i] * internal[i]
	}
	return math.Sqrt(max(e, f))
}

// norm returns the length of the free components of r, and of inner.
func (n *newton) norm(r, inner []float64) float64 {
	var s float64
	for i, v := range r {
		if !n.fixed[i] {
			s += v * v
		}
	}
	for _, v := range inner {
		s += v * v
	}
	return math.Sqrt(s)
}

// move adds dx, and the inner motions that follow from it, to the state, in full
// or as far as the line search says: the work of the residual along dx must fall.
// res is the residual with inner motions eliminated, inner their forces.
func (n *newton) move(ctx context.Context, dx, res, inner []float64, load float64, given bool) error {
	from := n.at
	da := make([]float64, len(from.alpha))
	var first float64 // work of the residual along the direction
	for i, v := range res {
		if !n.fixed[i] {
			first += v * dx[i]
		}
	}
	for e := range n.Mesh.Cells() {
		cell := n.Mesh.Cell(e)
		w := 3*len(cell) + 1
		back := n.back[n.backAt[e]:n.backAt[e+1]]
		for i := range len(back) / w {
			row := back[i*w : (i+1)*w]
			v := row[w-1]
			first -= inner[int(n.alpha[e])+i] * v
			for j := range w - 1 {
				v += row[j] * dx[3*int(cell[j/3])+j%3]
			}
			da[int(n.alpha[e])+i] = v
		}
	}
	at := func(t float64) state {
		s := from.clone()
		for i := range s.u {
			s.u[i] += t * dx[i]
		}
		for i := range s.alpha {
			s.alpha[i] += t * da[i]
		}
		return s
	}
	if !n.Finite {
		n.at = at(1)
		return nil
	}
	f, r, in := make([]float64, len(dx)), make([]float64, len(dx)), make([]float64, len(da))
	// slope returns that work in state s.
	slope := func(s state) (float64, error) {
		clear(f)
		clear(r)
		if _, err := n.internal(ctx, f, in, s, load, false); err != nil {
			return 0, err
		}
		n.external(r, s, load, false)
		var w float64
		for i := range r {
			if !n.fixed[i] {
				w += (r[i] - f[i]) * dx[i]
			}
		}
		for i, v := range in {
			w -= v * da[i]
		}
		return w, nil
	}
	t := 1.0
	for range 12 {
		next := at(t)
		w, err := slope(next)
		var cell *cellError
		switch {
		case errors.As(err, &cell):
			if given { // prescribed displacements go in whole or not at all
				return err
			}
			t /= 2
			continue
		case err != nil:
			return err
		case given || math.Abs(w) <= 0.8*math.Abs(first) || first == 0:
			n.at = next
			return nil
		}
		// The secant's zero, kept between a tenth and nine tenths of the step.
		q := first / (first - w)
		if !(q > 0.1) {
			q = 0.1
		}
		if w*first > 0 || t < 0.05 { // still descending: take it, growth is bounded by the next steps
			n.at = next
			return nil
		}
		t *= min(q, 0.9)
	}
	return &cellError{n.worst(ctx, load), element.ErrInverted}
}

// worst returns the cell around the node with the largest residual.
func (n *newton) worst(ctx context.Context, load float64) int {
	f, r := make([]float64, len(n.at.u)), make([]float64, len(n.at.u))
	if _, err := n.internal(ctx, f, make([]float64, len(n.at.alpha)), n.at, load, false); err != nil {
		return -1
	}
	n.external(r, n.at, load, false)
	best, node := -1.0, 0
	for i := range r {
		if v := math.Abs(r[i] - f[i]); !n.fixed[i] && v > best {
			best, node = v, i/3
		}
	}
	for e := range n.Mesh.Cells() {
		for _, m := range n.Mesh.Cell(e) {
			if int(m) == node {
				return e
			}
		}
	}
	return -1
}

// Displacement returns that of node n, mm.
func (s *Solution) Displacement(n int) r3.Vec {
	return r3.Vec{X: s.U[3*n], Y: s.U[3*n+1], Z: s.U[3*n+2]}
}
