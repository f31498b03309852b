package jpeg2000

// Contexts of the arithmetic coder (T.800 table D.1 to D.5): 0 to 8 whether a
// coefficient becomes significant, 9 to 13 its sign, 14 to 16 its lower bits.
const (
	ctxSign      = 9
	ctxMagnitude = 14
	ctxRun       = 17
	ctxUniform   = 18
)

// What is known of the four coefficients of a column in a stripe, one word.
// Bits 0 to 17 tell which are significant in the column and its neighbours:
// three to a row, from the row above the stripe to the one below. Then come
// for each row the sign (with those of the rows above and below), whether it
// was refined, and whether the current bit plane has been coded:
//
//	18 sign above, 19 sign 0, 20 refined 0, 21 coded 0, 22 sign 1, … 30 coded 3, 31 sign below
const (
	above      = 1 << 1
	here       = 1 << 4
	around     = 0x1ef // the eight neighbours of row 0
	refined    = 1 << 20
	coded      = 1 << 21
	anyCoded   = coded | coded<<3 | coded<<6 | coded<<9
	anyHere    = here | here<<3 | here<<6 | here<<9
	signAbove  = 18
	sign0      = 19
	signBelow  = 31
	signBelow0 = 22 // the sign of the row below row 0
)

// zeroContext gives the context of significance by orientation and the nine
// bits around a coefficient (T.800 table D.1).
var zeroContext = func() (t [4][512]uint8) {
	for o := range t {
		for f := range t[o] {
			on := func(b int) int { return f >> b & 1 }
			h, v, d := on(3)+on(5), on(1)+on(7), on(0)+on(2)+on(6)+on(8)
			if o == 1 {
				h, v = v, h
			}
			t[o][f] = zeroContextOf(o == 3, h, v, d)
		}
	}
	return t
}()

// zeroContextOf is table D.1 for h horizontal, v vertical and d diagonal
// significant neighbours.
func zeroContextOf(diagonal bool, h, v, d int) uint8 {
	if diagonal {
		switch n := h + v; {
		case d >= 3:
			return 8
		case d == 2:
			return uint8(6 + min(n, 1))
		case d == 1:
			return uint8(3 + min(n, 2))
		default:
			return uint8(min(n, 2))
		}
	}
	switch {
	case h == 2:
		return 8
	case h == 1 && v >= 1:
		return 7
	case h == 1:
		return uint8(5 + min(d, 1))
	case v > 0:
		return uint8(2 + v)
	default:
		return uint8(min(d, 2))
	}
}

// signContext gives context and expected sign (in bit 7) by the neighbours
// above, left, right, below (bits 1, 3, 5, 7) and the signs left, right, above,
// below (bits 0, 2, 4, 6; T.800 tables D.2 and D.3).
var signContext = func() (t [256]uint8) {
	for f := range t {
		side := func(significant, sign int) int { return (f >> significant & 1) * (1 - 2*(f>>sign&1)) }
		h := max(-1, min(1, side(3, 0)+side(5, 2)))
		v := max(-1, min(1, side(1, 4)+side(7, 6)))
		var flip uint8
		if h < 0 || h == 0 && v < 0 {
			h, v, flip = -h, -v, 0x80
		}
		t[f] = uint8(ctxSign+3*h+v*(2*h-1)*(2*h-1)) | flip
		if h == 1 {
			t[f] = uint8(ctxSign+3+v) | flip
		}
	}
	return t
}()

// blockDecoder decodes one code-block at a time.
type blockDecoder struct {
	mq
	a, c          uint32 // its registers between passes
	width, height int
	stride        int      // of flags: width + 2
	flags         []uint32 // by stripe and column, with a border around
	data          []int32  // sign and magnitude as an integer, with one bit below the last plane
	zero          *[512]uint8
	causal        bool
	codeword      []byte
}

