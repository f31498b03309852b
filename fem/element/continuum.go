package element

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// Continuum is one element of any type in space, for small and finite strain. It
// is scratch for one goroutine: Set, then Evaluate, then read. Its energy is
//
//	Π = ∫ Ŵ dV + ½ K ∫ s̄² dV                                        (F.11)
//
// where s̄ is the volume strain s projected on the constants (hex8, tet4) or the
// linear functions of position (hex20, tet10). That is the mixed method of three
// fields (Simo, Taylor and Pister 1985) with pressure p = K s̄ and volume
// eliminated, so the element can keep its volume and its stiffness is symmetric.
// With small strain and constants it is the B-bar element of [Hex8].
type Continuum struct {
	Ref    *Reference
	Grad   [maxPoints][maxNodes][3]float64 // ∂N_a/∂X, inner shapes last, 1/mm
	Weight [maxPoints]float64              // mm³
	At     [maxPoints]r3.Vec               // the quadrature points
	Volume float64                         // mm³

	phi [maxPoints][maxModes]float64 // pressure functions, orthonormal: ∫ φᵢ φⱼ dV = δᵢⱼ

	// What Evaluate leaves.
	Energy   float64   // Π, µJ
	Force    []float64 // ∂Π/∂u, mN
	Stiff    []float64 // ∂²Π/∂u², square, by rows, kPa·mm
	Point    [maxPoints]PointState
	force    [3 * maxNodes]float64
	stiff    [9 * maxNodes * maxNodes]float64
	dilation [maxModes][3 * maxNodes]float64
	b, db    [maxNodes][6][3]float64
}

// PointState is the state at a quadrature point.
type PointState struct {
	F        [3][3]float64 // deformation gradient; the identity in small strain
	Strain   Tensor        // Green-Lagrange; linear in small strain
	Response Response
	Pressure float64 // K s̄, tension positive, kPa
	measure  Tensor  // ∂s/∂E
}

// ErrInverted is returned when the motion turns an element inside out.
var ErrInverted = errors.New("the motion turns the element inside out")

// Dofs returns the number of unknowns, inner ones included.
func (c *Continuum) Dofs() int { return 3 * (c.Ref.Nodes() + c.Ref.Inner) }

// Set computes gradients and pressure functions for nodes at x. It returns the
// smallest Jacobian determinant at the quadrature points, relative to that of the
// mean volume; the element is usable only if that is positive.
func (c *Continuum) Set(ref *Reference, x []r3.Vec) (minDet float64) {
	c.Ref = ref
	nodes, points := ref.Nodes(), len(ref.Xi)
	var centre [3][3]float64 // inverse Jacobian at the centre, and its determinant
	var centreDet float64
	if ref.Enhanced {
		_, d := ref.Shape(ref.Centre())
		centre, centreDet = jacobian(x, d)
	}
	minDet = math.Inf(1)
	c.Volume = 0
	var size float64
	for q := range points {
		d := ref.D[q]
		inv, det := jacobian(x, d[:nodes])
		minDet = min(minDet, det)
		size += ref.W[q]
		c.Weight[q] = ref.W[q] * det
		c.Volume += c.Weight[q]
		c.At[q] = r3.Vec{}
		for a := range nodes {
			c.At[q] = r3.Add(c.At[q], r3.Scale(ref.N[q][a], x[a]))
			c.Grad[q][a] = apply(&inv, d[a])
		}
		for a := nodes; a < nodes+ref.Inner; a++ {
			c.Grad[q][a] = apply(&inv, d[a])
			if ref.Enhanced {
				g := apply(&centre, d[a])
				for i := range 3 {
					c.Grad[q][a][i] = g[i] * centreDet / det
				}
			}
		}
	}
	// Inner shapes do no work on a constant stress.
	for a := nodes; a < nodes+ref.Inner; a++ {
		var mean [3]float64
		for q := range points {
			for i := range 3 {
				mean[i] += c.Weight[q] * c.Grad[q][a][i]
			}
		}
		for q := range points {
			for i := range 3 {
				c.Grad[q][a][i] -= mean[i] / c.Volume
			}
		}
	}
	c.modes(points)
	return minDet * size / math.Abs(c.Volume)
}

