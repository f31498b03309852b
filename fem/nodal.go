package fem

import (
	"math"
	"slices"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// outward are the weights that carry values at the quadrature points of a cell
// to its corners: the trilinear function through the points, at √3 times their
// distance from the centre.
var outward = func() (w [8][8]float64) {
	for a, c := range element.Corners {
		w[a] = element.Shape(math.Sqrt(3)*c[0], math.Sqrt(3)*c[1], math.Sqrt(3)*c[2])
	}
	return w
}()

// Nodal returns a quantity at the nodes as seen from one tissue: values at the
// quadrature points of the cells of that tissue are carried to the corners and
// averaged over those cells only. A node at an interface so has one value per
// tissue. NaN where no such cell touches the node.
//
// Extrapolation never changes the sign: where all values around a node are at
// least zero, as those of an energy are, so is the one at the node.
func (r *Result) Nodal(t imaging.Tissue, at func(*Point) float64) []float64 {
	return r.carry(t, 0, len(r.Mesh.Cells), at)
}

// carry is [Result.Nodal] of the cells [from, to) alone.
func (r *Result) carry(t imaging.Tissue, from, to int, at func(*Point) float64) []float64 {
	sum, n := make([]float64, len(r.Mesh.Nodes)), make([]int, len(r.Mesh.Nodes))
	lo, hi := make([]float64, len(sum)), make([]float64, len(sum)) // what the values around are at least and at most, if not zero
	for e := from; e < to; e++ {
		cell := &r.Mesh.Cells[e]
		var v [8]float64
		if r.mixed != nil && r.mixed[e] != nil {
			if !r.part(&v, e, t, at) {
				continue
			}
		} else if r.Tissue[e] != t {
			continue
		} else {
			for q := range v {
				v[q] = at(&r.Points[8*e+q])
			}
		}
		for a, node := range cell {
			for q, w := range outward[a] {
				sum[node] += w * v[q]
			}
			n[node]++
			lo[node], hi[node] = min(lo[node], slices.Min(v[:])), max(hi[node], slices.Max(v[:]))
		}
	}
	for a := range sum {
		if n[a] == 0 {
			sum[a] = math.NaN()
			continue
		}
		sum[a] /= float64(n[a])
		if lo[a] == 0 && sum[a] < 0 || hi[a] == 0 && sum[a] > 0 {
			sum[a] = 0
		}
	}
	return sum
}

// part stores in v the mean over the points of one tissue in a cell that an
// interface cuts, and tells whether there are any.
func (r *Result) part(v *[8]float64, e int, t imaging.Tissue, at func(*Point) float64) bool {
	var sum, volume float64
	for q := range v {
		if p := &r.Points[8*e+q]; p.Tissue == t {
			sum += p.Volume * at(p)
			volume += p.Volume
		}
	}
	for q := range v {
		v[q] = sum / volume
	}
	return volume > 0
}
