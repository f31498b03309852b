package filter

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// newRiesz makes a Riesz transform of a LoG or Simoncelli response (IBSI 2,
// AYRS and section 3.7). The transform of order l = (l₁, l₂, l₃), L = l₁+l₂+l₃,
// has the transfer function
//
//	Rˡ(ν) = (−i)ᴸ √(L!/l₁!l₂!l₃!) · Π (νₐ/|ν|)^lₐ                      (R.25)
//
// a derivative of order l that keeps all frequencies at their strength. With
// tensor_sigma_mm the axes are turned, at each voxel, to the eigenvectors of
// the structure tensor of the response,
//
//	J_ab = g_σ ∗ (Rᵃf · Rᵇf),   Rᵃ of order one along axis a             (R.26)
//
// the main direction first and pointing to where f rises.
func newRiesz(c *Config) (response, error) {
	base := c.simoncelli
	if c.Kind == "riesz_log" {
		base = c.laplacian
	}
	order := [3]int{}
	copy(order[:], c.RieszOrder)
	transfer := func(spacing [3]float64, n [3]int, order [3]int) func(a, b, c int) complex128 {
		f, r := base(spacing, n), riesz(n, order)
		return func(a, b, c int) complex128 { return f(a, b, c) * r(a, b, c) }
	}
	if c.TensorSigma == 0 {
		return responseOf(c, func(spacing [3]float64, n [3]int) func(a, b, c int) complex128 { return transfer(spacing, n, order) }), nil
	}
	steered := &steered{order, c.Dimensions, c.TensorSigma, transfer}
	return &spectral{c.Dimensions == 2, boundaryOf(c.Boundary), steered.respond}, nil
}

// laplacian returns the transfer function of the LoG kernel (R.23), but for
// the mean that is taken off: a Riesz transform has no use for it.
func (c *Config) laplacian(spacing [3]float64, n [3]int) func(a, b, c int) complex128 {
	var g, second [3][]float64
	for a := range n {
		g[a], second[a] = make([]float64, n[a]), make([]float64, n[a])
		if a >= c.Dimensions {
			g[a][0] = 1
			continue
		}
		w, s := gaussians(c.Sigma/spacing[a], c.Cutoff)
		for m := range n[a] {
			for t := range w {
				cos := math.Cos(2 * math.Pi * float64(m) * float64(t-len(w)/2) / float64(n[a]))
				g[a][m] += w[t] * cos
				second[a][m] += s[t] * cos
			}
		}
	}
	return func(a, b, c int) complex128 {
		return complex(second[0][a]*g[1][b]*g[2][c]+g[0][a]*second[1][b]*g[2][c]+g[0][a]*g[1][b]*second[2][c], 0)
	}
}

// riesz returns the transfer function (R.25) on a box of n voxels.
func riesz(n, order [3]int) func(a, b, c int) complex128 {
	nu := frequencies(n)
	factor := complex(norm(order), 0)
	for range sum(order) {
		factor *= -1i
	}
	return func(a, b, c int) complex128 {
		x := [3]float64{nu[0][a], nu[1][b], nu[2][c]}
		length := math.Sqrt(x[0]*x[0] + x[1]*x[1] + x[2]*x[2])
		if length == 0 {
			return 0
		}
		h := 1.0
		for d, l := range order {
			for range l {
				h *= x[d] / length
			}
		}
		return factor * complex(h, 0)
	}
}

// norm returns √(L!/l₁!l₂!l₃!).
func norm(order [3]int) float64 {
	return math.Sqrt(math.Gamma(float64(sum(order)+1)) /
		(math.Gamma(float64(order[0]+1)) * math.Gamma(float64(order[1]+1)) * math.Gamma(float64(order[2]+1))))
}

// steered is a Riesz transform along axes that follow the image.
type steered struct {
	order       [3]int
	dimensions  int
	tensorSigma float64 // mm
	transfer    func(spacing [3]float64, n, order [3]int) func(a, b, c int) complex128
}

