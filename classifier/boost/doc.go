// Package boost grows ensembles of decision trees on tables of numbers and
// categories: gradient boosting, random forests and additive models.
//
// In goes a [Data]: columns with names, a target, and where it applies weights,
// patients and row identifiers. Out comes a [Model]: trees, and what is needed
// to read a row. [Fit] joins them under a [Config].
//
// A tree is grown by second-order gradient boosting (Friedman 2001; Chen and
// Guestrin 2016). With the derivatives g and h of a row's loss, G and H their
// sums over the rows of a node, a leaf adds
//
//	v = −η T(G)/(H + λ),   T(G) = sign(G) max(|G| − α, 0)           (C.30)
//
// and a split into L and R saves the loss
//
//	T(G_L)²/(H_L + λ) + T(G_R)²/(H_R + λ) − T(G)²/(H + λ)           (C.31)
//
// (twice, to be exact, what is saved: the convention of XGBoost).
//
// # The same bytes
//
// The same rows give the same model, byte by byte, on any number of
// processors, in any order of rows and of columns, on any architecture that Go
// knows:
//
//   - derivatives are rounded to multiples of a power of two and added as
//     integers, whose sums do not depend on order;
//   - columns are visited in the order of their names; of equal splits the first
//     wins: smaller name, missing values right before left, smaller threshold;
//   - a random number is a hash of the seed, the bag, the tree and the identifier
//     of the patient, row or column that it decides about, never of a position;
//   - exponential and logarithm are computed here, and products are rounded before
//     they are added, so that no processor fuses them.
//
// Theory, settings and limits: docs/theory/boosting.md.
package boost
