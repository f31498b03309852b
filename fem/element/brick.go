package element

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// Brick is a [Hex8] in finite strain: the kernel of a vessel, whose materials
// change from one quadrature point to the next. Its energy is
//
//	Π = ∫ Ŵ(F G) dV + ½ κ̄ s̄² V,   s̄ = (1/V) ∫ (J − 1) dV,   κ̄ = (1/V) ∫ κ dV      (F.13)
//
// that of [Continuum] with constant pressure functions, so that it keeps its
// volume and its stiffness is symmetric. G, of determinant 1, is a stretch that the
// reference shape has already. Forces and stiffness are those of the deformed
// shape, where the strain of a node has 9 values that are not zero rather than 18.
type Brick struct {
	Hex8
	Law [Points]PointLaw
	Pre *[3][3]float64 // G; nil: none

	// What Evaluate leaves.
	Energy   float64               // Π, µJ
	Pressure float64               // κ̄ s̄, tension positive, kPa
	Force    [8][3]float64         // ∂Π/∂x, mN
	Stiff    [8][8][9]float64      // ∂²Π/∂x², blocks a ≤ b alone, kPa·mm
	F        [Points][3][3]float64 // deformation gradient ∂x/∂X, without G
	Density  [Points]float64       // Π per reference volume, kPa

	at          [Points]brickPoint
	cauchyGreen Tensor
	response    Response
}

// Tangent says which stiffness is wanted.
type Tangent uint8

const (
	// NoTangent is for forces alone.
	NoTangent Tangent = iota
	// FullTangent is the derivative of the forces.
	FullTangent
	// DeviatoricTangent leaves out what the stress K s̄ adds to the stiffness by its mere
	// presence. In a body in balance with a pressure on its surface that is nearly
	// cancelled by the stiffness of the load; far from balance either may make a soft
	// body seem unstable.
	DeviatoricTangent
)

// PointLaw is the solid at a quadrature point: a law, a factor of its Ŵ, and the
// bulk modulus that stands for the law's own.
type PointLaw struct {
	Law   Law
	Scale float64
	Bulk  float64  // kPa
	Dirs  []r3.Vec // fibres, unit directions in the shape without G
}

// brickPoint is the state of a quadrature point.
type brickPoint struct {
	grad [8][3]float64 // ∂N_a/∂x
	det  float64
	tau  Tensor // Kirchhoff stress of Ŵ, kPa
	c    [6][6]float64
}

// Cauchy returns the Cauchy stress at point q of the last Evaluate.
func (b *Brick) Cauchy(q int) Tensor {
	t := b.at[q].tau
	for i := range t {
		t[i] /= b.at[q].det
	}
	t[0] += b.Pressure
	t[1] += b.Pressure
	t[2] += b.Pressure
	return t
}

