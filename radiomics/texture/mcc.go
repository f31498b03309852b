package texture

import "math"

// correlations is what [coefficient] works on.
type correlations struct {
	memory *memory
	index  []uint16  // of each code among those that occur
	rx, ry []float64 // roots of the margins
	a      []float64 // lower half of a symmetric matrix, row after row
	d, e   []float64 // diagonals of a tridiagonal one
}

// coefficient returns the maximal correlation coefficient: the second largest
// singular value of p(i, j)/√(pₓ(i) pᵧ(j)). The largest is 1, with the vectors
// √pₓ and √pᵧ, and is taken away. PyRadiomics takes the root of the second
// eigenvalue of Σₖ p(i, k) p(j, k)/(pₓ(i) pᵧ(k)), which is the same. With one
// level in the region it is undefined.
func coefficient(m *memory, cells []cell, px, py []float64, total float64, symmetric bool) float64 {
	if len(px) < 3 {
		return math.NaN()
	}
	defer m.release(m.at)
	s := correlations{memory: m}
	s.margins(px, py, symmetric)
	switch {
	case len(s.rx) > maxDense:
		return s.sparse(cells, total, symmetric)
	case symmetric:
		return s.dense(cells, total)
	}
	return s.product(cells, total)
}

// margins numbers the codes that occur.
func (s *correlations) margins(px, py []float64, symmetric bool) {
	if symmetric {
		py = px
	}
	s.index = take[uint16](s.memory, len(px))
	m := 0
	for x := range px {
		if px[x] > 0 || py[x] > 0 {
			s.index[x] = uint16(m)
			m++
		}
	}
	roots := func(p []float64) []float64 {
		r := take[float64](s.memory, m)[:0]
		for x := range p {
			if px[x] > 0 || py[x] > 0 {
				r = append(r, math.Sqrt(p[x]))
			}
		}
		return r
	}
	s.rx = roots(px)
	if s.ry = s.rx; !symmetric {
		s.ry = roots(py)
	}
}

// triangle returns the place of row i in the lower half of a matrix.
func triangle(i int) int { return i * (i + 1) / 2 }

// dense is coefficient for a symmetric matrix made in full.
func (s *correlations) dense(cells []cell, total float64) float64 {
	m := len(s.rx)
	s.a = take[float64](s.memory, triangle(m))
	for i, x := range s.rx {
		row := s.a[triangle(i):][:i+1]
		for j, y := range s.rx[:i+1] {
			row[j] = -x * y / total
		}
	}
	for _, c := range cells { // i ≤ j
		i, j := int(s.index[c.j]), int(s.index[c.i])
		s.a[triangle(i)+j] += c.n / (s.rx[i] * s.rx[j])
	}
	return s.largest(m)
}

// product is coefficient for a matrix A that is not symmetric: the root of the
// largest eigenvalue of A Aᵀ.
func (s *correlations) product(cells []cell, total float64) float64 {
	m := len(s.rx)
	a := take[float64](s.memory, m*m)
	for i, x := range s.rx {
		row := a[i*m:][:m]
		for j, y := range s.ry {
			row[j] = -x * y / total
		}
	}
	for _, c := range cells {
		i, j := int(s.index[c.i]), int(s.index[c.j])
		a[i*m+j] += c.n / (s.rx[i] * s.ry[j])
	}
	s.a = zeros[float64](s.memory, triangle(m))
	for i := range m {
		for j := range i + 1 {
			for k := range m {
				s.a[triangle(i)+j] += a[i*m+k] * a[j*m+k]
			}
		}
	}
	return math.Sqrt(s.largest(m))
}

// maxDense is the largest order of a matrix that is made in full.
const maxDense = 128

// sparse is coefficient for many levels: Lanczos's iteration with A Aᵀ, or A if
// it is symmetric, of which the entries alone are kept. The extreme values of
// its tridiagonal matrix approach those of A from within; the iteration ends
// when ten more steps do not change them.
func (s *correlations) sparse(cells []cell, total float64, symmetric bool) float64 {
	const most = 400
	m := len(s.rx)
	before, v, w, u := zeros[float64](s.memory, m), take[float64](s.memory, m), take[float64](s.memory, m), take[float64](s.memory, m)
	s.d, s.e = take[float64](s.memory, most)[:0], append(take[float64](s.memory, most+1)[:0], 0)
	x := uint64(1)
	for n := range v { // any start will do that is the same each time
		x = x*6364136223846793005 + 1442695040888963407
		v[n] = float64(x>>11)/(1<<52) - 1
	}
	scale(v, 1/math.Sqrt(dot(v, v)))
	last := math.Inf(-1)
	for step := 1; ; step++ {
		if symmetric {
			s.multiply(w, v, cells, total, symmetric, false)
		} else {
			s.multiply(u, v, cells, total, symmetric, true)
			s.multiply(w, u, cells, total, symmetric, false)
		}
		alpha, beta := dot(v, w), s.e[step-1]
		for n := range w {
			w[n] -= alpha*v[n] + beta*before[n]
		}
		beta = math.Sqrt(dot(w, w))
		s.d, s.e = append(s.d, alpha), append(s.e, beta)
		done := step == min(most, m) || beta < 1e-14
		if done || step%10 == 0 {
			top := s.largestOf(step)
			if done || top-last <= 1e-13*top {
				if symmetric {
					return top
				}
				return math.Sqrt(top)
			}
			last = top
		}
		scale(w, 1/beta)
		before, v, w = v, w, before
	}
}

