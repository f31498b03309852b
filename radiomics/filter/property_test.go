package filter

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// examples holds a filter of every kind, with the options that change how it
// is computed.
var examples = []Config{
	{Kind: "mean", Width: 5},
	{Kind: "mean", Width: 3, Dimensions: 2, Boundary: "zero"},
	{Kind: "gauss", Sigma: 1.2},
	{Kind: "log", Sigma: 1.5},
	{Kind: "log", Sigma: 1, Dimensions: 2, Boundary: "nearest"},
	{Kind: "laws", Kernel: "L5E5S5", RotationInvariant: true, EnergyDistance: 2},
	{Kind: "laws", Kernel: "E3W5R5", Boundary: "periodic"},
	{Kind: "laws", Kernel: "L5S5", Dimensions: 2, RotationInvariant: true, Pooling: "min"},
	{Kind: "gabor", Sigma: 1.5, Wavelength: 2},
	{Kind: "gabor", Sigma: 1, Wavelength: 2, AspectRatio: 1.5, RotationInvariant: true, AngleStep: 45, OrthogonalPlanes: true},
	{Kind: "gabor", Sigma: 1.5, Wavelength: 3, RotationInvariant: true, AngleStep: 22.5, OrthogonalPlanes: true},
	{Kind: "gabor", Sigma: 1.5, Wavelength: 3, AspectRatio: 2, Angle: 90, Response: "imaginary"},
	{Kind: "wavelet", Wavelet: "db3", Band: "LLH", RotationInvariant: true},
	{Kind: "wavelet", Wavelet: "haar", Band: "HLH", Level: 2, Pooling: "max", RotationInvariant: true},
	{Kind: "wavelet", Wavelet: "coif1", Band: "LH", Dimensions: 2},
	{Kind: "simoncelli", Level: 2},
	{Kind: "simoncelli", Dimensions: 2, Boundary: "mirror"},
	{Kind: "riesz_log", Sigma: 1.5, RieszOrder: []int{1, 0, 1}},
	{Kind: "riesz_simoncelli", RieszOrder: []int{0, 2, 0}, TensorSigma: 1, Boundary: "nearest"},
	{Kind: "square"}, {Kind: "square_root"}, {Kind: "logarithm"}, {Kind: "exponential"}, {Kind: "gradient"},
	{Kind: "lbp_2d"}, {Kind: "lbp_3d", Map: "m2"}, {Kind: "lbp_3d", Map: "k"},
	{Kind: "log_itk", Sigma: 1}, {Kind: "wavelet_pywt", Wavelet: "coif1", Band: "LHL"},
}

// noise is a random image of whole HU.
func noise(size [3]int) *imaging.Volume {
	r := rand.New(rand.NewPCG(7, 8))
	v := imaging.NewVolume(imaging.NewGrid(size, [3]float64{0.5, 0.5, 0.5}, r3.Vec{}))
	for n := range v.Values {
		v.Values[n] = float32(r.IntN(1400) - 1000)
	}
	return v
}

