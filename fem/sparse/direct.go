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

// Factor is A = L D Lᵀ of a symmetric matrix, by the multifrontal method (Duff
// and Reid, ACM Trans Math Softw 9 (1983) 302) in the order of nested
// dissection. The matrix may be indefinite: a pivot lost to cancellation is
// replaced by a small one of its sign (static pivoting; Li and Demmel, ACM Trans
// Math Softw 29 (2003) 110), and [Factor.Solve] refines its result with the
// matrix itself. It suits some ten thousand unknowns; memory and time of large
// solids grow with powers 4/3 and 2 of their number.
type Factor struct {
	a      *BSR
	fronts []front
	order  []int32 // place → node
	lost   *PivotError
}

// Pivots below lostPivot of the largest entry of their row count as lost, and
// become newPivot of it.
const (
	lostPivot = 1e-13
	newPivot  = 1e-8
)

// Factorise computes the factor of a, of which it reads the blocks on either side
// of the diagonal. It refers to a from then on. A singular matrix is found when
// a system is solved.
func Factorise(ctx context.Context, a *BSR) (*Factor, error) {
	n := a.Blocks()
	f := &Factor{a: a, fronts: dissect(a), order: make([]int32, 0, n)}
	place, large := make([]int32, n), make([]float64, 3*n)
	for t := range f.fronts {
		f.order = append(f.order, f.fronts[t].own...)
	}
	for p, node := range f.order {
		place[node] = int32(p)
	}
	var worst float64
	for b := range n {
		for e := a.Ptr[b]; e < a.Ptr[b+1]; e++ {
			for i, v := range a.Val[9*e : 9*e+9] {
				large[3*b+i/3] = max(large[3*b+i/3], math.Abs(v))
				worst += v - v
			}
		}
	}
	if worst != 0 {
		return nil, fmt.Errorf("factorise: the matrix is %w", ErrNotFinite)
	}
	// Fronts of one depth are independent; the deepest come first.
	var depths [][]int
	for t := range f.fronts {
		for len(depths) <= f.fronts[t].depth {
			depths = append(depths, nil)
		}
		depths[f.fronts[t].depth] = append(depths[f.fronts[t].depth], t)
	}
	lost := make([]*PivotError, len(f.fronts))
	for _, level := range slices.Backward(depths) {
		if err := par.For(ctx, len(level), func(i int) {
			lost[level[i]] = f.eliminate(&f.fronts[level[i]], place, large)
		}); err != nil {
			return nil, err
		}
	}
	for _, l := range lost {
		if l != nil {
			f.lost = l
			break
		}
	}
	return f, nil
}

// eliminate assembles a front from the matrix and its children, and eliminates its
// unknowns. It returns the first lost pivot.
func (f *Factor) eliminate(t *front, place []int32, large []float64) *PivotError {
	s, r := 3*len(t.own), 3*len(t.boundary)
	n := s + r
	w := make([]float64, n*n) // lower triangle, row by row
	local := func(p int32) int {
		if i := int(p) - t.start; i < len(t.own) {
			return 3 * i
		}
		at, _ := slices.BinarySearch(t.boundary, p)
		return s + 3*at
	}
	for _, node := range t.own {
		col := local(place[node])
		for e := f.a.Ptr[node]; e < f.a.Ptr[node+1]; e++ {
			p := place[f.a.Col[e]]
			if int(p) < t.start+(col/3) {
				continue // eliminated before, or stored the other way round
			}
			row := local(p)
			for x := range 3 {
				for y := range 3 {
					w[(row+x)*n+col+y] = f.a.Val[9*e+3*y+x]
				}
			}
		}
	}
	for _, c := range t.children {
		c := &f.fronts[c]
		m := 3 * len(c.boundary)
		at := make([]int, len(c.boundary))
		for i, p := range c.boundary {
			at[i] = local(p)
		}
		for i := range m {
			row := (at[i/3] + i%3) * n
			for j := range i + 1 {
				w[row+at[j/3]+j%3] += c.update[i*m+j]
			}
		}
		c.update = nil
	}
	var lost *PivotError
	pivot := func(k int, d float64) float64 {
		node := int(t.own[k/3])
		size := large[3*node+k%3]
		if size == 0 {
			size = 1
		}
		if math.Abs(d) > lostPivot*size {
			return d
		}
		if lost == nil {
			lost = &PivotError{Node: node, Row: k % 3, Pivot: d}
		}
		return math.Copysign(newPivot*size, d)
	}
	partialLDL(w, n, s, pivot)
	t.l = make([]float64, n*s)
	for i := range n {
		copy(t.l[i*s:i*s+min(i+1, s)], w[i*n:])
	}
	t.update = make([]float64, r*r)
	for i := range r {
		copy(t.update[i*r:i*r+i+1], w[(s+i)*n+s:])
	}
	return lost
}

// panel is the number of columns that are eliminated at a time.
const panel = 48

