package filter

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"

	"github.com/plaquerisk/plaquerisk/imaging"
)

// separable is a filter whose kernels are sums of products of one-dimensional
// kernels, one along each axis. Each group of terms is one orientation of the
// filter; their responses are pooled.
//
// The image is worked through plane by plane: along k from the image into a
// plane, along j and i within planes, which stay in the cache. Equal factors of
// consecutive terms are computed once, so 24 rotations cost little more than
// their distinct factors.
type separable struct {
	kernels  []chain
	groups   []group
	pooling  pooling
	boundary Boundary
	modulus  bool  // the response is |re + i·im|
	single   bool  // compute in single precision: see fused
	envelope []int // per kernel: the kernel that weights the mask for it; nil: its absolute value
	energy   int   // half edge of the cube over which |h| is averaged; 0: none
}

// chain is one-dimensional kernels applied one after the other, each of odd
// length with its centre in the middle, flipped as a convolution asks:
//
//	h[i] = Σ w[t]·f[i + r − t],  r = len(w)/2
type chain [][]float64

// none stands for the kernel that changes nothing.
const none = -1

// term is one product of kernels, by their index, and its factor.
type term struct {
	kernel    [3]int
	factor    float64
	imaginary bool
}

type group []term

// pooling joins the responses of the groups.
type pooling int

const (
	poolMax pooling = iota
	poolMean
	poolMin
	poolSum
)

var poolings = []string{"max", "mean", "min", "sum"}

func poolingOf(word string) pooling { return pooling(slices.Index(poolings, word)) }

// radius returns how far a chain reaches.
func (c chain) radius() int {
	r := 0
	for _, w := range c {
		r += len(w) / 2
	}
	return r
}

func (s *separable) support([3]float64) ([3]int, bool) {
	var n [3]int
	for _, g := range s.groups {
		for _, t := range g {
			for a, k := range t.kernel {
				if k != none {
					n[a] = max(n[a], s.kernels[k].radius())
				}
			}
		}
	}
	if s.energy > 0 {
		for a := range n {
			if n[a] > 0 { // an axis without a kernel is not averaged over
				n[a] += s.energy
			}
		}
	}
	return n, s.boundary != Periodic
}

// order sorts groups and terms so that neighbours share factors, and leaves
// out groups that repeat another.
func (s *separable) order() {
	byKernel := func(a, b term) int {
		return cmp.Or(cmp.Compare(a.kernel[2], b.kernel[2]), cmp.Compare(a.kernel[1], b.kernel[1]),
			cmp.Compare(a.kernel[0], b.kernel[0]), cmp.Compare(a.factor, b.factor))
	}
	for _, g := range s.groups {
		slices.SortStableFunc(g, byKernel)
	}
	slices.SortStableFunc(s.groups, func(a, b group) int { return slices.CompareFunc(a, b, byKernel) })
	s.groups = slices.CompactFunc(s.groups, func(a, b group) bool { return slices.Equal(a, b) })
}

func (s *separable) apply(ctx context.Context, v *imaging.Volume, m *imaging.Mask) (*imaging.Volume, error) {
	out := imaging.NewVolume(v.Grid)
	if m != nil {
		if err := s.within(ctx, out, v, m); err != nil {
			return nil, err
		}
	} else if err := s.into(ctx, out, v); err != nil {
		return nil, err
	}
	if s.energy == 0 {
		return out, nil
	}
	for n, x := range out.Values {
		out.Values[n] = float32(math.Abs(float64(x)))
	}
	reach, _ := s.support(v.Spacing)
	box := newBox(2*s.energy+1, [3]bool{reach[0] > 0, reach[1] > 0, reach[2] > 0}, s.boundary)
	return box.apply(ctx, out, m)
}

// into stores the response of v in out.
func (s *separable) into(ctx context.Context, out, v *imaging.Volume) error {
	if s.single {
		return s.fuse(v.Size).into(ctx, out, v)
	}
	plan := s.plan(v.Size)
	plane := v.Size[0] * v.Size[1]
	type scratch struct {
		planes *planes
		sums   *sums
	}
	pool := sync.Pool{New: func() any { return &scratch{newPlanes(plan), newSums(plane)} }}
	return each(ctx, v.Len(), v.Size[2], func(k int) {
		w := pool.Get().(*scratch)
		defer pool.Put(w)
		w.planes.start(v.Values, k)
		s.respond(out.Values[k*plane:][:plane], w.sums, func(t *term) []float64 { return w.planes.product(t.kernel) })
	})
}

// sums is the planes in which the terms of a group and the groups are added.
type sums struct{ re, im, pool []float64 }

func newSums(n int) *sums {
	return &sums{make([]float64, n), make([]float64, n), make([]float64, n)}
}