func apply(t *testing.T, c Config, v *imaging.Volume, m *imaging.Mask) *imaging.Volume {
	t.Helper()
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	var h *imaging.Volume
	if m != nil {
		h, err = f.ApplyWithin(t.Context(), v, m)
	} else {
		h, err = f.Apply(t.Context(), v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// nameOf names a subtest.
func nameOf(c Config) string {
	f, err := New(c)
	if err != nil {
		return c.Kind
	}
	return f.Name()
}

// same tells whether two responses have the same bits, NaN for NaN.
func same(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// The response of a voxel depends on no voxel beyond the support: a cropped
// image gives the same bits as the whole. Transforms of slices of another size
// and recursive filters round otherwise: they agree but for the last bits.
func TestSupport(t *testing.T) {
	v := noise([3]int{47, 46, 48})
	for _, c := range examples {
		t.Run(nameOf(c), func(t *testing.T) {
			f, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			rounds := c.Kind == "gabor" || c.Kind == "log_itk" || c.Kind == "lbp_3d"
			n, finite := f.Support(v.Spacing)
			if !finite {
				t.Skip("needs the whole image")
			}
			whole := apply(t, c, v, nil)
			at := [3]int{22, 23, 24}
			var lo, hi [3]int
			for a := range 3 {
				lo[a], hi[a] = at[a]-n[a], at[a]+n[a]+2
			}
			lo, hi = v.Clamp(lo, hi)
			part := apply(t, c, v.Crop(lo, hi), nil)
			for d := range 8 {
				i, j, k := d&1, d>>1&1, d>>2&1
				got, want := part.At(at[0]-lo[0]+i, at[1]-lo[1]+j, at[2]-lo[2]+k), whole.At(at[0]+i, at[1]+j, at[2]+k)
				if tol := 1e-5 * (1 + math.Abs(want)); got != want && (!rounds || math.Abs(got-want) > tol) {
					t.Errorf("response %v in the part, %v in the whole", got, want)
				}
			}
		})
	}
}

// The bits do not depend on the number of processors.
func TestThreads(t *testing.T) {
	v := noise([3]int{31, 30, 29})
	for _, c := range examples {
		t.Run(nameOf(c), func(t *testing.T) {
			var first []float32
			for _, n := range []int{1, 2, 8} {
				old := runtime.GOMAXPROCS(n)
				h := apply(t, c, v, nil)
				runtime.GOMAXPROCS(old)
				if first == nil {
					first = h.Values
				}
				if !same(first, h.Values) {
					t.Errorf("%d threads give other bits", n)
				}
			}
		})
	}
}

// Without AVX the bits are the same.
func TestLoops(t *testing.T) {
	if !useAVX {
		t.Skip("no AVX here")
	}
	defer setAVX(true)
	v := noise([3]int{37, 20, 9})
	for _, c := range examples {
		want := apply(t, c, v, nil)
		setAVX(false)
		got := apply(t, c, v, nil)
		setAVX(true)
		if !same(got.Values, want.Values) {
			t.Errorf("%s: other bits without AVX", nameOf(c))
		}
	}
}

// Linear filters respond to a constant with the constant times the sum of
// their kernel: one for smoothing kernels, zero for all others.
func TestConstant(t *testing.T) {
	v := noise([3]int{20, 21, 22})
	for n := range v.Values {
		v.Values[n] = 700
	}
	for _, c := range examples {
		want := 0.0
		switch c.Kind {
		case "mean", "gauss":
			want = 700
		case "log", "wavelet", "riesz_log", "log_itk", "wavelet_pywt", "gradient":
		case "laws":
			if c.Kernel == "E3W5R5" {
				break
			}
			fallthrough
		default:
			if c.Kind != "laws" {
				continue
			}
		}
		if c.Boundary == "zero" {
			continue
		}
		for _, x := range apply(t, c, v, nil).Values {
			if math.Abs(float64(x)-want) > 1e-4 {
				t.Errorf("%s: response %g to a constant of 700, want %g", nameOf(c), x, want)
				break
			}
		}
	}
}

// turn rotates a cubic image by a quarter turn about an axis.
func turn(v *imaging.Volume, axis int) *imaging.Volume {
	out := imaging.NewVolume(v.Grid)
	n := v.Size[0] - 1
	for k := range v.Size[2] {
		for j := range v.Size[1] {
			for i := range v.Size[0] {
				at := [3][3]int{{i, n - k, j}, {k, j, n - i}, {n - j, i, k}}[axis]
				out.Values[v.Offset(at[0], at[1], at[2])] = v.Values[v.Offset(i, j, k)]
			}
		}
	}
	return out
}

// Filters that do not know directions commute with quarter turns, in the plane
// and, in three dimensions, about all axes.
func TestRotations(t *testing.T) {
	v := noise([3]int{19, 19, 19})
	for _, c := range examples {
		isotropic := c.Kind == "mean" || c.Kind == "gauss" || c.Kind == "log" || c.Kind == "gradient" || c.Kind == "log_itk" || c.RotationInvariant
		if !isotropic || c.Boundary == "zero" && c.Dimensions == 3 {
			continue
		}
		t.Run(nameOf(c), func(t *testing.T) {
			h := apply(t, c, v, nil)
			for axis := range 3 {
				if axis < 2 && c.Dimensions == 2 {
					continue
				}
				a, b := turn(h, axis), apply(t, c, turn(v, axis), nil)
				for n := range a.Values {
					if math.Abs(float64(a.Values[n]-b.Values[n])) > 2e-3 {
						t.Fatalf("quarter turn about axis %d: %g, want %g", axis, b.Values[n], a.Values[n])
					}
				}
			}
		})
	}
}

// ball is a mask in the middle of an image.
func ball(v *imaging.Volume, radius float64) *imaging.Mask {
	m := imaging.NewMask(v.Grid)
	for n := range m.In {
		i, j, k := v.Coords(n)
		x, y, z := float64(i)-float64(v.Size[0])/2, float64(j)-float64(v.Size[1])/2, float64(k)-float64(v.Size[2])/2
		m.In[n] = x*x+y*y+z*z <= radius*radius
	}
	return m
}

// weighted calls f for the examples that have a mask-weighted form.
func weighted(t *testing.T, f func(t *testing.T, c Config)) {
	for _, c := range examples {
		if kindOf(c.Kind).weighted && (c.Kind != "gabor" || c.AspectRatio <= 1 || !c.RotationInvariant) {
			t.Run(nameOf(c), func(t *testing.T) { f(t, c) })
		}
	}
}

// Where the kernel sees the mask alone the response is the ordinary one.
func TestWeightedFull(t *testing.T) {
	v := noise([3]int{34, 31, 32})
	m := imaging.NewMask(v.Grid)
	for n := range m.In {
		m.In[n] = true
	}
	weighted(t, func(t *testing.T, c Config) {
		f, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		r, _ := f.Support(v.Spacing)
		h, want := apply(t, c, v, m), apply(t, c, v, nil)
		compared := 0
		for n, x := range h.Values {
			i, j, k := v.Coords(n)
			if min(i, v.Size[0]-1-i) < r[0] || min(j, v.Size[1]-1-j) < r[1] || min(k, v.Size[2]-1-k) < r[2] {
				continue
			}
			compared++
			// LoG has single precision without the mask.
			if d := math.Abs(float64(x - want.Values[n])); d > 1e-5*(1+math.Abs(float64(x))) {
				t.Fatalf("response %g with a full mask, %g without", x, want.Values[n])
			}
		}
		if compared == 0 {
			t.Error("nothing compared")
		}
	})
}

// What lies outside the mask changes nothing, and a constant inside has the
// response that it has everywhere: lumen and calcium do not bleed in.
func TestWeightedOutside(t *testing.T) {
	v := noise([3]int{26, 27, 28})
	m := ball(v, 7)
	weighted(t, func(t *testing.T, c Config) {
		h := apply(t, c, v, m)
		w := noise(v.Size)
		flat := imaging.NewVolume(v.Grid)
		for n, in := range m.In {
			if !in {
				w.Values[n] = 3000
				v.Values[n] = float32(math.NaN())
				flat.Values[n] = float32(n % 3000)
				if !math.IsNaN(float64(h.Values[n])) {
					t.Fatalf("response %g outside the mask, want NaN", h.Values[n])
				}
			} else {
				flat.Values[n] = 100
			}
		}
		if !same(h.Values, apply(t, c, w, m).Values) || !same(h.Values, apply(t, c, v, m).Values) {
			t.Error("voxels outside the mask change the response")
		}
		lo, hi, _ := m.Bounds()
		if !same(h.Crop(lo, hi).Values, apply(t, c, w.Crop(lo, hi), m.Crop(lo, hi)).Values) {
			t.Error("cropping to the mask changes the response")
		}
		everywhere := imaging.NewVolume(v.Grid)
		for n := range everywhere.Values {
			everywhere.Values[n] = 100
		}
		// In the middle of a constant image the border plays no part.
		u := c
		u.Boundary = "mirror"
		want := apply(t, u, everywhere, nil).At(13, 13, 14)
		for n, x := range apply(t, c, flat, m).Values {
			if m.In[n] && math.Abs(float64(x)-want) > 1e-4 {
				t.Fatalf("response %g to a constant inside, want %g", x, want)
			}
		}
	})
}

// Voxels of the mask that are not finite count as outside: they have no
// response, all others have that of the mask without them. A voxel left alone
// shows no edge.
func TestWeightedFinite(t *testing.T) {
	v := noise([3]int{26, 27, 28})
	m, finite := ball(v, 7), ball(v, 7)
	rng := rand.New(rand.NewPCG(8, 1))
	alone := v.Offset(13, 13, 14)
	for n, in := range m.In {
		i, j, k := v.Coords(n)
		near := max(i-13, 13-i, j-13, 13-j, k-14, 14-k) <= 3
		if in && n != alone && (near || rng.IntN(5) == 0) {
			v.Values[n], finite.In[n] = float32([]float64{math.NaN(), math.Inf(1), math.Inf(-1)}[rng.IntN(3)]), false
		}
	}
	weighted(t, func(t *testing.T, c Config) {
		h := apply(t, c, v, m)
		if !same(h.Values, apply(t, c, v, finite).Values) {
			t.Error("voxels that are not finite do not count as outside")
		}
		for n, x := range h.Values {
			if math.IsNaN(float64(x)) == finite.In[n] {
				t.Fatalf("response %g, finite %v", x, finite.In[n])
			}
		}
	})
}

// The mean over a mask is that of the voxels in reach that are in it.
func TestWeightedMean(t *testing.T) {
	v := noise([3]int{12, 11, 10})
	m := ball(v, 3.5)
	h := apply(t, Config{Kind: "mean", Width: 3}, v, m)
	for n, in := range m.In {
		if !in {
			continue
		}
		i, j, k := v.Coords(n)
		var sum, count float64
		for d := range 27 {
			if o := v.Offset(i+d%3-1, j+d/3%3-1, k+d/9-1); m.In[o] {
				sum, count = sum+float64(v.Values[o]), count+1
			}
		}
		if got := float64(h.Values[n]); math.Abs(got-sum/count) > 1e-3 {
			t.Fatalf("mean %g, want %g", got, sum/count)
		}
	}
}

// A voxel on its own is what a smoothing kernel sees; an edge kernel that has
// no weight there sees no edge.
func TestWeightedLonely(t *testing.T) {
	v := noise([3]int{9, 9, 9})
	m := imaging.NewMask(v.Grid)
	at := v.Offset(4, 4, 4)
	m.In[at] = true
	if got := apply(t, Config{Kind: "gauss", Sigma: 1}, v, m).Values[at]; math.Abs(float64(got-v.Values[at])) > 1e-3 {
		t.Errorf("smoothed %g, want %g", got, v.Values[at])
	}
	if got := apply(t, Config{Kind: "laws", Kernel: "E5L5L5"}, v, m).Values[at]; got != 0 {
		t.Errorf("edge of one voxel %g, want 0", got)
	}
}

// Filters that need the voxels about the region say that they cannot be
// weighted, when they are made and when they are used.
func TestNotWeighted(t *testing.T) {
	v := noise([3]int{8, 8, 8})
	for _, c := range examples {
		if kindOf(c.Kind).weighted {
			continue
		}
		f, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.ApplyWithin(t.Context(), v, ball(v, 3)); !errors.Is(err, ErrNotWeighted) {
			t.Errorf("%s: error %v", f.Name(), err)
		}
		c.MaskWeighted = true
		if err := c.Validate(); !errors.Is(err, ErrNotWeighted) {
			t.Errorf("%s: error %v", f.Name(), err)
		}
	}
}

// Images smaller than the kernel, down to one voxel, have a response or an
// error, not a panic.
func TestTiny(t *testing.T) {
	for _, size := range [][3]int{{1, 1, 1}, {2, 1, 3}, {1, 5, 1}, {3, 3, 2}} {
		for _, c := range examples {
			f, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			v := noise(size)
			if h, err := f.Apply(t.Context(), v); err == nil && len(h.Values) != v.Len() {
				t.Errorf("%s: %d values of %d voxels", f.Name(), len(h.Values), v.Len())
			}
			if kindOf(c.Kind).weighted {
				f.ApplyWithin(t.Context(), v, ball(v, 1))
			}
		}
	}
}

// A cancelled context ends the work.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v := noise([3]int{8, 8, 8})
	for _, c := range examples {
		f, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Apply(ctx, v); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", f.Name(), err)
		}
	}
}

// Names and descriptions tell filters apart.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range examples {
		f, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		if n := f.Name(); seen[n] || n != strings.ToLower(n) || strings.Trim(n, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			t.Errorf("name %q", n)
		}
		seen[f.Name()] = true
		if f.Settings() == "" {
			t.Errorf("%s has no settings", f.Name())
		}
	}
}

