// Package dicom turns a folder or a zip of DICOM files into a CT volume in HU,
// and writes CT series.
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
// The library github.com/suyashkumar/dicom interprets header values; decode.go
// alone imports it, after a walk of our own (walk.go) has checked every length
// against the file. Pixels are decoded here, compressed ones by packages pixel
// and codec. The package logs nothing, and
// returns no name, identifier or birth date: see privacy.go.
//
// The theory is in docs/theory/dicom.md.
package dicom
