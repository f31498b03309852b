package texture

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/imaging/nrrd"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// digitalPhantom returns the digital phantom of IBSI 1, 5 × 4 × 4 voxels.
func digitalPhantom(t testing.TB) *Region {
	t.Helper()
	var at []int
	var levels []uint16
	for n, r := range verify.Records(t, filepath.Join("..", "ibsi", "data", "phantom.csv")) {
		if r["inside"] == "1" {
			at, levels = append(at, n), append(levels, uint16(verify.Number(t, r["level"])))
		}
	}
	return NewRegion([3]int{5, 4, 4}, [3]float64{2, 2, 2}, at, levels, 6, nil)
}

// everything returns a configuration of all families and aggregations of IBSI.
func everything() Config {
	cfg := DefaultConfig()
	cfg.Aggregations = nil
	for a := range aggregations {
		cfg.Aggregations = append(cfg.Aggregations, a)
	}
	return cfg
}

// ibsiAggregation is the name of each aggregation in the reference tables.
var ibsiAggregation = [aggregations]string{"2D, averaged", "2D, slice-merged", "2.5D, direction-merged", "2.5D, merged", "3D, averaged", "3D, merged", "2D", "2.5D", "3D"}

// The digital phantom has the consensus value of every texture feature in every
// aggregation, after rounding to three digits.
func TestIBSIDigitalPhantom(t *testing.T) {
	values, err := Compute(t.Context(), digitalPhantom(t), everything())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{}
	for _, r := range verify.Records(t, filepath.Join("testdata", "ibsi1_digital_texture.csv")) {
		want[r["ibsi_id"]+" "+r["aggregation"]] = r
	}
	cfg := everything()
	cols := cfg.Columns()
	if len(cols) != len(values) || len(cols) != len(want) {
		t.Fatalf("%d columns, %d values, %d reference values", len(cols), len(values), len(want))
	}
	for n, c := range cols {
		r := want[c.Code+" "+ibsiAggregation[c.Aggregation]]
		if r == nil {
			t.Errorf("no reference value of %s (%s)", c.Name(), c.Code)
			continue
		}
		verify.Check{Suite: "radiomics", Case: "IBSI 1 digital phantom", Quantity: c.Name() + ", " + c.Unit, Source: "IBSI 1 consensus " + c.Code,
			Got: values[n].Value, Want: verify.Number(t, r["value"]), Tol: verify.Number(t, r["tolerance"]), Digits: 3}.Run(t)
	}
}

