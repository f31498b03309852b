package benchmark

import (
	"fmt"
	"math"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/fem/solid"
	"gonum.org/v1/gonum/spatial/r3"
)

// block returns n³ cells between corners, mapped by f from the unit cube, as a
// part for weld.
func block(n [3]int, f func(p r3.Vec) r3.Vec) *mesh.Mesh {
	m := mesh.Box(n, r3.Vec{X: 1, Y: 1, Z: 1})
	for a, p := range m.Nodes {
		m.Nodes[a] = f(p)
	}
	return m
}

// weld joins parts at nodes in the same place.
func weld(parts ...*mesh.Mesh) *mesh.Solid {
	out := &mesh.Mesh{}
	at := map[[3]int64]int32{}
	for _, m := range parts {
		number := make([]int32, len(m.Nodes))
		for a, p := range m.Nodes {
			k := [3]int64{int64(math.Round(p.X * 1e7)), int64(math.Round(p.Y * 1e7)), int64(math.Round(p.Z * 1e7))}
			n, ok := at[k]
			if !ok {
				n = int32(len(out.Nodes))
				at[k] = n
				out.Nodes = append(out.Nodes, p)
			}
			number[a] = n
		}
		for _, c := range m.Cells {
			for a := range c {
				c[a] = number[c[a]]
			}
			out.Cells = append(out.Cells, c)
		}
	}
	for n := range out.Cells { // a mapping may mirror
		x := out.Corners(n)
		if element.ScaledJacobian(&x) < 0 {
			c := &out.Cells[n]
			c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7] = c[4], c[5], c[6], c[7], c[0], c[1], c[2], c[3]
		}
	}
	return mesh.NewSolid(out)
}

// octant is an eighth of a ball between radii, n cells on each edge and through
// in each layer; with a core, the ball inside of the first radius is filled.
func octant(radii []float64, n, through int, core bool) *mesh.Solid {
	var parts []*mesh.Mesh
	inner := radii[0]
	cube := 0.55 * inner
	shell := func(lo, hi func(a, b float64, axis int) r3.Vec) {
		for axis := range 3 {
			parts = append(parts, block([3]int{n, n, through}, func(p r3.Vec) r3.Vec {
				u, v := lo(p.X, p.Y, axis), hi(p.X, p.Y, axis)
				return r3.Add(r3.Scale(1-p.Z, u), r3.Scale(p.Z, v))
			}))
		}
	}
	turn := func(v r3.Vec, axis int) r3.Vec {
		return [3]r3.Vec{v, {X: v.Z, Y: v.X, Z: v.Y}, {X: v.Y, Y: v.Z, Z: v.X}}[axis]
	}
	sphere := func(r float64) func(a, b float64, axis int) r3.Vec {
		return func(a, b float64, axis int) r3.Vec {
			return turn(r3.Scale(r, r3.Unit(r3.Vec{X: 1, Y: math.Tan(a * math.Pi / 4), Z: math.Tan(b * math.Pi / 4)})), axis)
		}
	}
	if core {
		parts = append(parts, block([3]int{n, n, n}, func(p r3.Vec) r3.Vec {
			return r3.Scale(cube, r3.Vec{X: math.Tan(p.X * math.Pi / 4), Y: math.Tan(p.Y * math.Pi / 4), Z: math.Tan(p.Z * math.Pi / 4)})
		}))
		shell(func(a, b float64, axis int) r3.Vec {
			return turn(r3.Scale(cube, r3.Vec{X: 1, Y: math.Tan(a * math.Pi / 4), Z: math.Tan(b * math.Pi / 4)}), axis)
		}, sphere(inner))
	}
	for l := range len(radii) - 1 {
		shell(sphere(radii[l]), sphere(radii[l+1]))
	}
	s := weld(parts...).Refine()
	// Middles of edges on a sphere go to it.
	for e := range s.Cells() {
		c := s.Cell(e)
		for m, ed := range element.Brick20.Edges() {
			p, q := s.Nodes[c[ed[0]]], s.Nodes[c[ed[1]]]
			if r := r3.Norm(p); math.Abs(r-r3.Norm(q)) < 1e-9 && r > inner-1e-9 {
				s.Nodes[c[8+m]] = r3.Scale(r, r3.Unit(s.Nodes[c[8+m]]))
			}
		}
	}
	return s
}

