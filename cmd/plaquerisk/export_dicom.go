package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/pipeline"
)

// export groups the commands that hand results to other systems.
func (a *app) export() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Results in the formats of other systems",
		Example: `  plaquerisk export dicom --result result --ct study/ct --out objects
  plaquerisk export mpr --ct study/ct --seg plaque.seg.nrrd --out pictures`,
	}
	cmd.AddCommand(a.exportDICOM(), a.exportMPR())
	return cmd
}

func (a *app) exportDICOM() *cobra.Command {
	var e pipeline.Export
	var out string
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "dicom --result DIR --ct DIR --out DIR [--seg] [--rtstruct] [--sr] [--map] [--pdf]",
		Short: "A result as DICOM objects, to lie beside the CT in an archive",
		Long: `The result of score, or of solve --maps, as DICOM objects of the patient, the study
and the frame of reference of the CT:

  segmentation.dcm   --seg       lumina, walls and plaques as voxels
  structures.dcm     --rtstruct  the same as contours around the voxels
  measurements.dcm   --sr        measures, stress and risk of lesions, arteries and
                                 patient, coded, with units (TID 1500); they refer to
                                 the segments if --seg is written too
  report.dcm         --pdf       the report
  map_NAME.dcm       --map       stress on the voxels of the CT, for each map

Without one of these flags all are written that the result has. The CT must be DICOM
and the one that the result was made of, and so must the segmentation; where run.json
says where they lie, --ct and --masks may be left out. The same result gives the same
bytes. The objects carry the patient's attributes as the CT does.`,
		Example: `  plaquerisk export dicom --result result --ct study/ct --out objects
  plaquerisk export dicom --result walls --ct study/ct --masks plaque.seg.nrrd --seg --map --out objects`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if e.Result == "" || out == "" {
				return usageError("export dicom needs --result and --out")
			}
			p, err := a.pipeline("none")
			if err != nil {
				return err
			}
			dir, err := folder(out, overwrite)
			if err != nil {
				return err
			}
			defer dir.Discard()
			names, err := p.ExportDICOM(cmd.Context(), e, dir.Dir)
			if err != nil {
				return err
			}
			if err := dir.Commit(); err != nil {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
			}
			if !a.quiet {
				for _, name := range names {
					fmt.Fprintf(a.stderr, "wrote %s\n", filepath.Join(out, name))
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&e.Result, "result", "", "`DIR` that score or solve wrote")
	f.StringVar(&e.CT, "ct", "", "CT of the result: `DIR`, archive or file of DICOM")
	f.StringVar(&e.Files.Seg, "masks", "", "segmentation `FILE` of the result")
	f.StringVar(&e.Labels, "labels", "", "label map `FILE` (YAML) of the segmentation")
	f.StringVar((*string)(&e.Contours), "contours", "", "voxels that contours (RTSTRUCT) fill, by `RULE`: centre (else), or volume for thin vessels")
	f.StringVar(&e.Series, "series", "", "`UID` of the series that was taken")
	f.StringVar(&e.Phase, "phase", "", "cardiac `PHASE` that was taken")
	f.BoolVar(&e.Seg, "seg", false, "write the segmentation")
	f.BoolVar(&e.RTStruct, "rtstruct", false, "write contours")
	f.BoolVar(&e.SR, "sr", false, "write the measurements")
	f.BoolVar(&e.Map, "map", false, "write the maps of solve --maps")
	f.BoolVar(&e.PDF, "pdf", false, "write the report")
	f.StringVar(&out, "out", "", "`DIR` for the objects")
	f.BoolVar(&overwrite, "overwrite", false, "replace what is in --out")
	return cmd
}
