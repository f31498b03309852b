package fft

import "math"

// bluestein transforms lines of any length n as a convolution of a fast length
// m ≥ 2n − 1: with c_s = e^(−πi s²/n) and 2as = a² + s² − (a − s)²,
//
//	X(a) = c_a Σ_s (x_s c_s) · conj(c_(a−s))
//
// Bluestein, IEEE Trans. Audio Electroacoust. 18 (1970) 451.
type bluestein struct {
	n     int
	line  *line        // of length m
	chirp []complex128 // c
	b     []complex128 // the transform of conj(c), periodic, divided by m
}

func newBluestein(n int) *bluestein {
	m := Size(2*n - 1)
	t := &bluestein{n: n, line: newLine(m), chirp: make([]complex128, n)}
	b, scratch := make([]complex128, 2*m), make([]complex128, 2*m) // two lanes, one of them empty
	for s := range n {
		// s² modulo 2n keeps the angle small and exact.
		sin, cos := math.Sincos(math.Pi * float64(s*s%(2*n)) / float64(n))
		t.chirp[s] = complex(cos, -sin)
		b[2*s] = complex(cos/float64(m), sin/float64(m))
		b[2*((m-s)%m)] = b[2*s]
	}
	b = t.line.run(b, scratch, 2, false)
	t.b = make([]complex128, m)
	for s := range m {
		t.b[s] = b[2*s]
	}
	return t
}

func (t *bluestein) length() int { return t.line.n }

// run transforms the lines in the first n·lanes samples of x, and returns the
// slice that holds the result; x and y have m·lanes samples.
func (t *bluestein) run(x, y []complex128, lanes int, inverse bool) []complex128 {
	// The inverse is the conjugate of the transform of the conjugate.
	turn := func(z, w complex128) complex128 {
		if inverse {
			z = complex(real(z), -imag(z))
		}
		return times(z, w)
	}
	for s, c := range t.chirp {
		row := x[s*lanes:][:lanes]
		for l := range row {
			row[l] = turn(row[l], c)
		}
	}
	clear(x[t.n*lanes:])
	h := t.line.run(x, y, lanes, false)
	for s, b := range t.b {
		row := h[s*lanes:][:lanes]
		for l := range row {
			row[l] = times(row[l], b)
		}
	}
	if &h[0] == &x[0] {
		h = t.line.run(x, y, lanes, true)
	} else {
		h = t.line.run(y, x, lanes, true)
	}
	for s, c := range t.chirp {
		row := h[s*lanes:][:lanes]
		for l := range row {
			z := times(row[l], c)
			if inverse {
				z = complex(real(z), -imag(z))
			}
			row[l] = z
		}
	}
	return h[:t.n*lanes]
}
