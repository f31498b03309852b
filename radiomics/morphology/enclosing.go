package morphology

import (
	"math"
	"slices"
)

// enclosing finds the smallest ellipsoid around points.
type enclosing struct {
	all    [][4]float64 // mm from their middle, and 1
	points [][4]float64 // those that are looked at
	weight []float64
	reach  []float64 // qᵀX⁻¹q of each point q

	determinant float64 // of X
}

// enclosingTolerance ε is how far, relatively, the reach of the farthest point
// may be from 4; the volume is then at most 2ε above the smallest.
const enclosingTolerance = 1e-6

// maxSweeps ends a search that rounding would not let end; a few dozen are enough.
const maxSweeps = 300

// smallest returns the smallest ellipsoid around the points, in half voxels. It
// belongs to the weights u of the points q = (p, 1) that make the determinant of
// X largest; then
//
//	X = Σ u q qᵀ,   qᵀX⁻¹q ≤ 4 (1 + ε)                                  (R.10)
//
// See Todd and Yıldırım, Discrete Appl. Math. 155 (2007) 1731. Few points touch
// the ellipsoid, so it starts with six and takes in those that are farthest
// outside until none is. The ellipsoid is then enlarged by what the tolerance
// left.
func (e *enclosing) smallest(points []point, f *frame) Solid {
	e.all = resized(e.all, len(points))
	lo, hi := points[0], points[0]
	for _, p := range points {
		for a := range 3 {
			lo[a], hi[a] = min(lo[a], p[a]), max(hi[a], p[a])
		}
	}
	for n, p := range points {
		var q [3]float64
		for a := range 3 {
			q[a] = (float64(p[a]) - float64(lo[a]+hi[a])/2) / 2
		}
		q = f.mm(q)
		e.all[n] = [4]float64{q[0], q[1], q[2], 1}
	}
	e.start()
	most := 0.0
	for {
		inverse := e.balance()
		// The farthest points of all, one in each direction's octant.
		var far [8]int
		var reach [8]float64
		most = 0
		for n := range e.all {
			q := &e.all[n]
			r := form(&inverse, q)
			most = max(most, r)
			octant := 0
			for a := range 3 {
				if q[a] > 0 {
					octant |= 1 << a
				}
			}
			if r > reach[octant] {
				far[octant], reach[octant] = n, r
			}
		}
		grown := false
		for o, r := range reach {
			if r > 4*(1+enclosingTolerance) && e.take(far[o]) {
				grown = true
			}
		}
		if !grown {
			break
		}
	}
	var centre [3]float64
	for n := range e.points {
		for a := range 3 {
			centre[a] += e.weight[n] * e.points[n][a]
		}
	}
	var c [3][3]float64
	for n := range e.points {
		for a := range 3 {
			for b := range 3 {
				c[a][b] += e.weight[n] * (e.points[n][a] - centre[a]) * (e.points[n][b] - centre[b])
			}
		}
	}
	l := eigenvalues(c)
	most--
	return ellipsoid(math.Sqrt(most*l[0]), math.Sqrt(most*l[1]), math.Sqrt(most*l[2]))
}

// take adds a point without weight to those that are looked at, unless it is one
// of them already.
func (e *enclosing) take(n int) bool {
	if slices.Contains(e.points, e.all[n]) {
		return false
	}
	e.points = append(e.points, e.all[n])
	e.weight, e.reach = append(e.weight, 0), append(e.reach, 0)
	return true
}

// form returns qᵀMq.
func form(m *[4][4]float64, q *[4]float64) float64 {
	return q[0]*(m[0][0]*q[0]+2*(m[0][1]*q[1]+m[0][2]*q[2]+m[0][3]*q[3])) +
		q[1]*(m[1][1]*q[1]+2*(m[1][2]*q[2]+m[1][3]*q[3])) +
		q[2]*(m[2][2]*q[2]+2*m[2][3]*q[3]) + q[3]*q[3]*m[3][3]
}

