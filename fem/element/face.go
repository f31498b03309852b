package element

import (
	"math"

	"gonum.org/v1/gonum/spatial/r3"
)

// Face integrates over a face of three, four, six or eight nodes: corners in
// order, then the middle of each edge.
type Face struct {
	n [][]float64    // [point][node]
	d [][][2]float64 // derivatives
	w []float64
}

var faceKinds = map[int]*Face{3: newFace(3), 4: newFace(4), 6: newFace(6), 8: newFace(8)}

// FaceOf returns the face of that many nodes.
func FaceOf(nodes int) *Face { return faceKinds[nodes] }

func newFace(nodes int) *Face {
	f := &Face{}
	add := func(s, t, w float64) {
		n, d := faceShape(nodes, s, t)
		f.n, f.d, f.w = append(f.n, n), append(f.d, d), append(f.w, w)
	}
	switch nodes {
	case 3:
		for _, p := range [][2]float64{{1.0 / 6, 1.0 / 6}, {2.0 / 3, 1.0 / 6}, {1.0 / 6, 2.0 / 3}} {
			add(p[0], p[1], 1.0/6)
		}
	case 6: // degree 5 (Radon 1948)
		add(1.0/3, 1.0/3, 9.0/80)
		for _, s := range []float64{1, -1} {
			a, w := (6+s*math.Sqrt(15))/21, (155+s*math.Sqrt(15))/2400
			for _, p := range [][2]float64{{a, a}, {1 - 2*a, a}, {a, 1 - 2*a}} {
				add(p[0], p[1], w)
			}
		}
	default:
		x, w := []float64{-gauss, gauss}, []float64{1, 1}
		if nodes == 8 {
			x, w = []float64{-math.Sqrt(0.6), 0, math.Sqrt(0.6)}, []float64{5.0 / 9, 8.0 / 9, 5.0 / 9}
		}
		for j := range x {
			for i := range x {
				add(x[i], x[j], w[i]*w[j])
			}
		}
	}
	return f
}

func faceShape(nodes int, s, t float64) (n []float64, d [][2]float64) {
	n, d = make([]float64, nodes), make([][2]float64, nodes)
	if nodes == 3 || nodes == 6 {
		l := [3]float64{1 - s - t, s, t}
		g := [3][2]float64{{-1, -1}, {1, 0}, {0, 1}}
		for a := range 3 {
			n[a], d[a] = l[a], g[a]
			if nodes == 6 {
				b := (a + 1) % 3
				n[a] = l[a] * (2*l[a] - 1)
				n[3+a] = 4 * l[a] * l[b]
				for i := range 2 {
					d[a][i] = (4*l[a] - 1) * g[a][i]
					d[3+a][i] = 4 * (l[a]*g[b][i] + l[b]*g[a][i])
				}
			}
		}
		return n, d
	}
	c := [8][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}, {0, -1}, {1, 0}, {0, 1}, {-1, 0}}
	for a := range nodes {
		u, v := c[a][0], c[a][1]
		switch {
		case nodes == 4:
			n[a] = (1 + u*s) * (1 + v*t) / 4
			d[a] = [2]float64{u * (1 + v*t) / 4, v * (1 + u*s) / 4}
		case a < 4:
			n[a] = (1 + u*s) * (1 + v*t) * (u*s + v*t - 1) / 4
			d[a] = [2]float64{u * (1 + v*t) * (2*u*s + v*t) / 4, v * (1 + u*s) * (2*v*t + u*s) / 4}
		case u == 0:
			n[a] = (1 - s*s) * (1 + v*t) / 2
			d[a] = [2]float64{-s * (1 + v*t), v * (1 - s*s) / 2}
		default:
			n[a] = (1 + u*s) * (1 - t*t) / 2
			d[a] = [2]float64{u * (1 - t*t) / 2, -t * (1 + u*s)}
		}
	}
	return n, d
}

// tangents returns ∂x/∂s and ∂x/∂t at point q.
func (f *Face) tangents(x []r3.Vec, q int) (s, t r3.Vec) {
	for a, p := range x {
		s = r3.Add(s, r3.Scale(f.d[q][a][0], p))
		t = r3.Add(t, r3.Scale(f.d[q][a][1], p))
	}
	return s, t
}

// Pressure adds to force, three values a node, the loads of a pressure p on the
// face with nodes at x, which pushes against the outward normal, and, if stiff is
// not nil, adds to it the square matrix of their derivatives by x:
//
//	f_a = −p ∫ N_a n dA,   n dA = ∂x/∂s × ∂x/∂t ds dt                (F.12)
func (f *Face) Pressure(force, stiff []float64, x []r3.Vec, p float64) {
	n := len(x)
	for q, w := range f.w {
		s, t := f.tangents(x, q)
		v := r3.Scale(-p*w, r3.Cross(s, t))
		for a := range n {
			na := f.n[q][a]
			force[3*a] += na * v.X
			force[3*a+1] += na * v.Y
			force[3*a+2] += na * v.Z
		}
		if stiff == nil {
			continue
		}
		for b := range n {
			// δn = N_b,s δ × t + N_b,t s × δ = (N_b,t s − N_b,s t) × δ
			m := r3.Sub(r3.Scale(f.d[q][b][1], s), r3.Scale(f.d[q][b][0], t))
			for a := range n {
				k := -p * w * f.n[q][a]
				row := func(i int) []float64 { return stiff[(3*a+i)*3*n+3*b:] }
				r := row(0)
				r[1] -= k * m.Z
				r[2] += k * m.Y
				r = row(1)
				r[0] += k * m.Z
				r[2] -= k * m.X
				r = row(2)
				r[0] -= k * m.Y
				r[1] += k * m.X
			}
		}
	}
}

// Traction adds to force the loads of the traction t, kPa, per area of the face
// at x.
func (f *Face) Traction(force []float64, x []r3.Vec, t r3.Vec) {
	for q, w := range f.w {
		s, u := f.tangents(x, q)
		area := w * r3.Norm(r3.Cross(s, u))
		for a := range x {
			force[3*a] += f.n[q][a] * area * t.X
			force[3*a+1] += f.n[q][a] * area * t.Y
			force[3*a+2] += f.n[q][a] * area * t.Z
		}
	}
}

// Foundation adds to stiff the springs along the normal, k kPa per mm, under the
// face at x: ∫ k N_a N_b n nᵀ dA.
func (f *Face) Foundation(stiff []float64, x []r3.Vec, k float64) {
	n := len(x)
	for q, w := range f.w {
		s, u := f.tangents(x, q)
		v := r3.Cross(s, u)
		area := r3.Norm(v)
		if area == 0 {
			continue
		}
		d := [3]float64{v.X, v.Y, v.Z}
		for a := range n {
			for b := range n {
				c := k * w * f.n[q][a] * f.n[q][b] / area
				for i := range 3 {
					for j := range 3 {
						stiff[(3*a+i)*3*n+3*b+j] += c * d[i] * d[j]
					}
				}
			}
		}
	}
}

// Area returns the area of the face at x, and the integral of n·v for values v
// at its nodes.
func (f *Face) Area(x, v []r3.Vec) (area, flux float64) {
	for q, w := range f.w {
		s, t := f.tangents(x, q)
		n := r3.Cross(s, t)
		area += w * r3.Norm(n)
		for a := range v {
			flux += w * f.n[q][a] * r3.Dot(n, v[a])
		}
	}
	return area, flux
}
