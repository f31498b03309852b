package solid

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/sparse"
)

// linear solves the systems of one body, whose matrices share their pattern.
type linear struct {
	direct bool // factorise rather than iterate
	total  int  // iterations of all solves; one of each factorisation
	pre    sparse.Preconditioner
	built  int // iterations of the first solve with pre
	last   int // of the last one
}

// newLinear chooses factorisation for small and for flat or slender bodies: where
// it would take no more multiplications than most, by the width of the band of
// nodes that couple.
func newLinear(k *sparse.BSR, most float64) *linear {
	order := cuthillMcKee(k)
	var band int32
	for a := range k.Blocks() {
		for _, b := range k.Col[k.Ptr[a]:k.Ptr[a+1]] {
			band = max(band, order[a]-order[b])
		}
	}
	w := 1.5 * float64(band) // unknowns of the last front of nested dissection
	return &linear{direct: 10*w*w*w <= most}
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
	return !l.direct && (l.pre == nil || l.last > 2*l.built+20)
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
	if l.direct {
		f, err := sparse.Factorise(ctx, k)
		if err != nil {
			return err
		}
		l.total++
		if rep, err := f.Solve(x, b); err != nil && !(rep.Residual < 1e-4) {
			return err
		}
		return nil // what is left is for the next iteration of Newton's method
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
	// A little more is left to the next iteration of Newton's method.
	if !rep.Converged && rep.Residual > 1e-4 {
		return fmt.Errorf("the linear solver stopped at a relative residual of %.1e after %d iterations, target %.0e", rep.Residual, rep.Iterations, tol)
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
