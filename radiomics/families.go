package radiomics

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/radiomics/intensity"
	"github.com/plaquerisk/plaquerisk/radiomics/morphology"
	"github.com/plaquerisk/plaquerisk/radiomics/ria"
	"github.com/plaquerisk/plaquerisk/radiomics/texture"
)

// family is a group of features that is asked for by name.
type family struct {
	name string
	// filtered tells whether filtered images have the family too, again whether
	// each discretisation has it anew, and once whether components lack it.
	filtered, again, once bool
	// levels tells whether the family is made of grey levels.
	levels  bool
	columns func(v *view) []feature.Column
	// values stores the values of a region that has voxels; g is nil unless the
	// family is made of grey levels.
	values func(ctx context.Context, s *scratch, r *region, g *grey, v *view, dst []float64, support []feature.Support) error
}

// view is how a family looks at an image.
type view struct {
	*Config
	families []string       // those asked for of this image
	levels   Discretisation // how grey levels are made
}

// scratch is what computing one region leaves to the next.
type scratch struct {
	morphology morphology.Workspace
	intensity  intensity.Workspace
	ria        *ria.Computer
	counts     []int
	computers  map[string]*texture.Computer // by the families that they compute
	region     texture.Region
	values     []texture.Value
}

// families are the groups of features, in the order of the columns. Those of
// texture share one entry, because their matrices are made in one pass.
var families []family

func init() { // not a literal: the functions below refer to the table
	families = []family{
		{name: "shape", columns: shapeColumns, values: shapeValues},
		{name: "local_intensity", columns: localColumns, values: localValues},
		{name: "firstorder", filtered: true, columns: firstOrderColumns, values: firstOrderValues},
		{name: "histogram", filtered: true, again: true, levels: true, columns: histogramColumns, values: histogramValues},
		{name: "ivh", filtered: true, columns: volumeColumns, values: volumeValues},
		{name: textureFamily, filtered: true, again: true, levels: true, columns: textureColumns, values: textureValues},
		{name: "maps", levels: true, columns: mapColumns, values: mapValues},
		{name: "ria", once: true, columns: riaColumns, values: riaValues},
		{name: "diagnostics", once: true, columns: diagnosticColumns, values: diagnosticValues},
	}
}

// textureFamily stands for all families of texture in the table.
const textureFamily = "texture"

// textures are the families of texture by name.
var textures = []texture.Family{texture.GLCM, texture.GLRLM, texture.GLSZM, texture.GLDZM, texture.NGTDM, texture.NGLDM}

// familyNames returns the names that settings may ask for.
func familyNames() []string { return namesWhere(func(*family) bool { return true }) }

// filterFamilies returns those that filtered images have.
func filterFamilies() []string { return namesWhere(func(f *family) bool { return f.filtered }) }

func namesWhere(keep func(*family) bool) []string {
	var names []string
	for n := range families {
		switch f := &families[n]; {
		case !keep(f):
		case f.name == textureFamily:
			for _, t := range textures {
				names = append(names, t.String())
			}
		default:
			names = append(names, f.name)
		}
	}
	return names
}

// asked tells whether one of names is f.
func (f *family) asked(names []string) bool {
	if f.name != textureFamily {
		return slices.Contains(names, f.name)
	}
	return slices.ContainsFunc(textures, func(t texture.Family) bool { return slices.Contains(names, t.String()) })
}

// allAggregations are those of texture matrices with directions.
var allAggregations = []texture.Aggregation{texture.Averaged2D, texture.SliceMerged2D, texture.DirectionMerged25, texture.Merged25D, texture.Averaged3D, texture.Merged3D}

func aggregationNames() []string {
	var names []string
	for _, a := range allAggregations {
		names = append(names, a.String())
	}
	return names
}

// weightings are the norms of directions, in the order of their constants.
var weightings = []string{"none", "manhattan", "euclidean", "infinity"}

