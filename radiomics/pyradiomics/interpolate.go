package pyradiomics

import (
	"context"
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
	"github.com/plaquerisk/plaquerisk/internal/suggest"
)

// Interpolator is an interpolator of SimpleITK.
type Interpolator uint8

// The interpolators of SimpleITK that PyRadiomics accepts.
const (
	NoInterpolation Interpolator = iota
	NearestNeighbor
	Linear
	BSpline // cubic
	Gaussian
	LabelGaussian
	HammingWindowedSinc
	CosineWindowedSinc
	WelchWindowedSinc
	LanczosWindowedSinc
	BlackmanWindowedSinc
)

var interpolatorNames = []string{"", "sitkNearestNeighbor", "sitkLinear", "sitkBSpline", "sitkGaussian", "sitkLabelGaussian",
	"sitkHammingWindowedSinc", "sitkCosineWindowedSinc", "sitkWelchWindowedSinc", "sitkLanczosWindowedSinc", "sitkBlackmanWindowedSinc"}

// String returns SimpleITK's name.
func (p Interpolator) String() string { return interpolatorNames[p] }

// parseInterpolator reads a name of SimpleITK or its number from 1 to 10.
func parseInterpolator(v *node) (Interpolator, error) {
	names := interpolatorNames[1:]
	switch v.kind {
	case kindInt:
		if v.num >= 1 && v.num <= float64(len(names)) {
			return Interpolator(v.num), nil
		}
		return 0, fmt.Errorf("interpolator value %s, must be in range of [1-%d]", v.text, len(names))
	case kindString:
		for n, name := range names {
			if name == v.text {
				return Interpolator(n + 1), nil
			}
		}
	}
	return 0, fmt.Errorf("interpolator %s not valid, possible values: %s%s", v.describe(), strings.Join(names, ", "), suggest.Hint(v.text, names))
}

// reach is the number of voxels on each side of a point that enter its value.
// The coefficients of the spline depend on all voxels, but those beyond the
// reach by less than a rounding error: (2 − √3)⁴⁰ is 1e-23.
func (p Interpolator) reach() int {
	switch p {
	case BSpline:
		return 42
	case Gaussian, LabelGaussian:
		return 5
	case NearestNeighbor, Linear:
		return 2
	}
	return sincRadius + 1
}

// onto returns the picture at the voxel centres of g, as ITK's
// ResampleImageFilter does: 0 outside the outer voxels, and whole numbers cut
// off, not rounded, where the picture holds whole numbers.
func (p *picture) onto(ctx context.Context, g imaging.Grid, with Interpolator) (*picture, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	lo, hi := p.seenFrom(&g, with.reach())
	out := &picture{Grid: g, values: make([]float64, g.Len()), pixels: p.pixels}
	if lo == hi {
		return out, nil
	}
	near := p.crop(lo, hi)
	out.pixels = p.resolve(near.values)
	at, err := near.interpolator(ctx, with)
	if err != nil {
		return nil, err
	}
	low, high, whole := out.pixels.span()
	err = eachPoint(ctx, &p.Grid, &g, func(o int, x [3]float64) {
		for a := range 3 {
			if !(x[a] >= -0.5 && x[a] < float64(p.Size[a])-0.5) {
				return
			}
			x[a] -= float64(lo[a])
		}
		v := at(x)
		switch {
		case whole:
			v = math.Trunc(min(max(v, low), high))
		case out.pixels == Float32:
			v = float64(float32(v))
		}
		out.values[o] = v
	})
	return out, err
}

// seenFrom returns the box of p that holds the box of g and a margin.
func (p *picture) seenFrom(g *imaging.Grid, margin int) (lo, hi [3]int) {
	first, last := [3]float64{math.Inf(1), math.Inf(1), math.Inf(1)}, [3]float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
	for _, c := range g.Corners() {
		i, j, k := p.Index(c)
		for a, x := range [3]float64{i, j, k} {
			first[a], last[a] = min(first[a], x), max(last[a], x)
		}
	}
	for a := range 3 {
		n := float64(p.Size[a])
		lo[a] = int(min(max(math.Floor(first[a])-float64(margin), 0), n))
		hi[a] = int(min(max(math.Ceil(last[a])+float64(margin)+1, 0), n))
		if lo[a] >= hi[a] {
			return lo, lo
		}
	}
	return lo, hi
}

