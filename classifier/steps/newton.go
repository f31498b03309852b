package steps

import (
	"fmt"
	"math"
)

// ridgeProblem is (P.2) with its present point. Unknowns stand output by
// output, the intercept of an output last. Two classes have one output.
type ridgeProblem struct {
	z       [][]float64
	y       []int
	outputs int
	stride  int       // unknowns of an output
	at      []float64 // the present point
	p       [][]float64
	c       float64
}

func newRidgeProblem(z [][]float64, y []int, classes int) *ridgeProblem {
	outputs := classes
	if classes == 2 {
		outputs = 1
	}
	r := &ridgeProblem{z: z, y: y, outputs: outputs, stride: len(z[0]) + 1}
	r.at = make([]float64, r.outputs*r.stride)
	r.p = make([][]float64, len(z))
	for i := range r.p {
		r.p[i] = make([]float64, outputs)
	}
	return r
}

// margins stores in dst the margins of row z under the unknowns w.
func (r *ridgeProblem) margins(dst, z, w []float64) {
	for k := range dst {
		u := w[k*r.stride : (k+1)*r.stride]
		sum := u[len(z)]
		for c, v := range z {
			sum += u[c] * v
		}
		dst[k] = sum
	}
}

// loss returns the objective at w and stores the probabilities of the outputs.
func (r *ridgeProblem) loss(w []float64) float64 {
	var sum float64
	for i, z := range r.z {
		f := r.p[i]
		r.margins(f, z, w)
		if r.outputs == 1 {
			x := f[0]
			sum += max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) - float64(r.y[i])*x
			f[0] = 1 / (1 + math.Exp(-x))
			continue
		}
		own := f[r.y[i]]
		top := own
		for _, x := range f {
			top = max(top, x)
		}
		var all float64
		for k, x := range f {
			f[k] = math.Exp(x - top)
			all += f[k]
		}
		for k := range f {
			f[k] /= all
		}
		sum += math.Log(all) + top - own
	}
	for n, v := range w {
		if (n+1)%r.stride != 0 {
			sum += v * v / (2 * r.c)
		}
	}
	return sum
}

// gradient stores the gradient at the present point, and the diagonal of the
// second derivative.
func (r *ridgeProblem) gradient(g, diag []float64) {
	for n, v := range r.at {
		g[n], diag[n] = 0, 0
		if (n+1)%r.stride != 0 {
			g[n], diag[n] = v/r.c, 1/r.c
		}
	}
	for i, z := range r.z {
		for k, p := range r.p[i] {
			d, h := p, p*(1-p)
			if r.outputs == 1 && r.y[i] == 1 || r.outputs > 1 && r.y[i] == k {
				d--
			}
			u, v := g[k*r.stride:(k+1)*r.stride], diag[k*r.stride:(k+1)*r.stride]
			for c, x := range z {
				u[c] += d * x
				v[c] += h * x * x
			}
			u[len(z)] += d
			v[len(z)] += h
		}
	}
}

// times stores in dst the second derivative times d. f is scratch.
func (r *ridgeProblem) times(dst, d, f []float64) {
	for n, v := range d {
		dst[n] = 0
		if (n+1)%r.stride != 0 {
			dst[n] = v / r.c
		}
	}
	for i, z := range r.z {
		r.margins(f, z, d)
		p := r.p[i]
		var mean float64
		for k := range f {
			mean += p[k] * f[k]
		}
		for k := range f {
			h := p[k] * (f[k] - mean) // with one output p(1 − p) f, since mean is p f
			u := dst[k*r.stride : (k+1)*r.stride]
			for c, x := range z {
				u[c] += h * x
			}
			u[len(z)] += h
		}
	}
}

// minimise moves the present point to the minimum for C by Newton's method,
// whose steps are solved by conjugate gradients with the diagonal as
// preconditioner, ever more exactly as the gradient falls.
func (r *ridgeProblem) minimise(c float64) error {
	r.c = c
	n := len(r.at)
	g, diag, step, next := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	last := r.loss(r.at)
	target := 1e-9 * math.Sqrt(float64(len(r.z)))
	size := math.Inf(1)
	for range 100 {
		r.gradient(g, diag)
		size = math.Sqrt(inner(g, g))
		if size <= target {
			return nil
		}
		r.solve(step, g, diag, min(0.1, math.Sqrt(size))*size)
		slope := inner(g, step) // of the objective against the step
		t := 1.0
		var value float64
		for ; ; t /= 2 {
			for i := range next {
				next[i] = r.at[i] - t*step[i]
			}
			value = r.loss(next)
			if value <= last-1e-4*t*slope+1e-13*(1+math.Abs(last)) || t < 1e-8 {
				break
			}
		}
		copy(r.at, next)
		if stalled := last-value <= 1e-15*math.Abs(last) && size < 1e3*target; stalled {
			return nil
		}
		last = value
	}
	return fmt.Errorf("no minimum after 100 Newton steps: gradient %.3g, target %.3g", size, target)
}

// solve stores in x an approximate solution of H x = g, with a residual of at
// most tol.
func (r *ridgeProblem) solve(x, g, diag []float64, tol float64) {
	n := len(x)
	res, d, hd, f := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, r.outputs)
	clear(x)
	copy(res, g)
	var rho float64
	for i := range d {
		d[i] = res[i] / max(diag[i], 1e-300)
		rho += res[i] * d[i]
	}
	for range 4 * n {
		r.times(hd, d, f)
		curve := inner(d, hd)
		if !(curve > 0) {
			return
		}
		alpha := rho / curve
		for i := range x {
			x[i] += alpha * d[i]
			res[i] -= alpha * hd[i]
		}
		if math.Sqrt(inner(res, res)) <= tol {
			return
		}
		var next float64
		for i := range res {
			next += res[i] * res[i] / max(diag[i], 1e-300)
		}
		beta := next / rho
		rho = next
		for i := range d {
			d[i] = res[i]/max(diag[i], 1e-300) + beta*d[i]
		}
	}
}

func inner(a, b []float64) float64 {
	var sum float64
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
