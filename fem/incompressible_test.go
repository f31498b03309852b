package fem

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/sparse"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// A nearly incompressible body with plaque contrast and given displacements
// moves as the direct solution of the stiff matrix says, in a bounded number of
// iterations, and its volume holds.
func TestNearlyIncompressible(t *testing.T) {
	p := contrast(t, [3]int{3, 16, 12}, 0.4999)
	p.Given = make([]r3.Vec, len(p.Mesh.Nodes))
	for _, f := range p.Fixed[len(p.Fixed)/2:] {
		p.Given[f.Node] = r3.Vec{Z: 0.5} // the far end, pulled
	}
	sol, err := p.Solve(context.Background(), 1e-9, 1000)
	if err != nil {
		t.Fatal(err)
	}
	k := sparse.NewBSR(p.Mesh.Neighbours())
	if err := p.assemble(context.Background(), k); err != nil {
		t.Fatal(err)
	}
	f, g := flatten(p.Load), flatten(p.Given)
	kg := make([]float64, len(g))
	k.Mul(kg, g)
	for i, v := range kg {
		f[i] -= v
	}
	free, err := p.freeMotions(k)
	if err != nil {
		t.Fatal(err)
	}
	k.Constrain(p.Fixed)
	k.Hold(p.Fixed)
	applyFixed(f, p.Fixed)
	factor, err := sparse.Factorise(context.Background(), k)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float64, len(f))
	if _, err := factor.Solve(x, f); err != nil {
		t.Fatal(err)
	}
	for _, z := range free {
		c := dotSerial(x, z)
		for i, v := range z {
			x[i] -= c * v
		}
	}
	var diff, size float64
	for n, u := range sol.U {
		d := r3.Sub(u, r3.Vec{X: x[3*n] + g[3*n], Y: x[3*n+1] + g[3*n+1], Z: x[3*n+2] + g[3*n+2]})
		diff += r3.Norm2(d)
		size += r3.Norm2(u)
	}
	t.Logf("%d unknowns: %d iterations", sol.Unknowns, sol.Iterations)
	verify.Check{Suite: suite, Case: "plaque contrast, ν = 0.4999: pressure unknowns against the direct solver", Quantity: "relative difference of the displacement",
		Source: "sparse LDLᵀ of the stiff matrix", Got: math.Sqrt(diff / size), Want: 0, Tol: 1e-6}.Run(t)
}
