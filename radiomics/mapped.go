package radiomics

import (
	"context"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/radiomics/maps"
)

// MapFeatures are features of maps: each voxel gets the value of a feature in
// the cube around it, and statistics of these values describe the region. All
// cubes are equal, so the result hardly depends on the region's size
// (docs/theory/feature-maps.md).
type MapFeatures struct {
	// Radius is the half edge of the cube.
	Radius int `yaml:"radius_voxels"`
	// Features to be mapped: glcm.contrast.3d_merged, firstorder.variance, …
	Features []string `yaml:"features"`
	// Statistics of a map: mean, standard_deviation, p90, …
	Statistics []string `yaml:"statistics"`
}

// defaultMaps are maps of 3×3×3 voxels of what their neighbourhood is made of.
func defaultMaps() MapFeatures {
	return MapFeatures{1, []string{"firstorder.variance", "glcm.contrast.3d_merged", "glcm.joint_entropy.3d_merged",
		"glcm.inverse_difference.3d_merged", "glrlm.run_percentage.3d_merged", "ngldm.dependence_count_entropy"}, []string{"mean", "standard_deviation"}}
}

// maps returns what package maps is asked for.
func (c *Config) maps() maps.Config {
	m := maps.DefaultConfig()
	m.Radius, m.Features = c.Maps.Radius, c.Maps.Features
	m.Texture = c.texture(nil)
	return m
}

func mapColumns(c *view) []feature.Column {
	m := c.maps()
	cols, err := m.SummaryColumns(c.Maps.Statistics, c.Unit, c.intensitySettings()+"; "+c.levels.settings(c.Config))
	if err != nil {
		return nil // Validate says why
	}
	for n := range cols {
		cols[n].Modality = c.Modality
	}
	return cols
}

func mapValues(ctx context.Context, _ *scratch, r *region, g *grey, c *view, dst []float64, support []feature.Support) error {
	lo, hi, _ := r.mask.Bounds()
	box := r.image.Crop(lo, hi)
	in := &maps.Input{Grid: box.Grid, Values: box.Values, Levels: make([]uint16, box.Len()), N: g.n}
	for n, at := range r.inside {
		i, j, k := r.mask.Coords(at)
		in.Levels[box.Offset(i-lo[0], j-lo[1], k-lo[2])] = g.level[n]
	}
	m, err := maps.Compute(ctx, in, c.maps())
	if err != nil {
		return err
	}
	v, err := m.Summary(c.Maps.Statistics, c.Unit, "")
	if err != nil {
		return err
	}
	copy(dst, v.Values)
	copy(support, v.Support)
	return nil
}
