// Package sparse solves the large symmetric systems of finite elements.
//
// [BSR] is a matrix of 3×3 blocks, one per pair of neighbouring nodes, that
// satisfies gonum's mat.Matrix. [Solve] is the preconditioned method of
// conjugate gradients. [Multigrid] is the preconditioner for meshes whose nodes
// form a [Lattice]: it removes rough errors by solving along the lines through
// the wall, and smooth ones on coarser lattices, so that the number of
// iterations hardly grows with the mesh.
//
// Every sum runs in a fixed order: results have the same bits on any number of
// processors. See docs/theory/fem.md, section 4.
package sparse
