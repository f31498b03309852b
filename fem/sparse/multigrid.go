package sparse

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Lattice says that the nodes of a mesh form a box: node (i, j, k) has number
// (k·N[1] + j)·N[0] + i. The first axis is the one of the finest spacing, the
// radial one in a vessel; the second may close on itself.
type Lattice struct {
	N    [3]int // nodes along each axis
	Ring bool   // the second axis is periodic: j = N[1] is j = 0
}

// Len returns the number of nodes.
func (l *Lattice) Len() int { return l.N[0] * l.N[1] * l.N[2] }

func (l *Lattice) node(i, j, k int) int { return (k*l.N[1]+j)*l.N[0] + i }

func (l *Lattice) coords(n int) (i, j, k int) {
	return n % l.N[0], n / l.N[0] % l.N[1], n / (l.N[0] * l.N[1])
}

// check tells why no multigrid can be built on l.
func (l *Lattice) check(nodes int) error {
	switch {
	case l.N[0] < 1 || l.N[1] < 1 || l.N[2] < 1:
		return fmt.Errorf("lattice %v: every axis needs a node", l.N)
	case l.Len() != nodes:
		return fmt.Errorf("lattice %v: %d nodes, but the matrix has %d", l.N, l.Len(), nodes)
	case l.Ring && l.N[1] < 4:
		return fmt.Errorf("lattice %v: a ring needs at least 4 nodes", l.N)
	}
	return nil
}

// Fixed holds back a node: of its motion only the part Q⋅u remains, where Q is
// a symmetric projector. Q = 0 clamps the node, Q = I − ttᵀ lets it slide in
// the plane across t.
type Fixed struct {
	Node int
	Q    [9]float64
}

// Constrain replaces the matrix by Q A Q on the fixed nodes. The result resists
// no motion that Q takes away: call [BSR.Hold] to make it definite again.
func (m *BSR) Constrain(fixed []Fixed) {
	q := projectors(m.Blocks(), fixed)
	for a := range m.Blocks() {
		for n := m.Ptr[a]; n < m.Ptr[a+1]; n++ {
			v := m.Val[9*n : 9*n+9]
			if s := q[a]; s >= 0 {
				mul3(v, fixed[s].Q[:], v)
			}
			if s := q[m.Col[n]]; s >= 0 {
				mul3(v, v, fixed[s].Q[:])
			}
		}
	}
}

// Hold adds α (I − Q) to the diagonal block of each fixed node, where α is the
// mean diagonal of the matrix, so that motions taken away by Q cost energy.
func (m *BSR) Hold(fixed []Fixed) {
	alpha := meanDiagonal(m)
	for _, f := range fixed {
		addHold(m.Block(f.Node, f.Node), &f, alpha)
	}
}

// meanDiagonal returns the mean diagonal element, 1 for a matrix without any.
func meanDiagonal(m interface {
	Trace() float64
	Blocks() int
}) float64 {
	if alpha := m.Trace() / float64(3*m.Blocks()); alpha > 0 {
		return alpha
	}
	return 1
}

// addHold adds α (I − Q) to the diagonal block b.
func addHold(b []float64, f *Fixed, alpha float64) {
	for n := range b {
		b[n] -= alpha * f.Q[n]
	}
	b[0] += alpha
	b[4] += alpha
	b[8] += alpha
}

// projectors returns for each node the number of its entry in fixed, or −1.
func projectors(nodes int, fixed []Fixed) []int32 {
	q := make([]int32, nodes)
	for n := range q {
		q[n] = -1
	}
	for n, f := range fixed {
		q[f.Node] = int32(n)
	}
	return q
}

// mul3 stores the product of two 3×3 blocks in dst, which may be one of them.
func mul3(dst, a, b []float64) {
	var c [9]float64
	for i := range 3 {
		for j := range 3 {
			c[3*i+j] = a[3*i]*b[j] + a[3*i+1]*b[3+j] + a[3*i+2]*b[6+j]
		}
	}
	copy(dst, c[:])
}

