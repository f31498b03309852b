package maps

import (
	"context"
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/internal/par"
	"github.com/plaquerisk/plaquerisk/radiomics/texture"
)

// quantity is what a pair of levels (i, j) adds up to over the pairs of a cube.
// Levels are counted from the middle of those that occur, which keeps high
// moments small; sums of whole numbers are exact.
type quantity int

const (
	pairs     quantity = iota // 1
	sum1                      // s = i + j
	squares                   // i² + j²
	product                   // i j
	distance                  // |i − j|
	distance2                 // (i − j)²
	sum3                      // s³
	sum4                      // s⁴
	near                      // 1/(1 + |i − j|)
	near2                     // 1/(1 + (i − j)²)
	nearN                     // 1/(1 + |i − j|/Ng)
	near2N                    // 1/(1 + (i − j)²/Ng²)
	inverse                   // 1/(i − j)², 0 for i = j
	quantities
)

// value returns what a pair adds to q.
func (q quantity) value(i, j, ng float64) float64 {
	d := math.Abs(i - j)
	switch q {
	case pairs:
		return 1
	case sum1:
		return i + j
	case squares:
		return i*i + j*j
	case product:
		return i * j
	case distance:
		return d
	case distance2:
		return d * d
	case sum3:
		return (i + j) * (i + j) * (i + j)
	case sum4:
		return (i + j) * (i + j) * (i + j) * (i + j)
	case near:
		return 1 / (1 + d)
	case near2:
		return 1 / (1 + d*d)
	case nearN:
		return 1 / (1 + d/ng)
	case near2N:
		return 1 / (1 + d*d/(ng*ng))
	}
	if d == 0 {
		return 0
	}
	return 1 / (d * d)
}

// pairSums are the sums over the pairs of a cube, each pair once, and the level
// from which levels are counted.
type pairSums struct {
	of     [quantities]float64
	middle float64
}

// mean returns the mean level μ counted from the middle.
func (s *pairSums) mean() float64 { return s.of[sum1] / (2 * s.of[pairs]) }

// spread returns 4n² times the variance of the levels of n pairs.
func (s *pairSums) spread() float64 {
	return 2*s.of[pairs]*s.of[squares] - s.of[sum1]*s.of[sum1]
}

// tendency returns the variance of s = i + j.
func (s *pairSums) tendency() float64 {
	n := s.of[pairs]
	return (n*(s.of[squares]+2*s.of[product]) - s.of[sum1]*s.of[sum1]) / (n * n)
}

// summable are the co-occurrence features that follow from sums over pairs.
var summable = []struct {
	name  string
	needs []quantity
	value func(s *pairSums) float64
}{
	{"contrast", []quantity{distance2}, func(s *pairSums) float64 { return s.of[distance2] / s.of[pairs] }},
	{"difference_average", []quantity{distance}, func(s *pairSums) float64 { return s.of[distance] / s.of[pairs] }},
	{"dissimilarity", []quantity{distance}, func(s *pairSums) float64 { return s.of[distance] / s.of[pairs] }},
	{"difference_variance", []quantity{distance, distance2}, func(s *pairSums) float64 {
		n := s.of[pairs]
		return (n*s.of[distance2] - s.of[distance]*s.of[distance]) / (n * n)
	}},
	{"inverse_difference", []quantity{near}, func(s *pairSums) float64 { return s.of[near] / s.of[pairs] }},
	{"normalised_inverse_difference", []quantity{nearN}, func(s *pairSums) float64 { return s.of[nearN] / s.of[pairs] }},
	{"inverse_difference_moment", []quantity{near2}, func(s *pairSums) float64 { return s.of[near2] / s.of[pairs] }},
	{"normalised_inverse_difference_moment", []quantity{near2N}, func(s *pairSums) float64 { return s.of[near2N] / s.of[pairs] }},
	{"inverse_variance", []quantity{inverse}, func(s *pairSums) float64 { return s.of[inverse] / s.of[pairs] }},
	{"joint_average", []quantity{sum1}, func(s *pairSums) float64 { return s.middle + s.mean() }},
	{"joint_variance", []quantity{sum1, squares}, func(s *pairSums) float64 { return s.spread() / (4 * s.of[pairs] * s.of[pairs]) }},
	{"sum_average", []quantity{sum1}, func(s *pairSums) float64 { return 2 * (s.middle + s.mean()) }},
	{"sum_variance", []quantity{sum1, squares, product}, (*pairSums).tendency},
	{"cluster_tendency", []quantity{sum1, squares, product}, (*pairSums).tendency},
	{"autocorrelation", []quantity{sum1, product}, func(s *pairSums) float64 {
		// (m + i)(m + j) = m² + m (i + j) + i j
		return s.middle*s.middle + (s.middle*s.of[sum1]+s.of[product])/s.of[pairs]
	}},
	{"correlation", []quantity{sum1, squares, product}, func(s *pairSums) float64 {
		if s.spread() == 0 {
			return math.NaN()
		}
		return (4*s.of[pairs]*s.of[product] - s.of[sum1]*s.of[sum1]) / s.spread()
	}},
	{"cluster_shade", []quantity{sum1, squares, product, sum3}, func(s *pairSums) float64 {
		n, m := s.of[pairs], s.of[sum1]/s.of[pairs]
		s2 := s.of[squares] + 2*s.of[product]
		return (s.of[sum3]-3*m*s2)/n + 2*m*m*m
	}},
	{"cluster_prominence", []quantity{sum1, squares, product, sum3, sum4}, func(s *pairSums) float64 {
		n, m := s.of[pairs], s.of[sum1]/s.of[pairs]
		s2 := s.of[squares] + 2*s.of[product]
		return (s.of[sum4]-4*m*s.of[sum3]+6*m*m*s2)/n - 3*m*m*m*m
	}},
}

