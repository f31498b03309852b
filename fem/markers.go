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
	for n := range r.Surface {
		p := &r.Surface[n]
		if x := fields[f].at(&p.Point); w.holds(p.Cell) && regions[g].in(r, p.Cell, &p.Point) && !(x <= best.Value) {
			best = r.surfacePeak(p, x)
			at = -1
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

// surfacePeak returns the value x at a surface point as a peak.
func (r *Result) surfacePeak(p *SurfacePoint, x float64) Peak {
	_, j, k := r.Mesh.Coords(p.Cell)
	a, b := &r.Mesh.Frames[k], &r.Mesh.Frames[k+1]
	from := r3.Dot(r3.Sub(p.At, a.Origin), a.T)
	w := from / (from - r3.Dot(r3.Sub(p.At, b.Origin), b.T)) // between the two planes
	mix := func(u, v r3.Vec) r3.Vec { return r3.Add(r3.Scale(1-w, u), r3.Scale(w, v)) }
	d := r3.Sub(p.At, mix(a.Origin, b.Origin))
	angle := math.Atan2(r3.Dot(d, mix(a.B, b.B)), r3.Dot(d, mix(a.N, b.N))) * 180 / math.Pi
	if angle < 0 {
		angle += 360
	}
	inner := r3.Scale(0.25, r3.Add(r3.Add(r.Mesh.Nodes[r.Mesh.Node(0, j, k)], r.Mesh.Nodes[r.Mesh.Node(0, j+1, k)]),
		r3.Add(r.Mesh.Nodes[r.Mesh.Node(0, j, k+1)], r.Mesh.Nodes[r.Mesh.Node(0, j+1, k+1)])))
	return Peak{Value: x, S: (1-w)*r.Mesh.S[k] + w*r.Mesh.S[k+1], Angle: angle, Depth: r3.Norm(r3.Sub(p.At, inner)), At: p.At, Tissue: p.Tissue}
}
