package ria

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// region makes a region of voxels (i, j, k, value) in any order.
func region(voxels [][4]float64, spacing [3]float64) *Region {
	r := &Region{Spacing: spacing}
	for _, v := range voxels {
		for a := range 3 {
			r.Size[a] = max(r.Size[a], int(v[a])+1)
		}
	}
	at := func(v [4]float64) int { return (int(v[2])*r.Size[1]+int(v[1]))*r.Size[0] + int(v[0]) }
	slices.SortFunc(voxels, func(a, b [4]float64) int { return at(a) - at(b) })
	for _, v := range voxels {
		r.At, r.Values = append(r.At, at(v)), append(r.Values, v[3])
	}
	return r
}

// compute returns the values of r with their columns.
func compute(t testing.TB, cfg Config, r *Region) ([]feature.Column, []float64, []feature.Support) {
	t.Helper()
	c, err := NewComputer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	values, support := make([]float64, c.Len()), make([]feature.Support, c.Len())
	c.Compute(values, support, r)
	return cfg.Columns("original", "HU", ""), values, support
}

// The whole set equals a computation cell by cell with NumPy and SciPy, on a
// lesion with a hole, on voxels that are no cubes, for bins that do not divide
// it evenly.
func TestNumPy(t *testing.T) {
	var voxels [][4]float64
	var want []float64
	for _, row := range verify.Rows(t, "testdata", "ria_numpy.csv") {
		switch row[0] {
		case "voxel":
			voxels = append(voxels, [4]float64{verify.Number(t, row[1]), verify.Number(t, row[2]), verify.Number(t, row[3]), verify.Number(t, row[4])})
		case "value":
			x := math.NaN()
			if row[4] != "" {
				x = verify.Number(t, row[4])
			}
			want = append(want, x)
		}
	}
	cols, got, _ := compute(t, Config{Bins: []int{7, 12}, Binnings: []Binning{EqualWidth, EqualProbability}}, region(voxels, [3]float64{0.4, 0.4, 0.5}))
	if len(got) != len(want) || len(cols) != len(want) {
		t.Fatalf("%d values and %d columns, want %d", len(got), len(cols), len(want))
	}
	worst, equal := 0.0, 0
	for n, w := range want {
		if math.IsNaN(w) != math.IsNaN(got[n]) {
			t.Errorf("%s: %g, want %g", cols[n].Name, got[n], w)
		}
		if math.IsNaN(w) {
			equal++
			continue
		}
		d := math.Abs(got[n]-w) / max(math.Abs(w), 1e-6) // differences of equal numbers leave rounding
		worst = max(worst, d)
		if d > 1e-9 {
			t.Errorf("%s: %.12g, want %.12g", cols[n].Name, got[n], w)
			continue
		}
		equal++
	}
	verify.Check{
		Suite: "radiomics", Case: "RIA-type set, lesion of 182 voxels", Quantity: fmt.Sprintf("columns of %d that agree to 1e-9", len(want)),
		Source: "NumPy and SciPy, cell by cell (testdata/make.py)", Got: float64(equal), Want: float64(len(want)), Tol: 0,
	}.Run(t)
	t.Logf("largest relative difference %.1e", worst)
}

