package texture

import "math/bits"

// countRuns makes t the run length matrix of the spans in the direction of
// step, where levels are the voxels of each code in them. It counts the voxels
// that are number l of their run: as many as runs of length l or more. Their
// difference from one l to the next is the matrix. Only voxels with a like
// neighbour are looked at; all others are the first of their run. The number of
// a voxel is kept until the voxel is reached, one step later: in a ring as
// long as the step. What the ring holds is not used before it is written.
func (t *countTable) countRuns(m *memory, f *field, spans []span, step int, levels []uint32) {
	length := take[uint16](m, powerOfTwo(step))
	t.memory = m
	t.reset(len(levels) - 1)
	t.grow(1)
	copy(t.n, levels)
	if len(f.box8) > 0 {
		t.count8(f.box8, spans, step, length)
	} else {
		t.count16(f.box16, spans, step, length)
	}
	first := t.n[:t.width]
	for x, n := range t.n[t.width:] {
		first[x%t.width] -= n // what is left begins a run
	}
	for x := range t.n[:len(t.n)-t.width] {
		t.n[x] -= t.n[x+t.width]
	}
}

func (t *countTable) count8(box []uint8, spans []span, step int, length []uint16) {
	n, w, ring := t.n, t.width, len(length)-1
	for _, s := range spans {
		for o := int(s.lo); o < int(s.hi); o += 8 {
			like := firstBytes(zeroBytes(load(box, o)^load(box, o+step)), int(s.hi)-o)
			for like != 0 {
				p := o + bits.TrailingZeros64(like)>>3
				like &= like - 1
				x := box[p]
				// The number of this voxel in its run, 0 if the one before is unlike.
				before := length[p&ring] & uint16((uint32(box[p-step]^x)-1)>>16)
				length[(p+step)&ring] = before + 1
				at := (int(before)+1)*w + int(x)
				if at >= len(n) {
					t.grow(int(before) + 2)
					n = t.n
				}
				n[at]++
			}
		}
	}
}

func (t *countTable) count16(box []uint16, spans []span, step int, length []uint16) {
	ring := len(length) - 1
	for _, s := range spans {
		for p := int(s.lo); p < int(s.hi); p++ {
			x := box[p]
			if box[p+step] != x {
				continue
			}
			before := 0
			if box[p-step] == x {
				before = int(length[p&ring])
			}
			length[(p+step)&ring] = uint16(before + 1)
			t.grow(before + 2)
			t.n[(before+1)*t.width+int(x)]++
		}
	}
}

// powerOfTwo returns the smallest power of two that is at least n.
func powerOfTwo(n int) int { return 1 << bits.Len(uint(n-1)) }

// hasLine tells whether two voxels of the field lie on a line in direction d,
// with or without voxels between them.
func (f *field) hasLine(d direction) bool {
	for _, s := range f.spans {
		for o := int(s.lo); o < int(s.hi); o++ {
			if f.code(o+d.step) != 0 {
				return true
			}
		}
	}
	for _, s := range f.spans {
		for o := int(s.lo); o < int(s.hi); o++ {
			i, j, k := f.coords(o)
			q := [3]int{i, j, k}
			for p := o; ; {
				p += d.step
				inside := true
				for a := range q {
					q[a] += d.d[a]
					inside = inside && q[a] >= 0 && q[a] < f.size[a]
				}
				if !inside {
					break
				}
				if f.code(p) != 0 {
					return true
				}
			}
		}
	}
	return false
}