// Every mistake is named by its key, with what is allowed.
func TestConfigErrors(t *testing.T) {
	for _, test := range []struct {
		config Config
		want   string
	}{
		{Config{}, `kind "": want one of mean`},
		{Config{Kind: "mean", Width: 4}, "width_voxels: 4: want an odd number"},
		{Config{Kind: "mean", Width: 3, Sigma: 1}, "sigma_mm: not used by kind mean"},
		{Config{Kind: "log"}, "sigma_mm: 0: want above 0"},
		{Config{Kind: "log", Sigma: math.NaN()}, "sigma_mm: NaN"},
		{Config{Kind: "log", Sigma: 1, Boundary: "wrap"}, `boundary: "wrap": want one of mirror, zero, nearest, periodic`},
		{Config{Kind: "laws", Kernel: "L5E5"}, `kernel: "L5E5": want one kernel for each of 3 axes`},
		{Config{Kind: "laws", Kernel: "L5E5X5"}, `no kernel "X5"`},
		{Config{Kind: "laws", Kernel: "L5E5S5", Pooling: "median"}, `pooling: "median"`},
		{Config{Kind: "wavelet", Wavelet: "db99", Band: "LLH"}, `wavelet: "db99": want one of haar`},
		{Config{Kind: "wavelet", Wavelet: "db2", Band: "LLX"}, `band: "LLX"`},
		{Config{Kind: "gabor", Sigma: 1, Wavelength: 2, RotationInvariant: true}, "angle_step_deg: 0: want a divisor of 360"},
		{Config{Kind: "gabor", Sigma: 1, Wavelength: 2, AngleStep: 45}, "angle_step_deg: only with rotation_invariant"},
		{Config{Kind: "riesz_log", Sigma: 1, RieszOrder: []int{0, 0, 0}}, "riesz_order: [0 0 0]: want an order for each of 3 axes, 1 to 4 together"},
		{Config{Kind: "lbp_3d", Map: "m3"}, `map: "m3": want k or m1 to m2`},
	} {
		if err := test.config.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: error %v, want %s", test.config, err, test.want)
		}
	}
}

