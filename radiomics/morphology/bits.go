package morphology

import (
	"fmt"
	"math"
	"math/bits"
)

// Workspace is scratch that one region leaves to the next, so that many small
// regions cost no allocation. Its zero value is ready. It serves one goroutine
// at a time.
type Workspace struct {
	shape Shape
	pyrad PyRadiomics
	plane Plane

	region  bitBox
	frame   frame
	moments moments
	ends    []interval // of the surface's corners on each line along i
	columns []interval // and on each line along j
	seen    []uint64   // columns that have a corner already
	chain   []point    // outline of a plane
	corners []point    // outlines of the slices, one after the other
	starts  []int      // where each slice begins
	far     farthest
	hull    hull
	search  boxSearch
	ball    enclosing
	field   field
}

// resized returns s with n elements, reusing its memory; their values are
// arbitrary.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// perWord is how many voxels of a row a word adds. Its last bit repeats the
// first of the next word, so that both ends of an edge always share a word.
const perWord = 63

// bitBox is a region as bits, cut to its bounds with a margin of one voxel all
// around: voxel (i, j, k) of a bitBox is (i−1, j−1, k−1) + lo of the mask.
type bitBox struct {
	size   [3]int // with the margin
	lo     [3]int // first voxel of the bounds in the mask
	words  int    // per row
	rows   []uint64
	voxels int
}

// row returns the words of row (j, k).
func (b *bitBox) row(j, k int) []uint64 {
	at := (k*b.size[1] + j) * b.words
	return b.rows[at : at+b.words : at+b.words]
}

// pack fills b with the mask, i fastest.
func pack[M bool | uint8](b *bitBox, size [3]int, mask []M) {
	if size[0] < 0 || size[1] < 0 || size[2] < 0 || len(mask) != size[0]*size[1]*size[2] {
		panic(fmt.Sprintf("morphology: mask of %d voxels in a box of %v", len(mask), size))
	}
	var out M
	lo, hi := size, [3]int{}
	for k := range size[2] {
		for j := range size[1] {
			row := mask[(k*size[1]+j)*size[0]:][:size[0]]
			first := 0
			for first < len(row) && row[first] == out {
				first++
			}
			if first == len(row) {
				continue
			}
			last := len(row) - 1
			for row[last] == out {
				last--
			}
			lo[0], hi[0] = min(lo[0], first), max(hi[0], last+1)
			lo[1], hi[1] = min(lo[1], j), max(hi[1], j+1)
			lo[2], hi[2] = min(lo[2], k), max(hi[2], k+1)
		}
	}
	b.lo, b.voxels = lo, 0
	if hi[2] == 0 { // empty
		b.size, b.words, b.rows = [3]int{2, 2, 2}, 1, resized(b.rows, 4)
		clear(b.rows)
		return
	}
	for a := range 3 {
		b.size[a] = hi[a] - lo[a] + 2
	}
	b.words = (b.size[0] + perWord - 2) / perWord // edges, of which a row has one less than voxels
	b.rows = resized(b.rows, b.words*b.size[1]*b.size[2])
	clear(b.rows)
	for k := lo[2]; k < hi[2]; k++ {
		for j := lo[1]; j < hi[1]; j++ {
			from := mask[(k*size[1]+j)*size[0]+lo[0]:][:hi[0]-lo[0]]
			to := b.row(j-lo[1]+1, k-lo[2]+1)
			// Voxel n is bit n+1 of the row.
			for w := range to {
				start := w*perWord - 1 // voxel of bit 0
				part := from[max(start, 0):min(start+64, len(from))]
				var word uint64
				for n, in := range part {
					if in != out {
						word |= 1 << (n & 63)
					}
				}
				if start < 0 {
					word <<= 1
				}
				to[w] = word
				b.voxels += bits.OnesCount64(word << 1) // the last bit counts in the next word
			}
		}
	}
}

// interval holds the ends of something on a line, in half voxels; lo > hi if
// there is nothing.
type interval struct{ lo, hi int32 }

// nothing is the empty interval.
var nothing = interval{math.MaxInt32, math.MinInt32}

// ends returns the first and last bit of a row that is the exclusive or of two.
func ends(a, b []uint64) (first, last int, ok bool) {
	b = b[:len(a)]
	for w := range a {
		if x := a[w] ^ b[w]; x != 0 {
			first = w*perWord + bits.TrailingZeros64(x)
			for w := len(a) - 1; ; w-- {
				if x := a[w] ^ b[w]; x != 0 {
					return first, w*perWord + 63 - bits.LeadingZeros64(x), true
				}
			}
		}
	}
	return 0, 0, false
}

