package voxel

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/material"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Surface bounds a body.
type Surface struct {
	// Distance is the signed distance of a point, mm: negative on the side of the body.
	Distance func(r3.Vec) float64
	Pressure float64 // that pushes on it, kPa
	Springs  float64 // that support it along its normal, kPa/mm
	Slide    bool    // its nodes move in its tangent planes alone
}

// Body is a solid in a box of cubes.
type Body struct {
	Origin   r3.Vec    // a corner of the box, mm
	Axes     [3]r3.Vec // its directions, orthonormal
	Cells    [3]int    // cubes along them
	Spacing  float64   // edge of a cube, mm
	Surfaces []Surface // the body lies where all distances are negative
	// Tissue is the elastic solid at a point of the body.
	Tissue func(r3.Vec) material.Elastic
}

// Settings say how a body is meshed and solved.
type Settings struct {
	Project       bool    // move nodes of the border onto the surfaces
	MinJacobian   float64 // that projection keeps: least determinant over the mean of its brick
	Tolerance     float64 // relative residual
	MaxIterations int
}

// DefaultSettings returns projection with a least Jacobian of 0.3 and 1e-6.
func DefaultSettings() Settings {
	return Settings{Project: true, MinJacobian: 0.3, Tolerance: 1e-6, MaxIterations: 1000}
}

// maxBox bounds the cubes of the box, most of which are empty.
const maxBox = 1 << 29

// check tells why b cannot be meshed.
func (b *Body) check() error {
	switch {
	case !(b.Spacing > 0) || math.IsInf(b.Spacing, 0):
		return fmt.Errorf("voxel: spacing is %g mm: must be positive and finite", b.Spacing)
	case b.Cells[0] < 1 || b.Cells[1] < 1 || b.Cells[2] < 1:
		return fmt.Errorf("voxel: box of %v cubes: every axis needs one", b.Cells)
	case float64(b.Cells[0]+1)*float64(b.Cells[1]+1)*float64(b.Cells[2]+1) > maxBox:
		return fmt.Errorf("voxel: box of %v cubes of %g mm: more than %d; use a larger spacing or a tighter box", b.Cells, b.Spacing, maxBox)
	case len(b.Surfaces) == 0:
		return errors.New("voxel: the body has no surface")
	}
	return nil
}

// point returns the place of node (i, j, k) of the box, or any place between nodes.
func (b *Body) point(i, j, k float64) r3.Vec {
	p := b.Origin
	for axis, t := range [3]float64{i, j, k} {
		p = r3.Add(p, r3.Scale(t*b.Spacing, b.Axes[axis]))
	}
	return p
}

// outside returns the surface that p is farthest beyond and that distance, which is
// negative inside the body, or the first that is not a number.
func (b *Body) outside(p r3.Vec) (surface int, d float64) {
	d = math.Inf(-1)
	for n := range b.Surfaces {
		v := b.Surfaces[n].Distance(p)
		if math.IsNaN(v) {
			return n, v
		}
		if v > d {
			surface, d = n, v
		}
	}
	return surface, d
}

// steps are the corners of a cube, by the bits of their number.
var steps = func() (s [8][3]int) {
	for a := range s {
		s[a] = [3]int{a & 1, a >> 1 & 1, a >> 2}
	}
	return s
}()

// grid is the part of a box of cubes that is in use.
type grid struct {
	n     [3]int // cubes of the box along each axis
	cell  []int32
	cells [][8]int32 // nodes of each cube, by corner
	at    [][3]int32 // place of each cube
	node  [][3]int32 // place of each node
	slab  []int      // first cube of each slab of layers of the third axis, and the end
}

// layers is the number of layers in a slab: cubes of every second slab share no
// node, so that slabs are summed side by side, each in its own order.
const layers = 4

