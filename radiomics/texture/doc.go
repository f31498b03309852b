// Package texture describes how grey levels are arranged in a region. In goes a
// box of grey levels ([Region]), out come the features of seven families:
//
//	glcm   which levels stand beside which (co-occurrence of pairs)
//	glrlm  how long rows of one level are, in each direction (run lengths)
//	glszm  how large connected zones of one level are (zone sizes)
//	gldzm  how far such zones lie from the border of the region (zone distances)
//	ngtdm  how much voxels differ from the mean of their neighbours (grey tone)
//	ngldm  how many neighbours depend on a voxel (dependence counts)
//	gldm   the same matrix with PyRadiomics's names and features
//
// Each family makes a matrix of counts and computes features from it; every
// feature has a row in a table with its name, unit, code and one sentence
// ([Config.Columns]). Two conventions are known ([Convention]): that of the
// Image Biomarker Standardisation Initiative (reference manual, arXiv
// 1612.07003, section 3) and that of PyRadiomics 3.1.
//
// # Matrices and aggregation
//
// Pairs and runs have 13 directions in three dimensions and 4 in a slice. The
// [Aggregation] says whether features are averaged over directions and slices
// or computed from the sum of their matrices.
//
// # How it is fast
//
// Levels that do not occur are left out, so that nearly every region fits one
// byte per voxel; the box has a margin of zeros, so that neighbours need no
// bounds test. Counts are integers throughout: they can be added in any order,
// so results have the same bits for any number of threads. A [Computer] owns
// the scratch memory and allocates nothing once it has seen a region as large.
//
// # How it is small
//
// One thread does one family after the other, and all of them use the same
// bytes: for zones 2 or 4 for each voxel, for pairs and tones tables that grow
// with the square of the number of levels. With the codes and the features
// themselves that makes 6 to 11 bytes for each voxel of the box, down to boxes
// of 2600 voxels on 28 levels; more threads have tables of their own.
package texture