func holdOctant(b *solid.Body) {
	m := b.Mesh
	hold(b, nodesWhere(m, func(p r3.Vec) bool { return math.Abs(p.X) < 1e-9 }), 0)
	hold(b, nodesWhere(m, func(p r3.Vec) bool { return math.Abs(p.Y) < 1e-9 }), 1)
	hold(b, nodesWhere(m, func(p r3.Vec) bool { return math.Abs(p.Z) < 1e-9 }), 2)
}

func onSphere(m *mesh.Solid, r float64) []mesh.Side {
	return sidesWhere(m, func(p r3.Vec) bool { return math.Abs(r3.Norm(p)-r) < 1e-6 })
}

// A thick sphere under internal pressure, and a stiff core under external
// pressure (section D).
func spheres(t *run) error {
	dir := r3.Unit(r3.Vec{X: 1, Y: 0.7, Z: 0.4})
	radial := func(s element.Tensor) (rr, tt float64) {
		d := [3]float64{dir.X, dir.Y, dir.Z}
		rr = d[0]*d[0]*s[0] + d[1]*d[1]*s[1] + d[2]*d[2]*s[2] + 2*(d[0]*d[1]*s[3]+d[1]*d[2]*s[4]+d[2]*d[0]*s[5])
		return rr, (s[0] + s[1] + s[2] - rr) / 2
	}
	b := uniform(octant([]float64{1, 2}, 3, 14, false), material.NeoHookean(30, 3e4), true)
	holdOctant(b)
	b.Pressures = pressed(onSphere(b.Mesh, 1), 16)
	f, err := t.fields(b, 2)
	if err != nil {
		return err
	}
	how := "hex20, 3 × 3 × 14 in each third of an octant, K = 3e4"
	in, u := t.at(b, f, dir, 0)
	out, _ := t.at(b, f, r3.Scale(2, dir), 0)
	t.compare("NHSPHERE", how, "r_inner_deformed", "inner", 1+r3.Dot(u, dir))
	_, tt := radial(in.Stress)
	t.compare("NHSPHERE", how, "stt", "inner", tt)
	_, tt = radial(out.Stress)
	t.compare("NHSPHERE", how, "stt", "outer", tt)

	m := octant([]float64{0.5, 1, 2}, 3, 4, true)
	b = &solid.Body{Mesh: m, Laws: []material.Law{elastic(10000, 0.3), elastic(300, 0.45)}, Of: make([]int32, m.Cells())}
	for e := range b.Of {
		if r3.Norm(m.Centre(e)) > 0.5 {
			b.Of[e] = 1
		}
	}
	holdOctant(b)
	b.Pressures = pressed(onSphere(m, 2), 10)
	f, err = t.fields(b, 1)
	if err != nil {
		return err
	}
	how = "hex20, octant with core, 3 × 3 × 4"
	_, u = t.at(b, f, r3.Scale(2, dir), 1)
	t.compare("CORESPHERE", how, "u_r", "r=ro", r3.Dot(u, dir))
	core, _ := t.at(b, f, r3.Scale(0.25, dir), 0)
	rr, _ := radial(core.Stress)
	t.compare("CORESPHERE", how, "srr", "core", rr)
	matrix, _ := t.at(b, f, r3.Scale(0.5, dir), 1)
	rr, tt = radial(matrix.Stress)
	t.compare("CORESPHERE", how, "stt", "matrix at r=ri", tt)
	t.compare("CORESPHERE", how, "srr", "matrix at r=ri", rr)
	return nil
}

// cook is Cook's trapezoid of n × n cells and that thickness.
func cook(kind string, n int, law material.Law, finite bool, force float64, planeStrain bool) (*solid.Body, int) {
	const thick = 1.0
	m := lattice(kind, [3]int{n, n, 1}, r3.Vec{X: 1, Y: 1, Z: thick}, func(p r3.Vec) r3.Vec {
		lo, hi := 44*p.X, 44+16*p.X
		return r3.Vec{X: 48 * p.X, Y: lo + p.Y*(hi-lo), Z: p.Z}
	})
	b := uniform(m, law, finite)
	hold(b, nodesWhere(m, func(p r3.Vec) bool { return p.X < 1e-9 }), 0, 1)
	if planeStrain {
		hold(b, nodesWhere(m, func(p r3.Vec) bool { return true }), 2)
	} else {
		hold(b, nodesWhere(m, func(p r3.Vec) bool { return p.Z < 1e-9 }), 2)
	}
	b.Tractions = []solid.Traction{{Sides: sidesWhere(m, func(p r3.Vec) bool { return p.X > 48-1e-9 }), Value: r3.Vec{Y: force / (16 * thick)}}}
	return b, nearest(m, r3.Vec{X: 48, Y: 52})
}

