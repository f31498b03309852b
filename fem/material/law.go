package material

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
)

// Law is a solid that can be computed. Its energy is
//
//	W = Ŵ(Ī₁, Ī₂, Ī₄) + ½ K (J − 1)²                                 (M.1)
//	Ī₁ = J^(−2/3) tr C,   Ī₂ = J^(−4/3) ½ [(tr C)² − tr C²],   Ī₄ = J^(−2/3) a·C a
//
// with J the volume ratio, C the right Cauchy-Green tensor and a a fibre
// direction; [Linear] alone uses the trace of the strain for its volume.
type Law interface {
	element.Law
	// Shear is the shear modulus at small strain, of the matrix without fibres, kPa.
	Shear() float64
	// Check tells why the constants are no solid that can be computed.
	Check() error
}

// Poisson returns Poisson's ratio at small strain, (3K − 2μ) / 2(3K + μ).
func Poisson(l Law) float64 {
	k, mu := l.Bulk(), l.Shear()
	return (3*k - 2*mu) / (2 * (3*k + mu))
}

// Linear is the isotropic linear solid of small strain. In finite strain it
// stands for S = K tr(E) I + 2μ dev E (Saint Venant and Kirchhoff), good for
// small strain with large rotation and for stiff parts only.
type Linear struct{ Elastic }

// Bulk returns E / 3(1 − 2ν).
func (l Linear) Bulk() float64 { return l.Young / (3 * (1 - 2*l.Poisson)) }

// Shear returns E / 2(1 + ν).
func (l Linear) Shear() float64 { return l.Young / (2 * (1 + l.Poisson)) }

// Volume returns element.Trace.
func (Linear) Volume() element.Measure { return element.Trace }

// Respond stores the response of μ dev E : dev E.
func (l Linear) Respond(r *element.Response, c *element.Tensor, _ []r3.Vec) {
	mu := l.Shear()
	e := element.GreenLagrange(c)
	m := (e[0] + e[1] + e[2]) / 3
	e[0] -= m
	e[1] -= m
	e[2] -= m
	*r = element.Response{}
	for i := range 6 {
		r.S[i] = 2 * mu * e[i]
	}
	r.Energy = mu * (e[0]*e[0] + e[1]*e[1] + e[2]*e[2] + 2*(e[3]*e[3]+e[4]*e[4]+e[5]*e[5]))
	for i := range 3 {
		for j := range 3 {
			r.D[i][j] = -2 * mu / 3
		}
		r.D[i][i] += 2 * mu
		r.D[3+i][3+i] = mu
	}
}

// Polynomial is the law of rubber-like solids
//
//	Ŵ = C10 (Ī₁−3) + C01 (Ī₂−3) + C20 (Ī₁−3)² + C11 (Ī₁−3)(Ī₂−3) + C02 (Ī₂−3)² + C30 (Ī₁−3)³   (M.2)
//
// which holds neo-Hooke (C10 alone), Mooney and Rivlin (C10, C01) and Yeoh
// (C10, C20, C30). Constants in kPa.
type Polynomial struct {
	C10, C01, C20, C11, C02, C30 float64
	K                            float64 // bulk modulus
}

// NeoHookean returns Ŵ = C10 (Ī₁ − 3).
func NeoHookean(c10, k float64) Polynomial { return Polynomial{C10: c10, K: k} }

// MooneyRivlin returns Ŵ = C10 (Ī₁ − 3) + C01 (Ī₂ − 3).
func MooneyRivlin(c10, c01, k float64) Polynomial { return Polynomial{C10: c10, C01: c01, K: k} }

// Yeoh returns Ŵ = C10 (Ī₁ − 3) + C20 (Ī₁ − 3)² + C30 (Ī₁ − 3)³.
func Yeoh(c10, c20, c30, k float64) Polynomial { return Polynomial{C10: c10, C20: c20, C30: c30, K: k} }

// Bulk returns K.
func (p Polynomial) Bulk() float64 { return p.K }

// Shear returns 2 (C10 + C01).
func (p Polynomial) Shear() float64 { return 2 * (p.C10 + p.C01) }

// Volume returns element.Ratio.
func (Polynomial) Volume() element.Measure { return element.Ratio }

// Respond stores the response of Ŵ.
func (p Polynomial) Respond(r *element.Response, c *element.Tensor, _ []r3.Vec) {
	v := newInvariants(c)
	first := v.first(unit, c[0]+c[1]+c[2])
	x := first.value - 3
	*r = element.Response{}
	if p.C01 == 0 && p.C11 == 0 && p.C02 == 0 {
		r.Energy = x * (p.C10 + x*(p.C20+x*p.C30))
		add(r, &first, p.C10+x*(2*p.C20+x*3*p.C30), 2*p.C20+6*p.C30*x)
		return
	}
	second := v.second(c)
	y := second.value - 3
	r.Energy = x*(p.C10+x*(p.C20+x*p.C30)) + y*(p.C01+y*p.C02) + p.C11*x*y
	add(r, &first, p.C10+x*(2*p.C20+x*3*p.C30)+p.C11*y, 2*p.C20+6*p.C30*x)
	add(r, &second, p.C01+2*p.C02*y+p.C11*x, 2*p.C02)
	for i := range 6 {
		for j := range 6 {
			r.D[i][j] += p.C11 * (first.d[i]*second.d[j] + second.d[i]*first.d[j])
		}
	}
}

// Check tells why p cannot be computed.
func (p Polynomial) Check() error {
	return errors.Join(finite([]string{"C10", "C01", "C20", "C11", "C02", "C30"}, p.C10, p.C01, p.C20, p.C11, p.C02, p.C30), positive(p))
}

