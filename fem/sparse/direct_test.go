package sparse

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The factor solves as gonum's Cholesky does, with the same bits on any number of
// processors, on a matrix of one front and on one of many, and one in two parts.
func TestFactorise(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, lat := range []Lattice{{N: [3]int{2, 4, 2}, Ring: true}, {N: [3]int{4, 8, 12}, Ring: true}, {N: [3]int{5, 6, 9}}} {
		m, fixed := laplace(lat)
		m.Constrain(fixed)
		m.Hold(fixed)
		n := 3 * lat.Len()
		sym := mat.NewSymDense(n, nil)
		m.DoNonZero(func(i, j int, v float64) {
			if i <= j {
				sym.SetSym(i, j, v)
			}
		})
		var chol mat.Cholesky
		if !chol.Factorize(sym) {
			t.Fatal("not definite")
		}
		b := make([]float64, n)
		for i := range b {
			b[i] = math.Sin(float64(3 * i))
		}
		var want mat.VecDense
		if err := chol.SolveVecTo(&want, mat.NewVecDense(n, b)); err != nil {
			t.Fatal(err)
		}
		var first []float64
		for _, workers := range []int{2, 1, 8} {
			runtime.GOMAXPROCS(workers)
			f, err := Factorise(context.Background(), m)
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float64, n)
			rep, err := f.Solve(x, b)
			if err != nil || rep.Residual > 1e-13 {
				t.Fatalf("lattice %v: %+v, %v", lat.N, rep, err)
			}
			if first == nil {
				first = x
			}
			var worst float64
			for i, v := range x {
				worst = max(worst, math.Abs(v-want.AtVec(i)))
				if v != first[i] {
					t.Fatalf("%d processors: x[%d] = %v, before %v", workers, i, v, first[i])
				}
			}
			if f.NonZeros() > n*(n+1)/2 {
				t.Errorf("lattice %v: %d values, more than a dense factor", lat.N, f.NonZeros())
			}
			if workers == 1 {
				verify.Check{Suite: "mechanics", Case: "sparse LDLᵀ against gonum's Cholesky", Quantity: "largest difference of a solution of order one",
					Source: "gonum.org/v1/gonum/mat", Got: worst, Want: 0, Tol: 1e-11}.Run(t)
			}
		}
	}
}

// An indefinite matrix with zeros on its diagonal, as mixed methods make, is
// solved as by gonum's LU; a body that nothing holds is a PivotError with the node,
// unless the load balances.
func TestFactoriseIndefinite(t *testing.T) {
	lat := Lattice{N: [3]int{3, 8, 9}, Ring: true}
	m, fixed := laplace(lat)
	m.Constrain(fixed)
	m.Hold(fixed)
	rng := rand.New(rand.NewPCG(8, 8))
	// Every ninth node becomes multipliers: no stiffness of its own.
	for a := 4; a < m.Blocks(); a += 9 {
		for e := m.Ptr[a]; e < m.Ptr[a+1]; e++ {
			b := int(m.Col[e])
			if b == a || b%9 == 4 {
				clear(m.Val[9*e : 9*e+9])
				continue
			}
			v := m.Block(b, a)
			for x := range 9 {
				m.Val[9*e+x] = rng.NormFloat64()
				v[3*(x%3)+x/3] = m.Val[9*e+x]
			}
		}
	}
	n := 3 * lat.Len()
	b := make([]float64, n)
	for i := range b {
		b[i] = rng.NormFloat64()
	}
	f, err := Factorise(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float64, n)
	rep, err := f.Solve(x, b)
	if err != nil {
		t.Fatalf("%+v, %v", rep, err)
	}
	var want mat.VecDense
	if err := want.SolveVec(mat.DenseCopyOf(m), mat.NewVecDense(n, b)); err != nil {
		t.Fatal(err)
	}
	var diff float64
	for i, v := range x {
		diff += (v - want.AtVec(i)) * (v - want.AtVec(i))
	}
	verify.Check{Suite: "mechanics", Case: "sparse LDLᵀ of an indefinite matrix against gonum's LU", Quantity: "relative difference",
		Source: "gonum.org/v1/gonum/mat", Got: math.Sqrt(diff) / mat.Norm(&want, 2), Want: 0, Tol: 1e-9}.Run(t)

	m, _ = laplace(lat)
	if f, err = Factorise(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	clear(b)
	b[0] = 1
	var pivot *PivotError
	if _, err := f.Solve(x, b); !errors.Is(err, ErrSingular) || !errors.As(err, &pivot) || pivot.Node >= lat.Len() {
		t.Errorf("a push on a free body: %v", err)
	}
	b[3*lat.Len()-3] = -1
	if rep, err := f.Solve(x, b); err != nil || rep.Residual > 1e-9 {
		t.Errorf("balanced loads on a free body: %+v, %v", rep, err)
	}
	m.Val[0] = math.NaN()
	if _, err := Factorise(context.Background(), m); !errors.Is(err, ErrNotFinite) {
		t.Errorf("a matrix that is not a number: %v", err)
	}
}

// A thousand springs in a row pulled at the end: x grows by the same step each
// time, to the last digits, and the factor fills in next to nothing.
func TestFactoriseChain(t *testing.T) {
	const n = 1000
	rows := make([][]int32, n)
	for i := range rows {
		for j := max(0, i-1); j <= min(n-1, i+1); j++ {
			rows[i] = append(rows[i], int32(j))
		}
	}
	m := NewBSR(rows)
	for i := range n {
		d := m.Block(i, i)
		for c := range 3 {
			d[4*c] = 2
			if i == n-1 {
				d[4*c] = 1
			}
			if i > 0 {
				m.Block(i, i-1)[4*c], m.Block(i-1, i)[4*c] = -1, -1
			}
		}
	}
	f, err := Factorise(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	x, b := make([]float64, 3*n), make([]float64, 3*n)
	b[3*n-2] = 2
	if _, err := f.Solve(x, b); err != nil {
		t.Fatal(err)
	}
	verify.Check{Suite: "mechanics", Case: "sparse LDLᵀ: 1000 springs in a row", Quantity: "end displacement",
		Source: "closed form: n F / k", Got: x[3*n-2], Want: 2 * n, Tol: 1e-8}.Run(t)
	if f.NonZeros() > 100*3*n {
		t.Errorf("%d values for %d unknowns of a chain", f.NonZeros(), 3*n)
	}
}