// modes makes the pressure functions from 1, X, Y, Z by Gram and Schmidt.
func (c *Continuum) modes(points int) {
	var mid r3.Vec
	for q := range points {
		mid = r3.Add(mid, r3.Scale(c.Weight[q]/c.Volume, c.At[q]))
	}
	for m := range c.Ref.Modes {
		for q := range points {
			d := r3.Sub(c.At[q], mid)
			c.phi[q][m] = [4]float64{1, d.X, d.Y, d.Z}[m]
		}
		for range 2 { // twice is enough
			for k := range m {
				var s float64
				for q := range points {
					s += c.Weight[q] * c.phi[q][m] * c.phi[q][k]
				}
				for q := range points {
					c.phi[q][m] -= s * c.phi[q][k]
				}
			}
		}
		var s float64
		for q := range points {
			s += c.Weight[q] * c.phi[q][m] * c.phi[q][m]
		}
		s = 1 / math.Sqrt(s)
		for q := range points {
			c.phi[q][m] *= s
		}
	}
}

// jacobian returns inv[i][r] = ∂ξ_r/∂x_i and det ∂x/∂ξ.
func jacobian(x []r3.Vec, d [][3]float64) (inv [3][3]float64, det float64) {
	var j [3][3]float64 // ∂x_c/∂ξ_r
	for a, p := range x {
		for r, v := range d[a] {
			j[r][0] += v * p.X
			j[r][1] += v * p.Y
			j[r][2] += v * p.Z
		}
	}
	return inverse(&j)
}

// inverse returns the inverse and the determinant of j.
func inverse(j *[3][3]float64) (inv [3][3]float64, det float64) {
	det = Determinant(j)
	i := 1 / det
	inv = [3][3]float64{
		{(j[1][1]*j[2][2] - j[1][2]*j[2][1]) * i, (j[0][2]*j[2][1] - j[0][1]*j[2][2]) * i, (j[0][1]*j[1][2] - j[0][2]*j[1][1]) * i},
		{(j[1][2]*j[2][0] - j[1][0]*j[2][2]) * i, (j[0][0]*j[2][2] - j[0][2]*j[2][0]) * i, (j[0][2]*j[1][0] - j[0][0]*j[1][2]) * i},
		{(j[1][0]*j[2][1] - j[1][1]*j[2][0]) * i, (j[0][1]*j[2][0] - j[0][0]*j[2][1]) * i, (j[0][0]*j[1][1] - j[0][1]*j[1][0]) * i},
	}
	return inv, det
}

func apply(m *[3][3]float64, v [3]float64) [3]float64 {
	return [3]float64{
		m[0][0]*v[0] + m[0][1]*v[1] + m[0][2]*v[2],
		m[1][0]*v[0] + m[1][1]*v[1] + m[1][2]*v[2],
		m[2][0]*v[0] + m[2][1]*v[1] + m[2][2]*v[2],
	}
}

// Input is what the state of an element depends on.
type Input struct {
	Law    Law
	Fibres []r3.Vec  // unit directions in the reference shape
	U      []float64 // displacement of nodes and amplitudes of inner shapes, mm
	Finite bool      // finite strain
	// Outside, if not nil, holds pressures at the corners of a tetrahedron that
	// neighbours agreed on (see package solid): linear between them, they take the
	// place of K s̄, whose stiffness is left out.
	Outside *[4]float64
}

