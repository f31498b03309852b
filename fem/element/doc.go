// Package element computes the stiffness, strain and load of single finite
// elements. [Hex8] is the eight-node brick with the mean dilatation method
// (B-bar), which neither locks when the material is nearly incompressible nor
// has hourglass motions. Lengths are mm, stiffness kPa·mm, loads mN.
//
// Corners are numbered as in VTK: 0 to 3 around the face ζ = −1, seen from
// outside clockwise, and 4 to 7 above them.
package element
