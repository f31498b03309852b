package texture

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Compute returns the features of r in the order of [Config.Columns].
func Compute(ctx context.Context, r *Region, cfg Config) ([]Value, error) {
	c, err := NewComputer(cfg)
	if err != nil {
		return nil, err
	}
	return c.Compute(ctx, nil, r)
}

// Computer computes the features of one region after the other and keeps its
// scratch memory. It must not be used by two goroutines at a time.
type Computer struct {
	cfg     Config
	columns int
	alpha   int
	reach   int         // of pairs and neighbours
	pairs   []direction // of the glcm
	steps   []direction // the 13 directions to neighbours
	offsets []direction // of the neighbourhoods of ngtdm, ngldm and gldm

	planarPairs int // of the pairs, those within a slice

	banks [families][kinds]*bank // nil if nothing is averaged from them
	// phases are the families in the order in which one thread computes them, now
	// those at present.
	phases []familySet
	now    familySet
	field  field
	work   []*worker
	zones  labels
	narrow zoneMap[uint16, uint8]
	wide   zoneMap[uint32, uint16]
	// borders are the slices after which slabs of zones meet; joining counts the
	// slabs that are not labelled yet, and joined is closed when all are joined.
	borders []int
	joining atomic.Int32
	joined  chan struct{}
	// Matrices of each direction, kept where they are not simply added.
	cells [][]cell
	runs  []countTable
	jobs  []job
	// matrices, if not nil, collects what features are computed from.
	matrices *[]Matrix
}

// kind tells which slices and directions a matrix holds.
type kind uint8

const (
	sliceDirection kind = iota // a direction in a slice: number 4k + d
	oneSlice                   // a slice: number k
	oneDirection               // a direction in all slices: number d
	allSlices                  // what lies within slices
	volume                     // everything
	kinds
)

// kindOf returns the matrices whose features a averages.
func kindOf(a Aggregation) kind {
	switch a {
	case Averaged2D:
		return sliceDirection
	case SliceMerged2D, Slices2D:
		return oneSlice
	case DirectionMerged25, Averaged3D:
		return oneDirection
	case Merged25D, Slices25D:
		return allSlices
	}
	return volume
}

// bank holds the features of the matrices of a kind.
type bank struct {
	features int
	values   []float64 // of matrix m from m·features
	entries  []int     // what each matrix counts; 0 if it is empty
}

// familySet has bit f for family f.
type familySet uint8

// allFamilies holds all of them.
const allFamilies familySet = 1<<families - 1

// phases are the families in an order in which they may follow one another.
// Zones are joined once for both of their families.
var phases = [...]familySet{1<<GLSZM | 1<<GLDZM, 1 << NGTDM, 1 << GLCM, 1 << GLRLM, 1 << NGLDM, 1 << GLDM}

// NewComputer returns a computer of the features of cfg.
func NewComputer(cfg Config) (*Computer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.Families, cfg.Aggregations, cfg.Distances = slices.Clone(cfg.Families), slices.Clone(cfg.Aggregations), slices.Clone(cfg.Distances)
	c := &Computer{cfg: cfg, alpha: int(min(cfg.Coarseness, MaxLevel)), now: allFamilies, jobs: make([]job, 0, usualJobs)}
	for _, f := range cfg.Families {
		for _, a := range cfg.Aggregations {
			if a.Applies(f) {
				c.columns += c.featureCount(f)
				c.banks[f][kindOf(a)] = &bank{features: c.featureCount(f)}
			}
		}
	}
	for _, c.now = range phases {
		if c.any() {
			c.phases = append(c.phases, c.now)
		}
	}
	c.now = allFamilies
	c.aim()
	return c, nil
}

// aim makes the lists of directions.
func (c *Computer) aim() {
	all := func([3]int) bool { return true }
	c.steps = directions(1, all, 1)
	c.reach = c.cfg.Distance
	if ds := c.cfg.Distances; len(ds) > 0 {
		c.reach = slices.Max(ds)
		listed := func(d [3]int) bool { return slices.Contains(ds, chebyshev(d)) }
		c.pairs, c.offsets = directions(c.reach, listed, 1), directions(c.reach, listed, 1)
	} else {
		c.pairs, c.offsets = c.steps, c.steps
		if c.reach > 1 || c.cfg.SliceAxis != 2 { // of pairs some will turn round
			c.pairs, c.offsets = directions(1, all, c.reach), directions(c.reach, all, 1)
		}
	}
	c.field.axes = axesFor(c.cfg.SliceAxis)
	for n := range c.pairs { // to the later voxel in the region's box, whatever the slice axis
		d := &c.pairs[n]
		if s := c.axesOf(*d); s[2] < 0 || s[2] == 0 && (s[1] < 0 || s[1] == 0 && s[0] < 0) {
			d.d = [3]int{-d.d[0], -d.d[1], -d.d[2]}
		}
	}
	c.planarPairs = len(planarOnly(c.pairs))
}

