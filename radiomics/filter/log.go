package filter

import (
	"context"
	"fmt"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// gauss is a Gaussian filter or the Laplacian of one (LoG; IBSI 2, L6PA). On
// D axes with σₐ voxels along axis a the kernel of the latter is
//
//	k(x) = Σₐ g″(xₐ) Π g(x_b), b ≠ a  =  Σₐ (xₐ²/σₐ² − 1)/σₐ² · Π g(x_b)     (R.23)
//
// cut at the same number of standard deviations along each axis and not
// normalised again. σ is given in mm; the response is per voxel squared, as
// IBSI has it. A smoothing Gaussian is normalised to a sum of one.
type gauss struct {
	sigma, cutoff float64 // mm, standard deviations
	laplacian     bool
	flat          bool // in slices
	boundary      Boundary
}

func newGauss(c *Config) (response, error) {
	return &gauss{c.Sigma, c.Cutoff, false, c.Dimensions == 2, boundaryOf(c.Boundary)}, nil
}

func newLoG(c *Config) (response, error) {
	return &gauss{c.Sigma, c.Cutoff, true, c.Dimensions == 2, boundaryOf(c.Boundary)}, nil
}

// separable returns the filter on voxels of the given spacing.
func (g *gauss) separable(spacing [3]float64) (*separable, error) {
	s := &separable{boundary: g.boundary}
	axes := 3
	if g.flat {
		axes = 2
	}
	smooth := [3]int{none, none, none}
	curved := smooth
	for a := range axes {
		sigma := g.sigma / spacing[a]
		if g.cutoff*sigma > maxRadius {
			return nil, fmt.Errorf("sigma_mm %g on voxels of %g mm: wider than %d voxels", g.sigma, spacing[a], maxRadius)
		}
		for b := range a { // equal axes share their kernels
			if spacing[b] == spacing[a] {
				smooth[a], curved[a] = smooth[b], curved[b]
			}
		}
		if smooth[a] == none {
			w, second := gaussians(sigma, g.cutoff)
			if !g.laplacian {
				scale(w, 1/total(w))
			}
			smooth[a], curved[a] = len(s.kernels), len(s.kernels)+1
			s.kernels = append(s.kernels, chain{w}, chain{second})
			s.envelope = append(s.envelope, smooth[a], smooth[a])
		}
	}
	if !g.laplacian {
		s.groups = []group{{{kernel: smooth, factor: 1}}}
		return s, nil
	}
	var terms group
	for a := range axes {
		t := term{kernel: smooth, factor: 1}
		t.kernel[a] = curved[a]
		terms = append(terms, t)
	}
	s.groups = []group{terms}
	s.order()
	return s, nil
}

func (g *gauss) support(spacing [3]float64) ([3]int, bool) {
	s, err := g.separable(spacing)
	if err != nil {
		return [3]int{}, false
	}
	return s.support(spacing)
}

func (g *gauss) apply(ctx context.Context, v *imaging.Volume, m *imaging.Mask) (*imaging.Volume, error) {
	s, err := g.separable(v.Spacing)
	if err != nil {
		return nil, err
	}
	return s.apply(ctx, v, m)
}

func total(w []float64) (sum float64) {
	for _, x := range w {
		sum += x
	}
	return sum
}

func scale(w []float64, by float64) {
	for t := range w {
		w[t] *= by
	}
}

func shortSigma(c *Config) string { return c.Kind + "_sigma_" + number(c.Sigma) + "_mm" }

func wordsSigma(c *Config) string {
	return fmt.Sprintf("%s of sigma %g mm, cut at %g sigma", map[string]string{"gauss": "Gaussian", "log": "Laplacian of Gaussian"}[c.Kind], c.Sigma, c.Cutoff)
}
