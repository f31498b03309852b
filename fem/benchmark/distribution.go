package benchmark

import (
	"cmp"
	"slices"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/fem/mesh"
)

// distribution is a set of values with the volumes they stand for.
type distribution []weighted

type weighted struct{ value, volume float64 }

func (d distribution) sort() {
	slices.SortFunc(d, func(a, b weighted) int { return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.volume, b.volume)) })
}

func (d distribution) mean() float64 {
	var sum, volume float64
	for _, w := range d {
		sum += w.value * w.volume
		volume += w.volume
	}
	return sum / volume
}

// percentile returns the smallest value at or below which p % of the volume lies.
func (d distribution) percentile(p float64) float64 {
	var volume, sum float64
	for _, w := range d {
		volume += w.volume
	}
	for _, w := range d {
		if sum += w.volume; sum >= p/100*volume {
			return w.value
		}
	}
	return d[len(d)-1].value
}

// quadrature returns the reference of a cell of hexahedra.
func quadrature(m *mesh.Solid, e int) *element.Reference {
	return element.Of(m.Types[e], m.Enhanced != nil && m.Enhanced[e])
}

// corner returns the reference coordinates of node a of a brick.
func corner(t element.Type, a int) [3]float64 {
	if a < 8 {
		return element.Corners[a]
	}
	ends := t.Edges()[a-8]
	var xi [3]float64
	for i := range xi {
		xi[i] = (element.Corners[ends[0]][i] + element.Corners[ends[1]][i]) / 2
	}
	return xi
}
