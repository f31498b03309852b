package sparse

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"gonum.org/v1/gonum/spatial/r3"
)

// Smoothing says how [NewAggregation] builds its hierarchy.
type Smoothing struct {
	// Strength θ is the least ‖Aᵢⱼ‖ / √(‖Aᵢᵢ‖ ‖Aⱼⱼ‖) of two nodes that may share an
	// aggregate; it halves from level to level. Nodes on either side of a jump of
	// stiffness fall below it.
	Strength float64
	// Coarsest is the number of unknowns below which a level is solved directly.
	Coarsest int
}

// DefaultSmoothing returns the settings measured in docs/decisions/0052.
func DefaultSmoothing() Smoothing { return Smoothing{Strength: 0.1, Coarsest: 600} }

// Aggregation is a symmetric multigrid V-cycle for the nodes of any mesh, by
// smoothed aggregation (Vaněk, Mandel, Brezina, Computing 56 (1996) 179).
// Strongly connected nodes form aggregates; the six rigid motions of each are
// the unknowns of the next level, prolonged by
//
//	P = (I − ω D⁻¹A) P₀,   ω = 4 / (3 λmax(D⁻¹A))                        (F.8)
//
// where P₀ holds the motions of the aggregates, made orthonormal, and D the
// diagonal blocks. Coarse matrices are PᵀAP. Errors that vary from node to node
// are removed by symmetric block Gauss-Seidel: aggregates are coloured so that those of
// one colour do not touch, and solved in parallel with the same bits on any
// number of processors. The cycle runs in single precision.
type Aggregation struct {
	levels []*aggLevel
	coarse *Dense
}

// aggLevel is one level of the hierarchy. Its vectors are in the order of the
// smoother.
type aggLevel struct {
	nodes, size int // block rows and their unknowns
	gs          *sweeper
	perm        []int32          // smoother's row → row of the matrix
	p           *blocks[float32] // from the next coarser level
	pt          *transposed
	x, b, r, d  []float32
}

// Rows is a matrix whose rows [NewAggregation] reads: [BSR] or [Symmetric].
type Rows interface {
	Blocks() int
	rows() *blocks[float64]
}

// rows returns the matrix for [NewAggregation].
func (m *BSR) rows() *blocks[float64] {
	return &blocks[float64]{rows: 3, cols: 3, ptr: m.Ptr, col: m.Col, val: m.Val}
}

// NewAggregation builds the hierarchy for the matrix k, which must be constrained
// and held ([BSR.Constrain], [BSR.Hold]) by fixed; coords are the places of the
// nodes, mm. It leaves k as it is. Rigid motions that nothing holds belong in
// Settings.Free.
//
// As ν nears ½ the iterations grow, and do so with the number of nodes. Build the
// hierarchy from the matrix of the same body with ν at most 0.45, and they
// hardly do (measured in docs/decisions/0052).
func NewAggregation(ctx context.Context, k Rows, coords []r3.Vec, fixed []Fixed, opts Smoothing) (*Aggregation, error) {
	if len(coords) != k.Blocks() {
		return nil, fmt.Errorf("aggregation: %d nodes, but the matrix has %d block rows", len(coords), k.Blocks())
	}
	a := k.rows()
	near := rigidMotions(coords, fixed)
	free := make([]bool, len(coords))
	for n := range free {
		free[n] = true
	}
	for _, f := range fixed {
		free[f.Node] = f.Q != [9]float64{}
	}
	m := &Aggregation{}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := a.len()
		var agg []int32
		var count int
		if a.rows*n > opts.Coarsest {
			agg, count = coarsen(a, free, math.Ldexp(opts.Strength, -len(m.levels)))
		}
		if count == 0 {
			if a.rows*n > maxDense {
				return nil, fmt.Errorf("aggregation: level of %d unknowns: its nodes are not connected", a.rows*n)
			}
			l := &aggLevel{nodes: n, size: a.rows, x: make([]float32, a.rows*n), b: make([]float32, a.rows*n)}
			m.coarse = factorDense(a)
			m.levels = append(m.levels, l)
			break
		}
		inv, err := invertDiagonal(a)
		if err != nil {
			return nil, fmt.Errorf("aggregation: level %d: %w", len(m.levels), err)
		}
		tent, coarseNear, dead := tentative(near, a.rows, agg, count)
		p := smoothTentative(ctx, a, inv, agg, tent)
		next := galerkin(ctx, a, p, count)
		hold(next, dead)
		gs, perm := newSweeper(a, agg, count)
		l := &aggLevel{nodes: n, size: a.rows, gs: gs, perm: perm, p: p.permuted(perm)}
		if len(m.levels) == 0 {
			runtime.GC() // what P was made of, before the smoother takes as much room
		}
		gs.fill(ctx, a, inv, perm)
		v := make([]float32, 4*a.rows*n)
		l.x, l.b, l.r, l.d = v[:a.rows*n], v[a.rows*n:2*a.rows*n], v[2*a.rows*n:3*a.rows*n], v[3*a.rows*n:]
		m.levels = append(m.levels, l)
		a, near = next, coarseNear
		free = make([]bool, count)
		for n := range free {
			free[n] = true
		}
	}
	// Columns of P count in the order of the next smoother from here on.
	for n, l := range m.levels[:len(m.levels)-1] {
		next := m.levels[n+1]
		if next.perm != nil {
			place := make([]int32, next.nodes)
			for i, old := range next.perm {
				place[old] = int32(i)
			}
			for e, c := range l.p.col {
				l.p.col[e] = place[c]
			}
		}
		l.pt = transpose(l.p, next.nodes)
	}
	return m, ctx.Err()
}

