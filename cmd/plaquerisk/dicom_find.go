package main

import (
	"encoding/json"
	"slices"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
)

// dicomFind queries an archive.
func (a *app) dicomFind() *cobra.Command {
	var g archiveFlags
	var level string
	var where, show []string
	cmd := &cobra.Command{
		Use:   "find URL [--level study|series|instance] [--where ATTRIBUTE=VALUE]...",
		Short: "Query an archive (QIDO-RS or C-FIND); matches are lines of JSON",
		Long: `Queries an archive by QIDO-RS or C-FIND. Each match is a line of JSON on stdout, with
attributes by their DICOM keywords. Values of --where may hold * and ?, or a range
of dates such as 20250101-20251231. Below the study level StudyInstanceUID must be
given, below the series level SeriesInstanceUID too. Patients' attributes are in the
answer only if --where or --show names them, or the archive adds them.

` + archiveHelp,
		Example: `  plaquerisk dicom find https://pacs.example/dicom-web --where StudyDate=20250101-20251231 --where ModalitiesInStudy=CT
  plaquerisk dicom find dicom://ORTHANC@127.0.0.1:4242 --level series --where StudyInstanceUID=1.2.3`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var q archive.Query
			var err error
			if q.Level, err = archive.ParseLevel(level); err != nil {
				return usageError("--level: %w", err)
			}
			for _, s := range where {
				k, err := archive.ParseKey(s)
				if err != nil {
					return usageError("--where: %w", err)
				}
				q.Keys = append(q.Keys, k)
			}
			shown := q.Level.Usual()
			for _, s := range show {
				t, err := archive.ParseTag(s)
				if err != nil {
					return usageError("--show: %w", err)
				}
				shown = append(shown, t)
			}
			for _, t := range shown {
				if !slices.ContainsFunc(q.Keys, func(k archive.Key) bool { return k.Tag == t }) {
					q.Keys = append(q.Keys, archive.Key{Tag: t})
				}
			}
			if err := q.Validate(); err != nil {
				return usageError("%w", err)
			}
			c, err := g.open(args[0], "")
			if err != nil {
				return err
			}
			// Matches are printed as they come: what was printed is not asked again.
			printed := false
			enc := json.NewEncoder(a.stdout)
			enc.SetEscapeHTML(false)
			err = g.retry().Do(cmd.Context(), func() error {
				err := c.Find(cmd.Context(), q, func(r archive.Result) error {
					printed = true
					return enc.Encode(r)
				})
				if err != nil && printed {
					return final{err}
				}
				return err
			})
			return archiveError(err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&level, "level", "study", "what to find: study, series or instance")
	f.StringArrayVar(&where, "where", nil, "`ATTRIBUTE=VALUE` that matches have; may stand several times")
	f.StringArrayVar(&show, "show", nil, "further `ATTRIBUTE` to show; may stand several times")
	g.add(f)
	return cmd
}

// final hides that an error may pass.
type final struct{ err error }

func (f final) Error() string { return f.err.Error() }
