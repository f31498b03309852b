package element_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// kinds lists all elements.
var kinds = []struct {
	name string
	ref  *element.Reference
}{
	{"hex8", element.Of(element.Brick8, false)}, {"hex8 enhanced", element.Of(element.Brick8, true)},
	{"hex20", element.Of(element.Brick20, false)}, {"tet4", element.Of(element.Tetra4, false)}, {"tet10", element.Of(element.Tetra10, false)}, {"tet10 with bubble", element.Of(element.Tetra10, true)},
}

// nodes returns the nodes of an element moved by up to noise.
func nodes(ref *element.Reference, noise float64, rng *rand.Rand) []r3.Vec {
	x := make([]r3.Vec, ref.Nodes())
	for a := range x {
		c := ref.Type.Node(a)
		x[a] = r3.Vec{X: c[0] + noise*(rng.Float64()-0.5), Y: c[1] + noise*(rng.Float64()-0.5), Z: c[2] + noise*(rng.Float64()-0.5)}
	}
	return x
}

// Shape functions are one at their node and zero at the others, sum to one, and
// have the derivatives that they claim; the quadrature integrates the volume.
func TestShapes(t *testing.T) {
	for typ := range element.Type(element.NumTypes) {
		for a := range typ.Nodes() {
			n, _ := typ.Shape(typ.Node(a))
			for b := range n {
				want := 0.0
				if a == b {
					want = 1
				}
				if math.Abs(n[b]-want) > 1e-14 {
					t.Errorf("%s: N_%d at node %d is %g", typ, b, a, n[b])
				}
			}
		}
		x := [3]float64{0.21, 0.13, 0.32}
		n, d := typ.Shape(x)
		var sum float64
		for a := range n {
			sum += n[a]
			for i := range 3 {
				const h = 1e-6
				hi, lo := x, x
				hi[i] += h
				lo[i] -= h
				p, _ := typ.Shape(hi)
				m, _ := typ.Shape(lo)
				if g := (p[a] - m[a]) / (2 * h); math.Abs(g-d[a][i]) > 1e-8 {
					t.Errorf("%s: derivative %d of N_%d is %g, want %g", typ, i, a, d[a][i], g)
				}
			}
		}
		if math.Abs(sum-1) > 1e-14 {
			t.Errorf("%s: shapes sum to %g", typ, sum)
		}
		var c element.Continuum
		c.Set(element.Of(typ, false), nodes(element.Of(typ, false), 0, rand.New(rand.NewPCG(1, 1))))
		want := 8.0
		if typ.Corners() == 4 {
			want = 1.0 / 6
		}
		if math.Abs(c.Volume-want) > 1e-13*want {
			t.Errorf("%s: volume %.15g, want %g", typ, c.Volume, want)
		}
	}
}

// A single distorted element of any type resists all but the six rigid motions,
// with inner motions and when they are eliminated (benchmark A1).
func TestContinuumZeroModes(t *testing.T) {
	for _, k := range kinds {
		for _, nu := range []float64{0, 0.3, 0.49, 0.4999} {
			noise := 0.3
			if k.ref.Corners() == 4 {
				noise = 0.1
			}
			x := nodes(k.ref, noise, rand.New(rand.NewPCG(7, 1)))
			var c element.Continuum
			if d := c.Set(k.ref, x); d <= 0 {
				t.Fatalf("%s: Jacobian %g", k.name, d)
			}
			in := element.Input{Law: material.Linear{Elastic: material.Elastic{Young: 600, Poisson: nu}}, U: make([]float64, c.Dofs())}
			if err := c.Evaluate(&in, true); err != nil {
				t.Fatal(err)
			}
			for _, condensed := range []bool{false, true} {
				if condensed && !c.Condense(make([]float64, 1000)) {
					t.Fatalf("%s, ν = %g: inner stiffness is singular", k.name, nu)
				}
				n := len(c.Force)
				m := mat.NewSymDense(n, nil)
				var asym float64
				for i := range n {
					for j := range n {
						m.SetSym(i, j, c.Stiff[min(i, j)*n+max(i, j)])
						asym = max(asym, math.Abs(c.Stiff[i*n+j]-c.Stiff[j*n+i]))
					}
				}
				var eig mat.EigenSym
				if !eig.Factorize(m, false) {
					t.Fatal("eigenvalues failed")
				}
				v := eig.Values(nil)
				var zero int
				for _, l := range v {
					if math.Abs(l) < 1e-10*v[n-1] {
						zero++
					}
				}
				if asym > 1e-12*v[n-1] || v[6] <= 0 {
					t.Errorf("%s, ν = %g: asymmetry %g, seventh eigenvalue %g", k.name, nu, asym, v[6])
				}
				if condensed {
					verify.Check{Suite: "mechanics", Case: fmt.Sprintf("A1: one distorted %s, ν = %g", k.name, nu), Quantity: "motions without energy",
						Source: "rigid motions of a body", Got: float64(zero), Want: 6}.Run(t)
				}
			}
		}
	}
}

