package filter

import (
	"context"
	"fmt"
	"math"
	"math/cmplx"
	"slices"
	"sync"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/radiomics/internal/fft"
)

// gabor is the Gabor filter of each slice (IBSI 2, Q88H): a wave under a
// Gaussian,
//
//	k(x, y) = exp(−(x′² + γ²y′²)/2σ² + 2πi x′/λ)                      (R.24)
//	x′ = x cos θ + y sin θ,   y′ = x sin θ − y cos θ
//
// with x along the first axis of the slice and y along the second. The
// response is the modulus of the convolution (or its real or imaginary part),
// optionally pooled over angles θ and over the slices across all three axes.
// The kernel ends where the Gaussian falls below 4e-6 of its peak.
//
// With γ = 1, or θ a multiple of 90°, the kernel is a product of
// one-dimensional ones; else it is applied by Fourier transform, one transform
// of a slice serving all angles.
type gabor struct {
	sigma, lambda, gamma float64 // mm, mm, 1
	angles               []float64
	across               []int // axes across which slices are taken
	pooling              pooling
	part                 string
	boundary             Boundary
}

// gaborCut is where a Gabor kernel ends, in standard deviations: the Gaussian
// is 4e-6 there.
const gaborCut = 5

func newGabor(c *Config) (response, error) {
	g := &gabor{c.Sigma, c.Wavelength, c.AspectRatio, []float64{c.Angle}, []int{2}, poolingOf(c.Pooling), c.Response, boundaryOf(c.Boundary)}
	if c.RotationInvariant {
		g.angles = nil
		turn := 360.0
		if c.Response != "imaginary" && math.Mod(180, c.AngleStep) == 0 && c.Pooling != "sum" {
			turn = 180 // the other half turn repeats the responses
		}
		for n := range int(math.Round(turn / c.AngleStep)) {
			g.angles = append(g.angles, c.Angle+float64(n)*c.AngleStep)
		}
	}
	if c.OrthogonalPlanes {
		g.across = []int{2, 1, 0}
	}
	if c.MaskWeighted && !g.straight() {
		return nil, fmt.Errorf("mask_weighted: %w", errOblique)
	}
	return g, nil
}

var errOblique = fmt.Errorf("%w for gabor with aspect_ratio other than 1, unless angle_deg is a multiple of 90", ErrNotWeighted)

// straight tells whether the kernels are products.
func (g *gabor) straight() bool {
	return g.gamma == 1 || !slices.ContainsFunc(g.angles, func(t float64) bool { return math.Mod(t, 90) != 0 })
}

// inPlane returns the two axes of the slices across an axis.
func inPlane(across int) (x, y int) {
	switch across {
	case 0:
		return 1, 2
	case 1:
		return 0, 2
	}
	return 0, 1
}

func (g *gabor) support(spacing [3]float64) ([3]int, bool) {
	var n [3]int
	for _, across := range g.across {
		x, y := inPlane(across)
		for _, a := range [2]int{x, y} {
			n[a] = max(n[a], g.radius(spacing[a]))
		}
	}
	return n, g.boundary != Periodic
}

// radius returns the reach of the kernel on voxels of the given edge.
func (g *gabor) radius(spacing float64) int {
	return int(math.Ceil(gaborCut * g.sigma / min(g.gamma, 1) / spacing))
}

func (g *gabor) apply(ctx context.Context, v *imaging.Volume, m *imaging.Mask) (*imaging.Volume, error) {
	for a, s := range v.Spacing {
		if r := g.radius(s); r > maxRadius {
			return nil, fmt.Errorf("sigma_mm %g on voxels of %g mm along axis %d: wider than %d voxels", g.sigma, s, a, maxRadius)
		}
	}
	if g.straight() {
		return g.separable(v.Spacing).apply(ctx, v, m)
	}
	if m != nil {
		return nil, errOblique
	}
	return g.byTransform(ctx, v)
}

