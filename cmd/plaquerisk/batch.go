package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/cohort"
	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
	"github.com/plaquerisk/plaquerisk/internal/strictyaml"
	"github.com/plaquerisk/plaquerisk/internal/version"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/risk"
)

// batchFile is batch.json: what resume needs to go on.
type batchFile struct {
	Format   string `json:"format"`
	Version  int    `json:"version"`
	Program  string `json:"program_version"`
	Manifest string `json:"manifest"` // absolute path
	Model    string `json:"model"`    // absolute path, "" for the shipped model, "none"
	Settings string `json:"settings"` // effective YAML
}

// batchRecord is run.json of a batch.
type batchRecord struct {
	pipeline.Run
	Result cohort.Result `json:"result"`
}

// statusFile is the JSON of batch status.
type statusFile struct {
	Format  string          `json:"format"`
	Version int             `json:"version"`
	Cases   []cohort.Status `json:"cases"`
}

const (
	batchFormat  = "plaquerisk.batch"
	batchVersion = 1
)

// batch groups the commands about many cases.
func (a *app) batch() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "batch",
		Short: "Score many cases; can be killed at any moment and resumed",
		Example: `  plaquerisk batch run cohort.csv --out batch -j 2
  plaquerisk batch status batch
  plaquerisk batch resume batch`,
	}
	cmd.AddCommand(a.batchRun(), a.batchStatus(), a.batchResume())
	return cmd
}

func (a *app) batchRun() *cobra.Command {
	var out, model string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "run MANIFEST.csv --out DIR",
		Short: "Score the cases of a manifest (case,patient,ct,seg,labels,artery,outcome; further columns pass through)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usageError("batch run needs --out DIR")
			}
			cfg, _, err := a.settings()
			if err != nil {
				return err
			}
			path, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			if model != "" && model != "none" {
				if model, err = filepath.Abs(model); err != nil {
					return err
				}
			}
			m, err := readManifest(path)
			if err != nil {
				return err
			}
			if dryRun {
				fmt.Fprintf(a.stdout, "%s; nothing was written\n", caseCount(len(m.Cases)))
				return nil
			}
			file := filepath.Join(out, "batch.json")
			if _, err := os.Stat(file); err == nil {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: fmt.Errorf("%s holds a batch already; go on with plaquerisk batch resume %s, or choose another folder", out, out)}
			}
			text, err := json.MarshalIndent(batchFile{batchFormat, batchVersion, version.Version, path, model, string(cfg.YAML())}, "", " ")
			if err != nil {
				return err
			}
			if err := errors.Join(os.MkdirAll(out, 0o755), atomicfile.Write(file, append(text, '\n'))); err != nil {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
			}
			return a.runBatch(cmd.Context(), m, cfg, model, out, false)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "batch `DIR`")
	cmd.Flags().StringVar(&model, "model", "", "model `FILE`; else the shipped one; none computes all but the scores")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "check the manifest, write nothing")
	return cmd
}

func (a *app) batchResume() *cobra.Command {
	var retry bool
	cmd := &cobra.Command{
		Use:   "resume DIR",
		Short: "Go on with a batch: finished work is kept, changed work is done again",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, cfg, err := readBatch(args[0])
			if err != nil {
				return err
			}
			m, err := readManifest(b.Manifest)
			if err != nil {
				return err
			}
			return a.runBatch(cmd.Context(), m, cfg, b.Model, args[0], retry)
		},
	}
	cmd.Flags().BoolVar(&retry, "retry-failed", false, "try failed cases again although nothing changed")
	return cmd
}

func (a *app) batchStatus() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status DIR",
		Short: "Say how far a batch is",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			b, _, err := readBatch(args[0])
			if err != nil {
				return err
			}
			m, err := readManifest(b.Manifest)
			if err != nil {
				return err
			}
			status, err := cohort.ReadStatus(m, args[0])
			if err != nil {
				return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-609", Err: err}
			}
			if asJSON {
				return json.NewEncoder(a.stdout).Encode(statusFile{"plaquerisk.status", 1, status})
			}
			count := map[cohort.State]int{}
			for _, s := range status {
				count[s.State]++
				if s.State == cohort.Failed {
					fmt.Fprintf(a.stdout, "failed %s: %s: %s\n", s.Case, s.Code, s.Text)
				}
			}
			fmt.Fprintf(a.stdout, "%s: %d done, %d failed, %d under way or cut, %d waiting\n",
				caseCount(len(status)), count[cohort.Done], count[cohort.Failed], count[cohort.Started], count[""])
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func readManifest(path string) (*cohort.Manifest, error) {
	m, err := cohort.ReadManifest(path)
	if err != nil {
		return nil, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-622", Err: err}
	}
	return m, nil
}

