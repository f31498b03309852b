package filter

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Config is one filter as a parameter file writes it:
//
//	{kind: log, sigma_mm: 1.5}
//	{kind: wavelet, wavelet: db3, band: LLH, rotation_invariant: true, pooling: mean}
//
// Keys that a kind does not use are errors. A key left out, or zero, has the
// default named with it.
type Config struct {
	// Kind is mean, gauss, log, laws, gabor, wavelet, simoncelli, riesz_log or riesz_simoncelli (IBSI 2), or square, square_root, logarithm, exponential, gradient, lbp_2d, lbp_3d, log_itk or wavelet_pywt (as PyRadiomics computes them).
	Kind string `yaml:"kind"`
	// Name replaces the name made from the other keys in the names of columns.
	Label string `yaml:"name,omitempty"`
	// Dimensions is 3 (the default), or 2 to filter each slice by itself.
	Dimensions int `yaml:"dimensions,omitempty"`
	// Boundary says what lies beyond the image: mirror (the default), zero, nearest or periodic (the default of simoncelli).
	Boundary string `yaml:"boundary,omitempty"`
	// MaskWeighted responds to the voxels of the region alone, so that neighbouring tissue does not bleed in.
	MaskWeighted bool `yaml:"mask_weighted,omitempty"`
	// RotationInvariant pools the responses to the 24 right-angle rotations of the kernel (4 in two dimensions; for gabor all angles).
	RotationInvariant bool `yaml:"rotation_invariant,omitempty"`
	// Pooling of rotations: max, mean, min or sum. Default: max for laws, mean otherwise.
	Pooling string `yaml:"pooling,omitempty"`
	// Width of the mean filter, an odd number of voxels.
	Width int `yaml:"width_voxels,omitempty"`
	// Sigma is the standard deviation of the Gaussian of gauss, log, gabor, riesz_log and log_itk.
	Sigma float64 `yaml:"sigma_mm,omitempty"`
	// Cutoff is where the Gaussian of gauss, log and riesz_log ends, in standard deviations; default 4.
	Cutoff float64 `yaml:"cutoff_sigma,omitempty"`
	// Kernel names the kernels of laws along the axes, as L5E5S5.
	Kernel string `yaml:"kernel,omitempty"`
	// EnergyDistance is the half edge of the cube over which laws averages absolute responses; 0 keeps the response.
	EnergyDistance int `yaml:"energy_distance_voxels,omitempty"`
	// Wavelength of gabor.
	Wavelength float64 `yaml:"wavelength_mm,omitempty"`
	// AspectRatio γ of gabor: the Gaussian is sigma along the wave and sigma/γ across it; default 1.
	AspectRatio float64 `yaml:"aspect_ratio,omitempty"`
	// Angle of the wave of gabor, clockwise from the first axis.
	Angle float64 `yaml:"angle_deg,omitempty"`
	// AngleStep of a rotation-invariant gabor; 360 must be a multiple of it.
	AngleStep float64 `yaml:"angle_step_deg,omitempty"`
	// OrthogonalPlanes pools gabor over the slices along all three axes.
	OrthogonalPlanes bool `yaml:"orthogonal_planes,omitempty"`
	// Response of gabor: modulus (the default), real or imaginary.
	Response string `yaml:"response,omitempty"`
	// Wavelet of wavelet and wavelet_pywt: haar, db1 to db20, sym2 to sym20, coif1 to coif5, dmey, bior1.1 to bior6.8 or rbio1.1 to rbio6.8.
	Wavelet string `yaml:"wavelet,omitempty"`
	// Band of wavelet and wavelet_pywt: L (low pass) or H (high pass) for each axis, as LLH.
	Band string `yaml:"band,omitempty"`
	// Level of wavelet, simoncelli, riesz_simoncelli and wavelet_pywt; default 1.
	Level int `yaml:"level,omitempty"`
	// RieszOrder is the order along each axis of riesz_log and riesz_simoncelli.
	RieszOrder []int `yaml:"riesz_order,omitempty"`
	// TensorSigma, if positive, steers a Riesz filter along the main direction of the structure tensor smoothed by that Gaussian.
	TensorSigma float64 `yaml:"tensor_sigma_mm,omitempty"`
	// IgnoreSpacing of gradient: differences per voxel, not per mm.
	IgnoreSpacing bool `yaml:"ignore_spacing,omitempty"`
	// Radius of lbp_2d and lbp_3d; default 1.
	Radius float64 `yaml:"radius_voxels,omitempty"`
	// Samples of lbp_2d on the circle; default 8.
	Samples int `yaml:"samples,omitempty"`
	// Method of lbp_2d: default, ror, uniform (the default here), nri_uniform or var.
	Method string `yaml:"method,omitempty"`
	// Axis of lbp_2d, and of wavelet_pywt in two dimensions: across which the slices lie, k (the default), j or i.
	Axis string `yaml:"axis,omitempty"`
	// Harmonics of lbp_3d: levels of spherical harmonics; default 2.
	Harmonics int `yaml:"harmonics,omitempty"`
	// Subdivision of the icosphere of lbp_3d: how often its faces are divided; default 1.
	Subdivision *int `yaml:"subdivision,omitempty"`
	// Map of lbp_3d: m1, m2 … (the levels) or k (kurtosis).
	Map string `yaml:"map,omitempty"`
}