// partialLDL eliminates the first s of n unknowns of the lower triangle w, row by
// row: columns of L below the diagonal, D on it, and what is left behind them.
func partialLDL(w []float64, n, s int, pivot func(k int, d float64) float64) {
	var scaled [panel]float64
	var keep []float64
	for k0 := 0; k0 < s; k0 += panel {
		k1 := min(k0+panel, s)
		for k := k0; k < k1; k++ {
			d := pivot(k, w[k*n+k])
			w[k*n+k] = d
			for j := k + 1; j < k1; j++ {
				scaled[j-k0] = w[j*n+k] / d
			}
			for i := k + 1; i < n; i++ {
				row := w[i*n : i*n+n]
				if v := row[k]; v != 0 {
					to := min(i+1, k1)
					for j, t := range scaled[k+1-k0 : to-k0] {
						row[k+1+j] -= v * t
					}
				}
			}
		}
		// Columns hold L D so far: keep that for the update, and make L of them.
		b := k1 - k0
		keep = slices.Grow(keep[:0], (n-k1)*b)[:(n-k1)*b]
		for i := k0 + 1; i < n; i++ {
			row := w[i*n+k0 : i*n+min(i, k1)]
			if i >= k1 {
				copy(keep[(i-k1)*b:], row)
			}
			for j := range row {
				row[j] /= w[(k0+j)*n+k0+j]
			}
		}
		for j0 := k1; j0 < n; j0 += panel {
			j1 := min(j0+panel, n)
			blas64.Gemm(blas.NoTrans, blas.Trans, -1,
				blas64.General{Rows: n - j0, Cols: b, Stride: b, Data: keep[(j0-k1)*b:]},
				blas64.General{Rows: j1 - j0, Cols: b, Stride: n, Data: w[j0*n+k0:]},
				1, blas64.General{Rows: n - j0, Cols: j1 - j0, Stride: n, Data: w[j0*n+j0:]})
		}
	}
}

// NonZeros returns the number of values of L and D.
func (f *Factor) NonZeros() int {
	var n int
	for t := range f.fronts {
		s := 3 * len(f.fronts[t].own)
		n += s*(s+1)/2 + s*3*len(f.fronts[t].boundary)
	}
	return n
}

// Apply stores (L D Lᵀ)⁻¹r in dst, without refinement, as a [Preconditioner].
func (f *Factor) Apply(dst, r []float64) {
	x := make([]float64, len(r)) // in the order of elimination
	for p, node := range f.order {
		copy(x[3*p:3*p+3], r[3*node:])
	}
	var rest []float64
	gather := func(t *front) {
		rest = rest[:0]
		for _, p := range t.boundary {
			rest = append(rest, x[3*p:3*p+3]...)
		}
	}
	for n := range f.fronts {
		t := &f.fronts[n]
		s := 3 * len(t.own)
		own := x[3*t.start : 3*t.start+s]
		for i := range s {
			own[i] -= product(t.l[i*s:i*s+i], own[:i])
		}
		for i, p := range t.boundary {
			for c := range 3 {
				row := t.l[(s+3*i+c)*s : (s+3*i+c+1)*s]
				x[3*int(p)+c] -= product(row, own)
			}
		}
	}
	for n := range slices.Backward(f.fronts) {
		t := &f.fronts[n]
		s := 3 * len(t.own)
		own := x[3*t.start : 3*t.start+s]
		for i := range s {
			own[i] /= t.l[i*s+i]
		}
		gather(t)
		for i, v := range rest {
			for j, l := range t.l[(s+i)*s : (s+i+1)*s] {
				own[j] -= l * v
			}
		}
		for i := s - 1; i > 0; i-- {
			v := own[i]
			for j, l := range t.l[i*s : i*s+i] {
				own[j] -= l * v
			}
		}
	}
	for p, node := range f.order {
		copy(dst[3*node:3*node+3], x[3*p:])
	}
}

// product returns Σ aᵢ bᵢ.
func product(a, b []float64) (s float64) {
	for i, v := range a {
		s += v * b[i]
	}
	return s
}

// Solve stores A⁻¹b in x, with steps of refinement until the residual falls no
// further. A matrix that lost a pivot, and a residual that does not become small,
// give a *[PivotError].
func (f *Factor) Solve(x, b []float64) (Report, error) {
	n := 3 * f.a.Blocks()
	if len(x) != n || len(b) != n {
		return Report{}, fmt.Errorf("direct solver: %d unknowns and %d values, want %d", len(x), len(b), n)
	}
	norm := math.Sqrt(dot(b, b))
	if !finite(norm) {
		return Report{}, fmt.Errorf("direct solver: the right-hand side is %w", ErrNotFinite)
	}
	clear(x)
	if norm == 0 {
		return Report{Converged: true}, nil
	}
	r, d := slices.Clone(b), make([]float64, n)
	rep := Report{Residual: 1}
	for range 20 {
		f.Apply(d, r)
		for i := range x {
			d[i] += x[i]
		}
		f.a.Mul(r, d)
		for i := range r {
			r[i] = b[i] - r[i]
		}
		residual := math.Sqrt(dot(r, r)) / norm
		if !(residual < rep.Residual) {
			break
		}
		copy(x, d)
		rep.Iterations++
		enough := residual > 0.5*rep.Residual || residual < 1e-15
		rep.Residual = residual
		if enough {
			break
		}
	}
	rep.Converged = rep.Residual <= 1e-9
	if !rep.Converged {
		if f.lost != nil {
			return rep, f.lost
		}
		return rep, fmt.Errorf("direct solver: %w: relative residual %.1e", ErrSingular, rep.Residual)
	}
	return rep, nil
}
