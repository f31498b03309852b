package sparse

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Stencil is a symmetric matrix of 3×3 blocks between the nodes of a lattice
// that are at most one step apart along each axis. Step (di, dj, dk) has the
// number 9 (dk + 1) + 3 (dj + 1) + di + 1; only the blocks of the steps 13 (the
// node itself) to 26 are stored, so that it takes a bit over half the memory of a
// [BSR] and no column numbers.
type Stencil struct {
	Lattice
	Val []float64 // the block of node n and step s is Val[9·(14n + s − 13):], row by row
}

// self is the step from a node to itself, half the number of blocks per node.
const (
	self = 13
	half = 14
)

var (
	_ mat.Matrix         = (*Stencil)(nil)
	_ mat.NonZeroDoer    = (*Stencil)(nil)
	_ mat.RowNonZeroDoer = (*Stencil)(nil)
	_ mat.ColNonZeroDoer = (*Stencil)(nil)
	_ mat.Tracer         = (*Stencil)(nil)
)

// NewStencil returns a matrix of zeros.
func NewStencil(lat Lattice) *Stencil {
	return &Stencil{Lattice: lat, Val: make([]float64, 9*half*lat.Len())}
}

// StencilOf returns m as a stencil on lat. It is an error if m has blocks
// between nodes more than one step apart. Blocks below the diagonal are taken
// for the transposes of those above.
func StencilOf(m *BSR, lat Lattice) (*Stencil, error) {
	if err := lat.check(m.Blocks()); err != nil {
		return nil, err
	}
	s := NewStencil(lat)
	for a := range m.Blocks() {
		for n := m.Ptr[a]; n < m.Ptr[a+1]; n++ {
			b := int(m.Col[n])
			step, ok := lat.step(a, b)
			if !ok {
				return nil, fmt.Errorf("lattice %v: the matrix couples nodes %d and %d, which are not neighbours", lat.N, a, b)
			}
			if step >= self {
				copy(s.own(a, step), m.Val[9*n:9*n+9])
			}
		}
	}
	return s, nil
}

// step returns the number of the step from node a to node b.
func (l *Lattice) step(a, b int) (int, bool) {
	ai, aj, ak := l.coords(a)
	bi, bj, bk := l.coords(b)
	di, dj, dk := bi-ai, bj-aj, bk-ak
	if l.Ring {
		switch {
		case dj > 1:
			dj -= l.N[1]
		case dj < -1:
			dj += l.N[1]
		}
	}
	return 9*(dk+1) + 3*(dj+1) + di + 1, uint(di+1) < 3 && uint(dj+1) < 3 && uint(dk+1) < 3
}

// line returns the first node of the line (j, k) and whether there is one.
func (l *Lattice) line(j, k int) (int, bool) {
	if l.Ring {
		switch {
		case j < 0:
			j += l.N[1]
		case j >= l.N[1]:
			j -= l.N[1]
		}
	}
	return l.node(0, j, k), uint(j) < uint(l.N[1]) && uint(k) < uint(l.N[2])
}

// own returns the block of a node and a step from 13 to 26.
func (m *Stencil) own(node, step int) []float64 {
	n := 9 * (half*node + step - self)
	return m.Val[n : n+9 : n+9]
}

// block returns the block of nodes a and b, where step leads from a to b, and
// whether it is to be transposed.
func (m *Stencil) block(a, b, step int) (v []float64, flip bool) {
	if step < self {
		return m.own(b, 2*self-step), true
	}
	return m.own(a, step), false
}

// visit calls f for each node b that is one step from node a, or a itself,
// in the order of the steps.
func (m *Stencil) visit(a int, f func(b, step int)) {
	i, j, k := m.coords(a)
	for step := 0; step < 27; step += 3 {
		first, ok := m.line(j+step/3%3-1, k+step/9-1)
		if !ok {
			continue
		}
		for di := max(-1, -i); di <= min(1, m.N[0]-1-i); di++ {
			f(first+i+di, step+di+1)
		}
	}
}

// Blocks returns the number of nodes.
func (m *Stencil) Blocks() int { return m.Len() }

// Add adds v to block (a, b). Of a symmetric matrix all blocks may be added; those
// that are stored transposed are skipped. The nodes must be neighbours.
func (m *Stencil) Add(a, b int, v *[9]float64) {
	step, ok := m.step(a, b)
	if !ok {
		panic(fmt.Sprintf("sparse: Stencil: nodes %d and %d of lattice %v are not neighbours", a, b, m.N))
	}
	if step < self {
		return
	}
	dst := m.own(a, step)
	for i, x := range v {
		dst[i] += x
	}
}

// Dims returns the number of scalar rows and columns.
func (m *Stencil) Dims() (r, c int) { return 3 * m.Len(), 3 * m.Len() }

// At returns element (i, j).
func (m *Stencil) At(i, j int) float64 {
	if n := 3 * m.Len(); uint(i) >= uint(n) || uint(j) >= uint(n) {
		panic(mat.ErrIndexOutOfRange)
	}
	step, ok := m.step(i/3, j/3)
	if !ok {
		return 0
	}
	v, flip := m.block(i/3, j/3, step)
	if flip {
		i, j = j, i
	}
	return v[3*(i%3)+j%3]
}

// T returns the matrix, which is symmetric.
func (m *Stencil) T() mat.Matrix { return m }

// Trace returns the sum of the diagonal.
func (m *Stencil) Trace() float64 {
	var t float64
	for a := range m.Len() {
		v := m.own(a, self)
		t += v[0] + v[4] + v[8]
	}
	return t
}

// DoNonZero calls fn for each element that is not zero, by rows.
func (m *Stencil) DoNonZero(fn func(i, j int, v float64)) {
	for i := range 3 * m.Len() {
		m.DoRowNonZero(i, fn)
	}
}