// What IBSI defines too has its consensus values on the digital phantom, whose
// levels six bins of equal width keep.
func TestIBSI(t *testing.T) {
	var voxels [][4]float64
	for _, row := range verify.Rows(t, "..", "ibsi", "data", "phantom.csv") {
		if row[4] == "1" {
			voxels = append(voxels, [4]float64{verify.Number(t, row[0]), verify.Number(t, row[1]), verify.Number(t, row[2]), verify.Number(t, row[3])})
		}
	}
	if len(voxels) != 74 {
		t.Fatalf("%d voxels, want 74", len(voxels))
	}
	cols, got, _ := compute(t, Config{Bins: []int{6}, Binnings: []Binning{EqualWidth}}, region(voxels, [3]float64{2, 2, 2}))
	value := map[string]float64{}
	for n, c := range cols {
		value[c.Name] = got[n]
	}
	// Consensus values of the digital phantom, 3D averaged, from the reference
	// manual (arXiv 1612.07003); their tolerance is 0 on three digits, or, for
	// the volume, not needed.
	for _, test := range []struct {
		name, code string
		want       float64
	}{
		{"ria_intensity.mean", "Q4LE", 2.15}, {"ria_intensity.median", "Y12H", 1}, {"ria_intensity.minimum", "1GSF", 1},
		{"ria_intensity.maximum", "84IY", 6}, {"ria_intensity.interquartile_range", "SALO", 3}, {"ria_intensity.range", "2OJQ", 5},
		{"ria_intensity.mean_deviation_from_mean", "4FUA", 1.55}, {"ria_intensity.mean_deviation_from_median", "N72L", 1.15},
		{"ria_intensity.energy", "N8CA", 567}, {"ria_intensity.root_mean_square", "5ZWQ", 2.77}, {"ria_intensity.decile_1", "QG58", 1}, {"ria_intensity.decile_9", "8DWT", 4},
		{"ria_intensity.entropy", "TLU2", 1.27}, {"ria_intensity.uniformity", "BJ5W", 0.512},
		{"ria_geometry.volume", "YEKZ", 592},
		{"ria_glcm.average.ew6", "60VM", 2.14}, {"ria_glcm.variance.ew6", "UR99", 3.1}, {"ria_glcm.entropy.ew6", "TU9B", 2.4},
		{"ria_glcm.difference_average.ew6", "TF7R", 1.43}, {"ria_glcm.difference_entropy.ew6", "NTRS", 1.56},
		{"ria_glcm.sum_average.ew6", "ZGXS", 4.29}, {"ria_glcm.sum_entropy.ew6", "P6QZ", 1.92}, {"ria_glcm.energy.ew6", "8ZQL", 0.303},
		{"ria_glcm.contrast.ew6", "ACUI", 5.32}, {"ria_glcm.dissimilarity.ew6", "8S9J", 1.43}, {"ria_glcm.inverse_difference.ew6", "IB1Z", 0.677},
		{"ria_glcm.inverse_difference_normalised.ew6", "NDRX", 0.851}, {"ria_glcm.inverse_difference_moment.ew6", "WF0Z", 0.618},
		{"ria_glcm.inverse_difference_moment_normalised.ew6", "1QCO", 0.898}, {"ria_glcm.correlation.ew6", "NI2N", 0.157},
		{"ria_glcm.autocorrelation.ew6", "QWB0", 5.06}, {"ria_glcm.cluster_tendency.ew6", "DG8W", 7.07}, {"ria_glcm.cluster_prominence.ew6", "AE86", 145},
		{"ria_glcm.information_correlation_1.ew6", "R8DG", -0.157}, {"ria_glcm.information_correlation_2.ew6", "JN9H", 0.52},
		{"ria_glrlm.short_run_emphasis.ew6", "22OV", 0.705}, {"ria_glrlm.long_run_emphasis.ew6", "W4KF", 3.06},
		{"ria_glrlm.low_grey_level_run_emphasis.ew6", "V3SW", 0.603}, {"ria_glrlm.high_grey_level_run_emphasis.ew6", "G3QZ", 9.7},
		{"ria_glrlm.short_run_low_grey_level_emphasis.ew6", "HTZT", 0.352}, {"ria_glrlm.short_run_high_grey_level_emphasis.ew6", "GD3A", 8.54},
		{"ria_glrlm.long_run_low_grey_level_emphasis.ew6", "IVPO", 2.39}, {"ria_glrlm.long_run_high_grey_level_emphasis.ew6", "3KUM", 17.6},
		{"ria_glrlm.grey_level_non_uniformity.ew6", "R5YN", 21.8}, {"ria_glrlm.run_length_non_uniformity.ew6", "W92Y", 26.9},
		{"ria_glrlm.run_percentage.ew6", "9ZK5", 0.68},
	} {
		v, ok := value["original."+test.name]
		if !ok {
			t.Errorf("no column %s", test.name)
			continue
		}
		verify.Check{
			Suite: "radiomics", Case: "RIA-type set, IBSI digital phantom", Quantity: test.name,
			Source: "IBSI " + test.code + ", 3D averaged", Got: v, Want: test.want, Digits: 3,
		}.Run(t)
	}
}

