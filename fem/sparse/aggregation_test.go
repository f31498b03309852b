package sparse

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"
)

// tubeCoords places the nodes of a ring lattice on a tube.
func tubeCoords(lat Lattice) []r3.Vec {
	x := make([]r3.Vec, lat.Len())
	for n := range x {
		i, j, k := lat.coords(n)
		sin, cos := math.Sincos(2 * math.Pi * float64(j) / float64(lat.N[1]))
		r := 1.5 + 0.2*float64(i)
		x[n] = r3.Vec{X: r * cos, Y: r * sin, Z: 0.3 * float64(k)}
	}
	return x
}

// The motions of the aggregates span the rigid motions: near = P₀ R; P₀ has
// orthonormal columns, or zero ones where an aggregate lacks a motion.
func TestTentative(t *testing.T) {
	lat := Lattice{N: [3]int{4, 12, 9}, Ring: true}
	m, fixed := laplace(lat)
	// A plane that slides and a clamped one.
	for n := range fixed {
		if n%2 == 0 {
			fixed[n].Q = [9]float64{1, 0, 0, 0, 1, 0, 0, 0, 0}
		}
	}
	near := rigidMotions(tubeCoords(lat), fixed)
	free := make([]bool, lat.Len())
	for n := range free {
		free[n] = true
	}
	for _, f := range fixed {
		free[f.Node] = f.Q != [9]float64{}
	}
	agg, count := aggregate(&blocks[float64]{rows: 3, cols: 3, ptr: m.Ptr, col: m.Col, val: m.Val}, free, 0.1)
	p0, r, dead := tentative(near, 3, agg, count)
	gram := make([]float64, 36*count)
	for n, g := range agg {
		if (g >= 0) != free[n] {
			t.Fatalf("node %d: aggregate %d, free %v", n, g, free[n])
		}
		if g < 0 {
			continue
		}
		v, c := p0[18*n:18*n+18], r[36*g:36*g+36]
		for i := range 3 {
			for j := range 6 {
				var s float64
				for k := range 6 {
					s += v[6*i+k] * c[6*k+j]
					gram[36*int(g)+6*j+k] += v[6*i+j] * v[6*i+k]
				}
				if math.Abs(s-near[18*n+6*i+j]) > 1e-12 {
					t.Fatalf("node %d: motion %d is %g, want %g", n, j, s, near[18*n+6*i+j])
				}
			}
		}
	}
	for g := range count {
		for j := range 6 {
			for k := range 6 {
				want := 0.0
				if j == k && !dead[6*g+j] {
					want = 1
				}
				if math.Abs(gram[36*g+6*j+k]-want) > 1e-10 {
					t.Fatalf("aggregate %d: product of motions %d and %d is %g, want %g", g, j, k, gram[36*g+6*j+k], want)
				}
			}
		}
	}
}

// The coarse matrix is PᵀAP, as the product of dense matrices is.
func TestGalerkin(t *testing.T) {
	lat := Lattice{N: [3]int{3, 8, 6}, Ring: true}
	m, fixed := laplace(lat)
	m.Constrain(fixed)
	m.Hold(fixed)
	a := &blocks[float64]{rows: 3, cols: 3, ptr: m.Ptr, col: m.Col, val: m.Val}
	free := make([]bool, lat.Len())
	for n := range free {
		free[n] = n%50 != 7
	}
	agg, count := aggregate(a, free, 0.05)
	p0, _, _ := tentative(rigidMotions(tubeCoords(lat), fixed), 3, agg, count)
	inv, err := invertDiagonal(a)
	if err != nil {
		t.Fatal(err)
	}
	p := smoothTentative(context.Background(), a, inv, agg, p0)
	c := galerkin(context.Background(), a, p, count)
	n := 3 * lat.Len()
	pd := make([][]float64, 6*count) // columns of P
	for k := range pd {
		pd[k] = make([]float64, n)
	}
	for i := range p.len() {
		for e := p.ptr[i]; e < p.ptr[i+1]; e++ {
			for x := range 18 {
				pd[6*int(p.col[e])+x%6][3*i+x/6] = float64(p.val[18*e+x])
			}
		}
	}
	ap := make([]float64, n)
	var worst, scale float64
	for j, col := range pd {
		m.Mul(ap, col)
		for i, row := range pd {
			var got float64
			if e := c.find(i/6, j/6); e >= 0 {
				got = c.val[36*e+6*(i%6)+j%6]
			}
			want := dot(row, ap)
			worst, scale = max(worst, math.Abs(got-want)), max(scale, math.Abs(want))
		}
	}
	if worst > 1e-13*scale {
		t.Errorf("coarse matrix differs from PᵀAP by %g of %g", worst, scale)
	}
}

// The cycle is symmetric and, as an approximate inverse with an exact coarse
// correction, has no eigenvalue of M⁻¹A above one.
func TestAggregationCycle(t *testing.T) {
	lat := Lattice{N: [3]int{5, 24, 25}, Ring: true}
	m, fixed := laplace(lat)
	m.Constrain(fixed)
	m.Hold(fixed)
	set := DefaultSmoothing()
	set.Coarsest = 100
	mg, err := NewAggregation(context.Background(), m, tubeCoords(lat), fixed, set)
	if err != nil {
		t.Fatal(err)
	}
	if len(mg.Sizes()) < 3 {
		t.Fatalf("levels %v: want at least three", mg.Sizes())
	}
	n := 3 * lat.Len()
	x, y, mx, my := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range x {
		x[i], y[i] = rng.NormFloat64(), rng.NormFloat64()
	}
	mg.Apply(mx, x)
	mg.Apply(my, y)
	a, b, s := dot(y, mx), dot(x, my), math.Sqrt(dot(x, mx)*dot(y, my))
	if math.Abs(a-b) > 1e-6*s {
		t.Errorf("yᵀM⁻¹x = %g, xᵀM⁻¹y = %g, scale %g", a, b, s)
	}
	var lambda float64
	for range 30 {
		m.Mul(y, x)
		mg.Apply(mx, y)
		lambda = math.Sqrt(dot(mx, mx) / dot(x, x))
		for i, v := range mx {
			x[i] = v / lambda
		}
	}
	if lambda > 1+1e-4 || lambda < 0.9 {
		t.Errorf("largest eigenvalue of M⁻¹A is %g, want just below 1", lambda)
	}
}
