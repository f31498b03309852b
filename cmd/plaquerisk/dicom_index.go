package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/dicom/index"
	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// dicomIndex lists a collection.
func (a *app) dicomIndex() *cobra.Command {
	var out, hash string
	cfg := index.DefaultConfig()
	cmd := &cobra.Command{
		Use:   "index DIR --out FILE.jsonl",
		Short: "A manifest of a collection: one line of JSON for each series",
		Long: `Lists what a folder with up to millions of DICOM files holds: one line of JSON for each
series, in the order of UIDs, with cardiac phases, geometry, findings of quality
control and a hash. The files of a series may lie anywhere. Files that are damaged or
belong to no series stand in a first line without series.

Memory does not grow with the collection. An index that was stopped goes on with
the same command, from what it left beside FILE.`,
		Example: `  plaquerisk dicom index archive --out manifest.jsonl
  plaquerisk dicom index archive --out manifest.jsonl --hash files --overwrite`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usageError("dicom index needs --out FILE.jsonl")
			}
			switch hash {
			case "headers", "files":
				cfg.Whole = hash == "files"
			default:
				return usageError("--hash %q: want headers or files", hash)
			}
			cfg.Progress = func(s index.Summary) { a.log.Info("index", "files", s.Files, "series", s.Series) }
			s, err := index.Build(cmd.Context(), args[0], out, cfg)
			switch {
			case errors.Is(err, atomicfile.ErrExists):
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: fmt.Errorf("%w: replace it with --overwrite", err)}
			case err != nil:
				return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-601", Err: fmt.Errorf("index %s: %w", args[0], err)}
			}
			if !a.quiet {
				again := ""
				if s.Resumed {
					again = ", after a break"
				}
				fmt.Fprintf(a.stderr, "%s: %d series in %d files%s; %d are not DICOM, %d damaged or of no series\n", out, s.Series, s.Files, again, s.NotDICOM, s.Damaged)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "`FILE` to write")
	f.StringVar(&hash, "hash", "headers", "what is hashed: headers (what stands before pixels) or files (all bytes)")
	f.BoolVar(&cfg.Overwrite, "overwrite", false, "replace --out")
	return cmd
}
