package sparse

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// saddle is the matrix (K Bᵀ; B −C) of a mixed method as an operator.
type saddle struct {
	k *BSR
	b *mat.Dense // constraints × unknowns
	c float64
}

func (s saddle) Mul(dst, x []float64) {
	m, n := s.b.Dims()
	s.k.Mul(dst[:n], x[:n])
	for i := range m {
		row := s.b.RawRowView(i)
		t := -s.c * x[n+i]
		for j, v := range row {
			t += v * x[j]
			dst[j] += v * x[n+i]
		}
		dst[n+i] = t
	}
}

// split preconditions the first unknowns by pre and leaves the others.
type split struct {
	pre Preconditioner
	n   int
}

func (s split) Apply(dst, r []float64) {
	s.pre.Apply(dst[:s.n], r[:s.n])
	copy(dst[s.n:], r[s.n:])
}

// Minimal residuals solve an indefinite system as gonum's LU does, where
// conjugate gradients find that it is not definite; on a definite one both agree.
func TestMinRes(t *testing.T) {
	lat := Lattice{N: [3]int{3, 8, 6}, Ring: true}
	k, fixed := laplace(lat)
	k.Constrain(fixed)
	k.Hold(fixed)
	n, m := 3*lat.Len(), 9
	rng := rand.New(rand.NewPCG(5, 5))
	s := saddle{k: k, b: mat.NewDense(m, n, nil), c: 0.2}
	s.b.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() / 10 }, s.b)
	full := mat.NewDense(n+m, n+m, nil)
	e, col := make([]float64, n+m), make([]float64, n+m)
	for j := range e {
		e[j] = 1
		s.Mul(col, e)
		full.SetCol(j, col)
		e[j] = 0
	}
	b := make([]float64, n+m)
	for i := range b {
		b[i] = rng.NormFloat64()
	}
	var want mat.VecDense
	if err := want.SolveVec(full, mat.NewVecDense(n+m, b)); err != nil {
		t.Fatal(err)
	}
	jac, err := NewBlockJacobi(k)
	if err != nil {
		t.Fatal(err)
	}
	set := Settings{Tolerance: 1e-11, MaxIterations: 2000}
	x := make([]float64, n+m)
	rep, err := MinRes(context.Background(), x, s, b, split{jac, n}, set)
	if err != nil || !rep.Converged {
		t.Fatalf("%+v, %v", rep, err)
	}
	var diff, size float64
	for i, v := range x {
		diff += (v - want.AtVec(i)) * (v - want.AtVec(i))
		size += v * v
	}
	verify.Check{Suite: "mechanics", Case: "minimal residuals on an indefinite matrix against gonum's LU", Quantity: "relative difference",
		Source: "gonum.org/v1/gonum/mat", Got: math.Sqrt(diff / size), Want: 0, Tol: 1e-9}.Run(t)
	clear(x)
	var definite *DefiniteError
	if _, err := Solve(context.Background(), x, s, b, split{jac, n}, set); !errors.Is(err, ErrNotDefinite) || !errors.As(err, &definite) || definite.Iteration == 0 {
		t.Errorf("conjugate gradients on an indefinite matrix: %v", err)
	}
	x, y := make([]float64, n), make([]float64, n)
	if _, err := Solve(context.Background(), x, k, b[:n], jac, set); err != nil {
		t.Fatal(err)
	}
	if rep, err = MinRes(context.Background(), y, k, b[:n], jac, set); err != nil || !rep.Converged {
		t.Fatalf("%+v, %v", rep, err)
	}
	for i, v := range x {
		if math.Abs(v-y[i]) > 1e-8 {
			t.Fatalf("x[%d] = %g by conjugate gradients, %g by minimal residuals", i, v, y[i])
		}
	}
	b[3] = math.Inf(1)
	if _, err := MinRes(context.Background(), y, k, b[:n], jac, set); !errors.Is(err, ErrNotFinite) {
		t.Errorf("an infinite load: %v", err)
	}
}