func readBatch(dir string) (batchFile, pipeline.Config, error) {
	var b batchFile
	wrong := func(err error) (batchFile, pipeline.Config, error) {
		return b, pipeline.Config{}, &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-609", Err: err}
	}
	text, err := os.ReadFile(filepath.Join(dir, "batch.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return wrong(fmt.Errorf("%s is no batch folder: start one with plaquerisk batch run", dir))
	}
	if err != nil {
		return wrong(err)
	}
	if err := json.Unmarshal(text, &b); err != nil || b.Format != batchFormat || b.Version != batchVersion {
		return wrong(fmt.Errorf("%s/batch.json is not of this version: %v", dir, err))
	}
	file := pipeline.File{Plaquerisk: pipeline.DefaultConfig()}
	if err := strictyaml.DecodeBytes("settings in batch.json", []byte(b.Settings), &file); err != nil {
		return wrong(err)
	}
	return b, file.Plaquerisk, nil
}

// scorer scores the cases of a manifest through a pipeline.
type scorer struct{ *pipeline.Pipeline }

func files(c *cohort.Case) pipeline.Files {
	return pipeline.Files{Case: c.ID, CT: c.CT, Seg: c.Seg, Labels: c.Labels, Series: c.Series, Phase: c.Phase, Pressure: c.Pressure}
}

func (s scorer) Key(ctx context.Context, c *cohort.Case) (string, error) {
	return s.Pipeline.Key(ctx, files(c))
}

func (s scorer) Score(ctx context.Context, c *cohort.Case, dir string) error {
	_, err := s.Pipeline.Score(ctx, files(c), dir)
	return err
}

func (a *app) runBatch(ctx context.Context, m *cohort.Manifest, cfg pipeline.Config, modelPath, out string, retry bool) error {
	p, err := a.pipelineWith(cfg, modelPath)
	if err != nil {
		return err
	}
	start := time.Now()
	bar := a.meter("batch")
	res, err := cohort.Run(ctx, m, scorer{p}, cohort.Options{
		Dir: out, Jobs: a.jobs, RetryFailed: retry, Now: time.Now, Log: a.log,
		Progress: func(pr cohort.Progress) {
			bar.at(pr.Done+pr.Failed, pr.Total, fmt.Sprintf("%s (%d failed)", pr.Case, pr.Failed))
		},
	})
	bar.end()
	if err != nil {
		if ctx.Err() == nil && pipeline.ClassOf(err) == pipeline.Internal {
			err = &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
		}
		return err
	}
	text, err := json.MarshalIndent(batchRecord{pipeline.NewRun(start, time.Now()), res}, "", " ")
	if err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(out, pipeline.RunFile), append(text, '\n')); err != nil {
		return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
	}
	if !a.quiet {
		fmt.Fprintf(a.stderr, "%s: %d done, %d failed; tables in %s\n", caseCount(res.Total), res.Done, res.Failed, out)
	}
	if res.Failed > 0 {
		return &pipeline.Error{Class: pipeline.Partial, Code: "PLQ-652", Err: fmt.Errorf("%d of %d cases failed: see %s", res.Failed, res.Total, filepath.Join(out, "failures.csv"))}
	}
	return nil
}

// readFailures returns the failures of the batch that a table comes from, none
// if there is no list.
func readFailures(path string) []risk.Failure {
	rows, err := cohort.ReadFailures(path)
	if err != nil {
		return []risk.Failure{}
	}
	return rows
}

// validate checks a manifest without computing.
func (a *app) validate() *cobra.Command {
	return &cobra.Command{
		Use:     "validate MANIFEST.csv",
		Short:   "Check inputs, geometry, labels and settings of a manifest; computes nothing",
		Example: "  plaquerisk validate cohort.csv",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.pipeline("")
			if err != nil {
				return err
			}
			m, err := readManifest(args[0])
			if err != nil {
				return err
			}
			bar := a.meter("validate")
			failed := 0
			for n := range m.Cases {
				c := &m.Cases[n]
				in, err := p.Read(cmd.Context(), files(c))
				if cmd.Context().Err() != nil {
					return cmd.Context().Err()
				}
				bar.at(n+1, len(m.Cases), c.ID)
				if err != nil {
					failed++
					fmt.Fprintf(a.stdout, "%s: exit %d: %v\n", c.ID, pipeline.ClassOf(err), err)
					continue
				}
				fmt.Fprintf(a.stdout, "%s: ok, %s, %d masks\n", c.ID, in.Volume.Grid.String(), len(in.Masks))
			}
			bar.end()
			if failed > 0 {
				return &pipeline.Error{Class: pipeline.Partial, Code: "PLQ-652", Err: fmt.Errorf("%d of %d cases cannot be scored", failed, len(m.Cases))}
			}
			return nil
		},
	}
}

// caseCount returns "1 case", "2 cases".
func caseCount(n int) string {
	if n == 1 {
		return "1 case"
	}
	return fmt.Sprintf("%d cases", n)
}
