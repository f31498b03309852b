package segmentation

import (
	"container/heap"
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
)

const (
	seedReach   = 1.5   // within which the lumen at a seed is sought, mm
	airBelow    = -300  // HU
	leastBlood  = 150.0 // at a seed, HU
	detour      = 20.0  // around the box of two seeds in which their path may run, mm
	pathBlur    = 0.4   // standard deviation of the smoothing before the search, mm
	mostDark    = 8.0   // way outside contrast after which a path is broken, mm
	shutPenalty = 30.0  // cost of a millimetre through wall, in millimetres of lumen
)

// TraceSeeds returns the centre-line of the artery that runs through points, from
// the first to the last. Between two points it is the path of least cost
//
//	∫ 1 + c·t² ds,  t = |I − μ_b|/(μ_b − μ_w)                          (U.5)
//
// through the smoothed CT I, where μ_b is the CT number of blood at the points
// and t is bounded to [0, 2]; so the path keeps off calcium as well. Points outside the CT, in air or without contrast,
// and points that no contrast joins, are errors that name the place.
func TraceSeeds(ctx context.Context, vol *imaging.Volume, points []r3.Vec, cfg SurfaceConfig) (coronary.Centerline, error) {
	var none coronary.Centerline
	found := make([]float64, len(points))
	for n, p := range points {
		var err error
		if found[n], err = seedHU(vol, p); err != nil {
			return none, fmt.Errorf("seed %d: %w", n+1, err)
		}
	}
	blood := median(found)
	var path []r3.Vec
	for n := 1; n < len(points); n++ {
		part, err := cheapest(ctx, vol, points[n-1], points[n], blood, cfg)
		if err != nil {
			return none, fmt.Errorf("from seed %d to seed %d: %w", n, n+1, err)
		}
		path = append(path, part...)
	}
	line := coronary.NewCenterline(path, nil)
	if l := line.Length(); l < shortest {
		return none, fmt.Errorf("the seeds at %s are only %.1f mm apart, and a vessel needs %g mm", place(points[0]), l, shortest)
	}
	line = line.Resample(nodeStep)
	return line.Smooth(1), nil
}

// seedHU returns the CT number of blood at a seed: the brightest within reach.
func seedHU(vol *imaging.Volume, p r3.Vec) (float64, error) {
	here, ok := vol.Sample(p)
	if !ok {
		return 0, fmt.Errorf("%s lies outside the CT, %s; are its coordinates LPS?", place(p), vol.Grid.String())
	}
	if here < airBelow {
		return 0, fmt.Errorf("%s lies in air or lung (%.0f HU)", place(p), here)
	}
	x, y, z := vol.Index(p)
	best := here
	n := vol.Steps(seedReach)
	i0, j0, k0 := int(math.Round(x)), int(math.Round(y)), int(math.Round(z))
	for k := k0 - n[2]; k <= k0+n[2]; k++ {
		for j := j0 - n[1]; j <= j0+n[1]; j++ {
			for i := i0 - n[0]; i <= i0+n[0]; i++ {
				if vol.Inside(i, j, k) && r3.Norm(r3.Sub(vol.Point(float64(i), float64(j), float64(k)), p)) <= seedReach {
					best = max(best, meanAround(vol, i, j, k))
				}
			}
		}
	}
	if best < leastBlood {
		return 0, fmt.Errorf("at %s no contrast is found within %g mm (at most %.0f HU, and blood needs %g HU)", place(p), seedReach, best, leastBlood)
	}
	return best, nil
}

// meanAround returns the mean of a voxel and its six neighbours.
func meanAround(vol *imaging.Volume, i, j, k int) float64 {
	sum, n := vol.At(i, j, k), 1.0
	for _, d := range [6][3]int{{-1}, {1}, {0, -1}, {0, 1}, {0, 0, -1}, {0, 0, 1}} {
		if vol.Inside(i+d[0], j+d[1], k+d[2]) {
			sum += vol.At(i+d[0], j+d[1], k+d[2])
			n++
		}
	}
	return sum / n
}

