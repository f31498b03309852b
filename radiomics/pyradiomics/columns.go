package pyradiomics

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/radiomics/intensity"
	"github.com/plaquerisk/plaquerisk/radiomics/morphology"
	"github.com/plaquerisk/plaquerisk/radiomics/texture"
)

// Columns returns the columns of [Extract](p) in PyRadiomics' order: shape,
// then for each image its classes. They depend on p alone, so that a table of
// many cases is rectangular; what PyRadiomics would leave out is NaN.
func Columns(p *Params) []feature.Column {
	var cols []feature.Column
	general := p.generalSettings()
	add := func(image, class, name, code, unit, doc, settings string) {
		c := feature.Column{Name: image + "_" + class + "_" + name, Unit: unit, Modality: feature.Radiomics,
			Ref: "PyRadiomics:" + class + "." + name, Settings: settings, Doc: doc}
		if code != "" {
			c.Ref = "IBSI:" + code + " as PyRadiomics computes it"
		}
		cols = append(cols, c)
	}
	for _, c := range p.shapeClasses() {
		for _, name := range c.Features {
			if c.Name == "shape" {
				f := rowOf(morphology.PyRadiomicsFeatures, func(f *morphology.Feature[morphology.PyRadiomics]) string { return f.PyRadiomics }, name)
				add("original", c.Name, name, f.Code, f.Unit, f.Doc, general)
			} else {
				f := rowOf(morphology.PlaneFeatures, func(f *morphology.Feature[morphology.Plane]) string { return f.PyRadiomics }, name)
				add("original", c.Name, name, f.Code, f.Unit, f.Doc, general)
			}
		}
	}
	for n := range p.ImageTypes {
		t := &p.ImageTypes[n]
		texture, settings := t.texture(p), joinSettings(general, t.describe(), t.discretisation())
		for _, image := range t.names() {
			for _, c := range p.valueClasses() {
				for _, name := range c.Features {
					if c.Name == "firstorder" {
						f := rowOf(intensity.FirstOrderFeatures, firstOrderName, name)
						add(image, c.Name, name, f.Code, t.unit(p, f.Unit), f.Doc, settings)
						continue
					}
					features := texture.Features(familyOf[c.Name])
					f := rowOf(features, textureName, name)
					add(image, c.Name, name, f.Code, f.Unit, f.Doc, joinSettings(settings, t.aggregation(c.Name)))
				}
			}
		}
	}
	return cols
}

func firstOrderName(f *intensity.Feature[intensity.FirstOrder]) string { return f.PyRadiomics }
func textureName(f *texture.Feature) string                            { return f.PyRadiomics }

// rowOf returns the row called name, which the table has: the names of a file
// are checked against the same names.
func rowOf[T any](table []T, nameOf func(*T) string, name string) *T {
	if n := indexOf(table, nameOf, name); n >= 0 {
		return &table[n]
	}
	panic("pyradiomics: no feature " + name)
}

func indexOf[T any](table []T, nameOf func(*T) string, name string) int {
	for n := range table {
		if nameOf(&table[n]) == name {
			return n
		}
	}
	return -1
}

// familyOf gives the texture family of a class.
var familyOf = map[string]texture.Family{"glcm": texture.GLCM, "gldm": texture.GLDM, "glrlm": texture.GLRLM, "glszm": texture.GLSZM, "ngtdm": texture.NGTDM}

// enabled returns the class with the features that are computed written out.
func (c *Class) enabled() Class {
	known := findClass(c.Name)
	e := Class{Name: c.Name}
	if len(c.Features) == 0 {
		e.Features = known.features
		return e
	}
	for _, f := range c.Features {
		if !slices.Contains(known.gone, f) {
			e.Features = append(e.Features, f)
		}
	}
	return e
}

// shapeClasses returns the classes that describe the mask, shape first.
// PyRadiomics computes shape2D only with force2D.
func (p *Params) shapeClasses() []Class {
	var cs []Class
	for _, name := range []string{"shape", "shape2D"} {
		for n := range p.Classes {
			if c := &p.Classes[n]; c.Name == name && (name == "shape" || p.Force2D) {
				cs = append(cs, c.enabled())
			}
		}
	}
	return cs
}

// valueClasses returns the classes that describe intensities, in the order of
// the file.
func (p *Params) valueClasses() []Class {
	var cs []Class
	for n := range p.Classes {
		if c := &p.Classes[n]; !strings.HasPrefix(c.Name, "shape") {
			cs = append(cs, c.enabled())
		}
	}
	return cs
}