// The default set has the 2906 columns of SCOT-HEART: 44 + 12, 240 + 11 for
// each of six discretisations, 12 for each of 112 components.
func TestColumns(t *testing.T) {
	cols := DefaultConfig().Columns("original", "HU", "0.4 mm linear")
	c, err := NewComputer(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if len(cols) != 2906 || c.Len() != 2906 {
		t.Errorf("%d columns, %d values, want 2906", len(cols), c.Len())
	}
	if _, err := feature.NewSchema(cols...); err != nil {
		t.Error(err)
	}
	count := map[string]int{}
	for _, c := range cols {
		parts := strings.Split(c.Name, ".")
		count[parts[1]]++
		if c.Unit == "" || !strings.HasSuffix(c.Doc, ".") || !strings.HasPrefix(c.Settings, "0.4 mm linear") {
			t.Errorf("column %+v lacks a unit, a sentence or settings", c)
		}
	}
	for family, want := range map[string]int{"ria_intensity": 44, "ria_geometry": 12, "ria_glcm": 6 * 240, "ria_glrlm": 6 * 11, "ria_component": 112 * 12} {
		if count[family] != want {
			t.Errorf("%d columns of %s, want %d", count[family], family, want)
		}
	}
}

// plaque returns a crescent of noise with about n voxels.
func plaque(n int, seed uint64) *Region {
	draw := rand.New(rand.NewPCG(seed, 1))
	s := math.Cbrt(float64(n) / 3.4)
	var voxels [][4]float64
	size := int(3*s) + 3
	for k := range int(2 * s) {
		for j := range size {
			for i := range size {
				x, y := float64(i)-float64(size)/2, float64(j)-float64(size)/2
				if r := math.Hypot(x, y); r >= 0.62*s && r < 1.15*s && y > -0.3*s {
					voxels = append(voxels, [4]float64{float64(i), float64(j), float64(k), math.Round(80 + 60*math.Sin(float64(i+k)/3) + 25*draw.NormFloat64())})
				}
			}
		}
	}
	return region(voxels, [3]float64{0.4, 0.4, 0.4})
}

// A set does not depend on what its computer saw before, nor on the place of
// the lesion in its box; an axis that is turned round changes nothing; two
// lesions apart have the pairs and runs of one.
func TestInvariance(t *testing.T) {
	r := plaque(300, 5)
	cfg := DefaultConfig()
	cols, want, _ := compute(t, cfg, r)
	c, err := NewComputer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float64, c.Len())
	same := func(what string, tol float64, skip func(name string) bool) {
		t.Helper()
		for n := range want {
			if skip(cols[n].Name) {
				continue
			}
			if d := math.Abs(got[n] - want[n]); d > tol*max(1e-6, math.Abs(want[n])) || math.IsNaN(got[n]) != math.IsNaN(want[n]) {
				t.Errorf("%s: %s: %g, want %g", what, cols[n].Name, got[n], want[n])
			}
		}
	}
	none := func(string) bool { return false }
	c.Compute(got, nil, plaque(2500, 6))
	c.Compute(got, nil, plaque(40, 7))
	c.Compute(got, nil, r)
	same("used before", 0, none)

	coords := func(o int) (i, j, k int) {
		return o % r.Size[0], o / r.Size[0] % r.Size[1], o / (r.Size[0] * r.Size[1])
	}
	var moved, turned, twice [][4]float64
	for m, o := range r.At {
		i, j, k := coords(o)
		moved = append(moved, [4]float64{float64(i + 3), float64(j + 5), float64(k + 1), r.Values[m]})
		turned = append(turned, [4]float64{float64(r.Size[0] - 1 - i), float64(j), float64(k), r.Values[m]})
		for copies := range 2 {
			twice = append(twice, [4]float64{float64(i), float64(j + copies*(r.Size[1]+2)), float64(k), r.Values[m]})
		}
	}
	c.Compute(got, nil, region(moved, r.Spacing))
	same("moved", 0, none)
	fractal := func(name string) bool { return strings.Contains(name, "_dimension") }
	c.Compute(got, nil, region(turned, r.Spacing))
	same("turned round", 1e-9, fractal) // boxes start from the other side
	c.Compute(got, nil, region(twice, r.Spacing))
	same("two copies", 1e-9, func(name string) bool {
		return !strings.HasPrefix(name, "original.ria_gl") || strings.Contains(name, "non_uniformity") || strings.Contains(name, ".ep")
	})
}

