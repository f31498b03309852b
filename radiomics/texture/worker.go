package texture

import "slices"

// worker is the scratch of one thread. Its sums are added to those of the first
// when all is done.
type worker struct {
	memory    memory
	pairs     summed[pairTable]
	cells     []cell // where there is no bound to their number
	merged    []cell
	keys      []uint32
	pairSums  pairSums
	glcm      glcm
	runs      summed[countTable]
	levels    []uint32 // voxels of each code in a slice
	sums      countSums
	floats    []float64
	sizes     summed[zoneTable]
	distances summed[countTable]
	ngldm     summed[countTable]
	gldm      summed[countTable]
	tones     summed[toneTable]
	ngtdm     ngtdm
}

// summed is a matrix with the sums into which it goes.
type summed[T any] struct{ one, slices, volume T }

// sparse tells whether pairs are sorted because a table would be too large.
func (c *Computer) sparse() bool { return c.field.r.codes() > maxTable }

// listed tells whether the matrices of directions are kept one by one.
func (c *Computer) listed() bool { return c.sparse() || c.cfg.Weighting != NoWeighting }

// prepare makes room for the sums of the present families and empties them.
func (w *worker) prepare(c *Computer) {
	m, codes := &w.memory, c.field.r.codes()
	w.pairs.slices, w.pairs.volume = pairTable{}, pairTable{}
	if c.wants(GLCM, allSlices) && !c.listed() {
		w.pairs.slices.reset(m, codes)
	}
	if c.wants(GLCM, volume) && !c.listed() {
		w.pairs.volume.reset(m, codes)
	}
	if c.counting() {
		w.sums.prepare(m, c.field.r.value)
	}
	w.sizes.slices.reset(codes)
	w.sizes.volume.small.memory, w.distances.volume.memory = m, m
	w.sizes.volume.reset(codes)
	for _, t := range [...]*summed[countTable]{&w.runs, &w.distances} {
		t.slices.reset(codes)
		t.volume.reset(codes)
	}
	if c.wants(GLDZM, volume) {
		w.distances.volume.grow(usualRows)
	}
	if c.wants(GLSZM, volume) {
		w.sizes.volume.small.grow(usualRows) // last, because it grows further in place
	}
	w.ngldm.slices.reset(codes)
	w.gldm.slices.reset(codes)
	if c.wants(NGLDM, volume) {
		w.ngldm.volume.resetDependence(m, &c.field, c.offsets, c.alpha)
	}
	if c.wants(GLDM, volume) {
		w.gldm.volume.resetDependence(m, &c.field, c.offsets, c.alpha)
	}
	w.tones.slices, w.tones.volume = toneTable{}, toneTable{}
	if c.wants(NGTDM, allSlices) {
		w.tones.slices.reset(m, codes, c.neighbours(true))
	}
	if c.wants(NGTDM, volume) {
		w.tones.volume.reset(m, codes, c.neighbours(false))
	}
}

// counting tells whether there are matrices of counts now.
func (c *Computer) counting() bool { return c.now&^(1<<GLCM|1<<NGTDM) != 0 }

// add adds the sums of v.
func (w *worker) add(v *worker) {
	w.pairs.slices.add(&v.pairs.slices)
	w.pairs.volume.add(&v.pairs.volume)
	w.sizes.slices.add(&v.sizes.slices)
	w.sizes.volume.add(&v.sizes.volume)
	for n, t := range [...]*summed[countTable]{&w.runs, &w.distances, &w.ngldm, &w.gldm} {
		u := [...]*summed[countTable]{&v.runs, &v.distances, &v.ngldm, &v.gldm}[n]
		t.slices.add(&u.slices)
		t.volume.add(&u.volume)
	}
	w.tones.slices.add(&v.tones.slices)
	w.tones.volume.add(&v.tones.volume)
}

