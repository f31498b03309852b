package element

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// Points is the number of quadrature points of [Hex8]; point q lies in the
// octant of corner q.
const Points = 8

// Corners holds the reference coordinates (ξ, η, ζ) of the eight corners.
var Corners = [8][3]float64{
	{-1, -1, -1}, {1, -1, -1}, {1, 1, -1}, {-1, 1, -1},
	{-1, -1, 1}, {1, -1, 1}, {1, 1, 1}, {-1, 1, 1},
}

// gauss is the coordinate of the two-point Gauss rule; its weight is one.
var gauss = 1 / math.Sqrt(3)

// shapes holds the derivatives of the shape functions at the quadrature points.
var shapes = func() (d [Points][8][3]float64) {
	for q := range d {
		Derivatives(&d[q], gauss*Corners[q][0], gauss*Corners[q][1], gauss*Corners[q][2])
	}
	return d
}()

// Shape returns the trilinear shape functions
//
//	N_a = ⅛ (1 + ξ_a ξ)(1 + η_a η)(1 + ζ_a ζ)                        (F.3)
func Shape(x, y, z float64) (n [8]float64) {
	for a, c := range Corners {
		n[a] = (1 + c[0]*x) * (1 + c[1]*y) * (1 + c[2]*z) / 8
	}
	return n
}

// Derivatives stores the derivatives of the shape functions in d.
func Derivatives(d *[8][3]float64, x, y, z float64) {
	for a, c := range Corners {
		d[a] = [3]float64{
			c[0] * (1 + c[1]*y) * (1 + c[2]*z) / 8,
			(1 + c[0]*x) * c[1] * (1 + c[2]*z) / 8,
			(1 + c[0]*x) * (1 + c[1]*y) * c[2] / 8,
		}
	}
}

// QuadraturePoint returns the reference coordinates of point q.
func QuadraturePoint(q int) (x, y, z float64) {
	return gauss * Corners[q][0], gauss * Corners[q][1], gauss * Corners[q][2]
}

// Lame are the two moduli of an isotropic elastic solid.
type Lame struct {
	Bulk  float64 // κ = E / (3 (1 − 2ν)), kPa
	Shear float64 // μ = E / (2 (1 + ν)), kPa
}

// Moduli converts Young's modulus (kPa) and Poisson's ratio (below ½).
func Moduli(young, poisson float64) Lame {
	return Lame{Bulk: young / (3 * (1 - 2*poisson)), Shear: young / (2 * (1 + poisson))}
}

// Hex8 is a brick in space with the gradients of its shape functions at the
// quadrature points. Replace the volumetric part of the strain by its mean over
// the element,
//
//	ε̄ = ε − ⅓ (div u) I + ⅓ θ I,  θ = (1/V) ∫ div u dV               (F.4)
//
// and the element can keep its volume without becoming stiff (Hughes 1980; the
// same as constant pressure in the mixed method of Simo, Taylor and Pister 1985).
type Hex8 struct {
	Grad   [Points][8][3]float64 // ∂N_a/∂x at point q, 1/mm
	Weight [Points]float64       // volume of point q, mm³
	Mean   [8][3]float64         // (1/V) ∫ ∂N_a/∂x dV, 1/mm
	Volume float64               // mm³
}

// Set computes the gradients for corners at x. It returns the smallest Jacobian
// determinant at the quadrature points; the element is usable only if that is
// positive.
func (h *Hex8) Set(x *[8]r3.Vec) (minDet float64) {
	minDet = math.Inf(1)
	h.Volume = 0
	h.Mean = [8][3]float64{}
	for q := range Points {
		d := &shapes[q]
		var j [3][3]float64 // j[r][c] = ∂x_c/∂ξ_r
		for a, p := range x {
			for r, v := range d[a] {
				j[r][0] += v * p.X
				j[r][1] += v * p.Y
				j[r][2] += v * p.Z
			}
		}
		c00 := j[1][1]*j[2][2] - j[1][2]*j[2][1]
		c01 := j[1][2]*j[2][0] - j[1][0]*j[2][2]
		c02 := j[1][0]*j[2][1] - j[1][1]*j[2][0]
		det := j[0][0]*c00 + j[0][1]*c01 + j[0][2]*c02
		minDet = min(minDet, det)
		i := 1 / det
		inv := [3][3]float64{ // inv[c][r] = ∂ξ_r/∂x_c
			{c00 * i, (j[0][2]*j[2][1] - j[0][1]*j[2][2]) * i, (j[0][1]*j[1][2] - j[0][2]*j[1][1]) * i},
			{c01 * i, (j[0][0]*j[2][2] - j[0][2]*j[2][0]) * i, (j[0][2]*j[1][0] - j[0][0]*j[1][2]) * i},
			{c02 * i, (j[0][1]*j[2][0] - j[0][0]*j[2][1]) * i, (j[0][0]*j[1][1] - j[0][1]*j[1][0]) * i},
		}
		h.Weight[q] = det
		h.Volume += det
		for a := range 8 {
			for c := range 3 {
				g := inv[c][0]*d[a][0] + inv[c][1]*d[a][1] + inv[c][2]*d[a][2]
				h.Grad[q][a][c] = g
				h.Mean[a][c] += det * g
			}
		}
	}
	for a := range 8 {
		for c := range 3 {
			h.Mean[a][c] /= h.Volume
		}
	}
	return minDet
}

