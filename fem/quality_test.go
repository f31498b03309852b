package fem

import (
	"context"
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// On Lamé's cylinder the estimated error in the energy norm is near the true one
// and falls with the size of the elements.
func TestDiscretisation(t *testing.T) {
	slowRace(t)
	const in, out, p, nu = 1.5, 2.5, 16.0, 0.3
	a := p * in * in / (out*out - in*in)
	var last float64
	for _, through := range []int{3, 6, 12} {
		cfg := uniform(500, nu)
		cfg.Around, cfg.Through, cfg.Axial, cfg.Grading, cfg.Margin, cfg.Padding = 8*through, through, 1, 1, 0, 0
		r, err := Solve(context.Background(), tube(4, 0, in, out, 0), nil, 0, 4, cfg)
		if err != nil {
			t.Fatal(err)
		}
		var diff, norm float64
		plain, _ := r.stresses(r.window(math.Inf(-1), math.Inf(1)))
		for n := range r.Points {
			d := r3.Sub(r.At(n), r.Mesh.Frames[0].Origin)
			rr := math.Hypot(d.X, d.Y)
			x, y := d.X/rr, d.Y/rr
			sr, st := a*(1-out*out/(rr*rr)), a*(1+out*out/(rr*rr))
			want := element.Tensor{sr*x*x + st*y*y, sr*y*y + st*x*x, 2 * nu * a, (sr - st) * x * y, 0, 0}
			c := r.compliance(&r.Points[n])
			var e element.Tensor
			for i := range e {
				e[i] = want[i] - plain[n][i]
			}
			diff += r.Points[n].Volume * c.of(&e)
			norm += r.Points[n].Volume * c.of(&want)
		}
		got := r.Discretisation(0, 4)[inWall]
		truth := math.Sqrt(diff / norm)
		verify.Check{Suite: suite, Case: fmt.Sprintf("LAME-PE, swept, %d × %d elements", 8*through, through), Quantity: "estimated over true error in the energy norm",
			Source: "Lamé at the quadrature points", Got: got.Energy / truth, Want: 1, Tol: 0.1}.Run(t)
		if last > 0 && !(got.Energy < 0.7*last) {
			t.Errorf("estimate %.4f after %.4f on a mesh twice as coarse", got.Energy, last)
		}
		last = got.Energy
	}
}

// The tissues of the mesh fill what the voxels of the labels fill.
func TestComposition(t *testing.T) {
	c, err := cores()
	if err != nil {
		t.Fatal(err)
	}
	shares, err := c.r.Composition(t.Context(), c.labels)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shares {
		// Points count whole, though a border cuts through what they stand for.
		verify.Check{Suite: suite, Case: "cores of radius 0.4 mm in a wall, labels of 0.1 mm", Quantity: fmt.Sprintf("volume of %s in the mesh, mm³", s.Tissue),
			Source: "voxels of the labels in the mesh", Got: s.Mesh, Want: s.Mask, Tol: 0.15 * s.Mask}.Run(t)
		if s.Tissue != imaging.Fibrous {
			verify.Check{Suite: suite, Case: "cores of radius 0.4 mm in a wall, labels of 0.1 mm", Quantity: fmt.Sprintf("volume of the voxels of %s in the mesh, mm³", s.Tissue),
				Source: "cylinder", Got: s.Mask, Want: math.Pi * 0.4 * 0.4 * 6, Tol: 0.05 * s.Mask}.Run(t)
		}
	}
	if len(shares) != 3 {
		t.Errorf("%d tissues: %+v", len(shares), shares)
	}
	if plain, err := c.r.Composition(t.Context(), nil); err != nil || len(plain) != len(shares) || plain[0].Mask != 0 {
		t.Errorf("without labels: %v, %v", plain, err)
	}
}
