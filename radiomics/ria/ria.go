package ria

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/feature"
)

// Region is a lesion on a box of voxels, i fastest, then j, then k.
type Region struct {
	Size    [3]int
	Spacing [3]float64 // mm
	// Cosines of the angles between the axes j and k, k and i, i and j: zero
	// unless the grid is sheared.
	Cosines [3]float64
	At      []int     // offsets of its voxels, ascending
	Values  []float64 // intensities there; must be finite
}

// Computer computes the set for one lesion after the other and keeps its
// scratch memory. It must not be used by two goroutines at a time.
type Computer struct {
	cfg    Config
	ds     []discretisation
	len    int
	tables map[int]*table

	size   [3]int   // of the padded box
	place  []int    // of each voxel in it
	codes  []uint64 // Morton number of each voxel
	order  []int32  // voxels by Morton number
	edge   int      // log₂ of the cube's edge
	sorted []float64
	levels []uint8
	box    []uint8 // levels in the padded box
	whole  shape
	parts  []shape
	start  []int
	member []uint64
	all    sample
	runs   runs
	pairing
}

// NewComputer returns a computer of the columns of cfg.
func NewComputer(cfg Config) (*Computer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Computer{cfg: cfg, ds: cfg.discretisations(), tables: map[int]*table{}}
	c.len = len(intensityStatistics) + len(geometryStatistics)
	for _, d := range c.ds {
		c.len += pairsEnd + len(runStatistics) + d.bins*len(geometryStatistics)
		if c.tables[d.bins] == nil {
			c.tables[d.bins] = newTable(d.bins)
		}
	}
	return c, nil
}

// Len returns the number of values.
func (c *Computer) Len() int { return c.len }

// Compute stores the values of r in dst, in the order of [Config.Columns], NaN
// where undefined, and what they rest on in support, unless it is nil. It
// panics if lengths do not fit.
func (c *Computer) Compute(dst []float64, support []feature.Support, r *Region) {
	switch box := r.Size[0] * r.Size[1] * r.Size[2]; {
	case len(dst) != c.len || support != nil && len(support) != c.len:
		panic(fmt.Sprintf("ria: Compute: room for %d values and %d supports, want %d", len(dst), len(support), c.len))
	case len(r.At) != len(r.Values):
		panic(fmt.Sprintf("ria: Compute: %d places and %d values", len(r.At), len(r.Values)))
	case len(r.At) > 0 && (r.At[0] < 0 || r.At[len(r.At)-1] >= box):
		panic("ria: Compute: a voxel outside the box")
	}
	reason := feature.Defined
	if len(r.At) == 0 {
		reason = feature.EmptyRegion
	}
	for _, x := range r.Values {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			reason = feature.NotFinite
		}
	}
	if reason != feature.Defined {
		for n := range dst {
			dst[n] = math.NaN()
			if support != nil {
				support[n] = feature.Support{Voxels: len(r.At), Reason: reason}
			}
		}
		return
	}
	c.enter(r)
	w := &writer{dst, support}
	c.intensities(w, r)
	c.geometry(w, r)
	for _, d := range c.ds {
		c.discretise(r, d)
		c.texture(w, r, d)
	}
	for _, d := range c.ds {
		c.discretise(r, d)
		c.components(w, r, d)
	}
}

// writer hands out the places of values one part after the other.
type writer struct {
	dst     []float64
	support []feature.Support
}

// take returns room for n values.
func (w *writer) take(n int) []float64 {
	d := w.dst[:n]
	w.dst = w.dst[n:]
	return d
}

// rests notes what the values d, the last ones taken, rest on.
func (w *writer) rests(d []float64, voxels, pairs int, why feature.Reason) {
	if w.support == nil {
		return
	}
	for n, x := range d {
		w.support[n] = feature.Support{Voxels: voxels, Pairs: pairs}
		if math.IsNaN(x) {
			w.support[n].Reason = why
		}
	}
	w.support = w.support[len(d):]
}

// enter places the voxels of r in a padded box around them.
func (c *Computer) enter(r *Region) {
	lo, hi := r.Size, [3]int{}
	coords := func(o int) [3]int {
		return [3]int{o % r.Size[0], o / r.Size[0] % r.Size[1], o / (r.Size[0] * r.Size[1])}
	}
	for _, o := range r.At {
		for a, x := range coords(o) {
			lo[a], hi[a] = min(lo[a], x), max(hi[a], x+1)
		}
	}
	longest := 0
	for a := range 3 {
		c.size[a] = hi[a] - lo[a] + 2
		longest = max(longest, hi[a]-lo[a])
	}
	c.edge = 0
	for 1<<c.edge < longest {
		c.edge++
	}
	n := len(r.At)
	c.place, c.codes, c.order = zeros(c.place, n), zeros(c.codes, n), zeros(c.order, n)
	for m, o := range r.At {
		p := coords(o)
		c.place[m] = ((p[2]-lo[2]+1)*c.size[1]+p[1]-lo[1]+1)*c.size[0] + p[0] - lo[0] + 1
		c.codes[m] = morton(p[0]-lo[0], p[1]-lo[1], p[2]-lo[2])
		c.order[m] = int32(m)
	}
	slices.SortFunc(c.order, func(a, b int32) int { return cmp.Compare(c.codes[a], c.codes[b]) })
	c.box = zeros(c.box, c.size[0]*c.size[1]*c.size[2])
	for m := len(c.log2); m <= 2*n; m++ {
		c.log2 = append(c.log2, math.Log2(float64(max(m, 1))))
	}
	c.sorted = append(c.sorted[:0], r.Values...)
	slices.Sort(c.sorted)
	c.all.set(c.sorted)
}

