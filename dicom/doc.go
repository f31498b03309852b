// Package dicom turns a folder or an archive of DICOM files into a CT volume in
// HU, and writes CT series.
//
// In: files of CT Image Storage (one slice per file) and Enhanced CT (many),
// uncompressed, deflated, or compressed by RLE, JPEG, JPEG-LS or JPEG 2000.
// Out: an [Index] of series with what quality control found in the headers
// ([Scan]), and a [Study]: an imaging.Volume in the patient's LPS
// coordinates, in mm and HU ([Load]).
//
// A slice knows where it lies: its first pixel is at ImagePositionPatient p,
// its rows run along x̂ and its columns along ŷ (ImageOrientationPatient).
// Slices are ordered by
//
//	z = p · (x̂ × ŷ)                                                (D.1)
//
// and by nothing else; neither InstanceNumber nor the file name tells the
// order. Stored values v become HU slice by slice:
//
//	HU = RescaleSlope · v + RescaleIntercept                       (D.2)
//
// What is wrong with a series is a [Finding] that names the position in mm and
// the file. Its [Gate] says what follows: nothing, an incomplete series, or
// refusal. The numbers behind the gates are in [Config].
//
// Headers are read by package part10, pixels by packages pixel and codec; all
// lengths are checked against the file. The package logs nothing, and
// returns no name, identifier or birth date: see privacy.go.
//
// The theory is in docs/theory/dicom.md.
package dicom
