package radiomics

import (
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/feature"
)

// glcm is a grey level co-occurrence matrix: the probability p(i, j) that of
// two neighbouring voxels one has level i and the other level j. It is
// symmetric: each pair counts both ways. Only cells that occur are stored.
type glcm struct {
	cells   []cell
	ng      int       // largest level
	px      []float64 // Σⱼ p(i, j), of level i+1
	diff    []float64 // p(|i−j| = k), from k = 0
	sum     []float64 // p(i+j = k), from k = 2
	mu, va  float64   // mean and variance of px
	hxy, hx float64   // entropies of p and px, bit
	hxy1    float64   // −Σ p log₂(px py), bit
	hxy2    float64   // −Σ px py log₂(px py), bit
}

// cell is one entry of a matrix; i and j are levels from 1.
type cell struct{ i, j, p float64 }

// directions are the 13 neighbours that come later in memory, as steps of
// i, j, k; the other 13 are their opposites.
var directions = [13][3]int{
	{1, 0, 0}, {-1, 1, 0}, {0, 1, 0}, {1, 1, 0},
	{-1, -1, 1}, {0, -1, 1}, {1, -1, 1}, {-1, 0, 1}, {0, 0, 1}, {1, 0, 1}, {-1, 1, 1}, {0, 1, 1}, {1, 1, 1},
}

// pairs counts the pairs of levels in one direction after the other and calls
// f with each table of (ng+1)² counts, of which row and column 0 stand for
// "outside". Levels lie in a box with one voxel of outside around it, so that
// neighbours need no bounds test.
func (r *region) pairs(f func(count []uint32)) {
	lo, hi, _ := r.mask.Bounds()
	nx, ny, nz := hi[0]-lo[0]+2, hi[1]-lo[1]+2, hi[2]-lo[2]+2
	levels := make([]uint16, nx*ny*nz)
	at := make([]int, len(r.inside))
	for n, o := range r.inside {
		i, j, k := r.mask.Coords(o)
		at[n] = ((k-lo[2]+1)*ny+j-lo[1]+1)*nx + i - lo[0] + 1
		levels[at[n]] = uint16(r.levels[n])
	}
	row := r.ng + 1
	count := make([]uint32, row*row)
	for _, d := range directions {
		step := (d[2]*ny+d[1])*nx + d[0]
		clear(count)
		for _, o := range at {
			count[int(levels[o])*row+int(levels[o+step])]++
		}
		f(count)
	}
}

// newGLCM normalises counts; nil if there is no pair.
func newGLCM(count []uint32, ng int) *glcm {
	m := &glcm{ng: ng, px: make([]float64, ng), diff: make([]float64, ng), sum: make([]float64, 2*ng-1)}
	row := ng + 1
	var total float64
	for i := 1; i <= ng; i++ {
		for j := 1; j <= ng; j++ {
			if n := count[i*row+j] + count[j*row+i]; n > 0 {
				m.cells = append(m.cells, cell{float64(i), float64(j), float64(n)})
				total += float64(n)
			}
		}
	}
	if total == 0 {
		return nil
	}
	for n := range m.cells {
		c := &m.cells[n]
		c.p /= total
		i, j := int(c.i), int(c.j)
		m.px[i-1] += c.p
		m.sum[i+j-2] += c.p
		if i < j {
			i, j = j, i
		}
		m.diff[i-j] += c.p
		m.hxy -= c.p * math.Log2(c.p)
	}
	m.hx = entropy(m.px)
	m.hxy2 = 2 * m.hx // −ΣΣ px py (log px + log py), and Σ px = 1
	for _, c := range m.cells {
		m.hxy1 -= c.p * math.Log2(m.px[int(c.i)-1]*m.px[int(c.j)-1])
	}
	m.mu, m.va = meanVariance(m.px, 1)
	return m
}

// entropy returns −Σ p log₂ p in bits, with 0·log 0 = 0.
func entropy(p []float64) float64 {
	var h float64
	for _, x := range p {
		if x > 0 {
			h -= x * math.Log2(x)
		}
	}
	return h
}