// finish computes the features of the sums.
func (w *worker) finish(c *Computer) {
	for k, planar := range [kinds]bool{allSlices: true} {
		k := kind(k)
		if k != allSlices && k != volume {
			continue
		}
		if c.wants(GLCM, k) {
			w.finishPairs(c, k, planar)
		}
		if c.wants(GLRLM, k) {
			w.finishRuns(c, k, planar)
		}
		voxels := float64(c.field.r.Voxels)
		pick := func(t *summed[countTable]) *countTable {
			if planar {
				return &t.slices
			}
			return &t.volume
		}
		if c.wants(GLSZM, k) {
			t := &w.sizes.volume
			if planar {
				t = &w.sizes.slices
			}
			w.putZones(c, k, 0, t, voxels)
		}
		if c.wants(GLDZM, k) {
			w.putCounts(c, GLDZM, k, 0, pick(&w.distances), voxels)
		}
		if c.wants(NGLDM, k) {
			w.putCounts(c, NGLDM, k, 0, pick(&w.ngldm), voxels)
		}
		if c.wants(GLDM, k) {
			w.putCounts(c, GLDM, k, 0, pick(&w.gldm), voxels)
		}
		if c.wants(NGTDM, k) {
			t := &w.tones.volume
			if planar {
				t = &w.tones.slices
			}
			w.putTones(c, k, 0, t)
		}
	}
}

// pairDirection counts the pairs of direction n in all slices.
func (c *Computer) pairDirection(w *worker, n, _ int) {
	d := c.pairs[n]
	planar := d.d[2] == 0
	sum := &w.pairs.volume // of which those in slices may be kept apart until the end
	if planar && c.wants(GLCM, allSlices) {
		sum = &w.pairs.slices
	}
	summed := !c.listed() && (c.wants(GLCM, volume) || planar && c.wants(GLCM, allSlices))
	alone := c.wants(GLCM, oneDirection) && (planar || slices.Contains(c.cfg.Aggregations, Averaged3D))
	if !c.listed() && !alone {
		if summed {
			sum.count(&c.field, c.field.spans, d.step)
		}
		return
	}
	defer w.memory.release(w.memory.at)
	if !summed {
		sum = nil
	}
	cells := w.countPairs(c, c.field.spans, d, sum)
	if alone {
		w.putPairs(c, oneDirection, n, cells, pairCount(cells, c.cfg.Symmetric), Matrix{Direction: c.axesOf(d), Slice: -1})
	}
	if c.listed() {
		c.cells[n] = append(c.cells[n][:0], cells...)
	}
}

// countPairs returns the entries of the matrix of the spans and adds it to sum
// unless that is nil.
func (w *worker) countPairs(c *Computer, spans []span, d direction, sum *pairTable) []cell {
	if c.sparse() {
		w.cells, w.keys = sortedPairs(w.cells[:0], w.keys, &c.field, spans, d.step, c.cfg.Symmetric)
		return w.cells
	}
	m, codes := &w.memory, c.field.r.codes()
	at := m.at
	w.pairs.one.reset(m, codes)
	w.pairs.one.count(&c.field, spans, d.step)
	if sum != nil {
		sum.add(&w.pairs.one)
	}
	cells := w.pairs.one.cells(m, c.cfg.Symmetric)
	m.release(at) // the table gives way to its entries
	kept := take[cell](m, len(cells))
	copy(kept, cells)
	return kept
}

// pairCount returns the number of pairs, each once.
func pairCount(cells []cell, symmetric bool) int {
	var n float64
	for _, c := range cells {
		n += c.n
		if symmetric && c.i == c.j {
			n -= c.n / 2
		}
	}
	return int(n)
}

// weigh multiplies the counts of a direction by its weight.
func weigh(cells []cell, weight float64) {
	if weight != 1 {
		for n := range cells {
			cells[n].n *= weight
		}
	}
}

