package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/risk"
)

func (a *app) extractCalcium() *cobra.Command {
	var files pipeline.Files
	var said pipeline.Stated
	var calibration float64
	var out string
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "calcium --ct DIR --seg FILE --out FILE.csv",
		Short: "Agatston score, volume and mass of calcium in a non-contrast scan",
		Long: `Agatston score, volume and mass of coronary calcium inside the masks of a
segmentation, by artery and in total. A lesion is a connected set of pixels of 130 HU or
more and 1 mm² or more in a slice. The masks may be generous, but must leave out bone,
aorta and valves: every lesion inside them counts.

Only a non-contrast, ECG-gated scan at 120 kVp with slices of 2.5 to 3 mm is scored; any
other is refused, since its score would not compare. A CT with contrast is never scored.
Where the files do not say how the scan was made, as NIfTI does not, --kvp, --thickness,
--gated and --no-contrast say it; bright blood in the image overrules them.

Mass needs the --calibration of the scanner, mg/cm³ of hydroxyapatite per HU.`,
		Example: `  plaquerisk extract calcium --ct calcium/ct --seg arteries.seg.nrrd --out calcium.csv`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if files.CT == "" || files.Seg == "" || out == "" {
				return usageError("extract calcium needs --ct, --seg and --out")
			}
			if !(calibration >= 0 && calibration < 100) {
				return usageError("--calibration %g: want mg/cm³ per HU, near 0.8", calibration)
			}
			if err := fresh(overwrite, out); err != nil {
				return err
			}
			p, err := a.pipeline("none")
			if err != nil {
				return err
			}
			table, notes, err := p.Calcium(cmd.Context(), files, said, calibration)
			if err != nil {
				return err
			}
			if !a.quiet {
				printNotes(a.stderr, notes)
				printCalcium(a.stderr, table)
			}
			return a.writeFile(out, func(w io.Writer) error { return feature.WriteCSV(w, table) })
		},
	}
	inputFlags(cmd, &files)
	f := cmd.Flags()
	f.Float64Var(&said.KVp, "kvp", 0, "tube voltage, `KV`, where the files do not say it")
	f.Float64Var(&said.ThicknessMM, "thickness", 0, "thickness of the slices, `MM`, where the files do not say it")
	f.BoolVar(&said.Gated, "gated", false, "the scan was triggered by the ECG, where the files do not say it")
	f.BoolVar(&said.NoContrast, "no-contrast", false, "no contrast agent was given, where the files do not say it")
	f.Float64Var(&calibration, "calibration", 0, "`MG` per cm³ and HU for the mass; else there is none")
	f.StringVar(&out, "out", "", "CSV `FILE` to write")
	f.BoolVar(&overwrite, "overwrite", false, "replace --out")
	return cmd
}

// printCalcium tells a person the score.
func printCalcium(w io.Writer, t *feature.Table) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "artery\tAgatston\tmm³\tmg\tlesions\n")
	for _, r := range t.Rows {
		name := r.Artery
		if name == "" {
			name = "not named"
		}
		fmt.Fprintf(tw, "%s\t%.1f\t%.1f\t%s\t%.0f\n", name, r.Values[0], r.Values[1], number(risk.Number(r.Values[2]), 1), r.Values[3])
	}
	tw.Flush()
	fmt.Fprintf(w, "amount of plaque by calcium: %s\n", coronary.BurdenOfCAC(pipeline.CalciumTotal(t)))
	fmt.Fprintln(w, "Research use only. Not for diagnosis or treatment.")
}