// Stiffness stores in k the matrix of the strain energy
//
//	½ ∫ κ θ² dV + ∫ μ (ε : ε − ⅓ (div u)²) dV = ½ uᵀ K u              (F.5)
//
// with moduli law[q] at point q. Block (a, b) is k[a][b], row by row.
func (h *Hex8) Stiffness(k *[8][8][9]float64, law *[Points]Lame) {
	var kappa float64 // ∫ κ dV
	for q, w := range h.Weight {
		kappa += law[q].Bulk * w
	}
	for a := range 8 {
		for b := a; b < 8; b++ {
			var s [9]float64
			for i := range 3 {
				for j := range 3 {
					s[3*i+j] = kappa * h.Mean[a][i] * h.Mean[b][j]
				}
			}
			for q := range Points {
				mu := law[q].Shear * h.Weight[q]
				g, f := &h.Grad[q][a], &h.Grad[q][b]
				dot := mu * (g[0]*f[0] + g[1]*f[1] + g[2]*f[2])
				const t = 2.0 / 3
				for i := range 3 {
					gi, fi := mu*g[i], mu*f[i]
					// μ (∂ⱼN_a ∂ᵢN_b − ⅔ ∂ᵢN_a ∂ⱼN_b), and μ ∇N_a·∇N_b on the diagonal
					s[3*i] += g[0]*fi - t*gi*f[0]
					s[3*i+1] += g[1]*fi - t*gi*f[1]
					s[3*i+2] += g[2]*fi - t*gi*f[2]
				}
				s[0] += dot
				s[4] += dot
				s[8] += dot
			}
			k[a][b] = s
			if a != b {
				k[b][a] = [9]float64{s[0], s[3], s[6], s[1], s[4], s[7], s[2], s[5], s[8]}
			}
		}
	}
}

// Tensor is a symmetric 3×3 tensor: xx, yy, zz, xy, yz, zx (tensor components,
// not engineering shear).
type Tensor [6]float64

// Strain returns the strain ε̄ of (F.4) at point q for the corner displacements u.
func (h *Hex8) Strain(u *[8]r3.Vec, q int) Tensor {
	var e Tensor
	var mean float64
	for a, v := range u {
		g, m := &h.Grad[q][a], &h.Mean[a]
		e[0] += g[0] * v.X
		e[1] += g[1] * v.Y
		e[2] += g[2] * v.Z
		e[3] += (g[1]*v.X + g[0]*v.Y) / 2
		e[4] += (g[2]*v.Y + g[1]*v.Z) / 2
		e[5] += (g[0]*v.Z + g[2]*v.X) / 2
		mean += m[0]*v.X + m[1]*v.Y + m[2]*v.Z
	}
	d := (mean - e[0] - e[1] - e[2]) / 3
	e[0] += d
	e[1] += d
	e[2] += d
	return e
}

// Stress returns the stress of an isotropic solid under the strain e:
//
//	σ = κ tr(ε) I + 2μ dev ε                                          (F.1)
func (l Lame) Stress(e Tensor) Tensor {
	tr := e[0] + e[1] + e[2]
	p := l.Bulk*tr - 2*l.Shear*tr/3
	s := Tensor{}
	for i, v := range e {
		s[i] = 2 * l.Shear * v
	}
	s[0] += p
	s[1] += p
	s[2] += p
	return s
}

// Strain returns the strain of an isotropic solid under the stress s, the inverse
// of [Lame.Stress].
func (l Lame) Strain(s Tensor) Tensor {
	m := (s[0] + s[1] + s[2]) / 3
	e := Tensor{s[0] - m, s[1] - m, s[2] - m, s[3], s[4], s[5]}
	for i := range e {
		e[i] /= 2 * l.Shear
	}
	for i := range 3 {
		e[i] += m / (3 * l.Bulk)
	}
	return e
}

