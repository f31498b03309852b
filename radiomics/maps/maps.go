package maps

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
	"github.com/plaquerisk/plaquerisk/radiomics/intensity"
	"github.com/plaquerisk/plaquerisk/radiomics/texture"
)

// Input is an image on a box, i fastest, then j, then k.
type Input struct {
	imaging.Grid
	Values []float32 // intensities; needed by first-order features only
	// Levels are the grey levels 1 … N of the whole region; 0 where a voxel takes
	// no part. Zero outside the region for a masked kernel; none zero for one that
	// is not masked.
	Levels []uint16
	N      int
	// Centres are the voxels that get a value; nil for those with a level.
	Centres []bool
}

// Maps are features per voxel.
type Maps struct {
	Grid   imaging.Grid
	At     []int       // voxels that have values, ascending offsets
	Values [][]float64 // per feature, for each of At; NaN where undefined
	cfg    Config
	ms     []mapped
}

// Compute makes the maps of cfg.
func Compute(ctx context.Context, in *Input, cfg Config) (*Maps, error) {
	ms, err := cfg.features()
	if err != nil {
		return nil, err
	}
	if err := in.check(ms); err != nil {
		return nil, fmt.Errorf("maps: %w", err)
	}
	m := &Maps{Grid: in.Grid, cfg: cfg, ms: ms, Values: make([][]float64, len(ms))}
	for o, l := range in.Levels {
		if in.Centres == nil && l > 0 || in.Centres != nil && in.Centres[o] {
			m.At = append(m.At, o)
		}
	}
	for f := range m.Values {
		m.Values[f] = make([]float64, len(m.At))
	}
	k := &kernel{in: in, cfg: &m.cfg}
	for a := range 3 {
		if k.radius[a] = cfg.Radius; a == cfg.Flat {
			k.radius[a] = 0
		}
	}
	for _, l := range in.Levels {
		if k.lowest == 0 || l > 0 && l < k.lowest {
			k.lowest = l
		}
		k.highest = max(k.highest, l)
	}
	sums, counted, rest := k.split(ms)
	if err := k.boxSums(ctx, m, sums); err != nil {
		return nil, err
	}
	if err := k.slide(ctx, m, counted); err != nil {
		return nil, err
	}
	if err := k.cubes(ctx, m, rest); err != nil {
		return nil, err
	}
	return m, nil
}

// check reports an input that does not fit together or lacks what ms need.
func (in *Input) check(ms []mapped) error {
	n := in.Len()
	switch {
	case len(in.Levels) != n || in.Values != nil && len(in.Values) != n || in.Centres != nil && len(in.Centres) != n:
		panic(fmt.Sprintf("maps: Compute: %d levels, %d values and %d centres for %d voxels", len(in.Levels), len(in.Values), len(in.Centres), n))
	case in.N < 1 || in.N > texture.MaxLevel:
		return fmt.Errorf("%d grey levels: want 1 to %d", in.N, texture.MaxLevel)
	}
	for o, l := range in.Levels {
		if int(l) > in.N {
			i, j, k := in.Coords(o)
			return fmt.Errorf("voxel (%d, %d, %d) has grey level %d of %d", i, j, k, l, in.N)
		}
	}
	for f := range ms {
		if ms[f].first >= 0 && in.Values == nil {
			panic("maps: Compute: first-order features need values")
		}
	}
	return nil
}

// kernel is the cube that moves over an input.
type kernel struct {
	in              *Input
	cfg             *Config
	radius          [3]int
	lowest, highest uint16 // levels that occur
}

// box returns the part of the grid within the cube around a voxel.
func (k *kernel) box(at int) (lo, hi [3]int) {
	x, y, z := k.in.Coords(at)
	for a, c := range [3]int{x, y, z} {
		lo[a], hi[a] = max(0, c-k.radius[a]), min(k.in.Size[a], c+k.radius[a]+1)
	}
	return lo, hi
}

// blockVoxels is how many voxels one goroutine takes at a time.
const blockVoxels = 256