// kind is one kind of filter: its keys, its name and words, and how to make it.
type kind struct {
	name     string
	keys     string // YAML keys that it uses, apart from kind, name and mask_weighted
	weighted bool   // has a mask-weighted form
	short    func(c *Config) string
	words    func(c *Config) string
	make     func(c *Config) (response, error)
}

const placed = "dimensions boundary "

var kinds []kind

func init() { // not a literal: the functions below refer to the table
	kinds = []kind{
		{"mean", placed + "width_voxels", true, shortMean, wordsMean, newMean},
		{"gauss", placed + "sigma_mm cutoff_sigma", true, shortSigma, wordsSigma, newGauss},
		{"log", placed + "sigma_mm cutoff_sigma", true, shortSigma, wordsSigma, newLoG},
		{"laws", placed + "kernel rotation_invariant pooling energy_distance_voxels", true, shortLaws, wordsLaws, newLaws},
		{"gabor", "boundary sigma_mm wavelength_mm aspect_ratio angle_deg angle_step_deg rotation_invariant pooling orthogonal_planes response", true, shortGabor, wordsGabor, newGabor},
		{"wavelet", placed + "wavelet band level rotation_invariant pooling", true, shortWavelet, wordsWavelet, newWavelet},
		{"simoncelli", placed + "level", false, shortSimoncelli, wordsSimoncelli, newSimoncelli},
		{"riesz_log", placed + "sigma_mm cutoff_sigma riesz_order tensor_sigma_mm", false, shortRiesz, wordsRiesz, newRiesz},
		{"riesz_simoncelli", placed + "level riesz_order tensor_sigma_mm", false, shortRiesz, wordsRiesz, newRiesz},
		{"square", "", false, shortKind, wordsPoint, newPoint},
		{"square_root", "", false, shortKind, wordsPoint, newPoint},
		{"logarithm", "", false, shortKind, wordsPoint, newPoint},
		{"exponential", "", false, shortKind, wordsPoint, newPoint},
		{"gradient", "ignore_spacing", false, shortKind, wordsPoint, newGradient},
		{"lbp_2d", "radius_voxels samples method axis", false, shortPattern, wordsPattern, newBinaryPattern},
		{"lbp_3d", "radius_voxels harmonics subdivision map", false, shortPattern, wordsPattern, newSpherePattern},
		{"log_itk", "sigma_mm", false, shortRecursiveLoG, wordsRecursiveLoG, newRecursiveLoG},
		{"wavelet_pywt", "dimensions axis wavelet band level", false, shortWavelet, wordsStationary, newStationary},
	}
}

// Kinds returns the kinds of filters.
func Kinds() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// kindOf returns the kind of that name, nil if there is none.
func kindOf(name string) *kind {
	for n := range kinds {
		if kinds[n].name == name {
			return &kinds[n]
		}
	}
	return nil
}

// New returns the filter of c.
func New(c Config) (Filter, error) {
	r, c, err := build(c)
	if err != nil {
		return nil, err
	}
	return &filter{c, r}, nil
}

// Validate reports what is wrong with c, in the words of the parameter file.
func (c Config) Validate() error {
	_, _, err := build(c)
	return err
}

