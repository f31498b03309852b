package solid

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/sparse"
)

// linear solves the systems of one body, whose matrices share their pattern.
type linear struct {
	order []int32 // position of each node in the band; nil: iterate
	band  int     // half bandwidth in unknowns
	total int     // iterations of all solves
	pre   sparse.Preconditioner
	built int // iterations of the first solve with pre
	last  int // of the last one
}

// newLinear chooses between factorisation, if it takes no more than that many
// multiplications, and iteration.
func newLinear(k *sparse.BSR, most float64) *linear {
	order := cuthillMcKee(k)
	var band int
	for a := range k.Blocks() {
		for _, b := range k.Col[k.Ptr[a]:k.Ptr[a+1]] {
			band = max(band, 3*int(order[a]-order[b])+2)
		}
	}
	n := 3 * float64(k.Blocks())
	if n*float64(band)*float64(band) > most {
		return &linear{}
	}
	return &linear{order: order, band: band}
}

// constrain replaces the equations of fixed components by one of their own, and
// moves what they prescribe, g, to the right-hand side b.
func constrain(k *sparse.BSR, b, g []float64, fixed []bool) {
	if g != nil {
		kg := make([]float64, len(b))
		k.Mul(kg, g)
		for i := range b {
			b[i] -= kg[i]
		}
	}
	var mean float64
	for a := range k.Blocks() {
		d := k.Block(a, a)
		mean += d[0] + d[4] + d[8]
	}
	mean /= 3 * float64(k.Blocks())
	for a := range k.Blocks() {
		for n := k.Ptr[a]; n < k.Ptr[a+1]; n++ {
			c, v := int(k.Col[n]), k.Val[9*n:9*n+9]
			for i := range 3 {
				for j := range 3 {
					if fixed[3*a+i] || fixed[3*c+j] {
						v[3*i+j] = 0
						if a == c && i == j {
							v[3*i+j] = mean
						}
					}
				}
			}
		}
	}
	for i, f := range fixed {
		if f {
			b[i] = 0
			if g != nil {
				b[i] = mean * g[i]
			}
		}
	}
}

// stale tells whether a new preconditioner would pay: the body has changed so much
// since the last one that solves take twice as long.
func (l *linear) stale() bool {
	return l.order == nil && (l.pre == nil || l.last > 2*l.built+20)
}

// precondition builds the preconditioner for the matrix k, constrained.
func (l *linear) precondition(ctx context.Context, k *sparse.BSR, coords []r3.Vec, fixed []bool) error {
	var held []sparse.Fixed
	for n := range coords {
		f := sparse.Fixed{Node: n}
		for i := range 3 {
			if !fixed[3*n+i] {
				f.Q[4*i] = 1
			}
		}
		if f.Q[0]+f.Q[4]+f.Q[8] < 3 {
			held = append(held, f)
		}
	}
	pre, err := sparse.NewAggregation(ctx, k, coords, held, sparse.DefaultSmoothing())
	if err != nil {
		return err
	}
	l.pre, l.built = pre, 0
	return nil
}

// solve solves k x = b to the relative residual tol.
func (l *linear) solve(ctx context.Context, x []float64, k *sparse.BSR, b []float64, tol float64) error {
	if l.order != nil {
		return l.direct(x, k, b)
	}
	set := sparse.Settings{Tolerance: tol, MaxIterations: 3000}
	rep, err := sparse.Solve(ctx, x, k, b, l.pre, set)
	if errors.Is(err, sparse.ErrNotDefinite) && !errors.Is(err, sparse.ErrNotFinite) { // near instability
		clear(x)
		rep, err = sparse.MinRes(ctx, x, k, b, l.pre, set)
	}
	l.total += rep.Iterations
	l.last = rep.Iterations
	if l.built == 0 {
		l.built = rep.Iterations
	}
	if err != nil {
		return err
	}
	if !rep.Converged {
		return fmt.Errorf("the linear solver stopped at a relative residual of %.1e after %d iterations, target %.0e", rep.Residual, rep.Iterations, tol)
	}
	return nil
}

// direct factorises K = LDLᵀ in a band, without exchange of rows: near
// instability the stiffness is indefinite, and stays solvable.
func (l *linear) direct(x []float64, k *sparse.BSR, b []float64) error {
	n, w := 3*k.Blocks(), l.band+1
	data := make([]float64, n*w)
	for a := range k.Blocks() {
		for m := k.Ptr[a]; m < k.Ptr[a+1]; m++ {
			c := int(k.Col[m])
			for i := range 3 {
				for j := range 3 {
					if r, s := 3*int(l.order[a])+i, 3*int(l.order[c])+j; s >= r {
						data[r*w+s-r] = k.Val[9*m+3*i+j]
					}
				}
			}
		}
	}
	for r := range n {
		row := data[r*w : r*w+min(w, n-r)]
		d := row[0]
		if d == 0 || math.IsNaN(d) {
			return errSingular
		}
		for s := 1; s < len(row); s++ {
			if v := row[s]; v != 0 {
				floats.AddScaled(data[(r+s)*w:(r+s)*w+len(row)-s], -v/d, row[s:])
			}
		}
	}
	l.total++
	y := make([]float64, n)
	for a, at := range l.order {
		copy(y[3*at:3*at+3], b[3*a:3*a+3])
	}
	for r := range n {
		row := data[r*w : r*w+min(w, n-r)]
		floats.AddScaled(y[r+1:r+len(row)], -y[r]/row[0], row[1:])
	}
	for r := n - 1; r >= 0; r-- {
		row := data[r*w : r*w+min(w, n-r)]
		y[r] = (y[r] - floats.Dot(row[1:], y[r+1:r+len(row)])) / row[0]
	}
	for a, at := range l.order {
		copy(x[3*a:3*a+3], y[3*at:3*at+3])
	}
	return nil
}

// cuthillMcKee returns a position for each node such that neighbours are close
// (reverse Cuthill and McKee 1969), starting each part from a node at its edge.
func cuthillMcKee(k *sparse.BSR) []int32 {
	n := k.Blocks()
	degree := func(a int32) int { return k.Ptr[a+1] - k.Ptr[a] }
	seen := make([]bool, n)
	// spread lists the nodes of a part by their distance from start.
	spread := func(start int32, mark []bool) []int32 {
		list := []int32{start}
		mark[start] = true
		for at := 0; at < len(list); at++ {
			a := list[at]
			from := len(list)
			for _, b := range k.Col[k.Ptr[a]:k.Ptr[a+1]] {
				if !mark[b] {
					mark[b] = true
					list = append(list, b)
				}
			}
			slices.SortStableFunc(list[from:], func(p, q int32) int { return degree(p) - degree(q) })
		}
		return list
	}
	var all []int32
	mark := make([]bool, n)
	for a := range int32(n) {
		if seen[a] {
			continue
		}
		start := a
		for range 3 {
			list := spread(start, mark)
			start = list[len(list)-1]
			for _, b := range list {
				mark[b] = false
			}
		}
		list := spread(start, seen)
		for _, b := range list {
			mark[b] = true
		}
		all = append(all, list...)
	}
	order := make([]int32, n)
	for at, a := range all {
		order[a] = int32(n - 1 - at)
	}
	return order
}