// moments are sums over the voxels of a region, exact, with coordinates from
// its middle.
type moments struct {
	n         int
	mean      [3]float64    // voxels, in the bitBox
	covariant [3][3]float64 // Σ (x−x̄)(y−ȳ), voxels²
}

// moments sums the coordinates of the voxels, run by run.
func (b *bitBox) moments() moments {
	var n int
	var s [3]int    // Σ x
	var q [3][3]int // Σ x y
	half := [3]int{b.size[0] / 2, b.size[1] / 2, b.size[2] / 2}
	for k := 1; k < b.size[2]-1; k++ {
		z := k - half[2]
		for j := 1; j < b.size[1]-1; j++ {
			y := j - half[1]
			var rn, rs, rq int // of the row
			for w, word := range b.row(j, k) {
				word &= 1<<perWord - 1
				at := w*perWord - half[0]
				for word != 0 {
					skip := bits.TrailingZeros64(word)
					run := bits.TrailingZeros64(^(word >> skip))
					first := at + skip
					rn += run
					// Σ of first … first+run−1, and of their squares
					last := first + run - 1
					rs += (first + last) * run / 2
					rq += squares(last) - squares(first-1)
					word &^= (1<<run - 1) << skip
				}
			}
			n += rn
			s[0] += rs
			s[1] += rn * y
			s[2] += rn * z
			q[0][0] += rq
			q[0][1] += rs * y
			q[0][2] += rs * z
			q[1][1] += rn * y * y
			q[1][2] += rn * y * z
			q[2][2] += rn * z * z
		}
	}
	m := moments{n: n}
	// A whole number near the mean as the origin keeps all digits.
	var o [3]int
	for a := range 3 {
		o[a] = int(math.Round(float64(s[a]) / float64(n)))
		m.mean[a] = float64(s[a])/float64(n) + float64(half[a])
	}
	for a := range 3 {
		for c := a; c < 3; c++ {
			about := q[a][c] - o[a]*s[c] - o[c]*s[a] + n*o[a]*o[c]
			da, dc := s[a]-n*o[a], s[c]-n*o[c]
			m.covariant[a][c] = float64(about) - float64(da)/float64(n)*float64(dc)
			m.covariant[c][a] = m.covariant[a][c]
		}
	}
	return m
}

// squares returns 1² + … + n², and for negative n what makes differences right.
func squares(n int) int { return n * (n + 1) * (2*n + 1) / 6 }

// axes returns the lengths 4√λ of the principal axes, descending, from the
// eigenvalues λ of the covariance of the voxel centres, divided by
// denominator, in mm.
func (m *moments) axes(f *frame, denominator float64) [3]float64 {
	var c [3][3]float64
	for a := range 3 {
		for b := range 3 {
			for p := a; p < 3; p++ { // steps before do not lead along a
				for q := b; q < 3; q++ {
					c[a][b] += m.covariant[p][q] * f.step[p][a] * f.step[q][b]
				}
			}
			c[a][b] /= denominator
		}
	}
	lambda := eigenvalues(c)
	var axes [3]float64
	for a, l := range lambda {
		// A flat region has an eigenvalue of zero but for rounding.
		if math.IsNaN(l) || l > 1e-12*lambda[0] {
			axes[a] = 4 * math.Sqrt(l)
		}
	}
	return axes
}

// eigenvalues returns the eigenvalues of a symmetric matrix, descending, by
// Jacobi rotations.
func eigenvalues(c [3][3]float64) [3]float64 {
	for range 32 {
		off := c[0][1]*c[0][1] + c[0][2]*c[0][2] + c[1][2]*c[1][2]
		diagonal := c[0][0]*c[0][0] + c[1][1]*c[1][1] + c[2][2]*c[2][2]
		if !(off > 1e-36*diagonal) {
			break
		}
		for p := range 2 {
			for q := p + 1; q < 3; q++ {
				if c[p][q] == 0 {
					continue
				}
				theta := (c[q][q] - c[p][p]) / (2 * c[p][q])
				t := 1 / (math.Abs(theta) + math.Sqrt(theta*theta+1))
				if theta < 0 {
					t = -t
				}
				cs := 1 / math.Sqrt(t*t+1)
				sn := t * cs
				r := 3 - p - q
				c[p][p] -= t * c[p][q]
				c[q][q] += t * c[p][q]
				c[p][q], c[q][p] = 0, 0
				a, b := c[r][p], c[r][q]
				c[r][p], c[r][q] = cs*a-sn*b, sn*a+cs*b
				c[p][r], c[q][r] = c[r][p], c[r][q]
			}
		}
	}
	l := [3]float64{c[0][0], c[1][1], c[2][2]}
	for range 2 {
		for a := range 2 {
			if l[a] < l[a+1] {
				l[a], l[a+1] = l[a+1], l[a]
			}
		}
	}
	return l
}
