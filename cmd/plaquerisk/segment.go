package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/pipeline"
)

// segment proposes lumen, wall and plaque from the CT.
func (a *app) segment() *cobra.Command {
	var f pipeline.Files
	var o pipeline.SegmentOptions
	var out string
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "segment --ct STUDY (--seeds FILE | --centerline FILE | --lumen MASK) --out seg.nrrd",
		Short: "Propose lumen, wall and plaque from the CT and a few points, to be corrected in a viewer",
		Long: `Propose lumen, wall and plaque from the CT and a few points, to be corrected in a
viewer. Seeds are points of each artery from the ostium on: at least both ends, and
one more wherever the path might be mistaken. Files of seeds and centre-lines are

  - tables: artery,x_mm,y_mm,z_mm (LPS), a point a line, from proximal to distal;
  - markups of 3D Slicer (.mrk.json): points labelled LAD-1, LAD-2, … or a curve
    named LAD.

With --lumen the lumen stays as it is and only wall and plaque are sought. The
sharpness of the scanner is a setting (segmentation: surfaces: in_plane_fwhm_mm).

x.seg.nrrd opens in 3D Slicer with a segment for lumen, wall and each plaque of each
artery, and the plaque by CT number. x.nii.gz has no names: x.labels.yaml tells
what its numbers mean.`,
		Example: `  plaquerisk segment --ct study/ct --seeds seeds.csv --out proposal.seg.nrrd
  plaquerisk segment --ct ct.nii.gz --centerline LAD.mrk.json --out proposal.nii.gz
  plaquerisk segment --ct study/ct --lumen lumen.seg.nrrd --out wall.seg.nrrd`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			given := 0
			for _, file := range []string{o.Seeds, o.Centerline, o.Lumen} {
				if file != "" {
					given++
				}
			}
			switch {
			case f.CT == "" || out == "" || given != 1:
				return usageError("segment needs --ct, --out and one of --seeds, --centerline and --lumen")
			case o.Labels != "" && o.Lumen == "":
				return usageError("--labels goes with --lumen")
			case !pipeline.SegmentedExt(out):
				return usageError("--out %q: want a name that ends with .seg.nrrd, .nii.gz or .nii", out)
			}
			for _, file := range pipeline.SegmentedFiles(out) {
				if _, err := os.Lstat(file); err == nil && !overwrite {
					return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: fmt.Errorf("%s exists: choose another name, or use --overwrite", file)}
				}
			}
			p, err := a.pipeline("none")
			if err != nil {
				return err
			}
			found, err := p.Segment(cmd.Context(), f, o)
			if err != nil {
				return err
			}
			files, err := found.Write(out)
			if err != nil {
				return err
			}
			if !a.quiet {
				for _, n := range found.Notes {
					fmt.Fprintf(a.stderr, "%s %s %s\n", n.Severity, n.Code, strings.TrimPrefix(n.Where+": "+n.Text, ": "))
				}
				for _, s := range found.Segments {
					fmt.Fprintf(a.stderr, "%s %.1f mm³\n", s.Name, found.Volume(s))
				}
				fmt.Fprintf(a.stderr, "wrote %s\n", strings.Join(files, " and "))
			}
			return nil
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.CT, "ct", "", "`STUDY`: folder, zip or file of DICOM, or a NIfTI, NRRD or MetaImage volume")
	fl.StringVar(&f.Series, "series", "", "`UID` of the series to take")
	fl.StringVar(&o.Seeds, "seeds", "", "`FILE` of points of each artery, from the ostium on")
	fl.StringVar(&o.Centerline, "centerline", "", "`FILE` of centre-lines")
	fl.StringVar(&o.Lumen, "lumen", "", "`MASK` of the lumen that stays as it is")
	fl.StringVar(&o.Labels, "labels", "", "label map `FILE` of --lumen")
	fl.StringVar(&out, "out", "", "`FILE` to write: .seg.nrrd, .nii.gz or .nii")
	fl.BoolVar(&overwrite, "overwrite", false, "replace --out")
	return cmd
}
