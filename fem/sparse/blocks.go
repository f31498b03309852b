package sparse

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// blocks is a sparse matrix of blocks of any size, by block rows as in [BSR].
// Prolongations are tall: rows×6 blocks, one block row per node.
type blocks[F float32 | float64] struct {
	rows, cols int // of a block
	ptr        []int
	col        []int32
	val        []F
	// at, if not nil, says where the values of a block of three rows stand: twice their
	// number, plus one if they are those of the transpose.
	at []int32
}

// block returns the values of block e, those of a transposed one in t.
func (a *blocks[F]) block(e int, t *[9]F) []F {
	size := a.rows * a.cols
	if a.at == nil {
		return a.val[size*e : size*e+size]
	}
	k := a.at[e]
	v := (*[9]F)(a.val[9*int(k>>1):])
	if k&1 == 0 {
		return v[:]
	}
	*t = [9]F{v[0], v[3], v[6], v[1], v[4], v[7], v[2], v[5], v[8]}
	return t[:]
}

// len returns the number of block rows.
func (a *blocks[F]) len() int { return len(a.ptr) - 1 }

// find returns the place of block (i, j), or −1 if it is not stored. Columns of
// row i must increase.
func (a *blocks[F]) find(i, j int) int {
	n, ok := slices.BinarySearch(a.col[a.ptr[i]:a.ptr[i+1]], int32(j))
	if !ok {
		return -1
	}
	return a.ptr[i] + n
}

// permuted returns the rows in the order perm.
func (a *blocks[F]) permuted(perm []int32) *blocks[F] {
	size := a.rows * a.cols
	b := &blocks[F]{rows: a.rows, cols: a.cols, ptr: make([]int, len(a.ptr)), col: make([]int32, 0, len(a.col)), val: make([]F, 0, len(a.val))}
	for i, old := range perm {
		lo, hi := a.ptr[old], a.ptr[old+1]
		b.col = append(b.col, a.col[lo:hi]...)
		b.val = append(b.val, a.val[size*lo:size*hi]...)
		b.ptr[i+1] = len(b.col)
	}
	return b
}

// addMul adds A⋅x to y; blocks are 3×6 or 6×6.
func (a *blocks[F]) addMul(y, x []F) {
	size := a.rows * a.cols
	_ = par.Blocks(context.Background(), a.len(), rowBlock, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			u := y[a.rows*i : a.rows*i+a.rows]
			for e := a.ptr[i]; e < a.ptr[i+1]; e++ {
				v, w := a.val[size*e:size*e+size], (*[6]F)(x[6*int(a.col[e]):])
				for r := range u {
					t := (*[6]F)(v[6*r:])
					u[r] += t[0]*w[0] + t[1]*w[1] + t[2]*w[2] + t[3]*w[3] + t[4]*w[4] + t[5]*w[5]
				}
			}
		}
	})
}

// transposed lists, for each block column of a tall matrix, its blocks by rows.
type transposed struct {
	ptr   []int32
	row   []int32
	block []int32
}

// transpose lists the blocks of a by its n block columns.
func transpose[F float32 | float64](a *blocks[F], n int) *transposed {
	t := &transposed{ptr: make([]int32, n+1), row: make([]int32, len(a.col)), block: make([]int32, len(a.col))}
	for _, c := range a.col {
		t.ptr[c+1]++
	}
	for c := range n {
		t.ptr[c+1] += t.ptr[c]
	}
	fill := slices.Clone(t.ptr[:n])
	for i := range a.len() {
		for e := a.ptr[i]; e < a.ptr[i+1]; e++ {
			c := a.col[e]
			t.row[fill[c]], t.block[fill[c]] = int32(i), int32(e)
			fill[c]++
		}
	}
	return t
}

// mul stores Aᵀ⋅r in y, where t lists the blocks of a.
func (t *transposed) mul(y []float32, a *blocks[float32], r []float32) {
	size := a.rows * a.cols
	_ = par.Blocks(context.Background(), len(t.ptr)-1, 32, func(lo, hi int) {
		for c := lo; c < hi; c++ {
			var s [6]float32
			for n := t.ptr[c]; n < t.ptr[c+1]; n++ {
				e, i := int(t.block[n]), int(t.row[n])
				v, u := a.val[size*e:size*e+size], r[a.rows*i:a.rows*i+a.rows]
				for k, x := range u {
					w := (*[6]float32)(v[6*k:])
					s[0] += w[0] * x
					s[1] += w[1] * x
					s[2] += w[2] * x
					s[3] += w[3] * x
					s[4] += w[4] * x
					s[5] += w[5] * x
				}
			}
			copy(y[6*c:6*c+6], s[:])
		}
	})
}

