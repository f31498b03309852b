package fem

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// Cap describes the thinnest tissue over a low attenuation core.
type Cap struct {
	Thickness float64 // from the lumen to the core along a line of the mesh, mm; NaN without a core
	S         float64 // where, arc length in mm
	Angle     float64 // around the lumen from the frame's N towards B, degrees in [0, 360)
	At        r3.Vec  // the border of the core there, mm
	Layers    float64 // elements across it there
}

// Cap returns the thinnest cap between two arc lengths, from the surface of the
// core. A core that reaches the lumen has thickness zero: the cap is thinner than
// the image can show.
//
// Each voxel moves the surface of a core from labels by chance. Thickness is
// therefore the mean around the lumen with a Gaussian weight of half a voxel.
func (r *Result) Cap(from, to float64) Cap {
	nan := math.NaN()
	c := Cap{Thickness: nan, S: nan, Angle: nan, At: r3.Vec{X: nan, Y: nan, Z: nan}, Layers: nan}
	lo, hi := r.planes(from, to)
	core := deepest(r.parts, imaging.LowAttenuation)
	if core == nil || hi <= lo {
		return c
	}
	m := r.Mesh
	thick, layers, at := make([]float64, m.Around), make([]float64, m.Around), make([]r3.Vec, m.Around)
	for k := lo; k <= hi; k++ {
		for j := range m.Around {
			var ok bool
			if at[j], layers[j], ok = r.capLine(core, j, k); ok {
				thick[j] = r3.Norm(r3.Sub(at[j], m.Nodes[m.Node(0, j, k)]))
			} else {
				thick[j] = nan
			}
		}
		for j := range thick {
			if d := r.meanAround(thick, j, k); !math.IsNaN(d) && !(d >= c.Thickness) {
				f := &m.Frames[k]
				v := r3.Sub(at[j], f.Origin)
				c = Cap{Thickness: d, S: m.S[k], At: at[j], Layers: layers[j], Angle: math.Atan2(r3.Dot(v, f.B), r3.Dot(v, f.N)) * 180 / math.Pi}
				if c.Angle < 0 {
					c.Angle += 360
				}
			}
		}
	}
	return c
}

// meanAround returns the mean of the values of plane k around ray j, with a
// Gaussian weight of half a voxel along the lumen; NaN where ray j has none.
func (r *Result) meanAround(value []float64, j, k int) float64 {
	if !(r.Voxel > 0) || math.IsNaN(value[j]) {
		return value[j]
	}
	m := r.Mesh
	sum, weight := value[j], 1.0
	for _, way := range []int{1, -1} {
		for n, d := j, 0.0; d < 1.5*r.Voxel; {
			next := (n + way + m.Around) % m.Around
			d += r3.Norm(r3.Sub(m.Nodes[m.Node(0, next, k)], m.Nodes[m.Node(0, n, k)]))
			if n = next; n == j || math.IsNaN(value[n]) {
				break
			}
			w := math.Exp(-2 * d * d / (r.Voxel * r.Voxel))
			sum += w * value[n]
			weight += w
		}
	}
	return sum / weight
}

// capLine follows the line of nodes (j, k) outwards to the core. It returns where
// it meets it and how many elements lie before.
func (r *Result) capLine(core func(r3.Vec) float64, j, k int) (at r3.Vec, layers float64, ok bool) {
	m := r.Mesh
	p := m.Nodes[m.Node(0, j, k)]
	if core(p) <= 0 {
		return p, 0, true
	}
	for i := 1; i <= m.Through; i++ {
		q := m.Nodes[m.Node(i, j, k)]
		if core(q) <= 0 {
			lo, hi := 0.0, 1.0
			for range 20 {
				if mid := (lo + hi) / 2; core(r3.Add(r3.Scale(1-mid, p), r3.Scale(mid, q))) > 0 {
					lo = mid
				} else {
					hi = mid
				}
			}
			return r3.Add(r3.Scale(1-hi, p), r3.Scale(hi, q)), float64(i-1) + hi, true
		}
		p = q
	}
	return at, 0, false
}

// deepest returns the least distance from the components of the given tissues,
// nil if there are none.
func deepest(parts []Component, tissues ...imaging.Tissue) func(r3.Vec) float64 {
	var own []Component
	for _, c := range parts {
		if slices.Contains(tissues, c.Tissue) {
			own = append(own, c)
		}
	}
	if len(own) == 0 {
		return nil
	}
	return func(p r3.Vec) float64 {
		d := math.Inf(1)
		for _, c := range own {
			d = min(d, c.Distance(p))
		}
		return d
	}
}

// The quadrature points of a cell that lie behind one another on a way from the
// lumen outwards: first the one nearer to the lumen.
var columns = [4][2]int{{0, 1}, {3, 2}, {4, 5}, {7, 6}}

// findCaps marks the points between the lumen and a low attenuation core.
func (r *Result) findCaps() {
	m := r.Mesh
	for k := range m.Along {
		for j := range m.Around {
			for _, col := range columns {
				// The first core point from the lumen, if any.
				core := -1
				for n := range 2 * m.Through {
					if r.Points[8*m.Cell(n/2, j, k)+col[n%2]].Tissue == imaging.LowAttenuation {
						core = n
						break
					}
				}
				for n := range core {
					e, q := m.Cell(n/2, j, k), col[n%2]
					r.Points[8*e+q].CapDepth = r.depth(e, q, j, k)
				}
			}
		}
	}
}

// depth returns the distance of quadrature point q of cell e from the lumen,
// along the mesh line through it, mm.
func (r *Result) depth(e, q, j, k int) float64 {
	xi := r.reference(e, q)
	at := func(e int, x float64) (p r3.Vec) {
		c := r.Mesh.Corners(e)
		for a, w := range element.Shape(x, xi[1], xi[2]) {
			p = r3.Add(p, r3.Scale(w, c[a]))
		}
		return p
	}
	return r3.Norm(r3.Sub(at(e, xi[0]), at(r.Mesh.Cell(0, j, k), -1)))
}
