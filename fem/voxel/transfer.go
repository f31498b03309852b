package voxel

import (
	"context"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// restrict stores in l.b the residual of the finer level, each node of which gives
// to those it interpolates: half per axis along which it lies between two.
func (l *level) restrict(fine *level) {
	if l.child == nil {
		l.child = fine.g.numbers()
	}
	n := fine.g.n
	_ = par.Blocks(context.Background(), len(l.g.node), 512, func(lo, hi int) {
		for c := lo; c < hi; c++ {
			at := l.g.node[c]
			var s0, s1, s2 float32
			for dk := -1; dk <= 1; dk++ {
				k := 2*int(at[2]) + dk
				if uint(k) > uint(n[2]) {
					continue
				}
				for dj := -1; dj <= 1; dj++ {
					j := 2*int(at[1]) + dj
					if uint(j) > uint(n[1]) {
						continue
					}
					for di := -1; di <= 1; di++ {
						i := 2*int(at[0]) + di
						if uint(i) > uint(n[0]) {
							continue
						}
						f := l.child[(k*(n[1]+1)+j)*(n[0]+1)+i]
						if f < 0 {
							continue
						}
						w := half[di&1] * half[dj&1] * half[dk&1]
						r := fine.r[3*f : 3*f+3]
						s0, s1, s2 = s0+w*r[0], s1+w*r[1], s2+w*r[2]
					}
				}
			}
			l.b[3*c], l.b[3*c+1], l.b[3*c+2] = s0, s1, s2
		}
	})
}

// half is the part that a node at an even place has of a coarser one, and at an odd
// place of each of the two around it.
var half = [2]float32{1, 0.5}

// prolong adds to the finer level's x what l.x interpolates.
func (l *level) prolong(fine *level) {
	if l.parent == nil {
		l.parent = l.g.numbers()
	}
	n := l.g.n
	_ = par.Blocks(context.Background(), len(fine.g.node), 512, func(lo, hi int) {
		for f := lo; f < hi; f++ {
			at := fine.g.node[f]
			var s0, s1, s2 float32
			for k := at[2] / 2; k <= (at[2]+1)/2; k++ {
				for j := at[1] / 2; j <= (at[1]+1)/2; j++ {
					for i := at[0] / 2; i <= (at[0]+1)/2; i++ {
						c := l.parent[(int(k)*(n[1]+1)+int(j))*(n[0]+1)+int(i)]
						x := l.x[3*c : 3*c+3]
						s0, s1, s2 = s0+x[0], s1+x[1], s2+x[2]
					}
				}
			}
			w := half[at[0]&1] * half[at[1]&1] * half[at[2]&1]
			fine.x[3*f] += w * s0
			fine.x[3*f+1] += w * s1
			fine.x[3*f+2] += w * s2
		}
	})
	hold(fine.x, fine.held)
}
