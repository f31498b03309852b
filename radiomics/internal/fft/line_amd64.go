package fft

import "golang.org/x/sys/cpu"

// useAVX tells whether the processor has vectors of two complex128. Tests
// switch it off to compare.
var useAVX = cpu.X86.HasAVX

//go:noescape
func radix2AVX(y, x, w *complex128, run, apart int)

//go:noescape
func radix3AVX(y, x, w *complex128, run, apart int, sign float64)

//go:noescape
func radix4AVX(y, x, w *complex128, run, apart int, sign float64)

//go:noescape
func radix5AVX(y, x, w *complex128, run, apart int, sign float64)
