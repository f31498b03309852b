// Package pyradiomics computes what PyRadiomics computes, from the files its
// users have: parameter files (YAML or JSON), batch files (Image,Mask[,Label])
// and image–mask pairs go in; columns with PyRadiomics' names and values come
// out.
//
// # Conventions
//
// They differ from the standard (IBSI) and are kept on purpose:
//
//   - bins of fixed width start at a multiple of the width at or below the
//     minimum of the region, not at a fixed intensity;
//   - the resampling grid starts at the corner of the first voxel, the mask is
//     always resampled by the nearest neighbour, an image of integers is cut
//     back to integers after interpolation;
//   - kurtosis is not the excess; GLCM and GLRLM features are averaged over
//     directions; GLDM counts the voxel itself;
//   - filters see the whole image, features the box of the region;
//   - after re-segmentation the shape is that of the original mask, cut to the
//     box of the re-segmented one.
//
// # Order of operations
//
//	label → normalise → resample, or crop → check → re-segment → shape
//	      → for each image type: filter → crop → discretise → features
//
// The reference is PyRadiomics 3.0.1 (featureextractor.py, imageoperations.py;
// van Griethuysen et al., Cancer Research 2017, doi:10.1158/0008-5472.CAN-17-0339).
// A volume holds float32, PyRadiomics the type of the file: see [Pixels].
//
// # Where digits differ
//
// Beyond 1e-6 only where rounding decides: an interpolated value that is a whole
// number but for rounding is cut off to it or to the one below, as new voxels
// that lie on old ones are; a value on a bin edge, as wavelets with dyadic
// coefficients make from whole numbers; a mean near zero of a wavelet's band,
// which is stored in float32.
package pyradiomics
