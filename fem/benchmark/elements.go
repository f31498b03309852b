package benchmark

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/fem/solid"
)

// patchMesh is the cube of seven distorted bricks of MacNeal and Harder (1985).
func patchMesh(kind string) *mesh.Solid {
	m := &mesh.Mesh{}
	for _, z := range []float64{0, 1} {
		m.Nodes = append(m.Nodes, r3.Vec{Z: z}, r3.Vec{X: 1, Z: z}, r3.Vec{X: 1, Y: 1, Z: z}, r3.Vec{Y: 1, Z: z})
	}
	m.Nodes = append(m.Nodes, r3.Vec{X: .249, Y: .342, Z: .192}, r3.Vec{X: .826, Y: .288, Z: .288}, r3.Vec{X: .850, Y: .649, Z: .263}, r3.Vec{X: .273, Y: .750, Z: .230},
		r3.Vec{X: .320, Y: .186, Z: .643}, r3.Vec{X: .677, Y: .305, Z: .683}, r3.Vec{X: .788, Y: .693, Z: .644}, r3.Vec{X: .165, Y: .745, Z: .702})
	m.Cells = append(m.Cells, [8]int32{8, 9, 10, 11, 12, 13, 14, 15})
	for _, f := range element.Brick8.Faces() {
		var c [8]int32
		for a := range 4 { // the outer face from inside, then the inner one
			c[a] = int32(f[3-a])
			c[4+a] = int32(8 + f[3-a])
		}
		m.Cells = append(m.Cells, c)
	}
	return convert(kind, mesh.NewSolid(m)).Solid
}

func onCube(p r3.Vec) bool {
	on := func(v float64) bool { return v < 1e-9 || v > 1-1e-9 }
	return on(p.X) || on(p.Y) || on(p.Z)
}

// patch gives the boundary of distorted bricks a linear displacement: the stress
// is the same everywhere (A2, MH-PATCH).
func patch(t *run) error {
	for _, kind := range []string{"hex8", "hex8 enhanced", "hex20"} {
		b := uniform(patchMesh(kind), elastic(1e6, 0.25), false)
		for n, p := range b.Mesh.Nodes {
			if onCube(p) {
				for i, v := range []float64{2*p.X + p.Y + p.Z, p.X + 2*p.Y + p.Z, p.X + p.Y + 2*p.Z} {
					b.Fixed = append(b.Fixed, solid.Fix{Node: int32(n), Axis: uint8(i), Value: 1e-3 * v / 2})
				}
			}
		}
		f, err := t.fields(b, 1)
		if err != nil {
			return err
		}
		// The value farthest from the reference.
		var normal, shear float64
		for n := range f.Samples {
			for i, x := range f.Samples[n].Stress {
				if i < 3 && math.Abs(x-2000) >= math.Abs(normal-2000) || n+i == 0 {
					normal = x
				} else if i >= 3 && (math.Abs(x-400) >= math.Abs(shear-400) || n == 0 && i == 3) {
					shear = x
				}
			}
		}
		how := kind + ", worst point"
		t.compare("MH-PATCH", how, "s_xx=s_yy=s_zz", "all points", normal)
		t.compare("MH-PATCH", how, "t_xy=t_yz=t_zx", "all points", shear)
	}
	return nil
}

// homogeneous stretches a distorted cube, free at its sides, in large strain: the
// exact answer of a compressible neo-Hookean solid (UNIAX-C).
func homogeneous(t *run) error {
	for _, k := range []float64{300, 3000} {
		for _, lambda := range []float64{1.1, 1.3, 1.6} {
			b := uniform(patchMesh("hex8 enhanced"), material.NeoHookean(30, k), true)
			m := b.Mesh
			plane := func(axis int, at float64) []int32 {
				return nodesWhere(m, func(p r3.Vec) bool { return math.Abs([3]float64{p.X, p.Y, p.Z}[axis]-at) < 1e-9 })
			}
			for axis := range 3 {
				hold(b, plane(axis, 0), uint8(axis))
			}
			for _, n := range plane(0, 1) {
				b.Fixed = append(b.Fixed, solid.Fix{Node: n, Axis: 0, Value: lambda - 1})
			}
			f, err := t.fields(b, 4)
			if err != nil {
				return err
			}
			how, at := "7 distorted hex8 enhanced", fmt.Sprintf("lambda=%g", lambda)
			t.compare("UNIAX-C", how, fmt.Sprintf("cauchy_11 NH K=%g", k), at, f.Samples[0].Stress[0])
			t.compare("UNIAX-C", how, fmt.Sprintf("lateral_stretch NH K=%g", k), at, 1+f.Displacement(nearest(m, r3.Vec{X: 1, Y: 1, Z: 1})).Y)
		}
	}
	return nil
}

