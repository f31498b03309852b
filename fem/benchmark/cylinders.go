package benchmark

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/fem/solid"
)

// ray is the direction along which cylinders are read.
var ray = r3.Vec{X: math.Cos(0.7), Y: math.Sin(0.7)}

// Lamé's cylinder in plane strain, for every element and Poisson's ratio: the
// nearly incompressible ones must not lock. Stress on the surface of tet4 is of
// first order only; its displacement, von Mises stress and energy are compared.
func lame(t *run) error {
	for _, test := range []struct {
		kind            string
		through, around int
	}{{"hex20", 10, 8}, {"tet10", 10, 12}, {"hex8 enhanced", 32, 24}, {"hex8", 32, 24}, {"tet4", 32, 32}} {
		for _, nu := range []string{"0.3", "0.45", "0.49", "0.499", "0.4999"} {
			if !t.all && (nu != "0.4999" || test.kind != "hex20") {
				continue
			}
			name := "LAME-PE-nu" + nu
			if nu == "0.3" {
				name = "LAME-PE"
			}
			v, err := strconv.ParseFloat(nu, 64)
			if err != nil {
				return err
			}
			b := quarter(test.kind, []float64{1.5, 2.5}, test.through, test.around, 1, 0.1, []material.Law{elastic(500, v)}, false)
			b.Pressures = pressed(lumen(b.Mesh, 1.5), 16)
			f, err := t.fields(b, 1)
			if err != nil {
				return err
			}
			how := fmt.Sprintf("%s, %d × %d", test.kind, test.through, test.around)
			for _, at := range []struct {
				r    float64
				name string
			}{{1.5, "r=1.5"}, {2, "r=2.0"}, {2.5, "r=2.5"}} {
				if at.r == 2 && nu != "0.3" {
					continue
				}
				p := r3.Scale(at.r, ray)
				s, u := t.at(b, f, r3.Add(p, r3.Vec{Z: 0.05}), 0)
				rr, tt, zz := polar(s.Stress, p)
				t.compare(name, how, "u_r", at.name, r3.Dot(u, ray))
				t.compare(name, how, "vm", at.name, s.Stress.VonMises())
				if test.kind == "tet4" {
					continue
				}
				t.compare(name, how, "srr", at.name, rr)
				t.compare(name, how, "stt", at.name, tt)
				t.compare(name, how, "szz", at.name, zz)
				t.compare(name, how, "sed", at.name, s.Energy)
			}
			t.compare(name, how, "strain_energy_per_length", "all", 4*f.Energy/0.1)
		}
	}
	return nil
}

// Lamé's cylinder with closed ends: the section shares the axial force p π rᵢ².
func lameClosed(t *run) error {
	b := quarter("hex20", []float64{1.5, 2.5}, 8, 8, 1, 0.1, []material.Law{elastic(500, 0.3)}, false)
	top := func(p r3.Vec) bool { return p.Z > 0.1-1e-9 }
	b.Fixed = slices.DeleteFunc(b.Fixed, func(f solid.Fix) bool { return f.Axis == 2 && top(b.Mesh.Nodes[f.Node]) })
	b.Pressures = pressed(lumen(b.Mesh, 1.5), 16)
	b.Tractions = []solid.Traction{{Sides: sidesWhere(b.Mesh, top), Value: r3.Vec{Z: 16 * 1.5 * 1.5 / (2.5*2.5 - 1.5*1.5)}}}
	f, err := t.fields(b, 1)
	if err != nil {
		return err
	}
	const how = "hex20, 8 × 8"
	for _, at := range []struct {
		r    float64
		name string
	}{{1.5, "r=1.5"}, {2.5, "r=2.5"}} {
		p := r3.Scale(at.r, ray)
		s, u := t.at(b, f, r3.Add(p, r3.Vec{Z: 0.05}), 0)
		rr, tt, zz := polar(s.Stress, p)
		t.compare("LAME-CE", how, "u_r", at.name, r3.Dot(u, ray))
		t.compare("LAME-CE", how, "srr", at.name, rr)
		t.compare("LAME-CE", how, "stt", at.name, tt)
		t.compare("LAME-CE", how, "szz", at.name, zz)
		t.compare("LAME-CE", how, "vm", at.name, s.Stress.VonMises())
		t.compare("LAME-CE", how, "sed", at.name, s.Energy)
		if at.r == 1.5 {
			t.compare("LAME-CE", how, "ezz", "all", s.Strain[2])
		}
	}
	t.compare("LAME-CE", how, "strain_energy_per_length", "all", 4*f.Energy/0.1)
	// Half the work of the loads is stored (benchmark A7).
	t.check("A7: LAME-CE, "+how, "½ fᵀu over the strain energy", "work balance", f.Work/f.Energy, 1, 1e-8)
	return nil
}

