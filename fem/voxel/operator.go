package voxel

import (
	"github.com/plaquerisk/plaquerisk/fem/element"
)

// real is the type of a vector.
type real interface{ float32 | float64 }

// packed is the number of values of a symmetric matrix of 24 rows, the lower triangle
// by rows.
const packed = 300

// modal adds to y the product of a cube's stiffness and x, 24 values each, three a
// corner. In the modes 1, ξ, η, ξη, ζ, ξζ, ηζ and ξηζ of a cube of edge h the strain
// is a sum of orthogonal functions, so that (F.5) falls apart:
//
//	U = h/16 [ ½ κ tr²C + μ E(C) + ⅓ μ Σ E(G_b) + ⁵⁄₂₇ μ |c_ξηζ|² ],   E(G) = |sym G|² − ⅓ tr² G
//
// for sums c_m of the corner values with the signs of the modes; C has the columns
// c_ξ, c_η, c_ζ; and for b = ξ, η, ζ the columns of G_b are those mixed modes that b
// is a part of, each in the place of the other part. mu and kappa are μ h / 16 and
// κ h / 16. It takes about a quarter of the operations of the 24×24 product.
func modal[F real](y, x *[24]F, mu, kappa F) {
	c := *x
	modes(&c)
	var f [24]F
	// The constant part of the gradient, C_ij = c[3·2ʲ + i].
	tr := c[3] + c[7] + c[14]
	p := kappa*tr - 2*mu*tr/3
	f[3], f[7], f[14] = p+2*mu*c[3], p+2*mu*c[7], p+2*mu*c[14]
	s := mu * (c[4] + c[6])
	f[4], f[6] = s, s
	s = mu * (c[8] + c[13])
	f[8], f[13] = s, s
	s = mu * (c[12] + c[5])
	f[12], f[5] = s, s
	// Mixed modes: ξη at 9, ξζ at 15, ηζ at 18, each x, y, z.
	m := mu / 3
	d := 2 * m / 3
	// ξ: ξη along y, ξζ along z
	f[10] += d * (2*c[10] - c[17])
	f[17] += d * (2*c[17] - c[10])
	s = m * (c[11] + c[16])
	f[9], f[15], f[11], f[16] = f[9]+m*c[9], f[15]+m*c[15], f[11]+s, f[16]+s
	// η: ξη along x, ηζ along z
	f[9] += d * (2*c[9] - c[20])
	f[20] += d * (2*c[20] - c[9])
	s = m * (c[11] + c[18])
	f[10], f[19], f[11], f[18] = f[10]+m*c[10], f[19]+m*c[19], f[11]+s, f[18]+s
	// ζ: ξζ along x, ηζ along y
	f[15] += d * (2*c[15] - c[19])
	f[19] += d * (2*c[19] - c[15])
	s = m * (c[16] + c[18])
	f[17], f[20], f[16], f[18] = f[17]+m*c[17], f[20]+m*c[20], f[16]+s, f[18]+s
	w := mu * 10 / 27
	f[21], f[22], f[23] = w*c[21], w*c[22], w*c[23]
	corners(&f)
	for i, v := range f {
		y[i] += v
	}
}

// modes replaces the values at the corners by their sums with the signs of the modes.
func modes[F real](v *[24]F) {
	for i := range 3 {
		a0, a1, a2, a3, a4, a5, a6, a7 := v[i], v[3+i], v[6+i], v[9+i], v[12+i], v[15+i], v[18+i], v[21+i]
		a0, a1, a2, a3, a4, a5, a6, a7 = a0+a1, a1-a0, a2+a3, a3-a2, a4+a5, a5-a4, a6+a7, a7-a6
		a0, a2, a1, a3, a4, a6, a5, a7 = a0+a2, a2-a0, a1+a3, a3-a1, a4+a6, a6-a4, a5+a7, a7-a5
		v[i], v[3+i], v[6+i], v[9+i] = a0+a4, a1+a5, a2+a6, a3+a7
		v[12+i], v[15+i], v[18+i], v[21+i] = a4-a0, a5-a1, a6-a2, a7-a3
	}
}

