package fem

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

const suite = "mechanics"

// patch is the mesh of MacNeal and Harder's constant-strain test: a unit cube
// in seven bricks.
func patch() *mesh.Mesh {
	m := &mesh.Mesh{}
	for _, c := range element.Corners {
		m.Nodes = append(m.Nodes, r3.Vec{X: (c[0] + 1) / 2, Y: (c[1] + 1) / 2, Z: (c[2] + 1) / 2})
	}
	m.Nodes = append(m.Nodes,
		r3.Vec{X: .249, Y: .342, Z: .192}, r3.Vec{X: .826, Y: .288, Z: .288}, r3.Vec{X: .850, Y: .649, Z: .263}, r3.Vec{X: .273, Y: .750, Z: .230},
		r3.Vec{X: .320, Y: .186, Z: .643}, r3.Vec{X: .677, Y: .305, Z: .683}, r3.Vec{X: .788, Y: .693, Z: .644}, r3.Vec{X: .165, Y: .745, Z: .702})
	m.Cells = [][8]int32{
		{8, 9, 10, 11, 12, 13, 14, 15},
		{0, 1, 2, 3, 8, 9, 10, 11},   // below
		{12, 13, 14, 15, 4, 5, 6, 7}, // above
		{0, 1, 9, 8, 4, 5, 13, 12},   // y = 0
		{11, 10, 2, 3, 15, 14, 6, 7}, // y = 1
		{0, 8, 11, 3, 4, 12, 15, 7},  // x = 0
		{9, 1, 2, 10, 13, 5, 6, 14},  // x = 1
	}
	return m
}

// cubeFaces are the faces of the outer corners, counter-clockwise from outside,
// with their normals.
var cubeFaces = []struct {
	face [4]int32
	n    r3.Vec
}{
	{[4]int32{0, 3, 2, 1}, r3.Vec{Z: -1}}, {[4]int32{4, 5, 6, 7}, r3.Vec{Z: 1}},
	{[4]int32{0, 1, 5, 4}, r3.Vec{Y: -1}}, {[4]int32{1, 2, 6, 5}, r3.Vec{X: 1}},
	{[4]int32{2, 3, 7, 6}, r3.Vec{Y: 1}}, {[4]int32{3, 0, 4, 7}, r3.Vec{X: -1}},
}

// stressAt returns the stress at all quadrature points.
func stressAt(p *Problem, u []r3.Vec) (out []element.Tensor) {
	var h element.Hex8
	for e := range p.Mesh.Cells {
		x := p.Mesh.Corners(e)
		h.Set(&x)
		var ue [8]r3.Vec
		for a, n := range p.Mesh.Cells[e] {
			ue[a] = u[n]
		}
		for q := range element.Points {
			out = append(out, p.Law[e][q].Stress(h.Strain(&ue, q)))
		}
	}
	return out
}

// A uniform strain imposed on the boundary of an irregular mesh, by displacement
// or by traction, gives the uniform stress of the material to rounding, also
// when it is nearly incompressible.
func TestPatch(t *testing.T) {
	linear := func(x r3.Vec) r3.Vec {
		return r3.Scale(1e-3/2, r3.Vec{X: 2*x.X + x.Y + x.Z, Y: x.X + 2*x.Y + x.Z, Z: x.X + x.Y + 2*x.Z})
	}
	for _, nu := range []float64{0.25, 0.49, 0.4999} {
		law := element.Moduli(1e6, nu)
		want := law.Stress(element.Tensor{1e-3, 1e-3, 1e-3, 5e-4, 5e-4, 5e-4})
		for _, by := range []string{"displacement", "traction"} {
			p := NewProblem(patch(), law)
			if by == "displacement" {
				p.Given = make([]r3.Vec, len(p.Mesh.Nodes))
				for n := range 8 {
					p.Given[n] = linear(p.Mesh.Nodes[n])
					p.Clamp(n)
				}
			} else {
				for _, f := range cubeFaces {
					// A quarter of σn at each corner of the unit square.
					tr := r3.Vec{X: want[0]*f.n.X + want[3]*f.n.Y + want[5]*f.n.Z, Y: want[3]*f.n.X + want[1]*f.n.Y + want[4]*f.n.Z, Z: want[5]*f.n.X + want[4]*f.n.Y + want[2]*f.n.Z}
					for _, n := range f.face {
						p.Load[n] = r3.Add(p.Load[n], r3.Scale(0.25, tr))
					}
				}
			}
			sol, err := p.Solve(context.Background(), 1e-13, 5000)
			if errors.Is(err, ErrNotConverged) {
				// Rounding may end just above so small a target.
				sol, err = p.Solve(context.Background(), 1e-12, 5000)
			}
			if err != nil {
				t.Errorf("ν = %g by %s: %v", nu, by, err)
				continue
			}
			var worst float64
			for _, s := range stressAt(p, sol.U) {
				for i, v := range s {
					worst = max(worst, math.Abs(v-want[i])/want[0])
				}
			}
			verify.Check{Suite: suite, Case: fmt.Sprintf("MH-PATCH: %s, ν = %g", by, nu), Quantity: "largest relative error of stress",
				Source: "MacNeal and Harder 1985", Got: worst, Want: 0, Tol: 1e-10}.Run(t)
			if nu == 0.25 {
				verify.Check{Suite: suite, Case: "MH-PATCH: " + by, Quantity: "normal stress, kPa", Source: "MacNeal and Harder 1985: 2000", Got: stressAt(p, sol.U)[5][0], Want: 2000, Tol: 1e-6}.Run(t)
				verify.Check{Suite: suite, Case: "MH-PATCH: " + by, Quantity: "shear stress, kPa", Source: "MacNeal and Harder 1985: 400", Got: stressAt(p, sol.U)[5][3], Want: 400, Tol: 1e-6}.Run(t)
			}
		}
	}
}

