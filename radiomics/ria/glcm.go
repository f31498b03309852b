package ria

import (
	"fmt"
	"math"
)

// A co-occurrence matrix p of one direction is symmetric and sums to one. Most
// statistics are a weighted sum over its cells,
//
//	Σᵢⱼ w(i, j) φ(p(i, j)),   φ(p) = p, p² or −p log₂ p,               (RIA.4)
//
// over all cells or those off the diagonal. Because they are linear in φ(p),
// their mean over directions is that of the mean of φ(p): a direction costs
// three additions per cell.

// weight is a weight of (RIA.4) for matrices of n levels.
type weight struct {
	name, doc string
	diagonal  bool // whether a variant without the diagonal differs
	at        func(n int) func(i, j float64) float64
}

// of makes a weight of a function that does not depend on n.
func of(f func(i, j float64) float64) func(int) func(i, j float64) float64 {
	return func(int) func(i, j float64) float64 { return f }
}

// bell returns the Gaussian weights about levels mu(n), added, inverted each if
// inverse. Their standard deviation is that of the levels 1 … n, which is
// √(n(n+1)/12).
func bell(inverse bool, mu ...func(n int) float64) func(int) func(i, j float64) float64 {
	return func(n int) func(i, j float64) float64 {
		twice := float64(n) * float64(n+1) / 6
		return func(i, j float64) float64 {
			var sum float64
			for _, m := range mu {
				c := m(n)
				e := ((i-c)*(i-c) + (j-c)*(j-c)) / twice
				if !inverse {
					e = -e
				}
				sum += math.Exp(e)
			}
			return sum
		}
	}
}

// The places about which bells stand.
var (
	centre     = func(n int) float64 { return float64(n+1) / 2 }
	lowPole    = func(int) float64 { return 1 }
	highPole   = func(n int) float64 { return float64(n) }
	lowMiddle  = func(n int) float64 { return (1 + float64((n+1)/2)) / 2 }
	highMiddle = func(n int) float64 { return (float64(n/2+1) + float64(n)) / 2 }
)

// weights are those of RIA, in its order.
var weights = []weight{
	{"contrast", "(i − j)²", false, of(func(i, j float64) float64 { return (i - j) * (i - j) })},
	{"inverse_difference_moment", "1/(1 + (i − j)²)", true, of(func(i, j float64) float64 { return 1 / (1 + (i-j)*(i-j)) })},
	{"dissimilarity", "|i − j|", false, of(func(i, j float64) float64 { return math.Abs(i - j) })},
	{"inverse_difference", "1/(1 + |i − j|)", true, of(func(i, j float64) float64 { return 1 / (1 + math.Abs(i-j)) })},
	{"difference_moment_normalised", "(i − j)²/n²", false, func(n int) func(i, j float64) float64 {
		return func(i, j float64) float64 { return (i - j) * (i - j) / float64(n*n) }
	}},
	{"inverse_difference_moment_normalised", "1/(1 + (i − j)²/n²)", true, func(n int) func(i, j float64) float64 {
		return func(i, j float64) float64 { return 1 / (1 + (i-j)*(i-j)/float64(n*n)) }
	}},
	{"difference_normalised", "|i − j|/n", false, func(n int) func(i, j float64) float64 {
		return func(i, j float64) float64 { return math.Abs(i-j) / float64(n) }
	}},
	{"inverse_difference_normalised", "1/(1 + |i − j|/n)", true, func(n int) func(i, j float64) float64 {
		return func(i, j float64) float64 { return 1 / (1 + math.Abs(i-j)/float64(n)) }
	}},
	{"autocorrelation", "i j", true, of(func(i, j float64) float64 { return i * j })},
	{"inverse_autocorrelation", "1/(i j)", true, of(func(i, j float64) float64 { return 1 / (i * j) })},
	{"gauss", "a Gaussian about the central level", true, bell(false, centre)},
	{"gauss_low_pole", "a Gaussian about the lowest level", true, bell(false, lowPole)},
	{"gauss_low_middle", "a Gaussian about the middle of the lower levels", true, bell(false, lowMiddle)},
	{"gauss_high_middle", "a Gaussian about the middle of the upper levels", true, bell(false, highMiddle)},
	{"gauss_high_pole", "a Gaussian about the highest level", true, bell(false, highPole)},
	{"inverse_gauss", "the inverse of a Gaussian about the central level", true, bell(true, centre)},
	{"inverse_gauss_low_pole", "the inverse of a Gaussian about the lowest level", true, bell(true, lowPole)},
	{"inverse_gauss_low_middle", "the inverse of a Gaussian about the middle of the lower levels", true, bell(true, lowMiddle)},
	{"inverse_gauss_high_middle", "the inverse of a Gaussian about the middle of the upper levels", true, bell(true, highMiddle)},
	{"inverse_gauss_high_pole", "the inverse of a Gaussian about the highest level", true, bell(true, highPole)},
	{"gauss_two_middles", "Gaussians about the middles of the lower and the upper levels", true, bell(false, lowMiddle, highMiddle)},
	{"inverse_gauss_two_middles", "inverses of Gaussians about the middles of the lower and the upper levels", true, bell(true, lowMiddle, highMiddle)},
	{"gauss_two_poles", "Gaussians about the lowest and the highest level", true, bell(false, lowPole, highPole)},
	{"inverse_gauss_two_poles", "inverses of Gaussians about the lowest and the highest level", true, bell(true, lowPole, highPole)},
}