// corners is the transpose of [modes].
func corners[F real](v *[24]F) {
	for i := range 3 {
		a0, a1, a2, a3, a4, a5, a6, a7 := v[i], v[3+i], v[6+i], v[9+i], v[12+i], v[15+i], v[18+i], v[21+i]
		a0, a1, a2, a3, a4, a5, a6, a7 = a0-a1, a0+a1, a2-a3, a2+a3, a4-a5, a4+a5, a6-a7, a6+a7
		a0, a2, a1, a3, a4, a6, a5, a7 = a0-a2, a0+a2, a1-a3, a1+a3, a4-a6, a4+a6, a5-a7, a5+a7
		v[i], v[3+i], v[6+i], v[9+i] = a0-a4, a1-a5, a2-a6, a3-a7
		v[12+i], v[15+i], v[18+i], v[21+i] = a0+a4, a1+a5, a2+a6, a3+a7
	}
}

// multiply adds to y the product of the packed matrix k and x.
func multiply[C, F real](y, x *[24]F, k []C) {
	for i := range 24 {
		row := k[:i+1]
		k = k[i+1:]
		xi, s := x[i], F(0)
		for j, v := range row[:i] {
			w := F(v)
			s += w * x[j]
			y[j] += w * xi
		}
		y[i] += s + F(row[i])*xi
	}
}

// pack stores the lower triangle of an element's stiffness in dst, corners in the
// order of cubes.
func pack(dst []float64, k *[8][8][9]float64) {
	n := 0
	for r := range 24 {
		for c := range r + 1 {
			dst[n] = k[brickCorner[r/3]][brickCorner[c/3]][3*(r%3)+c%3]
			n++
		}
	}
}

// unpack is the way back, to a full matrix by rows.
func unpack[C real](dst *[576]float64, k []C) {
	n := 0
	for r := range 24 {
		for c := range r + 1 {
			v := float64(k[n])
			dst[24*r+c], dst[24*c+r] = v, v
			n++
		}
	}
}

// cube returns the full matrix of a cube by [modal].
func cube(mu, kappa float64) (k [576]float64) {
	for c := range 24 {
		var x, y [24]float64
		x[c] = 1
		modal(&y, &x, mu, kappa)
		for r, v := range y {
			k[24*r+c] = v
		}
	}
	return k
}

// operator is a matrix of bricks: those of own −1 are cubes of moduli mu and kappa,
// the others have matrices of their own.
type operator[C real] struct {
	*grid
	mu, kappa []C // times h/16
	which     []int32
	own       []C
}

// mul stores A⋅x in y.
func mul[C, F real](o *operator[C], y, x []F) {
	clear(y)
	o.eachSlab(func(lo, hi int) {
		var u, v [24]F
		for e := lo; e < hi; e++ {
			cell := &o.cells[e]
			for a, n := range cell {
				w := (*[3]F)(x[3*int(n):])
				u[3*a], u[3*a+1], u[3*a+2] = w[0], w[1], w[2]
			}
			v = [24]F{}
			if k := o.which[e]; k < 0 {
				modal(&v, &u, F(o.mu[e]), F(o.kappa[e]))
			} else {
				multiply(&v, &u, o.own[packed*int(k):packed*int(k)+packed])
			}
			for a, n := range cell {
				w := (*[3]F)(y[3*int(n):])
				w[0] += v[3*a]
				w[1] += v[3*a+1]
				w[2] += v[3*a+2]
			}
		}
	})
}

// matrix stores the full matrix of brick e in k.
func (o *operator[C]) matrix(k *[576]float64, e int) {
	if w := o.which[e]; w >= 0 {
		unpack(k, o.own[packed*int(w):packed*int(w)+packed])
		return
	}
	*k = cube(float64(o.mu[e]), float64(o.kappa[e]))
}

// diagonal returns the 3×3 diagonal blocks.
func (o *operator[C]) diagonal() []float64 {
	d := make([]float64, 9*len(o.node))
	unitMu, unitKappa := cube(1, 0), cube(0, 1)
	for e := range o.cells {
		var k [576]float64
		if o.which[e] >= 0 {
			o.matrix(&k, e)
		}
		for a, n := range o.cells[e] {
			for i := range 3 {
				for j := range 3 {
					at := 24*(3*a+i) + 3*a + j
					v := k[at]
					if o.which[e] < 0 {
						v = float64(o.mu[e])*unitMu[at] + float64(o.kappa[e])*unitKappa[at]
					}
					d[9*int(n)+3*i+j] += v
				}
			}
		}
	}
	return d
}

// stiffness computes the packed matrix of a brick at x of one material.
func stiffness(dst []float64, h *element.Hex8, law element.Lame) {
	var all [element.Points]element.Lame
	for q := range all {
		all[q] = law
	}
	var k [8][8][9]float64
	h.Stiffness(&k, &all)
	pack(dst, &k)
}
