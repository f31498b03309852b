package intensity

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// plain computes the statistics from their definitions, by sorting and with sums
// that are corrected for rounding.
func plain(x []float64) Statistics {
	x = slices.Clone(x)
	slices.Sort(x)
	n := float64(len(x))
	mean := func(f func(float64) float64) float64 {
		var sum, lost float64 // Kahan
		for _, v := range x {
			y := f(v) - lost
			t := sum + y
			lost = t - sum - y
			sum = t
		}
		return sum / n
	}
	at := func(p float64) float64 {
		place := p / 100 * (n - 1)
		i := int(place)
		return x[i] + (place-float64(i))*(x[min(i+1, len(x)-1)]-x[i])
	}
	s := Statistics{Voxels: len(x), Min: x[0], Max: x[len(x)-1], P10: at(10), P25: at(25), Median: at(50), P75: at(75), P90: at(90)}
	s.Mean = mean(func(v float64) float64 { return v })
	central := func(k float64) float64 { return mean(func(v float64) float64 { return math.Pow(v-s.Mean, k) }) }
	s.M2, s.M3, s.M4 = central(2), central(3), central(4)
	s.MeanDeviation = mean(func(v float64) float64 { return math.Abs(v - s.Mean) })
	s.MedianDeviation = mean(func(v float64) float64 { return math.Abs(v - s.Median) })
	s.Energy = n * mean(func(v float64) float64 { return v * v })
	inside := func(v float64) float64 {
		if v >= s.P10 && v <= s.P90 {
			return 1
		}
		return 0
	}
	count := mean(inside)
	inner := mean(func(v float64) float64 { return v * inside(v) }) / count
	s.RobustDeviation = mean(func(v float64) float64 { return math.Abs(v-inner) * inside(v) }) / count
	return s
}

// samples are intensities of many kinds: whole and not, few and many, equal,
// crowded in one place, spread over all orders of magnitude.
func samples() map[string][]float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(n int, f func() float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = f()
		}
		return x
	}
	out := map[string][]float64{
		"one": {-7.5}, "two": {3, 1}, "three": {0.5, 0.25, 0.125},
		"equal whole": draw(100, func() float64 { return 40 }), "equal": draw(1000, func() float64 { return 0.1 }),
		"sparse whole": {1e9, -1e9, 5, 6, 7}, "huge whole": draw(200, func() float64 { return math.Floor(1e17 * rng.Float64()) }),
		"mostly equal": append(draw(5000, func() float64 { return 0.1 }), -1e6, 1e6, 0.3),
		"magnitudes":   draw(3000, func() float64 { return math.Exp(40*rng.Float64() - 20) }),
		"two clusters": draw(4000, func() float64 { return math.Floor(2*rng.Float64())*1e12 + rng.Float64() }),
		"tiny range":   draw(500, func() float64 { return 1 + 1e-15*math.Floor(5*rng.Float64()) }),
		"denormal":     draw(500, func() float64 { return 5e-324 * math.Floor(3*rng.Float64()) }),
	}
	for _, n := range []int{7, 47, 48, 49, 50, 700, 10_000} {
		out[fmt.Sprintf("HU %d", n)] = draw(n, func() float64 { return math.Round(300 * rng.NormFloat64()) })
		out[fmt.Sprintf("response %d", n)] = draw(n, func() float64 { return rng.NormFloat64() })
	}
	return out
}

