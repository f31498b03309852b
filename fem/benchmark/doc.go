// Package benchmark runs the verification problems of wall mechanics: elements
// and operators (A), manufactured solutions (B), cylinders (C), spheres (D),
// standard problems (E) and plaque sections (F), each compared with values that
// this program did not compute.
//
// A [Case] builds its bodies, solves them with package solid and returns a [Row]
// for each value of a [Reference], the table data/values.csv. Tests make rows of
// docs/verification.md of them, and "plaquerisk repro mechanics" prints them.
// Lengths are mm and stress kPa except where the source uses other units.
package benchmark
