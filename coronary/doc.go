// Package coronary describes arteries as geometry: a [Vessel] is a centre-line
// with cross-sections, a [Plaque] an interval of it with its tissue.
//
// Lengths are mm. Arc length s runs along the centre-line from the ostium
// (s = 0) to the distal end. A cross-section is a plane with a [Frame] whose T
// points distally; its curves are polygons in the (N, B) plane of that frame.
package coronary
