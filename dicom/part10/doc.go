// Package part10 reads the data sets of DICOM files (PS3.10, PS3.5) and writes
// them back: what a reader of images, segmentations and reports stands on.
//
// [Open] walks the headers of all elements once and keeps 24 bytes for each;
// values stay in the file until they are asked for. Nothing is allocated
// that a length in the file asks for. All encodings are read: implicit,
// explicit, big-endian and deflated, with or without preamble and file meta
// information, sequences of either kind of length, private elements, fragments
// of pixels. Files that break the rules in the ways that archives do are read
// as far as they go, and [File.Damage] says where that was.
//
// Text comes out as UTF-8 from every character set of the standard, at every
// level of sequences.
//
// [File.Rewrite] copies what is not edited byte for byte.
package part10
