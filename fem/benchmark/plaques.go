package benchmark

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/fem/solid"
)

// curve is a line in the plane over [0, 1].
type curve func(s float64) r3.Vec

// arc runs around c on the ellipse of semi-axes a and b, angles in degrees.
func arc(c r3.Vec, a, b, from, to float64) curve {
	return func(s float64) r3.Vec {
		y, x := math.Sincos((from + s*(to-from)) * math.Pi / 180)
		return r3.Vec{X: c.X + a*x, Y: c.Y + b*y}
	}
}

// segment runs straight.
func segment(p, q r3.Vec) curve {
	return func(s float64) r3.Vec { return r3.Add(r3.Scale(1-s, p), r3.Scale(s, q)) }
}

// between returns a sheet of hex20, na × nb cells and one cell of that thickness,
// between two curves; cells shrink towards the first by the factor grade.
func between(na, nb int, thick, grade float64, p, q curve) *mesh.Solid {
	s := mesh.NewSolid(mesh.Box([3]int{na, nb, 1}, r3.Vec{X: 1, Y: 1, Z: thick})).Refine()
	for n, x := range s.Nodes {
		t := x.Y
		if grade != 1 {
			t = (math.Pow(grade, x.Y) - 1) / (grade - 1)
		}
		v := r3.Add(r3.Scale(1-t, p(x.X)), r3.Scale(t, q(x.X)))
		s.Nodes[n] = r3.Vec{X: v.X, Y: v.Y, Z: x.Z}
	}
	return s
}

// join welds sheets of any elements; material[i] is that of part i. Cells that a
// mapping mirrored are turned.
func join(parts []*mesh.Solid, materials []int32) (*mesh.Solid, []int32) {
	out := &mesh.Solid{}
	var of []int32
	at := map[[3]int64]int32{}
	for i, s := range parts {
		number := make([]int32, len(s.Nodes))
		for n, p := range s.Nodes {
			k := [3]int64{int64(math.Round(p.X * 1e7)), int64(math.Round(p.Y * 1e7)), int64(math.Round(p.Z * 1e7))}
			m, ok := at[k]
			if !ok {
				m = int32(len(out.Nodes))
				at[k] = m
				out.Nodes = append(out.Nodes, p)
			}
			number[n] = m
		}
		for e := range s.Cells() {
			c := make([]int32, 0, 20)
			for _, n := range s.Cell(e) {
				c = append(c, number[n])
			}
			var x []r3.Vec
			for _, n := range c {
				x = append(x, out.Nodes[n])
			}
			var el element.Continuum
			if el.Set(element.Of(s.Types[e], false), x); el.Volume < 0 {
				for _, p := range [][2]int{{0, 4}, {1, 5}, {2, 6}, {3, 7}, {8, 12}, {9, 13}, {10, 14}, {11, 15}} {
					c[p[0]], c[p[1]] = c[p[1]], c[p[0]]
				}
			}
			out.Add(s.Types[e], c...)
			of = append(of, materials[i])
		}
	}
	return out, of
}

// Section D1: the lumen's centre and the thickness of the sheet.
var lumenCentre = r3.Vec{X: -0.3}

const sheet = 0.05

