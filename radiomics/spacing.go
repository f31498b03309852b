package radiomics

import (
	"fmt"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// Spacing is the edge of voxels along i, j and k, in mm; 0 keeps the image's
// own. A settings file writes one number for cubic voxels, or three.
type Spacing [3]float64

// Cubic returns the spacing of cubic voxels.
func Cubic(edge float64) Spacing { return Spacing{edge, edge, edge} }

// MarshalYAML writes s as one number if all edges are equal.
func (s Spacing) MarshalYAML() (any, error) {
	if s[0] == s[1] && s[1] == s[2] {
		return s[0], nil
	}
	return s[:], nil
}

// UnmarshalYAML reads one number or three.
func (s *Spacing) UnmarshalYAML(unmarshal func(any) error) error {
	var edge float64
	if unmarshal(&edge) == nil {
		*s = Cubic(edge)
		return nil
	}
	var edges []float64
	if err := unmarshal(&edges); err != nil || len(edges) != 3 {
		return fmt.Errorf("spacing_mm: want one number, or three for the axes i, j and k")
	}
	*s = Spacing(edges)
	return nil
}

// own tells whether the image keeps its voxels.
func (s Spacing) own() bool { return s == Spacing{} }

// of returns the spacing on an image on g.
func (s Spacing) of(g *imaging.Grid) [3]float64 {
	out := [3]float64(s)
	for a, edge := range s {
		if edge == 0 {
			out[a] = g.Spacing[a]
		}
	}
	return out
}

// String returns the edges as columns state them: "0.4 mm" or "2×2×own mm".
func (s Spacing) String() string {
	if s[0] == s[1] && s[1] == s[2] {
		return fmt.Sprintf("%g mm", s[0])
	}
	text := ""
	for a, edge := range s {
		if a > 0 {
			text += "×"
		}
		if edge == 0 {
			text += "own"
		} else {
			text += fmt.Sprintf("%g", edge)
		}
	}
	return text + " mm"
}
