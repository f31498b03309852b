package texture

import (
	"math"
	"slices"
)

// glcm sums up a grey level co-occurrence matrix: p(i, j) is the probability
// that of two voxels at a distance one has level i and the other level j. See
// IBSI, section 3.6. Entropies are in bit.
type glcm struct {
	max, energy       float64 // largest p, Σ p²
	hxy, hx, hy       float64 // entropies of p and its margins
	meanX, meanY      float64 // of the margins
	varX, varY, cov   float64
	meanXY            float64 // Σ p i j
	sumMean, sumH     float64 // of i + j
	sum2, sum3, sum4  float64 // central moments of i + j
	diffMean, diffVar float64 // of |i − j|
	diffH             float64
	contrast          float64 // Σ p (i − j)²
	id, idn           float64 // Σ p/(1 + |i − j|), with |i − j|/Ng
	idm, idmn         float64 // Σ p/(1 + (i − j)²), with (i − j)²/Ng²
	iv                float64 // Σ p/(i − j)² over i ≠ j
	mcc               float64
}

// correlation returns Σ p (i − μx)(j − μy)/(σx σy), undefined if a margin has one level.
func (m *glcm) correlation() float64 {
	if m.varX == 0 || m.varY == 0 {
		return math.NaN()
	}
	return m.cov / math.Sqrt(m.varX*m.varY)
}

// information1 returns (HXY − HXY1)/max(HX, HY). Because Σ p log₂ pₓpᵧ
// separates, HXY1 is HX + HY.
func (m *glcm) information1() float64 {
	if h := max(m.hx, m.hy); h > 0 {
		return (m.hxy - m.hx - m.hy) / h
	}
	return math.NaN()
}

// information2 returns √(1 − e^{−2(HXY2 − HXY)}), HXY2 = HX + HY, with entropies
// in bit as in the reference values.
func (m *glcm) information2() float64 {
	const rounding = 1e-13 // of the difference of entropies; its root would be 4e-7
	if d := m.hx + m.hy - m.hxy; d > rounding {
		return math.Sqrt(1 - math.Exp(-2*d))
	}
	return 0
}

// pairSums is the scratch of summing up a co-occurrence matrix.
type pairSums struct {
	px, py    []float64
	sum, diff []float64 // counts of i + j from twice the smallest level, and of |i − j|
	weights   []differenceWeights
	ng        int // of weights
}

// differenceWeights are the weights of a difference k = |i − j|.
type differenceWeights struct{ id, idn, idm, idmn, iv float64 }

// summarise computes m from the entries of a matrix.
func (s *pairSums) summarise(m *glcm, mem *memory, cells []cell, symmetric bool, r *Region, mcc bool) {
	defer mem.release(mem.at)
	lo := int(r.value[1])
	spread := int(r.value[len(r.value)-1]) - lo + 1
	s.px, s.py = zeros[float64](mem, len(r.value)), nil
	if !symmetric {
		s.py = zeros[float64](mem, len(r.value))
	}
	margins := mem.at
	s.sum, s.diff = zeros[float64](mem, 2*spread-1), zeros[float64](mem, spread)
	var total, largest, squares, nLogN, meanXY float64
	for _, c := range cells {
		i, j, n := int(r.value[c.i]), int(r.value[c.j]), c.n
		w, h := n, nLog2(n)
		s.px[c.i] += n
		if !symmetric {
			s.py[c.j] += n
		} else if i != j {
			s.px[c.j] += n
			w, h = 2*n, 2*h
		}
		total += w
		largest = max(largest, n)
		squares += w * n
		nLogN += h
		meanXY += w * float64(i*j)
		s.sum[i+j-2*lo] += w
		s.diff[max(i-j, j-i)] += w
	}
	*m = glcm{max: largest / total, energy: squares / (total * total), meanXY: meanXY / total}
	if len(cells) > 1 || symmetric && cells[0].i != cells[0].j {
		m.hxy = entropy(nLogN, total)
	}
	s.margins(m, cells, symmetric, r, total)
	s.differences(m, r.N, total)
	s.sums(m, float64(2*lo), total)
	if symmetric {
		m.cov = (m.sum2 - m.contrast) / 4 // Var(i + j) − Var(i − j)
	}
	if mcc {
		mem.release(margins)
		m.mcc = coefficient(mem, cells, s.px, s.py, total, symmetric)
	}
}

