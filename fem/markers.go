package fem

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// Peak is the quadrature point at which a quantity is largest in a region.
type Peak struct {
	Value  float64 // in the unit of the quantity; NaN in an empty region
	S      float64 // arc length, mm
	Angle  float64 // around the lumen from the frame's N towards B, degrees in [0, 360)
	Depth  float64 // from the lumen along the line of the mesh, mm
	At     r3.Vec  // mm
	Tissue imaging.Tissue
}

// Regions are the names of the regions of the feature columns.
func Regions() (names []string) {
	for _, g := range regions {
		names = append(names, g.name)
	}
	return names
}

// Peak returns where one of [Quantities] is largest in one of [Regions] between
// two arc lengths, mm; the first point in the order of the mesh among equals.
func (r *Result) Peak(from, to float64, quantity, region string) Peak {
	f := slices.IndexFunc(fields, func(f field) bool { return f.name == quantity })
	g := slices.Index(Regions(), region)
	if f < 0 || g < 0 {
		panic("fem: Peak: no quantity " + quantity + " or no region " + region)
	}
	nan := math.NaN()
	best := Peak{Value: nan, S: nan, Angle: nan, Depth: nan, At: r3.Vec{X: nan, Y: nan, Z: nan}}
	w, at := r.window(from, to), -1
	for n := range w.in {
		if x := fields[f].at(&r.Points[w.from+n]); w.in[n]>>g&1 != 0 && !(x <= best.Value) {
			best.Value, at = x, w.from+n
		}
	}
	if at < 0 {
		return best
	}
	e := at / element.Points
	_, j, k := r.Mesh.Coords(e)
	best.At, best.Tissue, best.Depth = r.At(at), r.Points[at].Tissue, r.depth(e, at%element.Points, j, k)
	best.S, best.Angle = r.place(at)
	return best
}