// plaque is the upper half of section D1 with a cap of least thickness t in plane
// strain. hex20 conform to lumen, lipid and outer circle: a grid in the lipid,
// three blocks around it, and one for the rest of the wall. Material 0 is the
// wall, 1 the lipid.
func plaque(t float64, scale int, laws []material.Law, finite bool) *solid.Body {
	c := r3.Vec{X: lumenCentre.X + 1.2 + t + 0.25}
	const a, b = 0.25, 0.8
	const psi1, psi2 = 60, 120 // corners on the lipid's ellipse
	thetaA, phiB := 38.0, 42.0 // on the outer circle and the lumen
	outer, lumen := arc(r3.Vec{}, 2, 2, 0, 1), arc(lumenCentre, 1.2, 1.2, 0, 1)
	A, B := outer(thetaA), lumen(phiB)
	n, m := 4*scale, 2*scale
	ellipse := func(from, to, r float64) curve { return arc(c, r*a, r*b, from, to) }
	core := func(x, y float64) r3.Vec { return r3.Vec{X: c.X + a*x, Y: b * y} }
	right, top, left := segment(core(0.5, 0), core(0.45, 0.45)), segment(core(0.45, 0.45), core(-0.45, 0.45)), segment(core(-0.45, 0.45), core(-0.5, 0))
	parts := []*mesh.Solid{
		between(n, m, sheet, 1, ellipse(0, psi1, 1), arc(r3.Vec{}, 2, 2, 0, thetaA)),
		between(n, m, sheet, 1, ellipse(psi1, psi2, 1), segment(A, B)),
		between(n, m, sheet, 1, ellipse(psi2, 180, 1), arc(lumenCentre, 1.2, 1.2, phiB, 0)),
		between(2*n, n, sheet, 1, arc(r3.Vec{}, 2, 2, thetaA, 180), arc(lumenCentre, 1.2, 1.2, phiB, 180)),
		between(n, m/2, sheet, 1, ellipse(0, psi1, 1), right), between(n, m/2, sheet, 1, ellipse(psi1, psi2, 1), top), between(n, m/2, sheet, 1, ellipse(psi2, 180, 1), left),
		between(n, n, sheet, 1, right, func(s float64) r3.Vec { return left(1 - s) }),
	}
	s, of := join(parts, []int32{0, 0, 0, 0, 1, 1, 1, 1})
	body := &solid.Body{Mesh: s, Laws: laws, Of: of, Finite: finite}
	hold(body, nodesWhere(s, func(p r3.Vec) bool { return true }), 2)
	hold(body, nodesWhere(s, func(p r3.Vec) bool { return math.Abs(p.Y) < 1e-9 }), 1)
	hold(body, []int32{int32(nearest(s, r3.Vec{X: -2}))}, 0)
	hold(body, []int32{int32(nearest(s, r3.Vec{X: -2, Z: sheet}))}, 0)
	body.Pressures = pressed(sidesWhere(s, onLumen), 16)
	return body
}

func onLumen(p r3.Vec) bool { return math.Abs(math.Hypot(p.X-lumenCentre.X, p.Y)-1.2) < 1e-6 }

var plaqueLaws = []struct {
	name   string
	laws   []material.Law
	finite bool
}{
	{"lin45", []material.Law{elastic(600, 0.45), elastic(20, 0.45)}, false},
	{"lin495", []material.Law{elastic(600, 0.495), elastic(20, 0.495)}, false},
	{"nh", []material.Law{material.NeoHookean(50, 2000), material.NeoHookean(2, 80)}, true},
	{"mrx", []material.Law{material.Exponential{C1: 36.8, D1: 14.4, D2: 2, K: 3280}, material.Exponential{C1: 2, D1: 2, D2: 1.5, K: 250}}, true},
}

