package morphology

import "math"

// Solid is a body that is compared with the region's surface.
type Solid struct {
	Volume float64 // mm³
	Area   float64 // mm²
}

// ellipsoid returns the ellipsoid with the semi-axes a ≥ b ≥ c. Its area is the
// series that IBSI stops at ν = 20:
//
//	A = 4πab Σ (αβ)^ν/(1 − 4ν²) P_ν((α² + β²)/(2αβ)),  ν = 0 … 20     (R.5)
//
// with α² = 1 − b²/a², β² = 1 − c²/a² and Legendre polynomials P. The products
// Q_ν = (αβ)^ν P_ν follow the three-term recurrence without the division, so
// that a sphere is no exception. It is the standard's own measure, on which its
// reference values rest: a long ellipsoid has a larger area (by a fifth at
// axes 2 : 1 : 1).
func ellipsoid(a, b, c float64) Solid {
	a2, b2 := 1-b*b/(a*a), 1-c*c/(a*a)
	x, p := (a2+b2)/2, a2*b2
	sum, before, q := 0.0, 0.0, 1.0
	for v := range 21 {
		n := float64(v)
		sum += q / (1 - 4*n*n)
		before, q = q, ((2*n+1)*x*q-n*p*before)/(n+1)
	}
	return Solid{Volume: 4 * math.Pi / 3 * a * b * c, Area: 4 * math.Pi * a * b * sum}
}

// box returns the box with the edges a, b and c.
func box(a, b, c float64) Solid {
	return Solid{Volume: a * b * c, Area: 2 * (a*b + b*c + c*a)}
}
