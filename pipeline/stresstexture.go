package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/fem"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/radiomics"
)

// StressTexture says which fields of the solved wall are looked at as images:
// their values on a grid of voxels within a plaque get features of intensity
// and texture, in columns that start with the field's name.
type StressTexture struct {
	// Fields of the solution: principal_stress, von_mises, principal_strain, strain_energy, circumferential_stress, axial_stress, radial_stress. Empty computes none.
	Fields []string `yaml:"fields"`
	// Spacing is the edge of the voxels on which the fields are sampled.
	Spacing float64 `yaml:"spacing_mm"`
	// Bins is the number of grey levels between the smallest and the largest value in the plaque, so that texture does not depend on the blood pressure.
	Bins int `yaml:"bins"`
	// Families are the groups of features: firstorder, histogram, ivh, glcm, glrlm, glszm, gldzm, ngtdm, ngldm.
	Families []string `yaml:"families"`
}

func defaultStressTexture() StressTexture {
	return StressTexture{Fields: []string{}, Spacing: 0.2, Bins: 32, Families: []string{"firstorder", "histogram", "glcm", "glrlm", "glszm", "ngtdm"}}
}

// Validate reports everything that is wrong with s.
func (s StressTexture) Validate() error {
	var errs []error
	var names []string
	for _, q := range fem.Quantities() {
		names = append(names, q.Name)
	}
	for n, f := range s.Fields {
		switch {
		case !slices.Contains(names, f):
			errs = append(errs, fmt.Errorf("fields: %q: want %s", f, strings.Join(names, ", ")))
		case slices.Contains(s.Fields[:n], f):
			errs = append(errs, fmt.Errorf("fields: %q stands twice", f))
		}
	}
	if !(s.Spacing >= 0.05 && s.Spacing <= 5) {
		errs = append(errs, fmt.Errorf("spacing_mm: %g: want 0.05 to 5", s.Spacing))
	}
	if err := s.config(fem.Quantities()[0]).Validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// config returns the settings of the features of a sampled field.
func (s StressTexture) config(q fem.Quantity) radiomics.Config {
	c := radiomics.IBSIConfig()
	c.Image, c.Unit, c.Modality = q.Name, q.Unit, feature.Biomechanics
	c.Discretisation, c.Bins = "fbn", s.Bins
	c.Families, c.Aggregations = s.Families, []string{"3d_merged"}
	return c
}

// quantities are the fields that are asked for.
func (s StressTexture) quantities() []fem.Quantity {
	var qs []fem.Quantity
	for _, q := range fem.Quantities() {
		if slices.Contains(s.Fields, q.Name) {
			qs = append(qs, q)
		}
	}
	return qs
}

// columns are those of all fields of walls solved with the settings m.
func (s StressTexture) columns(m fem.Config) []feature.Column {
	mechanics := "; " + fem.Columns(m)[0].Settings
	var cols []feature.Column
	for _, q := range s.quantities() {
		for _, c := range radiomics.Columns(s.config(q)) {
			c.Settings = strings.Replace(c.Settings, "own voxels", fmt.Sprintf("sampled at %g mm", s.Spacing), 1) + mechanics
			cols = append(cols, c)
		}
	}
	return cols
}

// stressTexture computes the features of the fields of r within a plaque. They
// are undefined where no wall was solved, or no voxel of the plaque lies in the
// mesh.
func (a *assessment) stressTexture(ctx context.Context, r *fem.Result, p *coronary.Plaque) (feature.Vector, error) {
	s := a.cfg.StressTexture
	all := feature.NewVector(feature.MustSchema(s.columns(a.cfg.Mechanics)...))
	if r == nil || len(s.Fields) == 0 {
		return all, nil
	}
	lo, hi, ok := p.Mask.Bounds()
	if !ok {
		return all, nil
	}
	drawn := p.Mask.Crop(lo, hi)
	grid := imaging.IsotropicGrid(&drawn.Grid, s.Spacing)
	mask, err := imaging.ResampleMask(ctx, drawn, grid, 0.5)
	if err != nil {
		return all, err
	}
	values := all.Values[:0] // fills all.Values from the start
	for _, q := range s.quantities() {
		cfg := s.config(q)
		field, err := r.SampleOnGrid(ctx, grid, mask, q.At)
		if err != nil {
			return all, err
		}
		v, _, err := radiomics.Extract(ctx, field, mask, cfg)
		if errors.Is(err, radiomics.ErrEmpty) {
			v, err = feature.NewVector(feature.MustSchema(radiomics.Columns(cfg)...)), nil
		}
		if err != nil {
			return all, fmt.Errorf("texture of %s: %w", q.Name, err)
		}
		values = append(values, v.Values...)
	}
	return all, nil
}