// Section D1 on conforming meshes, for each cap and material (section F).
func plaqueSection(t *run) error {
	for _, l := range plaqueLaws {
		for _, cap := range []float64{0.06, 0.15, 0.30, 0.40} {
			if !t.all && cap != 0.15 || l.name != "lin45" && (!t.all || cap == 0.40) {
				continue
			}
			name := fmt.Sprintf("D1-%s-cap%.2f", l.name, cap)
			b := plaque(cap, 3, l.laws, l.finite)
			f, err := t.fields(b, 2)
			if err != nil {
				return err
			}
			m := b.Mesh
			how := fmt.Sprintf("%d hex20 for a half", m.Cells())
			xc := lumenCentre.X + 1.2 + cap + 0.25
			inCap := func(p r3.Vec) bool {
				return math.Abs(p.Y) <= 0.6+1e-9 && p.X > -0.3 && p.X < xc-0.25*math.Sqrt(1-p.Y*p.Y/0.64)+1e-6
			}
			var principal, vm, lumenPeak float64
			var strain, energy float64
			var dist distribution
			for e := range m.Cells() {
				if b.Of[e] != 0 {
					continue
				}
				ref := quadrature(b.Mesh, e)
				for i := range ref.Xi {
					s := &f.Samples[int(f.First[e])+i]
					if inCap(s.At) {
						v, _ := f.At(e, ref.Xi[i])
						dist = append(dist, weighted{v.Stress.Principal()[0], s.Volume})
					}
				}
				for a, node := range m.Cell(e) {
					v, _ := f.At(e, corner(m.Types[e], a))
					if inCap(m.Nodes[node]) {
						principal, vm = max(principal, v.Stress.Principal()[0]), max(vm, v.Stress.VonMises())
						strain, energy = max(strain, v.Strain.Principal()[0]), max(energy, v.Energy)
					}
					if onLumen(m.Nodes[node]) {
						lumenPeak = max(lumenPeak, v.Stress.Principal()[0])
					}
				}
			}
			var area float64
			for _, d := range dist {
				area += d.volume / sheet
			}
			dist.sort()
			if cap == 0.40 { // the table holds no more
				t.compare(name, how, "mean_max_principal", "cap region", dist.mean())
				t.compare(name, how, "p99_max_principal", "cap region", dist.percentile(99))
				continue
			}
			peaks := map[string]float64{"peak_von_mises": vm, "peak_max_principal_strain": strain, "peak_strain_energy_density": energy}
			for _, row := range sortedKeys(t.ref) {
				if row[0] != name {
					continue
				}
				if got, ok := peaks[row[1]]; ok {
					t.compare(name, how, row[1], row[2], got)
				}
				if row[1] == "peak_max_principal" {
					got := principal
					if row[2][:5] == "lumen" {
						got = lumenPeak
					}
					t.compare(name, how, row[1], row[2], got)
				}
			}
			t.compare(name, how, "mean_max_principal", "cap region", dist.mean())
			for _, p := range []struct {
				name  string
				value float64
			}{{"p50", dist.percentile(50)}, {"p90", dist.percentile(90)}, {"p95", dist.percentile(95)}, {"p99", dist.percentile(99)}} {
				t.compare(name, how, p.name+"_max_principal", "cap region (area weighted)", p.value)
			}
			t.compare(name, how, "cap_region_area", "both halves", 2*area)
			at := func(x float64) (solid.Tensors, r3.Vec) { return t.at(b, f, r3.Vec{X: x, Z: sheet / 2}, 0) }
			near, un := at(0.9)
			far, uf := at(-1.5)
			side, _ := at(0.9 + cap)
			t.compare(name, how, "max_principal", "lumen point (0.9;0)", near.Stress.Principal()[0])
			t.compare(name, how, "max_principal", "lumen point (-1.5;0)", far.Stress.Principal()[0])
			t.compare(name, how, "max_principal", "cap side of the lipid interface at y=0", side.Stress.Principal()[0])
			t.compare(name, how, "lumen_diameter_change_x", "y=0", un.X-uf.X)
			t.compare(name, how, "strain_energy_full_section", "per mm length", 2*f.Energy/sheet)
			var flux float64
			for _, sd := range b.Pressures[0].Sides {
				var x []r3.Vec
				for _, n := range m.SideNodes(nil, sd) {
					x = append(x, r3.Add(m.Nodes[n], f.Displacement(int(n))))
				}
				_, v := element.FaceOf(8).Area(x, flat(x))
				flux += v
			}
			t.compare(name, how, "lumen_area_deformed", "full section", -flux/sheet)
		}
	}
	return nil
}

// flat drops z.
func flat(x []r3.Vec) []r3.Vec {
	out := make([]r3.Vec, len(x))
	for n, p := range x {
		out[n] = r3.Vec{X: p.X, Y: p.Y}
	}
	return out
}

func sortedKeys(all Reference) [][3]string {
	keys := slices.Collect(maps.Keys(all))
	slices.SortFunc(keys, func(a, b [3]string) int { return slices.Compare(a[:], b[:]) })
	return keys
}

