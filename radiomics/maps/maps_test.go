package maps

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
	"github.com/plaquerisk/plaquerisk/radiomics/texture"
)

func read(t *testing.T, name string) (head []string, rows [][]string) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[0], all[1:]
}

func whole(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// peerInput returns the image of the peer's maps with levels of the width that
// it used, of the region or of all voxels.
func peerInput(t *testing.T, masked bool) *Input {
	t.Helper()
	g := imaging.NewGrid([3]int{9, 8, 6}, [3]float64{0.4, 0.5, 0.6}, r3.Vec{})
	in := &Input{Grid: g, Values: make([]float32, g.Len()), Levels: make([]uint16, g.Len()), Centres: make([]bool, g.Len())}
	_, rows := read(t, "peer_voxels.csv")
	for _, r := range rows {
		o := g.Offset(whole(t, r[0]), whole(t, r[1]), whole(t, r[2]))
		in.Values[o], in.Centres[o] = float32(whole(t, r[3])), r[4] == "1"
	}
	const width = 12
	lowest := math.Inf(1)
	for o, x := range in.Values {
		if in.Centres[o] || !masked {
			lowest = min(lowest, math.Floor(float64(x)/width))
		}
	}
	for o, x := range in.Values {
		if in.Centres[o] || !masked {
			in.Levels[o] = uint16(math.Floor(float64(x)/width) - lowest + 1)
			in.N = max(in.N, int(in.Levels[o]))
		}
	}
	return in
}

// All maps are those of PyRadiomics, voxel by voxel: masked kernels, kernels of
// five voxels that are not masked, and kernels in a slice; at the border of the
// image, beside a hole, in a flat part and for a voxel alone.
func TestPyRadiomics(t *testing.T) {
	for _, test := range []struct {
		name   string
		masked bool
		radius int
		flat   int
	}{
		{"masked", true, 1, -1},
		{"open", false, 2, -1},
		{"flat", true, 1, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := peerInput(t, test.masked)
			head, rows := read(t, "peer_"+test.name+".csv")
			cfg := Config{Radius: test.radius, Flat: test.flat, Features: head[3:], Texture: texture.PyRadiomicsConfig(), Shift: 10}
			m, err := Compute(t.Context(), in, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.At) != len(rows) {
				t.Fatalf("%d voxels, want %d", len(m.At), len(rows))
			}
			for f, name := range head[3:] {
				agree, shown := 0, 0
				for n, r := range rows {
					if at := in.Offset(whole(t, r[0]), whole(t, r[1]), whole(t, r[2])); at != m.At[n] {
						t.Fatalf("voxel %d at %d, want %d", n, m.At[n], at)
					}
					got, want := m.Values[f][n], math.NaN()
					if r[3+f] != "" {
						if want, err = strconv.ParseFloat(r[3+f], 64); err != nil {
							t.Fatal(err)
						}
					}
					if math.IsNaN(got) && math.IsNaN(want) || math.Abs(got-want) <= 1e-6*max(1e-3, math.Abs(want)) {
						agree++
					} else if shown < 2 {
						shown++
						t.Logf("%s at (%s, %s, %s): %.10g, want %.10g", name, r[0], r[1], r[2], got, want)
					}
				}
				verify.Check{
					Suite: "radiomics", Case: "feature maps, " + test.name + " kernel", Quantity: name + ", voxels of 57 that agree to 1e-6",
					Source: "PyRadiomics 3.0.1 voxel-based (testdata/peer.py)", Got: float64(agree), Want: float64(len(rows)), Tol: 0,
				}.Run(t)
			}
		})
	}
}

// noise returns a smooth image with noise and holes on a box, as levels 1 … n.
func noise(size [3]int, n int, seed uint64) *Input {
	g := imaging.NewGrid(size, [3]float64{0.4, 0.4, 0.4}, r3.Vec{})
	in := &Input{Grid: g, Values: make([]float32, g.Len()), Levels: make([]uint16, g.Len()), N: n}
	draw := rand.New(rand.NewPCG(seed, 2))
	for o := range in.Levels {
		i, j, k := g.Coords(o)
		x := 0.5 + 0.3*math.Sin(float64(i)/3)*math.Cos(float64(j+k)/4) + 0.1*draw.NormFloat64()
		in.Values[o] = float32(100 * x)
		if draw.Float64() < 0.9 {
			in.Levels[o] = uint16(min(max(int(x*float64(n))+1, 1), n))
		}
	}
	return in
}