// The table of wavelets holds what makes a filter pair one: the low pass sums
// to √2 and the high pass to zero; orthogonal low passes are orthogonal to
// their even shifts.
func TestWavelets(t *testing.T) {
	for line := range strings.Lines(waveletTable) {
		name, _, found := strings.Cut(line, ",")
		if !found || strings.HasPrefix(line, "#") {
			continue
		}
		w, err := waveletOf(name)
		if err != nil {
			t.Fatal(err)
		}
		tol := 1e-8
		if name == "dmey" { // cut to 62 taps
			tol = 2e-3
		}
		if math.Abs(total(w.low)-math.Sqrt2) > tol || math.Abs(total(w.high)) > tol {
			t.Errorf("%s: sums %g and %g", name, total(w.low), total(w.high))
		}
		if strings.Count(line, ",") > 1 || name == "dmey" { // biorthogonal
			continue
		}
		for shift := 0; shift < len(w.low); shift += 2 {
			var dot float64
			for n := range len(w.low) - shift {
				dot += w.low[n] * w.low[n+shift]
			}
			if want := float64(min(1, max(0, 1-shift))); math.Abs(dot-want) > 1e-9 {
				t.Errorf("%s: product with its shift by %d is %g, want %g", name, shift, dot, want)
			}
		}
	}
}

