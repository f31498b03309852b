package sparse

import (
	"context"
	"fmt"
	"math"
)

// MinRes solves A x = b by preconditioned minimal residuals, for symmetric
// matrices that may be indefinite, as those of mixed methods are:
//
//	( K  Bᵀ ) (u)   (f)
//	( B −C  ) (p) = (g)
//
// The preconditioner must be positive definite, say multigrid for K and the
// pressure mass over the shear modulus for the rest. It starts from the given
// x. See Paige and Saunders, SIAM J Numer Anal 12 (1975) 617; Elman, Silvester
// and Wathen, Finite Elements and Fast Iterative Solvers (2014), algorithm 4.1.
// Not converging is no error here: read the report.
func MinRes(ctx context.Context, x []float64, a Operator, b []float64, pre Preconditioner, set Settings) (Report, error) {
	const method = "minimal residuals"
	n := len(b)
	if len(x) != n {
		return Report{}, fmt.Errorf("%s: %d unknowns but %d equations", method, len(x), n)
	}
	var rep Report
	norm := math.Sqrt(dot(b, b))
	if norm == 0 {
		clear(x)
		return Report{Converged: true}, nil
	}
	if !finite(norm) {
		return Report{}, fmt.Errorf("%s: the right-hand side is %w", method, ErrNotFinite)
	}
	// The Lanczos vectors v, their images z = M⁻¹v, and the directions w.
	v, vOld, z, q := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	w, wOld := make([]float64, n), make([]float64, n)
	for restart := 0; ; restart++ {
		project(x, set.Free)
		a.Mul(v, x)
		for i := range v {
			v[i] = b[i] - v[i]
		}
		project(v, set.Free)
		start := math.Sqrt(dot(v, v))
		rep.Residual = start / norm
		rep.Converged = rep.Residual <= set.Tolerance
		if rep.Converged || rep.Iterations >= set.MaxIterations || restart > maxRestarts {
			return rep, nil
		}
		pre.Apply(z, v)
		project(z, set.Free)
		gamma2 := dot(z, v)
		if !(gamma2 > 0) || !finite(gamma2) {
			return rep, &DefiniteError{Method: method, Iteration: rep.Iterations, Quantity: "rᵀM⁻¹r", Value: gamma2}
		}
		gamma, gammaOld := math.Sqrt(gamma2), 1.0
		eta := gamma
		// What the residual must fall to in the norm of M⁻¹, which is the one that is
		// minimised: as much as it must in the norm of the report, and more each time.
		target := eta * set.Tolerance / rep.Residual * math.Pow(0.1, float64(restart)) / 2
		s, sOld, c, cOld := 0.0, 0.0, 1.0, 1.0
		clear(vOld)
		clear(w)
		clear(wOld)
		for rep.Iterations < set.MaxIterations {
			if err := ctx.Err(); err != nil {
				return rep, err
			}
			rep.Iterations++
			for i := range z {
				z[i] /= gamma
			}
			a.Mul(q, z)
			project(q, set.Free)
			delta := dot(q, z)
			f, g := delta/gamma, gamma/gammaOld
			for i, t := range q {
				vOld[i], v[i] = v[i], t-f*v[i]-g*vOld[i]
			}
			// Directions first: they need the z of this step.
			a0 := c*delta - cOld*s*gamma
			a2, a3 := s*delta+cOld*c*gamma, sOld*gamma
			copy(q, z)
			pre.Apply(z, v)
			project(z, set.Free)
			next := dot(z, v)
			if next < 0 && next > -1e-14*gamma*gamma {
				next = 0 // the space is exhausted, up to rounding
			}
			if !(next >= 0) || !finite(next) {
				return rep, &DefiniteError{Method: method, Iteration: rep.Iterations, Quantity: "rᵀM⁻¹r", Value: next}
			}
			next = math.Sqrt(next)
			a1 := math.Hypot(a0, next)
			if a1 == 0 {
				return rep, fmt.Errorf("%s: iteration %d: %w matrix", method, rep.Iterations, ErrSingular)
			}
			cOld, sOld = c, s
			c, s = a0/a1, next/a1
			for i, t := range q {
				wOld[i], w[i] = w[i], (t-a3*wOld[i]-a2*w[i])/a1
				x[i] += c * eta * w[i]
			}
			eta *= -s
			gammaOld, gamma = gamma, next
			if math.Abs(eta) <= target || gamma == 0 {
				break
			}
		}
	}
}