// DoRowNonZero calls fn for each element of row i that is not zero.
func (m *Stencil) DoRowNonZero(i int, fn func(i, j int, v float64)) {
	m.visit(i/3, func(b, step int) {
		v, flip := m.block(i/3, b, step)
		for c := range 3 {
			x := v[3*(i%3)+c]
			if flip {
				x = v[3*c+i%3]
			}
			if x != 0 {
				fn(i, 3*b+c, x)
			}
		}
	})
}

// DoColNonZero calls fn for each element of column j that is not zero.
func (m *Stencil) DoColNonZero(j int, fn func(i, j int, v float64)) {
	m.DoRowNonZero(j, func(j, i int, v float64) { fn(i, j, v) })
}

// MulVecTo computes A⋅x and stores it in dst, as mat.SymBandDense does; trans
// changes nothing. dst may be empty, and must not share memory with x.
func (m *Stencil) MulVecTo(dst *mat.VecDense, _ bool, x mat.Vector) { mulVecTo(dst, m, 3*m.Len(), x) }

// mulVecTo stores A⋅x in dst through slices.
func mulVecTo(dst *mat.VecDense, a Operator, n int, x mat.Vector) {
	if x.Len() != n {
		panic(mat.ErrShape)
	}
	if dst.IsEmpty() {
		dst.ReuseAsVec(n)
	} else if dst.Len() != n {
		panic(mat.ErrShape)
	}
	xs, ys := make([]float64, n), make([]float64, n)
	for i := range xs {
		xs[i] = x.AtVec(i)
	}
	a.Mul(ys, xs)
	for i, y := range ys {
		dst.SetVec(i, y)
	}
}

// Mul stores A⋅x in dst, which must not overlap x.
func (m *Stencil) Mul(dst, x []float64) {
	if n := 3 * m.Len(); len(dst) != n || len(x) != n {
		panic(fmt.Sprintf("sparse: Mul: vectors of %d and %d values, want %d", len(dst), len(x), n))
	}
	n0 := m.N[0]
	_ = par.Blocks(context.Background(), m.N[1]*m.N[2], max(1, rowBlock/n0), func(lo, hi int) {
		for line := lo; line < hi; line++ {
			m.mulLine(dst[3*line*n0:3*(line+1)*n0], x, line)
		}
	})
}

// mulLine stores the rows of one line of A⋅x in y.
func (m *Stencil) mulLine(y, x []float64, line int) {
	j, k, n0 := line%m.N[1], line/m.N[1], m.N[0]
	// The lines around it: first node and what it is away in values of Val. Those of
	// earlier steps hold the transposed blocks.
	var first, slot [9]int
	lines, earlier := 0, 0
	for step := 0; step < 27; step += 3 {
		f, ok := m.line(j+step/3%3-1, k+step/9-1)
		if !ok {
			continue
		}
		first[lines], slot[lines] = f, step+1-self
		if step+1 < self {
			slot[lines] = self - 1 - step
			earlier++
		}
		lines++
	}
	for i := range n0 {
		from, to := max(i-1, 0), min(i+1, n0-1)
		var y0, y1, y2 float64
		for l := range earlier {
			for b := from; b <= to; b++ {
				n := first[l] + b
				v, u := (*[9]float64)(m.Val[9*(half*n+slot[l]+i-b):]), (*[3]float64)(x[3*n:])
				x0, x1, x2 := u[0], u[1], u[2]
				y0 += v[0]*x0 + v[3]*x1 + v[6]*x2
				y1 += v[1]*x0 + v[4]*x1 + v[7]*x2
				y2 += v[2]*x0 + v[5]*x1 + v[8]*x2
			}
		}
		a := line*n0 + i
		if i > 0 { // along the line itself, too
			v, u := (*[9]float64)(m.Val[9*(half*(a-1)+1):]), (*[3]float64)(x[3*a-3:])
			x0, x1, x2 := u[0], u[1], u[2]
			y0 += v[0]*x0 + v[3]*x1 + v[6]*x2
			y1 += v[1]*x0 + v[4]*x1 + v[7]*x2
			y2 += v[2]*x0 + v[5]*x1 + v[8]*x2
		}
		for l := earlier; l < lines; l++ {
			lo := from
			if l == earlier {
				lo = i
			}
			for b := lo; b <= to; b++ {
				v, u := (*[9]float64)(m.Val[9*(half*a+slot[l]+b-i):]), (*[3]float64)(x[3*(first[l]+b):])
				x0, x1, x2 := u[0], u[1], u[2]
				y0 += v[0]*x0 + v[1]*x1 + v[2]*x2
				y1 += v[3]*x0 + v[4]*x1 + v[5]*x2
				y2 += v[6]*x0 + v[7]*x1 + v[8]*x2
			}
		}
		t := (*[3]float64)(y[3*i:])
		t[0], t[1], t[2] = y0, y1, y2
	}
}

// Constrain replaces the matrix by Q A Q on the fixed nodes. See [BSR.Constrain].
func (m *Stencil) Constrain(fixed []Fixed) {
	q := projectors(m.Len(), fixed)
	for a := range m.Len() {
		m.visit(a, func(b, step int) {
			if step < self {
				return
			}
			v := m.own(a, step)
			if s := q[a]; s >= 0 {
				mul3(v, fixed[s].Q[:], v)
			}
			if s := q[b]; s >= 0 {
				mul3(v, v, fixed[s].Q[:])
			}
		})
	}
}

// Hold makes the matrix definite again. See [BSR.Hold].
func (m *Stencil) Hold(fixed []Fixed) {
	alpha := meanDiagonal(m)
	for _, f := range fixed {
		addHold(m.own(f.Node, self), &f, alpha)
	}
}