// decode decodes a block of a band with the given orientation; data then holds
// twice its coefficients, those between two decision levels in their middle.
func (d *blockDecoder) decode(b *block, body []byte, orient int, modes byte) {
	d.width, d.height, d.stride = int(b.width), int(b.height), int(b.width)+2
	d.flags = cleared(d.flags, d.stride*((d.height+3)/4+2))
	d.data = cleared(d.data, d.width*d.height)
	d.zero, d.causal = &zeroContext[orient], modes&causal != 0
	d.resetContexts()
	pass, plane := 2, int(b.planes) // passes 0 significance, 1 refinement, 2 cleanup
	done := 0
	for i := 0; i < len(b.parts); {
		j := i + 1
		for j < len(b.parts) && !b.parts[j].first {
			j++
		}
		raw := modes&bypass != 0 && done >= 10 && pass != 2
		d.open(b.parts[i:j], body, raw)
		for _, p := range b.parts[i:j] {
			for range p.passes {
				if plane < 1 {
					return // more passes than planes
				}
				one := int32(1) << plane
				switch {
				case pass == 0 && raw:
					d.significanceRaw(one | one>>1)
				case pass == 0:
					d.significance(one | one>>1)
				case pass == 1 && raw:
					d.refineRaw(one >> 1)
				case pass == 1:
					d.refine(one >> 1)
				default:
					d.cleanup(one | one>>1)
					if modes&segSymbols != 0 {
						for range 4 {
							_, d.a, d.c = d.bit(ctxUniform, d.a, d.c)
						}
					}
				}
				if modes&resetProbs != 0 {
					d.resetContexts()
				}
				done++
				if pass++; pass == 3 {
					pass = 0
					plane--
				}
			}
		}
		i = j
	}
}

