package solid

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
)

// boxPerturbed is the unit cube of n³ bricks with inner nodes moved by up to
// noise of the spacing.
func boxPerturbed(n int, noise float64, rng *rand.Rand) *mesh.Solid {
	m := mesh.Box([3]int{n, n, n}, r3.Vec{X: 1, Y: 1, Z: 1})
	h := noise / float64(n)
	for a, p := range m.Nodes {
		d := r3.Scale(2*h, r3.Vec{X: rng.Float64() - 0.5, Y: rng.Float64() - 0.5, Z: rng.Float64() - 0.5})
		if !onBox(p) {
			m.Nodes[a] = r3.Add(p, d)
		}
	}
	return mesh.NewSolid(m)
}

func onBox(p r3.Vec) bool {
	on := func(v float64) bool { return v < 1e-9 || v > 1-1e-9 }
	return on(p.X) || on(p.Y) || on(p.Z)
}

// l2error returns the root mean square error of the displacement of the nodes'
// shape functions at the quadrature points of hex20.
func l2error(sol *Solution, u func(r3.Vec) r3.Vec) float64 {
	m := sol.sys.Mesh
	var c element.Continuum
	var sum, volume float64
	for e := range m.Cells() {
		ref := element.Of(m.Types[e], false)
		if m.Types[e] == element.Tetra4 { // one point is too few
			ref = fine4
		} else if m.Types[e] == element.Brick8 {
			ref = fine8
		}
		c.Set(ref, m.Corners(nil, e))
		for q := range ref.Xi {
			d := r3.Scale(-1, u(c.At[q]))
			for a, n := range m.Cell(e) {
				d = r3.Add(d, r3.Scale(ref.N[q][a], sol.Displacement(int(n))))
			}
			sum += c.Weight[q] * r3.Norm2(d)
			volume += c.Weight[q]
		}
	}
	return math.Sqrt(sum / volume)
}

// fine4 and fine8 are tet4 and hex8 with the quadrature of tet10 and hex20.
var fine4, fine8 = finer(element.Tetra4, element.Tetra10), finer(element.Brick8, element.Brick20)

func finer(t, like element.Type) *element.Reference {
	r := *element.Of(t, false)
	from := element.Of(like, false)
	r.Xi, r.W, r.N, r.D = from.Xi, from.W, nil, nil
	for _, x := range r.Xi {
		n, d := t.Shape(x)
		r.N, r.D = append(r.N, n), append(r.D, d)
	}
	return &r
}
