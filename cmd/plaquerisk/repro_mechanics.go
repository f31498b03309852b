package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/fem/benchmark"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/risk"
)

// benchmarkFile is the table of reference values in a folder of reference data.
const benchmarkFile = "fem-benchmarks.csv"

func (a *app) reproMechanics() *cobra.Command {
	var data string
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "mechanics",
		Short: "Solve the benchmarks of wall mechanics and compare with closed forms and other codes",
		Long: `Solve the benchmarks of wall mechanics and compare with values that this program
did not compute: A elements, B manufactured solutions, C cylinders, D spheres,
E standard problems (Cook, MacNeal and Harder, NAFEMS), F plaque sections. The
reference values are inside the program; --data DIR takes fem-benchmarks.csv from
a folder instead. Each element, law and mesh once takes about a minute, --all of
them several. Stress is kPa and length mm unless the unit says otherwise.

A table with value, reference, tolerance and verdict goes to stdout; the exit
status is 1 if a value misses.`,
		Example: `  plaquerisk repro mechanics
  plaquerisk repro mechanics --all --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ref, err := references(data)
			if err != nil {
				return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-623", Err: err}
			}
			out := reproduction{Format: "plaquerisk.reproduction", Version: 1, Passed: true}
			values, within := 0, 0
			for _, c := range benchmark.Cases() {
				rows, err := c.Run(cmd.Context(), ref, all)
				if err != nil {
					return fmt.Errorf("benchmark %s: %w", c.Section, err)
				}
				r := reproducedCase(&c, rows)
				out.Suites = append(out.Suites, r)
				out.Passed = out.Passed && r.Passed
				values, within = values+r.Values, within+r.Within
				if !asJSON {
					if err := a.printCase(&r); err != nil {
						return err
					}
				}
			}
			if !asJSON {
				fmt.Fprintf(a.stdout, "%d of %d values within tolerance\n", within, values)
			}
			return a.reproduced(&out, asJSON)
		},
	}
	f := cmd.Flags()
	f.StringVar(&data, "data", "", "`DIR` with fem-benchmarks.csv; else the values inside the program")
	f.BoolVar(&all, "all", false, "every element, law and mesh")
	f.BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// references reads the table of reference values of a folder, or that inside the
// program.
func references(dir string) (benchmark.Reference, error) {
	if dir == "" {
		return benchmark.BuiltIn()
	}
	path := filepath.Join(dir, benchmarkFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no %s", dir, benchmarkFile)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	ref, err := benchmark.ReadReference(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return ref, nil
}

// reproducedCase describes a benchmark.
func reproducedCase(c *benchmark.Case, rows []benchmark.Row) reproducedSuite {
	r := reproducedSuite{Name: c.Section + ": " + c.Name, Passed: len(rows) > 0, Values: len(rows), Rows: []reproducedRow{}}
	for n := range rows {
		row := &rows[n]
		if row.Pass() {
			r.Within++
		} else {
			r.Passed = false
		}
		r.Rows = append(r.Rows, reproducedRow{Quantity: row.Case + ": " + row.Quantity, Got: risk.Number(row.Got), Want: row.Want, Tolerance: row.Tol,
			Unit: row.Unit, Source: row.Source, Passed: row.Pass()})
	}
	return r
}

// printCase prints a benchmark as a table.
func (a *app) printCase(r *reproducedSuite) error {
	fmt.Fprintf(a.stdout, "%s\n", r.Name)
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tquantity\tvalue\treference\ttolerance\toff by\tunit")
	for _, row := range r.Rows {
		verdict := "ok"
		if !row.Passed {
			verdict = "MISS"
		}
		off := ""
		if row.Want != 0 {
			off = fmt.Sprintf("%+.2g %%", 100*(float64(row.Got)-row.Want)/math.Abs(row.Want))
		}
		fmt.Fprintf(w, "%s\t%s\t%.6g\t%.6g\t±%.2g\t%s\t%s\n", verdict, row.Quantity, float64(row.Got), row.Want, row.Tolerance, off, row.Unit)
	}
	return w.Flush()
}
