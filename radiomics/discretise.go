package radiomics

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/plaquerisk/plaquerisk/radiomics/intensity"
	"github.com/plaquerisk/plaquerisk/radiomics/texture"
)

// Discretisation makes grey levels of intensities.
type Discretisation struct {
	// Kind is fbs (bins of fixed width), fbn (a fixed number of bins), equal_probability (bins of equal voxel counts) or none (intensities are levels).
	Kind string `yaml:"discretisation"`
	// BinWidth is the width of a grey level with fbs.
	BinWidth float64 `yaml:"bin_width_hu,omitempty"`
	// BinOrigin says where the first bin of fbs starts: fixed (bin_start_hu), range (lower limit of range_hu) or minimum (of the region).
	BinOrigin string `yaml:"bin_origin,omitempty"`
	// BinStart is the lower edge of the first grey level with bin_origin fixed.
	BinStart float64 `yaml:"bin_start_hu,omitempty"`
	// Bins is the number of grey levels with fbn and equal_probability.
	Bins int `yaml:"bins,omitempty"`
}

var (
	discretisations = []string{"fbs", "fbn", "equal_probability", "none"}
	binOrigins      = []string{"fixed", "range", "minimum"}
)

// main returns the discretisation of the unfiltered image.
func (c *Config) main() Discretisation {
	return Discretisation{c.Discretisation, c.BinWidth, c.BinOrigin, c.BinStart, c.Bins}
}

// name is the end of the names of columns: fbs25, fbn8, ep16, none.
func (d *Discretisation) name() string {
	switch d.Kind {
	case "fbs":
		return fmt.Sprintf("fbs%g", d.BinWidth)
	case "fbn":
		return fmt.Sprintf("fbn%d", d.Bins)
	case "equal_probability":
		return fmt.Sprintf("ep%d", d.Bins)
	}
	return d.Kind
}

// settings describes d in words.
func (d *Discretisation) settings(c *Config) string {
	switch d.Kind {
	case "fbn":
		return fmt.Sprintf("fbn %d", d.Bins)
	case "equal_probability":
		return fmt.Sprintf("%d bins of equal probability", d.Bins)
	case "none":
		return "intensities as levels"
	}
	switch d.BinOrigin {
	case "range":
		return fmt.Sprintf("fbs %g %s from %g %s", d.BinWidth, c.Unit, c.RangeHU[0], c.Unit)
	case "minimum":
		return fmt.Sprintf("fbs %g %s from the minimum", d.BinWidth, c.Unit)
	}
	return fmt.Sprintf("fbs %g %s from %g %s", d.BinWidth, c.Unit, d.BinStart, c.Unit)
}

// check reports what is wrong with d, whose keys start with prefix.
func (d *Discretisation) check(prefix string, c *Config, bad func(format string, a ...any)) {
	oneOf(bad, prefix+"discretisation", d.Kind, discretisations)
	switch d.Kind {
	case "fbs":
		if !(d.BinWidth > 0 && finite(d.BinWidth)) {
			bad("%sbin_width_hu: %g: want above 0", prefix, d.BinWidth)
		}
		oneOf(bad, prefix+"bin_origin", d.BinOrigin, binOrigins)
		if d.BinOrigin == "range" && len(c.RangeHU) == 0 {
			bad("%sbin_origin: range needs range_hu", prefix)
		}
		if !finite(d.BinStart) {
			bad("%sbin_start_hu: %g: want a finite number", prefix, d.BinStart)
		}
	case "fbn", "equal_probability":
		if d.Bins < 2 || d.Bins > maxBins {
			bad("%sbins: %d: want 2 to %d", prefix, d.Bins, maxBins)
		}
	}
}

// grey is the grey levels of a region.
type grey struct {
	level []uint16 // 1 … n, for each voxel of the intensity mask
	n     int      // levels possible with a fixed number of bins, else the largest level
	below int      // voxels under the first level, which got level 1
}

// errNotWhole and errTooMany tell why intensities make no grey levels.
var (
	errNotWhole = errors.New("intensities are not grey levels")
	errTooMany  = errors.New("too many grey levels")
)

