package sparse

import (
	"context"
	"fmt"
	"math"
)

// Dilatation couples displacements with one pressure per cell.
type Dilatation interface {
	// Volume returns the volume of each cell, mm³.
	Volume() []float64
	// Mean stores the mean dilatation (1/V) ∫ div u dV of each cell in theta.
	Mean(theta, u []float64)
	// AddForce adds the nodal forces ∫ p div δu dV of pressures (positive in tension)
	// to f, less what constraints take away.
	AddForce(f, p []float64)
}

// Augmented solves the balance of a body that hardly changes its volume,
//
//	(K₀ + Bᵀ V κ B) u = f,   B u = (1/V) ∫ div u dV per cell                 (F.9)
//
// where the bulk moduli κ of the cells are too large for any preconditioner. The
// matrix k = K₀ + Bᵀ V s B holds softer moduli s (ν = 0.45); the rest of the pressure is an
// unknown of its own, q = (κ − s) B u, and the mixed system
//
//	( k    Bᵀ V        ) (u)   (f)
//	( V B  −V / (κ − s) ) (q) = (0)                                       (F.10)
//
// is solved by [MinRes], preconditioned by pre and V (1/(κ − s) + 1/s), the
// pressure's share of the augmented Lagrangian (Fortin and Glowinski 1983;
// Benzi, Golub and Liesen, Acta Numerica 14 (2005) 1). Cells with s = κ have no q.
// Tolerance and residual are those of (F.9).
func Augmented(ctx context.Context, x []float64, k Operator, b []float64, pre Preconditioner, vol Dilatation, soft, bulk []float64, set Settings) (Report, error) {
	if len(soft) != len(bulk) || len(x) != len(b) {
		return Report{}, fmt.Errorf("augmented Lagrangian: %d soft and %d bulk moduli, %d unknowns and %d equations", len(soft), len(bulk), len(x), len(b))
	}
	n := len(b)
	m := &mixed{k: k, pre: pre, vol: vol, n: n, weight: make([]float64, len(soft)), inverse: make([]float64, len(soft)), diagonal: make([]float64, len(soft)), work: make([]float64, len(soft))}
	volume := vol.Volume()
	for e, s := range soft {
		// Scaled by κ − s, a residual of q counts as the force that it is in (F.9).
		if m.weight[e] = bulk[e] - s; m.weight[e] > 0 {
			m.diagonal[e] = volume[e] * m.weight[e]
			m.inverse[e] = s / (volume[e] * bulk[e] * m.weight[e])
		} else {
			m.weight[e], m.diagonal[e], m.inverse[e] = 0, 1, 1
		}
	}
	m.volume = volume
	y, rhs := make([]float64, n+len(soft)), make([]float64, n+len(soft))
	copy(y, x)
	copy(rhs, b)
	mix := set
	mix.Free = nil
	for _, z := range set.Free {
		mix.Free = append(mix.Free, append(append(make([]float64, 0, len(y)), z...), make([]float64, len(soft))...))
	}
	norm := math.Sqrt(dot(b, b))
	r := make([]float64, n)
	var rep Report
	mix.Tolerance *= 10 // residuals of q count for more here than in (F.9)
	for {
		mix.MaxIterations = set.MaxIterations - rep.Iterations
		in, err := MinRes(ctx, y, m, rhs, m, mix)
		rep.Iterations += in.Iterations
		if err != nil {
			return rep, err
		}
		copy(x, y[:n])
		// b − k u − Bᵀ V (κ − s) B u
		vol.Mean(m.work, x)
		for e, w := range m.weight {
			m.work[e] *= -w
		}
		k.Mul(r, x)
		for i := range r {
			r[i] = b[i] - r[i]
		}
		vol.AddForce(r, m.work)
		project(r, set.Free)
		if norm == 0 {
			return Report{Converged: true}, nil
		}
		rep.Residual = math.Sqrt(dot(r, r)) / norm
		rep.Converged = rep.Residual <= set.Tolerance
		if rep.Converged || rep.Iterations >= set.MaxIterations || !in.Converged || in.Iterations == 0 {
			return rep, nil
		}
		mix.Tolerance = 0.7 * in.Residual * set.Tolerance / rep.Residual
	}
}

// mixed is the matrix of (F.10), and its preconditioner, with q scaled by weight.
type mixed struct {
	k        Operator
	pre      Preconditioner
	vol      Dilatation
	n        int
	weight   []float64 // κ − s
	volume   []float64
	diagonal []float64 // of the matrix, less its sign
	inverse  []float64 // of the preconditioner
	work     []float64
}

// Mul stores the product of the matrix and x in dst.
func (m *mixed) Mul(dst, x []float64) {
	m.k.Mul(dst[:m.n], x[:m.n])
	q, theta := x[m.n:], dst[m.n:]
	for e, w := range m.weight {
		m.work[e] = w * q[e]
	}
	m.vol.AddForce(dst[:m.n], m.work)
	m.vol.Mean(theta, x[:m.n])
	for e, w := range m.weight {
		theta[e] = w*m.volume[e]*theta[e] - m.diagonal[e]*q[e]
	}
}

// Apply stores the preconditioned r in dst.
func (m *mixed) Apply(dst, r []float64) {
	m.pre.Apply(dst[:m.n], r[:m.n])
	for e, v := range m.inverse {
		dst[m.n+e] = v * r[m.n+e]
	}
}
