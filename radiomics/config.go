package radiomics

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/radiomics/filter"
)

// Config holds the choices that change feature values.
type Config struct {
	// Spacing is the edge of the cubic voxels on which features are computed; 0 keeps the image's own voxels.
	Spacing float64 `yaml:"spacing_mm"`
	// Interpolation of the image onto these voxels: nearest, linear or cubic_spline.
	Interpolation string `yaml:"interpolation"`
	// MaskThreshold is the part of a new voxel that must lie in the region for it to belong to it.
	MaskThreshold float64 `yaml:"mask_threshold"`
	// RoundHU rounds intensities to whole HU after interpolation.
	RoundHU bool `yaml:"round_hu"`
	// RangeHU is the re-segmentation range [low, high]: other voxels stay in the shape but not in the intensities. Empty keeps all.
	RangeHU []float64 `yaml:"range_hu"`
	// OutlierSD leaves out intensities further from the mean than this many standard deviations, after the range; 0 keeps all.
	OutlierSD float64 `yaml:"outlier_sd"`
	// Discretisation makes grey levels: fbs (bins of fixed width), fbn (a fixed number of bins) or none (intensities are levels).
	Discretisation string `yaml:"discretisation"`
	// BinWidth is the width of a grey level with fbs.
	BinWidth float64 `yaml:"bin_width_hu"`
	// BinOrigin says where the first bin of fbs starts: fixed (bin_start_hu), range (lower limit of range_hu) or minimum (of the region).
	BinOrigin string `yaml:"bin_origin"`
	// BinStart is the lower edge of the first grey level with bin_origin fixed; lower intensities get level 1, with a note.
	BinStart float64 `yaml:"bin_start_hu"`
	// Bins is the number of grey levels with fbn.
	Bins int `yaml:"bins"`
	// Families are the groups of features of the unfiltered image: shape, firstorder, histogram, glcm.
	Families []string `yaml:"families"`
	// Aggregations of the 13 directions of the glcm: 3d_averaged (mean of the values), 3d_merged (value of the sum).
	Aggregations []string `yaml:"glcm_aggregations"`
	// Laws are filters whose responses get first-order features of their own.
	Laws []Laws `yaml:"laws"`
}

// Laws is one Laws filter: see [filter.Laws].
type Laws struct {
	// Kernel names three one-dimensional kernels, along the image's axes: L5E5E5.
	Kernel string `yaml:"kernel"`
	// RotationInvariant takes the largest response over the 24 right-angle rotations.
	RotationInvariant bool `yaml:"rotation_invariant"`
	// EnergyDistance is the half edge of the cube, in voxels, over which absolute responses are averaged; 0 keeps the response.
	EnergyDistance int `yaml:"energy_distance_voxels"`
}

// name returns the image's name in column names: "laws_l5e5e5_energy".
func (l Laws) name() string {
	n := "laws_" + strings.ToLower(l.Kernel)
	if l.EnergyDistance > 0 {
		n += "_energy"
	}
	return n
}

// settings describes the filter in words.
func (l Laws) settings() string {
	s := "laws " + strings.ToUpper(l.Kernel)
	if l.RotationInvariant {
		s += ", max of 24 rotations"
	}
	if l.EnergyDistance > 0 {
		s += fmt.Sprintf(", energy over %d voxels cubed", 2*l.EnergyDistance+1)
	}
	return s
}

const (
	// maxLevels bounds the grey levels, and with them the co-occurrence
	// matrix: 1024 levels of 25 HU are six times the range of a CT.
	maxLevels = 1024
	// maxBox bounds the voxels around a region after interpolation.
	maxBox = 1 << 27
	// maxEnergy bounds the support of an energy map, voxels.
	maxEnergy = 32
)

var (
	interpolations  = []string{imaging.Nearest.String(), imaging.Linear.String(), imaging.CubicSpline.String()}
	discretisations = []string{"fbs", "fbn", "none"}
	binOrigins      = []string{"fixed", "range", "minimum"}
	aggregations    = []string{"3d_averaged", "3d_merged"}
)

// DefaultConfig returns the settings for coronary plaques. Voxels of 0.4 mm are
// near those of a coronary CT; grey levels of 25 HU from a fixed −200 HU mean
// the same tissue in every plaque and do not move when a contour does.
func DefaultConfig() Config {
	return Config{
		Spacing: 0.4, Interpolation: "linear", MaskThreshold: 0.5,
		Discretisation: "fbs", BinWidth: 25, BinOrigin: "fixed", BinStart: -200, Bins: 32,
		Families:     familyNames(),
		Aggregations: slices.Clone(aggregations),
		Laws: []Laws{
			{"L5L5E5", true, 1}, // an edge between two tissues
			{"L5E5E5", true, 1}, // a ridge corner
			{"L5S5S5", true, 1}, // a thin strand
			{"L5E5S5", true, 1},
		},
	}
}