// manufactured solves the unit cube with n³ elements, inner nodes moved by up to
// noise·h, for a displacement that is known, and returns the relative L2 error.
func manufactured(t *testing.T, n int, noise, nu float64, u func(r3.Vec) r3.Vec, load func(law element.Lame, x r3.Vec) r3.Vec) float64 {
	m := mesh.Box([3]int{n, n, n}, r3.Vec{X: 1, Y: 1, Z: 1})
	law := element.Moduli(1, nu)
	rng := rand.New(rand.NewPCG(9, 9))
	inside := func(x r3.Vec) bool {
		return min(x.X, x.Y, x.Z) > 1e-9 && max(x.X, x.Y, x.Z) < 1-1e-9
	}
	for a, x := range m.Nodes {
		d := r3.Vec{X: rng.Float64() - 0.5, Y: rng.Float64() - 0.5, Z: rng.Float64() - 0.5}
		if inside(x) {
			m.Nodes[a] = r3.Add(x, r3.Scale(2*noise/float64(n), d))
		}
	}
	p := NewProblem(m, law)
	p.Lattice = &sparse.Lattice{N: [3]int{n + 1, n + 1, n + 1}}
	p.Given = make([]r3.Vec, len(m.Nodes))
	for a, x := range m.Nodes {
		if !inside(x) {
			p.Clamp(a)
			p.Given[a] = u(x)
		}
	}
	// Consistent body force by the element's own quadrature.
	var h element.Hex8
	for e, cell := range m.Cells {
		x := m.Corners(e)
		h.Set(&x)
		for q, w := range h.Weight {
			shape := element.Shape(element.QuadraturePoint(q))
			var at r3.Vec
			for a, s := range shape {
				at = r3.Add(at, r3.Scale(s, x[a]))
			}
			b := load(law, at)
			for a, s := range shape {
				p.Load[cell[a]] = r3.Add(p.Load[cell[a]], r3.Scale(w*s, b))
			}
		}
	}
	sol, err := p.Solve(context.Background(), 1e-9, 3000)
	if err != nil {
		t.Fatalf("n = %d, ν = %g: %v", n, nu, err)
	}
	var num, den float64
	for e, cell := range m.Cells {
		x := m.Corners(e)
		h.Set(&x)
		for q, w := range h.Weight {
			shape := element.Shape(element.QuadraturePoint(q))
			var at, uh r3.Vec
			for a, s := range shape {
				at = r3.Add(at, r3.Scale(s, x[a]))
				uh = r3.Add(uh, r3.Scale(s, sol.U[cell[a]]))
			}
			ex := u(at)
			num += w * r3.Norm2(r3.Sub(uh, ex))
			den += w * r3.Norm2(ex)
		}
	}
	return math.Sqrt(num / den)
}

func compressible(x r3.Vec) r3.Vec {
	sx, cx := math.Sincos(math.Pi * x.X)
	sy, cy := math.Sincos(math.Pi * x.Y)
	sz, cz := math.Sincos(math.Pi * x.Z)
	return r3.Vec{X: sx * cy * cz, Y: cx * sy * cz, Z: cx * cy * sz}
}

func solenoidal(x r3.Vec) r3.Vec {
	sx, cx := math.Sincos(math.Pi * x.X)
	sy, cy := math.Sincos(math.Pi * x.Y)
	return r3.Vec{X: sx * cy, Y: -cx * sy}
}

