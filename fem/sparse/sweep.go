package sparse

import (
	"context"
	"slices"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// sweeper is block Gauss-Seidel in single precision. Its rows are sorted by
// colour and cluster; rows of one cluster follow each other, clusters of one
// colour do not touch and are swept in parallel. A sweep back follows each sweep
// forth: when it comes to a row, those before still are as the sweep forth left them, so
// that their part of the product, which that sweep has stored, is taken from there.
type sweeper struct {
	size    int       // of a block: 3 or 6
	from    []int     // blocks of row i with earlier rows: [from[2i], from[2i+1]), with later rows: [from[2i+1], from[2i+2])
	col     []int32   //
	val     []float32 //
	inv     []float32 // inverses of the diagonal blocks
	cluster []int     // first row of each cluster, and the end
	colour  []int     // first cluster of each colour, and the end
	low     []float32 // product of each row's blocks with earlier rows, by the last sweep forth
}

// newSweeper sorts the rows of a into clusters, coloured one after the other.
// Rows of cluster −1 are coupled to nothing and come first. It returns the row of a
// in the place of each.
func newSweeper(a *blocks[float64], cluster []int32, count int) (*sweeper, []int32) {
	n := a.len()
	colour := colours(a, cluster, count)
	// Clusters in the order of their colours, then rows in the order of clusters.
	order := make([]int32, count)
	for c := range order {
		order[c] = int32(c)
	}
	slices.SortStableFunc(order, func(x, y int32) int { return int(colour[x]) - int(colour[y]) })
	s := &sweeper{size: a.rows, cluster: []int{0}, colour: []int{0}}
	members := make([][]int32, count)
	perm := make([]int32, 0, n)
	for i, c := range cluster {
		if c < 0 {
			perm = append(perm, int32(i))
		} else {
			members[c] = append(members[c], int32(i))
		}
	}
	if len(perm) > 0 {
		s.cluster = append(s.cluster, len(perm))
		s.colour = append(s.colour, 1)
	}
	for x, c := range order {
		if x > 0 && colour[c] != colour[order[x-1]] {
			s.colour = append(s.colour, len(s.cluster)-1)
		}
		perm = append(perm, members[c]...)
		s.cluster = append(s.cluster, len(perm))
	}
	s.colour = append(s.colour, len(s.cluster)-1)
	return s, perm
}

// fill copies the values of a, whose rows are sorted by perm.
func (s *sweeper) fill(ctx context.Context, a *blocks[float64], inv []float64, perm []int32) {
	n, size := a.len(), a.rows*a.rows
	place := make([]int32, n)
	for i, old := range perm {
		place[old] = int32(i)
	}
	s.from = make([]int, 2*n+1)
	for i, old := range perm {
		for _, j := range a.col[a.ptr[old]:a.ptr[old+1]] {
			switch p := int(place[j]); {
			case p < i:
				s.from[2*i+1]++
			case p > i:
				s.from[2*i+2]++
			}
		}
	}
	for i := range 2 * n {
		s.from[i+1] += s.from[i]
	}
	s.col = make([]int32, s.from[2*n])
	s.val = make([]float32, size*s.from[2*n])
	s.inv = make([]float32, size*n)
	s.low = make([]float32, a.rows*n)
	_ = par.Blocks(ctx, n, rowBlock, func(lo, hi int) {
		var flip [9]float64
		for i := lo; i < hi; i++ {
			old := int(perm[i])
			for x, v := range inv[size*old : size*old+size] {
				s.inv[size*i+x] = float32(v)
			}
			at := [2]int{s.from[2*i], s.from[2*i+1]}
			for e := a.ptr[old]; e < a.ptr[old+1]; e++ {
				p := int(place[a.col[e]])
				if p == i {
					continue
				}
				side := 0
				if p > i {
					side = 1
				}
				s.col[at[side]] = int32(p)
				for x, v := range a.block(e, &flip) {
					s.val[size*at[side]+x] = float32(v)
				}
				at[side]++
			}
		}
	})
}

// colours gives each cluster the smallest colour that no cluster it touches has,
// in their order.
func colours(a *blocks[float64], cluster []int32, count int) []int32 {
	touch := make([][]int32, count)
	for i, c := range cluster {
		if c < 0 {
			continue
		}
		for _, j := range a.col[a.ptr[i]:a.ptr[i+1]] {
			if d := cluster[j]; d >= 0 && d != c {
				touch[c] = insertSorted(touch[c], d)
			}
		}
	}
	colour := make([]int32, count)
	for c := range colour {
		colour[c] = -1
	}
	var taken []bool
	for c := range colour {
		taken = append(taken[:0], make([]bool, len(touch[c])+1)...)
		for _, d := range touch[c] {
			if k := colour[d]; k >= 0 && int(k) < len(taken) {
				taken[k] = true
			}
		}
		colour[c] = int32(slices.Index(taken, false))
	}
	return colour
}

// start stores in x what a sweep from the first row to the last makes of x = 0:
// rows read earlier ones only.
func (s *sweeper) start(x, b []float32) {
	s.sweep(false, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			s.relax(x, b, i, true, false)
		}
	})
}

// forward sweeps x from the first row to the last.
func (s *sweeper) forward(x, b []float32) {
	s.sweep(false, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			s.relax(x, b, i, true, true)
		}
	})
}

