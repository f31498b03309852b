package imaging

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Interpolation says how values between voxel centres are found.
type Interpolation int

// The ways to interpolate.
const (
	Nearest     Interpolation = iota // the voxel whose centre is nearest; between two, the one behind
	Linear                           // trilinear
	CubicSpline                      // cubic B-spline through the voxels, mirrored at the border
)

// String returns "nearest", "linear" or "cubic_spline".
func (p Interpolation) String() string {
	switch p {
	case Nearest:
		return "nearest"
	case Linear:
		return "linear"
	case CubicSpline:
		return "cubic_spline"
	}
	return fmt.Sprintf("Interpolation(%d)", int(p))
}

// Resample returns the values of v at the voxel centres of onto, which may lie
// in the patient in any way. Beyond the outer voxel centres of v the values at
// its border are continued.
//
// CubicSpline interpolates with
//
//	f(x) = Σ c(k) β³(x − k)                                          (I.4)
//
// whose coefficients c a recursive filter with pole √3 − 2 finds so that f
// takes the values of the voxels. See Unser, IEEE Signal Processing Magazine
// 16 (1999) 22. It can overshoot at edges.
func Resample(ctx context.Context, v *Volume, onto Grid, method Interpolation) (*Volume, error) {
	if err := onto.Validate(); err != nil {
		return nil, fmt.Errorf("imaging: resample: %w", err)
	}
	at := v.Linear
	switch method {
	case Linear:
	case Nearest:
		at = v.nearest
	case CubicSpline:
		c := &Volume{Grid: v.Grid, Values: append([]float32(nil), v.Values...)}
		for axis, n := range v.Size {
			if n == 1 {
				continue
			}
			if err := eachLine(ctx, c, axis, func() func([]float64) { return splineCoefficients }); err != nil {
				return nil, err
			}
		}
		at = c.spline
	default:
		return nil, fmt.Errorf("imaging: resample: unknown %v", method)
	}
	out := NewVolume(onto)
	err := walk(ctx, &v.Grid, &onto, func(o int, i, j, k float64) { out.Values[o] = float32(at(i, j, k)) })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// snap rounds an index that arithmetic has moved off a voxel centre.
func snap(x float64) float64 {
	if r := math.Round(x); math.Abs(x-r) < 1e-9 {
		return r
	}
	return x
}

// walk calls f with every voxel of onto and its continuous index in g.
func walk(ctx context.Context, g, onto *Grid, f func(o int, i, j, k float64)) error {
	// The map between indices is affine: one step along i adds a constant.
	index := func(i, j, k float64) r3.Vec {
		x, y, z := g.Index(onto.Point(i, j, k))
		return r3.Vec{X: x, Y: y, Z: z}
	}
	origin := index(0, 0, 0)
	di, dj, dk := r3.Sub(index(1, 0, 0), origin), r3.Sub(index(0, 1, 0), origin), r3.Sub(index(0, 0, 1), origin)
	return par.For(ctx, onto.Size[2], func(k int) {
		for j := range onto.Size[1] {
			row := r3.Add(origin, r3.Add(r3.Scale(float64(j), dj), r3.Scale(float64(k), dk)))
			o := onto.Offset(0, j, k)
			for i := range onto.Size[0] {
				x := float64(i)
				f(o+i, snap(row.X+x*di.X), snap(row.Y+x*di.Y), snap(row.Z+x*di.Z))
			}
		}
	})
}

// nearest returns the value of the voxel nearest to (i, j, k).
func (v *Volume) nearest(i, j, k float64) float64 {
	round := func(x float64, n int) int {
		return int(math.Floor(min(max(x, 0), float64(n-1)) + 0.5))
	}
	return v.At(min(round(i, v.Size[0]), v.Size[0]-1), min(round(j, v.Size[1]), v.Size[1]-1), min(round(k, v.Size[2]), v.Size[2]-1))
}

// horizon is the number of samples after which the spline filter has forgotten
// the start: (√3 − 2)³⁰ is below 1e-17.
const horizon = 30

// splineCoefficients replaces samples by the coefficients of the cubic
// B-spline through them, with whole-sample mirror symmetry at both ends.
func splineCoefficients(c []float64) {
	n := len(c)
	if n < 2 {
		return
	}
	z := math.Sqrt(3) - 2
	for i := range c {
		c[i] *= 6
	}
	// The first value of the causal filter is Σ zᵏ c(k) over the mirrored line.
	var sum float64
	if n > horizon {
		zk := 1.0
		for _, x := range c[:horizon] {
			sum += zk * x
			zk *= z
		}
	} else {
		period := 2*n - 2
		for k := range period {
			m := k
			if m >= n {
				m = period - m
			}
			sum += math.Pow(z, float64(k)) * c[m]
		}
		sum /= 1 - math.Pow(z, float64(period))
	}
	c[0] = sum
	for i := 1; i < n; i++ {
		c[i] += z * c[i-1]
	}
	c[n-1] = z / (z*z - 1) * (z*c[n-2] + c[n-1])
	for i := n - 2; i >= 0; i-- {
		c[i] = z * (c[i+1] - c[i])
	}
}

// spline evaluates (I.4) where v holds the coefficients.
func (v *Volume) spline(i, j, k float64) float64 {
	var at [3][4]int
	var w [3][4]float64
	for a, x := range [3]float64{i, j, k} {
		n := v.Size[a]
		x = min(max(x, 0), float64(n-1))
		f := math.Floor(x)
		t := x - f
		u := 1 - t
		w[a] = [4]float64{u * u * u / 6, 2.0/3 - t*t*(2-t)/2, 2.0/3 - u*u*(2-u)/2, t * t * t / 6}
		for m := range 4 {
			at[a][m] = mirror(int(f)+m-1, n)
		}
		if n == 1 {
			w[a] = [4]float64{0, 1, 0, 0}
		}
	}
	var sum float64
	for c, wk := range w[2] {
		if wk == 0 {
			continue
		}
		for b, wj := range w[1] {
			if wj == 0 {
				continue
			}
			row := v.Values[v.Offset(0, at[1][b], at[2][c]):]
			var s float64
			for a, wi := range w[0] {
				s += wi * float64(row[at[0][a]])
			}
			sum += wk * wj * s
		}
	}
	return sum
}

// mirror folds an index back into [0, n) about the outer samples.
func mirror(i, n int) int {
	if n == 1 {
		return 0
	}
	period := 2*n - 2
	i = ((i % period) + period) % period
	if i >= n {
		i = period - i
	}
	return i
}

// ResampleMask returns the voxels of onto where the trilinear interpolation of
// m, taken as one inside and zero outside, is at least threshold. Beyond its
// grid m is zero, so a mask cropped to its voxels gives the same result as on
// its full grid. Rounding is forgiven: threshold means threshold − 1e-9.
func ResampleMask(ctx context.Context, m *Mask, onto Grid, threshold float64) (*Mask, error) {
	if !(threshold > 0 && threshold <= 1) {
		return nil, fmt.Errorf("imaging: resample mask: threshold %g: want above 0 and at most 1", threshold)
	}
	return m.resample(ctx, onto, (*Volume).Linear, threshold-1e-9)
}

// ResampleMaskNearest returns the voxels of onto whose centres lie in voxels of
// m. A centre between two voxels belongs to the one behind.
func ResampleMaskNearest(ctx context.Context, m *Mask, onto Grid) (*Mask, error) {
	return m.resample(ctx, onto, (*Volume).nearest, 0.5)
}

// resample returns the voxels of onto where the interpolation of m, one inside
// and zero outside and beyond its grid, is at least least.
func (m *Mask) resample(ctx context.Context, onto Grid, at func(v *Volume, i, j, k float64) float64, least float64) (*Mask, error) {
	if err := onto.Validate(); err != nil {
		return nil, fmt.Errorf("imaging: resample mask: %w", err)
	}
	v := NewVolume(m.Grid.Pad(1))
	for k := range m.Size[2] {
		for j := range m.Size[1] {
			row := v.Values[v.Offset(1, j+1, k+1):]
			for i, in := range m.In[m.Offset(0, j, k):][:m.Size[0]] {
				if in {
					row[i] = 1
				}
			}
		}
	}
	out := NewMask(onto)
	err := walk(ctx, &v.Grid, &onto, func(o int, i, j, k float64) { out.In[o] = at(v, i, j, k) >= least })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// IsotropicGrid returns the grid of cubic voxels of the given edge, in mm, on
// which IBSI resamples an image on g: see [Regrid].
func IsotropicGrid(g *Grid, spacing float64) Grid {
	return Regrid(g, [3]float64{spacing, spacing, spacing})
}

// Regrid returns the grid with the given spacing, in mm, on which IBSI
// resamples an image on g: the same axes, the same centre and, along each
// axis,
//
//	n′ = ⌈n·s/s′⌉                                                    (I.5)
//
// voxels, the quotient rounded to six decimals so that a spacing stored in
// single precision does not add a voxel. See the IBSI reference manual (2019),
// section 2.4.
func Regrid(g *Grid, spacing [3]float64) Grid {
	r := Grid{Spacing: spacing, Axes: g.Axes}
	var first [3]float64 // the new first voxel as an index of g
	for a := range 3 {
		n := float64(g.Size[a]) * g.Spacing[a] / spacing[a]
		r.Size[a] = max(1, int(math.Ceil(math.Round(n*1e6)/1e6)))
		first[a] = (float64(g.Size[a]-1) - float64(r.Size[a]-1)*spacing[a]/g.Spacing[a]) / 2
	}
	r.Origin = g.Point(first[0], first[1], first[2])
	return r
}
