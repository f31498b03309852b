package texture

import "github.com/plaquerisk/plaquerisk/feature"

// Feature documents one feature of a family.
type Feature struct {
	Name        string // ours: "joint_entropy"
	PyRadiomics string // its name in PyRadiomics, "JointEntropy"; empty if it has none
	Code        string // its IBSI code, "TU9B"; empty if the standard does not define it
	Unit        string // "bit"; "1" for a pure number
	Doc         string // one sentence
}

// Column says what a [Value] is.
type Column struct {
	Family      Family
	Aggregation Aggregation
	Feature
}

// Name returns <family>.<feature>.<aggregation>: "glcm.joint_entropy.3d_merged".
func (c *Column) Name() string {
	return c.Family.String() + "." + c.Feature.Name + "." + c.Aggregation.String()
}

// Value is one feature of a region.
type Value struct {
	Value float64 // NaN where it is undefined, see Reason
	// Pairs is what the value rests on: glcm pairs (each once), runs, zones, or
	// voxels with a neighbourhood, summed over all directions and slices.
	Pairs  int
	Reason feature.Reason // why it is undefined
}

// row is a feature with its formula: T is the summary of a matrix.
type row[T any] struct {
	Feature
	value func(T) float64 // NaN where it is undefined
	// limit is the value by convention of PyRadiomics where it is undefined.
	limit float64
}

// Features returns the features of family f, in the order of their columns.
func (c *Config) Features(f Family) []Feature {
	switch f {
	case GLCM:
		return featuresOf(glcmFeatures, c, f)
	case GLRLM:
		return featuresOf(glrlmFeatures, c, f)
	case GLSZM:
		return featuresOf(glszmFeatures, c, f)
	case GLDZM:
		return featuresOf(gldzmFeatures, c, f)
	case NGTDM:
		return featuresOf(ngtdmFeatures, c, f)
	}
	return featuresOf(ngldmFeatures, c, f)
}

// featuresOf returns the features of the rows that c asks for.
func featuresOf[T any](rows []row[T], c *Config, f Family) []Feature {
	var fs []Feature
	for n := range rows {
		if c.has(f, &rows[n].Feature) {
			fs = append(fs, rows[n].Feature)
		}
	}
	return fs
}

// has tells whether a feature is computed: those of the standard, or those of
// PyRadiomics in the families that it has.
func (c *Config) has(f Family, ft *Feature) bool {
	switch {
	case f == GLCM && ft.Code == "":
		return c.MCC
	case f == GLDM, c.Convention == PyRadiomics && f != GLDZM && f != NGLDM:
		return ft.PyRadiomics != ""
	}
	return true
}

// Columns returns what the values of [Compute] are, in order: for each family,
// for each of its aggregations, its features.
func (c *Config) Columns() []Column {
	var cols []Column
	for _, f := range c.Families {
		for _, a := range c.Aggregations {
			if a.Applies(f) {
				for _, ft := range c.Features(f) {
					cols = append(cols, Column{f, a, ft})
				}
			}
		}
	}
	return cols
}
