package mesh

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// The inverse of the map of a distorted brick gives its coordinates back, and
// points outside have coordinates outside or none.
func TestInverse(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 3))
	for range 2000 {
		var x [8]r3.Vec
		for a, c := range element.Corners {
			x[a] = r3.Vec{X: 40 + c[0] + 0.5*draw.Float64(), Y: 2 * (c[1] + 0.5*draw.Float64()), Z: 0.3 * (c[2] + 0.5*draw.Float64())}
		}
		want := [3]float64{2*draw.Float64() - 1, 2*draw.Float64() - 1, 2*draw.Float64() - 1}
		var p r3.Vec
		for a, n := range element.Shape(want[0], want[1], want[2]) {
			p = r3.Add(p, r3.Scale(n, x[a]))
		}
		got, ok := Inverse(&x, p)
		if !ok || math.Abs(got[0]-want[0])+math.Abs(got[1]-want[1])+math.Abs(got[2]-want[2]) > 1e-9 {
			t.Fatalf("coordinates %v (%v), want %v", got, ok, want)
		}
		if got, ok := Inverse(&x, r3.Add(p, r3.Vec{X: 5})); ok && max(math.Abs(got[0]), math.Abs(got[1]), math.Abs(got[2])) < 1 {
			t.Fatalf("a point outside has coordinates %v", got)
		}
	}
}

// Every voxel whose centre lies in the box, and no other, is visited once; the
// shape functions reproduce its position, also if inner nodes are moved.
func TestEachVoxel(t *testing.T) {
	m := Box([3]int{4, 3, 5}, r3.Vec{X: 4, Y: 3, Z: 5})
	draw := rand.New(rand.NewPCG(1, 4))
	for n, p := range m.Nodes {
		if p.X > 0 && p.X < 4 && p.Y > 0 && p.Y < 3 && p.Z > 0 && p.Z < 5 {
			m.Nodes[n] = r3.Add(p, r3.Vec{X: 0.4 * (draw.Float64() - 0.5), Y: 0.4 * (draw.Float64() - 0.5), Z: 0.4 * (draw.Float64() - 0.5)})
		}
	}
	g := imaging.NewGrid([3]int{30, 26, 28}, [3]float64{0.25, 0.25, 0.25}, r3.Vec{X: -1.5, Y: -1.25, Z: -0.6})
	turn := r3.NewRotation(0.3, r3.Vec{X: 1, Y: 2, Z: 3})
	for _, turned := range []bool{false, true} {
		if turned {
			for a := range g.Axes {
				g.Axes[a] = turn.Rotate(g.Axes[a])
			}
		}
		count := make([]int, g.Len())
		err := m.EachVoxel(t.Context(), g, nil, func(voxel, cell int, shape [8]float64) {
			count[voxel]++
			var p r3.Vec
			for a, x := range m.Corners(cell) {
				p = r3.Add(p, r3.Scale(shape[a], x))
			}
			i, j, k := g.Coords(voxel)
			if d := r3.Norm(r3.Sub(p, g.Point(float64(i), float64(j), float64(k)))); d > 1e-9 {
				t.Errorf("voxel (%d, %d, %d): position off by %g mm", i, j, k, d)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for n, c := range count {
			i, j, k := g.Coords(n)
			p := g.Point(float64(i), float64(j), float64(k))
			want := 0
			if p.X >= -1e-9 && p.X <= 4+1e-9 && p.Y >= -1e-9 && p.Y <= 3+1e-9 && p.Z >= -1e-9 && p.Z <= 5+1e-9 {
				want = 1
			}
			if c != want {
				t.Fatalf("turned %v: voxel at %.3f is visited %d times, want %d", turned, p, c, want)
			}
		}
	}
}