// Cook's membrane in bending and shear; its tip (section E).
func cookMembrane(t *run) error {
	for _, kind := range []string{"hex20", "hex8 enhanced", "tet10", "hex8"} {
		n := 16
		if kind == "hex8 enhanced" || kind == "hex8" {
			n = 32
		}
		if !t.all {
			if kind != "hex20" {
				continue
			}
			n = 8
		}
		how := fmt.Sprintf("%s, %d × %d", kind, n, n)
		tip := func(b *solid.Body, node int) float64 {
			sol, err := t.solve(b, 4)
			if err != nil {
				t.fail(err)
				return math.NaN()
			}
			return sol.Displacement(node).Y
		}
		t.compare("COOK-PSTRESS", how, "v", "C (48;52)", tip(cook(kind, n, elastic(1, 1.0/3), false, 1, false)))
		t.compare("COOK-PSTRAIN-1/3", how, "v", "C (48;52)", tip(cook(kind, n, elastic(250, 1.0/3), false, 100, true)))
		t.compare("COOK-PSTRAIN-0.4999", how, "v", "C (48;52)", tip(cook(kind, n, elastic(250, 0.4999), false, 100, true)))
		t.compare("COOK-NH", how, "v", "C (48;52)", tip(cook(kind, n, material.NeoHookean(80.1938/2, 40*80.1938), true, 100, true)))
	}
	return nil
}

// The beams of MacNeal and Harder (1985), refined; the scores of their six
// elements are in docs/theory.
func beams(t *run) error {
	for _, kind := range []string{"hex20", "hex8 enhanced"} {
		if !t.all && kind != "hex20" {
			continue
		}
		beam := func(n [3]int, size r3.Vec, f func(r3.Vec) r3.Vec, law material.Law) *solid.Body {
			m := lattice(kind, n, size, func(p r3.Vec) r3.Vec { return p })
			root := nodesWhere(m, func(p r3.Vec) bool { return p.X < 1e-9 })
			tip := sidesWhere(m, func(p r3.Vec) bool { return p.X > size.X-1e-9 })
			for a, p := range m.Nodes {
				m.Nodes[a] = f(p)
			}
			b := uniform(m, law, false)
			hold(b, root, 0, 1, 2)
			b.Tractions = []solid.Traction{{Sides: tip}}
			return b
		}
		tip := func(b *solid.Body, area float64, dir r3.Vec) float64 {
			b.Tractions[0].Value = r3.Scale(1/area, dir)
			sol, err := t.solve(b, 1)
			if err != nil {
				t.fail(err)
				return math.NaN()
			}
			var sum float64
			var n int
			for _, s := range b.Tractions[0].Sides {
				for _, node := range b.Mesh.SideNodes(nil, s) {
					sum += r3.Dot(sol.Displacement(int(node)), dir)
					n++
				}
			}
			return sum / float64(n)
		}
		how := kind + ", 24 × 2 × 2"
		n := [3]int{24, 2, 2}
		if kind == "hex8 enhanced" {
			how, n = kind+", 48 × 4 × 4", [3]int{48, 4, 4}
		}
		straight := func() *solid.Body {
			return beam(n, r3.Vec{X: 6, Y: 0.2, Z: 0.1}, func(p r3.Vec) r3.Vec { return p }, elastic(1e7, 0.3))
		}
		t.compare("MH-BEAM-STRAIGHT", how, "tip displacement, extension", "free end", tip(straight(), 0.02, r3.Vec{X: 1}))
		t.compare("MH-BEAM-STRAIGHT", how, "tip displacement, in-plane shear", "free end", tip(straight(), 0.02, r3.Vec{Y: 1}))
		t.compare("MH-BEAM-STRAIGHT", how, "tip displacement, out-of-plane shear", "free end", tip(straight(), 0.02, r3.Vec{Z: 1}))
		curved := func() *solid.Body {
			return beam(n, r3.Vec{X: math.Pi / 2, Y: 0.2, Z: 0.1}, func(p r3.Vec) r3.Vec {
				s, c := math.Sincos(p.X)
				return r3.Vec{X: (4.32 - p.Y) * s, Y: (4.32 - p.Y) * c, Z: -p.Z}
			}, elastic(1e7, 0.25))
		}
		t.compare("MH-BEAM-CURVED", how, "tip displacement, in-plane shear", "free end", tip(curved(), 0.02, r3.Vec{X: 1}))
		t.compare("MH-BEAM-CURVED", how, "tip displacement, out-of-plane shear", "free end", tip(curved(), 0.02, r3.Vec{Z: 1}))
		twisted := func() *solid.Body {
			return beam(n, r3.Vec{X: 12, Y: 1.1, Z: 0.32}, func(p r3.Vec) r3.Vec {
				s, c := math.Sincos(p.X / 12 * math.Pi / 2)
				y, z := p.Y-0.55, p.Z-0.16
				return r3.Vec{X: p.X, Y: c*y - s*z, Z: s*y + c*z}
			}, elastic(29e6, 0.22))
		}
		// At the tip the width lies along z.
		t.compare("MH-BEAM-TWISTED", how, "tip displacement, in-plane shear", "free end", tip(twisted(), 1.1*0.32, r3.Vec{Z: 1}))
		t.compare("MH-BEAM-TWISTED", how, "tip displacement, out-of-plane shear", "free end", tip(twisted(), 1.1*0.32, r3.Vec{Y: 1}))
	}
	return nil
}

