package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/radiomics/maps"
	"github.com/plaquerisk/plaquerisk/radiomics/pyradiomics"
	"github.com/plaquerisk/plaquerisk/radiomics/texture"
	"github.com/plaquerisk/plaquerisk/risk"
)

// MapOptions say which features are mapped and how grey levels are made.
type MapOptions struct {
	maps.Config
	Masked   bool    // neighbours outside the region take no part
	BinWidth float64 // of a grey level, HU
	BinStart float64 // lower edge of the first; NaN: the minimum of the region
	Bins     int     // over the range of the region, instead of a width; 0: none
}

// DefaultMapOptions returns cubes of 3×3×3 voxels cut to the region, and grey
// levels of 25 HU from the minimum of the region.
func DefaultMapOptions() MapOptions {
	return MapOptions{Config: maps.DefaultConfig(), Masked: true, BinWidth: 25, BinStart: math.NaN()}
}

// PyRadiomicsMapOptions returns the options of a parameter file of PyRadiomics;
// params may be "".
func PyRadiomicsMapOptions(params string) (MapOptions, error) {
	o := DefaultMapOptions()
	p := pyradiomics.DefaultParams()
	if params != "" {
		var err error
		if p, err = pyradiomics.ReadFile(params); err != nil {
			return o, fail(BadConfig, "PLQ-603", err)
		}
	}
	o.Texture = texture.PyRadiomicsConfig()
	o.Texture.Distances, o.Texture.Symmetric, o.Texture.Coarseness = p.Distances, p.SymmetricalGLCM, float64(p.GLDMAlpha)
	o.Radius, o.Masked, o.Init, o.Shift = p.KernelRadius, p.MaskedKernel, p.InitValue, float64(p.VoxelArrayShift)
	o.BinWidth, o.Bins = p.BinWidth, p.BinCount
	if p.Force2D {
		o.Flat = 2 - p.Force2Ddimension
	}
	return o, nil
}

// SaveMap stores the map of a feature of a region; undefined counts its voxels
// without a value.
type SaveMap func(region, name string, v *imaging.Volume, undefined int) error

// PyRadiomicsMaps makes the voxel-based features that a parameter file of
// PyRadiomics asks for, of all its image types, and hands each over to save;
// params may be "".
func (p *Pipeline) PyRadiomicsMaps(ctx context.Context, c RegionCase, params string, resample bool, save SaveMap) ([]risk.Note, error) {
	settings := pyradiomics.DefaultParams()
	if params != "" {
		var err error
		if settings, err = pyradiomics.ReadFile(params); err != nil {
			return nil, fail(BadConfig, "PLQ-603", err)
		}
	}
	profile := &Profile{Name: ProfilePyRadiomics, label: int32(settings.Label)}
	return p.eachRegion(ctx, c, profile, resample, func(in *Input, r *region) error {
		own := *settings
		own.Label, own.MaskGrid, own.Pixels = int(r.label), r.file, pyradiomics.ReadPixels(r.image)
		err := pyradiomics.Maps(ctx, in.Volume, r.roi, &own, func(m pyradiomics.FeatureMap) error {
			undefined := 0
			for _, x := range m.Volume.Values {
				if math.IsNaN(float64(x)) {
					undefined++
				}
			}
			return save(r.name, m.Name, m.Volume, undefined)
		})
		var saving *Error // what save returned
		if err == nil || ctx.Err() != nil || errors.As(err, &saving) {
			return err
		}
		return fail(NothingToScore, "PLQ-612", err)
	})
}

// FeatureMaps computes features per voxel for the regions of a case, on the
// image's own voxels, and hands each map over to save.
func (p *Pipeline) FeatureMaps(ctx context.Context, c RegionCase, o MapOptions, resample bool, save SaveMap) ([]risk.Note, error) {
	if err := o.Validate(); err != nil {
		return nil, fail(BadConfig, "PLQ-603", err)
	}
	columns, err := o.Columns("HU", "")
	if err != nil {
		return nil, fail(BadConfig, "PLQ-603", err)
	}
	return p.eachRegion(ctx, c, &Profile{Name: ProfileIBSI}, resample, func(in *Input, r *region) error {
		levels, err := o.input(in.Volume, r.roi)
		if err != nil {
			return fail(BadConfig, "PLQ-603", err)
		}
		m, err := maps.Compute(ctx, levels, o.Config)
		if err != nil {
			return fail(NothingToScore, "PLQ-612", err)
		}
		for f := range columns {
			undefined := 0
			for _, x := range m.Values[f] {
				if math.IsNaN(x) {
					undefined++
				}
			}
			if err := save(r.name, columns[f].Name, m.Volume(f), undefined); err != nil {
				return err
			}
		}
		return nil
	})
}

// input makes grey levels of the image around roi, whose grid is a part of the
// image's. Levels are counted from the smallest intensity that takes part.
func (o *MapOptions) input(vol *imaging.Volume, roi *imaging.Mask) (*maps.Input, error) {
	x, y, z := vol.Index(roi.Origin)
	var lo, hi, shift [3]int
	for a, t := range [3]float64{x, y, z} {
		shift[a] = int(math.Round(t))
		lo[a], hi[a] = shift[a]-o.Radius, shift[a]+roi.Size[a]+o.Radius
	}
	lo, hi = vol.Clamp(lo, hi)
	box := vol.Crop(lo, hi)
	in := &maps.Input{Grid: box.Grid, Values: box.Values, Levels: make([]uint16, box.Len()), Centres: make([]bool, box.Len())}
	for n, inside := range roi.In {
		if inside {
			i, j, k := roi.Coords(n)
			in.Centres[box.Offset(i+shift[0]-lo[0], j+shift[1]-lo[1], k+shift[2]-lo[2])] = true
		}
	}
	least, most := math.Inf(1), math.Inf(-1)
	takesPart := func(n int, v float32) bool { return (in.Centres[n] || !o.Masked) && v-v == 0 } // finite
	for n, v := range in.Values {
		if takesPart(n, v) {
			least, most = min(least, float64(v)), max(most, float64(v))
		} else if v-v != 0 {
			in.Centres[n] = false
		}
	}
	if least > most {
		return nil, fmt.Errorf("no voxel of the region has a finite intensity")
	}
	level := func(v float64) float64 { return math.Floor((v-least)/o.BinWidth) + 1 }
	switch {
	case o.Bins > 0:
		level = func(v float64) float64 {
			if most == least {
				return 1
			}
			return min(math.Floor(float64(o.Bins)*(v-least)/(most-least))+1, float64(o.Bins))
		}
	case !(o.BinWidth > 0):
		return nil, fmt.Errorf("bin width %g: want above 0", o.BinWidth)
	case o.Texture.Convention == texture.PyRadiomics:
		level = func(v float64) float64 { return math.Floor(v/o.BinWidth) - math.Floor(least/o.BinWidth) + 1 }
	case !math.IsNaN(o.BinStart):
		level = func(v float64) float64 { return max(math.Floor((v-o.BinStart)/o.BinWidth)+1, 1) }
	}
	top := level(most)
	if !(top <= texture.MaxLevel) {
		return nil, fmt.Errorf("%.0f grey levels between %g and %g HU: more than %d: use a larger bin width", top, least, most, texture.MaxLevel)
	}
	in.N = int(top)
	for n, v := range in.Values {
		if takesPart(n, v) {
			in.Levels[n] = uint16(level(float64(v)))
		}
	}
	return in, nil
}