// respond pools the groups of one plane into dst; of computes the response to
// a term.
func (s *separable) respond(dst []float32, w *sums, of func(t *term) []float64) {
	total := w.pool
	for n, g := range s.groups {
		h := s.sum(g, w, of)
		switch {
		case len(s.groups) == 1:
			total = h
		case n == 0:
			copy(total, h)
		default:
			s.pooling.add(total, h)
		}
	}
	scale := 1.0
	if s.pooling == poolMean {
		scale = 1 / float64(len(s.groups))
	}
	storeScaled(dst, total, scale)
}

// sum returns the response to one group.
func (s *separable) sum(g group, w *sums, of func(t *term) []float64) []float64 {
	if len(g) == 1 && g[0].factor == 1 && !s.modulus {
		return of(&g[0])
	}
	clear(w.re)
	if s.modulus {
		clear(w.im)
	}
	for t := range g {
		sum := w.re
		if g[t].imaginary {
			sum = w.im
		}
		addScaled(sum, of(&g[t]), g[t].factor)
	}
	if s.modulus {
		moduli(w.re, w.im)
	}
	return w.re
}

// add pools x into total.
func (p pooling) add(total, x []float64) {
	switch p {
	case poolMax:
		maxima(total, x)
	case poolMin:
		minima(total, x)
	default:
		addScaled(total, x, 1)
	}
}

// plan is the kernels of a filter worked out for images of one size: the runs
// to add for each row and plane.
type plan struct {
	size     [3]int
	boundary Boundary
	along    [3][][]run // per axis and kernel: along i one run for each link of the chain, along j for a plane, along k for each k
	pad      int        // the longest reach along i
	before   []int      // per sample of the padding before a row: the sample that it repeats, −1 for zero
	after    []int      // the same after a row
}

func (s *separable) plan(size [3]int) *plan {
	p := &plan{size: size, boundary: s.boundary}
	for a := range p.along {
		p.along[a] = make([][]run, len(s.kernels))
	}
	for _, g := range s.groups {
		for _, t := range g {
			p.prepare(s.kernels, t.kernel)
		}
	}
	p.before, p.after = padding(p.boundary, p.pad, size[0])
	return p
}

// padding works out what stands before and after a row of n samples.
func padding(b Boundary, pad, n int) (before, after []int) {
	for i := range pad {
		before, after = append(before, b.at(-1-i, n)), append(after, b.at(n+i, n))
	}
	return before, after
}

// prepare works out the runs of a product of kernels.
func (p *plan) prepare(kernels []chain, kernel [3]int) {
	for a, k := range kernel {
		if k == none || p.along[a][k] != nil {
			continue
		}
		c := kernels[k]
		switch a {
		case 0:
			for _, w := range c {
				p.along[0][k] = append(p.along[0][k], paddedRun(w, p.size[0]))
				p.pad = max(p.pad, len(w)/2)
			}
		case 1:
			// Long kernels work through tiles of columns, whose rows stay in the
			// first cache; short ones through as many rows at once as they can.
			p.along[1][k] = runs(c, p.boundary, p.size[1], p.size[0], 2*c.radius()*p.size[0] < 3000)
		case 2:
			p.along[2][k] = runs(c, p.boundary, p.size[2], p.size[0]*p.size[1], false)
		}
	}
}

// runs works out a chain along an axis of n lines of the given length. Where
// join is set, lines that have the same terms, away from the border, become one
// longer run.
func runs(c chain, b Boundary, n, length int, join bool) []run {
	const longest = 2048 // samples of a joined run
	reach := c.radius()
	var inner []tap // of the last line away from the border
	var weights []float64
	out := make([]run, 0, n)
	for i := range n {
		r := run{dst: i * length, n: length}
		if i < reach || i+reach >= n {
			r.terms(compose(c, b, i, n), length)
		} else {
			if inner == nil {
				inner = compose(c, b, i, n)
			} else {
				for t := range inner {
					inner[t].at++
				}
				r.w = weights
			}
			r.terms(inner, length)
			weights = r.w
		}
		if last := len(out) - 1; join && last >= 0 && out[last].n < longest && out[last].continues(&r) {
			out[last].n += length
			continue
		}
		out = append(out, r)
	}
	return out
}

// terms fills r with the terms of a line; weights that it has are kept.
func (r *run) terms(taps []tap, length int) {
	r.off = make([]int, len(taps))
	for t, s := range taps {
		r.off[t] = s.at * length
		r.reach = max(r.reach, r.off[t])
	}
	if r.w != nil {
		return
	}
	r.w = make([]float64, len(taps))
	for t, s := range taps {
		r.w[t] = s.w
	}
}