func build(c Config) (response, Config, error) {
	k := kindOf(c.Kind)
	if k == nil {
		return nil, c, fmt.Errorf("kind %q: want one of %s", c.Kind, strings.Join(Kinds(), ", "))
	}
	var errs []error
	used := strings.Fields(k.keys)
	for _, key := range c.set() {
		if !slices.Contains(used, key) {
			errs = append(errs, fmt.Errorf("%s: not used by kind %s, whose keys are %s", key, c.Kind, strings.Join(used, ", ")))
		}
	}
	if c.MaskWeighted && !k.weighted {
		errs = append(errs, fmt.Errorf("mask_weighted: kind %s: %w: it needs the voxels about the region", c.Kind, ErrNotWeighted))
	}
	c.fill()
	errs = append(errs, c.check(used)...)
	if len(errs) > 0 {
		return nil, c, errors.Join(errs...)
	}
	r, err := k.make(&c)
	if err != nil {
		return nil, c, err
	}
	return r, c, nil
}

// set returns the keys of c that are not zero, apart from those every kind has.
func (c *Config) set() []string {
	var keys []string
	for _, f := range []struct {
		key string
		is  bool
	}{
		{"dimensions", c.Dimensions != 0}, {"boundary", c.Boundary != ""}, {"rotation_invariant", c.RotationInvariant},
		{"pooling", c.Pooling != ""}, {"width_voxels", c.Width != 0}, {"sigma_mm", c.Sigma != 0}, {"cutoff_sigma", c.Cutoff != 0},
		{"kernel", c.Kernel != ""}, {"energy_distance_voxels", c.EnergyDistance != 0}, {"wavelength_mm", c.Wavelength != 0},
		{"aspect_ratio", c.AspectRatio != 0}, {"angle_deg", c.Angle != 0}, {"angle_step_deg", c.AngleStep != 0},
		{"orthogonal_planes", c.OrthogonalPlanes}, {"response", c.Response != ""}, {"wavelet", c.Wavelet != ""}, {"band", c.Band != ""},
		{"level", c.Level != 0}, {"riesz_order", c.RieszOrder != nil}, {"tensor_sigma_mm", c.TensorSigma != 0},
		{"ignore_spacing", c.IgnoreSpacing}, {"radius_voxels", c.Radius != 0}, {"samples", c.Samples != 0}, {"method", c.Method != ""},
		{"axis", c.Axis != ""}, {"harmonics", c.Harmonics != 0}, {"subdivision", c.Subdivision != nil}, {"map", c.Map != ""},
	} {
		if f.is {
			keys = append(keys, f.key)
		}
	}
	return keys
}

// fill puts the defaults where a key was left out.
func (c *Config) fill() {
	if strings.HasSuffix(c.Kind, "simoncelli") { // the consensus maps and values are of the image as it is
		c.Boundary = orElse(c.Boundary, "periodic")
	}
	c.Boundary = orElse(c.Boundary, "mirror")
	c.Dimensions = orElse(c.Dimensions, 3)
	c.Cutoff = orElse(c.Cutoff, 4)
	c.AspectRatio = orElse(c.AspectRatio, 1)
	c.Level = orElse(c.Level, 1)
	c.Response = orElse(c.Response, "modulus")
	c.Radius = orElse(c.Radius, 1)
	c.Samples = orElse(c.Samples, 8)
	c.Method = orElse(c.Method, "uniform")
	c.Axis = orElse(c.Axis, "k")
	c.Harmonics = orElse(c.Harmonics, 2)
	if c.Subdivision == nil {
		c.Subdivision = new(int)
		*c.Subdivision = 1
	}
	if c.Pooling == "" {
		c.Pooling = "mean"
		if c.Kind == "laws" {
			c.Pooling = "max"
		}
	}
}

func orElse[T comparable](x, otherwise T) T {
	var zero T
	if x == zero {
		return otherwise
	}
	return x
}

// The largest settings: a kernel of 1001 voxels spans a scan.
const (
	maxRadius = 500
	maxLevel  = 8
)

