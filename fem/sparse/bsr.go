package sparse

import (
	"context"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// rowBlock is the number of block rows that one goroutine multiplies at a time.
const rowBlock = 512

// BSR is a square sparse matrix in block compressed rows: block row a holds
// 3×3 blocks in columns Col[Ptr[a]:Ptr[a+1]], which increase, and their values
// in Val[9·n:9·n+9], row by row.
type BSR struct {
	Ptr []int     // length of block rows + 1
	Col []int32   // block columns
	Val []float64 // 9 per block
}

var (
	_ mat.Matrix         = (*BSR)(nil)
	_ mat.NonZeroDoer    = (*BSR)(nil)
	_ mat.RowNonZeroDoer = (*BSR)(nil)
	_ mat.ColNonZeroDoer = (*BSR)(nil)
	_ mat.Tracer         = (*BSR)(nil)
)

// NewBSR returns a matrix of zeros in which node a is coupled with the nodes
// neighbours[a], each list increasing.
func NewBSR(neighbours [][]int32) *BSR {
	m := &BSR{Ptr: make([]int, len(neighbours)+1)}
	for a, row := range neighbours {
		m.Ptr[a+1] = m.Ptr[a] + len(row)
	}
	m.Col = make([]int32, 0, m.Ptr[len(neighbours)])
	for _, row := range neighbours {
		m.Col = append(m.Col, row...)
	}
	m.Val = make([]float64, 9*len(m.Col))
	return m
}

// Blocks returns the number of block rows.
func (m *BSR) Blocks() int { return len(m.Ptr) - 1 }

// Block returns the nine values of block (a, b), or nil if it is not stored.
func (m *BSR) Block(a, b int) []float64 {
	n, ok := slices.BinarySearch(m.Col[m.Ptr[a]:m.Ptr[a+1]], int32(b))
	if !ok {
		return nil
	}
	n += m.Ptr[a]
	return m.Val[9*n : 9*n+9 : 9*n+9]
}

// Add adds v to block (a, b), which must be stored.
func (m *BSR) Add(a, b int, v *[9]float64) {
	dst := m.Block(a, b)
	for i, x := range v {
		dst[i] += x
	}
}

// Dims returns the number of scalar rows and columns.
func (m *BSR) Dims() (r, c int) { return 3 * m.Blocks(), 3 * m.Blocks() }

// At returns element (i, j).
func (m *BSR) At(i, j int) float64 {
	if n := 3 * m.Blocks(); uint(i) >= uint(n) || uint(j) >= uint(n) {
		panic(mat.ErrIndexOutOfRange)
	}
	if b := m.Block(i/3, j/3); b != nil {
		return b[3*(i%3)+j%3]
	}
	return 0
}

// T returns the transpose, without copying.
func (m *BSR) T() mat.Matrix { return mat.Transpose{Matrix: m} }

// Trace returns the sum of the diagonal.
func (m *BSR) Trace() float64 {
	var t float64
	for a := range m.Blocks() {
		if b := m.Block(a, a); b != nil {
			t += b[0] + b[4] + b[8]
		}
	}
	return t
}

// DoNonZero calls fn for each stored element that is not zero, by rows.
func (m *BSR) DoNonZero(fn func(i, j int, v float64)) {
	for i := range 3 * m.Blocks() {
		m.DoRowNonZero(i, fn)
	}
}

// DoRowNonZero calls fn for each stored element of row i that is not zero.
func (m *BSR) DoRowNonZero(i int, fn func(i, j int, v float64)) {
	a, r := i/3, i%3
	for n := m.Ptr[a]; n < m.Ptr[a+1]; n++ {
		for c := range 3 {
			if v := m.Val[9*n+3*r+c]; v != 0 {
				fn(i, 3*int(m.Col[n])+c, v)
			}
		}
	}
}

// DoColNonZero calls fn for each stored element of column j that is not zero.
// It looks at every row, since the matrix is stored by rows.
func (m *BSR) DoColNonZero(j int, fn func(i, j int, v float64)) {
	for a := range m.Blocks() {
		b := m.Block(a, j/3)
		if b == nil {
			continue
		}
		for r := range 3 {
			if v := b[3*r+j%3]; v != 0 {
				fn(3*a+r, j, v)
			}
		}
	}
}

// MulVecTo computes A⋅x or Aᵀ⋅x and stores it in dst, as mat.BandDense does.
// dst may be empty, and must not share memory with x.
func (m *BSR) MulVecTo(dst *mat.VecDense, trans bool, x mat.Vector) {
	var a Operator = m
	if trans {
		a = flipped{m}
	}
	mulVecTo(dst, a, 3*m.Blocks(), x)
}

// flipped multiplies by the transpose.
type flipped struct{ m *BSR }

func (f flipped) Mul(dst, x []float64) {
	clear(dst)
	f.m.DoNonZero(func(i, j int, v float64) { dst[j] += v * x[i] })
}

// Mul stores A⋅x in dst, which must not overlap x.
func (m *BSR) Mul(dst, x []float64) {
	if n := 3 * m.Blocks(); len(dst) != n || len(x) != n {
		panic(fmt.Sprintf("sparse: Mul: vectors of %d and %d values, want %d", len(dst), len(x), n))
	}
	_ = par.Blocks(context.Background(), m.Blocks(), rowBlock, func(lo, hi int) { m.mulRows(dst, x, lo, hi) })
}

// mulRows stores the block rows [lo, hi) of A⋅x in dst.
func (m *BSR) mulRows(dst, x []float64, lo, hi int) {
	for a := lo; a < hi; a++ {
		y0, y1, y2 := m.mulRow(x, a)
		dst[3*a], dst[3*a+1], dst[3*a+2] = y0, y1, y2
	}
}

// mulRow returns block row a of A⋅x.
func (m *BSR) mulRow(x []float64, a int) (y0, y1, y2 float64) {
	lo, hi := m.Ptr[a], m.Ptr[a+1]
	val := m.Val[9*lo : 9*hi]
	for _, b := range m.Col[lo:hi] {
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

// dotBlock is the number of terms added in one go. It is part of the result's
// definition: changing it changes last digits.
const dotBlock = 8192

// dot returns Σ xᵢ yᵢ, added in blocks of fixed length and in order.
func dot(x, y []float64) float64 {
	n := len(x)
	part := make([]float64, (n+dotBlock-1)/dotBlock)
	_ = par.Blocks(context.Background(), n, dotBlock, func(lo, hi int) {
		xs, ys := x[lo:hi], y[lo:hi]
		var s float64
		for i, v := range xs {
			s += v * ys[i]
		}
		part[lo/dotBlock] = s
	})
	var s float64
	for _, p := range part {
		s += p
	}
	return s
}
