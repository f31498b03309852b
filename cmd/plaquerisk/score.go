package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/risk"
)

// inputFlags adds the flags that name the inputs of a case.
func inputFlags(cmd *cobra.Command, f *pipeline.Files) {
	fl := cmd.Flags()
	fl.StringVar(&f.CT, "ct", "", "CT: `DIR`, archive (.zip, .tar, .tar.gz, .tar.zst) or file of DICOM, or a NIfTI, NRRD or MetaImage volume")
	fl.StringVar(&f.Seg, "seg", "", "segmentation `FILE`: .seg.nrrd, NRRD, NIfTI, MetaImage, or DICOM SEG or RTSTRUCT")
	fl.StringVar((*string)(&f.Contours), "contours", "", "voxels that contours (RTSTRUCT) fill, by `RULE`: centre (else), or volume for thin vessels")
	fl.StringVar(&f.Labels, "labels", "", "label map `FILE` (YAML); without it names such as LAD_plaque_1 are recognised")
	fl.StringVar(&f.Series, "series", "", "`UID` of the series to take; else the best candidate")
	fl.StringVar(&f.Phase, "phase", "", "cardiac `PHASE` to take, such as 75; else the best candidate")
	fl.StringVar(&f.Case, "case", "", "research `ID` for the report; else made from the CT's hash")
}

// pressureFlag adds the flag of the patient's own blood pressure.
func pressureFlag(cmd *cobra.Command, f *pipeline.Files) {
	cmd.Flags().StringVar(&f.Pressure, "bp", "", "blood pressure of the patient, `SYSTOLIC/DIASTOLIC` mmHg; else from the settings")
}

// segmentsFlag adds the flag of segments that a person named.
func segmentsFlag(cmd *cobra.Command, f *pipeline.Files) {
	cmd.Flags().StringVar(&f.Segments, "segments", "", "segments of the arteries, CSV `FILE` with artery,from_mm,to_mm,segment; else by side branches or length")
}

// score is the whole line for one patient.
func (a *app) score() *cobra.Command {
	var files pipeline.Files
	var out, model string
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "score --ct DIR --seg FILE --out DIR",
		Short: "From a CT series and its segmentation to a risk report",
		Example: `  plaquerisk score --ct study/ct --seg plaque.seg.nrrd --out result
  plaquerisk score --ct study.zip --seg seg.nii.gz --labels labels.yaml --case P001 --out result`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if files.CT == "" || out == "" {
				return usageError("score needs --ct and --out")
			}
			p, err := a.pipeline(model)
			if err != nil {
				return err
			}
			return a.scoreInto(cmd.Context(), p, files, out, overwrite, nil)
		},
	}
	inputFlags(cmd, &files)
	pressureFlag(cmd, &files)
	segmentsFlag(cmd, &files)
	cmd.Flags().StringVar(&out, "out", "", "`DIR` for the results; must be new or empty")
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "replace what is in --out")
	cmd.Flags().StringVar(&model, "model", "", "model `FILE`; else the shipped one; none computes all but the scores")
	return cmd
}

// scoreInto scores one case into a folder that appears whole. before, if not
// nil, fills the folder first and names the inputs.
func (a *app) scoreInto(ctx context.Context, p *pipeline.Pipeline, files pipeline.Files, out string, overwrite bool,
	before func(dir string) (pipeline.Files, error)) error {
	folder, err := folder(out, overwrite)
	if err != nil {
		return err
	}
	defer folder.Discard()
	if before != nil {
		if files, err = before(folder.Dir); err != nil {
			return err
		}
	}
	m := a.meter("score")
	p.Progress = func(e pipeline.Event) { m.at(e.Done, e.Total, e.Stage) }
	res, err := p.Score(ctx, files, folder.Dir)
	m.end()
	if err != nil && pipeline.ClassOf(err) != pipeline.NotConverged {
		return err
	}
	if cerr := folder.Commit(); cerr != nil {
		return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: cerr}
	}
	if !a.quiet {
		printSummary(a.stderr, res.Assessment)
		fmt.Fprintf(a.stderr, "report: %s/%s\n", out, pipeline.ReportFile)
	}
	return err
}

// printSummary tells a person what was found.
func printSummary(w io.Writer, as *risk.Assessment) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "%s\trisk\t95%% interval\tplaque mm³\tstenosis %%\tstress p95 kPa\n", as.Case)
	row := func(name string, l risk.Level, m risk.Measures, s *risk.StressSummary) {
		score, interval := "not scored", ""
		if p := l.Prediction; p != nil {
			score = fmt.Sprintf("%.0f %%", 100*p.Probability)
			interval = fmt.Sprintf("%.0f to %.0f %%", 100*p.Low, 100*p.High)
		}
		stress := "-"
		if s != nil {
			stress = number(s.P95KPa, 1)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", name, score, interval, number(m.PlaqueMM3, 1), number(m.DiameterStenosis, 0), stress)
	}
	for _, ar := range as.Arteries {
		name := string(ar.Name)
		if name == "" {
			name = "artery not named"
		}
		row(name, ar.Level, ar.Measures, ar.Stress)
	}
	for _, l := range as.Lesions {
		row("  "+l.Name, l.Level, l.Measures, l.Stress)
	}
	score := "not scored: " + as.Patient.Reason
	if p := as.Patient.Prediction; p != nil {
		score = fmt.Sprintf("%.0f %% (%.0f to %.0f %%)", 100*p.Probability, 100*p.Low, 100*p.High)
	}
	tw.Flush()
	fmt.Fprintf(w, "patient: %s\n", score)
	if as.Model != nil {
		fmt.Fprintf(w, "model: %s (%s)\n", as.Model.Name, as.Model.Label)
	}
	printNotes(w, as.Notes)
	fmt.Fprintln(w, "Research use only. Not for diagnosis or treatment.")
}

// number prints x with so many decimals, or a dash.
func number(x risk.Number, decimals int) string {
	if !x.Defined() {
		return "-"
	}
	return fmt.Sprintf("%.*f", decimals, float64(x))
}