// The matrices of the digital phantom are those that the reference gives, cell
// by cell.
func TestIBSIDigitalMatrices(t *testing.T) {
	region := digitalPhantom(t)
	modes := map[string]map[string]Aggregation{
		"glcm":  {"2D, merged": SliceMerged2D, "3D, merged": Merged3D},
		"glrlm": {"2D, merged": SliceMerged2D, "3D, merged": Merged3D},
		"glszm": {"2D": Slices2D, "3D": Volume3D}, "gldzm": {"2D": Slices2D, "3D": Volume3D},
		"ngtdm": {"2D": Slices2D, "3D": Volume3D}, "ngldm": {"2D": Slices2D, "3D": Volume3D},
	}
	c, err := NewComputer(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Cell{}
	key := func(matrix, mode string, slice, i, j int) string {
		return strings.Join([]string{matrix, mode, strconv.Itoa(slice), strconv.Itoa(i), strconv.Itoa(j)}, "|")
	}
	for f := range GLDM {
		for mode, a := range modes[f.String()] {
			ms, err := c.Matrices(t.Context(), region, f, a)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range ms {
				for _, e := range m.Cells {
					got[key(f.String(), mode, m.Slice+1, e.I, e.J)] = e
				}
			}
		}
	}
	path := verify.Shared(t, "data", "ibsi1", "ibsi1_digital_phantom_matrices.csv")
	rows := verify.Records(t, path)
	if len(rows) != len(got) {
		t.Errorf("%d cells, want %d", len(got), len(rows))
	}
	for _, r := range rows {
		slice, j := 0, 0
		if r["slice"] != "" {
			slice = int(verify.Number(t, r["slice"]))
		}
		if r["j"] != "" {
			j = int(verify.Number(t, r["j"]))
		}
		e := got[key(r["matrix"], r["mode"], slice, int(verify.Number(t, r["i"])), j)]
		verify.Check{Suite: "radiomics", Case: "IBSI 1 digital phantom, matrices", Quantity: strings.Join([]string{r["matrix"], r["mode"], r["slice"], r["i"], r["j"]}, " "),
			Source: "IBSI 1 reference matrices", Got: e.N, Want: verify.Number(t, r["n"])}.Run(t)
		if r["s"] != "" {
			verify.Check{Suite: "radiomics", Case: "IBSI 1 digital phantom, matrices", Quantity: strings.Join([]string{r["matrix"], r["mode"], r["slice"], r["i"], "sum"}, " "),
				Source: "IBSI 1 reference matrices", Got: e.S, Want: verify.Number(t, r["s"]), Tol: 5e-4 * max(1, e.S)}.Run(t)
		}
	}
}

// brain1 returns PyRadiomics's test image and mask on the box of the mask.
func brain1(t testing.TB) (size [3]int, spacing [3]float64, at []int, values []float64) {
	t.Helper()
	dir := verify.Shared(t, "data", "pyradiomics")
	vol, err := nrrd.ReadVolume(filepath.Join(dir, "brain1_image.nrrd"))
	if err != nil {
		t.Fatal(err)
	}
	seg, err := nrrd.ReadSegmentation(filepath.Join(dir, "brain1_label.nrrd"))
	if err != nil {
		t.Fatal(err)
	}
	for n, label := range seg.Layers[0] {
		if label == 1 {
			at = append(at, n)
			values = append(values, float64(vol.Values[n]))
		}
	}
	return vol.Size, vol.Spacing, at, values
}

// discretise makes levels as PyRadiomics does: bins of a width that start at a
// multiple of it, or a number of bins between the extremes.
func discretise(values []float64, width float64, bins int) (levels []uint16, n int) {
	lo, hi := slices.Min(values), slices.Max(values)
	for _, x := range values {
		var l int
		if bins > 0 {
			l = min(int(math.Floor((x-lo)/((hi-lo)/float64(bins))))+1, bins)
		} else {
			l = int(math.Floor(x/width)-math.Floor(lo/width)) + 1
		}
		levels = append(levels, uint16(l))
		n = max(n, l)
	}
	return levels, n
}

// The test case of PyRadiomics has the value of its baseline for every texture
// feature, to a millionth.
func TestPyRadiomicsBrain1(t *testing.T) {
	size, spacing, at, values := brain1(t)
	dir := verify.Shared(t, "data", "pyradiomics")
	settings := map[string]string{}
	for _, r := range verify.Records(t, filepath.Join(dir, "brain1_settings.csv")) {
		settings[r["config"]+" "+r["family"]] = r["settings_json"]
	}
	checked := 0
	cache := map[string]map[string]float64{}
	for _, r := range verify.Records(t, filepath.Join(dir, "brain1_reference_values.csv")) {
		f := slices.Index(familyNames[:], r["family"])
		if f < 0 || !slices.Contains([]string{"base", "2d", "FBN", "combined", "flatRegion"}, r["config"]) {
			continue
		}
		id := r["config"] + " " + r["family"]
		if cache[id] == nil {
			var s struct {
				BinWidth  float64
				BinCount  int
				Force2D   bool
				Weighting string `json:"weightingNorm"`
			}
			s.BinWidth = 25
			if err := json.Unmarshal([]byte(settings[id]), &s); err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			levels, n := discretise(values, s.BinWidth, s.BinCount)
			cfg := PyRadiomicsConfig()
			cfg.Families = []Family{Family(f)}
			switch {
			case s.Force2D && s.Weighting == "":
				cfg.Aggregations = []Aggregation{DirectionMerged25, Slices25D}
			case s.Weighting == "no_weighting":
				cfg.Aggregations = []Aggregation{Merged3D}
			}
			got, err := Compute(t.Context(), NewRegion(size, spacing, at, levels, n, nil), cfg)
			if err != nil {
				t.Fatal(err)
			}
			cache[id] = map[string]float64{}
			for n, c := range cfg.Columns() {
				cache[id][c.PyRadiomics] = got[n].Value
			}
		}
		want := verify.Number(t, r["value"])
		got, ok := cache[id][r["feature"]]
		if !ok {
			t.Errorf("%s: no column %s", id, r["feature"])
			continue
		}
		checked++
		verify.Check{Suite: "radiomics", Case: "PyRadiomics brain1, " + r["config"], Quantity: r["family"] + " " + r["feature"], Source: "PyRadiomics baseline",
			Got: got, Want: want, Tol: max(1e-6*math.Abs(want), 1e-12)}.Run(t)
	}
	if checked != 4*75+40 {
		t.Errorf("%d values compared", checked)
	}
}

// npy reads an array of float64.
func npy(t testing.TB, path string) (shape []int, data []float64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 10 + int(binary.LittleEndian.Uint16(b[8:]))
	m := regexp.MustCompile(`'shape': \(([^)]*)\)`).FindSubmatch(b[:n])
	if m == nil || !bytes.Contains(b[:n], []byte("'<f8'")) {
		t.Fatalf("%s: %s", path, b[:n])
	}
	for _, s := range strings.Split(string(m[1]), ",") {
		if s = strings.TrimSpace(s); s != "" {
			shape = append(shape, int(verify.Number(t, s)))
		}
	}
	data = make([]float64, (len(b)-n)/8)
	if err := binary.Read(bytes.NewReader(b[n:]), binary.LittleEndian, data); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b[:n], []byte("'fortran_order': True")) {
		rows, cols := shape[0], shape[1]
		c := make([]float64, len(data))
		for i := range rows {
			for j := range cols {
				c[i*cols+j] = data[j*rows+i]
			}
		}
		data = c
	}
	return shape, data
}