// meanVariance returns mean and variance of the numbers first, first+1, … with
// probabilities p. The variance of a single number is exactly zero.
func meanVariance(p []float64, first float64) (mean, variance float64) {
	occupied := 0
	for n, x := range p {
		mean += x * (first + float64(n))
		if x > 0 {
			occupied++
		}
	}
	if occupied < 2 {
		return mean, 0
	}
	for n, x := range p {
		d := first + float64(n) - mean
		variance += x * d * d
	}
	return mean, variance
}

// over returns Σ p(i, j) f(i, j).
func (m *glcm) over(f func(i, j float64) float64) float64 {
	var s float64
	for _, c := range m.cells {
		s += c.p * f(c.i, c.j)
	}
	return s
}

// overDiff returns Σ p(|i−j| = k) f(k).
func (m *glcm) overDiff(f func(k float64) float64) float64 {
	var s float64
	for k, p := range m.diff {
		if p > 0 {
			s += p * f(float64(k))
		}
	}
	return s
}

// cluster returns Σ p(i+j = k) (k − 2μ)ⁿ.
func (m *glcm) cluster(n int) float64 {
	var s float64
	for k, p := range m.sum {
		d := float64(k+2) - 2*m.mu
		e := p
		for range n {
			e *= d
		}
		s += e
	}
	return s
}

// correlation returns (Σ p i j − μ²)/σ², NaN for one level.
func (m *glcm) correlation() float64 {
	return m.over(func(i, j float64) float64 { return (i - m.mu) * (j - m.mu) }) / m.va
}

// information2 returns √(1 − e^{−2(HXY2 − HXY)}), entropies in bit as in IBSI's
// reference values.
func (m *glcm) information2() float64 {
	return math.Sqrt(max(0, 1-math.Exp(-2*(m.hxy2-m.hxy))))
}