// margins fills in what depends on the levels alone.
func (s *pairSums) margins(m *glcm, cells []cell, symmetric bool, r *Region, total float64) {
	m.meanX, m.varX, m.hx = moments(s.px, r.value, total)
	if symmetric {
		m.meanY, m.varY, m.hy = m.meanX, m.varX, m.hx
		return
	}
	m.meanY, m.varY, m.hy = moments(s.py, r.value, total)
	for _, c := range cells {
		m.cov += c.n * (float64(r.value[c.i]) - m.meanX) * (float64(r.value[c.j]) - m.meanY)
	}
	m.cov /= total
}

// moments returns mean and variance of the levels with counts n, and the
// entropy of n in bit.
func moments(n []float64, value []uint16, total float64) (mean, variance, h float64) {
	occupied := 0
	for x, n := range n {
		if n > 0 {
			mean += n * float64(value[x])
			h += nLog2(n)
			occupied++
		}
	}
	mean /= total
	if occupied < 2 {
		return mean, 0, 0
	}
	for x, n := range n {
		d := float64(value[x]) - mean
		variance += n * d * d
	}
	return mean, variance / total, entropy(h, total)
}

// differences fills in what depends on |i − j| alone.
func (s *pairSums) differences(m *glcm, ng int, total float64) {
	if s.ng != ng || len(s.weights) < len(s.diff) {
		s.ng, s.weights = ng, slices.Grow(s.weights[:0], len(s.diff))
		for k := range s.diff {
			d, g := float64(k), float64(ng)
			w := differenceWeights{1 / (1 + d), 1 / (1 + d/g), 1 / (1 + d*d), 1 / (1 + d*d/(g*g)), 0}
			if k > 0 {
				w.iv = 1 / (d * d)
			}
			s.weights = append(s.weights, w)
		}
	}
	var mean, contrast, h float64
	occupied := 0
	for k, n := range s.diff {
		if n == 0 {
			continue
		}
		occupied++
		d, w := float64(k), &s.weights[k]
		mean += n * d
		contrast += n * d * d
		h += nLog2(n)
		m.id += n * w.id
		m.idn += n * w.idn
		m.idm += n * w.idm
		m.idmn += n * w.idmn
		m.iv += n * w.iv
	}
	m.diffMean, m.contrast = mean/total, contrast/total
	m.id /= total
	m.idn /= total
	m.idm /= total
	m.idmn /= total
	m.iv /= total
	if occupied < 2 {
		return
	}
	m.diffH = entropy(h, total)
	for k, n := range s.diff {
		d := float64(k) - m.diffMean
		m.diffVar += n * d * d
	}
	m.diffVar /= total
}

// sums fills in what depends on i + j alone.
func (s *pairSums) sums(m *glcm, first, total float64) {
	var mean, h float64
	occupied := 0
	for k, n := range s.sum {
		if n > 0 {
			mean += n * float64(k)
			h += nLog2(n)
			occupied++
		}
	}
	mean /= total
	m.sumMean = first + mean
	if occupied < 2 {
		return
	}
	m.sumH = entropy(h, total)
	for k, n := range s.sum {
		d := float64(k) - mean
		n *= d * d
		m.sum2 += n
		m.sum3 += n * d
		m.sum4 += n * d * d
	}
	m.sum2 /= total
	m.sum3 /= total
	m.sum4 /= total
}

