package texture

import "math"

// mccScratch is the memory of [mccScratch.coefficient].
type mccScratch struct {
	a, d, e, p []float64
	index      []int
}

// coefficient returns the maximal correlation coefficient: the second largest
// singular value of p(i, j)/√(pₓ(i) pᵧ(j)). The largest is 1, with the vectors
// √pₓ and √pᵧ, and is taken away. PyRadiomics takes the root of the second
// eigenvalue of Σₖ p(i, k) p(j, k)/(pₓ(i) pᵧ(k)), which is the same. With one
// level it is undefined.
func (s *mccScratch) coefficient(cells []cell, px, py []float64, total float64, symmetric bool) float64 {
	if symmetric {
		py = px
	}
	s.index = resize(s.index, len(px))
	m := 0
	for x := range px {
		if px[x] > 0 || py[x] > 0 {
			s.index[x] = m
			m++
		}
	}
	if len(px) < 3 { // one level in the region
		return math.NaN()
	}
	s.a = resize(s.a, m*m)
	clear(s.a)
	for _, c := range cells {
		i, j := s.index[c.i], s.index[c.j]
		x := c.n / math.Sqrt(px[c.i]*py[c.j])
		s.a[i*m+j] = x
		if symmetric {
			s.a[j*m+i] = x
		}
	}
	for x := range px {
		for y := range py {
			if px[x] > 0 && py[y] > 0 {
				s.a[s.index[x]*m+s.index[y]] -= math.Sqrt(px[x]) * math.Sqrt(py[y]) / total
			}
		}
	}
	if symmetric {
		return s.largest(m)
	}
	b := make([]float64, m*m)
	for i := range m {
		for j := range m {
			for k := range m {
				b[i*m+j] += s.a[i*m+k] * s.a[j*m+k]
			}
		}
	}
	copy(s.a, b)
	return math.Sqrt(s.largest(m))
}

// largest returns the largest |λ| of the symmetric matrix s.a of order m, which
// it destroys: Householder's reduction to a tridiagonal matrix, then bisection
// by Sturm's count of the eigenvalues beyond ±x.
func (s *mccScratch) largest(m int) float64 {
	s.tridiagonalise(m)
	bound := 0.0
	for i := range m {
		r := math.Abs(s.d[i]) + math.Abs(s.e[i])
		if i+1 < m {
			r += math.Abs(s.e[i+1])
		}
		bound = max(bound, r)
	}
	lo, hi := 0.0, bound
	for range 100 {
		mid := (lo + hi) / 2
		if hi-lo <= 1e-14*bound || mid == lo || mid == hi {
			break
		}
		if s.beyond(m, mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}

// beyond tells whether an eigenvalue of the tridiagonal matrix is above x or
// below −x.
func (s *mccScratch) beyond(m int, x float64) bool {
	const tiny = 1e-300
	q, p := 1.0, 1.0 // pivots of T − x and of −T − x: all negative if no eigenvalue is beyond
	for i := range m {
		e2 := s.e[i] * s.e[i]
		q = s.d[i] - x - e2/q
		p = -s.d[i] - x - e2/p
		if q > 0 || p > 0 {
			return true
		}
		if q == 0 {
			q = -tiny
		}
		if p == 0 {
			p = -tiny
		}
	}
	return false
}

// tridiagonalise reduces s.a to the diagonal s.d and the subdiagonal s.e, where
// e[i] stands beside d[i−1] and d[i].
func (s *mccScratch) tridiagonalise(m int) {
	s.d, s.e, s.p = resize(s.d, m), resize(s.e, m), resize(s.p, m)
	a := s.a
	for i := m - 1; i > 0; i-- {
		v := a[i*m:][:i] // the row left of the diagonal becomes the reflector
		s.d[i] = a[i*m+i]
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
		p := s.p[:i]
		var vp float64
		for j := range p {
			row := a[j*m:][:i]
			var sum float64
			for k, x := range v {
				sum += row[k] * x
			}
			p[j] = sum / h
			vp += v[j] * p[j]
		}
		vp /= 2 * h
		for j := range p {
			p[j] -= vp * v[j]
		}
		for j := range p {
			row := a[j*m:][:i]
			vj, pj := v[j], p[j]
			for k := range row {
				row[k] -= vj*p[k] + pj*v[k]
			}
		}
	}
	if m > 0 {
		s.d[0], s.e[0] = a[0], 0
	}
}