// Counting, buckets and sums give what the definitions give, and order
// statistics to the last bit.
func TestStatistics(t *testing.T) {
	var w Workspace
	for name, x := range samples() {
		got, want := *NewStatistics(&w, x), plain(x)
		if got.Voxels != want.Voxels || got.Min != want.Min || got.Max != want.Max || got.P10 != want.P10 || got.P25 != want.P25 ||
			got.Median != want.Median || got.P75 != want.P75 || got.P90 != want.P90 {
			t.Errorf("%s: order statistics %+v, want %+v", name, got, want)
		}
		spread := max(math.Abs(want.Min), math.Abs(want.Max))
		for _, c := range []struct {
			what            string
			got, want, unit float64
		}{
			{"mean", got.Mean, want.Mean, spread}, {"m2", got.M2, want.M2, want.M2}, {"m3", got.M3, want.M3, math.Pow(want.M4, 0.75)}, {"m4", got.M4, want.M4, want.M4},
			{"mad", got.MeanDeviation, want.MeanDeviation, want.MeanDeviation}, {"median deviation", got.MedianDeviation, want.MedianDeviation, want.MedianDeviation},
			{"rmad", got.RobustDeviation, want.RobustDeviation, math.Sqrt(want.M2)}, {"energy", got.Energy, want.Energy, want.Energy},
		} {
			tol := 1e-12
			if name == "tiny range" {
				tol = 0.3 // the definition's mean is rounded as coarsely as the values lie
			}
			if math.IsNaN(c.got) && name == "two" && c.what == "rmad" {
				continue // no intensity lies between the percentiles
			}
			if !(math.Abs(c.got-c.want) <= tol*c.unit+1e-300) {
				t.Errorf("%s: %s is %.17g, want %.17g", name, c.what, c.got, c.want)
			}
		}
		// The same in single precision.
		y, z := make([]float32, len(x)), make([]float64, len(x))
		for n := range x {
			y[n] = float32(x[n])
			z[n] = float64(y[n])
		}
		if name == "huge whole" || name == "sparse whole" || name == "two" {
			continue
		}
		if a, b := *NewStatistics(&Workspace{}, y), *NewStatistics(&Workspace{}, z); a != b {
			t.Errorf("%s: single precision %+v, double %+v", name, a, b)
		}
	}
}

// Adding a number moves what depends on place alone; a factor scales.
func TestShiftScale(t *testing.T) {
	var w Workspace
	x := samples()["HU 700"]
	a := *NewStatistics(&w, x)
	y := make([]float64, len(x))
	for n, v := range x {
		y[n] = 0.37*v + 1000
	}
	b := *NewStatistics(&w, y)
	for _, c := range [][2]float64{{b.Mean, 0.37*a.Mean + 1000}, {b.P90, 0.37*a.P90 + 1000}, {b.M2, 0.37 * 0.37 * a.M2}, {b.Skewness(), a.Skewness()},
		{b.Kurtosis(), a.Kurtosis()}, {b.MeanDeviation, 0.37 * a.MeanDeviation}, {b.RobustDeviation, 0.37 * a.RobustDeviation}, {b.MedianDeviation, 0.37 * a.MedianDeviation}} {
		if math.Abs(c[0]-c[1]) > 1e-11*math.Abs(c[1]) {
			t.Errorf("%.15g, want %.15g", c[0], c[1])
		}
	}
}

// The order of voxels does not change counted statistics, nor order statistics.
func TestOrder(t *testing.T) {
	x := samples()["HU 700"]
	a := *NewStatistics(&Workspace{}, x)
	slices.Reverse(x)
	if b := *NewStatistics(&Workspace{}, x); a != b {
		t.Errorf("reversed: %+v, want %+v", b, a)
	}
}

// The histogram of levels is that of the levels as intensities; gradient, mode
// and entropy of a histogram that can be counted by hand.
func TestHistogram(t *testing.T) {
	var w Workspace
	levels := []uint16{3, 3, 3, 4, 6, 6, 6, 7}
	h := NewHistogram(&w, Count(nil, levels))
	x := make([]float64, len(levels))
	for n, l := range levels {
		x[n] = float64(l)
	}
	if s := *NewStatistics(&Workspace{}, x); s != h.Statistics {
		t.Errorf("levels %+v, intensities %+v", h.Statistics, s)
	}
	if want := []float64{-2, -1.5, 1, 0.5, -2}; !slices.Equal(h.Slope, want) {
		t.Errorf("slope %v, want %v", h.Slope, want)
	}
	// Of the two most frequent levels, 3 and 6, the mean 4.75 is nearer to 6.
	if h.Mode() != 6 {
		t.Errorf("mode %g, want 6", h.Mode())
	}
	if s, l := h.Steepest(1); s != 1 || l != 5 {
		t.Errorf("steepest rise %g at %g, want 1 at 5", s, l)
	}
	if s, l := h.Steepest(-1); s != -2 || l != 3 {
		t.Errorf("steepest fall %g at %g, want -2 at 3", s, l)
	}
	if want := 2*3.0/8*math.Log2(8.0/3) + 2.0/8*3; math.Abs(h.Entropy-want) > 1e-15 {
		t.Errorf("entropy %g, want %g", h.Entropy, want)
	}
	if h.Uniformity != 20.0/64 {
		t.Errorf("uniformity %g, want %g", h.Uniformity, 20.0/64)
	}
}

