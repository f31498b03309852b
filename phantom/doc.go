// Package phantom makes coronary CT angiograms of patients who never lived, so
// that every number a scan can be asked for is known beforehand.
//
// In goes a seed; out come a CT series in DICOM, the masks of lumen, wall and
// plaques as a Slicer .seg.nrrd, and the exact [Truth] as JSON. Between them:
//
//	anatomy   curves on an ellipsoidal heart carry a tapering lumen       artery.go
//	plaque    eccentric narrowing with core, cap, calcium                 plaque.go
//	object    HU of blood, wall, plaque tissues, fat, muscle              scanner.go
//	scanner   4×4×4 samples a voxel, Gaussian blur, correlated noise      scanner.go, noise.go
//	masks     each voxel to the structure that fills half of it           masks.go
//	cohort    many patients, outcome drawn from a declared rule on truth  cohort.go
//
// All geometry is analytic in the coordinates (s, x, y) of a centre-line: arc
// length and the two coordinates in the plane across it. The lumen is a circle
// about the centre-line, the outer wall a circle displaced towards the plaque,
// and a plaque is where the wall is more than [Thickening] thicker than the
// healthy wall of its artery. So areas and diameters are closed formulas and
// volumes need only a quadrature; no truth is read off voxels.
//
// Nothing about a label comes from the image. [GenerateCohort] draws outcomes
// from the truth alone, and its null variant from nothing at all.
//
// Lengths are mm, CT numbers HU. Anatomy and scanner numbers are cited where
// they stand; docs/theory/phantom.md derives the formulas.
package phantom
