// Package segmentation turns masks into arteries: an imported segmentation and
// a CT go in, vessels with centre-lines and cross-sections and plaques with
// their tissue come out.
//
// The steps are [Import] (what does each segment mean), [Match] (its voxels on
// those of the CT, compared in mm), [Vessels] (centre-line, lumen and outer
// wall per cross-section), [Plaques] (intervals and tissue) and [Tissues] (one
// map of tissue per vessel). [NameArteries] comes before [Vessels] where one
// lumen holds the whole tree; side branches are found by both.
//
// Where masks are missing, [FromSeeds] finds lumen and wall in the CT around a few
// points, and [EstimateWalls] the wall around a lumen (docs/theory/surfaces.md).
//
// Borders are where the signed distance field of a mask is zero, found along
// rays in the plane across the vessel, so they lie between voxels and have no
// staircase. Lengths are mm, CT numbers HU. The theory is in
// docs/theory/segmentation.md.
package segmentation