// block20 maps a lattice of hex20 over the unit cube.
func block20(n [3]int, f func(p r3.Vec) r3.Vec) *mesh.Solid {
	s := mesh.NewSolid(mesh.Box(n, r3.Vec{X: 1, Y: 1, Z: 1})).Refine()
	for i, p := range s.Nodes {
		s.Nodes[i] = f(p)
	}
	return s
}

// tubeWithCore is the quarter y > 0, z > 0 of case D2: a tube, material 0, with a
// ball in its wall, material 1. A box of the tube around the ball is cut into
// blocks that conform to it, n cells on half an edge and m through.
func tubeWithCore(n, m int, laws []material.Law, finite bool) *solid.Body {
	const theta, height = 0.35, 0.65
	warp := func(a, b, c float64) r3.Vec {
		return r3.Vec{X: math.Tan(a * math.Pi / 4), Y: math.Tan(b * math.Pi / 4), Z: math.Tan(c * math.Pi / 4)}
	}
	centre := r3.Vec{X: 1.9}
	tube := func(r, theta, z float64) r3.Vec {
		s, c := math.Sincos(theta)
		return r3.Vec{X: r * c, Y: r * s, Z: z}
	}
	box := func(a, b, c float64) r3.Vec { return tube(1.9+0.5*a, theta*b, height*c) }
	ball := func(a, b, c float64) r3.Vec { return r3.Add(centre, r3.Scale(0.3, r3.Unit(warp(a, b, c)))) }
	cube := func(a, b, c float64) r3.Vec { return r3.Add(centre, r3.Scale(0.15, warp(a, b, c))) }
	var parts []*mesh.Solid
	var materials []int32
	add := func(of int32, s *mesh.Solid) { parts, materials = append(parts, s), append(materials, of) }
	shell := func(of int32, through int, lo, hi func(a, b, c float64) r3.Vec) {
		for _, face := range []struct {
			n  [2]int
			at func(p, q float64) (a, b, c float64)
		}{
			{[2]int{n, n}, func(p, q float64) (a, b, c float64) { return -1, p, q }},
			{[2]int{n, n}, func(p, q float64) (a, b, c float64) { return 1, p, q }},
			{[2]int{2 * n, n}, func(p, q float64) (a, b, c float64) { return 2*p - 1, 1, q }},
			{[2]int{2 * n, n}, func(p, q float64) (a, b, c float64) { return 2*p - 1, q, 1 }},
		} {
			add(of, block20([3]int{face.n[0], face.n[1], through}, func(p r3.Vec) r3.Vec {
				a, b, c := face.at(p.X, p.Y)
				return r3.Add(r3.Scale(1-p.Z, lo(a, b, c)), r3.Scale(p.Z, hi(a, b, c)))
			}))
		}
	}
	add(1, block20([3]int{2 * n, n, n}, func(p r3.Vec) r3.Vec { return cube(2*p.X-1, p.Y, p.Z) }))
	shell(1, max(m/2, 1), cube, ball)
	shell(0, m, ball, box)
	const around, along = 10, 7
	add(0, block20([3]int{2 * n, around, n}, func(p r3.Vec) r3.Vec {
		return tube(1.4+p.X, theta+p.Y*(math.Pi-theta), height*p.Z)
	}))
	add(0, block20([3]int{2 * n, n, along}, func(p r3.Vec) r3.Vec {
		return tube(1.4+p.X, theta*p.Y, height+p.Z*(3.5-height))
	}))
	add(0, block20([3]int{2 * n, around, along}, func(p r3.Vec) r3.Vec {
		return tube(1.4+p.X, theta+p.Y*(math.Pi-theta), height+p.Z*(3.5-height))
	}))
	s, of := join(parts, materials)
	b := &solid.Body{Mesh: s, Laws: laws, Of: of, Finite: finite}
	hold(b, nodesWhere(s, func(p r3.Vec) bool { return p.Z < 1e-9 || p.Z > 3.5-1e-9 }), 2)
	hold(b, nodesWhere(s, func(p r3.Vec) bool { return math.Abs(p.Y) < 1e-9 }), 1)
	// No plane of symmetry holds x: one line of the outer wall does.
	hold(b, nodesWhere(s, func(p r3.Vec) bool { return r3.Norm(r3.Sub(p, r3.Vec{X: -2.4})) < 1e-9 }), 0)
	b.Pressures = pressed(lumen(s, 1.4), 16)
	return b
}