// manufactured solves for a known displacement on meshes of 4³ and 8³ cells: its
// error falls with the order of the element plus one (B, M1).
func manufactured(t *run) error {
	u := func(p r3.Vec) r3.Vec {
		const pi = math.Pi
		return r3.Vec{X: math.Sin(pi*p.X) * math.Cos(pi*p.Y) * math.Cos(pi*p.Z), Y: math.Cos(pi*p.X) * math.Sin(pi*p.Y) * math.Cos(pi*p.Z), Z: math.Cos(pi*p.X) * math.Cos(pi*p.Y) * math.Sin(pi*p.Z)}
	}
	l := element.Moduli(1, 0.3)
	load := 3 * math.Pi * math.Pi * (l.Bulk + 4*l.Shear/3)
	for _, test := range []struct {
		kind  string
		order float64
	}{{"hex8", 2}, {"hex8 enhanced", 2}, {"hex20", 3}} {
		var errs [2]float64
		for n, cells := range []int{4, 8} {
			b := uniform(lattice(test.kind, [3]int{cells, cells, cells}, r3.Vec{X: 1, Y: 1, Z: 1}, nil), elastic(1, 0.3), false)
			b.BodyForce = func(p r3.Vec) r3.Vec { return r3.Scale(load, u(p)) }
			for a, p := range b.Mesh.Nodes {
				if onCube(p) {
					v := u(p)
					for i, w := range []float64{v.X, v.Y, v.Z} {
						b.Fixed = append(b.Fixed, solid.Fix{Node: int32(a), Axis: uint8(i), Value: w})
					}
				}
			}
			f, err := t.fields(b, 1)
			if err != nil {
				return err
			}
			var sum, volume float64
			for e := range b.Mesh.Cells() {
				for i, xi := range quadrature(b.Mesh, e).Xi {
					s := &f.Samples[int(f.First[e])+i]
					_, got := f.At(e, xi)
					sum += s.Volume * r3.Norm2(r3.Sub(got, u(s.At)))
					volume += s.Volume
				}
			}
			errs[n] = math.Sqrt(sum / volume)
		}
		t.check("B/M1, ν = 0.3: "+test.kind+", 4³ and 8³ cells", "order of the displacement error, at most that of theory", "manufactured solution",
			min(math.Log2(errs[0]/errs[1]), test.order), test.order, 0.25)
	}
	return nil
}

// prestress finds the shape without load of a cylinder that was imaged under
// diastolic pressure, and its stress at diastole and systole (PRESTRESS-NH).
func prestress(t *run) error {
	b := quarter("hex20", []float64{1.5, 2.5}, 5, 6, 1, 0.1, []material.Law{material.NeoHookean(30, 3e4)}, true)
	under := func(b *solid.Body, kPa float64) *solid.Body {
		x := *b
		x.Pressures = []solid.Pressure{{Sides: lumen(b.Mesh, b.Mesh.Nodes[nearest(b.Mesh, r3.Vec{X: 1.5})].X), Value: kPa}}
		return &x
	}
	b = under(b, 10.666)
	free, err := b.Unload(t.ctx, solid.DefaultSettings(), 2e-4, 10)
	if err != nil {
		return err
	}
	how := "hex20, 5 × 6, K = 3e4"
	in, out := nearest(b.Mesh, r3.Vec{X: 1.5}), nearest(b.Mesh, r3.Vec{X: 2.5})
	t.compare("PRESTRESS-NH", how, "R_inner_unloaded", "", free.Body.Mesh.Nodes[in].X)
	t.compare("PRESTRESS-NH", how, "R_outer_unloaded", "", free.Body.Mesh.Nodes[out].X)
	t.check("PRESTRESS-NH, "+how, "forward solves, at least 5", "at most 10", max(float64(free.Solves), 5), 7.5, 2.5)
	set := solid.DefaultSettings()
	set.Start = free.Loaded
	loaded := *free.Body
	loaded.Pressures = []solid.Pressure{{Sides: free.Body.Pressures[0].Sides, Value: 16}}
	systole, err := loaded.Solve(t.ctx, set)
	if err != nil {
		return err
	}
	for _, phase := range []struct {
		name string
		sol  *solid.Solution
	}{{"diastole", free.Loaded}, {"systole", systole}} {
		f, err := phase.sol.Fields(t.ctx)
		if err != nil {
			return err
		}
		t.compare("PRESTRESS-NH", how, "r_inner", phase.name, free.Body.Mesh.Nodes[in].X+phase.sol.Displacement(in).X)
		for _, place := range []struct {
			name string
			node int
		}{{"inner", in}, {"outer", out}} {
			s, _ := t.at(free.Body, f, free.Body.Mesh.Nodes[place.node], 0)
			t.compare("PRESTRESS-NH", how, "stt", phase.name+" "+place.name, s.Stress[1])
		}
	}
	// A code that takes the imaged shape for the unloaded one.
	ignored := under(b, 16)
	f, err := t.fields(ignored, 4)
	if err != nil {
		return err
	}
	s, u := t.at(ignored, f, b.Mesh.Nodes[in], 0)
	t.compare("PRESTRESS-NH", how, "stt_inner_if_prestress_ignored", "systole", s.Stress[1])
	t.compare("PRESTRESS-NH", how, "r_inner_if_prestress_ignored", "systole", 1.5+u.X)
	return nil
}