// balance moves weights between pairs of points until none is farther than the
// ellipsoid, and returns X⁻¹. Moving α from p to q changes the determinant of X
// by the factor
//
//	1 + α (q̂ − p̂) − α² (p̂ q̂ − (pᵀX⁻¹q)²),   p̂ = pᵀX⁻¹p                  (R.11)
//
// whose maximum says how much to move. See Harman, Filová and Richtárik, J. Am.
// Stat. Assoc. 115 (2020) 348.
func (e *enclosing) balance() [4][4]float64 {
	for range maxSweeps {
		inverse := e.refresh()
		far := 0
		for n, r := range e.reach {
			if r > e.reach[far] {
				far = n
			}
		}
		if e.reach[far] <= 4*(1+enclosingTolerance/2) {
			return inverse
		}
		for p := range e.points {
			e.move(&inverse, p, far)
		}
		for p := range e.points {
			for q := range p {
				if e.weight[p] > 0 && e.weight[q] > 0 {
					e.move(&inverse, p, q)
				}
			}
		}
		e.newton()
	}
	return e.refresh()
}

// mostNewton bounds the points with weight that a Newton step moves at once.
const mostNewton = 16

// newton moves all weights at once to where the determinant of X would be largest
// if its logarithm were quadratic, as far as no weight becomes negative:
//
//	Σ_q (pᵀX⁻¹q)² δ_q + λ = p̂,   Σ δ = 0                               (R.12)
//
// for all points p with weight. The step is taken back if it makes X smaller.
func (e *enclosing) newton() {
	var at [mostNewton]int
	n := 0
	for p, w := range e.weight {
		if w == 0 {
			continue
		}
		if n == mostNewton {
			return
		}
		at[n] = p
		n++
	}
	inverse := e.refresh()
	before := e.determinant
	var m [mostNewton + 1][mostNewton + 2]float64 // with the right side
	for r := range n {
		p := &e.points[at[r]]
		var u [4]float64
		for a := range 4 {
			u[a] = inverse[a][0]*p[0] + inverse[a][1]*p[1] + inverse[a][2]*p[2] + inverse[a][3]*p[3]
		}
		for c := range n {
			q := &e.points[at[c]]
			m[r][c] = square(u[0]*q[0] + u[1]*q[1] + u[2]*q[2] + u[3]*q[3])
		}
		m[r][r] *= 1 + 1e-12 // more than ten points are not independent
		m[r][n], m[n][r] = 1, 1
		m[r][n+1] = e.reach[at[r]]
	}
	for c := range n + 1 {
		pivot := c
		for r := c + 1; r <= n; r++ {
			if math.Abs(m[r][c]) > math.Abs(m[pivot][c]) {
				pivot = r
			}
		}
		if m[pivot][c] == 0 {
			return
		}
		m[c], m[pivot] = m[pivot], m[c]
		for r := range n + 1 {
			if f := m[r][c] / m[c][c]; r != c && f != 0 {
				for k := c; k < n+2; k++ {
					m[r][k] -= f * m[c][k]
				}
			}
		}
	}
	step := 1.0
	var delta, old [mostNewton]float64
	for r := range n {
		delta[r], old[r] = m[r][n+1]/m[r][r], e.weight[at[r]]
		if delta[r] < 0 {
			step = min(step, -old[r]/delta[r])
		}
	}
	for r := range n {
		e.weight[at[r]] = max(old[r]+step*delta[r], 0)
		if e.weight[at[r]] < 1e-15 {
			e.weight[at[r]] = 0
		}
	}
	e.refresh()
	if !(e.determinant >= before) {
		for r := range n {
			e.weight[at[r]] = old[r]
		}
	}
}