// clusters are the powers of |i + j − 2μ| in the order of the columns.
var clusters = []struct {
	name  string
	power int
}{{"cluster_prominence", 4}, {"cluster_shade", 3}, {"cluster_tendency", 2}, {"cluster_difference", 1}}

// The three φ of (RIA.4).
var variants = [3]struct{ suffix, doc string }{{"", "p"}, {"_squared", "p²"}, {"_entropy", "−p log₂ p"}}

// marginals and the rest: statistics that are no sum of (RIA.4) with a weight
// that is known before the matrix.
var otherStatistics = []statistic{
	{"average", "1", "Σ i p."}, {"average_squared", "1", "Σ i p²."}, {"average_entropy", "1", "Σ −i p log₂ p."},
	{"variance", "1", "Σ (i − m)² p with m = Σ i p."}, {"variance_squared", "1", "Σ (i − m)² p² with m = Σ i p²."}, {"variance_entropy", "1", "The same of −p log₂ p."},
	{"correlation", "1", "Σ (i − m)(j − m) p over Σ (i − m)² p with m = Σ i p."}, {"correlation_squared", "1", "The same of p²."}, {"correlation_entropy", "1", "The same of −p log₂ p."},
	{"sum_average", "1", "Σ s P(s) of the sums s = i + j."}, {"sum_energy", "1", "Σ s P(s)²."}, {"sum_entropy", "bit", "−Σ P(s) log₂ P(s)."}, {"sum_variance", "1", "Σ (s − H)² P(s) with the sum entropy H, as printed by Haralick (1973)."},
	{"difference_average", "1", "Σ d D(d) of the differences d = |i − j|."}, {"difference_energy", "1", "Σ d D(d)²."}, {"difference_entropy", "bit", "−Σ D(d) log₂ D(d)."}, {"difference_variance", "1", "Σ (d − H)² D(d) with the difference entropy H."},
	{"inverse_sum_average", "1", "Σ P(s)/s."}, {"inverse_sum_energy", "1", "Σ P(s)²/s."}, {"inverse_sum_variance", "1", "Σ P(s)/(s − H)² with the sum entropy H."},
	{"inverse_difference_average", "1", "Σ D(d)/d over d > 0."}, {"inverse_difference_energy", "1", "Σ D(d)²/d over d > 0."}, {"inverse_difference_variance", "1", "Σ D(d)/(d − H)² with the difference entropy H, over d ≠ H."},
	{"information_correlation_1", "1", "(HXY − HXY1)/HX of the entropies of the matrix and of its marginals."}, {"information_correlation_2", "1", "√(1 − exp(−2 (HXY2 − HXY)))."},
	{"energy", "1", "Σ p²."}, {"entropy", "bit", "−Σ p log₂ p."},
}

