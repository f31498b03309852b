package filter

import "golang.org/x/sys/cpu"

// useAVX tells whether the processor has vectors of four float64. Tests switch
// it off to compare.
var useAVX = cpu.X86.HasAVX

//go:noescape
func correlateAVX(dst, src *float64, off []int, w []float64, n int)

//go:noescape
func correlatePairsAVX(dst, src *float64, off []int, w []float64, n int)

//go:noescape
func correlateVoxelsAVX(dst *float64, src *float32, off []int, w []float64, n int)

//go:noescape
func correlateVoxelPairsAVX(dst *float64, src *float32, off []int, w []float64, n int)