// Forces are the derivative of the energy and stiffness that of the forces, for
// every element, in small and finite strain (benchmark A5).
func TestContinuumTangent(t *testing.T) {
	fibres := []r3.Vec{r3.Unit(r3.Vec{X: 1, Y: 1, Z: 0.2}), r3.Unit(r3.Vec{X: 1, Y: -1, Z: 0.3})}
	for _, k := range kinds {
		for _, test := range []struct {
			name   string
			law    material.Law
			finite bool
		}{
			{"linear, small strain", material.Linear{Elastic: material.Elastic{Young: 600, Poisson: 0.45}}, false},
			{"linear, finite strain", material.Linear{Elastic: material.Elastic{Young: 600, Poisson: 0.45}}, true},
			{"Mooney-Rivlin", material.MooneyRivlin(20, 8, 3000), true},
			{"exponential", material.Exponential{C1: 36.8, D1: 14.4, D2: 2, K: 3280}, true},
			{"HGO", material.HGO{C10: 15, K1: 20, K2: 10, K: 3000}, true},
		} {
			rng := rand.New(rand.NewPCG(3, 1))
			x := nodes(k.ref, 0.1, rng)
			var c element.Continuum
			if d := c.Set(k.ref, x); d <= 0 {
				t.Fatalf("%s: Jacobian %g", k.name, d)
			}
			n := c.Dofs()
			in := element.Input{Law: test.law, Fibres: fibres, U: make([]float64, n), Finite: test.finite}
			for a, p := range x {
				in.U[3*a], in.U[3*a+1], in.U[3*a+2] = 0.2*p.X+0.1*p.Y, -0.08*p.Y+0.05*p.Z, 0.02*p.X-0.05*p.Z
			}
			for i := range in.U {
				in.U[i] += 0.03 * (rng.Float64() - 0.5)
			}
			if err := c.Evaluate(&in, true); err != nil {
				t.Fatal(err)
			}
			force, stiff := append([]float64(nil), c.Force...), append([]float64(nil), c.Stiff...)
			var errF, errK, maxF, maxK float64
			const h = 1e-6
			for i := range n {
				old := in.U[i]
				in.U[i] = old + h
				if err := c.Evaluate(&in, false); err != nil {
					t.Fatal(err)
				}
				hi, up := append([]float64(nil), c.Force...), c.Energy
				in.U[i] = old - h
				if err := c.Evaluate(&in, false); err != nil {
					t.Fatal(err)
				}
				in.U[i] = old
				errF, maxF = max(errF, math.Abs((up-c.Energy)/(2*h)-force[i])), max(maxF, math.Abs(force[i]))
				for j := range n {
					errK, maxK = max(errK, math.Abs((hi[j]-c.Force[j])/(2*h)-stiff[j*n+i])), max(maxK, math.Abs(stiff[j*n+i]))
				}
			}
			if errF > 1e-6*maxF {
				t.Errorf("%s, %s: forces off the energy's derivative by %g", k.name, test.name, errF/maxF)
			}
			verify.Check{Suite: "mechanics", Case: "A5: " + k.name + ", " + test.name, Quantity: "tangent against forces, relative",
				Source: "central differences", Got: errK / maxK, Want: 0, Tol: 1e-6}.Run(t)
		}
	}
}

