package sparse

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"
)

// nearly is a poor preconditioner.
type nearly struct{ scale float64 }

func (p nearly) Apply(dst, r []float64) {
	for i, v := range r {
		dst[i] = p.scale * v
	}
}

// Rigid motions of sections are solved exactly, whatever the preconditioner that
// is corrected, the correction is symmetric, and short bodies are left alone.
func TestSections(t *testing.T) {
	lat := Lattice{N: [3]int{3, 8, 61}, Ring: true}
	m, fixed := laplace(lat)
	m.Constrain(fixed)
	a, err := StencilOf(m, lat)
	if err != nil {
		t.Fatal(err)
	}
	a.Hold(fixed)
	x := make([]r3.Vec, lat.Len())
	for n := range x {
		i, j, k := lat.coords(n)
		sin, cos := math.Sincos(2 * math.Pi * float64(j) / 8)
		r, turn := 1+float64(i)/2, float64(k)/40 // around a bend of radius 40
		s, c := math.Sincos(turn)
		x[n] = r3.Vec{X: 40 - (40-r*cos)*c, Y: r * sin, Z: (40 - r*cos) * s}
	}
	pre, err := NewSections(context.Background(), a, x, fixed, nearly{0.1})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := pre.(*Sections); !ok {
		t.Fatal("a long body is not corrected")
	}
	// One motion of the whole: all stations move alike.
	u := make([]float64, 3*lat.Len())
	for n, p := range x {
		v := r3.Add(r3.Vec{X: 1, Y: -2, Z: 0.5}, r3.Cross(r3.Vec{X: 0.1, Y: 0.2, Z: -0.3}, p))
		u[3*n], u[3*n+1], u[3*n+2] = v.X, v.Y, v.Z
	}
	applyFixed(u, fixed)
	f, w := make([]float64, len(u)), make([]float64, len(u))
	a.Mul(f, u)
	pre.Apply(w, f)
	for i := range w {
		w[i] -= u[i]
	}
	if off := math.Sqrt(dot(w, w) / dot(u, u)); off > 1e-9 {
		t.Errorf("a rigid motion comes back %.1e otherwise", off)
	}
	// xᵀM⁻¹y = yᵀM⁻¹x
	rng := rand.New(rand.NewPCG(3, 4))
	p, q := make([]float64, len(u)), make([]float64, len(u))
	for i := range p {
		p[i], q[i] = rng.NormFloat64(), rng.NormFloat64()
	}
	applyFixed(p, fixed)
	applyFixed(q, fixed)
	pre.Apply(w, q)
	one := dot(p, w)
	pre.Apply(w, p)
	if other := dot(q, w); math.Abs(one-other) > 1e-9*math.Abs(one)+1e-9 {
		t.Errorf("pᵀM⁻¹q = %g, qᵀM⁻¹p = %g", one, other)
	}
	for n := range x {
		x[n] = r3.Vec{X: x[n].X, Y: 10 * x[n].Y, Z: x[n].Z} // flat, and hardly longer than wide
	}
	if pre, err = NewSections(context.Background(), a, x, fixed, nearly{1}); err != nil || pre != (nearly{1}) {
		t.Errorf("a short body: %T, %v", pre, err)
	}
}