// wants tells whether matrices of any of the kinds are needed of f now.
func (c *Computer) wants(f Family, ks ...kind) bool {
	for _, k := range ks {
		if c.now>>f&1 != 0 && c.banks[f][k] != nil {
			return true
		}
	}
	return false
}

// Compute appends the features of r to dst, in the order of [Config.Columns].
func (c *Computer) Compute(ctx context.Context, dst []Value, r *Region) ([]Value, error) {
	dst = slices.Grow(dst, c.columns)
	values := dst[len(dst):][:c.columns]
	if r.Voxels == 0 {
		c.conclude(values, r)
	} else if err := c.run(ctx, values, r); err != nil {
		return nil, err
	}
	return dst[:len(dst)+c.columns], nil
}

// conclude stores the features of the present families in values, which has a
// place for every column.
func (c *Computer) conclude(values []Value, r *Region) {
	for _, f := range c.cfg.Families {
		for _, a := range c.cfg.Aggregations {
			if !a.Applies(f) {
				continue
			}
			n := c.featureCount(f)
			if c.wants(f, kindOf(a)) {
				c.average(values[:0:n], r, f, a)
			}
			values = values[n:]
		}
	}
}

// average appends the features of f: means over the matrices that have entries
// and in which the feature is defined.
func (c *Computer) average(dst []Value, r *Region, f Family, a Aggregation) []Value {
	switch f {
	case GLCM:
		return average(c, dst, r, f, a, glcmFeatures)
	case GLRLM:
		return average(c, dst, r, f, a, glrlmFeatures)
	case GLSZM:
		return average(c, dst, r, f, a, glszmFeatures)
	case GLDZM:
		return average(c, dst, r, f, a, gldzmFeatures)
	case NGTDM:
		return average(c, dst, r, f, a, ngtdmFeatures)
	}
	return average(c, dst, r, f, a, ngldmFeatures)
}

func average[T any](c *Computer, dst []Value, r *Region, f Family, a Aggregation, rows []row[T]) []Value {
	b := c.banks[f][kindOf(a)]
	entries := b.entries
	if r.Voxels == 0 {
		entries = nil
	} else if a == DirectionMerged25 {
		entries = entries[:c.planar(f)]
	}
	total := 0
	for _, n := range entries {
		total += n
	}
	n := 0
	for at := range rows {
		if !c.cfg.has(f, &rows[at].Feature) {
			continue
		}
		var sum float64
		used, defined := 0, 0
		for m, e := range entries {
			if e == 0 {
				continue
			}
			switch x := b.values[m*b.features+n]; {
			case !math.IsNaN(x):
				sum += x
				used++
				defined++
			case c.cfg.Convention == PyRadiomics:
				sum += rows[at].limit
				used++
			}
		}
		v := Value{Value: sum / float64(used), Pairs: total} // NaN if none
		if defined == 0 {
			v.Reason = r.reason(total)
		}
		dst = append(dst, v)
		n++
	}
	return dst
}

// reason says why a feature of r is undefined where entries are counted.
func (r *Region) reason(entries int) feature.Reason {
	switch {
	case r.Voxels == 0:
		return feature.EmptyRegion
	case r.Voxels == 1:
		return feature.OneVoxel
	case entries == 0:
		return feature.NoPairs
	case r.codes() == 1:
		return feature.OneLevel
	}
	return feature.ZeroDenominator
}

// planar returns the number of directions of f within a slice.
func (c *Computer) planar(f Family) int {
	if f == GLRLM {
		return 4
	}
	return c.planarPairs
}

// parallelFrom is the number of voxels from which several threads pay.
const parallelFrom = 20000

// job is a part of the work that writes to places of its own.
type job struct {
	do func(c *Computer, w *worker, a, b int)
	a  int
	b  int
}

// usualJobs is the number of jobs of most phases: one for each direction.
const usualJobs = 13

