package filter

import "golang.org/x/sys/cpu"

// useAVX tells whether the processor has vectors of four float64 and fused
// multiply-add. Tests switch it off to compare.
var useAVX = cpu.X86.HasAVX2 && cpu.X86.HasFMA

//go:noescape
func correlateAVX(dst, src *float64, off []int, w []float64, n int)

//go:noescape
func correlateVoxelsAVX(dst *float64, src *float32, off []int, w []float64, n int)

//go:noescape
func correlateSinglesAVX(dst, src *float32, off []int, w []float32, n int)

//go:noescape
func addScaledAVX(dst, x *float64, f float64, n int)

//go:noescape
func maximaAVX(dst, x *float64, n int)

//go:noescape
func minimaAVX(dst, x *float64, n int)

//go:noescape
func moduliAVX(dst, x *float64, n int)

//go:noescape
func storeScaledAVX(dst *float32, x *float64, f float64, n int)
