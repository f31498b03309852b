package sparse

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// neighbours returns for each node the sorted nodes at most one step away.
func (l *Lattice) neighbours() [][]int32 {
	rows := make([][]int32, l.Len())
	store := make([]int32, 0, 27*l.Len())
	for n := range rows {
		i, j, k := l.coords(n)
		from := len(store)
		for dk := -1; dk <= 1; dk++ {
			for dj := -1; dj <= 1; dj++ {
				for di := -1; di <= 1; di++ {
					a, b, c := i+di, j+dj, k+dk
					if l.Ring {
						b = (b + l.N[1]) % l.N[1]
					}
					if uint(a) < uint(l.N[0]) && uint(b) < uint(l.N[1]) && uint(c) < uint(l.N[2]) {
						store = append(store, int32(l.node(a, b, c)))
					}
				}
			}
		}
		slices.Sort(store[from:])
		rows[n] = store[from:len(store):len(store)]
	}
	return rows
}

// laplace returns a vector Laplacian on a lattice, weak along some axes, plus a
// coupling of the components, and clamps the two ends of the third axis.
func laplace(lat Lattice) (*BSR, []Fixed) {
	m := NewBSR(lat.neighbours())
	for a := range m.Blocks() {
		for n := m.Ptr[a]; n < m.Ptr[a+1]; n++ {
			b := int(m.Col[n])
			if a == b {
				continue
			}
			w := 1 + 0.1*math.Sin(float64(a+b))
			d := m.Block(a, a)
			for i := range 3 {
				m.Val[9*n+4*i] -= w
				d[4*i] += w
			}
			m.Val[9*n+1] -= 0.2 * w
			m.Val[9*n+3] -= 0.2 * w
			d[1] += 0.2 * w
			d[3] += 0.2 * w
		}
	}
	var fixed []Fixed
	for j := range lat.N[1] {
		for i := range lat.N[0] {
			fixed = append(fixed, Fixed{Node: lat.node(i, j, 0)}, Fixed{Node: lat.node(i, j, lat.N[2]-1)})
		}
	}
	return m, fixed
}

// The product equals that of the same matrix as a gonum Dense, forwards and
// transposed, through every way of visiting the elements (benchmark A9).
func TestAgainstDense(t *testing.T) {
	m, _ := laplace(Lattice{N: [3]int{3, 4, 5}, Ring: true})
	m.Val[5] += 0.3 // not symmetric, so that a swapped transpose shows
	n, _ := m.Dims()
	dense := mat.DenseCopyOf(m)
	visited := mat.NewDense(n, n, nil)
	m.DoNonZero(func(i, j int, v float64) { visited.Set(i, j, v) })
	byCol := mat.NewDense(n, n, nil)
	for j := range n {
		m.DoColNonZero(j, func(i, j int, v float64) { byCol.Set(i, j, v) })
	}
	if !mat.Equal(dense, visited) || !mat.Equal(dense, byCol) {
		t.Fatal("visiting the elements does not give the matrix")
	}
	if math.Abs(m.Trace()-mat.Trace(dense)) > 1e-10 {
		t.Errorf("trace %g, want %g", m.Trace(), mat.Trace(dense))
	}
	rng := rand.New(rand.NewPCG(1, 1))
	x := mat.NewVecDense(n, nil)
	for i := range n {
		x.SetVec(i, rng.NormFloat64())
	}
	var worst float64
	for _, trans := range []bool{false, true} {
		var got, want, diff mat.VecDense
		m.MulVecTo(&got, trans, x)
		if trans {
			want.MulVec(dense.T(), x)
		} else {
			want.MulVec(dense, x)
		}
		diff.SubVec(&got, &want)
		worst = max(worst, mat.Norm(&diff, 2)/mat.Norm(&want, 2))
	}
	verify.Check{Suite: "mechanics", Case: "A9: block sparse product against gonum's mat.Dense", Quantity: "relative difference",
		Source: "gonum.org/v1/gonum/mat", Got: worst, Want: 0, Tol: 1e-12}.Run(t)
}

