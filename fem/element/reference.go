package element

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// Type is a kind of solid element. Nodes are numbered as in VTK: corners first,
// then the middles of the edges.
type Type uint8

// The types.
const (
	Brick8 Type = iota
	Brick20
	Tetra4
	Tetra10
)

// NumTypes is the number of types.
const NumTypes = 4

// String returns the usual short name: "hex8", "hex20", "tet4" or "tet10".
func (t Type) String() string {
	return [...]string{"hex8", "hex20", "tet4", "tet10"}[t]
}

// Nodes returns the number of nodes.
func (t Type) Nodes() int { return [...]int{8, 20, 4, 10}[t] }

// Corners returns the number of corners.
func (t Type) Corners() int { return [...]int{8, 8, 4, 4}[t] }

// Edges returns the corners of each edge, in the order of the middle nodes.
func (t Type) Edges() [][2]int {
	if t.Corners() == 8 {
		return [][2]int{{0, 1}, {1, 2}, {2, 3}, {3, 0}, {4, 5}, {5, 6}, {6, 7}, {7, 4}, {0, 4}, {1, 5}, {2, 6}, {3, 7}}
	}
	return [][2]int{{0, 1}, {1, 2}, {2, 0}, {0, 3}, {1, 3}, {2, 3}}
}

// Faces returns the nodes of each face, in the order of Abaqus' faces S1, S2, …:
// corners counter-clockwise seen from outside, then the middle of each edge.
func (t Type) Faces() [][]int { return faces[t] }

var faces = func() (f [NumTypes][][]int) {
	for t := range f {
		corners := [][]int{{0, 3, 2, 1}, {4, 5, 6, 7}, {0, 1, 5, 4}, {1, 2, 6, 5}, {2, 3, 7, 6}, {3, 0, 4, 7}}
		if Type(t).Corners() == 4 {
			corners = [][]int{{0, 2, 1}, {0, 1, 3}, {1, 2, 3}, {2, 0, 3}}
		}
		for _, c := range corners {
			face := append([]int(nil), c...)
			if Type(t).Nodes() > Type(t).Corners() {
				for n, a := range c {
					b := c[(n+1)%len(c)]
					for m, e := range Type(t).Edges() {
						if e == [2]int{a, b} || e == [2]int{b, a} {
							face = append(face, Type(t).Corners()+m)
						}
					}
				}
			}
			f[t] = append(f[t], face)
		}
	}
	return f
}()

// Limits of all references.
const (
	maxNodes  = 21 // with inner ones
	maxPoints = 27
	maxModes  = 4
)

// Reference is a type of element with its quadrature and the functions on it.
// Inner shapes belong to motions of the element alone, which are eliminated:
//
//   - a bubble for hex20 and tet10, with which a linear pressure is stable (on
//     tetrahedra the element of Crouzeix and Raviart; Boffi, Brezzi and Fortin,
//     Mixed Finite Element Methods, 2013, chapter 8);
//   - 1 − ξ², 1 − η², 1 − ζ² for the enhanced hex8, which then bends without
//     shear (Wilson et al. 1973; Taylor, Beresford and Wilson 1976; in finite
//     strain Simo and Armero 1992).
type Reference struct {
	Type
	Enhanced bool
	Inner    int            // inner shapes
	Modes    int            // functions of the pressure: 1 constant, 4 linear
	Xi       [][3]float64   // quadrature points
	W        []float64      // their weights
	N        [][]float64    // [point][node] shape functions of the nodes
	D        [][][3]float64 // their derivatives, and those of the inner shapes
	B        []float64      // value of the bubble; 0 for enhanced modes, which carry no load
}

var plain, enhanced [NumTypes]*Reference

func init() {
	for t := range Type(NumTypes) {
		plain[t], enhanced[t] = newReference(t, false), newReference(t, true)
	}
}

// Of returns the reference of a type. Enhanced are the hex8 with its modes and the
// tet10 with its bubble; hex20 always has one, and tet4 none.
func Of(t Type, enhance bool) *Reference {
	if enhance {
		return enhanced[t]
	}
	return plain[t]
}

