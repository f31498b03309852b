// Package sr writes measurements as a DICOM structured report by template TID
// 1500, Measurement Report (PS3.16), in the class Comprehensive 3D SR.
//
// A report holds groups of measurements (TID 1411), each of one tracked region:
// what it is, where, the segment that outlines it, and numbers with their coded
// meaning and UCUM unit. A number that is undefined is left out.
//
// The theory is in docs/theory/dicom-objects.md.
package sr
