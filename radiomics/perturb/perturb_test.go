package perturb

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// crescent returns a noisy image and a plaque of a few voxels' thickness around
// a lumen: an image like those of the studies.
func crescent(seed uint64) (*imaging.Volume, *imaging.Mask) {
	g := imaging.NewGrid([3]int{44, 40, 30}, [3]float64{0.4, 0.4, 0.5}, r3.Vec{X: -20, Y: 31, Z: 7})
	vol, mask := imaging.NewVolume(g), imaging.NewMask(g)
	draw := rand.New(rand.NewPCG(seed, 9))
	lean := draw.Float64()
	for n := range vol.Values {
		i, j, k := g.Coords(n)
		x, y := float64(i)-21-lean*math.Sin(float64(k)/6), float64(j)-19.5
		r := math.Hypot(x, y)
		value := 80 + 20*math.Sin(float64(i+k)/3)
		if r < 4 {
			value = 380
		}
		vol.Values[n] = float32(value + 15*draw.NormFloat64())
		mask.In[n] = r >= 4.2 && r < 7.5+lean && y > -2 && k > 6 && k < 23
	}
	return vol, mask
}

// whole is a chain that changes nothing.
func whole() Config {
	return Config{Rotations: []float64{0}, Axis: "k", Shifts: []float64{0}, Growths: []float64{0}, Margin: 3}
}

// A chain without perturbation gives the voxels of the image and the mask as
// they were, on the part of the grid around the region.
func TestIdentity(t *testing.T) {
	vol, mask := crescent(1)
	s, err := NewSubject("a", vol, mask, whole())
	if err != nil {
		t.Fatal(err)
	}
	image, roi, err := s.Apply(t.Context(), Perturbation{})
	if err != nil {
		t.Fatal(err)
	}
	if !roi.Same(&image.Grid) || roi.Count() != mask.Count() || s.Voxels != mask.Count() {
		t.Fatalf("mask of %d voxels on %v, image on %v, want %d voxels", roi.Count(), &roi.Grid, &image.Grid, mask.Count())
	}
	for n, x := range image.Values {
		i, j, k := image.Coords(n)
		a, b, c := vol.Index(image.Point(float64(i), float64(j), float64(k)))
		o := vol.Offset(int(math.Round(a)), int(math.Round(b)), int(math.Round(c)))
		if x != vol.Values[o] || roi.In[n] != mask.In[o] {
			t.Fatalf("voxel (%d, %d, %d): %g %v, want %g %v", i, j, k, x, roi.In[n], vol.Values[o], mask.In[o])
		}
	}
}

// A mask on a part of the image's grid is the same region; one that lies
// between voxels or beyond the image is refused, as is an empty one.
func TestAlignment(t *testing.T) {
	vol, mask := crescent(1)
	lo, hi, _ := mask.Bounds()
	part := mask.Crop(lo, hi)
	a, err := NewSubject("a", vol, mask, whole())
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewSubject("a", vol, part, whole())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.distance.Values, b.distance.Values) {
		t.Error("a mask cropped to its region gives another contour")
	}
	between := *part
	between.Origin = part.Point(0.5, 0, 0)
	coarse := *part
	coarse.Spacing[2] *= 1.2
	beyond := *part
	beyond.Origin = part.Point(30, 0, 0)
	for _, test := range []struct {
		name string
		mask *imaging.Mask
		want string
	}{
		{"between", &between, "0.5 voxels"},
		{"spacing", &coarse, "1.200 voxels of the image along axis k"},
		{"beyond", &beyond, "beyond the image"},
		{"empty", imaging.NewMask(vol.Grid), "the mask is empty"},
	} {
		if _, err := NewSubject("a", vol, test.mask, whole()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
		}
	}
}

