// Package perturb asks how much a feature depends on what nobody decided: how
// the patient lay, where the voxels fell, the noise of this very scan, where
// exactly the contour was drawn.
//
// A [Config] spans a chain of perturbations: noise, rotation and shift of the
// voxels, growth of the volume, displacement of the contour. A [Subject] is an
// image with one region; [Subject.Apply] gives its image and mask as they could
// have come out. [Run] extracts features from all regions in all perturbations,
// by any profile, and makes a [Stability] table: per feature the intraclass
// correlation ICC(1,1) with its confidence interval, coefficients of variation
// and the counts behind them. Training keeps [Stability.Keep].
//
// The chain is that of Zwanenburg et al., Assessing robustness of radiomic
// features by image perturbation, Scientific Reports 9 (2019) 614, with one
// change: contours are not rebuilt from supervoxels, which are larger than a
// thin plaque, but moved by a smooth random displacement: see
// [Config.ContourSD]. Theory: docs/theory/robustness.md.
package perturb
