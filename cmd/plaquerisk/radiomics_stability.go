package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/radiomics/perturb"
)

func (a *app) radiomicsStability() *cobra.Command {
	var one pipeline.RegionCase
	var table, profile, params, chain, out string
	var resample, overwrite bool
	cmd := &cobra.Command{
		Use:   "stability {--cases FILE.csv | --ct IMAGE --mask MASK} --out FILE.csv",
		Short: "How far features can be trusted: ICC and variation when regions are turned, moved, grown and redrawn, and noise is added",
		Long: `How far features can be trusted. Each region is turned, moved by parts of a voxel,
given more noise, grown, shrunk and drawn anew; features that change little against
the differences between regions have an ICC(1,1) near 1. plaquerisk train --stability
leaves the others out.

--perturbations is YAML; its keys with their built-in values:

  seed: 1
  rotation_deg: [-4, 4]
  rotation_axis: k
  shift_voxels: [0.25, 0.75]
  noise_repetitions: 1
  noise_factor: 1
  growth_fraction: [-0.1, 0.1]
  contour_repetitions: 1
  contour_sd_mm: 0.2
  contour_correlation_mm: 2
  spacing_mm: 0
  margin_mm: 5`,
		Example: `  plaquerisk radiomics stability --cases cases.csv --profile coronary --out stability.csv
  plaquerisk train batch/features_wide.csv --stability stability.csv --min-icc 0.75 --out model.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" || table == "" && (one.CT == "" || one.Seg == "") {
				return usageError("radiomics stability needs --cases, or --ct and --mask, and --out")
			}
			if err := fresh(overwrite, out); err != nil {
				return err
			}
			p, err := a.pipeline("none")
			if err != nil {
				return err
			}
			chosen, err := p.Profile(profile, params)
			if err != nil {
				return err
			}
			cfg, err := pipeline.ReadPerturbations(chain)
			if err != nil {
				return err
			}
			cases := []pipeline.RegionCase{one}
			if table != "" {
				if cases, err = pipeline.ReadRegionCases(table); err != nil {
					return err
				}
			}
			m := a.meter("stability")
			res, err := p.Stability(cmd.Context(), cases, chosen, resample, cfg, func(done, total int) { m.at(done, total, "regions") })
			m.end()
			if err != nil {
				return err
			}
			if !a.quiet {
				for n, f := range res.Failures {
					if n == 5 {
						fmt.Fprintf(a.stderr, "and %d more extractions failed\n", len(res.Failures)-n)
						break
					}
					fmt.Fprintf(a.stderr, "%s, %s: %v\n", f.Region, f.Perturbation, f.Err)
				}
				good := len(res.Stability.Keep(0.75))
				fmt.Fprintf(a.stderr, "%d regions, %d perturbations each: %d of %d features have an ICC of 0.75 or more\n",
					len(res.Regions), len(res.Perturbations), good, len(res.Stability.Rows))
			}
			return a.writeFile(out, res.Stability.WriteCSV)
		},
	}
	f := cmd.Flags()
	f.StringVar(&one.CT, "ct", "", "image: DICOM `DIR`, NIfTI, NRRD or MetaImage")
	f.StringVar(&one.Seg, "mask", "", "mask or label map `FILE` with several regions")
	f.StringVar(&table, "cases", "", "table of cases, `FILE`.csv, as for extract radiomics")
	f.StringVar(&profile, "profile", "", strings.Join(pipeline.Profiles, ", ")+"; else pyradiomics if --params is a file of PyRadiomics, or ibsi")
	f.StringVar(&params, "params", "", "settings of the profile, `FILE`.yaml")
	f.StringVar(&chain, "perturbations", "", "chain of perturbations, `FILE`.yaml; else 32 for plaques")
	f.BoolVar(&resample, "resample-mask", false, "put a mask on other voxels onto those of the image; else such a mask is refused")
	f.StringVar(&out, "out", "", "CSV `FILE` for the table")
	f.BoolVar(&overwrite, "overwrite", false, "replace --out")
	return cmd
}

// stable returns the table without the features that the stability table at
// path lists with a lower ICC than least, or with none. What it does not list
// stays. A feature with another definition is an error.
func stable(t *feature.Table, path string, least float64) (*feature.Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-621", Err: err}
	}
	defer f.Close()
	s, err := perturb.ReadCSV(f)
	if err != nil {
		return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-621", Err: fmt.Errorf("%s: %w", path, err)}
	}
	drop := map[string]bool{}
	listed := 0
	for _, r := range s.Rows {
		n, ok := t.Schema.Index(r.Feature)
		if !ok {
			continue
		}
		listed++
		c := t.Schema.Column(n)
		if c.Definition() != r.Definition {
			return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-621",
				Err: fmt.Errorf("%s: feature %s is defined as %q, in the table as %q: use the same profile and settings", path, r.Feature, r.Definition, c.Definition())}
		}
		drop[r.Feature] = !(r.ICC >= least)
	}
	if listed == 0 {
		return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-621", Err: fmt.Errorf("%s lists no feature of the table: was another profile used?", path)}
	}
	return t.Filter(func(c *feature.Column) bool { return !drop[c.Name] }), nil
}
