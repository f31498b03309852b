// Package maps computes features per voxel: each voxel of a region gets the
// value that a feature has in the cube around it. In go intensities and grey
// levels on a box ([Input]), made for the whole region; out comes a value per
// voxel and feature ([Maps]), an image ([Maps.Volume]), or the statistics of the
// map over the region ([Maps.Summary]).
//
// Any feature of the texture families and of the intensities can be mapped, by
// name, with the conventions of IBSI or of PyRadiomics, whose voxel-based
// extraction this reproduces: levels of the whole region, kernel cut at the
// border of the box, directions without pairs left out.
//
// The mean of a map hardly depends on the size of the region, as the same
// feature of the region as a whole does (Jensen et al., European Radiology
// Experimental 6 (2022), doi 10.1186/s41747-022-00297-7): every cube has the
// same size.
//
// Co-occurrence features that are sums over pairs, or moments of them, need no
// matrix: the sum over the pairs of a cube is a box sum of an image of pairs,
// added up axis by axis. Its energy and entropies follow from counts that slide
// along a row. All others compute the matrices of each cube. Voxels are worked on
// in parallel, with the same bits for any number of processors.
package maps
