// Package morphology computes the features of a region's shape: IBSI's
// morphological family (section 3.1 of its manual), and the shape and shape2D
// families of PyRadiomics, with the conventions of each.
//
// In goes a box of voxels that says which are in the region, with its spacing in
// mm; the features that weigh intensities take these too. Everything is
// computed in the frame of the voxels, because shape does not change when the
// image is turned.
//
//	var w morphology.Workspace
//	s, err := morphology.NewShape(ctx, &w, region)             // IBSI
//	p := morphology.NewPyRadiomics(&w, size, spacing, mask)    // PyRadiomics
//	q := morphology.NewPlane(&w, size2, spacing2, mask2)       // its shape2D
//
// Tables ([ShapeFeatures], [PyRadiomicsFeatures], [PlaneFeatures]) say which
// feature is made of their quantities; Values fills a row.
//
// # How
//
// Rows of voxels become bits of words. The surface of marching cubes is never
// built: each cube of eight voxels is one of 256 cases, and area and volume
// follow from the number of cubes of each case and the sum of their positions,
// which are whole numbers. The corners of the surface lie at multiples of half
// a voxel, so its convex hull is found without rounding; only the outermost
// corners of each line are looked at. Moments of the voxels are sums of whole
// numbers over runs of a row. Results are the same bits for any number of
// processors.
package morphology
