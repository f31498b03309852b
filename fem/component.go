package fem

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Component is a body of plaque in the wall, as an implicit surface. What no
// component holds is plain wall; where several overlap the deepest counts.
type Component struct {
	Tissue imaging.Tissue
	// Distance returns the signed distance of p from the border, mm, negative
	// inside. Only its zero needs to be exact; elsewhere its magnitude may be less
	// than the distance, but not more.
	Distance func(p r3.Vec) float64
}

// nearest returns the signed distance from the nearest border of a component that
// is much softer or stiffer than the wall, where the mesh is to be fine; nil if
// there is none.
func nearest(parts []Component) func(p r3.Vec) float64 {
	var own []Component
	for _, c := range parts {
		if c.Tissue == imaging.LowAttenuation || c.Tissue == imaging.Calcified {
			own = append(own, c)
		}
	}
	if len(own) == 0 {
		return nil
	}
	return func(p r3.Vec) float64 {
		least := math.Inf(1)
		for _, c := range own {
			if d := c.Distance(p); math.Abs(d) < math.Abs(least) {
				least = d
			}
		}
		return least
	}
}

// grains is the number of samples of a cell along each of its axes.
const grains = 4

// grainSpread is the mean of ξ² over the samples.
const grainSpread = (1 - 1.0/(grains*grains)) / 3

// grain holds the reference coordinates of the samples of a cell, the octant of
// each and its shape functions.
var grain = func() (g [grains * grains * grains]struct {
	xi     [3]float64
	octant int
	shape  [8]float64
}) {
	for n := range g {
		at := [3]int{n % grains, n / grains % grains, n / (grains * grains)}
		for a, i := range at {
			g[n].xi[a] = (2*float64(i)+1)/grains - 1
		}
		for q, c := range element.Corners {
			in := true
			for a, x := range g[n].xi {
				in = in && x*c[a] > 0
			}
			if in {
				g[n].octant = q
			}
		}
		g[n].shape = element.Shape(g[n].xi[0], g[n].xi[1], g[n].xi[2])
	}
	return g
}()

// rim is a point of an interface within a cell.
type rim struct {
	octant int
	sides  [2]imaging.Tissue
	xi     [3]float64
}

// content is what a cell is made of.
type content struct {
	share  [element.Points][imaging.NumTissues]float64    // of the volume of each octant
	middle [element.Points][imaging.NumTissues][3]float64 // of each share, reference coordinates
	whole  [imaging.NumTissues]float64                    // share of the cell
	slope  [imaging.NumTissues][imaging.NumTissues][3]float64
	rims   []rim
	near   []Component // scratch
}

// blend finds the parts of a cell with corners x among the components. It reports
// the tissue of a cell that no border comes near; then c is left alone.
//
// The distances of the components, and of the wall as the negative of the least
// of them, are sampled on a lattice. A sample belongs to the tissue of least
// distance φ₁; next to an interface, where that of another, φ₂, is hardly
// larger, to both, with the share that a flat interface leaves in a box of the
// sample's size h:
//
//	f₁ = ½ + φ/w,  φ = (φ₂ − φ₁)/2,  w = Σₐ |∂φ/∂ξₐ| h                (F.21)
//
// so that shares of volume vary smoothly with the place of the interface.
func (c *content) blend(x *[8]r3.Vec, parts []Component) (imaging.Tissue, bool) {
	t, pure, parts := away(c.near[:0], x, parts)
	if pure {
		return t, true
	}
	*c = content{rims: c.rims[:0], near: parts}
	var phi [imaging.NumTissues][len(grain)]float64
	var present [imaging.NumTissues]bool
	present[imaging.Wall] = true
	for n := range grain {
		phi[imaging.Wall][n] = math.Inf(-1)
	}
	for _, part := range parts {
		d := &phi[part.Tissue]
		for n := range grain {
			v := part.Distance(spot(x, &grain[n].shape))
			if !present[part.Tissue] || v < d[n] {
				d[n] = v
			}
			phi[imaging.Wall][n] = max(phi[imaging.Wall][n], -v)
		}
		present[part.Tissue] = true
	}
	slope := func(a, b imaging.Tissue) *[3]float64 {
		s := &c.slope[a][b]
		if *s == [3]float64{} {
			for n := range grain {
				for i, xi := range grain[n].xi {
					s[i] += (phi[b][n] - phi[a][n]) / 2 * xi / (grainSpread * float64(len(grain)))
				}
			}
		}
		return s
	}
	var nearest [element.Points]float64
	var touch [element.Points]rim
	for n := range grain {
		g := &grain[n]
		a, b := leastTwo(&present, func(t int) float64 { return phi[t][n] })
		f, s := (phi[b][n]-phi[a][n])/2, slope(a, b)
		share := min(1, 0.5+f/((math.Abs(s[0])+math.Abs(s[1])+math.Abs(s[2]))*2/grains))
		for _, part := range [2]struct {
			imaging.Tissue
			share float64
		}{{a, share}, {b, 1 - share}} {
			c.share[g.octant][part.Tissue] += part.share * element.Points / float64(len(grain))
			c.whole[part.Tissue] += part.share / float64(len(grain))
			for i, xi := range g.xi {
				c.middle[g.octant][part.Tissue][i] += part.share * xi
			}
		}
		if share < 1 && (touch[g.octant].sides[0] == touch[g.octant].sides[1] || f < nearest[g.octant]) {
			// The nearest point of the interface, to first order.
			r := rim{octant: g.octant, sides: [2]imaging.Tissue{a, b}, xi: g.xi}
			for i, v := range s {
				r.xi[i] -= f * v / (s[0]*s[0] + s[1]*s[1] + s[2]*s[2])
			}
			nearest[g.octant], touch[g.octant] = f, r
		}
	}
	for q := range c.share {
		for t, f := range c.share[q] {
			if f > 0 {
				for i := range 3 {
					c.middle[q][t][i] /= f * float64(len(grain)) / element.Points
				}
			}
		}
		if r := touch[q]; r.sides[0] != r.sides[1] {
			c.rims = append(c.rims, r)
		}
	}
	return 0, false
}