// cheapest returns the path of least cost from a to b.
func cheapest(ctx context.Context, vol *imaging.Volume, a, b r3.Vec, blood float64, cfg SurfaceConfig) ([]r3.Vec, error) {
	var lo, hi [3]int
	ax, ay, az := vol.Index(a)
	bx, by, bz := vol.Index(b)
	room := vol.Steps(detour)
	for n, p := range [3][2]float64{{ax, bx}, {ay, by}, {az, bz}} {
		lo[n] = int(math.Floor(min(p[0], p[1]))) - room[n]
		hi[n] = int(math.Ceil(max(p[0], p[1]))) + room[n] + 1
	}
	box, err := imaging.Gaussian(ctx, vol.Crop(vol.Clamp(lo, hi)), [3]float64{pathBlur, pathBlur, pathBlur})
	if err != nil {
		return nil, err
	}
	voxel := func(p r3.Vec) int {
		x, y, z := box.Index(p)
		at := [3]int{int(math.Round(x)), int(math.Round(y)), int(math.Round(z))}
		for n := range at {
			at[n] = min(max(at[n], 0), box.Size[n]-1)
		}
		return box.Offset(at[0], at[1], at[2])
	}
	cost := func(o int) float64 {
		t := min(math.Abs(blood-float64(box.Values[o]))/(blood-cfg.WallHU), 2)
		return 1 + shutPenalty*t*t
	}
	start, goal := voxel(a), voxel(b)
	from := search(&box.Grid, goal, start, cost)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	path := []r3.Vec{a}
	dark, last := 0.0, a
	for o := start; o != goal; o = int(from[o]) {
		p := box.Point(coordinates(&box.Grid, o))
		if float64(box.Values[o]) < (blood+cfg.WallHU)/2-0.25*(blood-cfg.WallHU) {
			if dark += r3.Norm(r3.Sub(p, last)); dark > mostDark {
				return nil, fmt.Errorf("no contrast joins them: the best path leaves it for more than %g mm near %s; set a seed on either side if the artery is occluded there, or more seeds along it", mostDark, place(p))
			}
		} else {
			dark = 0
		}
		last = p
		if o != start {
			path = append(path, p)
		}
	}
	return append(path, b), nil
}

// search returns, per voxel that it has seen, the next one on the cheapest way to
// start; it stops at goal. A hop of length h costs h times the mean cost of both
// voxels.
func search(g *imaging.Grid, start, goal int, cost func(o int) float64) (from []int32) {
	from = make([]int32, g.Len())
	dist := make([]float32, g.Len())
	for o := range dist {
		dist[o] = math.MaxFloat32
	}
	type hop struct {
		d      [3]int
		length float64
	}
	var hops []hop
	for n := range 27 {
		if d := [3]int{n%3 - 1, n/3%3 - 1, n/9 - 1}; n != 13 {
			hops = append(hops, hop{d, r3.Norm(r3.Sub(g.Point(float64(d[0]), float64(d[1]), float64(d[2])), g.Point(0, 0, 0)))})
		}
	}
	dist[start] = 0
	q := &queue{{0, int32(start)}}
	for q.Len() > 0 {
		x := heap.Pop(q).(entry)
		if int(x.node) == goal {
			break
		}
		if float32(x.dist) > dist[x.node] {
			continue
		}
		i, j, k := g.Coords(int(x.node))
		here := cost(int(x.node))
		for _, h := range hops {
			a, b, c := i+h.d[0], j+h.d[1], k+h.d[2]
			if !g.Inside(a, b, c) {
				continue
			}
			o := g.Offset(a, b, c)
			if t := float32(x.dist + h.length*(here+cost(o))/2); t < dist[o] {
				dist[o], from[o] = t, x.node
				heap.Push(q, entry{float64(t), int32(o)})
			}
		}
	}
	return from
}