// invertDiagonal returns the inverses of the diagonal blocks.
func invertDiagonal(a *blocks[float64]) ([]float64, error) {
	n, m := a.len(), a.rows
	inv := make([]float64, m*m*n)
	var flip [9]float64
	for i := range n {
		e := a.find(i, i)
		if e < 0 || !invertBlock(inv[m*m*i:m*m*i+m*m], a.block(e, &flip), m) {
			return nil, fmt.Errorf("%w: the diagonal block of node %d", ErrNotDefinite, i)
		}
	}
	return inv, nil
}

// invertBlock stores the inverse of the symmetric positive definite m×m block a
// in dst, by Gauss-Jordan elimination; it reports false for any other block.
func invertBlock(dst, a []float64, m int) bool {
	copy(dst, a)
	for k := range m {
		p := dst[m*k+k]
		if !(p > 0) || math.IsInf(p, 0) {
			return false
		}
		dst[m*k+k] = 1
		for j := range m {
			dst[m*k+j] /= p
		}
		for i := range m {
			if i == k {
				continue
			}
			f := dst[m*i+k]
			dst[m*i+k] = 0
			for j := range m {
				dst[m*i+j] -= f * dst[m*k+j]
			}
		}
	}
	return true
}

// hold puts the mean diagonal where an aggregate lacks a motion, so that the
// matrix is definite there.
func hold(a *blocks[float64], dead []bool) {
	var sum float64
	var count int
	for i := range a.len() {
		e := a.find(i, i)
		for c := range 6 {
			if !dead[6*i+c] {
				sum += a.val[36*e+7*c]
				count++
			}
		}
	}
	mean := 1.0
	if sum > 0 {
		mean = sum / float64(count)
	}
	for i := range a.len() {
		e := a.find(i, i)
		for c := range 6 {
			if dead[6*i+c] {
				a.val[36*e+7*c] = mean
			}
		}
	}
}

// smoothTentative returns P = (I − ω D⁻¹A) P₀ (F.8).
func smoothTentative(ctx context.Context, a *blocks[float64], inv []float64, agg []int32, p0 []float64) *blocks[float32] {
	n, m := a.len(), a.rows
	size := 6 * m
	omega := 4.0 / (3 * largest(ctx, a, inv))
	p := &blocks[float32]{rows: m, cols: 6, ptr: make([]int, n+1)}
	var row []int32
	for i := range n {
		row = row[:0]
		if agg[i] >= 0 {
			row = append(row, agg[i])
		}
		for _, j := range a.col[a.ptr[i]:a.ptr[i+1]] {
			if agg[j] >= 0 {
				row = insertSorted(row, agg[j])
			}
		}
		p.col = append(p.col, row...)
		p.ptr[i+1] = len(p.col)
	}
	p.val = make([]float32, size*len(p.col))
	_ = par.Blocks(ctx, n, 128, func(lo, hi int) {
		acc := make([]float64, 64*size)
		t := make([]float64, size)
		var flip [9]float64
		for i := lo; i < hi; i++ {
			cols := p.col[p.ptr[i]:p.ptr[i+1]]
			for len(acc) < len(cols)*size {
				acc = append(acc, 0)
			}
			clear(acc[:len(cols)*size])
			for e := a.ptr[i]; e < a.ptr[i+1]; e++ {
				j := int(a.col[e])
				if agg[j] < 0 {
					continue
				}
				at, _ := slices.BinarySearch(cols, agg[j])
				addProduct(acc[at*size:at*size+size], a.block(e, &flip), p0[size*j:size*j+size], m)
			}
			for at, g := range cols {
				clear(t)
				addProduct(t, inv[m*m*i:m*m*i+m*m], acc[at*size:at*size+size], m)
				dst := p.val[size*(p.ptr[i]+at) : size*(p.ptr[i]+at+1)]
				for x, v := range t {
					if v = -omega * v; g == agg[i] {
						v += p0[size*i+x]
					}
					dst[x] = float32(v)
				}
			}
		}
	})
	return p
}

