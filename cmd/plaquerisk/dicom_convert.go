package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/risk"
)

// dicomConvert writes a series as a research image.
func (a *app) dicomConvert() *cobra.Command {
	var series, phase, out string
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "convert DIR --out FILE.nii.gz",
		Short: "A CT series, or one phase of it, as NIfTI or NRRD in HU",
		Long: `A CT series, or one phase of it, as NIfTI or NRRD in HU, in the patient's
coordinates; slices of a tilted gantry stay a sheared lattice. DIR is a folder, an
archive (.zip, .tar, .tar.gz, .tar.zst), a DICOMDIR or a file. Values are those of the
files after the rescale of each slice: int16 where all of them are whole numbers that
fit, float32 otherwise; padding keeps its value. A stack with missing, contradicting
or irregular slices is not written (exit 10 or 9).

Without --series the series is taken that score would take; it may have one or two
slices alone. Slices are written one by one, so that memory does not grow with the
series.`,
		Example: `  plaquerisk dicom convert study --out ct.nii.gz
  plaquerisk dicom convert study.zip --phase 40 --out systole.nrrd`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			lower := strings.ToLower(out)
			if !slices.ContainsFunc([]string{".nii.gz", ".nii", ".nrrd"}, func(end string) bool { return strings.HasSuffix(lower, end) }) {
				return usageError("dicom convert needs --out with a name that ends in .nii.gz, .nii or .nrrd")
			}
			if _, err := os.Lstat(out); err == nil && !overwrite {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: fmt.Errorf("%s exists: replace it with --overwrite", out)}
			}
			index, err := dicom.Scan(cmd.Context(), args[0])
			if err != nil {
				return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-601", Err: err}
			}
			s, err := index.Pick(series, phase)
			if err != nil {
				return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-601", Err: fmt.Errorf("choose a series in %s: %w", args[0], err)}
			}
			if err := writeSeries(cmd.Context(), s, out); err != nil {
				return err
			}
			if !a.quiet {
				g := s.Grid
				fmt.Fprintf(a.stderr, "%s: series %s, phase %s, %v\n", out, s.UID, orUnknown(s.Phase), g.String())
				var notes []risk.Note
				for _, f := range s.Findings {
					notes = append(notes, f.Note)
				}
				printNotes(a.stderr, notes)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&series, "series", "", "`UID` of the series to take; else the best candidate")
	f.StringVar(&phase, "phase", "", "cardiac `PHASE` to take, such as 75; else the best candidate")
	f.StringVar(&out, "out", "", "image `FILE` to write: .nii.gz, .nii or .nrrd")
	f.BoolVar(&overwrite, "overwrite", false, "replace --out")
	return cmd
}

// writeSeries writes a series as an image that appears whole: whole numbers if
// all values are.
func writeSeries(ctx context.Context, s *dicom.Series, out string) error {
	err := writeValues(ctx, s, out, true)
	if errors.Is(err, format.ErrRange) {
		err = writeValues(ctx, s, out, false)
	}
	return err
}

func writeValues(ctx context.Context, s *dicom.Series, out string, whole bool) error {
	f, err := atomicfile.Create(out)
	if err != nil {
		return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
	}
	defer f.Discard()
	var unreadable error
	err = format.WriteSlices(f, out, &s.Grid, whole, func(write func([]float32) error) error {
		var unwritable error
		err := s.Slicewise(ctx, func(_ int, hu []float32) error {
			unwritable = write(hu)
			return unwritable
		})
		if unwritable == nil {
			unreadable = err
		}
		return err
	})
	if unreadable != nil {
		return pipeline.SeriesError(s, unreadable)
	}
	if err == nil {
		err = f.Commit()
	}
	if err != nil {
		return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
	}
	return nil
}