// Intensity-volume histograms that can be read by eye, on each scale.
func TestVolumeHistogram(t *testing.T) {
	var w Workspace
	nan := math.NaN()
	var x []float64
	for n := range 100 {
		x = append(x, float64(n)) // ν(g) = 1 − g/100, γ(g) = g/99
	}
	for _, test := range []struct {
		name string
		x    []float64
		cfg  VolumeHistogramConfig
		want [5]float64 // V10, V90, I10, I90, area
	}{
		{"steps", x, VolumeHistogramConfig{Step: 1, Low: nan, High: nan}, [5]float64{0.9, 0.1, 90, 10, 0.505}},
		{"range", x, VolumeHistogramConfig{Step: 1, Low: -100, High: 199}, [5]float64{1, 0, 90, 10, (100 + (100*101/2-50)/100.0 - 0.5 + 0.5) / 299}},
		{"no steps", x, VolumeHistogramConfig{Low: nan, High: nan}, [5]float64{0.9, 0.1, 90, 10, 0.5}},
		{"bins of ten", x, VolumeHistogramConfig{Scale: FixedWidth, Step: 10, Low: 0, High: 100}, [5]float64{0.9, 0.1, 95, 15, 4.95 / 9}},
		{"ten bins", x, VolumeHistogramConfig{Scale: FixedNumber, Bins: 10, Low: nan, High: nan}, [5]float64{0.9, 0.1, 10, 2, 4.95 / 9}},
		{"crowded top", []float64{1, 2, 2, 2}, VolumeHistogramConfig{Step: 1, Low: nan, High: nan}, [5]float64{0.75, 0.75, 3, 2, 0.875}},
		{"crowded, no steps", []float64{1.5, 2.5, 2.5, 2.5}, VolumeHistogramConfig{Low: nan, High: nan}, [5]float64{0.75, 0.75, 2.5, 2.5, 0.75}},
	} {
		v, err := NewVolumeHistogram(&w, test.x, test.cfg)
		if err != nil {
			t.Fatal(err)
		}
		got := [5]float64{v.V10, v.V90, v.I10, v.I90, v.Area}
		for n := range got {
			if math.Abs(got[n]-test.want[n]) > 1e-12 {
				t.Errorf("%s: %v, want %v", test.name, got, test.want)
				break
			}
		}
	}
	for _, cfg := range []VolumeHistogramConfig{{Scale: FixedWidth, Low: nan, High: nan}, {Scale: FixedNumber}, {Step: -1}, {Step: 1e-9, Low: 0, High: 1000}, {Step: 1, Low: 5, High: 4}, {Step: nan, Low: nan, High: nan}} {
		if _, err := NewVolumeHistogram(&w, x, cfg); err == nil {
			t.Errorf("%+v makes a scale", cfg)
		}
	}
}

// Local peaks are those of a search over all pairs of voxels, at the border of
// the image, with voxels that have no intensity, and for any spacing.
func TestLocalBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var w Workspace
	for _, grid := range [][2][3]float64{{{2, 2, 2}}, {{0.9, 1.6, 3}}, {{7, 0.8, 20}}, {{1, 1, 1}}, {{1, 1.3, 2}, {0.5, 0, 0}}, {{0.7, 1.3, 2}, {0.4, -0.3, 0.2}}} {
		spacing, cosines := grid[0], grid[1]
		box := Box[float64]{Size: [3]int{17, 9, 8}, Spacing: spacing, Cosines: cosines}
		var inside []int
		for n := range 17 * 9 * 8 {
			v := math.Floor(20 * rng.Float64())
			in := rng.Float64() < 0.2
			if spacing[2] == 3 { // balls that do not reach the border
				in = n%17 > 6 && n%17 < 10 && n/17%9 > 3 && n/17%9 < 6 && n/17/9 > 1 && n/17/9 < 6
			}
			if !in && spacing[2] != 3 && rng.Float64() < 0.1 {
				v = math.NaN()
			}
			box.Values = append(box.Values, v)
			if in {
				inside = append(inside, n)
			}
		}
		r := 10 * math.Cbrt(3/(4*math.Pi))
		top, peak, global := 0.0, math.Inf(-1), math.Inf(-1)
		for _, o := range inside {
			top = max(top, box.Values[o])
		}
		for _, o := range inside {
			var sum, n float64
			for p, v := range box.Values {
				x := [3]float64{float64(o%17-p%17) * spacing[0], float64(o/17%9-p/17%9) * spacing[1], float64(o/17/9-p/17/9) * spacing[2]}
				var d2 float64
				for a := range 3 {
					b, c := (a+1)%3, (a+2)%3
					d2 += x[a]*x[a] + 2*x[b]*x[c]*cosines[a]
				}
				if d := math.Sqrt(d2); d <= r && !math.IsNaN(v) {
					sum += v
					n++
				}
			}
			global = max(global, sum/n)
			if box.Values[o] == top {
				peak = max(peak, sum/n)
			}
		}
		l, err := NewLocal(t.Context(), &w, box, inside)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(l.Peak-peak) > 1e-12*peak || math.Abs(l.GlobalPeak-global) > 1e-12*global {
			t.Errorf("grid %v: peaks %g and %g, want %g and %g", grid, l.Peak, l.GlobalPeak, peak, global)
		}
	}
}

