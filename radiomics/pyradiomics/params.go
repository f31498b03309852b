package pyradiomics

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/suggest"
)

// Params is a parameter file: which image types, which features, which
// settings.
type Params struct {
	Settings
	ImageTypes []ImageType // in the order of the file
	Classes    []Class     // in the order of the file
	// Pixels is the type of the image file's numbers. It is no setting: the
	// reader of the image knows it.
	Pixels Pixels
	// MaskGrid is the grid of the mask file of which a region is a part. It is
	// needed only where image and mask lie on different voxels and are resampled:
	// the new voxels start at the corner of the mask file. nil: the region's own.
	MaskGrid *imaging.Grid

	text *node // settings as given, over PyRadiomics' defaults, for the diagnostics
	own  *node // settings of image types as given
}

// resamples tells whether image and mask get other voxels.
func (p *Params) resamples() bool {
	return p.Interpolator != NoInterpolation && p.ResampledPixelSpacing != nil
}

// ImageType is a kind of derived image with the settings that hold for it.
type ImageType struct {
	Name     string // "LoG"
	Settings Settings
}

// Class is a feature class with the features to compute.
type Class struct {
	Name     string   // "glcm"
	Features []string // nil: all that are not deprecated
}

// DefaultParams returns what PyRadiomics does without a parameter file: the
// original image, all classes but shape2D, 107 features.
func DefaultParams() *Params {
	p, err := Parse("defaults", []byte("{}"))
	if err != nil {
		panic("pyradiomics: " + err.Error())
	}
	p.Classes = slices.DeleteFunc(p.Classes, func(c Class) bool { return c.Name == "shape2D" })
	return p
}

// ReadFile reads a parameter file.
func ReadFile(path string) (*Params, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > MaxBytes {
		return nil, fmt.Errorf("%s: more than %d bytes: this is no parameter file", path, MaxBytes)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text)
}

// Parse reads a parameter file, YAML or JSON. name stands in errors, which
// give the line and the word that was probably meant.
func Parse(name string, text []byte) (*Params, error) {
	root, err := parseTree(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p, err := parseParams(root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// sections are the keys of a parameter file.
var sections = []string{"imageType", "featureClass", "setting", "voxelSetting"}

func parseParams(root *node) (*Params, error) {
	if root.kind != kindMap {
		return nil, fmt.Errorf("line %d: a parameter file is a mapping with the keys %s; this is %s", root.line, strings.Join(sections, ", "), root.kind)
	}
	p := &Params{Settings: DefaultSettings()}
	var err error
	if p.text, err = parseJSON([]byte(defaultText)); err != nil {
		return nil, err
	}
	part := map[string]*node{}
	for _, e := range root.entries {
		if !slices.Contains(sections, e.key) {
			hint := suggest.Hint(e.key, sections)
			if slices.Contains(ruleNames(settingRules), e.key) {
				hint = "; it belongs under setting"
			}
			return nil, fmt.Errorf("line %d: unknown key %q%s", e.line, e.key, hint)
		}
		if e.value.kind != kindMap && e.value.kind != kindNull {
			return nil, fmt.Errorf("line %d: %s: want a mapping, have %s", e.line, e.key, e.value.describe())
		}
		part[e.key] = e.value
	}
	for _, s := range []struct {
		key   string
		rules []rule
	}{{"setting", settingRules}, {"voxelSetting", voxelRules}} {
		if v := part[s.key]; v != nil {
			if err := p.apply(s.key, v, s.rules); err != nil {
				return nil, err
			}
			p.text.update(v)
		}
	}
	if err := p.imageTypes(part["imageType"]); err != nil {
		return nil, err
	}
	return p, p.classes(part["featureClass"])
}

// imageTypes reads the mapping of image types; none means the original image.
func (p *Params) imageTypes(v *node) error {
	p.own = &node{kind: kindMap}
	if v == nil || len(v.entries) == 0 {
		p.ImageTypes = []ImageType{{"Original", p.Settings}}
		return p.own.put("Original", 0, &node{kind: kindMap})
	}
	for _, e := range v.entries {
		if !slices.Contains(imageTypeNames, e.key) {
			return fmt.Errorf("line %d: image type %q is not recognized; there are %s%s", e.line, e.key,
				strings.Join(imageTypeNames, ", "), suggest.Hint(e.key, imageTypeNames))
		}
		t := ImageType{e.key, p.Settings}
		switch e.value.kind {
		case kindMap:
			if err := t.Settings.apply("imageType "+e.key, e.value, settingRules); err != nil {
				return err
			}
		case kindNull: // an empty line stands for {}
			e.value.kind = kindMap
		default:
			return fmt.Errorf("line %d: %s: want a mapping ({} for no settings of its own), have %s", e.line, e.key, e.value.describe())
		}
		if n := t.Settings.StartLevel + t.Settings.Level; t.Name == "Wavelet" && n > maxWavelet {
			return fmt.Errorf("line %d: Wavelet: start_level and level make %d levels; the most is %d", e.line, n, maxWavelet)
		}
		p.ImageTypes = append(p.ImageTypes, t)
	}
	p.own = v
	return nil
}

// classes reads the mapping of feature classes; none means all.
func (p *Params) classes(v *node) error {
	if v == nil || len(v.entries) == 0 {
		for _, c := range classes {
			p.Classes = append(p.Classes, Class{Name: c.name})
		}
		return nil
	}
	for _, e := range v.entries {
		c := findClass(e.key)
		if c == nil {
			return fmt.Errorf("line %d: feature class %q is not recognized; there are %s%s", e.line, e.key,
				strings.Join(classNames(), ", "), suggest.Hint(e.key, classNames()))
		}
		class := Class{Name: c.name}
		switch e.value.kind {
		case kindNull:
		case kindList:
			for _, item := range e.value.items {
				name := item.text // "10Percentile" and the like are text, numbers are no features
				if item.kind != kindString || !slices.Contains(c.features, name) && !slices.Contains(c.deprecated, name) && !slices.Contains(c.gone, name) {
					return fmt.Errorf("line %d: feature class %s has no feature %s%s", item.line, c.name, item.describe(),
						suggest.Hint(name, slices.Concat(c.features, c.deprecated)))
				}
				if !slices.Contains(class.Features, name) {
					class.Features = append(class.Features, name)
				}
			}
		default:
			return fmt.Errorf("line %d: %s: want a list of features (nothing or [] for all), have %s", e.line, e.key, e.value.describe())
		}
		p.Classes = append(p.Classes, class)
	}
	return nil
}

// update sets the entries of v in n, new ones at the end, as Python's
// dict.update does.
func (n *node) update(v *node) {
	for _, e := range v.entries {
		if old := n.find(e.key); old != nil {
			old.value = e.value
		} else {
			n.entries = append(n.entries, e)
		}
	}
}
