package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/pipeline"
	"github.com/plaquerisk/plaquerisk/risk"
)

func (a *app) radiomicsMaps() *cobra.Command {
	var c pipeline.RegionCase
	var profile, params, out, ext string
	var features []string
	var radius, bins int
	var width, start float64
	var open, resample, overwrite bool
	cmd := &cobra.Command{
		Use:   "maps --ct IMAGE --mask MASK [--features NAME,…] --out DIR",
		Short: "Images of features per voxel: each voxel has the value of the feature in the cube around it",
		Long: `Images of features per voxel: each voxel of the region has the value that the
feature has in the cube around it. Names are those of radiomics list without the
image: glcm.contrast, glszm.zone_entropy, firstorder.mean; with an aggregation
(glcm.contrast.3d_merged) other than the mean of directions; or PyRadiomics' names
(glcm_Contrast). With --profile pyradiomics the conventions are PyRadiomics', and
--params takes its parameter file with the section voxelSetting; without --features
all that the file asks for is mapped, of every image type, as PyRadiomics does it.

Maps cover the box of the region and lie on the voxels of the image. A voxel where
the feature is undefined is NaN.`,
		Example: `  plaquerisk radiomics maps --ct image.nii.gz --mask plaque.nii.gz --features glcm.joint_entropy,glcm.contrast --out maps
  plaquerisk radiomics maps --ct image.nrrd --mask mask.nrrd --profile pyradiomics --params Params.yaml --out maps`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			whole := profile == pipeline.ProfilePyRadiomics && len(features) == 0
			if c.CT == "" || c.Seg == "" || out == "" || len(features) == 0 && !whole {
				return usageError("radiomics maps needs --ct, --mask, --features and --out")
			}
			o := pipeline.DefaultMapOptions()
			switch profile {
			case pipeline.ProfileIBSI:
				if params != "" {
					return usageError("--params goes with --profile pyradiomics")
				}
			case pipeline.ProfilePyRadiomics:
				var err error
				if o, err = pipeline.PyRadiomicsMapOptions(params); err != nil {
					return err
				}
			default:
				return usageError("--profile %q: want ibsi or pyradiomics", profile)
			}
			o.Features = features
			set := cmd.Flags().Changed
			if set("radius") {
				o.Radius = radius
			}
			if set("bin-width") {
				o.BinWidth, o.Bins = width, 0
			}
			if set("bins") {
				o.Bins = bins
			}
			if set("bin-start") {
				o.BinStart = start
			}
			if open {
				o.Masked = false
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
			save := func(region, name string, v *imaging.Volume, undefined int) error {
				file := strings.ReplaceAll(region, string(filepath.Separator), "_") + "." + name + ext
				quiet := *a
				quiet.quiet = true
				if err := quiet.writeFile(filepath.Join(dir.Dir, file), func(w io.Writer) error { return format.WriteVolume(w, file, v) }); err != nil {
					return err
				}
				if !a.quiet {
					fmt.Fprintf(a.stderr, "%s: %v", filepath.Join(out, file), v.Size)
					if undefined > 0 {
						fmt.Fprintf(a.stderr, ", undefined in %d voxels", undefined)
					}
					fmt.Fprintln(a.stderr)
				}
				return nil
			}
			var notes []risk.Note
			if whole {
				notes, err = p.PyRadiomicsMaps(cmd.Context(), c, params, resample, save)
			} else {
				notes, err = p.FeatureMaps(cmd.Context(), c, o, resample, save)
			}
			if !a.quiet {
				printNotes(a.stderr, notes)
			}
			if err != nil {
				return err
			}
			if err := dir.Commit(); err != nil {
				return &pipeline.Error{Class: pipeline.NotWritable, Code: "PLQ-606", Err: err}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.CT, "ct", "", "image: DICOM `DIR`, NIfTI, NRRD or MetaImage")
	f.StringVar(&c.Seg, "mask", "", "mask or label map `FILE`: NIfTI, NRRD, .seg.nrrd, MetaImage, or DICOM SEG or RTSTRUCT")
	f.StringVar((*string)(&c.Contours), "contours", "", "voxels that contours (RTSTRUCT) fill, by `RULE`: centre (else), or volume for thin vessels")
	f.Int32Var(&c.Label, "label", 0, "the region with label `N`; else all")
	f.StringSliceVar(&features, "features", nil, "`NAMES` of features, with commas between them; may be left out with pyradiomics")
	f.StringVar(&profile, "profile", pipeline.ProfileIBSI, "conventions: ibsi or pyradiomics")
	f.StringVar(&params, "params", "", "parameter `FILE`.yaml of PyRadiomics")
	f.IntVar(&radius, "radius", 1, "half edge of the cube, `VOXELS`")
	f.Float64Var(&width, "bin-width", 25, "width of a grey level, `HU`")
	f.Float64Var(&start, "bin-start", 0, "lower edge of the first grey level, `HU`; else the minimum of the region")
	f.IntVar(&bins, "bins", 0, "`NUMBER` of grey levels over the range of the region, instead of a width")
	f.BoolVar(&open, "open", false, "voxels outside the region take part as neighbours")
	f.BoolVar(&resample, "resample-mask", false, "put a mask on other voxels onto those of the image; else such a mask is refused")
	f.StringVar(&ext, "format", ".nrrd", "end of the names of the images: .nrrd, .nii.gz, .nii or .mha")
	f.StringVar(&out, "out", "", "`DIR` for the images")
	f.BoolVar(&overwrite, "overwrite", false, "replace what is in --out")
	return cmd
}
