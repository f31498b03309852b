package filter

// Boundary says what lies beyond the border of an image.
type Boundary int

// The boundaries of IBSI 2, section 2.2.
const (
	Mirror   Boundary = iota // d c b a | a b c d | d c b a
	Zero                     // 0 0 | a b c d | 0 0
	Nearest                  // a a | a b c d | d d
	Periodic                 // c d | a b c d | a b
)

var boundaries = []string{"mirror", "zero", "nearest", "periodic"}

// String returns the boundary's word in a parameter file.
func (b Boundary) String() string { return boundaries[b] }

// boundaryOf returns the boundary of a valid word.
func boundaryOf(word string) Boundary {
	for b, w := range boundaries {
		if w == word {
			return Boundary(b)
		}
	}
	panic("filter: boundary " + word)
}

// at returns the voxel that stands for voxel i of an axis of n voxels, −1 for
// a zero.
func (b Boundary) at(i, n int) int {
	if uint(i) < uint(n) {
		return i
	}
	switch b {
	case Zero:
		return -1
	case Nearest:
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
