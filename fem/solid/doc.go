// Package solid solves statics of elastic bodies on meshes of any elements, in
// small and finite strain.
//
// A [Body] is a mesh with a law for each cell, loads and constraints.
// [Body.Solve] finds its displacement by Newton's method with load steps, and
// [Body.Unload] the shape that it has without its load. [NewFields] recovers
// stress and strain, each material from its own side of an interface.
//
// A [Problem] is the same in YAML, over a mesh from a file; [Run] goes from both
// files to a [Result], which writes itself as VTU and JSON. Lengths are mm,
// stress and moduli kPa (= mN/mm²), forces mN, energy µJ. See
// docs/theory/fem.md.
package solid
