package dicom

// What of a header may leave this package.
//
// Series, Study and every error and finding hold technical attributes alone:
// those of the image, the scanner, the acquisition and the opaque UIDs, and
// the free-text series description, which sites use for protocol names. Names, identifiers,
// birth dates, accession numbers and institutions are not read (the list of
// tag.go is all there is), with two exceptions that stay inside: PatientID is
// compared between the files of a series, and never shown; StudyDate reaches
// [Study] only if [Config] asks for it. Paths in errors are relative to what
// was scanned. Nothing is logged.
