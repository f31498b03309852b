package filter

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Boundary says what lies beyond the border of an image.
type Boundary int

// The boundaries of IBSI 2, section 2.2.
const (
	Mirror   Boundary = iota // d c b a | a b c d | d c b a
	Zero                     // 0 0 | a b c d | 0 0
	Repeat                   // a a | a b c d | d d ("nearest")
	Periodic                 // c d | a b c d | a b
)

// at returns the voxel that stands for voxel i of an axis of n voxels, −1 for
// a zero.
func (b Boundary) at(i, n int) int {
	if uint(i) < uint(n) {
		return i
	}
	switch b {
	case Zero:
		return -1
	case Repeat:
		return min(max(i, 0), n-1)
	case Periodic:
		return ((i % n) + n) % n
	}
	i = ((i % (2 * n)) + 2*n) % (2 * n)
	if i >= n {
		i = 2*n - 1 - i
	}
	return i
}

// kernels are the one-dimensional Laws kernels, before they are divided by
// their Euclidean norm: level, edge, spot, wave and ripple of 3 or 5 voxels.
// IBSI 2, table 6; Laws (1980).
var kernels = []struct {
	name string
	taps []float64
}{
	{"L3", []float64{1, 2, 1}},
	{"E3", []float64{-1, 0, 1}},
	{"S3", []float64{-1, 2, -1}},
	{"L5", []float64{1, 4, 6, 4, 1}},
	{"E5", []float64{-1, -2, 0, 2, 1}},
	{"S5", []float64{-1, 0, 2, 0, -1}},
	{"W5", []float64{-1, 2, 0, -2, 1}},
	{"R5", []float64{1, -4, 6, -4, 1}},
}

// Laws is a texture filter: the response h of the image to the product of three
// one-dimensional kernels, one along each axis,
//
//	h = f ∗ (g₁ ⊗ g₂ ⊗ g₃),  ‖gₐ‖₂ = 1                              (R.20)
//
// optionally the largest response over the 24 rotations of the kernel by right
// angles, and optionally the energy of that, the mean of |h| over a cube:
//
//	E(x) = (2δ+1)⁻³ Σ |h(x + d)|,  |dₐ| ≤ δ                          (R.21)
type Laws struct {
	Kernel            [3][]float64 // along i, j, k; odd lengths
	RotationInvariant bool
	EnergyDistance    int // δ, voxels; 0 returns h
	Boundary          Boundary
	name              string
}

// ParseLaws returns the filter of a name such as "L5E5S5": one letter (L level,
// E edge, S spot, W wave, R ripple) and one size per axis.
func ParseLaws(name string) (Laws, error) {
	l := Laws{name: strings.ToUpper(name)}
	if len(name) != 6 {
		return Laws{}, fmt.Errorf("%q: want three kernels, as in L5E5S5", name)
	}
	for a := range 3 {
		part := l.name[2*a : 2*a+2]
		for _, k := range kernels {
			if k.name == part {
				l.Kernel[a] = normalised(k.taps)
			}
		}
		for b := range a { // equal kernels share memory: Apply recognises them by it
			if l.name[2*b:2*b+2] == part {
				l.Kernel[a] = l.Kernel[b]
			}
		}
		if l.Kernel[a] == nil {
			return Laws{}, fmt.Errorf("%q: no kernel %q: there are L3 E3 S3 L5 E5 S5 W5 R5", name, part)
		}
	}
	return l, nil
}

// normalised returns w divided by its Euclidean norm.
func normalised(w []float64) []float64 {
	var s float64
	for _, x := range w {
		s += x * x
	}
	g := make([]float64, len(w))
	for n, x := range w {
		g[n] = x / math.Sqrt(s)
	}
	return g
}

// Support returns how many voxels beyond a voxel its response depends on.
func (l *Laws) Support() int {
	r := 0
	for _, k := range l.Kernel {
		r = max(r, len(k)/2)
	}
	return r + l.EnergyDistance
}

// permutations of the axes, and whether each is even.
var permutations = []struct {
	axis [3]int
	even bool
}{
	{[3]int{0, 1, 2}, true}, {[3]int{1, 2, 0}, true}, {[3]int{2, 0, 1}, true},
	{[3]int{1, 0, 2}, false}, {[3]int{0, 2, 1}, false}, {[3]int{2, 1, 0}, false},
}