// eachPoint calls f with every voxel of onto and its continuous index in g. As
// in ITK, the index of a row is interpolated between its first voxel and the
// one behind its last.
func eachPoint(ctx context.Context, g, onto *imaging.Grid, f func(o int, x [3]float64)) error {
	index := indexer(g)
	at := func(i, j, k int) [3]float64 { return index(onto.Point(float64(i), float64(j), float64(k))) }
	return par.For(ctx, onto.Size[2], func(k int) {
		n := onto.Size[0]
		for j := range onto.Size[1] {
			first, end := at(0, j, k), at(n, j, k)
			o := onto.Offset(0, j, k)
			for i := range n {
				alpha := float64(i) / float64(n)
				var x [3]float64
				for a := range 3 {
					x[a] = first[a] + alpha*(end[a]-first[a])
				}
				f(o+i, x)
			}
		}
	})
}

// indexer returns what [imaging.Grid.Index] computes, but as ITK does: with the
// inverse of the matrix of axes and spacings, whose rounding decides which of
// two equally near voxels is taken.
func indexer(g *imaging.Grid) func(p r3.Vec) [3]float64 {
	a, b, c := g.Axes[0], g.Axes[1], g.Axes[2]
	det := r3.Dot(a, r3.Cross(b, c))
	rows := [3]r3.Vec{r3.Cross(b, c), r3.Cross(c, a), r3.Cross(a, b)}
	for n := range rows {
		rows[n] = r3.Scale(1/g.Spacing[n], r3.Scale(1/det, rows[n]))
	}
	return func(p r3.Vec) (x [3]float64) {
		d := r3.Sub(p, g.Origin)
		for n, r := range rows {
			x[n] = r.X*d.X + r.Y*d.Y + r.Z*d.Z
		}
		return x
	}
}

// interpolator returns the function that gives the value at a continuous index
// within the outer voxels.
func (p *picture) interpolator(ctx context.Context, with Interpolator) (func(x [3]float64) float64, error) {
	switch with {
	case NearestNeighbor:
		return p.nearest, nil
	case Linear:
		return p.linear, nil
	case BSpline:
		c, err := p.splineCoefficients(ctx)
		if err != nil {
			return nil, err
		}
		return c.spline, nil
	case Gaussian:
		return p.gaussian, nil
	case LabelGaussian:
		return p.labelGaussian, nil
	}
	return func(x [3]float64) float64 { return p.sinc(x, with) }, nil
}

func (p *picture) nearest(x [3]float64) float64 {
	return p.values[p.Offset(nearest(x[0], p.Size[0]), nearest(x[1], p.Size[1]), nearest(x[2], p.Size[2]))]
}

// nearest returns the voxel nearest to x, the upper one of two.
func nearest(x float64, n int) int { return min(max(int(math.Floor(x+0.5)), 0), n-1) }

// linear interpolates along i, then j, then k; beyond an outer centre its value
// is continued.
func (p *picture) linear(x [3]float64) float64 {
	var at [3][2]int
	var d [3]float64
	for a := range 3 {
		f := max(math.Floor(x[a]), 0)
		at[a][0] = int(f)
		at[a][1] = min(at[a][0]+1, p.Size[a]-1)
		d[a] = max(x[a]-f, 0)
	}
	var plane [2]float64
	for k := range 2 {
		var row [2]float64
		for j := range 2 {
			o := p.Offset(0, at[1][j], at[2][k])
			v, w := p.values[o+at[0][0]], p.values[o+at[0][1]]
			row[j] = v + (w-v)*d[0]
		}
		plane[k] = row[0] + (row[1]-row[0])*d[1]
	}
	return plane[0] + (plane[1]-plane[0])*d[2]
}

