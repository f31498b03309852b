package filter

import (
	"fmt"
	"math"
)

// newSimoncelli makes the band-pass B of the isotropic Simoncelli wavelet
// (IBSI 2, PRT7), whose transfer function at level N is
//
//	B(ν) = cos(π/2 log₂(2ν/ν_N))  for ν_N/4 ≤ ν ≤ ν_N, else 0,   ν_N = 2^(1−N)
//
// ν being the length of the frequency, 1 at the highest of an axis.
func newSimoncelli(c *Config) (response, error) { return responseOf(c, c.simoncelli), nil }

// simoncelli returns the transfer function for a box of n voxels.
func (c *Config) simoncelli(_ [3]float64, n [3]int) func(a, b, c int) complex128 {
	nu, top := centredFrequencies(n), math.Pow(2, 1-float64(c.Level))
	return func(a, b, c int) complex128 {
		v := math.Sqrt(nu[0][a]*nu[0][a] + nu[1][b]*nu[1][b] + nu[2][c]*nu[2][c])
		if v < top/4 || v > top {
			return 0
		}
		return complex(math.Cos(math.Pi/2*math.Log2(2*v/top)), 0)
	}
}

// centredFrequencies returns, for each axis and transform coefficient, the
// frequency of the consensus maps: n samples spread evenly from −1 to 1, so
// that for an even n the grid is half a step off that of the transform.
func centredFrequencies(n [3]int) (nu [3][]float64) {
	for a, size := range n {
		nu[a] = make([]float64, size)
		for m := range nu[a] {
			if c := float64(size-1) / 2; c > 0 {
				nu[a][m] = (float64((m+size/2)%size) - c) / c
			}
		}
	}
	return nu
}

func shortSimoncelli(c *Config) string { return fmt.Sprintf("simoncelli_level_%d", c.Level) }
func wordsSimoncelli(c *Config) string { return fmt.Sprintf("Simoncelli wavelet, level %d", c.Level) }
