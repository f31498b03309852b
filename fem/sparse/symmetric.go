package sparse

import (
	"context"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Symmetric is a symmetric sparse matrix in block compressed rows, as [BSR], of
// which only the blocks on and above the diagonal hold values: it takes 60 % of the
// memory.
type Symmetric struct {
	Ptr []int     // length of block rows + 1
	Col []int32   // block columns, which increase in each row
	Val []float64 // 9 for each block on or above the diagonal, by rows
	at  []int32   // twice the number of the values of each block, plus one if transposed
}

var _ mat.Matrix = (*Symmetric)(nil)

// NewSymmetric returns a matrix of zeros in which node a is coupled with the nodes
// neighbours[a], each list increasing and holding a; coupling is mutual.
func NewSymmetric(neighbours [][]int32) *Symmetric {
	n := len(neighbours)
	m := &Symmetric{Ptr: make([]int, n+1)}
	for a, row := range neighbours {
		m.Ptr[a+1] = m.Ptr[a] + len(row)
	}
	m.Col, m.at = make([]int32, 0, m.Ptr[n]), make([]int32, m.Ptr[n])
	for _, row := range neighbours {
		m.Col = append(m.Col, row...)
	}
	var stored int32
	next := slices.Clone(m.Ptr) // the first block below the diagonal, of each row, that has no place
	for a := range n {
		for e := m.Ptr[a]; e < m.Ptr[a+1]; e++ {
			b := int(m.Col[e])
			if b < a {
				continue
			}
			m.at[e] = 2 * stored
			if b > a { // columns of row b come in the order of a
				if m.Col[next[b]] != int32(a) {
					panic(fmt.Sprintf("sparse: Symmetric: node %d names %d, but not the other way", a, b))
				}
				m.at[next[b]] = 2*stored + 1
				next[b]++
			}
			stored++
		}
	}
	m.Val = make([]float64, 9*int(stored))
	return m
}

// Blocks returns the number of block rows.
func (m *Symmetric) Blocks() int { return len(m.Ptr) - 1 }

// rows returns the matrix for [NewAggregation].
func (m *Symmetric) rows() *blocks[float64] {
	return &blocks[float64]{rows: 3, cols: 3, ptr: m.Ptr, col: m.Col, val: m.Val, at: m.at}
}

// find returns the place of the values of block (a, b) and whether they are
// transposed.
func (m *Symmetric) find(a, b int) (v []float64, flip bool) {
	n, ok := slices.BinarySearch(m.Col[m.Ptr[a]:m.Ptr[a+1]], int32(b))
	if !ok {
		return nil, false
	}
	k := m.at[m.Ptr[a]+n]
	return m.Val[9*int(k>>1):][:9:9], k&1 == 1
}

// Add adds v to block (a, b), which must be stored. Of a symmetric matrix all blocks
// may be added; those below the diagonal are skipped.
func (m *Symmetric) Add(a, b int, v *[9]float64) {
	if b < a {
		return
	}
	dst, _ := m.find(a, b)
	for i, x := range v {
		dst[i] += x
	}
}

// AddCell adds the blocks (a, b) of a brick's symmetric stiffness to those of its
// nodes, which must all be stored.
func (m *Symmetric) AddCell(nodes *[8]int32, k *[8][8][9]float64) {
	for a, n := range nodes {
		lo := m.Ptr[n]
		row := m.Col[lo:m.Ptr[n+1]]
		for b, c := range nodes {
			if c < n {
				continue
			}
			at, ok := slices.BinarySearch(row, c)
			if !ok {
				panic(fmt.Sprintf("sparse: Symmetric: block (%d, %d) is not stored", n, c))
			}
			dst, v := (*[9]float64)(m.Val[9*int(m.at[lo+at]>>1):]), &k[a][b]
			for i, x := range v {
				dst[i] += x
			}
		}
	}
}

// Dims returns the number of scalar rows and columns.
func (m *Symmetric) Dims() (r, c int) { return 3 * m.Blocks(), 3 * m.Blocks() }

// At returns element (i, j).
func (m *Symmetric) At(i, j int) float64 {
	if n := 3 * m.Blocks(); uint(i) >= uint(n) || uint(j) >= uint(n) {
		panic(mat.ErrIndexOutOfRange)
	}
	v, flip := m.find(i/3, j/3)
	switch {
	case v == nil:
		return 0
	case flip:
		return v[3*(j%3)+i%3]
	}
	return v[3*(i%3)+j%3]
}

// T returns the matrix, which is symmetric.
func (m *Symmetric) T() mat.Matrix { return m }

// Trace returns the sum of the diagonal.
func (m *Symmetric) Trace() float64 {
	var t float64
	for a := range m.Blocks() {
		if b, _ := m.find(a, a); b != nil {
			t += b[0] + b[4] + b[8]
		}
	}
	return t
}

// MulVecTo computes A⋅x and stores it in dst, as mat.SymBandDense does; trans changes
// nothing. dst may be empty, and must not share memory with x.
func (m *Symmetric) MulVecTo(dst *mat.VecDense, _ bool, x mat.Vector) {
	mulVecTo(dst, m, 3*m.Blocks(), x)
}

// Mul stores A⋅x in dst, which must not overlap x.
func (m *Symmetric) Mul(dst, x []float64) {
	if n := 3 * m.Blocks(); len(dst) != n || len(x) != n {
		panic(fmt.Sprintf("sparse: Mul: vectors of %d and %d values, want %d", len(dst), len(x), n))
	}
	_ = par.Blocks(context.Background(), m.Blocks(), rowBlock, func(lo, hi int) {
		for a := lo; a < hi; a++ {
			dst[3*a], dst[3*a+1], dst[3*a+2] = m.mulRow(x, a)
		}
	})
}

// mulRow returns block row a of A⋅x.
func (m *Symmetric) mulRow(x []float64, a int) (y0, y1, y2 float64) {
	lo, hi := m.Ptr[a], m.Ptr[a+1]
	at := m.at[lo:hi]
	for e, b := range m.Col[lo:hi] {
		k := at[e]
		v, u := (*[9]float64)(m.Val[9*int(k>>1):]), (*[3]float64)(x[3*int(b):])
		x0, x1, x2 := u[0], u[1], u[2]
		if k&1 == 1 {
			y0 += v[0]*x0 + v[3]*x1 + v[6]*x2
			y1 += v[1]*x0 + v[4]*x1 + v[7]*x2
			y2 += v[2]*x0 + v[5]*x1 + v[8]*x2
			continue
		}
		y0 += v[0]*x0 + v[1]*x1 + v[2]*x2
		y1 += v[3]*x0 + v[4]*x1 + v[5]*x2
		y2 += v[6]*x0 + v[7]*x1 + v[8]*x2
	}
	return y0, y1, y2
}

// Constrain replaces the matrix by Q A Q on the fixed nodes. See [BSR.Constrain].
func (m *Symmetric) Constrain(fixed []Fixed) {
	q := projectors(m.Blocks(), fixed)
	for a := range m.Blocks() {
		for e := m.Ptr[a]; e < m.Ptr[a+1]; e++ {
			k := m.at[e]
			if k&1 == 1 {
				continue
			}
			v := m.Val[9*int(k>>1):][:9:9]
			if s := q[a]; s >= 0 {
				mul3(v, fixed[s].Q[:], v)
			}
			if s := q[m.Col[e]]; s >= 0 {
				mul3(v, v, fixed[s].Q[:])
			}
		}
	}
}

// Hold makes the matrix definite again. See [BSR.Hold].
func (m *Symmetric) Hold(fixed []Fixed) {
	alpha := meanDiagonal(m)
	for _, f := range fixed {
		b, _ := m.find(f.Node, f.Node)
		addHold(b, &f, alpha)
	}
}
