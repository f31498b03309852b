package maps

import (
	"context"
	"math"
	"sync"

	"github.com/plaquerisk/plaquerisk/internal/par"
	"github.com/plaquerisk/plaquerisk/radiomics/texture"
)

// slidable are the co-occurrence features that follow from how often each pair,
// sum and difference of levels occurs in a cube. The counts of one direction
// slide along a row: the pairs of the plane that leaves are taken away, those of
// the plane that enters are added, and what features need of the counts changes
// by as much.
var slidable = []struct {
	name  string
	value func(c *counts) float64
}{
	{"angular_second_moment", func(c *counts) float64 { return float64(c.squares) / (4 * float64(c.pairs) * float64(c.pairs)) }},
	{"joint_entropy", func(c *counts) float64 { return c.entropy(2*c.pairs, c.joint) }},
	{"sum_entropy", func(c *counts) float64 { return c.entropy(c.pairs, c.sum) }},
	{"difference_entropy", func(c *counts) float64 { return c.entropy(c.pairs, c.difference) }},
}

func slidableOf(name string) int {
	for n := range slidable {
		if slidable[n].name == name {
			return n
		}
	}
	return -1
}

// slideLevels is up to how many levels counts are kept in a table.
const slideLevels = 256

// fixed is one in the fixed-point numbers of n log₂ n: whole numbers add up
// without rounding in any order, to 2⁻⁴¹ each.
const fixed = 1 << 40

// counts are the pairs of levels of one direction in a cube, each pair once,
// and with them
//
//	Σ M²,  Σ M log₂ M
//
// over the cells M of the symmetric matrix, and Σ n log₂ n over the counts n of
// sums and of differences.
type counts struct {
	n                      int // levels
	pairs                  int
	squares                int64
	joint, sum, difference int64   // in units of 1/fixed
	nLogN                  []int64 // in units of 1/fixed
	ofPair, ofSum, ofDiff  []int32 // of level pairs i ≤ j, i + j and |i − j|, counted from the lowest
}

// entropy returns log₂ total − s/total, in bit.
func (c *counts) entropy(total int, s int64) float64 {
	return float64(c.nLogN[total]-s) / (fixed * float64(total))
}

// change adds (by = 1) or takes away (by = −1) the pair of levels i and j.
func (c *counts) change(i, j int, by int32) {
	if i > j {
		i, j = j, i
	}
	c.pairs += int(by)
	p := &c.ofPair[i*c.n+j]
	before, after := *p, *p+by
	*p = after
	if i == j {
		c.squares += 4 * int64(after*after-before*before)
		c.joint += c.nLogN[2*after] - c.nLogN[2*before]
	} else {
		c.squares += 2 * int64(after*after-before*before)
		c.joint += 2 * (c.nLogN[after] - c.nLogN[before])
	}
	s := &c.ofSum[i+j]
	c.sum += c.nLogN[*s+by] - c.nLogN[*s]
	*s += by
	d := &c.ofDiff[j-i]
	c.difference += c.nLogN[*d+by] - c.nLogN[*d]
	*d += by
}

// slide computes the features fs of m by sliding counts along rows.
func (k *kernel) slide(ctx context.Context, m *Maps, fs []int) error {
	if len(fs) == 0 || len(m.At) == 0 {
		return nil
	}
	levels := int(k.highest) - int(k.lowest) + 1
	voxels := (2*k.radius[0] + 1) * (2*k.radius[1] + 1) * (2*k.radius[2] + 1)
	nLogN := make([]int64, 2*voxels+1)
	for n := 1; n < len(nLogN); n++ {
		nLogN[n] = int64(math.Round(fixed * float64(n) * math.Log2(float64(n))))
	}
	pool := sync.Pool{New: func() any {
		return &counts{n: levels, nLogN: nLogN, ofPair: make([]int32, levels*levels), ofSum: make([]int32, 2*levels), ofDiff: make([]int32, levels)}
	}}
	// Rows are runs of m.At.
	var rows [][2]int
	for lo := 0; lo < len(m.At); {
		hi, row := lo+1, m.At[lo]/k.in.Size[0]
		for hi < len(m.At) && m.At[hi]/k.in.Size[0] == row {
			hi++
		}
		rows = append(rows, [2]int{lo, hi})
		lo = hi
	}
	ds := directions()
	const rowsAtOnce = 16
	return par.Blocks(ctx, len(rows), rowsAtOnce, func(lo, hi int) {
		c := pool.Get().(*counts)
		defer pool.Put(c)
		for _, r := range rows[lo:hi] {
			k.slideRow(c, m, fs, ds, r[0], r[1])
		}
	})
}

// slideRow computes the features of the voxels m.At[from:to] of a row.
func (k *kernel) slideRow(c *counts, m *Maps, fs []int, ds [][3]int, from, to int) {
	used := make([]float64, to-from)
	for _, d := range ds {
		w := k.window(d)
		if w == nil {
			continue
		}
		// The planes [first, last] are in c.
		x, y, z := k.in.Coords(m.At[from])
		first, last := x+w[0][0], x+w[0][0]-1
		for n, at := range m.At[from:to] {
			x = at % k.in.Size[0]
			for ; first < x+w[0][0] && first <= last; first++ {
				k.plane(c, d, w, first, y, z, -1)
			}
			if first > last { // nothing is left: go on where the window begins
				first, last = x+w[0][0], x+w[0][0]-1
			}
			for last < x+w[0][1] {
				last++
				k.plane(c, d, w, last, y, z, 1)
			}
			if c.pairs == 0 {
				continue
			}
			used[n]++
			for _, f := range fs {
				m.Values[f][from+n] += slidable[slidableOf(m.ms[f].name)].value(c)
			}
		}
		for ; first <= last; first++ {
			k.plane(c, d, w, first, y, z, -1)
		}
	}
	for _, f := range fs {
		for n := range used {
			m.Values[f][from+n] /= used[n] // NaN without directions
		}
	}
}

// window returns the range of the first voxels of pairs of direction d beside
// the centre, along each axis; nil if no pair fits.
func (k *kernel) window(d [3]int) *[3][2]int {
	var w [3][2]int
	for a, r := range k.radius {
		w[a] = [2]int{-r + max(0, -d[a]), r - max(0, d[a])}
		if w[a][0] > w[a][1] {
			return nil
		}
	}
	return &w
}

// plane changes the counts by the pairs of direction d whose first voxel has
// the index px along i, in the window w about row (y, z).
func (k *kernel) plane(c *counts, d [3]int, w *[3][2]int, px, y, z int, by int32) {
	size := k.in.Size
	if px < 0 || px >= size[0] || px+d[0] < 0 || px+d[0] >= size[0] {
		return
	}
	step := (d[2]*size[1]+d[1])*size[0] + d[0]
	for pz := max(0, -d[2], z+w[2][0]); pz <= min(size[2]-1, size[2]-1-d[2], z+w[2][1]); pz++ {
		for py := max(0, -d[1], y+w[1][0]); py <= min(size[1]-1, size[1]-1-d[1], y+w[1][1]); py++ {
			o := k.in.Offset(px, py, pz)
			if a, b := k.in.Levels[o], k.in.Levels[o+step]; a > 0 && b > 0 {
				c.change(int(a-k.lowest), int(b-k.lowest), by)
			}
		}
	}
}

// slides tells whether a feature is computed by sliding counts.
func (k *kernel) slides(g *mapped) bool {
	return g.first < 0 && g.texture == texture.GLCM && g.aggregation == texture.Averaged3D &&
		slidableOf(g.name) >= 0 && int(k.highest)-int(k.lowest) < slideLevels
}