// glcmFeatures are IBSI's co-occurrence features, section 3.6.
var glcmFeatures = []def[*glcm]{
	{"joint_maximum", "1", "GYBY", "Largest co-occurrence probability.", func(m *glcm) float64 {
		var p float64
		for _, c := range m.cells {
			p = max(p, c.p)
		}
		return p
	}},
	{"joint_average", "level", "60VM", "Mean grey level of pairs.", func(m *glcm) float64 { return m.mu }},
	{"joint_variance", "level²", "UR99", "Variance of the grey levels of pairs.", func(m *glcm) float64 { return m.va }},
	{"joint_entropy", "bit", "TU9B", "Disorder of grey level pairs.", func(m *glcm) float64 { return m.hxy }},
	{"difference_average", "level", "TF7R", "Mean difference between neighbours.", func(m *glcm) float64 { mu, _ := meanVariance(m.diff, 0); return mu }},
	{"difference_variance", "level²", "D3YU", "Variance of the difference between neighbours.", func(m *glcm) float64 { _, v := meanVariance(m.diff, 0); return v }},
	{"difference_entropy", "bit", "NTRS", "Disorder of the differences between neighbours.", func(m *glcm) float64 { return entropy(m.diff) }},
	{"sum_average", "level", "ZGXS", "Mean sum of neighbours.", func(m *glcm) float64 { mu, _ := meanVariance(m.sum, 2); return mu }},
	{"sum_variance", "level²", "OEEB", "Variance of the sum of neighbours.", func(m *glcm) float64 { _, v := meanVariance(m.sum, 2); return v }},
	{"sum_entropy", "bit", "P6QZ", "Disorder of the sums of neighbours.", func(m *glcm) float64 { return entropy(m.sum) }},
	{"angular_second_moment", "1", "8ZQL", "Sum of squared probabilities: order of the pairs.", func(m *glcm) float64 {
		var s float64
		for _, c := range m.cells {
			s += c.p * c.p
		}
		return s
	}},
	{"contrast", "level²", "ACUI", "Mean squared difference between neighbours.", func(m *glcm) float64 { return m.overDiff(func(k float64) float64 { return k * k }) }},
	{"dissimilarity", "level", "8S9J", "Mean absolute difference between neighbours.", func(m *glcm) float64 { return m.overDiff(func(k float64) float64 { return k }) }},
	{"inverse_difference", "1", "IB1Z", "Mean of 1/(1 + |i − j|): homogeneity.", func(m *glcm) float64 { return m.overDiff(func(k float64) float64 { return 1 / (1 + k) }) }},
	{"normalised_inverse_difference", "1", "NDRX", "Mean of 1/(1 + |i − j|/Ng).", func(m *glcm) float64 {
		return m.overDiff(func(k float64) float64 { return 1 / (1 + k/float64(m.ng)) })
	}},
	{"inverse_difference_moment", "1", "WF0Z", "Mean of 1/(1 + (i − j)²).", func(m *glcm) float64 { return m.overDiff(func(k float64) float64 { return 1 / (1 + k*k) }) }},
	{"normalised_inverse_difference_moment", "1", "1QCO", "Mean of 1/(1 + (i − j)²/Ng²).", func(m *glcm) float64 {
		return m.overDiff(func(k float64) float64 { return 1 / (1 + k*k/float64(m.ng*m.ng)) })
	}},
	{"inverse_variance", "1", "E8JP", "Sum of p/(i − j)² over different levels.", func(m *glcm) float64 {
		return m.overDiff(func(k float64) float64 {
			if k == 0 {
				return 0
			}
			return 1 / (k * k)
		})
	}},
	{"correlation", "1", "NI2N", "Linear dependence of a voxel on its neighbour.", (*glcm).correlation},
	{"autocorrelation", "level²", "QWB0", "Mean product of neighbours.", func(m *glcm) float64 { return m.over(func(i, j float64) float64 { return i * j }) }},
	{"cluster_tendency", "level²", "DG8W", "Second moment of the sum about its mean.", func(m *glcm) float64 { return m.cluster(2) }},
	{"cluster_shade", "level³", "7NFM", "Third moment of the sum about its mean.", func(m *glcm) float64 { return m.cluster(3) }},
	{"cluster_prominence", "level⁴", "AE86", "Fourth moment of the sum about its mean.", func(m *glcm) float64 { return m.cluster(4) }},
	{"information_correlation_1", "1", "R8DG", "Mutual information of neighbours divided by their entropy, negative.", func(m *glcm) float64 { return (m.hxy - m.hxy1) / m.hx }},
	{"information_correlation_2", "1", "JN9H", "Mutual information of neighbours mapped to 0 to 1.", (*glcm).information2},
}

// glcmColumns returns the columns of every aggregation.
func glcmColumns(c *Config) []feature.Column {
	var cols []feature.Column
	for _, a := range aggregations {
		if slices.Contains(c.Aggregations, a) {
			cols = append(cols, columnsOf(glcmFeatures, "original", "glcm", a, c.levelSettings()+"; 13 directions, distance 1")...)
		}
	}
	return cols
}

// glcmValues computes both aggregations in one pass. The average leaves out
// directions without pairs and, for each feature, those in which it is
// undefined.
func glcmValues(r *region, c *Config) []float64 {
	row := r.ng + 1
	merged := make([]uint32, row*row)
	sum, used := make([]float64, len(glcmFeatures)), make([]float64, len(glcmFeatures))
	average := slices.Contains(c.Aggregations, aggregations[0])
	r.pairs(func(count []uint32) {
		for n, x := range count {
			merged[n] += x
		}
		if !average {
			return
		}
		m := newGLCM(count, r.ng)
		if m == nil {
			return
		}
		for n, x := range valuesOf(glcmFeatures, m) {
			if !math.IsNaN(x) && !math.IsInf(x, 0) {
				sum[n] += x
				used[n]++
			}
		}
	})
	var values []float64
	if average {
		for n := range sum {
			sum[n] /= used[n]
		}
		values = sum
	}
	if slices.Contains(c.Aggregations, aggregations[1]) {
		all := make([]float64, len(glcmFeatures))
		for n := range all {
			all[n] = math.NaN()
		}
		if m := newGLCM(merged, r.ng); m != nil {
			all = valuesOf(glcmFeatures, m)
		}
		values = append(values, all...)
	}
	return values
}