// addProduct adds a⋅b to dst, with a m×m and b, dst m×6.
func addProduct(dst, a, b []float64, m int) {
	for r := range m {
		d := (*[6]float64)(dst[6*r:])
		for k := range m {
			f, w := a[m*r+k], (*[6]float64)(b[6*k:])
			d[0] += f * w[0]
			d[1] += f * w[1]
			d[2] += f * w[2]
			d[3] += f * w[3]
			d[4] += f * w[4]
			d[5] += f * w[5]
		}
	}
}

// largest returns an estimate of λmax(D⁻¹A), by power iteration.
func largest(ctx context.Context, a *blocks[float64], inv []float64) float64 {
	n, m := a.len(), a.rows
	x, y := make([]float64, n*m), make([]float64, n*m)
	for i := range x {
		x[i] = math.Sin(float64(i)*1.7) + 0.3*math.Sin(float64(i*i)) // rough, and the same every time
	}
	lambda := 1.0
	for range 12 {
		_ = par.Blocks(ctx, n, rowBlock, func(lo, hi int) {
			t := make([]float64, m)
			var flip [9]float64
			for i := lo; i < hi; i++ {
				clear(t)
				for e := a.ptr[i]; e < a.ptr[i+1]; e++ {
					mulAdd(t, a.block(e, &flip), x[m*int(a.col[e]):], m)
				}
				u := y[m*i : m*i+m]
				clear(u)
				mulAdd(u, inv[m*m*i:m*m*i+m*m], t, m)
			}
		})
		lambda = math.Sqrt(dot(y, y) / dot(x, x))
		for i, v := range y {
			x[i] = v / lambda
		}
	}
	return lambda
}

// mulAdd adds the product of the m×m block a and x to y.
func mulAdd(y, a, x []float64, m int) {
	for r := range m {
		var s float64
		for c, v := range a[m*r : m*r+m] {
			s += v * x[c]
		}
		y[r] += s
	}
}

// insertSorted adds b to a short sorted list if it is not there.
func insertSorted(row []int32, b int32) []int32 {
	at, ok := slices.BinarySearch(row, b)
	if ok {
		return row
	}
	return slices.Insert(row, at, b)
}

// batch is the number of rows of A P that are computed at a time.
const batch = 8192

