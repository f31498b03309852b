// Package sparse solves the large symmetric systems of finite elements.
//
// [BSR] is a matrix of 3×3 blocks, one per pair of neighbouring nodes, and
// [Stencil] a symmetric one whose nodes form a [Lattice], in half the memory; both
// satisfy gonum's mat.Matrix. [Solve] is the preconditioned method of conjugate
// gradients, [MinRes] its sister for indefinite systems, [Augmented] what makes of
// it a method for nearly incompressible bodies. [Multigrid] is the preconditioner
// for lattices: it removes rough errors by solving along the lines through the
// wall, and smooth ones on coarser lattices, so that the number of iterations
// hardly grows with the mesh. [Aggregation] does the same for any mesh. [Factor]
// solves small systems directly.
//
// Every sum runs in a fixed order: results have the same bits on any number of
// processors. See docs/theory/fem.md, section 4.
package sparse