// finishPairs computes the features of the sum over directions.
func (w *worker) finishPairs(c *Computer, k kind, planar bool) {
	t := &w.pairs.slices
	if !planar {
		if c.wants(GLCM, allSlices) && !c.listed() {
			w.pairs.volume.add(t)
		}
		t = &w.pairs.volume
	}
	if !c.listed() {
		defer w.memory.release(w.memory.at)
		cells := t.cells(&w.memory, c.cfg.Symmetric)
		w.putPairs(c, k, 0, cells, pairCount(cells, c.cfg.Symmetric), Matrix{Slice: -1})
		return
	}
	w.cells = w.cells[:0]
	entries := 0
	for n, d := range c.pairs {
		if planar && d.d[2] != 0 {
			break
		}
		entries += pairCount(c.cells[n], c.cfg.Symmetric)
		from := len(w.cells)
		w.cells = append(w.cells, c.cells[n]...)
		weigh(w.cells[from:], c.weight(GLCM, d))
	}
	w.cells = mergeCells(w.cells)
	w.putPairs(c, k, 0, w.cells, entries, Matrix{Slice: -1})
}

// pairSlice counts the pairs within slice k.
func (c *Computer) pairSlice(w *worker, k, _ int) {
	w.merged = w.merged[:0]
	entries, planar := 0, c.planar(GLCM)
	spans, at := c.field.slices(k, k+1), w.memory.at
	for n, d := range c.pairs[:planar] {
		cells := w.countPairs(c, spans, d, nil)
		if c.wants(GLCM, sliceDirection) {
			w.putPairs(c, sliceDirection, k*planar+n, cells, pairCount(cells, c.cfg.Symmetric), Matrix{Direction: c.axesOf(d), Slice: c.field.sliceIndex(k)})
		}
		if c.wants(GLCM, oneSlice) {
			entries += pairCount(cells, c.cfg.Symmetric)
			weigh(cells, c.weight(GLCM, d))
			w.merged = append(w.merged, cells...)
		}
		w.memory.release(at)
	}
	if c.wants(GLCM, oneSlice) {
		w.merged = mergeCells(w.merged)
		w.putPairs(c, oneSlice, k, w.merged, entries, Matrix{Slice: c.field.sliceIndex(k)})
	}
}

// putPairs computes the features of a co-occurrence matrix.
func (w *worker) putPairs(c *Computer, k kind, at int, cells []cell, entries int, as Matrix) {
	if len(cells) == 0 || entries == 0 {
		return
	}
	w.pairSums.summarise(&w.glcm, &w.memory, cells, c.cfg.Symmetric, c.field.r, c.cfg.MCC)
	evaluate(c, GLCM, k, at, entries, glcmFeatures, &w.glcm)
	if c.matrices != nil {
		c.keepPairs(as, cells)
	}
}

// runDirection counts the runs of direction n in all slices.
func (c *Computer) runDirection(w *worker, n, _ int) {
	d, r := c.steps[n], c.field.r
	defer w.memory.release(w.memory.at)
	t := &w.runs.one
	t.countRuns(&w.memory, &c.field, c.field.spans, d.step, r.count)
	if c.cfg.Convention == PyRadiomics && t.rows == 1 && !c.field.hasLine(d) {
		t.rows, t.n = 0, nil // the region is one voxel thick: PyRadiomics leaves the direction out
	}
	planar := d.d[2] == 0
	if c.wants(GLRLM, oneDirection) && (planar || slices.Contains(c.cfg.Aggregations, Averaged3D)) {
		w.putRuns(c, oneDirection, n, t, Matrix{Direction: c.axesOf(d), Slice: -1})
	}
	if c.cfg.Weighting != NoWeighting {
		c.runs[n].reset(r.codes())
		c.runs[n].add(t)
		return
	}
	if c.wants(GLRLM, volume) {
		w.runs.volume.add(t)
	}
	if planar && c.wants(GLRLM, allSlices) {
		w.runs.slices.add(t)
	}
}

