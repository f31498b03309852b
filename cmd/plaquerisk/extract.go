package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/radiomics"
)

// extract groups the commands that compute features only.
func (a *app) extract() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "extract",
		Short: "Compute features only",
		Example: `  plaquerisk extract radiomics --ct image.nii.gz --mask mask.nii.gz --profile ibsi --out features.csv
  plaquerisk extract anatomy --ct study/ct --seg plaque.seg.nrrd --out anatomy.csv`,
	}
	cmd.AddCommand(a.extractRadiomics(), a.extractAnatomy())
	return cmd
}

// profiles are the named radiomics settings.
var profiles = []struct {
	name, doc string
	config    func(cfg pipeline.Config) radiomics.Config
}{
	{"plaque", "the settings in force: resampled, for coronary plaques", func(cfg pipeline.Config) radiomics.Config { return cfg.Radiomics }},
	{"ibsi", "IBSI definitions on the image's own grid, no resampling", func(pipeline.Config) radiomics.Config { return radiomics.IBSIConfig() }},
}

func (a *app) extractRadiomics() *cobra.Command {
	var files pipeline.Files
	var profile, out string
	cmd := &cobra.Command{
		Use:   "radiomics --ct IMAGE --mask MASK --out FILE.csv",
		Short: "Radiomic features and HU composition of every region of a mask",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if files.CT == "" || files.Seg == "" || out == "" {
				return usageError("extract radiomics needs --ct, --mask and --out")
			}
			cfg, _, err := a.settings()
			if err != nil {
				return err
			}
			var names []string
			found := false
			for _, p := range profiles {
				names = append(names, p.name)
				if p.name == profile {
					cfg.Radiomics, found = p.config(cfg), true
				}
			}
			if !found {
				return usageError("--profile %q: want one of %s", profile, strings.Join(names, ", "))
			}
			p, err := a.pipelineWith(cfg, "none")
			if err != nil {
				return err
			}
			table, notes, err := p.Regions(cmd.Context(), files)
			if err != nil {
				return err
			}
			if !a.quiet {
				printNotes(a.stderr, notes)
			}
			return a.writeFile(out, func(w io.Writer) error { return feature.WriteCSV(w, table) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&files.CT, "ct", "", "image: DICOM `DIR`, NIfTI or NRRD")
	f.StringVar(&files.Seg, "mask", "", "mask or label map `FILE`: NIfTI, NRRD or .seg.nrrd")
	f.StringVar(&files.Series, "series", "", "`UID` of the series to take; else the best candidate")
	f.StringVar(&files.Case, "case", "", "research `ID` for the table; else made from the image's hash")
	f.StringVar(&profile, "profile", "plaque", "plaque (settings in force) or ibsi (native grid, no resampling)")
	f.StringVar(&out, "out", "", "CSV `FILE` to write")
	return cmd
}

func (a *app) extractAnatomy() *cobra.Command {
	var files pipeline.Files
	var out string
	cmd := &cobra.Command{
		Use:   "anatomy --ct DIR --seg FILE --out FILE.csv",
		Short: "Stenosis, remodelling, burden, volumes and composition of every plaque",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if files.CT == "" || out == "" {
				return usageError("extract anatomy needs --ct, --seg and --out")
			}
			return a.stage(cmd.Context(), files, func(p *pipeline.Pipeline, in pipeline.Input) error {
				table, notes, err := p.Anatomy(cmd.Context(), in)
				if err != nil {
					return err
				}
				if !a.quiet {
					printNotes(a.stderr, notes)
				}
				return a.writeFile(out, func(w io.Writer) error { return feature.WriteCSV(w, table) })
			})
		},
	}
	inputFlags(cmd, &files)
	cmd.Flags().StringVar(&out, "out", "", "CSV `FILE` to write")
	return cmd
}

// stage reads a case for a command that runs a part of the line.
func (a *app) stage(ctx context.Context, files pipeline.Files, run func(*pipeline.Pipeline, pipeline.Input) error) error {
	p, err := a.pipeline("none")
	if err != nil {
		return err
	}
	in, err := p.Read(ctx, files)
	if err != nil {
		return err
	}
	return run(p, in)
}

// solve computes the wall mechanics of every artery with plaque.
func (a *app) solve() *cobra.Command {
	var files pipeline.Files
	var out string
	var pressure float64
	var overwrite bool
	cmd := &cobra.Command{
		Use:     "solve --ct DIR --seg FILE --out DIR",
		Short:   "Wall stress of every artery with plaque: meshes with fields (VTU) and features",
		Example: "  plaquerisk solve --ct study/ct --seg plaque.seg.nrrd --pressure 140 --out walls",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if files.CT == "" || out == "" {
				return usageError("solve needs --ct, --seg and --out")
			}
			cfg, _, err := a.settings()
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("pressure") {
				cfg.Mechanics.Pressure = pressure
			}
			p, err := a.pipelineWith(cfg, "none")
			if err != nil {
				return err
			}
			folder, err := folder(out, overwrite)
			if err != nil {
				return err
			}
			defer folder.Discard()
			m := a.meter("solve")
			p.Progress = func(e pipeline.Event) { m.at(e.Done, e.Total, e.Stage) }
			res, err := p.Solve(cmd.Context(), files, folder.Dir)
			m.end()
			if err != nil {
				return err
			}
			if err := folder.Commit(); err != nil {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
			}
			if !a.quiet {
				printNotes(a.stderr, res.Assessment.Notes)
				for _, s := range res.Solutions {
					r := s.Record()
					fmt.Fprintf(a.stderr, "%s: %d elements, %d iterations, residual %.1e; %s\n", s.Artery, r.Elements, r.Iterations, r.Residual,
						filepath.Join(out, pipeline.MeshFolder, pipeline.MeshName(s.Artery)))
				}
			}
			if len(res.Solutions) == 0 {
				return &pipeline.Error{Class: pipeline.NotConverged, Code: "PLQ-608", Err: errors.New("no wall was solved: see the notes above")}
			}
			return nil
		},
	}
	inputFlags(cmd, &files)
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "`DIR` for meshes and tables")
	f.Float64Var(&pressure, "pressure", 120, "lumen pressure, `mmHg`; else from the settings")
	f.BoolVar(&overwrite, "overwrite", false, "replace what is in --out")
	return cmd
}
