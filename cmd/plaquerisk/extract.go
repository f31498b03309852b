package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// extract groups the commands that compute features only.
func (a *app) extract() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "extract",
		Short: "Compute features only",
		Example: `  plaquerisk extract radiomics --ct image.nii.gz --mask mask.nii.gz --out features.csv
  plaquerisk extract anatomy --ct study/ct --seg plaque.seg.nrrd --out anatomy.csv`,
	}
	cmd.AddCommand(a.extractRadiomics(), a.extractAnatomy())
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
