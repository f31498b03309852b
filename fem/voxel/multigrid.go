package voxel

import (
	"context"
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// multigrid is a symmetric V-cycle in single precision on grids of twice the spacing
// each. A coarse cube is in use if one of its eight is, and its matrix is the sum of
// the Galerkin products of theirs, which is exact: corners of children interpolate the
// corners of their parent alone. Rough errors are removed by polynomials of Chebyshev
// in D⁻¹A, with the diagonal blocks D.
type multigrid struct {
	fine   *operator[float64]
	levels []*level
	coarse *sparse.Dense
}

// level is a grid of the hierarchy.
type level struct {
	op         *operator[float32] // nil on the finest
	g          *grid
	held       []sparse.Fixed
	inv        []float32 // D⁻¹, 9 a node
	top        float64   // estimate of the largest eigenvalue of D⁻¹A
	child      []int32   // node of the finer level at each place of its box, −1
	parent     []int32   // node of this level at each place of its box, −1
	b, x, r, d []float32
}

const (
	degree   = 3    // of the polynomial
	spread   = 8    // of the eigenvalues that it damps: their largest over this, and above
	coarsest = 1200 // unknowns that are solved directly
)

// newMultigrid builds the hierarchy of a, whose nodes held are held.
func newMultigrid(ctx context.Context, a *operator[float64], held []sparse.Fixed) (*multigrid, error) {
	m := &multigrid{fine: a}
	l := &level{g: a.grid, held: held}
	if err := l.smoother(a.diagonal(), func(y, x []float32) { mul(a, y, x) }); err != nil {
		return nil, err
	}
	m.levels = append(m.levels, l)
	op := coarsen(ctx, a, a.grid)
	for ctx.Err() == nil {
		l := &level{op: op, g: op.grid}
		if err := l.smoother(op.diagonal(), func(y, x []float32) { mul(op, y, x) }); err != nil {
			return nil, fmt.Errorf("grid of %v cubes: %w", op.n, err)
		}
		m.levels = append(m.levels, l)
		if 3*len(op.node) <= coarsest || op.n == [3]int{1, 1, 1} {
			break
		}
		op = coarsen(ctx, op, op.grid)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	last := m.levels[len(m.levels)-1]
	n := 3 * len(last.g.node)
	if n > 3*coarsest {
		return nil, fmt.Errorf("the coarsest grid has %d unknowns", n)
	}
	dense := make([]float64, n*n)
	for e, cell := range last.g.cells {
		var k [576]float64
		last.op.matrix(&k, e)
		for r := range 24 {
			for c := range 24 {
				dense[(3*int(cell[r/3])+r%3)*n+3*int(cell[c/3])+c%3] += k[24*r+c]
			}
		}
	}
	m.coarse = sparse.NewDense(dense, n)
	return m, nil
}

// weights[s] are the parts that the corners of a child s of a cube take of the
// corners of the cube.
var weights = func() (w [8][8][8]float64) {
	for s := range w {
		for a := range 8 {
			for b := range 8 {
				v := 1.0
				for axis := range 3 {
					t := float64(steps[s][axis]+steps[a][axis]) / 2
					if steps[b][axis] == 0 {
						t = 1 - t
					}
					v *= t
				}
				w[s][a][b] = v
			}
		}
	}
	return w
}()

// addGalerkin adds Pᵀ k P of child s to c.
func addGalerkin(c, k *[576]float64, s int) {
	w := &weights[s]
	var kp [576]float64 // k P
	for r := range 24 {
		for a := range 8 {
			v := k[24*r+3*a : 24*r+3*a+3]
			for b, t := range w[a] {
				if t != 0 {
					d := kp[24*r+3*b : 24*r+3*b+3]
					d[0] += t * v[0]
					d[1] += t * v[1]
					d[2] += t * v[2]
				}
			}
		}
	}
	for a := range 8 {
		for b, t := range w[a] {
			if t == 0 {
				continue
			}
			for i := range 3 {
				from, to := kp[24*(3*a+i):24*(3*a+i)+24], c[24*(3*b+i):24*(3*b+i)+24]
				for j, v := range from {
					to[j] += t * v
				}
			}
		}
	}
}

// coarsen returns the operator on the grid of twice the spacing.
func coarsen[C real](ctx context.Context, a *operator[C], g *grid) *operator[float32] {
	n := [3]int{(g.n[0] + 1) / 2, (g.n[1] + 1) / 2, (g.n[2] + 1) / 2}
	in := make([]bool, n[0]*n[1]*n[2])
	for _, c := range g.at {
		in[(int(c[2]/2)*n[1]+int(c[1]/2))*n[0]+int(c[0]/2)] = true
	}
	next := &operator[float32]{grid: newGrid(n, in)}
	cells := len(next.cells)
	next.which = make([]int32, cells)
	next.own = make([]float32, packed*cells)
	var table [8][2][576]float64 // of a cube of unit moduli
	for s := range table {
		mu, kappa := cube(1, 0), cube(0, 1)
		addGalerkin(&table[s][0], &mu, s)
		addGalerkin(&table[s][1], &kappa, s)
	}
	_ = par.Blocks(ctx, cells, 16, func(lo, hi int) {
		for e := lo; e < hi; e++ {
			next.which[e] = int32(e)
			var c [576]float64
			at := next.at[e]
			for s, d := range steps {
				child := g.cellAt(2*int(at[0])+d[0], 2*int(at[1])+d[1], 2*int(at[2])+d[2])
				if child < 0 {
					continue
				}
				if a.which[child] < 0 {
					mu, kappa := float64(a.mu[child]), float64(a.kappa[child])
					for i := range c {
						c[i] += mu*table[s][0][i] + kappa*table[s][1][i]
					}
					continue
				}
				var k [576]float64
				a.matrix(&k, int(child))
				addGalerkin(&c, &k, s)
			}
			i := packed * e
			for r := range 24 {
				for q := range r + 1 {
					next.own[i] = float32(c[24*r+q])
					i++
				}
			}
		}
	})
	return next
}

// smoother inverts the diagonal blocks d and estimates the largest eigenvalue of
// D⁻¹A by power iteration.
func (l *level) smoother(d []float64, apply func(y, x []float32)) error {
	nodes := len(l.g.node)
	for _, f := range l.held { // what is held takes no part
		b := d[9*f.Node : 9*f.Node+9]
		t := b[0] + b[4] + b[8]
		for i := range 9 {
			b[i] -= t * f.Q[i]
		}
		b[0], b[4], b[8] = b[0]+t, b[4]+t, b[8]+t
	}
	l.inv = make([]float32, 9*nodes)
	for n := range nodes {
		b := d[9*n : 9*n+9]
		// Corners that stick out of the body may lack a direction that is held.
		t := 1e-4 * (b[0] + b[4] + b[8])
		b[0], b[4], b[8] = b[0]+t, b[4]+t, b[8]+t
		if !invert3(l.inv[9*n:9*n+9], b) {
			return fmt.Errorf("%w: the block of node %d", sparse.ErrNotDefinite, n)
		}
	}
	l.b, l.x, l.r, l.d = make([]float32, 3*nodes), make([]float32, 3*nodes), make([]float32, 3*nodes), make([]float32, 3*nodes)
	for i := range l.x {
		l.x[i] = float32(math.Sin(float64(i)*1.7) + 0.3*math.Sin(float64(i*i))) // rough, and the same every time
	}
	for range 12 {
		apply(l.r, l.x)
		l.scale(l.r)
		var s, t float64
		for i, v := range l.r {
			s += float64(v) * float64(v)
			t += float64(l.x[i]) * float64(l.x[i])
		}
		l.top = math.Sqrt(s / t)
		for i, v := range l.r {
			l.x[i] = v / float32(l.top)
		}
	}
	l.top *= 1.1
	return nil
}

// invert3 stores the inverse of the symmetric positive definite block m.
func invert3(dst []float32, m []float64) bool {
	c0, c1, c2 := m[4]*m[8]-m[5]*m[7], m[5]*m[6]-m[3]*m[8], m[3]*m[7]-m[4]*m[6]
	det := m[0]*c0 + m[1]*c1 + m[2]*c2
	if !(det > 0) || math.IsInf(det, 0) {
		return false
	}
	for i, v := range [9]float64{
		c0, m[2]*m[7] - m[1]*m[8], m[1]*m[5] - m[2]*m[4],
		c1, m[0]*m[8] - m[2]*m[6], m[2]*m[3] - m[0]*m[5],
		c2, m[1]*m[6] - m[0]*m[7], m[0]*m[4] - m[1]*m[3],
	} {
		dst[i] = float32(v / det)
	}
	return true
}

// block is the number of nodes that one goroutine takes at a time.
const block = 4096

// scale replaces r by D⁻¹ r.
func (l *level) scale(r []float32) {
	_ = par.Blocks(context.Background(), len(r)/3, block, func(lo, hi int) {
		for n := lo; n < hi; n++ {
			v, u := (*[9]float32)(l.inv[9*n:]), (*[3]float32)(r[3*n:])
			x, y, z := u[0], u[1], u[2]
			u[0], u[1], u[2] = v[0]*x+v[1]*y+v[2]*z, v[3]*x+v[4]*y+v[5]*z, v[6]*x+v[7]*y+v[8]*z
		}
	})
}

func (m *multigrid) mul(n int, y, x []float32) {
	if n == 0 {
		mul(m.fine, y, x)
	} else {
		mul(m.levels[n].op, y, x)
	}
}

// smooth improves x by the polynomial of Chebyshev (Saad, Iterative Methods for
// Sparse Linear Systems, 2003, algorithm 12.1); from zero if fresh.
func (m *multigrid) smooth(n int, fresh bool) {
	l := m.levels[n]
	theta, delta := (l.top+l.top/spread)/2, (l.top-l.top/spread)/2
	sigma := theta / delta
	rho := 1 / sigma
	for k := range degree {
		switch {
		case k == 0 && fresh:
			copy(l.r, l.b)
		default:
			m.mul(n, l.r, l.x)
			sub(l.r, l.b)
		}
		l.scale(l.r)
		if k == 0 {
			f := float32(1 / theta)
			axpby(l.d, l.r, f, 0)
		} else {
			next := 1 / (2*sigma - rho)
			axpby(l.d, l.r, float32(2*next/delta), float32(next*rho))
			rho = next
		}
		if k == 0 && fresh {
			copy(l.x, l.d)
		} else {
			axpby(l.x, l.d, 1, 1)
		}
	}
}

// sub replaces r by b − r.
func sub(r, b []float32) {
	_ = par.Blocks(context.Background(), len(r), 3*block, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			r[i] = b[i] - r[i]
		}
	})
}

