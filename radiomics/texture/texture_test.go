package texture

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/feature"
)

func mustCompute(t testing.TB, r *Region, cfg Config) []Value {
	t.Helper()
	values, err := Compute(t.Context(), r, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// Values have the same bits for any number of threads.
func TestThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	regions := map[string]*Region{"noise": blob(50, 18.45, 32, false), "flat": blob(50, 18.45, 32, true)}
	if !testing.Short() {
		regions["many levels"] = blob(50, 18.45, 5000, false)
		regions["byte levels"] = blob(50, 18.45, 200, false)
		regions["two-byte levels"] = blob(50, 18.45, 600, false)
	}
	far := everything()
	far.Distances, far.Coarseness, far.Weighting = []int{1, 2}, 1, Euclidean
	for name, region := range regions {
		for _, cfg := range []Config{everything(), PyRadiomicsConfig(), far} {
			if name != "noise" && len(cfg.Distances) > 0 {
				continue
			}
			runtime.GOMAXPROCS(1)
			want := mustCompute(t, region, cfg)
			for _, threads := range []int{2, 8} {
				runtime.GOMAXPROCS(threads)
				cols := cfg.Columns()
				for n, v := range mustCompute(t, region, cfg) {
					if w := want[n]; math.Float64bits(v.Value) != math.Float64bits(w.Value) || v.Pairs != w.Pairs || v.Reason != w.Reason {
						t.Errorf("%s, %d threads: %s: %v, want %v", name, threads, cols[n].Name(), v, w)
					}
				}
			}
		}
	}
}

// A computer that has seen a region as large allocates nothing, and gives what
// a new one gives, whatever it computed before.
func TestReuse(t *testing.T) {
	for _, cfg := range []Config{PyRadiomicsConfig(), DefaultConfig()} {
		c, err := NewComputer(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var values []Value
		r := rand.New(rand.NewPCG(1, 2))
		for _, region := range []*Region{crescent(0.3, 2985), blob(30, 11, 300, false), crescent(0.5, 724), blob(20, 8, 3, true), blob(30, 11, 5000, false),
			randomPicture(r, [3]int{7, 6, 5}, 9, 1, 0.6, false).region(), crescent(0.4, 1168)} {
			if values, err = c.Compute(t.Context(), values[:0], region); err != nil {
				t.Fatal(err)
			}
			for n, w := range mustCompute(t, region, cfg) {
				if v := values[n]; math.Float64bits(v.Value) != math.Float64bits(w.Value) || v.Pairs != w.Pairs || v.Reason != w.Reason {
					t.Errorf("value %d of a used computer: %v, want %v", n, v, w)
				}
			}
		}
		region := crescent(0.4, 1168)
		if n := testing.AllocsPerRun(5, func() { values, _ = c.Compute(context.Background(), values[:0], region) }); n > 0 {
			t.Errorf("%g allocations with %v", n, cfg.Families)
		}
	}
}

// Exchanging or turning axes changes nothing. A second copy of the region out
// of reach doubles what is a sum over it and changes nothing else.
func TestInvariance(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	cfg := DefaultConfig()
	cfg.MCC, cfg.Aggregations = true, []Aggregation{Averaged3D, Merged3D, Volume3D}
	cols := cfg.Columns()
	for trial := range 20 {
		p := randomPicture(r, [3]int{6, 5, 4}, 5, 1, 0.7, trial%2 == 0)
		p.space = [3]float64{1, 1, 1}
		want := mustCompute(t, p.region(), cfg)
		moved := func(size [3]int, f func(q place) []place) *Region {
			m := &picture{level: map[place]int{}, size: size, n: p.n, space: p.space}
			if p.morph != nil {
				m.morph = map[place]bool{}
			}
			for q, l := range p.level {
				for _, a := range f(q) {
					m.level[a] = l
				}
			}
			for q := range p.morph {
				for _, a := range f(q) {
					m.morph[a] = true
				}
			}
			return m.region()
		}
		same := func(name string, region *Region, copies int) {
			for n, v := range mustCompute(t, region, cfg) {
				x := want[n].Value
				switch name := cols[n].Feature.Name; {
				case copies == 2 && (strings.HasSuffix(name, "non_uniformity") && !strings.HasPrefix(name, "normalised") || name == "busyness"):
					x *= 2
				case copies == 2 && (name == "coarseness" || name == "strength"): // they divide by a sum of differences
					x /= 2
				}
				if !near(v.Value, x, cols[n].Unit, p.n) {
					t.Errorf("%s: %s is %.12g, want %.12g", name, cols[n].Name(), v.Value, x)
				}
			}
		}
		same("turned", moved([3]int{4, 6, 5}, func(q place) []place { return []place{{q[2], q[0], q[1]}} }), 1)
		same("mirrored", moved(p.size, func(q place) []place { return []place{{5 - q[0], q[1], 3 - q[2]}} }), 1)
		same("twice", moved([3]int{14, 5, 4}, func(q place) []place { return []place{q, {q[0] + 8, q[1], q[2]}} }), 2)
		if t.Failed() {
			return
		}
	}
}

// Levels up to the largest, all different, need no table of their square.
func TestManyLevels(t *testing.T) {
	const n = 40
	size := [3]int{n, n, n}
	at, levels := make([]int, n*n*n), make([]uint16, n*n*n)
	for o := range at {
		at[o], levels[o] = o, uint16(1+o*65534/(n*n*n-1))
	}
	region := NewRegion(size, [3]float64{1, 1, 1}, at, levels, MaxLevel, nil)
	cfg := DefaultConfig()
	cfg.MCC = true
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	values := mustCompute(t, region, cfg)
	runtime.ReadMemStats(&after)
	if mb := float64(after.TotalAlloc-before.TotalAlloc) / 1e6; mb > 200 {
		t.Errorf("%.0f MB allocated", mb)
	}
	for n, c := range cfg.Columns() {
		want := math.NaN()
		switch c.Name() {
		case "glcm.joint_entropy.3d_merged": // all pairs differ, both orders
			want = math.Log2(float64(2 * values[n].Pairs))
		case "glszm.small_zone_emphasis.3d", "glrlm.short_runs_emphasis.3d_merged", "ngldm.low_dependence_emphasis.3d":
			want = 1
		case "glszm.zone_size_entropy.3d":
			want = math.Log2(40 * 40 * 40)
		}
		if !math.IsNaN(want) && !near(values[n].Value, want, "", 0) {
			t.Errorf("%s is %.12g, want %.12g", c.Name(), values[n].Value, want)
		}
		if math.IsNaN(values[n].Value) {
			t.Errorf("%s is undefined: %s", c.Name(), values[n].Reason)
		}
	}
}

// What is undefined is NaN with its reason; the conventions of PyRadiomics give
// their value with the same reason; what is defined has none.
func TestReasons(t *testing.T) {
	one := &picture{level: map[place]int{{1, 1, 1}: 3}, size: [3]int{3, 3, 3}, n: 5}
	apart := &picture{level: map[place]int{{0, 0, 0}: 1, {2, 2, 2}: 3}, size: [3]int{3, 3, 3}, n: 3}
	flat := &picture{level: map[place]int{{0, 0, 0}: 2, {1, 0, 0}: 2, {2, 0, 0}: 2}, size: [3]int{3, 1, 1}, n: 2}
	none := &picture{level: map[place]int{}, size: [3]int{3, 1, 1}, n: 2}
	for _, test := range []struct {
		name       string
		p          *picture
		convention Convention
		column     string
		value      float64
		reason     feature.Reason
	}{
		{"one voxel", one, IBSI, "glcm.contrast.3d_merged", math.NaN(), feature.OneVoxel},
		{"one voxel", one, IBSI, "glrlm.run_percentage.3d_merged", 1, ""},
		{"one voxel", one, IBSI, "glszm.zone_size_entropy.3d", 0, ""},
		{"one voxel", one, IBSI, "ngtdm.coarseness.3d", math.NaN(), feature.OneVoxel},
		{"one voxel", one, IBSI, "ngldm.low_dependence_emphasis.3d", 1, ""},
		{"apart", apart, IBSI, "glcm.contrast.3d_merged", math.NaN(), feature.NoPairs},
		{"apart", apart, IBSI, "ngtdm.contrast.3d", math.NaN(), feature.NoPairs},
		{"apart", apart, IBSI, "glszm.grey_level_variance.3d", 1, ""},
		{"apart", apart, PyRadiomics, "ngtdm.coarseness.3d", 1e6, feature.ZeroDenominator},
		{"flat", flat, IBSI, "glcm.correlation.3d_merged", math.NaN(), feature.OneLevel},
		{"flat", flat, IBSI, "glcm.joint_entropy.3d_merged", 0, ""},
		{"flat", flat, IBSI, "glcm.information_correlation_2.3d_merged", 0, ""},
		{"flat", flat, IBSI, "ngtdm.coarseness.3d", math.NaN(), feature.OneLevel},
		{"flat", flat, IBSI, "ngtdm.complexity.3d", 0, ""},
		{"flat", flat, PyRadiomics, "glcm.correlation.3d_merged", 1, feature.OneLevel},
		{"flat", flat, PyRadiomics, "glcm.maximal_correlation_coefficient.3d_merged", 1, feature.OneLevel},
		{"flat", flat, PyRadiomics, "ngtdm.coarseness.3d", 1e6, feature.OneLevel},
		{"flat", flat, PyRadiomics, "ngtdm.strength.3d", 0, feature.OneLevel},
		{"none", none, IBSI, "glszm.zone_percentage.3d", math.NaN(), feature.EmptyRegion},
	} {
		cfg := DefaultConfig()
		cfg.Convention, cfg.MCC = test.convention, true
		values := mustCompute(t, test.p.region(), cfg)
		found := false
		for n, c := range cfg.Columns() {
			if c.Name() != test.column {
				continue
			}
			found = true
			if v := values[n]; !near(v.Value, test.value, "", 0) || v.Reason != test.reason {
				t.Errorf("%s, %s: %g (%s), want %g (%s)", test.name, test.column, v.Value, v.Reason, test.value, test.reason)
			}
		}
		if !found {
			t.Errorf("no column %s", test.column)
		}
	}
}

// Pairs are counted once, runs, zones and neighbourhoods each.
func TestPairs(t *testing.T) {
	line := &picture{level: map[place]int{{0, 0, 0}: 1, {1, 0, 0}: 1, {2, 0, 0}: 2, {3, 0, 0}: 2}, size: [3]int{4, 1, 1}, n: 2}
	want := map[string]int{"glcm": 3, "glrlm": 2 + 12*4, "glszm": 2, "gldzm": 2, "ngtdm": 4, "ngldm": 4}
	cfg := DefaultConfig()
	values := mustCompute(t, line.region(), cfg)
	for n, c := range cfg.Columns() {
		if values[n].Pairs != want[c.Family.String()] {
			t.Errorf("%s rests on %d, want %d", c.Name(), values[n].Pairs, want[c.Family.String()])
		}
	}
}

// Tables of every width count the pairs that there are.
func TestTableWidths(t *testing.T) {
	for _, test := range []struct{ levels, width int }{{9, 16}, {25, 32}, {50, 64}, {110, 128}, {230, 256}, {600, 0}} {
		c, err := NewComputer(DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		r := blob(22, 10.5, test.levels, false)
		if err := c.layOut(r); err != nil {
			t.Fatal(err)
		}
		if test.width == 0 {
			test.width = r.codes() + 1
		}
		d := c.pairs[len(c.pairs)-1]
		want := map[[2]int]uint32{}
		for _, s := range c.field.spans {
			for o := int(s.lo); o < int(s.hi); o++ {
				want[[2]int{c.field.code(o), c.field.code(o + d.step)}]++
			}
		}
		var table pairTable
		table.reset(&memory{}, r.codes())
		table.count(&c.field, c.field.spans, d.step)
		if table.width != test.width {
			t.Errorf("%d codes: a width of %d, want %d", r.codes(), table.width, test.width)
		}
		for i := range r.codes() + 1 {
			for j := range r.codes() + 1 {
				if n := table.n[i*table.width+j]; n != want[[2]int{i, j}] {
					t.Fatalf("%d codes: %d pairs of %d and %d, want %d", r.codes(), n, i, j, want[[2]int{i, j}])
				}
			}
		}
	}
}

// The maximal correlation coefficient is |correlation| for two levels, 1 if a
// level tells its neighbour's, and that of a matrix whose singular values are
// known.
func TestMCC(t *testing.T) {
	margins := func(cells []cell, m int, symmetric bool) (px, py []float64, total float64) {
		px, py = make([]float64, m+1), make([]float64, m+1)
		for _, c := range cells {
			px[c.i] += c.n
			py[c.j] += c.n
			total += c.n
			if symmetric && c.i != c.j {
				px[c.j] += c.n
				total += c.n
			}
		}
		return px, py, total
	}
	two := []cell{{1, 1, 7}, {1, 2, 2}, {2, 2, 4}}
	px, py, total := margins(two, 2, true)
	// phi coefficient of the table 7 2; 2 4
	if got, want := coefficient(&memory{}, two, px, py, total, true), (7.0*4-2*2)/(9*6); !near(got, want, "", 0) {
		t.Errorf("two levels: %.15g, want %.15g", got, want)
	}
	turn := []cell{{1, 2, 5}, {2, 3, 1}, {3, 1, 8}}
	px, py, total = margins(turn, 3, false)
	if got := coefficient(&memory{}, turn, px, py, total, false); !near(got, 1, "", 0) {
		t.Errorf("a permutation: %.15g, want 1", got)
	}
	// The mixture λ·diagonal + (1 − λ)·independent of 8 equal levels has 1, λ, λ, …
	var mix []cell
	for i := range uint16(8) {
		for j := range uint16(8) {
			n := 0.7 / 64
			if i == j {
				n += 0.3 / 8
			}
			mix = append(mix, cell{i + 1, j + 1, n})
		}
	}
	px, py, total = margins(mix, 8, false)
	if got := coefficient(&memory{}, mix, px, py, total, false); math.Abs(got-0.3) > 1e-7 { // all equal: a root of multiplicity 7
		t.Errorf("a mixture: %.15g, want 0.3", got)
	}
}

// Lanczos's iteration for many levels agrees with the full matrix.
func TestMCCSparse(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, symmetric := range []bool{true, false} {
		for _, m := range []int{3, 40, 120} {
			var cells []cell
			px, py, total := make([]float64, m+1), make([]float64, m+1), 0.0
			for i := 1; i <= m; i++ {
				for j := 1; j <= m; j++ {
					n := float64(r.IntN(4) * r.IntN(4))
					if i == j {
						n += 2
					}
					if n == 0 || symmetric && j < i {
						continue
					}
					cells = append(cells, cell{uint16(i), uint16(j), n})
					px[i] += n
					py[j] += n
					total += n
					if symmetric && i != j {
						px[j] += n
						total += n
					}
				}
			}
			want := coefficient(&memory{}, cells, px, py, total, symmetric)
			s := correlations{memory: &memory{}}
			s.margins(px, py, symmetric)
			if got := s.sparse(cells, total, symmetric); math.Abs(got-want) > 1e-9 {
				t.Errorf("%d levels, symmetric %t: %.15g, want %.15g", m, symmetric, got, want)
			}
		}
	}
}

// Busyness and complexity of many levels are the double sums over them.
func TestManyTones(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	const m = 300
	n, s, value := make([]int, m), make([]float64, m), make([]uint16, m)
	for x := 1; x < m; x++ {
		n[x], value[x] = r.IntN(5), value[x-1]+1+uint16(r.IntN(200))
		if n[x] > 0 {
			s[x] = 1000 * r.Float64()
		}
	}
	var want, got ngtdm
	want.summarise(n, s, value)
	got.voxels = want.voxels
	got.many(n, s, value)
	if !near(got.busyness, want.busyness, "", 0) || !near(got.complexity, want.complexity, "", 0) {
		t.Errorf("busyness %.12g and complexity %.12g, want %.12g and %.12g", got.busyness, got.complexity, want.busyness, want.complexity)
	}
}

// Settings that make no sense are all named.
func TestValidate(t *testing.T) {
	cfg := Config{Families: []Family{GLCM, GLCM, 40}, Aggregations: []Aggregation{77, Volume3D, Volume3D}, Convention: 9, Distance: 0, Weighting: 8, Coarseness: -1, SliceAxis: 3}
	_, err := NewComputer(cfg)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, part := range []string{"glcm stands twice", "family 40", "aggregation 77", "3d stands twice", "convention 9", "distance 0", "weighting 8", "coarseness -1", "slice axis 3"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v: does not say %q", err, part)
		}
	}
	if def := DefaultConfig(); def.Validate() != nil {
		t.Error(def.Validate())
	}
}

// A cancelled context stops the work.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Compute(ctx, crescent(0.4, 1168), PyRadiomicsConfig()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// Arguments that do not fit together are a bug of the caller.
func TestMisuse(t *testing.T) {
	size := [3]int{2, 2, 2}
	for name, f := range map[string]func(){
		"lengths":    func() { NewRegion(size, [3]float64{}, []int{1, 2}, []uint16{1}, 2, nil) },
		"order":      func() { NewRegion(size, [3]float64{}, []int{2, 1}, []uint16{1, 1}, 2, nil) },
		"outside":    func() { NewRegion(size, [3]float64{}, []int{8}, []uint16{1}, 2, nil) },
		"before":     func() { NewRegion(size, [3]float64{}, []int{-1}, []uint16{1}, 2, nil) },
		"level 0":    func() { NewRegion(size, [3]float64{}, []int{1}, []uint16{0}, 2, nil) },
		"level 3":    func() { NewRegion(size, [3]float64{}, []int{1}, []uint16{3}, 2, nil) },
		"mask":       func() { NewRegion(size, [3]float64{}, []int{1}, []uint16{1}, 2, make([]bool, 7)) },
		"two at one": func() { NewRegion(size, [3]float64{}, []int{1, 1}, []uint16{1, 1}, 2, nil) },
	} {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.HasPrefix(fmt.Sprint(r), "texture: ") {
					t.Errorf("%s: %v", name, r)
				}
			}()
			f()
		}()
	}
}

