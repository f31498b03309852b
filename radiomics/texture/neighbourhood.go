package texture

// toneTable collects the differences between voxels and their neighbours. The
// mean over n neighbours differs from level i by |n i − Σ|/n, so that sums of
// the whole numbers |n i − Σ| are kept for each code and n: exact, and without
// a division for each voxel.
type toneTable struct {
	width int      // largest number of neighbours and one; 0 if quotients are added to s at once, as the table would not pay
	d     []uint64 // Σ |n i − Σ| of code x with n neighbours at x·width + n
	n     []int    // voxels of each code
	alone []int    // of those, voxels without neighbours
	s     []float64
}

// maxTones is the largest table.
const maxTones = 1 << 22

// directTones tells whether a table of codes and neighbours is too large; sums then
// depend on the order of the voxels.
func directTones(codes, most int) bool { return (codes+1)*(most+1) > maxTones }

// reset empties the table for neighbourhoods of up to most voxels.
func (t *toneTable) reset(m *memory, codes, most int) {
	t.width = most + 1
	if directTones(codes, most) {
		t.width = 0
	}
	t.d = zeros[uint64](m, (codes+1)*t.width)
	t.n, t.alone, t.s = zeros[int](m, codes+1), zeros[int](m, codes+1), zeros[float64](m, codes+1)
}

// add adds the counts of u.
func (t *toneTable) add(u *toneTable) {
	for x, d := range u.d {
		t.d[x] += d
	}
	for x := range u.n {
		t.n[x] += u.n[x]
		t.alone[x] += u.alone[x]
		t.s[x] += u.s[x]
	}
}

// finish returns voxels and sum of differences of each code. Voxels without
// neighbours have none to differ from: IBSI leaves them out, PyRadiomics counts
// them as equal.
func (t *toneTable) finish(countAlone bool) (n []int, s []float64) {
	for x := range t.s {
		for k, d := range t.d[x*t.width : (x+1)*t.width] {
			if d > 0 {
				t.s[x] += float64(d) / float64(k)
			}
		}
		if !countAlone {
			t.n[x] -= t.alone[x]
		}
	}
	return t.n, t.s
}

// countOffsets adds the voxels of the spans, whose neighbours are offsets and
// their opposites.
func (t *toneTable) countOffsets(f *field, spans []span, offsets []direction) {
	if len(f.box8) > 0 {
		toneOffsets(t, f.box8, f.r.value, spans, offsets)
	} else {
		toneOffsets(t, f.box16, f.r.value, spans, offsets)
	}
}

func toneOffsets[T uint8 | uint16](t *toneTable, box []T, value []uint16, spans []span, offsets []direction) {
	for _, s := range spans {
		for o := int(s.lo); o < int(s.hi); o++ {
			n, sum := 0, 0
			for _, d := range offsets {
				if y := box[o+d.step]; y != 0 {
					n++
					sum += int(value[y])
				}
				if y := box[o-d.step]; y != 0 {
					n++
					sum += int(value[y])
				}
			}
			t.voxel(int(box[o]), n, int(value[box[o]])*n-sum)
		}
	}
}

// voxel adds a voxel of code x with n neighbours from which it differs by diff/n.
func (t *toneTable) voxel(x, n, diff int) {
	t.n[x]++
	if n == 0 {
		t.alone[x]++
	}
	if diff = max(diff, -diff); t.width > 0 {
		t.d[x*t.width+n] += uint64(diff)
	} else if n > 0 {
		t.s[x] += float64(diff) / float64(n)
	}
}

// The 16 bits of a lane hold the sum of up to 27 levels in the low bits and
// their number in the high ones; a word holds four lanes.
const (
	laneLevels = 11
	laneMask   = 1<<laneLevels - 1
	maxSpread  = laneMask / 27 // of levels above the lowest
)

// laneSums is the scratch of [toneTable.countLanes].
type laneSums struct {
	lane  *[256]uint16 // of each code
	row   []uint64     // sums along i of a row
	rows  []uint64     // of a slice, with an empty row before and after
	slice [3][]uint64  // sums along i and j of the last slices
}