// continues tells whether next is r moved on by its length.
func (r *run) continues(next *run) bool {
	if r.dst+r.n != next.dst || !slices.Equal(r.w, next.w) || len(r.off) != len(next.off) {
		return false
	}
	for t := range r.off {
		if next.off[t]-r.off[t] != r.n {
			return false
		}
	}
	return true
}

// tap is a sample of a line and its weight.
type tap struct {
	at int
	w  float64
}

// compose returns the samples and weights that voxel i of a line of n gets from
// a chain, the boundary being applied before each kernel.
func compose(c chain, b Boundary, i, n int) []tap {
	taps := []tap{{i, 1}}
	for s := len(c) - 1; s >= 0; s-- { // the last kernel reads what the one before made
		w, r := c[s], len(c[s])/2
		var next []tap
		for _, t := range taps {
			for m, wm := range w {
				at := b.at(t.at+r-m, n)
				if wm == 0 || at < 0 {
					continue
				}
				if len(c) > 1 {
					if found := slices.IndexFunc(next, func(u tap) bool { return u.at == at }); found >= 0 {
						next[found].w += t.w * wm
						continue
					}
				}
				next = append(next, tap{at, t.w * wm})
			}
		}
		taps = next
	}
	return taps
}

// planes is what one goroutine fills: a plane convolved along k, that along j,
// and that along i, with the kernels that each holds at the moment.
type planes struct {
	plan    *plan
	src     []float32
	k       int
	z, y, x []float64
	now     [3]int
	padded  []float64
}

// stale stands for a plane that holds nothing.
const stale = -2

func newPlanes(p *plan) *planes {
	n := p.size[0] * p.size[1]
	return &planes{plan: p, z: make([]float64, n), y: make([]float64, n), x: make([]float64, n), padded: make([]float64, p.size[0]+2*p.pad)}
}

// start turns to plane k of src.
func (w *planes) start(src []float32, k int) {
	w.src, w.k, w.now = src, k, [3]int{stale, stale, stale}
}

// product returns the plane convolved with three kernels. The planes of the
// last call are used again as far as its kernels are the same.
func (w *planes) product(kernel [3]int) []float64 {
	if w.now[2] != kernel[2] {
		if kernel[2] == none {
			for i, x := range w.src[w.k*len(w.z):][:len(w.z)] {
				w.z[i] = float64(x)
			}
		} else {
			w.plan.along[2][kernel[2]][w.k].applyVoxels(w.z, w.src)
		}
		w.now = [3]int{stale, stale, kernel[2]}
	}
	y := w.z
	if kernel[1] != none {
		y = w.y
	}
	if w.now[1] != kernel[1] {
		if kernel[1] != none {
			w.alongJ(w.plan.along[1][kernel[1]])
		}
		w.now[0], w.now[1] = stale, kernel[1]
	}
	if kernel[0] == none {
		return y
	}
	if w.now[0] != kernel[0] {
		for _, r := range w.plan.along[0][kernel[0]] {
			w.alongI(&r, y)
			y = w.x
		}
		w.now[0] = kernel[0]
	}
	return w.x
}

// alongJ stores in y what the runs of rows read from z.
func (w *planes) alongJ(rows []run) {
	nx := w.plan.size[0]
	if len(rows) < w.plan.size[1] { // joined
		for i := range rows {
			r := &rows[i]
			r.apply(w.y[r.dst:][:r.n], w.z)
		}
		return
	}
	const tile = 64
	for c := 0; c < nx; c += tile {
		// A narrow rest begins earlier, to be as wide as a block of the assembly.
		c, end := min(c, max(0, nx-tile/2)), min(c+tile, nx)
		for i := range rows {
			r := &rows[i]
			r.apply(w.y[r.dst+c:r.dst+end], w.z[c:])
		}
	}
}

// alongI stores in x the rows of src convolved with the kernel of r.
func (w *planes) alongI(r *run, src []float64) {
	nx, pad := r.n, r.dst
	padded := w.padded[:nx+2*pad]
	for o := 0; o < len(src); o += nx {
		row := src[o:][:nx]
		copy(padded[pad:], row)
		for i, at := range w.plan.before[:pad] {
			padded[pad-1-i] = valueAt(row, at)
		}
		for i, at := range w.plan.after[:pad] {
			padded[pad+nx+i] = valueAt(row, at)
		}
		r.apply(w.x[o:][:nx], padded)
	}
}

// valueAt returns row[at], or zero for −1.
func valueAt[T float32 | float64](row []T, at int) T {
	if at < 0 {
		return 0
	}
	return row[at]
}

// paddedRun returns the run of a kernel along a row of n samples with half the
// kernel's length, its dst, before and after it.
func paddedRun(w []float64, n int) run {
	h := len(w) / 2
	r := run{dst: h, n: n}
	for t, wt := range w {
		if wt != 0 {
			r.add(wt, 2*h-t)
		}
	}
	return r
}
