package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/dicom/deidentify"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// dicomDeidentify takes the patients out of DICOM files.
func (a *app) dicomDeidentify() *cobra.Command {
	var out, key string
	var overwrite, burnedIn bool
	cmd := &cobra.Command{
		Use:   "deidentify DIR --key FILE --out DIR",
		Short: "DICOM files without what tells who the patients are (PS3.15 Basic Profile)",
		Long: `DICOM files without what tells who the patients are, by the Basic Application
Level Confidentiality Profile of PS3.15 (2026c), at every level of sequences. DIR is a
folder, an archive (.zip, .tar, .tar.gz, .tar.zst), a DICOMDIR or a file. Private
attributes and dates go; pixels, geometry, kVp, kernel and phase stay.

UIDs and patients are mapped by a hash with the bytes of --key: references among
images, segmentations and reports still meet, in later runs with the same key too.
Who has the key can find a patient again by trying identifiers: keep it secret. Make
one with: head -c 32 /dev/urandom > key

Files are written to OUT/patient/study/series/instance.dcm, named by what stands for
these. Files whose pixels may show text (they say so, or are screen captures that do
not say otherwise), encapsulated documents, directories and damaged files are left out:
exit 8. As names of files often hold those of patients, messages count the files in the
order of their paths.`,
		Example: `  plaquerisk dicom deidentify study --key key --out clean`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" || key == "" {
				return usageError("dicom deidentify needs --key and --out")
			}
			secret, err := os.ReadFile(key)
			if err != nil {
				return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-601", Err: fmt.Errorf("--key: %w; make one with: head -c 32 /dev/urandom > %s", err, key)}
			}
			p, err := deidentify.New(secret)
			if err != nil {
				return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-601", Err: fmt.Errorf("--key %s: %w", key, err)}
			}
			p.AcceptBurnedIn = burnedIn
			dir, err := folder(out, overwrite)
			if err != nil {
				return err
			}
			defer dir.Discard()
			c := cleaning{profile: p, dir: dir.Dir, refused: map[string][]int{}}
			if err := dicom.Each(cmd.Context(), args[0], c.file); err != nil {
				if c.failed {
					return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
				}
				return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-601", Err: err}
			}
			if c.written == 0 {
				return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-601", Err: errors.Join(fmt.Errorf("%s: no DICOM file that can be de-identified", args[0]), c.refusals())}
			}
			if err := dir.Commit(); err != nil {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
			}
			if !a.quiet {
				fmt.Fprintf(a.stderr, "%s: %d files written, %d copies, %d not DICOM, %d left out\n", out, c.written, c.copies, c.other, c.left)
			}
			if c.left > 0 {
				return &pipeline.Error{Class: pipeline.Partial, Code: "PLQ-618", Err: c.refusals()}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&key, "key", "", "`FILE` with the secret of the mapping, at least 16 bytes")
	f.StringVar(&out, "out", "", "`DIR` for the files")
	f.BoolVar(&burnedIn, "accept-burned-in", false, "write files whose pixels may show text too: they have been looked at")
	f.BoolVar(&overwrite, "overwrite", false, "replace what is in --out")
	return cmd
}

// cleaning counts what becomes of the files.
type cleaning struct {
	profile *deidentify.Profile
	dir     string

	seen, written, copies, other, left int
	refused                            map[string][]int // numbers of files that are left out, by reason
	failed                             bool             // to write
}

// refusals names the files that are left out, reason by reason.
func (c *cleaning) refusals() error {
	reasons := slices.SortedFunc(maps.Keys(c.refused), func(a, b string) int { return c.refused[a][0] - c.refused[b][0] })
	var all []error
	for _, reason := range reasons {
		files := c.refused[reason]
		more := ""
		if len(files) > mostNamed {
			more = fmt.Sprintf(" and %d more", len(files)-mostNamed)
		}
		list := strings.Trim(fmt.Sprint(files[:min(len(files), mostNamed)]), "[]")
		all = append(all, fmt.Errorf("left out: file %s%s of the input: %s", strings.ReplaceAll(list, " ", ", "), more, reason))
	}
	return errors.Join(all...)
}

// mostNamed is how many files are named for one reason.
const mostNamed = 8

// file de-identifies one file. Its name may hold the patient's, so that
// messages have the place of the file in the input.
func (c *cleaning) file(_ string, r io.ReaderAt, size int64, err error) error {
	c.seen++
	refuse := func(err error) error {
		c.left++
		c.refused[err.Error()] = append(c.refused[err.Error()], c.seen)
		return nil
	}
	if err != nil {
		return refuse(err)
	}
	var b bytes.Buffer
	id, err := c.profile.File(&b, r, size)
	switch {
	case errors.Is(err, part10.ErrNotDICOM):
		c.other++
		return nil
	case err != nil:
		return refuse(err)
	case id.Study == "" || id.Series == "" || id.Instance == "":
		return refuse(errors.New("it does not say its study, series and instance"))
	}
	folder := filepath.Join(c.dir, id.Patient, id.Study, id.Series)
	path := filepath.Join(folder, id.Instance+".dcm")
	switch old, err := os.ReadFile(path); {
	case err == nil && bytes.Equal(old, b.Bytes()):
		c.copies++
		return nil
	case err == nil:
		return refuse(errors.New("another file has the same instance UID and other content"))
	}
	c.written++
	err = os.MkdirAll(folder, 0o755)
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o644)
	}
	c.failed = err != nil
	return err
}
