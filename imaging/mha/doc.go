// Package mha reads and writes images in the MetaImage format of ITK: one file
// (.mha), or a header (.mhd) beside its voxels (.raw, .zraw). It reads scalar
// volumes and label maps of three axes in any type of number, raw, compressed
// (zlib or gzip) or as text, in either byte order.
//
// Positions are LPS mm, as ITK takes them: Offset is the centre of the first
// voxel and TransformMatrix lists the direction of the first axis, then of the
// second and the third. CenterOfRotation and AnatomicalOrientation do not move
// voxels, in ITK neither. A data file must lie in the header's folder or below
// it. Colours, vectors, images in several files and intensities with a scale
// that ITK would ignore are refused.
//
// The format is described at https://itk.org/Wiki/ITK/MetaIO/Documentation.
package mha