// galerkin returns PᵀAP with count block rows of 6×6 blocks. Sums run in the
// order of the rows of A.
func galerkin(ctx context.Context, a *blocks[float64], p *blocks[float32], count int) *blocks[float64] {
	n, m := a.len(), a.rows
	size := 6 * m
	pt := transpose(p, count)
	// The pattern of A P, then that of Pᵀ(A P).
	apRows := make([][]int32, n)
	_ = par.Blocks(ctx, n, rowBlock, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := make([]int32, 0, 16)
			for _, j := range a.col[a.ptr[i]:a.ptr[i+1]] {
				for _, g := range p.col[p.ptr[j]:p.ptr[j+1]] {
					row = insertSorted(row, g)
				}
			}
			apRows[i] = row
		}
	})
	cRows := make([][]int32, count)
	_ = par.Blocks(ctx, count, 32, func(lo, hi int) {
		for g := lo; g < hi; g++ {
			row := []int32{int32(g)}
			for _, i := range pt.row[pt.ptr[g]:pt.ptr[g+1]] {
				for _, h := range apRows[i] {
					row = insertSorted(row, h)
				}
			}
			cRows[g] = row
		}
	})
	c := &blocks[float64]{rows: 6, cols: 6, ptr: make([]int, count+1)}
	for g, row := range cRows {
		c.ptr[g+1] = c.ptr[g] + len(row)
		c.col = append(c.col, row...)
	}
	c.val = make([]float64, 36*len(c.col))
	ptr := make([]int, batch+1)
	var ap []float64
	for from := 0; from < n && ctx.Err() == nil; from += batch {
		to := min(from+batch, n)
		for i := from; i < to; i++ {
			ptr[i-from+1] = ptr[i-from] + len(apRows[i])
		}
		if want := size * ptr[to-from]; cap(ap) < want {
			ap = make([]float64, want)
		} else {
			ap = ap[:want]
			clear(ap)
		}
		_ = par.Blocks(ctx, to-from, 128, func(lo, hi int) {
			wide := make([]float64, size)
			var flip [9]float64
			for r := lo; r < hi; r++ {
				i := from + r
				for e := a.ptr[i]; e < a.ptr[i+1]; e++ {
					j, v := int(a.col[e]), a.block(e, &flip)
					for q := p.ptr[j]; q < p.ptr[j+1]; q++ {
						at, _ := slices.BinarySearch(apRows[i], p.col[q])
						for x, w := range p.val[size*q : size*q+size] {
							wide[x] = float64(w)
						}
						at += ptr[r]
						addProduct(ap[size*at:size*at+size], v, wide, m)
					}
				}
			}
		})
		_ = par.Blocks(ctx, count, 32, func(lo, hi int) {
			for g := lo; g < hi; g++ {
				rows := pt.row[pt.ptr[g]:pt.ptr[g+1]]
				at, _ := slices.BinarySearch(rows, int32(from))
				for ; at < len(rows) && int(rows[at]) < to; at++ {
					i := int(rows[at])
					q := int(pt.block[int(pt.ptr[g])+at])
					v := p.val[size*q : size*q+size]
					for s, h := range apRows[i] {
						if int(h) < g {
							continue // by symmetry, below
						}
						w := ap[size*(ptr[i-from]+s) : size*(ptr[i-from]+s+1)]
						e := c.find(g, int(h))
						d := c.val[36*e : 36*e+36]
						for k := range m {
							u := (*[6]float64)(w[6*k:])
							for x, f := range (*[6]float32)(v[6*k:]) {
								y, f := (*[6]float64)(d[6*x:]), float64(f)
								y[0] += f * u[0]
								y[1] += f * u[1]
								y[2] += f * u[2]
								y[3] += f * u[3]
								y[4] += f * u[4]
								y[5] += f * u[5]
							}
						}
					}
				}
			}
		})
	}
	for g := range count {
		for e := c.ptr[g]; e < c.ptr[g+1]; e++ {
			h := int(c.col[e])
			if h >= g {
				continue
			}
			from := c.find(h, g)
			for x := range 6 {
				for y := range 6 {
					c.val[36*e+6*x+y] = c.val[36*from+6*y+x]
				}
			}
		}
	}
	return c
}

// Dense is the Cholesky factor of a small matrix, such as that of the coarsest level
// of a hierarchy. Unknowns whose pivot is rounding are zero in solutions, so that the
// matrix may leave rigid motions free.
type Dense struct {
	n    int
	l    []float64 // lower triangle, row by row
	work []float64
}

// NewDense factorises the symmetric matrix a of n rows, of which it reads the lower
// triangle and which it changes.
func NewDense(a []float64, n int) *Dense {
	d := &Dense{n: n, l: a, work: make([]float64, n)}
	start := make([]float64, n)
	for i := range n {
		start[i] = a[i*n+i]
	}
	semidefinite(a, start)
	return d
}

// factorDense factorises a.
func factorDense(a *blocks[float64]) *Dense {
	m := a.rows
	n := m * a.len()
	l := make([]float64, n*n)
	var flip [9]float64
	for i := range a.len() {
		for e := a.ptr[i]; e < a.ptr[i+1]; e++ {
			v := a.block(e, &flip)
			for r := range m {
				copy(l[(m*i+r)*n+m*int(a.col[e]):], v[m*r:m*r+m])
			}
		}
	}
	return NewDense(l, n)
}

// Solve stores A⁻¹b in x.
func (d *Dense) Solve(x, b []float32) {
	for i, v := range b {
		d.work[i] = float64(v)
	}
	t := blas64.Triangular{Uplo: blas.Lower, Diag: blas.NonUnit, N: d.n, Stride: d.n, Data: d.l}
	v := blas64.Vector{N: d.n, Inc: 1, Data: d.work}
	blas64.Trsv(blas.NoTrans, t, v)
	blas64.Trsv(blas.Trans, t, v)
	for i, v := range d.work {
		x[i] = float32(v)
	}
}