// The matrices of PyRadiomics's test case are equal to those of its baseline.
// Directions may stand in another order.
func TestPyRadiomicsMatrices(t *testing.T) {
	size, spacing, at, values := brain1(t)
	levels, ng := discretise(values, 25, 0)
	region := NewRegion(size, spacing, at, levels, ng, nil)
	c, err := NewComputer(PyRadiomicsConfig())
	if err != nil {
		t.Fatal(err)
	}
	present := []int{}
	for _, v := range region.value[1:] {
		present = append(present, int(v))
	}
	for _, test := range []struct {
		f Family
		a Aggregation
	}{{GLCM, Averaged3D}, {GLRLM, Averaged3D}, {GLSZM, Volume3D}, {GLDM, Volume3D}, {NGTDM, Volume3D}} {
		shape, want := npy(t, verify.Shared(t, "data", "pyradiomics", "matrices", "brain1_"+test.f.String()+".npy"))
		ms, err := c.Matrices(t.Context(), region, test.f, test.a)
		if err != nil {
			t.Fatal(err)
		}
		directions := 1
		if len(shape) == 3 {
			directions = shape[2]
		}
		if len(ms) != directions {
			t.Errorf("%v: %d directions, want %d", test.f, len(ms), directions)
			continue
		}
		if shape[0] != len(present) && shape[0] != ng {
			t.Errorf("%v: %d levels of shape %v", test.f, len(present), shape)
		}
		var sizes []int // PyRadiomics leaves out sizes that do not occur
		for _, m := range ms {
			for _, e := range m.Cells {
				if !slices.Contains(sizes, e.J) {
					sizes = append(sizes, e.J)
				}
			}
		}
		slices.Sort(sizes)
		used := make([]bool, directions)
		for _, m := range ms {
			dense := make([]float64, shape[0]*shape[1])
			var total float64
			for _, e := range m.Cells {
				total += e.N
			}
			for _, e := range m.Cells {
				i, j := e.I-1, e.J-1
				if shape[0] == len(present) {
					i, _ = slices.BinarySearch(present, e.I)
				}
				switch test.f {
				case GLCM:
					if shape[0] == len(present) {
						j, _ = slices.BinarySearch(present, e.J)
					}
					dense[i*shape[1]+j] = e.N / total
				case NGTDM:
					copy(dense[i*3:], []float64{e.N, e.S, float64(e.I)})
				default:
					if j, _ = slices.BinarySearch(sizes, e.J); len(sizes) != shape[1] {
						t.Fatalf("%v: %d sizes of shape %v", test.f, len(sizes), shape)
					}
					dense[i*shape[1]+j] = e.N
				}
			}
			best, worst := -1, math.Inf(1)
			for d := range directions {
				var off float64
				for x := range dense {
					off = max(off, math.Abs(dense[x]-want[x*directions+d])/max(1, dense[x]))
				}
				if off < worst && !used[d] {
					best, worst = d, off
				}
			}
			used[best] = true
			verify.Check{Suite: "radiomics", Case: "PyRadiomics brain1, matrices", Quantity: test.f.String() + ", largest difference of a matrix", Source: "PyRadiomics baseline",
				Got: worst, Want: 0, Tol: 1e-9}.Run(t)
		}
	}
}
