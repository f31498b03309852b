package texture

// reserve gives the workers memory for the region.
func (c *Computer) reserve(workers int) {
	for n, w := range c.work[:workers] {
		words := 0
		if workers > 1 {
			words = c.wordsForSums(n == 0) + c.wordsForJobs()
		} else {
			for _, c.now = range c.phases {
				words = max(words, c.wordsForSums(true)+c.wordsForJobs())
			}
			c.now = allFamilies
		}
		w.memory.reset(words)
	}
}

// wordsForSums returns what the present families keep until their jobs are
// done, with what one worker keeps for all.
func (c *Computer) wordsForSums(forAll bool) (words int) {
	f := &c.field
	levels := len(f.r.value)
	if forAll {
		wide := 1
		if f.places() > narrowPlaces {
			wide = 2
		}
		for fam := range families {
			for k, b := range c.banks[fam] {
				if c.wants(fam, kind(k)) {
					words += c.matricesOf(fam, kind(k)) * (b.features + 1)
				}
			}
		}
		if c.wants(GLSZM, oneSlice, allSlices, volume) || c.wants(GLDZM, oneSlice, allSlices, volume) {
			words += wide * wordsOf[uint16](f.places())
		}
		if c.wants(GLDZM, oneSlice, allSlices, volume) {
			words += wide * wordsOf[uint8](f.places())
		}
	}
	for _, fam := range [...]Family{GLSZM, GLDZM} {
		if c.wants(fam, volume) {
			words += wordsOf[uint32](usualRows * levels)
		}
	}
	if c.counting() {
		words += 3 * levels
	}
	for _, k := range [...]kind{allSlices, volume} {
		if c.wants(GLCM, k) && !c.listed() {
			words += wordsOf[uint32](tableWidth(levels-1) * tableWidth(levels-1))
		}
		if c.wants(NGTDM, k) {
			words += levels * (c.neighbours(k == allSlices) + 4)
		}
	}
	for _, fam := range [...]Family{NGLDM, GLDM} {
		if c.wants(fam, volume) && f.dependsInWords(c.offsets, c.alpha) {
			words += wordsOf[uint32](levels * (2*len(c.offsets) + 1))
		}
	}
	return words
}

// wordsForJobs returns what the greediest job of the present families takes.
func (c *Computer) wordsForJobs() (words int) {
	f := &c.field
	levels := len(f.r.value)
	if c.wants(GLCM, sliceDirection, oneSlice, oneDirection, allSlices, volume) {
		spread := int(f.r.value[levels-1]-f.r.value[1]) + 1
		words = 2*levels + 3*spread
		if c.cfg.MCC && levels <= maxDense {
			words = max(words, triangle(levels-1)+5*levels+levels/4+1)
		}
		if !c.sparse() {
			cells := wordsOf[cell](min(triangle(levels-1), usualCells(f.r.Voxels)))
			words = cells + max(wordsOf[uint32](tableWidth(levels-1)*tableWidth(levels-1)), words)
		}
	}
	if c.wants(GLRLM, sliceDirection, oneSlice, oneDirection, allSlices, volume) {
		words = max(words, wordsOf[uint16](powerOfTwo(f.step[2]+f.step[1]+1))+wordsOf[uint32](usualRows*levels))
	}
	if c.wants(NGTDM, oneSlice, allSlices, volume) && c.lanes() {
		words = max(words, 64+laneWords(f)*(4*f.size[1]+3))
	}
	return words
}

// usualCells returns the entries of a matrix of pairs that are reckoned with
// beforehand: between neighbours that know nothing of each other.
func usualCells(pairs int) int { return pairs * 2 / 7 }

// usualRows is the longest run, largest zone and largest distance that are
// reckoned with beforehand.
const usualRows = 6