func newReference(t Type, enhance bool) *Reference {
	r := &Reference{Type: t, Enhanced: enhance, Modes: 1}
	switch t {
	case Brick8:
		r.Xi, r.W = gaussBrick(2)
		if enhance {
			r.Inner, r.Modes = 3, 4
		}
	case Brick20:
		r.Xi, r.W = gaussBrick(3)
		r.Inner, r.Modes = 1, 4
	case Tetra4:
		r.Xi, r.W = [][3]float64{{0.25, 0.25, 0.25}}, []float64{1.0 / 6}
	case Tetra10:
		r.Xi, r.W = tetra14()
		r.Modes = 4
		if enhance {
			r.Inner = 1
		}
	}
	for _, x := range r.Xi {
		n, d := t.Shape(x)
		r.N = append(r.N, n)
		bubble, inner := r.inner(x)
		r.B = append(r.B, bubble)
		r.D = append(r.D, append(d, inner...))
	}
	return r
}

// inner returns the value of the bubble and the derivatives of the inner shapes at
// x.
func (r *Reference) inner(x [3]float64) (bubble float64, d [][3]float64) {
	a, b, c := x[0], x[1], x[2]
	switch {
	case r.Inner == 0:
		return 0, nil
	case r.Type == Brick8:
		return 0, [][3]float64{{-2 * a, 0, 0}, {0, -2 * b, 0}, {0, 0, -2 * c}}
	case r.Type == Brick20:
		p, q, s := 1-a*a, 1-b*b, 1-c*c
		return p * q * s, [][3]float64{{-2 * a * q * s, -2 * b * p * s, -2 * c * p * q}}
	case r.Type == Tetra10:
		d := 1 - a - b - c
		return 256 * a * b * c * d, [][3]float64{{256 * b * c * (d - a), 256 * a * c * (d - b), 256 * a * b * (d - c)}}
	}
	return 0, nil
}

// Node returns the reference coordinates of node a: −1 to 1 in bricks, 0 to 1
// in tetrahedra.
func (t Type) Node(a int) [3]float64 {
	if a < t.Corners() {
		if t.Corners() == 8 {
			return Corners[a]
		}
		return [4][3]float64{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}}[a]
	}
	e := t.Edges()[a-t.Corners()]
	p, q := t.Node(e[0]), t.Node(e[1])
	return [3]float64{(p[0] + q[0]) / 2, (p[1] + q[1]) / 2, (p[2] + q[2]) / 2}
}

// Centre returns the reference coordinates of the middle.
func (t Type) Centre() [3]float64 {
	if t.Corners() == 8 {
		return [3]float64{}
	}
	return [3]float64{0.25, 0.25, 0.25}
}