// Box sums and sliding counts give what the matrices of each cube give, in both conventions, both
// ways to combine directions, for cubes of three and five voxels and squares.
func TestFastWays(t *testing.T) {
	in := noise([3]int{11, 9, 8}, 32, 4)
	for o := range in.Levels {
		if i, j, k := in.Coords(o); i < 4 && j < 4 && k < 4 && in.Levels[o] > 0 {
			in.Levels[o] = 7 // flat
		}
	}
	var names []string
	for _, s := range summable {
		names = append(names, "glcm."+s.name, "glcm."+s.name+".3d_merged")
	}
	for _, s := range slidable {
		names = append(names, "glcm."+s.name)
	}
	for _, convention := range []texture.Convention{texture.IBSI, texture.PyRadiomics} {
		for _, kind := range []struct{ radius, flat int }{{1, -1}, {2, -1}, {1, 0}, {2, 1}} {
			cfg := DefaultConfig()
			cfg.Radius, cfg.Flat, cfg.Texture.Convention = kind.radius, kind.flat, convention
			for _, n := range names {
				if _, err := cfg.resolve(n); err == nil { // PyRadiomics has fewer
					cfg.Features = append(cfg.Features, n)
				}
			}
			if len(cfg.Features) < 30 {
				t.Fatalf("only %d features", len(cfg.Features))
			}
			fast, err := Compute(t.Context(), in, cfg)
			if err != nil {
				t.Fatal(err)
			}
			// The same by matrices.
			slow := &Maps{Grid: in.Grid, At: fast.At, cfg: cfg, ms: fast.ms, Values: make([][]float64, len(fast.ms))}
			k := &kernel{in: in, cfg: &slow.cfg, lowest: 1, highest: 32}
			var every []int
			for f := range slow.Values {
				slow.Values[f] = make([]float64, len(fast.At))
				every = append(every, f)
			}
			for a := range 3 {
				if k.radius[a] = kind.radius; a == kind.flat {
					k.radius[a] = 0
				}
			}
			if sums, counted, rest := k.split(fast.ms); len(sums)+len(counted) != len(every) || len(counted) != len(slidable) || len(rest) != 0 {
				t.Fatalf("%d features by sums, %d by counts, %d by matrices", len(sums), len(counted), len(rest))
			}
			if err := k.cubes(t.Context(), slow, every); err != nil {
				t.Fatal(err)
			}
			for f, name := range cfg.Features {
				for n := range fast.At {
					a, b := fast.Values[f][n], slow.Values[f][n]
					if math.IsNaN(a) != math.IsNaN(b) || math.Abs(a-b) > 1e-9*max(1, math.Abs(b)) {
						i, j, k := in.Coords(fast.At[n])
						t.Fatalf("convention %d, %+v: %s at (%d, %d, %d): %g, by matrices %g", convention, kind, name, i, j, k, a, b)
					}
				}
			}
		}
	}
}

// Maps have the same bits on any number of processors.
func TestSameBits(t *testing.T) {
	in := noise([3]int{20, 18, 19}, 16, 9)
	cfg := DefaultConfig()
	cfg.Features = []string{"glcm.contrast", "glcm.correlation", "glcm.joint_entropy", "glrlm.run_entropy", "firstorder.variance"}
	old := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(old)
	var first *Maps
	for _, n := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(n)
		m, err := Compute(t.Context(), in, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = m
		}
		for f := range m.Values {
			for v, x := range m.Values[f] {
				if math.Float64bits(x) != math.Float64bits(first.Values[f][v]) {
					t.Fatalf("GOMAXPROCS %d: %s differs", n, cfg.Features[f])
				}
			}
		}
	}
}

