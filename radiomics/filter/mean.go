package filter

import (
	"fmt"
	"math"
)

// The mean filter (IBSI 2, S60F): the mean over a cube of width voxels, or over
// a square in each slice.
func newMean(c *Config) (response, error) {
	return newBox(c.Width, [3]bool{true, true, c.Dimensions == 3}, boundaryOf(c.Boundary)), nil
}

// newBox averages over width voxels along the given axes.
func newBox(width int, along [3]bool, b Boundary) *separable {
	w := make([]float64, width)
	for t := range w {
		w[t] = 1 / float64(width)
	}
	return &separable{kernels: []chain{{w}}, groups: []group{{{kernel: where(along, 0), factor: 1}}}, boundary: b}
}

// where puts kernel k on the given axes.
func where(along [3]bool, k int) [3]int {
	at := [3]int{none, none, none}
	for a, is := range along {
		if is {
			at[a] = k
		}
	}
	return at
}

func shortMean(c *Config) string { return fmt.Sprintf("mean_%d", c.Width) }
func wordsMean(c *Config) string { return fmt.Sprintf("mean of %d voxels along each axis", c.Width) }

// gaussians returns samples of the Gaussian of standard deviation sigma, in
// voxels, and of its second derivative, out to r = ⌊cutoff·sigma + ½⌋ voxels:
//
//	g(x) = exp(−x²/2σ²) / (√(2π) σ),   g″(x) = (x²/σ² − 1)/σ² · g(x)
func gaussians(sigma, cutoff float64) (g, second []float64) {
	r := int(math.Floor(cutoff*sigma + 0.5))
	g, second = make([]float64, 2*r+1), make([]float64, 2*r+1)
	for t := range g {
		x := float64(t-r) / sigma
		g[t] = math.Exp(-x*x/2) / (math.Sqrt(2*math.Pi) * sigma)
		second[t] = (x*x - 1) / (sigma * sigma) * g[t]
	}
	return g, second
}