// momentLevels is up to how many levels moments are summed: the fourth power
// of a sum of two then leaves eight digits of the smallest moments.
const momentLevels = 128

// split tells which features are computed from box sums, which from counts
// that slide, and which from cubes.
func (k *kernel) split(ms []mapped) (sums, counted, rest []int) {
	t := &k.cfg.Texture
	plain := t.Symmetric && t.Weighting == texture.NoWeighting && (len(t.Distances) == 0 && t.Distance == 1 || slices.Equal(t.Distances, []int{1}))
	for f := range ms {
		switch g := &ms[f]; {
		case plain && k.adds(g):
			sums = append(sums, f)
		case plain && k.slides(g):
			counted = append(counted, f)
		default:
			rest = append(rest, f)
		}
	}
	return sums, counted, rest
}

// adds tells whether a feature is computed from box sums.
func (k *kernel) adds(g *mapped) bool {
	return g.first < 0 && g.texture == texture.GLCM && (g.aggregation == texture.Averaged3D || g.aggregation == texture.Merged3D) &&
		summableOf(g.name) >= 0 && int(k.highest)-int(k.lowest) < momentLevels
}

func summableOf(name string) int {
	for n := range summable {
		if summable[n].name == name {
			return n
		}
	}
	return -1
}

// slabSlices is how many slices one goroutine takes at a time.
const slabSlices = 8

// boxSums computes the features fs of m by adding up images of pairs: for each
// direction d and quantity q, the image q(level(x), level(x + d)) of voxels x,
// zero where one has no level, is summed over the x whose pair lies in the cube,
//
//	v − r + max(0, −d) ≤ x ≤ v + r − max(0, d),
//
// along i, then j, then k.
func (k *kernel) boxSums(ctx context.Context, m *Maps, fs []int) error {
	if len(fs) == 0 || len(m.At) == 0 {
		return nil
	}
	need := []quantity{pairs}
	for _, f := range fs {
		for _, q := range summable[summableOf(m.ms[f].name)].needs {
			if !slices.Contains(need, q) {
				need = append(need, q)
			}
		}
	}
	middle := (int(k.lowest) + int(k.highest)) / 2
	n := int(k.highest) - int(k.lowest) + 1
	// tables[q][(i − lowest)·n + j − lowest] is what a pair adds.
	tables := make([][]float64, len(need))
	for t, q := range need {
		tables[t] = make([]float64, n*n)
		for c := range tables[t] {
			tables[t][c] = q.value(float64(int(k.lowest)+c/n-middle), float64(int(k.lowest)+c%n-middle), float64(k.in.N))
		}
	}
	// Voxels by slice.
	first := make([]int, k.in.Size[2]+1)
	slice := k.in.Size[0] * k.in.Size[1]
	for _, at := range m.At {
		first[at/slice+1]++
	}
	for z := range k.in.Size[2] {
		first[z+1] += first[z]
	}
	return par.Blocks(ctx, k.in.Size[2], slabSlices, func(lo, hi int) {
		if first[lo] == first[hi] {
			return
		}
		s := &slab{k: k, need: need, tables: tables, levels: n, lo: lo, hi: hi}
		s.run(m, fs, first[lo], first[hi], float64(middle))
	})
}

// slab computes the features of the voxels of a few slices.
type slab struct {
	k      *kernel
	need   []quantity
	tables [][]float64
	levels int
	lo, hi int // slices
	row    []float64
	a, b   []float64   // sums along i, and along j too, of slices with a margin
	sums   [][]float64 // the sums of each quantity
}