// Multigrid solves to the tolerance in a few iterations, as many on a fine
// lattice as on a coarse one, and the residual it reports is the true one.
func TestMultigrid(t *testing.T) {
	for _, size := range [][3]int{{7, 32, 41}, {7, 33, 41}, {7, 32, 81}, {13, 48, 61}} {
		lat := Lattice{N: size, Ring: true}
		m, fixed := laplace(lat)
		m.Constrain(fixed)
		s, err := StencilOf(m, lat)
		if err != nil {
			t.Fatal(err)
		}
		mg, err := NewMultigrid(context.Background(), s, fixed)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]float64, 3*lat.Len())
		rng := rand.New(rand.NewPCG(2, 2))
		for i := range b {
			b[i] = rng.NormFloat64()
		}
		applyFixed(b, fixed)
		x := make([]float64, len(b))
		rep, err := Solve(context.Background(), x, s, b, mg, Settings{Tolerance: 1e-10, MaxIterations: 60})
		if err != nil || !rep.Converged {
			t.Fatalf("%v: %+v, %v", size, rep, err)
		}
		r := make([]float64, len(b))
		s.Mul(r, x)
		for i := range r {
			r[i] -= b[i]
		}
		if got := math.Sqrt(dot(r, r) / dot(b, b)); math.Abs(got-rep.Residual) > 1e-3*got {
			t.Errorf("%v: residual %g, reported %g", size, got, rep.Residual)
		}
		if rep.Iterations > 20 {
			t.Errorf("%v: %d iterations on %d levels", size, rep.Iterations, len(mg.Levels()))
		}
	}
}

// The V-cycle is symmetric, as conjugate gradients need: yᵀM⁻¹x = xᵀM⁻¹y up to
// the rounding of single precision.
func TestCycleSymmetric(t *testing.T) {
	lat := Lattice{N: [3]int{7, 32, 33}, Ring: true}
	m, fixed := laplace(lat)
	m.Constrain(fixed)
	s, err := StencilOf(m, lat)
	if err != nil {
		t.Fatal(err)
	}
	mg, err := NewMultigrid(context.Background(), s, fixed)
	if err != nil {
		t.Fatal(err)
	}
	n := 3 * lat.Len()
	x, y, mx, my := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range x {
		x[i], y[i] = rng.NormFloat64(), rng.NormFloat64()
	}
	applyFixed(x, fixed)
	applyFixed(y, fixed)
	mg.Apply(mx, x)
	mg.Apply(my, y)
	a, b, c := dot(y, mx), dot(x, my), math.Sqrt(dot(x, mx)*dot(y, my))
	if math.Abs(a-b) > 1e-6*c {
		t.Errorf("yᵀM⁻¹x = %g, xᵀM⁻¹y = %g, scale %g", a, b, c)
	}
}

// The same system gives the same bits on one processor and on several
// (benchmark A10).
func TestSameBits(t *testing.T) {
	lat := Lattice{N: [3]int{7, 32, 41}, Ring: true}
	solve := func() []float64 {
		m, fixed := laplace(lat)
		m.Constrain(fixed)
		s, err := StencilOf(m, lat)
		if err != nil {
			t.Fatal(err)
		}
		mg, err := NewMultigrid(context.Background(), s, fixed)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]float64, 3*lat.Len())
		for i := range b {
			b[i] = math.Sin(float64(i))
		}
		applyFixed(b, fixed)
		x := make([]float64, len(b))
		if _, err := Solve(context.Background(), x, s, b, mg, Settings{Tolerance: 1e-8, MaxIterations: 60}); err != nil {
			t.Fatal(err)
		}
		return x
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	runtime.GOMAXPROCS(1)
	want := solve()
	for _, n := range []int{2, 8} {
		runtime.GOMAXPROCS(n)
		for i, v := range solve() {
			if v != want[i] {
				t.Fatalf("%d processors: x[%d] = %v, want %v", n, i, v, want[i])
			}
		}
	}
}

// A matrix that is not definite, a load that is not finite, a lattice that does
// not fit and a cancelled context are reported.
func TestErrors(t *testing.T) {
	lat := Lattice{N: [3]int{3, 4, 5}, Ring: true}
	m, _ := laplace(lat)
	if _, err := StencilOf(m, Lattice{N: [3]int{3, 4, 6}}); err == nil {
		t.Error("a lattice of another size was accepted")
	}
	if _, err := StencilOf(m, Lattice{N: [3]int{4, 3, 5}, Ring: true}); err == nil {
		t.Error("a ring of three nodes was accepted")
	}
	jac, err := NewBlockJacobi(m)
	if err != nil {
		t.Fatal(err)
	}
	n := 3 * lat.Len()
	x, b := make([]float64, n), make([]float64, n)
	b[0] = math.NaN()
	if _, err := Solve(context.Background(), x, m, b, jac, Settings{Tolerance: 1e-8, MaxIterations: 5}); err == nil {
		t.Error("a load that is not a number was accepted")
	}
	b[0] = 1
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Solve(ctx, x, m, b, jac, Settings{Tolerance: 1e-8, MaxIterations: 5}); err == nil {
		t.Error("a cancelled context was not noticed")
	}
	for i := range m.Val {
		m.Val[i] = -m.Val[i]
	}
	if _, err := Solve(context.Background(), x, m, b, jac, Settings{Tolerance: 1e-8, MaxIterations: 5}); err == nil {
		t.Error("a negative matrix was accepted")
	}
}