// Three layers: stress jumps at the interfaces and is reported from both sides.
func layers(t *run) error {
	for _, kind := range []string{"hex20", "hex8 enhanced"} {
		through, around := 4, 16
		if kind != "hex20" {
			through, around = 16, 48
		}
		if !t.all && kind != "hex20" {
			continue
		}
		how := fmt.Sprintf("%s, 3 × %d × %d", kind, through, around)
		radii := []float64{1.5, 1.9, 2.2, 2.5}
		b := quarter(kind, radii, through, around, 1, 0.1, []material.Law{elastic(300, 0.45), elastic(60, 0.45), elastic(900, 0.45)}, false)
		b.Pressures = pressed(lumen(b.Mesh, 1.5), 16)
		f, err := t.fields(b, 1)
		if err != nil {
			return err
		}
		for l := range 3 {
			for _, r := range radii[l : l+2] {
				at := fmt.Sprintf("r=%g layer%d", r, l+1)
				p := r3.Scale(r, ray)
				s, u := t.at(b, f, r3.Add(p, r3.Vec{Z: 0.05}), int32(l))
				rr, tt, zz := polar(s.Stress, p)
				t.compare("LAYER3-PE", how, "u_r", at, r3.Dot(u, ray))
				t.compare("LAYER3-PE", how, "srr", at, rr)
				t.compare("LAYER3-PE", how, "szz", at, zz)
				t.compare("LAYER3-PE", how, "vm", at, s.Stress.VonMises())
				t.compare("LAYER3-PE", how, "sed", at, s.Energy)
				t.compare("LAYER3-PE", how, "stt", at, tt)
			}
		}
		t.compare("LAYER3-PE", how, "strain_energy_per_length", "all", 4*f.Energy/0.1)
	}
	return nil
}

// An eccentric bore: the peak hoop stress sits at the thinnest wall (Jeffery).
func eccentric(t *run) error {
	for _, e := range []float64{0.2, 0.4, 0.6} {
		m := lattice("hex20", [3]int{8, 24, 1}, r3.Vec{X: 1, Y: 1, Z: 0.1}, func(p r3.Vec) r3.Vec {
			s, c := math.Sincos(math.Pi * p.Y)
			r := 1.25 + p.X*(2.2-1.25)
			return r3.Vec{X: r*c + e*(1-p.X), Y: r * s, Z: p.Z}
		})
		b := uniform(m, elastic(600, 0.45), false)
		hold(b, nodesWhere(m, func(p r3.Vec) bool { return math.Abs(p.Y) < 1e-9 }), 1)
		hold(b, nodesWhere(m, func(r3.Vec) bool { return true }), 2)
		hold(b, []int32{int32(nearest(m, r3.Vec{X: 2.2}))}, 0)
		b.Pressures = pressed(sidesWhere(m, func(p r3.Vec) bool { return math.Abs(math.Hypot(p.X-e, p.Y)-1.25) < 1e-6 }), 16)
		f, err := t.fields(b, 1)
		if err != nil {
			return err
		}
		s, _ := t.at(b, f, r3.Vec{X: e + 1.25, Z: 0.05}, 0)
		t.compare(fmt.Sprintf("ECC-e%g", e), "hex20, 8 × 24 of a half", "stt_max", "inner surface, thinnest wall", s.Stress[1])
	}
	return nil
}