// run computes the features of all matrices and stores them in values. One
// thread does one family after the other, so that they may share memory; more
// threads do all of them at once, so that none waits.
func (c *Computer) run(ctx context.Context, values []Value, r *Region) error {
	if err := c.layOut(r); err != nil {
		return err
	}
	workers := 1
	if r.Voxels >= parallelFrom && c.matrices == nil && !c.tonesDirect() {
		workers = runtime.GOMAXPROCS(0)
	}
	for len(c.work) < workers {
		c.work = append(c.work, &worker{})
	}
	c.reserve(workers)
	defer func() { c.now = allFamilies }()
	if workers > 1 {
		return c.phase(ctx, values, workers)
	}
	for _, c.now = range c.phases {
		if err := c.phase(ctx, values, 1); err != nil {
			return err
		}
	}
	return nil
}

// phase computes the features of the present families.
func (c *Computer) phase(ctx context.Context, values []Value, workers int) error {
	for n, w := range c.work[:workers] {
		w.memory.release(mark{})
		if n == 0 {
			c.openBanks(&w.memory)
			c.zones.open(c, &w.memory)
		}
		w.prepare(c)
	}
	c.listJobs(workers)
	if err := c.do(ctx, workers); err != nil {
		return err
	}
	if c.wants(GLSZM, oneSlice, allSlices) || c.wants(GLDZM, oneSlice, allSlices) {
		c.zones.begin(c, true)
		c.jobs = c.jobs[:0]
		c.sliced((*Computer).zoneSlice)
		if err := c.do(ctx, workers); err != nil {
			return err
		}
	}
	for _, w := range c.work[1:workers] {
		c.work[0].add(w)
	}
	c.work[0].finish(c)
	c.conclude(values, c.field.r)
	return nil
}

// any tells whether anything is computed now.
func (c *Computer) any() bool {
	for f := range families {
		if c.wants(f, sliceDirection, oneSlice, oneDirection, allSlices, volume) {
			return true
		}
	}
	return false
}

// slabs cuts a job in as many parts, times the workers, as there are slices for.
func (c *Computer) slabs(do func(c *Computer, w *worker, a, b int), parts, workers int) {
	n, nz := 1, c.field.size[2]
	if workers > 1 {
		n = min(parts*workers, max(1, nz/4))
	}
	for s := range n {
		c.jobs = append(c.jobs, job{do, nz * s / n, nz * (s + 1) / n})
	}
}

// sliced adds a job for each slice.
func (c *Computer) sliced(do func(c *Computer, w *worker, a, b int)) {
	for k := range c.field.size[2] {
		c.jobs = append(c.jobs, job{do, k, k + 1})
	}
}

// listJobs lists the jobs of the present families.
func (c *Computer) listJobs(workers int) {
	c.jobs = c.jobs[:0]
	zones := c.wants(GLSZM, volume) || c.wants(GLDZM, volume)
	if zones {
		// First, because what is collected at the end rests on them; few, because
		// zones are joined across the borders by one worker alone.
		c.zones.begin(c, false)
		c.slabs((*Computer).joinSlab, 1, workers)
		c.beginJoining()
	}
	if c.wants(NGTDM, volume) {
		if c.tonesDirect() {
			c.jobs = append(c.jobs, job{(*Computer).toneSlab, 0, c.field.size[2]})
		} else {
			c.slabs((*Computer).toneSlab, 2, workers)
		}
	}
	for n := range c.pairs {
		if c.wants(GLCM, volume, oneDirection) || n < c.planar(GLCM) && c.wants(GLCM, allSlices) {
			c.jobs = append(c.jobs, job{(*Computer).pairDirection, n, 0})
		}
	}
	for n := range c.steps {
		if c.wants(GLRLM, volume, oneDirection) || n < 4 && c.wants(GLRLM, allSlices) {
			c.jobs = append(c.jobs, job{(*Computer).runDirection, n, 0})
		}
	}
	if c.wants(NGLDM, volume) {
		c.slabs((*Computer).ngldmSlab, 2, workers)
	}
	if c.wants(GLDM, volume) {
		c.slabs((*Computer).gldmSlab, 2, workers)
	}
	if c.wants(GLCM, sliceDirection, oneSlice) {
		c.sliced((*Computer).pairSlice)
	}
	if c.wants(GLRLM, sliceDirection, oneSlice) {
		c.sliced((*Computer).runSlice)
	}
	if c.wants(NGTDM, oneSlice, allSlices) {
		c.sliced((*Computer).toneSlice)
	}
	if c.wants(NGLDM, oneSlice, allSlices) {
		c.sliced((*Computer).ngldmSlice)
	}
	if c.wants(GLDM, oneSlice, allSlices) {
		c.sliced((*Computer).gldmSlice)
	}
	if zones {
		c.slabs((*Computer).collectSlab, 8, workers)
	}
}

