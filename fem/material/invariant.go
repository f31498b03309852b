package material

import (
	"math"

	"github.com/plaquerisk/plaquerisk/fem/element"
)

// unit is the identity.
var unit = element.Tensor{1, 1, 1}

// invariant is a scalar of the deformation with its derivatives by the strain E.
type invariant struct {
	value float64
	d     element.Tensor
	dd    [6][6]float64
}

// invariants holds what the invariants of one C share.
type invariants struct {
	inv    element.Tensor // C⁻¹
	square [6][6]float64  // C⁻¹ ⊙ C⁻¹
	r      float64        // J^(−2/3)
}

func newInvariants(c *element.Tensor) invariants {
	inv, det := c.Invert()
	return invariants{inv: inv, square: inv.SquareProduct(), r: math.Pow(det, -1.0/3)}
}

// first returns Ī = J^(−2/3) I with I = A : C, which for A = 1 is Ī₁ and for
// A = a⊗a is Ī₄. With Z = C⁻¹,
//
//	∂Ī/∂E = 2 J^(−2/3) (A − ⅓ I Z)
//	∂²Ī/∂E² = J^(−2/3) [−4/3 (A⊗Z + Z⊗A) + 4/9 I Z⊗Z + 4/3 I Z⊙Z]
func (v *invariants) first(a element.Tensor, i float64) (x invariant) {
	z := &v.inv
	x.value = v.r * i
	for m := range 6 {
		x.d[m] = 2 * v.r * (a[m] - i/3*z[m])
		for n := range 6 {
			x.dd[m][n] = v.r * (-4.0/3*(a[m]*z[n]+z[m]*a[n]) + 4.0/9*i*z[m]*z[n] + 4.0/3*i*v.square[m][n])
		}
	}
	return x
}

// second returns Ī₂ = J^(−4/3) I₂. With B = I₁ 1 − C,
//
//	∂Ī₂/∂E = J^(−4/3) (2B − 4/3 I₂ Z)
//	∂²Ī₂/∂E² = J^(−4/3) [4 (1⊗1 − 𝕀) − 8/3 (B⊗Z + Z⊗B) + 16/9 I₂ Z⊗Z + 8/3 I₂ Z⊙Z]
func (v *invariants) second(c *element.Tensor) (x invariant) {
	z, r := &v.inv, v.r*v.r
	i1 := c[0] + c[1] + c[2]
	i2 := (i1*i1 - c[0]*c[0] - c[1]*c[1] - c[2]*c[2] - 2*(c[3]*c[3]+c[4]*c[4]+c[5]*c[5])) / 2
	var b element.Tensor
	for m := range 6 {
		b[m] = i1*unit[m] - c[m]
	}
	x.value = r * i2
	for m := range 6 {
		x.d[m] = r * (2*b[m] - 4.0/3*i2*z[m])
		for n := range 6 {
			t := 4 * unit[m] * unit[n]
			if m == n {
				t -= 4
				if m > 2 {
					t += 2 // the symmetric identity is ½ on the shears
				}
			}
			x.dd[m][n] = r * (t - 8.0/3*(b[m]*z[n]+z[m]*b[n]) + 16.0/9*i2*z[m]*z[n] + 8.0/3*i2*v.square[m][n])
		}
	}
	return x
}

// add adds to r the stress and stiffness of an energy with first derivative w1
// and second derivative w2 by the invariant x.
func add(r *element.Response, x *invariant, w1, w2 float64) {
	for m := range 6 {
		r.S[m] += w1 * x.d[m]
		t := w2 * x.d[m]
		for n := range 6 {
			r.D[m][n] += w1*x.dd[m][n] + t*x.d[n]
		}
	}
}