// Cylinders of one hyperelastic layer or three under a following pressure.
func finiteCylinders(t *run) error {
	const k = 1e5 // incompressible but for 0.02 % of the radius
	for _, test := range []struct {
		name     string
		radii    []float64
		laws     []material.Law
		pressure float64
		stretch  float64
		kinds    []string
	}{
		{"NHCYL", []float64{1.5, 2.5}, []material.Law{material.NeoHookean(30, k)}, 16, 1, []string{"hex20", "hex8 enhanced", "tet10"}},
		{"NHCYL-thin", []float64{1.5, 1.8}, []material.Law{material.NeoHookean(30, k)}, 8, 1, []string{"hex20"}},
		{"MRCYL-z", []float64{1.5, 2.5}, []material.Law{material.MooneyRivlin(20, 8, k)}, 16, 1.1, []string{"hex20"}},
		{"EXPCYL", []float64{1.5, 2.5}, []material.Law{material.Exponential{C1: 36.8, D1: 14.4, D2: 2, K: k}}, 24, 1, []string{"hex20"}},
		{"LAYERNH", []float64{1.5, 1.9, 2.2, 2.5}, []material.Law{material.NeoHookean(30, k), material.NeoHookean(3, k/10), material.NeoHookean(60, k)}, 16, 1, []string{"hex20"}},
	} {
		for _, kind := range test.kinds {
			if !t.all && (kind != "hex20" || test.name != "MRCYL-z") {
				continue
			}
			layers := len(test.laws)
			through, around := 9/layers, 8
			if kind != "hex20" {
				through, around = 24, 16
			}
			if kind == "tet10" {
				through, around = 8, 12
			}
			const height = 0.1
			b := quarter(kind, test.radii, through, around, 1, height, test.laws, true)
			for n, f := range b.Fixed {
				if f.Axis == 2 && b.Mesh.Nodes[f.Node].Z > height/2 {
					b.Fixed[n].Value = (test.stretch - 1) * height
				}
			}
			b.Pressures = pressed(lumen(b.Mesh, test.radii[0]), test.pressure)
			f, err := t.fields(b, 4)
			if err != nil {
				return err
			}
			how := fmt.Sprintf("%s, %d × %d, K = %g", kind, layers*through, around, k)
			for l := range layers {
				for side, r := range test.radii[l : l+2] {
					p := r3.Scale(r, ray)
					s, u := t.at(b, f, r3.Add(p, r3.Vec{Z: height / 2}), int32(l))
					rr, tt, zz := polar(s.Stress, p)
					at := fmt.Sprintf("layer%d %s face (R=%g)", l+1, []string{"inner", "outer"}[side], r)
					t.compare(test.name, how, "srr", at, rr)
					t.compare(test.name, how, "stt", at, tt)
					t.compare(test.name, how, "szz", at, zz)
					if l == 0 && side == 0 {
						deformed := r + r3.Dot(u, ray)
						t.compare(test.name, how, "r_inner_deformed", "lumen", deformed)
						t.compare(test.name, how, "lambda_theta", "lumen", deformed/r)
					}
				}
			}
			var axial float64
			for n, p := range b.Mesh.Nodes {
				if p.Z > height-1e-9 {
					axial += f.Force[3*n+2]
				}
			}
			t.compare(test.name, how, "axial_force_total", "cross-section", 4*axial)
		}
	}
	return nil
}