// away tells the tissue of a cell farther from all borders than its own size. Of
// other cells it returns the components whose borders are so near that they may be
// the nearest or next to it somewhere in the cell, and those around it.
// It appends them to near.
func away(near []Component, x *[8]r3.Vec, parts []Component) (imaging.Tissue, bool, []Component) {
	var mid r3.Vec
	for _, p := range x {
		mid = r3.Add(mid, r3.Scale(1.0/8, p))
	}
	var reach float64
	for _, p := range x {
		reach = max(reach, r3.Norm(r3.Sub(p, mid)))
	}
	t, least, pure := imaging.Wall, 0.0, true
	for _, part := range parts {
		d := part.Distance(mid)
		pure = pure && math.Abs(d) > reach
		if d <= 4*reach {
			near = append(near, part)
		}
		if d < least {
			t, least = part.Tissue, d
		}
	}
	return t, pure, near
}

// spot returns the point of a cell with corners x and values of its shape
// functions n.
func spot(x *[8]r3.Vec, n *[8]float64) (p r3.Vec) {
	for a, w := range n {
		p.X += w * x[a].X
		p.Y += w * x[a].Y
		p.Z += w * x[a].Z
	}
	return p
}

// leastTwo returns the tissues with the least and the next value; of equals the
// later in the order of imaging comes first.
func leastTwo(present *[imaging.NumTissues]bool, value func(t int) float64) (a, b imaging.Tissue) {
	first, second := math.Inf(1), math.Inf(1)
	for t, in := range present {
		if !in {
			continue
		}
		switch v := value(t); {
		case v <= first:
			a, b, first, second = imaging.Tissue(t), a, v, first
		case v <= second:
			b, second = imaging.Tissue(t), v
		}
	}
	return a, b
}

// materials numbers the tissues by their constants: tissues that are equally
// stiff are one material.
type materials struct {
	of  [imaging.NumTissues]uint8
	law []element.Lame
}

func newMaterials(m *Materials) materials {
	var out materials
	table := m.table()
	for _, t := range solids {
		law := element.Moduli(table[t].Young, table[t].Poisson)
		n := slices.Index(out.law, law)
		if n < 0 {
			n = len(out.law)
			out.law = append(out.law, law)
		}
		out.of[t] = uint8(n)
	}
	out.of[imaging.Background], out.of[imaging.Lumen] = out.of[imaging.Wall], out.of[imaging.Wall]
	return out
}

// mixture is a cell of several materials.
type mixture struct {
	element.Laminate
	material []uint8                    // of each layer
	at       [element.Points][3]float64 // reference coordinates of the points
	part     [element.Points]float64    // share of the cell that each point stands for
	rims     []rim
}

// thinnest is the share of a cell below which a part of it is left out.
const thinnest = 1e-3

// laminate returns the layers of a cell with corners x, nil if it is of one
// material after all. The normal is that of the interface between the two largest
// layers.
func (c *content) laminate(x *[8]r3.Vec, m *materials) *mixture {
	share := make([]float64, len(m.law))
	main := make([]imaging.Tissue, len(m.law)) // the largest tissue of each material
	for _, t := range solids {
		n := m.of[t]
		if share[n] += c.whole[t]; c.whole[t] > c.whole[main[n]] {
			main[n] = t
		}
	}
	mix := &mixture{rims: slices.Clone(c.rims)}
	var total float64
	for n, f := range share {
		if f > thinnest {
			mix.material = append(mix.material, uint8(n))
			mix.Layers = append(mix.Layers, element.Layer{Lame: m.law[n], Share: f})
			total += f
		}
	}
	if len(mix.Layers) < 2 {
		return nil
	}
	for n := range mix.Layers {
		mix.Layers[n].Share /= total
	}
	a, b := 0, 1
	for n := range mix.Layers {
		switch {
		case n > 0 && mix.Layers[n].Share > mix.Layers[a].Share:
			a, b = n, a
		case n > 1 && mix.Layers[n].Share > mix.Layers[b].Share:
			b = n
		}
	}
	mix.N = c.direction(x, main[mix.material[a]], main[mix.material[b]])
	// A point stands for the largest part of its octant. All points of a tissue
	// together have its share of the cell.
	var seen [imaging.NumTissues]float64
	for q := range mix.at {
		t := most(&c.share[q])
		mix.at[q] = c.middle[q][t]
		seen[t] += c.share[q][t]
	}
	var all float64
	for q := range mix.part {
		t := most(&c.share[q])
		mix.part[q] = c.whole[t] * c.share[q][t] / seen[t]
		all += mix.part[q]
	}
	for q := range mix.part {
		mix.part[q] /= all
	}
	return mix
}

