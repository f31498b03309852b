package imaging

import "slices"

// Mask is a set of voxels.
type Mask struct {
	Grid
	In []bool // i fastest, then j, then k
}

// NewMask returns the empty set on g.
func NewMask(g Grid) *Mask { return &Mask{Grid: g, In: make([]bool, g.Len())} }

// Count returns the number of voxels in the mask.
func (m *Mask) Count() int {
	n := 0
	for _, in := range m.In {
		if in {
			n++
		}
	}
	return n
}

// VolumeMM3 returns the volume of the voxels in the mask, in mm³.
func (m *Mask) VolumeMM3() float64 { return float64(m.Count()) * m.VoxelVolume() }

// Bounds returns the smallest box [lo, hi) that holds every voxel of the mask,
// and false if the mask is empty.
func (m *Mask) Bounds() (lo, hi [3]int, ok bool) {
	lo = m.Size
	for k := range m.Size[2] {
		for j := range m.Size[1] {
			row := m.In[m.Offset(0, j, k):][:m.Size[0]]
			first := slices.Index(row, true)
			if first < 0 {
				continue
			}
			last := len(row) - 1
			for last >= hi[0] && !row[last] { // what lies before hi changes nothing
				last--
			}
			lo = [3]int{min(lo[0], first), min(lo[1], j), min(lo[2], k)}
			hi = [3]int{max(hi[0], last+1), max(hi[1], j+1), k + 1}
			ok = true
		}
	}
	return lo, hi, ok
}

// Crop copies the box [lo, hi) into a mask of its own.
func (m *Mask) Crop(lo, hi [3]int) *Mask {
	c := NewMask(m.Grid.Crop(lo, hi))
	cropInto(c.In, m.In, &m.Grid, lo, hi)
	return c
}