// A tube of 38 000 unknowns, clamped at both ends, in a few iterations.
func ExampleSolve() {
	lat := Lattice{N: [3]int{7, 32, 57}, Ring: true}
	m, fixed := laplace(lat)
	a, _ := StencilOf(m, lat) // in practice: assembled from finite elements
	a.Constrain(fixed)
	pre, err := NewMultigrid(context.Background(), a, fixed)
	if err != nil {
		fmt.Println(err)
		return
	}
	b := make([]float64, 3*lat.Len())
	b[3*lat.node(0, 0, 28)] = 1 // a force in the middle
	x := make([]float64, len(b))
	rep, err := Solve(context.Background(), x, a, b, pre, Settings{Tolerance: 1e-8, MaxIterations: 100})
	fmt.Println(rep.Converged, rep.Iterations < 20, err)
	// Output: true true <nil>
}

func BenchmarkMul(b *testing.B) {
	lat := Lattice{N: [3]int{7, 32, 220}, Ring: true}
	m, _ := laplace(lat)
	x, y := make([]float64, 3*lat.Len()), make([]float64, 3*lat.Len())
	b.ReportAllocs()
	for b.Loop() {
		m.Mul(y, x)
	}
}

// A stencil is the same matrix as the block rows it was made of, through every
// way of reading it, open or closed on itself (benchmark A9); a matrix whose nodes
// are not neighbours on the lattice is refused.
func TestStencil(t *testing.T) {
	var worst float64
	for _, lat := range []Lattice{{N: [3]int{3, 4, 5}, Ring: true}, {N: [3]int{4, 3, 2}}, {N: [3]int{1, 6, 3}, Ring: true}} {
		m, fixed := laplace(lat)
		s, err := StencilOf(m, lat)
		if err != nil {
			t.Fatal(err)
		}
		for n := range fixed {
			fixed[n].Q = [9]float64{0.5, 0.5, 0, 0.5, 0.5, 0, 0, 0, 1}
		}
		m.Constrain(fixed)
		m.Hold(fixed)
		s.Constrain(fixed)
		s.Hold(fixed)
		n, _ := s.Dims()
		want, got := mat.DenseCopyOf(m), mat.NewDense(n, n, nil)
		s.DoNonZero(func(i, j int, v float64) { got.Set(i, j, v) })
		if !mat.EqualApprox(want, got, 1e-14) || !mat.EqualApprox(want, s, 1e-14) {
			t.Fatalf("lattice %v: not the same matrix", lat)
		}
		x := mat.NewVecDense(n, nil)
		for i := range n {
			x.SetVec(i, math.Sin(float64(7*i)))
		}
		var a, b mat.VecDense
		s.MulVecTo(&a, false, x)
		b.MulVec(want, x)
		a.SubVec(&a, &b)
		worst = max(worst, mat.Norm(&a, 2)/mat.Norm(&b, 2))
	}
	verify.Check{Suite: "mechanics", Case: "A9: lattice stencil product against gonum's mat.Dense", Quantity: "relative difference",
		Source: "gonum.org/v1/gonum/mat", Got: worst, Want: 0, Tol: 1e-12}.Run(t)
	far := NewBSR([][]int32{{0, 2}, {1}, {0, 2}, {3}})
	if _, err := StencilOf(far, Lattice{N: [3]int{4, 1, 1}}); err == nil {
		t.Error("a coupling over two steps was accepted")
	}
}

func BenchmarkStencilMul(b *testing.B) {
	lat := Lattice{N: [3]int{7, 32, 220}, Ring: true}
	m, _ := laplace(lat)
	s, err := StencilOf(m, lat)
	if err != nil {
		b.Fatal(err)
	}
	x, y := make([]float64, 3*lat.Len()), make([]float64, 3*lat.Len())
	for b.Loop() {
		s.Mul(y, x)
	}
}
