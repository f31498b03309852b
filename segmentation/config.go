package segmentation

import (
	"errors"
	"fmt"
	"math"
)

// Config holds the choices that change vessels, plaques and tissue.
type Config struct {
	// SectionStep is the distance between cross-sections along the centre-line.
	SectionStep float64 `yaml:"section_step_mm"`
	// Rays is the number of points of a contour, at equal angles about the centre
	// of the lumen.
	Rays int `yaml:"rays"`
	// CenterlineSmoothing is the standard deviation of the smoothing of the
	// centre-line along the arc.
	CenterlineSmoothing float64 `yaml:"centerline_smoothing_mm"`
	// ContourSmoothing is the standard deviation of the area-preserving smoothing
	// of a contour along its border; it removes what is left of the voxel pattern.
	ContourSmoothing float64 `yaml:"contour_smoothing_mm"`
	// SectionSmoothing is the standard deviation of the smoothing of contours
	// along the vessel, with a kernel that keeps the depth of a short stenosis.
	SectionSmoothing float64 `yaml:"section_smoothing_mm"`
	// MaxRadius bounds the distance from the centre of the lumen to the outer
	// wall; a ray that meets no border before it has failed.
	MaxRadius float64 `yaml:"max_radius_mm"`
	// MinWall is the least thickness of the wall: an outer border closer to the
	// lumen is moved outwards.
	MinWall float64 `yaml:"min_wall_mm"`
	// MinPlaque is the volume below which a connected part of a plaque mask
	// without instance numbers is no plaque of its own.
	MinPlaque float64 `yaml:"min_plaque_mm3"`
	// DerivedBurden is the plaque burden from which a stretch of wall is taken for
	// plaque when no plaque was segmented.
	DerivedBurden float64 `yaml:"derived_plaque_burden_percent"`
	// DerivedThickness is the largest wall thickness from which a stretch of wall
	// is taken for plaque when no plaque was segmented; burden and thickness must
	// both be reached, because a thin distal vessel has a high burden without any
	// plaque.
	DerivedThickness float64 `yaml:"derived_plaque_thickness_mm"`
	// DerivedLength is the shortest stretch that counts as a derived plaque.
	DerivedLength float64 `yaml:"derived_plaque_length_mm"`
	// LowAttenuationBelow is the upper limit of low attenuation plaque.
	LowAttenuationBelow float64 `yaml:"low_attenuation_below_hu"`
	// FibroFattyBelow is the upper limit of fibro-fatty plaque; at or above the
	// limit before.
	FibroFattyBelow float64 `yaml:"fibro_fatty_below_hu"`
	// FibrousBelow is the upper limit of fibrous plaque; calcified at or above.
	FibrousBelow float64 `yaml:"fibrous_below_hu"`
	// Surfaces says how lumen and outer wall are found in the CT, where masks do
	// not give them.
	Surfaces SurfaceConfig `yaml:"surfaces"`
}

// DefaultConfig returns the settings behind the shipped model. The limits of CT
// number are those of the ICONIC core laboratory.
func DefaultConfig() Config {
	return Config{
		SectionStep: 0.5, Rays: 72, CenterlineSmoothing: 1.2, ContourSmoothing: 0.25, SectionSmoothing: 0.5, MaxRadius: 8, MinWall: 0.05,
		MinPlaque: 2, DerivedBurden: 40, DerivedThickness: 0.9, DerivedLength: 2,
		LowAttenuationBelow: 30, FibroFattyBelow: 130, FibrousBelow: 350,
		Surfaces: DefaultSurfaceConfig(),
	}
}

// Validate reports everything that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	between := func(key string, x, lo, hi float64) {
		if !(x >= lo && x <= hi) {
			errs = append(errs, fmt.Errorf("%s: %g: must lie between %g and %g", key, x, lo, hi))
		}
	}
	between("section_step_mm", c.SectionStep, 0.1, 5)
	between("rays", float64(c.Rays), 16, 720)
	between("centerline_smoothing_mm", c.CenterlineSmoothing, 0, 5)
	between("contour_smoothing_mm", c.ContourSmoothing, 0, 1)
	between("section_smoothing_mm", c.SectionSmoothing, 0, 2)
	between("max_radius_mm", c.MaxRadius, 2, 30)
	between("min_wall_mm", c.MinWall, 0.001, 1)
	between("min_plaque_mm3", c.MinPlaque, 0, 1000)
	between("derived_plaque_burden_percent", c.DerivedBurden, 1, 99)
	between("derived_plaque_thickness_mm", c.DerivedThickness, 0, 5)
	between("derived_plaque_length_mm", c.DerivedLength, 0, 50)
	for _, x := range []struct {
		key string
		hu  float64
	}{{"low_attenuation_below_hu", c.LowAttenuationBelow}, {"fibro_fatty_below_hu", c.FibroFattyBelow}, {"fibrous_below_hu", c.FibrousBelow}} {
		if math.IsNaN(x.hu) || math.IsInf(x.hu, 0) {
			errs = append(errs, fmt.Errorf("%s: %g: must be finite", x.key, x.hu))
		}
	}
	if !(c.LowAttenuationBelow <= c.FibroFattyBelow && c.FibroFattyBelow <= c.FibrousBelow) {
		errs = append(errs, fmt.Errorf("low_attenuation_below_hu, fibro_fatty_below_hu, fibrous_below_hu: %g, %g, %g: must not fall",
			c.LowAttenuationBelow, c.FibroFattyBelow, c.FibrousBelow))
	}
	if err := c.Surfaces.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("surfaces: %w", err))
	}
	return errors.Join(errs...)
}
