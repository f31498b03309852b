package element

import (
	"gonum.org/v1/gonum/spatial/r3"
)

// Layer is a share of a [Laminate].
type Layer struct {
	Lame
	Share float64 // of the volume; the shares of a laminate add up to one
}

// Laminate is what a cell is made of that flat interfaces with the normal N cut
// into layers of isotropic solids. Bonded layers have the same strain within the
// interface and the same traction on it. So if ε is the mean strain, that of
// layer i differs from it by a jump along the normal,
//
//	εᵢ = ε + sym(aᵢ ⊗ n),  Σ fᵢ aᵢ = 0,  (Cᵢ εᵢ) n = t                 (F.20)
//	aᵢ = Kᵢ⁻¹ (t − (Cᵢ ε) n),  t = (Σ fᵢ Kᵢ⁻¹)⁻¹ Σ fᵢ Kᵢ⁻¹ (Cᵢ ε) n
//	Kᵢ⁻¹ = (I − n nᵀ)/μᵢ + n nᵀ/(λᵢ + 2μᵢ)
//
// and the mean stress is Σ fᵢ Cᵢ εᵢ. This is exact for layers (Backus, J Geophys
// Res 67 (1962) 4427); as the law of cells that an interface cuts it is the
// laminate mixing of Kabel, Merkert and Schneider, Comput Methods Appl Mech Eng
// 294 (2015) 168.
type Laminate struct {
	N      r3.Vec // unit vector
	Layers []Layer
}

// shed returns (I − n nᵀ) v · across + n (n·v) · along.
func shed(v, n r3.Vec, across, along float64) r3.Vec {
	return r3.Add(r3.Scale(across, v), r3.Scale((along-across)*r3.Dot(v, n), n))
}

// Traction returns t of (F.20) for the mean strain e, kPa.
func (l *Laminate) Traction(e Tensor) r3.Vec {
	var sum r3.Vec
	var across, along float64
	for _, m := range l.Layers {
		p := m.Bulk + 4*m.Shear/3 // λ + 2μ
		sum = r3.Add(sum, shed(m.Stress(e).Dot(l.N), l.N, m.Share/m.Shear, m.Share/p))
		across += m.Share / m.Shear
		along += m.Share / p
	}
	return shed(sum, l.N, 1/across, 1/along)
}

// Strain returns the strain of layer i of (F.20), for the mean strain e and the
// traction t.
func (l *Laminate) Strain(i int, e Tensor, t r3.Vec) Tensor {
	m, n := &l.Layers[i], l.N
	a := shed(r3.Sub(t, m.Stress(e).Dot(n)), n, 1/m.Shear, 1/(m.Bulk+4*m.Shear/3))
	e[0] += a.X * n.X
	e[1] += a.Y * n.Y
	e[2] += a.Z * n.Z
	e[3] += (a.X*n.Y + a.Y*n.X) / 2
	e[4] += (a.Y*n.Z + a.Z*n.Y) / 2
	e[5] += (a.Z*n.X + a.X*n.Z) / 2
	return e
}

// Stress returns the mean stress for the mean strain e.
func (l *Laminate) Stress(e Tensor) (s Tensor) {
	t := l.Traction(e)
	for i, m := range l.Layers {
		for c, v := range m.Lame.Stress(l.Strain(i, e, t)) {
			s[c] += m.Share * v
		}
	}
	return s
}

// Dot returns t n.
func (t Tensor) Dot(n r3.Vec) r3.Vec {
	return r3.Vec{
		X: t[0]*n.X + t[3]*n.Y + t[5]*n.Z,
		Y: t[3]*n.X + t[1]*n.Y + t[4]*n.Z,
		Z: t[5]*n.X + t[4]*n.Y + t[2]*n.Z,
	}
}

// LaminateStiffness stores in k the matrix of ½ ∫ ε̄ : C : ε̄ dV with the strain
// of (F.4) and one laminate throughout the element.
func (h *Hex8) LaminateStiffness(k *[8][8][9]float64, l *Laminate) {
	var law [6]Tensor // law[c]: stress of the unit strain c, twice it for shear, which counts twice in σ : ε
	for c := range law {
		var e Tensor
		e[c] = 1
		law[c] = l.Stress(e)
		for d := 3; d < 6; d++ {
			law[c][d] *= 2
		}
	}
	*k = [8][8][9]float64{}
	var b, s [8][3]Tensor // strain of a unit displacement of corner a along i, and the stress with it
	for q, w := range h.Weight {
		for a := range 8 {
			g, m := &h.Grad[q][a], &h.Mean[a]
			for i := range 3 {
				var e Tensor
				e[i] = g[i]
				e[3+i] = g[(i+1)%3] / 2 // xy, yz, zx
				e[3+(i+2)%3] = g[(i+2)%3] / 2
				d := (m[i] - g[i]) / 3
				e[0] += d
				e[1] += d
				e[2] += d
				b[a][i] = e
				var t Tensor
				for c, x := range e {
					for d := range t {
						t[d] += x * law[c][d]
					}
				}
				for d := range t {
					t[d] *= w
				}
				s[a][i] = t
			}
		}
		for a := range 8 {
			for c := a; c < 8; c++ {
				for i := range 3 {
					for j := range 3 {
						e, t := &b[a][i], &s[c][j]
						k[a][c][3*i+j] += e[0]*t[0] + e[1]*t[1] + e[2]*t[2] + e[3]*t[3] + e[4]*t[4] + e[5]*t[5]
					}
				}
			}
		}
	}
	for a := range 8 {
		for c := a + 1; c < 8; c++ {
			s := &k[a][c]
			k[c][a] = [9]float64{s[0], s[3], s[6], s[1], s[4], s[7], s[2], s[5], s[8]}
		}
	}
}