// finishRuns computes the features of the sum over directions.
func (w *worker) finishRuns(c *Computer, k kind, planar bool) {
	if c.cfg.Weighting != NoWeighting {
		n := len(c.runs)
		if planar {
			n = 4
		}
		w.putWeighted(c, k, 0, c.runs[:n], Matrix{Slice: -1})
		return
	}
	t := &w.runs.volume
	if planar {
		t = &w.runs.slices
	}
	w.putRuns(c, k, 0, t, Matrix{Slice: -1})
}

// runSlice counts the runs within slice k.
func (c *Computer) runSlice(w *worker, k, _ int) {
	spans := c.field.slices(k, k+1)
	w.countLevels(&c.field, spans)
	var each [4]countTable
	sum := &each[0]
	for n, d := range c.steps[:4] {
		t, at := &w.runs.one, w.memory.at
		t.countRuns(&w.memory, &c.field, spans, d.step, w.levels)
		if c.wants(GLRLM, sliceDirection) {
			w.putRuns(c, sliceDirection, 4*k+n, t, Matrix{Direction: c.axesOf(d), Slice: c.field.sliceIndex(k)})
		}
		if c.wants(GLRLM, oneSlice) {
			if c.cfg.Weighting != NoWeighting {
				sum = &each[n]
			}
			if sum.width == 0 {
				sum.reset(c.field.r.codes())
			}
			sum.add(t)
		}
		w.memory.release(at)
	}
	if !c.wants(GLRLM, oneSlice) {
		return
	}
	if c.cfg.Weighting != NoWeighting {
		w.putWeighted(c, oneSlice, k, each[:], Matrix{Slice: c.field.sliceIndex(k)})
	} else {
		w.putRuns(c, oneSlice, k, sum, Matrix{Slice: c.field.sliceIndex(k)})
	}
}

// countLevels counts the voxels of each code in the spans.
func (w *worker) countLevels(f *field, spans []span) {
	w.levels = resize(w.levels, f.r.codes()+1)
	clear(w.levels)
	for _, s := range spans {
		for o := int(s.lo); o < int(s.hi); o++ {
			w.levels[f.code(o)]++
		}
	}
}

// putRuns computes the features of a run length matrix.
func (w *worker) putRuns(c *Computer, k kind, at int, t *countTable, as Matrix) {
	entries, voxels := 0, 0
	for j := 1; j <= t.rows; j++ {
		for _, n := range t.row(j) {
			entries += int(n)
			voxels += j * int(n)
		}
	}
	if entries == 0 {
		return
	}
	m := w.sums.table(&w.memory, t, c.field.r.value, float64(voxels))
	evaluate(c, GLRLM, k, at, entries, glrlmFeatures, m)
	if c.matrices != nil {
		c.keepCounts(GLRLM, as, t, voxels)
	}
}

// putWeighted computes the features of the weighted sum of run length matrices
// of the first directions.
func (w *worker) putWeighted(c *Computer, k kind, at int, each []countTable, as Matrix) {
	rows, entries := 0, 0
	for n := range each {
		rows = max(rows, each[n].rows)
		for _, x := range each[n].n {
			entries += int(x)
		}
	}
	if entries == 0 {
		return
	}
	width := c.field.r.codes() + 1
	w.floats = resize(w.floats, rows*width)
	clear(w.floats)
	for n := range each {
		weight := c.weight(GLRLM, c.steps[n])
		for x, count := range each[n].n {
			w.floats[x] += weight * float64(count)
		}
	}
	defer w.memory.release(w.memory.at)
	w.sums.begin(&w.memory, rows)
	var voxels float64
	for j := range rows {
		column(&w.sums, float64(j+1), w.floats[j*width:(j+1)*width])
	}
	for _, s := range w.sums.sizes {
		voxels += s.j * s.n
	}
	m := w.sums.finish(c.field.r.value, voxels)
	evaluate(c, GLRLM, k, at, entries, glrlmFeatures, m)
	if c.matrices != nil {
		c.keepFloats(as, w.floats, width)
	}
}

