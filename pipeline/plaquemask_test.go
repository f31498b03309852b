package pipeline

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/fem"
	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/imaging"
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

// voxelised is section D1 of the benchmarks, 6 mm long, as masks: lumen, wall, lipid.
func voxelised(cap, voxel float64, w pose) (*imaging.Volume, []segmentation.Mask) {
	n := int(math.Ceil(6/voxel)) + 5
	corner := -float64(n-1) / 2 * voxel
	g := imaging.NewGrid([3]int{n, n, n}, [3]float64{voxel, voxel, voxel}, r3.Vec{X: corner, Y: corner, Z: corner})
	vol := imaging.NewVolume(g)
	masks := []segmentation.Mask{{Name: "lumen"}, {Name: "wall"}, {Name: "lipid"}}
	for i, s := range []segmentation.Structure{segmentation.Lumen, segmentation.Wall, segmentation.Lipid} {
		masks[i].Label, masks[i].Mask = segmentation.Label{Artery: coronary.LAD, Structure: s}, imaging.NewMask(g)
	}
	for o := range vol.Values {
		i, j, k := g.Coords(o)
		p := w.own(g.Point(float64(i), float64(j), float64(k)))
		switch {
		case math.Abs(p.Z) > 3:
		case math.Hypot(p.X+0.3, p.Y) < 1.2:
			masks[0].Mask.In[o], vol.Values[o] = true, 400
		case math.Hypot((p.X-1.15-cap)/0.25, p.Y/0.8) < 1:
			masks[2].Mask.In[o] = true
		case math.Hypot(p.X, p.Y) < 2:
			masks[1].Mask.In[o], vol.Values[o] = true, 100
		}
	}
	return vol, masks
}

// capOfMasks runs a voxelised section through the line up to the wall stress. It
// returns the mean of the largest principal stress over the cap region of the
// benchmark, kPa, and whether the cap is of low confidence.
func capOfMasks(t *testing.T, cap, voxel float64, w pose) (float64, bool) {
	t.Helper()
	vol, masks := voxelised(cap, voxel, w)
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
	wall := material.Elastic{Young: 600, Poisson: 0.45}
	m.Materials = fem.Materials{Wall: wall, LowAttenuation: material.Elastic{Young: 20, Poisson: 0.45}, FibroFatty: wall, Fibrous: wall, Calcified: wall}
	r, err := fem.Solve(t.Context(), &vessels[0], tissue, 0, vessels[0].Length(), m)
	if err != nil {
		t.Fatal(err)
	}
	var sum, volume float64
	for n := range r.Points {
		p, q := &r.Points[n], w.own(r.At(n))
		if p.Tissue != imaging.LowAttenuation && !math.IsNaN(p.CapDepth) && math.Abs(q.Y) <= 0.6 && math.Abs(q.Z) <= 1 {
			sum += p.Sigma1 * p.Volume
			volume += p.Volume
		}
	}
	return sum / volume, r.Cap(0, vessels[0].Length()).Thickness < r.Voxel
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
			mean, low := capOfMasks(t, test.cap, voxel, w)
			errs = append(errs, math.Abs(mean/test.want-1))
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
	for _, w := range []pose{{shift: at}, {shift: at, turn: math.Pi / 6}, {shift: r3.Add(at, r3.Vec{X: 0.05, Y: 0.05, Z: 0.05})}} {
		mean, low := capOfMasks(t, 0.30, 0.1, w)
		if first == 0 {
			first = mean
		}
		t.Logf("shift %v, turn %.2f: %.2f kPa", w.shift, w.turn, mean)
		if math.Abs(mean/first-1) > 0.05 || math.Abs(mean/36.0952-1) > 0.05 || low {
			t.Errorf("shift %v, turn %.2f: mean %.2f kPa, at first %.2f kPa, reference 36.10 kPa; low confidence %v", w.shift, w.turn, mean, first, low)
		}
	}
}
