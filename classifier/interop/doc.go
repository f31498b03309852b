// Package interop reads and writes the models of other programs: XGBoost (JSON
// and UBJ), LightGBM (text) and, written only, ONNX. What goes in and out is a
// [boost.Model].
//
// Readers are strict and bounded: a file that names a node that does not exist,
// a cycle, an objective or a kind of tree that we do not know is an error that
// says where, and no file makes them allocate more than a fixed multiple of its
// size.
//
// What differs between the programs, and how it is bridged:
//
//   - XGBoost compares float32(x) < t, LightGBM x ≤ t, we x < t in float64. The
//     threshold that is stored is the one that sends every float64 to the same
//     side.
//   - XGBoost and we send the categories of a set to the right, LightGBM to the
//     left.
//   - The base margin is folded into the first tree of each class, since
//     XGBoost's base_score has changed its meaning between versions and LightGBM
//     has none.
//   - Bags are averaged by scaling their leaves.
//
// See docs/theory/boosting.md.
package interop
