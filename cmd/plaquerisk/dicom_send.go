package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// dicomSend stores objects in an archive.
func (a *app) dicomSend() *cobra.Command {
	var g archiveFlags
	var again bool
	cmd := &cobra.Command{
		Use:   "send URL PATH...",
		Short: "Store DICOM files, or folders of them, in an archive (STOW-RS or C-STORE)",
		Long: `Stores DICOM files, or those in folders, as they are, by STOW-RS or C-STORE. What the
archive has already is left out, so that the same command goes on after a break.
Objects that the archive refuses are named with its reason (exit 8).

` + archiveHelp,
		Example: `  plaquerisk dicom send https://pacs.example/dicom-web result/dicom
  plaquerisk dicom send dicom://ORTHANC@127.0.0.1:4242 study report.dcm`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.open(args[0], "")
			if err != nil {
				return err
			}
			objects, others, unusable := archive.Objects(cmd.Context(), args[1:]...)
			if len(objects) == 0 {
				if unusable == nil {
					unusable = fmt.Errorf("none of %d files is a DICOM object", others)
				}
				return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-601", Err: unusable}
			}
			r, err := archive.Deliver(cmd.Context(), c, objects, g.transfer(a, again))
			if err = a.transferred("stored", r, err); err == nil && unusable != nil {
				err = &pipeline.Error{Class: pipeline.Partial, Code: "PLQ-661", Err: errors.Join(errors.New("some files cannot be sent"), unusable)}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.BoolVar(&again, "again", false, "send also what the archive has")
	g.add(f)
	return cmd
}
