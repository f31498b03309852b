package texture

import "math"

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
