package element

import "gonum.org/v1/gonum/spatial/r3"

// Measure is the volume strain s of which a law stores the energy ½ K s².
type Measure uint8

// The two volume strains.
const (
	Ratio Measure = iota // s = J − 1
	Trace                // s = tr E, of the linear law
)

// Response is what a law says at one deformation, of the part of its energy
// that does not come from ½ K s².
type Response struct {
	Energy float64       // kPa
	S      Tensor        // second Piola-Kirchhoff stress ∂W/∂E, kPa
	D      [6][6]float64 // ∂S/∂E; rows and columns as Tensor, columns for engineering shear, kPa
}

// Law is an elastic solid whose energy per reference volume is
//
//	W = Ŵ(C, fibres) + ½ K s²                                        (F.10)
//
// where C = FᵀF is the right Cauchy-Green tensor and s a volume strain. The
// element evaluates s in its own way, so that it can keep its volume.
type Law interface {
	Bulk() float64 // K, kPa
	Volume() Measure
	// Respond stores the derivatives of Ŵ at C. fibres are unit directions in the
	// reference shape; laws without fibres ignore them.
	Respond(r *Response, c *Tensor, fibres []r3.Vec)
}

// Invert returns the inverse and the determinant of the symmetric tensor t.
func (t *Tensor) Invert() (inv Tensor, det float64) {
	xx, yy, zz, xy, yz, zx := t[0], t[1], t[2], t[3], t[4], t[5]
	inv = Tensor{yy*zz - yz*yz, xx*zz - zx*zx, xx*yy - xy*xy, yz*zx - xy*zz, xy*zx - yz*xx, xy*yz - zx*yy}
	det = xx*inv[0] + xy*inv[3] + zx*inv[5]
	for i := range inv {
		inv[i] /= det
	}
	return inv, det
}

// pairs holds the row and column of each component of a [Tensor].
var pairs = [6][2]int{{0, 0}, {1, 1}, {2, 2}, {0, 1}, {1, 2}, {2, 0}}

// index is the inverse of pairs.
var index = [3][3]int{{0, 3, 5}, {3, 1, 4}, {5, 4, 2}}

// SquareProduct returns (a ⊙ a) with components ½ (a_ik a_jl + a_il a_jk), which
// for a = C⁻¹ is −½ ∂C⁻¹/∂E.
func (t *Tensor) SquareProduct() (d [6][6]float64) {
	for m, ij := range pairs {
		for n := m; n < 6; n++ {
			kl := pairs[n]
			d[m][n] = (t[index[ij[0]][kl[0]]]*t[index[ij[1]][kl[1]]] + t[index[ij[0]][kl[1]]]*t[index[ij[1]][kl[0]]]) / 2
			d[n][m] = d[m][n]
		}
	}
	return d
}

// RightCauchyGreen returns C = FᵀF.
func RightCauchyGreen(f *[3][3]float64) (c Tensor) {
	for m, ij := range pairs {
		i, j := ij[0], ij[1]
		c[m] = f[0][i]*f[0][j] + f[1][i]*f[1][j] + f[2][i]*f[2][j]
	}
	return c
}

// GreenLagrange returns E = ½ (C − I).
func GreenLagrange(c *Tensor) (e Tensor) {
	for m := range e {
		e[m] = c[m] / 2
	}
	e[0] -= 0.5
	e[1] -= 0.5
	e[2] -= 0.5
	return e
}

// Determinant returns det F.
func Determinant(f *[3][3]float64) float64 {
	return f[0][0]*(f[1][1]*f[2][2]-f[1][2]*f[2][1]) + f[0][1]*(f[1][2]*f[2][0]-f[1][0]*f[2][2]) + f[0][2]*(f[1][0]*f[2][1]-f[1][1]*f[2][0])
}

// push returns F S Fᵀ.
func push(f *[3][3]float64, s *Tensor) (t Tensor) {
	var fs [3][3]float64
	for i := range 3 {
		for j := range 3 {
			fs[i][j] = f[i][0]*s[index[0][j]] + f[i][1]*s[index[1][j]] + f[i][2]*s[index[2][j]]
		}
	}
	for m, ij := range pairs {
		i, j := ij[0], ij[1]
		t[m] = fs[i][0]*f[j][0] + fs[i][1]*f[j][1] + fs[i][2]*f[j][2]
	}
	return t
}

// VolumeStrain returns the volume strain s at F.
func VolumeStrain(m Measure, f *[3][3]float64) float64 {
	if m == Trace {
		c := RightCauchyGreen(f)
		return (c[0] + c[1] + c[2] - 3) / 2
	}
	return Determinant(f) - 1
}

// Cauchy returns the Cauchy stress F (Ŝ + p ∂s/∂E) Fᵀ / J of the response r,
// with p = K s in the element's own sense.
func Cauchy(l Law, f *[3][3]float64, r *Response, p float64) Tensor {
	s, det := r.S, Determinant(f)
	if l.Volume() == Trace {
		s[0] += p
		s[1] += p
		s[2] += p
		p = 0
	}
	t := push(f, &s)
	for m := range t {
		t[m] /= det
	}
	t[0] += p
	t[1] += p
	t[2] += p
	return t
}
