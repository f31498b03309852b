// Package seg reads and writes DICOM Segmentation objects (PS3.3 A.51): masks
// as frames of one bit, of fractions or of segment numbers, each placed in the
// patient.
//
// In: a file read by part10 and, if it is known, the grid of the CT. Out: an
// imaging.Segmentation, whose segments carry the labels of the file.
//
// A frame lies where its position says, p = PlanePosition, with rows along x̂ and
// columns along ŷ of PlaneOrientation. Frames come in any order, and slices in
// which a segment is empty are left out, so the slices are found from positions:
//
//	p = p₀ + m·d,   m = 0, 1, 2, …                                  (D.10)
//
// where d is the first of these steps from slice to slice of which all frames are
// multiples: what the file says (SpacingBetweenSlices), that of the CT, the
// thickness of the slices, the smallest distance of two frames. d need not be
// perpendicular to the slices: a tilted gantry stays as it is.
//
// Of fractions, a voxel is in a segment from one half of MaximumFractionalValue.
// The theory is in docs/theory/dicom-objects.md.
package seg
