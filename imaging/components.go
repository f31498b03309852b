package imaging

import (
	"fmt"
	"math"
	"slices"
)

// Connectivity says which voxels touch.
type Connectivity int

// The three neighbourhoods of a voxel.
const (
	Faces   Connectivity = 6  // voxels that share a face
	Edges   Connectivity = 18 // or an edge
	Corners Connectivity = 26 // or a corner
)

// neighbours returns the steps to the voxels that touch.
func (c Connectivity) neighbours() [][3]int {
	reach := map[Connectivity]int{Faces: 1, Edges: 2, Corners: 3}[c]
	if reach == 0 {
		panic(fmt.Sprintf("imaging: connectivity %d: want Faces, Edges or Corners", int(c)))
	}
	var steps [][3]int
	for k := -1; k <= 1; k++ {
		for j := -1; j <= 1; j++ {
			for i := -1; i <= 1; i++ {
				if d := i*i + j*j + k*k; d > 0 && d <= reach {
					steps = append(steps, [3]int{i, j, k})
				}
			}
		}
	}
	return steps
}

// Components splits m into its connected parts. labels has one entry per
// voxel: zero outside m, otherwise the number of the part, from one up. Parts
// are numbered by falling size, and by their first voxel where sizes are
// equal; part n has sizes[n-1] voxels.
func Components(m *Mask, conn Connectivity) (labels []int32, sizes []int) {
	steps := conn.neighbours()
	labels = make([]int32, len(m.In))
	var stack []int32
	for seed, in := range m.In {
		if !in || labels[seed] != 0 {
			continue
		}
		label, count := int32(len(sizes)+1), 0
		labels[seed] = label
		stack = append(stack[:0], int32(seed))
		for len(stack) > 0 {
			at := int(stack[len(stack)-1])
			stack = stack[:len(stack)-1]
			count++
			i, j, k := m.Coords(at)
			for _, s := range steps {
				if !m.Inside(i+s[0], j+s[1], k+s[2]) {
					continue
				}
				o := m.Offset(i+s[0], j+s[1], k+s[2])
				if m.In[o] && labels[o] == 0 {
					labels[o] = label
					stack = append(stack, int32(o))
				}
			}
		}
		sizes = append(sizes, count)
	}
	order := make([]int, len(sizes))
	for n := range order {
		order[n] = n
	}
	slices.SortStableFunc(order, func(a, b int) int { return sizes[b] - sizes[a] })
	rank, sorted := make([]int32, len(sizes)+1), make([]int, len(sizes))
	for n, old := range order {
		rank[old+1], sorted[n] = int32(n+1), sizes[old]
	}
	for n, l := range labels {
		labels[n] = rank[l]
	}
	return labels, sorted
}

// Largest returns the connected part of m with the most voxels, on the same
// grid; of equal parts the one whose first voxel comes first. An empty mask
// stays empty.
func Largest(m *Mask, conn Connectivity) *Mask {
	labels, _ := Components(m, conn)
	out := NewMask(m.Grid)
	for n, l := range labels {
		out.In[n] = l == 1
	}
	return out
}

// Dilate returns the voxels whose centre is at most radiusMM away from a
// centre in m, on the same grid: use [Mask.Pad] first if the result may reach
// beyond it.
func Dilate(m *Mask, radiusMM float64) *Mask {
	d := Distance(m)
	out := NewMask(m.Grid)
	for n, x := range d.Values {
		out.In[n] = float64(x) <= radiusMM*(1+1e-6)
	}
	return out
}

// Erode returns the voxels of m whose centre is farther than radiusMM from
// every centre outside m. Beyond the grid all is outside.
func Erode(m *Mask, radiusMM float64) *Mask {
	p := m.Pad(1)
	for n := range p.In {
		p.In[n] = !p.In[n]
	}
	d := Distance(p)
	out := NewMask(m.Grid)
	for n, in := range m.In {
		i, j, k := m.Coords(n)
		out.In[n] = in && d.At(i+1, j+1, k+1) > radiusMM*(1+1e-6)
	}
	return out
}

// Pad returns the grid with n more voxels on each side of each axis. The
// voxels stay where they are.
func (g *Grid) Pad(n int) Grid {
	return g.Crop([3]int{-n, -n, -n}, [3]int{g.Size[0] + n, g.Size[1] + n, g.Size[2] + n})
}

// Pad returns the mask on a grid with n more voxels on each side.
func (m *Mask) Pad(n int) *Mask {
	if n < 0 {
		panic("imaging: Mask.Pad: negative number of voxels")
	}
	p := NewMask(m.Grid.Pad(n))
	for k := range m.Size[2] {
		for j := range m.Size[1] {
			copy(p.In[p.Offset(n, j+n, k+n):], m.In[m.Offset(0, j, k):][:m.Size[0]])
		}
	}
	return p
}

// Steps returns the number of voxels along each axis that cover a distance in
// mm: what [Grid.Clamp] and [Mask.Pad] need to make room for it.
func (g *Grid) Steps(mm float64) [3]int {
	var n [3]int
	for a, s := range g.Spacing {
		n[a] = int(math.Ceil(mm / s))
	}
	return n
}
