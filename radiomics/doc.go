// Package radiomics turns an image and a region of interest into named numbers:
// size and shape, intensities, their histogram, the texture of grey levels and
// the energy of filter responses. It follows the reference manual of the Image
// Biomarker Standardisation Initiative (IBSI; Zwanenburg et al., Radiology 295
// (2020) 328, arXiv 1612.07003; filters: Whybra et al., Radiology 310 (2024)
// e231319, arXiv 2006.05470).
//
// In goes a [imaging.Volume] in HU and a [imaging.Mask]; out comes a
// [feature.Vector] whose columns [Columns] describes for the same [Config]:
//
//	image ─ interpolate ─ (round) ─┬────────────── intensity mask ─ first-order
//	mask  ─ interpolate ─ ≥ ½ ─ shape              │
//	                               ├─ discretise ──┴─ histogram, GLCM
//	                               └─ Laws energy ─── first-order of the response
//
// Shape is measured on the mask as it is; everything else on the intensity
// mask, which leaves out voxels outside the re-segmentation range, outliers and
// values that are not finite. Lengths are in mm, intensities in HU, entropies
// in bit. A value that is undefined for a region (one voxel, one grey level) is
// NaN and a note says so; it is never replaced by a number.
//
// The same input gives the same bits for any number of processors.
package radiomics
