package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/fem/solid"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// solve computes the wall mechanics of every artery with plaque.
func (a *app) solve() *cobra.Command {
	var files pipeline.Files
	var out, mesh, problem, json string
	var pressure float64
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "solve {--ct DIR --seg FILE --out DIR | --mesh FILE --problem FILE.yaml --out FILE.vtu [--json FILE]}",
		Short: "Wall stress of every artery with plaque, or of a body on a mesh of your own",
		Long: `Wall stress of every artery with plaque: meshes with fields (VTU) and features.

With --mesh: statics of any body, in small or finite strain. The mesh is Gmsh .msh
4.1, VTU or Abaqus/CalculiX .inp; the problem file names materials by set, loads,
constraints, probes and statistics (docs/theory/fem.md). Lengths are mm, stress kPa.
The exit status is 7 where the solver does not converge; what it reached is written.`,
		Example: `  plaquerisk solve --ct study/ct --seg plaque.seg.nrrd --pressure 140 --out walls
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
				cfg.Mechanics.Pressure = pressure
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
			res, err := p.Solve(cmd.Context(), files, folder.Dir)
			m.end()
			if err != nil {
				return err
			}
			if err := folder.Commit(); err != nil {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
			}
			if !a.quiet {
				printNotes(a.stderr, res.Assessment.Notes)
				for _, s := range res.Solutions {
					r := s.Record()
					fmt.Fprintf(a.stderr, "%s: %d elements, %d iterations, residual %.1e; %s\n", s.Artery, r.Elements, r.Iterations, r.Residual,
						filepath.Join(out, pipeline.MeshFolder, pipeline.MeshName(s.Artery)))
				}
			}
			if len(res.Solutions) == 0 {
				return &pipeline.Error{Class: pipeline.NotConverged, Code: "PLQ-608", Err: errors.New("no wall was solved: see the notes above")}
			}
			return nil
		},
	}
	inputFlags(cmd, &files)
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "`DIR` for meshes and tables; with --mesh the VTU file to write")
	f.StringVar(&mesh, "mesh", "", "mesh `FILE`: .msh, .vtu or .inp")
	f.StringVar(&problem, "problem", "", "problem `FILE`.yaml for --mesh")
	f.StringVar(&json, "json", "", "results of --mesh as JSON `FILE`")
	f.Float64Var(&pressure, "pressure", 120, "lumen pressure, `mmHg`; else from the settings")
	f.BoolVar(&overwrite, "overwrite", false, "replace what is in --out")
	return cmd
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
