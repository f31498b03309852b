package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/phantom"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/risk"
)

// phantomFolder holds the demo's inputs beside its results.
const phantomFolder = "phantom"

// demo runs the whole line on a phantom patient.
func (a *app) demo() *cobra.Command {
	var out string
	var overwrite, small bool
	cmd := &cobra.Command{
		Use:   "demo --out DIR",
		Short: "Make a phantom patient, score it and compare with the truth",
		Long: `Makes a phantom patient (a CT series of 512×512×256 voxels, its segmentation and
its exact truth, in DIR/phantom), runs the whole line and prints measured beside
true values. The phantom is synthetic, and so is the cohort that the shipped
model was trained on.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.pipeline("")
			if err != nil {
				return err
			}
			start := time.Now()
			patient := phantom.Demo()
			if small {
				patient = phantom.Small(1)
			}
			var truth *phantom.Truth
			err = a.scoreInto(cmd.Context(), p, pipeline.Files{}, out, overwrite, func(dir string) (pipeline.Files, error) {
				dir = filepath.Join(dir, phantomFolder)
				if truth, err = phantom.WritePatient(cmd.Context(), dir, patient); err != nil {
					return pipeline.Files{}, fmt.Errorf("make phantom: %w", err)
				}
				return pipeline.Files{CT: filepath.Join(dir, phantom.CTFolder), Seg: filepath.Join(dir, phantom.SegmentationFile)}, nil
			})
			if err != nil {
				return err
			}
			as, err := pipeline.ReadAssessment(filepath.Join(out, pipeline.AssessmentFile))
			if err != nil {
				return err
			}
			compare(a.stdout, as, truth)
			fmt.Fprintf(a.stderr, "took %.1f s; look at %s\n", time.Since(start).Seconds(), filepath.Join(out, pipeline.ReportFile))
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "out/demo", "`DIR` for phantom and results")
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "replace what is in --out")
	cmd.Flags().BoolVar(&small, "small", false, "a small phantom instead of a whole heart")
	return cmd
}

// compare prints measured beside true values.
func compare(w io.Writer, as *risk.Assessment, t *phantom.Truth) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "\tmeasured\ttrue\t\n")
	row := func(name, measured, truth string) { fmt.Fprintf(tw, "%s\t%s\t%s\t\n", name, measured, truth) }
	row("lumen mean, HU", number(as.Image.LumenMeanHU, 0), fmt.Sprintf("%.0f", t.LumenHU))
	row("noise, HU", number(as.Image.NoiseHU, 0), fmt.Sprintf("%.0f", t.Scanner.Noise))
	for _, l := range as.Lesions {
		q := t.Plaque(l.Name)
		if q == nil {
			row(l.Name, "found", "no such plaque")
			continue
		}
		m := l.Measures
		row(l.Name+" volume, mm³", number(m.PlaqueMM3, 1), fmt.Sprintf("%.1f", q.Volume))
		row("diameter stenosis, %", number(m.DiameterStenosis, 0), fmt.Sprintf("%.0f", q.DiameterStenosis))
		row("remodelling index", number(m.Remodelling, 2), fmt.Sprintf("%.2f", q.Remodelling))
		row("plaque burden, %", number(m.PlaqueBurden, 0), fmt.Sprintf("%.0f", q.Burden))
		row("cap, mm", capText(m, as.Image.SpacingMM), trueCap(q, t))
	}
	tw.Flush()
}

// capText says what the image shows of a cap; spacing are the voxel edges, mm.
func capText(m risk.Measures, spacing [3]float64) string {
	switch {
	case !m.CapMM.Defined():
		return "no core seen"
	case m.CapBelowVoxel:
		return fmt.Sprintf("below %.1f (resolution)", 1.5*slices.Max(spacing[:]))
	}
	return number(m.CapMM, 2)
}

// trueCap gives the true cap and what the scanner can resolve at best: the
// full width at half maximum of its blur.
func trueCap(q *phantom.PlaqueTruth, t *phantom.Truth) string {
	if q.Cap == nil {
		return "no core"
	}
	return fmt.Sprintf("%.2f (resolved from %.2f)", *q.Cap, math.Max(t.Scanner.FWHM, t.Grid.Spacing[0]))
}