// pairStatistics returns the 240 statistics of pairs, in the order of the
// columns: weighted sums, clusters, others, cells.
func pairStatistics() []statistic {
	var out []statistic
	add := func(name, weight string, off bool) {
		for _, v := range variants {
			cells, suffix := "all cells", v.suffix
			if off {
				cells, suffix = "the cells off the diagonal", v.suffix+"_off_diagonal"
			}
			out = append(out, statistic{name + suffix, "1", fmt.Sprintf("Sum over %s of %s times %s.", cells, v.doc, weight)})
		}
	}
	for _, w := range weights {
		add(w.name, w.doc, false)
		if w.diagonal {
			add(w.name, w.doc, true)
		}
	}
	for _, c := range clusters {
		for _, inverse := range []string{"", "inverse_"} {
			doc := fmt.Sprintf("|i + j − 2μ|^%d, μ the mean level", c.power)
			if inverse != "" {
				doc = "1/" + doc + ", 0 for 1/0"
			}
			add(inverse+c.name, doc, false)
			add(inverse+c.name, doc, true)
		}
	}
	out = append(out, otherStatistics...)
	return append(out, cellStatistics...)
}

// Places of the parts among the 240.
const (
	clustersAt = 132
	othersAt   = 180
	cellsAt    = 207
	pairsEnd   = 240
)

// table holds the weights for n levels, and the mean of φ(p) over directions.
type table struct {
	n       int
	weights [][]float64 // n·n each
	phi     [3][]float64
	pairs   []int32 // of one direction and order
}

func newTable(n int) *table {
	t := &table{n: n, pairs: make([]int32, n*n)}
	for _, w := range weights {
		f, ws := w.at(n), make([]float64, n*n)
		for at := range ws {
			ws[at] = f(float64(at/n+1), float64(at%n+1))
		}
		t.weights = append(t.weights, ws)
	}
	for v := range t.phi {
		t.phi[v] = make([]float64, n*n)
	}
	return t
}

// pairing turns the pairs of each direction into statistics.
type pairing struct {
	*table
	sum, times [pairsEnd]float64 // of the statistics that are no linear sums
	directions int
	sums, off  [3][]float64 // φ(p) by i + j, on all cells and off the diagonal
	difference []float64    // p by |i − j|
	marginal   [3][]float64
	occurs     []int // how often a count occurs among the cells
	cells      sample
	log2       []float64 // of whole numbers up to twice the voxels; 0 for 0
}

// begin makes p ready for a matrix of the table t.
func (p *pairing) begin(t *table) {
	p.table, p.directions = t, 0
	p.sum, p.times = [pairsEnd]float64{}, [pairsEnd]float64{}
	for v := range t.phi {
		clear(t.phi[v])
	}
}

// see adds a statistic of one direction to its mean, unless it is undefined.
func (p *pairing) see(at int, x float64) {
	if !math.IsNaN(x) {
		p.sum[at] += x
		p.times[at]++
	}
}