// Every feature has a name, a unit and a sentence; names and codes are unique in
// their family; PyRadiomics has its 24, 16, 16, 14 and 5.
func TestTables(t *testing.T) {
	ibsi, pyradiomics := DefaultConfig(), PyRadiomicsConfig()
	for f, want := range map[Family]int{GLCM: 25, GLRLM: 16, GLSZM: 16, GLDZM: 16, NGTDM: 5, NGLDM: 17} {
		if n := len(ibsi.Features(f)); n != want {
			t.Errorf("%v: %d features, want %d", f, n, want)
		}
	}
	for f, want := range map[Family]int{GLCM: 24, GLRLM: 16, GLSZM: 16, GLDM: 14, NGTDM: 5} {
		if n := len(pyradiomics.Features(f)); n != want {
			t.Errorf("%v of PyRadiomics: %d features, want %d", f, n, want)
		}
	}
	seen := map[string]bool{}
	ibsi.MCC = true
	for f := range families {
		for _, ft := range ibsi.Features(f) {
			for _, key := range []string{ft.Name, ft.PyRadiomics, ft.Code} {
				if key = f.String() + " " + key; seen[key] && !strings.HasSuffix(key, " ") {
					t.Errorf("%s stands twice", key)
				}
				seen[f.String()+" "+key] = true
			}
			if ft.Unit == "" || !strings.HasSuffix(ft.Doc, ".") {
				t.Errorf("%v %s: unit %q, sentence %q", f, ft.Name, ft.Unit, ft.Doc)
			}
		}
	}
}

