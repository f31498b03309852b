package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/internal/atomicfile"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/radiomics/pyradiomics"
)

func (a *app) extractRadiomics() *cobra.Command {
	var one pipeline.RegionCase
	var table, profile, params, out, failures string
	var long, plain, resample, overwrite bool
	cmd := &cobra.Command{
		Use:   "radiomics {--ct IMAGE --mask MASK | --cases FILE.csv} --out FILE.{csv,json,parquet}",
		Short: "Radiomic features of the regions of a mask, of one image or of many",
		Long: `Radiomic features of the regions of a mask, of one image or of many.

Profiles: ibsi computes the features of the standard on the image's own voxels
(default); pyradiomics computes what PyRadiomics computes, under its names;
coronary computes all that serves for plaques; plaque has the settings in force,
those of scoring. The last two add volumes by HU. --params changes settings: for
pyradiomics a parameter file as PyRadiomics reads it, else YAML with the keys under
radiomics of plaquerisk config show; or the name of a configuration of IBSI's
reference data, as ibsi1_a.

--cases names a CSV with the columns ct and mask, and optionally case, patient,
series and label, or a batch file of PyRadiomics (Image,Mask[,Label]); further
columns are repeated. A case that fails does not stop the others: the exit status
is 8 and the failures are listed.

A value that is undefined is an empty cell; the column undefined says why. With
--long each value has a line of its own with unit, voxels, pairs and reason.`,
		Example: `  plaquerisk extract radiomics --ct image.nii.gz --mask mask.nii.gz --out features.csv
  plaquerisk extract radiomics --ct study/ct --mask plaque.seg.nrrd --profile coronary --long --out plaque.parquet
  plaquerisk extract radiomics --cases cases.csv --params Params.yaml --profile pyradiomics -j 8 --out features.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			single := one.CT != "" || one.Seg != "" || one.Case != "" || one.Series != "" || one.Phase != ""
			switch {
			case out == "":
				return usageError("extract radiomics needs --out FILE")
			case table != "" && single:
				return usageError("give --cases or one image with --ct and --mask, not both")
			case table == "" && (one.CT == "" || one.Seg == ""):
				return usageError("extract radiomics needs --ct and --mask, or --cases")
			case cmd.Flags().Changed("label") && one.Label < 1:
				return usageError("--label %d: want a whole number from 1", one.Label)
			}
			if err := fresh(overwrite, out, failures); err != nil {
				return err
			}
			p, err := a.pipeline("none")
			if err != nil {
				return err
			}
			chosen, err := p.Profile(profile, params)
			if err != nil {
				return err
			}
			if profile == "" && chosen.Name != pipeline.ProfileIBSI && !a.quiet {
				fmt.Fprintf(a.stderr, "%s is a parameter file of PyRadiomics: profile %s\n", params, chosen.Name)
			}
			open, err := tableFormat(out, long, plain || chosen.Name == pipeline.ProfilePyRadiomics)
			if err != nil {
				return err
			}
			cases := []pipeline.RegionCase{one}
			if table != "" {
				if cases, err = pipeline.ReadRegionCases(table); err != nil {
					return err
				}
				for n := range cases {
					if cases[n].Label == 0 {
						cases[n].Label = one.Label
					}
				}
			} else if chosen.Name == pipeline.ProfilePyRadiomics {
				cases[0].Given = []pyradiomics.Field{{Name: "Image", Value: one.CT}, {Name: "Mask", Value: one.Seg}}
			}
			run := func(ctx context.Context, c pipeline.RegionCase) (*pipeline.Regions, error) {
				r, err := p.Regions(ctx, c, chosen, resample)
				if err == nil && (long || strings.EqualFold(filepath.Ext(out), ".json")) {
					r.DropUndefined() // said beside each value
				}
				return r, err
			}
			return a.extractCases(cmd.Context(), cases, table != "", run, chosen.Schema, open, out, failures)
		},
	}
	f := cmd.Flags()
	f.StringVar(&one.CT, "ct", "", "image: DICOM `DIR`, NIfTI, NRRD or MetaImage")
	f.StringVar(&one.Seg, "mask", "", "mask or label map `FILE`: NIfTI, NRRD, .seg.nrrd, MetaImage, or DICOM SEG or RTSTRUCT")
	f.StringVar((*string)(&one.Contours), "contours", "", "voxels that contours (RTSTRUCT) fill, by `RULE`: centre (else), or volume for thin vessels")
	f.Int32Var(&one.Label, "label", 0, "the region with label `N`; else all (pyradiomics: that of the parameters, 1)")
	f.StringVar(&one.Series, "series", "", "`UID` of the DICOM series to take; else the best candidate")
	f.StringVar(&one.Phase, "phase", "", "cardiac `PHASE` to take, such as 75; else the best candidate")
	f.StringVar(&one.Case, "case", "", "research `ID` for the table; else made from the image's hash")
	f.StringVar(&table, "cases", "", "table of cases, `FILE`.csv")
	f.StringVar(&profile, "profile", "", strings.Join(pipeline.Profiles, ", ")+"; else pyradiomics if --params is a file of PyRadiomics, or ibsi")
	f.StringVar(&params, "params", "", "settings of the profile, `FILE`.yaml")
	f.BoolVar(&resample, "resample-mask", false, "put a mask on other voxels onto those of the image; else such a mask is refused")
	f.BoolVar(&long, "long", false, "one line per value, with unit, voxels, pairs, reason and IBSI code")
	f.BoolVar(&plain, "plain", false, "CSV without the lines of units and definitions, as with profile pyradiomics")
	f.StringVar(&out, "out", "", "CSV, JSON or Parquet `FILE` to write")
	f.StringVar(&failures, "failures", "", "CSV `FILE` for the cases that failed")
	f.BoolVar(&overwrite, "overwrite", false, "replace --out and --failures")
	return cmd
}

// fresh reports the first of paths that is a file already, unless it may be
// overwritten. It is asked before the work.
func fresh(overwrite bool, paths ...string) error {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && !overwrite {
			return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: fmt.Errorf("%s exists already; use --overwrite to replace it", path)}
		}
	}
	return nil
}

// openTable starts a table in a format.
type openTable func(io.Writer, feature.Schema, []string) (feature.Writer, error)

// tableFormat picks the format by the end of a name.
func tableFormat(name string, long, plain bool) (openTable, error) {
	switch ext := strings.ToLower(filepath.Ext(name)); {
	case ext == ".csv" && long:
		return feature.NewLongCSVWriter, nil
	case ext == ".csv" && plain:
		return feature.NewPlainCSVWriter, nil
	case ext == ".csv":
		return feature.NewCSVWriter, nil
	case ext == ".parquet" && long:
		return feature.NewLongParquetWriter, nil
	case ext == ".parquet":
		return feature.NewParquetWriter, nil
	case ext == ".json" && long:
		return nil, usageError("--long: JSON tells voxels, pairs and reasons always; leave it out")
	case ext == ".json":
		return feature.NewJSONWriter, nil
	}
	return nil, usageError("--out %s: want a name that ends in .csv, .json or .parquet", name)
}

// extractCases runs all cases, as many at a time as there are jobs, and writes
// their rows in the order of the cases. With many set, one case that fails does
// not stop the others.
func (a *app) extractCases(ctx context.Context, cases []pipeline.RegionCase, many bool,
	run func(context.Context, pipeline.RegionCase) (*pipeline.Regions, error), schema feature.Schema, open openTable, out, failures string) error {
	type outcome struct {
		regions *pipeline.Regions
		err     error
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	pending := make(chan chan outcome, a.jobs-1) // bounds what is under way and what waits to be written
	go func() {
		defer close(pending)
		for _, c := range cases {
			done := make(chan outcome, 1)
			select {
			case pending <- done:
			case <-ctx.Done():
				return
			}
			go func() {
				defer func() {
					if p := recover(); p != nil {
						done <- outcome{err: fmt.Errorf("bug: %v; please report it with these lines\n%s", p, debug.Stack())}
					}
				}()
				r, err := run(ctx, c)
				done <- outcome{r, err}
			}()
		}
	}()
	file, err := atomicfile.Create(out)
	if err != nil {
		return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
	}
	defer file.Discard()
	t := &regionTable{w: bufio.NewWriterSize(file, 1<<16), schema: schema, open: open}
	m := a.meter("extract")
	defer m.end()
	var failed []caseFailure
	n := 0
	for done := range pending {
		o := <-done
		if ctx.Err() != nil {
			break
		}
		c := &cases[n]
		n++
		if many {
			m.at(n, len(cases), "extract")
		}
		if o.err != nil {
			if !many {
				return o.err
			}
			failed = append(failed, caseFailure{n, c, o.err})
			continue
		}
		if !a.quiet {
			printNotes(a.stderr, o.regions.Notes)
		}
		if err := t.add(o.regions); err != nil {
			return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := errors.Join(t.close(), file.Commit()); err != nil {
		return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
	}
	m.end()
	if !a.quiet {
		fmt.Fprintf(a.stderr, "wrote %s\n", out)
	}
	return a.reportFailures(failed, len(cases), failures)
}

// regionTable writes the rows of cases. The extra columns are those of the
// first case.
type regionTable struct {
	w      *bufio.Writer
	schema feature.Schema
	open   openTable
	extra  []string
	out    feature.Writer
}

func (t *regionTable) add(r *pipeline.Regions) error {
	for n := range r.Rows {
		if t.out == nil {
			fields := slices.MaxFunc(r.Extra, func(a, b []pyradiomics.Field) int { return len(a) - len(b) }) // a region without features has fewer
			for _, f := range fields {
				t.extra = append(t.extra, f.Name)
			}
			if err := t.start(); err != nil {
				return err
			}
		}
		row := r.Rows[n]
		for _, name := range t.extra {
			cell := ""
			if at := slices.IndexFunc(r.Extra[n], func(f pyradiomics.Field) bool { return f.Name == name }); at >= 0 {
				cell = r.Extra[n][at].Value
			}
			row.Extra = append(row.Extra, cell)
		}
		if err := t.out.Write(&row); err != nil {
			return err
		}
	}
	return nil
}

func (t *regionTable) start() (err error) {
	t.out, err = t.open(t.w, t.schema, t.extra)
	return err
}

func (t *regionTable) close() error {
	if t.out == nil { // no case succeeded: a table without rows
		if err := t.start(); err != nil {
			return err
		}
	}
	return errors.Join(t.out.Close(), t.w.Flush())
}

// caseFailure is a case that gave no rows.
type caseFailure struct {
	number int // from 1
	c      *pipeline.RegionCase
	err    error
}

// reportFailures lists failures, in the file at path too unless it is "".
func (a *app) reportFailures(failed []caseFailure, of int, path string) error {
	if path != "" {
		err := a.writeFile(path, func(w io.Writer) error {
			cw := csv.NewWriter(w)
			rows := [][]string{{"number", "case", "ct", "mask", "code", "error"}}
			for _, f := range failed {
				rows = append(rows, []string{strconv.Itoa(f.number), f.c.Case, f.c.CT, f.c.Seg, pipeline.CodeOf(f.err), plainError(f.err)})
			}
			return cw.WriteAll(rows)
		})
		if err != nil {
			return err
		}
	}
	if len(failed) == 0 {
		return nil
	}
	var lines []string
	for _, f := range failed {
		lines = append(lines, fmt.Sprintf("case %d (%s, %s): %v", f.number, f.c.CT, f.c.Seg, f.err))
	}
	return &pipeline.Error{Class: pipeline.Partial, Code: "PLQ-652",
		Err: fmt.Errorf("%d of %s failed; the rows of the others were written\n%s", len(failed), caseCount(of), strings.Join(lines, "\n"))}
}

// plainError is the text of err without its code.
func plainError(err error) string {
	return strings.Replace(err.Error(), pipeline.CodeOf(err)+": ", "", 1)
}
