package sparse

import (
	"fmt"
	"slices"
)

// AddCell adds the blocks (a, b) of a brick's symmetric stiffness to those of its
// nodes, which must lie in one cell of the lattice.
func (m *Stencil) AddCell(nodes *[8]int32, k *[8][8][9]float64) {
	var at [8][3]int
	for a, n := range nodes {
		at[a][0], at[a][1], at[a][2] = m.coords(int(n))
	}
	for a, n := range nodes {
		for b := range nodes {
			di, dj, dk := at[b][0]-at[a][0], at[b][1]-at[a][1], at[b][2]-at[a][2]
			if m.Ring {
				switch {
				case dj > 1:
					dj -= m.N[1]
				case dj < -1:
					dj += m.N[1]
				}
			}
			if uint(di+1) > 2 || uint(dj+1) > 2 || uint(dk+1) > 2 {
				panic(fmt.Sprintf("sparse: Stencil: nodes %d and %d of lattice %v are not neighbours", n, nodes[b], m.N))
			}
			step := 9*(dk+1) + 3*(dj+1) + di + 1
			if step < self {
				continue
			}
			dst, v := (*[9]float64)(m.own(int(n), step)), &k[a][b]
			for i, x := range v {
				dst[i] += x
			}
		}
	}
}

// AddCell adds the blocks (a, b) of a brick's stiffness to those of its nodes,
// which must all be stored.
func (m *BSR) AddCell(nodes *[8]int32, k *[8][8][9]float64) {
	for a, n := range nodes {
		lo := m.Ptr[n]
		row := m.Col[lo:m.Ptr[n+1]]
		for b, c := range nodes {
			at, ok := slices.BinarySearch(row, c)
			if !ok {
				panic(fmt.Sprintf("sparse: BSR: block (%d, %d) is not stored", n, c))
			}
			dst, v := (*[9]float64)(m.Val[9*(lo+at):]), &k[a][b]
			for i, x := range v {
				dst[i] += x
			}
		}
	}
}
