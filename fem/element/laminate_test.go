package element

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// stack is a laminate of wall and core with a slanted normal.
func stack() *Laminate {
	return &Laminate{N: r3.Unit(r3.Vec{X: 1, Y: -2, Z: 0.5}), Layers: []Layer{
		{Moduli(600, 0.45), 0.3}, {Moduli(20, 0.45), 0.5}, {Moduli(6000, 0.3), 0.2}}}
}

// Strain within the interface and traction on it are the same in all layers, and
// strains and stresses average to those of the laminate.
func TestLaminateLayers(t *testing.T) {
	l := stack()
	rng := rand.New(rand.NewPCG(3, 1))
	var e Tensor
	for i := range e {
		e[i] = rng.NormFloat64()
	}
	tr := l.Traction(e)
	var mean, stress Tensor
	for i, m := range l.Layers {
		ei := l.Strain(i, e, tr)
		s := m.Stress(ei)
		if d := r3.Norm(r3.Sub(s.Dot(l.N), tr)); d > 1e-9*r3.Norm(tr) {
			t.Errorf("layer %d: traction differs by %g kPa", i, d)
		}
		// Two directions in the interface.
		u := r3.Unit(r3.Cross(l.N, r3.Vec{Z: 1}))
		for _, v := range []r3.Vec{u, r3.Cross(l.N, u)} {
			if d := r3.Dot(ei.Dot(v), v) - r3.Dot(e.Dot(v), v); math.Abs(d) > 1e-12 {
				t.Errorf("layer %d: strain within the interface differs by %g", i, d)
			}
		}
		for c := range mean {
			mean[c] += m.Share * ei[c]
			stress[c] += m.Share * s[c]
		}
	}
	for c := range mean {
		if math.Abs(mean[c]-e[c]) > 1e-12 || math.Abs(stress[c]-l.Stress(e)[c]) > 1e-9 {
			t.Errorf("component %d: mean strain %g, want %g", c, mean[c], e[c])
		}
	}
}

// The stiffness of a laminate along and across its layers has closed forms
// (Backus 1962).
func TestLaminateBackus(t *testing.T) {
	l := stack()
	l.N = r3.Vec{Z: 1}
	var inv, ratio, rest, shear, soft float64
	for _, m := range l.Layers {
		la, mu := m.Bulk-2*m.Shear/3, m.Shear
		p := la + 2*mu
		inv += m.Share / p
		ratio += m.Share * la / p
		rest += m.Share * 4 * mu * (la + mu) / p
		shear += m.Share * mu
		soft += m.Share / mu
	}
	for _, c := range []struct {
		name string
		e    Tensor
		at   int
		want float64
	}{
		{"C33", Tensor{2: 1}, 2, 1 / inv},
		{"C11", Tensor{0: 1}, 0, rest + ratio*ratio/inv},
		{"C13", Tensor{2: 1}, 0, ratio / inv},
		{"C12", Tensor{0: 1}, 1, rest + ratio*ratio/inv - 2*shear},
		{"C44", Tensor{4: 1}, 4, 2 / soft},
		{"C66", Tensor{3: 1}, 3, 2 * shear},
	} {
		verify.Check{Suite: "fem", Case: "laminate of three layers, E 600/20/6000", Quantity: c.name + ", kPa", Source: "Backus 1962",
			Got: l.Stress(c.e)[c.at], Want: c.want, Tol: 1e-10 * c.want}.Run(t)
	}
}

// A laminate of one layer is that solid: same stress, same stiffness.
func TestLaminateOfOne(t *testing.T) {
	m := Moduli(600, 0.49)
	l := &Laminate{N: r3.Unit(r3.Vec{X: 3, Y: 1, Z: 2}), Layers: []Layer{{m, 0.25}, {m, 0.75}}}
	x := [8]r3.Vec{{}, {X: 1}, {X: 1.2, Y: 1.1}, {Y: 0.9, Z: 0.1}, {Z: 1}, {X: 1.1, Z: 1.2}, {X: 1, Y: 1, Z: 1.1}, {X: 0.1, Y: 1, Z: 0.9}}
	var h Hex8
	h.Set(&x)
	var a, b [8][8][9]float64
	var law [Points]Lame
	for q := range law {
		law[q] = m
	}
	h.Stiffness(&a, &law)
	h.LaminateStiffness(&b, l)
	var most, diff float64
	for i := range a {
		for j := range a[i] {
			for c := range a[i][j] {
				most = max(most, math.Abs(a[i][j][c]))
				diff = max(diff, math.Abs(a[i][j][c]-b[i][j][c]))
			}
		}
	}
	if diff > 1e-12*most {
		t.Errorf("stiffness differs by %g of %g kPa·mm", diff, most)
	}
}
