package pipeline

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/spatial/r3"
	"gonum.org/v1/gonum/stat"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/fem"
	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
	"github.com/plaquerisk/plaquerisk/segmentation"
)

// pose places a section on the lattice of voxels.
type pose struct {
	shift r3.Vec
	turn  float64 // about z, rad
}

// own returns the coordinates of p in the section.
func (w pose) own(p r3.Vec) r3.Vec {
	p = r3.Sub(p, w.shift)
	s, c := math.Sincos(w.turn)
	return r3.Vec{X: c*p.X + s*p.Y, Y: -s*p.X + c*p.Y, Z: p.Z}
}

// body is what a place of a benchmark is made of.
type body func(p r3.Vec) segmentation.Structure

// outside is what is not of the artery.
const outside segmentation.Structure = ""

// sectionD1 is section D1, 6 mm long, with a cap of that least thickness, mm.
func sectionD1(cap float64) body {
	return func(p r3.Vec) segmentation.Structure {
		switch {
		case math.Abs(p.Z) > 3:
		case math.Hypot(p.X+0.3, p.Y) < 1.2:
			return segmentation.Lumen
		case math.Hypot((p.X-1.15-cap)/0.25, p.Y/0.8) < 1:
			return segmentation.Lipid
		case math.Hypot(p.X, p.Y) < 2:
			return segmentation.Wall
		}
		return outside
	}
}

// bodyD2 is the ball of lipid in a tube, D2.
func bodyD2(p r3.Vec) segmentation.Structure {
	switch r := math.Hypot(p.X, p.Y); {
	case math.Abs(p.Z) > 3.5:
	case r < 1.4:
		return segmentation.Lumen
	case r3.Norm(r3.Sub(p, r3.Vec{X: 1.9})) < 0.3:
		return segmentation.Lipid
	case r < 2.4:
		return segmentation.Wall
	}
	return outside
}

// voxelised is a body of that length along z, mm, as masks: lumen, wall, lipid.
func voxelised(b body, length, voxel float64, w pose) (*imaging.Volume, []segmentation.Mask) {
	n := int(math.Ceil(length/voxel)) + 5
	corner := -float64(n-1) / 2 * voxel
	g := imaging.NewGrid([3]int{n, n, n}, [3]float64{voxel, voxel, voxel}, r3.Vec{X: corner, Y: corner, Z: corner})
	vol := imaging.NewVolume(g)
	masks := []segmentation.Mask{{Name: "lumen"}, {Name: "wall"}, {Name: "lipid"}}
	for i, s := range []segmentation.Structure{segmentation.Lumen, segmentation.Wall, segmentation.Lipid} {
		masks[i].Label, masks[i].Mask = segmentation.Label{Artery: coronary.LAD, Structure: s}, imaging.NewMask(g)
	}
	for o := range vol.Values {
		i, j, k := g.Coords(o)
		switch b(w.own(g.Point(float64(i), float64(j), float64(k)))) {
		case segmentation.Lumen:
			masks[0].Mask.In[o], vol.Values[o] = true, 400
		case segmentation.Wall:
			masks[1].Mask.In[o], vol.Values[o] = true, 100
		case segmentation.Lipid:
			masks[2].Mask.In[o] = true
		}
	}
	return vol, masks
}

