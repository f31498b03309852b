package jpegll

// undo1 turns the differences of a first row, n components side by side,
// into samples: each is predicted by its left neighbour, the first by base.
func undo1(row []uint16, n int, base uint16) {
	for c := range n {
		row[c] += base
	}
	for i := n; i < len(row); i++ {
		row[i] += row[i-n]
	}
}

// undo turns the differences of a row into samples. The predictor works on
// the neighbours a (left), b (above), c (above left); the first sample of a
// row is predicted by b. Arithmetic is modulo 2^16 (T.81 H.1.2.1).
func undo(row, above []uint16, n, predictor int) {
	above = above[:len(row)]
	for c := range n {
		row[c] += above[c]
	}
	switch predictor {
	case 1:
		if n == 1 {
			a := row[0]
			for i := 1; i < len(row); i++ {
				a += row[i]
				row[i] = a
			}
			return
		}
		for i := n; i < len(row); i++ {
			row[i] += row[i-n]
		}
	case 2:
		for i := n; i < len(row); i++ {
			row[i] += above[i]
		}
	case 3:
		for i := n; i < len(row); i++ {
			row[i] += above[i-n]
		}
	default:
		for i := n; i < len(row); i++ {
			row[i] += predict(predictor, int32(row[i-n]), int32(above[i]), int32(above[i-n]))
		}
	}
}

// predict is table H.1 of T.81.
func predict(predictor int, a, b, c int32) uint16 {
	switch predictor {
	case 1:
		return uint16(a)
	case 2:
		return uint16(b)
	case 3:
		return uint16(c)
	case 4:
		return uint16(a + b - c)
	case 5:
		return uint16(a + (b-c)>>1)
	case 6:
		return uint16(b + (a-c)>>1)
	default:
		return uint16((a + b) >> 1)
	}
}
