package radiomics

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/radiomics/filter"
)

// Config holds the choices that change feature values.
type Config struct {
	// Spacing is the edge of the voxels on which features are computed: one number for cubic voxels, or [i, j, k] where 0 keeps the image's own edge along an axis; 0 alone keeps the image's own voxels.
	Spacing Spacing `yaml:"spacing_mm"`
	// Interpolation of the image onto these voxels: nearest, linear or cubic_spline.
	Interpolation string `yaml:"interpolation"`
	// MaskInterpolation of the region onto these voxels: nearest or linear (the part of the voxel that is inside).
	MaskInterpolation string `yaml:"mask_interpolation"`
	// MaskThreshold is the part of a new voxel that must lie in the region for it to belong to it.
	MaskThreshold float64 `yaml:"mask_threshold"`
	// RoundImage rounds the image to whole HU before interpolation, for images that a conversion has moved off them.
	RoundImage bool `yaml:"round_image_hu"`
	// RoundHU rounds intensities to whole HU after interpolation.
	RoundHU bool `yaml:"round_hu"`
	// RangeHU is the re-segmentation range [low, high]: other voxels stay in the shape but not in the intensities. Empty keeps all.
	RangeHU []float64 `yaml:"range_hu"`
	// OutlierSD leaves out intensities further from the mean than this many standard deviations, after the range; 0 keeps all.
	OutlierSD float64 `yaml:"outlier_sd"`
	// Discretisation makes grey levels: fbs (bins of fixed width), fbn (a fixed number of bins), equal_probability (bins of equal voxel counts) or none (intensities are levels).
	Discretisation string `yaml:"discretisation"`
	// BinWidth is the width of a grey level with fbs.
	BinWidth float64 `yaml:"bin_width_hu"`
	// BinOrigin says where the first bin of fbs starts: fixed (bin_start_hu), range (lower limit of range_hu) or minimum (of the region).
	BinOrigin string `yaml:"bin_origin"`
	// BinStart is the lower edge of the first grey level with bin_origin fixed; lower intensities get level 1, with a note.
	BinStart float64 `yaml:"bin_start_hu"`
	// Bins is the number of grey levels with fbn and equal_probability.
	Bins int `yaml:"bins"`
	// Also are further discretisations: histogram and texture are computed for each, their names end with its name (fbn8, fbs25, ep16).
	Also []Discretisation `yaml:"also"`
	// IVH are the grey levels of the intensity-volume histogram.
	IVH Discretisation `yaml:"ivh"`
	// Families are the groups of features of the unfiltered image: shape, local_intensity, firstorder, histogram, ivh, glcm, glrlm, glszm, gldzm, ngtdm, ngldm, maps, ria, diagnostics (check values of the steps before, as IBSI names them).
	Families []string `yaml:"families"`
	// Aggregations of texture over slices and directions: 2d_averaged, 2d_slice_merged, 25d_direction_merged, 25d_merged, 3d_averaged (mean of the values), 3d_merged (value of the sum). Families without directions take the 2d, 25d and 3d among them.
	Aggregations []string `yaml:"aggregations"`
	// Distance is the Chebyshev distance of neighbours in glcm, ngtdm and ngldm.
	Distance int `yaml:"distance_voxels"`
	// Weighting of the directions of glcm and glrlm by their length: none, manhattan, euclidean or infinity.
	Weighting string `yaml:"direction_weighting"`
	// Coarseness is the largest difference of grey levels that ngldm takes as dependent.
	Coarseness int `yaml:"ngldm_coarseness"`
	// Maps are what the family maps computes.
	Maps MapFeatures `yaml:"maps"`
	// Components are parts of the region by intensity; all features are computed for each as for the whole region, their names start with its name.
	Components []Component `yaml:"components"`
	// Filters are images made from the image; their names start the names of the features.
	Filters []filter.Config `yaml:"filters"`
	// FilterFamilies are the groups of features of filtered images: firstorder, histogram, ivh, glcm, glrlm, glszm, gldzm, ngtdm, ngldm.
	FilterFamilies []string `yaml:"filter_families"`
	// FilterLevels are the grey levels of filtered images, for families that need them.
	FilterLevels Discretisation `yaml:"filter_levels"`
	// FilterMargin is the width of the image around the region that filters see, mm; 0 gives each what it needs, which for simoncelli and riesz filters is the whole image.
	FilterMargin float64 `yaml:"filter_margin_mm"`
	// Image is what the intensities are, in column names: original, or the name of a field such as stress_vm.
	Image string `yaml:"image_name"`
	// Unit is the unit of the intensities.
	Unit string `yaml:"image_unit"`
	// Modality is the kind of the columns: radiomics, or biomechanics for a stress field.
	Modality string `yaml:"modality"`
}

