//go:build !amd64

package filter

func setAVX(bool) {}
