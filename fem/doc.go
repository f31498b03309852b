// Package fem computes the stress in the wall of a coronary artery under blood
// pressure. A vessel and its tissue labels go in; a [Result] with stress and
// strain at every quadrature point, features per plaque, summaries for the
// report and a VTU file come out.
//
// The wall between lumen and outer border is meshed with bricks swept along the
// centre-line ([mesh.Sweep]). Each quadrature point takes the stiffness of the
// tissue around it: the logarithmic mean of the moduli of eight samples, so that
// a border that cuts through an element is neither hard nor soft. Solved is
// small-strain linear elasticity on the imaged shape,
//
//	div σ = 0,  σ = κ tr(ε) I + 2μ dev ε,  ε = ½ (∇u + ∇uᵀ)           (F.1)
//	σ n = −p n on the lumen                                          (F.2)
//
// The imaged artery is already loaded, so the stress balances the pressure on
// the shape that is known, while the displacement from a pressure-free shape is
// only indicative (docs/theory/fem.md).
//
// Lengths are mm, stress and moduli kPa, forces mN, energy µJ, energy density
// µJ/mm³ = kPa.
package fem