func ExampleCompute() {
	// A row of voxels in a box of 4 × 1 × 1: levels 1 1 2 2.
	region := NewRegion([3]int{4, 1, 1}, [3]float64{1, 1, 1}, []int{0, 1, 2, 3}, []uint16{1, 1, 2, 2}, 2, nil)
	cfg := DefaultConfig()
	cfg.Families = []Family{GLCM}
	values, err := Compute(context.Background(), region, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	for n, c := range cfg.Columns() {
		if c.Feature.Name == "contrast" || c.Feature.Name == "joint_maximum" {
			fmt.Printf("%s = %.3f %s of %d pairs\n", c.Name(), values[n].Value, c.Unit, values[n].Pairs)
		}
	}
	// Output:
	// glcm.joint_maximum.3d_merged = 0.333 1 of 3 pairs
	// glcm.contrast.3d_merged = 0.333 level² of 3 pairs
}

// On a sheared grid a step along two axes is as long as the diagonal of their
// parallelogram.
func TestShearedWeight(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Weighting = Euclidean
	for axis := range 3 {
		cfg.SliceAxis = axis
		c, err := NewComputer(cfg)
		if err != nil {
			t.Fatal(err)
		}
		r := NewRegion([3]int{2, 2, 2}, [3]float64{0.4, 0.5, 0.7}, []int{0, 7}, []uint16{1, 2}, 2, nil)
		r.Cosines = [3]float64{0.3, -0.2, 0.1}
		if _, err := c.Compute(t.Context(), nil, r); err != nil {
			t.Fatal(err)
		}
		for _, d := range c.steps {
			s := c.axesOf(d)
			x, y, z := 0.4*float64(s[0]), 0.5*float64(s[1]), 0.7*float64(s[2])
			want := x*x + y*y + z*z + 2*(0.3*y*z-0.2*z*x+0.1*x*y)
			if got := c.weight(GLRLM, d); math.Abs(got*got-want) > 1e-15 {
				t.Errorf("axis %d: step %v is %g mm long, want %g", axis, s, got, math.Sqrt(want))
			}
		}
	}
}