// beginJoining prepares for the jobs so far, which label zones in slabs.
func (c *Computer) beginJoining() {
	c.borders = c.borders[:0]
	for _, j := range c.jobs[1:] {
		c.borders = append(c.borders, j.a-1)
	}
	c.joining.Store(int32(len(c.jobs)))
	c.joined = nil
	if len(c.borders) > 0 {
		c.joined = make(chan struct{})
	}
}

// joinSlab labels the zones of slices a to b − 1. Who labels the last slab joins
// all of them.
func (c *Computer) joinSlab(_ *worker, a, b int) {
	c.zones.join(&c.field, a, b, c.steps, false)
	if c.joining.Add(-1) > 0 || c.joined == nil {
		return
	}
	for _, k := range c.borders {
		c.zones.stitch(&c.field, k, c.steps[4:])
	}
	close(c.joined)
}

// collectSlab counts the zones that begin in slices a to b − 1. It waits until
// the slabs are joined: jobs are taken in order, so somebody is at it.
func (c *Computer) collectSlab(w *worker, a, b int) {
	if c.joined != nil {
		<-c.joined
	}
	var sizes *zoneTable
	var distances *countTable
	if c.wants(GLSZM, volume) {
		sizes = &w.sizes.volume
	}
	if c.wants(GLDZM, volume) {
		distances = &w.distances.volume
	}
	c.zones.collect(&c.field, c.field.slices(a, b), sizes, distances)
}

// zoneSlice counts the zones within slice k.
func (c *Computer) zoneSlice(w *worker, k, _ int) {
	spans := c.field.slices(k, k+1)
	c.zones.join(&c.field, k, k+1, c.steps, true)
	codes := c.field.r.codes()
	w.sizes.one.reset(codes)
	w.distances.one.reset(codes)
	var sizes *zoneTable
	var distances *countTable
	if c.wants(GLSZM, oneSlice, allSlices) {
		sizes = &w.sizes.one
	}
	if c.wants(GLDZM, oneSlice, allSlices) {
		distances = &w.distances.one
	}
	c.zones.collect(&c.field, spans, sizes, distances)
	voxels := float64(voxelsOf(spans))
	if c.wants(GLSZM, oneSlice) {
		w.putZones(c, oneSlice, k, sizes, voxels)
	}
	if c.wants(GLDZM, oneSlice) {
		w.putCounts(c, GLDZM, oneSlice, k, distances, voxels)
	}
	w.sizes.slices.add(&w.sizes.one)
	w.distances.slices.add(&w.distances.one)
}

// voxelsOf returns the number of voxels in the spans.
func voxelsOf(spans []span) int {
	n := 0
	for _, s := range spans {
		n += int(s.hi - s.lo)
	}
	return n
}

// putZones computes the features of a zone size matrix.
func (w *worker) putZones(c *Computer, k kind, at int, t *zoneTable, voxels float64) {
	entries := 0
	for _, n := range t.small.n {
		entries += int(n)
	}
	for _, z := range t.large {
		entries += int(z.n)
	}
	if entries == 0 {
		return
	}
	m := w.sums.zones(&w.memory, t, c.field.r.value, voxels)
	evaluate(c, GLSZM, k, at, entries, glszmFeatures, m)
	if c.matrices != nil {
		c.keepZones(c.sliceOf(k, at), t, int(voxels))
	}
}

// sliceOf returns a matrix with the slice of number at of kind k, or −1.
func (c *Computer) sliceOf(k kind, at int) Matrix {
	if k == oneSlice {
		return Matrix{Slice: c.field.sliceIndex(at)}
	}
	return Matrix{Slice: -1}
}

