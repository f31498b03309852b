package texture

import "unsafe"

// memory is scratch that the families use one after the other: a stack of
// words from which tables of any type are taken and which goes back to a mark
// when they are done with. In a small region it is these tables that need
// memory, not the voxels, and few of them are wanted at a time. The zero value
// is empty and grows.
type memory struct {
	blocks [][]uint64
	at     mark
	most   int // largest height, in words of all blocks
}

// mark is a height of the stack.
type mark struct{ block, top int }

// smallBlock is the least number of words by which memory grows.
const smallBlock = 128

// number is what holds no pointers and is thus safe to keep in words.
type number interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int | ~float64 | cell | cellOf
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
