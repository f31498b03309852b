//go:build !amd64

package fft

const useAVX = false

func radix2AVX(y, x, w *complex128, run, apart int)               { panic("fft: no AVX") }
func radix3AVX(y, x, w *complex128, run, apart int, sign float64) { panic("fft: no AVX") }
func radix4AVX(y, x, w *complex128, run, apart int, sign float64) { panic("fft: no AVX") }
func radix5AVX(y, x, w *complex128, run, apart int, sign float64) { panic("fft: no AVX") }
