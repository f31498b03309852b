package radiomics

import (
	"slices"

	"github.com/plaquerisk/plaquerisk/feature"
)

// def is one feature of a family whose values are computed from a T.
type def[T any] struct {
	name, unit, code, doc string // code is empty for what the standard does not define
	value                 func(T) float64
}

// column returns the column of d for an image and an aggregation ("" for none).
func (d *def[T]) column(image, family, aggregation, settings string) feature.Column {
	name := image + "." + family + "." + d.name
	if aggregation != "" {
		name += "." + aggregation
	}
	ref := "IBSI:" + d.code
	if d.code == "" {
		ref = "not in IBSI"
	}
	return feature.Column{Name: name, Unit: d.unit, Modality: feature.Radiomics, Ref: ref, Settings: settings, Doc: d.doc}
}

// family is a group of features: its columns and their values, in one order.
type family struct {
	name    string
	columns func(c *Config) []feature.Column
	values  func(r *region, c *Config) []float64
}

// families are the groups of features of the unfiltered image, in the order of
// the columns.
var families = []family{
	{"shape",
		func(c *Config) []feature.Column {
			return columnsOf(shapeFeatures, "original", "shape", "", c.gridSettings())
		},
		func(r *region, c *Config) []float64 { return valuesOf(shapeFeatures, newShape(r)) }},
	{"firstorder",
		func(c *Config) []feature.Column {
			return columnsOf(firstOrderFeatures, "original", "firstorder", "", c.intensitySettings())
		},
		func(r *region, c *Config) []float64 { return valuesOf(firstOrderFeatures, newSample(r.values)) }},
	{"histogram",
		func(c *Config) []feature.Column {
			return columnsOf(histogramFeatures, "original", "histogram", "", c.levelSettings())
		},
		func(r *region, c *Config) []float64 { return valuesOf(histogramFeatures, newHistogram(r)) }},
	{"glcm", glcmColumns, glcmValues},
}

// familyNames returns the names of all families.
func familyNames() []string {
	names := make([]string, len(families))
	for n := range families {
		names[n] = families[n].name
	}
	return names
}

// Columns returns the columns of [Extract] for cfg, in order.
func Columns(cfg Config) []feature.Column {
	var cols []feature.Column
	for _, f := range families {
		if slices.Contains(cfg.Families, f.name) {
			cols = append(cols, f.columns(&cfg)...)
		}
	}
	for _, l := range cfg.Laws {
		cols = append(cols, columnsOf(firstOrderFeatures, l.name(), "firstorder", "", cfg.intensitySettings()+"; "+l.settings())...)
	}
	return cols
}

// columnsOf returns the columns of a family.
func columnsOf[T any](defs []def[T], image, family, aggregation, settings string) []feature.Column {
	cols := make([]feature.Column, len(defs))
	for n := range defs {
		cols[n] = defs[n].column(image, family, aggregation, settings)
	}
	return cols
}

// valuesOf computes the values of a family.
func valuesOf[T any](defs []def[T], of T) []float64 {
	values := make([]float64, len(defs))
	for n := range defs {
		values[n] = defs[n].value(of)
	}
	return values
}
