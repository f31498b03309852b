package material

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
)

// InstabilityError tells where a law stops to resist: more strain with less
// stress. Finite elements of such a solid find no solution, or many.
type InstabilityError struct {
	Stretch [3]float64 // principal stretches of the instability nearest to rest
}

func (e *InstabilityError) Error() string {
	return fmt.Sprintf("unstable at principal stretches %.2f, %.2f, %.2f: more strain meets less stress", e.Stretch[0], e.Stretch[1], e.Stretch[2])
}

// Stable looks for the instability nearest to rest, with logarithmic strains
// up to ln most, of the law at constant volume. With the logarithmic principal
// strains e₁ and e₂, and e₃ = −e₁ − e₂, the energy must be convex (Drucker and
// Hill): its matrix of second derivatives by e₁ and e₂ is positive definite.
// Fibres, if the law has any, are left out. Polynomials fitted to one test often
// fail in another. It returns nil or an *[InstabilityError].
func Stable(l Law, most float64) error {
	energy := func(a, b float64) float64 {
		var r element.Response
		c := element.Tensor{math.Exp(2 * a), math.Exp(2 * b), math.Exp(-2 * (a + b))}
		l.Respond(&r, &c, nil)
		return r.Energy
	}
	const radii, angles, h = 60, 36, 1e-3
	for n := 1; n <= radii; n++ {
		radius := math.Log(most) * float64(n) / radii
		for m := range angles {
			s, c := math.Sincos(2 * math.Pi * float64(m) / angles)
			a, b := radius*c, radius*s
			w := energy(a, b)
			aa := energy(a+h, b) - 2*w + energy(a-h, b)
			bb := energy(a, b+h) - 2*w + energy(a, b-h)
			ab := (energy(a+h, b+h) - energy(a+h, b-h) - energy(a-h, b+h) + energy(a-h, b-h)) / 4
			if !(aa > 0 && aa*bb > ab*ab) {
				return &InstabilityError{[3]float64{math.Exp(a), math.Exp(b), math.Exp(-a - b)}}
			}
		}
	}
	return nil
}

// Cauchy returns the Cauchy stress of l at the deformation gradient f.
//
//	σ = F (Ŝ + K s ∂s/∂E) Fᵀ / J
func Cauchy(l Law, f *[3][3]float64, fibres []r3.Vec) element.Tensor {
	var r element.Response
	c := element.RightCauchyGreen(f)
	l.Respond(&r, &c, fibres)
	return element.Cauchy(l, f, &r, l.Bulk()*element.VolumeStrain(l.Volume(), f))
}