// shapeOfFlat tells whether a feature of equal intensities is 0 by convention.
func shapeOfFlat(name string, why feature.Reason) bool {
	return (name == "skewness" || name == "kurtosis") && (why == feature.OneVoxel || why == feature.OneLevel)
}

// Regions without a value say why: empty, one voxel, one intensity, numbers that
// are none, a mean of zero.
func TestUndefined(t *testing.T) {
	var w Workspace
	reasons := func(x []float64) map[string]feature.Reason {
		v, support := make([]float64, len(StatisticsFeatures)), make([]feature.Support, len(StatisticsFeatures))
		NewStatistics(&w, x).Values(v, support)
		out := map[string]feature.Reason{}
		for n, f := range StatisticsFeatures {
			reason := math.IsNaN(v[n]) || v[n] == 0 && shapeOfFlat(f.Name, support[n].Reason)
			if reason != (support[n].Reason != feature.Defined) || support[n].Voxels != len(x) {
				t.Errorf("%s is %g with support %+v", f.Name, v[n], support[n])
			}
			out[f.Name] = support[n].Reason
		}
		return out
	}
	for _, test := range []struct {
		x    []float64
		name string
		want feature.Reason
	}{
		{nil, "mean", feature.EmptyRegion},
		{[]float64{4}, "skewness", feature.OneVoxel}, {[]float64{4}, "variance", feature.Defined},
		{[]float64{4, 4, 4}, "kurtosis", feature.OneLevel}, {[]float64{4, 4, 4}, "range", feature.Defined},
		{[]float64{1, math.NaN()}, "median", feature.NotFinite}, {[]float64{1, math.Inf(1)}, "energy", feature.NotFinite}, {[]float64{-math.MaxFloat64, math.MaxFloat64}, "mean", feature.NotFinite},
		{[]float64{-1, 1}, "coefficient_of_variation", feature.ZeroDenominator}, {[]float64{-1, 1}, "mean", feature.Defined},
	} {
		if got := reasons(test.x)[test.name]; got != test.want {
			t.Errorf("%v: %s: reason %q, want %q", test.x, test.name, got, test.want)
		}
	}
	// PyRadiomics gives zero for the shape of equal intensities; the reason stands
	// beside it.
	v, support := make([]float64, len(FirstOrderFeatures)), make([]feature.Support, len(FirstOrderFeatures))
	NewFirstOrder(&w, []float64{5, 5, 5}, FirstOrderConfig{VoxelVolume: 1, Counts: []int{0, 3}}).Values(v, support)
	for n, f := range FirstOrderFeatures {
		flat := f.PyRadiomics == "Skewness" || f.PyRadiomics == "Kurtosis"
		if flat && (v[n] != 0 || support[n].Reason != feature.OneLevel) || !flat && support[n].Reason != feature.Defined {
			t.Errorf("%s of equal intensities: %g, %+v", f.Name, v[n], support[n])
		}
	}
	h := make([]float64, len(HistogramFeatures))
	hs := make([]feature.Support, len(HistogramFeatures))
	NewHistogram(&w, []int{0, 0}).Values(h, hs)
	for n, f := range HistogramFeatures {
		if !math.IsNaN(h[n]) || hs[n].Reason != feature.EmptyRegion {
			t.Errorf("%s of no voxels: %g, %+v", f.Name, h[n], hs[n])
		}
	}
	NewHistogram(&w, []int{0, 0, 5}).Values(h, hs)
	for n, f := range HistogramFeatures {
		if reason := math.IsNaN(h[n]) || h[n] == 0 && shapeOfFlat(f.Name, hs[n].Reason); reason != (hs[n].Reason == feature.OneLevel) {
			t.Errorf("%s of one level: %g, %+v", f.Name, h[n], hs[n])
		}
	}
	i, is := make([]float64, len(VolumeHistogramFeatures)), make([]feature.Support, len(VolumeHistogramFeatures))
	for _, step := range []float64{0, 1} {
		vh, err := NewVolumeHistogram(&w, []float64{5, 5}, VolumeHistogramConfig{Step: step, Low: math.NaN(), High: math.NaN()})
		if err != nil {
			t.Fatal(err)
		}
		vh.Values(i, is)
		if !math.IsNaN(i[0]) || is[0].Reason != feature.OneLevel || math.IsNaN(i[2]) {
			t.Errorf("histogram of one intensity: %v %v", i, is)
		}
	}
	l, ls := make([]float64, len(LocalFeatures)), make([]feature.Support, len(LocalFeatures))
	local, err := NewLocal(t.Context(), &w, Box[float32]{Size: [3]int{1, 1, 1}, Spacing: [3]float64{1, 1, 1}, Values: []float32{2}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	local.Values(l, ls)
	if !math.IsNaN(l[0]) || ls[0].Reason != feature.EmptyRegion {
		t.Errorf("local peak of no voxel: %v %v", l, ls)
	}
}

// A workspace that has seen a region of the size allocates nothing.
func TestNoAllocation(t *testing.T) {
	if verify.Race {
		t.Skip("the race detector allocates")
	}
	var w Workspace
	x := samples()["response 700"]
	hu := samples()["HU 700"]
	values := make([]float64, len(StatisticsFeatures))
	if n := testing.AllocsPerRun(100, func() {
		NewStatistics(&w, x).Values(values, nil)
		NewStatistics(&w, hu).Values(values, nil)
	}); n > 0 {
		t.Errorf("%g allocations", n)
	}
}

func BenchmarkFirstOrder(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{700, 3000, 200_000} {
		x, y := make([]float32, n), make([]float32, n)
		levels := make([]uint8, n)
		for i := range x {
			x[i] = float32(math.Round(100 * rng.NormFloat64()))
			y[i] = float32(100 * rng.NormFloat64())
			levels[i] = uint8(min(max(x[i]/25+16, 1), 64))
		}
		for name, x := range map[string][]float32{"HU": x, "response": y} {
			b.Run(fmt.Sprintf("%s-%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				var w Workspace
				var counts []int
				values := make([]float64, len(FirstOrderFeatures))
				for b.Loop() {
					counts = Count(counts, levels)
					NewFirstOrder(&w, x, FirstOrderConfig{VoxelVolume: 1, Counts: counts}).Values(values, nil)
				}
			})
		}
	}
}

func BenchmarkLocal(b *testing.B) {
	box := Box[float32]{Size: [3]int{60, 60, 60}, Spacing: [3]float64{0.4, 0.4, 0.4}, Values: make([]float32, 60*60*60)}
	var inside []int
	for n := range box.Values {
		box.Values[n] = float32(n * n % 1013)
		i, j, k := n%60-30, n/60%60-30, n/3600-30
		if r := i*i + j*j; r > 16 && r < 64 && j > 0 && k*k < 225 {
			inside = append(inside, n)
		}
	}
	b.ReportAllocs()
	var w Workspace
	for b.Loop() {
		if _, err := NewLocal(b.Context(), &w, box, inside); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(inside)), "voxels")
}

// Any numbers are described without panic, and their percentiles are those of
// the sorted numbers.
func FuzzStatistics(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, uint16(100))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0xf0, 0x7f}, uint16(3))
	f.Fuzz(func(t *testing.T, data []byte, repeat uint16) {
		var x []float64
		for n := 0; n+8 <= len(data); n += 8 {
			x = append(x, math.Float64frombits(binary.LittleEndian.Uint64(data[n:])))
		}
		for n := range min(int(repeat), 500) * min(len(x), 1) { // crowd them
			x = append(x, x[n]*(1+1e-9*float64(n%7)))
		}
		var w Workspace
		s := *NewStatistics(&w, x)
		NewFirstOrder(&w, x, FirstOrderConfig{})
		for _, cfg := range []VolumeHistogramConfig{{Step: 1, Low: math.NaN(), High: math.NaN()}, {Low: math.NaN(), High: math.NaN()}, {Scale: FixedWidth, Step: 25, Low: -1000, High: math.NaN()}, {Scale: FixedNumber, Bins: 1000}} {
			if v, err := NewVolumeHistogram(&w, x, cfg); err == nil && (v.V10 < 0 || v.V10 > 1 || v.Area < 0 || v.Area > 1+1e-9) {
				t.Errorf("%+v: %+v", cfg, *v)
			}
		}
		if math.IsNaN(s.Mean) || len(x) == 0 {
			return
		}
		sorted := slices.Clone(x)
		slices.Sort(sorted)
		for _, c := range []struct{ p, got float64 }{{10, s.P10}, {50, s.Median}, {90, s.P90}} {
			place := c.p / 100 * float64(len(x)-1)
			i := int(place)
			want := sorted[i] + (place-float64(i))*(sorted[min(i+1, len(x)-1)]-sorted[i])
			if c.got != want && !(math.IsInf(want, 0) || math.IsNaN(want)) {
				t.Errorf("%g th percentile of %d numbers is %g, want %g", c.p, len(x), c.got, want)
			}
		}
	})
}