// separable returns the filter as sums of products: with wave numbers a, b
// along x and y the kernel is (cos ax + i sin ax)(cos by + i sin by) times a
// Gaussian of each.
func (g *gabor) separable(spacing [3]float64) *separable {
	s := &separable{pooling: g.pooling, boundary: g.boundary, modulus: g.part == "modulus"}
	for _, across := range g.across {
		x, y := inPlane(across)
		for _, degrees := range g.angles {
			sin, cos := math.Sincos(degrees * math.Pi / 180)
			cx, sx := g.waves(s, spacing[x], cos, sin)
			cy, sy := g.waves(s, spacing[y], sin, cos)
			of := func(p, q factor, sign float64, imaginary bool) term {
				t := term{[3]int{none, none, none}, sign * p.sign * q.sign, imaginary}
				t.kernel[x], t.kernel[y] = p.kernel, q.kernel
				return t
			}
			var terms group
			if g.part != "imaginary" {
				terms = append(terms, of(cx, cy, 1, false), of(sx, sy, -1, false))
			}
			if g.part != "real" {
				im := g.part == "modulus"
				terms = append(terms, of(sx, cy, 1, im), of(cx, sy, 1, im))
			}
			s.groups = append(s.groups, terms)
		}
	}
	s.order()
	return s
}

// factor is a kernel by its index, and its sign.
type factor struct {
	kernel int
	sign   float64
}

// waves adds to s the cosine and the sine along an axis under their Gaussian.
// The wave has the given share along the axis, and the rest across it.
func (g *gabor) waves(s *separable, step, along, across float64) (c, d factor) {
	r := g.radius(step)
	env, cosine, sine := make([]float64, 2*r+1), make([]float64, 2*r+1), make([]float64, 2*r+1)
	for t := range env {
		u := float64(t-r) * step
		env[t] = math.Exp(-u * u * (along*along + g.gamma*g.gamma*across*across) / (2 * g.sigma * g.sigma))
		sn, cs := math.Sincos(2 * math.Pi * u * along / g.lambda)
		cosine[t], sine[t] = env[t]*cs, env[t]*sn
	}
	symmetric(cosine, 1)
	symmetric(sine, -1)
	c.kernel, c.sign = s.kernel(chain{cosine}, false)
	d.kernel, d.sign = s.kernel(chain{sine}, false)
	e, _ := s.kernel(chain{env}, false)
	for len(s.envelope) < len(s.kernels) {
		s.envelope = append(s.envelope, e)
	}
	return c, d
}

// symmetric makes w exactly even (sign 1) or odd (−1): rounding of the angle
// must not hide it.
func symmetric(w []float64, sign float64) {
	for t, n := 0, len(w)-1; t <= n/2; t++ {
		x := (w[t] + sign*w[n-t]) / 2
		w[t], w[n-t] = x, sign*x
	}
}

// byTransform returns the response with the kernels multiplied in the
// frequency domain.
func (g *gabor) byTransform(ctx context.Context, v *imaging.Volume) (*imaging.Volume, error) {
	out := imaging.NewVolume(v.Grid)
	for n, across := range g.across {
		if err := g.slices(ctx, out, v, across, n == 0); err != nil {
			return nil, err
		}
	}
	if g.pooling == poolMean {
		by := float32(1 / float64(len(g.across)*len(g.angles)))
		for i := range out.Values {
			out.Values[i] *= by
		}
	}
	return out, nil
}

