package fft

import (
	"slices"
	"testing"
)

// Assembly and loops give the same bits.
func TestAssembly(t *testing.T) {
	if !useAVX {
		t.Skip("no AVX here")
	}
	defer setAVX(true)
	for _, n := range []int{2, 3, 4, 5, 6, 8, 12, 15, 60, 64, 192, 225} {
		for _, inverse := range []bool{false, true} {
			run := func(avx bool) []complex128 {
				setAVX(avx)
				x := image([3]int{n, lanes, 1})
				return newLine(n).run(x, make([]complex128, len(x)), lanes, inverse)
			}
			if !slices.Equal(run(true), run(false)) {
				t.Errorf("length %d, inverse %v: assembly and loops differ", n, inverse)
			}
		}
	}
}
