package filter

import "fmt"

// The mean filter (IBSI 2, S60F): the mean over a cube of width voxels, or over
// a square in each slice.
func newMean(c *Config) (response, error) {
	return newBox(c.Width, [3]bool{true, true, c.Dimensions == 3}, boundaryOf(c.Boundary)), nil
}

// newBox averages over width voxels along the given axes.
func newBox(width int, along [3]bool, b Boundary) *separable {
	return &separable{kernels: []chain{{constant(width)}}, groups: []group{{{kernel: where(along, 0), factor: 1}}}, boundary: b}
}

// where puts kernel k on the given axes.
func where(along [3]bool, k int) [3]int {
	at := [3]int{none, none, none}
	for a, is := range along {
		if is {
			at[a] = k
		}
	}
	return at
}

func shortMean(c *Config) string { return fmt.Sprintf("mean_%d", c.Width) }
func wordsMean(c *Config) string { return fmt.Sprintf("mean of %d voxels along each axis", c.Width) }