// The pressure load's stiffness is the derivative of the load, on every face.
func TestPressureTangent(t *testing.T) {
	for typ := range element.Type(element.NumTypes) {
		ref := element.Of(typ, false)
		x := nodes(ref, 0.2, rand.New(rand.NewPCG(5, 1)))
		for _, face := range typ.Faces() {
			p := make([]r3.Vec, len(face))
			for a, n := range face {
				p[a] = x[n]
			}
			f := element.FaceOf(len(face))
			force, stiff := make([]float64, 3*len(p)), make([]float64, 9*len(p)*len(p))
			f.Pressure(force, stiff, p, 16)
			var worst, scale float64
			const h = 1e-5
			for b := range 3 * len(p) {
				var loads [2][]float64
				for s := range loads {
					q := append([]r3.Vec(nil), p...)
					d := h * float64(1-2*s)
					q[b/3] = r3.Add(q[b/3], [3]r3.Vec{{X: d}, {Y: d}, {Z: d}}[b%3])
					loads[s] = make([]float64, len(force))
					f.Pressure(loads[s], nil, q, 16)
				}
				for i := range force {
					k := stiff[i*len(force)+b]
					worst, scale = max(worst, math.Abs((loads[0][i]-loads[1][i])/(2*h)-k)), max(scale, math.Abs(k))
				}
			}
			if worst > 1e-6*scale {
				t.Errorf("%s: load stiffness off by %g", typ, worst/scale)
			}
		}
	}
}

// A uniform pressure on all faces of a distorted element has neither resultant
// nor moment: the faces close, and all their normals point outwards (A6).
func TestClosedElements(t *testing.T) {
	for typ := range element.Type(element.NumTypes) {
		x := nodes(element.Of(typ, false), 0.2, rand.New(rand.NewPCG(11, 1)))
		var force, moment r3.Vec
		var area, volume float64
		for _, face := range typ.Faces() {
			p := make([]r3.Vec, len(face))
			for a, n := range face {
				p[a] = x[n]
			}
			f := element.FaceOf(len(face))
			load := make([]float64, 3*len(p))
			f.Pressure(load, nil, p, 16)
			for a := range p {
				v := r3.Vec{X: load[3*a], Y: load[3*a+1], Z: load[3*a+2]}
				force, moment = r3.Add(force, v), r3.Add(moment, r3.Cross(p[a], v))
			}
			s, flux := f.Area(p, p)
			area += s
			volume += flux / 3
		}
		var c element.Continuum
		c.Set(element.Of(typ, false), x)
		if math.Abs(volume-c.Volume) > 0.03*c.Volume { // quadrature of curved elements
			t.Errorf("%s: the faces enclose %g mm³, the element has %g", typ, volume, c.Volume)
		}
		for what, v := range map[string]r3.Vec{"force": force, "moment": moment} {
			verify.Check{Suite: "mechanics", Case: "A6: uniform pressure on all faces of a distorted " + typ.String(), Quantity: "resultant " + what + " over p·area",
				Source: "equilibrium", Got: r3.Norm(v) / (16 * area), Want: 0, Tol: 1e-12}.Run(t)
		}
	}
}

func BenchmarkContinuum(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			x := nodes(k.ref, 0.1, rand.New(rand.NewPCG(3, 1)))
			var c element.Continuum
			c.Set(k.ref, x)
			in := element.Input{Law: material.NeoHookean(30, 3000), U: make([]float64, c.Dofs()), Finite: true}
			back := make([]float64, 1000)
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Evaluate(&in, true); err != nil {
					b.Fatal(err)
				}
				c.Condense(back)
			}
		})
	}
}
