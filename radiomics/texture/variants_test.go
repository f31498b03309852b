package texture

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// variants are PyRadiomics's settings of texture in our words.
var variants = map[string]func(c *Config){
	"default":              func(c *Config) {},
	"no_weighting":         func(c *Config) { c.Aggregations[0] = Merged3D },
	"manhattan":            func(c *Config) { c.Aggregations[0], c.Weighting = Merged3D, Manhattan },
	"euclidean":            func(c *Config) { c.Aggregations[0], c.Weighting = Merged3D, Euclidean },
	"infinity":             func(c *Config) { c.Aggregations[0], c.Weighting = Merged3D, Infinity },
	"distances_1_2":        func(c *Config) { c.Distances = []int{1, 2} },
	"distances_2":          func(c *Config) { c.Distances = []int{2} },
	"asymmetric":           func(c *Config) { c.Symmetric = false },
	"asymmetric_2":         func(c *Config) { c.Symmetric, c.Distances = false, []int{2} },
	"gldm_a_1":             func(c *Config) { c.Coarseness = 1 },
	"force2D_0":            func(c *Config) { c.Aggregations, c.SliceAxis = []Aggregation{DirectionMerged25, Slices25D}, 2 },
	"force2D_1":            func(c *Config) { c.Aggregations, c.SliceAxis = []Aggregation{DirectionMerged25, Slices25D}, 1 },
	"force2D_2":            func(c *Config) { c.Aggregations, c.SliceAxis = []Aggregation{DirectionMerged25, Slices25D}, 0 },
	"force2D_no_weighting": func(c *Config) { c.Aggregations = []Aggregation{Merged25D, Slices25D} },
}

// Small regions with holes, of one slice, and of voxels far apart have the
// values of PyRadiomics with every setting that touches texture.
func TestPyRadiomicsVariants(t *testing.T) {
	regions := map[string]*Region{}
	for _, r := range verify.Records(t, filepath.Join("testdata", "pyradiomics_regions.csv")) {
		var at []int
		var levels []uint16
		top := uint16(0)
		for n, s := range strings.Fields(r["levels"]) {
			if l := uint16(verify.Number(t, s)); l > 0 {
				at, levels, top = append(at, n), append(levels, l), max(top, l)
			}
		}
		size := [3]int{int(verify.Number(t, r["nx"])), int(verify.Number(t, r["ny"])), int(verify.Number(t, r["nz"]))}
		regions[r["region"]] = NewRegion(size, [3]float64{0.8, 0.9, 1.3}, at, levels, int(top), nil)
	}
	type result struct {
		worst    float64
		compared int
	}
	results := map[string]*result{}
	var order []string
	cache := map[string]map[string]float64{}
	for _, r := range verify.Records(t, filepath.Join("testdata", "pyradiomics_values.csv")) {
		id := r["region"] + ", " + r["config"]
		if cache[id] == nil {
			cfg := PyRadiomicsConfig()
			variants[r["config"]](&cfg)
			values := mustCompute(t, regions[r["region"]], cfg)
			cache[id] = map[string]float64{}
			for n, c := range cfg.Columns() {
				cache[id][c.Family.String()+" "+c.PyRadiomics] = values[n].Value
			}
			results[id] = &result{}
			order = append(order, id)
		}
		name := r["family"] + " " + r["feature"]
		got, ok := cache[id][name]
		want := verify.Number(t, r["value"])
		off := math.Abs(got-want) / max(1, math.Abs(want))
		if !ok || math.IsNaN(got) != math.IsNaN(want) || off > 1e-7 {
			t.Errorf("%s: %s: got %.12g, want %.12g", id, name, got, want)
		}
		if off > results[id].worst {
			results[id].worst = off
		}
		results[id].compared++
	}
	for _, id := range order {
		verify.Check{Suite: "radiomics", Case: "PyRadiomics texture settings", Quantity: fmt.Sprintf("%s: largest relative difference of %d features", id, results[id].compared),
			Source: "PyRadiomics 3.0.1", Got: results[id].worst, Want: 0, Tol: 1e-7}.Run(t)
	}
}
