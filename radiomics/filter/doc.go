// Package filter holds the image filters whose responses radiomic features are
// computed from, as IBSI chapter 2 defines them (Whybra et al., Radiology 310
// (2024) e231319; arXiv 2006.05470).
//
// A filter takes and returns an image on the same voxels. It knows voxels, not
// millimetres: interpolate first. Beyond the border a [Boundary] says what the
// filter sees; who crops an image for speed leaves a margin of [Laws.Support]
// voxels around what is wanted, and the border does not matter.
package filter