// direction returns the unit normal of the interface of two tissues, in space.
func (c *content) direction(x *[8]r3.Vec, a, b imaging.Tissue) r3.Vec {
	s := c.slope[a][b]
	if s == [3]float64{} {
		s = c.slope[b][a]
	}
	if s == [3]float64{} { // they do not meet: the line between their middles
		var from, to [3]float64
		for q := range c.share {
			for i := range 3 {
				from[i] += c.share[q][a] * c.middle[q][a][i]
				to[i] += c.share[q][b] * c.middle[q][b][i]
			}
		}
		for i := range s {
			s[i] = to[i]/c.whole[b] - from[i]/c.whole[a]
		}
	}
	// ∇φ = Σ ∂φ/∂ξₐ ∇ξₐ with the covectors ∇ξₐ of the cell's centre.
	t := tangents(x)
	n := r3.Add(r3.Scale(s[0], r3.Cross(t[1], t[2])), r3.Add(r3.Scale(s[1], r3.Cross(t[2], t[0])), r3.Scale(s[2], r3.Cross(t[0], t[1]))))
	if l := r3.Norm(n); l > 0 {
		return r3.Scale(1/l, n)
	}
	return r3.Unit(t[0])
}

// tangents returns ∂x/∂ξ at the centre of a cell with corners x.
func tangents(x *[8]r3.Vec) (t [3]r3.Vec) {
	var d [8][3]float64
	element.Derivatives(&d, 0, 0, 0)
	for a, p := range x {
		for i, w := range d[a] {
			t[i] = r3.Add(t[i], r3.Scale(w, p))
		}
	}
	return t
}

// mostPoisson is the ratio above which the layers of a cell are not told apart
// by [element.Laminate], because its matrix would stop the iteration.
const mostPoisson = 0.499

// assign gives every cell its law: that of its material, and where an interface
// cuts it the laminate of its parts. p.Law holds besides, for each point, the
// geometric mean of Young's moduli and the mean of Poisson's ratios in its octant,
// which take the place of laminates close to incompressibility
// (docs/theory/fem.md, section 3).
func (r *Result) assign(ctx context.Context, p *Problem) error {
	table := r.Conditions.Materials.table()
	r.materials = newMaterials(&r.Conditions.Materials)
	layered := true
	for _, t := range solids {
		layered = layered && table[t].Poisson <= mostPoisson
	}
	if p.Laminates = nil; layered {
		p.Laminates = make([]*element.Laminate, len(r.Mesh.Cells))
	}
	r.mixed = make([]*mixture, len(r.Mesh.Cells))
	return par.Blocks(ctx, len(r.Mesh.Cells), 128, func(lo, hi int) {
		var c content
		for e := lo; e < hi; e++ {
			x := r.Mesh.Corners(e)
			points := r.Points[element.Points*e : element.Points*(e+1)]
			t, pure := c.blend(&x, r.parts)
			if !pure {
				t = most(&c.whole)
				r.mixed[e] = c.laminate(&x, &r.materials)
			}
			r.Tissue[e] = t
			mix := r.mixed[e]
			if mix != nil && layered {
				p.Laminates[e] = &mix.Laminate
			}
			for q := range points {
				pt := &points[q]
				pt.CapDepth = math.NaN()
				pt.Tissue = t
				if mix != nil {
					pt.Tissue = most(&c.share[q])
				}
				pt.Young = table[pt.Tissue].Young
				young, nu := math.Log(pt.Young), table[pt.Tissue].Poisson
				if mix != nil {
					young, nu = 0, 0
					for _, t := range solids {
						young += c.share[q][t] * math.Log(table[t].Young)
						nu += c.share[q][t] * table[t].Poisson
					}
				}
				p.Law[e][q] = element.Moduli(math.Exp(young), nu)
			}
		}
	})
}

// most returns the tissue of the largest share, the later one in imaging's order
// among equals.
func most(share *[imaging.NumTissues]float64) imaging.Tissue {
	best := 0
	for t, f := range share {
		if f >= share[best] {
			best = t
		}
	}
	return imaging.Tissue(best)
}
