package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// dicomEcho asks an archive whether it is there.
func (a *app) dicomEcho() *cobra.Command {
	var g archiveFlags
	cmd := &cobra.Command{
		Use:   "echo URL",
		Short: "Ask an archive whether it answers (C-ECHO, or a query for one study)",
		Long:  "Asks an archive whether it answers: C-ECHO, or a query for one study at most.\n\n" + archiveHelp,
		Example: `  plaquerisk dicom echo https://pacs.example/dicom-web
  plaquerisk dicom echo dicom://ORTHANC@127.0.0.1:4242`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.open(args[0], "")
			if err != nil {
				return err
			}
			if err := g.retry().Do(cmd.Context(), func() error { return c.Echo(cmd.Context()) }); err != nil {
				return archiveError(err)
			}
			if !a.quiet {
				fmt.Fprintln(a.stderr, "the archive answers")
			}
			return nil
		},
	}
	g.add(cmd.Flags())
	return cmd
}