// The Laplacian of Gaussian in single precision is that in double precision to
// the rounding of float32.
func TestFused(t *testing.T) {
	v := noise([3]int{45, 38, 21})
	for _, c := range examples {
		f, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		g, is := f.(*filter).response.(*gauss)
		if !is || !g.laplacian {
			continue
		}
		s, err := g.separable(v.Spacing)
		if err != nil {
			t.Fatal(err)
		}
		s.single = false
		want, err := s.apply(t.Context(), v, nil)
		if err != nil {
			t.Fatal(err)
		}
		for n, x := range apply(t, c, v, nil).Values {
			if math.Abs(float64(x-want.Values[n])) > 2e-4 { // of up to 1000 HU
				t.Fatalf("%s: %g, want %g", f.Name(), x, want.Values[n])
			}
		}
	}
}

// A steered transform of order (2, 0, 0) is the second derivative along the main
// direction: it does not change when the image is turned, and of a plane wave
// along one axis it is that along this axis.
func TestSteered(t *testing.T) {
	v := noise([3]int{24, 24, 24})
	for n := range v.Values {
		i, j, k := v.Coords(n)
		v.Values[n] = float32(300*math.Cos(2*math.Pi*float64(i)/6) + 30*math.Cos(2*math.Pi*float64(j)/8) + 3*math.Cos(2*math.Pi*float64(k)/8))
	}
	c := Config{Kind: "riesz_simoncelli", RieszOrder: []int{2, 0, 0}, TensorSigma: 2, Boundary: "periodic"}
	u := c
	u.TensorSigma = 0
	steered, straight := apply(t, c, v, nil), apply(t, u, v, nil)
	var worst, largest float64
	for n, x := range straight.Values {
		i, j, k := v.Coords(n)
		if min(i, j, k) < 8 || max(i, j, k) > 15 { // the tensor repeats the border voxels
			continue
		}
		worst, largest = max(worst, math.Abs(float64(x-steered.Values[n]))), max(largest, math.Abs(float64(x)))
	}
	if worst > 0.05*largest || largest < 10 {
		t.Errorf("steered along the wave: differs by %g of %g", worst, largest)
	}
	for axis := range 3 {
		a, b := turn(steered, axis), apply(t, c, turn(v, axis), nil)
		for n := range a.Values {
			i, j, k := v.Coords(n)
			if min(i, j, k) < 8 || max(i, j, k) > 15 {
				continue
			}
			if math.Abs(float64(a.Values[n]-b.Values[n])) > 0.02*largest {
				t.Fatalf("turned about axis %d: %g, want %g", axis, b.Values[n], a.Values[n])
			}
		}
	}
}

// Every key of a parameter file is checked for use, and used by some kind.
func TestKeys(t *testing.T) {
	config := reflect.TypeFor[Config]()
	for n := range config.NumField() {
		key, _, _ := strings.Cut(config.Field(n).Tag.Get("yaml"), ",")
		if key == "kind" || key == "name" || key == "mask_weighted" {
			continue
		}
		var c Config
		switch f := reflect.ValueOf(&c).Elem().Field(n); f.Kind() {
		case reflect.Int:
			f.SetInt(1)
		case reflect.Float64:
			f.SetFloat(1)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.String:
			f.SetString("x")
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		}
		if got := c.set(); !slices.Equal(got, []string{key}) {
			t.Errorf("%s: set returns %v", key, got)
		}
		if !slices.ContainsFunc(kinds, func(k kind) bool { return slices.Contains(strings.Fields(k.keys), key) }) {
			t.Errorf("%s: no kind uses it", key)
		}
	}
}
