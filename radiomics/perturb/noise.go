package perturb

import (
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// Noise returns an estimate of the standard deviation of the noise of v, in its
// unit. The second difference of second differences within a slice,
//
//	     1 −2  1
//	N = −2  4 −2,   sd(N ∗ noise) = 6σ,
//	     1 −2  1
//
// is blind to planes and to edges along the axes (Immerkær, Computer Vision and
// Image Understanding 64 (1996) 300); the median of its size, which other edges
// hardly move, is 0.6745 of its standard deviation (Donoho and Johnstone,
// Biometrika 81 (1994) 425):
//
//	σ = median |N ∗ v| / (6 · 0.6745).                                (RB.1)
//
// Noise of a CT is correlated between neighbours; the estimate then is that of
// its finest part. It is zero where most of v is flat or there is no slice of
// 3 × 3 voxels.
func Noise(v *imaging.Volume) float64 {
	nx, ny, nz := v.Size[0], v.Size[1], v.Size[2]
	if nx < 3 || ny < 3 {
		return 0
	}
	response := make([]float64, 0, (nx-2)*(ny-2)*nz)
	for k := range nz {
		for j := 1; j < ny-1; j++ {
			a, b, c := v.Values[v.Offset(0, j-1, k):][:nx], v.Values[v.Offset(0, j, k):][:nx], v.Values[v.Offset(0, j+1, k):][:nx]
			column := func(i int) float64 { return float64(a[i]) - 2*float64(b[i]) + float64(c[i]) }
			for i := 1; i < nx-1; i++ {
				if d := column(i-1) - 2*column(i) + column(i+1); !math.IsNaN(d) && !math.IsInf(d, 0) {
					response = append(response, math.Abs(d))
				}
			}
		}
	}
	if len(response) == 0 {
		return 0
	}
	slices.Sort(response)
	m := len(response) / 2
	return (response[m] + response[(len(response)-1)/2]) / 2 / (6 * 0.674489750196082)
}
