// Package mesh builds hexahedral meshes of artery walls: from the lumen and
// outer wall contours of a coronary.Vessel to nodes and elements, swept along
// the centre-line. It measures their quality and writes them with result fields
// as VTU files for ParaView. Positions are LPS mm.
package mesh