// Multigrid is a symmetric V-cycle on nested lattices. Each level is smoothed
// by Gauss-Seidel over lines of nodes along the first axis (through the wall),
// in four colours by the parity of the other two (a ring of an odd number of lines
// has a colour more for its last one), forth before the coarse
// correction and back after it, so that the cycle is symmetric. Corrections are
// interpolated linearly along each axis; coarse matrices are Galerkin products
// PᵀAP. The coarsest system is factorised, plane by plane.
type Multigrid struct {
	levels []*level
	coarse *planes
	work   []float64 // of the coarsest lattice
}

// level is one lattice of the hierarchy.
type level struct {
	lat   Lattice
	a     *Stencil // only while the hierarchy is built
	fixed []Fixed
	// Blocks of a between different lines, for the smoother, in single precision:
	// those of block row n with lines of earlier colours are [from[2n], from[2n+1]),
	// those with lines of later or the same colour [from[2n+1], from[2n+2]).
	from      []int32
	col       []int32
	val       []float32
	pivot     []float32 // inverse pivots of the line factors, 9 per node
	lower     []float32 // lower factors Lᵢ = Aᵢ,ᵢ₋₁ S⁻¹ᵢ₋₁, 9 per node
	lines     [6][]int32
	parent    [3][]parents  // to the next coarser lattice
	child     [3][]children // of the next coarser lattice
	next      Lattice
	nextFixed []Fixed
	x, b, r   []float32
}

// parents are the coarse indices that a fine index interpolates.
type parents struct {
	n [2]int
	w [2]float64 // w[1] = 0: the fine index is also a coarse one
}

// children are the fine indices that interpolate a coarse index.
type children struct {
	n []int
	w []float64
}

// coarsestWork bounds the work of the direct solver: planes × unknowns³ per plane.
const coarsestWork = 4e8

// NewMultigrid builds the hierarchy for the matrix a, which must be constrained
// by fixed but not yet held. It changes a: on return it is held, hence definite
// up to free rigid motions.
func NewMultigrid(ctx context.Context, a *Stencil, fixed []Fixed) (*Multigrid, error) {
	lat := a.Lattice
	if err := lat.check(len(a.Val) / (9 * half)); err != nil {
		return nil, err
	}
	mg := &Multigrid{}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l := &level{lat: lat, a: a, fixed: fixed}
		next, ok := l.coarsen()
		if !ok {
			a.Hold(fixed)
			var err error
			if mg.coarse, err = factorPlanes(a); err != nil {
				return nil, fmt.Errorf("coarsest lattice %v: %w", lat.N, err)
			}
			l.a = nil
			l.x, l.b = make([]float32, 3*lat.Len()), make([]float32, 3*lat.Len())
			mg.work = make([]float64, 3*lat.Len())
			mg.levels = append(mg.levels, l)
			return mg, nil
		}
		l.next = next
		ca, cf := l.galerkin()
		a.Hold(fixed)
		if err := l.factorLines(); err != nil {
			return nil, fmt.Errorf("lattice %v: %w", lat.N, err)
		}
		l.split()
		l.a = nil
		l.x, l.b, l.r = make([]float32, 3*lat.Len()), make([]float32, 3*lat.Len()), make([]float32, 3*lat.Len())
		mg.levels = append(mg.levels, l)
		a, lat, fixed = ca, next, cf
	}
}

// Levels returns the lattices, finest first.
func (mg *Multigrid) Levels() []Lattice {
	ls := make([]Lattice, len(mg.levels))
	for n, l := range mg.levels {
		ls[n] = l.lat
	}
	return ls
}

// Apply stores one V-cycle for the residual r in dst.
func (mg *Multigrid) Apply(dst, r []float64) {
	l := mg.levels[0]
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
	mg.cycle(0)
	for i, v := range l.x {
		dst[i] = float64(v) * scale
	}
}

func (mg *Multigrid) cycle(n int) {
	l := mg.levels[n]
	if n == len(mg.levels)-1 {
		for i, v := range l.b {
			mg.work[i] = float64(v)
		}
		mg.coarse.solve(mg.work)
		for i, v := range mg.work {
			l.x[i] = float32(v)
		}
		return
	}
	next := mg.levels[n+1]
	l.smooth(false)
	l.residual()
	l.restrict(next.b)
	mg.cycle(n + 1)
	l.prolong(next.x)
	l.smooth(true)
}

