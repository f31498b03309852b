package fft

import "math"

// line transforms lines of n samples, many side by side: sample s of line l is
// x[s·lanes + l]. It is Stockham's algorithm, which sorts as it goes: a stage
// of radix r makes of n′ = r·m samples, s apart,
//
//	y[q + s(rp + j)] = w^(jp) Σ_k x[q + s(p + mk)] e^(∓2πi jk/r),  w = e^(∓2πi/n′)
//
// for q < s, p < m. All q, and all lanes, are one run of memory with the same
// factors, so the butterflies work on long vectors.
type line struct {
	n      int
	stages []stage
}

type stage struct {
	radix, m, s int
	factors     [2][]complex128 // forwards and inverse: w^p … w^((r−1)p) for each p
}

// newLine returns the stages of a length, or nil if it has factors other than
// 2, 3 and 5.
func newLine(n int) *line {
	l := &line{n: n}
	rest, s := n, 1
	for _, r := range [4]int{4, 2, 3, 5} {
		for rest%r == 0 {
			m := rest / r
			st := stage{radix: r, m: m, s: s}
			for p := range m {
				for j := 1; j < r; j++ {
					sin, cos := math.Sincos(2 * math.Pi * float64(j*p) / float64(rest))
					st.factors[0] = append(st.factors[0], complex(cos, -sin))
					st.factors[1] = append(st.factors[1], complex(cos, sin))
				}
			}
			l.stages = append(l.stages, st)
			rest, s = m, s*r
		}
	}
	if rest != 1 {
		return nil
	}
	return l
}

func (l *line) length() int { return l.n }

// run transforms the lines in x, with y as scratch of the same length, and
// returns the one that holds the result. lanes must be even.
func (l *line) run(x, y []complex128, lanes int, inverse bool) []complex128 {
	direction := 0
	if inverse {
		direction = 1
	}
	for i := range l.stages {
		st := &l.stages[i]
		run := st.s * lanes
		for p := range st.m {
			w := st.factors[direction][p*(st.radix-1):][:st.radix-1]
			st.butterfly(y[run*st.radix*p:][:run*st.radix], x[run*p:][:run*(st.m*(st.radix-1)+1)], run, run*st.m, w, inverse)
		}
		x, y = y, x
	}
	return x
}

// butterfly makes one run of each output, run samples apart in y, from the
// runs that lie apart samples apart in x.
func (st *stage) butterfly(y, x []complex128, run, apart int, w []complex128, inverse bool) {
	sign := 1.0
	if inverse {
		sign = -1
	}
	if useAVX {
		switch st.radix {
		case 2:
			radix2AVX(&y[0], &x[0], &w[0], run, apart)
		case 3:
			radix3AVX(&y[0], &x[0], &w[0], run, apart, sign)
		case 4:
			radix4AVX(&y[0], &x[0], &w[0], run, apart, sign)
		case 5:
			radix5AVX(&y[0], &x[0], &w[0], run, apart, sign)
		}
		return
	}
	switch st.radix {
	case 2:
		for q := range run {
			a, b := x[q], x[q+apart]
			y[q] = a + b
			y[q+run] = times(a-b, w[0])
		}
	case 3:
		for q := range run {
			a, b, c := x[q], x[q+apart], x[q+2*apart]
			t := b + c
			u, v := a-scaled(t, 0.5), turned(scaled(b-c, sin60), sign)
			y[q] = a + t
			y[q+run] = times(u+v, w[0])
			y[q+2*run] = times(u-v, w[1])
		}
	case 4:
		for q := range run {
			x0, x1, x2, x3 := x[q], x[q+apart], x[q+2*apart], x[q+3*apart]
			a, b, c, d := x0+x2, x0-x2, x1+x3, turned(x1-x3, sign)
			y[q] = a + c
			y[q+run] = times(b+d, w[0])
			y[q+2*run] = times(a-c, w[1])
			y[q+3*run] = times(b-d, w[2])
		}
	case 5:
		for q := range run {
			x0, x1, x2, x3, x4 := x[q], x[q+apart], x[q+2*apart], x[q+3*apart], x[q+4*apart]
			t1, t2, t3, t4 := x1+x4, x2+x3, x1-x4, x2-x3
			a1 := x0 + scaled(t1, cos72) + scaled(t2, cos144)
			a2 := x0 + scaled(t1, cos144) + scaled(t2, cos72)
			b1 := turned(scaled(t3, sin72)+scaled(t4, sin144), sign)
			b2 := turned(scaled(t3, sin144)-scaled(t4, sin72), sign)
			y[q] = x0 + t1 + t2
			y[q+run] = times(a1+b1, w[0])
			y[q+2*run] = times(a2+b2, w[1])
			y[q+3*run] = times(a2-b2, w[2])
			y[q+4*run] = times(a1-b1, w[3])
		}
	}
}

const (
	sin60  = 0.86602540378443864676372317075293618347140262690519
	cos72  = 0.30901699437494742410229341718281905886015458990288
	sin72  = 0.95105651629515357211643933337938214340569863412575
	cos144 = -0.80901699437494742410229341718281905886015458990288
	sin144 = 0.58778525229247312916870595463907276859765243764315
)

// times returns a·b, each product rounded.
func times(a, b complex128) complex128 {
	ar, ai, br, bi := real(a), imag(a), real(b), imag(b)
	return complex(float64(ar*br)-float64(ai*bi), float64(ai*br)+float64(ar*bi))
}

// scaled returns a·f, rounded.
func scaled(a complex128, f float64) complex128 {
	return complex(float64(real(a)*f), float64(imag(a)*f))
}

// turned returns −i·a for sign 1 and i·a for sign −1.
func turned(a complex128, sign float64) complex128 { return complex(sign*imag(a), -sign*real(a)) }
