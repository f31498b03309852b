package mesh

import (
	"context"
	"math"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Adapt makes a swept mesh finer where stress varies most, next to the interfaces
// of tissues. The numbers of elements around and through stay those of [Sizes].
type Adapt struct {
	// Distance returns the distance of p from the nearest interface, mm, whose sign
	// changes there. It is called from several goroutines.
	Distance func(p r3.Vec) float64
	// Axial is the length of the elements at an interface, mm.
	Axial float64
	// Through and Around say how many times finer elements are at an interface than
	// far from it, across the wall and around the lumen; 1 leaves them alone.
	Through, Around float64
}

const (
	throughReach = 1.2 // distance at which elements are half as fine, in mean layers of the ray
	aroundReach  = 3   // the same around, in mean elements
	axialGrowth  = 0.3 // growth of the length of elements by distance from an interface
	leastSnap    = 0.4 // of a layer that must be left where nodes are moved onto an interface
	surveyDepth  = 8   // samples through the wall of the survey
	surveyTwist  = 1   // standard deviation, mm, over which angles are smoothed along the vessel
)

// density returns how much finer elements are at the distance phi from an
// interface than far away:
//
//	ρ = 1 + (c − 1)/(1 + (φ/w)²)                                      (F.22)
func density(phi, reach, crowding float64) float64 {
	return 1 + (crowding-1)/(1+phi*phi/(reach*reach))
}

// equal stores in out the places that cut the range of a density, given by its
// sums at equal steps over [0, 1], into equal parts.
func equal(out, sum []float64) {
	n, parts := len(out)-1, len(sum)-1
	out[0], out[n] = 0, 1
	a := 0
	for i := 1; i < n; i++ {
		want := sum[parts] * float64(i) / float64(n)
		for a < parts-1 && sum[a+1] < want {
			a++
		}
		out[i] = (float64(a) + (want-sum[a])/(sum[a+1]-sum[a])) / float64(parts)
	}
}

// survey is the distance from the nearest interface, of any depth in the wall,
// along and around a vessel.
type survey struct {
	lo, step float64
	near     [][]float64 // [place along][angle], mm
}

func (a *Adapt) survey(ctx context.Context, rings []ring, lo, hi, step float64, angles int) (*survey, error) {
	n := max(1, int(math.Ceil((hi-lo)/step)))
	s := &survey{lo: lo, step: (hi - lo) / float64(n), near: make([][]float64, n+1)}
	err := par.For(ctx, n+1, func(k int) {
		r := between(rings, lo+float64(k)*s.step)
		s.near[k] = make([]float64, angles)
		for j := range angles {
			theta := float64(j) / float64(angles)
			in, out := r.at(theta)
			least := math.Inf(1)
			for i := range surveyDepth {
				d := in + (out-in)*(float64(i)+0.5)/surveyDepth
				least = min(least, math.Abs(a.Distance(r.frame.Point(direction(theta, d)))))
			}
			s.near[k][j] = least
		}
	})
	return s, err
}

// planes returns the arc lengths of the node planes: elements are as long as
// coarse far from interfaces and as long as a.Axial next to one.
func (s *survey) planes(fine, coarse float64) []float64 {
	n := len(s.near) - 1
	length := func(k int) float64 {
		h := coarse
		for _, d := range s.near[k] {
			h = min(h, max(fine, fine+axialGrowth*(d-fine)))
		}
		return h
	}
	sum := make([]float64, n+1)
	for k := range n {
		sum[k+1] = sum[k] + s.step*(1/length(k)+1/length(k+1))/2
	}
	out := make([]float64, max(2, int(math.Round(sum[n])))+1)
	equal(out, sum)
	for i := range out {
		out[i] = s.lo + out[i]*s.step*float64(n)
	}
	return out
}

// angles returns the directions of the rays of n elements at the arc length at,
// in turns, denser where an interface is near on this part of the vessel.
func (s *survey) angles(at float64, n int, crowding, reach float64) []float64 {
	m := len(s.near[0])
	rho := make([]float64, m)
	for k := range s.near {
		d := (s.lo + float64(k)*s.step - at) / surveyTwist
		if math.Abs(d) > 3 {
			continue
		}
		w := math.Exp(-d * d / 2)
		for j, phi := range s.near[k] {
			rho[j] += w * density(phi, reach, crowding)
		}
	}
	sum := make([]float64, m+1)
	for j := range m {
		sum[j+1] = sum[j] + (rho[j]+rho[(j+1)%m])/2
	}
	out := make([]float64, n+1)
	equal(out, sum)
	return out[:n]
}

// through moves the given layers of a ray towards the interfaces that it meets,
// by (F.22), and the nearest one onto each, so that elements end at it where it
// runs along them.
func (a *Adapt) through(layer []float64, thickness float64, ray func(t float64) r3.Vec) []float64 {
	const parts = 4 // of a given layer
	n := len(layer) - 1
	sum := make([]float64, parts*n+1)
	crossed := false
	var before float64
	for i := range parts * n {
		at := layer[i/parts] + (float64(i%parts)+0.5)/parts*(layer[i/parts+1]-layer[i/parts])
		phi := a.Distance(ray(at))
		crossed = crossed || i > 0 && (phi < 0) != (before < 0)
		before = phi
		sum[i+1] = sum[i] + density(phi*float64(n)/thickness, throughReach, a.Through)
	}
	out := make([]float64, n+1)
	equal(out, sum)
	for i, t := range out { // from the index of given layers to the place
		c := min(int(t*float64(n)), n-1)
		out[i] = layer[c] + (t*float64(n)-float64(c))*(layer[c+1]-layer[c])
	}
	if crossed {
		a.snap(out, ray)
	}
	return out
}

// snap moves the inner node nearest to each crossing of an interface onto it.
func (a *Adapt) snap(t []float64, ray func(t float64) r3.Vec) {
	n := len(t) - 1
	inside := make([]bool, n+1)
	for i := range t {
		inside[i] = a.Distance(ray(t[i])) < 0
	}
	moved := make([]float64, n+1)
	copy(moved, t)
	for i := range n {
		if inside[i] == inside[i+1] {
			continue
		}
		lo, hi := t[i], t[i+1]
		for range 20 {
			if mid := (lo + hi) / 2; (a.Distance(ray(mid)) < 0) == inside[i] {
				lo = mid
			} else {
				hi = mid
			}
		}
		at, to := (lo+hi)/2, i
		if at-t[i] > t[i+1]-at {
			to++
		}
		// Two interfaces may pull neighbours together.
		if to > 0 && to < n && moved[to] == t[to] && at-moved[to-1] > leastSnap*(t[to]-t[to-1]) && moved[to+1]-at > leastSnap*(t[to+1]-t[to]) {
			moved[to] = at
		}
	}
	copy(t, moved)
}