// run computes the features of the voxels m.At[from:to].
func (s *slab) run(m *Maps, fs []int, from, to int, middle float64) {
	nx, ny := s.k.in.Size[0], s.k.in.Size[1]
	slice := nx * ny
	s.row = make([]float64, nx)
	s.a, s.b = make([]float64, slice*(s.hi-s.lo+2*s.k.radius[2])), make([]float64, slice*(s.hi-s.lo+2*s.k.radius[2]))
	for range s.need {
		s.sums = append(s.sums, make([]float64, slice*(s.hi-s.lo)))
	}
	averaged, count := make([]float64, len(fs)*(to-from)), make([]float64, len(fs)*(to-from))
	used := make([]float64, to-from)
	merged := make([]pairSums, 0)
	for _, f := range fs {
		if m.ms[f].aggregation == texture.Merged3D && len(merged) == 0 {
			merged = make([]pairSums, to-from)
		}
	}
	formula := make([]func(*pairSums) float64, len(fs))
	for g, f := range fs {
		formula[g] = summable[summableOf(m.ms[f].name)].value
	}
	theirs := s.k.cfg.Texture.Convention == texture.PyRadiomics
	var at pairSums
	at.middle = middle
	for _, d := range directions() {
		if !s.add(d) {
			continue
		}
		for n := range to - from {
			o := m.At[from+n] - s.lo*slice
			if s.sums[0][o] == 0 {
				continue
			}
			for t, q := range s.need {
				at.of[q] = s.sums[t][o]
				if len(merged) > 0 {
					merged[n].of[q] += s.sums[t][o]
				}
			}
			used[n]++
			for g, f := range fs {
				if m.ms[f].aggregation != texture.Averaged3D {
					continue
				}
				x := formula[g](&at)
				if math.IsNaN(x) {
					// Only the correlation of one level: PyRadiomics counts it as 1, others
					// leave the direction out.
					if !theirs {
						continue
					}
					x = 1
				}
				averaged[g*(to-from)+n] += x
				count[g*(to-from)+n]++
			}
		}
	}
	for g, f := range fs {
		values := m.Values[f][from:to]
		for n := range values {
			switch {
			case m.ms[f].aggregation == texture.Averaged3D:
				values[n] = averaged[g*(to-from)+n] / count[g*(to-from)+n] // NaN without directions
			case used[n] == 0:
				values[n] = math.NaN()
			default:
				merged[n].middle = middle
				values[n] = formula[g](&merged[n])
				if math.IsNaN(values[n]) && theirs {
					values[n] = 1
				}
			}
		}
	}
}

// add fills sums with those of direction d; it is false if no pair of that
// direction fits into the kernel.
func (s *slab) add(d [3]int) bool {
	w := s.k.window(d)
	if w == nil {
		return false
	}
	in := s.k.in
	nx, ny, nz := in.Size[0], in.Size[1], in.Size[2]
	slice, step := nx*ny, (d[2]*ny+d[1])*nx+d[0]
	rk := s.k.radius[2]
	for t := range s.need {
		table := s.tables[t]
		clear(s.b)
		for z := max(0, s.lo-rk); z < min(nz, s.hi+rk); z++ {
			if z+d[2] < 0 || z+d[2] >= nz {
				continue
			}
			base := (z - s.lo + rk) * slice
			a := s.a[base : base+slice]
			clear(a)
			for y := max(0, -d[1]); y < min(ny, ny-d[1]); y++ {
				o := in.Offset(0, y, z)
				clear(s.row)
				for x := max(0, -d[0]); x < min(nx, nx-d[0]); x++ {
					if p, q := in.Levels[o+x], in.Levels[o+x+step]; p > 0 && q > 0 {
						s.row[x] = table[int(p-s.k.lowest)*s.levels+int(q-s.k.lowest)]
					}
				}
				windowSums(a[y*nx:(y+1)*nx], s.row, w[0][0], w[0][1])
			}
			b := s.b[base : base+slice]
			for y := range ny {
				for v := max(w[1][0], -y); v <= min(w[1][1], ny-1-y); v++ {
					accumulate(b[y*nx:(y+1)*nx], a[(y+v)*nx:(y+v+1)*nx])
				}
			}
		}
		sums := s.sums[t]
		clear(sums)
		for z := s.lo; z < s.hi; z++ {
			for v := w[2][0]; v <= w[2][1]; v++ {
				base := (z + v - s.lo + rk) * slice // zero beyond the grid
				accumulate(sums[(z-s.lo)*slice:(z-s.lo+1)*slice], s.b[base:base+slice])
			}
		}
	}
	return true
}

// windowSums stores in dst the sums of src over [x + lo, x + hi].
func windowSums(dst, src []float64, lo, hi int) {
	n := len(src)
	for x := range dst {
		var sum float64
		for w := max(0, x+lo); w <= min(n-1, x+hi); w++ {
			sum += src[w]
		}
		dst[x] = sum
	}
}

// accumulate adds src to dst.
func accumulate(dst, src []float64) {
	src = src[:len(dst)]
	for n := range dst {
		dst[n] += src[n]
	}
}

// directions returns one of each two opposite steps to a neighbour.
func directions() (ds [][3]int) {
	for k := -1; k <= 1; k++ {
		for j := -1; j <= 1; j++ {
			for i := -1; i <= 1; i++ {
				if k > 0 || k == 0 && (j > 0 || j == 0 && i > 0) {
					ds = append(ds, [3]int{i, j, k})
				}
			}
		}
	}
	return ds
}