// levels makes grey levels of values. With bins of fixed width w from the
// origin x₀,
//
//	level(x) = ⌊(x − x₀)/w⌋ + 1,                                      (R.1)
//
// with a fixed number N of bins between the smallest and largest intensity,
//
//	level(x) = min(⌊N (x − min)/(max − min)⌋ + 1, N),                 (R.2)
//
// and with N bins of equal probability, from the quantiles q, linear between
// ranks,
//
//	level(x) = 1 + #{ b ∈ 1 … N−1 : q(b/N) ≤ x },                     (R.3)
//
// so that equal intensities share a level. See IBSI, section 2.7; (R.3) is not
// in IBSI but the rule of package ria.
func (d *Discretisation) levels(values []float64, c *Config) (*grey, error) {
	lo, hi := slices.Min(values), slices.Max(values)
	g := &grey{level: make([]uint16, len(values))}
	switch d.Kind {
	case "fbn":
		g.n = d.Bins
		for n, x := range values {
			g.level[n] = 1
			if hi > lo {
				g.level[n] = uint16(min(int(math.Floor(float64(d.Bins)*((x-lo)/(hi-lo))))+1, d.Bins))
			}
		}
		return g, nil
	case "equal_probability":
		g.n = d.Bins
		sorted := slices.Clone(values)
		slices.Sort(sorted)
		edges := make([]float64, d.Bins-1)
		for b := range edges {
			at := float64(b+1) / float64(d.Bins) * float64(len(sorted)-1)
			i := int(at)
			edges[b] = sorted[i] + (at-float64(i))*(sorted[min(i+1, len(sorted)-1)]-sorted[i])
		}
		for n, x := range values {
			above := sort.Search(len(edges), func(b int) bool { return edges[b] > x })
			g.level[n] = uint16(above + 1)
		}
		return g, nil
	case "none":
		if lo < 1 || hi > texture.MaxLevel {
			return nil, fmt.Errorf("discretisation none: %w: from %g to %g, want whole numbers from 1 to %d", errNotWhole, lo, hi, texture.MaxLevel)
		}
		for n, x := range values {
			if g.level[n] = uint16(x); float64(g.level[n]) != x {
				return nil, fmt.Errorf("discretisation none: %w: %g is not a whole number: use fbs or fbn", errNotWhole, x)
			}
		}
		g.n = int(hi)
		return g, nil
	}
	start := d.start(lo, c)
	if n := (hi - start) / d.BinWidth; n >= texture.MaxLevel {
		return nil, fmt.Errorf("%w: %.6g of %g %s from %g to %g, more than %d: use a larger bin_width_hu", errTooMany, n+1, d.BinWidth, c.Unit, start, hi, texture.MaxLevel)
	}
	g.n = 1
	for n, x := range values {
		level := int(math.Floor((x-start)/d.BinWidth)) + 1
		if x < start {
			level = 1
			g.below++
		}
		g.level[n] = uint16(level)
		g.n = max(g.n, level)
	}
	return g, nil
}

// start returns the origin of bins of fixed width for a region whose smallest
// intensity is lo.
func (d *Discretisation) start(lo float64, c *Config) float64 {
	switch d.BinOrigin {
	case "range":
		return c.RangeHU[0]
	case "minimum":
		return lo
	}
	return d.BinStart
}

// volumeHistogram returns how the intensity-volume histogram is made: over the
// re-segmentation range where there is one.
func (d *Discretisation) volumeHistogram(c *Config) intensity.VolumeHistogramConfig {
	h := intensity.VolumeHistogramConfig{Scale: intensity.Definite, Step: 1, Low: math.NaN(), High: math.NaN()}
	if len(c.RangeHU) == 2 {
		h.Low, h.High = c.RangeHU[0], c.RangeHU[1]
	}
	switch d.Kind {
	case "fbs":
		h.Scale, h.Step = intensity.FixedWidth, d.BinWidth
	case "fbn":
		h.Scale, h.Bins = intensity.FixedNumber, d.Bins
	case "none":
		if c.Unit != "HU" {
			h.Step = 0 // a field without steps of its own
		}
	}
	if math.IsInf(h.High, 0) {
		h.High = math.NaN()
	}
	return h
}