// direction takes in the matrix of one direction: pairs[i·n + j] counts pairs
// in one order; their number is total, which must not be zero.
func (p *pairing) direction(total int) {
	n := p.n
	p.directions++
	for v := range 3 {
		p.sums[v], p.off[v], p.marginal[v] = zeros(p.sums[v], 2*n+1), zeros(p.off[v], 2*n+1), zeros(p.marginal[v], n)
	}
	p.difference = zeros(p.difference, n)
	p.occurs = zeros(p.occurs, 2*total+1)
	norm := 1 / float64(2*total)
	var energy, entropy, cross [3]float64
	for i := range n {
		for j := range i + 1 {
			c := p.pairs[i*n+j] + p.pairs[j*n+i]
			cells := 2
			if i == j {
				cells = 1
			}
			p.occurs[c] += cells
			if c == 0 {
				continue
			}
			q := float64(c) * norm
			f := [3]float64{q, q * q, q * (p.log2[2*total] - p.log2[c])}
			for v, x := range f {
				p.phi[v][i*n+j] += x
				p.marginal[v][i] += x
				y := x
				if i != j {
					p.phi[v][j*n+i] += x
					p.marginal[v][j] += x
					y = 2 * x
					p.off[v][i+j+2] += y
				}
				p.sums[v][i+j+2] += y
				cross[v] += y * float64((i+1)*(j+1))
			}
			p.difference[i-j] += float64(cells) * q
			energy[0] += float64(cells) * f[1]
			entropy[0] += float64(cells) * f[2]
		}
	}
	p.clusterStatistics()
	at := othersAt
	next := func(x float64) { p.see(at, x); at++ }
	var mean, total0, variance [3]float64
	for v := range 3 {
		for i, x := range p.marginal[v] {
			mean[v] += float64(i+1) * x
			total0[v] += x
		}
		for i, x := range p.marginal[v] {
			d := float64(i+1) - mean[v]
			variance[v] += d * d * x
		}
	}
	for v := range 3 {
		next(mean[v])
	}
	for v := range 3 {
		next(variance[v])
	}
	for v := range 3 {
		// Σ (i − m)(j − m) x = Σ i j x − 2 m Σ i x + m² Σ x
		next(quotient(cross[v]-2*mean[v]*mean[v]+mean[v]*mean[v]*total0[v], variance[v]))
	}
	forward, inverse := p.moments(p.sums[0][2:], 2)
	forwardD, inverseD := p.moments(p.difference, 0)
	for _, part := range [4][]float64{forward[:], forwardD[:], inverse[:], inverseD[:]} {
		for _, x := range part {
			next(x)
		}
	}
	var h float64 // of a marginal; HXY1 and HXY2 are twice it
	for _, x := range p.marginal[0] {
		if x > 0 {
			h -= x * math.Log2(x)
		}
	}
	next(quotient(entropy[0]-2*h, h))
	next(math.Sqrt(max(0, 1-math.Exp(-2*(2*h-entropy[0])))))
	next(energy[0])
	next(entropy[0])
	p.cells.reset()
	for c, times := range p.occurs {
		if times > 0 {
			p.cells.add(float64(c)*norm, times)
		}
	}
	var d [44]float64
	var out [33]float64
	p.cells.describe(&d)
	cells(out[:], &d)
	for m, x := range out {
		p.see(cellsAt+m, x)
	}
}

// clusterStatistics are sums over i + j of powers of |i + j − 2μ| or their
// inverse, for the three φ, with the diagonal and without.
func (p *pairing) clusterStatistics() {
	var mu2 float64 // 2μ = Σ (i + j) p
	for s, x := range p.sums[0] {
		mu2 += float64(s) * x
	}
	at := clustersAt
	for _, c := range clusters {
		for _, inverse := range []bool{false, true} {
			for _, by := range [2]*[3][]float64{&p.sums, &p.off} {
				var sum [3]float64
				for s := range by[0] {
					if by[0][s] == 0 {
						continue
					}
					d := math.Abs(float64(s) - mu2)
					w := d
					for range c.power - 1 {
						w *= d
					}
					if inverse {
						if d < 1e-9 {
							continue
						}
						w = 1 / w
					}
					for v := range sum {
						sum[v] += w * by[v][s]
					}
				}
				for v := range sum {
					p.see(at, sum[v])
					at++
				}
			}
		}
	}
}

// moments returns average, energy, entropy and variance about the entropy of a
// distribution over first, first + 1, …, and the first, second and fourth with
// inverse weights.
func (p *pairing) moments(q []float64, first int) (forward [4]float64, inverse [3]float64) {
	for n, x := range q {
		if x > 0 {
			forward[2] -= x * math.Log2(x)
		}
		v := float64(first + n)
		forward[0] += v * x
		forward[1] += v * x * x
		if v > 0 {
			inverse[0] += x / v
			inverse[1] += x * x / v
		}
	}
	for n, x := range q {
		d := float64(first+n) - forward[2]
		forward[3] += d * d * x
		if d != 0 {
			inverse[2] += x / (d * d)
		}
	}
	return forward, inverse
}

// end stores the means over the directions.
func (p *pairing) end(dst []float64) {
	for at := clustersAt; at < pairsEnd; at++ {
		dst[at] = quotient(p.sum[at], p.times[at])
	}
	at, n := 0, p.n
	for m := range weights {
		w := p.weights[m]
		var all, diagonal [3]float64
		for v, phi := range p.phi {
			for c, x := range phi {
				all[v] += w[c] * x
			}
			for i := range n {
				diagonal[v] += w[i*n+i] * phi[i*n+i]
			}
		}
		for v := range all {
			dst[at+v] = quotient(all[v], float64(p.directions))
		}
		at += 3
		if weights[m].diagonal {
			for v := range all {
				dst[at+v] = quotient(all[v]-diagonal[v], float64(p.directions))
			}
			at += 3
		}
	}
}