// coarsen halves the axes that are long enough and stores how fine indices
// interpolate coarse ones. It reports false if the lattice can be solved
// directly.
func (l *level) coarsen() (Lattice, bool) {
	plane := 3 * l.lat.N[0] * l.lat.N[1]
	if float64(l.lat.N[2])*math.Pow(float64(plane), 3) <= coarsestWork || l.lat.Len() < 64 {
		return Lattice{}, false
	}
	next := l.lat
	for axis, n := range l.lat.N {
		ring := axis == 1 && l.lat.Ring
		var stays bool
		switch {
		case axis == 0:
			stays = n <= 9
		case ring:
			// Fewer than eight nodes do not look like a circle any more.
			stays = n < 16
		default:
			stays = n <= 4
		}
		switch {
		case stays:
			l.parent[axis] = make([]parents, n)
			for i := range n {
				l.parent[axis][i] = parents{n: [2]int{i, i}, w: [2]float64{1, 0}}
			}
		default:
			l.parent[axis], next.N[axis] = halve(n, ring)
		}
		l.child[axis] = invert(l.parent[axis], next.N[axis])
	}
	return next, next.N != l.lat.N
}

// halve keeps every second of n indices, and the last one if the axis is open.
func halve(n int, ring bool) ([]parents, int) {
	p := make([]parents, n)
	coarse := 0
	for i := range n {
		switch {
		case i%2 == 0 || (!ring && i == n-1):
			p[i] = parents{n: [2]int{coarse, coarse}, w: [2]float64{1, 0}}
			coarse++
		default:
			p[i] = parents{n: [2]int{coarse - 1, coarse}, w: [2]float64{0.5, 0.5}}
		}
	}
	if ring {
		p[n-1].n[1] = 0
	}
	return p, coarse
}

// invert lists for each coarse index the fine ones that interpolate it.
func invert(p []parents, coarse int) []children {
	c := make([]children, coarse)
	for i, q := range p {
		for s := range 2 {
			if q.w[s] != 0 {
				c[q.n[s]].n = append(c[q.n[s]].n, i)
				c[q.n[s]].w = append(c[q.n[s]].w, q.w[s])
			}
		}
	}
	return c
}

// galerkin returns the coarse matrix PᵀAP and the constraints of the coarse
// nodes, which are those of the fine nodes at the same place.
func (l *level) galerkin() (*Stencil, []Fixed) {
	f, c := &l.lat, &l.next
	ca := NewStencil(*c)
	_ = par.Blocks(context.Background(), c.Len(), 64, func(lo, hi int) {
		for n := lo; n < hi; n++ {
			l.galerkinRow(ca, n)
		}
	})
	q := projectors(f.Len(), l.fixed)
	var fixed []Fixed
	for n := range c.Len() {
		i, j, k := c.coords(n)
		a := f.node(own(&l.child[0][i]), own(&l.child[1][j]), own(&l.child[2][k]))
		if s := q[a]; s >= 0 {
			fixed = append(fixed, Fixed{Node: n, Q: l.fixed[s].Q})
		}
	}
	ca.Constrain(fixed)
	l.nextFixed = fixed
	return ca, fixed
}

// own returns the fine index at the place of a coarse one.
func own(c *children) int {
	for s, w := range c.w {
		if w == 1 {
			return c.n[s]
		}
	}
	panic("sparse: coarse index without a fine one")
}

// galerkinRow fills block row n of the coarse matrix.
func (l *level) galerkinRow(ca *Stencil, n int) {
	f, c := &l.lat, &l.next
	ci, cj, ck := c.coords(n)
	var acc [half][9]float64 // by step
	var w [9]float64
	for sk, k := range l.child[2][ck].n {
		for sj, j := range l.child[1][cj].n {
			for si, i := range l.child[0][ci].n {
				wa := l.child[0][ci].w[si] * l.child[1][cj].w[sj] * l.child[2][ck].w[sk]
				a := f.node(i, j, k)
				l.a.visit(a, func(b, step int) {
					v, flip := l.a.block(a, b, step)
					for x := range w {
						w[x] = wa * v[x]
					}
					if flip {
						w[1], w[2], w[3], w[5], w[6], w[7] = w[3], w[6], w[1], w[7], w[2], w[5]
					}
					bi, bj, bk := f.coords(b)
					l.spread(&acc, &w, n, bi, bj, bk)
				})
			}
		}
	}
	for s := range acc {
		copy(ca.own(n, self+s), acc[s][:])
	}
}