// Evaluate computes energy, forces and, if wanted, stiffness.
func (c *Continuum) Evaluate(in *Input, stiffness bool) error {
	ref := c.Ref
	n, points := ref.Nodes()+ref.Inner, len(ref.Xi)
	dofs := 3 * n
	c.Force, c.Stiff = c.force[:dofs], c.stiff[:dofs*dofs]
	clear(c.Force)
	c.Energy = 0
	bulk, measure := in.Law.Bulk(), in.Law.Volume()
	var s [maxModes]float64 // ∫ φ s dV
	for q := range points {
		p := &c.Point[q]
		v, err := p.deform(in, &c.Grad[q], n, measure)
		if err != nil {
			return err
		}
		for m := range ref.Modes {
			s[m] += c.Weight[q] * c.phi[q][m] * v
		}
		c.Energy += c.Weight[q] * p.Response.Energy
	}
	if in.Outside == nil {
		for m := range ref.Modes {
			c.Energy += bulk / 2 * s[m] * s[m]
			clear(c.dilation[m][:dofs])
		}
	}
	if stiffness {
		clear(c.Stiff)
	}
	for q := range points {
		p := &c.Point[q]
		p.Pressure = 0
		if in.Outside != nil {
			for a, l := range barycentric(ref.Xi[q]) {
				p.Pressure += l * in.Outside[a]
			}
		} else {
			for m := range ref.Modes {
				p.Pressure += bulk * s[m] * c.phi[q][m]
			}
		}
		stress := p.Response.S
		for i := range stress {
			stress[i] += p.Pressure * p.measure[i]
		}
		w := c.Weight[q]
		for a := range n {
			strainOf(&c.b[a], &p.F, &c.Grad[q][a])
			for i := range 3 {
				var f, g float64
				for v := range 6 {
					f += c.b[a][v][i] * stress[v]
					g += c.b[a][v][i] * p.measure[v]
				}
				c.Force[3*a+i] += w * f
				if in.Outside == nil {
					for m := range ref.Modes {
						c.dilation[m][3*a+i] += w * c.phi[q][m] * g
					}
				}
			}
		}
		if stiffness {
			c.addStiffness(p, in.Finite, measure, w, &stress, &c.Grad[q], n)
		}
	}
	if !stiffness {
		return nil
	}
	if in.Outside == nil {
		for m := range ref.Modes {
			d := c.dilation[m][:dofs]
			for i, x := range d {
				row := c.Stiff[i*dofs : (i+1)*dofs]
				x *= bulk
				for j := i; j < dofs; j++ {
					row[j] += x * d[j]
				}
			}
		}
	}
	for i := range dofs {
		for j := range i {
			c.Stiff[i*dofs+j] = c.Stiff[j*dofs+i]
		}
	}
	return nil
}

// deform sets the kinematics and response of a point and returns its volume
// strain s.
func (p *PointState) deform(in *Input, grad *[maxNodes][3]float64, n int, measure Measure) (float64, error) {
	var h [3][3]float64 // displacement gradient
	for a := range n {
		g, u := &grad[a], in.U[3*a:3*a+3]
		for i := range 3 {
			h[i][0] += u[i] * g[0]
			h[i][1] += u[i] * g[1]
			h[i][2] += u[i] * g[2]
		}
	}
	p.F = [3][3]float64{{1}, {0, 1}, {0, 0, 1}}
	if !in.Finite {
		p.Strain = Tensor{h[0][0], h[1][1], h[2][2], (h[0][1] + h[1][0]) / 2, (h[1][2] + h[2][1]) / 2, (h[2][0] + h[0][2]) / 2}
		p.measure = Tensor{1, 1, 1}
		rest := Tensor{1, 1, 1}
		r := &p.Response
		in.Law.Respond(r, &rest, in.Fibres)
		r.Energy = 0
		for i := range 6 {
			r.S[i] = 0
			for j := range 6 {
				e := p.Strain[j]
				if j > 2 {
					e *= 2
				}
				r.S[i] += r.D[i][j] * e
			}
		}
		r.Energy = Energy(r.S, p.Strain)
		return h[0][0] + h[1][1] + h[2][2], nil
	}
	for i := range 3 {
		for j := range 3 {
			p.F[i][j] += h[i][j]
		}
	}
	det := Determinant(&p.F)
	if !(det > 0) || math.IsInf(det, 0) {
		return 0, ErrInverted
	}
	c := RightCauchyGreen(&p.F)
	p.Strain = GreenLagrange(&c)
	in.Law.Respond(&p.Response, &c, in.Fibres)
	if measure == Trace {
		p.measure = Tensor{1, 1, 1}
		return p.Strain[0] + p.Strain[1] + p.Strain[2], nil
	}
	inv, _ := c.Invert()
	for i := range 6 {
		p.measure[i] = det * inv[i]
	}
	return det - 1, nil
}