// throughMasks runs a voxelised body through the line up to the wall stress, of a
// wall of that modulus, kPa.
func throughMasks(t *testing.T, b body, length, voxel, young float64, w pose) *fem.Result {
	t.Helper()
	vol, masks := voxelised(b, length, voxel, w)
	cfg := DefaultConfig()
	vessels, notes, err := segmentation.Vessels(t.Context(), vol, masks, cfg.Segmentation)
	if err != nil || len(vessels) != 1 {
		t.Fatalf("%d vessels: %v, %v", len(vessels), err, notes)
	}
	plaques, _, err := segmentation.Plaques(t.Context(), vol, vessels, masks, cfg.Segmentation)
	if err != nil {
		t.Fatal(err)
	}
	tissue, err := segmentation.Tissues(t.Context(), vol, &vessels[0], masks, plaques, cfg.Segmentation)
	if err != nil {
		t.Fatal(err)
	}
	m := cfg.Mechanics
	m.Pressure = 16 / 0.133322387415
	wall := material.Elastic{Young: young, Poisson: 0.45}
	m.Materials = fem.Materials{Wall: wall, LowAttenuation: material.Elastic{Young: 20, Poisson: 0.45}, FibroFatty: wall, Fibrous: wall, Calcified: wall}
	r, err := fem.Solve(t.Context(), &vessels[0], tissue, 0, vessels[0].Length(), m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stress is the largest principal stress of a region by rising value: its mean and
// its percentiles, kPa.
type stress struct{ value, volume []float64 }

// stressIn collects the stress of what is no lipid in a region.
func stressIn(r *fem.Result, in func(p *fem.Point, at r3.Vec) bool) stress {
	type weighted struct{ value, volume float64 }
	var all []weighted
	for n := range r.Points {
		if p := &r.Points[n]; p.Tissue != imaging.LowAttenuation && in(p, r.At(n)) {
			all = append(all, weighted{p.Sigma1, p.Volume})
		}
	}
	slices.SortFunc(all, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
	var s stress
	for _, w := range all {
		s.value, s.volume = append(s.value, w.value), append(s.volume, w.volume)
	}
	return s
}

func (s stress) mean() float64 { return floats.Dot(s.value, s.volume) / floats.Sum(s.volume) }

func (s stress) percentile(p float64) float64 {
	return stat.Quantile(p/100, stat.Empirical, s.value, s.volume)
}

// capOfMasks returns the stress in the cap region of section D1 from masks, and
// whether the cap is of low confidence.
func capOfMasks(t *testing.T, cap, voxel float64, w pose) (stress, bool) {
	t.Helper()
	r := throughMasks(t, sectionD1(cap), 6, voxel, 600, w)
	s := stressIn(r, func(p *fem.Point, at r3.Vec) bool {
		q := w.own(at)
		return !math.IsNaN(p.CapDepth) && math.Abs(q.Y) <= 0.6 && math.Abs(q.Z) <= 1
	})
	return s, r.Cap(r.Mesh.S[0], r.Mesh.S[r.Mesh.Along]).Thickness < r.Voxel
}

// Section D1 through masks of 0.35 mm, at 24 places and turns on the lattice: the
// lipid has five voxels in a section. The mean cap stress is near the reference
// more often than not, and a cap thinner than a voxel is flagged more often than
// not while a thicker one is not. (The goal of the benchmark, a median error of
// 15 %, is not reached: docs/decisions/0053.)
func TestPlaqueThroughMasks(t *testing.T) {
	if testing.Short() {
		t.Skip("solves 48 vessels")
	}
	for _, test := range []struct {
		cap, want float64 // mm; mean of the benchmark file, kPa
		thin      bool
	}{{0.30, 36.0952, true}, {0.40, 31.7, false}} {
		rng := rand.New(rand.NewPCG(7, 1))
		const n, voxel = 24, 0.35
		var errs []float64
		flagged := 0
		for range n {
			w := pose{r3.Vec{X: (rng.Float64() - 0.5) * voxel, Y: (rng.Float64() - 0.5) * voxel, Z: (rng.Float64() - 0.5) * voxel}, rng.Float64() * 2 * math.Pi}
			s, low := capOfMasks(t, test.cap, voxel, w)
			errs = append(errs, math.Abs(s.mean()/test.want-1))
			if low {
				flagged++
			}
		}
		slices.Sort(errs)
		t.Logf("cap %.2f mm: error of the mean %.0f %% median, %.0f %% 90th percentile; %d of %d flagged", test.cap, 100*errs[n/2], 100*errs[n*9/10], flagged, n)
		if errs[n/2] > 0.25 || (flagged > n/2) != test.thin {
			t.Errorf("cap %.2f mm: median error %.0f %%, %d of %d flagged", test.cap, 100*errs[n/2], flagged, n)
		}
	}
}

// On voxels of 0.1 mm the mean cap stress is that of the reference within 5 %, and
// changes by less than 5 % where the image is turned by 30° or moved by half a
// voxel.
func TestPlaqueThroughFineMasks(t *testing.T) {
	if testing.Short() {
		t.Skip("large masks")
	}
	var first float64
	// The middle is off the lattice, where many voxel centres lie exactly on the lumen.
	at := r3.Vec{X: 0.02, Y: 0.013}
	for _, test := range []struct {
		name string
		pose
	}{{"as it is", pose{shift: at}}, {"turned by 30°", pose{shift: at, turn: math.Pi / 6}}, {"moved by half a voxel", pose{shift: r3.Add(at, r3.Vec{X: 0.05, Y: 0.05, Z: 0.05})}}} {
		s, low := capOfMasks(t, 0.30, 0.1, test.pose)
		if first == 0 {
			first = s.mean()
		}
		if low {
			t.Errorf("%s: a cap of three voxels has low confidence", test.name)
		}
		check := func(quantity, source string, got, want, rel float64) {
			verify.Check{Suite: "mechanics", Case: "D1-lin45-cap0.30 through masks of 0.1 mm, " + test.name, Quantity: quantity, Source: source, Got: got, Want: want, Tol: rel * want}.Run(t)
		}
		check("mean principal stress of the cap, kPa", "fem-benchmarks.csv, converged finite elements", s.mean(), 36.0952, 0.05)
		check("the same over that of the image as it is", "fem-benchmarks.md, section F", s.mean()/first, 1, 0.05)
	}
}

// As voxels shrink, mean, median and 99th percentile of the cap of section D1
// approach the references: the root mean square of the error over six places and
// turns falls from voxels of 0.5 mm to voxels of 0.1 mm to less than a half.
func TestMasksApproach(t *testing.T) {
	if testing.Short() {
		t.Skip("solves 24 vessels")
	}
	const source = "fem-benchmarks.csv, converged finite elements"
	measures := []struct {
		name string
		of   func(s stress) float64
		want float64 // kPa
	}{
		{"mean", stress.mean, 36.0952}, {"50th percentile", func(s stress) float64 { return s.percentile(50) }, 36.9401},
		{"99th percentile", func(s stress) float64 { return s.percentile(99) }, 65.7614},
	}
	off := map[float64][]float64{}
	for _, voxel := range []float64{0.5, 0.35, 0.25, 0.1} {
		rng := rand.New(rand.NewPCG(11, 1))
		off[voxel] = make([]float64, len(measures))
		const places = 6
		for range places {
			w := pose{r3.Vec{X: (rng.Float64() - 0.5) * voxel, Y: (rng.Float64() - 0.5) * voxel, Z: (rng.Float64() - 0.5) * voxel}, rng.Float64() * 2 * math.Pi}
			s, _ := capOfMasks(t, 0.30, voxel, w)
			for n, m := range measures {
				e := m.of(s)/m.want - 1
				off[voxel][n] += e * e / places
			}
		}
		for n, m := range measures {
			off[voxel][n] = math.Sqrt(off[voxel][n])
			t.Logf("voxels of %g mm: error of the %s %.1f %%", voxel, m.name, 100*off[voxel][n])
		}
	}
	for n, m := range measures {
		verify.Check{Suite: "mechanics", Case: "D1-lin45-cap0.30 through masks, six places and turns", Quantity: m.name + " of the principal stress of the cap: error at 0.1 mm over that at 0.5 mm",
			Source: source, Got: off[0.1][n] / off[0.5][n], Want: 0, Tol: 0.5}.Run(t)
	}
	verify.Check{Suite: "mechanics", Case: "D1-lin45-cap0.30 through masks, six places and turns", Quantity: "error of the mean principal stress of the cap at 0.1 mm",
		Source: source, Got: off[0.1][0], Want: 0, Tol: 0.05}.Run(t)
}

// The wall around a ball of core, D2, from masks of 0.1 mm; of 0.25 mm, to which
// the core is two voxels thick, within twice the error.
func TestBallThroughMasks(t *testing.T) {
	if testing.Short() {
		t.Skip("large masks")
	}
	for _, test := range []struct{ voxel, rel float64 }{{0.25, 0.1}, {0.1, 0.05}} {
		r := throughMasks(t, bodyD2, 7, test.voxel, 500, pose{shift: r3.Vec{X: 0.02, Y: 0.013}})
		s := stressIn(r, func(_ *fem.Point, at r3.Vec) bool { return math.Abs(at.Z) < 1 })
		for _, q := range []struct{ p, want float64 }{{50, 20.553}, {90, 29.013}, {95, 30.549}, {99, 32.289}} {
			verify.Check{Suite: "mechanics", Case: fmt.Sprintf("D2-linear through masks of %g mm", test.voxel), Quantity: fmt.Sprintf("%gth percentile of the principal stress of the wall, |z| < 1, kPa", q.p),
				Source: "fem-benchmarks.csv, converged finite elements", Got: s.percentile(q.p), Want: q.want, Tol: test.rel * q.want}.Run(t)
		}
	}
}
