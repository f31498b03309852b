package filter

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// recursiveLoG is the Laplacian of Gaussian as ITK computes it and PyRadiomics
// uses it: each second derivative and each smoothing is a recursive filter of
// fourth order along one axis, whose poles Deriche and Farnebäck fitted to a
// Gaussian, with the border voxels repeated without end. The sum over the axes
// is multiplied by σ², so that its size does not fall with the scale:
//
//	h = σ² Σₐ ∂²/∂xₐ² (g_σ ∗ f)
//
// See Farnebäck and Westin, Improving Deriche-style recursive Gaussian filters,
// J. Math. Imaging Vis. 26 (2006) 293. As in ITK the image is float32 between
// the passes.
type recursiveLoG struct{ sigma float64 } // mm

func newRecursiveLoG(c *Config) (response, error) { return recursiveLoG{c.Sigma}, nil }

// support returns 16 σ, where the slower pole has fallen to e^(−22).
func (r recursiveLoG) support(spacing [3]float64) (n [3]int, finite bool) {
	for a, s := range spacing {
		n[a] = 4 + int(math.Ceil(16*r.sigma/s))
	}
	return n, true
}

func (r recursiveLoG) apply(ctx context.Context, v *imaging.Volume, _ *imaging.Mask) (*imaging.Volume, error) {
	for a, n := range v.Size {
		if n < 4 {
			return nil, fmt.Errorf("image of %d voxels along axis %d: the recursive filter needs 4", n, a)
		}
	}
	out := imaging.NewVolume(v.Grid)
	part := make([]float32, v.Len())
	for axis, s := range v.Spacing {
		src := v.Values
		for pass := range 3 {
			along := axis // the derivative first, then the other axes in order
			f := secondDerivative(r.sigma, s)
			if pass > 0 {
				along = pass - 1
				if along >= axis {
					along++
				}
				f = smoothing(r.sigma / v.Spacing[along])
			}
			if err := f.run(ctx, part, src, v.Size, along); err != nil {
				return nil, err
			}
			src = part
		}
		per := 1 / (s * s)
		for n, x := range part {
			out.Values[n] = float32(float64(out.Values[n]) + float64(x)*per)
		}
	}
	return out, nil
}

// recursive is a recursive filter along a line, forwards with numerator n and
// backwards with m, both with denominator d:
//
//	y⁺ᵢ = Σ nₖ xᵢ₋ₖ − Σ dₖ y⁺ᵢ₋ₖ     k = 0…3 and 1…4
//	y⁻ᵢ = Σ mₖ xᵢ₊ₖ − Σ dₖ y⁻ᵢ₊ₖ     k = 1…4
//	y = y⁺ + y⁻
type recursive struct{ n, m, d [4]float64 }

// poles is one pair of complex poles of the fit, exp(λ ± iω) per σ.
type poles struct{ omega, lambda float64 }

// The fits of Farnebäck and Westin: poles, and for the Gaussian and its second
// derivative the amplitudes a, b of cosine and sine at each.
var (
	fitPoles  = [2]poles{{0.6681, -1.3932}, {2.0787, -1.3732}}
	fitSmooth = [2][2]float64{{1.3530, 1.8151}, {-0.3531, 0.0902}}
	fitSecond = [2][2]float64{{-1.3563, 5.2318}, {0.3446, -2.2355}}
)

// numerator returns the causal numerator of a fit at sigma voxels.
func numerator(fit [2][2]float64, sigma float64) (n [4]float64) {
	var sin, cos, exp [2]float64
	for p, f := range fitPoles {
		sin[p], cos[p] = math.Sincos(f.omega / sigma)
		exp[p] = math.Exp(f.lambda / sigma)
	}
	a, b := [2]float64{fit[0][0], fit[1][0]}, [2]float64{fit[0][1], fit[1][1]}
	n[0] = a[0] + a[1]
	n[1] = exp[1]*(b[1]*sin[1]-(a[1]+2*a[0])*cos[1]) + exp[0]*(b[0]*sin[0]-(a[0]+2*a[1])*cos[0])
	n[2] = 2*exp[0]*exp[1]*((a[0]+a[1])*cos[1]*cos[0]-b[0]*cos[1]*sin[0]-b[1]*cos[0]*sin[1]) + a[1]*exp[0]*exp[0] + a[0]*exp[1]*exp[1]
	n[3] = exp[1]*exp[0]*exp[0]*(b[1]*sin[1]-a[1]*cos[1]) + exp[0]*exp[1]*exp[1]*(b[0]*sin[0]-a[0]*cos[0])
	return n
}

// denominator returns d₁…d₄ at sigma voxels.
func denominator(sigma float64) (d [4]float64) {
	c1, c2 := math.Cos(fitPoles[0].omega/sigma), math.Cos(fitPoles[1].omega/sigma)
	e1, e2 := math.Exp(fitPoles[0].lambda/sigma), math.Exp(fitPoles[1].lambda/sigma)
	d[0] = -2 * (e2*c2 + e1*c1)
	d[1] = 4*c2*c1*e1*e2 + e1*e1 + e2*e2
	d[2] = -2*c1*e1*e2*e2 - 2*c2*e2*e1*e1
	d[3] = e1 * e1 * e2 * e2
	return d
}

// momentsOf returns Σ c, Σ k·c and Σ k²·c, the first coefficient having k = first.
func momentsOf(c [4]float64, first float64) (s, d, e float64) {
	for k, x := range c {
		at := first + float64(k)
		s, d, e = s+x, d+at*x, e+at*at*x
	}
	return s, d, e
}

