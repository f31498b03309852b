package pyradiomics

import (
	"context"
	"fmt"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/radiomics/maps"
)

// FeatureMap is one feature of one image at each voxel of a region.
type FeatureMap struct {
	Name   string          // "original_glcm_Contrast"
	Volume *imaging.Volume // the box of the region and kernelRadius voxels around it
}

// Maps makes PyRadiomics' voxel-based features and hands them to f one after
// the other. The settings kernelRadius, maskedKernel and initValue hold; shape
// has no maps.
func Maps(ctx context.Context, vol *imaging.Volume, roi *imaging.Mask, p *Params, f func(m FeatureMap) error) error {
	s, err := prepare(ctx, vol, roi, p)
	if err != nil {
		return fmt.Errorf("pyradiomics: %w", err)
	}
	// The kernel of a voxel at the border of the region reaches beyond it; grey
	// levels come from there too if the kernel is not masked.
	r := p.KernelRadius
	lo, hi := s.around([3]int{r, r, r})
	grid := s.picture.Grid.Crop(lo, hi)
	centres, shift := make([]bool, grid.Len()), s.region
	n := shift.size()
	for o, in := range shift.in {
		i, j, k := o%n[0]+shift.lo[0]-lo[0], o/n[0]%n[1]+shift.lo[1]-lo[1], o/(n[0]*n[1])+shift.lo[2]-lo[2]
		centres[grid.Offset(i, j, k)] = in
	}
	all := &region{lo: lo, hi: hi, in: make([]bool, grid.Len()), count: grid.Len()}
	for o := range all.in {
		all.in[o] = true
	}
	s.region = all
	for n := range p.ImageTypes {
		t := &p.ImageTypes[n]
		cfg, names := t.maps(p)
		if len(names) == 0 {
			continue
		}
		err := s.derive(ctx, t, func(d derived) error {
			if d.values == nil {
				return nil // too small for the filter: PyRadiomics leaves it out
			}
			in, err := t.mapInput(&grid, d, centres)
			if err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
			ms, err := maps.Compute(ctx, in, cfg)
			if err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
			for n, name := range names {
				v := imaging.NewVolume(grid)
				for o := range v.Values {
					v.Values[o] = float32(p.InitValue)
				}
				for m, o := range ms.At {
					v.Values[o] = float32(ms.Values[n][m])
				}
				if err := f(FeatureMap{d.name + "_" + name, v}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("pyradiomics: %w", err)
		}
	}
	return nil
}

// maps returns the configuration of an image's maps and their names without the
// image.
func (t *ImageType) maps(p *Params) (maps.Config, []string) {
	s := &t.Settings
	c := maps.Config{Radius: p.KernelRadius, Flat: -1, Texture: t.texture(p), Shift: float64(s.VoxelArrayShift), Init: p.InitValue}
	if s.Force2D {
		c.Flat = 2 - s.Force2Ddimension
	}
	var names []string
	for _, class := range p.valueClasses() {
		for _, name := range class.Features {
			names = append(names, class.Name+"_"+name)
			feature := class.Name + "_" + name
			if family, ok := familyOf[class.Name]; ok {
				f := rowOf(c.Texture.Features(family), textureName, name)
				a := c.Texture.Aggregations[1]
				if family.Directional() {
					a = c.Texture.Aggregations[0]
				}
				feature = class.Name + "." + f.Name + "." + a.String()
			}
			c.Features = append(c.Features, feature)
		}
	}
	return c, names
}

// mapInput discretises an image for its maps: over the region with a masked
// kernel, otherwise over the whole box.
func (t *ImageType) mapInput(grid *imaging.Grid, d derived, centres []bool) (*maps.Input, error) {
	s := &t.Settings
	in := &maps.Input{Grid: *grid, Values: make([]float32, grid.Len()), Levels: make([]uint16, grid.Len()), Centres: centres}
	var values []float64
	for o, x := range d.values {
		if in.Values[o] = float32(x); centres[o] || !s.MaskedKernel {
			values = append(values, x)
		}
	}
	e := extentOf(values)
	b, err := newBins(e.lo, e.hi, s.BinWidth, s.BinCount, d.pixels == Float32)
	if err != nil {
		return nil, err
	}
	in.N = b.n
	for o, x := range d.values {
		if centres[o] || !s.MaskedKernel {
			in.Levels[o] = b.level(x)
		}
	}
	return in, nil
}
