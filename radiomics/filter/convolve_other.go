//go:build !amd64

package filter

const useAVX = false

func correlateAVX(dst, src *float64, off []int, w []float64, n int)      { panic("filter: no AVX") }
func correlatePairsAVX(dst, src *float64, off []int, w []float64, n int) { panic("filter: no AVX") }
func correlateVoxelsAVX(dst *float64, src *float32, off []int, w []float64, n int) {
	panic("filter: no AVX")
}
func correlateVoxelPairsAVX(dst *float64, src *float32, off []int, w []float64, n int) {
	panic("filter: no AVX")
}