// Evaluate computes energy, forces and the wanted stiffness for displacements u of
// the corners from the reference shape, for which [Hex8.Set] was called.
func (b *Brick) Evaluate(u *[8]r3.Vec, tangent Tangent) error {
	b.Energy = 0
	var s, bulk float64
	for q := range Points {
		if err := b.point(q, u, tangent); err != nil {
			return err
		}
		w := b.Weight[q]
		s += w * (b.at[q].det - 1)
		bulk += w * b.Law[q].Bulk
		b.Energy += w * b.Density[q]
	}
	s /= b.Volume
	bulk /= b.Volume
	b.Pressure = bulk * s
	b.Energy += bulk / 2 * s * s * b.Volume
	b.Force = [8][3]float64{}
	if tangent != NoTangent {
		b.Stiff = [8][8][9]float64{}
	}
	var dilation [8][3]float64
	for q := range Points {
		b.Density[q] += bulk / 2 * s * s
		p, w := &b.at[q], b.Weight[q]
		pj := b.Pressure * p.det
		t := p.tau
		t[0] += pj
		t[1] += pj
		t[2] += pj
		for i := range t {
			t[i] *= w
		}
		for a := range 8 {
			g, f, d := &p.grad[a], &b.Force[a], &dilation[a]
			f[0] += t[0]*g[0] + t[3]*g[1] + t[5]*g[2]
			f[1] += t[3]*g[0] + t[1]*g[1] + t[4]*g[2]
			f[2] += t[5]*g[0] + t[4]*g[1] + t[2]*g[2]
			wj := w * p.det
			d[0] += wj * g[0]
			d[1] += wj * g[1]
			d[2] += wj * g[2]
		}
		switch tangent {
		case FullTangent:
			b.addStiffness(p, w, pj, &t)
		case DeviatoricTangent:
			for i := range t {
				t[i] = w * p.tau[i]
			}
			b.addStiffness(p, w, 0, &t)
		}
	}
	if tangent != NoTangent {
		k := bulk / b.Volume
		for a := range 8 {
			for c := a; c < 8; c++ {
				v, d, e := &b.Stiff[a][c], &dilation[a], &dilation[c]
				for i := range 3 {
					t := k * d[i]
					v[3*i] += t * e[0]
					v[3*i+1] += t * e[1]
					v[3*i+2] += t * e[2]
				}
			}
		}
	}
	return nil
}

// point sets the kinematics and the response of Ŵ at point q.
func (b *Brick) point(q int, u *[8]r3.Vec, tangent Tangent) error {
	p, grad := &b.at[q], &b.Grad[q]
	f := [3][3]float64{{1}, {0, 1}, {0, 0, 1}}
	for a := range 8 {
		g, v := &grad[a], &u[a]
		f[0][0] += v.X * g[0]
		f[0][1] += v.X * g[1]
		f[0][2] += v.X * g[2]
		f[1][0] += v.Y * g[0]
		f[1][1] += v.Y * g[1]
		f[1][2] += v.Y * g[2]
		f[2][0] += v.Z * g[0]
		f[2][1] += v.Z * g[1]
		f[2][2] += v.Z * g[2]
	}
	inv, det := inverse(&f)
	if !(det > 0) || math.IsInf(det, 0) {
		return ErrInverted
	}
	p.det = det
	for a := range 8 {
		g, h := &grad[a], &p.grad[a]
		h[0] = inv[0][0]*g[0] + inv[1][0]*g[1] + inv[2][0]*g[2]
		h[1] = inv[0][1]*g[0] + inv[1][1]*g[1] + inv[2][1]*g[2]
		h[2] = inv[0][2]*g[0] + inv[1][2]*g[1] + inv[2][2]*g[2]
	}
	b.F[q] = f
	if b.Pre != nil {
		f = Product(&f, b.Pre)
	}
	b.cauchyGreen = RightCauchyGreen(&f)
	law, r := &b.Law[q], &b.response
	law.Law.Respond(r, &b.cauchyGreen, law.Dirs)
	b.Density[q] = law.Scale * r.Energy
	p.tau = push(&f, &r.S)
	for i := range p.tau {
		p.tau[i] *= law.Scale
	}
	if tangent != NoTangent {
		pushStiffness(&p.c, &f, &r.D, law.Scale)
	}
	return nil
}

// Product returns a b.
func Product(a, b *[3][3]float64) (c [3][3]float64) {
	for i := range 3 {
		for j := range 3 {
			c[i][j] = a[i][0]*b[0][j] + a[i][1]*b[1][j] + a[i][2]*b[2][j]
		}
	}
	return c
}

