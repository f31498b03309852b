package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/reports"
	"github.com/plaquerisk/plaquerisk/risk"
)

// mpr are the choices of export mpr.
type mpr struct {
	files  pipeline.Files
	result string
	out    string
	artery string
	colour string
	every  float64
	dpi    float64
}

// figuresFile holds all pictures of an export as pages.
const figuresFile = "figures.pdf"

func (a *app) exportMPR() *cobra.Command {
	var m mpr
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "mpr {--ct DIR --seg FILE | --result DIR} --out DIR",
		Short: "Pictures along the arteries: straightened and curved CT, sections, curves, tree",
		Long: `The pictures of the report as PNG files, and all of them as pages in ` + figuresFile + `:

  ARTERY_straightened.png  two planes through the centre-line, stretched straight
  ARTERY_curved.png        two planes that follow its course, at right angles
  ARTERY_sections.png      cross-sections every --every mm, CT above and tissue below
  ARTERY_lesion.png        the cross-sections of the narrowest plaque
  ARTERY_profile.png       areas, composition and stress against distance
  tree_QUANTITY.png        the tree from two sides, coloured by a quantity

Lengths have the same scale on both axes of a picture. With --result the pictures are
those of the result of score, wall stress among them; sections at even distances need
--ct and --seg. Pictures for research only, not for diagnosis.`,
		Example: `  plaquerisk export mpr --ct study/ct --seg plaque.seg.nrrd --every 4 --out pictures
  plaquerisk export mpr --result result --colour stress --out pictures`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if m.out == "" || (m.result == "") == (m.files.CT == "") {
				return usageError("export mpr needs --out, and either --ct with --seg or --result")
			}
			if !(m.every >= 0.5 && m.every <= 100) || !(m.dpi >= 50 && m.dpi <= 600) {
				return usageError("export mpr: --every must be 0.5 to 100 mm and --dpi 50 to 600")
			}
			dir, err := folder(m.out, overwrite)
			if err != nil {
				return err
			}
			defer dir.Discard()
			names, err := a.drawMPR(cmd.Context(), m, dir.Dir)
			if err != nil {
				return err
			}
			if err := dir.Commit(); err != nil {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
			}
			if !a.quiet {
				for _, name := range names {
					fmt.Fprintf(a.stderr, "wrote %s\n", filepath.Join(m.out, name))
				}
			}
			return nil
		},
	}
	inputFlags(cmd, &m.files)
	f := cmd.Flags()
	f.StringVar(&m.result, "result", "", "`DIR` that score wrote, instead of --ct and --seg")
	f.StringVar(&m.out, "out", "", "`DIR` for the pictures; must be new or empty")
	f.StringVar(&m.artery, "artery", "", "the only `ARTERY` to draw: LM, LAD, LCX or RCA")
	f.StringVar(&m.colour, "colour", "composition", "`QUANTITY` of the tree: "+strings.Join(reports.Quantities(), ", "))
	f.Float64Var(&m.every, "every", 5, "distance of the cross-sections, `MM`")
	f.Float64Var(&m.dpi, "dpi", 200, "dots per inch of the pictures, at the width of a page")
	f.BoolVar(&overwrite, "overwrite", false, "replace what is in --out")
	return cmd
}

// drawMPR writes the pictures into a folder and returns their names.
func (a *app) drawMPR(ctx context.Context, m mpr, dir string) ([]string, error) {
	var only coronary.Artery
	if m.artery != "" {
		var ok bool
		if only, ok = coronary.ParseArtery(m.artery); !ok {
			return nil, usageError("export mpr: %q is not an artery; --artery is LM, LAD, LCX or RCA", m.artery)
		}
	}
	p, err := a.pipeline("none")
	if err != nil {
		return nil, err
	}
	as, err := m.assessment(ctx, p)
	if err != nil {
		return nil, err
	}
	if !a.quiet {
		printNotes(a.stderr, as.Notes)
	}
	figures, err := reports.Figures(as, only, m.colour)
	if err != nil {
		return nil, usageError("export mpr: %w", err)
	}
	cfg, _, err := a.settings()
	if err != nil {
		return nil, err
	}
	var names []string
	write := func(name string, draw func(*bytes.Buffer) error) error {
		var b bytes.Buffer
		if err := draw(&b); err != nil {
			return err
		}
		names = append(names, name)
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
		}
		return ctx.Err()
	}
	for _, f := range figures {
		if err := write(f.Name+".png", func(b *bytes.Buffer) error { return f.WritePNG(b, as, cfg.Report, m.dpi) }); err != nil {
			return nil, err
		}
	}
	err = write(figuresFile, func(b *bytes.Buffer) error { return reports.WriteFigures(b, as, figures, cfg.Report) })
	return names, err
}

// assessment returns what is drawn: that of a result, or a new one of a scan.
func (m *mpr) assessment(ctx context.Context, p *pipeline.Pipeline) (*risk.Assessment, error) {
	if m.result != "" {
		return pipeline.ReadAssessment(filepath.Join(m.result, pipeline.AssessmentFile))
	}
	in, err := p.Read(ctx, m.files)
	if err != nil {
		return nil, err
	}
	return p.Figures(ctx, in, m.every)
}
