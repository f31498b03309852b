package sparse

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// symmetricOf returns m, less its blocks below the diagonal.
func symmetricOf(m *BSR) *Symmetric {
	rows := make([][]int32, m.Blocks())
	for a := range rows {
		rows[a] = slices.Clone(m.Col[m.Ptr[a]:m.Ptr[a+1]])
	}
	s := NewSymmetric(rows)
	for a, row := range rows {
		for _, b := range row {
			s.Add(a, int(b), (*[9]float64)(m.Block(a, int(b))))
		}
	}
	return s
}

// Half the blocks make the same matrix as all, constrained and held too, for
// products (A9) and for aggregation.
func TestSymmetric(t *testing.T) {
	m, fixed := laplace(Lattice{N: [3]int{4, 8, 12}, Ring: true})
	for n := range fixed {
		if n%2 == 0 {
			fixed[n].Q = [9]float64{1, 0, 0, 0, 0.5, 0.5, 0, 0.5, 0.5}
		}
	}
	s := symmetricOf(m)
	for _, k := range []interface {
		Constrain([]Fixed)
		Hold([]Fixed)
	}{m, s} {
		k.Constrain(fixed)
		k.Hold(fixed)
	}
	n, _ := s.Dims()
	want := mat.DenseCopyOf(m)
	if !mat.EqualApprox(want, s, 1e-14) || math.Abs(s.Trace()-m.Trace()) > 1e-10 {
		t.Fatal("not the same matrix")
	}
	x := mat.NewVecDense(n, nil)
	for i := range n {
		x.SetVec(i, math.Sin(float64(7*i)))
	}
	var got, exact mat.VecDense
	s.MulVecTo(&got, false, x)
	exact.MulVec(want, x)
	got.SubVec(&got, &exact)
	verify.Check{Suite: "mechanics", Case: "A9: symmetric block sparse product against gonum's mat.Dense", Quantity: "relative difference",
		Source: "gonum.org/v1/gonum/mat", Got: mat.Norm(&got, 2) / mat.Norm(&exact, 2), Want: 0, Tol: 1e-12}.Run(t)
	coords := make([]r3.Vec, s.Blocks())
	for a := range coords {
		coords[a] = r3.Vec{X: float64(a % 4), Y: float64(a / 4 % 8), Z: float64(a / 32)}
	}
	var cycles [2][]float64
	for i, k := range []Rows{m, s} {
		pre, err := NewAggregation(t.Context(), k, coords, fixed, Smoothing{Strength: 0.1, Coarsest: 100})
		if err != nil {
			t.Fatal(err)
		}
		cycles[i] = make([]float64, n)
		pre.Apply(cycles[i], x.RawVector().Data)
	}
	for i, v := range cycles[0] {
		if math.Abs(v-cycles[1][i]) > 1e-5 {
			t.Fatalf("unknown %d: cycles give %g and %g", i, v, cycles[1][i])
		}
	}
}
