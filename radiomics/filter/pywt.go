package filter

import (
	"context"
	"fmt"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// stationary is a band of the stationary wavelet transform as PyRadiomics takes
// it from PyWavelets: the image is made even along every axis by repeating its
// first voxels at its end, continued periodically, and low-passed once for each
// lower level, always with the same kernels (without zeros between the taps).
// Letters stand for the axes i, j, k in this order.
type stationary struct {
	separable
	along [3]bool
}

func newStationary(c *Config) (response, error) {
	w, err := waveletOf(c.Wavelet)
	if err != nil {
		return nil, err
	}
	letters, err := c.letters()
	if err != nil {
		return nil, err
	}
	s := &stationary{along: [3]bool{true, true, true}}
	if c.Dimensions == 2 {
		s.along[strings.Index("ijk", c.Axis)] = false
	}
	t := term{kernel: [3]int{none, none, none}, factor: 1}
	for a, is := range s.along {
		if !is {
			continue
		}
		k := w.low
		if letters[0] == 'H' {
			k = w.high
		}
		letters = letters[1:]
		var c1 chain
		for range c.Level - 1 {
			c1 = append(c1, spread(w.low, 1))
		}
		s.kernels = append(s.kernels, append(c1, spread(k, 1)))
		t.kernel[a] = len(s.kernels) - 1
	}
	s.groups, s.boundary = []group{{t}}, Periodic
	return s, nil
}

func (s *stationary) apply(ctx context.Context, v *imaging.Volume, _ *imaging.Mask) (*imaging.Volume, error) {
	even := v.Grid
	for a := range even.Size {
		even.Size[a] += even.Size[a] % 2
	}
	if even.Size == v.Size {
		return s.separable.apply(ctx, v, nil)
	}
	padded := imaging.NewVolume(even)
	err := each(ctx, even.Len(), even.Size[2], func(k int) {
		for j := range even.Size[1] {
			row := padded.Values[even.Offset(0, j, k):][:even.Size[0]]
			copy(row, v.Values[v.Offset(0, j%v.Size[1], k%v.Size[2]):][:v.Size[0]])
			if even.Size[0] > v.Size[0] {
				row[v.Size[0]] = row[0]
			}
		}
	})
	if err != nil {
		return nil, err
	}
	h, err := s.separable.apply(ctx, padded, nil)
	if err != nil {
		return nil, err
	}
	return h.Crop([3]int{}, v.Size), nil
}

func wordsStationary(c *Config) string {
	return fmt.Sprintf("stationary wavelet %s, band %s of level %d, as PyWavelets", c.Wavelet, strings.ToUpper(c.Band), c.Level)
}