// Component is a part of a region by intensity.
type Component struct {
	// Name starts the names of the component's features: calcified.
	Name string `yaml:"name"`
	// RangeHU is [low, high): a voxel belongs to the component if its intensity is at least low and below high.
	RangeHU []float64 `yaml:"range_hu"`
}

const (
	// maxBins bounds fixed numbers of grey levels.
	maxBins = 4096
	// maxBox bounds the voxels around a region after interpolation.
	maxBox = 1 << 28
)

var (
	interpolations     = []string{imaging.Nearest.String(), imaging.Linear.String(), imaging.CubicSpline.String()}
	maskInterpolations = []string{imaging.Nearest.String(), imaging.Linear.String()}
)

// DefaultConfig returns the settings behind the shipped model, for coronary
// plaques. Voxels of 0.4 mm are near those of a coronary CT; grey levels of
// 25 HU from a fixed −200 HU mean the same tissue in every plaque and do not
// move when a contour does.
func DefaultConfig() Config {
	laws := func(kernel string) filter.Config {
		return filter.Config{Kind: "laws", Kernel: kernel, RotationInvariant: true, EnergyDistance: 1}
	}
	return Config{
		Spacing: Cubic(0.4), Interpolation: "linear", MaskInterpolation: "linear", MaskThreshold: 0.5,
		Discretisation: "fbs", BinWidth: 25, BinOrigin: "fixed", BinStart: -200, Bins: 32,
		IVH:          Discretisation{Kind: "none"},
		Families:     []string{"shape", "firstorder", "histogram", "glcm"},
		Aggregations: []string{"3d_averaged", "3d_merged"},
		Distance:     1, Weighting: "none",
		Maps: defaultMaps(),
		Filters: []filter.Config{
			laws("L5L5E5"), // an edge between two tissues
			laws("L5E5E5"), // a ridge corner
			laws("L5S5S5"), // a thin strand
			laws("L5E5S5"),
		},
		FilterFamilies: []string{"firstorder"},
		FilterLevels:   Discretisation{Kind: "fbn", Bins: 32},
		Image:          "original", Unit: "HU", Modality: feature.Radiomics,
	}
}

// standard are the families of the standard.
func standard() []string {
	return slices.DeleteFunc(familyNames(), func(name string) bool { return name == "maps" || name == "ria" || name == "diagnostics" })
}

// IBSIConfig returns the settings of the profile "ibsi": the image's own
// voxels, all families of the standard in three dimensions, no filters. Grey
// levels of 25 HU start at the minimum of the region, because without a
// re-segmentation range IBSI gives no other origin.
func IBSIConfig() Config {
	c := DefaultConfig()
	c.Spacing, c.BinOrigin, c.BinStart, c.Filters = Spacing{}, "minimum", 0, nil
	c.Families = standard()
	return c
}

