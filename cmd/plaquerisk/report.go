package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/reports"
)

// report groups the commands that draw PDF pages from result files.
func (a *app) report() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Draw the PDF of an assessment or an evaluation again",
		Example: `  plaquerisk report patient result/assessment.json --out report.pdf
  plaquerisk report cohort evaluation/evaluation.json --out cohort.pdf`,
	}
	cmd.AddCommand(
		a.reportOf("patient ASSESSMENT.json", "The pages of one patient", func(path string, cfg pipeline.Config) (func(io.Writer) error, error) {
			as, err := pipeline.ReadAssessment(path)
			return func(w io.Writer) error { return reports.Patient(w, as, cfg.Report) }, err
		}),
		a.reportOf("cohort EVALUATION.json", "The pages of a cohort and its models", func(path string, cfg pipeline.Config) (func(io.Writer) error, error) {
			ev, err := pipeline.ReadEvaluation(path)
			return func(w io.Writer) error { return reports.Cohort(w, ev, cfg.Report) }, err
		}),
	)
	return cmd
}

func (a *app) reportOf(use, short string, open func(path string, cfg pipeline.Config) (func(io.Writer) error, error)) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: use + " --out FILE.pdf", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return usageError("report needs --out FILE.pdf")
			}
			cfg, _, err := a.settings()
			if err != nil {
				return err
			}
			draw, err := open(args[0], cfg)
			if err != nil {
				return err
			}
			return a.writeFile(out, draw)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "PDF `FILE` to write")
	return cmd
}

// writeFile stores what write makes at path, whole or not at all.
func (a *app) writeFile(path string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	if err := atomicfile.Write(path, b.Bytes()); err != nil {
		return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
	}
	if !a.quiet {
		fmt.Fprintf(a.stderr, "wrote %s\n", path)
	}
	return nil
}
