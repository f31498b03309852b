package radiomics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/internal/strictyaml"
	"github.com/plaquerisk/plaquerisk/internal/verify"
	"github.com/plaquerisk/plaquerisk/radiomics/filter"
	"github.com/plaquerisk/plaquerisk/radiomics/intensity"
	"github.com/plaquerisk/plaquerisk/risk"
)

// plaque returns a noisy image of cubes of spacing mm and an ellipsoid with the
// given semi-axes, in voxels, in its middle.
func plaque(size [3]int, spacing float64, semi [3]float64) (*imaging.Volume, *imaging.Mask) {
	g := imaging.NewGrid(size, [3]float64{spacing, spacing, spacing}, r3.Vec{X: -20, Y: 31, Z: 7})
	vol, mask := imaging.NewVolume(g), imaging.NewMask(g)
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range vol.Values {
		i, j, k := g.Coords(n)
		vol.Values[n] = float32(math.Round(80 + 60*math.Sin(float64(i)/3)*math.Cos(float64(j+k)/4) + 25*rng.NormFloat64()))
		x := [3]float64{float64(i), float64(j), float64(k)}
		var q float64
		for a := range 3 {
			d := (x[a] - float64(size[a]-1)/2) / semi[a]
			q += d * d
		}
		mask.In[n] = q <= 1
	}
	return vol, mask
}