// smoothing returns the recursive Gaussian of sigma voxels, whose sum is one.
func smoothing(sigma float64) recursive {
	r := recursive{n: numerator(fitSmooth, sigma), d: denominator(sigma)}
	sn, _, _ := momentsOf(r.n, 0)
	sd, _, _ := momentsOf(r.d, 1)
	r.normalise(2*sn/(1+sd) - r.n[0])
	return r
}

// secondDerivative returns the recursive second derivative of a Gaussian of
// sigma mm on voxels of the given edge, times σ²: its sum is zero, and its
// second moment is that of σ² d²/dx².
func secondDerivative(sigma, spacing float64) recursive {
	voxels := sigma / spacing
	r := recursive{d: denominator(voxels)}
	n0, n2 := numerator(fitSmooth, voxels), numerator(fitSecond, voxels)
	sd, dd, ed := momentsOf(r.d, 1)
	sd++
	s0, _, _ := momentsOf(n0, 0)
	s2, _, _ := momentsOf(n2, 0)
	beta := -(2*s2 - sd*n2[0]) / (2*s0 - sd*n0[0])
	for k := range r.n {
		r.n[k] = n2[k] + beta*n0[k]
	}
	sn, dn, en := momentsOf(r.n, 0)
	r.normalise((en*sd*sd - ed*sn*sd - 2*dn*dd*sd + 2*dd*dd*sn) / (sd * sd * sd) / (sigma * sigma))
	return r
}

// normalise divides the numerator and derives the one of the way back, for a
// symmetric kernel.
func (r *recursive) normalise(by float64) {
	for k := range r.n {
		r.n[k] /= by
	}
	for k := range r.m {
		r.m[k] = -r.d[k] * r.n[0]
		if k < 3 {
			r.m[k] += r.n[k+1]
		}
	}
}

// run filters src into dst along one axis; they may be the same. Lines are
// worked on side by side.
func (r *recursive) run(ctx context.Context, dst, src []float32, size [3]int, axis int) error {
	const most = 16
	n, nx, ny := size[axis], size[0], size[1]
	// In plane g, sample s of line l lies at base·g + s·step + l·next.
	base, step, next, lines, planes := nx*ny, 1, nx, ny, size[2]
	switch axis {
	case 1:
		step, next, lines = nx, 1, nx
	case 2:
		base, step, next, lines, planes = nx, nx*ny, 1, nx, ny
	}
	pool := sync.Pool{New: func() any { return newLines(n, most) }}
	return each(ctx, len(src), planes, func(g int) {
		b := pool.Get().(*sideBySide)
		defer pool.Put(b)
		for l := 0; l < lines; l += most {
			w, o := min(most, lines-l), g*base+l*next
			for s := range n {
				row := b.x[(s+4)*most:]
				for m := range w {
					row[m] = float64(src[o+s*step+m*next])
				}
			}
			r.filter(b)
			for s := range n {
				forth, back := b.forth[(s+4)*most:], b.back[(s+4)*most:]
				for m := range w {
					dst[o+s*step+m*next] = float32(forth[m] + back[m])
				}
			}
		}
	})
}

// sideBySide holds lines side by side, with room for four samples before and after:
// the input, and what the two ways make of it.
type sideBySide struct {
	n, w           int
	x, forth, back []float64
}

func newLines(n, w int) *sideBySide {
	row := func() []float64 { return make([]float64, (n+8)*w) }
	return &sideBySide{n, w, row(), row(), row()}
}

// filter runs both ways over the lines. Beyond the ends the outer samples go on
// without end, and the filter has settled on them.
func (r *recursive) filter(b *sideBySide) {
	n, w := b.n, b.w
	row := func(x []float64, s int) []float64 { return x[(s+4)*w:][:w] }
	sn, _, _ := momentsOf(r.n, 0)
	sm, _, _ := momentsOf(r.m, 1)
	sd, _, _ := momentsOf(r.d, 1)
	for m := range w {
		first, last := row(b.x, 0)[m], row(b.x, n-1)[m]
		for s := 1; s <= 4; s++ {
			row(b.x, -s)[m], row(b.forth, -s)[m] = first, sn/(1+sd)*first
			row(b.x, n-1+s)[m], row(b.back, n-1+s)[m] = last, sm/(1+sd)*last
		}
	}
	c, d := r.n, r.d
	for s := range n {
		x0, x1, x2, x3 := row(b.x, s), row(b.x, s-1), row(b.x, s-2), row(b.x, s-3)
		y1, y2, y3, y4 := row(b.forth, s-1), row(b.forth, s-2), row(b.forth, s-3), row(b.forth, s-4)
		for m := range row(b.forth, s) {
			b.forth[(s+4)*w+m] = c[0]*x0[m] + c[1]*x1[m] + c[2]*x2[m] + c[3]*x3[m] - (d[0]*y1[m] + d[1]*y2[m] + d[2]*y3[m] + d[3]*y4[m])
		}
	}
	c = r.m
	for s := n - 1; s >= 0; s-- {
		x1, x2, x3, x4 := row(b.x, s+1), row(b.x, s+2), row(b.x, s+3), row(b.x, s+4)
		y1, y2, y3, y4 := row(b.back, s+1), row(b.back, s+2), row(b.back, s+3), row(b.back, s+4)
		for m := range row(b.back, s) {
			b.back[(s+4)*w+m] = c[0]*x1[m] + c[1]*x2[m] + c[2]*x3[m] + c[3]*x4[m] - (d[0]*y1[m] + d[1]*y2[m] + d[2]*y3[m] + d[3]*y4[m])
		}
	}
}

func shortRecursiveLoG(c *Config) string { return "log_itk_sigma_" + number(c.Sigma) + "_mm" }

func wordsRecursiveLoG(c *Config) string {
	return fmt.Sprintf("recursive Laplacian of Gaussian of ITK, sigma %g mm, times sigma²", c.Sigma)
}