// intensities are the first 44 values.
func (c *Computer) intensities(w *writer, r *Region) {
	d := w.take(len(intensityStatistics))
	var s [44]float64
	c.all.describe(&s)
	copy(d, s[:])
	why := feature.ZeroDenominator
	switch {
	case len(r.At) == 1:
		why = feature.OneVoxel
	case len(c.all.value) == 1:
		why = feature.OneLevel
	}
	w.rests(d, len(r.At), 0, why)
}

// strides are the steps along i, j, k in the padded box.
func (c *Computer) strides() [3]int { return [3]int{1, c.size[0], c.size[0] * c.size[1]} }

// geometry measures the whole lesion.
func (c *Computer) geometry(w *writer, r *Region) {
	c.parts = zeros(c.parts, 1)
	for _, p := range c.place {
		c.box[p] = 1
	}
	c.faces()
	c.whole = shape{voxels: len(r.At), faces: c.parts[0].faces}
	c.member = c.member[:0]
	for _, m := range c.order {
		c.member = append(c.member, c.codes[m])
	}
	c.whole.fractal = fractal(c.member, c.edge, c.log2)
	d := w.take(len(geometryStatistics))
	c.whole.measure(d, &c.whole, voxelOf(r))
	w.rests(d, len(r.At), 0, feature.OneVoxel)
}

// faces counts the faces of each part between it and all that is not it.
func (c *Computer) faces() {
	for a, step := range c.strides() {
		for _, p := range c.place {
			here := c.box[p]
			n := 0
			if c.box[p+step] != here {
				n++
			}
			if c.box[p-step] != here {
				n++
			}
			c.parts[here-1].faces[a] += n
		}
	}
}

// discretise makes the levels of d and puts them into the box.
func (c *Computer) discretise(r *Region, d discretisation) {
	c.levels = zeros(c.levels, len(r.Values))
	if d.kind == EqualWidth {
		lo, hi := c.sorted[0], c.sorted[len(c.sorted)-1]
		for m, x := range r.Values {
			c.levels[m] = 1
			if hi > lo {
				c.levels[m] = uint8(min(int(float64(d.bins)*((x-lo)/(hi-lo)))+1, d.bins))
			}
		}
	} else {
		var cuts [maxBins]float64
		for b := 1; b < d.bins; b++ {
			cuts[b-1] = c.all.quantile(float64(b) / float64(d.bins))
		}
		for m, x := range r.Values {
			// The number of cuts at or below x.
			at, found := slices.BinarySearch(cuts[:d.bins-1], x)
			for found && at < d.bins-1 && cuts[at] == x {
				at++
			}
			c.levels[m] = uint8(at + 1)
		}
	}
	for m, p := range c.place {
		c.box[p] = c.levels[m]
	}
}

// directions returns the steps in the padded box to 13 of the 26 neighbours.
func (c *Computer) directions() (steps [13]int) {
	n, s := 0, c.strides()
	for k := -1; k <= 1; k++ {
		for j := -1; j <= 1; j++ {
			for i := -1; i <= 1; i++ {
				if step := i*s[0] + j*s[1] + k*s[2]; k > 0 || k == 0 && (j > 0 || j == 0 && i > 0) {
					steps[n] = step
					n++
				}
			}
		}
	}
	return steps
}

// texture computes the statistics of pairs and of runs for levels d.
func (c *Computer) texture(w *writer, r *Region, d discretisation) {
	pairs, lengths, runs := w.take(pairsEnd), w.take(len(runStatistics)), 0
	t := c.tables[d.bins]
	c.begin(t)
	clear(lengths)
	all := 0
	for _, step := range c.directions() {
		clear(t.pairs)
		c.runs.reset(d.bins, max(c.size[0], c.size[1], c.size[2]))
		longest, total := len(c.runs.length), 0
		for m, p := range c.place {
			here, next := int(c.levels[m])-1, int(c.box[p+step])
			if next > 0 {
				t.pairs[here*t.n+next-1]++
				total++
			}
			if int(c.box[p-step]) != here+1 { // a run starts here
				l := 0
				for q := p + step; int(c.box[q]) == here+1; q += step {
					l++
				}
				c.runs.count[here*longest+l]++
			}
		}
		if total > 0 {
			c.direction(total)
			all += total
		}
		runs += c.runs.measure(lengths, len(r.At))
	}
	c.end(pairs)
	for m := range lengths {
		lengths[m] /= 13
	}
	why := feature.ZeroDenominator
	switch {
	case len(r.At) == 1:
		why = feature.OneVoxel
	case all == 0:
		why = feature.NoPairs
	case len(c.all.value) == 1:
		why = feature.OneLevel
	}
	w.rests(pairs, len(r.At), all, why)
	w.rests(lengths, len(r.At), runs, feature.OneVoxel)
}

// components measures the voxels of each level of d.
func (c *Computer) components(w *writer, r *Region, d discretisation) {
	c.parts = zeros(c.parts, d.bins)
	c.faces()
	for _, l := range c.levels {
		c.parts[l-1].voxels++
	}
	// Members of each part, by Morton number.
	c.start = zeros(c.start, d.bins+1)
	for n := range c.parts {
		c.start[n+1] = c.start[n] + c.parts[n].voxels
	}
	c.member = zeros(c.member, len(r.At))
	for _, m := range c.order {
		l := c.levels[m] - 1
		c.member[c.start[l]] = c.codes[m]
		c.start[l]++
	}
	for n := range c.parts {
		part := &c.parts[n]
		part.fractal = fractal(c.member[c.start[n]-part.voxels:c.start[n]], c.edge, c.log2)
		v := w.take(len(geometryStatistics))
		part.measure(v, &c.whole, voxelOf(r))
		why := feature.OneVoxel
		if part.voxels == 0 {
			why = feature.EmptyRegion
		}
		w.rests(v, part.voxels, 0, why)
	}
}
