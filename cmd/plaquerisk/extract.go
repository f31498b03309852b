package main

import (
	"context"
	"io"

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
	cmd.AddCommand(a.extractRadiomics(), a.extractAnatomy(), a.extractCalcium())
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
