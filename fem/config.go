package fem

import (
	"errors"
	"fmt"

	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// The end conditions.
const (
	Sliding = "sliding" // the ends move only in their planes
	Clamped = "clamped" // the ends do not move
)

// kPaPerMMHg converts mmHg to kPa (the conventional millimetre of mercury,
// 133.322387415 Pa).
const kPaPerMMHg = 0.133322387415

// Config holds the choices that change stresses.
type Config struct {
	// Pressure is the blood pressure on the lumen.
	Pressure float64 `yaml:"pressure_mmhg"`
	// Ends says how the two end planes are held: "sliding" (they move only in their
	// planes) or "clamped" (they do not move).
	Ends string `yaml:"ends"`
	// Foundation is the stiffness, along the normal, of the tissue that supports the
	// outer wall; 0 leaves it free.
	Foundation float64 `yaml:"outer_support_kpa_per_mm"`
	// Padding is meshed beyond the interval of interest on either side, as far as
	// the vessel reaches, to keep the ends away.
	Padding float64 `yaml:"padding_mm"`
	// Margin is the part next to each end plane that no result is read from.
	Margin float64 `yaml:"end_margin_mm"`
	// Around is the number of elements around the lumen, a multiple of 8.
	Around int `yaml:"elements_around"`
	// Through is the number of elements through the wall.
	Through int `yaml:"elements_through"`
	// Axial is the length of the elements along the vessel.
	Axial float64 `yaml:"element_length_mm"`
	// Grading is the thickness of the outermost element layer over that of the innermost.
	Grading float64 `yaml:"grading"`
	// FineAxial is the length of the elements along the vessel at the interfaces of tissues.
	FineAxial float64 `yaml:"interface_element_length_mm"`
	// Crowding is the size of elements far from cores and calcium over that at their interfaces; 1 leaves them even.
	Crowding float64 `yaml:"interface_crowding"`
	// MinWall is the least wall thickness of the mesh; thinner places are thickened outwards.
	MinWall float64 `yaml:"min_wall_mm"`
	// MaxThin is the share of the wall that may need thickening before the vessel is refused.
	MaxThin float64 `yaml:"max_thin_percent"`
	// CapDepth bounds the fibrous cap: tissue over a low attenuation core, no deeper below the lumen than this.
	CapDepth float64 `yaml:"cap_depth_mm"`
	// AverageVolume is the volume of the fixed-volume averages: the mean over so much of a region, where the field is highest.
	AverageVolume float64 `yaml:"average_volume_mm3"`
	// Tolerance ends the iteration: the residual force over the applied force.
	Tolerance float64 `yaml:"tolerance"`
	// MaxIterations bounds the conjugate gradient iteration.
	MaxIterations int `yaml:"max_iterations"`
	// Materials are the elastic constants of the tissues.
	Materials Materials `yaml:"materials"`
	// Kinematics is "small" (linear strain on the imaged shape) or "finite" (large
	// strain, with diastole, systole and pulse).
	Kinematics string `yaml:"kinematics"`
	// Finite holds what finite strain needs besides.
	Finite Finite `yaml:"finite"`
	// Uncertainty declares how far the inputs may be off, for bands around the markers.
	Uncertainty Uncertainty `yaml:"uncertainty"`
}

// Materials holds the constants of each tissue class.
type Materials struct {
	// Wall is the artery wall outside any plaque.
	Wall material.Elastic `yaml:"wall"`
	// LowAttenuation is lipid-rich or necrotic plaque, the soft core.
	LowAttenuation material.Elastic `yaml:"low_attenuation"`
	// FibroFatty is plaque between core and fibrous tissue.
	FibroFatty material.Elastic `yaml:"fibro_fatty"`
	// Fibrous is collagen-rich plaque.
	Fibrous material.Elastic `yaml:"fibrous"`
	// Calcified is calcium.
	Calcified material.Elastic `yaml:"calcified"`
}

// DefaultConfig returns the settings behind the shipped model.
func DefaultConfig() Config {
	lib := func(t imaging.Tissue) material.Elastic { c, _ := material.Lookup(t); return c.Elastic }
	return Config{
		Pressure: 120, Ends: Sliding, Padding: 3, Margin: 1,
		Around: 48, Through: 8, Axial: 0.5, Grading: 3, FineAxial: 0.5, Crowding: 2, MinWall: 0.1, MaxThin: 10,
		CapDepth: 0.5, AverageVolume: 0.05, Tolerance: 1e-6, MaxIterations: 2000,
		Materials: Materials{
			Wall: lib(imaging.Wall), LowAttenuation: lib(imaging.LowAttenuation), FibroFatty: lib(imaging.FibroFatty),
			Fibrous: lib(imaging.Fibrous), Calcified: lib(imaging.Calcified),
		},
		Kinematics: SmallStrain, Finite: DefaultFinite(),
		Uncertainty: DefaultUncertainty(),
	}
}

// table returns the constants by tissue; blood and background stand for wall
// that the labels missed.
func (m *Materials) table() [imaging.NumTissues]material.Elastic {
	var t [imaging.NumTissues]material.Elastic
	t[imaging.Background], t[imaging.Lumen], t[imaging.Wall] = m.Wall, m.Wall, m.Wall
	t[imaging.LowAttenuation], t[imaging.FibroFatty] = m.LowAttenuation, m.FibroFatty
	t[imaging.Fibrous], t[imaging.Calcified] = m.Fibrous, m.Calcified
	return t
}

// solids are the tissues that the wall is made of.
var solids = []imaging.Tissue{imaging.Wall, imaging.LowAttenuation, imaging.FibroFatty, imaging.Fibrous, imaging.Calcified}

// Validate reports everything that is wrong with c, in the words of the YAML
// file.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Pressure > 0 && c.Pressure <= 400, "pressure_mmhg is %g: must be above 0 and at most 400", c.Pressure)
	check(c.Ends == Sliding || c.Ends == Clamped, "ends is %q: must be %q or %q", c.Ends, Sliding, Clamped)
	check(c.Foundation >= 0 && c.Foundation <= 1e6, "outer_support_kpa_per_mm is %g: must be between 0 (free) and 1e6", c.Foundation)
	check(c.Padding >= 0 && c.Padding <= 100, "padding_mm is %g: must be between 0 and 100", c.Padding)
	check(c.Margin >= 0 && c.Margin <= 100, "end_margin_mm is %g: must be between 0 and 100", c.Margin)
	check(c.Around >= 16 && c.Around <= 512 && c.Around%8 == 0, "elements_around is %d: must be a multiple of 8 from 16 to 512", c.Around)
	check(c.Through >= 2 && c.Through <= 64, "elements_through is %d: must be from 2 to 64", c.Through)
	check(c.Axial >= 0.02 && c.Axial <= 5, "element_length_mm is %g: must be from 0.02 to 5", c.Axial)
	check(c.Grading >= 1 && c.Grading <= 20, "grading is %g: must be from 1 to 20", c.Grading)
	check(c.FineAxial >= 0.01 && c.FineAxial <= 5, "interface_element_length_mm is %g: must be from 0.01 to 5", c.FineAxial)
	check(c.Crowding >= 1 && c.Crowding <= 40, "interface_crowding is %g: must be from 1 to 40", c.Crowding)
	check(c.MinWall > 0 && c.MinWall <= 1, "min_wall_mm is %g: must be above 0 and at most 1", c.MinWall)
	check(c.MaxThin >= 0 && c.MaxThin <= 100, "max_thin_percent is %g: must be from 0 to 100", c.MaxThin)
	check(c.CapDepth > 0 && c.CapDepth <= 5, "cap_depth_mm is %g: must be above 0 and at most 5", c.CapDepth)
	check(c.AverageVolume > 0 && c.AverageVolume <= 100, "average_volume_mm3 is %g: must be above 0 and at most 100", c.AverageVolume)
	check(c.Tolerance >= 1e-12 && c.Tolerance <= 1e-3, "tolerance is %g: must be from 1e-12 to 1e-3", c.Tolerance)
	check(c.MaxIterations >= 1, "max_iterations is %d: must be at least 1", c.MaxIterations)
	table := c.Materials.table()
	for _, t := range solids {
		if err := table[t].Check(); err != nil {
			errs = append(errs, fmt.Errorf("materials: %s: %w", t, err))
		}
	}
	check(c.Kinematics == SmallStrain || c.Kinematics == FiniteStrain, "kinematics is %q: must be %q or %q", c.Kinematics, SmallStrain, FiniteStrain)
	if c.Kinematics == FiniteStrain {
		errs = append(errs, c.Finite.validate(c.Pressure)...)
	}
	return errors.Join(append(errs, c.Uncertainty.validate()...)...)
}

