package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// config groups the commands about settings.
func (a *app) config() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Write, check and show settings",
		Example: `  plaquerisk config init                 # writes plaquerisk.yaml
  plaquerisk config check plaquerisk.yaml
  plaquerisk config show --origin`,
	}
	cmd.AddCommand(a.configInit(), a.configCheck(), a.configShow())
	return cmd
}

func (a *app) configInit() *cobra.Command {
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write the built-in settings to FILE (" + pipeline.ProjectFile + ")",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := pipeline.ProjectFile
			if len(args) > 0 {
				path = args[0]
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) && !overwrite {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: fmt.Errorf("%s exists already; use --overwrite to replace it", path)}
			}
			head := "# Settings of plaquerisk. Unknown keys are errors; keys that are left out keep\n# their defaults. Every key is explained in docs/reference/settings.md.\n"
			if err := atomicfile.Write(path, append([]byte(head), pipeline.DefaultConfig().YAML()...)); err != nil {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
			}
			fmt.Fprintf(a.stderr, "wrote %s\n", path)
			return nil
		},
	}
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "replace FILE")
	return cmd
}

func (a *app) configCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Check a settings file and name everything that is wrong",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := pipeline.LoadConfig(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s: ok, settings %s\n", args[0], cfg.Fingerprint()[:12])
			return err
		},
	}
}

func (a *app) configShow() *cobra.Command {
	var origin bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print the settings in force",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, from, err := a.settings()
			if err != nil {
				return err
			}
			if origin {
				path, _ := pipeline.FindConfig(a.configPath)
				fmt.Fprintf(a.stdout, "# from: %s %s\n# keys that the file does not name are built-in\n", from, path)
			}
			_, err = a.stdout.Write(cfg.YAML())
			return err
		},
	}
	cmd.Flags().BoolVar(&origin, "origin", false, "say where the settings come from")
	return cmd
}