// cubes computes the features fs of m from the voxels of each cube.
func (k *kernel) cubes(ctx context.Context, m *Maps, fs []int) error {
	if len(fs) == 0 {
		return nil
	}
	cfg := k.cfg.Texture
	cfg.Families, cfg.Aggregations, cfg.MCC = nil, nil, false
	families, aggregations := map[texture.Family]bool{}, map[texture.Aggregation]bool{}
	first := false
	for _, f := range fs {
		g := &m.ms[f]
		if g.first >= 0 {
			first = true
			continue
		}
		cfg.MCC = cfg.MCC || g.name == maximalCorrelation // dear, so only on request
		if !families[g.texture] {
			families[g.texture] = true
			cfg.Families = append(cfg.Families, g.texture)
		}
		if !aggregations[g.aggregation] {
			aggregations[g.aggregation] = true
			cfg.Aggregations = append(cfg.Aggregations, g.aggregation)
		}
	}
	columns := cfg.Columns()
	place := make([]int, len(m.ms)) // of each feature among the columns
	for _, f := range fs {
		for n, c := range columns {
			if g := &m.ms[f]; g.first < 0 && c.Family == g.texture && c.Aggregation == g.aggregation && c.Feature.Name == g.name {
				place[f] = n
			}
		}
	}
	pool := sync.Pool{New: func() any {
		computer, err := texture.NewComputer(cfg)
		if err != nil {
			panic("maps: " + err.Error()) // cfg was valid before
		}
		return &cube{computer: computer, counts: make([]int, k.in.N+1)}
	}}
	var once sync.Once
	var failed error
	err := par.Blocks(ctx, len(m.At), blockVoxels, func(lo, hi int) {
		c := pool.Get().(*cube)
		defer pool.Put(c)
		for n := lo; n < hi; n++ {
			c.gather(k, m.At[n], first)
			if len(cfg.Families) > 0 {
				if err := c.texture(ctx, k); err != nil {
					once.Do(func() { failed = err })
					return
				}
			}
			if first {
				c.firstOrder(k)
			}
			for _, f := range fs {
				if g := &m.ms[f]; g.first >= 0 {
					m.Values[f][n] = c.first[g.first]
				} else {
					m.Values[f][n] = k.limit(g, c.values[place[f]])
				}
			}
		}
	})
	if err != nil {
		return err
	}
	return failed
}

// maximalCorrelation is the feature with an eigenvalue problem per matrix.
const maximalCorrelation = "maximal_correlation_coefficient"

// limit returns the value of a texture feature in a cube. PyRadiomics keeps
// the matrices of cubes as large as all levels of the region need, so that the
// second eigenvalue of a flat cube is 0; alone, a flat region has MCC 1.
func (k *kernel) limit(g *mapped, v texture.Value) float64 {
	if k.cfg.Texture.Convention == texture.PyRadiomics && g.texture == texture.GLCM && g.name == maximalCorrelation &&
		v.Reason == feature.OneLevel && k.highest > k.lowest {
		return 0
	}
	return v.Value
}

// cube is the scratch of one cube.
type cube struct {
	computer *texture.Computer
	region   texture.Region
	size     [3]int
	at       []int
	levels   []uint16
	x        []float32
	values   []texture.Value
	counts   []int
	work     intensity.Workspace
	first    []float64
}

// gather reads the voxels of the cube around a voxel, and their intensities.
func (c *cube) gather(k *kernel, at int, values bool) {
	lo, hi := k.box(at)
	c.at, c.levels, c.x = c.at[:0], c.levels[:0], c.x[:0]
	for a := range 3 {
		c.size[a] = hi[a] - lo[a]
	}
	n := 0
	for z := lo[2]; z < hi[2]; z++ {
		for y := lo[1]; y < hi[1]; y++ {
			o := k.in.Offset(lo[0], y, z)
			for x := range c.size[0] {
				if l := k.in.Levels[o+x]; l > 0 {
					c.at, c.levels = append(c.at, n), append(c.levels, l)
					if values {
						c.x = append(c.x, k.in.Values[o+x])
					}
				}
				n++
			}
		}
	}
}