// multiply stores A x, or Aᵀ x, in dst.
func (s *correlations) multiply(dst, x []float64, cells []cell, total float64, symmetric, transposed bool) {
	left, right := s.rx, s.ry
	if transposed {
		left, right = right, left
	}
	known := dot(right, x) / total
	for n := range dst {
		dst[n] = -left[n] * known
	}
	for _, c := range cells {
		i, j := int(s.index[c.i]), int(s.index[c.j])
		if transposed {
			i, j = j, i
		}
		a := c.n / (left[i] * right[j])
		dst[i] += a * x[j]
		if symmetric && i != j {
			dst[j] += a * x[i]
		}
	}
}

func dot(x, y []float64) (s float64) {
	for n, x := range x {
		s += x * y[n]
	}
	return s
}

func scale(x []float64, a float64) {
	for n := range x {
		x[n] *= a
	}
}

// largest returns the largest |λ| of the symmetric matrix of order m below and
// on the diagonal of s.a, which it destroys.
func (s *correlations) largest(m int) float64 {
	s.tridiagonalise(m)
	return s.largestOf(m)
}

// largestOf returns the largest |λ| of the tridiagonal matrix of order m.
func (s *correlations) largestOf(m int) float64 {
	var bound float64
	for i := range m {
		r := math.Abs(s.d[i]) + math.Abs(s.e[i])
		if i+1 < m {
			r += math.Abs(s.e[i+1])
		}
		bound = max(bound, r)
	}
	top := max(s.extreme(m, 1, bound), 0)
	if s.below(m, top) {
		return s.extreme(m, -1, bound)
	}
	return top
}

// below tells whether the tridiagonal matrix has an eigenvalue below −x: whether
// a pivot of T + x is negative.
func (s *correlations) below(m int, x float64) bool {
	q := 1.0
	for i := range m {
		if q = s.d[i] + x - s.e[i]*s.e[i]/q; q <= 0 {
			return true
		}
	}
	return false
}

// extreme returns the largest eigenvalue, at most bound, of sign times the
// tridiagonal matrix T. Laguerre's iteration for the roots of det(T − x) comes
// down to the largest from above without passing it:
//
//	x ← x − m/(G + √((m − 1)(m H − G²))),  G = Σ qᵢ'/qᵢ,  H = −G'
//
// where qᵢ are the pivots of T − x and their derivatives are by x.
func (s *correlations) extreme(m int, sign, bound float64) float64 {
	x := bound * (1 + 1e-12)
	n := float64(m)
	for range 100 {
		var g, h float64
		inverse, u, t := 1.0, 0.0, 0.0 // 1/q, q'/q and q''/q of the last pivot
		for i := range m {
			// (e²/q)' = −e² q'/q², (e²/q)'' = e² (2 q'²/q − q'')/q²
			r := s.e[i] * s.e[i] * inverse
			q := sign*s.d[i] - x - r
			if q >= 0 {
				return x
			}
			q1, q2 := r*u-1, -r*(2*u*u-t)
			inverse = 1 / q
			u, t = q1*inverse, q2*inverse
			g += u
			h += u*u - t
		}
		step := n / (g + math.Sqrt(max(0, (n-1)*(n*h-g*g))))
		if !(step > 1e-15*bound) {
			break
		}
		x -= step
	}
	return x
}

// tridiagonalise reduces s.a, of which it reads the lower half, with
// Householder's reflections to the diagonal s.d and the subdiagonal s.e, where
// e[i] stands beside d[i−1] and d[i].
func (s *correlations) tridiagonalise(m int) {
	s.d, s.e = take[float64](s.memory, m), take[float64](s.memory, m)
	space := take[float64](s.memory, m)
	a := s.a
	for i := m - 1; i > 0; i-- {
		v := a[triangle(i):][:i] // the row left of the diagonal becomes the reflector
		s.d[i] = a[triangle(i)+i]
		var norm2 float64
		for _, x := range v {
			norm2 += x * x
		}
		last := v[i-1]
		rest := norm2 - last*last
		if !(rest > 1e-40) {
			s.e[i] = last
			continue
		}
		norm := math.Sqrt(norm2)
		if last > 0 {
			norm = -norm
		}
		s.e[i] = norm
		v[i-1] = last - norm
		h := norm2 - last*norm // |v|²/2
		p := space[:i]
		clear(p)
		for j, vj := range v { // p = A v
			row := a[triangle(j):][:j+1]
			sum := row[j] * vj
			pj, vr := p[:j], v[:j]
			for k, x := range row[:j] {
				sum += x * vr[k]
				pj[k] += x * vj
			}
			p[j] += sum
		}
		var vp float64
		for j, x := range v {
			p[j] /= h
			vp += x * p[j]
		}
		vp /= 2 * h
		for j, x := range v {
			p[j] -= vp * x
		}
		for j, vj := range v { // A − v pᵀ − p vᵀ
			pj := p[j]
			row, pr, vr := a[triangle(j):][:j+1], p[:j+1], v[:j+1]
			for k := range row {
				row[k] -= vj*pr[k] + pj*vr[k]
			}
		}
	}
	if m > 0 {
		s.d[0], s.e[0] = a[0], 0
	}
}