// Bins of equal probability hold equal numbers of distinct values; ties share a
// bin, and the bins they cross stay empty.
func TestEqualProbability(t *testing.T) {
	c, err := NewComputer(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	levels := func(bins int, values ...float64) []uint8 {
		r := &Region{Size: [3]int{len(values), 1, 1}, Spacing: [3]float64{1, 1, 1}, Values: values}
		for n := range values {
			r.At = append(r.At, n)
		}
		c.enter(r)
		c.discretise(r, discretisation{EqualProbability, bins})
		return c.levels
	}
	if got := levels(4, 8, 1, 2, 3, 4, 5, 6, 7); !slices.Equal(got, []uint8{4, 1, 1, 2, 2, 3, 3, 4}) {
		t.Errorf("distinct values: %v", got)
	}
	if got := levels(4, 0, 0, 0, 0, 0, 5, 6, 7); !slices.Equal(got, []uint8{3, 3, 3, 3, 3, 3, 4, 4}) {
		t.Errorf("ties: %v", got) // quantiles 0, 0, 5.25: two cuts at or below 0
	}
	if got := levels(8, 3, 3); !slices.Equal(got, []uint8{8, 8}) {
		t.Errorf("one value: %v", got)
	}
}

// A single voxel, equal intensities, no voxel and an infinite intensity have
// reasons beside what is undefined, and values beside what is not.
func TestReasons(t *testing.T) {
	reasons := func(r *Region) map[string]feature.Support {
		cols, values, support := compute(t, DefaultConfig(), r)
		out := map[string]feature.Support{}
		for n, c := range cols {
			if math.IsNaN(values[n]) != (support[n].Reason != feature.Defined) {
				t.Errorf("%s: %g with reason %q", c.Name, values[n], support[n].Reason)
			}
			if math.IsInf(values[n], 0) {
				t.Errorf("%s is infinite", c.Name)
			}
			out[strings.TrimPrefix(c.Name, "original.")] = support[n]
		}
		return out
	}
	for _, test := range []struct {
		name   string
		region *Region
		want   map[string]feature.Support
	}{
		{"one voxel", region([][4]float64{{2, 1, 0, 50}}, [3]float64{1, 1, 1}), map[string]feature.Support{
			"ria_intensity.mean":                  {Voxels: 1},
			"ria_intensity.variance":              {Voxels: 1, Reason: feature.OneVoxel},
			"ria_geometry.sphericity":             {Voxels: 1},
			"ria_geometry.box_counting_dimension": {Voxels: 1, Reason: feature.OneVoxel},
			"ria_glcm.contrast.ew8":               {Voxels: 1, Reason: feature.OneVoxel},
			"ria_glrlm.short_run_emphasis.ew8":    {Voxels: 1, Pairs: 13},
			"ria_component.volume.ew8_1":          {Voxels: 1},
			"ria_component.sphericity.ew8_2":      {Reason: feature.EmptyRegion},
		}},
		{"two apart", region([][4]float64{{0, 0, 0, 50}, {4, 0, 0, 60}}, [3]float64{1, 1, 1}), map[string]feature.Support{
			"ria_glcm.contrast.ep16": {Voxels: 2, Reason: feature.NoPairs},
			"ria_intensity.skewness": {Voxels: 2},
		}},
		{"one level", region([][4]float64{{0, 0, 0, 50}, {1, 0, 0, 50}, {1, 1, 0, 50}}, [3]float64{1, 1, 1}), map[string]feature.Support{
			"ria_intensity.skewness":   {Voxels: 3, Reason: feature.OneLevel},
			"ria_glcm.contrast.ew8":    {Voxels: 3, Pairs: 3},
			"ria_glcm.correlation.ew8": {Voxels: 3, Pairs: 3, Reason: feature.OneLevel},
		}},
		{"empty", &Region{Size: [3]int{3, 3, 3}, Spacing: [3]float64{1, 1, 1}}, map[string]feature.Support{
			"ria_geometry.volume": {Reason: feature.EmptyRegion},
		}},
		{"infinite", region([][4]float64{{0, 0, 0, 50}, {1, 0, 0, math.Inf(1)}}, [3]float64{1, 1, 1}), map[string]feature.Support{
			"ria_intensity.mean": {Voxels: 2, Reason: feature.NotFinite},
		}},
	} {
		got := reasons(test.region)
		for name, want := range test.want {
			if got[name] != want {
				t.Errorf("%s: %s rests on %+v, want %+v", test.name, name, got[name], want)
			}
		}
	}
}

// Settings that are wrong are named.
func TestValidate(t *testing.T) {
	err := Config{Bins: []int{1, 8, 8, 300}, Binnings: []Binning{EqualWidth, EqualWidth, 7}}.Validate()
	for _, want := range []string{"bins: 1:", "bins: 8 stands twice", "bins: 300", "binnings: ew stands twice", "binnings: 7 is unknown"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

// The set of one lesion after the other allocates nothing.
func TestAllocations(t *testing.T) {
	r := plaque(1000, 1)
	c, err := NewComputer(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	values, support := make([]float64, c.Len()), make([]feature.Support, c.Len())
	if n := testing.AllocsPerRun(3, func() { c.Compute(values, support, r) }); n > 0 {
		t.Errorf("%g allocations", n)
	}
}

// 2906 columns of one plaque, on one thread.
func BenchmarkCompute(b *testing.B) {
	for _, n := range []int{1000, 3000} {
		r := plaque(n, 1)
		b.Run(fmt.Sprintf("voxels=%d", len(r.At)), func(b *testing.B) {
			c, err := NewComputer(DefaultConfig())
			if err != nil {
				b.Fatal(err)
			}
			values, support := make([]float64, c.Len()), make([]feature.Support, c.Len())
			b.ReportAllocs()
			for b.Loop() {
				c.Compute(values, support, r)
			}
		})
	}
}

func ExampleComputer() {
	c, err := NewComputer(DefaultConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	r := &Region{ // a row of four voxels
		Size: [3]int{4, 1, 1}, Spacing: [3]float64{0.5, 0.5, 0.5},
		At: []int{0, 1, 2, 3}, Values: []float64{40, 60, 60, 120},
	}
	values := make([]float64, c.Len())
	c.Compute(values, nil, r)
	cols := DefaultConfig().Columns("original", "HU", "")
	fmt.Println(len(cols), cols[0].Name, values[0], cols[0].Unit)
	// Output: 2906 original.ria_intensity.mean 70 HU
}

// The voxel of a sheared grid is a parallelepiped: volume and faces are products
// of its edges.
func TestShearedVoxel(t *testing.T) {
	r := &Region{Spacing: [3]float64{0.4, 0.5, 0.7}, Cosines: [3]float64{math.Sin(0.3), 0, 0}}
	got, cos := voxelOf(r), math.Cos(0.3)
	want := voxel{0.4 * 0.5 * 0.7 * cos, [3]float64{0.5 * 0.7 * cos, 0.4 * 0.7, 0.4 * 0.5}}
	for a := range 3 {
		if math.Abs(got.volume-want.volume) > 1e-15 || math.Abs(got.faces[a]-want.faces[a]) > 1e-15 {
			t.Errorf("voxel %v, want %v", got, want)
		}
	}
}