// texture computes the texture features of the cube.
func (c *cube) texture(ctx context.Context, k *kernel) (err error) {
	c.region.Reset(c.size, k.in.Spacing, c.at, c.levels, k.in.N, nil)
	c.values, err = c.computer.Compute(ctx, c.values[:0], &c.region)
	return err
}

// firstOrder computes the first-order features of the cube.
func (c *cube) firstOrder(k *kernel) {
	if k.cfg.Texture.Convention != texture.PyRadiomics {
		c.first = resize(c.first, len(intensity.StatisticsFeatures))
		intensity.NewStatistics(&c.work, c.x).Values(c.first, nil)
		return
	}
	for _, l := range c.levels {
		c.counts[l]++
	}
	c.first = resize(c.first, len(intensity.FirstOrderFeatures))
	intensity.NewFirstOrder(&c.work, c.x, intensity.FirstOrderConfig{
		VoxelVolume: k.in.VoxelVolume(), Shift: k.cfg.Shift, Counts: c.counts,
	}).Values(c.first, nil)
	for _, l := range c.levels {
		c.counts[l] = 0
	}
}

func resize(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}

// Volume returns map f as an image: Init where no voxel has a value, NaN where
// the feature is undefined.
func (m *Maps) Volume(f int) *imaging.Volume {
	v := imaging.NewVolume(m.Grid)
	for n := range v.Values {
		v.Values[n] = float32(m.cfg.Init)
	}
	for n, at := range m.At {
		v.Values[at] = float32(m.Values[f][n])
	}
	return v
}

// Summary returns statistics of each map over its voxels, as columns
// map_r1.glcm.contrast.mean, …: statistics are named as in
// [intensity.StatisticsFeatures]. Voxels where a feature is undefined are left
// out; how many were not stands in the support. unit is that of the intensities,
// settings what made them.
func (m *Maps) Summary(statistics []string, unit, settings string) (feature.Vector, error) {
	table := intensity.StatisticsFeatures
	var places []int
	for _, name := range statistics {
		place := -1
		for n := range table {
			if table[n].Name == name {
				place = n
			}
		}
		if place < 0 {
			return feature.Vector{}, fmt.Errorf("maps: no statistic %q of a map", name)
		}
		places = append(places, place)
	}
	var cols []feature.Column
	out := feature.Vector{}
	var work intensity.Workspace
	values, support := make([]float64, len(table)), make([]feature.Support, len(table))
	for f := range m.ms {
		defined := make([]float64, 0, len(m.At))
		for _, x := range m.Values[f] {
			if !math.IsNaN(x) {
				defined = append(defined, x)
			}
		}
		intensity.NewStatistics(&work, defined).Values(values, support)
		base := m.cfg.column(&m.ms[f], unit, settings)
		for _, p := range places {
			c := base
			c.Name += "." + table[p].Name
			c.Unit = inUnit(table[p].Unit, base.Unit)
			c.Ref = "plaquerisk:map of " + base.Ref
			c.Doc = "Over the region, of the map of this feature: " + table[p].Doc
			cols = append(cols, c)
			out.Values = append(out.Values, values[p])
			out.Support = append(out.Support, support[p])
		}
	}
	var err error
	out.Schema, err = feature.NewSchema(cols...)
	return out, err
}

// SummaryColumns returns the columns of [Maps.Summary].
func (c *Config) SummaryColumns(statistics []string, unit, settings string) ([]feature.Column, error) {
	ms, err := c.features()
	if err != nil {
		return nil, err
	}
	m := &Maps{cfg: *c, ms: ms, Values: make([][]float64, len(ms))}
	v, err := m.Summary(statistics, unit, settings)
	if err != nil {
		return nil, err
	}
	return v.Schema.Columns(), nil
}