// CoronaryConfig returns the settings of the profile "coronary": all that is
// known to serve for plaques of a few hundred to a few thousand voxels. Texture
// is merged over directions, because in a thin plaque a direction holds few
// pairs; grey levels are the fixed ones of [DefaultConfig] and, as in the
// coronary literature, 8, 16 and 32 bins of equal width and of equal
// probability; features are those of the whole plaque and of its parts below
// 30 HU, below 350 HU and above. Filters respond to the plaque's voxels alone.
// The set of the R package RIA stands beside them (docs/theory/ria.md).
func CoronaryConfig() Config {
	c := DefaultConfig()
	c.Families = append(standard(), "maps", "ria")
	c.Aggregations = []string{"3d_merged"}
	for _, bins := range []int{8, 16, 32} {
		c.Also = append(c.Also, Discretisation{Kind: "fbn", Bins: bins}, Discretisation{Kind: "equal_probability", Bins: bins})
	}
	c.Components = []Component{
		{"low_attenuation", []float64{-200, 30}},
		{"noncalcified", []float64{-200, 350}},
		{"calcified", []float64{350, math.Inf(1)}},
	}
	for _, sigma := range []float64{0.6, 1, 1.5} {
		c.Filters = append(c.Filters, filter.Config{Kind: "log", Sigma: sigma, MaskWeighted: true})
	}
	for _, band := range []string{"LLL", "LLH", "LHH", "HHH"} {
		c.Filters = append(c.Filters, filter.Config{Kind: "wavelet", Wavelet: "coif1", Band: band, RotationInvariant: true, MaskWeighted: true})
	}
	return c
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// oneOf reports a value that is none of those allowed.
func oneOf(bad func(format string, a ...any), key, value string, of []string) {
	if !slices.Contains(of, value) {
		bad("%s: %q: want %s", key, value, strings.Join(of, ", "))
	}
}

// Validate reports everything that is wrong with c, in the words of the YAML
// file.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	ranged := func(key string, r []float64) {
		if len(r) != 2 || !finite(r[0]) || math.IsNaN(r[1]) || !(r[0] < r[1]) {
			bad("%s: %v: want [low, high] with low below high", key, r)
		}
	}
	unique := func(key string, values, of []string) {
		for n, v := range values {
			oneOf(bad, key, v, of)
			if slices.Contains(values[:n], v) {
				bad("%s: %q stands twice", key, v)
			}
		}
	}
	for n, edge := range c.Spacing {
		if slices.Contains(c.Spacing[:n], edge) {
			continue // said once
		}
		if edge != 0 && !(edge >= 0.05 && edge <= 50) {
			bad("spacing_mm: %g: want 0 (the image's own voxels) or 0.05 to 50", edge)
		}
	}
	oneOf(bad, "interpolation", c.Interpolation, interpolations)
	oneOf(bad, "mask_interpolation", c.MaskInterpolation, maskInterpolations)
	if !(c.MaskThreshold > 0 && c.MaskThreshold <= 1) {
		bad("mask_threshold: %g: want above 0 and at most 1", c.MaskThreshold)
	}
	if len(c.RangeHU) != 0 {
		ranged("range_hu", c.RangeHU)
	}
	if c.OutlierSD != 0 && !(c.OutlierSD >= 1 && finite(c.OutlierSD)) {
		bad("outlier_sd: %g: want 0 (keep all) or at least 1", c.OutlierSD)
	}
	main := c.main()
	main.check("", &c, bad)
	for n := range c.Also {
		c.Also[n].check(fmt.Sprintf("also[%d].", n), &c, bad)
		for m := range n {
			if c.Also[m].name() == c.Also[n].name() {
				bad("also[%d]: a second discretisation called %s: leave one out", n, c.Also[n].name())
			}
		}
	}
	c.IVH.check("ivh.", &c, bad)
	if c.IVH.Kind == "equal_probability" {
		bad("ivh.discretisation: equal_probability: want fbs, fbn, none")
	}
	c.FilterLevels.check("filter_levels.", &c, bad)
	if len(c.Families)+len(c.Filters) == 0 {
		bad("families: empty, and no filters: nothing to compute")
	}
	unique("families", c.Families, familyNames())
	unique("filter_families", c.FilterFamilies, filterFamilies())
	unique("aggregations", c.Aggregations, aggregationNames())
	if t := c.texture(c.Families); len(t.Families) > 0 && len(c.Aggregations) == 0 {
		bad("aggregations: empty, but families has %s: want %s", t.Families[0], strings.Join(aggregationNames(), ", "))
	} else if err := t.Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.Distance < 1 || c.Distance > 15 {
		bad("distance_voxels: %d: want 1 to 15", c.Distance)
	}
	oneOf(bad, "direction_weighting", c.Weighting, weightings)
	if c.Coarseness < 0 {
		bad("ngldm_coarseness: %d: want 0 or more", c.Coarseness)
	}
	if slices.Contains(c.Families, "maps") {
		m := c.maps()
		if _, err := m.SummaryColumns(c.Maps.Statistics, c.Unit, ""); err != nil {
			bad("maps: %w", err)
		} else if len(c.Maps.Statistics) == 0 {
			bad("maps.statistics: empty: want mean or other statistics of a map")
		}
	}
	names := []string{}
	named := func(key, name string) {
		switch {
		case !plainName(name):
			bad("%s: %q: want lower-case letters, digits and underscores, starting with a letter", key, name)
		case slices.Contains(names, name):
			bad("%s: a second %s: leave one out or give it another name", key, name)
		}
		names = append(names, name)
	}
	named("image_name", c.Image)
	for n, f := range c.Filters {
		made, err := filter.New(f)
		if err != nil {
			bad("filters[%d]: %w", n, err)
			continue
		}
		named(fmt.Sprintf("filters[%d].name", n), made.Name())
	}
	if len(c.Filters) > 0 && len(c.FilterFamilies) == 0 {
		bad("filter_families: empty, but there are filters: want some of %s", strings.Join(filterFamilies(), ", "))
	}
	if !(c.FilterMargin >= 0 && c.FilterMargin <= 1000) {
		bad("filter_margin_mm: %g: want 0 to 1000", c.FilterMargin)
	}
	for n, p := range c.Components {
		named(fmt.Sprintf("components[%d].name", n), p.Name)
		ranged(fmt.Sprintf("components[%d].range_hu", n), p.RangeHU)
	}
	if c.Unit == "" {
		bad("image_unit: empty: want HU, kPa or another unit; 1 for none")
	}
	oneOf(bad, "modality", c.Modality, []string{feature.Radiomics, feature.Biomechanics})
	return errors.Join(errs...)
}

// plainName tells whether name can be a part of a column's name.
func plainName(name string) bool {
	for n, r := range name {
		switch {
		case r >= 'a' && r <= 'z':
		case n > 0 && (r >= '0' && r <= '9' || r == '_'):
		default:
			return false
		}
	}
	return name != ""
}

// gridSettings describes the voxels on which features are computed.
func (c *Config) gridSettings() string {
	if c.Spacing.own() {
		return "own voxels"
	}
	s := fmt.Sprintf("%v %s, mask %g", c.Spacing, c.Interpolation, c.MaskThreshold)
	if c.MaskInterpolation != "linear" {
		s += " " + c.MaskInterpolation
	}
	return s
}

// intensitySettings adds what selects and changes intensities.
func (c *Config) intensitySettings() string {
	s := c.gridSettings()
	if c.RoundImage {
		s += "; image rounded"
	}
	if c.RoundHU {
		s += "; rounded"
	}
	if len(c.RangeHU) == 2 {
		s += fmt.Sprintf("; range %g to %g %s", c.RangeHU[0], c.RangeHU[1], c.Unit)
	}
	if c.OutlierSD > 0 {
		s += fmt.Sprintf("; within %g SD", c.OutlierSD)
	}
	return s
}
