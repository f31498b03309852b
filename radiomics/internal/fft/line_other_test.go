//go:build !amd64

package fft

func setAVX(bool) {}