// putCounts computes the features of a matrix of distances or dependence counts.
func (w *worker) putCounts(c *Computer, f Family, k kind, at int, t *countTable, voxels float64) {
	entries := 0
	for _, n := range t.n {
		entries += int(n)
	}
	if entries == 0 {
		return
	}
	m := w.sums.table(&w.memory, t, c.field.r.value, voxels)
	rows := ngldmFeatures
	if f == GLDZM {
		rows = gldzmFeatures
	}
	evaluate(c, f, k, at, entries, rows, m)
	if c.matrices != nil {
		c.keepCounts(f, c.sliceOf(k, at), t, int(voxels))
	}
}

func (c *Computer) ngldmSlab(w *worker, a, b int) {
	w.ngldm.volume.countDependence(&c.field, c.field.slices(a, b), c.offsets, c.alpha)
}

func (c *Computer) gldmSlab(w *worker, a, b int) {
	w.gldm.volume.countDependence(&c.field, c.field.slices(a, b), c.offsets, c.alpha)
}

func (c *Computer) ngldmSlice(w *worker, k, _ int) { c.dependenceSlice(w, NGLDM, &w.ngldm, k) }
func (c *Computer) gldmSlice(w *worker, k, _ int)  { c.dependenceSlice(w, GLDM, &w.gldm, k) }

// dependenceSlice counts the dependence within slice k.
func (c *Computer) dependenceSlice(w *worker, f Family, t *summed[countTable], k int) {
	spans := c.field.slices(k, k+1)
	defer w.memory.release(w.memory.at)
	t.one.resetDependence(&w.memory, &c.field, planarOnly(c.offsets), c.alpha)
	t.one.countDependence(&c.field, spans, planarOnly(c.offsets), c.alpha)
	if c.wants(f, oneSlice) {
		w.putCounts(c, f, oneSlice, k, &t.one, float64(voxelsOf(spans)))
	}
	t.slices.add(&t.one)
}

// neighbours returns the largest number of neighbours of the ngtdm.
func (c *Computer) neighbours(planar bool) int {
	if planar {
		return 2 * len(planarOnly(c.offsets))
	}
	return 2 * len(c.offsets)
}

// tonesDirect tells whether the ngtdm depends on the order of the voxels.
func (c *Computer) tonesDirect() bool {
	return directTones(c.field.r.codes(), c.neighbours(false))
}

// lanes tells whether sums of neighbours fit the lanes of a word.
func (c *Computer) lanes() bool {
	r := c.field.r
	return len(c.offsets) == 13 && r.narrow() && int(r.value[r.codes()]-r.value[1]) <= maxSpread
}

// toneSlab adds the differences of slices a to b − 1.
func (c *Computer) toneSlab(w *worker, a, b int) {
	if c.lanes() {
		w.tones.volume.countLanes(&w.memory, &c.field, a, b, false)
	} else {
		w.tones.volume.countOffsets(&c.field, c.field.slices(a, b), c.offsets)
	}
}

// toneSlice adds the differences within slice k.
func (c *Computer) toneSlice(w *worker, k, _ int) {
	defer w.memory.release(w.memory.at)
	t := &w.tones.one
	t.reset(&w.memory, c.field.r.codes(), c.neighbours(true))
	if c.lanes() {
		t.countLanes(&w.memory, &c.field, k, k+1, true)
	} else {
		t.countOffsets(&c.field, c.field.slices(k, k+1), planarOnly(c.offsets))
	}
	if c.wants(NGTDM, allSlices) {
		w.tones.slices.add(t)
	}
	if c.wants(NGTDM, oneSlice) {
		w.putTones(c, oneSlice, k, t)
	}
}

// putTones computes the features of a grey tone difference matrix.
func (w *worker) putTones(c *Computer, k kind, at int, t *toneTable) {
	n, s := t.finish(c.cfg.Convention == PyRadiomics)
	entries := 0
	for _, n := range n {
		entries += n
	}
	if entries == 0 {
		return
	}
	w.ngtdm.summarise(n, s, c.field.r.value)
	evaluate(c, NGTDM, k, at, entries, ngtdmFeatures, &w.ngtdm)
	if c.matrices != nil {
		c.keepTones(c.sliceOf(k, at), n, s)
	}
}