// do does the jobs.
func (c *Computer) do(ctx context.Context, workers int) error {
	if workers == 1 {
		for n, j := range c.jobs {
			if n%8 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			j.do(c, c.work[0], j.a, j.b)
		}
		return ctx.Err()
	}
	var next atomic.Int64
	return par.For(ctx, workers, func(w int) {
		for ctx.Err() == nil {
			n := int(next.Add(1)) - 1
			if n >= len(c.jobs) {
				return
			}
			c.jobs[n].do(c, c.work[w], c.jobs[n].a, c.jobs[n].b)
		}
	})
}

// layOut puts r into the field.
func (c *Computer) layOut(r *Region) error {
	f := &c.field
	if err := f.set(r, c.cfg.SliceAxis, c.reach, c.wants(GLDZM, oneSlice, allSlices, volume)); err != nil {
		return err
	}
	if f.places() <= narrowPlaces {
		c.zones = &c.narrow
	} else {
		c.zones = &c.wide
	}
	f.aim(c.steps)
	f.aim(c.pairs)
	f.aim(c.offsets)
	if c.listed() {
		c.cells = resize(c.cells, len(c.pairs))
	}
	if c.cfg.Weighting != NoWeighting {
		c.runs = resize(c.runs, len(c.steps))
	}
	return nil
}

// openBanks makes room for the features of the present families.
func (c *Computer) openBanks(m *memory) {
	for f := range families {
		for k, b := range c.banks[f] {
			if c.wants(f, kind(k)) {
				n := c.matricesOf(f, kind(k))
				b.values, b.entries = take[float64](m, n*b.features), zeros[int](m, n)
			}
		}
	}
}

// matricesOf returns the number of matrices of a kind, in the region at hand.
func (c *Computer) matricesOf(f Family, k kind) int {
	directions, planar := len(c.steps), 4
	if f == GLCM {
		directions, planar = len(c.pairs), c.planarPairs
	}
	return [kinds]int{c.field.size[2] * planar, c.field.size[2], directions, 1, 1}[k]
}

// featureCount returns the number of features of f.
func (c *Computer) featureCount(f Family) int {
	switch f {
	case GLCM:
		return countRows(c, f, glcmFeatures)
	case NGTDM:
		return countRows(c, f, ngtdmFeatures)
	case NGLDM, GLDM:
		return countRows(c, f, ngldmFeatures)
	case GLRLM:
		return countRows(c, f, glrlmFeatures)
	case GLSZM:
		return countRows(c, f, glszmFeatures)
	}
	return countRows(c, f, gldzmFeatures)
}

func countRows[T any](c *Computer, f Family, rows []row[T]) int {
	n := 0
	for at := range rows {
		if c.cfg.has(f, &rows[at].Feature) {
			n++
		}
	}
	return n
}

// evaluate stores the features of the matrix summed up in m.
func evaluate[T any](c *Computer, f Family, k kind, at, entries int, rows []row[T], m T) {
	b := c.banks[f][k]
	if b == nil || entries == 0 {
		return
	}
	b.entries[at] = entries
	n := at * b.features
	for x := range rows {
		if c.cfg.has(f, &rows[x].Feature) {
			b.values[n] = rows[x].value(m)
			n++
		}
	}
}

// weight returns the weight of direction d of f.
func (c *Computer) weight(f Family, d direction) float64 {
	if c.cfg.Weighting == NoWeighting {
		return 1
	}
	var x [3]float64 // along the region's axes
	for a, b := range c.field.axes {
		x[b] = float64(d.d[a]) * c.field.r.Spacing[b]
	}
	var length float64
	switch c.cfg.Weighting {
	case Manhattan:
		length = math.Abs(x[0]) + math.Abs(x[1]) + math.Abs(x[2])
	case Euclidean:
		cosines := &c.field.r.Cosines
		length = math.Sqrt(x[0]*x[0] + x[1]*x[1] + x[2]*x[2] + 2*(x[1]*x[2]*cosines[0]+x[2]*x[0]*cosines[1]+x[0]*x[1]*cosines[2]))
	default:
		length = max(math.Abs(x[0]), math.Abs(x[1]), math.Abs(x[2]))
	}
	if f == GLRLM {
		return length
	}
	return math.Exp(-length * length)
}