// maxDense bounds the unknowns of the coarsest level.
const maxDense = 3000

// coarsen aggregates, with a weaker idea of strength as long as too few nodes
// come together. It returns no aggregates if that never helps.
func coarsen(a *blocks[float64], free []bool, theta float64) ([]int32, int) {
	for range 6 {
		agg, count := aggregate(a, free, theta)
		if 12*count <= a.rows*a.len() && count > 0 {
			return agg, count
		}
		theta /= 2
	}
	if agg, count := aggregate(a, free, 0); 6*count < a.rows*a.len() {
		return agg, count
	}
	return nil, 0
}

// Sizes returns the number of unknowns of each level, finest first.
func (m *Aggregation) Sizes() []int {
	s := make([]int, len(m.levels))
	for n, l := range m.levels {
		s[n] = l.nodes * l.size
	}
	return s
}

// Apply stores one V-cycle for the residual r in dst.
func (m *Aggregation) Apply(dst, r []float64) {
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
	if l.perm == nil {
		for i, v := range r {
			l.b[i] = float32(v / scale)
		}
		m.cycle(0)
		for i, v := range l.x {
			dst[i] = float64(v) * scale
		}
		return
	}
	for i, n := range l.perm {
		u := r[3*n : 3*n+3]
		l.b[3*i], l.b[3*i+1], l.b[3*i+2] = float32(u[0]/scale), float32(u[1]/scale), float32(u[2]/scale)
	}
	m.cycle(0)
	for i, n := range l.perm {
		u := l.x[3*i : 3*i+3]
		dst[3*n], dst[3*n+1], dst[3*n+2] = float64(u[0])*scale, float64(u[1])*scale, float64(u[2])*scale
	}
}

func (m *Aggregation) cycle(n int) {
	l := m.levels[n]
	if n == len(m.levels)-1 {
		m.coarse.Solve(l.x, l.b)
		return
	}
	l.gs.start(l.x, l.b)
	copy(l.d, l.x)
	l.gs.backward(l.x, l.b)
	for i, v := range l.x {
		l.d[i] = v - l.d[i]
	}
	l.gs.residual(l.r, l.d)
	next := m.levels[n+1]
	l.pt.mul(next.b, l.p, l.r)
	m.cycle(n + 1)
	l.p.addMul(l.x, next.x)
	l.gs.forward(l.x, l.b)
	l.gs.backward(l.x, l.b)
}
