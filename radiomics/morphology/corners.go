package morphology

import (
	"math"
	"math/bits"
)

// point is a corner of the surface in half voxels of the bitBox. The surface
// crosses the lattice halfway between a voxel inside and one outside, so all
// corners are whole numbers here and every test on them is exact.
type point [3]int32

// lines fills w.ends with the first and last corner on each line along i: line
// (y, z), in half voxels, is at z·(2·size[1]−1) + y. All corners of the convex
// hull are among these.
func (w *Workspace) lines() {
	b := &w.region
	ny, nz := 2*b.size[1]-1, 2*b.size[2]-1
	w.ends = resized(w.ends, ny*nz)
	zero := b.row(0, 0) // margin
	at := func(a, c []uint64, inside int32) interval {
		first, last, ok := ends(a, c)
		if !ok {
			return nothing
		}
		return interval{2*int32(first) - inside, 2*int32(last) + inside}
	}
	for z := range nz {
		for y := range ny {
			j, k := y/2, z/2
			switch {
			case z&1 == 1 && y&1 == 1:
				w.ends[z*ny+y] = nothing
			case z&1 == 1: // between two slices: what only one of them has
				w.ends[z*ny+y] = at(b.row(j, k), b.row(j, k+1), 0)
			case y&1 == 1: // between two rows
				w.ends[z*ny+y] = at(b.row(j, k), b.row(j+1, k), 0)
			default: // in a row: beyond its ends
				w.ends[z*ny+y] = at(b.row(j, k), zero, 1)
			}
		}
	}
}

// slice returns the ends of the lines of slice z, in half voxels.
func (w *Workspace) slice(z int) []interval {
	ny := 2*w.region.size[1] - 1
	return w.ends[z*ny : (z+1)*ny : (z+1)*ny]
}

// outline appends to dst the corners of the convex polygon around the ends of
// parallel lines, one after the other: {end, line} as the first two coordinates.
// Andrew's monotone chain needs no sorting here. A point can stand in it twice.
func outline(dst []point, lines []interval) []point {
	for side := range 2 {
		start := len(dst)
		for n, l := range lines {
			if l.lo > l.hi {
				continue
			}
			p := point{l.lo, int32(n)}
			if side == 1 {
				p[0] = l.hi
			}
			for len(dst) >= start+2 {
				a, c := dst[len(dst)-2], dst[len(dst)-1]
				turn := int64(c[0]-a[0])*int64(p[1]-a[1]) - int64(c[1]-a[1])*int64(p[0]-a[0])
				if side == 0 && turn < 0 || side == 1 && turn > 0 {
					break
				}
				dst = dst[:len(dst)-1]
			}
			dst = append(dst, p)
		}
	}
	return dst
}

// widest returns the larger of best and the squared largest distance between two
// ends of parallel lines in a plane, mm². Half voxels measure along mm on the
// lines and across mm from line to line.
func (w *Workspace) widest(best float64, lines []interval, along, across float64) float64 {
	// A plane whose box has a shorter diagonal is no candidate.
	lo, hi := int32(math.MaxInt32), int32(math.MinInt32)
	first, last := -1, 0
	for n, l := range lines {
		if l.lo > l.hi {
			continue
		}
		if first < 0 {
			first = n
		}
		last = n
		lo, hi = min(lo, l.lo), max(hi, l.hi)
	}
	if first < 0 || square(float64(hi-lo)*along)+square(float64(last-first)*across) <= best {
		return best
	}
	w.chain = outline(w.chain[:0], lines[first:last+1])
	return widestOf(best, w.chain, along, across)
}

// widestOf returns the larger of best and the squared largest distance between
// two points of an outline, mm².
func widestOf(best float64, outline []point, along, across float64) float64 {
	for n, p := range outline {
		for _, q := range outline[:n] {
			if d := square(float64(p[0]-q[0])*along) + square(float64(p[1]-q[1])*across); d > best {
				best = d
			}
		}
	}
	return best
}

func square(x float64) float64 { return x * x }

