package texture

import (
	"math/bits"
	"unsafe"
)

// memory is scratch that the families use one after the other: a stack of
// words from which tables of any type are taken and which goes back to a mark
// when they are done with. In a small region it is these tables that need
// memory, not the voxels, and few of them are wanted at a time. The zero value
// is empty and grows.
type memory struct {
	blocks [][]uint64
	at     mark
	most   int // words taken at a time, of the blocks in use
}

// mark is a height of the stack.
type mark struct{ block, top int }

// smallBlock is the least number of words by which memory grows.
const smallBlock = 128

// number is what holds no pointers and is thus safe to keep in words.
type number interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int | ~float64 | cell | span | cellOf
}

// wordsOf returns the words that n values take.
func wordsOf[T number](n int) int {
	var x T
	return (n*int(unsafe.Sizeof(x)) + 7) / 8
}

// reset empties the stack and makes it one block of so many words or more.
func (m *memory) reset(words int) {
	if len(m.blocks) != 1 || len(m.blocks[0]) < words {
		words = max(words, m.most)
		m.blocks = append(m.blocks[:0], nil)
		m.blocks[0] = make([]uint64, words)
	}
	m.at, m.most = mark{}, 0
}

// take returns n values, whatever they are.
func take[T number](m *memory, n int) []T {
	words := wordsOf[T](n)
	if words == 0 {
		return nil
	}
	m.ensure(words)
	from := &m.blocks[m.at.block][m.at.top]
	m.at.top += words
	m.note()
	return unsafe.Slice((*T)(unsafe.Pointer(from)), n)
}

// ensure goes to a block in which so many words are left.
func (m *memory) ensure(words int) {
	for m.at.block < len(m.blocks) && m.at.top+words > len(m.blocks[m.at.block]) {
		m.at = mark{m.at.block + 1, 0}
	}
	if m.at.block == len(m.blocks) {
		m.blocks = append(m.blocks, make([]uint64, max(words, smallBlock)))
	}
}

// zeros returns n values that are zero.
func zeros[T number](m *memory, n int) []T {
	s := take[T](m, n)
	clear(s)
	return s
}

// extend returns s with n values, those after s undefined: in place if nothing
// was taken since.
func extend[T number](m *memory, s []T, n int) []T {
	had, need := wordsOf[T](len(s)), wordsOf[T](n)
	if m.at.block < len(m.blocks) && had > 0 {
		block, from := m.blocks[m.at.block], m.at.top-had
		if from >= 0 && from+need <= len(block) && unsafe.Pointer(&block[from]) == unsafe.Pointer(&s[0]) {
			m.at.top = from + need
			m.note()
			return unsafe.Slice(&s[0], n)
		}
	}
	if had > 0 { // it will not be the last time
		m.ensure(need + need/2)
	}
	t := take[T](m, n)
	copy(t, s)
	return t
}

// release gives back what was taken since the mark.
func (m *memory) release(to mark) { m.at = to }

// note keeps the largest height.
func (m *memory) note() {
	words := m.at.top
	for _, b := range m.blocks[:m.at.block] {
		words += len(b)
	}
	m.most = max(m.most, words)
}

// powerOfTwo returns the smallest power of two that is at least n.
func powerOfTwo(n int) int { return 1 << bits.Len(uint(n-1)) }

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