// Energy returns ½ σ : ε, kPa = µJ/mm³.
func Energy(s, e Tensor) float64 {
	return (s[0]*e[0]+s[1]*e[1]+s[2]*e[2])/2 + s[3]*e[3] + s[4]*e[4] + s[5]*e[5]
}

// VonMises returns √(3/2 dev t : dev t).
func (t Tensor) VonMises() float64 {
	a, b, c := t[0]-t[1], t[1]-t[2], t[2]-t[0]
	return math.Sqrt((a*a+b*b+c*c)/2 + 3*(t[3]*t[3]+t[4]*t[4]+t[5]*t[5]))
}

// Principal returns the eigenvalues in falling order, by the trigonometric
// solution of the characteristic equation (Smith 1961). Equal eigenvalues come
// out equal up to about 1e-8 of the largest one.
func (t Tensor) Principal() [3]float64 {
	m := (t[0] + t[1] + t[2]) / 3
	a, b, c := t[0]-m, t[1]-m, t[2]-m
	off := t[3]*t[3] + t[4]*t[4] + t[5]*t[5]
	p := math.Sqrt((a*a + b*b + c*c + 2*off) / 6)
	if p == 0 {
		return [3]float64{m, m, m}
	}
	det := a*(b*c-t[4]*t[4]) - t[3]*(t[3]*c-t[4]*t[5]) + t[5]*(t[3]*t[4]-b*t[5])
	r := min(max(det/(2*p*p*p), -1), 1)
	phi := math.Acos(r) / 3
	hi := m + 2*p*math.Cos(phi)
	lo := m + 2*p*math.Cos(phi+2*math.Pi/3)
	return [3]float64{hi, 3*m - hi - lo, lo}
}

// Traction returns the nodal loads of a pressure p on the face with corners x,
// in order around it, counter-clockwise seen from outside the body:
//
//	f_a = −p ∫ N_a n dA                                               (F.6)
//
// Two by two points integrate it exactly, so the loads on a closed surface
// cancel to rounding.
func Traction(x [4]r3.Vec, p float64) (f [4]r3.Vec) {
	faceQuad(x, func(n [4]float64, normal r3.Vec) {
		for a := range f {
			f[a] = r3.Add(f[a], r3.Scale(-p*n[a], normal))
		}
	})
	return f
}

// Foundation returns the stiffness of springs along the normal, k kPa per mm,
// under the face with corners x: ∫ k N_a N_b n nᵀ dA.
func Foundation(x [4]r3.Vec, k float64) (s [4][4][9]float64) {
	faceQuad(x, func(n [4]float64, normal r3.Vec) {
		area := r3.Norm(normal)
		if area == 0 {
			return
		}
		d := [3]float64{normal.X, normal.Y, normal.Z}
		for a := range 4 {
			for b := range 4 {
				for i := range 3 {
					for j := range 3 {
						s[a][b][3*i+j] += k * n[a] * n[b] * d[i] * d[j] / area
					}
				}
			}
		}
	})
	return s
}

// faceQuad calls fn with the shape functions and the normal times area at the
// four quadrature points of a bilinear face.
func faceQuad(x [4]r3.Vec, fn func(n [4]float64, normal r3.Vec)) {
	corner := [4][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}}
	for _, q := range corner {
		s, t := gauss*q[0], gauss*q[1]
		var n [4]float64
		var ds, dt r3.Vec
		for a, c := range corner {
			n[a] = (1 + c[0]*s) * (1 + c[1]*t) / 4
			ds = r3.Add(ds, r3.Scale(c[0]*(1+c[1]*t)/4, x[a]))
			dt = r3.Add(dt, r3.Scale(c[1]*(1+c[0]*s)/4, x[a]))
		}
		fn(n, r3.Cross(ds, dt))
	}
}

// ScaledJacobian returns the smallest, over the corners, of the determinant of
// the three unit edge vectors: 1 for a box, 0 for a flat corner, negative for an
// inverted one.
func ScaledJacobian(x *[8]r3.Vec) float64 {
	edges := [8][3]int{{1, 3, 4}, {2, 0, 5}, {3, 1, 6}, {0, 2, 7}, {7, 5, 0}, {4, 6, 1}, {5, 7, 2}, {6, 4, 3}}
	least := math.Inf(1)
	for c, e := range edges {
		a, b, d := r3.Sub(x[e[0]], x[c]), r3.Sub(x[e[1]], x[c]), r3.Sub(x[e[2]], x[c])
		l := r3.Norm(a) * r3.Norm(b) * r3.Norm(d)
		if l == 0 {
			return 0
		}
		least = min(least, r3.Dot(a, r3.Cross(b, d))/l)
	}
	return least
}