// texture returns what the texture classes of an image type need.
func (t *ImageType) texture(p *Params) texture.Config {
	s := &t.Settings
	c := texture.PyRadiomicsConfig()
	c.Families, c.MCC = nil, false
	for _, class := range p.valueClasses() {
		f, ok := familyOf[class.Name]
		if !ok {
			continue
		}
		c.Families = append(c.Families, f)
		c.MCC = c.MCC || slices.Contains(class.Features, "MCC")
	}
	c.Distances, c.Symmetric, c.Coarseness = s.Distances, s.SymmetricalGLCM, float64(s.GLDMAlpha)
	c.SliceAxis = 2 - s.Force2Ddimension
	averaged, merged, other := texture.Averaged3D, texture.Merged3D, texture.Volume3D
	if s.Force2D {
		averaged, merged, other = texture.DirectionMerged25, texture.Merged25D, texture.Slices25D
	}
	directed := averaged
	if s.WeightingNorm != "" {
		directed = merged
		c.Weighting = map[string]texture.Weighting{"manhattan": texture.Manhattan, "euclidean": texture.Euclidean, "infinity": texture.Infinity}[s.WeightingNorm]
	}
	c.Aggregations = []texture.Aggregation{directed, other}
	return c
}

// joinSettings puts what is not empty into one line.
func joinSettings(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

// generalSettings says what happens to image and mask before any filter.
func (p *Params) generalSettings() string {
	var parts []string
	add := func(format string, a ...any) { parts = append(parts, fmt.Sprintf(format, a...)) }
	if p.Normalize {
		add("normalised to mean 0 and standard deviation %g", p.NormalizeScale)
		if p.RemoveOutliers > 0 {
			add("clipped at %g standard deviations", p.RemoveOutliers)
		}
	}
	if p.resamples() {
		add("resampled to %v mm, %v, padded by %d", p.ResampledPixelSpacing, p.Interpolator, p.PadDistance)
	} else if p.PreCrop {
		add("cropped with %d voxels around", p.PadDistance)
	}
	if p.ResegmentRange != nil {
		add("re-segmented %s %v", p.ResegmentMode, p.ResegmentRange)
		if p.ResegmentShape {
			add("shape too")
		}
	}
	return strings.Join(parts, ", ")
}

// describe says how the image is derived.
func (t *ImageType) describe() string {
	s := &t.Settings
	switch t.Name {
	case "LoG":
		return "ITK's recursive Laplacian of Gaussian"
	case "Wavelet":
		return fmt.Sprintf("undecimated wavelet %s from level %d", s.Wavelet, s.StartLevel)
	case "Gradient":
		if !s.GradientUseSpacing {
			return "gradient per voxel"
		}
	case "LBP2D":
		return fmt.Sprintf("local binary patterns (%s), %d samples at %g voxels", s.LBP2DMethod, s.LBP2DSamples, s.LBP2DRadius)
	case "LBP3D":
		return fmt.Sprintf("local binary patterns, %d levels of spherical harmonics, icosphere of %g voxels divided %d times", s.LBP3DLevels, s.LBP3DIcosphereRadius, s.LBP3DIcosphereSubdivision)
	}
	return ""
}

// discretisation says how grey levels are made.
func (t *ImageType) discretisation() string {
	s := &t.Settings
	d := fmt.Sprintf("bins of width %g from a multiple of it", s.BinWidth)
	if s.BinCount > 0 {
		d = fmt.Sprintf("%d bins over the range", s.BinCount)
	}
	if s.VoxelArrayShift != 0 {
		d += fmt.Sprintf(", energies shifted by %d", s.VoxelArrayShift)
	}
	return d
}

// aggregation says how directions become one value.
func (t *ImageType) aggregation(class string) string {
	s := &t.Settings
	var parts []string
	switch {
	case class != "glcm" && class != "glrlm":
	case s.WeightingNorm == "":
		parts = append(parts, "mean over directions")
	case s.WeightingNorm == "no_weighting":
		parts = append(parts, "directions merged")
	default:
		parts = append(parts, "directions merged with weights by "+s.WeightingNorm+" length")
	}
	if s.Force2D {
		parts = append(parts, fmt.Sprintf("in slices across axis %d (z, y, x)", s.Force2Ddimension))
	}
	if class != "glrlm" && class != "glszm" && !slices.Equal(s.Distances, []int{1}) {
		parts = append(parts, fmt.Sprintf("distances %v", s.Distances))
	}
	if class == "glcm" && !s.SymmetricalGLCM {
		parts = append(parts, "not symmetric")
	}
	if class == "gldm" && s.GLDMAlpha != 0 {
		parts = append(parts, fmt.Sprintf("dependence up to %d levels", s.GLDMAlpha))
	}
	return strings.Join(parts, ", ")
}

// unit returns the unit of a feature of an image of type t: what is not an
// intensity any more has no unit.
func (t *ImageType) unit(p *Params, unit string) string {
	switch {
	case p.Normalize, strings.HasPrefix(t.Name, "LBP"):
		u := strings.NewReplacer("HU²·", "", "HU²", "1", "HU", "1").Replace(unit)
		return u
	case t.Name == "Gradient" && t.Settings.GradientUseSpacing:
		return strings.NewReplacer("HU²", "HU²/mm²", "HU", "HU/mm").Replace(unit)
	}
	return unit
}