// pushStiffness stores in c the stiffness d = ∂S/∂E of the reference shape seen
// from the deformed one, times scale: c_ijkl = F_iI F_jJ F_kK F_lL d_IJKL.
func pushStiffness(c *[6][6]float64, f *[3][3]float64, d *[6][6]float64, scale float64) {
	// c = T d Tᵀ, with a row of T for each pair ij and a column for each pair IJ.
	var t, td [6][6]float64
	for m, ij := range pairs {
		u, v := &f[ij[0]], &f[ij[1]]
		t[m] = [6]float64{u[0] * v[0], u[1] * v[1], u[2] * v[2], u[0]*v[1] + u[1]*v[0], u[1]*v[2] + u[2]*v[1], u[2]*v[0] + u[0]*v[2]}
	}
	for m := range 6 {
		r := &t[m]
		for n := range 6 {
			e := &d[n] // symmetric: column n
			td[m][n] = scale * (r[0]*e[0] + r[1]*e[1] + r[2]*e[2] + r[3]*e[3] + r[4]*e[4] + r[5]*e[5])
		}
	}
	for m := range 6 {
		r := &td[m]
		for n := m; n < 6; n++ {
			e := &t[n]
			v := r[0]*e[0] + r[1]*e[1] + r[2]*e[2] + r[3]*e[3] + r[4]*e[4] + r[5]*e[5]
			c[m][n], c[n][m] = v, v
		}
	}
}

// addStiffness adds the part of a point of weight w: that of Ŵ, of the pressure
// pj = J κ̄ s̄ with its stiffness pj (1⊗1 − 2 𝕀), and of the stress w τ itself.
func (b *Brick) addStiffness(p *brickPoint, w, pj float64, stress *Tensor) {
	c := p.c
	for i := range 3 {
		for j := range 3 {
			c[i][j] += pj
		}
		c[i][i] -= 2 * pj
		c[3+i][3+i] -= pj
	}
	for i := range 6 {
		for j := range 6 {
			c[i][j] *= w
		}
	}
	for m := range 8 {
		h := &p.grad[m]
		h0, h1, h2 := h[0], h[1], h[2]
		var y [6][3]float64 // c times the strain of node m
		for i := range 6 {
			e := &c[i]
			y[i][0] = e[0]*h0 + e[3]*h1 + e[5]*h2
			y[i][1] = e[3]*h0 + e[1]*h1 + e[4]*h2
			y[i][2] = e[5]*h0 + e[4]*h1 + e[2]*h2
		}
		// w τ times the gradient
		t0 := stress[0]*h0 + stress[3]*h1 + stress[5]*h2
		t1 := stress[3]*h0 + stress[1]*h1 + stress[4]*h2
		t2 := stress[5]*h0 + stress[4]*h1 + stress[2]*h2
		for a := range m + 1 {
			g, v := &p.grad[a], &b.Stiff[a][m]
			g0, g1, g2 := g[0], g[1], g[2]
			geo := g0*t0 + g1*t1 + g2*t2
			v[0] += g0*y[0][0] + g1*y[3][0] + g2*y[5][0] + geo
			v[1] += g0*y[0][1] + g1*y[3][1] + g2*y[5][1]
			v[2] += g0*y[0][2] + g1*y[3][2] + g2*y[5][2]
			v[3] += g0*y[3][0] + g1*y[1][0] + g2*y[4][0]
			v[4] += g0*y[3][1] + g1*y[1][1] + g2*y[4][1] + geo
			v[5] += g0*y[3][2] + g1*y[1][2] + g2*y[4][2]
			v[6] += g0*y[5][0] + g1*y[4][0] + g2*y[2][0]
			v[7] += g0*y[5][1] + g1*y[4][1] + g2*y[2][1]
			v[8] += g0*y[5][2] + g1*y[4][2] + g2*y[2][2] + geo
		}
	}
}

// Bed returns the factors of a bed of stiffness k, kPa per mm in every direction,
// under the face with corners x: ∫ k N_a N_b dA.
func Bed(x [4]r3.Vec, k float64) (s [4][4]float64) {
	faceQuad(x, func(n [4]float64, normal r3.Vec) {
		area := r3.Norm(normal)
		for a := range 4 {
			for b := range 4 {
				s[a][b] += k * n[a] * n[b] * area
			}
		}
	})
	return s
}