// spread adds w to the steps from coarse node n to the parents of a fine node,
// each with its weight.
func (l *level) spread(acc *[half][9]float64, w *[9]float64, n, bi, bj, bk int) {
	c := &l.next
	pi, pj, pk := &l.parent[0][bi], &l.parent[1][bj], &l.parent[2][bk]
	for tk, wk := range pk.w {
		if wk == 0 {
			continue
		}
		for tj, wj := range pj.w {
			if wj == 0 {
				continue
			}
			for ti, wi := range pi.w {
				if wi == 0 {
					continue
				}
				step, _ := c.step(n, c.node(pi.n[ti], pj.n[tj], pk.n[tk]))
				if step < self {
					continue
				}
				d, t := &acc[step-self], wi*wj*wk
				for x, y := range w {
					d[x] += t * y
				}
			}
		}
	}
}

// factorLines factorises the block tridiagonal matrix of each line and sorts
// the lines by colour.
func (l *level) factorLines() error {
	nodes, n0 := l.lat.Len(), l.lat.N[0]
	pivot, lower := make([]float64, 9*nodes), make([]float64, 9*nodes)
	lines := nodes / n0
	for line := range lines {
		c := l.colour(line * n0)
		l.lines[c] = append(l.lines[c], int32(line))
	}
	bad := make([]int, lines) // node that cannot be eliminated, plus one
	_ = par.Blocks(context.Background(), lines, max(1, rowBlock/n0), func(lo, hi int) {
		for line := lo; line < hi; line++ {
			bad[line] = l.factorLine(pivot, lower, line*n0) + 1
		}
	})
	for _, a := range bad {
		if a > 0 {
			return fmt.Errorf("%w: the block of node %d", ErrNotDefinite, a-1)
		}
	}
	l.pivot, l.lower = toSingle(pivot), toSingle(lower)
	return nil
}

// factorLine factorises the line from node a0. It returns the first node that
// cannot be eliminated, or −1.
func (l *level) factorLine(pivot, lower []float64, a0 int) int {
	var s [9]float64
	for a := a0; a < a0+l.lat.N[0]; a++ {
		copy(s[:], l.a.own(a, self))
		if a > a0 {
			// Sᵢ = Aᵢᵢ − Aᵢ,ᵢ₋₁ S⁻¹ᵢ₋₁ Aᵢ₋₁,ᵢ
			var t [9]float64
			low := lower[9*a : 9*a+9]
			up := l.a.own(a-1, self+1) // Aᵢ₋₁,ᵢ
			mul3(low, transpose3(up), pivot[9*(a-1):9*a])
			mul3(t[:], low, up)
			for x := range s {
				s[x] -= t[x]
			}
		}
		if !invert3(pivot[9*a:9*a+9], s[:]) || !(s[0] > 0) {
			return a
		}
	}
	return -1
}

// transpose3 returns the transpose of a 3×3 block.
func transpose3(v []float64) []float64 {
	return []float64{v[0], v[3], v[6], v[1], v[4], v[7], v[2], v[5], v[8]}
}

// split copies the blocks that couple different lines to single precision, by
// colour. The smoother is bound by memory and needs no more digits, since the
// outer iteration sees the exact matrix: the number of iterations is that of a
// cycle in double precision. Coarse matrices and all factors are computed in
// double precision.
func (l *level) split() {
	nodes, n0 := l.lat.Len(), l.lat.N[0]
	l.from = make([]int32, 2*nodes+1)
	for a := range nodes {
		line, c := a/n0, l.colour(a)
		l.a.visit(a, func(b, _ int) {
			if b/n0 != line {
				l.from[2*a+1+l.side(b, c)]++
			}
		})
	}
	for n := range 2 * nodes {
		l.from[n+1] += l.from[n]
	}
	l.col = make([]int32, l.from[2*nodes])
	l.val = make([]float32, 9*l.from[2*nodes])
	_ = par.Blocks(context.Background(), nodes, rowBlock, func(lo, hi int) {
		for a := lo; a < hi; a++ {
			line, c := a/n0, l.colour(a)
			at := [2]int32{l.from[2*a], l.from[2*a+1]}
			l.a.visit(a, func(b, step int) {
				if b/n0 == line {
					return
				}
				side := l.side(b, c)
				l.col[at[side]] = int32(b)
				w := (*[9]float32)(l.val[9*at[side]:])
				v, flip := l.a.block(a, b, step)
				for x := range w {
					w[x] = float32(v[x])
				}
				if flip {
					w[1], w[2], w[3], w[5], w[6], w[7] = w[3], w[6], w[1], w[7], w[2], w[5]
				}
				at[side]++
			})
		}
	})
}

