// Package fft transforms three-dimensional complex images in place: the ground
// under the filters that are defined by frequency and under convolutions with
// kernels as large as the image.
package fft

import (
	"context"
	"fmt"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Size returns the smallest length of at least n whose only factors are 2, 3
// and 5: lengths that transform fast.
func Size(n int) int {
	for ; ; n++ {
		m := max(n, 1)
		for _, p := range [3]int{2, 3, 5} {
			for m%p == 0 {
				m /= p
			}
		}
		if m == 1 {
			return max(n, 1)
		}
	}
}

// Plan transforms images of one size, stored i fastest, then j, then k:
//
//	X(a, b, c) = Σ x(i, j, k) e^(−2πi (ai/nᵢ + bj/nⱼ + ck/nₖ))
//
// Any size works; those of [Size] are fast. A Plan may be used by several
// goroutines at once.
type Plan struct {
	size  [3]int
	lines [3]transformer
}

// transformer transforms lines side by side: see [line] and [bluestein].
type transformer interface {
	run(x, y []complex128, lanes int, inverse bool) []complex128
	length() int // of the work space of a line
}

// NewPlan returns the plan for images of the given size.
func NewPlan(size [3]int) *Plan {
	p := &Plan{size: size}
	for a, n := range size {
		if n < 1 {
			panic(fmt.Sprintf("fft: size %v", size))
		}
		for b := range a {
			if size[b] == n {
				p.lines[a] = p.lines[b]
			}
		}
		if p.lines[a] == nil {
			p.lines[a] = newTransformer(n)
		}
	}
	return p
}

func newTransformer(n int) transformer {
	if l := newLine(n); l != nil {
		return l
	}
	return newBluestein(n)
}

// Len returns the number of samples of an image.
func (p *Plan) Len() int { return p.size[0] * p.size[1] * p.size[2] }

// Forward replaces x by its transform.
func (p *Plan) Forward(ctx context.Context, x []complex128) error {
	return p.transform(ctx, x, false)
}

// Inverse replaces x by its inverse transform, divided by the number of
// samples: Inverse undoes Forward.
func (p *Plan) Inverse(ctx context.Context, x []complex128) error {
	return p.transform(ctx, x, true)
}

// lanes is the number of lines that are transformed side by side.
const lanes = 16

// alone is the number of samples below which threads cost more than they bring.
const alone = 20_000

func (p *Plan) transform(ctx context.Context, x []complex128, inverse bool) error {
	if len(x) != p.Len() {
		panic(fmt.Sprintf("fft: %d samples for a plan of %v", len(x), p.size))
	}
	for axis, n := range p.size {
		if n == 1 {
			continue
		}
		block := 4
		count := p.groups(axis)
		if len(x) < alone {
			block = count
		}
		err := par.Blocks(ctx, count, block, func(lo, hi int) {
			w := newWork(p.lines[axis], n, inverse)
			for g := lo; g < hi; g++ {
				p.group(x, axis, g, w)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// groups returns the number of groups of lines along an axis: planes, in which
// lanes of lines lie side by side.
func (p *Plan) groups(axis int) int {
	if axis == 2 {
		return p.size[1]
	}
	return p.size[2]
}

// group transforms the lines of group g along an axis.
func (p *Plan) group(x []complex128, axis, g int, w *work) {
	nx, ny := p.size[0], p.size[1]
	// Sample s of line l lies at base + s·step + l·next.
	base, step, next, count := g*nx*ny, 1, nx, ny
	switch axis {
	case 1:
		step, next, count = nx, 1, nx
	case 2:
		base, step, next, count = g*nx, nx*ny, 1, nx
	}
	for l := 0; l < count; l += lanes {
		w.lines(x[base+l*next:], step, next, min(lanes, count-l))
	}
}

// work transforms a few lines at a time.
type work struct {
	transformer
	n       int
	inverse bool
	a, b    []complex128
}

func newWork(t transformer, n int, inverse bool) *work {
	return &work{t, n, inverse, make([]complex128, lanes*t.length()), make([]complex128, lanes*t.length())}
}

// lines transforms count lines whose samples are step apart and which are next
// apart.
func (w *work) lines(x []complex128, step, next, count int) {
	if next == 1 {
		for s := range w.n {
			copy(w.a[s*lanes:][:lanes], x[s*step:][:count])
		}
	} else {
		for l := range count {
			for s, y := range x[l*next:][:w.n] {
				w.a[s*lanes+l] = y
			}
		}
	}
	h := w.run(w.a, w.b, lanes, w.inverse)
	by := 1.0
	if w.inverse {
		by = 1 / float64(w.n)
	}
	if next == 1 {
		for s := range w.n {
			row, y := x[s*step:][:count], h[s*lanes:]
			for l := range row {
				row[l] = scaled(y[l], by)
			}
		}
		return
	}
	for l := range count {
		row := x[l*next:][:w.n]
		for s := range row {
			row[s] = scaled(h[s*lanes+l], by)
		}
	}
}