// check tests the keys in use against what they may be.
func (c *Config) check(used []string) (errs []error) {
	fail := func(key, format string, a ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, a...)))
	}
	oneOf := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			fail(key, "%q: want one of %s", value, strings.Join(allowed, ", "))
		}
	}
	positive := func(key string, value, most float64) {
		if !(value > 0 && value <= most) {
			fail(key, "%g: want above 0 and at most %g", value, most)
		}
	}
	between := func(key string, value, least, most int) {
		if value < least || value > most {
			fail(key, "%d: want %d to %d", value, least, most)
		}
	}
	for _, key := range used {
		switch key {
		case "dimensions":
			between(key, c.Dimensions, 2, 3)
		case "boundary":
			oneOf(key, c.Boundary, boundaries...)
		case "pooling":
			oneOf(key, c.Pooling, poolings...)
		case "width_voxels":
			if between(key, c.Width, 1, 2*maxRadius+1); c.Width%2 == 0 {
				fail(key, "%d: want an odd number", c.Width)
			}
		case "sigma_mm":
			positive(key, c.Sigma, 1e4)
		case "cutoff_sigma":
			positive(key, c.Cutoff, 20)
		case "energy_distance_voxels":
			between(key, c.EnergyDistance, 0, maxRadius)
		case "wavelength_mm":
			positive(key, c.Wavelength, 1e4)
		case "aspect_ratio":
			positive(key, c.AspectRatio, 100)
		case "angle_deg":
			if math.IsNaN(c.Angle) || math.Abs(c.Angle) > 360 {
				fail(key, "%g: want -360 to 360", c.Angle)
			}
		case "angle_step_deg":
			if n := 360 / c.AngleStep; c.RotationInvariant && !(c.AngleStep >= 1 && n == math.Round(n)) {
				fail(key, "%g: want a divisor of 360 of at least 1", c.AngleStep)
			} else if !c.RotationInvariant && c.AngleStep != 0 {
				fail(key, "only with rotation_invariant: true")
			}
		case "response":
			oneOf(key, c.Response, "modulus", "real", "imaginary")
		case "level":
			between(key, c.Level, 1, maxLevel)
		case "riesz_order":
			sum := 0
			for _, l := range c.RieszOrder {
				between(key, l, 0, 4)
				sum += l
			}
			if len(c.RieszOrder) != c.Dimensions || sum < 1 || sum > 4 {
				fail(key, "%v: want an order for each of %d axes, 1 to 4 together", c.RieszOrder, c.Dimensions)
			}
		case "tensor_sigma_mm":
			if !(c.TensorSigma >= 0 && c.TensorSigma <= 1e3) {
				fail(key, "%g: want 0 to 1000", c.TensorSigma)
			}
		case "radius_voxels":
			positive(key, c.Radius, 50)
		case "samples":
			between(key, c.Samples, 2, 24)
		case "method":
			oneOf(key, c.Method, "default", "ror", "uniform", "nri_uniform", "var")
		case "axis":
			oneOf(key, c.Axis, "k", "j", "i")
		case "harmonics":
			between(key, c.Harmonics, 1, 8)
		case "subdivision":
			between(key, *c.Subdivision, 0, 4)
		}
	}
	return errs
}

// name returns the image's part of the names of columns.
func (c *Config) name() string {
	if c.Label != "" {
		return c.Label
	}
	n := kindOf(c.Kind).short(c)
	if c.Dimensions == 2 {
		n += "_2d"
	}
	if c.MaskWeighted {
		n += "_weighted"
	}
	return n
}

// settings describes c in words.
func (c *Config) settings() string {
	k := kindOf(c.Kind)
	s := k.words(c)
	if c.Dimensions == 2 {
		s += ", slice by slice"
	}
	if strings.Contains(k.keys, "boundary") && c.Boundary != "mirror" && !strings.HasSuffix(c.Kind, "simoncelli") {
		s += ", " + c.Boundary + " beyond the border"
	}
	if c.MaskWeighted {
		s += ", mask-weighted"
	}
	return s
}

// number writes x for a name: 1.5 as 1_5, -45 as minus_45.
func number(x float64) string {
	s := strconv.FormatFloat(x, 'f', -1, 64)
	return strings.NewReplacer(".", "_", "-", "minus_").Replace(s)
}

func rotationWords(c *Config) string {
	if !c.RotationInvariant {
		return ""
	}
	n := 24
	if c.Dimensions == 2 {
		n = 4
	}
	return fmt.Sprintf(", %s of %d rotations", c.Pooling, n)
}
