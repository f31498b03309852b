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
	width int // of a row: 16, 32, 64, 128, 256, or the number of codes and one
	n     []uint32
}

// maxTable is the largest number of codes for which pairs are counted in a
// table; beyond, they are sorted.
const maxTable = 1023

// reset empties the table for the codes of a region.
func (t *pairTable) reset(m *memory, codes int) {
	t.codes, t.width = codes, tableWidth(codes)
	t.n = take[uint32](m, t.width*t.width)
	clear(t.n[:(codes+1)*t.width])
}

// tableWidth returns the width of a table of so many codes.
func tableWidth(codes int) int {
	switch {
	case codes < 16:
		return 16
	case codes < 32:
		return 32
	case codes < 64:
		return 64
	case codes < 128:
		return 128
	case codes < 256:
		return 256
	}
	return codes + 1
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
	case 128:
		count128((*[128 * 128]uint32)(t.n), f.box8, spans, step)
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

// The five sizes differ in constants only, which let the compiler drop all
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

func count128(n *[128 * 128]uint32, box []uint8, spans []span, step int) {
	for _, s := range spans {
		a := box[s.lo:s.hi]
		b := box[int(s.lo)+step:][:len(a)]
		for x, i := range a {
			n[(uint(i)<<7|uint(b[x]))%(128*128)]++
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

// cells returns the entries of the table.
func (t *pairTable) cells(m *memory, symmetric bool) []cell {
	w := t.width
	dst := take[cell](m, t.occupied(symmetric))[:0]
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
	w := t.width
	for i := 1; i <= t.codes; i++ {
		row := t.n[i*w:][:t.codes+1]
		if !symmetric {
			for _, x := range row[1:] {
				n += int((x | -x) >> 31) // 1 unless it is zero
			}
			continue
		}
		for j, at := i, i*w+i; j < len(row); j, at = j+1, at+w {
			x := row[j] | t.n[at]
			n += int((x | -x) >> 31)
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