// cleared returns n zeros in s, if it has room.
func cleared[T int32 | uint32](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// open begins the codeword that the parts form.
func (d *blockDecoder) open(parts []part, body []byte, raw bool) {
	d.codeword = d.codeword[:0]
	for _, p := range parts {
		d.codeword = append(d.codeword, body[p.at:p.at+p.length]...)
	}
	d.codeword = append(d.codeword, 0xff, 0xff)
	if raw {
		d.startRaw(d.codeword)
	} else {
		d.a, d.c = d.start(d.codeword)
	}
}

// signIndex gathers the bits for signContext of row r; f, left and right are
// the words of the column and its neighbours.
func signIndex(f, left, right uint32, r int) uint32 {
	s := 3 * r
	x := f >> s & (1<<1 | 1<<3 | 1<<5 | 1<<7)
	x |= left >> (sign0 + s) & 1
	x |= right >> (sign0 + s) & 1 << 2
	if r == 0 {
		x |= f >> signAbove & 1 << 4
	} else {
		x |= f >> (sign0 + s - 3) & 1 << 4
	}
	return x | f>>(signBelow0+s)&1<<6
}

// mark makes row r of the column at i significant with the given sign.
func (d *blockDecoder) mark(i, r int, sign uint32) {
	s := 3 * r
	d.flags[i-1] |= 1 << (5 + s)
	d.flags[i] |= (sign<<sign0 | here) << s
	d.flags[i+1] |= 1 << (3 + s)
	if r == 0 && !d.causal {
		n := i - d.stride
		d.flags[n-1] |= 1 << 17
		d.flags[n] |= sign<<signBelow | 1<<16
		d.flags[n+1] |= 1 << 15
	}
	if r == 3 {
		n := i + d.stride
		d.flags[n-1] |= 1 << 2
		d.flags[n] |= sign<<signAbove | above
		d.flags[n+1] |= 1
	}
}

// decodeSign decodes the sign of a coefficient that has become significant,
// stores ±value and marks it.
func (d *blockDecoder) decodeSign(i, r, at int, value int32, a, c uint32) (a1, c1 uint32) {
	ctx := signContext[signIndex(d.flags[i], d.flags[i-1], d.flags[i+1], r)]
	sign, a, c := d.bit(ctx, a, c)
	sign ^= uint32(ctx >> 7)
	d.data[at] = value ^ -int32(sign) + int32(sign)
	d.mark(i, r, sign)
	return a, c
}

// significance is the first pass of a bit plane: coefficients with significant
// neighbours.
func (d *blockDecoder) significance(value int32) {
	a, c := d.a, d.c
	for y := 0; y < d.height; y += 4 {
		rows := min(4, d.height-y)
		i := (y/4+1)*d.stride + 1
		for x := range d.width {
			f := d.flags[i]
			if f != 0 {
				for r := range rows {
					s := 3 * r & 31
					if f>>s&(here|coded) == 0 && f>>s&around != 0 {
						var bit uint32
						if bit, a, c = d.bit(d.zero[f>>s&around], a, c); bit != 0 {
							a, c = d.decodeSign(i, r, (y+r)*d.width+x, value, a, c)
							f |= d.flags[i]
						}
						f |= coded << s
					}
				}
				d.flags[i] = f
			}
			i++
		}
	}
	d.a, d.c = a, c
}

// significanceRaw is the same without arithmetic coding.
func (d *blockDecoder) significanceRaw(value int32) {
	for y := 0; y < d.height; y += 4 {
		rows := min(4, d.height-y)
		i := (y/4+1)*d.stride + 1
		for x := range d.width {
			for r := range rows {
				s := 3 * r
				if f := d.flags[i] >> s; f&(here|coded) == 0 && f&around != 0 {
					if d.rawBit() != 0 {
						sign := d.rawBit()
						d.data[(y+r)*d.width+x] = value ^ -int32(sign) + int32(sign)
						d.mark(i, r, sign)
					}
					d.flags[i] |= coded << s
				}
			}
			i++
		}
	}
}

// refine is the second pass: a bit more of what was significant before.
func (d *blockDecoder) refine(half int32) {
	a, c := d.a, d.c
	for y := 0; y < d.height; y += 4 {
		rows := min(4, d.height-y)
		i := (y/4+1)*d.stride + 1
		for x := range d.width {
			f := d.flags[i]
			if f&anyHere != 0 {
				for r := range rows {
					s := 3 * r & 31
					if f>>s&(here|coded) == here {
						ctx := uint8(ctxMagnitude)
						if f>>s&refined != 0 {
							ctx += 2
						} else if f>>s&around != 0 {
							ctx++
						}
						var bit uint32
						bit, a, c = d.bit(ctx, a, c)
						d.adjust((y+r)*d.width+x, half, bit)
						f |= refined << s
					}
				}
				d.flags[i] = f
			}
			i++
		}
	}
	d.a, d.c = a, c
}

// refineRaw is the same without arithmetic coding.
func (d *blockDecoder) refineRaw(half int32) {
	for y := 0; y < d.height; y += 4 {
		rows := min(4, d.height-y)
		i := (y/4+1)*d.stride + 1
		for x := range d.width {
			for r := range rows {
				s := 3 * r
				if d.flags[i]>>s&(here|coded) == here {
					d.adjust((y+r)*d.width+x, half, d.rawBit())
					d.flags[i] |= refined << s
				}
			}
			i++
		}
	}
}

// adjust moves a coefficient by half away from zero if bit is 1, towards it
// if it is 0.
func (d *blockDecoder) adjust(at int, half int32, bit uint32) {
	v := d.data[at]
	sign := v >> 31 // −1 or 0
	step := half ^ int32(bit-1)
	step -= int32(bit - 1)
	d.data[at] = v + (step ^ sign - sign)
}

// cleanup is the last pass: what the others left; four at a time where nothing
// around is significant.
func (d *blockDecoder) cleanup(value int32) {
	a, c := d.a, d.c
	var bit uint32
	for y := 0; y < d.height; y += 4 {
		rows := min(4, d.height-y)
		i := (y/4+1)*d.stride + 1
		for x := range d.width {
			f := d.flags[i]
			r := 0
			if f == 0 && rows == 4 {
				if bit, a, c = d.bit(ctxRun, a, c); bit == 0 {
					i++
					continue
				}
				var low uint32
				bit, a, c = d.bit(ctxUniform, a, c)
				low, a, c = d.bit(ctxUniform, a, c)
				r = int(bit<<1 | low)
				a, c = d.decodeSign(i, r, (y+r)*d.width+x, value, a, c)
				f = d.flags[i]
				r++
			}
			for ; r < rows; r++ {
				s := 3 * r & 31
				if f>>s&(here|coded) == 0 {
					if bit, a, c = d.bit(d.zero[f>>s&around], a, c); bit != 0 {
						a, c = d.decodeSign(i, r, (y+r)*d.width+x, value, a, c)
						f = d.flags[i]
					}
				}
			}
			d.flags[i] = f &^ anyCoded
			i++
		}
	}
	d.a, d.c = a, c
}
