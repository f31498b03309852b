package voxel

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/element"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// side is a side of a cube on a surface; its nodes run counter-clockwise seen from
// outside.
type side struct {
	cell    int32
	nodes   [4]int32
	surface int32
}

// sideCorners lists the corners of the sides of a cube, counter-clockwise seen from
// outside, and sideStep the way to the cube behind.
var (
	sideCorners = [6][4]int{{0, 4, 6, 2}, {1, 3, 7, 5}, {0, 1, 5, 4}, {2, 6, 7, 3}, {0, 2, 3, 1}, {4, 5, 7, 6}}
	sideStep    = [6][3]int{{-1, 0, 0}, {1, 0, 0}, {0, -1, 0}, {0, 1, 0}, {0, 0, -1}, {0, 0, 1}}
)

// border returns the sides without a cube behind, each with the surface that the
// centre of that cube is farthest beyond.
func (b *Body) border(g *grid) []side {
	var sides []side
	for e, c := range g.at {
		for f, d := range sideStep {
			i, j, k := int(c[0])+d[0], int(c[1])+d[1], int(c[2])+d[2]
			if g.cellAt(i, j, k) >= 0 {
				continue
			}
			s := side{cell: int32(e)}
			for a, corner := range sideCorners[f] {
				s.nodes[a] = g.cells[e][corner]
			}
			n, _ := b.outside(b.point(float64(i)+0.5, float64(j)+0.5, float64(k)+0.5))
			s.surface = int32(n)
			sides = append(sides, s)
		}
	}
	return sides
}

// farthest is how far a node may move, as a part of the spacing.
const farthest = 0.9

// gradient returns that of a surface's distance at p, by central differences.
func (b *Body) gradient(surface int, p r3.Vec) (g r3.Vec) {
	d := b.Surfaces[surface].Distance
	h := 0.05 * b.Spacing
	g.X = (d(r3.Add(p, r3.Vec{X: h})) - d(r3.Sub(p, r3.Vec{X: h}))) / (2 * h)
	g.Y = (d(r3.Add(p, r3.Vec{Y: h})) - d(r3.Sub(p, r3.Vec{Y: h}))) / (2 * h)
	g.Z = (d(r3.Add(p, r3.Vec{Z: h})) - d(r3.Sub(p, r3.Vec{Z: h}))) / (2 * h)
	return g
}

// onto returns the point of all surfaces of the list near p, by turns one step of
// Newton's method along each gradient.
func (b *Body) onto(p r3.Vec, surfaces []int32) r3.Vec {
	for range 20 {
		var moved float64
		for _, s := range surfaces {
			g := b.gradient(int(s), p)
			if n := r3.Norm2(g); n > 1e-6 {
				step := r3.Scale(-b.Surfaces[s].Distance(p)/n, g)
				p = r3.Add(p, step)
				moved = max(moved, r3.Norm(step))
			}
		}
		if moved < 1e-6*b.Spacing {
			break
		}
	}
	return p
}

// surfacesOf returns for each node the sorted surfaces of its sides; empty inside.
func surfacesOf(nodes int, sides []side) [][]int32 {
	on := make([][]int32, nodes)
	for _, s := range sides {
		for _, n := range s.nodes {
			if at, ok := slices.BinarySearch(on[n], s.surface); !ok {
				on[n] = slices.Insert(on[n], at, s.surface)
			}
		}
	}
	return on
}

// project returns the places of the nodes, those of the border on their surfaces
// as far as the guard lets them go: bricks whose least Jacobian at a quadrature
// point falls below least times their mean give back a third of the motion of all
// their nodes until none does.
func (b *Body) project(ctx context.Context, g *grid, on [][]int32, least float64) ([]r3.Vec, error) {
	x := make([]r3.Vec, len(g.node))
	for n, c := range g.node {
		x[n] = b.point(float64(c[0]), float64(c[1]), float64(c[2]))
	}
	if !(least > 0) {
		return x, nil
	}
	shift := make([]r3.Vec, len(x))
	if err := par.Blocks(ctx, len(x), 64, func(lo, hi int) {
		for n := lo; n < hi; n++ {
			if len(on[n]) == 0 {
				continue
			}
			d := r3.Sub(b.onto(x[n], on[n]), x[n])
			if l := r3.Norm(d); l > farthest*b.Spacing {
				d = r3.Scale(farthest*b.Spacing/l, d)
			}
			shift[n] = d
		}
	}); err != nil {
		return nil, err
	}
	moved := make([]bool, len(x))
	start := slices.Clone(x)
	part := make([]float64, len(x))
	for n := range x {
		part[n] = 1
		moved[n] = len(on[n]) > 0
		x[n] = r3.Add(x[n], shift[n])
	}
	bad := make([]bool, len(g.cells))
	for round := range 20 {
		if err := par.Blocks(ctx, len(g.cells), 256, func(lo, hi int) {
			var h element.Hex8
			for e := lo; e < hi; e++ {
				bad[e] = false
				if bent(g.cells[e], moved) {
					det := setBrick(&h, x, &g.cells[e])
					bad[e] = !(det*element.Points >= least*h.Volume)
				}
			}
		}); err != nil {
			return nil, err
		}
		var any bool
		back := make([]bool, len(x))
		for e, b := range bad {
			if b {
				any = true
				for _, n := range g.cells[e] {
					back[n] = moved[n]
				}
			}
		}
		if !any {
			break
		}
		for n := range x {
			if back[n] {
				if part[n] *= 2.0 / 3; round > 14 {
					part[n] = 0
				}
				x[n] = r3.Add(start[n], r3.Scale(part[n], shift[n]))
			}
		}
	}
	return x, nil
}

// bent tells whether one of the nodes of a brick has moved.
func bent(cell [8]int32, moved []bool) bool {
	for _, n := range cell {
		if moved[n] {
			return true
		}
	}
	return false
}

// brickCorner is the corner of element.Hex8 of each corner of a cube.
var brickCorner = [8]int{0, 1, 3, 2, 4, 5, 7, 6}

// setBrick puts h at a brick and returns the least determinant.
func setBrick(h *element.Hex8, x []r3.Vec, cell *[8]int32) float64 {
	var c [8]r3.Vec
	for a, n := range cell {
		c[brickCorner[a]] = x[n]
	}
	return h.Set(&c)
}
