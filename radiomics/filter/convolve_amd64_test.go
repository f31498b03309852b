package filter

func setAVX(on bool) { useAVX = on }