// Halving the mesh size divides the displacement error by four, on regular and
// on perturbed meshes, and near incompressibility does not spoil it.
func TestManufactured(t *testing.T) {
	m1 := func(l element.Lame, x r3.Vec) r3.Vec {
		lambda := l.Bulk - 2*l.Shear/3
		return r3.Scale(3*math.Pi*math.Pi*(lambda+2*l.Shear), compressible(x))
	}
	m2 := func(l element.Lame, x r3.Vec) r3.Vec { return r3.Scale(2*math.Pi*math.Pi*l.Shear, solenoidal(x)) }
	coarse, fine := 4, 8
	if !testing.Short() {
		coarse, fine = 8, 16
	}
	var errors [2]float64
	for _, test := range []struct {
		name      string
		noise, nu float64
		u         func(r3.Vec) r3.Vec
		load      func(element.Lame, r3.Vec) r3.Vec
	}{
		{"M1, regular, ν = 0.3", 0, 0.3, compressible, m1},
		{"M1, perturbed 20 %, ν = 0.3", 0.2, 0.3, compressible, m1},
		{"M2, regular, ν = 0.3", 0, 0.3, solenoidal, m2},
		{"M2, regular, ν = 0.49", 0, 0.49, solenoidal, m2},
		{"M2, regular, ν = 0.4999", 0, 0.4999, solenoidal, m2},
	} {
		a, b := manufactured(t, coarse, test.noise, test.nu, test.u, test.load), manufactured(t, fine, test.noise, test.nu, test.u, test.load)
		// A regular coarse mesh may do better than its order; worse is an error.
		verify.Check{Suite: suite, Case: "manufactured solution " + test.name, Quantity: fmt.Sprintf("order of the L2 error, n = %d to %d", coarse, fine),
			Source: "approximation order of trilinear bricks", Got: math.Log2(a / b), Want: 2, Tol: 0.3}.Run(t)
		switch test.name {
		case "M2, regular, ν = 0.3":
			errors[0] = b
		case "M2, regular, ν = 0.4999":
			errors[1] = b
		}
	}
	if errors[1] > 2*errors[0] {
		t.Errorf("locking: the error grows from %.3g at ν = 0.3 to %.3g at ν = 0.4999", errors[0], errors[1])
	}
}

// A body that nothing holds is solved if its loads balance, and refused with a
// clear error if they do not.
func TestUnconstrained(t *testing.T) {
	m := mesh.Box([3]int{2, 2, 2}, r3.Vec{X: 1, Y: 1, Z: 1})
	p := NewProblem(m, element.Moduli(600, 0.3))
	p.Load[26] = r3.Vec{X: 1}
	if _, err := p.Solve(context.Background(), 1e-8, 500); !errors.Is(err, ErrUnconstrained) {
		t.Errorf("a push on a free cube: %v, want ErrUnconstrained", err)
	}
	p.Load[26] = r3.Vec{Z: 1}
	p.Load[8] = r3.Vec{Z: -1} // the corner below
	sol, err := p.Solve(context.Background(), 1e-8, 500)
	if err != nil {
		t.Fatal(err)
	}
	if sol.Free != 6 || !(sol.U[26].Z > sol.U[8].Z) {
		t.Errorf("%d free motions, want 6; ends move to %g and %g", sol.Free, sol.U[26].Z, sol.U[8].Z)
	}
}

// An inverted element is refused with its number and place, and an iteration
// that is cut short says how far it came.
func TestProblemErrors(t *testing.T) {
	m := mesh.Box([3]int{2, 1, 1}, r3.Vec{X: 2, Y: 1, Z: 1})
	for _, n := range []int{1, 4, 7, 10} {
		m.Nodes[n].X = 2.5 // beyond the far end
	}
	p := NewProblem(m, element.Moduli(600, 0.3))
	p.Clamp(0)
	var inverted *mesh.InvertedError
	if _, err := p.Solve(context.Background(), 1e-8, 100); !errors.As(err, &inverted) || inverted.At == (r3.Vec{}) {
		t.Errorf("got %v, want an InvertedError with a place", err)
	}

	p = NewProblem(mesh.Box([3]int{6, 6, 6}, r3.Vec{X: 1, Y: 1, Z: 1}), element.Moduli(600, 0.49))
	for n := range 49 {
		p.Clamp(n)
	}
	p.Load[342] = r3.Vec{X: 1, Y: 2}
	var short *ConvergenceError
	_, err := p.Solve(context.Background(), 1e-10, 3)
	if !errors.Is(err, ErrNotConverged) || !errors.As(err, &short) || short.Iterations != 3 || !(short.Residual > 1e-10) || short.Target != 1e-10 || !strings.Contains(err.Error(), "mm") {
		t.Errorf("got %v, want ErrNotConverged after 3 iterations with a place", err)
	}
}
