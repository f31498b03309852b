package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/fem"
	"github.com/plaquerisk/plaquerisk/fem/solid"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/risk"
)

// solve computes the wall mechanics of every artery with plaque.
func (a *app) solve() *cobra.Command {
	var files pipeline.Files
	var out, mesh, problem, json, maps string
	var pressure float64
	var uncertain, overwrite bool
	cmd := &cobra.Command{
		Use:   "solve {--ct DIR --seg FILE --out DIR | --mesh FILE --problem FILE.yaml --out FILE.vtu [--json FILE]}",
		Short: "Wall stress of every artery with plaque, or of a body on a mesh of your own",
		Long: `Wall stress of every artery with plaque. The folder holds

  mechanics.json           loads, materials, quality of each solution, all markers
  features_wide.csv        a row per plaque (features_long.csv: a row per value)
  features_arteries.csv    a row per artery, features_segments.csv per 3 mm
  mesh/ARTERY.vtu          mesh with displacement, stress, strain and tissue
  maps/ARTERY_FIELD.nrrd   with --maps: stress on the voxels of the CT
  bands.csv                with --uncertainty: every marker with its interval

Blood pressure is that of --bp, else of the settings. The exit status is 7 where a
solver did not converge and 8 where an artery could not be solved for another
reason; what was solved is written.

With --mesh: statics of any body, in small or finite strain. The mesh is Gmsh .msh
4.1, VTU or Abaqus/CalculiX .inp; the problem file names materials by set, loads,
constraints, probes and statistics (docs/theory/fem.md). Lengths are mm, stress kPa.
The exit status is 7 where the solver does not converge; what it reached is written.`,
		Example: `  plaquerisk solve --ct study/ct --seg plaque.seg.nrrd --bp 140/85 --out walls
  plaquerisk solve --ct study/ct --seg plaque.seg.nrrd --maps --uncertainty --out walls
  plaquerisk solve --mesh vessel.msh --problem vessel.yaml --out vessel.vtu --json vessel.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case mesh != "" || problem != "" || json != "":
				if mesh == "" || problem == "" || out == "" || files.CT != "" || files.Seg != "" {
					return usageError("solve on a mesh needs --mesh, --problem and --out, and no --ct")
				}
				return a.solveMesh(cmd.Context(), mesh, problem, out, json, overwrite)
			case files.CT == "" || out == "":
				return usageError("solve needs --ct, --seg and --out")
			}
			cfg, _, err := a.settings()
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("pressure") {
				if files.Pressure != "" {
					return usageError("give --bp or --pressure, not both")
				}
				cfg.Mechanics.Pressure = pressure
			}
			switch maps {
			case "", "nrrd", "nii.gz", "nii", "mha":
			default:
				return usageError("--maps=%s: want nrrd, nii.gz, nii or mha", maps)
			}
			if uncertain {
				cfg.Mechanics.Uncertainty.Enabled = true
			}
			p, err := a.pipelineWith(cfg, "none")
			if err != nil {
				return err
			}
			folder, err := folder(out, overwrite)
			if err != nil {
				return err
			}
			defer folder.Discard()
			m := a.meter("solve")
			p.Progress = func(e pipeline.Event) { m.at(e.Done, e.Total, e.Stage) }
			res, err := p.Solve(cmd.Context(), files, folder.Dir, pipeline.SolveOptions{Maps: maps})
			m.end()
			if err != nil {
				return err
			}
			if err := folder.Commit(); err != nil {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
			}
			if !a.quiet {
				printNotes(a.stderr, res.Assessment.Notes)
				printWalls(a.stderr, res.Walls, out)
			}
			return unsolved(res)
		},
	}
	inputFlags(cmd, &files)
	pressureFlag(cmd, &files)
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "`DIR` for meshes and tables; with --mesh the VTU file to write")
	f.StringVar(&mesh, "mesh", "", "mesh `FILE`: .msh, .vtu or .inp")
	f.StringVar(&problem, "problem", "", "problem `FILE`.yaml for --mesh")
	f.StringVar(&json, "json", "", "results of --mesh as JSON `FILE`")
	f.Float64Var(&pressure, "pressure", 120, "lumen pressure of all patients, `mmHg`, in place of that of the settings")
	f.StringVar(&maps, "maps", "", "stress on the voxels of the CT; as `FORMAT` nrrd, nii.gz, nii or mha")
	f.Lookup("maps").NoOptDefVal = "nrrd"
	f.BoolVar(&uncertain, "uncertainty", false, "a band for every marker, from what the settings declare of moduli, pressure and lumen")
	f.BoolVar(&overwrite, "overwrite", false, "replace what is in --out")
	return cmd
}

// printWalls tells a person what was solved.
func printWalls(w io.Writer, walls *risk.Walls, out string) {
	fmt.Fprintf(w, "pressure %g mmHg: %s\n", walls.PressureMMHg, walls.PressureSource)
	for _, s := range walls.Solves {
		fmt.Fprintf(w, "%s: %d elements, %d iterations, residual %.1e, least scaled Jacobian %.2f, estimated mesh error %s %%; %s\n", s.Artery, s.Elements, s.Iterations, s.Residual,
			s.MinJacobian, number(s.ErrorPercent, 0), filepath.Join(out, pipeline.MeshFolder, pipeline.MeshName(s.Artery)))
	}
	for _, ar := range walls.Arteries {
		if !ar.Solved {
			fmt.Fprintf(w, "%s: NOT SOLVED: %s\n", ar.Name, ar.Reason)
		}
		for _, p := range ar.Plaques {
			if p.Cap != nil {
				fmt.Fprintf(w, "%s: cap of %s mm, %s elements across; largest principal stress p99 %s kPa, over a fixed volume %s kPa; confidence: %s\n", p.Name,
					number(p.Cap.MeshMM, 2), number(p.Cap.Elements, 1), number(p.Cap.P99KPa, 1), number(p.Cap.FixedVolumeKPa, 1), p.Cap.Confidence)
			}
		}
	}
}

// unsolved returns the error that belongs to arteries without a result.
func unsolved(res *pipeline.Result) error {
	var names []string
	for _, ar := range res.Walls.Arteries {
		if !ar.Solved {
			names = append(names, string(ar.Name))
		}
	}
	diverged := slices.IndexFunc(res.Unsolved, func(err error) bool { return errors.Is(err, fem.ErrNotConverged) })
	switch {
	case len(names) == 0:
		return nil
	case diverged >= 0:
		return &pipeline.Error{Class: pipeline.NotConverged, Code: "PLQ-608", Err: res.Unsolved[diverged]}
	case len(res.Solutions) == 0:
		return &pipeline.Error{Class: pipeline.NotConverged, Code: "PLQ-608", Err: fmt.Errorf("no wall was solved: %s", res.Walls.Arteries[0].Reason)}
	}
	return &pipeline.Error{Class: pipeline.Partial, Code: "PLQ-652", Err: fmt.Errorf("no result for %s: see the reasons above", strings.Join(names, ", "))}
}

// solveMesh solves a problem on a mesh from a file. What a solver that did not
// converge has reached is written all the same.
func (a *app) solveMesh(ctx context.Context, mesh, problem, out, json string, overwrite bool) error {
	for _, path := range []string{out, json} {
		if _, err := os.Stat(path); path != "" && err == nil && !overwrite {
			return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: fmt.Errorf("%s exists: choose another name or use --overwrite", path)}
		}
	}
	// A few large matrices and hardly any garbage: collect early, to stay small.
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	r, err := solid.Run(ctx, mesh, problem)
	if r != nil {
		if !a.quiet {
			for _, w := range r.Warnings {
				fmt.Fprintln(a.stderr, "warning:", w)
			}
		}
		if err := a.writeFile(out, r.WriteVTU); err != nil {
			return err
		}
		if json != "" {
			if err := a.writeFile(json, r.WriteJSON); err != nil {
				return err
			}
		}
	}
	var path *fs.PathError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return err
	case errors.Is(err, solid.ErrNotConverged):
		return &pipeline.Error{Class: pipeline.NotConverged, Code: "PLQ-608", Err: err}
	case errors.As(err, &path):
		return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-630", Err: err}
	}
	return &pipeline.Error{Class: pipeline.BadConfig, Code: "PLQ-631", Err: err}
}