// countLanes adds the voxels of slices from to to − 1 with their 26 neighbours,
// or 8 if planar: sums along each axis in turn, four voxels at a time.
func (t *toneTable) countLanes(m *memory, f *field, from, to int, planar bool) {
	defer m.release(m.at)
	words := laneWords(f)
	l := &laneSums{lane: (*[256]uint16)(zeros[uint16](m, 256)), row: take[uint64](m, words), rows: take[uint64](m, words*(f.size[1]+2))}
	for n := range l.slice {
		l.slice[n] = take[uint64](m, words*f.size[1])
	}
	value := f.r.value
	for x, v := range value {
		if x > 0 {
			l.lane[x] = v - value[1] | 1<<laneLevels
		}
	}
	if planar {
		for k := from; k < to; k++ {
			l.sumSlice(l.slice[0], f, k)
			t.countSlice(f, l, k, l.slice[0], nil, nil)
		}
		return
	}
	before, here, after := l.slice[0], l.slice[1], l.slice[2]
	l.sumSlice(before, f, from-1)
	l.sumSlice(here, f, from)
	for k := from; k < to; k++ {
		l.sumSlice(after, f, k+1)
		t.countSlice(f, l, k, here, before, after)
		before, here, after = here, after, before
	}
}

// laneWords returns the words of a row of lanes.
func laneWords(f *field) int { return (f.size[0] + 3) / 4 }

// sumSlice stores in dst the sums over the 3 × 3 voxels about each voxel of slice k.
func (l *laneSums) sumSlice(dst []uint64, f *field, k int) {
	if k < 0 || k >= f.size[2] {
		clear(dst)
		return
	}
	words := len(l.row)
	clear(l.rows[:words])
	clear(l.rows[len(l.rows)-words:])
	for j := range f.size[1] {
		sum := l.rows[(j+1)*words:][:words]
		l.pack(f, f.first+k*f.step[2]+j*f.step[1])
		var left uint64
		for w, x := range l.row {
			var right uint64
			if w+1 < words {
				right = l.row[w+1]
			}
			sum[w] = x + (x<<16 | left>>48) + (x>>16 | right<<48)
			left = x
		}
	}
	for at := range dst {
		dst[at] = l.rows[at] + l.rows[at+words] + l.rows[at+2*words]
	}
}

// pack stores the lanes of the row at place o.
func (l *laneSums) pack(f *field, o int) {
	box, lane, row := f.box8[o:][:f.size[0]], l.lane, l.row
	w := 0
	for ; len(box) >= 4; box = box[4:] {
		row[w] = uint64(lane[box[0]]) | uint64(lane[box[1]])<<16 | uint64(lane[box[2]])<<32 | uint64(lane[box[3]])<<48
		w++
	}
	if len(box) > 0 {
		var x uint64
		for n, c := range box {
			x |= uint64(lane[c]) << (16 * n)
		}
		row[w] = x
	}
}

// countSlice adds the voxels of slice k from the sums of its slice and, in
// three dimensions, those beside.
func (t *toneTable) countSlice(f *field, l *laneSums, k int, here, before, after []uint64) {
	words, lane := len(l.row), l.lane
	for _, s := range f.slices(k, k+1) {
		i, j, _ := f.coords(int(s.lo))
		codes := f.box8[s.lo:s.hi]
		row := here[j*words:][:words]
		var a, b []uint64
		if before != nil {
			a, b = before[j*words:][:words], after[j*words:][:words]
		}
		for _, x := range codes {
			w := i >> 2
			sum := row[w]
			if a != nil {
				sum += a[w] + b[w]
			}
			own := uint64(lane[x])
			sum = sum>>(16*(i&3))&0xffff - own
			n, level := int(sum>>laneLevels), int(own&laneMask)
			diff := level*n - int(sum&laneMask)
			t.n[x]++
			if n == 0 {
				t.alone[x]++
			}
			t.d[int(x)*t.width+n] += uint64(max(diff, -diff))
			i++
		}
	}
}