func ExampleNewStatistics() {
	hu := []float32{-20, 15, 30, 45, 60, 60, 75, 350}
	var w Workspace
	s := NewStatistics(&w, hu)
	values := make([]float64, len(StatisticsFeatures))
	s.Values(values, nil)
	for n, f := range StatisticsFeatures[:3] {
		fmt.Printf("%s %.1f %s\n", f.Name, values[n], f.Unit)
	}
	fmt.Println("median", s.Median)
	// Output:
	// mean 76.9 HU
	// variance 11449.6 HU²
	// standard_deviation 107.0 HU
	// median 52.5
}

// Statistics of many numbers are those of the sorted numbers, and have the same
// bits for any number of processors.
func TestMany(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for name, number := range map[string]func() float64{
		"real": rng.NormFloat64, "whole": func() float64 { return math.Floor(300 * rng.NormFloat64()) },
		"few": func() float64 { return math.Floor(3*rng.Float64()) / 3 }, "wide": func() float64 { return math.Exp(30 * rng.Float64()) },
	} {
		x := make([]float64, 50_001) // places of percentiles are whole
		for n := range x {
			x[n] = number()
		}
		sorted := slices.Sorted(slices.Values(x))
		at := func(p int) float64 { return sorted[p*500] }
		old := runtime.GOMAXPROCS(0)
		defer runtime.GOMAXPROCS(old)
		var first Statistics
		for _, threads := range []int{1, 2, 8} {
			runtime.GOMAXPROCS(threads)
			var w Workspace
			s := *NewStatistics(&w, x)
			if threads == 1 {
				first = s
			}
			if s != first {
				t.Errorf("%s: %d threads: %+v, want %+v", name, threads, s, first)
			}
			got, want := [7]float64{s.Min, s.P10, s.P25, s.Median, s.P75, s.P90, s.Max}, [7]float64{at(0), at(10), at(25), at(50), at(75), at(90), at(100)}
			if got != want {
				t.Errorf("%s: percentiles %v, want %v", name, got, want)
			}
		}
	}
}

// The peaks of a region large enough for several threads are the same for any
// number of them, and looking for them can be cancelled.
func TestLocalThreads(t *testing.T) {
	box := Box[float32]{Size: [3]int{40, 40, 40}, Spacing: [3]float64{0.5, 0.5, 0.5}}
	rng := rand.New(rand.NewPCG(9, 9))
	var inside []int
	for n := range 40 * 40 * 40 {
		box.Values = append(box.Values, float32(math.Floor(50*rng.Float64())))
		if rng.IntN(3) == 0 {
			inside = append(inside, n)
		}
	}
	old := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(old)
	var first Local
	for _, threads := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(threads)
		l, err := NewLocal(t.Context(), &Workspace{}, box, inside)
		if err != nil {
			t.Fatal(err)
		}
		if threads == 1 {
			first = *l
		}
		if *l != first {
			t.Errorf("%d threads: %+v, want %+v", threads, *l, first)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewLocal(ctx, &Workspace{}, box, inside); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}
