package filter

import (
	"context"
	"math"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// point is a function of one intensity x and of the largest absolute intensity
// M of the whole image, as PyRadiomics defines them:
//
//	square       x²/M
//	square_root  ±√(M|x|), with the sign of x
//	logarithm    ±M ln(|x| + 1)/ln(M + 1), with the sign of x
//	exponential  exp(x ln(M)/M)
//
// In an image of zeros all but the square root are undefined, NaN.
type point func(x, largest float64) float64

var points = map[string]point{
	"square": func(x, largest float64) float64 {
		c := 1 / math.Sqrt(largest)
		return (c * x) * (c * x)
	},
	"square_root": func(x, largest float64) float64 { return math.Copysign(math.Sqrt(math.Abs(x)*largest), x) },
	"logarithm": func(x, largest float64) float64 {
		return math.Copysign(math.Log(math.Abs(x)+1), x) * (largest / math.Log(largest+1))
	},
	"exponential": func(x, largest float64) float64 { return math.Exp(math.Log(largest) / largest * x) },
}

func newPoint(c *Config) (response, error) { return points[c.Kind], nil }

func (p point) support([3]float64) ([3]int, bool) { return [3]int{}, false }

func (p point) apply(ctx context.Context, v *imaging.Volume, _ *imaging.Mask) (*imaging.Volume, error) {
	var largest float64
	for _, x := range v.Values {
		largest = max(largest, math.Abs(float64(x)))
	}
	out := imaging.NewVolume(v.Grid)
	n := v.Size[0] * v.Size[1]
	return out, each(ctx, v.Len(), v.Size[2], func(k int) {
		src := v.Values[k*n:][:n]
		for i, x := range src {
			out.Values[k*n+i] = float32(p(float64(x), largest))
		}
	})
}

// gradient is the length of the gradient, from central differences, the border
// voxels being repeated beyond the border; per mm, or per voxel. It is ITK's
// gradient magnitude, which PyRadiomics uses.
type gradient struct{ perVoxel bool }

func newGradient(c *Config) (response, error) { return gradient{c.IgnoreSpacing}, nil }

func (gradient) support([3]float64) ([3]int, bool) { return [3]int{1, 1, 1}, true }

func (g gradient) apply(ctx context.Context, v *imaging.Volume, _ *imaging.Mask) (*imaging.Volume, error) {
	out := imaging.NewVolume(v.Grid)
	var per [3]float64
	for a, s := range v.Spacing {
		per[a] = 1 / (2 * s)
		if g.perVoxel {
			per[a] = 0.5
		}
	}
	nx, ny, nz := v.Size[0], v.Size[1], v.Size[2]
	return out, each(ctx, v.Len(), nz, func(k int) {
		for j := range ny {
			dst, row := out.Values[v.Offset(0, j, k):][:nx], v.Values[v.Offset(0, j, k):][:nx]
			north, south := v.Values[v.Offset(0, max(j-1, 0), k):], v.Values[v.Offset(0, min(j+1, ny-1), k):]
			below, above := v.Values[v.Offset(0, j, max(k-1, 0)):], v.Values[v.Offset(0, j, min(k+1, nz-1)):]
			for i := range dst {
				x := per[0] * (float64(row[min(i+1, nx-1)]) - float64(row[max(i-1, 0)]))
				y := per[1] * (float64(south[i]) - float64(north[i]))
				z := per[2] * (float64(above[i]) - float64(below[i]))
				dst[i] = float32(math.Sqrt(x*x + y*y + z*z))
			}
		}
	})
}

func shortKind(c *Config) string { return c.Kind }

func wordsPoint(c *Config) string {
	s := map[string]string{"square": "square", "square_root": "square root", "logarithm": "logarithm", "exponential": "exponential",
		"gradient": "length of the gradient"}[c.Kind]
	if c.IgnoreSpacing {
		s += " per voxel"
	}
	return s
}