// axpby replaces y by a x + c y.
func axpby(y, x []float32, a, c float32) {
	_ = par.Blocks(context.Background(), len(y), 3*block, func(lo, hi int) {
		xs := x[lo:hi]
		for i, v := range y[lo:hi] {
			y[lo+i] = a*xs[i] + c*v
		}
	})
}

// cycle solves level n roughly for its b, into x.
func (m *multigrid) cycle(n int) {
	l := m.levels[n]
	if n == len(m.levels)-1 {
		m.coarse.Solve(l.x, l.b)
		return
	}
	m.smooth(n, true)
	m.mul(n, l.r, l.x)
	sub(l.r, l.b)
	hold(l.r, l.held)
	next := m.levels[n+1]
	next.restrict(l)
	m.cycle(n + 1)
	next.prolong(l)
	m.smooth(n, false)
}

// Apply stores one V-cycle for the residual r in dst.
func (m *multigrid) Apply(dst, r []float64) {
	l := m.levels[0]
	// Scaled, so that no residual is too small for single precision.
	var scale float64
	for _, v := range r {
		scale = max(scale, math.Abs(v))
	}
	if scale == 0 {
		clear(dst)
		return
	}
	for i, v := range r {
		l.b[i] = float32(v / scale)
	}
	m.cycle(0)
	for i, v := range l.x {
		dst[i] = float64(v) * scale
	}
	hold(dst, l.held)
}

// hold replaces u by Q u at the nodes that are held.
func hold[F real](u []F, held []sparse.Fixed) {
	for n := range held {
		q, v := &held[n].Q, u[3*held[n].Node:3*held[n].Node+3]
		x, y, z := float64(v[0]), float64(v[1]), float64(v[2])
		for i := range v {
			v[i] = F(q[3*i]*x + q[3*i+1]*y + q[3*i+2]*z)
		}
	}
}

// numbers returns the node of g at each place of its box, −1 where there is none.
func (g *grid) numbers() []int32 {
	at := make([]int32, (g.n[0]+1)*(g.n[1]+1)*(g.n[2]+1))
	for i := range at {
		at[i] = -1
	}
	for n, c := range g.node {
		at[(int(c[2])*(g.n[1]+1)+int(c[1]))*(g.n[0]+1)+int(c[0])] = int32(n)
	}
	return at
}
