//go:build !amd64

package filter

const (
	useAVX = false
	noAVX  = "filter: no AVX"
)

func correlateAVX(dst, src *float64, off []int, w []float64, n int)                { panic(noAVX) }
func correlateVoxelsAVX(dst *float64, src *float32, off []int, w []float64, n int) { panic(noAVX) }
func correlateSinglesAVX(dst, src *float32, off []int, w []float32, n int)         { panic(noAVX) }
func addScaledAVX(dst, x *float64, f float64, n int)                               { panic(noAVX) }
func maximaAVX(dst, x *float64, n int)                                             { panic(noAVX) }
func minimaAVX(dst, x *float64, n int)                                             { panic(noAVX) }
func moduliAVX(dst, x *float64, n int)                                             { panic(noAVX) }
func storeScaledAVX(dst *float32, x *float64, f float64, n int)                    { panic(noAVX) }