// IBSIConfig returns the settings of the profile "ibsi": the image's own
// voxels, all families, no filters. Grey levels of 25 HU start at the minimum
// of the region, because without a re-segmentation range IBSI gives no other
// origin.
func IBSIConfig() Config {
	c := DefaultConfig()
	c.Spacing, c.BinOrigin, c.BinStart, c.Laws = 0, "minimum", 0, nil
	return c
}

// Validate reports everything that is wrong with c, in the words of the YAML
// file.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	finite := func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
	oneOf := func(key, value string, of []string) {
		if !slices.Contains(of, value) {
			bad("%s: %q: want %s", key, value, strings.Join(of, ", "))
		}
	}
	if c.Spacing != 0 && !(c.Spacing >= 0.05 && c.Spacing <= 50) {
		bad("spacing_mm: %g: want 0 (the image's own voxels) or 0.05 to 50", c.Spacing)
	}
	oneOf("interpolation", c.Interpolation, interpolations)
	if !(c.MaskThreshold > 0 && c.MaskThreshold <= 1) {
		bad("mask_threshold: %g: want above 0 and at most 1", c.MaskThreshold)
	}
	ranged := len(c.RangeHU) == 2 && finite(c.RangeHU[0]) && !math.IsNaN(c.RangeHU[1]) && c.RangeHU[0] < c.RangeHU[1]
	if len(c.RangeHU) != 0 && !ranged {
		bad("range_hu: %v: want nothing or [low, high] with low below high", c.RangeHU)
	}
	if c.OutlierSD != 0 && !(c.OutlierSD >= 1 && finite(c.OutlierSD)) {
		bad("outlier_sd: %g: want 0 (keep all) or at least 1", c.OutlierSD)
	}
	oneOf("discretisation", c.Discretisation, discretisations)
	switch c.Discretisation {
	case "fbs":
		if !(c.BinWidth > 0 && finite(c.BinWidth)) {
			bad("bin_width_hu: %g: want above 0", c.BinWidth)
		}
		oneOf("bin_origin", c.BinOrigin, binOrigins)
		if c.BinOrigin == "range" && len(c.RangeHU) == 0 {
			bad("bin_origin: range needs range_hu")
		}
		if !finite(c.BinStart) {
			bad("bin_start_hu: %g: want a finite number", c.BinStart)
		}
	case "fbn":
		if c.Bins < 2 || c.Bins > maxLevels {
			bad("bins: %d: want 2 to %d", c.Bins, maxLevels)
		}
	}
	if len(c.Families)+len(c.Laws) == 0 {
		bad("families: empty, and no laws: nothing to compute")
	}
	unique := func(key string, values, of []string) {
		for n, v := range values {
			oneOf(key, v, of)
			if slices.Contains(values[:n], v) {
				bad("%s: %q stands twice", key, v)
			}
		}
	}
	unique("families", c.Families, familyNames())
	unique("glcm_aggregations", c.Aggregations, aggregations)
	if slices.Contains(c.Families, "glcm") && len(c.Aggregations) == 0 {
		bad("glcm_aggregations: empty, but families has glcm: want %s", strings.Join(aggregations, ", "))
	}
	var names []string
	for n, l := range c.Laws {
		if _, err := filter.ParseLaws(l.Kernel); err != nil {
			bad("laws[%d].kernel: %w", n, err)
		}
		if l.EnergyDistance < 0 || l.EnergyDistance > maxEnergy {
			bad("laws[%d].energy_distance_voxels: %d: want 0 to %d", n, l.EnergyDistance, maxEnergy)
		}
		if slices.Contains(names, l.name()) {
			bad("laws[%d]: a second image called %s: leave one out", n, l.name())
		}
		names = append(names, l.name())
	}
	return errors.Join(errs...)
}

// gridSettings describes the voxels on which features are computed.
func (c *Config) gridSettings() string {
	if c.Spacing == 0 {
		return "own voxels"
	}
	return fmt.Sprintf("%g mm %s, mask %g", c.Spacing, c.Interpolation, c.MaskThreshold)
}

// intensitySettings adds what selects and changes intensities.
func (c *Config) intensitySettings() string {
	s := c.gridSettings()
	if c.RoundHU {
		s += "; rounded"
	}
	if len(c.RangeHU) == 2 {
		s += fmt.Sprintf("; range %g to %g HU", c.RangeHU[0], c.RangeHU[1])
	}
	if c.OutlierSD > 0 {
		s += fmt.Sprintf("; within %g SD", c.OutlierSD)
	}
	return s
}

// levelSettings adds how grey levels are made.
func (c *Config) levelSettings() string {
	s := c.intensitySettings()
	switch c.Discretisation {
	case "fbn":
		return s + fmt.Sprintf("; fbn %d", c.Bins)
	case "none":
		return s + "; intensities as levels"
	}
	switch c.BinOrigin {
	case "range":
		return s + fmt.Sprintf("; fbs %g HU from %g HU", c.BinWidth, c.RangeHU[0])
	case "minimum":
		return s + fmt.Sprintf("; fbs %g HU from the minimum", c.BinWidth)
	}
	return s + fmt.Sprintf("; fbs %g HU from %g HU", c.BinWidth, c.BinStart)
}
