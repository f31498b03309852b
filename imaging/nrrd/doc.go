// Package nrrd reads and writes images in the NRRD format of Teem and 3D
// Slicer: scalar volumes, label maps, and Slicer's segmentations (.seg.nrrd)
// whose regions have names and may overlap on layers of their own.
//
// Attached and detached headers are read, raw, ascii, hex, gzip and bzip2
// data, with line and byte skip. Spaces LPS, RAS and LAS become LPS mm; with
// a bare "space dimension: 3", or no space at all, axes count as LPS, as ITK
// does. A detached data file must lie in the header's folder or below it.
//
// The format is defined at http://teem.sourceforge.net/nrrd/format.html, the
// segment fields at https://slicer.readthedocs.io (Segmentations module).
package nrrd
