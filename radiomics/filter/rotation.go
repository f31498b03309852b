package filter

import "slices"

// rotations are the right-angle rotations of the cube, or of the square: which
// axis of the kernel comes to lie on each axis of the image, and which axes are
// mirrored. An even permutation mirrors an even number of axes, an odd one an
// odd number.
type rotation struct {
	axis   [3]int
	mirror [3]bool
}

func rotations(dimensions int) []rotation {
	var all []rotation
	for _, p := range []struct {
		axis [3]int
		odd  bool
	}{
		{[3]int{0, 1, 2}, false}, {[3]int{1, 2, 0}, false}, {[3]int{2, 0, 1}, false},
		{[3]int{1, 0, 2}, true}, {[3]int{0, 2, 1}, true}, {[3]int{2, 1, 0}, true},
	} {
		for m := range 8 {
			r := rotation{axis: p.axis}
			odd := false
			for a := range r.mirror {
				r.mirror[a] = m>>a&1 == 1
				odd = odd != r.mirror[a]
			}
			if odd == p.odd && (dimensions == 3 || p.axis[2] == 2 && !r.mirror[2]) {
				all = append(all, r)
			}
		}
	}
	return all
}

// product returns the filter whose kernel is the product of one chain along
// each axis (nil: none), pooled over the rotations asked for. Chains that are
// equal, or equal but for the sign, share an index.
func product(c *Config, chains [3]chain) *separable {
	s := &separable{pooling: poolingOf(c.Pooling), boundary: boundaryOf(c.Boundary)}
	turns := []rotation{{axis: [3]int{0, 1, 2}}}
	if c.RotationInvariant {
		turns = rotations(c.Dimensions)
	}
	for _, r := range turns {
		t := term{kernel: [3]int{none, none, none}, factor: 1}
		for a := range 3 {
			if chain := chains[r.axis[a]]; chain != nil {
				var sign float64
				t.kernel[a], sign = s.kernel(chain, r.mirror[a])
				t.factor *= sign
			}
		}
		s.groups = append(s.groups, group{t})
	}
	s.order()
	return s
}

// kernel returns the index of a chain, mirrored or not, and the sign that the
// one kept under that index has beside it.
func (s *separable) kernel(c chain, mirror bool) (index int, sign float64) {
	if mirror {
		var m chain
		for _, w := range c {
			w = slices.Clone(w)
			slices.Reverse(w)
			m = append(m, w)
		}
		c = m
	}
	for n, k := range s.kernels {
		for _, sign := range [2]float64{1, -1} {
			if c.equal(k, sign) {
				return n, sign
			}
		}
	}
	s.kernels = append(s.kernels, c)
	return len(s.kernels) - 1, 1
}

// equal tells whether c is d, its first kernel multiplied by sign.
func (c chain) equal(d chain, sign float64) bool {
	return slices.EqualFunc(c, d, func(v, w []float64) bool {
		same := slices.EqualFunc(v, w, func(x, y float64) bool { return x == sign*y })
		sign = 1
		return same
	})
}