// slices pools into out the responses of the slices across one axis.
func (g *gabor) slices(ctx context.Context, out, v *imaging.Volume, across int, first bool) error {
	x, y := inPlane(across)
	nx, ny := v.Size[x], v.Size[y]
	rx, ry := g.radius(v.Spacing[x]), g.radius(v.Spacing[y])
	px, py := fft.Size(nx+2*rx), fft.Size(ny+2*ry)
	plan := fft.NewPlan([3]int{px, py, 1})
	kernels := make([][]complex128, len(g.angles))
	for n, degrees := range g.angles {
		k := make([]complex128, plan.Len())
		sin, cos := math.Sincos(degrees * math.Pi / 180)
		for q := -ry; q <= ry; q++ {
			for p := -rx; p <= rx; p++ {
				u, w := float64(p)*v.Spacing[x], float64(q)*v.Spacing[y]
				along, wide := u*cos+w*sin, u*sin-w*cos
				e := -(along*along + g.gamma*g.gamma*wide*wide) / (2 * g.sigma * g.sigma)
				if e >= -gaborCut*gaborCut/2.0 {
					k[(q+py)%py*px+(p+px)%px] = cmplx.Exp(complex(e, 2*math.Pi*along/g.lambda))
				}
			}
		}
		if err := plan.Forward(ctx, k); err != nil {
			return err
		}
		kernels[n] = k
	}
	stride := [3]int{1, v.Size[0], v.Size[0] * v.Size[1]}
	type scratch struct {
		image, h  []complex128
		sum, part []float64
	}
	pool := sync.Pool{New: func() any {
		return &scratch{make([]complex128, plan.Len()), make([]complex128, plan.Len()), make([]float64, nx*ny), make([]float64, nx*ny)}
	}}
	return each(ctx, v.Len(), v.Size[across], func(k int) {
		b := pool.Get().(*scratch)
		defer pool.Put(b)
		clear(b.image)
		at := func(i, j int) int { return k*stride[across] + i*stride[x] + j*stride[y] }
		for j := -ry; j < ny+ry; j++ {
			jj := g.boundary.at(j, ny)
			row := b.image[(j+ry)*px:]
			for i := -rx; i < nx+rx && jj >= 0; i++ {
				if ii := g.boundary.at(i, nx); ii >= 0 {
					row[i+rx] = complex(float64(v.Values[at(ii, jj)]), 0)
				}
			}
		}
		alone := context.WithoutCancel(ctx)
		plan.Forward(alone, b.image)
		for n, kern := range kernels {
			for i, f := range b.image {
				b.h[i] = f * kern[i]
			}
			plan.Inverse(alone, b.h)
			for j := range ny {
				for i, h := range b.h[(j+ry)*px+rx:][:nx] {
					b.part[j*nx+i] = g.of(h)
				}
			}
			if n == 0 {
				copy(b.sum, b.part)
			} else {
				g.pooling.add(b.sum, b.part)
			}
		}
		for j := range ny {
			for i := range nx {
				o, s := at(i, j), b.sum[j*nx+i]
				if !first {
					one, more := [1]float64{float64(out.Values[o])}, [1]float64{s}
					g.pooling.add(one[:], more[:])
					s = one[0]
				}
				out.Values[o] = float32(s)
			}
		}
	})
}

// of returns the part of a complex response that is asked for.
func (g *gabor) of(h complex128) float64 {
	switch g.part {
	case "real":
		return real(h)
	case "imaginary":
		return imag(h)
	}
	return math.Sqrt(real(h)*real(h) + imag(h)*imag(h))
}

func shortGabor(c *Config) string {
	n := "gabor_sigma_" + number(c.Sigma) + "_mm_lambda_" + number(c.Wavelength) + "_mm"
	if c.AspectRatio != 1 {
		n += "_gamma_" + number(c.AspectRatio)
	}
	if !c.RotationInvariant {
		n += "_angle_" + number(c.Angle)
	}
	if c.Response != "modulus" {
		n += "_" + c.Response
	}
	return n
}

func wordsGabor(c *Config) string {
	s := fmt.Sprintf("Gabor %s, sigma %g mm, lambda %g mm, gamma %g, angle %g°", c.Response, c.Sigma, c.Wavelength, c.AspectRatio, c.Angle)
	if c.RotationInvariant {
		s += fmt.Sprintf(", %s over steps of %g°", c.Pooling, c.AngleStep)
	}
	if c.OrthogonalPlanes {
		s += ", slices across all axes"
	}
	return s
}
