package jpeg

// Constants of the transform, times 2^13 (jidctint.c of the Independent JPEG
// Group, after Loeffler, Ligtenberg and Moschytz 1989).
const (
	scale  = 13
	f0_298 = 2446
	f0_390 = 3196
	f0_541 = 4433
	f0_765 = 6270
	f0_899 = 7373
	f1_175 = 9633
	f1_501 = 12299
	f1_847 = 15137
	f1_961 = 16069
	f2_053 = 16819
	f2_562 = 20995
	f3_072 = 25172
)

// inverse stores the samples of a block of dequantised coefficients in dst.
// Columns are transformed first and kept with a few more bits.
func inverse(dst []uint16, stride int, b *[64]int32, bits int) {
	more := 2 // bits kept between the passes; one at 12 bits, as in IJG
	if bits > 8 {
		more = 1
	}
	var ws, out [8]int
	var mid [64]int
	for x := range 8 {
		for i := range ws {
			ws[i] = int(b[8*i+x])
		}
		lines(&out, &ws)
		for i, v := range out {
			mid[8*i+x] = (v + 1<<(scale-more-1)) >> (scale - more)
		}
	}
	top, centre := 1<<bits-1, 1<<(bits-1)
	for y := range 8 {
		lines(&out, (*[8]int)(mid[8*y:]))
		row := dst[y*stride:][:8]
		for i, v := range out {
			v = (v+1<<(scale+more+2))>>(scale+more+3) + centre
			row[i] = uint16(min(max(v, 0), top))
		}
	}
}

// lines is the transform of eight coefficients, times 2^13·√8.
func lines(out, in *[8]int) {
	// Even part.
	z := (in[2] + in[6]) * f0_541
	t2, t3 := z-in[6]*f1_847, z+in[2]*f0_765
	t0, t1 := (in[0]+in[4])<<scale, (in[0]-in[4])<<scale
	e0, e3, e1, e2 := t0+t3, t0-t3, t1+t2, t1-t2
	// Odd part.
	a, b, c, d := in[7], in[5], in[3], in[1]
	z1, z2, z3, z4 := -(a+d)*f0_899, -(b+c)*f2_562, (a+c)*-f1_961, (b+d)*-f0_390
	z5 := (a + c + b + d) * f1_175
	z3 += z5
	z4 += z5
	a = a*f0_298 + z1 + z3
	b = b*f2_053 + z2 + z4
	c = c*f3_072 + z2 + z3
	d = d*f1_501 + z1 + z4
	*out = [8]int{e0 + d, e1 + c, e2 + b, e3 + a, e3 - a, e2 - b, e1 - c, e0 - d}
}
