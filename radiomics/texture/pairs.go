package texture

import (
	"cmp"
	"slices"
)

// cell is an entry of a co-occurrence matrix. In a symmetric matrix it stands
// for (i, j) and (j, i), each of count n, with i ≤ j.
type cell struct {
	i, j uint16 // codes
	n    float64
}

// pairTable counts pairs of codes. Row and column 0 stand for outside.
type pairTable struct {
	codes int
	width int // of a row: 16, 32, 64, 256, or the number of codes and one
	n     []uint32
}

// maxTable is the largest number of codes for which pairs are counted in a
// table; beyond, they are sorted.
const maxTable = 1023

// reset empties the table for the codes of a region.
func (t *pairTable) reset(codes int) {
	t.codes = codes
	switch {
	case codes < 16:
		t.width = 16
	case codes < 32:
		t.width = 32
	case codes < 64:
		t.width = 64
	case codes < 256:
		t.width = 256
	default:
		t.width = codes + 1
	}
	t.n = resize(t.n, t.width*t.width)
	clear(t.n[:(codes+1)*t.width])
}

// add adds the counts of u.
func (t *pairTable) add(u *pairTable) {
	for i := 1; i <= u.codes; i++ {
		from := u.n[i*u.width:][:u.codes+1]
		to := t.n[i*u.width:][:len(from)]
		for j, n := range from {
			to[j] += n
		}
	}
}

// count counts the pairs of each voxel of the spans and the voxel step places later.
func (t *pairTable) count(f *field, spans []span, step int) {
	switch t.width {
	case 16:
		count16((*[16 * 16]uint32)(t.n), f.box8, spans, step)
	case 32:
		count32((*[32 * 32]uint32)(t.n), f.box8, spans, step)
	case 64:
		count64((*[64 * 64]uint32)(t.n), f.box8, spans, step)
	case 256:
		count256((*[256 * 256]uint32)(t.n), f.box8, spans, step)
	default:
		for _, s := range spans {
			a := f.box16[s.lo:s.hi]
			b := f.box16[int(s.lo)+step:][:len(a)]
			for x, i := range a {
				t.n[int(i)*t.width+int(b[x])]++
			}
		}
	}
}

// The four sizes differ in constants only, which let the compiler drop all
// bounds tests.
func count16(n *[16 * 16]uint32, box []uint8, spans []span, step int) {
	for _, s := range spans {
		a := box[s.lo:s.hi]
		b := box[int(s.lo)+step:][:len(a)]
		for x, i := range a {
			n[(uint(i)<<4|uint(b[x]))%(16*16)]++
		}
	}
}

func count32(n *[32 * 32]uint32, box []uint8, spans []span, step int) {
	for _, s := range spans {
		a := box[s.lo:s.hi]
		b := box[int(s.lo)+step:][:len(a)]
		for x, i := range a {
			n[(uint(i)<<5|uint(b[x]))%(32*32)]++
		}
	}
}

func count64(n *[64 * 64]uint32, box []uint8, spans []span, step int) {
	for _, s := range spans {
		a := box[s.lo:s.hi]
		b := box[int(s.lo)+step:][:len(a)]
		for x, i := range a {
			n[(uint(i)<<6|uint(b[x]))%(64*64)]++
		}
	}
}

func count256(n *[256 * 256]uint32, box []uint8, spans []span, step int) {
	for _, s := range spans {
		a := box[s.lo:s.hi]
		b := box[int(s.lo)+step:][:len(a)]
		for x, i := range a {
			n[uint(i)<<8|uint(b[x])]++
		}
	}
}

// cells appends the entries of the table to dst.
func (t *pairTable) cells(dst []cell, symmetric bool) []cell {
	w := t.width
	if cap(dst) == 0 {
		dst = make([]cell, 0, t.occupied(symmetric))
	}
	for i := 1; i <= t.codes; i++ {
		row := t.n[i*w:][:t.codes+1]
		if !symmetric {
			for j := 1; j < len(row); j++ {
				if n := row[j]; n > 0 {
					dst = append(dst, cell{uint16(i), uint16(j), float64(n)})
				}
			}
			continue
		}
		for j, at := i, i*w+i; j < len(row); j, at = j+1, at+w {
			if n := row[j] + t.n[at]; n > 0 {
				dst = append(dst, cell{uint16(i), uint16(j), float64(n)})
			}
		}
	}
	return dst
}

// occupied returns the number of entries.
func (t *pairTable) occupied(symmetric bool) (n int) {
	for i := 1; i <= t.codes; i++ {
		first := 1
		if symmetric {
			first = i
		}
		for j := first; j <= t.codes; j++ {
			if t.n[i*t.width+j] > 0 || symmetric && t.n[j*t.width+i] > 0 {
				n++
			}
		}
	}
	return n
}

// sortedPairs appends the entries of the matrix of a direction to dst without a
// table: it sorts the pairs in keys, which is scratch.
func sortedPairs(dst []cell, keys []uint32, f *field, spans []span, step int, symmetric bool) ([]cell, []uint32) {
	keys = keys[:0]
	for _, s := range spans {
		a := f.box16[s.lo:s.hi]
		b := f.box16[int(s.lo)+step:][:len(a)]
		for x, i := range a {
			j := b[x]
			if j == 0 {
				continue
			}
			if symmetric && i > j {
				i, j = j, i
			}
			keys = append(keys, uint32(i)<<16|uint32(j))
		}
	}
	slices.Sort(keys)
	for x := 0; x < len(keys); {
		y := x
		for y < len(keys) && keys[y] == keys[x] {
			y++
		}
		c := cell{uint16(keys[x] >> 16), uint16(keys[x]), float64(y - x)}
		if symmetric && c.i == c.j {
			c.n *= 2
		}
		dst = append(dst, c)
		x = y
	}
	return dst, keys
}

// mergeCells brings equal entries of cells together in ascending order and adds
// their counts in the order in which they stand.
func mergeCells(cells []cell) []cell {
	slices.SortStableFunc(cells, func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.i, b.i), cmp.Compare(a.j, b.j))
	})
	kept := cells[:0]
	for _, c := range cells {
		if n := len(kept); n > 0 && kept[n-1].i == c.i && kept[n-1].j == c.j {
			kept[n-1].n += c.n
		} else {
			kept = append(kept, c)
		}
	}
	return kept
}