// backward sweeps x from the last row to the first, after start or forward.
func (s *sweeper) backward(x, b []float32) {
	s.sweep(true, func(lo, hi int) {
		for i := hi - 1; i >= lo; i-- {
			s.relax(x, b, i, false, true)
		}
	})
}

// residual stores b − A x in r after a backward sweep that changed x by d: each
// row was solved before earlier rows changed, so that only their part is left.
func (s *sweeper) residual(r, d []float32) {
	_ = par.Blocks(context.Background(), len(s.from)/2, rowBlock, func(lo, hi int) {
		if s.size == 3 {
			for i := lo; i < hi; i++ {
				y0, y1, y2 := s.mul3(d, s.from[2*i], s.from[2*i+1])
				r[3*i], r[3*i+1], r[3*i+2] = -y0, -y1, -y2
			}
			return
		}
		for i := lo; i < hi; i++ {
			var y [6]float32
			s.sub6(&y, d, s.from[2*i], s.from[2*i+1])
			*(*[6]float32)(r[6*i:]) = y
		}
	})
}

// sweep calls f for runs of rows, one colour after the other, or in reverse.
func (s *sweeper) sweep(back bool, f func(lo, hi int)) {
	colours := len(s.colour) - 1
	for c := range colours {
		if back {
			c = colours - 1 - c
		}
		first, end := s.colour[c], s.colour[c+1]
		rows := s.cluster[end] - s.cluster[first]
		group := max(1, (end-first)*128/max(rows, 1)) // some 128 rows at a time
		_ = par.Blocks(context.Background(), end-first, group, func(lo, hi int) {
			f(s.cluster[first+lo], s.cluster[first+hi])
		})
	}
}

// relax solves row i for x, given what it is coupled with: earlier rows anew or as
// stored, and later rows or none.
func (s *sweeper) relax(x, b []float32, i int, earlier, later bool) {
	lo, mid, hi := s.from[2*i], s.from[2*i+1], s.from[2*i+2]
	if s.size == 3 {
		low := (*[3]float32)(s.low[3*i:])
		if earlier {
			low[0], low[1], low[2] = s.mul3(x, lo, mid)
		}
		y0, y1, y2 := low[0], low[1], low[2]
		if later {
			z0, z1, z2 := s.mul3(x, mid, hi)
			y0, y1, y2 = y0+z0, y1+z1, y2+z2
		}
		s.solve3(x, i, b[3*i]-y0, b[3*i+1]-y1, b[3*i+2]-y2)
		return
	}
	low := (*[6]float32)(s.low[6*i:])
	if earlier {
		*low = [6]float32{}
		s.sub6(low, x, lo, mid)
	}
	y := *(*[6]float32)(b[6*i:])
	for r, v := range low {
		y[r] += v // which is less the product
	}
	if later {
		s.sub6(&y, x, mid, hi)
	}
	s.solve6(x, i, &y)
}

// solve3 stores D⁻¹t of row i in x.
func (s *sweeper) solve3(x []float32, i int, t0, t1, t2 float32) {
	v, u := (*[9]float32)(s.inv[9*i:]), (*[3]float32)(x[3*i:])
	u[0] = v[0]*t0 + v[1]*t1 + v[2]*t2
	u[1] = v[3]*t0 + v[4]*t1 + v[5]*t2
	u[2] = v[6]*t0 + v[7]*t1 + v[8]*t2
}

// mul3 returns the product of the blocks [lo, hi) and x.
func (s *sweeper) mul3(x []float32, lo, hi int) (y0, y1, y2 float32) {
	val := s.val[9*lo : 9*hi]
	for _, b := range s.col[lo:hi] {
		v := val[:9:9]
		u := x[3*int(b):][:3:3]
		x0, x1, x2 := u[0], u[1], u[2]
		y0 += v[0]*x0 + v[1]*x1 + v[2]*x2
		y1 += v[3]*x0 + v[4]*x1 + v[5]*x2
		y2 += v[6]*x0 + v[7]*x1 + v[8]*x2
		val = val[9:]
	}
	return y0, y1, y2
}

// solve6 stores D⁻¹t of row i in x.
func (s *sweeper) solve6(x []float32, i int, t *[6]float32) {
	v, u := (*[36]float32)(s.inv[36*i:]), (*[6]float32)(x[6*i:])
	for r := range 6 {
		u[r] = v[6*r]*t[0] + v[6*r+1]*t[1] + v[6*r+2]*t[2] + v[6*r+3]*t[3] + v[6*r+4]*t[4] + v[6*r+5]*t[5]
	}
}

// sub6 subtracts the product of the blocks [lo, hi) and x from y.
func (s *sweeper) sub6(y *[6]float32, x []float32, lo, hi int) {
	for e := lo; e < hi; e++ {
		v, u := (*[36]float32)(s.val[36*e:]), (*[6]float32)(x[6*int(s.col[e]):])
		for r := range 6 {
			y[r] -= v[6*r]*u[0] + v[6*r+1]*u[1] + v[6*r+2]*u[2] + v[6*r+3]*u[3] + v[6*r+4]*u[4] + v[6*r+5]*u[5]
		}
	}
}
