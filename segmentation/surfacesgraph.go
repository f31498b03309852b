package segmentation

import (
	"context"
	"math"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// The first place of the surfaces is the exact minimum, over all pairs of
// surfaces on the candidate radii, of
//
//	Σ c₁(R₁) + c₂(R₂) + λ Σ |R(p) − R(q)|/h                             (U.3)
//
// with |R(p) − R(q)| bounded between neighbouring rays p and q of each surface,
// and MinWall ≤ R₂ − R₁ ≤ MaxWall on every ray. It is the closure of least weight
// in a graph with a node per candidate (Li, Wu, Chen and Sonka, IEEE TPAMI 28
// (2006) 119), which a minimum cut finds.

const (
	graphStep  = 0.15 // between candidates, mm
	graphLeast = 0.3  // smallest candidate, mm
	mostCost   = 20   // that one ray can have against its neighbours
	roughness  = 1.5  // λ of (U.3)
	mostJump   = 2    // candidates between neighbouring rays
	units      = 64   // whole numbers per unit of cost
)

// surfacePair holds two radii per ray, [section][ray], mm.
type surfacePair struct{ lumen, wall []float64 }

// coarse finds the surfaces on the candidates; a lumen that is given, per ray,
// stays, and the wall alone is sought.
func (u *unrolled) coarse(ctx context.Context, blood, given []float64, cfg SurfaceConfig) (surfacePair, error) {
	c := candidates{least: graphLeast, step: graphStep}
	c.n = int((cfg.MaxRadius - tail - c.least) / c.step)
	rays := len(u.s) * u.rays
	costs := make([][][]float64, rays)
	stones := u.stones(blood)
	err := par.For(ctx, len(u.s), func(i int) {
		m := newMatcher(c, u, cfg)
		for a := range u.rays {
			x := i*u.rays + a
			lumen, wall := make([]float64, c.n), make([]float64, c.n)
			if given != nil {
				m.only(given[x])
			}
			m.match(lumen, wall, u.at(i, a), u.blur[x], blood[i], stones[x])
			if costs[x] = [][]float64{lumen, wall}; given != nil {
				costs[x] = costs[x][1:]
			}
		}
	})
	if err != nil {
		return surfacePair{}, err
	}
	found := u.solve(c, costs, cfg)
	if given != nil {
		return surfacePair{given, found[0]}, ctx.Err()
	}
	return surfacePair{found[0], found[1]}, ctx.Err()
}

// solve finds the surfaces of least cost, one or two.
func (u *unrolled) solve(c candidates, costs [][][]float64, cfg SurfaceConfig) [][]float64 {
	rays, surfaces := len(costs), len(costs[0])
	node := func(surface, ray, k int) int { return (surface*rays+ray)*c.n + k }
	f := newFlow(surfaces*rays*c.n, surfaces*rays*c.n*8)
	thin, thick := max(1, int(math.Ceil(cfg.MinWall/c.step))), int(cfg.MaxWall/c.step)
	lambda := int32(roughness * units)
	for x := range costs {
		for surface, cost := range costs[x] {
			least := math.Inf(1)
			for _, v := range cost {
				least = min(least, v)
			}
			at := func(k int) int32 {
				return int32(units * min(cost[k]-least, mostCost))
			}
			// A closed set that holds node k of a column holds all below it; its
			// weight on the column is the cost at the highest.
			f.ends[node(surface, x, 0)] = unbounded
			for k := 1; k < c.n; k++ {
				f.ends[node(surface, x, k)] = at(k-1) - at(k)
				f.arc(node(surface, x, k), node(surface, x, k-1), unbounded, 0)
			}
		}
		for k := 0; k < c.n && surfaces == 2; k++ {
			if k+thin < c.n {
				f.arc(node(0, x, k), node(1, x, k+thin), unbounded, 0)
			} else {
				f.ends[node(0, x, k)] = -unbounded
			}
			if k >= thick {
				f.arc(node(1, x, k), node(0, x, k-thick), unbounded, 0)
			}
		}
		i, a := x/u.rays, x%u.rays
		neighbours := [2]int{i*u.rays + (a+1)%u.rays, x + u.rays}
		for _, y := range neighbours {
			if y >= rays {
				continue
			}
			for surface := range surfaces {
				for k := range c.n {
					f.arc(node(surface, x, k), node(surface, y, k), lambda, lambda)
					if k > mostJump {
						f.arc(node(surface, x, k), node(surface, y, k-mostJump), unbounded, 0)
						f.arc(node(surface, y, k), node(surface, x, k-mostJump), unbounded, 0)
					}
				}
			}
		}
	}
	with := f.cut()
	out := make([][]float64, surfaces)
	for surface := range out {
		out[surface] = make([]float64, rays)
		for x := range out[surface] {
			top := 0
			for k := 1; k < c.n && with[node(surface, x, k)]; k++ {
				top = k
			}
			out[surface][x] = c.radius(top)
		}
	}
	return out
}