// texture returns what is computed of the texture families among names.
func (c *Config) texture(names []string) texture.Config {
	t := texture.DefaultConfig()
	t.Families, t.Aggregations = nil, nil
	for _, f := range textures {
		if slices.Contains(names, f.String()) {
			t.Families = append(t.Families, f)
		}
	}
	for _, a := range allAggregations {
		if slices.Contains(c.Aggregations, a.String()) {
			t.Aggregations = append(t.Aggregations, a)
		}
	}
	for prefix, a := range map[string]texture.Aggregation{"2d_": texture.Slices2D, "25d_": texture.Slices25D, "3d_": texture.Volume3D} {
		if slices.ContainsFunc(c.Aggregations, func(name string) bool { return strings.HasPrefix(name, prefix) }) {
			t.Aggregations = append(t.Aggregations, a)
		}
	}
	slices.Sort(t.Aggregations)
	t.Distance, t.Coarseness = c.Distance, float64(c.Coarseness)
	t.Weighting = texture.Weighting(max(0, slices.Index(weightings, c.Weighting)))
	return t
}

// column returns the column of a feature, whose unit is in HU where it is that
// of the intensities.
func (c *Config) column(name, unit, code, settings, doc string) feature.Column {
	ref := "IBSI:" + code
	if code == "" {
		ref = "not in IBSI"
	}
	return feature.Column{Name: name, Unit: strings.ReplaceAll(unit, "HU", c.Unit), Modality: c.Modality, Ref: ref, Settings: settings, Doc: doc}
}

func shapeColumns(c *view) []feature.Column {
	var cols []feature.Column
	for _, f := range morphology.ShapeFeatures {
		cols = append(cols, c.column("shape."+f.Name, f.Unit, f.Code, c.gridSettings(), f.Doc))
	}
	return cols
}

func shapeValues(ctx context.Context, s *scratch, r *region, _ *grey, _ *view, dst []float64, support []feature.Support) error {
	shape, err := morphology.NewShape(ctx, &s.morphology, morphology.Region{Size: r.mask.Size, Spacing: r.mask.Spacing, Cosines: r.mask.Cosines(), Mask: r.mask.In, Inside: r.inside, Values: r.values})
	if err != nil {
		return err
	}
	shape.Values(dst, support)
	return nil
}

func localColumns(c *view) []feature.Column {
	return intensityColumns(intensity.LocalFeatures, c, "local_intensity", c.intensitySettings())
}

func localValues(ctx context.Context, s *scratch, r *region, _ *grey, _ *view, dst []float64, support []feature.Support) error {
	box := intensity.Box[float32]{Size: r.image.Size, Spacing: r.image.Spacing, Cosines: r.image.Cosines(), Values: r.image.Values}
	l, err := intensity.NewLocal(ctx, &s.intensity, box, r.inside)
	if err != nil {
		return err
	}
	l.Values(dst, support)
	return nil
}

func firstOrderColumns(c *view) []feature.Column {
	return intensityColumns(intensity.StatisticsFeatures, c, "firstorder", c.intensitySettings())
}

func firstOrderValues(_ context.Context, s *scratch, r *region, _ *grey, _ *view, dst []float64, support []feature.Support) error {
	intensity.NewStatistics(&s.intensity, r.values).Values(dst, support)
	return nil
}

func histogramColumns(c *view) []feature.Column {
	return intensityColumns(intensity.HistogramFeatures, c, "histogram", c.intensitySettings()+"; "+c.levels.settings(c.Config))
}

func histogramValues(_ context.Context, s *scratch, _ *region, g *grey, _ *view, dst []float64, support []feature.Support) error {
	s.counts = intensity.Count(s.counts, g.level)
	intensity.NewHistogram(&s.intensity, s.counts).Values(dst, support)
	return nil
}