// Shape returns the shape functions of the nodes and their derivatives at x.
func (t Type) Shape(x [3]float64) (n []float64, d [][3]float64) {
	n, d = make([]float64, t.Nodes()), make([][3]float64, t.Nodes())
	switch t {
	case Brick8:
		s := Shape(x[0], x[1], x[2])
		var dd [8][3]float64
		Derivatives(&dd, x[0], x[1], x[2])
		copy(n, s[:])
		copy(d, dd[:])
	case Brick20:
		for a := range n {
			c := t.Node(a)
			if a < 8 {
				l, lin := 1.0/8, -2.0
				for i := range 3 {
					l *= 1 + c[i]*x[i]
					lin += c[i] * x[i]
				}
				n[a] = l * lin
				for i := range 3 {
					rest := 1.0 / 8
					for j := range 3 {
						if j != i {
							rest *= 1 + c[j]*x[j]
						}
					}
					d[a][i] = c[i]*rest*lin + l*c[i]
				}
				continue
			}
			// The middle of an edge along i, where c[i] = 0.
			f, g := [3]float64{}, [3]float64{}
			for i := range 3 {
				if c[i] == 0 {
					f[i], g[i] = 1-x[i]*x[i], -2*x[i]
				} else {
					f[i], g[i] = 1+c[i]*x[i], c[i]
				}
			}
			n[a] = f[0] * f[1] * f[2] / 4
			d[a] = [3]float64{g[0] * f[1] * f[2] / 4, f[0] * g[1] * f[2] / 4, f[0] * f[1] * g[2] / 4}
		}
	default:
		l := [4]float64{1 - x[0] - x[1] - x[2], x[0], x[1], x[2]}
		g := [4][3]float64{{-1, -1, -1}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
		if t == Tetra4 {
			copy(n, l[:])
			copy(d, g[:])
			break
		}
		for a := range 4 {
			n[a] = l[a] * (2*l[a] - 1)
			for i := range 3 {
				d[a][i] = (4*l[a] - 1) * g[a][i]
			}
		}
		for m, e := range t.Edges() {
			n[4+m] = 4 * l[e[0]] * l[e[1]]
			for i := range 3 {
				d[4+m][i] = 4 * (l[e[0]]*g[e[1]][i] + l[e[1]]*g[e[0]][i])
			}
		}
	}
	return n, d
}

// gaussBrick returns the Gauss rule of n points along each axis, ξ fastest; for
// two, point q lies in the octant of corner q as in [Hex8].
func gaussBrick(n int) (xi [][3]float64, w []float64) {
	if n == 2 {
		for q := range Points {
			x, y, z := QuadraturePoint(q)
			xi, w = append(xi, [3]float64{x, y, z}), append(w, 1)
		}
		return xi, w
	}
	p := []float64{-math.Sqrt(0.6), 0, math.Sqrt(0.6)}
	v := []float64{5.0 / 9, 8.0 / 9, 5.0 / 9}
	for k := range 3 {
		for j := range 3 {
			for i := range 3 {
				xi, w = append(xi, [3]float64{p[i], p[j], p[k]}), append(w, v[i]*v[j]*v[k])
			}
		}
	}
	return xi, w
}

// tetra14 is the rule of 14 points and degree 5 with positive weights (Walkington
// 2000, Quadrature on simplices of arbitrary dimension).
func tetra14() (xi [][3]float64, w []float64) {
	for _, s := range [][2]float64{{0.31088591926330060980, 0.018781320953002641800}, {0.092735250310891226402, 0.012248840519393658257}} {
		a, b := s[0], 1-3*s[0]
		for _, x := range [][3]float64{{a, a, a}, {b, a, a}, {a, b, a}, {a, a, b}} {
			xi, w = append(xi, x), append(w, s[1])
		}
	}
	a := 0.045503704125649649492
	b := 0.5 - a
	for _, x := range [][3]float64{{a, b, b}, {b, a, b}, {b, b, a}, {a, a, b}, {a, b, a}, {b, a, a}} {
		xi, w = append(xi, x), append(w, 0.0070910034628469110730)
	}
	return xi, w
}

// factor replaces the symmetric n×n matrix m by its factors LDLᵀ: L below the
// diagonal, by rows, and D on it. It reports false if a pivot is zero.
func factor(m []float64, n int) bool {
	for i := range n {
		for j := range i + 1 {
			s := m[i*n+j]
			for k := range j {
				s -= m[i*n+k] * m[k*n+k] * m[j*n+k]
			}
			if i > j {
				s /= m[j*n+j]
			} else if s == 0 || math.IsNaN(s) {
				return false
			}
			m[i*n+j] = s
		}
	}
	return true
}

// solve replaces x by the solution of the system that factor factored.
func solve(m []float64, n int, x []float64) {
	for i := range n {
		for k := range i {
			x[i] -= m[i*n+k] * x[k]
		}
	}
	for i := n - 1; i >= 0; i-- {
		x[i] /= m[i*n+i]
		for k := i + 1; k < n; k++ {
			x[i] -= m[k*n+i] * x[k]
		}
	}
}

// Invert returns the reference coordinates, inside the element, of the point p of
// an element with nodes at x, by Newton's method kept to the element, and the
// distance of what was found from p.
func (t Type) Invert(x []r3.Vec, p r3.Vec) (xi [3]float64, off float64) {
	xi = t.Centre()
	off = math.Inf(1)
	c := xi
	for range 30 {
		n, d := t.Shape(c)
		var at r3.Vec
		for a, q := range x {
			at = r3.Add(at, r3.Scale(n[a], q))
		}
		r := r3.Sub(p, at)
		if v := r3.Norm(r); v < off {
			better := v < off*(1-1e-9)
			xi, off = c, v
			if !better || v == 0 {
				break
			}
		}
		inv, det := jacobian(x, d)
		if det == 0 {
			break
		}
		for i := range 3 { // inv[j][i] = ∂ξ_i/∂x_j
			c[i] += inv[0][i]*r.X + inv[1][i]*r.Y + inv[2][i]*r.Z
		}
		t.clamp(&c)
	}
	return xi, off
}

// clamp moves c into the element.
func (t Type) clamp(c *[3]float64) {
	if t.Corners() == 8 {
		for i := range c {
			c[i] = min(max(c[i], -1), 1)
		}
		return
	}
	var sum float64
	for i := range c {
		c[i] = max(c[i], 0)
		sum += c[i]
	}
	if sum > 1 {
		for i := range c {
			c[i] /= sum
		}
	}
}
