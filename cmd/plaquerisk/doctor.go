package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/internal/version"
	"github.com/plaquerisk/plaquerisk/phantom"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// doctor checks that this build works on this machine.
func (a *app) doctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check settings, the shipped model and a whole run on a small phantom",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			say := func(what, format string, args ...any) {
				fmt.Fprintf(a.stdout, "%-10s %s\n", what, fmt.Sprintf(format, args...))
			}
			say("program", "%s %s, commit %s, %s, %s/%s, %d processors", version.Program, version.Version, version.Commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
			cfg, origin, err := a.settings()
			if err != nil {
				return err
			}
			say("settings", "%s, %s", cfg.Fingerprint()[:12], origin)
			model, err := pipeline.LoadModel("")
			if err != nil {
				return err
			}
			schema, err := feature.NewSchema(cfg.Columns()...)
			if err != nil {
				return err
			}
			if _, err := schema.Match(&model.Schema); err != nil {
				say("model", "does not fit these settings: %v", err)
				return &pipeline.Error{Class: pipeline.BadConfig, Code: "PLQ-603", Err: fmt.Errorf("shipped model: %w; train one for these settings", err)}
			}
			say("model", "%s (%s), %s", model.Card.Name, model.Card.Label, model.SHA256()[:12])
			dir, err := os.MkdirTemp("", "plaquerisk-doctor-")
			if err != nil {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
			}
			defer os.RemoveAll(dir)
			if _, err := phantom.WritePatient(cmd.Context(), dir, phantom.Small(1)); err != nil {
				return err
			}
			p, err := a.pipeline("")
			if err != nil {
				return err
			}
			out := filepath.Join(dir, "out")
			if err := os.Mkdir(out, 0o755); err != nil {
				return err
			}
			res, err := p.Score(cmd.Context(), pipeline.Files{CT: filepath.Join(dir, phantom.CTFolder), Seg: filepath.Join(dir, phantom.SegmentationFile)}, out)
			if err != nil {
				return err
			}
			if res.Assessment.Patient.Prediction == nil {
				return fmt.Errorf("the small phantom was not scored: %s", res.Assessment.Patient.Reason)
			}
			say("phantom", "scored: %d lesions, %d features", len(res.Assessment.Lesions), res.Table.Schema.Len())
			say("result", "ok")
			return nil
		},
	}
}
