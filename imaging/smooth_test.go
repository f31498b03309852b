package imaging

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// A rod of elliptic section one and a half voxels thick, turned and shifted at
// random: its surface lies where that of the true body does, on average over
// places of the lattice.
func TestSmoothBodyThin(t *testing.T) {
	const a, b, voxel = 0.25, 0.8, 0.35
	rng := rand.New(rand.NewPCG(5, 1))
	var sum, n float64
	for range 200 {
		sin, cos := math.Sincos(rng.Float64() * 2 * math.Pi)
		dx, dy := (rng.Float64()-0.5)*voxel, (rng.Float64()-0.5)*voxel
		g := NewGrid([3]int{9, 9, 9}, [3]float64{voxel, voxel, voxel}, r3.Vec{X: -4 * voxel, Y: -4 * voxel, Z: -4 * voxel})
		m := NewMask(g)
		for o := range m.In {
			i, j, k := g.Coords(o)
			p := g.Point(float64(i), float64(j), float64(k))
			x, y := cos*(p.X-dx)+sin*(p.Y-dy), -sin*(p.X-dx)+cos*(p.Y-dy)
			m.In[o] = math.Hypot(x/a, y/b) < 1
		}
		d := SmoothBody(m, 3)
		for _, side := range []float64{-1, 1} {
			// Outwards from the centre to the surface.
			at := func(x float64) float64 {
				v, _ := d.Sample(r3.Vec{X: dx + cos*side*x, Y: dy + sin*side*x})
				return v
			}
			x := 0.0
			for x < 1 && (x < 0.05 || at(x) < 0) {
				x += 0.005
			}
			sum += x
			n++
		}
	}
	verify.Check{Suite: "imaging", Case: "elliptic rod, 0.5 × 1.6 mm, voxels of 0.35 mm, 200 places", Quantity: "mean half thickness of the smooth surface, mm",
		Source: "the body that was voxelised", Got: sum / n, Want: a, Tol: 0.1 * voxel}.Run(t)
}

// The surface holds the volume of the voxels, and the field is nowhere larger than
// the distance from the surface.
func TestSmoothBodyVolume(t *testing.T) {
	g := NewGrid([3]int{20, 20, 20}, [3]float64{0.4, 0.4, 0.5}, r3.Vec{})
	m := NewMask(g)
	centre := g.Point(9.3, 9.7, 9.4)
	for o := range m.In {
		i, j, k := g.Coords(o)
		m.In[o] = r3.Norm(r3.Sub(g.Point(float64(i), float64(j), float64(k)), centre)) < 2
	}
	d := SmoothBody(m, 2)
	verify.Check{Suite: "imaging", Case: "ball of radius 2 mm, voxels of 0.4 × 0.4 × 0.5 mm", Quantity: "volume of the smooth surface, mm³",
		Source: "the voxels", Got: MarchingCubes(negative(d), 0).Volume(), Want: m.VolumeMM3(), Tol: 0.02 * m.VolumeMM3()}.Run(t)
	for o, v := range d.Values {
		i, j, k := d.Coords(o)
		if r := r3.Norm(r3.Sub(d.Point(float64(i), float64(j), float64(k)), centre)) - 2; math.Abs(float64(v)) > math.Abs(r)+0.2 {
			t.Fatalf("%.3f mm at %.3f mm from the ball", v, r)
		}
	}
	empty := SmoothBody(NewMask(g), 1)
	if !math.IsInf(float64(empty.Values[0]), 1) {
		t.Error("an empty mask has a surface")
	}
}

func negative(v *Volume) *Volume {
	out := NewVolume(v.Grid)
	for n, x := range v.Values {
		out.Values[n] = -x
	}
	return out
}