// The elliptic membrane and plate of NAFEMS, LE1 and LE10.
func nafems(t *run) error {
	ring := func(n [3]int, thick float64) *mesh.Solid {
		return lattice("hex20", n, r3.Vec{X: 1, Y: 1, Z: thick}, func(p r3.Vec) r3.Vec {
			s, c := math.Sincos(math.Pi / 2 * p.Y)
			in, out := r3.Vec{X: 2 * c, Y: 1 * s}, r3.Vec{X: 3.25 * c, Y: 2.75 * s}
			q := r3.Add(r3.Scale(1-p.X, in), r3.Scale(p.X, out))
			q.Z = p.Z
			return q
		})
	}
	outer := func(p r3.Vec) bool {
		return math.Abs(p.X*p.X/(3.25*3.25)+p.Y*p.Y/(2.75*2.75)-1) < 1e-6
	}
	symmetry := func(b *solid.Body) {
		hold(b, nodesWhere(b.Mesh, func(p r3.Vec) bool { return math.Abs(p.X) < 1e-9 }), 0)
		hold(b, nodesWhere(b.Mesh, func(p r3.Vec) bool { return math.Abs(p.Y) < 1e-9 }), 1)
	}
	// In MPa and m; plane stress as a sheet that is free to change its thickness.
	m := ring([3]int{10, 14, 1}, 0.1)
	b := uniform(m, elastic(210e3, 0.3), false)
	symmetry(b)
	hold(b, nodesWhere(m, func(p r3.Vec) bool { return p.Z < 1e-9 }), 2)
	b.Pressures = pressed(sidesWhere(m, outer), -10)
	f, err := t.fields(b, 1)
	if err != nil {
		return err
	}
	s, _ := t.at(b, f, r3.Vec{X: 2, Z: 0.05}, 0)
	t.compare("LE1", "hex20, 10 × 14", "s_yy", "D (2;0)", s.Stress[1])

	m = ring([3]int{8, 10, 4}, 0.6)
	b = uniform(m, elastic(210e3, 0.3), false)
	symmetry(b)
	hold(b, nodesWhere(m, outer), 0, 1)
	hold(b, nodesWhere(m, func(p r3.Vec) bool { return outer(p) && math.Abs(p.Z-0.3) < 1e-9 }), 2)
	b.Pressures = pressed(sidesWhere(m, func(p r3.Vec) bool { return p.Z > 0.6-1e-9 }), 1)
	// A node on a plane of symmetry and the outer face is held twice.
	f, err = t.fields(b, 1)
	if err != nil {
		return err
	}
	s, _ = t.at(b, f, r3.Vec{X: 2, Z: 0.6}, 0)
	t.compare("LE10", "hex20, 8 × 10 × 4", "s_yy", "D (2;0;0.6)", s.Stress[1])
	return nil
}
