package imaging

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

func randomMask(size [3]int, spacing [3]float64, p float64, seed uint64) *Mask {
	m := NewMask(NewGrid(size, spacing, r3.Vec{}))
	rng := rand.New(rand.NewPCG(seed, 7))
	for n := range m.In {
		m.In[n] = rng.Float64() < p
	}
	return m
}

// The distance must be the smallest over all voxels, for sparse and dense
// masks and any spacing.
func TestDistanceBruteForce(t *testing.T) {
	for _, p := range []float64{0.002, 0.05, 0.6} {
		m := randomMask([3]int{19, 13, 11}, [3]float64{0.4, 0.7, 1.3}, p, 3)
		m.In[77] = true
		got := Distance(m)
		for n := range m.In {
			i, j, k := m.Coords(n)
			want := math.Inf(1)
			for o, in := range m.In {
				if in {
					x, y, z := m.Coords(o)
					want = min(want, math.Hypot(math.Hypot(0.4*float64(i-x), 0.7*float64(j-y)), 1.3*float64(k-z)))
				}
			}
			if math.Abs(float64(got.Values[n])-want) > 1e-6 {
				t.Fatalf("p %g voxel %d: got %g, want %g", p, n, got.Values[n], want)
			}
		}
	}
	for _, d := range Distance(NewMask(NewGrid([3]int{3, 4, 5}, [3]float64{1, 1, 1}, r3.Vec{}))).Values {
		if !math.IsInf(float64(d), 1) {
			t.Fatalf("distance %g to an empty mask", d)
		}
	}
}

// Distances have the same bits on one processor and on many.
func TestDistanceDeterminism(t *testing.T) {
	m := randomMask([3]int{40, 37, 21}, [3]float64{0.4, 0.4, 0.5}, 0.3, 9)
	old := runtime.GOMAXPROCS(1)
	a, b := Distance(m), SignedDistance(m, 2)
	runtime.GOMAXPROCS(7)
	c, d := Distance(m), SignedDistance(m, 2)
	runtime.GOMAXPROCS(old)
	for n := range a.Values {
		if a.Values[n] != c.Values[n] {
			t.Fatalf("distance differs at %d", n)
		}
	}
	for n := range b.Values {
		if b.Values[n] != d.Values[n] {
			t.Fatalf("signed distance differs at %d", n)
		}
	}
}

// ball voxelises a body of the given radius around c; dims is 3 for a sphere,
// 2 for a cylinder along axis.
func ball(radius float64, spacing [3]float64, c, axis r3.Vec, half int) *Mask {
	var size [3]int
	var origin [3]float64
	for a := range 3 {
		size[a] = 2*half + 1
		origin[a] = -float64(half) * spacing[a]
	}
	m := NewMask(NewGrid(size, spacing, r3.Vec{X: origin[0], Y: origin[1], Z: origin[2]}))
	for n := range m.In {
		i, j, k := m.Coords(n)
		d := r3.Sub(m.Point(float64(i), float64(j), float64(k)), c)
		d = r3.Sub(d, r3.Scale(r3.Dot(d, axis), axis))
		m.In[n] = r3.Norm(d) <= radius
	}
	return m
}

// radii returns the mean over directions of the radius at which the signed
// distance, interpolated, changes sign, and the mean radius that the distances
// at the voxels inside and outside imply (r − d).
func radii(d *Volume, radius float64, c, axis r3.Vec, rng *rand.Rand) (zero, inside, outside float64) {
	across := func(p r3.Vec) r3.Vec { return r3.Sub(p, r3.Scale(r3.Dot(p, axis), axis)) }
	const rays = 400
	for range rays {
		n := r3.Unit(across(r3.Vec{X: rng.NormFloat64(), Y: rng.NormFloat64(), Z: rng.NormFloat64()}))
		lo, hi := 0.0, radius+1
		for range 40 {
			mid := (lo + hi) / 2
			if x, _ := d.Sample(r3.Add(c, r3.Scale(mid, n))); x < 0 {
				lo = mid
			} else {
				hi = mid
			}
		}
		zero += lo / rays
	}
	var nIn, nOut float64
	for n, x := range d.Values {
		i, j, k := d.Coords(n)
		p := d.Point(float64(i), float64(j), float64(k))
		if r3.Norm(p) > 2*radius { // a cylinder ends at the border of the grid
			continue
		}
		r := r3.Norm(across(r3.Sub(p, c))) - float64(x)
		switch {
		case x < 0 && math.Abs(r3.Dot(p, axis)) < radius:
			inside, nIn = inside+r, nIn+1
		case x > 0 && math.Abs(r3.Dot(p, axis)) < radius:
			outside, nOut = outside+r, nOut+1
		}
	}
	return zero, inside / nIn, outside / nOut
}

