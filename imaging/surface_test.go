package imaging_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// Volume, area and diameter of the surface of the IBSI digital phantom are the
// consensus values of the standard.
func TestSurfaceIBSI(t *testing.T) {
	dir := verify.Shared(t, "data", "ibsi1", "digital_phantom")
	seg, err := format.ReadSegmentation(filepath.Join(dir, "mask.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	s := imaging.MaskSurface(seg.Mask(0)) // cropped: the surface must close by itself
	for _, c := range []verify.Check{
		{Quantity: "morph.volume (RNU0), mm³", Got: s.Volume(), Want: 556, Tol: 4},
		{Quantity: "morph.asphericity (25C7)", Got: math.Cbrt(math.Pow(s.Area(), 3)/(36*math.Pi*s.Volume()*s.Volume())) - 1, Want: 0.186, Tol: 0.001},
		{Quantity: "morph.surface_area (C0JK), mm²", Got: s.Area(), Want: 388, Tol: 3},
		{Quantity: "morph.max_3d_diameter (L0JK), mm", Got: s.MaxDiameter(), Want: 13.1, Tol: 0.1},
	} {
		c.Suite, c.Case, c.Source, c.Digits = "imaging", "IBSI digital phantom, surface mesh", "IBSI 1 consensus value", 3
		c.Run(t)
		t.Logf("%s %.4f", c.Quantity, c.Got)
	}
}

// The surface of any mask is closed and oriented: each directed edge has
// exactly as many opposite ones, and no triangle is turned inside out.
func TestSurfaceClosed(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	for _, p := range []float64{0.1, 0.5, 0.9} {
		m := imaging.NewMask(imaging.NewGrid([3]int{9, 8, 7}, [3]float64{1, 1, 1}, r3.Vec{}))
		for n := range m.In {
			m.In[n] = rng.Float64() < p
		}
		s := imaging.MaskSurface(m)
		type edge [2]int32
		count := map[edge]int{}
		for _, tri := range s.Triangles {
			for n := range 3 {
				a, b := tri[n], tri[(n+1)%3]
				if a == b {
					t.Fatalf("triangle %v", tri)
				}
				count[edge{a, b}]++
				count[edge{b, a}]--
			}
		}
		for e, c := range count {
			if c != 0 {
				t.Fatalf("p %g: edge %v has %d more in one direction", p, e, c)
			}
		}
	}
}

// Every one of the 256 cubes fits its neighbours: inside a block of any eight
// voxels the surface closes and holds less than the voxels.
func TestSurfaceAllCases(t *testing.T) {
	for cube := 1; cube < 256; cube++ {
		m := imaging.NewMask(imaging.NewGrid([3]int{2, 2, 2}, [3]float64{1, 1, 1}, r3.Vec{}))
		for c := range m.In {
			m.In[c] = cube>>c&1 == 1
		}
		s := imaging.MaskSurface(m)
		if v := s.Volume(); !(v > 0 && v < float64(m.Count())) {
			t.Errorf("case %08b: volume %g of %d voxels", cube, v, m.Count())
		}
	}
	one := imaging.NewMask(imaging.NewGrid([3]int{1, 1, 1}, [3]float64{2, 2, 2}, r3.Vec{}))
	one.In[0] = true
	// An octahedron of half-axis 1 mm.
	if s := imaging.MaskSurface(one); math.Abs(s.Volume()-4.0/3) > 1e-12 || math.Abs(s.Area()-4*math.Sqrt(3)) > 1e-12 || s.MaxDiameter() != 2 {
		t.Errorf("one voxel: volume %g, area %g, diameter %g", s.Volume(), s.Area(), s.MaxDiameter())
	}
	if s := imaging.MaskSurface(imaging.NewMask(one.Grid)); len(s.Vertices) != 0 || s.Volume() != 0 || s.Area() != 0 || s.MaxDiameter() != 0 {
		t.Error("an empty mask has a surface")
	}
}

// The level set of a sphere's distance has the area and volume of the sphere,
// on a left-handed, turned grid far from the origin as well.
func TestMarchingCubesSphere(t *testing.T) {
	const r = 5.0
	g := imaging.NewGrid([3]int{33, 33, 25}, [3]float64{0.4, 0.4, 0.55}, r3.Vec{X: 200, Y: -300, Z: 900})
	rot := r3.NewRotation(0.8, r3.Vec{X: 1, Y: 1})
	for a := range g.Axes {
		g.Axes[a] = rot.Rotate(g.Axes[a])
	}
	g.Axes[1] = r3.Scale(-1, g.Axes[1])
	c := g.Point(16, 16, 12)
	v := imaging.NewVolume(g)
	for n := range v.Values {
		i, j, k := v.Coords(n)
		v.Values[n] = float32(r - r3.Norm(r3.Sub(v.Point(float64(i), float64(j), float64(k)), c)))
	}
	s := imaging.MarchingCubes(v, 0)
	for _, q := range []struct {
		name      string
		got, want float64
	}{
		{"volume, mm³", s.Volume(), 4 * math.Pi / 3 * r * r * r},
		{"area, mm²", s.Area(), 4 * math.Pi * r * r},
		{"diameter, mm", s.MaxDiameter(), 2 * r},
	} {
		verify.Check{Suite: "imaging", Case: "sphere of 5 mm on voxels of 0.4×0.4×0.55 mm, marching cubes", Quantity: q.name, Source: "geometry",
			Got: q.got, Want: q.want, Tol: 0.005 * q.want}.Run(t) // flat triangles lie up to h²/8r = 0.1 % of r inside
	}
}
