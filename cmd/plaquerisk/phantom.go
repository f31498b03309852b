package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/phantom"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// phantom groups the commands that make synthetic data with known truth.
func (a *app) phantom() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "phantom",
		Short: "Make synthetic patients and cohorts with exact truth",
		Example: `  plaquerisk phantom patient --size small --seed 7 --out patient
  plaquerisk phantom cohort --patients 60 --seed 1 --out cohort
  plaquerisk phantom cohort --patients 60 --variant null --out null`,
	}
	cmd.AddCommand(a.phantomPatient(), a.phantomCohort())
	return cmd
}

func (a *app) phantomPatient() *cobra.Command {
	var out, size string
	var seed uint64
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "patient --out DIR",
		Short: "One patient: CT series, segmentation and truth",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usageError("phantom patient needs --out DIR")
			}
			var p *phantom.Patient
			switch phantom.Size(size) {
			case phantom.Full:
				p = phantom.Demo()
				if cmd.Flags().Changed("seed") {
					return usageError("the full phantom is one fixed patient; --seed goes with --size small")
				}
			case phantom.SmallSize:
				p = phantom.Small(seed)
			default:
				return usageError("--size %q: want full or small", size)
			}
			folder, err := folder(out, overwrite)
			if err != nil {
				return err
			}
			defer folder.Discard()
			if _, err := phantom.WritePatient(cmd.Context(), folder.Dir, p); err != nil {
				return err
			}
			if err := folder.Commit(); err != nil {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
			}
			if !a.quiet {
				fmt.Fprintf(a.stderr, "wrote %s/%s, %s and truth.json\n", out, phantom.CTFolder, phantom.SegmentationFile)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "`DIR` to write")
	f.StringVar(&size, "size", "small", "small, or full (512×512×256 voxels)")
	f.Uint64Var(&seed, "seed", 1, "seed of all randomness")
	f.BoolVar(&overwrite, "overwrite", false, "replace what is in --out")
	return cmd
}

func (a *app) phantomCohort() *cobra.Command {
	var out, variant string
	opt := phantom.DefaultCohortConfig()
	cmd := &cobra.Command{
		Use:   "cohort --patients N --out DIR",
		Short: "Many small patients with outcomes from a declared rule on the truth, and manifest.csv",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usageError("phantom cohort needs --out DIR")
			}
			if entries, err := os.ReadDir(out); err == nil && len(entries) > 0 {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: fmt.Errorf("%s is not empty", out)}
			}
			opt.Variant = phantom.Variant(variant)
			m := a.meter("phantom cohort")
			if err := opt.Validate(); err != nil {
				return usageError("%v", err)
			}
			c, err := phantom.GenerateCohort(cmd.Context(), out, opt, func(n int) { m.at(n, opt.Patients, "patients") })
			m.end()
			if err != nil {
				return err
			}
			if !a.quiet {
				fmt.Fprintf(a.stderr, "%d patients, %d arteries (%d with the event), best possible AUC %.2f; wrote %s/%s\n", c.Patients, c.Arteries, c.PositiveArteries, c.ArteryAUC, out, phantom.ManifestFile)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "`DIR` to write")
	f.IntVar(&opt.Patients, "patients", opt.Patients, "number of patients")
	f.Uint64Var(&opt.Seed, "seed", opt.Seed, "seed of all randomness")
	f.Float64Var(&opt.Prevalence, "prevalence", opt.Prevalence, "share of arteries with the event")
	f.StringVar(&variant, "variant", string(opt.Variant), "planted, mechanics-only, texture-only, or null (outcomes unrelated to anything)")
	return cmd
}
