// Package index lists what a large collection of DICOM files holds: one line of
// JSON for each series, with its UIDs, cardiac phases, geometry, the findings of
// quality control and a hash, in the order of the UIDs.
//
// It works in two passes, each with bounded memory and each going on where it
// was stopped. The first walks the folder in lexical order, reads the names in
// every header and leaves sorted runs of records on the disk. The second
// merges the runs, so that the files of a series stand together wherever they
// lie, and judges each series as plaquerisk inspect does. What both leave behind
// stands beside the manifest until that is whole; the same files give the same
// bytes, interrupted or not, on any number of processors.
//
// Memory holds one run of records (about 40 MB), the entries of the folder that
// is being read, and the headers of one series.
package index