// Apply returns the response of v, on the grid of v.
//
// A rotation by right angles permutes the axes and mirrors some of them, an
// even number for an even permutation and an odd one for an odd one. All Laws
// kernels are even or odd, so a mirror changes at most the sign: the 24
// rotations are 6 convolutions (fewer for equal kernels) with one sign or both.
func (l *Laws) Apply(ctx context.Context, v *imaging.Volume) (*imaging.Volume, error) {
	if v.Len() == 0 {
		return nil, fmt.Errorf("laws %s: image of no voxels", l.name)
	}
	n := v.Len()
	src := make([]float64, n)
	for i, x := range v.Values {
		src[i] = float64(x)
	}
	perms := permutations[:1]
	if l.RotationInvariant {
		perms = permutations
	}
	best := make([]float64, n)
	h, tmp := make([]float64, n), make([]float64, n)
	type done struct {
		k           [3]*float64
		plus, minus bool
	}
	var seen []done
	for first := true; len(perms) > 0; perms = perms[1:] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p := perms[0]
		plus, minus := true, false
		if l.RotationInvariant {
			plus, minus = l.signs(p.even)
		}
		kern := [3][]float64{l.Kernel[p.axis[0]], l.Kernel[p.axis[1]], l.Kernel[p.axis[2]]}
		// Equal kernels give equal permutations; only a new sign is news.
		repeated := false
		for _, d := range seen {
			repeated = repeated || sameKernels(d.k, kern) && (d.plus || !plus) && (d.minus || !minus)
		}
		if repeated {
			continue
		}
		seen = append(seen, done{keyOf(kern), plus, minus})
		if err := separable(ctx, h, tmp, src, v.Size, kern, l.Boundary); err != nil {
			return nil, err
		}
		for i, x := range h {
			switch {
			case plus && minus:
				x = math.Abs(x)
			case minus:
				x = -x
			}
			if first || x > best[i] {
				best[i] = x
			}
		}
		first = false
	}
	if d := l.EnergyDistance; d > 0 {
		for i, x := range best {
			best[i] = math.Abs(x)
		}
		box := make([]float64, 2*d+1)
		for i := range box {
			box[i] = 1 / float64(2*d+1)
		}
		if err := separable(ctx, h, tmp, best, v.Size, [3][]float64{box, box, box}, l.Boundary); err != nil {
			return nil, err
		}
		best = h
	}
	out := imaging.NewVolume(v.Grid)
	for i, x := range best {
		out.Values[i] = float32(x)
	}
	return out, nil
}

// signs returns which signs of the response occur among the rotations of one
// permutation: mirrors of odd kernels change the sign, mirrors of even ones do
// not, and their number is even or odd as the permutation.
func (l *Laws) signs(even bool) (plus, minus bool) {
	for m := range 8 {
		mirrors, sign := 0, 1
		for a := range 3 {
			if m>>a&1 == 0 {
				continue
			}
			mirrors++
			if k := l.Kernel[a]; k[0] == -k[len(k)-1] {
				sign = -sign
			}
		}
		if (mirrors%2 == 0) == even {
			plus, minus = plus || sign > 0, minus || sign < 0
		}
	}
	return plus, minus
}

// keyOf identifies kernels by their taps.
func keyOf(k [3][]float64) [3]*float64 { return [3]*float64{&k[0][0], &k[1][0], &k[2][0]} }

// sameKernels tells whether three kernels have the taps of those behind key.
func sameKernels(key [3]*float64, k [3][]float64) bool {
	for a := range 3 {
		if key[a] != &k[a][0] {
			return false
		}
	}
	return true
}

// separable stores in dst the convolution of src, i fastest, with k along the
// three axes. tmp is scratch.
func separable(ctx context.Context, dst, tmp, src []float64, size [3]int, k [3][]float64, b Boundary) error {
	if err := convolve(ctx, dst, src, size, 0, k[0], b); err != nil {
		return err
	}
	if err := convolve(ctx, tmp, dst, size, 1, k[1], b); err != nil {
		return err
	}
	return convolve(ctx, dst, tmp, size, 2, k[2], b)
}

// convolve stores in dst the convolution (flipped kernel) of src with w along
// one axis. It works on whole rows of i, so that memory is read in order.
func convolve(ctx context.Context, dst, src []float64, size [3]int, axis int, w []float64, b Boundary) error {
	r, nx, ny, n := len(w)/2, size[0], size[1], size[axis]
	if axis == 0 {
		index := make([]int, nx+2*r)
		for i := range index {
			index[i] = b.at(i-r, nx)
		}
		const block = 256
		return par.Blocks(ctx, ny*size[2], block, func(lo, hi int) {
			pad := make([]float64, nx+2*r)
			for row := lo; row < hi; row++ {
				s, d := src[row*nx:][:nx], dst[row*nx:][:nx]
				for i, at := range index {
					pad[i] = 0
					if at >= 0 {
						pad[i] = s[at]
					}
				}
				for i := range d {
					var sum float64
					for t, wt := range w {
						sum += wt * pad[i+2*r-t]
					}
					d[i] = sum
				}
			}
		})
	}
	stride := nx
	if axis == 2 {
		stride = nx * ny
	}
	const block = 16
	return par.Blocks(ctx, ny*size[2], block, func(lo, hi int) {
		for row := lo; row < hi; row++ {
			x := row % ny
			if axis == 2 {
				x = row / ny
			}
			d := dst[row*nx:][:nx]
			clear(d)
			for t, wt := range w {
				at := b.at(x+r-t, n)
				if wt == 0 || at < 0 {
					continue
				}
				for i, y := range src[row*nx+(at-x)*stride:][:nx] {
					d[i] += wt * y
				}
			}
		}
	})
}