// Compressible cylinders against the radial equation integrated to 1e-10.
func compressibleCylinders(t *run) error {
	for _, k := range []float64{300, 3000, 30000} {
		name := fmt.Sprintf("NHCYL-K%g", k)
		for _, kind := range []string{"hex20", "hex8 enhanced"} {
			if !t.all && (kind != "hex20" || k != 3000) {
				continue
			}
			through, around := 10, 8
			if kind != "hex20" {
				through, around = 32, 24
			}
			b := quarter(kind, []float64{1.5, 2.5}, through, around, 1, 0.1, []material.Law{material.NeoHookean(30, k)}, true)
			b.Pressures = pressed(lumen(b.Mesh, 1.5), 16)
			f, err := t.fields(b, 4)
			if err != nil {
				return err
			}
			how := fmt.Sprintf("%s, %d × %d", kind, through, around)
			for _, r := range []float64{1.5, 2, 2.5} {
				p := r3.Scale(r, ray)
				s, u := t.at(b, f, r3.Add(p, r3.Vec{Z: 0.05}), 0)
				rr, tt, zz := polar(s.Stress, p)
				at := fmt.Sprintf("R=%g", r)
				t.compare(name, how, "r", at, r+r3.Dot(u, ray))
				t.compare(name, how, "srr", at, rr)
				t.compare(name, how, "stt", at, tt)
				t.compare(name, how, "szz", at, zz)
				t.compare(name, how, "J", at, s.Stretch)
			}
			// The last residuals of a step fall at least quadratically (A8).
			if h := f.History; k < 30000 {
				n := len(h)
				order := math.Log(h[n-1]/h[n-2]) / math.Log(h[n-2]/h[n-3])
				t.check("A8: "+name+", "+how, "order of Newton's method over the last three residuals, at most 2", "quadratic convergence", min(order, 2), 2, 0.2)
			}
		}
	}
	return nil
}

// Two families of fibres at ±40° from the hoop direction.
func fibreCylinder(t *run) error {
	b := quarter("hex20", []float64{1.5, 2.5}, 10, 20, 1, 0.1, []material.Law{material.HGO{C10: 15, K1: 20, K2: 10, K: 1e5}}, true)
	s, c := math.Sincos(40 * math.Pi / 180)
	for e := range b.Mesh.Cells() {
		p := b.Mesh.Centre(e)
		hoop := r3.Unit(r3.Vec{X: -p.Y, Y: p.X})
		b.Fibres = append(b.Fibres, []r3.Vec{r3.Add(r3.Scale(c, hoop), r3.Vec{Z: s}), r3.Add(r3.Scale(c, hoop), r3.Vec{Z: -s})})
	}
	b.Pressures = pressed(lumen(b.Mesh, 1.5), 16)
	f, err := t.fields(b, 4)
	if err != nil {
		return err
	}
	const how = "hex20, 10 × 20, K = 1e5"
	in, u := t.at(b, f, r3.Add(r3.Scale(1.5, ray), r3.Vec{Z: 0.05}), 0)
	out, _ := t.at(b, f, r3.Add(r3.Scale(2.5, ray), r3.Vec{Z: 0.05}), 0)
	t.compare("HGOCYL", how, "r_inner", "deformed", 1.5+r3.Dot(u, ray))
	_, tt, _ := polar(in.Stress, ray)
	t.compare("HGOCYL", how, "stt", "inner surface", tt)
	_, tt, _ = polar(out.Stress, ray)
	t.compare("HGOCYL", how, "stt", "outer surface", tt)
	return nil
}

// Along a path of twenty steps the pressure does the work that is stored (A7).
func workAlongPath(t *run) error {
	b := quarter("hex20", []float64{1.5, 2.5}, 4, 4, 1, 0.1, []material.Law{material.NeoHookean(30, 3000)}, true)
	b.Pressures = pressed(lumen(b.Mesh, 1.5), 16)
	sol, err := t.solve(b, 20)
	if err != nil {
		return err
	}
	t.check("A7: NHCYL-K3000, hex20, 20 steps", "work of the pressure over the strain energy", "work balance", sol.Work/sol.Energy, 1, 1e-3)
	return nil
}
