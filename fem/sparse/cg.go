package sparse

import (
	"context"
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Operator is a symmetric positive (semi-)definite matrix.
type Operator interface {
	// Mul stores A⋅x in dst.
	Mul(dst, x []float64)
}

// Preconditioner is a symmetric positive definite approximation of the inverse.
type Preconditioner interface {
	// Apply stores M⁻¹⋅r in dst. It may use r as scratch no further than reading.
	Apply(dst, r []float64)
}

// Settings say when [Solve] stops.
type Settings struct {
	Tolerance     float64 // of ‖b − A x‖ / ‖b‖
	MaxIterations int
	// Free is an orthonormal basis of motions that A does not resist. The solution
	// has no component along them.
	Free [][]float64
}

// Report says how far the iteration came.
type Report struct {
	Iterations int
	Residual   float64 // true relative residual ‖b − A x‖ / ‖b‖, computed anew at the end
	Converged  bool
}

// maxRestarts bounds how often rounding may drive the recursive residual and the
// true one apart.
const maxRestarts = 5

// Solve solves A x = b by preconditioned conjugate gradients, starting from the
// given x (Hestenes and Stiefel 1952; Saad, Iterative Methods for Sparse Linear
// Systems, 2003, algorithm 9.1). When the recursive residual meets the
// tolerance, the true one is computed; if rounding has driven the two apart,
// the iteration starts again from where it stands. Not converging is no error
// here: read the report.
func Solve(ctx context.Context, x []float64, a Operator, b []float64, pre Preconditioner, set Settings) (Report, error) {
	n := len(b)
	if len(x) != n {
		return Report{}, fmt.Errorf("conjugate gradients: %d unknowns but %d equations", len(x), n)
	}
	var rep Report
	norm := math.Sqrt(dot(b, b))
	if norm == 0 {
		clear(x)
		return Report{Converged: true}, nil
	}
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return Report{}, fmt.Errorf("conjugate gradients: the right-hand side is %w", ErrNotFinite)
	}
	r, z, p, q := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for restart := 0; ; restart++ {
		project(x, set.Free)
		a.Mul(r, x)
		for i := range r {
			r[i] = b[i] - r[i]
		}
		project(r, set.Free)
		rep.Residual = math.Sqrt(dot(r, r)) / norm
		rep.Converged = rep.Residual <= set.Tolerance
		if rep.Converged || rep.Iterations >= set.MaxIterations || restart > maxRestarts {
			return rep, nil
		}
		var rho float64
		for first := true; rep.Iterations < set.MaxIterations; first = false {
			if err := ctx.Err(); err != nil {
				return rep, err
			}
			rep.Iterations++
			pre.Apply(z, r)
			project(z, set.Free)
			next := dot(r, z)
			if !(next > 0) || math.IsInf(next, 0) {
				return rep, &DefiniteError{Method: "conjugate gradients", Iteration: rep.Iterations, Quantity: "rᵀM⁻¹r", Value: next}
			}
			if first {
				copy(p, z)
			} else {
				beta := next / rho
				scaleAdd(p, beta, z)
			}
			rho = next
			a.Mul(q, p)
			pq := dot(p, q)
			if !(pq > 0) {
				return rep, &DefiniteError{Method: "conjugate gradients", Iteration: rep.Iterations, Quantity: "pᵀAp", Value: pq}
			}
			alpha := rho / pq
			addScaled(x, alpha, p)
			addScaled(r, -alpha, q)
			// A little below the target, so that the true residual meets it too.
			if math.Sqrt(dot(r, r)) <= 0.9*set.Tolerance*norm {
				break
			}
		}
	}
}

// project removes from x its components along the orthonormal vectors free.
func project(x []float64, free [][]float64) {
	for _, z := range free {
		addScaled(x, -dot(x, z), z)
	}
}

// addScaled adds a⋅x to y.
func addScaled(y []float64, a float64, x []float64) {
	_ = par.Blocks(context.Background(), len(y), dotBlock, func(lo, hi int) {
		x := x[lo:hi]
		for i, v := range y[lo:hi] {
			y[lo+i] = v + a*x[i]
		}
	})
}

// scaleAdd replaces y by a⋅y + x.
func scaleAdd(y []float64, a float64, x []float64) {
	_ = par.Blocks(context.Background(), len(y), dotBlock, func(lo, hi int) {
		x := x[lo:hi]
		for i, v := range y[lo:hi] {
			y[lo+i] = x[i] + a*v
		}
	})
}

// BlockJacobi is the preconditioner that solves the 3×3 block of each node
// alone. It suits any mesh and only small systems: on plaque contrast it needs
// thousands of iterations (docs/decisions/0050-multigrid.md).
type BlockJacobi struct{ inv []float64 }

// NewBlockJacobi inverts the diagonal blocks of m.
func NewBlockJacobi(m *BSR) (*BlockJacobi, error) {
	p := &BlockJacobi{inv: make([]float64, 9*m.Blocks())}
	for a := range m.Blocks() {
		b := m.Block(a, a)
		if b == nil || !invert3(p.inv[9*a:9*a+9], b) {
			return nil, fmt.Errorf("block Jacobi: the diagonal block of node %d is singular", a)
		}
	}
	return p, nil
}

// Apply stores D⁻¹⋅r in dst.
func (p *BlockJacobi) Apply(dst, r []float64) {
	for a := range len(r) / 3 {
		mulBlock(dst[3*a:], p.inv[9*a:], r[3*a:])
	}
}

// mulBlock stores the product of the 3×3 block v and u in dst.
func mulBlock(dst, v, u []float64) {
	dst, v, u = dst[:3:3], v[:9:9], u[:3:3]
	x0, x1, x2 := u[0], u[1], u[2]
	dst[0] = v[0]*x0 + v[1]*x1 + v[2]*x2
	dst[1] = v[3]*x0 + v[4]*x1 + v[5]*x2
	dst[2] = v[6]*x0 + v[7]*x1 + v[8]*x2
}

// invert3 stores the inverse of the 3×3 block m in dst. It reports false for a
// block that is singular or not finite.
func invert3(dst, m []float64) bool {
	c0 := m[4]*m[8] - m[5]*m[7]
	c1 := m[5]*m[6] - m[3]*m[8]
	c2 := m[3]*m[7] - m[4]*m[6]
	det := m[0]*c0 + m[1]*c1 + m[2]*c2
	if !(math.Abs(det) > 0) || math.IsInf(det, 0) {
		return false
	}
	d := 1 / det
	dst[0], dst[3], dst[6] = c0*d, c1*d, c2*d
	dst[1] = (m[2]*m[7] - m[1]*m[8]) * d
	dst[4] = (m[0]*m[8] - m[2]*m[6]) * d
	dst[7] = (m[1]*m[6] - m[0]*m[7]) * d
	dst[2] = (m[1]*m[5] - m[2]*m[4]) * d
	dst[5] = (m[2]*m[3] - m[0]*m[5]) * d
	dst[8] = (m[0]*m[4] - m[1]*m[3]) * d
	return true
}
