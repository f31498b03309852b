package filter

import (
	"fmt"
	"math"
	"strings"
)

// lawsKernels are the one-dimensional Laws kernels, before they are divided by
// their Euclidean norm: level, edge, spot, wave and ripple of 3 or 5 voxels.
// IBSI 2, table 6; Laws (1980).
var lawsKernels = []struct {
	name string
	taps []float64
}{
	{"L3", []float64{1, 2, 1}},
	{"E3", []float64{-1, 0, 1}},
	{"S3", []float64{-1, 2, -1}},
	{"L5", []float64{1, 4, 6, 4, 1}},
	{"E5", []float64{-1, -2, 0, 2, 1}},
	{"S5", []float64{-1, 0, 2, 0, -1}},
	{"W5", []float64{-1, 2, 0, -2, 1}},
	{"R5", []float64{1, -4, 6, -4, 1}},
}

// newLaws makes the texture filter of Laws (IBSI 2, JTXT): the response h of
// the image to the product of one-dimensional kernels, one along each axis,
//
//	h = f ∗ (g₁ ⊗ g₂ ⊗ g₃),  ‖gₐ‖₂ = 1                              (R.20)
//
// optionally pooled over the rotations of the kernel by right angles, and
// optionally the energy of that, the mean of |h| over a cube:
//
//	E(x) = (2δ+1)⁻³ Σ |h(x + d)|,  |dₐ| ≤ δ                          (R.21)
func newLaws(c *Config) (response, error) {
	if len(c.Kernel) != 2*c.Dimensions {
		return nil, fmt.Errorf("kernel: %q: want one kernel for each of %d axes, as in L5E5S5", c.Kernel, c.Dimensions)
	}
	var chains [3]chain
	for a := range c.Dimensions {
		part := strings.ToUpper(c.Kernel[2*a : 2*a+2])
		for _, k := range lawsKernels {
			if k.name == part {
				chains[a] = chain{normalised(k.taps)}
			}
		}
		if chains[a] == nil {
			return nil, fmt.Errorf("kernel: %q: no kernel %q: there are L3 E3 S3 L5 E5 S5 W5 R5", c.Kernel, part)
		}
	}
	s := product(c, chains)
	s.energy = c.EnergyDistance
	return s, nil
}

// normalised returns w divided by its Euclidean norm.
func normalised(w []float64) []float64 {
	var s float64
	for _, x := range w {
		s += x * x
	}
	g := make([]float64, len(w))
	for n, x := range w {
		g[n] = x / math.Sqrt(s)
	}
	return g
}

func shortLaws(c *Config) string {
	n := "laws_" + strings.ToLower(c.Kernel)
	if c.EnergyDistance > 0 {
		n += "_energy"
	}
	return n
}

func wordsLaws(c *Config) string {
	s := "laws " + strings.ToUpper(c.Kernel) + rotationWords(c)
	if c.EnergyDistance > 0 {
		s += fmt.Sprintf(", energy over %d voxels %s", 2*c.EnergyDistance+1, map[int]string{2: "squared", 3: "cubed"}[c.Dimensions])
	}
	return s
}