func volumeColumns(c *view) []feature.Column {
	settings := c.intensitySettings()
	if c.IVH.Kind == "none" {
		settings += "; without bins"
	} else {
		settings += "; " + c.IVH.settings(c.Config)
	}
	return intensityColumns(intensity.VolumeHistogramFeatures, c, "ivh", settings)
}

func volumeValues(_ context.Context, s *scratch, r *region, _ *grey, c *view, dst []float64, support []feature.Support) error {
	v, err := intensity.NewVolumeHistogram(&s.intensity, r.values, c.IVH.volumeHistogram(c.Config))
	if err != nil {
		return err
	}
	v.Values(dst, support)
	return nil
}

// intensityColumns returns the columns of a table of package intensity.
func intensityColumns[T any](table []intensity.Feature[T], c *view, family, settings string) []feature.Column {
	var cols []feature.Column
	for _, f := range table {
		cols = append(cols, c.column(family+"."+f.Name, f.Unit, f.Code, settings, f.Doc))
	}
	return cols
}

func textureColumns(c *view) []feature.Column {
	t := c.texture(c.families)
	settings := c.intensitySettings() + "; " + c.levels.settings(c.Config)
	var cols []feature.Column
	for _, f := range t.Columns() {
		cols = append(cols, c.column(f.Name(), f.Unit, f.Code, settings+c.neighbourSettings(&f), f.Doc))
	}
	return cols
}

// neighbourSettings describes which voxels a matrix takes as neighbours.
func (c *Config) neighbourSettings(f *texture.Column) string {
	s := ""
	if f.Family.Directional() {
		s = "; 4 directions"
		if f.Aggregation == texture.Averaged3D || f.Aggregation == texture.Merged3D {
			s = "; 13 directions"
		}
		if c.Weighting != "none" {
			s += " weighted by their " + c.Weighting + " length"
		}
	}
	switch f.Family {
	case texture.GLCM:
		s += fmt.Sprintf(", distance %d", c.Distance)
	case texture.NGTDM:
		s += fmt.Sprintf("; distance %d", c.Distance)
	case texture.NGLDM:
		s += fmt.Sprintf("; distance %d, coarseness %d", c.Distance, c.Coarseness)
	}
	return s
}

func textureValues(ctx context.Context, s *scratch, r *region, g *grey, c *view, dst []float64, support []feature.Support) error {
	key := strings.Join(c.families, " ")
	computer := s.computers[key]
	if computer == nil {
		var err error
		if computer, err = texture.NewComputer(c.texture(c.families)); err != nil {
			return err
		}
		s.computers[key] = computer
	}
	m := r.mask
	s.region.Reset(m.Size, m.Spacing, r.inside, g.level, g.n, m.In)
	s.region.Cosines = m.Cosines()
	var err error
	if s.values, err = computer.Compute(ctx, s.values[:0], &s.region); err != nil {
		return err
	}
	for n, v := range s.values {
		dst[n], support[n] = v.Value, feature.Support{Voxels: len(r.inside), Pairs: v.Pairs, Reason: v.Reason}
	}
	return nil
}

// riaColumns are those of package ria, which makes grey levels of its own.
func riaColumns(c *view) []feature.Column {
	cols := ria.DefaultConfig().Columns(c.Image, c.Unit, c.intensitySettings())
	for n := range cols {
		cols[n].Name, cols[n].Modality = strings.TrimPrefix(cols[n].Name, c.Image+"."), c.Modality
	}
	return cols
}

func riaValues(_ context.Context, s *scratch, r *region, _ *grey, _ *view, dst []float64, support []feature.Support) error {
	if s.ria == nil {
		var err error
		if s.ria, err = ria.NewComputer(ria.DefaultConfig()); err != nil {
			return err
		}
	}
	s.ria.Compute(dst, support, &ria.Region{Size: r.mask.Size, Spacing: r.mask.Spacing, Cosines: r.mask.Cosines(), At: r.inside, Values: r.values})
	return nil
}