// side is 0 for a node b in a line of an earlier colour than c, else 1.
func (l *level) side(b, c int) int {
	if l.colour(b) < c {
		return 0
	}
	return 1
}

// colour returns the colour of the line of node a.
func (l *level) colour(a int) int {
	n1 := l.lat.N[1]
	line := a / l.lat.N[0]
	c := line % n1 % 2
	if l.lat.Ring && n1%2 == 1 && line%n1 == n1-1 {
		c = 2 // its neighbours on the ring have colours 0 and 1
	}
	return 3*(line/n1%2) + c
}

func toSingle(v []float64) []float32 {
	s := make([]float32, len(v))
	for n, x := range v {
		s[n] = float32(x)
	}
	return s
}

// mulBlocks returns the product of the blocks [lo, hi) and x.
func (l *level) mulBlocks(x []float32, lo, hi int32) (y0, y1, y2 float32) {
	val := l.val[9*lo : 9*hi]
	for _, b := range l.col[lo:hi] {
		v := val[:9:9]
		u := x[3*int(b):][:3:3]
		x0, x1, x2 := u[0], u[1], u[2]
		y0 += v[0]*x0 + v[1]*x1 + v[2]*x2
		y1 += v[3]*x0 + v[4]*x1 + v[5]*x2
		y2 += v[6]*x0 + v[7]*x1 + v[8]*x2
		val = val[9:]
	}
	return y0, y1, y2
}

// smooth sweeps once over the colours, backwards if asked, solving each line so
// that its own equations hold. A forward sweep does not read x: it starts from
// zero, so that only lines of earlier colours count.
func (l *level) smooth(back bool) {
	n0 := l.lat.N[0]
	for c := range l.lines {
		if back {
			c = len(l.lines) - 1 - c
		}
		lines := l.lines[c]
		_ = par.Blocks(context.Background(), len(lines), max(1, rowBlock/n0), func(lo, hi int) {
			y := make([]float32, 3*n0)
			for _, line := range lines[lo:hi] {
				l.relax(y, int(line)*n0, back)
			}
		})
	}
}

// relax solves the line whose first node is a0 for what it is coupled with:
// lines of earlier colours, or all. y is scratch.
func (l *level) relax(y []float32, a0 int, all bool) {
	n0 := l.lat.N[0]
	for i := range n0 {
		a := a0 + i
		to := l.from[2*a+1]
		if all {
			to = l.from[2*a+2]
		}
		s0, s1, s2 := l.mulBlocks(l.x, l.from[2*a], to)
		y0, y1, y2 := l.b[3*a]-s0, l.b[3*a+1]-s1, l.b[3*a+2]-s2
		if i > 0 {
			m, u := l.lower[9*a:9*a+9:9*a+9], y[3*i-3:3*i:3*i]
			y0 -= m[0]*u[0] + m[1]*u[1] + m[2]*u[2]
			y1 -= m[3]*u[0] + m[4]*u[1] + m[5]*u[2]
			y2 -= m[6]*u[0] + m[7]*u[1] + m[8]*u[2]
		}
		y[3*i], y[3*i+1], y[3*i+2] = y0, y1, y2
	}
	var d0, d1, d2 float32
	for i := n0 - 1; i >= 0; i-- {
		a := a0 + i
		m, u := l.pivot[9*a:9*a+9:9*a+9], y[3*i:3*i+3:3*i+3]
		z0 := m[0]*u[0] + m[1]*u[1] + m[2]*u[2]
		z1 := m[3]*u[0] + m[4]*u[1] + m[5]*u[2]
		z2 := m[6]*u[0] + m[7]*u[1] + m[8]*u[2]
		if i < n0-1 {
			m := l.lower[9*a+9 : 9*a+18 : 9*a+18]
			z0 -= m[0]*d0 + m[3]*d1 + m[6]*d2
			z1 -= m[1]*d0 + m[4]*d1 + m[7]*d2
			z2 -= m[2]*d0 + m[5]*d1 + m[8]*d2
		}
		d0, d1, d2 = z0, z1, z2
		l.x[3*a], l.x[3*a+1], l.x[3*a+2] = d0, d1, d2
	}
}