// A ball of soft core in the wall of a tube, three-dimensional (D2).
func coreInTube(t *run) error {
	for _, l := range []struct {
		name   string
		laws   []material.Law
		finite bool
	}{
		{"D2-linear", []material.Law{elastic(500, 0.45), elastic(20, 0.45)}, false},
		{"D2-nh", []material.Law{material.NeoHookean(50, 2000), material.NeoHookean(2, 80)}, true},
	} {
		if !t.all && l.finite {
			continue
		}
		b := tubeWithCore(5, 5, l.laws, l.finite)
		f, err := t.fields(b, 2)
		if err != nil {
			return err
		}
		m := b.Mesh
		how := fmt.Sprintf("%d hex20 for a quarter", m.Cells())
		in, un := t.at(b, f, r3.Vec{X: 1.4}, 0)
		far, uf := t.at(b, f, r3.Vec{X: -1.4}, 0)
		side, _ := t.at(b, f, r3.Vec{X: 1.6}, 0)
		core, _ := t.at(b, f, r3.Vec{X: 1.9}, 1)
		_, en := t.at(b, f, r3.Vec{X: 1.4, Z: 3.5}, 0)
		_, ef := t.at(b, f, r3.Vec{X: -1.4, Z: 3.5}, 0)
		t.compare(l.name, how, "max_principal", "lumen point (1.4;0;0)", in.Stress.Principal()[0])
		t.compare(l.name, how, "von_mises", "lumen point (1.4;0;0)", in.Stress.VonMises())
		t.compare(l.name, how, "max_principal", "wall side of the core at (1.6;0;0)", side.Stress.Principal()[0])
		t.compare(l.name, how, "max_principal", "lumen point (-1.4;0;0)", far.Stress.Principal()[0])
		t.compare(l.name, how, "von_mises", "core centre (1.9;0;0)", core.Stress.VonMises())
		t.compare(l.name, how, "lumen_diameter_change_x", "z=0", un.X-uf.X)
		t.compare(l.name, how, "lumen_diameter_change_x", "z=3.5", en.X-ef.X)
		t.compare(l.name, how, "strain_energy", "full model (both halves in y and z)", 4*f.Energy)
		var flux float64
		for _, sd := range b.Pressures[0].Sides {
			var x, u []r3.Vec
			for _, n := range m.SideNodes(nil, sd) {
				x, u = append(x, m.Nodes[n]), append(u, f.Displacement(int(n)))
			}
			_, v := element.FaceOf(len(x)).Area(x, u)
			flux -= v // normals of the wall look into the lumen
		}
		t.compare(l.name, how, "integral_of_u_dot_n_over_reference_lumen", "full model", 4*flux)
		var dist distribution
		for e := range m.Cells() {
			ref := quadrature(b.Mesh, e)
			for i := range ref.Xi {
				if s := &f.Samples[int(f.First[e])+i]; b.Of[e] == 0 && s.At.Z < 1 {
					v, _ := f.At(e, ref.Xi[i])
					dist = append(dist, weighted{v.Stress.Principal()[0], s.Volume})
				}
			}
		}
		dist.sort()
		for _, p := range []struct {
			name  string
			value float64
		}{{"p50", dist.percentile(50)}, {"p90", dist.percentile(90)}, {"p95", dist.percentile(95)}, {"p99", dist.percentile(99)}} {
			t.compare(l.name, how, p.name+"_max_principal", "wall |z|<1 (volume weighted)", p.value)
		}
	}
	return nil
}
