// Package rtstruct reads and writes DICOM RT Structure Sets (PS3.3 A.19): regions
// as closed planar contours in patient coordinates, LPS mm.
//
// A structure set has no voxels; Fill makes those of a given grid. All contours
// of one plane count together by the even-odd rule, so that a contour within
// another, or a keyhole, is a hole. A voxel is inside if its centre is. Contours
// that lie on the slices of the grid fill these slices alone. Contours that lie
// between slices, or in planes oblique to them, fill a slab: halfway to their
// neighbours, and beyond the outermost half the usual distance d of two planes;
// a gap of more than 1.5 d is none of the region.
//
// Write draws regions around the outer edges of their voxels, so that an area is
// kept: outlines through the centres of voxels lose half a voxel all round, which
// is 22 % of the area of a disc of radius 4 voxels.
//
// The theory is in docs/theory/dicom-objects.md.
package rtstruct