// Exponential is the "modified Mooney-Rivlin" law of artery walls (Tang 2004),
//
//	Ŵ = c1 (Ī₁ − 3) + D1 [exp(D2 (Ī₁ − 3)) − 1]                      (M.3)
type Exponential struct {
	C1, D1 float64 // kPa
	D2     float64
	K      float64 // bulk modulus, kPa
}

// Bulk returns K.
func (e Exponential) Bulk() float64 { return e.K }

// Shear returns 2 (c1 + D1 D2).
func (e Exponential) Shear() float64 { return 2 * (e.C1 + e.D1*e.D2) }

// Volume returns element.Ratio.
func (Exponential) Volume() element.Measure { return element.Ratio }

// Respond stores the response of Ŵ.
func (e Exponential) Respond(r *element.Response, c *element.Tensor, _ []r3.Vec) {
	v := newInvariants(c)
	first := v.first(unit, c[0]+c[1]+c[2])
	x := first.value - 3
	g := e.D1 * math.Exp(e.D2*x)
	*r = element.Response{Energy: e.C1*x + g - e.D1}
	add(r, &first, e.C1+e.D2*g, e.D2*e.D2*g)
}

// Check tells why e cannot be computed.
func (e Exponential) Check() error {
	return errors.Join(finite([]string{"c1", "D1", "D2"}, e.C1, e.D1, e.D2), positive(e))
}

// HGO is the fibre-reinforced law of Holzapfel, Gasser and Ogden (2000), with the
// dispersion of Gasser, Ogden and Holzapfel (2006):
//
//	Ŵ = C10 (Ī₁ − 3) + Σₐ k1/(2 k2) [exp(k2 Qₐ²) − 1],
//	Qₐ = κ (Ī₁ − 3) + (1 − 3κ)(Ī₄ₐ − 1)                               (M.4)
//
// over the fibre directions a. A family acts in tension only, where Ī₄ > 1.
type HGO struct {
	C10   float64 // kPa
	K1    float64 // kPa
	K2    float64
	Kappa float64 // dispersion κ: 0 parallel fibres to 1/3 none preferred
	K     float64 // bulk modulus, kPa
}

// Bulk returns K.
func (h HGO) Bulk() float64 { return h.K }

// Shear returns 2 C10, the matrix alone.
func (h HGO) Shear() float64 { return 2 * h.C10 }

// Volume returns element.Ratio.
func (HGO) Volume() element.Measure { return element.Ratio }

// Respond stores the response of Ŵ.
func (h HGO) Respond(r *element.Response, c *element.Tensor, fibres []r3.Vec) {
	v := newInvariants(c)
	first := v.first(unit, c[0]+c[1]+c[2])
	x := first.value - 3
	*r = element.Response{Energy: h.C10 * x}
	add(r, &first, h.C10, 0)
	for _, a := range fibres {
		m := element.Tensor{a.X * a.X, a.Y * a.Y, a.Z * a.Z, a.X * a.Y, a.Y * a.Z, a.Z * a.X}
		i4 := m[0]*c[0] + m[1]*c[1] + m[2]*c[2] + 2*(m[3]*c[3]+m[4]*c[4]+m[5]*c[5])
		q := v.first(m, i4)
		if q.value < 1 { // equality is kept: fibres resist the first small strain
			continue
		}
		q.value--
		if h.Kappa != 0 {
			w := 1 - 3*h.Kappa
			q.value = w*q.value + h.Kappa*x
			for i := range 6 {
				q.d[i] = w*q.d[i] + h.Kappa*first.d[i]
				for j := range 6 {
					q.dd[i][j] = w*q.dd[i][j] + h.Kappa*first.dd[i][j]
				}
			}
		}
		g := math.Exp(h.K2 * q.value * q.value)
		r.Energy += h.K1 / (2 * h.K2) * (g - 1)
		add(r, &q, h.K1*q.value*g, h.K1*g*(1+2*h.K2*q.value*q.value))
	}
}

// Check tells why h cannot be computed.
func (h HGO) Check() error {
	err := errors.Join(finite([]string{"C10", "k1", "k2", "kappa"}, h.C10, h.K1, h.K2, h.Kappa), positive(h))
	if !(h.K1 >= 0) || !(h.K2 > 0) {
		err = errors.Join(err, fmt.Errorf("k1 is %g and k2 %g: fibres need k1 of at least 0 and k2 above 0", h.K1, h.K2))
	}
	if !(h.Kappa >= 0 && h.Kappa <= 1.0/3) {
		err = errors.Join(err, fmt.Errorf("kappa is %g: must lie between 0 and 1/3", h.Kappa))
	}
	return err
}

func finite(names []string, values ...float64) error {
	for n, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%s is %g: must be finite", names[n], v)
		}
	}
	return nil
}

// positive tells whether both moduli at small strain are those of a solid.
func positive(l Law) error {
	if k := l.Bulk(); !(k > 0) || math.IsInf(k, 0) {
		return fmt.Errorf("the bulk modulus K is %g kPa: must be positive and finite; 100 times the shear modulus keeps the volume well", k)
	}
	if mu := l.Shear(); !(mu > 0) {
		return fmt.Errorf("the shear modulus of these constants is %g kPa: must be positive", mu)
	}
	if nu := Poisson(l); nu <= -1 {
		return fmt.Errorf("the Poisson ratio of these constants is %g: must be above -1", nu)
	}
	return nil
}