// KPa returns the pressure on the lumen in kPa.
func (c Config) KPa() float64 { return c.Pressure * kPaPerMMHg }

// Describe returns what the report says about the computation, without its
// solves.
func (c Config) Describe() risk.Mechanics {
	m := risk.Mechanics{
		PressureMMHg: c.Pressure, PressureKPa: c.KPa(), PressureSource: "settings, not measured in this patient",
		Formulation: "static, small-strain linear elasticity on the imaged shape; eight-node bricks with mean dilatation; no prestress",
	}
	m.Ends = "sliding: the end planes move only within themselves"
	if c.Ends == Clamped {
		m.Ends = "clamped: the end planes do not move"
	}
	if c.Foundation > 0 {
		m.Ends += fmt.Sprintf("; outer wall on springs of %g kPa/mm", c.Foundation)
	} else {
		m.Ends += "; outer wall free"
	}
	if c.Kinematics == FiniteStrain {
		c.describeFinite(&m)
		return m
	}
	table := c.Materials.table()
	for _, t := range solids {
		src := "settings"
		if lib, ok := material.Lookup(t); ok && lib.Elastic == table[t] {
			src = lib.Source
		}
		m.Materials = append(m.Materials, risk.Material{Tissue: t.String(), YoungKPa: table[t].Young, Poisson: table[t].Poisson, Source: src})
	}
	return m
}

// sizes returns the part of c that shapes the mesh.
func (c Config) sizes() mesh.Sizes {
	return mesh.Sizes{Around: c.Around, Through: c.Through, Axial: c.Axial, Grading: c.Grading,
		MinWall: c.MinWall, MaxThin: c.MaxThin / 100, MinJacobian: 0.1}
}