// A map lies where its input lies, with Init outside; its mean over the region
// is a column of its own, which in white noise is that of the model whatever
// the size of the region.
func TestSummary(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Features, cfg.Init = []string{"glcm.contrast", "firstorder.mean", "glcm.correlation.3d_merged"}, -3
	var means [2]float64
	for n, size := range []int{8, 24} {
		in := noise([3]int{24, 24, 24}, 16, 1)
		draw := rand.New(rand.NewPCG(3, 3))
		for o := range in.Levels {
			i, j, k := in.Coords(o)
			in.Levels[o] = uint16(draw.IntN(16) + 1) // white noise
			if max(i, j, k) >= size {
				in.Levels[o] = 0
			}
		}
		m, err := Compute(t.Context(), in, cfg)
		if err != nil {
			t.Fatal(err)
		}
		v := m.Volume(0)
		if !v.Same(&in.Grid) || n == 0 && v.At(23, 23, 23) != -3 || v.Values[m.At[5]] != float32(m.Values[0][5]) {
			t.Error("the volume is not the map")
		}
		s, err := m.Summary([]string{"mean", "variance"}, "HU", "0.4 mm")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range s.Schema.Columns() {
			got = append(got, c.Name+" "+c.Unit)
		}
		if want := []string{"map_r1.glcm.contrast.mean level²", "map_r1.glcm.contrast.variance (level²)²", "map_r1.firstorder.mean.mean HU", "map_r1.firstorder.mean.variance HU²", "map_r1.glcm.correlation_3d_merged.mean 1", "map_r1.glcm.correlation_3d_merged.variance 1"}; !slices.Equal(got, want) {
			t.Errorf("columns %q, want %q", got, want)
		}
		cols, err := cfg.SummaryColumns([]string{"mean", "variance"}, "HU", "0.4 mm")
		if err != nil {
			t.Fatal(err)
		}
		if schema := feature.MustSchema(cols...); !schema.Equal(&s.Schema) {
			t.Error("SummaryColumns are not those of Summary")
		}
		if s.Support[0].Voxels != len(m.At) {
			t.Errorf("mean rests on %d voxels, want %d", s.Support[0].Voxels, len(m.At))
		}
		means[n] = s.Values[0]
		// Contrast of white noise of 16 levels: 2 (16² − 1)/12.
		if want := 2 * 255.0 / 12; math.Abs(means[n]-want) > 0.05*want {
			t.Errorf("mean contrast %g of a cube of %d, want %g", means[n], size, want)
		}
	}
	if math.Abs(means[1]-means[0]) > 0.05*means[0] {
		t.Errorf("mean of the map: %g and %g in regions of 8³ and 24³", means[0], means[1])
	}
}

// Names that do not exist, settings out of range and levels beyond N are
// refused with what is wrong.
func TestErrors(t *testing.T) {
	cfg := Config{Radius: 0, Flat: 3, Texture: texture.DefaultConfig(), Features: []string{
		"contrast", "glcm.contrst", "gldx.contrast", "firstorder.mean.3d_merged", "glcm.contrast.2d", "glcm.contrast", "glcm.contrast.3d_averaged", "glcm_Contrst"}}
	err := cfg.Validate()
	for _, want := range []string{"radius: 0", "flat axis: 3", `"contrast": want family and feature`, `"glcm.contrst": glcm has no such feature`, `"gldx.contrast": no such family`,
		`"firstorder.mean.3d_merged": first-order features have no aggregation`, `"glcm.contrast.2d": glcm has no aggregation "2d"`, "stands twice", `"glcm_Contrst": glcm has no such feature`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %s", err, want)
		}
	}
	in := noise([3]int{3, 3, 3}, 8, 1)
	in.Levels[4] = 9
	good := DefaultConfig()
	good.Features = []string{"glcm.contrast"}
	if _, err := Compute(t.Context(), in, good); err == nil || !strings.Contains(err.Error(), "voxel (1, 1, 0) has grey level 9 of 8") {
		t.Errorf("error %v", err)
	}
	empty := &Input{Grid: in.Grid, Levels: make([]uint16, in.Len()), N: 8}
	if m, err := Compute(t.Context(), empty, good); err != nil || len(m.At) != 0 {
		t.Errorf("an empty region: %v, %v", m, err)
	}
}

// Voxels per second: an ROI of 20 000 voxels, 32 levels.
func BenchmarkMaps(b *testing.B) {
	in := noise([3]int{28, 28, 28}, 32, 1)
	every := texture.PyRadiomicsConfig()
	for _, test := range []struct {
		name     string
		features []string
	}{
		{"contrast", []string{"glcm.contrast"}},
		{"sums18", func() (s []string) {
			for _, f := range summable {
				c := Config{Texture: every}
				if _, err := c.resolve("glcm." + f.name); err == nil {
					s = append(s, "glcm."+f.name)
				}
			}
			return s
		}()},
		{"joint_entropy", []string{"glcm.joint_entropy"}},
		{"joint_maximum", []string{"glcm.joint_maximum"}},
		{"glszm", []string{"glszm.zone_percentage"}},
		{"firstorder", []string{"firstorder.variance"}},
		{"everything", func() (s []string) {
			for _, f := range every.Families {
				for _, x := range every.Features(f) {
					s = append(s, fmt.Sprintf("%v.%s", f, x.Name))
				}
			}
			return s
		}()},
	} {
		b.Run(test.name, func(b *testing.B) {
			cfg := Config{Radius: 1, Flat: -1, Features: test.features, Texture: every}
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				m, err := Compute(b.Context(), in, cfg)
				if err != nil {
					b.Fatal(err)
				}
				n += len(m.At)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "voxels/s")
		})
	}
}
