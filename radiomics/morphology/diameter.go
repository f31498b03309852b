package morphology

import (
	"cmp"
	"math"
	"slices"
)

// farthest is the scratch of a search for the two points of a set that are
// farthest apart.
type farthest struct {
	points []position
	order  []position // by cell
	cells  []cell
	pairs  []cellPair
}

// position is a point in mm, with the cell it lies in.
type position struct {
	p    [3]float64
	cell int32
}

// cell is a part of the points and their box.
type cell struct {
	lo, hi     [3]float64
	start, end int
}

// cellPair is two cells and the largest squared distance that points of them
// can have.
type cellPair struct {
	a, b  int32
	bound float64
}

// fewPoints is up to how many points all pairs are tried.
const fewPoints = 128

// diameter returns the largest distance between two of the points, which are in
// half voxels. It is exact: pairs are only left out if their cells' boxes show
// that they are closer than a pair found already.
func (f *farthest) diameter(points []point, space *frame) float64 {
	f.points = f.points[:0]
	lo := [3]float64{math.Inf(1), math.Inf(1), math.Inf(1)}
	hi := [3]float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
	for _, p := range points {
		q := position{p: space.point(p)}
		for a := range 3 {
			lo[a], hi[a] = min(lo[a], q.p[a]), max(hi[a], q.p[a])
		}
		f.points = append(f.points, q)
	}
	if len(points) <= fewPoints {
		return math.Sqrt(apart(0, f.points, nil))
	}
	// From one end to the other, a few times: nearly the answer.
	var best float64
	at := f.points[0].p
	for range 6 {
		d, far := 0.0, at
		for n := range f.points {
			if e := distance2(at, f.points[n].p); e > d {
				d, far = e, f.points[n].p
			}
		}
		if d <= best {
			break
		}
		best, at = d, far
	}
	// What cannot reach that from anywhere in the box's ball is no candidate.
	var centre [3]float64
	for a := range 3 {
		centre[a] = (lo[a] + hi[a]) / 2
	}
	var radius float64
	for n := range f.points {
		radius = max(radius, distance2(centre, f.points[n].p))
	}
	if inner := math.Sqrt(best) - math.Sqrt(radius); inner > 0 {
		limit := inner * inner * (1 - 1e-12)
		f.points = slices.DeleteFunc(f.points, func(q position) bool { return distance2(centre, q.p) < limit })
	}
	if len(f.points) <= fewPoints {
		return math.Sqrt(apart(best, f.points, nil))
	}
	f.sort(lo, hi)
	f.pairs = f.pairs[:0]
	for a := range f.cells {
		for b := range a + 1 {
			var bound float64
			p, q := &f.cells[a], &f.cells[b]
			for c := range 3 {
				bound += square(max(p.hi[c]-q.lo[c], q.hi[c]-p.lo[c]))
			}
			if bound > best {
				f.pairs = append(f.pairs, cellPair{int32(a), int32(b), bound})
			}
		}
	}
	slices.SortFunc(f.pairs, func(p, q cellPair) int { return cmp.Compare(q.bound, p.bound) })
	for _, pair := range f.pairs {
		if pair.bound <= best {
			break
		}
		p, q := &f.cells[pair.a], &f.cells[pair.b]
		if pair.a == pair.b {
			best = apart(best, f.order[p.start:p.end], nil)
		} else {
			best = apart(best, f.order[p.start:p.end], f.order[q.start:q.end])
		}
	}
	return math.Sqrt(best)
}

// sort puts the points in cells of a regular lattice.
func (f *farthest) sort(lo, hi [3]float64) {
	const parts = 8
	var counts [parts * parts * parts]int
	var scale [3]float64
	for a := range 3 {
		scale[a] = parts * (1 - 1e-9) / (hi[a] - lo[a])
	}
	for n := range f.points {
		q := &f.points[n]
		at := 0
		for a := range 3 {
			at = at*parts + int((q.p[a]-lo[a])*scale[a])
		}
		q.cell = int32(at)
		counts[at]++
	}
	f.cells = f.cells[:0]
	var start [parts * parts * parts]int
	sum := 0
	for at, n := range counts {
		start[at] = sum
		if n > 0 {
			f.cells = append(f.cells, cell{start: sum, end: sum + n})
		}
		sum += n
	}
	f.order = resized(f.order, len(f.points))
	for n := range f.points {
		c := f.points[n].cell
		f.order[start[c]] = f.points[n]
		start[c]++
	}
	for n := range f.cells {
		c := &f.cells[n]
		c.lo, c.hi = f.order[c.start].p, f.order[c.start].p
		for _, q := range f.order[c.start:c.end] {
			for a := range 3 {
				c.lo[a], c.hi[a] = min(c.lo[a], q.p[a]), max(c.hi[a], q.p[a])
			}
		}
	}
}

// apart returns the larger of best and the largest squared distance between a
// point of p and one of q, or between two of p if q is nil.
func apart(best float64, p, q []position) float64 {
	for n := range p {
		others := q
		if q == nil {
			others = p[:n]
		}
		x := p[n].p
		for m := range others {
			o := &others[m].p
			d := square(x[0]-o[0]) + square(x[1]-o[1]) + square(x[2]-o[2])
			if d > best {
				best = d
			}
		}
	}
	return best
}

func distance2(p, q [3]float64) float64 {
	return square(p[0]-q[0]) + square(p[1]-q[1]) + square(p[2]-q[2])
}