// newGrid numbers the cubes that in admits, and their nodes, along the first axis,
// then the second, then the third.
func newGrid(n [3]int, in []bool) *grid {
	g := &grid{n: n, cell: make([]int32, len(in))}
	node := make([]int32, (n[0]+1)*(n[1]+1)*(n[2]+1))
	number := func(i, j, k int) *int32 { return &node[(k*(n[1]+1)+j)*(n[0]+1)+i] }
	for at := range in {
		g.cell[at] = -1
		if !in[at] {
			continue
		}
		i, j, k := at%n[0], at/n[0]%n[1], at/(n[0]*n[1])
		for len(g.slab) <= k/layers {
			g.slab = append(g.slab, len(g.cells))
		}
		g.cell[at] = int32(len(g.cells))
		g.cells = append(g.cells, [8]int32{})
		g.at = append(g.at, [3]int32{int32(i), int32(j), int32(k)})
		for _, s := range steps {
			*number(i+s[0], j+s[1], k+s[2]) = 1
		}
	}
	g.slab = append(g.slab, len(g.cells))
	for at, used := range node {
		if used == 0 {
			node[at] = -1
			continue
		}
		node[at] = int32(len(g.node))
		g.node = append(g.node, [3]int32{int32(at % (n[0] + 1)), int32(at / (n[0] + 1) % (n[1] + 1)), int32(at / ((n[0] + 1) * (n[1] + 1)))})
	}
	for e, c := range g.at {
		for a, s := range steps {
			g.cells[e][a] = *number(int(c[0])+s[0], int(c[1])+s[1], int(c[2])+s[2])
		}
	}
	return g
}

// cellAt returns the number of the cube at a place, −1 if there is none.
func (g *grid) cellAt(i, j, k int) int32 {
	if uint(i) >= uint(g.n[0]) || uint(j) >= uint(g.n[1]) || uint(k) >= uint(g.n[2]) {
		return -1
	}
	return g.cell[(k*g.n[1]+j)*g.n[0]+i]
}

// eachSlab calls f for runs of cubes, first of the even slabs side by side, then of
// the odd ones.
func (g *grid) eachSlab(f func(lo, hi int)) {
	slabs := len(g.slab) - 1
	for odd := range 2 {
		_ = par.For(context.Background(), (slabs+1-odd)/2, func(n int) {
			s := 2*n + odd
			f(g.slab[s], g.slab[s+1])
		})
	}
}

// fill returns the cubes whose centre lies in the body, less those that the largest
// part connected by sides does not hold.
func (b *Body) fill(ctx context.Context) ([]bool, error) {
	n := b.Cells
	in := make([]bool, n[0]*n[1]*n[2])
	bad := make([]int, n[2]) // surface whose distance is not a number, plus one
	if err := par.For(ctx, n[2], func(k int) {
		for j := range n[1] {
			for i := range n[0] {
				s, d := b.outside(b.point(float64(i)+0.5, float64(j)+0.5, float64(k)+0.5))
				if math.IsNaN(d) {
					bad[k] = s + 1
				}
				in[(k*n[1]+j)*n[0]+i] = d < 0
			}
		}
	}); err != nil {
		return nil, err
	}
	for k, s := range bad {
		if s > 0 {
			p := b.point(float64(n[0])/2, float64(n[1])/2, float64(k)+0.5)
			return nil, fmt.Errorf("voxel: the distance of surface %d is not a number in the layer of (%.2f, %.2f, %.2f) mm", s-1, p.X, p.Y, p.Z)
		}
	}
	part := make([]int32, len(in))
	var count, best, most int
	var queue []int32
	for at := range in {
		if !in[at] || part[at] != 0 {
			continue
		}
		count++
		queue = append(queue[:0], int32(at))
		part[at] = int32(count)
		for head := 0; head < len(queue); head++ {
			c := int(queue[head])
			i, j, k := c%n[0], c/n[0]%n[1], c/(n[0]*n[1])
			for _, d := range [6][4]int{{i - 1, n[0], c - 1}, {i + 1, n[0], c + 1}, {j - 1, n[1], c - n[0]}, {j + 1, n[1], c + n[0]}, {k - 1, n[2], c - n[0]*n[1]}, {k + 1, n[2], c + n[0]*n[1]}} {
				if uint(d[0]) < uint(d[1]) && in[d[2]] && part[d[2]] == 0 {
					part[d[2]] = int32(count)
					queue = append(queue, int32(d[2]))
				}
			}
		}
		if len(queue) > most {
			most, best = len(queue), count
		}
	}
	if most == 0 {
		return nil, errors.New("voxel: no cube has its centre in the body: use a smaller spacing")
	}
	for at := range in {
		in[at] = part[at] == int32(best)
	}
	return in, nil
}