func (s *steered) respond(ctx context.Context, t *transformed, dst []float32) error {
	d := s.dimensions
	part := func(order [3]int) (*imaging.Volume, error) {
		v := imaging.NewVolume(t.box.Grid)
		return v, t.response(ctx, v.Values, s.transfer(t.box.Spacing, t.size, order))
	}
	// The structure tensor.
	first := make([]*imaging.Volume, d)
	for a := range d {
		var one [3]int
		one[a] = 1
		var err error
		if first[a], err = part(one); err != nil {
			return err
		}
	}
	smooth := [3]float64{s.tensorSigma, s.tensorSigma, 0}
	if d == 3 {
		smooth[2] = s.tensorSigma
	}
	tensor := make([][]*imaging.Volume, d)
	for a := range d {
		for b := range a + 1 {
			v := imaging.NewVolume(t.box.Grid)
			for n := range v.Values {
				v.Values[n] = first[a].Values[n] * first[b].Values[n]
			}
			j, err := imaging.Gaussian(ctx, v, smooth)
			if err != nil {
				return err
			}
			tensor[a] = append(tensor[a], j)
		}
	}
	// All transforms of the same order: turning mixes them.
	orders := monomials(sum(s.order), d)
	parts := make([]*imaging.Volume, len(orders))
	for n, o := range orders {
		var err error
		if parts[n], err = part(o); err != nil {
			return err
		}
	}
	mix := newMixture(s.order, d)
	return each(ctx, len(dst), t.box.Size[2]*t.box.Size[1], func(row int) {
		j, eigen, vectors := mat.NewSymDense(d, nil), mat.EigenSym{}, mat.NewDense(d, d, nil)
		scratch := mix.scratch()
		for n := row * t.box.Size[0]; n < (row+1)*t.box.Size[0]; n++ {
			for a := range d {
				for b := range a + 1 {
					j.SetSym(a, b, float64(tensor[a][b].Values[n]))
				}
			}
			if !eigen.Factorize(j, true) {
				dst[n] = float32(math.NaN())
				continue
			}
			eigen.VectorsTo(vectors)
			var u [3][3]float64 // rows: the directions, the main one first
			for a := range d {
				var rise float64
				for b := range d {
					u[a][b] = vectors.At(b, d-1-a) // ascending eigenvalues
					rise += u[a][b] * float64(first[b].Values[n])
				}
				for b := range d {
					u[a][b] *= math.Copysign(1, rise)
				}
			}
			var h float64
			for m, w := range mix.weights(scratch, &u) {
				h += w * float64(parts[m].Values[n])
			}
			dst[n] = float32(h)
		}
	})
}

// monomials returns the orders of d axes whose sum is total.
func monomials(total, d int) (orders [][3]int) {
	for i := total; i >= 0; i-- {
		for j := total - i; j >= 0; j-- {
			if k := total - i - j; k == 0 || d == 3 {
				orders = append(orders, [3]int{i, j, k})
			}
		}
	}
	return orders
}

// mixture makes a transform along turned axes of those along the image's: with
// directions u, order l has the polynomial
//
//	Π (uₐ·ν)^lₐ
//
// whose coefficients, between the norms of both orders, are the weights of the
// transforms of the orders in monomials.
type mixture struct {
	d       int
	factors []int      // the axis of each factor
	next    [][][3]int // per factor and monomial: where a further power of each axis leads
	scale   []float64
}

func newMixture(l [3]int, d int) *mixture {
	m := &mixture{d: d}
	for a, times := range l {
		for range times {
			from, to := monomials(len(m.factors), d), monomials(len(m.factors)+1, d)
			next := make([][3]int, len(from))
			for n, o := range from {
				for b := range d {
					p := o
					p[b]++
					next[n][b] = slices.Index(to, p)
				}
			}
			m.factors, m.next = append(m.factors, a), append(m.next, next)
		}
	}
	for _, o := range monomials(sum(l), d) {
		m.scale = append(m.scale, norm(l)/norm(o))
	}
	return m
}

// scratch returns room for weights.
func (m *mixture) scratch() [2][]float64 {
	return [2][]float64{make([]float64, len(m.scale)), make([]float64, len(m.scale))}
}

// weights returns the weights for directions u, in scratch.
func (m *mixture) weights(scratch [2][]float64, u *[3][3]float64) []float64 {
	poly, next := scratch[0], scratch[1]
	poly[0] = 1
	for f, a := range m.factors {
		clear(next)
		for n, to := range m.next[f] {
			for b := range m.d {
				next[to[b]] += poly[n] * u[a][b]
			}
		}
		poly, next = next, poly
	}
	for n, s := range m.scale {
		poly[n] *= s
	}
	return poly
}

func sum(order [3]int) int { return order[0] + order[1] + order[2] }

func shortRiesz(c *Config) string {
	n := fmt.Sprintf("%s_level_%d", c.Kind, c.Level)
	if c.Kind == "riesz_log" {
		n = c.Kind + "_sigma_" + number(c.Sigma) + "_mm"
	}
	for _, l := range c.RieszOrder {
		n += fmt.Sprintf("_%d", l)
	}
	if c.TensorSigma > 0 {
		n += "_steered"
	}
	return n
}

func wordsRiesz(c *Config) string {
	s := fmt.Sprintf("Riesz transform of order %v of the Simoncelli wavelet of level %d", c.RieszOrder, c.Level)
	if c.Kind == "riesz_log" {
		s = fmt.Sprintf("Riesz transform of order %v of the Laplacian of Gaussian of sigma %g mm, cut at %g sigma", c.RieszOrder, c.Sigma, c.Cutoff)
	}
	if c.TensorSigma > 0 {
		s += fmt.Sprintf(", steered by the structure tensor of sigma %g mm", c.TensorSigma)
	}
	return s
}