// strainOf stores the change of the strain E (engineering shear) with the
// displacement of a node of gradient g.
func strainOf(b *[6][3]float64, f *[3][3]float64, g *[3]float64) {
	for k := range 3 {
		b[0][k] = f[k][0] * g[0]
		b[1][k] = f[k][1] * g[1]
		b[2][k] = f[k][2] * g[2]
		b[3][k] = f[k][0]*g[1] + f[k][1]*g[0]
		b[4][k] = f[k][1]*g[2] + f[k][2]*g[1]
		b[5][k] = f[k][2]*g[0] + f[k][0]*g[2]
	}
}

// addStiffness adds a point's part of the upper triangle of the stiffness but
// for that of K s̄.
func (c *Continuum) addStiffness(p *PointState, finite bool, measure Measure, w float64, stress *Tensor, grad *[maxNodes][3]float64, n int) {
	d := p.Response.D
	if finite && measure == Ratio && p.Pressure != 0 {
		// ∂²J/∂E² = J (Z⊗Z − 2 Z⊙Z) with Z = C⁻¹ and ∂J/∂E = J Z
		det := Determinant(&p.F)
		var z Tensor
		for i := range z {
			z[i] = p.measure[i] / det
		}
		sq := z.SquareProduct()
		for i := range 6 {
			for j := range 6 {
				d[i][j] += p.Pressure * det * (z[i]*z[j] - 2*sq[i][j])
			}
		}
	}
	for b := range n {
		x, y := &c.b[b], &c.db[b]
		for i := range 6 {
			for k := range 3 {
				y[i][k] = w * (d[i][0]*x[0][k] + d[i][1]*x[1][k] + d[i][2]*x[2][k] + d[i][3]*x[3][k] + d[i][4]*x[4][k] + d[i][5]*x[5][k])
			}
		}
	}
	dofs := 3 * n
	for a := range n {
		x, g := &c.b[a], &grad[a]
		var t [3]float64 // S g
		if finite {
			for i := range 3 {
				t[i] = w * (stress[index[i][0]]*g[0] + stress[index[i][1]]*g[1] + stress[index[i][2]]*g[2])
			}
		}
		for b := a; b < n; b++ {
			y := &c.db[b]
			var geo float64
			if finite {
				h := &grad[b]
				geo = t[0]*h[0] + t[1]*h[1] + t[2]*h[2]
			}
			for i := range 3 {
				row := c.Stiff[(3*a+i)*dofs+3*b:][:3:3]
				x0, x1, x2, x3, x4, x5 := x[0][i], x[1][i], x[2][i], x[3][i], x[4][i], x[5][i]
				for k := range 3 {
					row[k] += x0*y[0][k] + x1*y[1][k] + x2*y[2][k] + x3*y[3][k] + x4*y[4][k] + x5*y[5][k]
				}
				row[i] += geo
			}
		}
	}
}

// Cauchy returns the Cauchy stress at point q of the last Evaluate.
func (c *Continuum) Cauchy(l Law, q int, finite bool) Tensor {
	p := &c.Point[q]
	if !finite {
		s := p.Response.S
		s[0] += p.Pressure
		s[1] += p.Pressure
		s[2] += p.Pressure
		return s
	}
	return Cauchy(l, &p.F, &p.Response, p.Pressure)
}

