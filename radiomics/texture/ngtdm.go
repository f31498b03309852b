package texture

import (
	"math"
	"slices"
)

// ngtdm sums up a neighbourhood grey tone difference matrix: s is the sum of
// |i − mean of the neighbours| over the voxels of level i, p their share. See
// IBSI, section 3.10.
type ngtdm struct {
	voxels     float64 // with a neighbourhood
	levels     int     // that occur among them
	ps         float64 // Σ p s
	s          float64 // Σ s
	contrast   float64 // ΣΣ pᵢ pⱼ (i − j)²
	busyness   float64 // ΣΣ |i pᵢ − j pⱼ|
	complexity float64 // ΣΣ |i − j| (pᵢ sᵢ + pⱼ sⱼ)/(pᵢ + pⱼ)
	strength   float64 // ΣΣ (pᵢ + pⱼ) (i − j)²
}

// summarise computes the sums over levels from the number n of voxels with a
// neighbourhood and the sum s of differences of each code.
func (m *ngtdm) summarise(n []int, s []float64, value []uint16) {
	*m = ngtdm{}
	for x, n := range n {
		if n > 0 {
			m.voxels += float64(n)
			m.levels++
		}
		m.s += s[x]
	}
	var p1, p2, i1, i2 float64 // Σ p i, Σ p i², and Σ i, Σ i² over levels that occur, from the lowest
	for x, n := range n {
		if n == 0 {
			continue
		}
		p, i := float64(n)/m.voxels, float64(value[x])-float64(value[1])
		m.ps += p * s[x]
		p1 += p * i
		p2 += p * i * i
		i1 += i
		i2 += i * i
	}
	m.contrast = 2 * (p2 - p1*p1)
	m.strength = 2 * (float64(m.levels)*p2 - 2*p1*i1 + i2)
	if m.levels > manyLevels {
		m.many(n, s, value)
		return
	}
	for x, nx := range n {
		if nx == 0 {
			continue
		}
		i, p := float64(value[x]), float64(nx)/m.voxels
		for y, ny := range n[:x] {
			if ny == 0 {
				continue
			}
			j, q := float64(value[y]), float64(ny)/m.voxels
			m.busyness += 2 * math.Abs(i*p-j*q)
			m.complexity += 2 * (i - j) * (p*s[x] + q*s[y]) / (p + q)
		}
	}
}

// manyLevels is the number of levels from which double sums over them are not
// written out.
const manyLevels = 1024

// many computes busyness and complexity without looking at every pair of
// levels. |i pᵢ − j pⱼ| is summed over sorted products. The other denominator,
// pᵢ + pⱼ, depends only on how many voxels the levels have, and few numbers
// occur: for each of them, sums over its levels below i and above do.
func (m *ngtdm) many(n []int, s []float64, value []uint16) {
	var products []float64
	var numbers []int
	for x, n := range n {
		if n > 0 {
			products = append(products, float64(value[x])*float64(n)/m.voxels)
			numbers = append(numbers, n)
		}
	}
	slices.Sort(products)
	for k, p := range products {
		m.busyness += 2 * p * float64(2*k-len(products)+1)
	}
	slices.Sort(numbers)
	for _, b := range slices.Compact(numbers) {
		var all, below levelSums
		for y, ny := range n {
			if ny == b {
				all.add(float64(value[y]), s[y])
			}
		}
		for x, a := range n {
			if a == 0 {
				continue
			}
			i := float64(value[x])
			if a == b {
				below.add(i, s[x])
			}
			distance := 2*(i*below.n-below.j) - i*all.n + all.j   // Σ |i − j|
			weighted := 2*(i*below.s-below.js) - i*all.s + all.js // Σ |i − j| sⱼ
			m.complexity += (float64(a)*s[x]*distance + float64(b)*weighted) / float64(a+b)
		}
	}
}

// levelSums are sums over levels j: Σ 1, Σ j, Σ sⱼ and Σ j sⱼ.
type levelSums struct{ n, j, s, js float64 }

func (l *levelSums) add(j, s float64) {
	l.n++
	l.j += j
	l.s += s
	l.js += j * s
}

// quotient returns a/b, undefined for b = 0.
func quotient(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

var ngtdmFeatures = []row[*ngtdm]{
	{Feature{"coarseness", "Coarseness", "QCDE", "1/level", "Inverse of the mean difference between a voxel and its surroundings."}, func(m *ngtdm) float64 { return quotient(1, m.ps) }, 1e6},
	{Feature{"contrast", "Contrast", "65HE", "level³", "Spread of levels times their difference from the surroundings."}, func(m *ngtdm) float64 {
		return quotient(m.contrast*m.s, float64(m.levels*(m.levels-1))*m.voxels)
	}, 0},
	{Feature{"busyness", "Busyness", "NQ30", "1", "How rapidly levels change between a voxel and its surroundings."}, func(m *ngtdm) float64 { return quotient(m.ps, m.busyness) }, 0},
	{Feature{"complexity", "Complexity", "HDEZ", "level²", "How many different, sharply set off levels there are."}, func(m *ngtdm) float64 { return m.complexity / m.voxels }, 0},
	{Feature{"strength", "Strength", "1X9X", "level", "How clearly areas of different level stand apart."}, func(m *ngtdm) float64 { return quotient(m.strength, m.s) }, 0},
}