var glcmFeatures = []row[*glcm]{
	{Feature{"joint_maximum", "MaximumProbability", "GYBY", "1", "Largest co-occurrence probability."}, func(m *glcm) float64 { return m.max }, 0},
	{Feature{"joint_average", "JointAverage", "60VM", "level", "Mean grey level of pairs."}, func(m *glcm) float64 { return m.meanX }, 0},
	{Feature{"joint_variance", "SumSquares", "UR99", "level²", "Variance of the grey levels of pairs."}, func(m *glcm) float64 { return m.varX }, 0},
	{Feature{"joint_entropy", "JointEntropy", "TU9B", "bit", "Disorder of grey level pairs."}, func(m *glcm) float64 { return m.hxy }, 0},
	{Feature{"difference_average", "DifferenceAverage", "TF7R", "level", "Mean difference between neighbours."}, func(m *glcm) float64 { return m.diffMean }, 0},
	{Feature{"difference_variance", "DifferenceVariance", "D3YU", "level²", "Variance of the difference between neighbours."}, func(m *glcm) float64 { return m.diffVar }, 0},
	{Feature{"difference_entropy", "DifferenceEntropy", "NTRS", "bit", "Disorder of the differences between neighbours."}, func(m *glcm) float64 { return m.diffH }, 0},
	{Feature{"sum_average", "SumAverage", "ZGXS", "level", "Mean sum of neighbours."}, func(m *glcm) float64 { return m.sumMean }, 0},
	{Feature{"sum_variance", "", "OEEB", "level²", "Variance of the sum of neighbours."}, func(m *glcm) float64 { return m.sum2 }, 0},
	{Feature{"sum_entropy", "SumEntropy", "P6QZ", "bit", "Disorder of the sums of neighbours."}, func(m *glcm) float64 { return m.sumH }, 0},
	{Feature{"angular_second_moment", "JointEnergy", "8ZQL", "1", "Sum of squared probabilities: order of the pairs."}, func(m *glcm) float64 { return m.energy }, 0},
	{Feature{"contrast", "Contrast", "ACUI", "level²", "Mean squared difference between neighbours."}, func(m *glcm) float64 { return m.contrast }, 0},
	{Feature{"dissimilarity", "", "8S9J", "level", "Mean absolute difference between neighbours."}, func(m *glcm) float64 { return m.diffMean }, 0},
	{Feature{"inverse_difference", "Id", "IB1Z", "1", "Mean of 1/(1 + |i − j|): homogeneity."}, func(m *glcm) float64 { return m.id }, 0},
	{Feature{"normalised_inverse_difference", "Idn", "NDRX", "1", "Mean of 1/(1 + |i − j|/Ng)."}, func(m *glcm) float64 { return m.idn }, 0},
	{Feature{"inverse_difference_moment", "Idm", "WF0Z", "1", "Mean of 1/(1 + (i − j)²)."}, func(m *glcm) float64 { return m.idm }, 0},
	{Feature{"normalised_inverse_difference_moment", "Idmn", "1QCO", "1", "Mean of 1/(1 + (i − j)²/Ng²)."}, func(m *glcm) float64 { return m.idmn }, 0},
	{Feature{"inverse_variance", "InverseVariance", "E8JP", "1", "Sum of p/(i − j)² over different levels."}, func(m *glcm) float64 { return m.iv }, 0},
	{Feature{"correlation", "Correlation", "NI2N", "1", "Linear dependence of a voxel on its neighbour."}, (*glcm).correlation, 1},
	{Feature{"autocorrelation", "Autocorrelation", "QWB0", "level²", "Mean product of neighbours."}, func(m *glcm) float64 { return m.meanXY }, 0},
	{Feature{"cluster_tendency", "ClusterTendency", "DG8W", "level²", "Second moment of the sum about its mean."}, func(m *glcm) float64 { return m.sum2 }, 0},
	{Feature{"cluster_shade", "ClusterShade", "7NFM", "level³", "Third moment of the sum about its mean."}, func(m *glcm) float64 { return m.sum3 }, 0},
	{Feature{"cluster_prominence", "ClusterProminence", "AE86", "level⁴", "Fourth moment of the sum about its mean."}, func(m *glcm) float64 { return m.sum4 }, 0},
	{Feature{"information_correlation_1", "Imc1", "R8DG", "1", "Mutual information of neighbours divided by their entropy, negative."}, (*glcm).information1, 0},
	{Feature{"information_correlation_2", "Imc2", "JN9H", "1", "Mutual information of neighbours mapped to 0 to 1."}, (*glcm).information2, 0},
	{Feature{"maximal_correlation_coefficient", "MCC", "", "1", "Largest correlation of neighbours under any relabelling of the levels."}, func(m *glcm) float64 { return m.mcc }, 1},
}