// Condense eliminates the inner motions from Force and Stiff, which shrink to
// those of the nodes. It stores in back, by rows, the matrix and last column by
// which a motion of the nodes moves the inner ones towards balance:
//
//	Δα = −Kᵢᵢ⁻¹ (fᵢ + Kᵢᵤ Δu)
//
// back has Inner·3 rows of 3·Nodes + 1 values. It reports false if the inner
// stiffness is singular.
func (c *Continuum) Condense(back []float64) bool {
	n, all := 3*c.Ref.Nodes(), c.Dofs()
	m := all - n
	if m == 0 {
		return true
	}
	var kii [81]float64
	for i := range m {
		for j := range m {
			kii[i*m+j] = c.Stiff[(n+i)*all+n+j]
		}
	}
	if !factor(kii[:m*m], m) {
		return false
	}
	var col [9]float64
	for j := range n + 1 {
		for i := range m {
			if j < n {
				col[i] = c.Stiff[(n+i)*all+j]
			} else {
				col[i] = c.Force[n+i]
			}
		}
		solve(kii[:m*m], m, col[:m])
		for i := range m {
			back[i*(n+1)+j] = -col[i]
		}
	}
	for r := range n {
		for i := range m {
			k := c.Stiff[r*all+n+i]
			row := back[i*(n+1) : (i+1)*(n+1)]
			for j := range n {
				c.Stiff[r*all+j] += k * row[j]
			}
			c.Force[r] += k * row[n]
		}
	}
	for r := range n {
		copy(c.Stiff[r*n:(r+1)*n], c.Stiff[r*all:r*all+n])
	}
	c.Force, c.Stiff = c.Force[:n], c.Stiff[:n*n]
	return true
}

// barycentric returns the linear functions of the corners of a tetrahedron.
func barycentric(x [3]float64) [4]float64 {
	return [4]float64{1 - x[0] - x[1] - x[2], x[0], x[1], x[2]}
}

// Dilation is the share that each corner of a tetrahedron has in its volume and
// volume strain; λ are the linear functions of the corners.
type Dilation struct {
	Volume [4]float64     // ∫ λ dV, mm³
	Strain [4]float64     // ∫ λ s dV, mm³
	Grad   [4][30]float64 // derivatives of Strain by the displacements of the nodes
}

// Dilate computes the dilation of a tetrahedron, after Set, for displacements u
// of its nodes. It reports false if the motion turns the element inside out.
func (c *Continuum) Dilate(d *Dilation, u []float64, measure Measure, finite bool) bool {
	*d = Dilation{}
	n := c.Ref.Nodes()
	for q, xi := range c.Ref.Xi {
		f := [3][3]float64{{1}, {0, 1}, {0, 0, 1}}
		for a := range n {
			g := &c.Grad[q][a]
			for i := range 3 {
				for j := range 3 {
					f[i][j] += u[3*a+i] * g[j]
				}
			}
		}
		s := f[0][0] + f[1][1] + f[2][2] - 3
		by := [3][3]float64{{1}, {0, 1}, {0, 0, 1}} // ∂s/∂F
		if finite {
			inv, det := inverse(&f)
			if !(det > 0) {
				return false
			}
			s = VolumeStrain(measure, &f)
			by = f // of tr E
			if measure == Ratio {
				for i := range 3 {
					for j := range 3 {
						by[i][j] = det * inv[j][i]
					}
				}
			}
		}
		for v, l := range barycentric(xi) {
			w := l * c.Weight[q]
			d.Volume[v] += w
			d.Strain[v] += w * s
			for a := range n {
				g := &c.Grad[q][a]
				for i := range 3 {
					d.Grad[v][3*a+i] += w * (by[i][0]*g[0] + by[i][1]*g[1] + by[i][2]*g[2])
				}
			}
		}
	}
	return true
}