// An image with gaps, as a stress field has off its mesh, is not interpolated,
// which would spread the gaps; growth and contours do without.
func TestGaps(t *testing.T) {
	vol, mask := crescent(1)
	for n := range vol.Values {
		if !mask.In[n] {
			vol.Values[n] = float32(math.NaN())
		}
	}
	if _, err := NewSubject("a", vol, mask, DefaultConfig()); err == nil || !strings.Contains(err.Error(), "no finite value") {
		t.Errorf("error %v", err)
	}
	cfg := whole()
	cfg.Contours, cfg.ContourSD, cfg.ContourLength, cfg.Growths = 1, 0.2, 2, []float64{-0.1}
	s, err := NewSubject("a", vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, roi, err := s.Apply(t.Context(), cfg.Perturbations()[0]); err != nil || roi.Count() == 0 {
		t.Errorf("%d voxels, error %v", roi.Count(), err)
	}
}

// A rotation by a quarter turn of cubic voxels, and a shift by a whole voxel,
// move values from voxel to voxel: image and mask are the same in the patient.
func TestRigid(t *testing.T) {
	g := imaging.NewGrid([3]int{21, 21, 9}, [3]float64{0.5, 0.5, 0.5}, r3.Vec{X: 3})
	vol, mask := imaging.NewVolume(g), imaging.NewMask(g)
	draw := rand.New(rand.NewPCG(1, 1))
	for n := range vol.Values {
		i, j, k := g.Coords(n)
		vol.Values[n] = float32(draw.NormFloat64())
		mask.In[n] = i > 6 && i < 15 && j > 6 && j < 12+i/5 && k > 2 && k < 6
	}
	for n := range mask.In { // symmetric bounds, so that the box turns into itself
		i, j, k := g.Coords(n)
		mask.In[n] = mask.In[n] || (i == 10 && j > 6 && j < 15 && k == 3)
	}
	cfg := whole()
	cfg.Rotations, cfg.Shifts = []float64{45}, []float64{0, 1}
	s, err := NewSubject("a", vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []Perturbation{{Rotation: math.Pi / 2, Axis: 2}, {Shift: [3]float64{1, 0, -1}}} {
		image, roi, err := s.Apply(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		compared, in := 0, 0
		for n, x := range image.Values {
			i, j, k := image.Coords(n)
			a, b, c := vol.Index(image.Point(float64(i), float64(j), float64(k)))
			ri, rj, rk := int(math.Round(a)), int(math.Round(b)), int(math.Round(c))
			if math.Abs(a-float64(ri))+math.Abs(b-float64(rj))+math.Abs(c-float64(rk)) > 1e-6 {
				t.Fatalf("%v: voxel (%g, %g, %g) lies between voxels", p, a, b, c)
			}
			if !vol.Inside(ri, rj, rk) || !mask.In[vol.Offset(ri, rj, rk)] {
				if roi.In[n] {
					t.Fatalf("%v: voxel (%d, %d, %d) is not in the region", p, ri, rj, rk)
				}
				continue
			}
			in++
			if d := math.Abs(float64(x) - vol.At(ri, rj, rk)); d > 2e-5 || !roi.In[n] {
				t.Fatalf("%v: voxel (%d, %d, %d): off by %g, in the region: %v", p, ri, rj, rk, d, roi.In[n])
			}
			compared++
		}
		if in != mask.Count() {
			t.Errorf("%v: %d of %d voxels of the region are shown", p, in, mask.Count())
		}
	}
}

// Rotations and shifts keep what they turn: the volume of the region to a
// voxel, the values of a smooth image to the error of interpolation.
func TestGeometry(t *testing.T) {
	vol, mask := crescent(2)
	f := func(p r3.Vec) float64 { return 100 + 30*math.Sin(p.X/3) + 20*math.Cos(p.Y/4) + 10*p.Z }
	for n := range vol.Values {
		i, j, k := vol.Coords(n)
		vol.Values[n] = float32(f(vol.Point(float64(i), float64(j), float64(k))))
	}
	for _, spacing := range []float64{0, 0.4} {
		cfg := DefaultConfig()
		cfg.Noises, cfg.Contours, cfg.Growths, cfg.Margin, cfg.Spacing = 0, 0, []float64{0}, 1, spacing
		cfg.Rotations = []float64{-8, 8}
		s, err := NewSubject("a", vol, mask, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range cfg.Perturbations() {
			image, roi, err := s.Apply(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := roi.VolumeMM3(), mask.VolumeMM3(); math.Abs(got-want) > roi.VoxelVolume() {
				t.Errorf("%v: volume %.1f mm³, want %.1f", p, got, want)
			}
			for n, in := range roi.In {
				i, j, k := roi.Coords(n)
				if got, want := float64(image.Values[n]), f(image.Point(float64(i), float64(j), float64(k))); in && math.Abs(got-want) > 0.02 {
					t.Fatalf("%v: value %g, want %g", p, got, want)
				}
			}
		}
	}
}

// A plate of one voxel keeps its volume wherever the voxels fall, with and
// without other voxels, and its place to a voxel.
func TestThin(t *testing.T) {
	vol, mask := crescent(2)
	for n := range mask.In {
		i, j, k := mask.Coords(n)
		mask.In[n] = i == 20 && j > 8 && j < 28 && k > 6 && k < 21
	}
	cfg := DefaultConfig()
	cfg.Shifts = []float64{0, 0.25, 0.5}
	for _, spacing := range []float64{0, 0.3} {
		cfg.Spacing = spacing
		s, err := NewSubject("a", vol, mask, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []Perturbation{{}, {Shift: [3]float64{0.25}}, {Shift: [3]float64{0.5}}, {Shift: [3]float64{0.5, 0.25, 0.5}}, {Rotation: 0.06, Axis: 2}, {Rotation: -0.06, Axis: 2, Shift: [3]float64{0.5}, Growth: 0.1}} {
			_, roi, err := s.Apply(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := roi.VolumeMM3(), mask.VolumeMM3()*(1+p.Growth); math.Abs(got-want) > roi.VoxelVolume() {
				t.Errorf("%g mm, %v: %.2f mm³, want %.2f", spacing, p, got, want)
			}
			for n, in := range roi.In {
				i, j, k := roi.Coords(n)
				x, _, _ := vol.Index(roi.Point(float64(i), float64(j), float64(k)))
				if in && math.Abs(x-20) > 1.01 {
					t.Fatalf("%g mm, %v: a voxel %g voxels from the plate", spacing, p, x-20)
				}
			}
		}
	}
}

// Growth gives the number of voxels asked for, exactly, and moves the contour
// by no more than a layer of voxels beyond what the volume needs; growth by
// zero changes nothing.
func TestGrowth(t *testing.T) {
	vol, mask := crescent(3)
	cfg := whole()
	s, err := NewSubject("a", vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, same, err := s.Apply(t.Context(), Perturbation{})
	if err != nil {
		t.Fatal(err)
	}
	for _, growth := range []float64{-0.9, -0.3, -0.1, 0, 0.1, 0.5, 1.2} {
		_, roi, err := s.Apply(t.Context(), Perturbation{Growth: growth})
		if err != nil {
			t.Fatal(err)
		}
		n := float64(mask.Count())
		verify.Check{
			Suite: "robustness", Case: "crescent of " + feature.FormatValue(n) + " voxels", Quantity: "voxels after growth by " + feature.FormatValue(growth),
			Source: "n (1 + growth)", Got: float64(roi.Count()), Want: math.Round(n * (1 + growth)), Tol: 0,
		}.Run(t)
		if growth == 0 && !slices.Equal(roi.In, same.In) {
			t.Error("growth by 0 moves voxels")
		}
		for i, in := range roi.In {
			if growth >= 0 && same.In[i] && !in {
				t.Fatalf("growth by %g leaves out a voxel", growth)
			}
			if growth <= 0 && !same.In[i] && in {
				t.Fatalf("growth by %g adds a voxel", growth)
			}
		}
		// Nested levels: every voxel taken is nearer than every one left out.
		d, err2 := imaging.Resample(t.Context(), s.distance, roi.Grid, imaging.Nearest)
		if err2 != nil {
			t.Fatal(err2)
		}
		last, first := math.Inf(-1), math.Inf(1)
		for i, in := range roi.In {
			if in {
				last = max(last, float64(d.Values[i]))
			} else {
				first = min(first, float64(d.Values[i]))
			}
		}
		if last > first {
			t.Errorf("growth by %g: a voxel at %g mm is in, one at %g mm is not", growth, last, first)
		}
	}
}

// The estimate of the noise is that which was added, whatever the slope and the
// edges along the axes; a round edge through 7 % of the pixels raises it by less
// than these could, from the median to the 54th percentile of the others. An
// image without noise has none.
func TestNoise(t *testing.T) {
	g := imaging.NewGrid([3]int{60, 60, 20}, [3]float64{1, 1, 1}, r3.Vec{})
	for _, test := range []struct {
		name       string
		edge       func(i, j float64) bool
		sigma, tol float64
	}{
		{"plane", func(i, j float64) bool { return false }, 0, 0},
		{"plane", func(i, j float64) bool { return false }, 8, 0.02}, // 0.7 % sampling error
		{"square on a plane", func(i, j float64) bool { return i > 20 && i < 50 && j > 12 && j < 40 }, 8, 0.02},
		{"disc on a plane", func(i, j float64) bool { return math.Hypot(i-30, j-25) < 12 }, 25, 0.08},
	} {
		v := imaging.NewVolume(g)
		draw := rand.New(rand.NewPCG(7, 7))
		for n := range v.Values {
			i, j, _ := g.Coords(n)
			x := 50 + float64(i) - 2*float64(j) + test.sigma*draw.NormFloat64()
			if test.edge(float64(i), float64(j)) {
				x += 300
			}
			v.Values[n] = float32(x)
		}
		verify.Check{
			Suite: "robustness", Case: test.name + " with noise", Quantity: "estimated standard deviation",
			Source: "standard deviation added", Got: Noise(v), Want: test.sigma, Tol: test.tol * test.sigma,
		}.Run(t)
	}
	if got := Noise(imaging.NewVolume(imaging.NewGrid([3]int{2, 9, 9}, [3]float64{1, 1, 1}, r3.Vec{}))); got != 0 {
		t.Errorf("noise %g of an image two voxels wide, want 0", got)
	}
}

// Added noise has the standard deviation of the image's own.
func TestAddedNoise(t *testing.T) {
	vol, mask := crescent(4)
	cfg := whole()
	cfg.Noises, cfg.NoiseFactor = 2, 1
	s, err := NewSubject("a", vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	plain, _, err := s.Apply(t.Context(), Perturbation{})
	if err != nil {
		t.Fatal(err)
	}
	one, _, err := s.Apply(t.Context(), Perturbation{Noise: 1})
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := s.Apply(t.Context(), Perturbation{Noise: 2})
	if err != nil {
		t.Fatal(err)
	}
	var s1, s12 float64
	for n := range plain.Values {
		a, b := float64(one.Values[n]-plain.Values[n]), float64(two.Values[n]-plain.Values[n])
		s1, s12 = s1+a*a, s12+a*b
	}
	n := float64(len(plain.Values))
	if sd := math.Sqrt(s1 / n); math.Abs(sd-s.Noise) > 0.03*s.Noise {
		t.Errorf("noise of %g, want %g", sd, s.Noise)
	}
	if r := s12 / s1; math.Abs(r) > 4/math.Sqrt(n) {
		t.Errorf("two draws correlate by %g", r)
	}
}

// The random field has mean 0, variance 1 and the correlation exp(−r²/2ℓ²) at
// distance r, on average over draws.
func TestField(t *testing.T) {
	const draws, length = 4000, 2.0
	at := [][3]int{{}, {1, 0, 0}, {0, 2, 0}, {2, 0, 3}}
	g := imaging.NewGrid([3]int{3, 3, 4}, [3]float64{1, 1.5, 0.5}, r3.Vec{X: 5, Y: -3})
	turn := r3.NewRotation(0.4, r3.Vec{X: 1, Y: 1})
	for a := range g.Axes {
		g.Axes[a] = turn.Rotate(g.Axes[a])
	}
	sums, square := make([]float64, len(at)), make([]float64, len(at))
	value := func(l *lattice, p [3]int) float64 {
		var row [waves]complex128
		l.row(&row, p[1], p[2])
		return l.at(&row, p[0])
	}
	for n := range draws {
		l := newField(rand.New(rand.NewPCG(1, uint64(n))), length).on(&g, r3.Vec{Z: 1})
		for m, p := range at {
			sums[m] += value(l, p)
			square[m] += value(l, p) * value(l, at[0])
		}
	}
	for m, p := range at {
		if mean := sums[m] / draws; math.Abs(mean) > 4/math.Sqrt(draws) {
			t.Errorf("mean %g", mean)
		}
		r := r3.Norm(r3.Sub(g.Point(float64(p[0]), float64(p[1]), float64(p[2])), g.Origin))
		want := math.Exp(-r * r / (2 * length * length))
		if got := square[m] / draws; math.Abs(got-want) > 0.02+4*math.Sqrt(2.0/draws) { // the cut at 3 and the sample
			t.Errorf("distance %g mm: correlation %g, want %g", r, got, want)
		}
	}
}

// On voxels a field has the values of its formula.
func TestLattice(t *testing.T) {
	f := newField(rand.New(rand.NewPCG(3, 3)), 2)
	g := imaging.NewGrid([3]int{30, 20, 10}, [3]float64{0.4, 0.5, 0.6}, r3.Vec{X: 100, Y: -30})
	zero := r3.Vec{X: 104, Y: -24, Z: 3}
	l := f.on(&g, zero)
	for n := range g.Len() {
		i, j, k := g.Coords(n)
		p := r3.Sub(g.Point(float64(i), float64(j), float64(k)), zero)
		var sum float64
		for m, w := range f.wave {
			sum += math.Cos(r3.Dot(w, p) + f.phase[m])
		}
		want := min(max(math.Sqrt(2.0/waves)*sum, -3), 3)
		var row [waves]complex128
		l.row(&row, j, k)
		if got := l.at(&row, i); math.Abs(got-want) > 1e-12 {
			t.Fatalf("voxel (%d, %d, %d): %g, want %g", i, j, k, got, want)
		}
	}
}

// A displaced contour stays within three standard deviations of where it was,
// goes both ways, and differs between draws.
func TestContour(t *testing.T) {
	vol, mask := crescent(5)
	cfg := whole()
	cfg.Contours, cfg.ContourSD, cfg.ContourLength = 2, 0.2, 2
	s, err := NewSubject("a", vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, same, err := s.Apply(t.Context(), Perturbation{})
	if err != nil {
		t.Fatal(err)
	}
	var masks [2]*imaging.Mask
	for n := range masks {
		if _, masks[n], err = s.Apply(t.Context(), Perturbation{Contour: n + 1}); err != nil {
			t.Fatal(err)
		}
		d, err := imaging.Resample(t.Context(), s.distance, same.Grid, imaging.Nearest)
		if err != nil {
			t.Fatal(err)
		}
		gained, lost := 0, 0
		for i, in := range masks[n].In {
			if in == same.In[i] {
				continue
			}
			if in {
				gained++
			} else {
				lost++
			}
			if x := math.Abs(float64(d.Values[i])); x > 3*cfg.ContourSD {
				t.Fatalf("a voxel at %g mm from the contour changed sides", x)
			}
		}
		if total := mask.Count(); gained < total/100 || lost < total/100 || gained+lost > total/2 {
			t.Errorf("%d voxels gained and %d lost of %d", gained, lost, total)
		}
	}
	if slices.Equal(masks[0].In, masks[1].In) {
		t.Error("two draws give the same contour")
	}
}

// volume and mean intensity of a region.
var testSchema = feature.MustSchema(
	feature.Column{Name: "volume", Unit: "mm3", Ref: "test"},
	feature.Column{Name: "mean", Unit: "HU", Ref: "test", Settings: "a; b"},
	feature.Column{Name: "never", Unit: "1", Ref: "test"},
	feature.Column{Name: "constant", Unit: "1", Ref: "test"},
)

func testExtract(_ context.Context, vol *imaging.Volume, roi *imaging.Mask) (feature.Vector, error) {
	var sum float64
	for n, in := range roi.In {
		if in {
			sum += float64(vol.Values[n])
		}
	}
	return feature.Vector{Schema: testSchema, Values: []float64{roi.VolumeMM3(), sum / float64(roi.Count()), math.NaN(), 4}}, nil
}

func regions(n int) []Region {
	var rs []Region
	for i := range n {
		rs = append(rs, Region{string(rune('a' + i)), func(context.Context) (*imaging.Volume, *imaging.Mask, error) {
			vol, mask := crescent(uint64(i))
			return vol, mask, nil
		}})
	}
	return rs
}

// Without perturbation every feature that differs between regions has an ICC of
// exactly one; one without values or without variance has none.
func TestNothing(t *testing.T) {
	cfg := whole()
	cfg.Contours, cfg.ContourSD, cfg.ContourLength = 3, 0, 1 // three repetitions of nothing
	r, err := Run(t.Context(), regions(4), cfg, testExtract, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []float64{1, 1, math.NaN(), math.NaN()} {
		row := r.Stability.Rows[n]
		verify.Check{
			Suite: "robustness", Case: "4 crescents, no perturbation", Quantity: "ICC(1,1) of " + row.Feature,
			Source: "no variance within regions", Got: row.ICC, Want: want, Tol: 0,
		}.Run(t)
		if row.Perturbations != 3 {
			t.Errorf("%d perturbations, want 3", row.Perturbations)
		}
	}
	if row := r.Stability.Rows[2]; row.Undefined != 12 || row.Regions != 0 {
		t.Errorf("undefined feature: %+v", row)
	}
	if row := r.Stability.Rows[3]; row.WithinCV != 0 || row.CV != 0 {
		t.Errorf("constant feature: %+v", row)
	}
	if got := r.Stability.Keep(0.9); !slices.Equal(got, []string{"volume", "mean"}) {
		t.Errorf("kept %v", got)
	}
}

// The default chain on three crescents has the same bits on any number of
// processors, whatever the order of the regions; less perturbation gives a
// higher ICC.
func TestRun(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Shifts, cfg.Rotations = []float64{0.25}, []float64{4}
	old := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(old)
	var first *Result
	processors := []int{1, 2, 8}
	if testing.Short() {
		processors = []int{1, 8}
	}
	for _, n := range processors {
		runtime.GOMAXPROCS(n)
		r, err := Run(t.Context(), regions(3), cfg, testExtract, nil)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = r
			continue
		}
		for f := range r.Values {
			for m := range r.Values[f] {
				for p, x := range r.Values[f][m] {
					if math.Float64bits(x) != math.Float64bits(first.Values[f][m][p]) {
						t.Fatalf("GOMAXPROCS %d: %s of region %d as %v: %g, want %g", n, r.Schema.Columns()[f].Name, m, r.Perturbations[p], x, first.Values[f][m][p])
					}
				}
			}
		}
	}
	turned := regions(3)
	slices.Reverse(turned)
	r, err := Run(t.Context(), turned, cfg, testExtract, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Values[0][2], first.Values[0][0]) {
		t.Error("the order of regions changes their perturbations")
	}
	gentle := cfg
	gentle.Growths, gentle.ContourSD = []float64{-0.02, 0.02}, 0.05
	g, err := Run(t.Context(), regions(3), gentle, testExtract, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := first.Stability.Rows[0], g.Stability.Rows[0]; !(a.ICC < b.ICC && b.ICC < 1 && a.WithinCV > b.WithinCV && a.Low < a.ICC && a.ICC < a.High) {
		t.Errorf("volume: %+v, with less perturbation %+v", a, b)
	}
	gentle.Seed++
	h, err := Run(t.Context(), regions(3), gentle, testExtract, nil)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(h.Values[1][0], g.Values[1][0]) {
		t.Error("another seed draws the same numbers")
	}
}

// An extraction that fails leaves its values undefined and is named; if all do,
// the study fails with the first reason.
func TestFailures(t *testing.T) {
	bad := errors.New("nothing in range")
	cfg := whole()
	cfg.Growths = []float64{-0.5, 0, 0.5}
	some := func(ctx context.Context, vol *imaging.Volume, roi *imaging.Mask) (feature.Vector, error) {
		_, full := crescent(0)
		if roi.Count() < full.Count()*3/4 {
			return feature.Vector{}, bad
		}
		return testExtract(ctx, vol, roi)
	}
	r, err := Run(t.Context(), regions(3), cfg, some, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Failures) != 3 || r.Failures[0].Region != "a" || r.Failures[0].Perturbation != "v-50" || r.Stability.Rows[0].Undefined != 3 {
		t.Errorf("failures %v, row %+v", r.Failures, r.Stability.Rows[0])
	}
	none := func(context.Context, *imaging.Volume, *imaging.Mask) (feature.Vector, error) {
		return feature.Vector{}, bad
	}
	if _, err := Run(t.Context(), regions(2), cfg, none, nil); !errors.Is(err, bad) || !strings.Contains(err.Error(), `region "a" as v-50`) {
		t.Errorf("error %v", err)
	}
	if _, err := Run(t.Context(), append(regions(2), regions(1)...), cfg, testExtract, nil); err == nil || !strings.Contains(err.Error(), `two regions are called "a"`) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, regions(2), cfg, testExtract, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Validate names every key that is wrong.
func TestValidate(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	if got := len(DefaultConfig().Perturbations()); got != 32 {
		t.Errorf("%d perturbations by default, want 32", got)
	}
	c := Config{Rotations: []float64{90}, Axis: "x", Shifts: nil, Growths: []float64{0, 0, -1}, Contours: 1, ContourSD: -1, Margin: math.NaN(), Spacing: 1000}
	err := c.Validate()
	for _, key := range []string{"rotation_deg: 90", `rotation_axis: "x"`, "shift_voxels: empty", "growth_fraction: 0 stands twice", "growth_fraction: -1", "contour_sd_mm", "contour_correlation_mm", "spacing_mm", "margin_mm"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("error %v does not name %s", err, key)
		}
	}
}

// One perturbation of a plaque with everything in it.
func BenchmarkApply(b *testing.B) {
	vol, mask := crescent(1)
	cfg := DefaultConfig()
	s, err := NewSubject("a", vol, mask, cfg)
	if err != nil {
		b.Fatal(err)
	}
	ps := cfg.Perturbations()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if _, _, err := s.Apply(b.Context(), ps[n%len(ps)]); err != nil {
			b.Fatal(err)
		}
	}
}
