package imaging

import (
	"context"
	"math"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Distance returns the distance of every voxel to the nearest voxel centre of
// m, in mm: zero inside, +Inf everywhere if m is empty. It is exact: the
// squared distance
//
//	D²(x) = min over y in m of Σₐ sₐ²(xₐ − yₐ)²                      (I.1)
//
// splits into three passes of lower envelopes of parabolas, one per axis, in
// time proportional to the number of voxels. See Felzenszwalb and
// Huttenlocher, Theory of Computing 8 (2012) 415. Axes are taken as
// perpendicular; in a scan with tilted gantry the distance is that of the
// sheared lattice, wrong by the factor cos(tilt) at most.
func Distance(m *Mask) *Volume {
	v := NewVolume(m.Grid)
	inf := float32(math.Inf(1))
	for n, in := range m.In {
		if !in {
			v.Values[n] = inf
		}
	}
	for axis := range 3 {
		envelopePass(v, axis, nil)
	}
	roots(v)
	return v
}

// roots replaces squared distances by distances.
func roots(v *Volume) {
	_ = par.Blocks(context.Background(), len(v.Values), 1<<16, func(lo, hi int) {
		for n, d := range v.Values[lo:hi] {
			v.Values[lo+n] = float32(math.Sqrt(float64(d)))
		}
	})
}

// lanes is the number of neighbouring lines along j or k that are worked on
// together, so that memory is read in runs.
const lanes = 16

// envelopePass replaces every value of v by the lower envelope, along one
// axis, of the parabolas that stand on the values. cross, if not nil, gives
// the place of a further parabola of height zero between voxel n and its
// successor on the axis, as a fraction of the way, or a negative number.
func envelopePass(v *Volume, axis int, cross func(n int) float64) {
	size, s := v.Size, v.Spacing[axis]
	n := size[axis]
	stride := [3]int{1, size[0], size[0] * size[1]}[axis]
	line := func(e *envelope, start int, buf []float32, step int) {
		e.reset()
		for x := range n {
			if h := buf[x*step]; h < math.MaxFloat32 {
				e.add(float64(x)*s, float64(h))
			}
			if cross != nil && x+1 < n {
				if f := cross(start + x*stride); f >= 0 {
					e.add((float64(x)+f)*s, 0)
				}
			}
		}
		e.store(buf, step, n, s)
	}
	if axis == 0 {
		_ = par.For(context.Background(), size[2], func(k int) {
			e := newEnvelope(2 * n)
			for j := range size[1] {
				o := v.Offset(0, j, k)
				line(e, o, v.Values[o:o+n], 1)
			}
		})
		return
	}
	// Lines along j lie in one slice, lines along k in one plane of constant j.
	planes, at := size[2], func(p int) int { return v.Offset(0, 0, p) }
	if axis == 2 {
		planes, at = size[1], func(p int) int { return v.Offset(0, p, 0) }
	}
	_ = par.For(context.Background(), planes, func(p int) {
		e := newEnvelope(2 * n)
		buf := make([]float32, lanes*n)
		for i := 0; i < size[0]; i += lanes {
			w := min(lanes, size[0]-i)
			start := at(p) + i
			for x := range n {
				copy(buf[x*lanes:][:w], v.Values[start+x*stride:])
			}
			for l := range w {
				line(e, start+l, buf[l:], lanes)
			}
			for x := range n {
				copy(v.Values[start+x*stride:][:w], buf[x*lanes:])
			}
		}
	})
}

// envelope is the lower envelope of parabolas h + (x − q)², added from left
// to right.
type envelope struct {
	q, h []float64 // the parabolas of the envelope
	from []float64 // where each begins to be the lowest
}

func newEnvelope(n int) *envelope {
	return &envelope{q: make([]float64, 0, n), h: make([]float64, 0, n), from: make([]float64, 0, n)}
}

func (e *envelope) reset() { e.q, e.h, e.from = e.q[:0], e.h[:0], e.from[:0] }

// add adds a parabola whose q is not smaller than those before.
func (e *envelope) add(q, h float64) {
	from := math.Inf(-1)
	for len(e.q) > 0 {
		t := len(e.q) - 1
		if q == e.q[t] {
			if h >= e.h[t] {
				return
			}
		} else {
			from = ((h + q*q) - (e.h[t] + e.q[t]*e.q[t])) / (2 * (q - e.q[t]))
			if from > e.from[t] {
				break
			}
			from = math.Inf(-1)
		}
		e.q, e.h, e.from = e.q[:t], e.h[:t], e.from[:t]
	}
	e.q, e.h, e.from = append(e.q, q), append(e.h, h), append(e.from, from)
}

// store evaluates the envelope at 0, s, 2s, … into every step-th of dst; it
// leaves dst alone if there is no parabola.
func (e *envelope) store(dst []float32, step, n int, s float64) {
	if len(e.q) == 0 {
		return
	}
	t := 0
	for i := range n {
		x := float64(i) * s
		for t+1 < len(e.q) && e.from[t+1] <= x {
			t++
		}
		d := x - e.q[t]
		dst[i*step] = float32(e.h[t] + d*d)
	}
}