// splinePole is the pole of the filter that turns samples into coefficients of
// the cubic B-spline through them.
var splinePole = math.Sqrt(3) - 2

// splineHorizon is where ITK cuts the sum of the first coefficient: |pole|ⁿ is
// below its tolerance of 1e-10.
const splineHorizon = 18

// splineCoefficients returns the coefficients of the cubic B-spline through the
// values, mirrored at the border (Unser, IEEE Signal Processing Magazine 16
// (1999) 22), computed as ITK's BSplineDecompositionImageFilter does.
func (p *picture) splineCoefficients(ctx context.Context) (*picture, error) {
	c := &picture{Grid: p.Grid, values: append([]float64(nil), p.values...)}
	strides := [3]int{1, p.Size[0], p.Size[0] * p.Size[1]}
	for axis, n := range p.Size {
		if n == 1 {
			continue
		}
		u, v := (axis+1)%3, (axis+2)%3
		err := par.For(ctx, p.Size[v], func(b int) {
			line := make([]float64, n)
			for a := range p.Size[u] {
				o := a*strides[u] + b*strides[v]
				for i := range line {
					line[i] = c.values[o+i*strides[axis]]
				}
				decompose(line)
				for i, x := range line {
					c.values[o+i*strides[axis]] = x
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// decompose replaces samples by spline coefficients. There are at least two.
func decompose(s []float64) {
	z, n := splinePole, len(s)
	gain := (1 - z) * (1 - 1/z)
	for i := range s {
		s[i] *= gain
	}
	zn := z
	if splineHorizon < n {
		sum := s[0]
		for _, x := range s[1:splineHorizon] {
			sum += zn * x
			zn *= z
		}
		s[0] = sum
	} else {
		iz := 1 / z
		z2n := math.Pow(z, float64(n-1))
		sum := s[0] + z2n*s[n-1]
		z2n *= z2n * iz
		for _, x := range s[1 : n-1] {
			sum += (zn + z2n) * x
			zn *= z
			z2n *= iz
		}
		s[0] = sum / (1 - zn*zn)
	}
	for i := 1; i < n; i++ {
		s[i] += z * s[i-1]
	}
	s[n-1] = z / (z*z - 1) * (z*s[n-2] + s[n-1])
	for i := n - 2; i >= 0; i-- {
		s[i] = z * (s[i+1] - s[i])
	}
}

// spline evaluates the cubic B-spline whose coefficients p holds, in ITK's
// order of operations.
func (p *picture) spline(x [3]float64) float64 {
	var at [3][4]int
	var w [3][4]float64
	for a := range 3 {
		f := int(math.Floor(x[a]))
		t := x[a] - float64(f)
		w[a][3] = (1.0 / 6) * (t * t) * t
		w[a][0] = 1.0/6 + 0.5*t*(t-1) - w[a][3]
		w[a][2] = t + w[a][0] - 2*w[a][3]
		w[a][1] = 1 - w[a][0] - w[a][2] - w[a][3]
		for m := range 4 {
			at[a][m] = mirror(f+m-1, p.Size[a])
		}
	}
	var sum float64
	for c := range 4 {
		for b := range 4 {
			row := p.values[p.Offset(0, at[1][b], at[2][c]):]
			for a := range 4 {
				sum += w[0][a] * w[1][b] * w[2][c] * row[at[0][a]]
			}
		}
	}
	return sum
}

// mirror folds an index back into [0, n) about the outer samples.
func mirror(i, n int) int {
	if n == 1 {
		return 0
	}
	if i < 0 {
		i = -i
	}
	if i >= n {
		i = 2*(n-1) - i
	}
	return min(max(i, 0), n-1)
}

// gaussianWeights stores the weights of the voxels of one axis around x: the
// integral of a normal density of σ = 0.8 voxels over each voxel, cut at 4σ, as
// ITK's GaussianInterpolateImageFunction with SimpleITK's settings. It returns
// the first voxel and their number.
func gaussianWeights(w *[16]float64, x float64, n int) (first, count int) {
	const sigma, cut = 0.8, 4 * 0.8
	first = max(int(math.Floor(x+0.5-cut)), 0)
	last := min(int(math.Ceil(x+0.5+cut)), n)
	scale := 1 / (math.Sqrt2 * sigma)
	t := (float64(first) - x - 0.5) * scale
	e := math.Erf(t)
	for i := first; i < last; i++ {
		t += scale
		next := math.Erf(t)
		w[i-first] = next - e
		e = next
	}
	return first, last - first
}

// gaussian is the mean of the voxels around x under a Gaussian.
func (p *picture) gaussian(x [3]float64) float64 {
	var sum, weight float64
	p.underGaussian(x, func(v, w float64) { sum, weight = sum+w*v, weight+w })
	return sum / weight
}

// labelGaussian is the value with the largest weight under the same Gaussian.
func (p *picture) labelGaussian(x [3]float64) float64 {
	var values, weights [1024]float64
	n, best, top := 0, 0.0, 0.0
	p.underGaussian(x, func(v, w float64) {
		m := 0
		for m < n && values[m] != v {
			m++
		}
		if m == n {
			values[m], weights[m] = v, 0
			n++
		}
		if weights[m] += w; weights[m] > top {
			best, top = v, weights[m]
		}
	})
	return best
}

func (p *picture) underGaussian(x [3]float64, f func(v, w float64)) {
	var w [3][16]float64
	var first, count [3]int
	for a := range 3 {
		first[a], count[a] = gaussianWeights(&w[a], x[a], p.Size[a])
	}
	for k := range count[2] {
		for j := range count[1] {
			o := p.Offset(first[0], first[1]+j, first[2]+k)
			for i := range count[0] {
				f(p.values[o+i], w[0][i]*w[1][j]*w[2][k])
			}
		}
	}
}

// sincRadius is the number of voxels on each side that SimpleITK's windowed
// sinc interpolators use.
const sincRadius = 5

// window returns the window function at distance t from the centre.
func (p Interpolator) window(t float64) float64 {
	u := t / sincRadius
	switch p {
	case HammingWindowedSinc:
		return 0.54 + 0.46*math.Cos(math.Pi*u)
	case CosineWindowedSinc:
		return math.Cos(math.Pi / 2 * u)
	case WelchWindowedSinc:
		return 1 - u*u
	case LanczosWindowedSinc:
		return sinc(u)
	}
	return 0.42 + 0.5*math.Cos(math.Pi*u) + 0.08*math.Cos(2*math.Pi*u)
}

func sinc(t float64) float64 {
	if t == 0 {
		return 1
	}
	t *= math.Pi
	return math.Sin(t) / t
}

// sinc interpolates with a windowed sinc; beyond the border its values are
// repeated.
func (p *picture) sinc(x [3]float64, with Interpolator) float64 {
	const n = 2 * sincRadius
	var w [3][n]float64
	var first [3]int
	for a := range 3 {
		f := math.Floor(x[a])
		d := x[a] - f
		first[a] = int(f) - sincRadius + 1
		if d == 0 {
			w[a][sincRadius-1] = 1
			continue
		}
		for m := range n {
			t := d + float64(sincRadius-1-m)
			w[a][m] = with.window(t) * sinc(t)
		}
	}
	inside := func(i, n int) int { return min(max(i, 0), n-1) }
	var sum float64
	for c := range n {
		if w[2][c] == 0 {
			continue
		}
		k := inside(first[2]+c, p.Size[2])
		for b := range n {
			if w[1][b] == 0 {
				continue
			}
			var row float64
			o := p.Offset(0, inside(first[1]+b, p.Size[1]), k)
			for a := range n {
				row += w[0][a] * p.values[o+inside(first[0]+a, p.Size[0])]
			}
			sum += w[2][c] * w[1][b] * row
		}
	}
	return sum
}