// residual stores b − A x in r after a forward sweep. Each line was solved
// when those of later colours were zero, so that only their part is left.
func (l *level) residual() {
	_ = par.Blocks(context.Background(), l.lat.Len(), rowBlock, func(lo, hi int) {
		for a := lo; a < hi; a++ {
			s0, s1, s2 := l.mulBlocks(l.x, l.from[2*a+1], l.from[2*a+2])
			l.r[3*a], l.r[3*a+1], l.r[3*a+2] = -s0, -s1, -s2
		}
	})
	applyFixed(l.r, l.fixed)
}

// restrict stores Pᵀ r in the coarse vector b.
func (l *level) restrict(b []float32) {
	f, c := &l.lat, &l.next
	_ = par.Blocks(context.Background(), c.Len(), rowBlock, func(lo, hi int) {
		for n := lo; n < hi; n++ {
			ci, cj, ck := c.coords(n)
			var s0, s1, s2 float32
			for sk, k := range l.child[2][ck].n {
				for sj, j := range l.child[1][cj].n {
					wjk := l.child[1][cj].w[sj] * l.child[2][ck].w[sk]
					for si, i := range l.child[0][ci].n {
						w := float32(l.child[0][ci].w[si] * wjk)
						u := l.r[3*f.node(i, j, k):]
						s0 += w * u[0]
						s1 += w * u[1]
						s2 += w * u[2]
					}
				}
			}
			b[3*n], b[3*n+1], b[3*n+2] = s0, s1, s2
		}
	})
	applyFixed(b, l.nextFixed)
}

// prolong adds P y to x.
func (l *level) prolong(y []float32) {
	f, c := &l.lat, &l.next
	_ = par.Blocks(context.Background(), f.Len(), rowBlock, func(lo, hi int) {
		for n := lo; n < hi; n++ {
			i, j, k := f.coords(n)
			pi, pj, pk := &l.parent[0][i], &l.parent[1][j], &l.parent[2][k]
			for tk, wk := range pk.w {
				if wk == 0 {
					continue
				}
				for tj, wj := range pj.w {
					if wj == 0 {
						continue
					}
					for ti, wi := range pi.w {
						if wi == 0 {
							continue
						}
						w := float32(wi * wj * wk)
						u := y[3*c.node(pi.n[ti], pj.n[tj], pk.n[tk]):]
						l.x[3*n] += w * u[0]
						l.x[3*n+1] += w * u[1]
						l.x[3*n+2] += w * u[2]
					}
				}
			}
		}
	})
	applyFixed(l.x, l.fixed)
}

// applyFixed replaces u by Q u on the fixed nodes.
func applyFixed[F float32 | float64](u []F, fixed []Fixed) {
	for n := range fixed {
		f := &fixed[n]
		v := u[3*f.Node : 3*f.Node+3]
		t := [3]float64{float64(v[0]), float64(v[1]), float64(v[2])}
		for i := range v {
			v[i] = F(f.Q[3*i]*t[0] + f.Q[3*i+1]*t[1] + f.Q[3*i+2]*t[2])
		}
	}
}

// planes is the Cholesky factor of a matrix that is block tridiagonal by planes
// of constant third index:
//
//	A = L Lᵀ,  Lₖₖ = chol(Aₖₖ − Wₖ Wₖᵀ),  Wₖ = Aₖ,ₖ₋₁ L⁻ᵀₖ₋₁,ₖ₋₁
type planes struct {
	n    int         // unknowns per plane
	diag [][]float64 // Lₖₖ, lower, row by row
	side [][]float64 // Wₖ, full; nil for the first
}

