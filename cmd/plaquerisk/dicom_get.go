package main

import (
	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
)

// dicomGet retrieves objects from an archive.
func (a *app) dicomGet() *cobra.Command {
	var g archiveFlags
	var want archive.Name
	var out, listen string
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "get URL --study UID [--series UID [--instance UID]] --out DIR",
		Short: "Retrieve a study, a series or an instance from an archive (WADO-RS, C-GET or C-MOVE)",
		Long: `Retrieves objects as they are stored, by WADO-RS, by C-GET, or with --listen by
C-MOVE, into DIR/SERIES/INSTANCE.dcm. A file gets its name when it is whole: what is
there is not retrieved again, so that the same command goes on after a break.

` + archiveHelp + `

For C-MOVE the archive must know our AE title, and connects to it at the address of
--listen.`,
		Example: `  plaquerisk dicom get https://pacs.example/dicom-web --study 1.2.3 --out study
  plaquerisk dicom get dicom://ORTHANC@127.0.0.1:4242 --study 1.2.3 --series 1.2.3.4 --out study
  plaquerisk dicom get dicom://PACS@pacs.example:104 --aet RESEARCH --listen :11112 --study 1.2.3 --out study`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if want.Study == "" || out == "" {
				return usageError("dicom get needs --study UID and --out DIR")
			}
			if want.Instance != "" && want.Series == "" {
				return usageError("--instance needs --series")
			}
			for _, uid := range []string{want.Study, want.Series, want.Instance} {
				if uid != "" && !archive.IsUID(uid) {
					return usageError("%q is no UID: digits and dots, at most 64", uid)
				}
			}
			c, err := g.open(args[0], listen)
			if err != nil {
				return err
			}
			r, err := archive.Retrieve(cmd.Context(), c, want, archive.NewFolder(out), g.transfer(a, overwrite))
			return a.transferred("retrieved", r, err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&want.Study, "study", "", "`UID` of the study")
	f.StringVar(&want.Series, "series", "", "`UID` of one of its series; else all")
	f.StringVar(&want.Instance, "instance", "", "`UID` of one of its instances; else all")
	f.StringVar(&out, "out", "", "`DIR` for the files")
	f.StringVar(&listen, "listen", "", "`ADDRESS:PORT` where the archive stores to us (C-MOVE); else C-GET")
	f.BoolVar(&overwrite, "overwrite", false, "retrieve also what is there")
	g.add(f)
	return cmd
}
