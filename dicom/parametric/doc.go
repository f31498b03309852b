// Package parametric writes DICOM Parametric Maps (PS3.3 A.75): a quantity on
// the voxels of a CT, as floating-point numbers with unit and meaning, and reads
// their values.
//
// In: a volume on voxels of the source, zero where there is no value. Out: one
// object with a frame for each slice from the first with a value to the last. Zero
// is declared as padding, so that viewers leave the rest of the CT visible.
//
// The theory is in docs/theory/dicom-objects.md.
package parametric
