package maps

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/radiomics/intensity"
	"github.com/plaquerisk/plaquerisk/radiomics/texture"
)

// Config says which maps are made.
type Config struct {
	// Radius is the half edge of the cube around a voxel, in voxels: PyRadiomics'
	// kernelRadius.
	Radius int
	// Flat is an axis along which the cube is one voxel thick, as with force2D:
	// 0, 1 or 2 for i, j or k; −1 for none.
	Flat int
	// Features are names of columns without the image: glcm.contrast,
	// glszm.zone_entropy, firstorder.mean; with a suffix for another aggregation
	// than the mean of directions (3d_averaged): glcm.contrast.3d_merged. Names of
	// PyRadiomics are understood too: glcm_Contrast, original_glcm_Contrast.
	Features []string
	// Texture holds the convention and the settings of texture; its Families and
	// Aggregations are not used.
	Texture texture.Config
	// Shift is added to intensities before they are squared, with the convention
	// of PyRadiomics: its voxelArrayShift.
	Shift float64
	// Init is the value of voxels outside the region: PyRadiomics' initValue.
	Init float64
}

// DefaultConfig returns cubes of 3×3×3 voxels without features.
func DefaultConfig() Config {
	return Config{Radius: 1, Flat: -1, Texture: texture.DefaultConfig()}
}

// maxRadius bounds the cubes.
const maxRadius = 15

// mapped is one feature to map.
type mapped struct {
	family      string // "glcm", "firstorder"
	name        string
	aggregation texture.Aggregation
	unit        string
	code        string
	doc         string
	texture     texture.Family // unless first is set
	first       int            // place in the table of first-order features, or −1
}

// Validate reports everything that is wrong with c.
func (c *Config) Validate() error {
	_, err := c.features()
	return err
}

// features resolves the names.
func (c *Config) features() ([]mapped, error) {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf("maps: "+format, a...)) }
	if c.Radius < 1 || c.Radius > maxRadius {
		bad("radius: %d: want 1 to %d voxels", c.Radius, maxRadius)
	}
	if c.Flat < -1 || c.Flat > 2 {
		bad("flat axis: %d: want −1, 0, 1 or 2", c.Flat)
	}
	if len(c.Features) == 0 {
		bad("no features")
	}
	if err := c.Texture.Validate(); err != nil {
		errs = append(errs, err)
	}
	var out []mapped
	for n, name := range c.Features {
		m, err := c.resolve(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if slices.Contains(out, m) {
			bad("features[%d]: %q stands twice", n, name)
		}
		out = append(out, m)
	}
	return out, errors.Join(errs...)
}

// resolve finds the feature called name.
func (c *Config) resolve(name string) (mapped, error) {
	fail := func(format string, a ...any) (mapped, error) {
		return mapped{}, fmt.Errorf("maps: feature %q: %w", name, fmt.Errorf(format, a...))
	}
	theirs := strings.Contains(name, "_") && !strings.Contains(name, ".")
	parts := strings.SplitN(name, ".", 3)
	if theirs {
		parts = strings.SplitN(strings.TrimPrefix(name, "original_"), "_", 2)
	}
	if len(parts) < 2 {
		return fail("want family and feature: glcm.contrast")
	}
	is := func(ours, pyradiomics string) bool {
		return !theirs && ours == parts[1] || theirs && pyradiomics != "" && pyradiomics == parts[1]
	}
	if parts[0] == "firstorder" {
		if len(parts) == 3 {
			return fail("first-order features have no aggregation")
		}
		for n, f := range c.firstOrder() {
			if is(f.Name, f.PyRadiomics) {
				return mapped{family: parts[0], name: f.Name, unit: f.Unit, code: f.Code, doc: f.Doc, first: n}, nil
			}
		}
		return fail("no such first-order feature")
	}
	for f := texture.GLCM; f <= texture.GLDM; f++ {
		if f.String() != parts[0] {
			continue
		}
		m := mapped{family: parts[0], texture: f, first: -1, aggregation: texture.Volume3D}
		if f.Directional() {
			m.aggregation = texture.Averaged3D
		}
		if len(parts) == 3 {
			found := false
			for a := texture.Averaged2D; a <= texture.Volume3D; a++ {
				if a.String() == parts[2] && a.Applies(f) {
					m.aggregation, found = a, true
				}
			}
			if !found {
				return fail("%s has no aggregation %q", parts[0], parts[2])
			}
		}
		for _, t := range c.Texture.Features(f) {
			if is(t.Name, t.PyRadiomics) {
				m.name, m.unit, m.code, m.doc = t.Name, t.Unit, t.Code, t.Doc
				return m, nil
			}
		}
		return fail("%s has no such feature", parts[0])
	}
	return fail("no such family: want firstorder, glcm, glrlm, glszm, gldzm, ngtdm, ngldm or gldm")
}

// named is what both first-order tables say of a feature.
type named struct{ Name, PyRadiomics, Code, Unit, Doc string }

// firstOrder returns the first-order features of the convention.
func (c *Config) firstOrder() []named {
	var out []named
	if c.Texture.Convention == texture.PyRadiomics {
		for _, f := range intensity.FirstOrderFeatures {
			out = append(out, named{f.Name, f.PyRadiomics, f.Code, f.Unit, f.Doc})
		}
		return out
	}
	for _, f := range intensity.StatisticsFeatures {
		out = append(out, named{f.Name, f.PyRadiomics, f.Code, f.Unit, f.Doc})
	}
	return out
}

// label returns the name of m within its image: "glcm.contrast".
func (m *mapped) label() string {
	s := m.family + "." + m.name
	if m.first < 0 && m.aggregation != texture.Averaged3D && m.aggregation != texture.Volume3D {
		s += "_" + m.aggregation.String()
	}
	return s
}

// Columns returns what the maps of c show, in order: map_r1.glcm.contrast. unit
// is that of the intensities, settings what made them.
func (c *Config) Columns(unit, settings string) ([]feature.Column, error) {
	ms, err := c.features()
	if err != nil {
		return nil, err
	}
	cols := make([]feature.Column, len(ms))
	for n := range ms {
		cols[n] = c.column(&ms[n], unit, settings)
	}
	return cols, nil
}

// column describes one map.
func (c *Config) column(m *mapped, unit, settings string) feature.Column {
	set := fmt.Sprintf("per voxel in cubes of %d voxels", 2*c.Radius+1)
	if c.Flat >= 0 {
		set = fmt.Sprintf("per voxel in squares of %d voxels across %c", 2*c.Radius+1, "ijk"[c.Flat])
	}
	if m.first < 0 {
		set += ", " + m.aggregation.String()
	}
	if settings != "" {
		set = settings + "; " + set
	}
	ref := "not in IBSI"
	if m.code != "" {
		ref = "IBSI:" + m.code
	}
	return feature.Column{
		Name: fmt.Sprintf("map_r%d.%s", c.Radius, m.label()), Unit: inUnit(m.unit, unit),
		Modality: feature.Radiomics, Ref: ref, Settings: set, Doc: m.doc,
	}
}

// inUnit returns a unit of the tables, which speak of HU, for intensities in
// another unit.
func inUnit(table, unit string) string {
	if unit == "1" && strings.HasPrefix(table, "HU") {
		table = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(table, "HU"), "²"), "·")
		return cmp.Or(table, "1")
	}
	square := unit + "²"
	if strings.ContainsAny(unit, "²³⁴·/") {
		square = "(" + unit + ")²"
	}
	return strings.ReplaceAll(strings.ReplaceAll(table, "HU²", square), "HU", unit)
}
