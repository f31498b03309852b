// Package imaging holds images placed in the patient: a [Grid] of voxels in
// LPS millimetres and what can lie on it, a scalar [Volume], a [Mask] or
// tissue [Labels].
//
// One convention holds everywhere: patient coordinates are LPS in mm, indices
// point at voxel centres and start at zero, and i runs fastest in memory.
// Index and position are converted by [Grid.Point] and [Grid.Index] alone.
// Voxels are stored in float32 and computed in float64.
package imaging
