// Package document writes a PDF as a DICOM object (Encapsulated PDF, PS3.3 A.45.1)
// of the patient and study of a source series, so that an archive keeps a report
// beside the images that it is about.
//
// The theory is in docs/theory/dicom-objects.md.
package document
