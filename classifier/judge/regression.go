package judge

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// ErrSeparated: the likelihood has no finite maximum, because a class is
// missing, a column is constant, or the columns separate the classes.
var ErrSeparated = errors.New("the likelihood has no finite maximum: a class is missing, a column is constant or the columns separate the classes")

// LogisticRegression returns the intercept and the coefficients of the columns
// x[c] that maximise the likelihood
//
//	Σ y ln p + (1 − y) ln(1 − p),    ln p/(1 − p) = offset + b₀ + Σ b_c x_c
//
// of outcomes y in [0, 1]; a nil offset is 0. Newton's steps are halved until
// the likelihood does not fall, since it is concave but a full step may
// overshoot. It returns [ErrSeparated] if there is no finite maximum.
func LogisticRegression(x [][]float64, y, offset []float64) ([]float64, error) {
	n, k := len(y), len(x)+1
	for _, col := range x {
		sameLength("LogisticRegression", n, len(col))
	}
	column := func(c, i int) float64 {
		if c == 0 {
			return 1
		}
		return x[c-1][i]
	}
	margins := func(b []float64) []float64 {
		f := make([]float64, n)
		for i := range f {
			if offset != nil {
				f[i] = offset[i]
			}
			for c := range b {
				f[i] += b[c] * column(c, i)
			}
		}
		return f
	}
	likelihood := func(f []float64) float64 {
		var l float64
		for i, v := range f {
			l += y[i]*v - softplus(v)
		}
		return l
	}
	b := make([]float64, k)
	f := margins(b)
	last := likelihood(f)
	for range 200 {
		grad, hess := mat.NewVecDense(k, nil), mat.NewSymDense(k, nil)
		for i, v := range f {
			p := Expit(v)
			w := p * (1 - p)
			for c := range k {
				xc := column(c, i)
				grad.SetVec(c, grad.AtVec(c)+(y[i]-p)*xc)
				for d := range c + 1 {
					hess.SetSym(c, d, hess.At(c, d)+w*xc*column(d, i))
				}
			}
		}
		var chol mat.Cholesky
		var step mat.VecDense
		if !chol.Factorize(hess) || chol.Cond() > 1e14 || chol.SolveVecTo(&step, grad) != nil {
			return nil, ErrSeparated
		}
		size, next := 1.0, make([]float64, k)
		move := func() {
			for c := range next {
				next[c] = b[c] + size*step.AtVec(c)
			}
			f = margins(next)
		}
		move()
		for ; !(likelihood(f) >= last-1e-11*(1+math.Abs(last))) && size > 1e-6; move() {
			size /= 2
		}
		moved := 0.0
		for c := range b {
			moved = max(moved, math.Abs(next[c]-b[c])/(1+math.Abs(b[c])))
			if !(math.Abs(next[c]) < 1e4) {
				return nil, ErrSeparated
			}
		}
		b, last = next, likelihood(f)
		if moved < 1e-12 {
			return b, nil
		}
	}
	return nil, ErrSeparated
}

// softplus returns ln(1 + eˣ).
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// Expit returns the probability of log-odds x, 1/(1 + e⁻ˣ).
func Expit(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Logit returns the log-odds of probability p, ln p/(1 − p), with p kept
// within [1e-12, 1 − 1e-12].
func Logit(p float64) float64 {
	const tiny = 1e-12
	p = min(max(p, tiny), 1-tiny)
	return math.Log(p) - math.Log1p(-p)
}

// floats returns outcomes as numbers.
func floats(y []int) []float64 {
	f := make([]float64, len(y))
	for i, v := range y {
		f[i] = float64(v)
	}
	return f
}
