package texture

// countDependence adds to t, for each voxel of the spans, its number of
// dependent neighbours and one: those among offsets (and their opposites) whose
// level differs by at most α.
func (t *countTable) countDependence(f *field, spans []span, offsets []direction, alpha int) {
	switch {
	case len(f.box16) > 0:
		dependence(t, f.box16, f.r.value, spans, offsets, alpha)
	case f.dependsInWords(offsets, alpha):
		t.dependenceWords(f.box8, spans, offsets)
	default:
		dependence(t, f.box8, f.r.value, spans, offsets, alpha)
	}
}

// dependsInWords tells whether dependence is counted eight voxels at a time, up
// to 254 neighbours in a byte.
func (f *field) dependsInWords(offsets []direction, alpha int) bool {
	return len(f.box8) > 0 && alpha == 0 && len(offsets) <= 127
}

// resetDependence empties the table for [countTable.countDependence], which in
// words wants all rows at once: they come from m.
func (t *countTable) resetDependence(m *memory, f *field, offsets []direction, alpha int) {
	if f.dependsInWords(offsets, alpha) {
		t.memory = m
	} else if t.memory != nil {
		t.memory, t.n = nil, nil
	}
	t.reset(f.r.codes())
	if t.memory != nil {
		t.grow(2*len(offsets) + 1)
	}
}

func dependence[T uint8 | uint16](t *countTable, box []T, value []uint16, spans []span, offsets []direction, alpha int) {
	for _, s := range spans {
		for o := int(s.lo); o < int(s.hi); o++ {
			x := box[o]
			v, n := int(value[x]), 0
			for _, d := range offsets {
				if y := box[o+d.step]; y != 0 && max(v-int(value[y]), int(value[y])-v) <= alpha {
					n++
				}
				if y := box[o-d.step]; y != 0 && max(v-int(value[y]), int(value[y])-v) <= alpha {
					n++
				}
			}
			t.grow(n + 1)
			t.n[n*t.width+int(x)]++
		}
	}
}

// dependenceWords is countDependence for α = 0, eight voxels at a time.
func (t *countTable) dependenceWords(box []uint8, spans []span, offsets []direction) {
	n, w := t.n, t.width
	for _, s := range spans {
		for o := int(s.lo); o < int(s.hi); o += 8 {
			x := load(box, o)
			var like uint64
			for _, d := range offsets {
				like += zeroBytes(x^load(box, o+d.step))>>7 + zeroBytes(x^load(box, o-d.step))>>7
			}
			for left := min(8, int(s.hi)-o); left > 0; left-- {
				n[int(like&255)*w+int(x&255)]++
				like >>= 8
				x >>= 8
			}
		}
	}
}
