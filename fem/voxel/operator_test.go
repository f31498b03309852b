package voxel

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The product by modes is that of the stiffness of a cube by quadrature, for any
// moduli, in double and single precision.
func TestModal(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	const h = 0.07
	var worst, single float64
	for range 20 {
		law := element.Lame{Bulk: 1000 * rng.Float64(), Shear: 100 * rng.Float64()}
		var x [8]r3.Vec
		for a, s := range steps {
			x[brickCorner[a]] = r3.Vec{X: h * float64(s[0]), Y: h * float64(s[1]), Z: h * float64(s[2])}
		}
		var brick element.Hex8
		brick.Set(&x)
		k := make([]float64, packed)
		stiffness(k, &brick, law)
		var u, want, got [24]float64
		var v, y [24]float32
		for i := range u {
			u[i] = rng.NormFloat64()
			v[i] = float32(u[i])
		}
		multiply(&want, &u, k)
		modal(&got, &u, law.Shear*h/16, law.Bulk*h/16)
		modal(&y, &v, float32(law.Shear*h/16), float32(law.Bulk*h/16))
		var scale float64
		for i := range u {
			scale = max(scale, math.Abs(want[i]))
		}
		for i := range u {
			worst = max(worst, math.Abs(got[i]-want[i])/scale)
			single = max(single, math.Abs(float64(y[i])-want[i])/scale)
		}
	}
	verify.Check{Suite: "mechanics", Case: "A9: stiffness of a cube by its modes against quadrature", Quantity: "relative difference",
		Source: "element.Hex8", Got: worst, Want: 0, Tol: 1e-12}.Run(t)
	if single > 1e-5 {
		t.Errorf("single precision differs by %g", single)
	}
}

func BenchmarkModal(b *testing.B) {
	var x, y [24]float32
	for i := range x {
		x[i] = float32(i)
	}
	for b.Loop() {
		modal(&y, &x, 1e-9, 2e-9)
	}
}

func BenchmarkPacked(b *testing.B) {
	var x, y [24]float32
	k := make([]float64, packed)
	for b.Loop() {
		multiply(&y, &x, k)
	}
}
