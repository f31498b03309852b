// Package voxel computes the stress of bodies of any shape, bifurcations and walls
// that no ray from an axis describes, on a grid of cubes.
//
// A [Body] is what lies on the negative side of some signed distances. Cubes whose
// centre lies there become bricks (element.Hex8); nodes of the border move onto the
// surfaces, as far as their bricks stay sound. Bricks that keep their shape need no
// matrix: all are one operator times two moduli, which a transform to the modes of a
// cube makes cheap ([modal]). Only bricks that were bent keep matrices of their own.
// Conjugate gradients are preconditioned by multigrid on grids of twice the spacing,
// whose bricks hold the Galerkin products of their eight children.
//
// Results have the same bits on any number of processors. See docs/theory/fem.md,
// section 7.
package voxel