// move moves weight from point p to q, or back, so that the determinant of X
// becomes largest.
func (e *enclosing) move(inverse *[4][4]float64, p, q int) {
	if p == q || e.weight[p] == 0 && e.weight[q] == 0 {
		return
	}
	a, b := &e.points[p], &e.points[q]
	var u, v [4]float64 // X⁻¹p and X⁻¹q
	for n := range 4 {
		m := &inverse[n]
		u[n] = m[0]*a[0] + m[1]*a[1] + m[2]*a[2] + m[3]*a[3]
		v[n] = m[0]*b[0] + m[1]*b[1] + m[2]*b[2] + m[3]*b[3]
	}
	pp := a[0]*u[0] + a[1]*u[1] + a[2]*u[2] + a[3]*u[3]
	qq := b[0]*v[0] + b[1]*v[1] + b[2]*v[2] + b[3]*v[3]
	pq := a[0]*v[0] + a[1]*v[1] + a[2]*v[2] + a[3]*v[3]
	curve := pp*qq - pq*pq
	if !(curve > 0) {
		return
	}
	move := min(max((qq-pp)/(2*curve), -e.weight[q]), e.weight[p])
	factor := 1 + move*(qq-pp) - move*move*curve
	if move == 0 || !(factor > 1e-9) {
		return
	}
	e.weight[p] -= move
	e.weight[q] += move
	// X + α(q qᵀ − p pᵀ), inverted by Woodbury's formula.
	x, y, z := move*(1-move*pp)/factor, -move*(1+move*qq)/factor, move*move*pq/factor
	for m := range 4 {
		for n := range 4 {
			inverse[m][n] -= x*v[m]*v[n] + y*u[m]*u[n] + z*(u[m]*v[n]+v[m]*u[n])
		}
	}
}

// start takes in the two ends along three directions, each across the lines
// between the ends before, so that they span a volume, with equal weights.
func (e *enclosing) start() {
	e.points, e.weight, e.reach = e.points[:0], e.weight[:0], e.reach[:0]
	across := [3]float64{1, 0, 0}
	var spans [2][3]float64
	for n := range 3 {
		low, high := 0, 0
		lo, hi := math.Inf(1), math.Inf(-1)
		for m := range e.all {
			x := dot3(across, [3]float64(e.all[m][:3]))
			if x < lo {
				low, lo = m, x
			}
			if x > hi {
				high, hi = m, x
			}
		}
		e.take(low)
		e.take(high)
		if n == 2 {
			break
		}
		for a := range 3 {
			spans[n][a] = e.all[high][a] - e.all[low][a]
		}
		if n == 0 {
			across = cross3(spans[0], [3]float64{0, 0, 1})
			if dot3(across, across) < 1e-6*dot3(spans[0], spans[0]) {
				across = cross3(spans[0], [3]float64{0, 1, 0})
			}
		} else {
			across = cross3(spans[0], spans[1])
		}
	}
	for n := range e.weight {
		e.weight[n] = 1 / float64(len(e.weight))
	}
}

// refresh computes X⁻¹, the determinant of X and the reach of all points from
// the weights.
func (e *enclosing) refresh() [4][4]float64 {
	var x [4][4]float64
	for n := range e.points {
		if w := e.weight[n]; w > 0 {
			q := &e.points[n]
			for a := range 4 {
				for b := range 4 {
					x[a][b] += w * q[a] * q[b]
				}
			}
		}
	}
	inverse, determinant := invert(x)
	e.determinant = determinant
	for n := range e.points {
		e.reach[n] = form(&inverse, &e.points[n])
	}
	return inverse
}

// invert returns the inverse of a symmetric positive definite matrix, by
// elimination with the largest pivots, and the absolute value of its
// determinant.
func invert(x [4][4]float64) (y [4][4]float64, determinant float64) {
	determinant = 1
	for a := range 4 {
		y[a][a] = 1
	}
	for c := range 4 {
		p := c
		for a := c + 1; a < 4; a++ {
			if math.Abs(x[a][c]) > math.Abs(x[p][c]) {
				p = a
			}
		}
		x[c], x[p] = x[p], x[c]
		y[c], y[p] = y[p], y[c]
		determinant *= math.Abs(x[c][c])
		s := 1 / x[c][c]
		for b := range 4 {
			x[c][b] *= s
			y[c][b] *= s
		}
		for a := range 4 {
			if a == c {
				continue
			}
			m := x[a][c]
			for b := range 4 {
				x[a][b] -= m * x[c][b]
				y[a][b] -= m * y[c][b]
			}
		}
	}
	return y, determinant
}
