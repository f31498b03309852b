package main

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/internal/version"
)

// versionFile is the JSON of version.
type versionFile struct {
	Program string `json:"program"`
	Version string `json:"version"`
	Commit  string `json:"commit"` // "unknown" outside a checkout
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func (a *app) version() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print version, commit and Go version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if !asJSON {
				_, err := fmt.Fprintf(a.stdout, "%s %s (%s, %s)\n", version.Program, version.Version, version.Commit(), runtime.Version())
				return err
			}
			return json.NewEncoder(a.stdout).Encode(versionFile{version.Program, version.Version, version.Commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}
