package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/strictyaml"
	"github.com/plaquerisk/plaquerisk/radiomics/perturb"
)

// ReadPerturbations reads a chain of perturbations over the built-in one; path
// may be "".
func ReadPerturbations(path string) (perturb.Config, error) {
	cfg := perturb.DefaultConfig()
	if path == "" {
		return cfg, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return cfg, fail(BadConfig, "PLQ-603", err)
	}
	if err := strictyaml.DecodeBytes(path, text, &cfg); err != nil {
		return cfg, fail(BadConfig, "PLQ-603", err)
	}
	if err := cfg.Validate(); err != nil {
		return cfg, fail(BadConfig, "PLQ-603", fmt.Errorf("%s: %w", path, err))
	}
	return cfg, nil
}

// Stability tells how far each feature of a profile changes when the regions of
// the cases are perturbed. progress, if not nil, is called after each region.
func (p *Pipeline) Stability(ctx context.Context, cases []RegionCase, profile *Profile, resample bool, cfg perturb.Config, progress func(done, total int)) (*perturb.Result, error) {
	var regions []perturb.Region
	for n := range cases {
		found, err := p.stabilityRegions(ctx, &cases[n], n, profile, resample)
		if err != nil {
			return nil, err
		}
		regions = append(regions, found...)
	}
	extract := func(ctx context.Context, vol *imaging.Volume, roi *imaging.Mask) (feature.Vector, error) {
		v, _, _, err := profile.extract(ctx, vol, &region{roi: roi, label: max(profile.label, 1)})
		return v, err
	}
	res, err := perturb.Run(ctx, regions, cfg, extract, func(done int) {
		if progress != nil {
			progress(done, len(regions))
		}
	})
	if err != nil {
		return nil, fail(NothingToScore, "PLQ-612", err)
	}
	return res, nil
}

// stabilityRegions lists the regions of case n. Its image is read only when a
// region's turn has come.
func (p *Pipeline) stabilityRegions(ctx context.Context, c *RegionCase, n int, profile *Profile, resample bool) ([]perturb.Region, error) {
	file, err := maskFile(c.Seg)
	if err != nil {
		return nil, fail(Unreadable, "PLQ-602", fmt.Errorf("read mask: %w", err))
	}
	seg, err := readRegions(ctx, file, c.Contours, nil)
	if err != nil {
		return nil, fail(Unreadable, "PLQ-602", fmt.Errorf("read mask: %w", err))
	}
	label := c.Label
	if label == 0 {
		label = profile.label
	}
	name := c.Case
	if name == "" {
		name = fmt.Sprintf("case %d", n+1)
	}
	var out []perturb.Region
	for _, s := range seg.Segments {
		if label != 0 && s.Value != label {
			continue
		}
		one := *c
		one.Label = s.Value
		load := func(ctx context.Context) (vol *imaging.Volume, roi *imaging.Mask, err error) {
			_, err = p.eachRegion(ctx, one, profile, resample, func(in *Input, r *region) error {
				if s.Name == "" || r.name == s.Name {
					vol, roi = in.Volume, r.roi
				}
				return nil
			})
			if err == nil && vol == nil {
				err = errors.New("the region is not there any more")
			}
			return vol, roi, err
		}
		lesion := s.Name
		if lesion == "" {
			lesion = fmt.Sprintf("label-%d", s.Value)
		}
		out = append(out, perturb.Region{Name: name + " " + lesion, Load: load})
	}
	if len(out) == 0 {
		return nil, fail(NothingToScore, "PLQ-605", nothing(c.Seg, seg.Segmentation, label))
	}
	return out, nil
}
