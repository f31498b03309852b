package sparse

import (
	"context"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// aggregate joins strongly connected block rows into aggregates (Vaněk, Mandel,
// Brezina 1996, algorithm 5.1): first whole neighbourhoods that are still free,
// then left-over nodes to the aggregate they hold to most, then what remains
// among itself. It returns the aggregate of each row, −1 for rows that are not
// free, and the number of aggregates.
func aggregate(a *blocks[float64], free []bool, theta float64) (agg []int32, count int) {
	n := a.len()
	s := strength(a)
	agg = make([]int32, n)
	for i := range agg {
		agg[i] = -1
	}
	strong := func(i, e int) bool {
		j := int(a.col[e])
		return j != i && free[j] && float64(s[e]) > theta
	}
seeds:
	for i := range n {
		if !free[i] || agg[i] >= 0 {
			continue
		}
		for e := a.ptr[i]; e < a.ptr[i+1]; e++ {
			if strong(i, e) && agg[a.col[e]] >= 0 {
				continue seeds
			}
		}
		for e := a.ptr[i]; e < a.ptr[i+1]; e++ {
			if strong(i, e) {
				agg[a.col[e]] = int32(count)
			}
		}
		agg[i] = int32(count)
		count++
	}
	first := append([]int32(nil), agg...)
	for i := range n {
		if !free[i] || agg[i] >= 0 {
			continue
		}
		var best float32
		for e := a.ptr[i]; e < a.ptr[i+1]; e++ {
			if g := first[a.col[e]]; g >= 0 && strong(i, e) && s[e] > best {
				best, agg[i] = s[e], g
			}
		}
	}
	for i := range n {
		if !free[i] || agg[i] >= 0 {
			continue
		}
		agg[i] = int32(count)
		for e := a.ptr[i]; e < a.ptr[i+1]; e++ {
			if j := a.col[e]; strong(i, e) && agg[j] < 0 {
				agg[j] = int32(count)
			}
		}
		count++
	}
	return agg, count
}

// strength returns ‖Aᵢⱼ‖ / √(‖Aᵢᵢ‖ ‖Aⱼⱼ‖) of each block, in the Frobenius norm.
func strength(a *blocks[float64]) []float32 {
	n := a.len()
	norm := func(e int) float64 {
		var t float64
		var flip [9]float64
		for _, v := range a.block(e, &flip) {
			t += v * v
		}
		return math.Sqrt(t)
	}
	diag := make([]float64, n)
	for i := range n {
		if e := a.find(i, i); e >= 0 {
			diag[i] = norm(e)
		}
	}
	s := make([]float32, len(a.col))
	_ = par.Blocks(context.Background(), n, rowBlock, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			for e := a.ptr[i]; e < a.ptr[i+1]; e++ {
				s[e] = float32(norm(e) / math.Sqrt(diag[i]*diag[a.col[e]]))
			}
		}
	})
	return s
}

// rigidMotions returns the three translations and three rotations about the
// centroid at each node, less what the constraints take away: 3×6 values per
// node, row by row. Rotations are scaled by the size of the body.
func rigidMotions(coords []r3.Vec, fixed []Fixed) []float64 {
	var c r3.Vec
	for _, x := range coords {
		c = r3.Add(c, r3.Scale(1/float64(len(coords)), x))
	}
	var size float64
	for _, x := range coords {
		size += r3.Norm2(r3.Sub(x, c)) / float64(len(coords))
	}
	if size = math.Sqrt(size); size == 0 {
		size = 1
	}
	b := make([]float64, 18*len(coords))
	for n, x := range coords {
		d := r3.Scale(1/size, r3.Sub(x, c))
		copy(b[18*n:], []float64{
			1, 0, 0, 0, d.Z, -d.Y,
			0, 1, 0, -d.Z, 0, d.X,
			0, 0, 1, d.Y, -d.X, 0,
		})
	}
	for _, f := range fixed {
		v := b[18*f.Node : 18*f.Node+18]
		var t [18]float64
		for r := range 3 {
			for k := range 3 {
				for c := range 6 {
					t[6*r+c] += f.Q[3*r+k] * v[6*k+c]
				}
			}
		}
		copy(v, t[:])
	}
	return b
}

// dependent is the share of a motion, after the earlier ones are taken out,
// below which an aggregate does not have it: a single node cannot turn.
const dependent = 1e-6

// tentative makes the motions of each aggregate orthonormal: near = P₀ R, with
// the motions P₀ of the rows and the motions R of the aggregates, which are the
// rigid motions on the next level. dead[6g+c] tells that aggregate g lacks
// motion c.
func tentative(near []float64, rows int, agg []int32, count int) (p0, coarse []float64, dead []bool) {
	members := make([][]int32, count)
	for i, g := range agg {
		if g >= 0 {
			members[g] = append(members[g], int32(i))
		}
	}
	size := 6 * rows
	p0 = make([]float64, len(near))
	coarse = make([]float64, 36*count)
	dead = make([]bool, 6*count)
	_ = par.Blocks(context.Background(), count, 64, func(lo, hi int) {
		for g := lo; g < hi; g++ {
			r := coarse[36*g : 36*g+36]
			for _, i := range members[g] {
				copy(p0[size*int(i):size*int(i)+size], near[size*int(i):])
			}
			product := func(c, d int) (s float64) {
				for _, i := range members[g] {
					v := p0[size*int(i) : size*int(i)+size]
					for k := 0; k < size; k += 6 {
						s += v[k+c] * v[k+d]
					}
				}
				return s
			}
			subtract := func(c, d int, t float64) { // column c −= t · column d
				for _, i := range members[g] {
					v := p0[size*int(i) : size*int(i)+size]
					for k := 0; k < size; k += 6 {
						v[k+c] -= t * v[k+d]
					}
				}
			}
			for c := range 6 {
				start := math.Sqrt(product(c, c))
				for range 2 { // twice is enough (Kahan)
					for d := range c {
						if t := product(c, d); t != 0 {
							r[6*d+c] += t
							subtract(c, d, t)
						}
					}
				}
				l := math.Sqrt(product(c, c))
				scale := 0.0
				if l > dependent*start {
					scale, r[6*c+c] = 1/l, l
				} else {
					dead[6*g+c] = true
				}
				for _, i := range members[g] {
					v := p0[size*int(i) : size*int(i)+size]
					for k := 0; k < size; k += 6 {
						v[k+c] *= scale
					}
				}
			}
		}
	})
	return p0, coarse, dead
}