// planeDiameters returns the largest distance between two corners in one plane
// across k, j and i, mm. It needs the outlines of the slices in w.corners.
func (w *Workspace) planeDiameters(spacing [3]float64) (slice, column, row float64) {
	b := &w.region
	hx, hy, hz := spacing[0]/2, spacing[1]/2, spacing[2]/2
	nx, ny, nz := 2*b.size[0]-1, 2*b.size[1]-1, 2*b.size[2]-1
	// The middle planes, where a body is widest, first.
	for n := range nz {
		z := fromMiddle(n, nz)
		o := w.corners[w.starts[z]:w.starts[z+1]]
		lo, hi := point{math.MaxInt32, math.MaxInt32}, point{math.MinInt32, math.MinInt32}
		for _, p := range o {
			lo[0], hi[0] = min(lo[0], p[0]), max(hi[0], p[0])
			lo[1], hi[1] = min(lo[1], p[1]), max(hi[1], p[1])
		}
		if len(o) > 0 && square(float64(hi[0]-lo[0])*hx)+square(float64(hi[1]-lo[1])*hy) > slice {
			slice = widestOf(slice, o, hx, hy)
		}
	}
	w.columns = resized(w.columns, max(nz, nx*nz))
	for n := range ny {
		y := fromMiddle(n, ny)
		across := w.columns[:nz]
		for z := range across {
			across[z] = w.ends[z*ny+y]
		}
		column = w.widest(column, across, hx, hz)
	}
	w.acrossRows()
	for n := range nx {
		x := fromMiddle(n, nx)
		row = w.widest(row, w.columns[x*nz:(x+1)*nz], hy, hz)
	}
	return math.Sqrt(slice), math.Sqrt(column), math.Sqrt(row)
}

// fromMiddle returns the n-th of [0, size), from the middle outwards.
func fromMiddle(n, size int) int {
	m := size / 2
	if n&1 == 1 {
		return m - (n+1)/2
	}
	return m + n/2
}

// acrossRows fills w.columns with the first and last corner on each line along
// j: line (x, z), in half voxels, is at x·(2·size[2]−1) + z.
func (w *Workspace) acrossRows() {
	b := &w.region
	nx, nz := 2*b.size[0]-1, 2*b.size[2]-1
	for n := range w.columns[:nx*nz] {
		w.columns[n] = nothing
	}
	w.seen = resized(w.seen, 2*b.words)
	for k := range b.size[2] {
		// Corners between rows and between columns of the slice.
		for _, down := range []bool{false, true} {
			clear(w.seen)
			between, beside := w.seen[:b.words], w.seen[b.words:]
			for n := range b.size[1] {
				j := n
				if down {
					j = b.size[1] - 1 - n
				}
				row := b.row(j, k)
				for v, word := range row {
					w.mark((word^word>>1)&(1<<perWord-1), &beside[v], 2*v*perWord+1, 2*j, 2*k, down)
				}
				other := j + 1 // the row on the far side of the corner
				if down {
					other = j - 1
				}
				if uint(other) < uint(b.size[1]) {
					next := b.row(other, k)
					for v, word := range row {
						w.mark((word^next[v])&(1<<perWord-1), &between[v], 2*v*perWord, j+other, 2*k, down)
					}
				}
			}
			if k+1 == b.size[2] {
				continue
			}
			// Corners between this slice and the next.
			clear(between)
			for n := range b.size[1] {
				j := n
				if down {
					j = b.size[1] - 1 - n
				}
				row, next := b.row(j, k), b.row(j, k+1)
				for v, word := range row {
					w.mark((word^next[v])&(1<<perWord-1), &between[v], 2*v*perWord, 2*j, 2*k+1, down)
				}
			}
		}
	}
}

// mark sets the end at y of the lines of the bits that are not seen yet.
func (w *Workspace) mark(found uint64, seen *uint64, x, y, z int, down bool) {
	fresh := found &^ *seen
	*seen |= found
	nz := 2*w.region.size[2] - 1
	for ; fresh != 0; fresh &= fresh - 1 {
		l := &w.columns[(x+2*bits.TrailingZeros64(fresh))*nz+z]
		if down {
			l.hi = max(l.hi, int32(y))
		} else {
			l.lo = min(l.lo, int32(y))
		}
	}
}

// outermost fills w.corners with the corners of the outlines of all slices,
// among which are those of the hull, and w.starts with where each begins.
func (w *Workspace) outermost() {
	w.corners, w.starts = w.corners[:0], append(w.starts[:0], 0)
	for z := range 2*w.region.size[2] - 1 {
		start := len(w.corners)
		w.corners = outline(w.corners, w.slice(z))
		for n := start; n < len(w.corners); n++ {
			w.corners[n][2] = int32(z)
		}
		w.starts = append(w.starts, len(w.corners))
	}
}
