package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/radiomics/ibsi"
	"github.com/plaquerisk/plaquerisk/risk"
)

// repro groups the commands that show that numbers are right.
func (a *app) repro() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "repro",
		Short:   "Repeat comparisons with reference values, on this machine",
		Example: "  plaquerisk repro ibsi\n  plaquerisk repro mechanics",
	}
	cmd.AddCommand(a.reproIBSI(), a.reproMechanics())
	return cmd
}

// reproduction is the JSON of the repro commands.
type reproduction struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// Passed if every suite did.
	Passed bool `json:"passed"`
	// Suites in the order in which they ran.
	Suites []reproducedSuite `json:"suites"`
}

// reproducedSuite is a set of comparisons.
type reproducedSuite struct {
	// Name of the suite.
	Name string `json:"name"`
	// Skipped says why it did not run.
	Skipped string `json:"skipped,omitempty"`
	// Passed if enough comparisons hold.
	Passed bool `json:"passed"`
	// Values compared.
	Values int `json:"values"`
	// Within is the number of values within tolerance.
	Within int `json:"within_tolerance"`
	// Rows are the comparisons.
	Rows []reproducedRow `json:"rows"`
}

// reproducedRow is one comparison.
type reproducedRow struct {
	// Quantity and unit.
	Quantity string `json:"quantity"`
	// IBSI is the code of the standard's definition.
	IBSI string `json:"ibsi,omitempty"`
	// Got is what this program computes; null if it does not.
	Got risk.Number `json:"got"`
	// Want is the reference value.
	Want float64 `json:"want"`
	// Tolerance of the difference.
	Tolerance float64 `json:"tolerance"`
	// Unit of the values, if the quantity does not name it.
	Unit string `json:"unit,omitempty"`
	// Source of the reference value.
	Source string `json:"source,omitempty"`
	// Passed if the difference is within the tolerance.
	Passed bool `json:"passed"`
}

func (a *app) reproIBSI() *cobra.Command {
	var data string
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "ibsi",
		Short: "Compare features and filters with the reference values of the Image Biomarker Standardisation Initiative",
		Long: `Compare features and filters with the reference values of the Image Biomarker
Standardisation Initiative (IBSI). The digital phantom is inside the program: all
features of chapter 1 in all aggregations. With --data DIR also what is there of

  DIR/ibsi1            CT phantom, configurations A to E
  DIR/ibsi2            response maps of filters, and filters on the CT phantom
  DIR/ibsi_validation  sarcomas STS_nnn, both chapters

in the layout of the reference data. A table with one line per suite goes to
stdout, with every value that misses; the exit status is 1 if a suite fails.`,
		Example: `  plaquerisk repro ibsi
  plaquerisk repro ibsi --data reference-data --all`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := reproduction{Format: "plaquerisk.reproduction", Version: 1, Passed: true}
			_, err := ibsi.All(cmd.Context(), data, func(s *ibsi.Suite) {
				r := newReproduced(s)
				out.Suites = append(out.Suites, r)
				out.Passed = out.Passed && r.Passed
				if !asJSON {
					a.printSuite(&r, all)
				}
			})
			if err != nil {
				return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-623", Err: err}
			}
			return a.reproduced(&out, asJSON)
		},
	}
	f := cmd.Flags()
	f.StringVar(&data, "data", "", "`DIR` of the reference data; else the digital phantom alone")
	f.BoolVar(&all, "all", false, "print every comparison, not only those that miss")
	f.BoolVar(&asJSON, "json", false, "as JSON, with every comparison")
	return cmd
}

// reproduced prints the JSON, if it is asked for, and returns the error of a
// suite that failed.
func (a *app) reproduced(out *reproduction, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(a.stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		if err := enc.Encode(out); err != nil {
			return err
		}
	}
	if !out.Passed {
		return &pipeline.Error{Class: pipeline.Internal, Code: "PLQ-624", Err: errors.New("values differ from the reference: see the lines marked MISS")}
	}
	return nil
}

// newReproduced describes a suite.
func newReproduced(s *ibsi.Suite) reproducedSuite {
	r := reproducedSuite{Name: s.Name, Skipped: s.Skipped, Passed: s.Pass(), Values: len(s.Rows), Within: len(s.Rows) - len(s.Missed()), Rows: []reproducedRow{}}
	for n := range s.Rows {
		row := &s.Rows[n]
		got := risk.Number(row.Got)
		if row.Missing {
			got = risk.NaN()
		}
		r.Rows = append(r.Rows, reproducedRow{Quantity: row.Quantity, IBSI: row.Code, Got: got, Want: row.Want, Tolerance: row.Tol, Passed: row.Pass()})
	}
	return r
}

// printSuite prints a line, and the comparisons that miss, or all.
func (a *app) printSuite(r *reproducedSuite, all bool) {
	if r.Skipped != "" {
		fmt.Fprintf(a.stdout, "skipped  %s: %s\n", r.Name, r.Skipped)
		return
	}
	verdict := "ok    "
	if !r.Passed {
		verdict = "FAILED"
	}
	fmt.Fprintf(a.stdout, "%s   %-48s %4d of %4d values within tolerance\n", verdict, r.Name, r.Within, r.Values)
	for _, row := range r.Rows {
		switch {
		case !row.Passed && !row.Got.Defined():
			fmt.Fprintf(a.stdout, "  MISS   %-56s %-5s not computed, want %.6g ± %.3g\n", row.Quantity, row.IBSI, row.Want, row.Tolerance)
		case !row.Passed:
			fmt.Fprintf(a.stdout, "  MISS   %-56s %-5s got %.6g, want %.6g ± %.3g\n", row.Quantity, row.IBSI, row.Got, row.Want, row.Tolerance)
		case all:
			fmt.Fprintf(a.stdout, "  ok     %-56s %-5s got %.6g, want %.6g ± %.3g\n", row.Quantity, row.IBSI, row.Got, row.Want, row.Tolerance)
		}
	}
}