// The radius of a voxelised sphere or cylinder, wherever it lies on the
// lattice, is recovered from the signed distance within a tenth of a voxel on
// average: from its zero level, from the distances inside and outside.
func TestSignedDistanceBias(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, test := range []struct {
		name    string
		radius  float64 // voxels
		spacing [3]float64
		axis    r3.Vec
	}{
		{"sphere", 3, [3]float64{1, 1, 1}, r3.Vec{}},
		{"sphere", 4, [3]float64{1, 1, 1}, r3.Vec{}},
		{"sphere", 8, [3]float64{1, 1, 1}, r3.Vec{}},
		{"cylinder along k", 3.75, [3]float64{1, 1, 1}, r3.Vec{Z: 1}},
		{"cylinder, slanted", 3.75, [3]float64{1, 1, 1}, r3.Unit(r3.Vec{X: 1, Y: 2, Z: 3})},
		{"cylinder, thin", 2, [3]float64{1, 1, 1}, r3.Unit(r3.Vec{X: 1, Y: 2, Z: 3})},
		{"sphere, anisotropic", 5, [3]float64{1, 1, 1.25}, r3.Vec{}},
	} {
		const draws = 8
		var zero, in, out float64
		for range draws {
			c := r3.Vec{X: rng.Float64() - 0.5, Y: rng.Float64() - 0.5, Z: rng.Float64() - 0.5}
			m := ball(test.radius, test.spacing, c, test.axis, int(2*test.radius)+3)
			a, b, e := radii(SignedDistance(m, 0), test.radius, c, test.axis, rng)
			zero, in, out = zero+a/draws, in+b/draws, out+e/draws
		}
		t.Logf("%s, radius %g: zero %+.3f, inside %+.3f, outside %+.3f", test.name, test.radius, zero-test.radius, in-test.radius, out-test.radius)
		for n, got := range []float64{zero, in, out} {
			q := []string{"radius at the zero level, voxels", "radius from the voxels inside, voxels", "radius from the voxels outside, voxels"}[n]
			verify.Check{Suite: "imaging", Case: test.name + " on a lattice", Quantity: q, Source: "the drawn radius", Got: got, Want: test.radius, Tol: 0.1}.Run(t)
		}
	}
}

// A box that follows the lattice has its border on its voxel faces, and the
// sign of the distance is the mask, down to single voxels.
func TestSignedDistanceBox(t *testing.T) {
	m := NewMask(NewGrid([3]int{9, 8, 7}, [3]float64{0.5, 0.5, 1}, r3.Vec{}))
	for n := range m.In {
		m.In[n] = true
	}
	d := SignedDistance(m, 3)
	mid := d.Offset(3+4, 3+4, 0)
	for k, want := range []float64{2.5, 1.5, 0.5, -0.5, -1.5, -2} {
		got := float64(d.Values[mid+k*d.Size[0]*d.Size[1]])
		if k < 5 && math.Abs(got-want) > 0.02 {
			t.Errorf("slice %d: got %g, want %g", k, got, want)
		}
	}
	r := randomMask([3]int{12, 11, 10}, [3]float64{0.4, 0.5, 0.6}, 0.2, 4)
	s := SignedDistance(r, 0)
	for n, in := range r.In {
		if in != (s.Values[n] < 0) || s.Values[n] == 0 {
			t.Fatalf("voxel %d: in %v, distance %g", n, in, s.Values[n])
		}
	}
	empty := SignedDistance(NewMask(r.Grid), 1)
	if empty.Size != [3]int{14, 13, 12} || !math.IsInf(float64(empty.Values[5]), 1) {
		t.Errorf("empty mask: %v, %g", empty.Size, empty.Values[5])
	}
}

// The distance of a scan-sized mask.
func BenchmarkDistance(b *testing.B) {
	m := NewMask(NewGrid([3]int{512, 512, 256}, [3]float64{0.4, 0.4, 0.5}, r3.Vec{}))
	rng := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		m.In[rng.IntN(len(m.In))] = true
	}
	b.ReportAllocs()
	for b.Loop() {
		Distance(m)
	}
}
