// Package filter holds the image filters whose responses radiomic features are
// computed from: those of IBSI chapter 2 (Whybra et al., Radiology 310 (2024)
// e231319; arXiv 2006.05470) and those of PyRadiomics.
//
// [New] makes a [Filter] of a [Config], one entry of a parameter file. A filter
// takes an image and returns its response on the same voxels; lengths in mm
// refer to the image's spacing. Beyond the border a [Boundary] says what it
// sees. Who crops an image for speed leaves the margin that Support tells, and
// the border does not matter. ApplyWithin keeps tissue beyond a region out of
// its response: see [Weighting].
//
// Most filters are sums of products of one-dimensional kernels. They are
// computed plane by plane, along k, then j, then i, in float64 between images
// in float32: the planes stay in the cache, equal factors of rotated kernels
// are computed once, and planes are independent, so any number of processors
// gives the same bits. Filters defined by frequency (Simoncelli, Riesz, oblique
// Gabor) use radiomics/internal/fft.
package filter
