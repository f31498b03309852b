// Package nifti reads and writes images in the NIfTI-1 and NIfTI-2 formats:
// one file, .nii or .nii.gz, of one scalar image or label map.
//
// The file's RAS+ millimetres become LPS (x and y change sign), metres and
// micrometres become mm. The position comes from the sform if its code is
// above zero, else from the qform, else from the voxel sizes alone. A sheared
// sform keeps its sheared axes. The two-file form (.hdr and .img) is refused,
// since half of it gets lost too easily.
//
// The format is described in nifti1.h and nifti2.h of the NIfTI Data Format
// Working Group (2003, 2011).
package nifti
