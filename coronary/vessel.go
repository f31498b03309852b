package coronary

import (
	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// Node is a point of a centre-line.
type Node struct {
	Pos    r3.Vec  // LPS mm
	S      float64 // arc length from the ostium, mm
	Radius float64 // radius of the inscribed sphere of the lumen, mm
}

// Centerline is a curve through the lumen; S increases from node to node.
type Centerline struct {
	Nodes []Node
}

// Frame is a right-handed orthonormal frame on a centre-line: N × B = T.
type Frame struct {
	Origin  r3.Vec // LPS mm
	T, N, B r3.Vec // T points distally
}

// Point returns the patient position of the in-plane point q, mm.
func (f *Frame) Point(q r2.Vec) r3.Vec {
	return r3.Add(f.Origin, r3.Add(r3.Scale(q.X, f.N), r3.Scale(q.Y, f.B)))
}

// Contour is a closed planar polygon, counter-clockwise, in the (N, B) plane of
// a frame, mm. The last point is not a copy of the first.
type Contour struct {
	Points []r2.Vec
}

// Section is the lumen and the outer wall in the plane across one arc length.
// A contour without points was not found there.
type Section struct {
	S     float64 // mm
	Frame Frame
	Lumen Contour // inner border of the wall
	Wall  Contour // outer border of the wall
	// WallSD is the standard deviation of the radius of an outer wall that was
	// estimated, mm; 0 for a wall that was given.
	WallSD float64
}

// Complete tells whether both borders were found.
func (s *Section) Complete() bool { return len(s.Lumen.Points) > 2 && len(s.Wall.Points) > 2 }

// Vessel is one artery.
type Vessel struct {
	Artery Artery
	Centerline
	Sections []Section // S increasing
	Branches []Branch  // side branches, mothers before their daughters
	// Stretches are the segments of the stem, by its branches or a file; nil: not
	// known, see [Vessel.Segments].
	Stretches []Stretch
}

// Plaque is an interval of a vessel with its tissue.
type Plaque struct {
	Artery   Artery  // empty if the segmentation does not say
	Name     string  // "LAD-1": unique in a patient
	From, To float64 // arc length on the vessel, mm; NaN if the vessel could not be traced
	Mask     *imaging.Mask
	// Tissue covers the artery around the plaque on the grid of Mask (lumen, wall
	// and plaque classes), nil if neither CT nor component masks allow it.
	Tissue *imaging.Labels
}