// factorPlanes factorises a. A body that nothing holds (see Settings.Free) leaves
// pivots of rounding errors in the last plane; their unknowns are set to zero.
func factorPlanes(a *Stencil) (*planes, error) {
	m := a.N[0] * a.N[1]
	p := &planes{n: 3 * m, diag: make([][]float64, a.N[2]), side: make([][]float64, a.N[2])}
	for k := range a.N[2] {
		d := make([]float64, p.n*p.n)
		var w []float64
		if k > 0 {
			w = make([]float64, p.n*p.n)
		}
		for r := range m {
			row := k*m + r
			a.visit(row, func(b, step int) {
				dst, col := d, b-k*m
				switch {
				case col < 0:
					dst, col = w, col+m
				case col >= m:
					return
				}
				v, flip := a.block(row, b, step)
				if flip {
					v = transpose3(v)
				}
				for x := range 3 {
					copy(dst[(3*r+x)*p.n+3*col:], v[3*x:3*x+3])
				}
			})
		}
		start := make([]float64, p.n)
		for i := range start {
			start[i] = d[i*p.n+i]
		}
		if k > 0 {
			tri := blas64.Triangular{Uplo: blas.Lower, Diag: blas.NonUnit, N: p.n, Stride: p.n, Data: p.diag[k-1]}
			gen := blas64.General{Rows: p.n, Cols: p.n, Stride: p.n, Data: w}
			blas64.Trsm(blas.Right, blas.Trans, 1, tri, gen)
			blas64.Syrk(blas.NoTrans, -1, gen, 1, blas64.Symmetric{Uplo: blas.Lower, N: p.n, Stride: p.n, Data: d})
		}
		if k == a.N[2]-1 {
			semidefinite(d, start)
		} else if _, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Lower, N: p.n, Stride: p.n, Data: d}); !ok {
			return nil, fmt.Errorf("plane %d is not positive definite", k)
		}
		p.diag[k], p.side[k] = d, w
	}
	return p, nil
}

// singular is the pivot, relative to the diagonal, below which it counts as zero in
// a matrix that may be singular. Where a constraint along a slanted normal n meets a
// free motion, the first pivot of a node is n₁² and the last one rounding over n₁²:
// the limit lies above the square root of rounding.
const singular = 1e-6

// semidefinite replaces the lower triangle d, row by row, by its Cholesky factor.
// A pivot that is negligible beside start becomes so large that its unknown is
// zero.
func semidefinite(d, start []float64) {
	n := len(start)
	for i := range n {
		row := d[i*n : i*n+i+1]
		for j := range i {
			other := d[j*n : j*n+j+1]
			row[j] = (row[j] - product(row[:j], other[:j])) / other[j]
		}
		if p := row[i] - product(row[:i], row[:i]); p > singular*start[i] {
			row[i] = math.Sqrt(p)
		} else {
			clear(row)
			row[i] = 1e150
		}
	}
}

// solve replaces x by A⁻¹x.
func (p *planes) solve(x []float64) {
	part := func(k int) blas64.Vector {
		return blas64.Vector{N: p.n, Inc: 1, Data: x[k*p.n : (k+1)*p.n]}
	}
	tri := func(k int) blas64.Triangular {
		return blas64.Triangular{Uplo: blas.Lower, Diag: blas.NonUnit, N: p.n, Stride: p.n, Data: p.diag[k]}
	}
	gen := func(k int) blas64.General {
		return blas64.General{Rows: p.n, Cols: p.n, Stride: p.n, Data: p.side[k]}
	}
	for k := range p.diag {
		if k > 0 {
			blas64.Gemv(blas.NoTrans, -1, gen(k), part(k-1), 1, part(k))
		}
		blas64.Trsv(blas.NoTrans, tri(k), part(k))
	}
	for k := len(p.diag) - 1; k >= 0; k-- {
		if k < len(p.diag)-1 {
			blas64.Gemv(blas.Trans, -1, gen(k+1), part(k+1), 1, part(k))
		}
		blas64.Trsv(blas.Trans, tri(k), part(k))
	}
}