// A plaque of a real scan has the volume, mean, spread and low-density part
// that its source states.
func TestRealPlaque(t *testing.T) {
	dir := verify.Shared(t, "data", "ct", "plaque-voi-no-nrs")
	vol, err := nifti.ReadVolume(filepath.Join(dir, "plaque_hu.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	seg, err := nifti.ReadSegmentation(filepath.Join(dir, "plaque_mask.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	mask := seg.Mask(0)
	v, _, err := Extract(t.Context(), vol, mask, IBSIConfig())
	if err != nil {
		t.Fatal(err)
	}
	cfg := IBSIConfig()
	cfg.RangeHU = []float64{-2000, 29.999}
	low, _, err := Extract(t.Context(), vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	// Energy is a sum: divided by its mean it counts voxels.
	count := func(v *feature.Vector) float64 {
		return v.Get("original.firstorder.energy") / math.Pow(v.Get("original.firstorder.root_mean_square"), 2)
	}
	for _, c := range []verify.Check{
		{Quantity: "voxel volume, mm³", Got: v.Get("original.shape.voxel_volume"), Want: 41.4, Tol: 0.05},
		{Quantity: "mean, HU", Got: v.Get("original.firstorder.mean"), Want: 150, Tol: 0.5},
		{Quantity: "standard deviation, HU", Got: math.Sqrt(v.Get("original.firstorder.variance")), Want: 85, Tol: 0.5},
		{Quantity: "voxels below 30 HU, %", Got: 100 * count(&low) / count(&v), Want: 5.5, Tol: 0.05},
	} {
		c.Suite, c.Case, c.Source = "radiomics", "coronary plaque without napkin-ring sign", "RIA 1.7.2, Kolossváry 2017, as stated"
		c.Run(t)
	}
}

// Moving image and mask in the patient, or padding the image by voxels that
// keep the grid, changes no value; mirroring changes only what has a handedness,
// which no feature has.
func TestInvariance(t *testing.T) {
	vol, mask := plaque([3]int{26, 24, 22}, 0.4, [3]float64{6, 5, 4})
	for _, cfg := range []Config{DefaultConfig(), IBSIConfig()} {
		want, _, err := Extract(t.Context(), vol, mask, cfg)
		if err != nil {
			t.Fatal(err)
		}
		check := func(name string, v *imaging.Volume, m *imaging.Mask, tol float64) {
			t.Helper()
			got, _, err := Extract(t.Context(), v, m, cfg)
			if err != nil {
				t.Fatal(name, err)
			}
			for n, x := range got.Values {
				if strings.Contains(got.Schema.Column(n).Name, "local_intensity") && name == "cropped image" {
					continue // it looks beyond the region
				}
				if y := want.Values[n]; !(math.Abs(x-y) <= tol*max(1, math.Abs(y))) {
					t.Errorf("%s: %s = %v, want %v", name, got.Schema.Column(n).Name, x, y)
				}
			}
		}
		moved, movedMask := *vol, *mask
		moved.Origin = r3.Add(moved.Origin, r3.Vec{X: 100, Y: -50, Z: 12.5})
		movedMask.Origin = moved.Origin
		check("translation", &moved, &movedMask, 1e-6)
		lo, hi, _ := mask.Bounds()
		check("cropped mask", vol, mask.Crop(lo, hi), 0)
		lo, hi = margin{voxels: [3]int{4, 4, 4}}.widen(&vol.Grid, lo, hi)
		check("cropped image", vol.Crop(lo, hi), mask, 1e-6)
		for axis := range 3 {
			v, m := imaging.NewVolume(vol.Grid), imaging.NewMask(mask.Grid)
			for n := range v.Values {
				x := [3]int{}
				x[0], x[1], x[2] = vol.Coords(n)
				x[axis] = vol.Size[axis] - 1 - x[axis]
				o := vol.Offset(x[0], x[1], x[2])
				v.Values[o], m.In[o] = vol.Values[n], mask.In[n]
			}
			check(fmt.Sprintf("mirrored axis %d", axis), v, m, 1e-4)
		}
	}
}

// Adding a constant to all intensities moves mean and percentiles by it and
// leaves shape, spread and, for bins from the minimum, texture alone.
func TestShift(t *testing.T) {
	vol, mask := plaque([3]int{20, 20, 20}, 0.5, [3]float64{5, 5, 4})
	want, _, err := Extract(t.Context(), vol, mask, IBSIConfig())
	if err != nil {
		t.Fatal(err)
	}
	for n := range vol.Values {
		vol.Values[n] += 64
	}
	got, _, err := Extract(t.Context(), vol, mask, IBSIConfig())
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range got.Schema.Columns() {
		shift := 0.0
		switch f := strings.TrimPrefix(c.Name, "original.firstorder."); f {
		case "mean", "median", "minimum", "p10", "p90", "maximum":
			shift = 64
		case "coefficient_of_variation", "quartile_coefficient_of_dispersion", "energy", "root_mean_square":
			continue
		}
		if strings.HasSuffix(c.Name, "centre_of_mass_shift") || strings.HasSuffix(c.Name, "integrated_intensity") {
			continue
		}
		if strings.Contains(c.Name, "local_intensity") || strings.HasSuffix(c.Name, "percent_volume") {
			shift = 64
		}
		if g, w := got.Values[n], want.Values[n]+shift; !(math.Abs(g-w) <= 1e-9*max(1, math.Abs(w))) {
			t.Errorf("%s = %v, want %v", c.Name, g, w)
		}
	}
}

// One processor and four give the same bits.
func TestSameBits(t *testing.T) {
	vol, mask := plaque([3]int{48, 48, 44}, 0.4, [3]float64{14, 12, 11})
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	want, _, err := Extract(t.Context(), vol, mask, DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	runtime.GOMAXPROCS(4)
	got, _, err := Extract(t.Context(), vol, mask, DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for n := range want.Values {
		if math.Float64bits(got.Values[n]) != math.Float64bits(want.Values[n]) {
			t.Errorf("%s: %v, then %v", want.Schema.Column(n).Name, want.Values[n], got.Values[n])
		}
	}
}

// A region without spread has NaN where a feature is undefined, says so in a
// note, and never an infinity.
func TestUndefined(t *testing.T) {
	flat, ball := plaque([3]int{16, 16, 16}, 0.4, [3]float64{4, 4, 4})
	for n := range flat.Values {
		flat.Values[n] = 90
	}
	one := imaging.NewMask(flat.Grid)
	one.In[one.Offset(8, 8, 8)] = true
	slice := imaging.NewMask(flat.Grid)
	for n, in := range ball.In {
		_, _, k := ball.Coords(n)
		slice.In[n] = in && k == 8
	}
	for _, test := range []struct {
		name    string
		mask    *imaging.Mask
		missing []string
		present []string
		code    string
	}{
		{"flat", ball, []string{"original.glcm.correlation.3d_merged", "original.ngtdm.busyness.3d", "original.shape.morans_i"},
			[]string{"original.glcm.joint_entropy.3d_averaged", "original.shape.sphericity"}, "PLQ-301"},
		{"one voxel", one, []string{"original.glcm.contrast.3d_merged", "original.glcm.contrast.3d_averaged", "original.shape.elongation", "original.histogram.maximum_gradient"},
			[]string{"original.firstorder.mean", "original.shape.mesh_volume"}, "PLQ-301"},
		{"one slice", slice, []string{"original.shape.volume_density_aee"}, []string{"original.shape.elongation"}, "PLQ-306"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v, notes, err := Extract(t.Context(), flat, test.mask, IBSIConfig())
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range test.missing {
				if x := v.Get(name); !math.IsNaN(x) {
					t.Errorf("%s = %v, want NaN", name, x)
				}
			}
			for _, name := range test.present {
				if x := v.Get(name); math.IsNaN(x) {
					t.Errorf("%s is undefined", name)
				}
			}
			found := false
			for _, n := range notes {
				found = found || n.Code == test.code
			}
			for n, x := range v.Values {
				if math.IsInf(x, 0) {
					t.Errorf("%s is infinite", v.Schema.Column(n).Name)
				}
			}
			if !found {
				t.Errorf("no note %s among %v", test.code, notes)
			}
		})
	}
}

// What cannot be computed is refused with what to do about it.
func TestErrors(t *testing.T) {
	vol, mask := plaque([3]int{16, 16, 16}, 0.4, [3]float64{4, 4, 4})
	shifted := *mask
	shifted.Origin.X += 0.17
	outside := *mask
	outside.Origin.X += 4 * 0.4 * 3
	coarse := *mask
	coarse.Spacing = [3]float64{0.8, 0.8, 0.8}
	narrow := DefaultConfig()
	narrow.RangeHU = []float64{3000, 4000}
	one := imaging.NewMask(vol.Grid)
	one.In[one.Offset(5, 5, 5)] = true
	big := DefaultConfig()
	big.Spacing = Cubic(3)
	fine := DefaultConfig()
	fine.BinWidth = 0.001
	for _, test := range []struct {
		name string
		mask *imaging.Mask
		cfg  Config
		want string
	}{
		{"empty", imaging.NewMask(vol.Grid), DefaultConfig(), "is empty"},
		{"shifted", &shifted, DefaultConfig(), "do not lie on the same voxels"},
		{"outside", &outside, DefaultConfig(), "beyond the image"},
		{"coarse", &coarse, DefaultConfig(), "measures 2.000 voxels of the image"},
		{"range", mask, narrow, "range_hu [3000 4000]"},
		{"lost", one, big, "after interpolation to 3 mm"},
		{"levels", mask, fine, "use a larger bin_width_hu"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := Extract(t.Context(), vol, test.mask, test.cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Extract(ctx, vol, mask, DefaultConfig()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}

// Validate names every key that is wrong, and the presets are right.
func TestValidate(t *testing.T) {
	for _, c := range []Config{DefaultConfig(), IBSIConfig(), CoronaryConfig()} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
	err := Config{Spacing: Cubic(-1), RangeHU: []float64{3}, Discretisation: "fbs", BinWidth: math.NaN(), Families: []string{"glcm", "glcm", "wavelet"}, OutlierSD: 0.1,
		Filters:    []filter.Config{{Kind: "laws", Kernel: "L5"}, {Kind: "log"}},
		Components: []Component{{"Calcium", []float64{2, 1}}}, Also: []Discretisation{{Kind: "fbn"}}}.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, key := range []string{"spacing_mm", "interpolation", "mask_threshold", "range_hu", "bin_width_hu", "bin_origin", "families", "wavelet", "stands twice",
		"aggregations", "outlier_sd", "filters[0]: kernel", "filters[1]: sigma_mm", "components[0].name", "components[0].range_hu", "also[0].bins", "image_name", "distance_voxels"} {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("error does not name %s: %v", key, err)
		}
	}
}

// Columns have unique names, units and sentences.
func TestColumns(t *testing.T) {
	for _, cfg := range []Config{DefaultConfig(), IBSIConfig(), CoronaryConfig()} {
		cols := Columns(cfg)
		if _, err := feature.NewSchema(cols...); err != nil {
			t.Fatal(err)
		}
		for _, c := range cols {
			if c.Unit == "" || !strings.HasSuffix(c.Doc, ".") || (len(c.Ref) != len("IBSI:")+4 && c.Ref != "not in IBSI" && !strings.HasPrefix(c.Ref, "plaquerisk:")) || c.Settings == "" {
				t.Errorf("%+v is incomplete", c)
			}
		}
	}
	if n := len(Columns(DefaultConfig())); n < 120 || n > 200 {
		t.Errorf("%d columns by default, want 120 to 200", n)
	}
}

// The settings files of the presets read back as they are written, and spacing
// as one number or three.
func TestSettings(t *testing.T) {
	for _, name := range Presets() {
		want, _, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := strictyaml.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got := IBSIConfig()
		if err := strictyaml.DecodeBytes(name, text, &got); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: read back as %v, want %v", name, got, want)
		}
	}
	b, _, _ := Preset("ibsi1_b")
	if b.Spacing != (Spacing{2, 2, 0}) {
		t.Errorf("spacing %v", b.Spacing)
	}
}

// Components divide a region: their voxels add up to it, each has the features
// of a region of its own, and one without voxels says so.
func TestComponents(t *testing.T) {
	vol, mask := plaque([3]int{20, 20, 20}, 0.4, [3]float64{5, 5, 4})
	cfg := DefaultConfig()
	cfg.Spacing = Spacing{}
	cfg.Components = []Component{{"low", []float64{-1000, 80}}, {"high", []float64{80, 2000}}, {"metal", []float64{2000, 4000}}}
	v, _, err := Extract(t.Context(), vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	volume := func(part string) float64 { return v.Get(part + "original.shape.voxel_volume") }
	if got := volume("low.") + volume("high."); math.Abs(got-volume("")) > 1e-9 {
		t.Errorf("components of %g mm³ in a region of %g mm³", got, volume(""))
	}
	low := imaging.NewMask(mask.Grid)
	for n, in := range mask.In {
		low.In[n] = in && vol.Values[n] < 80
	}
	alone := cfg
	alone.Components = nil
	w, _, err := Extract(t.Context(), vol, low, alone)
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range w.Schema.Columns() {
		if got := v.Get("low." + c.Name); got != w.Values[n] {
			t.Errorf("low.%s = %v, of the region alone %v", c.Name, got, w.Values[n])
		}
	}
	n, _ := v.Schema.Index("metal.original.firstorder.mean")
	if !math.IsNaN(v.Values[n]) || v.Support[n].Reason != feature.EmptyRegion {
		t.Errorf("empty component: %v, %+v", v.Values[n], v.Support[n])
	}
}

// Mask-weighted filters do not see what lies beside the region.
func TestNoBleeding(t *testing.T) {
	vol, mask := plaque([3]int{24, 24, 24}, 0.4, [3]float64{6, 5, 4})
	cfg := DefaultConfig()
	cfg.Spacing, cfg.Families = Spacing{}, []string{"firstorder"}
	cfg.Filters = CoronaryConfig().Filters
	for n := range cfg.Filters {
		cfg.Filters[n].MaskWeighted = true
	}
	want, _, err := Extract(t.Context(), vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for n, in := range mask.In {
		if !in {
			vol.Values[n] = 1200 // calcium and lumen all around
		}
	}
	got, _, err := Extract(t.Context(), vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for n, x := range got.Values {
		if x != want.Values[n] {
			t.Errorf("%s = %v, before %v", got.Schema.Column(n).Name, x, want.Values[n])
		}
	}
}

// Bins of equal probability hold equal numbers of voxels where no two are equal,
// and equal intensities share a level.
func TestEqualProbability(t *testing.T) {
	cfg := DefaultConfig()
	d := Discretisation{Kind: "equal_probability", Bins: 8}
	values := make([]float64, 800)
	for n := range values {
		values[n] = float64((n*271)%800) + 0.5
	}
	g, err := d.levels(values, &cfg)
	if err != nil {
		t.Fatal(err)
	}
	for level, count := range intensity.Count(nil, g.level)[1:] {
		if count != 100 {
			t.Errorf("level %d has %d voxels", level+1, count)
		}
	}
	g, err = d.levels([]float64{3, 3, 3, 3}, &cfg)
	if err != nil || g.level[0] != g.level[3] {
		t.Errorf("equal intensities: %v, %v", g.level, err)
	}
}

// A tilted gantry is said where filters are asked for, and only there; a turned
// patient is none. Volumes are those of the sheared voxels.
func TestSkew(t *testing.T) {
	vol, mask := plaque([3]int{16, 16, 16}, 0.4, [3]float64{4, 4, 4})
	cfg := IBSIConfig()
	noted := func(axes [3]r3.Vec) bool {
		v, m := *vol, *mask
		v.Axes, m.Axes = axes, axes
		x, notes, err := Extract(t.Context(), &v, &m, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := x.Schema.Index("original.shape.voxel_volume"); !ok || math.Abs(x.Values[at]-m.VolumeMM3()) > 1e-9 {
			t.Errorf("axes %v: volume %g mm³, want %g", axes, x.Values[at], m.VolumeMM3())
		}
		return slices.ContainsFunc(notes, func(n risk.Note) bool { return n.Code == "PLQ-307" })
	}
	c, s := math.Cos(0.2), math.Sin(0.2)
	if noted([3]r3.Vec{{X: 1}, {Y: c, Z: s}, {Y: -s, Z: c}}) {
		t.Error("a turned image is taken for a sheared one")
	}
	if noted([3]r3.Vec{{X: 1}, {Y: 1}, {Y: s, Z: c}}) {
		t.Error("a sheared image is noted without filters")
	}
	cfg.Filters = []filter.Config{{Kind: "gauss", Sigma: 0.5}}
	if !noted([3]r3.Vec{{X: 1}, {Y: 1}, {Y: s, Z: c}}) {
		t.Error("a sheared image is not noted")
	}
}

// Every value says what it rests on, and every undefined one why.
func TestSupport(t *testing.T) {
	vol, mask := plaque([3]int{16, 16, 16}, 0.4, [3]float64{4, 4, 4})
	cfg := IBSIConfig()
	cfg.Aggregations = aggregationNames()
	v, _, err := Extract(t.Context(), vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	one := imaging.NewMask(vol.Grid)
	one.In[one.Offset(8, 8, 8)] = true
	w, _, err := Extract(t.Context(), vol, one, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range v.Schema.Columns() {
		if s := v.Support[n]; s.Voxels == 0 || strings.Contains(c.Name, "original.gl") && s.Pairs == 0 {
			t.Errorf("%s rests on %+v", c.Name, s)
		}
		shape := w.Values[n] == 0 && (strings.HasSuffix(c.Name, "skewness") || strings.HasSuffix(c.Name, "kurtosis")) // of one intensity
		if (math.IsNaN(w.Values[n]) || shape) != (w.Support[n].Reason != feature.Defined) {
			t.Errorf("one voxel: %s = %v because %q", c.Name, w.Values[n], w.Support[n].Reason)
		}
	}
}

// A field of another unit is an image type of its own, and texture with a fixed
// number of bins does not depend on its scale.
func TestField(t *testing.T) {
	vol, mask := plaque([3]int{20, 20, 20}, 0.4, [3]float64{5, 5, 4})
	cfg := IBSIConfig()
	cfg.Image, cfg.Unit, cfg.Modality = "stress_vm", "kPa", feature.Biomechanics
	cfg.Discretisation, cfg.Bins = "fbn", 16
	v, _, err := Extract(t.Context(), vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for n := range vol.Values {
		vol.Values[n] *= 4
	}
	w, _, err := Extract(t.Context(), vol, mask, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range v.Schema.Columns() {
		if strings.Contains(c.Unit, "HU") || !strings.HasPrefix(c.Name, "stress_vm.") || c.Modality != feature.Biomechanics {
			t.Errorf("%+v", c)
		}
		if strings.HasPrefix(c.Name, "stress_vm.gl") && v.Values[n] != w.Values[n] {
			t.Errorf("%s = %v, of the field times four %v", c.Name, v.Values[n], w.Values[n])
		}
	}
}

func BenchmarkExtract(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
		semi [3]float64
	}{
		{"plaque", 30, [3]float64{10, 6, 4.8}},
		{"blob", 90, [3]float64{36.5, 36.5, 36.5}},
	} {
		vol, mask := plaque([3]int{size.n, size.n, size.n}, 0.4, size.semi)
		for _, profile := range []struct {
			name string
			cfg  Config
		}{{"default", DefaultConfig()}, {"ibsi", IBSIConfig()}, {"coronary", CoronaryConfig()}} {
			b.Run(fmt.Sprintf("%s-%d-%s", size.name, mask.Count(), profile.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := Extract(b.Context(), vol, mask, profile.cfg); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(Columns(profile.cfg))), "columns")
			})
		}
	}
}

func ExampleExtract() {
	// A plaque of 2×2×2 voxels, half of it lipid and half fibrous.
	g := imaging.NewGrid([3]int{6, 6, 6}, [3]float64{0.4, 0.4, 0.4}, r3.Vec{})
	vol, roi := imaging.NewVolume(g), imaging.NewMask(g)
	for n := range vol.Values {
		i, j, k := g.Coords(n)
		vol.Values[n] = float32(20 + 80*(i%2))
		roi.In[n] = i/2 == 1 && j/2 == 1 && k/2 == 1
	}
	v, _, err := Extract(context.Background(), vol, roi, DefaultConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.3f mm³, %.0f HU, %.0f bit\n",
		v.Get("original.shape.voxel_volume"), v.Get("original.firstorder.mean"), v.Get("original.histogram.entropy"))
	// Output: 0.512 mm³, 60 HU, 1 bit
}

// A region that no lesion is as large as is refused where families for lesions
// are asked for, with the remedy, and measured where they are not.
func TestLarge(t *testing.T) {
	vol := imaging.NewVolume(imaging.NewGrid([3]int{110, 100, 100}, [3]float64{0.4, 0.4, 0.4}, r3.Vec{}))
	mask := imaging.NewMask(vol.Grid)
	for n := range mask.In {
		mask.In[n], vol.Values[n] = true, float32(n%50)
	}
	for _, family := range []string{"maps", "ria", "firstorder"} {
		cfg := IBSIConfig()
		cfg.Families = []string{family}
		_, _, err := Extract(t.Context(), vol, mask, cfg)
		if large := errors.Is(err, ErrLarge); large != (family != "firstorder") || !large && err != nil {
			t.Errorf("%s: error %v", family, err)
		}
	}
}

// Families that run beside each other on a large region leave the same bits for
// any number of threads, also with components and filters.
func TestManyThreads(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	vol, mask := plaque([3]int{38, 38, 38}, 0.4, [3]float64{18, 17, 17})
	if n := mask.Count(); n < 20_000 {
		t.Fatalf("%d voxels are not worth two threads", n)
	}
	cfg := IBSIConfig()
	cfg.Families = append(cfg.Families, "ria")
	cfg.Also = []Discretisation{{Kind: "equal_probability", Bins: 16}}
	cfg.Components = []Component{{"dense", []float64{100, math.Inf(1)}}}
	cfg.Filters = []filter.Config{{Kind: "log", Sigma: 0.6, MaskWeighted: true}, {Kind: "wavelet", Wavelet: "haar", Band: "LLH"}}
	old := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(old)
	var first []float64
	for _, threads := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(threads)
		v, _, err := Extract(t.Context(), vol, mask, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if threads == 1 {
			first = v.Values
		}
		for n, x := range v.Values {
			if x != first[n] && !(math.IsNaN(x) && math.IsNaN(first[n])) {
				t.Errorf("%d threads: %s is %v, want %v", threads, v.Schema.Column(n).Name, x, first[n])
			}
		}
	}
}
