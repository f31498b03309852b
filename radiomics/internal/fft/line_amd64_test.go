package fft

func setAVX(on bool) { useAVX = on }
